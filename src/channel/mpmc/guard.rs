//! A message in hand.

use super::receiver::Receiver;
use super::transfer::Got;
use crate::ring::payload::Payload;
use std::fmt;
use std::ops::Deref;

/// A message that is done when it is committed. See [`Receiver::recv_ref`].
///
/// A guard that is forgotten keeps its message until its process has left the channel; then somebody else gets it.
#[must_use = "a guard that is dropped gives its message back"]
pub struct Guard<'a, T: Payload> {
    receiver: &'a Receiver<T>,
    message: T,
    position: u64,
    attempt: u32,
    /// `None` once it has been committed.
    hand: Option<usize>,
}

impl<'a, T: Payload> Guard<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>, message: T, got: Got) -> Self {
        Self { receiver, message, position: got.position, attempt: got.attempt, hand: got.hand }
    }

    /// The message is done.
    ///
    /// *Progress*: wait-free; two stores, and one `futex` wake if a receiver sleeps for want of a hand. In a forked child it does
    /// nothing.
    ///
    /// # If this process dies here
    ///
    /// The message is done, or another receiver gets it again.
    pub fn commit(mut self) {
        if let Some(hand) = self.usable_hand() {
            let core = &self.receiver.core;
            core.ring().commit(hand);
            core.freed_a_hand();
        }
    }

    fn usable_hand(&mut self) -> Option<usize> {
        let hand = self.hand.take()?;
        self.receiver.core.why_unusable().is_none().then_some(hand)
    }

    /// Which delivery of this message this is: 1 for the first; 255 for more than 254.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether somebody, this process or another, has had this message before.
    pub fn is_redelivered(&self) -> bool {
        self.attempt > 1
    }

    /// How many positions were claimed by senders before this message's since the channel was made: a number that no other
    /// message has.
    pub fn position(&self) -> u64 {
        self.position
    }
}

impl<T: Payload> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if let Some(hand) = self.usable_hand() {
            self.receiver.core.give_back(hand);
        }
    }
}

impl<T: Payload> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.message
    }
}

impl<T: Payload> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("position", &self.position())
            .field("attempt", &self.attempt())
            .field("redelivered", &self.is_redelivered())
            .finish_non_exhaustive()
    }
}
