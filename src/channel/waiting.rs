//! What an end of a ring waits for: room, or a message.

use super::end::End;
use super::reason::DisconnectReason;
use crate::ring::payload::Payload;
use crate::ring::spsc::{Consumer, Producer};
use crate::sync::{IS_USERS_MODEL, backoff};
use crate::wait::awaited::{Awaited, TimedOut, wait};
use crate::wait::deadline::Deadline;
use crate::wait::parker::Woken;

/// Pauses: about a microsecond of them, three on processors whose pauses are long.
const LINGER_POLLS: u32 = 64;

/// Why the waiting was for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vain {
    TimedOut,
    Gone(DisconnectReason),
}

/// At least one free place, `want` if there are so many; how many.
pub(crate) fn for_room<T: Payload>(
    producer: &mut Producer<T>,
    end: &mut End,
    want: usize,
    deadline: Deadline,
) -> Result<usize, Vain> {
    let (strategy, slice) = (end.strategy(), end.slice());
    let want = want.max(1);
    flatten(wait(&mut Room { producer, end, want }, strategy, slice, deadline))
}

/// A message to read.
pub(crate) fn for_message<T: Payload>(
    consumer: &mut Consumer<T>,
    end: &mut End,
    deadline: Deadline,
) -> Result<(), Vain> {
    let (strategy, slice) = (end.strategy(), end.slice());
    let mut message = Message { consumer, end };
    // In a model the sleep's look finds it.
    if let Some(outcome) = if IS_USERS_MODEL { None } else { message.poll() } {
        return outcome.map_err(Vain::Gone);
    }
    if strategy.may_linger() && !deadline.is_over() {
        message.linger();
    }
    flatten(wait(&mut message, strategy, slice, deadline))
}

/// `Some(Ok)`: a message is there. `Some(Err)`: none is left, and no sender. `None`: none now.
pub(crate) fn try_message<T: Payload>(
    consumer: &mut Consumer<T>,
    end: &mut End,
) -> Option<Result<(), DisconnectReason>> {
    let mut message = Message { consumer, end };
    message.poll().or_else(|| message.probe(false))
}

fn flatten<R>(waited: Result<Result<R, DisconnectReason>, TimedOut>) -> Result<R, Vain> {
    match waited {
        Ok(outcome) => outcome.map_err(Vain::Gone),
        Err(TimedOut) => Err(Vain::TimedOut),
    }
}

struct Room<'a, T> {
    producer: &'a mut Producer<T>,
    end: &'a mut End,
    want: usize,
}

impl<T: Payload> Room<'_, T> {
    fn look_at(producer: &mut Producer<T>, end: &mut End, want: usize) -> Option<Result<usize, DisconnectReason>> {
        if !end.is_undisturbed() {
            if let Some(reason) = end.digest() {
                return Some(Err(reason));
            }
        }
        match producer.room(want) {
            Ok(0) => None,
            Ok(room) => Some(Ok(room)),
            Err(corrupt) => Some(Err(end.poison(corrupt))),
        }
    }
}

impl<T: Payload> Awaited for Room<'_, T> {
    type Outcome = Result<usize, DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        // The credit's line moves rarely, so the consumer is not disturbed by our asking.
        match self.producer.has_credit() {
            Ok(false) if self.end.is_undisturbed() => None,
            _ => self.look(),
        }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        Self::look_at(self.producer, self.end, self.want)
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.end.probe(now).map(Err)
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let (producer, want) = (&mut *self.producer, self.want);
        self.end.sleep(deadline, |end| Self::look_at(producer, end, want))
    }

    fn disarm(&mut self) {
        self.end.disarm();
    }

    fn lost(&mut self) -> Self::Outcome {
        Err(self.end.lose())
    }
}

struct Message<'a, T> {
    consumer: &'a mut Consumer<T>,
    end: &'a mut End,
}

impl<T: Payload> Message<'_, T> {
    /// Nothing is there: in a flow of messages, stays away from the ring until the sender has got ahead, for so many polls
    /// at most.
    fn linger(&mut self) {
        let Some(lead) = self.consumer.lead() else { return };
        if !self.end.flow().has_run_dry(self.consumer.head()) {
            return;
        }
        let was_of_use = (0..LINGER_POLLS).any(|_| {
            let is_ahead = lead.is_written();
            if !is_ahead {
                backoff::pause();
            }
            is_ahead
        });
        self.end.flow().has_lingered(was_of_use);
    }

    fn there(consumer: &mut Consumer<T>, end: &mut End) -> Option<Result<(), DisconnectReason>> {
        match consumer.has_message() {
            Ok(true) => Some(Ok(())),
            Ok(false) => None,
            Err(corrupt) => Some(Err(end.poison(corrupt))),
        }
    }

    /// A message; or else why there will be none, if there is a reason. The reason is looked for first: what was sent
    /// before the sender went is there by the time that its going is seen (edge `status`, or the kernel's lock).
    fn look_at(consumer: &mut Consumer<T>, end: &mut End) -> Option<Result<(), DisconnectReason>> {
        let gone = if end.is_undisturbed() { None } else { end.digest() };
        if !end.is_usable() {
            return gone.map(Err);
        }
        Self::there(consumer, end).or(gone.map(Err))
    }
}

impl<T: Payload> Awaited for Message<'_, T> {
    type Outcome = Result<(), DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        if self.end.is_undisturbed() { Self::there(self.consumer, self.end) } else { self.look() }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        Self::look_at(self.consumer, self.end)
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.end.probe(now)?;
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let consumer = &mut *self.consumer;
        self.end.sleep(deadline, |end| Self::look_at(consumer, end))
    }

    fn disarm(&mut self) {
        self.end.disarm();
    }

    fn lost(&mut self) -> Self::Outcome {
        Err(self.end.lose())
    }
}
