//! Those that lose, double or alter a message that nobody copies, in buffers that do not: the arena has to notice.

use super::limits::{Buffers, Words};
use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::{Entry, Kind};
use crate::loans::{Between, Sender, between};

/// What goes wrong, with its name.
const WAYS: [(&str, Way); 4] = [
    ("broken: loses one in place", Way::Loses),
    ("broken: sends one in place twice", Way::Doubles),
    ("broken: alters a word in place", Way::Alters),
    ("broken: hands over what nobody has written", Way::Skips),
];

/// The message with which it does.
const VICTIM: u64 = 2;

#[derive(Clone, Copy)]
enum Way {
    Loses,
    Doubles,
    /// In the middle.
    Alters,
    /// Its buffer has zeros, or a message before it.
    Skips,
}

pub fn entries() -> Vec<Entry> {
    let entry = |(name, way)| {
        let card = Card {
            name,
            version: "",
            mode: "broken on purpose",
            waiting: Waiting::Spins,
            largest: usize::MAX,
            has_batches: false,
        };
        between(card, Broken(way)).kind(Kind::Broken)
    };
    WAYS.map(entry).into()
}

struct Broken(Way);

const BUFFERS: Buffers = Buffers { most: usize::MAX };

struct BrokenSender {
    way: Way,
    to: Words,
    sent: u64,
    /// Where a message is written that is not sent, or twice.
    aside: Vec<u64>,
}

impl Between for Broken {
    type Sender = BrokenSender;
    type Receiver = Words;

    fn sender(&self, place: &Place, bytes: usize) -> Result<BrokenSender, Failure> {
        let aside = vec![0; bytes / size_of::<u64>()];
        Ok(BrokenSender { way: self.0, to: BUFFERS.sender(place, bytes)?, sent: 0, aside })
    }

    fn receiver(&self, place: &Place, bytes: usize) -> Result<Words, Failure> {
        BUFFERS.receiver(place, bytes)
    }
}

impl Sender for BrokenSender {
    fn send(&mut self, write: impl FnOnce(&mut [u64])) -> Result<(), Failure> {
        let Self { way, to, sent, aside } = self;
        *sent += 1;
        match way {
            _ if *sent != VICTIM + 1 => to.send(write),
            Way::Loses => {
                write(aside);
                Ok(())
            }
            Way::Doubles => {
                write(aside);
                to.send(|words| words.copy_from_slice(aside))?;
                to.send(|words| words.copy_from_slice(aside))
            }
            Way::Alters => to.send(|words| {
                write(words);
                words[words.len() / 2 + 1] ^= 1;
            }),
            Way::Skips => to.send(|_| ()),
        }
    }
}
