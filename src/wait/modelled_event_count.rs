//! Sleeping and waking among many in a model of somebody who uses the crate: as in `event_count`, but who sleeps is kept by
//! the bell itself (`sync::roster`), and each publication rings.

use super::deadline::Deadline;
use super::parker::{Bell, Woken};
use crate::sync::{AtomicU32, AtomicU64, backoff};

/// The words of one event count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) arms: &'a AtomicU64,
    pub(crate) calmed: &'a AtomicU64,
    pub(crate) unfenced: &'a AtomicU64,
    pub(crate) bell: Bell<'a>,
    pub(crate) barrierless: &'a AtomicU32,
}

impl Event<'_> {
    /// See `event_count::Event::sleep`. Short sleeps are those of who waits for what nobody tells of: turns for others.
    pub(crate) fn sleep<R>(self, deadline: Deadline, look: impl FnOnce() -> Option<R>) -> Result<R, Woken> {
        if deadline.is_short() {
            backoff::pause();
            return look().ok_or(Woken::TimedOut);
        }
        self.bell.sleep(look).ok_or(Woken::Look)
    }

    /// Wakes one sleeper; how many were woken.
    pub(crate) fn wake_one(self) -> usize {
        self.bell.ring(1)
    }

    /// Wakes all sleepers; how many were woken.
    pub(crate) fn wake_any(self) -> usize {
        self.bell.ring(usize::MAX)
    }

    /// A hint, for those whose sleeps are short.
    pub(crate) fn may_have_sleepers(self) -> bool {
        false
    }

    pub(crate) fn wake_all(self) {
        self.bell.ring(usize::MAX);
    }

    pub(crate) fn is_calm(self, _seen: u64) -> bool {
        false
    }
}

/// Who publishes keeps nothing to itself.
#[derive(Debug)]
pub(crate) struct Notifier;

impl Notifier {
    pub(crate) fn new(_event: Event<'_>, _record: usize) -> Self {
        Self
    }

    pub(crate) fn fenced() -> Self {
        Self
    }

    pub(crate) fn seen(&self) -> u64 {
        0
    }

    /// After a publication: wakes one sleeper; how many were woken.
    pub(crate) fn published(&mut self, event: Event<'_>) -> usize {
        event.wake_one()
    }

    pub(crate) fn take_back(&mut self, _event: Event<'_>) {}
}
