//! The loop of every blocking call: poll, look, sleep, and ask now and then who is alive.

use super::bell::Sleeper;
use super::deadline::Deadline;
use super::parker::Woken;
use super::strategy::WaitStrategy;
use crate::sync::{IS_USERS_MODEL, backoff};
use crate::sys::clock;
use std::time::Duration;

/// How many polls go by between two readings of the clock while spinning.
const POLLS_PER_TIME: u32 = 32;
/// How much time goes by between two looks while spinning. A look may take the other end's own line away from it; a
/// sender that looked at the exact head on each poll would send one message for each that is received, and one line for
/// each, at a third of the rate.
const LOOK_EVERY_NS: u64 = 20_000;

/// Something that is waited for: room, a message, a peer.
pub(crate) trait Awaited {
    /// What ends the waiting.
    type Outcome;

    /// A cheap look that may miss something, and that takes nothing away from the other end.
    fn poll(&mut self) -> Option<Self::Outcome>;

    /// A look that misses nothing that was published before the last fence.
    fn look(&mut self) -> Option<Self::Outcome>;

    /// Asks whether the peer is still alive, and whatever else is not told by words; `now` whether it must ask.
    fn probe(&mut self, now: bool) -> Option<Self::Outcome>;

    /// Sleeps for at most a slice unless `look` finds something; the words are the implementor's.
    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken>;

    /// Whether what it was woken for is there, and no use to it: then it is to go on to others at once.
    fn passes_on(&self) -> bool {
        false
    }

    /// Nobody waits any more.
    fn disarm(&mut self);

    /// The memory is gone.
    fn lost(&mut self) -> Self::Outcome;
}

/// The time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedOut;

/// Waits until there is an outcome or the deadline has come. With a deadline that is over it looks once, and asks.
///
/// *Progress*: may sleep, one `futex` wait a slice; a probe (one `fcntl`) after each.
pub(crate) fn wait<A: Awaited>(
    awaited: &mut A,
    strategy: WaitStrategy,
    slice: Duration,
    deadline: Deadline,
) -> Result<A::Outcome, TimedOut> {
    if IS_USERS_MODEL && !deadline.is_over() {
        return wait_in_a_model(awaited, deadline);
    }
    if let Some(outcome) = awaited.poll() {
        return Ok(outcome);
    }
    // Zero is one try.
    if !deadline.is_over() {
        if let Some(outcome) = spin(awaited, strategy, slice, deadline) {
            return Ok(outcome);
        }
    }
    if let Some(outcome) = awaited.look().or_else(|| awaited.probe(false)) {
        return Ok(outcome);
    }
    if deadline.is_over() {
        return Err(TimedOut);
    }
    loop {
        let woken = match awaited.sleep(deadline) {
            Ok(outcome) => return Ok(outcome),
            Err(woken) => woken,
        };
        let outcome = match woken {
            Woken::Lost => Some(awaited.lost()),
            // It asks not only after a whole slice: a process with a timer signal every 10 ms never sleeps that long.
            Woken::Look => {
                let found = awaited.look().or_else(|| poll_in_turns(awaited, strategy, deadline));
                found.or_else(|| awaited.probe(false))
            }
            Woken::TimedOut => awaited.look().or_else(|| awaited.probe(true)),
        };
        if let Some(outcome) = outcome {
            awaited.disarm();
            return Ok(outcome);
        }
        if deadline.is_over() {
            awaited.disarm();
            return Err(TimedOut);
        }
    }
}

/// Nobody dies in a model and no time goes by, so one look is all that is needed before each sleep: the sleep's own.
fn wait_in_a_model<A: Awaited>(awaited: &mut A, deadline: Deadline) -> Result<A::Outcome, TimedOut> {
    loop {
        if let Ok(outcome) = awaited.sleep(deadline) {
            return Ok(outcome);
        }
    }
}

/// Polls for the strategy's budget. `None`: it is used up, and it is time to look and to sleep.
fn spin<A: Awaited>(
    awaited: &mut A,
    strategy: WaitStrategy,
    slice: Duration,
    deadline: Deadline,
) -> Option<A::Outcome> {
    let budget = strategy.spin();
    if budget == Some(Duration::ZERO) {
        return None;
    }
    // What comes soon is found before the clock is read.
    for _ in 0..POLLS_PER_TIME {
        if let Some(outcome) = awaited.poll() {
            return Some(outcome);
        }
        backoff::pause();
    }
    let end = budget.map_or(Deadline::NEVER, Deadline::after);
    let slice = u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX);
    let start = clock::now_ns();
    let (mut look_at, mut probe_at) = (start.saturating_add(LOOK_EVERY_NS), start.saturating_add(slice));
    loop {
        for _ in 0..POLLS_PER_TIME {
            if let Some(outcome) = awaited.poll() {
                return Some(outcome);
            }
            backoff::pause();
        }
        if end.is_over() || deadline.is_over() {
            return None;
        }
        let now = clock::now_ns();
        if now >= look_at {
            if let Some(outcome) = awaited.look() {
                return Some(outcome);
            }
            look_at = now.saturating_add(LOOK_EVERY_NS);
        }
        if now >= probe_at {
            if let Some(outcome) = awaited.probe(true) {
                return Some(outcome);
            }
            probe_at = now.saturating_add(slice);
        }
    }
}

/// Polls once more for the strategy's budget, and gives way before each: for somebody who was woken and found that another was faster.
///
/// Then others are at work, and the next message is soon there, or room for it. Who lay down at once would be woken for it, in vain
/// again: a system call of theirs each time, and two switches where they share a processor with it; and a processor that has nothing
/// else to do falls asleep, from which it needs longer to wake than others need to take what there is. (Two senders and two
/// receivers on two processors: `benches/NOTES.md`.) On the list of sleepers it is not meanwhile, so nobody is to wake it.
pub(super) fn poll_in_turns<A: Awaited>(
    awaited: &mut A,
    strategy: WaitStrategy,
    deadline: Deadline,
) -> Option<A::Outcome> {
    if awaited.passes_on() {
        return None;
    }
    let end = strategy.spin().filter(|budget| !budget.is_zero()).map(Deadline::after)?;
    loop {
        backoff::give_way();
        let found = awaited.poll();
        if found.is_some() || end.is_over() || deadline.is_over() {
            return found;
        }
    }
}

/// One sleep on a bell, at most a slice long.
pub(crate) fn sleep_on<R>(
    sleeper: Sleeper<'_>,
    deadline: Deadline,
    slice: Duration,
    look: impl FnOnce() -> Option<R>,
) -> Result<R, Woken> {
    sleeper.sleep(deadline.within(slice), look)
}
