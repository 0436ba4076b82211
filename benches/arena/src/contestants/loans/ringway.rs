//! ringway: loans of its messages of bytes, many to many, and claims of its ring of bytes, one to one, both read by reference.
//!
//! As many messages have room as a place's capacity says. Many to many: in lanes of the segment, if they fit into those that there
//! are when nothing is said, else in annexes. One to one: in the ring, in twice the room that they take, since each is in one
//! piece and the ring has an end.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::{Entry, Kind};
use crate::loans::{Between, Receiver, Sender, between};
use ringway::bytes::{mpmc, spsc};
use ringway::{Options, WaitStrategy};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a lane when nothing is said.
const LANE: usize = 128 << 10;

pub fn entries() -> Vec<Entry> {
    let default = Card {
        name: "ringway",
        version: env!("VERSION_RINGWAY"),
        mode: "bytes::mpmc: loan, recv_ref",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: false,
    };
    let spinning = Card {
        name: "ringway, spinning",
        mode: "bytes::mpmc: loan, recv_ref, polling",
        waiting: Waiting::Spins,
        ..default.clone()
    };
    let sleeping = Card {
        name: "ringway, sleeping",
        mode: "bytes::mpmc: loan, recv_ref, asleep at once",
        waiting: Waiting::Sleeps,
        ..default.clone()
    };
    let as_it_comes = Card {
        name: "ringway, as it comes",
        mode: "bytes::mpmc: loan, recv_ref, 8 lanes and 16 annexes",
        ..default.clone()
    };
    let one_to_one = Card { name: ONE_TO_ONE, mode: "bytes::spsc: claim, recv_ref", ..default.clone() };
    let one_to_one_spinning = Card {
        name: "ringway, one to one, spinning",
        mode: "bytes::spsc: claim, recv_ref, polling",
        ..spinning.clone()
    };
    let ours = |card, wait, as_it_comes| between(card, Loans { wait, as_it_comes }).kind(Kind::Ringway);
    vec![
        ours(default, WaitStrategy::default(), false),
        ours(spinning, WaitStrategy::Spin, false),
        ours(sleeping, WaitStrategy::Sleep, false),
        ours(as_it_comes, WaitStrategy::default(), true),
        between(one_to_one, Claims(WaitStrategy::default())).kind(Kind::Ringway),
        between(one_to_one_spinning, Claims(WaitStrategy::Spin)).kind(Kind::Ringway),
    ]
}

/// The row of claims.
pub const ONE_TO_ONE: &str = "ringway, one to one";

struct Loans {
    wait: WaitStrategy,
    /// Not with room for as many messages as a place's capacity.
    as_it_comes: bool,
}

impl Loans {
    fn options(&self, place: &Place, bytes: usize) -> Options {
        let options = Options::new().dir(&place.dir).wait(self.wait).open_timeout(PATIENCE);
        match self.as_it_comes {
            true => options,
            false if bytes <= LANE => options.lanes(place.capacity, LANE).annexes(0),
            false => options.annexes(place.capacity),
        }
    }
}

/// A sender, and how many bytes it asks for.
struct Lent(mpmc::Sender, usize);

impl Between for Loans {
    type Sender = Lent;
    type Receiver = mpmc::Receiver;

    fn sender(&self, place: &Place, bytes: usize) -> Result<Lent, Failure> {
        Ok(Lent(mpmc::Sender::open_or_create_with(&place.name, &self.options(place, bytes))?, bytes))
    }

    fn receiver(&self, place: &Place, bytes: usize) -> Result<mpmc::Receiver, Failure> {
        let mut receiver = mpmc::Receiver::open_or_create_with(&place.name, &self.options(place, bytes))?;
        receiver.set_limit(u64::MAX);
        Ok(receiver)
    }
}

impl Sender for Lent {
    #[inline]
    fn send(&mut self, write: impl FnOnce(&mut [u64])) -> Result<(), Failure> {
        let mut loan = self.0.loan(self.1)?;
        write(loan.as_mut_slice_of());
        Ok(loan.send()?)
    }
}

impl Receiver for mpmc::Receiver {
    #[inline]
    fn recv(&mut self, read: impl FnOnce(&[u64]) -> Result<(), Failure>) -> Result<(), Failure> {
        let message = self.recv_ref()?;
        read(message.as_slice_of().ok_or("a message of half a word")?)?;
        message.commit();
        Ok(())
    }
}

struct Claims(WaitStrategy);

impl Claims {
    fn options(&self, place: &Place, bytes: usize) -> Options {
        // What fits into a frame, with the word before it, is in one piece.
        let frame = bytes + size_of::<u64>();
        Options::new()
            .capacity(place.capacity * frame)
            .frame_bytes(frame)
            .dir(&place.dir)
            .wait(self.0)
            .open_timeout(PATIENCE)
    }
}

/// A sender, and how many bytes it claims.
struct Claimer(spsc::Sender, usize);

impl Between for Claims {
    type Sender = Claimer;
    type Receiver = spsc::Receiver;

    fn sender(&self, place: &Place, bytes: usize) -> Result<Claimer, Failure> {
        Ok(Claimer(spsc::Sender::open_or_create_with(&place.name, &self.options(place, bytes))?, bytes))
    }

    fn receiver(&self, place: &Place, bytes: usize) -> Result<spsc::Receiver, Failure> {
        Ok(spsc::Receiver::open_or_create_with(&place.name, &self.options(place, bytes))?)
    }
}

impl Sender for Claimer {
    #[inline]
    fn send(&mut self, write: impl FnOnce(&mut [u64])) -> Result<(), Failure> {
        let mut claim = self.0.claim(self.1)?;
        write(bytemuck::try_cast_slice_mut(&mut claim).map_err(|error| error.to_string())?);
        claim.commit(self.1);
        Ok(())
    }
}

impl Receiver for spsc::Receiver {
    #[inline]
    fn recv(&mut self, read: impl FnOnce(&[u64]) -> Result<(), Failure>) -> Result<(), Failure> {
        let message = self.recv_ref()?;
        read(bytemuck::try_cast_slice(&message).map_err(|error| error.to_string())?)?;
        message.commit();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::loans::trial;

    #[test]
    fn every_message_arrives_whole() {
        let loans = Loans { wait: WaitStrategy::default(), as_it_comes: false };
        trial::between(module_path!(), "every_message_arrives_whole", loans);
    }

    #[test]
    fn every_message_arrives_whole_as_it_comes() {
        let loans = Loans { wait: WaitStrategy::Spin, as_it_comes: true };
        trial::between(module_path!(), "every_message_arrives_whole_as_it_comes", loans);
    }

    #[test]
    fn every_message_arrives_whole_one_to_one() {
        trial::between(module_path!(), "every_message_arrives_whole_one_to_one", Claims(WaitStrategy::default()));
    }
}
