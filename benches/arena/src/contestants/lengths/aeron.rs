//! Aeron, as in `contestants::aeron`: a message is offered from the sender's buffer, and its fragments are copied to the
//! receiver's where they are polled, without Aeron's own assembler, which would copy them once more.
//!
//! A fragment has 65 472 bytes at most, and a record is one. The sender may be ahead by the capacity, but a term is eight times as
//! long as the longest message at least: nothing longer goes through it. So there is nothing above 16 MiB, for which three terms of
//! 128 MiB go round.

use crate::contestant::{Card, Failure, Place};
use crate::contestants::aeron::{Receiving, Sending, Shape, card};
use crate::entry::Entry;
use crate::lengths::{Between, Lengths, Receiver, Sender, between};

/// Bytes of the longest message that there can be.
const LARGEST: usize = 16 << 20;
/// A message is an eighth of a term at most.
const MESSAGES: usize = 8;
/// Bytes of the longest frame that there can be, and of what it carries.
const MTU: usize = 65_504;
const FRAGMENT: usize = MTU - 32;

pub fn entries() -> Vec<Entry> {
    let threaded = Card { largest: LARGEST, has_batches: false, ..card("default but for one thread: offers, polled") };
    let invoked = Card { name: "aeron, invoked", mode: "fastest: the receiver runs the driver", ..threaded.clone() };
    vec![between(threaded, Offers { invoked: false }), between(invoked, Offers { invoked: true })]
}

struct Offers {
    invoked: bool,
}

/// A subscription, and whether messages are in one fragment each.
struct Copying {
    from: Receiving,
    lengths: Lengths,
}

impl Between for Offers {
    type Sender = Sending;
    type Receiver = Copying;

    fn sender(&self, place: &Place, _: Lengths) -> Result<Sending, Failure> {
        Sending::new(place)
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Copying, Failure> {
        let term = (2 * place.capacity).max(MESSAGES * lengths.longest()).next_power_of_two();
        let shape = Shape { term, window: place.capacity, mtu: MTU, invoked: self.invoked };
        Ok(Copying { from: Receiving::new(place, &shape)?, lengths })
    }
}

impl Sender for Sending {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.insist(|publication| publication.offer(message)).map(drop)
    }
}

impl Receiver for Copying {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        let (mut done, mut is_longer) = (0, false);
        loop {
            // No fragment of the next message may come with the last of this one.
            let left = if self.lengths.are_known() { (into.len() - done).div_ceil(FRAGMENT) } else { 1 };
            let count = self.from.poll(left, |fragment| match into.get_mut(done..done + fragment.len()) {
                Some(room) => {
                    room.copy_from_slice(fragment);
                    done += fragment.len();
                }
                None => is_longer = true,
            })?;
            match count {
                _ if is_longer => return Err("a message longer than there can be".into()),
                0 => {}
                _ if self.lengths.are_known() && done < into.len() => {}
                _ => return Ok(done),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(module_path!(), "every_message_arrives_whole", Offers { invoked: false });
    }

    #[test]
    fn every_message_arrives_whole_invoked() {
        trial::between(module_path!(), "every_message_arrives_whole_invoked", Offers { invoked: true });
    }
}
