//! The sending end.

use super::asked;
use super::common::common;
#[cfg(not(loom))]
use super::corrupt;
use crate::channel::end::{End, Stats};
use crate::channel::error::TryGrantError;
use crate::channel::error::{OpenError, SendError, SendTimeoutError, TrySendError, WaitForPeerError};
use crate::channel::open::{How, enter};
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::channel::waiting::{self, Vain};
#[cfg(not(loom))]
use crate::layout::overlay::Frames;
use crate::membership::role::Role;
use crate::ring::payload::Payload;
use crate::ring::spsc::{Producer, Pushed};
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::time::{Duration, Instant};

/// The sending end of a channel. `Send`, not `Clone`: there is one.
///
/// Dropping it is leaving: the receiver gets what was sent, then `Disconnected`. If no receiver ever came, what was sent
/// goes with it; [`wait_for_peer`](Self::wait_for_peer) and [`Options::persistent`] are for those who mind.
pub struct Sender<T> {
    pub(super) producer: Producer<T>,
    pub(super) end: End,
    pub(super) instance: [u8; 16],
}

common!(Sender, Role::Sender, producer, Producer, "sender", "receiver");

impl<T: Payload> Sender<T> {
    /// Sends `message`, waiting while the ring is full.
    ///
    /// The message is copied into the ring and is visible to the receiver when this returns.
    ///
    /// *Progress*: wait-free while there is room, and one `futex` wake if the receiver sleeps; may sleep while the ring
    /// is full.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the message back: the receiver is gone, even if there is room. See
    /// [`disconnect_reason`](Self::disconnect_reason).
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not.
    #[inline(always)]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        if self.end.is_undisturbed() && self.producer.push_below_limit(&message) {
            self.end.publish();
            return Ok(());
        }
        // Not by `try_send`, which asks for the exact head before it says Full.
        self.send_until(message, Deadline::NEVER).map_err(|error| SendError(error.into_inner()))
    }

    /// Sends `message` if there is room now.
    ///
    /// `Full` means that the ring was full at an instant inside this call.
    ///
    /// *Progress*: wait-free; one `futex` wake if the receiver sleeps; when full, at most every 4 ms one `fcntl`.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] hands the message back.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not.
    #[inline(always)]
    pub fn try_send(&mut self, message: T) -> Result<(), TrySendError<T>> {
        if self.end.is_undisturbed() && self.producer.push_below_limit(&message) {
            self.end.publish();
            return Ok(());
        }
        self.try_send_anew(message)
    }

    /// The peer's word has changed, or the known room is used up.
    #[cold]
    #[inline(never)]
    fn try_send_anew(&mut self, message: T) -> Result<(), TrySendError<T>> {
        if !self.end.is_undisturbed() && self.end.digest().is_some() {
            return Err(TrySendError::Disconnected(message));
        }
        match self.producer.push(&message) {
            Pushed::Done => {
                self.end.publish();
                Ok(())
            }
            Pushed::Full => Err(self.full(message)),
            Pushed::Corrupt(corrupt) => {
                self.end.poison(corrupt);
                Err(TrySendError::Disconnected(message))
            }
        }
    }

    /// Full: unless nobody is there to make room any more.
    fn full(&mut self, message: T) -> TrySendError<T> {
        match self.end.probe(false) {
            Some(_) => TrySendError::Disconnected(message),
            None => TrySendError::Full(message),
        }
    }

    /// Sends `message`, waiting for room for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`] hands the message back.
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        match self.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(message)) => Err(SendTimeoutError::Disconnected(message)),
            Err(TrySendError::Full(message)) => self.send_until(message, Deadline::after(timeout)),
        }
    }

    /// Sends `message`, waiting for room until then.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`] hands the message back.
    pub fn send_deadline(&mut self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_timeout(message, until(deadline))
    }

    #[cold]
    #[inline(never)]
    fn send_until(&mut self, message: T, deadline: Deadline) -> Result<(), SendTimeoutError<T>> {
        match waiting::for_room(&mut self.producer, &mut self.end, 1, deadline) {
            Ok(_) => {}
            Err(Vain::Gone(_)) => return Err(SendTimeoutError::Disconnected(message)),
            Err(Vain::TimedOut) => return Err(SendTimeoutError::Timeout(message)),
        }
        // Only this producer uses room up, so the room that was seen is still there.
        match self.try_send(message) {
            Ok(()) => Ok(()),
            Err(error) => Err(SendTimeoutError::Disconnected(error.into_inner())),
        }
    }

    /// Sends all of `messages` in order, waiting while the ring is full; wakes the receiver once for each part that fits.
    ///
    /// # Errors
    ///
    /// The receiver is gone: the error has the number of messages that were sent before, and that nobody may ever take.
    ///
    /// # If this process dies here
    ///
    /// A prefix of them was sent.
    pub fn send_many(&mut self, messages: &[T]) -> Result<(), SendError<usize>> {
        let mut sent = 0;
        while sent < messages.len() {
            let left = messages.len() - sent;
            let Ok(room) = self.room_for(left) else { return Err(SendError(sent)) };
            sent += self.put(&messages[sent..sent + room.min(left)]);
        }
        Ok(())
    }

    /// Sends as many of `messages` as there is room for now; how many those were.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the receiver is gone; nothing was sent.
    pub fn try_send_many(&mut self, messages: &[T]) -> Result<usize, SendError<()>> {
        if !self.end.is_undisturbed() && self.end.digest().is_some() {
            return Err(SendError(()));
        }
        match self.producer.room(messages.len()) {
            Ok(0) if !messages.is_empty() => self.end.probe(false).map_or(Ok(0), |_| Err(SendError(()))),
            Ok(room) => Ok(self.put(&messages[..room.min(messages.len())])),
            Err(corrupt) => {
                self.end.poison(corrupt);
                Err(SendError(()))
            }
        }
    }

    /// Waits for room for at least one message; how many there is room for, `want` if there are so many.
    #[inline(always)]
    fn room_for(&mut self, want: usize) -> Result<usize, Vain> {
        let known = self.producer.known_room();
        if known >= want.max(1) && self.end.is_undisturbed() {
            return Ok(known);
        }
        waiting::for_room(&mut self.producer, &mut self.end, want, Deadline::NEVER)
    }

    /// Copies, publishes and rings once. There is room for all.
    fn put(&mut self, messages: &[T]) -> usize {
        self.producer.push_all(messages);
        self.end.publish();
        messages.len()
    }

    /// Room for exactly `n` messages, to be written in place and then committed.
    ///
    /// *Progress*: wait-free.
    ///
    /// # Errors
    ///
    /// [`TryGrantError::TooFew`] says for how many there is room.
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut tx, mut rx) = ringway::spsc::channel::<u64>(100)?;
    /// let mut grant = tx.try_reserve(10)?;
    /// let filled = grant.fill((0..).map(|n| n * n));
    /// grant.commit(filled);
    /// assert_eq!(rx.iter().nth(3), Some(9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_reserve(&mut self, n: usize) -> Result<super::WriteGrant<'_, T>, TryGrantError> {
        if !self.end.is_undisturbed() && self.end.digest().is_some() {
            return Err(TryGrantError::Disconnected);
        }
        match self.producer.room(n) {
            Ok(room) if room >= n => Ok(super::WriteGrant::new(&mut self.producer, &mut self.end, n)),
            Ok(room) => Err(self.end.probe(false).map_or(TryGrantError::TooFew(room), |_| TryGrantError::Disconnected)),
            Err(corrupt) => {
                self.end.poison(corrupt);
                Err(TryGrantError::Disconnected)
            }
        }
    }

    /// Room for at least one and at most `max` messages, waiting while the ring is full.
    ///
    /// *Progress*: may sleep while the ring is full.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the receiver is gone.
    pub fn reserve_up_to(&mut self, max: usize) -> Result<super::WriteGrant<'_, T>, SendError<()>> {
        match self.room_for(max) {
            Ok(room) => Ok(super::WriteGrant::new(&mut self.producer, &mut self.end, room.min(max.max(1)))),
            Err(_) => Err(SendError(())),
        }
    }

    /// Says that nothing follows: the receiver gets what was sent, and then `Disconnected`. What this end sends later
    /// fails. Idempotent; dropping does the same.
    pub fn close(&mut self) {
        if self.end.is_usable() && !self.end.is_closed() {
            self.producer.close();
        }
        self.end.close();
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.end.is_usable() && !self.end.is_closed() {
            self.producer.close();
        }
        // The end leaves next: `closed` first, then LEFT.
    }
}
