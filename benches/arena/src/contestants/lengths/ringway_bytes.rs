//! ringway: its messages of bytes, one to one and many to many. A message of known length is read into its place while it
//! comes; a record in one piece is copied from where it lies.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::{Does, Entry, Kind};
use crate::lengths::{Between, Lengths, Receiver, Sender, between};
use ringway::bytes::{mpmc, spsc};
use ringway::{Options, WaitStrategy};
use std::io::Read;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

pub fn entries() -> Vec<Entry> {
    let one = Card {
        name: "ringway",
        version: env!("VERSION_RINGWAY"),
        mode: "bytes::spsc, as it comes: a ring of a quarter or half of a cache",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: false,
    };
    let spinning =
        Card { name: "ringway, spinning", mode: "bytes::spsc, polling", waiting: Waiting::Spins, ..one.clone() };
    let many = Card { name: "ringway, many to many", mode: "bytes::mpmc, as it comes", ..one.clone() };
    let large = Card { name: "ringway, 1 MiB", mode: "bytes::spsc, frames of 64 KiB", ..one.clone() };
    let roomy = Card { name: "ringway, 4 MiB", mode: "bytes::spsc, frames of 256 KiB", ..one.clone() };
    let ours = |wait, ring| One { wait, ring };
    vec![
        between(one, ours(WaitStrategy::default(), Ring::AsItComes)).kind(Kind::Ringway),
        between(large, ours(WaitStrategy::default(), Ring::OfThePlace)).kind(Kind::Ringway),
        between(roomy, ours(WaitStrategy::default(), Ring::Of4MiB)).kind(Kind::Ringway).only(Does::Bulk),
        between(spinning, ours(WaitStrategy::Spin, Ring::AsItComes)).kind(Kind::Ringway),
        between(many, Many).kind(Kind::Ringway),
    ]
}

fn options(place: &Place) -> Options {
    Options::new().dir(&place.dir).open_timeout(PATIENCE)
}

/// Reads a message to its end.
fn read(mut from: impl Read, into: &mut [u8]) -> Result<usize, Failure> {
    from.read_exact(into)?;
    match from.read(&mut [0])? {
        0 => Ok(into.len()),
        _ => Err("a message longer than there can be".into()),
    }
}

/// Copies a record.
fn copy(from: &[u8], into: &mut [u8]) -> Result<usize, Failure> {
    into.get_mut(..from.len()).ok_or("a message longer than there can be")?.copy_from_slice(from);
    Ok(from.len())
}

/// A receiver, and whether the lengths are known.
struct To<R>(R, bool);

struct One {
    wait: WaitStrategy,
    ring: Ring,
}

#[derive(Clone, Copy)]
enum Ring {
    /// That nobody has sized.
    AsItComes,
    /// Of the place's capacity.
    OfThePlace,
    /// As much memory as the largest of the bare pipelines.
    Of4MiB,
}

impl One {
    fn options(&self, place: &Place) -> Options {
        let options = options(place).wait(self.wait);
        match self.ring {
            Ring::AsItComes => options,
            Ring::OfThePlace => options.capacity(place.capacity),
            Ring::Of4MiB => options.capacity(4 << 20).frame_bytes(256 << 10),
        }
    }
}

impl Sender for spsc::Sender {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        Ok(spsc::Sender::send(self, message)?)
    }
}

impl Receiver for To<spsc::Receiver> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        if self.1 {
            return read(self.0.reader()?, into);
        }
        let record = self.0.recv_ref()?;
        let len = copy(&record, into)?;
        record.commit();
        Ok(len)
    }
}

impl Between for One {
    type Sender = spsc::Sender;
    type Receiver = To<spsc::Receiver>;

    fn sender(&self, place: &Place, _: Lengths) -> Result<Self::Sender, Failure> {
        Ok(spsc::Sender::open_or_create_with(&place.name, &self.options(place))?)
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Self::Receiver, Failure> {
        let mut receiver = spsc::Receiver::open_or_create_with(&place.name, &self.options(place))?;
        receiver.set_limit(u64::MAX);
        Ok(To(receiver, lengths.are_known()))
    }
}

struct Many;

impl Sender for mpmc::Sender {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        Ok(mpmc::Sender::send(self, message)?)
    }
}

impl Receiver for To<mpmc::Receiver> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        if self.1 {
            return read(self.0.reader()?, into);
        }
        let record = self.0.recv_ref()?;
        let len = copy(&record, into)?;
        record.commit();
        Ok(len)
    }
}

impl Between for Many {
    type Sender = mpmc::Sender;
    type Receiver = To<mpmc::Receiver>;

    fn sender(&self, place: &Place, _: Lengths) -> Result<Self::Sender, Failure> {
        Ok(mpmc::Sender::open_or_create_with(&place.name, &options(place))?)
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Self::Receiver, Failure> {
        let mut receiver = mpmc::Receiver::open_or_create_with(&place.name, &options(place))?;
        receiver.set_limit(u64::MAX);
        Ok(To(receiver, lengths.are_known()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(
            module_path!(),
            "every_message_arrives_whole",
            One { wait: WaitStrategy::default(), ring: Ring::AsItComes },
        );
    }

    #[test]
    fn every_message_arrives_whole_many_to_many() {
        trial::between(module_path!(), "every_message_arrives_whole_many_to_many", Many);
    }
}
