//! What a contestant is whose channels themselves are measured: how long one takes to make and to open, how much memory it
//! has, what a thousand of them cost. Messages are 8 bytes, and few.

mod census;
mod runner;

use crate::args::WorkKind;
use crate::contestant::{Card, Ends, Failure, Place, Receiver, Sender};
use crate::entry::{Does, Entry};
use crate::task::Role;
use runner::Processes;

/// The message.
pub type Word = [u64; 1];

/// Who makes channels: one end makes, the other opens what is there. Neither waits for the other in doing so.
pub trait Maker: Send + Sync + 'static {
    /// What a process has once, whatever the number of its channels; each process of a turn makes one at the same place.
    type Member;
    /// The sending end.
    type Sender: Sender<Word>;
    /// The receiving end.
    type Receiver: Receiver<Word>;
    /// The end that makes the channel.
    const FIRST: Role = Role::Receiver;

    /// What a process has before its first channel.
    fn member(&self, place: &Place) -> Result<Self::Member, Failure>;

    /// The sending end, which opens the channel unless it is the first.
    fn sender(&self, member: &Self::Member, place: &Place) -> Result<Self::Sender, Failure>;

    /// The receiving end, which makes the channel if it is the first.
    fn receiver(&self, member: &Self::Member, place: &Place) -> Result<Self::Receiver, Failure>;

    /// After so many messages all of its memory has been touched.
    fn lap(&self, place: &Place) -> u64 {
        place.capacity as u64
    }

    /// As `contestant::Between::clean`, for the member's place and for that of each channel.
    fn clean(&self, place: &Place) {
        let _ = place;
    }
}

/// A contestant whose channels are measured in these kinds of work.
pub fn maker<C: Maker>(card: Card, maker: C, works: &'static [WorkKind]) -> Entry {
    Entry::new(card, Ends::Processes, Box::new(Processes(maker))).only(Does::Making(works))
}
