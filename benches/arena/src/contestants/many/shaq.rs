//! shaq's queue of many producers and many consumers in a shared file, between processes.
//!
//! `try_write` and `try_read` for single messages; `try_write_slice`, all or none, and `try_reserve_read_batch` for more
//! (<https://docs.rs/shaq/4.3.0/shaq/mpmc/index.html>). Its consumers can wait, 2048 looks and then a futex; its producers
//! cannot, and try in the harness's way in both loops. The capacity is the next power of two.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::rendezvous::retry;
use crate::entry::Entry;
use crate::many::{self, Between, Pause, Receiver, Seat, Sender, TryReceiver, TrySender};
use shaq::mpmc::{Consumer, Producer, ReadBatch, minimum_file_size};
use std::fs::{File, OpenOptions};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub fn entries() -> Vec<Entry> {
    let tried = Card {
        name: "shaq mpmc",
        version: env!("VERSION_SHAQ"),
        mode: "try_write and try_read, slices and batches",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: true,
    };
    let default = Card {
        mode: "default: consumers look 2048 times and sleep, producers try",
        waiting: Waiting::Default,
        ..tried.clone()
    };
    vec![many::polled_between(tried, Shaq), many::blocking_between(default, Shaq)]
}

/// The queue.
struct Shaq;

fn path(place: &Place) -> PathBuf {
    place.dir.join("queue")
}

fn existing(place: &Place) -> Result<File, Failure> {
    retry(|| OpenOptions::new().read(true).write(true).open(path(place)))
}

impl Between for Shaq {
    type Sender = Producer<u64>;
    type Receiver = Consumer<u64>;

    fn sender(&self, seat: &Seat<'_>) -> Result<Self::Sender, Failure> {
        // SAFETY: the file got this name after it was initialised for this type.
        Ok(unsafe { Producer::join(&existing(seat.place)?) }?)
    }

    fn receiver(&self, seat: &Seat<'_>) -> Result<Self::Receiver, Failure> {
        if seat.index > 0 {
            // SAFETY: as above.
            return Ok(unsafe { Consumer::join(&existing(seat.place)?) }?);
        }
        let size = minimum_file_size::<u64>(seat.place.capacity);
        let unfinished = seat.place.dir.join("unfinished");
        let file = File::options().read(true).write(true).create_new(true).open(&unfinished)?;
        file.set_len(size as u64)?;
        // SAFETY: the file is new, and this process alone initialises it.
        let consumer = unsafe { Consumer::create(&file, size) }?;
        std::fs::rename(unfinished, path(seat.place))?;
        Ok(consumer)
    }
}

impl TrySender for Producer<u64> {
    #[inline(always)]
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        Ok(self.try_write(message).is_ok())
    }

    #[inline(always)]
    fn try_send_many(&mut self, messages: &[u64]) -> Result<usize, Failure> {
        Ok(if self.try_write_slice(messages) { messages.len() } else { 0 })
    }
}

/// Out of the queue, and the places back to it.
#[inline(always)]
fn copy(batch: ReadBatch<'_, u64>, into: &mut [u64]) -> usize {
    let (front, back) = batch.as_slices();
    into[..front.len()].copy_from_slice(front);
    into[front.len()..batch.len()].copy_from_slice(back);
    batch.len()
}

fn most(into: &[u64]) -> Result<NonZeroUsize, Failure> {
    Ok(NonZeroUsize::new(into.len()).ok_or("a batch of none")?)
}

impl TryReceiver for Consumer<u64> {
    #[inline(always)]
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        Ok(self.try_read())
    }

    #[inline(always)]
    fn try_recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        Ok(self.try_reserve_read_batch(most(into)?).map_or(0, |batch| copy(batch, into)))
    }
}

impl Sender for Producer<u64> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        let mut pause = Pause::default();
        while self.try_write(message).is_err() {
            pause.again();
        }
        Ok(())
    }

    #[inline(always)]
    fn send_many(&mut self, messages: &[u64]) -> Result<(), Failure> {
        let mut pause = Pause::default();
        while !self.try_write_slice(messages) {
            pause.again();
        }
        Ok(())
    }
}

impl Receiver for Consumer<u64> {
    #[inline(always)]
    fn recv(&mut self) -> Result<u64, Failure> {
        self.read_timeout(Duration::MAX).map_err(|timeout| format!("{timeout:?}").into())
    }

    #[inline(always)]
    fn recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        let batch = self.reserve_read_batch_timeout(most(into)?, Duration::MAX);
        Ok(copy(batch.map_err(|timeout| format!("{timeout:?}"))?, into))
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
