//! What became of a mutant, and the file in which that is kept.

use std::collections::BTreeMap;
use std::path::Path;

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Caught {
        layer: String,
        test: String,
        /// What the test takes when all is well, in seconds.
        seconds: f64,
        /// What it said.
        said: String,
    },
    /// No test fails: with the reason, once somebody has found one.
    Survives(String),
    /// It is no program.
    DoesNotCompile,
}

/// What stands where there is no reason yet: not all tests were asked, or nobody has thought about it.
pub(crate) const NO_REASON: &str = "open";

/// Verdicts by the names of the mutants.
pub(crate) type Verdicts = BTreeMap<String, Verdict>;

/// Reads the file: a line for each mutant, its fields behind tabs.
pub(crate) fn read(path: &Path) -> Result<Verdicts, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let verdict = match fields[1..] {
                ["caught", layer, test, seconds, said] => Verdict::Caught {
                    layer: layer.to_owned(),
                    test: test.to_owned(),
                    seconds: seconds.parse().map_err(|_| format!("{line}: no seconds"))?,
                    said: said.to_owned(),
                },
                ["survives", reason] => Verdict::Survives(reason.to_owned()),
                ["does not compile"] => Verdict::DoesNotCompile,
                _ => return Err(format!("{}: not understood: {line}", path.display())),
            };
            Ok((fields[0].to_owned(), verdict))
        })
        .collect()
}

const HEAD: &str = "\
# What catches each mutant, or why none does: see ../MUTANTS.md. Written by `cargo run --release -- --bless`; reasons are kept.
# mutant | caught | layer | test | seconds without a mutant | what it said
# mutant | survives | reason; `open`: nobody has found one yet, and perhaps not all tests were asked
";

pub(crate) fn write(path: &Path, verdicts: &Verdicts) -> Result<(), String> {
    let mut text = HEAD.to_owned();
    for (id, verdict) in verdicts {
        text += &format!("{id}\t{}\n", fields(verdict));
    }
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

pub(crate) fn fields(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Caught { layer, test, seconds, said } => {
            format!("caught\t{layer}\t{test}\t{seconds:.2}\t{}", said.replace('\t', " "))
        }
        Verdict::Survives(reason) => format!("survives\t{reason}"),
        Verdict::DoesNotCompile => "does not compile".to_owned(),
    }
}
