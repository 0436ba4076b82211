//! The memory, and what may be done to it.

use super::play::{DONE, IN_THE_RING, MESSAGES, NOT_SENT, Place, RECEIVED, SENT, TORN, UNSENT};
use super::{State, Wrong};
use crate::ring::lane::{Own, Phase};
use crate::ring::mpmc::Owner;
use crate::sync::replay::Operation;

const HELD: u64 = 16;
/// Nobody.
const NOBODY: u8 = u8::MAX;

/// What it remembers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Judge {
    /// Who has taken the lane for the present message.
    writer: u8,
    /// Who has made it FLOWING.
    reader: u8,
    /// What the writer was told of each message: `SENT`, `NOT_SENT`, or nothing yet.
    sent: [u64; MESSAGES],
    received: [u8; MESSAGES],
    /// Who has made the swap with which it was received.
    done_by: [u8; MESSAGES],
}

impl Default for Judge {
    fn default() -> Self {
        let nobody = [NOBODY; MESSAGES];
        Self { writer: NOBODY, reader: NOBODY, sent: [0; MESSAGES], received: [0; MESSAGES], done_by: nobody }
    }
}

fn must(is: bool, what: impl Fn() -> String) -> Result<(), Wrong> {
    if is { Ok(()) } else { Err(what()) }
}

/// Makes a step; its answer.
pub(super) fn perform(
    state: &mut State,
    me: usize,
    dead: &[bool],
    place: Place,
    operation: Operation,
) -> Result<u64, Wrong> {
    if let Operation::IsAlive(owner) = operation {
        return Ok(u64::from(is_alive(state, dead, Owner(owner))));
    }
    let found = state.memory[place as usize];
    match operation {
        Operation::Load => {}
        Operation::Read => may_read(state, me)?,
        Operation::Store(note) if place == Place::Note => state.judge.told(note)?,
        Operation::Store(value) | Operation::Write(value) => {
            may_store(state, me, place, value)?;
            state.memory[place as usize] = value;
        }
        Operation::Exchange { expected, value } => {
            if found == expected {
                if place == Place::Own {
                    pass(state, me, dead, Own(found), Own(value))?;
                }
                state.memory[place as usize] = value;
            }
        }
        other => unreachable!("{other:?} is no step of a lane"),
    }
    Ok(found)
}

/// The writers' member in its first life is the first actor, in its second the one who comes next; any other is the actor of that number.
fn is_alive(state: &State, dead: &[bool], owner: Owner) -> bool {
    let writer = if owner.generation() == 2 { state.next } else { 0 };
    !dead[if owner.member() == 0 { writer } else { owner.member() }]
}

impl State {
    fn own(&self) -> Own {
        Own(self.memory[Place::Own as usize])
    }

    fn tickets(&self) -> [u64; MESSAGES] {
        [Place::FirstTicket, Place::SecondTicket, Place::ThirdTicket].map(|place| self.memory[place as usize])
    }

    /// Which message the lane holds, if its ticket was sent.
    fn message(&self, own: Own) -> Option<usize> {
        self.tickets().iter().position(|&ticket| ticket != UNSENT && ticket != DONE && ticket >> 32 == own.generation())
    }

    /// Whether somebody has the ticket of what is in the lane in hand.
    fn holds(&self, me: usize, own: Own) -> bool {
        self.message(own).is_some_and(|message| self.tickets()[message] & 0xff == HELD + me as u64)
    }
}

fn may_read(state: &State, me: usize) -> Result<(), Wrong> {
    let own = state.own();
    let is_read = matches!(own.phase(), Some(Phase::Reading | Phase::Flowing | Phase::Cut));
    must(is_read && state.holds(me, own), || format!("{me} reads a lane that is {:?}, and another's", own.phase()))
}

