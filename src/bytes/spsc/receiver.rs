//! The receiving end.

use super::asked;
use super::common::common;
use super::guard::{Guard, Hold};
use super::waiting as bytes_waiting;
use crate::bytes::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::channel::end::{End, Stats};
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::open::{How, enter};
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
#[cfg(not(loom))]
use crate::channel::spsc::corrupt;
use crate::channel::waiting::{self, Vain};
#[cfg(not(loom))]
use crate::layout::overlay::Frames;
use crate::membership::role::Role;
use crate::ring::Corrupt;
use crate::ring::parts::span;
use crate::ring::parts::{Ahead, Consumer, Found, Part};
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::time::{Duration, Instant};

/// The longest message that is received unless [`Receiver::set_limit`] says otherwise, in bytes: far longer than messages
/// are, and far shorter than the memory that one without end would fill.
pub(super) const LIMIT: u64 = 1 << 30;

/// The receiving end of a channel. `Send`, not `Clone`: there is one.
///
/// Dropping it is leaving: the sender's next `send` fails. What was not received stays for the next receiver, if the
/// sender is still there; but a message in the middle of which this receiver was is nobody's.
pub struct Receiver {
    pub(super) consumer: Consumer,
    pub(super) end: End,
    pub(super) instance: [u8; 16],
    /// The longest message that is received.
    pub(super) limit: u64,
    /// What has come of the message in the middle of which this end is.
    pub(super) partial: Vec<u8>,
    /// Whether a reader has the message in the middle of which this end is; one that was forgotten still has it.
    pub(super) is_reading: bool,
}

common!(Receiver, Role::Receiver, consumer, Consumer, "receiver", "sender", {
    limit: LIMIT, partial: Vec::new(), is_reading: false
});

impl Receiver {
    /// Receives the next message into memory of its own, waiting while there is none. It leaves the ring: at most once.
    ///
    /// See [`recv_into`](Self::recv_into), which needs no allocation.
    ///
    /// # Errors
    ///
    /// As `recv_into`.
    pub fn recv(&mut self) -> Result<Vec<u8>, RecvError> {
        let mut message = self.prepared();
        self.recv_into(&mut message).map(|_| message)
    }

    /// Memory for the next message, if it is one that is there.
    fn prepared(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        if self.end.is_undisturbed() {
            // What there is no memory for is dealt with by whoever receives it.
            let _ = self.consumer.whole_len(self.limit).map(|len| message.try_reserve_exact(len));
        }
        message
    }

    /// Receives the next message into `message`, whose contents it replaces, waiting while there is none; how long it is.
    /// It leaves the ring: at most once.
    ///
    /// The vector grows with the bytes that come, if it has to. (It may be exchanged for another one if the message was begun
    /// by a call whose time was over.)
    ///
    /// *Progress*: wait-free while there are messages, and one `futex` wake if the sender sleeps; else it may sleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`]; the vector is empty then. After each but `Disconnected` the next message can be received.
    ///
    /// # If this process dies here
    ///
    /// The message was received, or it is still in the ring for the next receiver. One that lies in several parts, of
    /// which some were taken, is nobody's: the sender learns it if it is still sending.
    #[inline]
    pub fn recv_into(&mut self, message: &mut Vec<u8>) -> Result<usize, RecvError> {
        if let Some(len) = self.take_whole(message) {
            return Ok(len);
        }
        self.receive(message, Some(Deadline::NEVER)).map_err(lasting)
    }

