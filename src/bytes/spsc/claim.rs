//! A message that is written where it will lie.

use super::sender::Sender;
use crate::ring::grant;
use crate::ring::parts::UNIT;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Room for a message, to be written and then committed. Dropping it sends nothing. See [`Sender::claim`].
///
/// The bytes are what was there a lap ago. In a forked child there are none.
#[must_use = "a claim that is dropped sends nothing"]
pub struct Claim<'a> {
    pub(super) sender: &'a mut Sender,
    len: usize,
}

impl<'a> Claim<'a> {
    /// There is room for a part of so many bytes at the tail.
    pub(super) fn new(sender: &'a mut Sender, len: usize) -> Self {
        Self { sender, len }
    }

    fn usable_len(&self) -> usize {
        if self.sender.end.is_usable() { self.len } else { 0 }
    }

    /// Sends the first `len` bytes as one message and gives the rest of the room back.
    ///
    /// *Progress*: wait-free; one `futex` wake if the receiver sleeps. In a forked child it does nothing.
    ///
    /// # Panics
    ///
    /// If `len` is more than was claimed.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not.
    pub fn commit(self, len: usize) {
        assert!(len <= self.len, "{len} bytes committed of a claim of {}", self.len);
        if self.sender.end.is_usable() {
            self.sender.producer.publish_whole(len);
            self.sender.end.publish();
        }
    }

    /// Sends all of it as one message.
    pub fn commit_all(self) {
        let len = self.len;
        self.commit(len);
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        grant::place_ahead(self.sender.producer.ring(), UNIT, self.usable_len())
    }
}

impl DerefMut for Claim<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        let len = self.usable_len();
        grant::place_ahead_mut(self.sender.producer.ring_mut(), UNIT, len)
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.len).finish_non_exhaustive()
    }
}
