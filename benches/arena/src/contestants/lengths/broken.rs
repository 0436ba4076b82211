//! Those that lose, shorten or alter a message of any length, through a pipe that does not: the arena has to notice.

use super::framed::{FramedReceiver, FramedSender};
use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::pipe::fifo;
use crate::entry::{Entry, Kind};
use crate::lengths::{Between, Lengths, Sender, between};
use std::fs::{File, OpenOptions};
use std::io::BufReader;

/// What goes wrong, with its name.
const WAYS: [(&str, Way); 4] = [
    ("broken: loses one of any length", Way::Loses),
    ("broken: shortens one of any length", Way::Shortens),
    ("broken: sends one of any length twice", Way::Doubles),
    ("broken: alters a byte where nobody looks", Way::Alters),
];

/// The message with which it does.
const VICTIM: u64 = 2;

#[derive(Clone, Copy)]
enum Way {
    Loses,
    Shortens,
    Doubles,
    /// In the middle of every message: of a large one, between the words that are looked at.
    Alters,
}

pub fn entries() -> Vec<Entry> {
    let entry = |(name, way)| {
        let card = Card {
            name,
            version: "",
            mode: "broken on purpose",
            waiting: Waiting::Sleeps,
            largest: usize::MAX,
            has_batches: false,
        };
        between(card, Broken(way)).kind(Kind::Broken)
    };
    WAYS.map(entry).into()
}

struct Broken(Way);

struct BrokenSender {
    way: Way,
    to: FramedSender<File>,
    sent: u64,
}

impl Between for Broken {
    type Sender = BrokenSender;
    type Receiver = FramedReceiver<BufReader<File>>;

    fn sender(&self, place: &Place, _: Lengths) -> Result<BrokenSender, Failure> {
        let file = OpenOptions::new().write(true).open(fifo(place)?)?;
        Ok(BrokenSender { way: self.0, to: FramedSender::new(file, Lengths::UpTo(0)), sent: 0 })
    }

    fn receiver(&self, place: &Place, _: Lengths) -> Result<Self::Receiver, Failure> {
        Ok(FramedReceiver::buffered(File::open(fifo(place)?)?, Lengths::UpTo(0)))
    }
}

impl Sender for BrokenSender {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        let number = self.sent;
        self.sent += 1;
        match self.way {
            Way::Loses if number == VICTIM => Ok(()),
            Way::Shortens if number == VICTIM => self.to.send(&message[..message.len() - 1]),
            Way::Doubles if number == VICTIM => {
                self.to.send(message)?;
                self.to.send(message)
            }
            Way::Alters => {
                let mut altered = message.to_vec();
                altered[message.len() / 2 + 9] ^= 1;
                self.to.send(&altered)
            }
            _ => self.to.send(message),
        }
    }
}
