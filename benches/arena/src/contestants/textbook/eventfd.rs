//! *Ready* and *ok* by two eventfds, handed over a socket: a write adds what is given, a read takes all that has come.

use super::memory::Memory;
use super::way::{Turns, Way};
use crate::contestant::{Failure, Place};
use crate::contestants::rendezvous::retry;
use crate::contestants::seqpacket::unconnected;
use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{self, Backlog, ControlMessage, ControlMessageOwned, MsgFlags};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

#[derive(Clone)]
pub struct Eventfds;

pub struct Counters {
    comes: EventFd,
    goes: EventFd,
    /// Places that have come, and were not taken.
    left: usize,
}

impl Turns for Counters {
    #[inline]
    fn take(&mut self, most: usize) -> Result<usize, Failure> {
        while self.left == 0 {
            match self.comes.read() {
                Ok(come) => self.left = come as usize,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let taken = self.left.min(most);
        self.left -= taken;
        Ok(taken)
    }

    #[inline]
    fn give(&mut self, count: usize) -> Result<(), Failure> {
        self.goes.write(count as u64)?;
        Ok(())
    }
}

/// Gives both to whoever connects first.
fn hand_over(place: &Place, ready: &EventFd, ok: &EventFd) -> Result<(), Failure> {
    let (listener, address) = unconnected(place)?;
    socket::bind(listener.as_raw_fd(), &address)?;
    socket::listen(&listener, Backlog::new(1)?)?;
    // SAFETY: new, and nobody else's.
    let accepted = unsafe { OwnedFd::from_raw_fd(socket::accept(listener.as_raw_fd())?) };
    let rights = [ready.as_raw_fd(), ok.as_raw_fd()];
    let with = [ControlMessage::ScmRights(&rights)];
    socket::sendmsg::<()>(accepted.as_raw_fd(), &[IoSlice::new(&[0])], &with, MsgFlags::empty(), None)?;
    Ok(())
}

/// *Ready*, and *ok*, from whoever hands them over here.
fn handed_over(place: &Place) -> Result<[EventFd; 2], Failure> {
    let (socket, address) = unconnected(place)?;
    retry(|| socket::connect(socket.as_raw_fd(), &address))?;
    let mut space = nix::cmsg_space!([RawFd; 2]);
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    let message = socket::recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control
            && let Ok(fds) = <[RawFd; 2]>::try_from(fds)
        {
            // SAFETY: new in this process, nobody else's, and what the other end made.
            return Ok(fds.map(|fd| unsafe { EventFd::from_owned_fd(OwnedFd::from_raw_fd(fd)) }));
        }
    }
    Err("no descriptors were handed over".into())
}

impl Way for Eventfds {
    type Turns = Counters;

    fn create(&self, place: &Place, bytes: usize) -> Result<(Memory, Counters), Failure> {
        let memory = Memory::create(place, place.capacity, bytes)?;
        memory.publish(place)?;
        let comes = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
        let goes = EventFd::from_value_and_flags(memory.places() as u32, EfdFlags::EFD_CLOEXEC)?;
        hand_over(place, &comes, &goes)?;
        Ok((memory, Counters { comes, goes, left: 0 }))
    }

    fn open(&self, place: &Place) -> Result<(Memory, Counters), Failure> {
        let [goes, comes] = handed_over(place)?;
        Ok((Memory::open(place)?, Counters { comes, goes, left: 0 }))
    }
}
