//! What a contestant is that carries messages of any length: from a buffer of the sender's to a buffer of the receiver's.
//!
//! Two kinds of work use it. In `bulk` all messages are as long and both sides know it, so nobody need carry the length. In
//! `records` the receiver learns the length from the contestant.

mod runner;

use crate::contestant::{Card, Ends, Failure, Place};
use crate::entry::{Does, Entry};
use runner::Processes;

/// How long the messages of a turn are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// All are so long, and both sides know.
    Known(usize),
    /// At most so long, and the sender alone knows.
    UpTo(usize),
}

impl Lengths {
    /// Bytes of the longest.
    pub fn longest(self) -> usize {
        match self {
            Self::Known(bytes) | Self::UpTo(bytes) => bytes,
        }
    }

    /// Whether the receiver knows.
    pub fn are_known(self) -> bool {
        matches!(self, Self::Known(_))
    }
}

/// The sending end.
pub trait Sender {
    /// Sends a copy of the message, waiting while there is no room. Nothing is ever lost or held back.
    fn send(&mut self, message: &[u8]) -> Result<(), Failure>;
}

/// The receiving end.
pub trait Receiver {
    /// Waits for the next message and copies it to the front of `into`, which is as long as the longest; how long it is.
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure>;
}

/// Two ends between processes, as `contestant::Between` has them. A place's capacity is in bytes here, and it is the same
/// whatever the messages: who holds whole messages has room for two at least.
pub trait Between: Send + Sync + 'static {
    /// The sending end.
    type Sender: Sender;
    /// The receiving end.
    type Receiver: Receiver;

    /// Makes the sending end. The receiving end is there, or being made: waits for it for a few seconds if it must.
    fn sender(&self, place: &Place, lengths: Lengths) -> Result<Self::Sender, Failure>;

    /// Makes the receiving end. It is made first; the sender's may be made at the same time.
    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Self::Receiver, Failure>;

    /// As `contestant::Between::clean`.
    fn clean(&self, place: &Place) {
        let _ = place;
    }
}

/// A contestant that carries messages of any length: in both kinds of work, unless it says otherwise.
pub fn between<C: Between>(card: Card, contestant: C) -> Entry {
    Entry::new(card, Ends::Processes, Box::new(Processes(contestant))).only(Does::Lengths)
}
