//! What a contestant is that lends memory: a message is written where it will be read, and nobody copies it.
//!
//! Two kinds of work use it: messages that are written and read in every word, one way; and messages that go there and back
//! and are hardly touched, for what the handing over takes by itself.

mod runner;

use crate::contestant::{Card, Ends, Failure, Place};
use crate::entry::{Does, Entry};
use runner::Processes;

/// The sending end.
pub trait Sender {
    /// Has `write` write a message, of as many bytes as all are, into room that is lent, and hands it over; waits while there is no
    /// room. What was in the room before is whatever it was. Nothing is ever lost or held back.
    fn send(&mut self, write: impl FnOnce(&mut [u64])) -> Result<(), Failure>;
}

/// The receiving end.
pub trait Receiver {
    /// Waits for the next message, has `read` read it where it is, and gives its room back.
    fn recv(&mut self, read: impl FnOnce(&[u64]) -> Result<(), Failure>) -> Result<(), Failure>;
}

/// Two ends between processes, as `contestant::Between` has them. A place's capacity is in messages: at most so many are being
/// written, on their way, or being read.
pub trait Between: Send + Sync + 'static {
    /// The sending end.
    type Sender: Sender;
    /// The receiving end.
    type Receiver: Receiver;

    /// Makes the sending end, for messages of so many bytes. The receiving end is there, or being made: waits for it for a few
    /// seconds if it must.
    fn sender(&self, place: &Place, bytes: usize) -> Result<Self::Sender, Failure>;

    /// Makes the receiving end. It is made first; the sender's may be made at the same time.
    fn receiver(&self, place: &Place, bytes: usize) -> Result<Self::Receiver, Failure>;

    /// As `contestant::Between::clean`.
    fn clean(&self, place: &Place) {
        let _ = place;
    }
}

/// A contestant that lends memory.
pub fn between<C: Between>(card: Card, contestant: C) -> Entry {
    Entry::new(card, Ends::Processes, Box::new(Processes(contestant))).only(Does::Loans)
}
