//! shmem-ipc, a ring of bytes in a sealed memory file, with eventfds for who waits.
//!
//! Its ring knows no messages: a length goes in front where it is not known, as through a pipe. Blocking is its own way
//! (`send_raw`, `block_until_readable`); polled, it is the ring below, which signals nobody. The closures copy, as its
//! documentation has it, since the other process could write at the same time. The capacity is exact up to a page.
//!
//! The three descriptors go from the sender, who makes them, to the receiver through a Unix socket.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::rendezvous::retry;
use crate::entry::{Does, Entry};
use crate::lengths::{self, Between, Lengths, between};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use shmem_ipc::sharedring::{Receiver, Sender};
use std::fs::File;
use std::hint::spin_loop;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

pub fn entries() -> Vec<Entry> {
    let default = Card {
        name: "shmem-ipc",
        version: "0.3.0",
        mode: "default: eventfds",
        waiting: Waiting::Sleeps,
        largest: usize::MAX,
        has_batches: false,
    };
    let spinning = Card {
        name: "shmem-ipc, spinning",
        mode: "the ring alone, polled",
        waiting: Waiting::Spins,
        ..default.clone()
    };
    let small = Card { name: "shmem-ipc, 256 KiB, spinning", mode: "the ring alone, polled", ..spinning.clone() };
    let ring = |spins, small| Ring { spins, small };
    vec![
        between(default, ring(false, false)),
        between(spinning, ring(true, false)),
        between(small, ring(true, true)).only(Does::Bulk),
    ]
}

struct Ring {
    spins: bool,
    /// With a quarter of a place's capacity, which stays in a cache.
    small: bool,
}

impl Ring {
    fn capacity(&self, place: &Place) -> usize {
        if self.small { place.capacity / 4 } else { place.capacity }
    }
}

struct Sending {
    ring: Sender<u8>,
    spins: bool,
    lengths: Lengths,
}

struct Receiving {
    ring: Receiver<u8>,
    spins: bool,
    lengths: Lengths,
}

/// Gives the receiver the memory and the two events of a ring.
pub(in crate::contestants) fn give(place: &Place, ring: [&File; 3]) -> Result<(), Failure> {
    let socket = retry(|| UnixStream::connect(place.dir.join("socket")))?;
    let descriptors = ring.map(AsRawFd::as_raw_fd);
    let rights = [ControlMessage::ScmRights(&descriptors)];
    sendmsg::<UnixAddr>(socket.as_raw_fd(), &[IoSlice::new(&[0])], &rights, MsgFlags::empty(), None)?;
    Ok(())
}

/// Gets from the sender what it [gives](give).
pub(in crate::contestants) fn get(place: &Place) -> Result<[File; 3], Failure> {
    let (socket, _) = UnixListener::bind(place.dir.join("socket"))?.accept()?;
    let mut room = nix::cmsg_space!([RawFd; 3]);
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    let message = recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut parts, Some(&mut room), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let Some(ControlMessageOwned::ScmRights(descriptors)) = message.cmsgs()?.next() else {
        return Err("no descriptors came".into());
    };
    Ok(<[RawFd; 3]>::try_from(descriptors)
        .map_err(|_| "not three descriptors")?
        // SAFETY: the kernel has made them for us, and nobody else knows them.
        .map(|descriptor| unsafe { File::from_raw_fd(descriptor) }))
}

impl Between for Ring {
    type Sender = Sending;
    type Receiver = Receiving;

    fn sender(&self, place: &Place, lengths: Lengths) -> Result<Sending, Failure> {
        let ring = Sender::new(self.capacity(place))?;
        give(place, [ring.memfd().as_file(), ring.empty_signal(), ring.full_signal()])?;
        Ok(Sending { ring, spins: self.spins, lengths })
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Receiving, Failure> {
        let [memory, empty, full] = get(place)?;
        Ok(Receiving { ring: Receiver::open(self.capacity(place), memory, empty, full)?, spins: self.spins, lengths })
    }
}

impl Sending {
    /// Copies all of it in, in as few parts as there is room for.
    #[inline(always)]
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let mut written = 0;
            let copy = |to: *mut u8, room: usize| {
                written = room.min(bytes.len());
                // SAFETY: room of the ring, which is the sender's until it is said to be written.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, written) };
                written
            };
            if self.spins {
                self.ring.sender_mut().send(copy)?;
            } else {
                self.ring.send_raw(copy)?;
            }
            bytes = &bytes[written..];
            match (written, self.spins) {
                (0, true) => spin_loop(),
                (0, false) => _ = self.ring.block_until_writable()?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl lengths::Sender for Sending {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        if !self.lengths.are_known() {
            self.write(&(message.len() as u32).to_le_bytes())?;
        }
        self.write(message)
    }
}

impl Receiving {
    /// Copies so many bytes out, in as few parts as they come in.
    #[inline(always)]
    fn read(&mut self, into: &mut [u8]) -> Result<(), Failure> {
        let mut done = 0;
        while done < into.len() {
            let left = &mut into[done..];
            let mut got = 0;
            let copy = |from: *const u8, there: usize| {
                got = there.min(left.len());
                // SAFETY: bytes of the ring that are the receiver's until it is said that they are read.
                unsafe { std::ptr::copy_nonoverlapping(from, left.as_mut_ptr(), got) };
                got
            };
            if self.spins {
                self.ring.receiver_mut().recv(copy)?;
            } else {
                self.ring.receive_raw(copy)?;
            }
            done += got;
            match (got, self.spins) {
                (0, true) => spin_loop(),
                (0, false) => _ = self.ring.block_until_readable()?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl lengths::Receiver for Receiving {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        let len = if self.lengths.are_known() {
            into.len()
        } else {
            let mut length = [0; 4];
            self.read(&mut length)?;
            u32::from_le_bytes(length) as usize
        };
        let message = into.get_mut(..len).ok_or("a message longer than there can be")?;
        self.read(message)?;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(module_path!(), "every_message_arrives_whole", Ring { spins: false, small: false });
    }

    #[test]
    fn every_message_arrives_whole_polled() {
        trial::between(module_path!(), "every_message_arrives_whole_polled", Ring { spins: true, small: false });
    }
}
