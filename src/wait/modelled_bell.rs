//! The two sides of a bell in a model of somebody who uses the crate: as in `bell`, but who sleeps is kept by the bell
//! itself (`sync::roster`), and each publication rings. Nobody has to be told who may sleep, nor to fence.

use super::deadline::Deadline;
use super::parker::{Bell, Woken};
use crate::sync::AtomicU32;
use std::time::Duration;

/// How long to sleep at most where nobody rings.
pub(crate) const UNHEARD: Duration = Duration::from_millis(1);

/// The words of an end that may sleep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sleeper<'a> {
    pub(crate) armed: &'a AtomicU32,
    pub(crate) bell: Bell<'a>,
    pub(crate) unfenced: &'a AtomicU32,
}

impl Sleeper<'_> {
    /// See `bell::Sleeper::sleep`. No time goes by in a model: who is not woken sleeps for ever.
    pub(crate) fn sleep<R>(self, _deadline: Deadline, look: impl FnOnce() -> Option<R>) -> Result<R, Woken> {
        self.bell.sleep(look).ok_or(Woken::Look)
    }

    pub(crate) fn disarm(self) {}
}

/// What the other end has said of its sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sleeps {
    Never,
    BehindABarrier,
    BehindAFence,
}

/// The words of the end that wakes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waker<'a> {
    pub(crate) armed: &'a AtomicU32,
    pub(crate) bell: Bell<'a>,
    pub(crate) unfenced: &'a AtomicU32,
}

/// The end that wakes keeps nothing to itself.
#[derive(Debug)]
pub(crate) struct Ringer;

impl Ringer {
    /// For an end that has just come; whether somebody slept.
    pub(crate) fn take_over(waker: Waker<'_>, _sleeps: Sleeps) -> (Self, bool) {
        (Self, Self.ring(waker))
    }

    pub(crate) fn is_calm(&self, _waker: Waker<'_>) -> bool {
        false
    }

    /// After a publication; whether somebody slept.
    pub(crate) fn published(&mut self, waker: Waker<'_>) -> bool {
        self.ring(waker)
    }

    /// After something that happens seldom; whether somebody slept.
    pub(crate) fn ring(&self, waker: Waker<'_>) -> bool {
        waker.bell.ring(usize::MAX) > 0
    }

    pub(crate) fn heed(&mut self, _waker: Waker<'_>, _sleeps: Sleeps) {}

    pub(crate) fn given_up(&self) -> u64 {
        0
    }
}
