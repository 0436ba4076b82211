//! What all the speed was for: goals, of which some verdicts are the parts.

use super::Verdict;

pub const ROUND_TRIP: &str = "Round trips: spinning at most 1.05 x the bare atomics and behind no peer; default waiting at most \
                              1.10 x spinning; always asleep at most 1.05 x the bare futex and behind nothing of the kernel's";
pub const ONE_WAY: &str = "One way: 8 bytes at least 2.5 x the best peer one at a time, at least 1.5 x in batches of 64 at equal \
                           capacity; 64 and 1024 bytes at least 1.2 x (aim: 1.5)";
pub const MANY: &str = "Many to many, 1 to 1, 2 to 2 and 4 to 4 with default waiting: at least 1.2 x the best other, threads \
                        included (aim: 1.5)";
pub const LARGE: &str =
    "1 MiB: copied at least 0.97 x the best bare pipeline and ahead of every peer; loans ahead of iceoryx2's";
pub const ATTACHED: &str = "Attached: in less than 1 ms; a default channel of 1024 x 8 bytes has at most 80 KiB; rates and \
                            latencies are the same beside 60 idle members";

/// In order.
const ALL: [&str; 5] = [ROUND_TRIP, ONE_WAY, MANY, LARGE, ATTACHED];

/// Whether a goal is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All of its parts are reached.
    Met,
    /// Some part is not.
    NotMet,
    /// Of its parts all that were measured are reached, and some were not measured.
    Unsettled,
    /// None of its parts was measured.
    NotMeasured,
}

impl State {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "NOT MET",
            Self::Unsettled => "met as far as measured",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A goal with its parts.
#[derive(Debug)]
pub struct Goals<'a> {
    /// What is to be how.
    pub title: &'static str,
    /// The parts.
    pub parts: Vec<&'a Verdict>,
}

impl<'a> Goals<'a> {
    /// All goals, with those of these verdicts that are parts of them.
    pub fn of(verdicts: &'a [Verdict]) -> Vec<Self> {
        let parts = |title| verdicts.iter().filter(|it| it.goal == Some(title)).collect();
        ALL.map(|title| Self { title, parts: parts(title) }).into()
    }

    /// Whether it is met.
    pub fn state(&self) -> State {
        let reached = |how| self.parts.iter().any(|part| part.reached == how);
        match (reached(Some(false)), reached(Some(true)), reached(None)) {
            (true, ..) => State::NotMet,
            (_, true, false) => State::Met,
            (_, true, true) => State::Unsettled,
            _ => State::NotMeasured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{example, verdicts};
    use crate::sheet::Sheet;
    use std::slice::from_ref;

    fn states(sheets: &[Sheet]) -> Vec<State> {
        Goals::of(&verdicts::all(sheets)).iter().map(Goals::state).collect()
    }

    /// The example reaches all that it measures; whoever becomes slow in a cell fails the parts that are about it.
    #[test]
    fn each_goal_is_met_or_not() {
        let (_, mut sheets) = example::run();
        let has_attached = sheets.iter().any(|sheet| sheet.cell.slug().starts_with("attach-"));
        let attached = if has_attached { State::Met } else { State::NotMeasured };
        assert_eq!(states(&sheets), [State::Met, State::Met, State::Met, State::Met, attached]);
        let verdicts = verdicts::all(&sheets);
        for part in verdicts.iter().filter(|it| it.goal.is_some()) {
            let Some(cell) = part.cell.as_deref() else { continue };
            let sheet = sheets.iter_mut().find(|sheet| sheet.cell.slug() == cell).expect("its cell");
            example::slow_down(sheet, &part.ours, 1024.0);
            let slow = verdicts::all(from_ref(sheet));
            let same = slow.iter().find(|it| it.target == part.target).expect("the same part");
            assert_eq!(same.reached, Some(false), "{}", part.target);
            let goal = Goals::of(&slow).into_iter().find(|it| Some(it.title) == part.goal).expect("its goal");
            assert_eq!(goal.state(), State::NotMet, "{}", part.target);
            example::slow_down(sheet, &part.ours, 1.0 / 1024.0);
        }
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_not() {
        let (_, mut sheets) = example::run();
        sheets.retain(|sheet| sheet.cell.slug() != "loans-1048576" && !sheet.cell.slug().starts_with("many"));
        let states = states(&sheets);
        assert_eq!((states[2], states[3], states[0]), (State::NotMeasured, State::Unsettled, State::Met));
    }
}
