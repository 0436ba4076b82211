//! Where a sleeper is put: a futex natively, a condition variable in the model.

use super::deadline::Deadline;
use crate::sync::BellWord;

/// Why a sleeper is awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Something may have happened: look.
    Look,
    /// The time is over.
    TimedOut,
    /// The memory under the word is gone.
    Lost,
}

/// Sleeps while `word` is `expected`, at most until the deadline; may come back early.
#[cfg(not(loom))]
pub(crate) fn park(word: &BellWord, expected: u32, deadline: Deadline) -> Woken {
    use crate::sys::futex;
    match futex::wait(word, expected, deadline.ns()) {
        futex::Woken::Look => Woken::Look,
        futex::Woken::TimedOut => Woken::TimedOut,
        futex::Woken::Lost => Woken::Lost,
    }
}

/// Wakes whoever sleeps on `word`.
#[cfg(not(loom))]
pub(crate) fn unpark(word: &BellWord) {
    crate::sys::futex::wake(word);
}

/// In the model there is no time: a wake that is lost is a deadlock, which loom reports.
#[cfg(loom)]
pub(crate) fn park(word: &BellWord, expected: u32, _deadline: Deadline) -> Woken {
    word.sleep_while(expected);
    Woken::Look
}

/// Wakes whoever sleeps on `word`.
#[cfg(loom)]
pub(crate) fn unpark(word: &BellWord) {
    word.wake();
}
