//! Those that are broken on purpose, in every way that the arena must notice and outlive. `--broken` lets them run.

use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting, Within};
use crate::entry::{Does, Entry, Kind};
use std::sync::mpsc;

pub fn entries() -> Vec<Entry> {
    let entry = |name, fault| Entry::within(card(name), Broken(fault)).kind(Kind::Broken).only(Does::RoundTrips);
    vec![
        entry("broken: refuses", Fault::Refuses),
        entry("broken: panics", Fault::Panics),
        entry("broken: dies", Fault::Dies),
        entry("broken: loses", Fault::Loses),
        entry("broken: alters", Fault::Alters),
        Entry::between(card("broken: leaves the other alone"), Alone).kind(Kind::Broken).only(Does::RoundTrips),
    ]
}

fn card(name: &'static str) -> Card {
    Card { name, version: "", mode: "broken on purpose", waiting: Waiting::Default, largest: 8, has_batches: false }
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Cannot be started.
    Refuses,
    /// Panics at the tenth message.
    Panics,
    /// Takes the process with it at the tenth message.
    Dies,
    /// Loses the tenth message, so that both sides wait for ever.
    Loses,
    /// Delivers another message for the tenth.
    Alters,
}

/// The message at which it goes wrong.
const TENTH: u64 = 10;

#[derive(Clone)]
struct Broken(Fault);

struct Tx<M>(mpsc::Sender<M>, Fault);
struct Rx<M>(mpsc::Receiver<M>);

impl<M: Message> Sender<M> for Tx<M> {
    fn send(&mut self, message: M) -> Result<(), Failure> {
        let sent = match (message.number() == TENTH, self.1) {
            (true, Fault::Panics) => panic!("as it was meant to"),
            (true, Fault::Dies) => std::process::abort(),
            (true, Fault::Loses) => return Ok(()),
            (true, Fault::Alters) => M::of(TENTH + 1),
            _ => message,
        };
        Ok(self.0.send(sent).map_err(|_| "the other end is gone")?)
    }
}

impl<M: Message> Receiver<M> for Rx<M> {
    fn recv(&mut self) -> Result<M, Failure> {
        Ok(self.0.recv()?)
    }
}

impl Within for Broken {
    type Sender<M: Message> = Tx<M>;
    type Receiver<M: Message> = Rx<M>;

    fn pair<M: Message>(&self, _: &Place) -> Result<(Tx<M>, Rx<M>), Failure> {
        if self.0 == Fault::Refuses {
            return Err("not today".into());
        }
        let (tx, rx) = mpsc::channel();
        Ok((Tx(tx, self.0), Rx(rx)))
    }
}

/// The sender's process dies at once, and the receiver's waits for ever and notices nothing.
#[derive(Clone)]
struct Alone;

impl<M: Message> Sender<M> for Alone {
    fn send(&mut self, _: M) -> Result<(), Failure> {
        std::process::abort()
    }
}

impl<M: Message> Receiver<M> for Alone {
    fn recv(&mut self) -> Result<M, Failure> {
        loop {
            std::thread::park();
        }
    }
}

impl Between for Alone {
    type Sender<M: Message> = Self;
    type Receiver<M: Message> = Self;

    fn sender<M: Message>(&self, _: &Place) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn receiver<M: Message>(&self, _: &Place) -> Result<Self, Failure> {
        Ok(Self)
    }
}
