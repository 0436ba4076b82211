//! What the ends wait for beside a next part: room for a whole one, and more of a message that stays in the ring.

use crate::channel::end::End;
use crate::channel::reason::DisconnectReason;
use crate::channel::waiting::Vain;
use crate::ring::parts::{Consumer, Producer};
use crate::wait::awaited::{Awaited, TimedOut, wait};
use crate::wait::deadline::Deadline;
use crate::wait::parker::Woken;

/// Room for so many bytes; or the receiver has given the message up in the middle of which the sender is.
pub(super) fn for_room(producer: &mut Producer, end: &mut End, needs: usize, deadline: Deadline) -> Result<(), Vain> {
    let (strategy, slice) = (end.strategy(), end.slice());
    flatten(wait(&mut Room { producer, end, needs }, strategy, slice, deadline))
}

/// More bytes than so many in the ring.
pub(super) fn for_more(consumer: &mut Consumer, end: &mut End, than: usize, deadline: Deadline) -> Result<(), Vain> {
    let (strategy, slice) = (end.strategy(), end.slice());
    flatten(wait(&mut More { consumer, end, than }, strategy, slice, deadline))
}

fn flatten(waited: Result<Result<(), DisconnectReason>, TimedOut>) -> Result<(), Vain> {
    match waited {
        Ok(outcome) => outcome.map_err(Vain::Gone),
        Err(TimedOut) => Err(Vain::TimedOut),
    }
}

struct Room<'a> {
    producer: &'a mut Producer,
    end: &'a mut End,
    needs: usize,
}

impl Room<'_> {
    fn look_at(producer: &mut Producer, end: &mut End, needs: usize) -> Option<Result<(), DisconnectReason>> {
        if !end.is_undisturbed() {
            if let Some(reason) = end.digest() {
                return Some(Err(reason));
            }
        }
        if producer.is_refused() {
            return Some(Ok(()));
        }
        match producer.has_room(needs) {
            Ok(has_room) => has_room.then_some(Ok(())),
            Err(corrupt) => Some(Err(end.poison(corrupt))),
        }
    }
}

impl Awaited for Room<'_> {
    type Outcome = Result<(), DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        // As in `channel::waiting`: the credit's line moves rarely.
        match self.producer.has_credit(self.needs) {
            Ok(false) if self.end.is_undisturbed() => None,
            _ => self.look(),
        }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        Self::look_at(self.producer, self.end, self.needs)
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.end.probe(now).map(Err)
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let (producer, needs) = (&mut *self.producer, self.needs);
        self.end.sleep(deadline, |end| Self::look_at(producer, end, needs))
    }

    fn disarm(&mut self) {
        self.end.disarm();
    }

    fn lost(&mut self) -> Self::Outcome {
        Err(self.end.lose())
    }
}

struct More<'a> {
    consumer: &'a mut Consumer,
    end: &'a mut End,
    than: usize,
}

impl More<'_> {
    /// The sender's going is looked for first: what it sent before is there by then.
    fn look_at(consumer: &mut Consumer, end: &mut End, than: usize) -> Option<Result<(), DisconnectReason>> {
        let gone = if end.is_undisturbed() { None } else { end.digest() };
        if !end.is_usable() {
            return gone.map(Err);
        }
        match consumer.has_more(than) {
            Ok(true) => Some(Ok(())),
            Ok(false) => gone.map(Err),
            Err(corrupt) => Some(Err(end.poison(corrupt))),
        }
    }
}

impl Awaited for More<'_> {
    type Outcome = Result<(), DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        self.look()
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        Self::look_at(self.consumer, self.end, self.than)
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.end.probe(now)?;
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let (consumer, than) = (&mut *self.consumer, self.than);
        self.end.sleep(deadline, |end| Self::look_at(consumer, end, than))
    }

    fn disarm(&mut self) {
        self.end.disarm();
    }

    fn lost(&mut self) -> Self::Outcome {
        Err(self.end.lose())
    }
}
