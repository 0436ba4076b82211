//! ringway's many-to-many channel with one sender and one receiver, alone and beside processes that are attached and idle: half of
//! them as senders, half as receivers. A one-to-one channel has two ends and no more; beside it, as many are attached to a
//! channel of many.

use super::ringway::Ringway;
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::contestants::rendezvous::PATIENCE;
use crate::entry::{Does, Entry, Kind};
use crate::idle::{Idle, beside};
use ringway::{Options, WaitStrategy, mpmc};

/// So many idle ones: with both ends they are fewer than there can be by default, which is 64.
const IDLE: usize = 60;

pub fn entries() -> Vec<Entry> {
    let card = |name, waiting, mode| Card {
        name,
        version: env!("VERSION_RINGWAY"),
        mode,
        waiting,
        largest: usize::MAX,
        has_batches: false,
    };
    let (default, spins) = (WaitStrategy::default(), WaitStrategy::Spin);
    let many = |name, waiting, wait, idle| {
        let mode = if idle > 0 { "mpmc, with 60 idle members" } else { "mpmc" };
        beside(card(name, waiting, mode), Mpmc { wait, prefault: false }, idle)
    };
    let one = |name, waiting, wait| {
        let mode = "spsc; 60 processes on a channel of many beside it";
        beside(card(name, waiting, mode), One(Ringway::waiting(wait)), IDLE)
    };
    // Each beside its own kind, so that the two take turns.
    let mut entries = vec![
        one("ringway, 60 idle", Waiting::Default, default),
        one("ringway, spinning, 60 idle", Waiting::Spins, spins),
        many("ringway, many", Waiting::Default, default, 0),
        many("ringway, many, 60 idle", Waiting::Default, default, IDLE),
        many("ringway, many, spinning", Waiting::Spins, spins, 0),
        many("ringway, many, spinning, 60 idle", Waiting::Spins, spins, IDLE),
    ];
    for (name, prefault, mode) in
        [("ringway, many", false, "mpmc"), ("ringway, many, prefaulted", true, "mpmc, both ends with prefault")]
    {
        let fresh = Entry::between(card(name, Waiting::Default, mode), Mpmc { wait: default, prefault });
        entries.push(fresh.only(Does::Laps));
    }
    entries.into_iter().map(|entry| entry.kind(Kind::Ringway)).collect()
}

/// The channel of many.
#[derive(Clone)]
pub struct Mpmc {
    pub wait: WaitStrategy,
    pub prefault: bool,
}

impl Mpmc {
    fn options(&self, place: &Place) -> Options {
        let options = Options::new().dir(&place.dir).capacity(place.capacity).open_timeout(PATIENCE);
        options.wait(self.wait).prefault(self.prefault)
    }
}

pub struct Tx<M: Message>(mpmc::Sender<M>);
pub struct Rx<M: Message>(mpmc::Receiver<M>);

impl<M: Message> Sender<M> for Tx<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.0.send(message).map_err(|_| "the other end is gone".into())
    }
}

impl<M: Message> Receiver<M> for Rx<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        self.0.recv().map_err(|_| "the other end is gone".into())
    }
}

impl Between for Mpmc {
    type Sender<M: Message> = Tx<M>;
    type Receiver<M: Message> = Rx<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Tx<M>, Failure> {
        Ok(Tx(mpmc::Sender::open_or_create_with(&place.name, &self.options(place))?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Rx<M>, Failure> {
        Ok(Rx(mpmc::Receiver::open_or_create_with(&place.name, &self.options(place))?))
    }
}

/// An idle end.
pub enum End {
    Sender(#[allow(dead_code, reason = "it is held")] mpmc::Sender<[u64; 1]>),
    Receiver(#[allow(dead_code, reason = "it is held")] mpmc::Receiver<[u64; 1]>),
}

impl Idle for Mpmc {
    type Attached = End;

    fn attach(&self, place: &Place, index: usize) -> Result<End, Failure> {
        let (name, options) = (&place.name, self.options(place));
        Ok(match index % 2 {
            0 => End::Sender(mpmc::Sender::open_or_create_with(name, &options)?),
            _ => End::Receiver(mpmc::Receiver::open_or_create_with(name, &options)?),
        })
    }
}

/// The channel of two, beside a channel of many.
#[derive(Clone)]
struct One(Ringway);

impl Between for One {
    type Sender<M: Message> = <Ringway as Between>::Sender<M>;
    type Receiver<M: Message> = <Ringway as Between>::Receiver<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        self.0.sender(place)
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        self.0.receiver(place)
    }
}

impl Idle for One {
    type Attached = End;

    fn attach(&self, place: &Place, index: usize) -> Result<End, Failure> {
        let beside = Place { name: format!("{}-beside", place.name), ..place.clone() };
        Mpmc { wait: WaitStrategy::default(), prefault: false }.attach(&beside, index)
    }
}
