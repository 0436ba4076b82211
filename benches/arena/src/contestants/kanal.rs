//! kanal's bounded channel, many senders and many receivers between threads.
//!
//! Its default is `send` and `recv`, which spin a little and then park, and which its benchmarks use
//! (<https://docs.rs/kanal/0.1.1/kanal/fn.bounded.html>). `try_send_option` and `try_recv` in a loop never park. For more
//! than one at a time it has only the receiver's `drain_into`, which takes all that is there under one lock into a vector
//! that is used again, with `recv` when there was nothing, as its documentation shows; what was drained beyond the
//! greatest count asked for waits in the vector. Its sender has no batch. The capacity is exact.

use std::hint::spin_loop;

use crate::contestant::{Card, Failure, Message, Place, Receiver, Sender, Waiting, Within};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let default = Card {
        name: "kanal",
        version: "0.1.1",
        mode: "default: send and recv, drain_into for batches",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: true,
    };
    let spinning = Card {
        name: "kanal, spinning",
        mode: "polling: try_send and try_recv, drain_into for batches",
        waiting: Waiting::Spins,
        ..default.clone()
    };
    vec![Entry::within(spinning, Kanal::<true>), Entry::within(default, Kanal::<false>)]
}

/// The bounded channel, polled or waiting as it does.
#[derive(Debug, Clone, Copy)]
struct Kanal<const SPINS: bool>;

/// The sending end.
#[derive(Debug)]
struct KanalSender<M, const SPINS: bool>(kanal::Sender<M>);

/// The receiving end.
#[derive(Debug)]
struct KanalReceiver<M, const SPINS: bool> {
    receiver: kanal::Receiver<M>,
    drained: Vec<M>,
    /// How many of those drained were given.
    given: usize,
}

impl<const SPINS: bool> Within for Kanal<SPINS> {
    type Sender<M: Message> = KanalSender<M, SPINS>;
    type Receiver<M: Message> = KanalReceiver<M, SPINS>;

    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure> {
        let (sender, receiver) = kanal::bounded(place.capacity);
        // One more than the channel holds: a sender that waits has its message taken too.
        let drained = Vec::with_capacity(place.capacity + 1);
        Ok((KanalSender(sender), KanalReceiver { receiver, drained, given: 0 }))
    }
}

impl<M: Message, const SPINS: bool> Sender<M> for KanalSender<M, SPINS> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        if !SPINS {
            return Ok(self.0.send(message)?);
        }
        let mut message = Some(message);
        while !self.0.try_send_option(&mut message)? {
            spin_loop();
        }
        Ok(())
    }
}

impl<M: Message, const SPINS: bool> KanalReceiver<M, SPINS> {
    /// The next message of the channel itself.
    #[inline(always)]
    fn next(&mut self) -> Result<M, Failure> {
        if !SPINS {
            return Ok(self.receiver.recv()?);
        }
        loop {
            if let Some(message) = self.receiver.try_recv()? {
                return Ok(message);
            }
            spin_loop();
        }
    }
}

impl<M: Message, const SPINS: bool> Receiver<M> for KanalReceiver<M, SPINS> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        if let Some(&message) = self.drained.get(self.given) {
            self.given += 1;
            return Ok(message);
        }
        self.next()
    }

    #[inline(always)]
    fn recv_batch(&mut self, max: usize, take: impl FnMut(&M)) -> Result<usize, Failure> {
        if self.given == self.drained.len() {
            self.drained.clear();
            self.given = 0;
            while self.receiver.drain_into(&mut self.drained)? == 0 {
                if SPINS {
                    spin_loop();
                } else {
                    let message = self.next()?;
                    self.drained.push(message);
                    break;
                }
            }
        }
        let there = &self.drained[self.given..];
        let count = there.len().min(max);
        there[..count].iter().for_each(take);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_arrives_in_order() {
        trial::within(Kanal::<false>);
    }

    #[test]
    fn every_message_arrives_in_order_polled() {
        trial::within(Kanal::<true>);
    }
}
