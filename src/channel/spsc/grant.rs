//! Batches in place.
//!
//! A grant's messages may lie in several *runs*: one a frame when words are inline, at most two when they have a table
//! ([`Placement::Table`](crate::Placement)).

use crate::channel::end::End;
use crate::ring::grant;
use crate::ring::payload::Payload;
use crate::ring::spsc::{Consumer, Producer};
use std::fmt;

/// Room for some messages, to be written and then committed. Dropping it sends nothing.
///
/// ```
/// let (mut tx, mut rx) = ringway::spsc::channel::<u32>(64)?;
/// let mut grant = tx.try_reserve(20)?;
/// for run in grant.runs_mut() {
///     run.fill(7);
/// }
/// grant.commit(5); // the other fifteen places are given back
/// assert_eq!((rx.len(), rx.recv()?), (5, 7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a grant that is dropped sends nothing"]
pub struct WriteGrant<'a, T: Payload> {
    room: grant::WriteGrant<'a, T>,
    end: &'a mut End,
}

impl<'a, T: Payload> WriteGrant<'a, T> {
    pub(crate) fn new(producer: &'a mut Producer<T>, end: &'a mut End, len: usize) -> Self {
        Self { room: grant::WriteGrant::new(producer, len), end }
    }

    /// Messages that there is room for.
    pub fn len(&self) -> usize {
        self.room.len()
    }

    /// Whether there is room for none: `try_reserve(0)` was asked for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The places as slices, in order. They hold what was there a lap ago. None in a forked child.
    pub fn runs_mut(&mut self) -> RunsMut<'_, T> {
        let is_usable = self.end.is_usable();
        let mut runs = self.room.runs_mut();
        if !is_usable {
            runs.end();
        }
        RunsMut(runs)
    }

    /// The places one by one.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.runs_mut().flatten()
    }

    /// The first places that lie contiguous, at most `max`.
    pub fn contiguous(&mut self, max: usize) -> &mut [T] {
        let run = self.runs_mut().next().unwrap_or_default();
        let len = run.len().min(max);
        &mut run[..len]
    }

    /// Fills from the front with what the iterator yields; how many those were.
    pub fn fill(&mut self, messages: impl IntoIterator<Item = T>) -> usize {
        if !self.end.is_usable() {
            return 0;
        }
        self.room.fill(messages)
    }

    /// Fills from the front with as many of `messages` as fit; how many those were.
    pub fn copy_from_slice(&mut self, messages: &[T]) -> usize {
        let n = messages.len().min(self.len());
        if self.end.is_usable() {
            self.room.copy_from(&messages[..n]);
        }
        n
    }

    /// Sends the first `n` and gives the other places back.
    ///
    /// *Progress*: wait-free; one `futex` wake for all if the receiver sleeps. In a forked child it does nothing.
    ///
    /// # Panics
    ///
    /// If `n` is more than [`len`](Self::len).
    ///
    /// # If this process dies here
    ///
    /// A prefix of them was sent.
    pub fn commit(self, n: usize) {
        if self.end.is_usable() {
            self.room.commit(n);
            self.end.publish();
        }
    }

    /// Sends all.
    pub fn commit_all(self) {
        let len = self.len();
        self.commit(len);
    }
}

impl<T: Payload> fmt::Debug for WriteGrant<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGrant").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The slices of a [`WriteGrant`].
pub struct RunsMut<'g, T: Payload>(grant::RunsMut<'g, T>);

impl<'g, T: Payload> Iterator for RunsMut<'g, T> {
    type Item = &'g mut [T];

    #[inline]
    fn next(&mut self) -> Option<&'g mut [T]> {
        self.0.next()
    }
}

impl<T: Payload> fmt::Debug for RunsMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunsMut").finish_non_exhaustive()
    }
}

/// Some messages, to be read and then released. Dropping it leaves them in the ring, to be delivered again.
///
/// ```
/// let (mut tx, mut rx) = ringway::spsc::channel::<u32>(64)?;
/// tx.send_many(&[1, 2, 3])?;
/// let grant = rx.try_read(3)?;
/// let sum: u32 = grant.runs().flatten().sum();
/// grant.release(2);
/// assert_eq!((sum, rx.recv()?), (6, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a grant that is dropped releases nothing"]
pub struct ReadGrant<'a, T: Payload> {
    messages: grant::ReadGrant<'a, T>,
    end: &'a mut End,
}

impl<'a, T: Payload> ReadGrant<'a, T> {
    pub(crate) fn new(consumer: &'a mut Consumer<T>, end: &'a mut End, len: usize) -> Self {
        Self { messages: grant::ReadGrant::new(consumer, len), end }
    }

    /// Messages granted; at least one.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The messages as slices, in order. None in a forked child.
    pub fn runs(&self) -> Runs<'_, T> {
        let mut runs = self.messages.runs();
        if !self.end.is_usable() {
            runs.end();
        }
        Runs(runs)
    }

    /// The messages one by one, copied.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.runs().flatten().copied()
    }

    /// The first messages that lie contiguous, at most `max`.
    pub fn contiguous(&self, max: usize) -> &[T] {
        let run = self.runs().next().unwrap_or_default();
        &run[..run.len().min(max)]
    }

    /// Copies the first messages out, as many as fit; how many those were.
    pub fn copy_to_slice(&self, messages: &mut [T]) -> usize {
        if self.end.is_usable() { self.messages.copy_to(messages) } else { 0 }
    }

    /// The position of the first message: how many were sent before it.
    pub fn position(&self) -> u64 {
        self.messages.attempt().position
    }

    /// Which delivery of the first message this is.
    pub fn attempt(&self) -> u32 {
        self.messages.attempt().count
    }

    /// Whether somebody has had the first message in hand before.
    pub fn is_redelivered(&self) -> bool {
        self.messages.attempt().redelivered
    }

    /// Releases the first `n`; the others stay in the ring and are delivered again.
    ///
    /// *Progress*: wait-free; one `futex` wake for all if the sender sleeps. In a forked child it does nothing.
    ///
    /// # Panics
    ///
    /// If `n` is more than [`len`](Self::len).
    pub fn release(self, n: usize) {
        if self.end.is_usable() {
            self.messages.release(n);
            self.end.publish();
        }
    }

    /// Releases all.
    pub fn release_all(self) {
        let len = self.len();
        self.release(len);
    }
}

impl<T: Payload> fmt::Debug for ReadGrant<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGrant")
            .field("len", &self.len())
            .field("position", &self.position())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

/// The slices of a [`ReadGrant`].
pub struct Runs<'g, T: Payload>(grant::Runs<'g, T>);

impl<'g, T: Payload> Iterator for Runs<'g, T> {
    type Item = &'g [T];

    #[inline]
    fn next(&mut self) -> Option<&'g [T]> {
        self.0.next()
    }
}

impl<T: Payload> fmt::Debug for Runs<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runs").finish_non_exhaustive()
    }
}
