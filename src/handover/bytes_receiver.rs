//! The receiving end of messages of bytes, from somebody who is not trusted.

use crate::bytes::spsc;
use crate::bytes::{RecvError, RecvTimeoutError, TryRecvError};
use std::fmt;
use std::time::{Duration, Instant};

/// The receiving end of a channel of bytes that was handed over. Every message is copied out, into memory that grows with what has
/// come and never by what was promised, up to a [limit](Self::set_limit). See [`handover::Receiver`](super::Receiver) for what a
/// sender that breaks the rules can do; the methods are those of [`bytes::spsc::Receiver`](crate::bytes::spsc::Receiver).
pub struct BytesReceiver(spsc::Receiver);

impl BytesReceiver {
    pub(super) fn new(receiver: spsc::Receiver) -> Self {
        Self(receiver)
    }

    pub(super) fn into_inner(self) -> spsc::Receiver {
        self.0
    }

    /// Receives the next message into memory of its own, waiting while there is none.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn recv(&mut self) -> Result<Vec<u8>, RecvError> {
        self.0.recv()
    }

    /// Receives the next message into `message`, whose contents it replaces, waiting while there is none; how long it is.
    ///
    /// # Errors
    ///
    /// [`RecvError`]; the vector is empty then.
    #[inline]
    pub fn recv_into(&mut self, message: &mut Vec<u8>) -> Result<usize, RecvError> {
        self.0.recv_into(message)
    }

    /// Receives the next message if all of it is there now, or has come by now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub fn try_recv(&mut self) -> Result<Vec<u8>, TryRecvError> {
        self.0.try_recv()
    }

    /// As [`try_recv`](Self::try_recv), into `message`, whose contents it replaces; how long it is.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; the vector is empty then.
    #[inline]
    pub fn try_recv_into(&mut self, message: &mut Vec<u8>) -> Result<usize, TryRecvError> {
        self.0.try_recv_into(message)
    }

    /// Receives the next message, waiting for all of it for so long. What has come when the time is over is kept for the next call.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Vec<u8>, RecvTimeoutError> {
        self.0.recv_timeout(timeout)
    }

    /// As [`recv_timeout`](Self::recv_timeout), into `message`, whose contents it replaces; how long it is.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`]; the vector is empty then.
    pub fn recv_into_timeout(&mut self, message: &mut Vec<u8>, timeout: Duration) -> Result<usize, RecvTimeoutError> {
        self.0.recv_into_timeout(message, timeout)
    }

    /// Receives the next message, waiting for all of it until then.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<Vec<u8>, RecvTimeoutError> {
        self.0.recv_deadline(deadline)
    }

    /// Messages as they come, until nothing is left and the sender is gone. Other errors are items.
    pub fn iter(&mut self) -> spsc::Iter<'_> {
        self.0.iter()
    }

    /// The messages that are there now. Errors but `Empty` and `Disconnected` are items.
    pub fn try_iter(&mut self) -> spsc::TryIter<'_> {
        self.0.try_iter()
    }

    /// The longest message that is received, in bytes.
    pub fn limit(&self) -> u64 {
        self.0.limit()
    }

    /// Skips, with an error, messages that are longer than so many bytes. What is received may take that much of this process's
    /// memory, whoever the sender is.
    pub fn set_limit(&mut self, bytes: u64) {
        self.0.set_limit(bytes);
    }

    /// Bytes of the ring that were sent and not yet received, as far as the sender says.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `len` is 0.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of the ring.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    super::common::common!();
}

impl fmt::Debug for BytesReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("handover::BytesReceiver").field(&self.0).finish()
    }
}
