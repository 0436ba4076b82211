//! A Unix seqpacket socket, as it comes: a packet a message, as long as the kernel takes one.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::rendezvous::retry;
use crate::contestants::seqpacket::unconnected;
use crate::entry::{Entry, Kind};
use crate::lengths::{Between, Lengths, Receiver, Sender, between};
use nix::sys::socket::{self, Backlog, MsgFlags};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A packet must fit into the sender's buffer, with the kernel's own around it.
const LARGEST: usize = 128 << 10;

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "Unix seqpacket socket",
        version: "",
        mode: "default: holds wmem_default bytes, overhead included",
        waiting: Waiting::Sleeps,
        largest: LARGEST,
        has_batches: false,
    };
    vec![between(card, Seqpacket).kind(Kind::Kernel)]
}

struct Seqpacket;

struct End(OwnedFd);

impl Sender for End {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        let sent = socket::send(self.0.as_raw_fd(), message, MsgFlags::empty())?;
        if sent == message.len() { Ok(()) } else { Err(format!("{sent} bytes of a packet were sent").into()) }
    }
}

impl Receiver for End {
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        Ok(socket::recv(self.0.as_raw_fd(), into, MsgFlags::empty())?)
    }
}

impl Between for Seqpacket {
    type Sender = End;
    type Receiver = End;

    fn sender(&self, place: &Place, _: Lengths) -> Result<End, Failure> {
        let (socket, address) = unconnected(place)?;
        retry(|| socket::connect(socket.as_raw_fd(), &address))?;
        Ok(End(socket))
    }

    fn receiver(&self, place: &Place, _: Lengths) -> Result<End, Failure> {
        let (listener, address) = unconnected(place)?;
        socket::bind(listener.as_raw_fd(), &address)?;
        socket::listen(&listener, Backlog::new(1)?)?;
        let accepted = socket::accept(listener.as_raw_fd())?;
        // SAFETY: new, and nobody else's.
        Ok(End(unsafe { OwnedFd::from_raw_fd(accepted) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::up_to(LARGEST, module_path!(), "every_message_arrives_whole", Seqpacket);
    }
}
