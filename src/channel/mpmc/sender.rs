//! The sending end.

use super::common::common;
use super::core::Core;
use super::lease;
use super::transfer::{self, Vain};
use super::waiting::{self, Waits};
use crate::channel::error::{OpenError, SendError, SendTimeoutError, TrySendError, WaitForPeerError};
use crate::channel::open::How;
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::membership::role::Role;
use crate::ring::mpmc::Pushed;
use crate::ring::payload::Payload;
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A sending end of a channel. Cloning it gives another one; both may be used by several threads at once.
///
/// When the last sender anywhere is gone, receivers get what was sent, then `Disconnected`.
pub struct Sender<T: Payload> {
    pub(super) core: Arc<Core<T>>,
    pub(super) waits: Waits,
}

common!(Sender, Role::Sender, "sender", "receiver");

impl<T: Payload> Sender<T> {
    /// Sends `message`, waiting while the ring is full.
    ///
    /// The message is copied into the ring and can be received when this returns.
    ///
    /// *Progress*: lock-free among those that run while there is room, and one `futex` wake if a receiver sleeps; may
    /// sleep while the ring is full.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the message back: no receiver is left, even if there is room. See
    /// [`disconnect_reason`](Self::disconnect_reason).
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not; nobody waits for it.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        if self.push(&message) {
            return Ok(());
        }
        self.send_until(message, Deadline::NEVER).map_err(|error| SendError(error.into_inner()))
    }

    /// Sends `message` if there is room now.
    ///
    /// `Full` means that the ring was full at an instant inside this call, or that somebody who is stopped holds its next
    /// place (after some microseconds of looking again).
    ///
    /// *Progress*: never sleeps; one `futex` wake if a receiver sleeps, one `sched_yield` if others win one race after the
    /// other; when full, at most every 4 ms one `fcntl` for each
    /// process that is attached.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] hands the message back.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not; nobody waits for it.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        if self.push(&message) {
            return Ok(());
        }
        match waiting::try_send(&self.core, &[message]) {
            Ok(_) => Ok(()),
            Err(Vain::Gone(_)) => Err(TrySendError::Disconnected(message)),
            Err(Vain::NotNow | Vain::InBetween) => Err(TrySendError::Full(message)),
        }
    }

    /// Sends it if nothing stands in the way.
    #[inline(always)]
    fn push(&self, message: &T) -> bool {
        transfer::push_in_front(&self.core, message)
    }

    /// Sends `message`, waiting for room for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`] hands the message back.
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_until(message, Deadline::after(timeout))
    }

    /// Sends `message`, waiting for room until then.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`] hands the message back.
    pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_timeout(message, until(deadline))
    }

    #[cold]
    #[inline(never)]
    fn send_until(&self, message: T, deadline: Deadline) -> Result<(), SendTimeoutError<T>> {
        match waiting::send(&self.core, &[message], self.waits, deadline) {
            Ok(_) => Ok(()),
            Err(Vain::Gone(_)) => Err(SendTimeoutError::Disconnected(message)),
            Err(Vain::NotNow | Vain::InBetween) => Err(SendTimeoutError::Timeout(message)),
        }
    }

    /// Sends all of `messages` in order, waiting while the ring is full; claims room for many at once, and wakes a receiver
    /// once for each part.
    ///
    /// Messages of other senders may come between two parts.
    ///
    /// # Errors
    ///
    /// No receiver is left: the error has the number of messages that were sent before, and that nobody may ever take.
    ///
    /// # If this process dies here
    ///
    /// Some of them were sent: of each part a prefix.
    pub fn send_many(&self, messages: &[T]) -> Result<(), SendError<usize>> {
        let mut sent = 0;
        while sent < messages.len() {
            let rest = &messages[sent..];
            sent += match self.push_some(rest) {
                0 => waiting::send(&self.core, rest, self.waits, Deadline::NEVER).map_err(|_| SendError(sent))?,
                some => some,
            };
        }
        Ok(())
    }

    /// Sends as many of `messages` as there is room for now; how many those were.
    ///
    /// # Errors
    ///
    /// [`SendError`]: no receiver is left; nothing was sent.
    pub fn try_send_many(&self, messages: &[T]) -> Result<usize, SendError<()>> {
        let mut sent = 0;
        while sent < messages.len() {
            sent += match self.push_some(&messages[sent..]) {
                0 => match waiting::try_send(&self.core, &messages[sent..]) {
                    Ok(some) => some,
                    Err(Vain::Gone(_)) if sent == 0 => return Err(SendError(())),
                    Err(_) => break,
                },
                some => some,
            };
        }
        Ok(sent)
    }

    /// Sends a part of them if nothing stands in the way; how many.
    #[inline(always)]
    fn push_some(&self, messages: &[T]) -> usize {
        let core = &self.core;
        if !core.is_undisturbed(Role::Sender) {
            return 0;
        }
        let sent = lease::with(core, |lease| match core.ring().push_some(core.ring().record(lease.record), messages) {
            Pushed::Done(sent) => {
                transfer::published(core, lease);
                sent
            }
            _ => 0,
        });
        sent.unwrap_or(0)
    }
}