fn may_store(state: &State, me: usize, place: Place, value: u64) -> Result<(), Wrong> {
    let judge = &state.judge;
    let (is_writer, is_reader) = (judge.writer == me as u8, judge.reader == me as u8);
    let may = match place {
        Place::Own | Place::Filled | Place::WriterWaits | Place::FirstByte | Place::SecondByte => is_writer,
        Place::Freed | Place::Reader | Place::ReaderWaits if value == 0 => is_writer,
        Place::Freed | Place::Reader | Place::ReaderWaits => is_reader,
        _ => true,
    };
    must(may, || format!("{me} stores {value:x} to {place:?}, and the lane is another's"))
}

/// The lane is passed on.
fn pass(state: &mut State, me: usize, dead: &[bool], from: Own, to: Own) -> Result<(), Wrong> {
    use Phase::{Cut, Done, Flowing, Free, Offered, Queued, Reading, Refused, Whole, Writing};
    let (Some(was), Some(is)) = (from.phase(), to.phase()) else { return Err(format!("{to:x?} is no word of a lane")) };
    let of = |who: u8| who == me as u8 || dead.get(usize::from(who)).is_some_and(|&is_dead| is_dead);
    let (holds, is_writers) = (state.holds(me, from), of(state.judge.writer));
    let is_reader_dead = dead.get(usize::from(state.judge.reader)).is_some_and(|&is_dead| is_dead);
    let may = match (was, is) {
        (Free, Writing) | (Whole, Queued) => true,
        (Writing | Offered | Done | Refused, Free) | (Flowing, Cut) => is_writers,
        (Whole, Free) => is_writers || holds,
        (Flowing, Free) => is_writers && is_reader_dead,
        (Queued | Reading | Cut, Free) | (Whole | Queued, Reading) | (Offered, Flowing) | (Flowing, Refused) => holds,
        (Flowing, Done) => holds && state.judge.reader == me as u8,
        _ => false,
    };
    must(may, || format!("{me} makes {was:?} {is:?}, and it is not its to do"))?;
    if let (Some(message), Reading | Flowing, Free | Done) = (state.message(from), was, is) {
        if (was, is) != (Flowing, Free) {
            state.judge.done_by[message] = me as u8;
        }
    }
    match is {
        Writing => state.judge.writer = me as u8,
        Flowing => state.judge.reader = me as u8,
        Free => (state.judge.writer, state.judge.reader) = (NOBODY, NOBODY),
        _ => {}
    }
    Ok(())
}

impl Judge {
    /// What a program says of a message.
    fn told(&mut self, note: u64) -> Result<(), Wrong> {
        let (what, message) = (note >> 8, (note >> 4 & 0xf) as usize);
        match what {
            SENT | NOT_SENT => self.sent[message] = what,
            RECEIVED => self.received[message] += 1,
            TORN => return Err(format!("message {message} is torn")),
            other => unreachable!("{other} says nothing"),
        }
        must(self.received[message] <= 1, || format!("message {message} is received twice"))?;
        let is_lie = self.sent[message] == NOT_SENT && self.received[message] > 0;
        must(!is_lie, || format!("message {message} is received, and its writer was told that it was not"))
    }

    /// One has come behind all the others, and received what was left.
    pub(super) fn at_the_end(&self, state: &State) -> Result<(), Wrong> {
        must(state.own().phase() == Some(Phase::Free), || format!("the lane is lost: {:?}", state.own().phase()))?;
        for (message, ticket) in state.tickets().into_iter().enumerate() {
            must(ticket == UNSENT || ticket == DONE, || format!("ticket {message} is lost: {ticket:x}"))?;
            // Who was killed between that swap and its call's end has taken it along.
            let is_taken_along =
                state.actors.get(usize::from(self.done_by[message])).is_some_and(|actor| actor.is_dead);
            let is_there = self.received[message] == 1 || is_taken_along;
            must(self.sent[message] != SENT || is_there, || format!("message {message} was sent, and is lost"))?;
        }
        Ok(())
    }
}

const _: () = assert!(IN_THE_RING < HELD);
