//! ringfire's ring of one writer and many readers in a shared file, made lossless.
//!
//! Its default loses messages when a reader is slow; `FlowControl::LosslessBackpressure` is its documented way to lose
//! none (README, "Lossless Backpressure Flow Control", <https://docs.rs/crate/ringfire/0.5.2>), so every mode here has it,
//! with a registry of one reader, the fewest that the writer can have to look at. Batches are `push_batch`, one
//! publication for the whole slice, and `recv_batch`. Both copy: a slot is never lent out, by design. So the sender makes
//! its messages in a buffer of its own and the receiver looks at them in another.
//!
//! Fastest documented: polling (`BusySpin`, "Ultra-low-latency"; its benchmarks poll `try_recv`). Then its futex in its
//! default form, which looks 32 times before it sleeps, and with no looks at all, as its benchmarks have it. A writer
//! without room spins, yields and at last sleeps 10 µs at a time in all of them: that is `push`, ringfire's own, and
//! `try_push` in a loop was no faster. The capacity is the next power of two.
//!
//! The writer makes the file, so the reader waits for it, and the writer then waits until the reader is registered.

use std::path::PathBuf;

use ringfire::{BusySpin, FlowControl, FutexWait, RingConsumer, RingProducer, RingProducerBuilder, WaitStrategy};

use super::rendezvous::retry;
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let spinning = Card {
        name: "ringfire, spinning",
        version: "0.5.2",
        mode: "fastest lossless: backpressure, polling",
        waiting: Waiting::Spins,
        largest: usize::MAX,
        has_batches: true,
    };
    let default = Card {
        name: "ringfire",
        mode: "lossless: backpressure, its futex as it comes (32 looks first)",
        waiting: Waiting::Default,
        ..spinning.clone()
    };
    let sleeping = Card {
        name: "ringfire, sleeping",
        mode: "lossless: backpressure, its futex without a look first",
        waiting: Waiting::Sleeps,
        ..spinning.clone()
    };
    vec![
        Entry::between(spinning, Ringfire(Spins)),
        Entry::between(default, Ringfire(Default)),
        Entry::between(sleeping, Ringfire(Sleeps)),
    ]
}

/// How the reader waits.
trait Wait: Clone + Send + Sync + 'static {
    /// ringfire's name for it.
    type Strategy: WaitStrategy;

    /// A fresh one.
    fn strategy() -> Self::Strategy;
}

/// Polls.
#[derive(Debug, Clone, Copy)]
struct Spins;

impl Wait for Spins {
    type Strategy = BusySpin;

    fn strategy() -> BusySpin {
        BusySpin::new()
    }
}

/// Looks a little, then sleeps.
#[derive(Debug, Clone, Copy)]
struct Default;

impl Wait for Default {
    type Strategy = FutexWait;

    fn strategy() -> FutexWait {
        FutexWait::default()
    }
}

/// Sleeps at once.
#[derive(Debug, Clone, Copy)]
struct Sleeps;

impl Wait for Sleeps {
    type Strategy = FutexWait;

    fn strategy() -> FutexWait {
        FutexWait::new(0, None)
    }
}

/// The ring, with a way to wait.
#[derive(Debug, Clone, Copy)]
struct Ringfire<W>(pub W);

/// The writer, and where it makes its batches.
struct RingfireSender<M: Message> {
    ring: RingProducer<M>,
    batch: Vec<M>,
}

/// The reader, and where it copies its batches to.
struct RingfireReceiver<M: Message, W: Wait> {
    ring: RingConsumer<M>,
    wait: W::Strategy,
    batch: Vec<M>,
}

fn path(place: &Place) -> PathBuf {
    place.dir.join("ring")
}

impl<W: Wait> Between for Ringfire<W> {
    type Sender<M: Message> = RingfireSender<M>;
    type Receiver<M: Message> = RingfireReceiver<M, W>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        let ring: RingProducer<M> = RingProducerBuilder::new(place.capacity.next_power_of_two() as u64)
            .flow_control(FlowControl::LosslessBackpressure)
            .max_readers(1)
            .build(path(place))?;
        let registry = ring.registry().ok_or("ringfire made no registry")?;
        retry(|| registry.min_cursor().ok_or("no reader has come"))?;
        Ok(RingfireSender { ring, batch: Vec::with_capacity(place.capacity) })
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        let path = path(place);
        // Until the writer has finished it, the file is not there or is not a ring.
        let ring = retry(|| RingConsumer::attach(&path))?;
        Ok(RingfireReceiver { ring, wait: W::strategy(), batch: Vec::new() })
    }
}

impl<M: Message> Sender<M> for RingfireSender<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.ring.push(&message);
        Ok(())
    }

    #[inline(always)]
    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        self.batch.clear();
        self.batch.extend((first..first + count as u64).map(M::of));
        self.ring.push_batch(&self.batch);
        Ok(())
    }
}

impl<M: Message, W: Wait> Receiver<M> for RingfireReceiver<M, W> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        Ok(self.ring.recv_blocking(&mut self.wait))
    }

    #[inline(always)]
    fn recv_batch(&mut self, max: usize, take: impl FnMut(&M)) -> Result<usize, Failure> {
        if self.batch.len() < max {
            self.batch.resize(max, M::zeroed());
        }
        let mut count = self.ring.recv_batch(&mut self.batch[..max]);
        if count == 0 {
            // A batch has no waiting of its own: the first message is waited for, and whatever came with it is taken too.
            self.batch[0] = self.ring.recv_blocking(&mut self.wait);
            count = 1 + self.ring.recv_batch(&mut self.batch[1..max]);
        }
        self.batch[..count].iter().for_each(take);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_arrives_in_order() {
        trial::between(module_path!(), "every_message_arrives_in_order", Ringfire(Default));
    }

    #[test]
    fn every_message_arrives_in_order_polled() {
        trial::between(module_path!(), "every_message_arrives_in_order_polled", Ringfire(Spins));
    }

    #[test]
    fn every_message_arrives_in_order_asleep() {
        trial::between(module_path!(), "every_message_arrives_in_order_asleep", Ringfire(Sleeps));
    }
}
