//! A POSIX message queue that all open: of the capacity that is asked for if the kernel lets us, else of as many as it lets
//! anybody. It has no batches.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::mqueue::{create, mode, name};
use crate::contestants::rendezvous::retry;
use crate::entry::{Entry, Kind};
use crate::many::{self, Between, Receiver, Seat, Sender, TryReceiver, TrySender};
use bytemuck::{bytes_of, bytes_of_mut};
use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, MqdT, mq_open, mq_receive, mq_send, mq_unlink};

pub fn entries() -> Vec<Entry> {
    let tried = Card {
        name: "POSIX message queue",
        version: "",
        mode: "does not block: holds msg_max messages (10), or what is asked for if privileged",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: false,
    };
    let default = Card {
        mode: "default: holds msg_max messages (10), or what is asked for if privileged",
        waiting: Waiting::Sleeps,
        ..tried.clone()
    };
    vec![
        many::polled_between(tried, Queue { flags: MQ_OFlag::O_NONBLOCK }).kind(Kind::Kernel),
        many::blocking_between(default, Queue { flags: MQ_OFlag::empty() }).kind(Kind::Kernel),
    ]
}

/// The queue, opened with these flags. Its name goes when the turn is over: nobody knows before that all have come.
struct Queue {
    flags: MQ_OFlag,
}

/// An end, closed when its process ends.
struct End(MqdT);

impl Queue {
    fn existing(&self, place: &Place, flags: MQ_OFlag) -> Result<End, Failure> {
        Ok(End(retry(|| mq_open(name(place).as_str(), flags | self.flags, mode(), None))?))
    }
}

impl Between for Queue {
    type Sender = End;
    type Receiver = End;

    fn sender(&self, seat: &Seat<'_>) -> Result<End, Failure> {
        self.existing(seat.place, MQ_OFlag::O_WRONLY)
    }

    fn receiver(&self, seat: &Seat<'_>) -> Result<End, Failure> {
        if seat.index > 0 {
            return self.existing(seat.place, MQ_OFlag::O_RDONLY);
        }
        create::<[u64; 1]>(seat.place, self.flags).map(End)
    }

    fn clean(&self, place: &Place) {
        let _ = mq_unlink(name(place).as_str());
    }
}

impl TrySender for End {
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        match mq_send(&self.0, bytes_of(&message), 0) {
            Ok(()) => Ok(true),
            Err(Errno::EAGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl TryReceiver for End {
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        let (mut message, mut priority) = (0, 0);
        match mq_receive(&self.0, bytes_of_mut(&mut message), &mut priority) {
            Ok(8) => Ok(Some(message)),
            Ok(bytes) => Err(format!("a message of {bytes} bytes").into()),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Sender for End {
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        if self.try_send(message)? { Ok(()) } else { Err("a queue that blocks did not".into()) }
    }
}

impl Receiver for End {
    fn recv(&mut self) -> Result<u64, Failure> {
        Ok(self.try_recv()?.ok_or("a queue that blocks did not")?)
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
