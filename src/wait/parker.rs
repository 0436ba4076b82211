//! Where a sleeper is put: on a futex natively, or into a dormitory if the segment says so; on a condition variable in the
//! model.
//!
//! This is the seam between how one sleeps and why: [`park`] and [`unpark_some`] are all that is asked of a waiter.

use super::deadline::Deadline;
use crate::sync::{BellWord, Dorm};
use core::ops::Deref;

/// A word to sleep on, and where those lie who do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bell<'a> {
    word: &'a BellWord,
    /// `None`: the kernel keeps them, by the word's address.
    dorm: Option<&'a Dorm>,
}

impl<'a> Bell<'a> {
    #[inline(always)]
    pub(crate) fn new(word: &'a BellWord, dorm: Option<&'a Dorm>) -> Self {
        Self { word, dorm }
    }
}

impl<'a> From<&'a BellWord> for Bell<'a> {
    fn from(word: &'a BellWord) -> Self {
        Self::new(word, None)
    }
}

impl Deref for Bell<'_> {
    type Target = BellWord;

    #[inline(always)]
    fn deref(&self) -> &BellWord {
        self.word
    }
}

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

/// Sleeps while the bell is `expected`, at most until the deadline; may come back early.
#[cfg(not(loom))]
pub(crate) fn park(bell: Bell<'_>, expected: u32, deadline: Deadline) -> Woken {
    use crate::sys::futex;
    let Bell { word, dorm } = bell;
    if let Some(dorm) = dorm {
        return super::dormitory::park(dorm, word, expected, deadline);
    }
    match futex::wait(word, expected, deadline.ns()) {
        futex::Woken::Look => Woken::Look,
        futex::Woken::TimedOut => Woken::TimedOut,
        futex::Woken::Lost => Woken::Lost,
    }
}

/// Sleeps where nobody wakes anybody, until the deadline; then it is time to look.
pub(crate) fn nap(deadline: Deadline) -> Woken {
    match park(Bell::from(&BellWord::default()), 0, deadline) {
        Woken::TimedOut => Woken::Look,
        woken => woken,
    }
}

/// Wakes whoever sleeps on the bell.
pub(crate) fn unpark(bell: Bell<'_>) {
    unpark_some(bell, usize::MAX);
}

/// Wakes those who sleep on the bell, so many at most; how many those were.
pub(crate) fn unpark_some(bell: Bell<'_>, most: usize) -> usize {
    #[cfg(not(loom))]
    return match bell.dorm {
        None => crate::sys::futex::wake(bell.word, most),
        Some(dorm) => super::dormitory::wake(dorm, most),
    };
    #[cfg(loom)]
    bell.word.wake(most)
}

/// In the model no time goes by, and nobody dies. So a sleep that only death or a caller's patience would end, anything
/// longer than a millisecond, ends by a wake or never: a wake that is lost is a deadlock, which loom reports. The short
/// sleeps are those of an end that the other may not hear; nothing is promised to wake them but their end, and that may
/// come before anything else happens: they are a turn for the other threads.
#[cfg(loom)]
pub(crate) fn park(bell: Bell<'_>, expected: u32, deadline: Deadline) -> Woken {
    const SHORT_NS: u64 = 1_000_000;
    if deadline.ns().is_some_and(|ns| ns <= crate::sys::clock::now_ns() + SHORT_NS) {
        crate::sync::backoff::pause();
        return Woken::TimedOut;
    }
    bell.word.sleep_while(expected);
    Woken::Look
}
