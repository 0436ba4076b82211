//! `crossbeam_queue`, as far as the tests of its `ArrayQueue` use it, on [`ringway::mpmc`].

use super::make;
use ringway::{Options, Payload, TryRecvError, TrySendError, mpmc};

/// A queue whose both ends are here.
#[derive(Debug)]
pub struct ArrayQueue<T: Payload> {
    tx: mpmc::Sender<T>,
    rx: mpmc::Receiver<T>,
}

impl<T: Payload> ArrayQueue<T> {
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "capacity must be non-zero");
        let (tx, rx) = make::mpmc(&Options::new().capacity(capacity));
        Self { tx, rx }
    }

    pub fn push(&self, value: T) -> Result<(), T> {
        self.tx.try_send(value).map_err(|error| match error {
            TrySendError::Full(value) => value,
            TrySendError::Disconnected(_) => panic!("the receiver is here"),
        })
    }

    pub fn push_mut(&mut self, value: T) -> Result<(), T> {
        self.push(value)
    }

    /// Two steps, the second until it succeeds: between them another push may take the place.
    pub fn force_push(&self, value: T) -> Option<T> {
        let Err(value) = self.push(value) else { return None };
        let oldest = loop {
            if let Some(oldest) = self.pop() {
                break oldest;
            }
            if self.push(value).is_ok() {
                return None;
            }
        };
        while self.push(value).is_err() {}
        Some(oldest)
    }

    pub fn pop(&self) -> Option<T> {
        match self.rx.try_recv() {
            Ok(value) => Some(value),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => panic!("the sender is here"),
        }
    }

    pub fn pop_mut(&mut self) -> Option<T> {
        self.pop()
    }

    pub fn capacity(&self) -> usize {
        self.tx.capacity()
    }

    pub fn len(&self) -> usize {
        self.rx.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rx.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.tx.is_full()
    }
}

impl<T: Payload> IntoIterator for ArrayQueue<T> {
    type Item = T;
    type IntoIter = mpmc::IntoIter<T>;

    /// Ends with what is there: the sender is dropped first.
    fn into_iter(self) -> mpmc::IntoIter<T> {
        self.rx.into_iter()
    }
}