    /// Receives the next message into memory of its own if all of it is there now, or has come by now.
    ///
    /// Of a message that does not lie in one piece, what is there is taken, and kept for the next call: so that one that is
    /// longer than the ring comes by trying, too.
    ///
    /// *Progress*: wait-free; one `futex` wake if the sender sleeps; when empty, at most every 4 ms one `fcntl`.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub fn try_recv(&mut self) -> Result<Vec<u8>, TryRecvError> {
        let mut message = self.prepared();
        self.try_recv_into(&mut message).map(|_| message)
    }

    /// As [`try_recv`](Self::try_recv), into `message`, whose contents it replaces; how long it is.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; the vector is empty then.
    #[inline]
    pub fn try_recv_into(&mut self, message: &mut Vec<u8>) -> Result<usize, TryRecvError> {
        if let Some(len) = self.take_whole(message) {
            return Ok(len);
        }
        self.receive(message, None).map_err(TryRecvError::from)
    }

    /// Receives the next message, waiting for all of it for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// When the time is over in the middle of a message, what has come of it is kept for the next call.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Vec<u8>, RecvTimeoutError> {
        let mut message = self.prepared();
        self.recv_into_timeout(&mut message, timeout).map(|_| message)
    }

    /// As [`recv_timeout`](Self::recv_timeout), into `message`, whose contents it replaces; how long it is.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`]; the vector is empty then.
    pub fn recv_into_timeout(&mut self, message: &mut Vec<u8>, timeout: Duration) -> Result<usize, RecvTimeoutError> {
        match self.take_whole(message) {
            Some(len) => Ok(len),
            None => self.receive(message, Some(Deadline::after(timeout))),
        }
    }

    /// Receives the next message, waiting for all of it until then.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<Vec<u8>, RecvTimeoutError> {
        self.recv_timeout(until(deadline))
    }

    /// As [`recv_deadline`](Self::recv_deadline), into `message`, whose contents it replaces; how long it is.
    ///
    /// # Errors
    ///
    /// As [`recv_into_timeout`](Self::recv_into_timeout).
    pub fn recv_into_deadline(&mut self, message: &mut Vec<u8>, deadline: Instant) -> Result<usize, RecvTimeoutError> {
        self.recv_into_timeout(message, until(deadline))
    }

    /// The next message into a vector that has room for it, if it is there and lies in one piece.
    #[inline(always)]
    fn take_whole(&mut self, message: &mut Vec<u8>) -> Option<usize> {
        if !self.end.is_undisturbed() {
            return None;
        }
        let len = self.consumer.pop_whole(message, self.limit)?;
        self.end.publish();
        Some(len)
    }

    /// Everything that is not [`take_whole`](Self::take_whole). No deadline: does not wait.
    #[cold]
    #[inline(never)]
    fn receive(&mut self, message: &mut Vec<u8>, deadline: Option<Deadline>) -> Result<usize, RecvTimeoutError> {
        message.clear();
        self.settle()?;
        let was_begun = self.consumer.taken().is_some();
        if was_begun {
            std::mem::swap(message, &mut self.partial);
        }
        let result = self.gather(message, deadline);
        if result.is_ok() {
            if was_begun {
                // What was exchanged for it is of no use here.
                self.partial = Vec::new();
            }
            return result;
        }
        if self.consumer.taken().is_some() {
            std::mem::swap(message, &mut self.partial);
        }
        message.clear();
        result
    }

    /// In front of a look at the ring: it may be looked at, and no reader or guard that was forgotten has the next message.
    pub(super) fn settle(&mut self) -> Result<(), RecvTimeoutError> {
        if !self.end.is_undisturbed() {
            self.end.digest();
            if !self.end.is_usable() {
                return Err(RecvTimeoutError::Disconnected);
            }
        }
        if self.is_reading {
            self.is_reading = false;
            self.consumer.give_up_begun();
        }
        // Nor has a forgotten guard what was copied for it.
        self.partial.truncate(self.consumer.taken().unwrap_or(0) as usize);
        Ok(())
    }

    /// Takes part after part behind what `message` holds, to the end of the message.
    fn gather(&mut self, message: &mut Vec<u8>, deadline: Option<Deadline>) -> Result<usize, RecvTimeoutError> {
        let mut passed = 0;
        loop {
            let part = self.next_part(deadline, &mut passed)?;
            let have = message.len() as u64;
            let announced = self.consumer.announced().or(part.announced);
            let bytes = announced.unwrap_or(have + part.len as u64);
            if bytes > self.limit {
                self.give_up(part);
                return Err(RecvTimeoutError::TooLong { bytes, limit: self.limit });
            }
            if !grow(message, part.len, announced, self.consumer.capacity()) {
                self.give_up(part);
                return Err(RecvTimeoutError::OutOfMemory { bytes });
            }
            self.consumer.append(part, 0, part.len, message);
            self.release(part);
            passed += part.span;
            if part.is_last() {
                return Ok(message.len());
            }
        }
    }

    /// The first part of a message, or the next one of the message that was begun. `passed`: bytes of the ring that went by
    /// in this call; when they are more than a ring's, the deadline is looked at though there is more.
    pub(super) fn next_part(
        &mut self,
        deadline: Option<Deadline>,
        passed: &mut usize,
    ) -> Result<Part, RecvTimeoutError> {
        loop {
            if *passed > self.consumer.capacity() && deadline.is_none_or(Deadline::is_over) {
                return Err(RecvTimeoutError::Timeout);
            }
            let head = self.consumer.ring().head();
            let found = self.consumer.next();
            let skipped = self.consumer.ring().head() - head;
            if skipped > 0 {
                *passed += skipped as usize;
                self.end.publish();
            }
            match found {
                Ok(Found::Part(part)) => return Ok(part),
                Ok(Found::Cut { taken }) => return Err(RecvTimeoutError::Aborted { bytes: taken }),
                Ok(Found::Nothing) => self.wait(deadline)?,
                Err(corrupt) => return Err(self.corrupt(corrupt)),
            }
        }
    }

    /// Waits for a part.
    fn wait(&mut self, deadline: Option<Deadline>) -> Result<(), RecvTimeoutError> {
        let waited = match deadline {
            Some(deadline) => waiting::for_message(self.consumer.ring_mut(), &mut self.end, deadline),
            None => match waiting::try_message(self.consumer.ring_mut(), &mut self.end) {
                Some(outcome) => outcome.map_err(Vain::Gone),
                None => Err(Vain::TimedOut),
            },
        };
        waited.map_err(|vain| self.in_vain(vain))
    }

    /// No part comes: not in time, or from nobody.
    fn in_vain(&mut self, vain: Vain) -> RecvTimeoutError {
        match (vain, self.consumer.taken()) {
            (Vain::TimedOut, _) => RecvTimeoutError::Timeout,
            (Vain::Gone(_), Some(bytes)) if self.end.is_usable() => {
                self.consumer.give_up_begun();
                RecvTimeoutError::Aborted { bytes }
            }
            (Vain::Gone(_), _) => RecvTimeoutError::Disconnected,
        }
    }

    pub(super) fn corrupt(&mut self, corrupt: Corrupt) -> RecvTimeoutError {
        self.end.poison(corrupt);
        RecvTimeoutError::Disconnected
    }

    /// Gives the room of a part back that has been read.
    #[inline(always)]
    pub(super) fn release(&mut self, part: Part) {
        self.consumer.release(part);
        self.end.publish();
    }

    /// Gives back the room of a message, or of the rest of one.
    #[inline(always)]
    pub(super) fn release_all(&mut self, span: usize) {
        self.consumer.release_all(span);
        self.end.publish();
    }

    /// Gives up the message to which `part`, the next one, belongs.
    pub(super) fn give_up(&mut self, part: Part) {
        self.consumer.give_up(part);
        self.skip();
    }

    /// Skips what is there of a message that was given up: its room is for others.
    pub(super) fn skip(&mut self) {
        // Whatever is wrong there is found again, and dealt with, by whoever receives next.
        let _ = self.consumer.next();
        self.end.publish();
    }

    /// The longest message that is received, in bytes; 1 GiB unless it has been set. A longer one is skipped, with an error.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Skips, with an error, messages that are longer than so many bytes; those that a [`reader`](Self::reader) reads are not
    /// concerned.
    ///
    /// ```
    /// let (mut tx, mut rx) = ringway::bytes::spsc::channel(4096)?;
    /// rx.set_limit(5);
    /// tx.send(b"too long")?;
    /// tx.send(b"short")?;
    /// assert!(rx.recv().unwrap_err().is_too_long());
    /// assert_eq!(rx.recv()?, b"short");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_limit(&mut self, bytes: u64) {
        self.limit = bytes;
    }

    /// The next message, to be dealt with before it leaves the ring; waits while there is none.
    ///
    /// At least once: nothing leaves the ring before [`commit`](Guard::commit). A guard that is dropped, or whose process
    /// dies, gives the message back, and it is delivered again, marked. A message that lies in one piece is seen in
    /// place; another one is copied when all of it is there, and for that it must fit into the ring.
    ///
    /// *Progress*: wait-free while there are messages; else it may sleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`]. A message that does not fit into the ring is `TooLong`, and skipped. (What an earlier call has taken of
    /// a message, when its time was over, is not given back if this process dies.)
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut tx, mut rx) = ringway::bytes::spsc::channel(4096)?;
    /// tx.send(b"a job")?;
    /// let job = rx.recv_ref()?;
    /// assert_eq!((&*job, job.attempt(), job.is_redelivered()), (&b"a job"[..], 1, false));
    /// drop(job); // not done
    /// let job = rx.recv_ref()?;
    /// assert_eq!((&*job, job.attempt(), job.is_redelivered()), (&b"a job"[..], 2, true));
    /// job.commit();
    /// assert!(rx.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv_ref(&mut self) -> Result<Guard<'_>, RecvError> {
        if let Some(hold) = self.hold_whole() {
            return Ok(Guard::new(self, hold));
        }
        let hold = self.hold(Some(Deadline::NEVER)).map_err(lasting)?;
        Ok(Guard::new(self, hold))
    }

    /// As [`recv_ref`](Self::recv_ref), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_ref_timeout(&mut self, timeout: Duration) -> Result<Guard<'_>, RecvTimeoutError> {
        let hold = self.hold(Some(Deadline::after(timeout)))?;
        Ok(Guard::new(self, hold))
    }

    /// As [`recv_ref`](Self::recv_ref), if all of a message is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv_ref(&mut self) -> Result<Guard<'_>, TryRecvError> {
        if let Some(hold) = self.hold_whole() {
            return Ok(Guard::new(self, hold));
        }
        let hold = self.hold(None).map_err(TryRecvError::from)?;
        Ok(Guard::new(self, hold))
    }

    /// Takes the next message in hand, if it is there and lies in one piece.
    #[inline(always)]
    fn hold_whole(&mut self) -> Option<Hold> {
        if !self.end.is_undisturbed() || self.is_reading {
            return None;
        }
        let len = self.consumer.whole_len(self.limit)?;
        let attempt = self.consumer.hand_out(span(len));
        Some(Hold { span: span(len), in_place: Some(len), attempt })
    }

    /// Takes the next message in hand.
    #[cold]
    #[inline(never)]
    fn hold(&mut self, deadline: Option<Deadline>) -> Result<Hold, RecvTimeoutError> {
        self.settle()?;
        let part = self.next_part(deadline, &mut 0)?;
        let announced = self.consumer.announced().or(part.announced);
        if let Some(bytes) = announced.filter(|bytes| *bytes > self.limit) {
            self.give_up(part);
            return Err(RecvTimeoutError::TooLong { bytes, limit: self.limit });
        }
        if part.is_whole() {
            let attempt = self.consumer.hand_out(part.span);
            return Ok(Hold { span: part.span, in_place: Some(part.len), attempt });
        }
        let (span, bytes) = self.all_of_it(part, deadline)?;
        if bytes > self.limit {
            self.release_all(span);
            return Err(RecvTimeoutError::TooLong { bytes, limit: self.limit });
        }
        let more = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(self.partial.len());
        if self.partial.try_reserve_exact(more).is_err() {
            self.release_all(span);
            return Err(RecvTimeoutError::OutOfMemory { bytes });
        }
        let attempt = self.consumer.hand_out(span);
        let had = self.partial.len();
        if let Err(corrupt) = self.consumer.copy_ahead(span, &mut self.partial) {
            self.partial.truncate(had);
            return Err(self.corrupt(corrupt));
        }
        Ok(Hold { span, in_place: None, attempt })
    }

    /// Waits until all of the message whose next part this is lies in the ring: how much of the ring that takes, and how
    /// long the message is.
    fn all_of_it(&mut self, part: Part, deadline: Option<Deadline>) -> Result<(usize, u64), RecvTimeoutError> {
        loop {
            let (published, bytes) = match self.consumer.look_ahead() {
                Ok(Ahead::Whole { span, bytes }) => return Ok((span, bytes)),
                Ok(Ahead::Incomplete { published, bytes }) => (published, bytes),
                Ok(Ahead::Cut { span, taken }) => {
                    self.release_all(span);
                    return Err(RecvTimeoutError::Aborted { bytes: taken });
                }
                Ok(Ahead::TooLong { bytes }) => {
                    self.give_up(part);
                    return Err(RecvTimeoutError::TooLong { bytes, limit: self.consumer.capacity() as u64 });
                }
                Err(corrupt) => return Err(self.corrupt(corrupt)),
            };
            let zero = Deadline::after(Duration::ZERO);
            let waited =
                bytes_waiting::for_more(&mut self.consumer, &mut self.end, published, deadline.unwrap_or(zero));
            match waited {
                Ok(()) => {}
                Err(Vain::TimedOut) => return Err(RecvTimeoutError::Timeout),
                Err(Vain::Gone(_)) if self.end.is_usable() => {
                    self.give_up(part);
                    return Err(RecvTimeoutError::Aborted { bytes });
                }
                Err(Vain::Gone(_)) => return Err(RecvTimeoutError::Disconnected),
            }
        }
    }

    /// The next message as something to read from, waiting until its beginning is there; the sender may still be writing
    /// it.
    ///
    /// Each part leaves the ring when it has been read: at most once. A reader that is dropped skips the rest.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// let (mut tx, mut rx) = ringway::bytes::spsc::channel(4096)?;
    /// tx.send(b"once upon a time")?;
    /// let mut reader = rx.reader()?;
    /// assert_eq!(reader.len_hint(), Some(16));
    /// let mut word = [0; 4];
    /// reader.read_exact(&mut word)?;
    /// assert_eq!(&word, b"once");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reader(&mut self) -> Result<super::MessageReader<'_>, RecvError> {
        let part = self.beginning(Deadline::NEVER).map_err(lasting)?;
        Ok(super::MessageReader::new(self, part))
    }

    /// As [`reader`](Self::reader), waiting for so long until the message begins.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn reader_timeout(&mut self, timeout: Duration) -> Result<super::MessageReader<'_>, RecvTimeoutError> {
        let part = self.beginning(Deadline::after(timeout))?;
        Ok(super::MessageReader::new(self, part))
    }

    fn beginning(&mut self, deadline: Deadline) -> Result<Part, RecvTimeoutError> {
        self.settle()?;
        self.next_part(Some(deadline), &mut 0)
    }

    /// Says that nothing more is received: the sender's next `send` fails. What is there can still be received.
    /// Idempotent; dropping does the same.
    pub fn close(&mut self) {
        self.end.close();
    }

    /// Messages as they come, until nothing is left and the sender is gone. Waits between them. Other errors are items.
    pub fn iter(&mut self) -> super::Iter<'_> {
        super::Iter::new(self)
    }

    /// The messages that are there now. Does not wait. Errors but `Empty` and `Disconnected` are items.
    pub fn try_iter(&mut self) -> super::TryIter<'_> {
        super::TryIter::new(self)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // A sender that goes on without a receiver learns that this message is nobody's.
        if self.end.is_usable() && !self.end.is_closed() {
            self.consumer.give_up_begun();
        }
    }
}

/// What an error is to one that waits without end, for whom the time is never over.
fn lasting(error: RecvTimeoutError) -> RecvError {
    error.lasting().unwrap_or(RecvError::Disconnected)
}

/// Makes room for `len` more bytes; whether there is. Grows with what is there, to twice of it, and at first to what a ring
/// holds: never by what was announced alone, and never beyond that.
fn grow(message: &mut Vec<u8>, len: usize, announced: Option<u64>, ring: usize) -> bool {
    if message.capacity() - message.len() >= len {
        return true;
    }
    let all = announced.map_or(usize::MAX, |all| usize::try_from(all).unwrap_or(usize::MAX));
    let at_most = all.saturating_sub(message.len()).max(len);
    let generous = message.len().max(if announced.is_some() { ring } else { 0 }).clamp(len, at_most);
    message.try_reserve_exact(generous).is_ok() || message.try_reserve_exact(len).is_ok()
}
