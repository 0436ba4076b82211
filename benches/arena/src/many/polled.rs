//! The one loop around everybody who only tries.

use super::{Between, Pause, Receiver, Seat, Sender, TryReceiver, TrySender, Within};
use crate::contestant::{Failure, Place};

/// An end, or a contestant with its ends, that is tried until it succeeds.
#[derive(Debug)]
pub struct Polled<E>(pub E);

impl<E: TrySender> Sender for Polled<E> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> Result<(), Failure> {
        let mut pause = Pause::default();
        while !self.0.try_send(message)? {
            pause.again();
        }
        Ok(())
    }

    #[inline(always)]
    fn send_many(&mut self, mut messages: &[u64]) -> Result<(), Failure> {
        let mut pause = Pause::default();
        loop {
            let sent = self.0.try_send_many(messages)?;
            messages = &messages[sent..];
            if messages.is_empty() {
                return Ok(());
            }
            pause.again();
        }
    }
}

impl<E: TryReceiver> Receiver for Polled<E> {
    #[inline(always)]
    fn recv(&mut self) -> Result<u64, Failure> {
        let mut pause = Pause::default();
        loop {
            if let Some(message) = self.0.try_recv()? {
                return Ok(message);
            }
            pause.again();
        }
    }

    #[inline(always)]
    fn recv_many(&mut self, into: &mut [u64]) -> Result<usize, Failure> {
        let mut pause = Pause::default();
        loop {
            match self.0.try_recv_many(into)? {
                0 => pause.again(),
                received => return Ok(received),
            }
        }
    }
}

impl<C: Between> Between for Polled<C> {
    type Sender = Polled<C::Sender>;
    type Receiver = Polled<C::Receiver>;

    fn sender(&self, seat: &Seat<'_>) -> Result<Self::Sender, Failure> {
        self.0.sender(seat).map(Polled)
    }

    fn receiver(&self, seat: &Seat<'_>) -> Result<Self::Receiver, Failure> {
        self.0.receiver(seat).map(Polled)
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

impl<C: Within> Within for Polled<C> {
    type Sender = Polled<C::Sender>;
    type Receiver = Polled<C::Receiver>;

    fn ends(&self, place: &Place, sides: usize) -> Result<(Vec<Self::Sender>, Vec<Self::Receiver>), Failure> {
        let (senders, receivers) = self.0.ends(place, sides)?;
        Ok((senders.into_iter().map(Polled).collect(), receivers.into_iter().map(Polled).collect()))
    }
}
