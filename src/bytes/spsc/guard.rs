//! A message in hand.

use super::receiver::Receiver;
use crate::ring::grant;
use crate::ring::spsc::Attempt;
use std::fmt;
use std::ops::Deref;

/// What a guard holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    /// Bytes of the ring that are released with it.
    pub(super) span: usize,
    /// How long the message is that is seen in place; `None`: it lies in the receiver's memory.
    pub(super) in_place: Option<usize>,
    pub(super) attempt: Attempt,
}

/// A message that leaves the ring when it is committed. See [`Receiver::recv_ref`]. In a forked child it is empty.
#[must_use = "a guard that is dropped gives its message back"]
pub struct Guard<'a> {
    pub(super) receiver: &'a mut Receiver,
    hold: Hold,
}

impl<'a> Guard<'a> {
    pub(super) fn new(receiver: &'a mut Receiver, hold: Hold) -> Self {
        Self { receiver, hold }
    }

    /// The message is done: it leaves the ring, and its room is free.
    ///
    /// *Progress*: wait-free; one `futex` wake if the sender sleeps. In a forked child it does nothing.
    ///
    /// # If this process dies here
    ///
    /// The message is gone, or the next receiver gets it again.
    pub fn commit(self) {
        if self.receiver.end.is_usable() {
            self.receiver.release_all(self.hold.span);
        }
    }

    /// Which delivery of this message this is: 1 for the first; 255 for more than 254.
    pub fn attempt(&self) -> u32 {
        self.hold.attempt.count
    }

    /// Whether somebody, this process or a dead one, has had this message in hand before.
    pub fn is_redelivered(&self) -> bool {
        self.hold.attempt.redelivered
    }

    /// Where in all bytes that went through the ring this message lies: a number that no other message has.
    pub fn position(&self) -> u64 {
        self.hold.attempt.position
    }
}

impl Deref for Guard<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if !self.receiver.end.is_usable() {
            return &[];
        }
        match self.hold.in_place {
            Some(len) => grant::bytes_ahead(self.receiver.consumer.ring(), crate::ring::parts::UNIT, len),
            _ => &self.receiver.partial,
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.hold.in_place.is_none() {
            // Of a message that was begun, what was taken before is kept.
            let kept = self.receiver.consumer.taken().unwrap_or(0);
            self.receiver.partial.truncate(kept as usize);
        }
    }
}

impl fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("len", &self.len())
            .field("position", &self.hold.attempt.position)
            .field("attempt", &self.hold.attempt.count)
            .field("redelivered", &self.hold.attempt.redelivered)
            .finish_non_exhaustive()
    }
}
