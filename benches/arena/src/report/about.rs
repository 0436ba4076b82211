//! What stands over all sheets: where, when, of what and how a run was made.

use super::Weather;
use crate::machine::{Busy, Machine};
use crate::sheet::Sheet;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// A run, but for its figures.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// The machine.
    pub machine: Machine,
    /// Who else used it.
    pub busy: Busy,
    /// How far apart the processors were.
    pub weather: Weather,
    /// Sender's and receiver's processor.
    pub cpus: [usize; 2],
    /// How many rounds: in the cell that had the fewest, and the most.
    pub rounds: [usize; 2],
    /// How long a turn was to take: the shortest and the longest.
    pub turn_ms: [u64; 2],
    /// Whom all are compared with, if somebody was named.
    pub baseline: Option<String>,
    /// Of what, and of what day, and by which words.
    pub made: Made,
}

/// Of what, when and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// The commit; with ", changed since" where the files are not as they are there.
    pub commit: String,
    /// When the run began.
    pub date: String,
    /// As it was called.
    pub command: String,
}

impl Made {
    /// Now.
    pub fn now() -> Self {
        let args = std::env::args().skip(1).map(|arg| quoted(&arg));
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            commit: commit(Path::new(env!("CARGO_MANIFEST_DIR"))),
            date: date(seconds),
            command: std::iter::once("arena".to_owned()).chain(args).collect::<Vec<_>>().join(" "),
        }
    }
}

/// The fewest and the most rounds of a cell.
pub fn rounds(sheets: &[Sheet]) -> [usize; 2] {
    let each = sheets.iter().filter_map(|sheet| sheet.rows.iter().map(|row| row.turns.len()).max());
    [each.clone().min().unwrap_or(0), each.max().unwrap_or(0)]
}

/// `15`, or `9 to 15`.
pub fn span<T: PartialEq + std::fmt::Display>([least, most]: &[T; 2]) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// As a shell would read it.
fn quoted(arg: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./,:@%".contains(c);
    if !arg.is_empty() && arg.chars().all(is_plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

/// The commit of this tree, if git knows one.
fn commit(tree: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(tree).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(hash) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changed) if changed.is_empty() => hash,
        _ => format!("{hash}, changed since"),
    }
}

/// Seconds since 1970 as a day and a minute, UTC. Days are counted from 1 March of the year 0, in eras of 400 years, so that
/// the leap day is the last of its year (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_based = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_based + 2) / 5 + 1;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", seconds / 3600 % 24, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days as `date -u -d @SECONDS` says them.
    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_735_689_599), "2024-12-31 23:59 UTC");
        assert_eq!(date(4_107_542_400), "2100-03-01 00:00 UTC");
    }

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(
            ["--only", "ringway, table", "it's", ""].map(quoted),
            ["--only", "'ringway, table'", r"'it'\''s'", "''"]
        );
    }

    #[test]
    fn where_git_knows_nothing_the_commit_is_unknown() {
        assert_eq!(commit(Path::new("/proc")), "unknown");
    }
}
