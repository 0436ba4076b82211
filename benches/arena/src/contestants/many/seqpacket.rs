//! One pair of connected Unix seqpacket sockets that all share: a packet a message, in batches by `sendmmsg` and
//! `recvmmsg`. The first receiver makes the pair and hands a copy of the right end to everybody else, over a socket.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::rendezvous::retry;
use crate::entry::{Entry, Kind};
use crate::many::{self, Between, Receiver, Seat, Sender, TryReceiver, TrySender};
use bytemuck::{bytes_of, bytes_of_mut};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{self, AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::ptr::null_mut;

/// Packets in one call at most.
const BATCH: usize = 64;

pub fn entries() -> Vec<Entry> {
    let tried = Card {
        name: "Unix seqpacket socket",
        version: "",
        mode: "does not block: holds wmem_default bytes, overhead included",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: true,
    };
    let default = Card {
        mode: "default: holds wmem_default bytes, overhead included",
        waiting: Waiting::Sleeps,
        ..tried.clone()
    };
    vec![
        many::polled_between(tried, Seqpacket { flags: libc::MSG_DONTWAIT }).kind(Kind::Kernel),
        many::blocking_between(default, Seqpacket { flags: 0 }).kind(Kind::Kernel),
    ]
}

/// The sockets, used with these flags.
struct Seqpacket {
    flags: i32,
}

/// One end, which others have too.
struct End {
    socket: OwnedFd,
    flags: i32,
}

/// Where the receivers, or the senders, ask for theirs.
fn desk(place: &Place, whose: &str) -> PathBuf {
    place.dir.join(whose)
}

/// Gives the descriptor to so many who ask.
fn hand_out(desk: &UnixListener, descriptor: &OwnedFd, times: usize) -> Result<(), Failure> {
    for _ in 0..times {
        let (asking, _) = desk.accept()?;
        let rights = [descriptor.as_raw_fd()];
        let parts = [IoSlice::new(b"!")];
        let with = [ControlMessage::ScmRights(&rights)];
        socket::sendmsg::<()>(asking.as_raw_fd(), &parts, &with, MsgFlags::empty(), None)?;
    }
    Ok(())
}

/// Asks for a descriptor.
fn ask(place: &Place, whose: &str) -> Result<OwnedFd, Failure> {
    let asking = retry(|| UnixStream::connect(desk(place, whose)))?;
    let (mut byte, mut space) = ([0], nix::cmsg_space!(i32));
    let mut parts = [IoSliceMut::new(&mut byte)];
    let answer = socket::recvmsg::<()>(asking.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let given = answer.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    });
    // SAFETY: new in this process, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(given.ok_or("a socket was asked for, and none came")?) })
}

impl Between for Seqpacket {
    type Sender = End;
    type Receiver = End;

    fn sender(&self, seat: &Seat<'_>) -> Result<End, Failure> {
        Ok(End { socket: ask(seat.place, "senders")?, flags: self.flags })
    }

    fn receiver(&self, seat: &Seat<'_>) -> Result<End, Failure> {
        if seat.index > 0 {
            return Ok(End { socket: ask(seat.place, "receivers")?, flags: self.flags });
        }
        let (ours, theirs) =
            socket::socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let receivers = UnixListener::bind(desk(seat.place, "receivers"))?;
        let senders = UnixListener::bind(desk(seat.place, "senders"))?;
        hand_out(&receivers, &ours, seat.sides - 1)?;
        hand_out(&senders, &theirs, seat.sides)?;
        Ok(End { socket: ours, flags: self.flags })
    }
}

/// What a call for many packets needs.
struct Call {
    parts: [libc::iovec; BATCH],
    headers: [libc::mmsghdr; BATCH],
}

impl Call {
    fn new() -> Self {
        // SAFETY: parts and headers of zeros are ones without memory, address or anything else.
        unsafe { std::mem::zeroed() }
    }

    /// A packet for each of so many messages, which begin there.
    fn fill(&mut self, first: *mut u64, count: usize) {
        for n in 0..count {
            self.parts[n] = libc::iovec { iov_base: first.wrapping_add(n).cast(), iov_len: size_of::<u64>() };
            self.headers[n].msg_hdr.msg_iov = &raw mut self.parts[n];
            self.headers[n].msg_hdr.msg_iovlen = 1;
        }
    }

    /// So many packets, all of them whole messages; none if the call would have blocked.
    fn done(&self, result: i32) -> Result<usize, Failure> {
        let count = match Errno::result(result) {
            Ok(count) => count as usize,
            Err(Errno::EAGAIN) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        match self.headers[..count].iter().find(|header| header.msg_len as usize != size_of::<u64>()) {
            None => Ok(count),
            Some(other) => Err(format!("a packet of {} bytes", other.msg_len).into()),
        }
    }
}

impl TrySender for End {
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        let flags = MsgFlags::from_bits_retain(self.flags);
        match socket::send(self.socket.as_raw_fd(), bytes_of(&message), flags) {
            Ok(8) => Ok(true),
            Ok(bytes) => Err(format!("a packet of {bytes} bytes").into()),
            Err(Errno::EAGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn try_send_many(&mut self, messages: &[u64]) -> Result<usize, Failure> {
        let mut call = Call::new();
        let count = messages.len().min(BATCH);
        // The kernel only reads what is sent.
        call.fill(messages.as_ptr().cast_mut(), count);
        // SAFETY: as many headers as said, whose parts are in `call` and point to messages that are borrowed.
        let sent = unsafe {
            libc::sendmmsg(self.socket.as_raw_fd(), call.headers.as_mut_ptr(), count as libc::c_uint, self.flags as _)
        };
        call.done(sent)
    }
}

impl TryReceiver for End {
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        let mut message = 0;
        let flags = MsgFlags::from_bits_retain(self.flags);
        match socket::recv(self.socket.as_raw_fd(), bytes_of_mut(&mut message), flags) {
            Ok(8) => Ok(Some(message)),
            Ok(bytes) => Err(format!("a packet of {bytes} bytes").into()),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn try_recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        let mut call = Call::new();
        let count = into.len().min(BATCH);
        call.fill(into.as_mut_ptr(), count);
        let flags = self.flags | libc::MSG_WAITFORONE;
        // SAFETY: as above; the messages are borrowed for writing.
        let received = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                call.headers.as_mut_ptr(),
                count as libc::c_uint,
                flags as _,
                null_mut(),
            )
        };
        call.done(received)
    }
}

impl Sender for End {
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        if self.try_send(message)? { Ok(()) } else { Err("a socket that blocks did not".into()) }
    }

    fn send_many(&mut self, mut messages: &[u64]) -> Result<(), Failure> {
        while !messages.is_empty() {
            messages = &messages[self.try_send_many(messages)?..];
        }
        Ok(())
    }
}

impl Receiver for End {
    fn recv(&mut self) -> Result<u64, Failure> {
        Ok(self.try_recv()?.ok_or("a socket that blocks did not")?)
    }

    fn recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        self.try_recv_many(into)
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
