//! The counts that were committed, and what is more than they were.
//!
//! A file of lines: `#` begins a comment; `key: value` in a comment says where the counts come from; else a number, two
//! or more spaces, and the operation that it belongs to.

use std::fmt::Write;

/// What is more than the baseline by so many instructions, or by such a part of it, is said loudly.
const MORE_INSTRUCTIONS: f64 = 2.0;
const MORE_PART: f64 = 0.03;

/// Where counts come from: they are the compiler's as much as the code's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// As `rustc --version` prints it.
    pub(crate) rustc: String,
    /// The machine compiled for.
    pub(crate) target: String,
}

/// Counts with their origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Counts {
    /// Where they come from.
    pub(crate) origin: Origin,
    /// Instructions a message, by operation.
    pub(crate) rows: Vec<(String, f64)>,
}

/// How a count stands to the baseline's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Difference {
    /// The baseline does not know the operation.
    New,
    /// By so many instructions other, or none: not worth a word.
    Same(f64),
    /// Loudly more.
    More(f64),
    /// As clearly less.
    Less(f64),
}

impl Counts {
    /// Reads what [`print`](Self::print) has written.
    ///
    /// # Errors
    ///
    /// Which line is none, or what is missing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let key = |key: &str| {
            let mut lines =
                text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "));
            lines.next().map(str::to_owned).ok_or_else(|| format!("it does not say its {key}"))
        };
        let origin = Origin { rustc: key("rustc")?, target: key("target")? };
        let mut rows = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty())
        {
            let (number, name) = line.trim_start().split_once("  ").unwrap_or((line, ""));
            let count: f64 = number.parse().ok().filter(|count: &f64| count.is_finite()).unwrap_or(-1.0);
            if count < 0.0 || name.trim().is_empty() {
                return Err(format!("line {} is no count and operation: {line}", at + 1));
            }
            rows.push((name.trim().to_owned(), count));
        }
        Ok(Self { origin, rows })
    }

    /// As the file is kept.
    pub(crate) fn print(&self) -> String {
        let mut text = format!(
            "# Instructions a message, counted by `cargo bench --bench instructions`; `-- --bless` writes this file.\n\
             # rustc: {}\n# target: {}\n",
            self.origin.rustc, self.origin.target
        );
        for (name, count) in &self.rows {
            let _ = writeln!(text, "{count:10.2}  {name}");
        }
        text
    }

    /// The count of this operation.
    pub(crate) fn of(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|(row, _)| row == name).map(|(_, count)| *count)
    }
}

/// How `count` stands to the baseline's, which has two digits after the point.
pub(crate) fn difference(count: f64, baseline: Option<f64>) -> Difference {
    let Some(baseline) = baseline else { return Difference::New };
    // As in the file; and no -0.
    let more = ((count - baseline) * 100.0).round() / 100.0 + 0.0;
    let much = MORE_INSTRUCTIONS.min(baseline * MORE_PART).max(0.01);
    if more > much {
        Difference::More(more)
    } else if -more > much {
        Difference::Less(more)
    } else {
        Difference::Same(more)
    }
}
