//! What ringway is meant to reach with messages that are written and read in place.

use super::{Claim, Goal, Verdict, find};
use crate::args::WorkKind;
use crate::report::DEFAULT;
use crate::sheet::Sheet;

/// Bytes of the message that the target is about.
const LARGE: usize = 1 << 20;
/// Of the best of iceoryx2's ways.
const OF_LOANS: f64 = 1.0;

/// All targets.
pub fn all(sheets: &[Sheet]) -> Vec<Verdict> {
    let claim = Claim {
        target: format!("messages of 1 MiB written and read in place: ringway >= {OF_LOANS} x iceoryx2's"),
        sheet: find(sheets, |cell| (cell.work, cell.bytes) == (WorkKind::Loans, LARGE) && !cell.is_trips()),
        metric: 0,
        ours: DEFAULT,
        goal: Goal::AtLeast(OF_LOANS),
    };
    vec![claim.best(|row| row.card.name.starts_with("iceoryx2"))]
}
