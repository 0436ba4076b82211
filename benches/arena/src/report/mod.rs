//! What is said of a run.

pub mod about;
#[cfg(test)]
mod example;
pub mod json;
mod lost;
pub mod markdown;
pub mod plot;
mod readme;
pub mod table;
pub mod verdicts;
mod weather;

pub use weather::Weather;

use crate::args::WorkKind;
use crate::contestant::{Ends, Waiting};
use crate::sheet::{Row, Sheet};

/// ringway as it waits by default, spinning, and sleeping.
pub const DEFAULT: &str = "ringway";
/// Default waiting, laid out for batches.
pub const TABLE: &str = "ringway, table";
/// As [`DEFAULT`].
pub const SPINNING: &str = "ringway, spinning";
/// As [`DEFAULT`].
pub const SLEEPING: &str = "ringway, sleeping";

/// How the name of a row ends that is measured beside idle members.
pub const IDLE: &str = ", 60 idle";

/// Whom a row is compared with: who was named; else ringway, in round trips the one that waits as the row
/// does; beside idle members the same without.
pub fn baseline<'a>(sheet: &'a Sheet, row: &Row, named: Option<&str>) -> Option<&'a Row> {
    if named.is_none() && sheet.cell.work == WorkKind::Members {
        // With idle members by without.
        return sheet.row(row.card.name.trim_end_matches(IDLE));
    }
    let name = match (named, sheet.cell.is_trips(), row.card.waiting) {
        (Some(name), ..) => name,
        (None, true, Waiting::Spins) => SPINNING,
        (None, true, Waiting::Sleeps) => SLEEPING,
        _ => DEFAULT,
    };
    sheet.row(name)
}

/// In tables.
pub fn ends(ends: Ends) -> &'static str {
    match ends {
        Ends::Processes => "processes",
        Ends::Threads => "threads",
    }
}

/// In tables.
pub fn waiting(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::Spins => "spins",
        Waiting::Default => "default",
        Waiting::Sleeps => "sleeps",
    }
}

/// A figure in as many digits as tell something.
pub fn figure(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
