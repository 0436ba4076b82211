//! shaq's queue of one producer and one consumer in a shared file.
//!
//! Fastest documented mode, as in its example `enqueue_dequeue` and as its methods advise: `try_write` for single messages;
//! `write_batch` with `try_as_mut`, which writes in place and publishes once, and `try_reserve_read_batch` with
//! `as_slices`, which reads in place and releases once (<https://docs.rs/shaq/4.3.0/shaq/spsc/index.html>). Its consumer
//! can also wait, `read_timeout` and `reserve_read_batch_timeout`: 2048 looks, then a futex; that is its default here. Its
//! producer has no waiting at all and polls in both. The capacity is the next power of two.
//!
//! A single message is read as a batch of one, as `read_timeout` does within: `try_read` writes to the line that the
//! producer looks at even when there was nothing, and was slower here. For the same reason a producer that finds no room
//! tries a single message rather than an empty batch.
//!
//! 4.3.0 is the newest that Rust 1.95 compiles: later ones call `isolate_highest_one`, which it does not have.

use std::fs::{File, OpenOptions};
use std::hint::spin_loop;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use shaq::spsc::{Consumer, Producer, minimum_file_size};

use super::rendezvous::retry;
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let spinning = Card {
        name: "shaq, spinning",
        version: "4.3.0",
        mode: "fastest: polling, batches in place",
        waiting: Waiting::Spins,
        largest: usize::MAX,
        has_batches: true,
    };
    let default = Card {
        name: "shaq",
        mode: "default: the consumer looks 2048 times and sleeps, the producer polls",
        waiting: Waiting::Default,
        ..spinning.clone()
    };
    vec![Entry::between(spinning, Shaq::<true>), Entry::between(default, Shaq::<false>)]
}

/// The queue, polled or with a consumer that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shaq<const SPINS: bool>;

/// The producer.
pub(super) struct ShaqSender<M>(Producer<M>);

/// The consumer.
pub(super) struct ShaqReceiver<M, const SPINS: bool>(Consumer<M>);

fn path(place: &Place) -> PathBuf {
    place.dir.join("queue")
}

impl<const SPINS: bool> Between for Shaq<SPINS> {
    type Sender<M: Message> = ShaqSender<M>;
    type Receiver<M: Message> = ShaqReceiver<M, SPINS>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        let path = path(place);
        let file = retry(|| OpenOptions::new().read(true).write(true).open(&path))?;
        // SAFETY: the file got this name after it was initialised for M, and this is the round's only producer.
        Ok(ShaqSender(unsafe { Producer::join(&file) }?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        let size = minimum_file_size::<M>(place.capacity);
        let unfinished = place.dir.join("unfinished");
        let file = File::options().read(true).write(true).create_new(true).open(&unfinished)?;
        file.set_len(size as u64)?;
        // SAFETY: the file is new, this process alone initialises it, and this is the round's only consumer.
        let consumer = unsafe { Consumer::create(&file, size) }?;
        std::fs::rename(unfinished, path(place))?;
        Ok(ShaqReceiver(consumer))
    }
}

impl<M: Message> Sender<M> for ShaqSender<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        while self.0.try_write(message).is_err() {
            spin_loop();
        }
        Ok(())
    }

    #[inline(always)]
    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        let mut numbers = first..first + count as u64;
        loop {
            {
                let mut batch = self.0.write_batch();
                while !numbers.is_empty() {
                    // SAFETY: the slot is written at once, and nothing in between can unwind.
                    let Some(slot) = (unsafe { batch.try_as_mut() }) else { break };
                    slot.write(M::of(numbers.start));
                    numbers.start += 1;
                }
            }
            let Some(number) = numbers.next() else { return Ok(()) };
            self.send(M::of(number))?;
            if numbers.is_empty() {
                return Ok(());
            }
        }
    }
}

impl<M: Message, const SPINS: bool> Receiver<M> for ShaqReceiver<M, SPINS> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        if !SPINS {
            return self.0.read_timeout(Duration::MAX).map_err(|timeout| format!("{timeout:?}").into());
        }
        loop {
            if let Some(batch) = self.0.try_reserve_read_batch(NonZeroUsize::MIN) {
                return Ok(batch[0]);
            }
            spin_loop();
        }
    }

    #[inline(always)]
    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        let max = NonZeroUsize::new(max).ok_or("a batch of none")?;
        if SPINS {
            loop {
                if let Some(batch) = self.0.try_reserve_read_batch(max) {
                    return Ok(take_all(&batch, &mut take));
                }
                spin_loop();
            }
        }
        let batch = self.0.reserve_read_batch_timeout(max, Duration::MAX).map_err(|timeout| format!("{timeout:?}"))?;
        Ok(take_all(&batch, &mut take))
    }
}

#[inline(always)]
fn take_all<M: Message>(batch: &shaq::spsc::ReadBatch<'_, M>, take: &mut impl FnMut(&M)) -> usize {
    let (front, back) = batch.as_slices();
    front.iter().for_each(&mut *take);
    back.iter().for_each(take);
    batch.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_arrives_in_order() {
        trial::between(module_path!(), "every_message_arrives_in_order", Shaq::<false>);
    }

    #[test]
    fn every_message_arrives_in_order_polled() {
        trial::between(module_path!(), "every_message_arrives_in_order_polled", Shaq::<true>);
    }
}
