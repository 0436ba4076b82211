//! crossbeam's `ArrayQueue` and its bounded channel, between threads.
//!
//! The queue only tries, so it is only in that loop. The channel is in both: `try_send` and `try_recv`, or `send` and
//! `recv`, which spin a little, yield and park. Neither has batches. They run in them all the same, one message by one,
//! since the targets for batches are multiples of what these do.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::Entry;
use crate::many::{self, Receiver, Sender, TryReceiver, TrySender, Within};
use crossbeam_channel::{TryRecvError, TrySendError};
use crossbeam_queue::ArrayQueue;
use std::sync::Arc;

pub fn entries() -> Vec<Entry> {
    let queue = Card {
        name: "crossbeam ArrayQueue",
        version: env!("VERSION_CROSSBEAM_QUEUE"),
        mode: "push and pop; in batches too",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: true,
    };
    let tried = Card {
        name: "crossbeam-channel",
        version: env!("VERSION_CROSSBEAM_CHANNEL"),
        mode: "try_send and try_recv; in batches too",
        ..queue.clone()
    };
    let channel = Card { mode: "default: send and recv; in batches too", waiting: Waiting::Default, ..tried.clone() };
    vec![
        many::polled_within(queue, Queue),
        many::polled_within(tried, Channel),
        many::blocking_within(channel, Channel),
    ]
}

/// The queue.
struct Queue;

impl Within for Queue {
    type Sender = Arc<ArrayQueue<u64>>;
    type Receiver = Arc<ArrayQueue<u64>>;

    fn ends(&self, place: &Place, sides: usize) -> Result<(Vec<Self::Sender>, Vec<Self::Receiver>), Failure> {
        let queue = Arc::new(ArrayQueue::new(place.capacity));
        Ok((vec![queue.clone(); sides], vec![queue; sides]))
    }
}

impl TrySender for Arc<ArrayQueue<u64>> {
    #[inline(always)]
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        Ok(self.push(message).is_ok())
    }
}

impl TryReceiver for Arc<ArrayQueue<u64>> {
    #[inline(always)]
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        Ok(self.pop())
    }
}

/// The channel.
struct Channel;

impl Within for Channel {
    type Sender = crossbeam_channel::Sender<u64>;
    type Receiver = crossbeam_channel::Receiver<u64>;

    fn ends(&self, place: &Place, sides: usize) -> Result<(Vec<Self::Sender>, Vec<Self::Receiver>), Failure> {
        let (sender, receiver) = crossbeam_channel::bounded(place.capacity);
        Ok((vec![sender; sides], vec![receiver; sides]))
    }
}

impl TrySender for crossbeam_channel::Sender<u64> {
    #[inline(always)]
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        match crossbeam_channel::Sender::try_send(self, message) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(gone) => Err(gone.into()),
        }
    }
}

impl TryReceiver for crossbeam_channel::Receiver<u64> {
    #[inline(always)]
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        match crossbeam_channel::Receiver::try_recv(self) {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(gone) => Err(gone.into()),
        }
    }
}

impl Sender for crossbeam_channel::Sender<u64> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        Ok(crossbeam_channel::Sender::send(self, message)?)
    }
}

impl Receiver for crossbeam_channel::Receiver<u64> {
    #[inline(always)]
    fn recv(&mut self) -> Result<u64, Failure> {
        Ok(crossbeam_channel::Receiver::recv(self)?)
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
