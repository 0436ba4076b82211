//! A message that is written piece by piece.

use super::outgoing::Outgoing;
use crate::bytes::{SendError, SendTimeoutError};
use crate::wait::deadline::Deadline;
use std::fmt;
use std::io;
use std::time::Duration;

/// One message, as an [`io::Write`]. See [`Sender::writer`](super::Sender::writer).
///
/// It is sent by [`finish`](Self::finish). Dropped without, nobody gets it: who has begun to receive it gets
/// [`RecvError::Aborted`](crate::bytes::RecvError).
///
/// `write` copies at most a chunk and waits while the message is further ahead of its receiver than a lane's length, so a
/// message that is longer than that waits for a receiver. `flush` makes what was written visible to one who reads the message
/// already.
#[must_use = "a message is sent when it is finished"]
pub struct MessageWriter<'a> {
    outgoing: Outgoing<'a>,
}

impl<'a> MessageWriter<'a> {
    pub(super) fn new(outgoing: Outgoing<'a>) -> Self {
        Self { outgoing }
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.outgoing.poured()
    }

    /// Ends the message. One that is longer than a lane has been received when this returns.
    ///
    /// # Errors
    ///
    /// [`SendError`]; nobody gets the message then.
    pub fn finish(mut self) -> Result<(), SendError> {
        Ok(self.outgoing.end(Deadline::NEVER)?)
    }

    /// As [`finish`](Self::finish), waiting for so long. After a time-out the message is still on its way, and this may be
    /// called again. Its end is said, in time or not: who writes more is [refused](SendError::Ended), and that does it no harm.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`].
    pub fn finish_timeout(&mut self, timeout: Duration) -> Result<(), SendTimeoutError> {
        Ok(self.outgoing.end(Deadline::after(timeout))?)
    }

    /// Copies the front of `bytes`, as `write` does, waiting for room for so long; how much that was.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`]; after a time-out the message goes on. [`Ended`](SendTimeoutError::Ended): not behind
    /// [`finish_timeout`](Self::finish_timeout).
    pub fn write_timeout(&mut self, bytes: &[u8], timeout: Duration) -> Result<usize, SendTimeoutError> {
        if bytes.is_empty() { Ok(0) } else { Ok(self.outgoing.pour(bytes, Deadline::after(timeout))?) }
    }
}

impl io::Write for MessageWriter<'_> {
    /// # Errors
    ///
    /// `BrokenPipe`, with a [`SendError`]: no receiver is left, or it gave the message up. `InvalidInput`, with
    /// [`SendError::Ended`]: the message's end has been said.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        Ok(self.outgoing.pour(bytes, Deadline::NEVER).map_err(SendError::from)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.outgoing.tell();
        Ok(())
    }
}

impl fmt::Debug for MessageWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").field("written", &self.written()).finish_non_exhaustive()
    }
}
