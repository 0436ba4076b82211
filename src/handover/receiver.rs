//! The receiving end of messages of one type, from somebody who is not trusted.

use crate::channel::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::channel::spsc;
use crate::ring::payload::Payload;
use std::fmt;
use std::time::{Duration, Instant};

/// The receiving end of a channel that was handed over. Every message is copied out, so that what the sender writes afterwards
/// changes nothing that has been received; there is nothing that shows one in place. ([`in_place`](Self::in_place) is for those
/// who trust the sender after all.)
///
/// The methods are those of [`spsc::Receiver`]. A sender that breaks the rules can make a message any value of `T`, or the
/// channel [`Corrupt`](crate::DisconnectReason::Corrupt); it can keep a call without a deadline waiting, and one with a deadline until then.
pub struct Receiver<T>(spsc::Receiver<T>);

impl<T: Payload> Receiver<T> {
    pub(super) fn new(receiver: spsc::Receiver<T>) -> Self {
        Self(receiver)
    }

    pub(super) fn into_inner(self) -> spsc::Receiver<T> {
        self.0
    }

    /// Receives the next message, waiting while there is none.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and the sender is gone.
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.0.recv()
    }

    /// Receives the next message if there is one now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.0.try_recv()
    }

    /// Receives the next message, waiting for it for so long.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.0.recv_timeout(timeout)
    }

    /// Receives the next message, waiting for it until then.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.0.recv_deadline(deadline)
    }

    /// Receives up to `messages.len()` messages into the front of `messages`, waiting while there is none; how many.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn recv_many(&mut self, messages: &mut [T]) -> Result<usize, RecvError> {
        self.0.recv_many(messages)
    }

    /// Receives as many messages as there are now into the front of `messages`; 0 if none.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn try_recv_many(&mut self, messages: &mut [T]) -> Result<usize, RecvError> {
        self.0.try_recv_many(messages)
    }

    /// Messages as they come, until nothing is left and the sender is gone.
    pub fn iter(&mut self) -> spsc::Iter<'_, T> {
        self.0.iter()
    }

    /// The messages that are there now.
    pub fn try_iter(&mut self) -> spsc::TryIter<'_, T> {
        self.0.try_iter()
    }

    /// Messages that were sent and not yet received, as far as the sender says.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `len` is 0.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Messages that the channel holds at most.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    super::common::common!();
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("handover::Receiver").field(&self.0).finish()
    }
}
