//! iceoryx2, publish-subscribe: a slice on loan, written and read in place. Lossless, as in `contestants::iceoryx2`: polled, and
//! with an event after each.
//!
//! Of a place's capacity one message is on loan, one borrowed, and the subscriber's buffer holds the others. iceoryx2 makes the
//! memory for all of them, and for one that is never used, beforehand. Slices are aligned to a page, as everybody's messages are.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::iceoryx2::clean;
use crate::contestants::lengths::iceoryx2::{Receiving, Sending, Shape};
use crate::entry::Entry;
use crate::loans::{Between, Receiver, Sender, between};
use bytemuck::{cast_slice_mut, try_cast_slice};
use iceoryx2::prelude::Alignment;

pub fn entries() -> Vec<Entry> {
    let polled = Card {
        name: "iceoryx2, spinning",
        version: "0.10.0",
        mode: "fastest lossless: loans in place, polled",
        waiting: Waiting::Spins,
        largest: usize::MAX,
        has_batches: false,
    };
    let notified = Card {
        name: "iceoryx2, events",
        mode: "lossless: loans in place, an event after each",
        waiting: Waiting::Sleeps,
        ..polled.clone()
    };
    vec![between(polled, Loans { events: false }), between(notified, Loans { events: true })]
}

struct Loans {
    events: bool,
}

impl Loans {
    fn shape(&self, place: &Place, bytes: usize) -> Shape {
        let buffered = place.capacity.saturating_sub(2).max(1);
        Shape { events: self.events, longest: bytes, buffered, alignment: Alignment::ALIGN_4096 }
    }
}

/// A publisher, and how many bytes it asks for.
struct Lent(Sending, usize);

impl Between for Loans {
    type Sender = Lent;
    type Receiver = Receiving;

    fn sender(&self, place: &Place, bytes: usize) -> Result<Lent, Failure> {
        Ok(Lent(Sending::new(place, &self.shape(place, bytes))?, bytes))
    }

    fn receiver(&self, place: &Place, bytes: usize) -> Result<Receiving, Failure> {
        Receiving::new(place, &self.shape(place, bytes))
    }

    fn clean(&self, place: &Place) {
        clean(place);
    }
}

impl Sender for Lent {
    #[inline]
    fn send(&mut self, write: impl FnOnce(&mut [u64])) -> Result<(), Failure> {
        let Self(sending, bytes) = self;
        // SAFETY: bytes of a file in memory, which the kernel has made zeros, or a message before: any bytes are a message.
        let mut sample = unsafe { sending.publisher.loan_slice_uninit(*bytes)?.assume_init() };
        write(cast_slice_mut(sample.payload_mut()));
        sample.send()?;
        sending.notify()
    }
}

impl Receiver for Receiving {
    #[inline]
    fn recv(&mut self, read: impl FnOnce(&[u64]) -> Result<(), Failure>) -> Result<(), Failure> {
        let sample = self.next()?;
        read(try_cast_slice(sample.payload()).map_err(|_| "a message of half a word")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::loans::trial;

    #[test]
    fn every_message_arrives_whole_polled() {
        trial::between(module_path!(), "every_message_arrives_whole_polled", Loans { events: false });
    }

    #[test]
    fn every_message_arrives_whole_notified() {
        trial::between(module_path!(), "every_message_arrives_whole_notified", Loans { events: true });
    }
}
