//! What the machine can do at best with messages that nobody copies: a ring of buffers, each written and read where it is, two
//! words and nothing else. With as many buffers as everybody has, and with two, which stay in a cache longest.
//!
//! These are no channels: nobody sleeps, nobody notices a death, and who is there is not asked.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::lengths::limits::{End, Pipeline};
use crate::entry::{Entry, Kind};
use crate::loans::{Between, Receiver, Sender, between};
use std::slice::{from_raw_parts, from_raw_parts_mut};

pub fn entries() -> Vec<Entry> {
    [("bare buffers", usize::MAX), ("bare buffers, two", 2)]
        .map(|(name, most)| {
            let card = Card {
                name,
                version: "",
                mode: "the machine's limit: not a channel",
                waiting: Waiting::Spins,
                largest: usize::MAX,
                has_batches: false,
            };
            between(card, Buffers { most }).kind(Kind::Limit)
        })
        .into()
}

/// As many as a place's capacity, but not more than this.
pub(super) struct Buffers {
    pub(super) most: usize,
}

/// One end, and how many words a buffer has.
pub(super) struct Words(End, usize);

impl Buffers {
    fn shape(&self, place: &Place, bytes: usize) -> Pipeline {
        Pipeline { chunk: bytes, depth: place.capacity.min(self.most) as u64 }
    }
}

impl Between for Buffers {
    type Sender = Words;
    type Receiver = Words;

    fn sender(&self, place: &Place, bytes: usize) -> Result<Words, Failure> {
        Ok(Words(self.shape(place, bytes).open(place)?, bytes / size_of::<u64>()))
    }

    fn receiver(&self, place: &Place, bytes: usize) -> Result<Words, Failure> {
        let shape = self.shape(place, bytes);
        shape.make(place)?;
        Ok(Words(shape.open(place)?, bytes / size_of::<u64>()))
    }
}

impl Sender for Words {
    #[inline]
    fn send(&mut self, write: impl FnOnce(&mut [u64])) -> Result<(), Failure> {
        let Self(end, words) = self;
        // SAFETY: a buffer of so many words, page-aligned, of a file, which any words are; until it is said to be filled it is ours.
        end.put(|buffer| write(unsafe { from_raw_parts_mut(buffer.cast(), *words) }));
        Ok(())
    }
}

impl Receiver for Words {
    #[inline]
    fn recv(&mut self, read: impl FnOnce(&[u64]) -> Result<(), Failure>) -> Result<(), Failure> {
        let Self(end, words) = self;
        // SAFETY: as in `send`; until it is said to be free nobody writes to it.
        end.take(|buffer| read(unsafe { from_raw_parts(buffer.cast(), *words) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::loans::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(module_path!(), "every_message_arrives_whole", Buffers { most: usize::MAX });
    }
}
