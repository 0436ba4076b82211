//! kanal's bounded channel, between threads: `try_send` and `try_recv`, or `send` and `recv`, which spin a little
//! and park. Its sender has no batches, and its receiver's `drain_into` takes all that is there, as much as it may be, and
//! leaves the other receivers nothing: here it runs one at a time only.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::Entry;
use crate::many::{self, Receiver, Sender, TryReceiver, TrySender, Within};

pub fn entries() -> Vec<Entry> {
    let tried = Card {
        name: "kanal",
        version: env!("VERSION_KANAL"),
        mode: "try_send and try_recv",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: false,
    };
    let default = Card { mode: "default: send and recv", waiting: Waiting::Default, ..tried.clone() };
    vec![many::polled_within(tried, Kanal), many::blocking_within(default, Kanal)]
}

/// The channel.
struct Kanal;

impl Within for Kanal {
    type Sender = kanal::Sender<u64>;
    type Receiver = kanal::Receiver<u64>;

    fn ends(&self, place: &Place, sides: usize) -> Result<(Vec<Self::Sender>, Vec<Self::Receiver>), Failure> {
        let (sender, receiver) = kanal::bounded(place.capacity);
        Ok((vec![sender; sides], vec![receiver; sides]))
    }
}

impl TrySender for kanal::Sender<u64> {
    #[inline(always)]
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        Ok(kanal::Sender::try_send(self, message)?)
    }
}

impl TryReceiver for kanal::Receiver<u64> {
    #[inline(always)]
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        Ok(kanal::Receiver::try_recv(self)?)
    }
}

impl Sender for kanal::Sender<u64> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        Ok(kanal::Sender::send(self, message)?)
    }
}

impl Receiver for kanal::Receiver<u64> {
    #[inline(always)]
    fn recv(&mut self) -> Result<u64, Failure> {
        Ok(kanal::Receiver::recv(self)?)
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
