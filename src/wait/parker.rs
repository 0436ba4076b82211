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

/// Sleeps until the bell is rung, unless `look` finds something that was published before: where the bell keeps who sleeps.
pub(crate) fn sleep_in_a_model<R>(bell: Bell<'_>, look: impl FnOnce() -> Option<R>) -> Result<R, Woken> {
    #[cfg(all(loom, not(test)))]
    return bell.word.sleep(look).ok_or(Woken::Look);
    #[cfg(any(not(loom), test))]
    {
        // Elsewhere nobody asks for it (`sync::IS_USERS_MODEL`).
        let _ = bell;
        look().ok_or(Woken::Look)
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
    #[cfg(all(loom, test))]
    return bell.word.wake(most);
    #[cfg(all(loom, not(test)))]
    bell.word.ring(most)
}

/// In the model no time goes by, and nobody dies. So a sleep that only death or a caller's patience would end, anything
/// longer than a millisecond, ends by a wake or never: a wake that is lost is a deadlock, which loom reports. The short
/// sleeps are those of an end that the other may not hear; nothing is promised to wake them but their end, and that may
/// come before anything else happens: they are a turn for the other threads.
#[cfg(all(loom, test))]
pub(crate) fn park(bell: Bell<'_>, expected: u32, deadline: Deadline) -> Woken {
    if deadline.is_short() {
        crate::sync::backoff::pause();
        return Woken::TimedOut;
    }
    bell.word.sleep_while(expected);
    Woken::Look
}

/// In a model of somebody who uses the crate whoever is woken sleeps on the bell's own list, and who is not takes a turn.
#[cfg(all(loom, not(test)))]
pub(crate) fn park(_bell: Bell<'_>, _expected: u32, _deadline: Deadline) -> Woken {
    crate::sync::backoff::pause();
    Woken::TimedOut
}
