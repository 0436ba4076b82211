//! A Unix seqpacket socket, as it comes: a packet a message, in batches by `sendmmsg` and `recvmmsg`.

use super::rendezvous::retry;
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::{Entry, Kind};
use bytemuck::{bytes_of, bytes_of_mut};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "Unix seqpacket socket",
        version: "",
        mode: "default: holds wmem_default bytes, overhead included",
        waiting: Waiting::Sleeps,
        largest: usize::MAX,
        has_batches: true,
    };
    vec![Entry::between(card, Seqpacket).kind(Kind::Kernel)]
}

#[derive(Clone)]
struct Seqpacket;

pub(super) fn unconnected(place: &Place) -> Result<(OwnedFd, UnixAddr), Failure> {
    let socket = socket::socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    Ok((socket, UnixAddr::new(&place.dir.join("socket"))?))
}

/// Whatever was sent or received must be one message, whole.
fn whole<M: Message>(bytes: usize) -> Result<(), Failure> {
    if bytes == M::BYTES { Ok(()) } else { Err(format!("a packet of {bytes} bytes, not {}", M::BYTES).into()) }
}

/// A connected socket, and what a call for many packets needs.
struct End<M> {
    socket: OwnedFd,
    messages: Vec<M>,
    parts: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl<M: Message> End<M> {
    fn new(socket: OwnedFd) -> Self {
        Self { socket, messages: Vec::new(), parts: Vec::new(), headers: Vec::new() }
    }

    /// Headers for so many packets, one for each of the messages.
    fn prepare(&mut self, count: usize) {
        if self.headers.len() >= count {
            return;
        }
        self.messages.resize(count, M::zeroed());
        let part = |message: &mut M| libc::iovec { iov_base: (message as *mut M).cast(), iov_len: M::BYTES };
        self.parts = self.messages.iter_mut().map(part).collect();
        let header = |part: &mut libc::iovec| {
            // SAFETY: a header of zeros is one without an address, parts or anything else.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
            header
        };
        self.headers = self.parts.iter_mut().map(header).collect();
    }
}

impl<M: Message> Sender<M> for End<M> {
    fn send(&mut self, message: M) -> Result<(), Failure> {
        whole::<M>(socket::send(self.socket.as_raw_fd(), bytes_of(&message), MsgFlags::empty())?)
    }

    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        self.prepare(count);
        for (message, number) in self.messages[..count].iter_mut().zip(first..) {
            *message = M::of(number);
        }
        let mut sent = 0;
        while sent < count {
            let headers = &mut self.headers[sent..count];
            // SAFETY: as many headers as said, whose parts point to messages and parts that `self` keeps.
            let n = unsafe {
                libc::sendmmsg(self.socket.as_raw_fd(), headers.as_mut_ptr(), headers.len() as libc::c_uint, 0)
            };
            let n = Errno::result(n)? as usize;
            headers[..n].iter().try_for_each(|header| whole::<M>(header.msg_len as usize))?;
            sent += n;
        }
        Ok(())
    }
}

impl<M: Message> Receiver<M> for End<M> {
    fn recv(&mut self) -> Result<M, Failure> {
        let mut message = M::zeroed();
        whole::<M>(socket::recv(self.socket.as_raw_fd(), bytes_of_mut(&mut message), MsgFlags::empty())?)?;
        Ok(message)
    }

    fn recv_batch(&mut self, max: usize, take: impl FnMut(&M)) -> Result<usize, Failure> {
        self.prepare(max);
        // SAFETY: as many headers as said, whose parts point to messages and parts that `self` keeps.
        let n = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                max as libc::c_uint,
                libc::MSG_WAITFORONE as _,
                null_mut(),
            )
        };
        let n = Errno::result(n)? as usize;
        self.headers[..n].iter().try_for_each(|header| whole::<M>(header.msg_len as usize))?;
        self.messages[..n].iter().for_each(take);
        Ok(n)
    }
}

impl Between for Seqpacket {
    type Sender<M: Message> = End<M>;
    type Receiver<M: Message> = End<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        let (socket, address) = unconnected(place)?;
        retry(|| socket::connect(socket.as_raw_fd(), &address))?;
        Ok(End::new(socket))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        let (listener, address) = unconnected(place)?;
        socket::bind(listener.as_raw_fd(), &address)?;
        socket::listen(&listener, Backlog::new(1)?)?;
        let accepted = socket::accept(listener.as_raw_fd())?;
        // SAFETY: new, and nobody else's.
        Ok(End::new(unsafe { OwnedFd::from_raw_fd(accepted) }))
    }
}
