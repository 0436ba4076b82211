//! shmem-ipc, a ring in a sealed memory file, whose closures write and read in it.
//!
//! Its items are pages here: a ring has exactly the memory that is asked for then, and as each message is so many whole pages,
//! none of them is cut in two where the ring begins again. Its documentation has closures use raw pointers, since the other process
//! could write at the same time; between these two, which trust each other, that is no different. Waiting as in
//! `contestants::lengths::shmem_ipc`.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::lengths::shmem_ipc::{get, give};
use crate::entry::Entry;
use crate::loans::{self, Between, between};
use shmem_ipc::sharedring::{Receiver, Sender};
use std::hint::spin_loop;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// An item.
type Page = [u64; PAGE];
/// Words of a page.
const PAGE: usize = 512;

pub fn entries() -> Vec<Entry> {
    let default = Card {
        name: "shmem-ipc",
        version: "0.3.0",
        mode: "default: eventfds; in place",
        waiting: Waiting::Sleeps,
        largest: usize::MAX,
        has_batches: false,
    };
    let spinning = Card {
        name: "shmem-ipc, spinning",
        mode: "the ring alone, polled; in place",
        waiting: Waiting::Spins,
        ..default.clone()
    };
    vec![between(default, Ring { spins: false }), between(spinning, Ring { spins: true })]
}

struct Ring {
    spins: bool,
}

/// One end, and how many pages a message has.
struct End<R> {
    ring: R,
    pages: usize,
    spins: bool,
}

/// Pages of a message.
fn pages(bytes: usize) -> usize {
    bytes / size_of::<Page>()
}

impl Between for Ring {
    type Sender = End<Sender<Page>>;
    type Receiver = End<Receiver<Page>>;

    fn sender(&self, place: &Place, bytes: usize) -> Result<Self::Sender, Failure> {
        let pages = pages(bytes);
        let ring = Sender::new(place.capacity * pages)?;
        give(place, [ring.memfd().as_file(), ring.empty_signal(), ring.full_signal()])?;
        Ok(End { ring, pages, spins: self.spins })
    }

    fn receiver(&self, place: &Place, bytes: usize) -> Result<Self::Receiver, Failure> {
        let pages = pages(bytes);
        let [memory, empty, full] = get(place)?;
        Ok(End { ring: Receiver::open(place.capacity * pages, memory, empty, full)?, pages, spins: self.spins })
    }
}

impl loans::Sender for End<Sender<Page>> {
    #[inline]
    fn send(&mut self, write: impl FnOnce(&mut [u64])) -> Result<(), Failure> {
        let Self { ref mut ring, pages, spins } = *self;
        let mut write = Some(write);
        while write.is_some() {
            let put = |to: *mut Page, room: usize| match write.take_if(|_| room >= pages) {
                Some(write) => {
                    // SAFETY: room of the ring for so many pages, which is the sender's until it is said to be written, of a file,
                    // which any words are.
                    write(unsafe { from_raw_parts_mut(to.cast(), pages * PAGE) });
                    pages
                }
                None => 0,
            };
            if spins {
                ring.sender_mut().send(put)?;
            } else {
                ring.send_raw(put)?;
            }
            match (&write, spins) {
                (None, _) => {}
                (Some(_), true) => spin_loop(),
                (Some(_), false) => _ = ring.block_until_writable()?,
            }
        }
        Ok(())
    }
}

impl loans::Receiver for End<Receiver<Page>> {
    #[inline]
    fn recv(&mut self, read: impl FnOnce(&[u64]) -> Result<(), Failure>) -> Result<(), Failure> {
        let Self { ref mut ring, pages, spins } = *self;
        let mut read = Some(read);
        let mut seen = Ok(());
        while read.is_some() {
            let take = |from: *const Page, there: usize| match read.take_if(|_| there >= pages) {
                Some(read) => {
                    // SAFETY: so many pages of the ring, which are the receiver's until it is said that they are read.
                    seen = read(unsafe { from_raw_parts(from.cast(), pages * PAGE) });
                    pages
                }
                None => 0,
            };
            if spins {
                ring.receiver_mut().recv(take)?;
            } else {
                ring.receive_raw(take)?;
            }
            match (&read, spins) {
                (None, _) => {}
                (Some(_), true) => spin_loop(),
                (Some(_), false) => _ = ring.block_until_readable()?,
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::loans::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(module_path!(), "every_message_arrives_whole", Ring { spins: false });
    }

    #[test]
    fn every_message_arrives_whole_polled() {
        trial::between(module_path!(), "every_message_arrives_whole_polled", Ring { spins: true });
    }
}
