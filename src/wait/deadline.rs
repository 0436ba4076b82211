//! What a timeout becomes on entry: an absolute time.

use crate::sys::clock;
use std::time::{Duration, Instant};

/// A time of the monotonic clock, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(Option<u64>);

impl Deadline {
    /// Never comes.
    pub(crate) const NEVER: Self = Self(None);

    /// `timeout` from now; a timeout too long for the clock never comes. In a model none does but zero, which is one try.
    pub(crate) fn after(timeout: Duration) -> Self {
        if cfg!(loom) && !timeout.is_zero() { Self::NEVER } else { Self::at(timeout) }
    }

    fn at(timeout: Duration) -> Self {
        let ns = u64::try_from(timeout.as_nanos()).ok();
        Self(ns.and_then(|ns| clock::now_ns().checked_add(ns)))
    }

    /// Whether it has come.
    pub(crate) fn is_over(self) -> bool {
        self.0.is_some_and(|ns| clock::now_ns() >= ns)
    }

    /// Nanoseconds of the clock, for the kernel.
    pub(crate) fn ns(self) -> Option<u64> {
        self.0
    }

    /// Whether it is that of a sleep which nobody is relied on to end.
    #[cfg(loom)]
    pub(crate) fn is_short(self) -> bool {
        const SHORT_NS: u64 = 1_000_000;
        self.0.is_some_and(|ns| ns <= clock::now_ns() + SHORT_NS)
    }

    /// The earlier of this and `slice` from now.
    pub(crate) fn within(self, slice: Duration) -> Self {
        match (self.0, Self::at(slice).0) {
            (Some(a), Some(b)) => Self(Some(a.min(b))),
            (a, b) => Self(a.or(b)),
        }
    }
}

/// How long it is until then. In a model, which has no clock, for ever: how often it is run must not depend on one.
pub(crate) fn until(deadline: Instant) -> Duration {
    if cfg!(loom) { Duration::MAX } else { deadline.saturating_duration_since(Instant::now()) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Fault 55.
    #[test]
    fn an_endless_timeout_never_comes_and_none_has_come() {
        assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
        assert!(!Deadline::NEVER.is_over());
        assert!(Deadline::after(Duration::ZERO).is_over());
        assert!(!Deadline::after(Duration::from_secs(3600)).is_over());
    }

    /// Fault 55.
    #[test]
    fn a_slice_shortens_and_never_lengthens() {
        let near = Deadline::after(Duration::from_secs(1));
        assert_eq!(near.within(Duration::MAX), near);
        assert_eq!(near.within(Duration::from_secs(3600)), near);
        assert!(near.within(Duration::ZERO).is_over());
        assert_eq!(Deadline::NEVER.within(Duration::MAX), Deadline::NEVER);
    }
}
