//! What ringway is meant to reach with messages that are written and read in place.

use super::{Claim, Goal, Verdict, find, goals};
use crate::args::WorkKind;
use crate::contestants::loans::ONE_TO_ONE;
use crate::report::DEFAULT;
use crate::sheet::Sheet;

/// Bytes of the message that the target is about.
const LARGE: usize = 1 << 20;
/// Of the best of iceoryx2's ways.
const OF_LOANS: f64 = 1.0;

/// All targets.
pub fn all(sheets: &[Sheet]) -> Vec<Verdict> {
    let sheet = |is_trips| {
        find(sheets, move |cell| (cell.work, cell.bytes) == (WorkKind::Loans, LARGE) && cell.is_trips() == is_trips)
    };
    let one_way = [(DEFAULT, "ringway"), (ONE_TO_ONE, "ringway, one to one,")].map(|(ours, name)| Claim {
        target: format!("messages of 1 MiB written and read in place: {name} >= {OF_LOANS} x iceoryx2's"),
        sheet: sheet(false),
        metric: 0,
        ours,
        goal: Goal::AtLeast(OF_LOANS),
    });
    let there_and_back = Claim {
        target: format!(
            "round trip of 1 MiB in place, hardly touched: ringway, one to one, <= {OF_LOANS} x iceoryx2's"
        ),
        sheet: sheet(true),
        metric: 0,
        ours: ONE_TO_ONE,
        goal: Goal::AtMost(OF_LOANS),
    };
    let all = one_way.into_iter().chain([there_and_back]);
    all.map(|claim| claim.best(|row| row.card.name.starts_with("iceoryx2")).toward(goals::LARGE)).collect()
}
