//! ringfire, whose writer makes the ring and whose reader may come at any time; and cloudtoid-interprocess.

use super::{FILES, card};
use crate::contestant::{Failure, Place, Receiver, Sender, Waiting};
use crate::entry::Entry;
use crate::making::{Maker, Word, maker};
use crate::many::Pause;
use crate::task::Role;
use cloudtoid_interprocess::{Options, Publisher, Subscriber};
use ringfire::{FlowControl, FutexWait, RingConsumer, RingProducer, RingProducerBuilder};

/// Bytes that a message takes in a queue of cloudtoid's.
const RECORD: usize = 16;

pub fn entries() -> Vec<Entry> {
    let cloudtoid = env!("VERSION_CLOUDTOID_INTERPROCESS");
    vec![
        maker(card("ringfire", "0.5.2", "lossless: the writer makes it", Waiting::Default), Ringfire, FILES),
        maker(
            card("cloudtoid-interprocess", cloudtoid, "default: subscribers recv", Waiting::Default),
            Cloudtoid,
            FILES,
        ),
    ]
}

struct Ringfire;

struct Reader(RingConsumer<Word>, FutexWait);

impl Sender<Word> for RingProducer<Word> {
    fn send(&mut self, message: Word) -> Result<(), Failure> {
        self.push(&message);
        Ok(())
    }
}

impl Receiver<Word> for Reader {
    fn recv(&mut self) -> Result<Word, Failure> {
        Ok(self.0.recv_blocking(&mut self.1))
    }
}

impl Maker for Ringfire {
    type Member = ();
    type Sender = RingProducer<Word>;
    type Receiver = Reader;
    const FIRST: Role = Role::Sender;

    fn member(&self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }

    fn sender(&self, (): &(), place: &Place) -> Result<Self::Sender, Failure> {
        let builder = RingProducerBuilder::new(place.capacity.next_power_of_two() as u64);
        let builder = builder.flow_control(FlowControl::LosslessBackpressure).max_readers(1);
        Ok(builder.build(place.dir.join("ring"))?)
    }

    fn receiver(&self, (): &(), place: &Place) -> Result<Reader, Failure> {
        Ok(Reader(RingConsumer::attach(place.dir.join("ring"))?, FutexWait::default()))
    }
}

struct Cloudtoid;

impl Sender<Word> for Publisher {
    fn send(&mut self, [message]: Word) -> Result<(), Failure> {
        let mut pause = Pause::default();
        loop {
            match self.try_send(&message.to_ne_bytes()) {
                Err(full) if full.is_full() => pause.again(),
                sent => return Ok(sent?),
            }
        }
    }
}

impl Receiver<Word> for Subscriber {
    fn recv(&mut self) -> Result<Word, Failure> {
        let bytes = Subscriber::recv(self)?;
        let message = <[u8; 8]>::try_from(bytes).map_err(|other| format!("a message of {} bytes", other.len()))?;
        Ok([u64::from_ne_bytes(message)])
    }
}

impl Cloudtoid {
    fn options(place: &Place) -> Options {
        Options::new(place.name.clone(), place.capacity * RECORD).with_path(&place.dir)
    }
}

impl Maker for Cloudtoid {
    type Member = ();
    type Sender = Publisher;
    type Receiver = Subscriber;

    fn member(&self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }

    fn sender(&self, (): &(), place: &Place) -> Result<Publisher, Failure> {
        Ok(Publisher::open(&Self::options(place))?)
    }

    fn receiver(&self, (): &(), place: &Place) -> Result<Subscriber, Failure> {
        Ok(Subscriber::open(&Self::options(place))?)
    }

    fn clean(&self, place: &Place) {
        // The semaphore of ends that were killed. Mostly it is gone.
        let _ = std::fs::remove_file(format!("/dev/shm/sem.ct3ip.{}", place.name));
    }
}
