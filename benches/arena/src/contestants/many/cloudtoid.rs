//! cloudtoid-interprocess, a queue of bytes in a mapped file, many publishers and many subscribers between processes.
//!
//! `try_send` and `try_recv_into`, `try_send_batch` for more; its subscribers can wait, `recv`, on a semaphore that they
//! look away from every 5 ms, and then each message is a vector of its own
//! (<https://docs.rs/cloudtoid-interprocess/3.0.2/cloudtoid_interprocess/>). Its publishers cannot wait, and try in the
//! harness's way in both loops; its subscribers have no batches. One subscriber reads at a time, under a lock that tells the
//! others that there is nothing. A message of 8 bytes takes 16: the capacity is exact.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::Entry;
use crate::many::{self, Between, Pause, Receiver, Seat, Sender, TryReceiver, TrySender};
use cloudtoid_interprocess::{Options, Publisher, Subscriber};

/// Bytes that a message takes in the queue.
const RECORD: usize = 16;
/// Messages that are given over in one call.
const BATCH: usize = 64;

pub fn entries() -> Vec<Entry> {
    let tried = Card {
        name: "cloudtoid-interprocess",
        version: env!("VERSION_CLOUDTOID_INTERPROCESS"),
        mode: "try_send and try_recv_into, try_send_batch",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: true,
    };
    let default =
        Card { mode: "default: subscribers recv, publishers try", waiting: Waiting::Default, ..tried.clone() };
    vec![many::polled_between(tried, Cloudtoid), many::blocking_between(default, Cloudtoid)]
}

/// The queue.
struct Cloudtoid;

fn options(place: &Place) -> Options {
    Options::new(place.name.clone(), place.capacity * RECORD).with_path(&place.dir)
}

impl Between for Cloudtoid {
    type Sender = Publisher;
    type Receiver = Subscriber;

    fn sender(&self, seat: &Seat<'_>) -> Result<Publisher, Failure> {
        Ok(Publisher::open(&options(seat.place))?)
    }

    fn receiver(&self, seat: &Seat<'_>) -> Result<Subscriber, Failure> {
        Ok(Subscriber::open(&options(seat.place))?)
    }

    fn clean(&self, place: &Place) {
        // The semaphore of ends that were killed. Mostly it is gone.
        let _ = std::fs::remove_file(format!("/dev/shm/sem.ct3ip.{}", place.name));
    }
}

impl TrySender for Publisher {
    #[inline(always)]
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        match Publisher::try_send(self, &message.to_ne_bytes()) {
            Ok(()) => Ok(true),
            Err(full) if full.is_full() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    #[inline(always)]
    fn try_send_many(&mut self, messages: &[u64]) -> Result<usize, Failure> {
        let count = messages.len().min(BATCH);
        let parts: [&[u8]; BATCH] =
            std::array::from_fn(|n| messages.get(n).map_or(&[][..], |message| bytemuck::bytes_of(message)));
        Ok(self.try_send_batch(&parts[..count])?)
    }
}

impl TryReceiver for Subscriber {
    #[inline(always)]
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        let mut message = 0;
        match self.try_recv_into(bytemuck::bytes_of_mut(&mut message))? {
            None => Ok(None),
            Some(size) if size == size_of::<u64>() => Ok(Some(message)),
            Some(size) => Err(format!("a message of {size} bytes").into()),
        }
    }
}

impl Sender for Publisher {
    #[inline(always)]
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        let mut pause = Pause::default();
        while !TrySender::try_send(self, message)? {
            pause.again();
        }
        Ok(())
    }

    #[inline(always)]
    fn send_many(&mut self, mut messages: &[u64]) -> Result<(), Failure> {
        let mut pause = Pause::default();
        loop {
            messages = &messages[self.try_send_many(messages)?..];
            if messages.is_empty() {
                return Ok(());
            }
            pause.again();
        }
    }
}

impl Receiver for Subscriber {
    #[inline(always)]
    fn recv(&mut self) -> Result<u64, Failure> {
        let bytes = Subscriber::recv(self)?;
        let message = <[u8; 8]>::try_from(bytes).map_err(|other| format!("a message of {} bytes", other.len()))?;
        Ok(u64::from_ne_bytes(message))
    }
}

#[cfg(test)]
mod tests {
    use crate::contestants::many::trial;

    #[test]
    fn every_message_arrives_once() {
        trial::everybody(super::entries());
    }
}
