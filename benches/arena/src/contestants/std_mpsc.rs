//! The standard library's bounded channel, `std::sync::mpsc::sync_channel`, between threads.
//!
//! Its default is `send` and `recv`, which spin a little, yield and then park
//! (<https://doc.rust-lang.org/std/sync/mpsc/fn.sync_channel.html>). `try_send` and `try_recv` in a loop never park: the
//! fastest where processors are free. It has no batches. The capacity is exact.

use std::hint::spin_loop;
use std::sync::mpsc::{self, TryRecvError, TrySendError};

use crate::contestant::{Card, Failure, Message, Place, Receiver, Sender, Waiting, Within};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let default = Card {
        name: "std sync_channel",
        version: "",
        mode: "default: send and recv",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: false,
    };
    let spinning = Card {
        name: "std sync_channel, spinning",
        mode: "polling: try_send and try_recv",
        waiting: Waiting::Spins,
        ..default.clone()
    };
    vec![Entry::within(spinning, SpinningSyncChannel), Entry::within(default, SyncChannel)]
}

/// The bounded channel, waiting as it does.
#[derive(Debug, Clone, Copy)]
struct SyncChannel;

impl Within for SyncChannel {
    type Sender<M: Message> = mpsc::SyncSender<M>;
    type Receiver<M: Message> = mpsc::Receiver<M>;

    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure> {
        Ok(mpsc::sync_channel(place.capacity))
    }
}

impl<M: Message> Sender<M> for mpsc::SyncSender<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        mpsc::SyncSender::send(self, message)?;
        Ok(())
    }
}

impl<M: Message> Receiver<M> for mpsc::Receiver<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        Ok(mpsc::Receiver::recv(self)?)
    }
}

/// The bounded channel, polled.
#[derive(Debug, Clone, Copy)]
struct SpinningSyncChannel;

/// An end that polls.
#[derive(Debug)]
struct Spinning<End>(End);

impl Within for SpinningSyncChannel {
    type Sender<M: Message> = Spinning<mpsc::SyncSender<M>>;
    type Receiver<M: Message> = Spinning<mpsc::Receiver<M>>;

    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure> {
        let (sender, receiver) = mpsc::sync_channel(place.capacity);
        Ok((Spinning(sender), Spinning(receiver)))
    }
}

impl<M: Message> Sender<M> for Spinning<mpsc::SyncSender<M>> {
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

impl<M: Message> Receiver<M> for Spinning<mpsc::Receiver<M>> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        loop {
            match self.0.try_recv() {
                Ok(message) => return Ok(message),
                Err(TryRecvError::Empty) => spin_loop(),
                Err(gone) => return Err(gone.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_arrives_in_order() {
        trial::within(SyncChannel);
    }

    #[test]
    fn every_message_arrives_in_order_polled() {
        trial::within(SpinningSyncChannel);
    }
}
