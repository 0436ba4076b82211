//! What a contestant with many ends is: senders and receivers on one channel, each message for one of the receivers.
//!
//! Messages are 8 bytes. There are two loops. In `try and spin` a contestant only tries, and the harness tries again:
//! [`Polled`] is that loop, the same for everybody. In `blocking` everybody waits in their own way.

mod crowd;
mod pause;
mod polled;
mod runner;
pub mod total;

pub use crowd::{Crowd, sleep_long_while, sleep_shortly_while, wake_all};
pub use pause::Pause;
pub use polled::Polled;

use crate::contestant::{Card, Ends, Failure, Place};
use crate::entry::{Does, Entry};
use runner::{Processes, Threads};

/// A sending end that only tries.
pub trait TrySender {
    /// Sends one message if there is room; whether there was.
    fn try_send(&mut self, message: u64) -> Result<bool, Failure>;

    /// Sends as many of the first messages as there is room for, in the contestant's way for batches; how many.
    #[inline(always)]
    fn try_send_many(&mut self, messages: &[u64]) -> Result<usize, Failure> {
        for (sent, &message) in messages.iter().enumerate() {
            if !self.try_send(message)? {
                return Ok(sent);
            }
        }
        Ok(messages.len())
    }
}

/// A receiving end that only tries.
pub trait TryReceiver {
    /// Receives one message if there is one.
    fn try_recv(&mut self) -> Result<Option<u64>, Failure>;

    /// Receives as many messages as there are and fit, in the contestant's way for batches; how many.
    #[inline(always)]
    fn try_recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        for (received, place) in into.iter_mut().enumerate() {
            match self.try_recv()? {
                Some(message) => *place = message,
                None => return Ok(received),
            }
        }
        Ok(into.len())
    }
}

/// A sending end that waits while there is no room.
pub trait Sender {
    /// Sends one message.
    fn send(&mut self, message: u64) -> Result<(), Failure>;

    /// Sends all these, in the contestant's way for batches.
    #[inline(always)]
    fn send_many(&mut self, messages: &[u64]) -> Result<(), Failure> {
        messages.iter().try_for_each(|&message| self.send(message))
    }
}

/// A receiving end that waits while there is nothing.
pub trait Receiver {
    /// Receives one message.
    fn recv(&mut self) -> Result<u64, Failure>;

    /// Receives at least one message and as many as there are and fit, in the contestant's way for batches; how many.
    #[inline(always)]
    fn recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        into[0] = self.recv()?;
        Ok(1)
    }
}

/// Where an end is made, and which of how many it is.
#[derive(Debug, Clone, Copy)]
pub struct Seat<'a> {
    /// Where all meet.
    pub place: &'a Place,
    /// Which of the senders, or of the receivers, from 0.
    pub index: usize,
    /// Senders, and receivers as many.
    pub sides: usize,
}

/// Many ends between processes.
pub trait Between: Send + Sync + 'static {
    /// A sending end.
    type Sender;
    /// A receiving end.
    type Receiver;

    /// Makes a sending end. The channel is there, or being made: waits for it for a few seconds if it must.
    fn sender(&self, seat: &Seat<'_>) -> Result<Self::Sender, Failure>;

    /// Makes a receiving end; the first makes the channel, and the others wait for it as senders do.
    fn receiver(&self, seat: &Seat<'_>) -> Result<Self::Receiver, Failure>;

    /// As `contestant::Between::clean`.
    fn clean(&self, place: &Place) {
        let _ = place;
    }
}

/// Many ends between threads.
pub trait Within: Send + Sync + 'static {
    /// A sending end.
    type Sender: Send;
    /// A receiving end.
    type Receiver: Send;

    /// Makes a channel with so many senders, and as many receivers.
    #[allow(clippy::type_complexity)] // two kinds of ends, and each contestant names its own
    fn ends(&self, place: &Place, sides: usize) -> Result<(Vec<Self::Sender>, Vec<Self::Receiver>), Failure>;
}

/// A contestant between processes, tried by the harness.
pub fn polled_between<C: Between>(card: Card, contestant: C) -> Entry
where
    C::Sender: TrySender,
    C::Receiver: TryReceiver,
{
    Entry::new(card, Ends::Processes, Box::new(Processes(Polled(contestant)))).only(Does::Polled)
}

/// A contestant between processes, waiting in its own way.
pub fn blocking_between<C: Between>(card: Card, contestant: C) -> Entry
where
    C::Sender: Sender,
    C::Receiver: Receiver,
{
    Entry::new(card, Ends::Processes, Box::new(Processes(contestant))).only(Does::Blocking)
}

/// A contestant between threads, tried by the harness.
pub fn polled_within<C: Within>(card: Card, contestant: C) -> Entry
where
    C::Sender: TrySender,
    C::Receiver: TryReceiver,
{
    Entry::new(card, Ends::Threads, Box::new(Threads(Polled(contestant)))).only(Does::Polled)
}

/// A contestant between threads, waiting in its own way.
pub fn blocking_within<C: Within>(card: Card, contestant: C) -> Entry
where
    C::Sender: Sender,
    C::Receiver: Receiver,
{
    Entry::new(card, Ends::Threads, Box::new(Threads(contestant))).only(Does::Blocking)
}
