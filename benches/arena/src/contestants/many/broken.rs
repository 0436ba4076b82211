//! Those that are broken on purpose, in every way in which many to many goes wrong and nobody waits for ever.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::{Entry, Kind};
use crate::many::{self, Pause, TryReceiver, TrySender, Within};
use crossbeam_queue::ArrayQueue;
use std::sync::Arc;

/// The message of the first sender with which it goes wrong.
const TENTH: u64 = 10;

pub fn entries() -> Vec<Entry> {
    [
        ("broken: loses one of many", Fault::Loses),
        ("broken: doubles one of many", Fault::Doubles),
        ("broken: replaces one of many", Fault::Replaces),
        ("broken: swaps two of many", Fault::Swaps),
        ("broken: makes one up", Fault::MakesUp),
    ]
    .map(|(name, fault)| {
        let card = Card {
            name,
            version: "",
            mode: "broken on purpose",
            waiting: Waiting::Spins,
            largest: 8,
            has_batches: false,
        };
        many::polled_within(card, Broken(fault)).kind(Kind::Broken)
    })
    .into()
}

#[derive(Clone, Copy)]
enum Fault {
    /// Does not deliver it.
    Loses,
    /// Delivers it twice.
    Doubles,
    /// Delivers a later one in its place, which comes once more when it is its turn.
    Replaces,
    /// Delivers it after the next.
    Swaps,
    /// Delivers one that is of nobody before it.
    MakesUp,
}

struct Broken(Fault);

struct Tx {
    queue: Arc<ArrayQueue<u64>>,
    fault: Fault,
}

impl Tx {
    fn put(&self, message: u64) {
        let mut pause = Pause::default();
        while self.queue.push(message).is_err() {
            pause.again();
        }
    }
}

impl TrySender for Tx {
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        match (message, self.fault) {
            (TENTH, Fault::Loses | Fault::Swaps) => {}
            (TENTH, Fault::Doubles) => [message; 2].into_iter().for_each(|it| self.put(it)),
            (TENTH, Fault::Replaces) => self.put(message + 100),
            (TENTH, Fault::MakesUp) => [200 << 56, message].into_iter().for_each(|it| self.put(it)),
            (next, Fault::Swaps) if next == TENTH + 1 => [next, TENTH].into_iter().for_each(|it| self.put(it)),
            _ => return Ok(self.queue.push(message).is_ok()),
        }
        Ok(true)
    }
}

struct Rx(Arc<ArrayQueue<u64>>);

impl TryReceiver for Rx {
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        Ok(self.0.pop())
    }
}

impl Within for Broken {
    type Sender = Tx;
    type Receiver = Rx;

    fn ends(&self, place: &Place, sides: usize) -> Result<(Vec<Tx>, Vec<Rx>), Failure> {
        let queue = Arc::new(ArrayQueue::new(place.capacity));
        let (tx, rx) = (|_| Tx { queue: queue.clone(), fault: self.0 }, |_| Rx(queue.clone()));
        Ok(((0..sides).map(tx).collect(), (0..sides).map(rx).collect()))
    }
}
