//! A named pipe that all open: what is written at once, up to 4096 bytes, stays together, and all that is read and written
//! here are whole messages.

use crate::contestant::{Card, Failure, Waiting};
use crate::contestants::pipe::fifo;
use crate::contestants::rendezvous::retry;
use crate::entry::{Entry, Kind};
use crate::many::{self, Between, Receiver, Seat, Sender, TryReceiver, TrySender};
use bytemuck::{bytes_of, bytes_of_mut, cast_slice, cast_slice_mut};
use nix::libc::O_NONBLOCK;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

pub fn entries() -> Vec<Entry> {
    let tried = Card {
        name: "pipe",
        version: "",
        mode: "does not block: holds 64 KiB",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: true,
    };
    let default = Card { mode: "default: holds 64 KiB", waiting: Waiting::Sleeps, ..tried.clone() };
    vec![
        many::polled_between(tried, Pipe { flags: O_NONBLOCK }).kind(Kind::Kernel),
        many::blocking_between(default, Pipe { flags: 0 }).kind(Kind::Kernel),
    ]
}

/// The pipe, opened with these flags.
struct Pipe {
    flags: i32,
}

/// An end.
struct End(File);

impl Between for Pipe {
    type Sender = End;
    type Receiver = End;

    fn sender(&self, seat: &Seat<'_>) -> Result<End, Failure> {
        let path = fifo(seat.place)?;
        // Without a reader there is none to write to, if one does not wait for it.
        Ok(End(retry(|| OpenOptions::new().write(true).custom_flags(self.flags).open(&path))?))
    }

    fn receiver(&self, seat: &Seat<'_>) -> Result<End, Failure> {
        Ok(End(OpenOptions::new().read(true).custom_flags(self.flags).open(fifo(seat.place)?)?))
    }
}

/// How many whole messages so many bytes are.
fn whole(bytes: usize) -> Result<usize, Failure> {
    match (bytes / size_of::<u64>(), bytes % size_of::<u64>()) {
        (0, 0) => Err("the other ends are gone".into()),
        (messages, 0) => Ok(messages),
        _ => Err(format!("{bytes} bytes are no whole messages").into()),
    }
}

/// The same, of a call that does not block: if it would have, none.
fn whole_or_none(bytes: std::io::Result<usize>) -> Result<usize, Failure> {
    match bytes {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        bytes => whole(bytes?),
    }
}

impl TrySender for End {
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        Ok(whole_or_none(self.0.write(bytes_of(&message)))? == 1)
    }

    fn try_send_many(&mut self, messages: &[u64]) -> Result<usize, Failure> {
        whole_or_none(self.0.write(cast_slice(messages)))
    }
}

impl TryReceiver for End {
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        let mut message = 0;
        Ok((whole_or_none(self.0.read(bytes_of_mut(&mut message)))? == 1).then_some(message))
    }

    fn try_recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        whole_or_none(self.0.read(cast_slice_mut(into)))
    }
}

impl Sender for End {
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        self.send_many(&[message])
    }

    fn send_many(&mut self, messages: &[u64]) -> Result<(), Failure> {
        match whole(self.0.write(cast_slice(messages))?)? {
            sent if sent == messages.len() => Ok(()),
            sent => Err(format!("{sent} of {} messages were written at once", messages.len()).into()),
        }
    }
}

impl Receiver for End {
    fn recv(&mut self) -> Result<u64, Failure> {
        let mut message = 0;
        whole(self.0.read(bytes_of_mut(&mut message))?)?;
        Ok(message)
    }

    fn recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        whole(self.0.read(cast_slice_mut(into))?)
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
