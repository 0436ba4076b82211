//! The sending end.

use super::asked;
use super::common::common;
use super::waiting;
use super::writer::MessageWriter;
use crate::bytes::error::{SendError, SendTimeoutError, TrySendError};
use crate::channel::end::{End, Stats};
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::open::{How, enter};
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
#[cfg(not(loom))]
use crate::channel::spsc::corrupt;
use crate::channel::waiting::Vain;
#[cfg(not(loom))]
use crate::layout::overlay::Frames;
use crate::membership::role::Role;
use crate::ring::Corrupt;
use crate::ring::parts::{Cut, Piece, Producer, Pushed, Source, span};
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::io::IoSlice;
use std::time::{Duration, Instant};

/// The sending end of a channel. `Send`, not `Clone`: there is one.
///
/// Dropping it is leaving: the receiver gets what was sent, then `Disconnected`. If no receiver ever came, what was sent
/// goes with it; [`wait_for_peer`](Self::wait_for_peer) and [`Options::persistent`] are for those who mind.
pub struct Sender {
    pub(super) producer: Producer,
    pub(super) end: End,
    pub(super) instance: [u8; 16],
}

common!(Sender, Role::Sender, producer, Producer, "sender", "receiver", {});

impl Sender {
    /// Sends `message`, waiting while the ring has no room for it.
    ///
    /// It is copied into the ring. A message that lies in one piece is visible to the receiver when this returns; a longer one
    /// becomes visible, and makes room again, while it is being sent.
    ///
    /// *Progress*: wait-free while there is room, and one `futex` wake if the receiver sleeps; may sleep while there is none.
    ///
    /// # Errors
    ///
    /// [`SendError::Disconnected`]: the receiver is gone, even if there is room. [`SendError::Aborted`]: it went in the
    /// middle of the message, or will not have it.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not. Of a long one the receiver may have taken the beginning: it learns that no
    /// more comes (`Aborted`).
    #[inline]
    pub fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if self.end.is_undisturbed() && self.producer.push_below_limit(message) {
            self.end.publish();
            return Ok(());
        }
        self.send_anew(message)
    }

    /// The peer's word has changed, the known room or the frame is used up, or the message is long.
    #[cold]
    #[inline(never)]
    fn send_anew(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.send_until(message.len(), &[IoSlice::new(message)], Deadline::NEVER).map_err(SendTimeoutError::lasting)
    }

    /// Sends `pieces`, one behind the other, as one message. See [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As `send`; and [`SendError::TooLong`]: more bytes than any memory has.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::IoSlice;
    /// let (mut tx, mut rx) = ringway::bytes::spsc::channel(4096)?;
    /// tx.send_vectored(&[IoSlice::new(b"head "), IoSlice::new(b"and body")])?;
    /// assert_eq!(rx.recv()?, b"head and body");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_vectored(&mut self, pieces: &[IoSlice<'_>]) -> Result<(), SendError> {
        let len = pieces.iter().fold(0, |len: usize, piece| len.saturating_add(piece.len()));
        let limit = isize::MAX as usize;
        if len > limit {
            // No memory is so large: the same bytes, again and again.
            return Err(SendError::TooLong { bytes: len, limit });
        }
        self.send_until(len, pieces, Deadline::NEVER).map_err(SendTimeoutError::lasting)
    }

    /// Sends `message` if there is room for all of it now.
    ///
    /// `Full` means that the ring had no room for it at an instant inside this call.
    ///
    /// *Progress*: wait-free; one `futex` wake if the receiver sleeps; when full, at most every 4 ms one `fcntl`.
    ///
    /// # Errors
    ///
    /// [`TrySendError`]. A message for which an empty ring has no room is [`TooLong`](TrySendError::TooLong).
    ///
    /// # If this process dies here
    ///
    /// As in [`send`](Self::send).
    #[inline]
    pub fn try_send(&mut self, message: &[u8]) -> Result<(), TrySendError> {
        if self.end.is_undisturbed() && self.producer.push_below_limit(message) {
            self.end.publish();
            return Ok(());
        }
        self.try_send_anew(message)
    }

    #[cold]
    #[inline(never)]
    fn try_send_anew(&mut self, message: &[u8]) -> Result<(), TrySendError> {
        self.settle().map_err(|_| TrySendError::Disconnected)?;
        match self.producer.push(message.len(), std::iter::once(message)) {
            Pushed::Done => {
                self.end.publish();
                Ok(())
            }
            Pushed::Full { .. } => Err(self.full()),
            Pushed::TooLong { limit } => Err(TrySendError::TooLong { bytes: message.len(), limit }),
            Pushed::Corrupt(corrupt) => {
                self.end.poison(corrupt);
                Err(TrySendError::Disconnected)
            }
        }
    }

    /// Full: unless nobody is there to make room any more.
    fn full(&mut self) -> TrySendError {
        match self.end.probe(false) {
            Some(_) => TrySendError::Disconnected,
            None => TrySendError::Full,
        }
    }

    /// Sends `message`, waiting for room for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`]. When the time is over in the middle of a long message, the receiver learns that no more comes.
    pub fn send_timeout(&mut self, message: &[u8], timeout: Duration) -> Result<(), SendTimeoutError> {
        match self.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected) => Err(SendTimeoutError::Disconnected),
            Err(TrySendError::Full | TrySendError::TooLong { .. }) if timeout.is_zero() => {
                Err(SendTimeoutError::Timeout)
            }
            Err(TrySendError::Full | TrySendError::TooLong { .. }) => {
                self.send_until(message.len(), &[IoSlice::new(message)], Deadline::after(timeout))
            }
        }
    }

    /// Sends `message`, waiting for room until then.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    pub fn send_deadline(&mut self, message: &[u8], deadline: Instant) -> Result<(), SendTimeoutError> {
        self.send_timeout(message, until(deadline))
    }

    fn send_until(&mut self, len: usize, pieces: &[IoSlice<'_>], deadline: Deadline) -> Result<(), SendTimeoutError> {
        self.settle().map_err(|_| SendTimeoutError::Disconnected)?;
        let pieces = || pieces.iter().map(|piece| &**piece);
        if len > self.producer.whole_max() {
            return self.send_parts(len, Source::new(pieces()), deadline);
        }
        loop {
            match self.producer.push(len, pieces()) {
                Pushed::Done => {
                    self.end.publish();
                    return Ok(());
                }
                Pushed::Full { needs } => self.wait_for(needs, deadline)?,
                Pushed::Corrupt(corrupt) => return Err(self.corrupt(corrupt)),
                Pushed::TooLong { limit } => return Err(SendTimeoutError::TooLong { bytes: len, limit }),
            }
        }
    }

    /// Part by part, as there is room.
    fn send_parts<'a>(
        &mut self,
        len: usize,
        mut source: Source<'a, impl Iterator<Item = &'a [u8]>>,
        deadline: Deadline,
    ) -> Result<(), SendTimeoutError> {
        let mut left = len;
        while left > 0 {
            let cut = self.next_piece(Some(left as u64), (len - left) as u64, deadline)?;
            left -= self.producer.put(cut, Some(left as u64), &mut source);
            self.end.publish();
        }
        Ok(())
    }

    /// Waits for a place for the next piece of a message of which `sent` bytes are out and `left` are not. On failure the
    /// message is ended.
    pub(super) fn next_piece(
        &mut self,
        left: Option<u64>,
        sent: u64,
        deadline: Deadline,
    ) -> Result<Cut, SendTimeoutError> {
        // A receiver that keeps up would let the message go on for ever.
        let is_late = sent > self.producer.cuts().capacity as u64 && deadline.is_over();
        loop {
            let piece = if self.producer.is_refused() || is_late {
                Err(if is_late { Vain::TimedOut } else { Vain::Gone(DisconnectReason::Left) })
            } else if let Some(reason) = self.gone() {
                Err(Vain::Gone(reason))
            } else {
                match self.looked_for(|producer| producer.piece(left)) {
                    Ok(Piece::Here(cut)) => return Ok(cut),
                    Ok(Piece::Full { needs }) => waiting::for_room(&mut self.producer, &mut self.end, needs, deadline),
                    Err(corrupt) => Err(Vain::Gone(self.end.poison(corrupt))),
                }
            };
            if let Err(vain) = piece {
                let was_begun = self.producer.is_in_message();
                self.give_up();
                return Err(match vain {
                    Vain::TimedOut => SendTimeoutError::Timeout,
                    Vain::Gone(_) if was_begun => SendTimeoutError::Aborted { bytes: sent },
                    Vain::Gone(_) => SendTimeoutError::Disconnected,
                });
            }
        }
    }

    /// Looks for a place. If the rest of a frame was filled on the way, the receiver is woken to pass it by: whoever waits
    /// for room next may wait for just that.
    fn looked_for(&mut self, look: impl FnOnce(&mut Producer) -> Result<Piece, Corrupt>) -> Result<Piece, Corrupt> {
        let tail = self.producer.ring().tail();
        let found = look(&mut self.producer);
        if self.producer.ring().tail() != tail {
            self.end.publish();
        }
        found
    }

    /// Waits for room where nothing of a message is out.
    pub(super) fn wait_for(&mut self, needs: usize, deadline: Deadline) -> Result<(), SendTimeoutError> {
        waiting::for_room(&mut self.producer, &mut self.end, needs, deadline).map_err(|vain| match vain {
            Vain::TimedOut => SendTimeoutError::Timeout,
            Vain::Gone(_) => SendTimeoutError::Disconnected,
        })
    }

    pub(super) fn corrupt(&mut self, corrupt: Corrupt) -> SendTimeoutError {
        self.end.poison(corrupt);
        SendTimeoutError::Disconnected
    }

    /// Why nothing can be sent, if nothing can.
    fn gone(&mut self) -> Option<DisconnectReason> {
        if self.end.is_undisturbed() { None } else { self.end.digest() }
    }

    /// In front of a message: somebody is there to have it, and no other is in the middle.
    pub(super) fn settle(&mut self) -> Result<(), DisconnectReason> {
        if let Some(reason) = self.gone() {
            return Err(reason);
        }
        // A writer that was forgotten.
        self.give_up();
        Ok(())
    }

    /// Publishes a piece of a message of which so many bytes have been written; see [`Producer::publish_piece`].
    pub(super) fn publish_piece(&mut self, cut: Cut, filled: usize, left: Option<u64>, is_last: bool) {
        self.producer.publish_piece(cut, filled, left, is_last);
        self.end.publish();
    }

    /// Ends the message in the middle of which this end is, if it is.
    pub(super) fn give_up(&mut self) {
        if self.end.is_usable() && self.producer.is_in_message() {
            self.producer.cancel();
            self.end.publish();
        }
    }

    /// Bytes of the longest message that always lies in one piece: what can be [claimed](Self::claim).
    pub fn contiguous_max(&self) -> usize {
        self.producer.whole_max()
    }

    /// Room for a message of at most `max_len` bytes, to be written in place and then committed; waits while there is none.
    ///
    /// *Progress*: wait-free while there is room; else it may sleep.
    ///
    /// # Errors
    ///
    /// [`SendError::Disconnected`]: the receiver is gone. [`SendError::TooLong`]: more than
    /// [`contiguous_max`](Self::contiguous_max).
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut tx, mut rx) = ringway::bytes::spsc::channel(4096)?;
    /// let mut claim = tx.claim(100)?;
    /// claim[..5].copy_from_slice(b"bytes");
    /// claim.commit(5);
    /// assert_eq!(rx.recv()?, b"bytes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn claim(&mut self, max_len: usize) -> Result<super::Claim<'_>, SendError> {
        if self.has_place(max_len) {
            return Ok(super::Claim::new(self, max_len));
        }
        self.claim_until(max_len, Deadline::NEVER).map_err(SendTimeoutError::lasting)
    }

    /// As [`claim`](Self::claim), waiting for so long.
    ///
    /// # Errors
    ///
    /// As `claim`; and the time is over.
    pub fn claim_timeout(&mut self, max_len: usize, timeout: Duration) -> Result<super::Claim<'_>, SendTimeoutError> {
        self.claim_until(max_len, Deadline::after(timeout))
    }

    /// As [`claim`](Self::claim), if there is room now.
    ///
    /// *Progress*: wait-free.
    ///
    /// # Errors
    ///
    /// [`TrySendError`].
    #[inline]
    pub fn try_claim(&mut self, max_len: usize) -> Result<super::Claim<'_>, TrySendError> {
        if self.has_place(max_len) {
            return Ok(super::Claim::new(self, max_len));
        }
        self.try_claim_anew(max_len)
    }

    /// Whether there is a place for a claim without any ado.
    #[inline(always)]
    fn has_place(&self, max_len: usize) -> bool {
        max_len <= self.contiguous_max() && self.end.is_undisturbed() && self.producer.has_place(span(max_len))
    }

    #[cold]
    #[inline(never)]
    fn try_claim_anew(&mut self, max_len: usize) -> Result<super::Claim<'_>, TrySendError> {
        self.settle().map_err(|_| TrySendError::Disconnected)?;
        let limit = self.contiguous_max();
        if max_len > limit {
            return Err(TrySendError::TooLong { bytes: max_len, limit });
        }
        match self.looked_for(|producer| producer.place(span(max_len))) {
            Ok(Piece::Here(_)) => Ok(super::Claim::new(self, max_len)),
            Ok(Piece::Full { .. }) => Err(self.full()),
            Err(corrupt) => {
                self.end.poison(corrupt);
                Err(TrySendError::Disconnected)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn claim_until(&mut self, max_len: usize, deadline: Deadline) -> Result<super::Claim<'_>, SendTimeoutError> {
        self.settle().map_err(|_| SendTimeoutError::Disconnected)?;
        let limit = self.contiguous_max();
        if max_len > limit {
            return Err(SendTimeoutError::TooLong { bytes: max_len, limit });
        }
        self.place(max_len, deadline)?;
        Ok(super::Claim::new(self, max_len))
    }

    /// Waits for a place for a message that lies in one piece.
    pub(super) fn place(&mut self, len: usize, deadline: Deadline) -> Result<Cut, SendTimeoutError> {
        loop {
            match self.looked_for(|producer| producer.place(span(len))) {
                Ok(Piece::Here(cut)) => return Ok(cut),
                Ok(Piece::Full { needs }) => self.wait_for(needs, deadline)?,
                Err(corrupt) => return Err(self.corrupt(corrupt)),
            }
        }
    }

    /// A message that is written bit by bit, of `len` bytes if that is known.
    ///
    /// It is sent when it is [finished](MessageWriter::finish); a writer that is dropped before gives it up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// let (mut tx, mut rx) = ringway::bytes::spsc::channel(4096)?;
    /// let mut writer = tx.writer(None);
    /// write!(writer, "{} and {}", 1, 2)?;
    /// writer.finish()?;
    /// assert_eq!(rx.recv()?, b"1 and 2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn writer(&mut self, len: Option<u64>) -> MessageWriter<'_> {
        MessageWriter::new(self, len)
    }

    /// Says that nothing follows: the receiver gets what was sent, and then `Disconnected`. What this end sends later
    /// fails. Idempotent; dropping does the same.
    pub fn close(&mut self) {
        self.say_goodbye();
        self.end.close();
    }

    fn say_goodbye(&mut self) {
        if self.end.is_usable() && !self.end.is_closed() {
            self.give_up();
            self.producer.ring().close();
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.say_goodbye();
        // The end leaves next: `closed` first, then LEFT.
    }
}
