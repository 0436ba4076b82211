//! A message in hand.

use super::incoming::{Body, Received, commit, finish};
use super::lanes::lanes;
use super::receiver::Receiver;
use crate::ring::lane::Lanes;
use crate::ring::parcel;
use std::fmt;
use std::ops::Deref;

/// A message that is done when it is committed. See [`Receiver::recv_ref`].
///
/// A guard that is forgotten keeps its message until its process has left the channel; then somebody else gets it.
#[must_use = "a guard that is dropped gives its message back"]
pub struct Guard<'a> {
    receiver: &'a Receiver,
    received: Received,
    is_open: bool,
}

impl<'a> Guard<'a> {
    pub(super) fn new(receiver: &'a Receiver, received: Received) -> Self {
        Self { receiver, received, is_open: true }
    }

    /// The message is done.
    ///
    /// *Progress*: wait-free; some stores, and one `futex` wake if a sender sleeps for that. In a forked child it does nothing.
    ///
    /// # If this process dies here
    ///
    /// The message is done, or another receiver gets it again.
    pub fn commit(mut self) {
        if let Some(hand) = self.usable_hand() {
            let core = self.receiver.attached();
            match self.received.body {
                Body::Inline(..) => commit(core, Some(hand)),
                Body::Whole(ticket, _) | Body::Gathered(ticket, _) => _ = finish(core, ticket, Some(hand), true),
            }
        }
    }

    fn usable_hand(&mut self) -> Option<usize> {
        let is_usable = std::mem::take(&mut self.is_open) && self.receiver.attached().why_unusable().is_none();
        self.received.hand.filter(|_| is_usable)
    }

    /// Which delivery of this message this is: 1 for the first; 255 for more than 254.
    pub fn attempt(&self) -> u32 {
        self.received.attempt
    }

    /// Whether somebody, this process or another, has had this message before.
    pub fn is_redelivered(&self) -> bool {
        self.received.attempt > 1
    }

    /// How many positions were claimed by senders before this message's since the channel was made: a number that no other
    /// message has.
    pub fn position(&self) -> u64 {
        self.received.position
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(hand) = self.usable_hand() {
            let core = self.receiver.attached();
            match self.received.body {
                // Its sender decides.
                Body::Gathered(ticket, _) => _ = finish(core, ticket, Some(hand), false),
                Body::Inline(..) | Body::Whole(..) => {
                    core.ring().give_back(hand, core.me());
                    core.leave_orphans();
                }
            }
        }
    }
}

impl Deref for Guard<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.received.body {
            Body::Inline(parcel, len) => parcel::bytes(parcel, *len),
            // In a forked child the lane is the parent's, who may be done with it at any time.
            Body::Whole(..) if self.receiver.attached().member().is_forked() => &[],
            Body::Whole(ticket, len) => lanes(self.receiver.attached()).view(*ticket, *len),
            Body::Gathered(_, bytes) => bytes,
        }
    }
}

impl fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("len", &self.len())
            .field("position", &self.position())
            .field("attempt", &self.attempt())
            .field("redelivered", &self.is_redelivered())
            .finish_non_exhaustive()
    }
}
