//! Receiving by iterator.

use super::receiver::Receiver;
use crate::ring::payload::Payload;
use std::fmt;
use std::iter::FusedIterator;

/// Waits for each message; ends when nothing is left and no sender is. See [`Receiver::iter`].
pub struct Iter<'a, T: Payload> {
    receiver: &'a Receiver<T>,
}

impl<'a, T: Payload> Iter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T: Payload> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

/// The messages that are there now. See [`Receiver::try_iter`].
pub struct TryIter<'a, T: Payload> {
    receiver: &'a Receiver<T>,
}

impl<'a, T: Payload> TryIter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T: Payload> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

/// As [`Iter`], owning the receiver. Once it has ended it stays ended, whoever comes to the other end.
pub struct IntoIter<T: Payload> {
    receiver: Option<Receiver<T>>,
}

impl<T: Payload> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let message = self.receiver.as_mut()?.recv().ok();
        if message.is_none() {
            self.receiver = None;
        }
        message
    }
}

impl<T: Payload> FusedIterator for IntoIter<T> {}

impl<T: Payload> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: Some(self) }
    }
}

impl<'a, T: Payload> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Payload> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("receiver", &self.receiver).finish()
    }
}

impl<T: Payload> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter").field("receiver", &self.receiver).finish()
    }
}

impl<T: Payload> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("receiver", &self.receiver).finish()
    }
}
