//! Receiving by iterator.

use super::receiver::Receiver;
use crate::bytes::error::{RecvError, TryRecvError};
use std::fmt;
use std::iter::FusedIterator;

/// Waits for each message; ends when nothing is left and the sender is gone. See [`Receiver::iter`].
pub struct Iter<'a> {
    receiver: &'a mut Receiver,
}

impl<'a> Iter<'a> {
    pub(super) fn new(receiver: &'a mut Receiver) -> Self {
        Self { receiver }
    }
}

/// The end is no item.
fn item(received: Result<Vec<u8>, RecvError>) -> Option<Result<Vec<u8>, RecvError>> {
    if received == Err(RecvError::Disconnected) { None } else { Some(received) }
}

impl Iterator for Iter<'_> {
    type Item = Result<Vec<u8>, RecvError>;

    fn next(&mut self) -> Option<Self::Item> {
        item(self.receiver.recv())
    }
}

/// The messages that are there now. See [`Receiver::try_iter`].
pub struct TryIter<'a> {
    receiver: &'a mut Receiver,
}

impl<'a> TryIter<'a> {
    pub(super) fn new(receiver: &'a mut Receiver) -> Self {
        Self { receiver }
    }
}

impl Iterator for TryIter<'_> {
    type Item = Result<Vec<u8>, TryRecvError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.receiver.try_recv() {
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            received => Some(received),
        }
    }
}

/// As [`Iter`], owning the receiver. Once it has ended it stays ended, whoever comes to the other end.
pub struct IntoIter {
    receiver: Option<Receiver>,
}

impl Iterator for IntoIter {
    type Item = Result<Vec<u8>, RecvError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = item(self.receiver.as_mut()?.recv());
        if next.is_none() {
            self.receiver = None;
        }
        next
    }
}

impl FusedIterator for IntoIter {}

impl IntoIterator for Receiver {
    type Item = Result<Vec<u8>, RecvError>;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { receiver: Some(self) }
    }
}

impl<'a> IntoIterator for &'a mut Receiver {
    type Item = Result<Vec<u8>, RecvError>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("receiver", &self.receiver).finish()
    }
}

impl fmt::Debug for TryIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter").field("receiver", &self.receiver).finish()
    }
}

impl fmt::Debug for IntoIter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("receiver", &self.receiver).finish()
    }
}
