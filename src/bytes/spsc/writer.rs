//! A message that is written bit by bit.

use super::sender::Sender;
use crate::bytes::error::SendTimeoutError;
use crate::ring::parts::Cut;
use crate::sync::is_over;
use crate::wait::deadline::Deadline;
use std::fmt;
use std::io::{self, ErrorKind};

/// One message, as something to write to. It is sent when it is [finished](Self::finish). See [`Sender::writer`].
///
/// What is written lies in the ring at once and is visible part by part, when a part is full or at a
/// [`flush`](io::Write::flush); so a receiver that [reads](super::Receiver::reader) the message has its beginning before
/// its end is written. `flush` holds back what lies in the last part of a message whose length was said.
///
/// *Progress*: a write may sleep while the ring has no room.
///
/// # If this process dies here
///
/// The receiver has had nothing of the message, or learns that no more comes (`Aborted`).
#[must_use = "a writer that is dropped gives its message up"]
pub struct MessageWriter<'a> {
    sender: &'a mut Sender,
    /// How long the message will be, if that was said.
    len: Option<u64>,
    written: u64,
    /// The piece that is being filled, what was left of the message when it was cut, and how much is in it.
    piece: Option<(Cut, Option<u64>, usize)>,
    /// Whether the message has come to nothing.
    failed: bool,
    /// Whether another message, whose writer was forgotten, has been ended.
    settled: bool,
}

impl<'a> MessageWriter<'a> {
    pub(super) fn new(sender: &'a mut Sender, len: Option<u64>) -> Self {
        Self { sender, len, written: 0, piece: None, failed: false, settled: false }
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Sends the message: it ends here.
    ///
    /// *Progress*: wait-free, if anything was written; the end of an empty message may have to wait for room.
    ///
    /// # Errors
    ///
    /// `BrokenPipe`, with a [`SendError`](crate::bytes::SendError): the receiver is gone, or went, or gave the message up.
    /// `InvalidInput`: fewer bytes were written than had been said. Then nobody gets the message.
    pub fn finish(mut self) -> io::Result<()> {
        self.must_be_whole()?;
        if self.len.is_some_and(|len| len != self.written) {
            self.fail();
            return Err(io::Error::new(ErrorKind::InvalidInput, "fewer bytes than the message was said to have"));
        }
        let (cut, left, filled) = match self.piece.take() {
            Some(piece) => piece,
            // For the end of a message that was begun there is room.
            None if self.sender.producer.is_in_message() => (self.next_piece(Some(0))?, Some(0), 0),
            None => {
                self.settle()?;
                (self.sender.place(0, Deadline::NEVER).map_err(SendTimeoutError::lasting)?, Some(0), 0)
            }
        };
        self.sender.publish_piece(cut, filled, left, true);
        Ok(())
    }

    fn must_be_whole(&self) -> io::Result<()> {
        // After a failure, and in a forked child, this end may be written to no more.
        if self.failed || !self.sender.end.is_usable() {
            return Err(io::Error::new(ErrorKind::BrokenPipe, "the message has come to nothing"));
        }
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        if !self.settled {
            self.sender.settle().map_err(|_| crate::bytes::SendError::Disconnected)?;
            self.settled = true;
        }
        Ok(())
    }

    /// A place for the next bytes.
    fn next_piece(&mut self, left: Option<u64>) -> io::Result<Cut> {
        self.settle()?;
        let max = self.sender.producer.whole_max() as u64;
        let cut = match left {
            // In one piece, if it can be.
            Some(left) if self.written == 0 && left <= max => self.sender.place(left as usize, Deadline::NEVER),
            _ => self.sender.next_piece(left, self.written, Deadline::NEVER),
        };
        cut.map_err(|error| {
            self.fail();
            error.lasting().into()
        })
    }

    fn publish(&mut self) {
        if let Some((cut, left, filled)) = self.piece.take() {
            self.sender.publish_piece(cut, filled, left, false);
        }
    }

    fn fail(&mut self) {
        self.failed = true;
        self.piece = None;
        self.sender.give_up();
    }
}

impl io::Write for MessageWriter<'_> {
    /// Takes as many of `bytes` as the part that is being filled has room for, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish); and `InvalidInput`: more bytes than had been said.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.must_be_whole()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let left = self.len.map(|len| len - self.written);
        if left == Some(0) {
            self.fail();
            return Err(io::Error::new(ErrorKind::InvalidInput, "more bytes than the message was said to have"));
        }
        let (cut, was_left, filled) = match self.piece {
            Some(piece) => piece,
            None => (self.next_piece(left)?, left, 0),
        };
        let room = (cut.bytes - filled).min(usize::try_from(left.unwrap_or(u64::MAX)).unwrap_or(usize::MAX));
        let n = bytes.len().min(room);
        self.sender.producer.write(cut, filled, &bytes[..n]);
        self.written += n as u64;
        self.piece = Some((cut, was_left, filled + n));
        if filled + n == cut.bytes && !cut.is_last {
            self.publish();
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.must_be_whole()?;
        if self.piece.is_some_and(|(cut, _, filled)| !cut.is_last && filled > 0) {
            self.publish();
        }
        Ok(())
    }
}

impl Drop for MessageWriter<'_> {
    fn drop(&mut self) {
        // Nothing to do for one that was finished, or of which nothing was ever visible.
        if self.settled && !is_over() {
            self.sender.give_up();
        }
    }
}

impl fmt::Debug for MessageWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").field("len", &self.len).field("written", &self.written).finish_non_exhaustive()
    }
}
