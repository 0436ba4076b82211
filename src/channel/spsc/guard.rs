//! A message in hand.

use super::receiver::Receiver;
use crate::ring::payload::Payload;
use crate::ring::spsc::Attempt;
use std::fmt;
use std::ops::Deref;

// Fault M5.
/// A message that leaves the ring when it is committed. See [`Receiver::recv_ref`].
///
/// A receiver has one in hand at a time, which borrows it:
///
/// ```compile_fail,E0499
/// # let (_, mut rx) = ringway::spsc::channel::<u64>(8).unwrap();
/// let first = rx.recv_ref().unwrap();
/// let second = rx.recv_ref().unwrap();
/// first.commit();
/// ```
#[must_use = "a guard that is dropped gives its message back"]
pub struct Guard<'a, T: Payload> {
    receiver: &'a mut Receiver<T>,
    message: T,
    attempt: Attempt,
}

impl<'a, T: Payload> Guard<'a, T> {
    /// Takes the next message, which is there, into its hand.
    #[inline(always)]
    pub(super) fn new(receiver: &'a mut Receiver<T>) -> Self {
        let attempt = receiver.consumer.hand_out(1);
        let message = receiver.consumer.peek(0);
        Self { receiver, message, attempt }
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
            self.receiver.consumer.release(1);
            self.receiver.end.publish();
        }
    }

    /// Which delivery of this message this is: 1 for the first; 255 for more than 254.
    pub fn attempt(&self) -> u32 {
        self.attempt.count
    }

    /// Whether somebody, this process or a dead one, has had this message in hand before.
    pub fn is_redelivered(&self) -> bool {
        self.attempt.redelivered
    }

    /// How many messages were sent before this one since the channel was made: a number that no other message has.
    pub fn position(&self) -> u64 {
        self.attempt.position
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
            .field("position", &self.attempt.position)
            .field("attempt", &self.attempt.count)
            .field("redelivered", &self.attempt.redelivered)
            .finish_non_exhaustive()
    }
}
