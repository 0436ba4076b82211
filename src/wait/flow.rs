//! When a receiver that has run out of messages had better stay away from the ring for a moment.
//!
//! A receiver that is faster than its sender is always right behind it: it takes the line that the sender is about to
//! write to, and each message then costs a transfer of that line there and back. If it lets the sender get a few frames
//! ahead, it finds whole frames, and the two leave each other alone. But a message must not wait for others that do not
//! come. So a receiver *lingers* only while messages come in runs, for a microsecond or a few at most, and seldom where the
//! sender did not get so far in that time: each time it was in vain, it is refused twice as often before the next.
//!
//! Source: the cushion of fastqueue2, and the backtracking of B-Queue (Wang, Zhang, Tang, Hua 2013), which both keep a
//! consumer behind its producer; here it polls the word of a frame that the sender has yet to reach, which disturbs nobody.

/// Fewer messages than this since the last wait are a conversation, not a flow.
const RUN: u64 = 4;
/// In vain so often, it is refused at most this many times before the next.
const REFUSALS_MAX: u32 = 255;

/// What a receiver remembers of the last times it waited.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// The position at the last wait.
    position: u64,
    refusals: u32,
    penalty: u32,
}

impl Flow {
    /// Nothing is there behind `position`: whether to linger before looking again.
    pub(crate) fn has_run_dry(&mut self, position: u64) -> bool {
        let run = position.wrapping_sub(self.position);
        self.position = position;
        if run < RUN {
            return false;
        }
        if self.refusals > 0 {
            self.refusals -= 1;
            return false;
        }
        true
    }

    /// After lingering: whether the sender got as far as it was given time for.
    pub(crate) fn has_lingered(&mut self, was_of_use: bool) {
        self.penalty = if was_of_use { 0 } else { (2 * self.penalty + 1).min(REFUSALS_MAX) };
        self.refusals = self.penalty;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// How often a receiver lingers that gets `run` messages between its waits.
    fn lingers(run: u64, waits: u64, is_of_use: bool) -> u64 {
        let mut flow = Flow::default();
        let mut lingers = 0;
        for wait in 1..=waits {
            if flow.has_run_dry(wait * run) {
                flow.has_lingered(is_of_use);
                lingers += 1;
            }
        }
        lingers
    }

    #[test]
    fn in_a_conversation_nobody_lingers() {
        for run in 0..RUN {
            assert_eq!(lingers(run, 1000, true), 0);
        }
    }

    #[test]
    fn in_a_flow_everybody_does() {
        assert_eq!(lingers(RUN, 1000, true), 1000);
    }

    #[test]
    fn what_is_in_vain_is_done_ever_more_seldom() {
        for run in [RUN, 100] {
            let often = lingers(run, 10_000, false);
            assert!((8..=10_000 / u64::from(REFUSALS_MAX) + 8).contains(&often), "{often} of 10 000");
        }
    }

    #[test]
    fn a_flow_that_comes_back_is_noticed() {
        let mut flow = Flow::default();
        let (mut position, mut lingers) = (0, 0);
        for wait in 0..11_000 {
            position += RUN;
            if flow.has_run_dry(position) {
                flow.has_lingered(wait >= 10_000);
                lingers += u64::from(wait >= 10_000);
            }
        }
        assert!(lingers > 700, "{lingers} of 1000");
    }
}
