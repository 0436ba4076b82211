//! How an end waits.

use crate::sync::IS_USERS_MODEL;
use crate::sys::process;
use std::time::Duration;

/// What an end does while there is nothing to receive, or no room to send.
///
/// One of the two may cost the *other* end something: for an end that may sleep there is a memory fence after each message
/// (8 to 20 ns), until the other end has sent a thousand and woken nobody; then this end makes a barrier (`membarrier`)
/// before it sleeps instead. One that declares [`Spin`](Self::Spin) costs nothing.
///
/// With [`SpinThenSleep`](Self::SpinThenSleep) a receiver that is faster than its sender may stay away from the ring for a
/// microsecond or a few, so that the two do not fight for each line: only while messages come in runs, and seldom where
/// that has brought nothing. And a sender that does not `Spin` asks the processor for lines before it writes to them. So
/// `Spin` is for the lowest latency of each message, the others are for flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Polls, and never sleeps. The lowest latency, and a processor that does nothing else. The peer's death is
    /// noticed within a slice.
    Spin,
    /// Polls for so long, then sleeps until woken. With one processor there is nobody to wait for while it polls, so
    /// it sleeps at once. Who is woken and finds that another was faster polls so again, in turns with whoever else wants its
    /// processor. The default, with 20 microseconds: what it costs to put somebody to sleep and wake them.
    SpinThenSleep(Duration),
    /// Sleeps at once.
    Sleep,
}

impl Default for WaitStrategy {
    fn default() -> Self {
        Self::SpinThenSleep(Duration::from_micros(20))
    }
}

impl WaitStrategy {
    /// Whether an end that waits like this never sleeps.
    pub(crate) fn is_quiet(self) -> bool {
        self == Self::Spin && !IS_USERS_MODEL
    }

    /// Whether an end that waits like this may stay away from the ring for a moment: not one that wants each message at
    /// once, nor one that does not poll at all.
    pub(crate) fn may_linger(self) -> bool {
        !self.is_quiet() && self.spin() != Some(Duration::ZERO)
    }

    /// How long to poll before the first sleep; `None`: for ever.
    pub(crate) fn spin(self) -> Option<Duration> {
        match self {
            // Whoever polls for ever gives a model no end.
            _ if IS_USERS_MODEL => Some(Duration::ZERO),
            Self::Spin => None,
            Self::SpinThenSleep(budget) if process::processors() > 1 => Some(budget),
            Self::SpinThenSleep(_) | Self::Sleep => Some(Duration::ZERO),
        }
    }
}
