//! A message in hand.

use super::incoming::{Body, Received, commit, finish};
use super::lanes::Attached;
use super::place::{Holder, Whole};
use crate::ring::parcel;
use crate::ring::payload::{self, Payload};
use std::fmt;
use std::ops::Deref;

/// A message that is in a hand of this process, and what keeps it there.
struct Held<H: Holder> {
    holder: H,
    received: Received,
    is_open: bool,
}

impl<H: Holder> Held<H> {
    fn new(holder: H, received: Received) -> Self {
        Self { holder, received, is_open: true }
    }

    fn commit(&mut self) {
        if let Some(hand) = self.usable_hand() {
            let core = self.holder.core();
            match self.received.body {
                Body::Inline(..) => commit(core, hand),
                Body::Whole(Whole { ticket, .. }) | Body::Gathered(ticket, _) => {
                    finish(core, ticket, hand, true);
                }
            }
        }
    }

    fn give_back(&mut self) {
        if let Some(hand) = self.usable_hand() {
            let core = self.holder.core();
            match self.received.body {
                // Its sender decides.
                Body::Gathered(ticket, _) => _ = finish(core, ticket, hand, false),
                Body::Inline(..) | Body::Whole(..) => core.give_back(hand),
            }
        }
    }

    fn usable_hand(&mut self) -> Option<usize> {
        let is_usable = std::mem::take(&mut self.is_open) && self.holder.core().why_unusable().is_none();
        if cfg!(loom) && is_usable {
            // A model is told that until here its holder may have read.
            self.bytes();
        }
        is_usable.then_some(self.received.hand)
    }

    fn bytes(&self) -> &[u8] {
        match &self.received.body {
            // In a forked child it is the parent's.
            Body::Inline(_) if self.holder.core().member().is_forked() => &[],
            Body::Inline(len) => parcel::bytes(self.holder.core().ring().view_hand(self.received.hand), *len),
            Body::Whole(whole) => whole.view(self.holder.core()),
            Body::Gathered(_, bytes) => bytes,
        }
    }
}

impl<H: Holder> Drop for Held<H> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// A message that is done when it is committed. See [`Receiver::recv_ref`](super::Receiver::recv_ref).
///
/// A guard that is forgotten keeps its message until its process has left the channel; then somebody else gets it.
#[must_use = "a guard that is dropped gives its message back"]
pub struct Guard<'a> {
    held: Held<&'a Attached>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(core: &'a Attached, received: Received) -> Self {
        Self { held: Held::new(core, received) }
    }
}

/// The same as [`Guard`], borrowed from nobody: it may be kept, moved to another thread, and outlive its receiver. (It is no
/// receiver: if it alone is left, senders find nobody.) See [`Receiver::recv_owned`](super::Receiver::recv_owned).
#[must_use = "a guard that is dropped gives its message back"]
pub struct OwnedGuard {
    held: Held<Attached>,
}

impl OwnedGuard {
    pub(super) fn new(core: Attached, received: Received) -> Self {
        Self { held: Held::new(core, received) }
    }
}

/// What can be done with a message in hand, whoever keeps it.
macro_rules! guard {
    ($guard:ty, $name:literal) => {
        impl $guard {
            /// The message is done.
            ///
            /// *Progress*: wait-free; some stores, and one `futex` wake if a sender sleeps for that. In a forked child it does
            /// nothing.
            ///
            /// # If this process dies here
            ///
            /// The message is done, or another receiver gets it again.
            pub fn commit(mut self) {
                self.held.commit();
            }

            /// The bytes as values of `T`, in place; `None` if they are not a whole number of them, or not aligned for `T`.
            /// What was sent as a [`Loan`](super::Loan), or is longer than 112 bytes and not longer than a lane, is aligned to
            /// 4096; a shorter message to 8; one that is longer than a lane to nothing in particular.
            pub fn as_slice_of<T: Payload>(&self) -> Option<&[T]> {
                payload::whole_of(self.held.bytes())
            }

            /// Which delivery of this message this is: 1 for the first; 255 for more than 254.
            pub fn attempt(&self) -> u32 {
                self.held.received.attempt
            }

            /// Whether somebody, this process or another, has had this message before.
            pub fn is_redelivered(&self) -> bool {
                self.held.received.attempt > 1
            }

            /// How many positions were claimed by senders before this message's since the channel was made: a number that
            /// no other message has.
            pub fn position(&self) -> u64 {
                self.held.received.position
            }
        }

        impl Deref for $guard {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                self.held.bytes()
            }
        }

        impl fmt::Debug for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name)
                    .field("len", &self.len())
                    .field("position", &self.position())
                    .field("attempt", &self.attempt())
                    .field("redelivered", &self.is_redelivered())
                    .finish_non_exhaustive()
            }
        }
    };
}

guard!(Guard<'_>, "Guard");
guard!(OwnedGuard, "OwnedGuard");
