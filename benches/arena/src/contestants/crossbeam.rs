//! crossbeam's bounded channel and its `ArrayQueue`, many producers and many consumers between threads.
//!
//! The channel (<https://docs.rs/crossbeam-channel/0.5.17/crossbeam_channel/fn.bounded.html>): `send` and `recv` wait by
//! spinning a little, then yielding, then parking; that is its default. `try_send` and `try_recv` in a loop never park,
//! which its documentation gives as the way not to block; on free processors that is its fastest. Neither has batches
//! (`try_iter` takes them one by one). The queue (<https://docs.rs/crossbeam-queue/0.3.14/crossbeam_queue/struct.ArrayQueue.html>)
//! is the same ring without any waiting, so it only polls. All capacities are exact.

use std::hint::spin_loop;
use std::sync::Arc;

use crossbeam_channel::TrySendError;
use crossbeam_queue::ArrayQueue;

use crate::contestant::{Card, Failure, Message, Place, Receiver, Sender, Waiting, Within};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let channel = Card {
        name: "crossbeam-channel",
        version: "0.5.17",
        mode: "default: send and recv",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: false,
    };
    let spinning = Card {
        name: "crossbeam-channel, spinning",
        mode: "polling: try_send and try_recv",
        waiting: Waiting::Spins,
        ..channel.clone()
    };
    let queue = Card {
        name: "crossbeam ArrayQueue",
        version: "0.3.14",
        mode: "its only one: push and pop, polling",
        ..spinning.clone()
    };
    vec![Entry::within(spinning, SpinningChannel), Entry::within(channel, Channel), Entry::within(queue, Queue)]
}

/// The bounded channel, waiting as it does.
#[derive(Debug, Clone, Copy)]
struct Channel;

impl Within for Channel {
    type Sender<M: Message> = crossbeam_channel::Sender<M>;
    type Receiver<M: Message> = crossbeam_channel::Receiver<M>;

    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure> {
        Ok(crossbeam_channel::bounded(place.capacity))
    }
}

impl<M: Message> Sender<M> for crossbeam_channel::Sender<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        crossbeam_channel::Sender::send(self, message)?;
        Ok(())
    }
}

impl<M: Message> Receiver<M> for crossbeam_channel::Receiver<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        Ok(crossbeam_channel::Receiver::recv(self)?)
    }
}

/// The bounded channel, polled.
#[derive(Debug, Clone, Copy)]
struct SpinningChannel;

/// An end that polls.
#[derive(Debug)]
struct Spinning<End>(End);

impl Within for SpinningChannel {
    type Sender<M: Message> = Spinning<crossbeam_channel::Sender<M>>;
    type Receiver<M: Message> = Spinning<crossbeam_channel::Receiver<M>>;

    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure> {
        let (sender, receiver) = crossbeam_channel::bounded(place.capacity);
        Ok((Spinning(sender), Spinning(receiver)))
    }
}

impl<M: Message> Sender<M> for Spinning<crossbeam_channel::Sender<M>> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        loop {
            match self.0.try_send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(_)) => spin_loop(),
                Err(TrySendError::Disconnected(_)) => return Err("the receiver is gone".into()),
            }
        }
    }
}

impl<M: Message> Receiver<M> for Spinning<crossbeam_channel::Receiver<M>> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        loop {
            match self.0.try_recv() {
                Ok(message) => return Ok(message),
                Err(crossbeam_channel::TryRecvError::Empty) => spin_loop(),
                Err(gone) => return Err(gone.into()),
            }
        }
    }
}

/// The queue.
#[derive(Debug, Clone, Copy)]
struct Queue;

impl Within for Queue {
    type Sender<M: Message> = Arc<ArrayQueue<M>>;
    type Receiver<M: Message> = Arc<ArrayQueue<M>>;

    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure> {
        let queue = Arc::new(ArrayQueue::new(place.capacity));
        Ok((queue.clone(), queue))
    }
}

impl<M: Message> Sender<M> for Arc<ArrayQueue<M>> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        while self.push(message).is_err() {
            spin_loop();
        }
        Ok(())
    }
}

impl<M: Message> Receiver<M> for Arc<ArrayQueue<M>> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        loop {
            if let Some(message) = self.pop() {
                return Ok(message);
            }
            spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_of_the_channel_arrives_in_order() {
        trial::within(Channel);
    }

    #[test]
    fn every_message_of_the_polled_channel_arrives_in_order() {
        trial::within(SpinningChannel);
    }

    #[test]
    fn every_message_of_the_queue_arrives_in_order() {
        trial::within(Queue);
    }
}
