//! What the modules in place of others' stand on: ends whose errors are those of crossbeam-channel.

use crate::channel::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use crate::channel::mpmc;
use crate::ring::payload::Payload;
use std::time::Duration;

/// A sending end of some channel of ours.
pub(super) trait CarrySend<T> {
    fn send(&self, message: T) -> Result<(), SendError<T>>;
    fn try_send(&self, message: T) -> Result<(), TrySendError<T>>;
    fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>>;
}

/// A receiving end of some channel of ours.
pub(super) trait CarryRecv<T> {
    fn recv(&self) -> Result<T, RecvError>;
    fn try_recv(&self) -> Result<T, TryRecvError>;
    fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError>;
}

impl<T: Payload> CarrySend<T> for mpmc::Sender<T> {
    #[inline]
    fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.send(message)
    }

    #[inline]
    fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.try_send(message)
    }

    fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_timeout(message, timeout)
    }
}

impl<T: Payload> CarryRecv<T> for mpmc::Receiver<T> {
    #[inline]
    fn recv(&self) -> Result<T, RecvError> {
        self.recv()
    }

    #[inline]
    fn try_recv(&self) -> Result<T, TryRecvError> {
        self.try_recv()
    }

    fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_timeout(timeout)
    }
}
