//! The crate itself, `ringway::mpmc`, between processes: `try_send` and `try_recv`, `try_send_many` and `try_recv_many` for
//! batches; or the same without `try`, which wait by default.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::rendezvous::PATIENCE;
use crate::entry::{Entry, Kind};
use crate::many::{self, Between, Seat, TryReceiver, TrySender};
use ringway::mpmc::{Receiver, Sender};
use ringway::{Options, TryRecvError, TrySendError};

pub fn entries() -> Vec<Entry> {
    let tried = Card {
        name: "ringway",
        version: env!("VERSION_RINGWAY"),
        mode: "mpmc, try_send and try_recv",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: true,
    };
    let default = Card { mode: "mpmc, default: send and recv", waiting: Waiting::Default, ..tried.clone() };
    vec![
        many::polled_between(tried, Ringway).kind(Kind::Ringway),
        many::blocking_between(default, Ringway).kind(Kind::Ringway),
    ]
}

/// The channel.
struct Ringway;

fn options(place: &Place) -> Options {
    Options::new().dir(&place.dir).capacity(place.capacity).open_timeout(PATIENCE)
}

impl Between for Ringway {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn sender(&self, seat: &Seat<'_>) -> Result<Self::Sender, Failure> {
        Ok(Sender::open_with(&seat.place.name, &options(seat.place))?)
    }

    fn receiver(&self, seat: &Seat<'_>) -> Result<Self::Receiver, Failure> {
        let (name, options) = (&seat.place.name, options(seat.place));
        Ok(if seat.index == 0 { Receiver::create_with(name, &options)? } else { Receiver::open_with(name, &options)? })
    }
}

#[cold]
fn gone() -> Failure {
    "the other ends are gone".into()
}

impl TrySender for Sender<u64> {
    #[inline(always)]
    fn try_send(&mut self, message: u64) -> Result<bool, Failure> {
        match Sender::try_send(self, message) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(TrySendError::Disconnected(_)) => Err(gone()),
        }
    }

    #[inline(always)]
    fn try_send_many(&mut self, messages: &[u64]) -> Result<usize, Failure> {
        Sender::try_send_many(self, messages).map_err(|_| gone())
    }
}

impl TryReceiver for Receiver<u64> {
    #[inline(always)]
    fn try_recv(&mut self) -> Result<Option<u64>, Failure> {
        match Receiver::try_recv(self) {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(gone()),
        }
    }

    #[inline(always)]
    fn try_recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        Receiver::try_recv_many(self, into).map_err(|_| gone())
    }
}

impl many::Sender for Sender<u64> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        Sender::send(self, message).map_err(|_| gone())
    }

    #[inline(always)]
    fn send_many(&mut self, messages: &[u64]) -> Result<(), Failure> {
        Sender::send_many(self, messages).map_err(|_| gone())
    }
}

impl many::Receiver for Receiver<u64> {
    #[inline(always)]
    fn recv(&mut self) -> Result<u64, Failure> {
        Receiver::recv(self).map_err(|_| gone())
    }

    #[inline(always)]
    fn recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        Receiver::recv_many(self, into).map_err(|_| gone())
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
