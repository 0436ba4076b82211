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

/// Sleeps where nobody wakes anybody, until the deadline; then it is time to look.
pub(crate) fn nap(deadline: Deadline) -> Woken {
    match park(&BellWord::default(), 0, deadline) {
        Woken::TimedOut => Woken::Look,
        woken => woken,
    }
}

/// Wakes whoever sleeps on `word`.
pub(crate) fn unpark(word: &BellWord) {
    unpark_some(word, usize::MAX);
}

/// Wakes those who sleep on `word`, so many at most; how many those were.
pub(crate) fn unpark_some(word: &BellWord, most: usize) -> usize {
    #[cfg(not(loom))]
    return crate::sys::futex::wake(word, most);
    #[cfg(loom)]
    word.wake(most)
}

/// In the model no time goes by, and nobody dies. So a sleep that only death or a caller's patience would end, anything
/// longer than a millisecond, ends by a wake or never: a wake that is lost is a deadlock, which loom reports. The short
/// sleeps are those of an end that the other may not hear; nothing is promised to wake them but their end, and that may
/// come before anything else happens: they are a turn for the other threads.
#[cfg(loom)]
pub(crate) fn park(word: &BellWord, expected: u32, deadline: Deadline) -> Woken {
    const SHORT_NS: u64 = 1_000_000;
    if deadline.ns().is_some_and(|ns| ns <= crate::sys::clock::now_ns() + SHORT_NS) {
        crate::sync::backoff::pause();
        return Woken::TimedOut;
    }
    word.sleep_while(expected);
    Woken::Look
}
