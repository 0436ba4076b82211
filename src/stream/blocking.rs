//! How long an end of a stream waits before it gives up, with the words and the error of sockets.

use crate::wait::deadline::Deadline;
use std::io;
use std::time::Duration;

/// As a socket has it: without end, for so long, or not at all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Blocking {
    timeout: Option<Duration>,
    never: bool,
}

impl Blocking {
    /// `None`: without end. A zero time is refused, as sockets refuse it: it could as well mean no time as no limit.
    pub(super) fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a timeout is longer than zero; None is no limit"));
        }
        self.timeout = timeout;
        Ok(())
    }

    pub(super) fn timeout(self) -> Option<Duration> {
        self.timeout
    }

    /// Whether to wait never; the timeout is kept for later.
    pub(super) fn set_never(&mut self, never: bool) {
        self.never = never;
    }

    /// Until when a call that begins now waits.
    pub(super) fn deadline(self) -> Deadline {
        match (self.never, self.timeout) {
            (true, _) => Deadline::after(Duration::ZERO),
            (false, Some(timeout)) => Deadline::after(timeout),
            (false, None) => Deadline::NEVER,
        }
    }
}

/// Not in time. The kind that a Unix socket gives for a timeout, too.
pub(super) fn would_block() -> io::Error {
    io::ErrorKind::WouldBlock.into()
}
