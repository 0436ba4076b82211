//! A message that is read bit by bit.

use super::receiver::Receiver;
use crate::bytes::error::RecvError;
use crate::ring::grant;
use crate::ring::parts::Part;
use crate::wait::deadline::Deadline;
use std::fmt;
use std::io;

/// One message, as something to read from, while the sender may still be writing it. See [`Receiver::reader`].
///
/// `Ok(0)` is its end. A part leaves the ring when all of it has been read. Dropping the reader skips the rest; the sender
/// that is still writing it learns that.
///
/// *Progress*: a read may sleep while nothing more is there.
///
/// # If this process dies here
///
/// The message is nobody's; or, while its first part has not been read to its end, the next receiver gets it.
pub struct MessageReader<'a> {
    receiver: &'a mut Receiver,
    /// What a call took of the message before, when its time was over; read up to `at` if there is no part.
    front: Vec<u8>,
    /// The part that is being read, and how much of it has been.
    part: Option<Part>,
    at: usize,
    len: Option<u64>,
    read: u64,
    /// Whether the message is over, and how.
    ended: Option<Result<(), RecvError>>,
}

impl<'a> MessageReader<'a> {
    /// `part` is the next part.
    pub(super) fn new(receiver: &'a mut Receiver, part: Part) -> Self {
        receiver.consumer.hand_out(part.span);
        receiver.is_reading = true;
        let len = receiver.consumer.announced().or(part.announced);
        let front = std::mem::take(&mut receiver.partial);
        let front = if receiver.consumer.taken().is_some() { front } else { Vec::new() };
        Self { receiver, front, part: None, at: 0, len, read: 0, ended: None }
    }

    /// How long the whole message is, if the sender said it.
    pub fn len_hint(&self) -> Option<u64> {
        self.len
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.read
    }

    /// Sees to it that something is there to be read, or that the message is over.
    fn prepare(&mut self) -> io::Result<()> {
        if !self.receiver.end.is_usable() {
            return Err(RecvError::Disconnected.into());
        }
        if !self.front.is_empty() && self.at == self.front.len() {
            (self.front, self.at) = (Vec::new(), 0);
        }
        while self.front.is_empty() && self.part.is_none() && self.ended.is_none() {
            match self.receiver.next_part(Some(Deadline::NEVER), &mut 0) {
                Ok(part) => (self.part, self.at) = (Some(part), 0),
                Err(error) => self.ended = Some(Err(error.lasting().unwrap_or(RecvError::Disconnected))),
            }
            self.release_if_read();
        }
        match self.ended {
            Some(Err(error)) if self.front.is_empty() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn release_if_read(&mut self) {
        if let Some(part) = self.part.filter(|part| self.at == part.len) {
            self.receiver.release(part);
            self.ended = part.is_last().then_some(Ok(()));
            (self.part, self.at) = (None, 0);
        }
    }

    fn ready(&self) -> &[u8] {
        match self.part {
            _ if !self.front.is_empty() => &self.front[self.at..],
            Some(part) => {
                let ahead = part.front + self.at;
                grant::bytes_ahead(self.receiver.consumer.ring(), ahead, part.len - self.at)
            }
            None => &[],
        }
    }
}

impl io::Read for MessageReader<'_> {
    /// Copies what is there, at least one byte, waiting while there is none; `Ok(0)` at the end of the message.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted`, with a [`RecvError`]: the sender went, or gave the message up. It does not go on.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.prepare()?;
        let n = match self.part {
            Some(part) if self.front.is_empty() => {
                let n = bytes.len().min(part.len - self.at);
                self.receiver.consumer.read(part, self.at, &mut bytes[..n]);
                n
            }
            _ => {
                let ready = self.ready();
                let n = bytes.len().min(ready.len());
                bytes[..n].copy_from_slice(&ready[..n]);
                n
            }
        };
        io::BufRead::consume(self, n);
        Ok(n)
    }
}

impl io::BufRead for MessageReader<'_> {
    /// What is there, in place, waiting while there is nothing; empty at the end of the message.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.prepare()?;
        Ok(self.ready())
    }

    fn consume(&mut self, n: usize) {
        if !self.receiver.end.is_usable() {
            return;
        }
        // More than was shown cannot be consumed.
        let n = n.min(self.ready().len());
        self.at += n;
        self.read += n as u64;
        if self.front.is_empty() && n > 0 {
            self.release_if_read();
        }
    }
}

impl Drop for MessageReader<'_> {
    fn drop(&mut self) {
        if !self.receiver.end.is_usable() {
            return;
        }
        self.receiver.is_reading = false;
        if self.ended.is_some() {
            return;
        }
        match self.part {
            Some(part) => self.receiver.give_up(part),
            // Its first part, which is there, has not been looked at yet; or else it was begun.
            None if self.receiver.consumer.taken().is_none() => {
                if let Ok(part) = self.receiver.next_part(None, &mut 0) {
                    self.receiver.give_up(part);
                }
            }
            None => {
                self.receiver.consumer.give_up_begun();
                self.receiver.skip();
            }
        }
    }
}

impl fmt::Debug for MessageReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader").field("len", &self.len).field("read", &self.read).finish_non_exhaustive()
    }
}
