//! *Ready* and *ok* over two POSIX message queues, a message of one byte each; what is meant lies in the shared memory.
//! There are as many places as a queue holds messages: ten for who has no privilege.

use super::memory::Memory;
use super::way::{Turns, Way};
use crate::contestant::{Failure, Place};
use crate::contestants::mqueue::{End as Queue, create_named, mode};
use nix::mqueue::{MQ_OFlag, mq_getattr, mq_open, mq_receive, mq_send, mq_unlink};

#[derive(Clone)]
pub struct Queues;

/// What comes tells of a place that is ours; what goes, of one that is the other's.
pub struct Tokens {
    comes: Queue,
    goes: Queue,
}

/// *Ready*, and *ok*.
fn names(place: &Place) -> [String; 2] {
    ["ready", "ok"].map(|what| format!("/{}-{what}", place.name))
}

impl Turns for Tokens {
    fn take(&mut self, _most: usize) -> Result<usize, Failure> {
        let (mut token, mut priority) = ([0], 0);
        match mq_receive(&self.comes.0, &mut token, &mut priority)? {
            1 => Ok(1),
            bytes => Err(format!("a token of {bytes} bytes").into()),
        }
    }

    fn give(&mut self, count: usize) -> Result<(), Failure> {
        (0..count).try_for_each(|_| Ok(mq_send(&self.goes.0, &[0], 0)?))
    }
}

impl Way for Queues {
    type Turns = Tokens;

    fn create(&self, place: &Place, bytes: usize) -> Result<(Memory, Tokens), Failure> {
        let [ready, ok] = names(place);
        let comes = Queue(create_named(&ready, place.capacity, 1, MQ_OFlag::O_RDONLY)?);
        // It is the first that says how many there are.
        let places = mq_getattr(&comes.0)?.maxmsg() as usize;
        let goes = Queue(create_named(&ok, places, 1, MQ_OFlag::O_WRONLY)?);
        let places = places.min(mq_getattr(&goes.0)?.maxmsg() as usize);
        let mut turns = Tokens { comes, goes };
        turns.give(places)?;
        let memory = Memory::create(place, places, bytes)?;
        memory.publish(place)?;
        Ok((memory, turns))
    }

    fn open(&self, place: &Place) -> Result<(Memory, Tokens), Failure> {
        // The queues were there before it.
        let memory = Memory::open(place)?;
        let [ready, ok] = names(place);
        let goes = Queue(mq_open(ready.as_str(), MQ_OFlag::O_WRONLY, mode(), None)?);
        let comes = Queue(mq_open(ok.as_str(), MQ_OFlag::O_RDONLY, mode(), None)?);
        // Both ends have them open, so nothing is left when they are gone.
        names(place).iter().try_for_each(|name| mq_unlink(name.as_str()))?;
        Ok((memory, Tokens { comes, goes }))
    }

    fn clean(&self, place: &Place) {
        for name in names(place) {
            // Mostly it is gone.
            let _ = mq_unlink(name.as_str());
        }
    }
}
