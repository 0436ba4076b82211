//! What must be found when nobody who is alive has anything left to do: somebody comes, recovers alone, and receives.

use super::Wrong;
use super::calls::{Call, Outcome, owner};
use super::memory::Machine;
use super::state::TAIL;
use crate::layout::shared::CLOSED;
use crate::ring::mpmc::{Owner, Popped, Pushed, Recovered, Resolved};

/// Messages from this one on are no part of the scene.
pub(super) const PROBE: u64 = 1 << 32;

impl Machine {
    /// Recovers in the documented way, and the other way round, and looks at what is left.
    pub(super) fn aftermath(&mut self, state: &[u64]) -> Result<(), Wrong> {
        self.recover(&mut state.to_vec(), true)?;
        self.recover(&mut state.to_vec(), false).map_err(|what| format!("hands first: {what}"))
    }

    fn recover(&mut self, state: &mut [u64], records_first: bool) -> Result<(), Wrong> {
        let (me, to) = (self.judge.shape.actors - 1, self.judge.shape.records);
        let dead: Vec<_> = (0..me).filter(|&member| self.judge.shape.is_dead(state, member)).collect();
        let Outcome::Leased(Some(record)) = self.alone(state, Call::LeaseRecord { me, from: 0, to })? else {
            return Err("no record for a newcomer".to_owned());
        };
        if records_first {
            for &member in &dead {
                self.alone(state, Call::Orphan { member })?;
            }
            self.sweep_all(state, record)?;
            self.adopt_all(state)?;
            self.drain(state, record)?;
        } else {
            self.adopt_all(state)?;
            self.drain(state, record)?;
            self.sweep_all(state, record)?;
        }
        self.is_everything_delivered(state)?;
        self.is_nothing_left(state, &dead)?;
        self.has_exactly_its_room(state, record)
    }

    fn sweep_all(&mut self, state: &mut [u64], record: usize) -> Result<(), Wrong> {
        (0..self.judge.shape.records).try_for_each(|swept| self.sweep_all_of(state, swept, record))
    }

    fn adopt_all(&mut self, state: &mut [u64]) -> Result<(), Wrong> {
        let me = self.judge.shape.actors - 1;
        for hand in 0..self.judge.shape.hands {
            if let Outcome::Adopted(Some(_)) = self.alone(state, Call::Adopt { hand, me })? {
                self.alone(state, Call::Commit { hand })?;
            }
        }
        Ok(())
    }

    fn sweep_all_of(&mut self, state: &mut [u64], swept: usize, record: usize) -> Result<(), Wrong> {
        let me = self.judge.shape.actors - 1;
        loop {
            let hand = match self.scene.hands {
                0 => None,
                _ => match self.alone(state, Call::LeaseHand { me })? {
                    Outcome::Leased(hand) => hand,
                    other => unreachable!("{other:?}"),
                },
            };
            let outcome = self.alone(state, Call::Sweep { swept, mine: Some((record, hand)) })?;
            let delivered = matches!(outcome, Outcome::Recovered(Recovered::Delivered(_)));
            match hand {
                Some(hand) if delivered => self.alone(state, Call::Commit { hand })?,
                Some(hand) => self.alone(state, Call::ReturnHand { hand })?,
                None => Outcome::Done,
            };
            match outcome {
                Outcome::Recovered(Recovered::Delivered(_)) => {}
                Outcome::Recovered(Recovered::Nothing) => return Ok(()),
                _ => return Err(format!("what a dead member left cannot be recovered: record {swept} is busy")),
            }
        }
    }

    fn drain(&mut self, state: &mut [u64], record: usize) -> Result<(), Wrong> {
        for _ in 0..=state[TAIL] & !CLOSED {
            match self.alone(state, Call::Pop { record })? {
                Outcome::Popped(Popped::Empty) => return Ok(()),
                Outcome::Popped(Popped::Held(position))
                    if self.alone(state, Call::Entomb { position })? == Outcome::Resolved(Resolved::Busy) =>
                {
                    return Err(format!("what a dead producer claimed cannot be recovered: {position} is busy"));
                }
                _ => {}
            }
        }
        Err("a ring that does not become empty".to_owned())
    }

    fn is_everything_delivered(&self, state: &[u64]) -> Result<(), Wrong> {
        for message in 1..=self.judge.senders.len() as u64 {
            let fate = self.judge.shape.fate(state, message);
            let is_gone = fate.limbo != 0 && self.judge.shape.is_dead(state, fate.limbo as usize - 1);
            if fate.published != 0 && !fate.is_done && !is_gone {
                return Err(format!("message {message} is lost: {fate:?}"));
            }
        }
        Ok(())
    }

    fn is_nothing_left(&self, state: &[u64], dead: &[usize]) -> Result<(), Wrong> {
        let shape = &self.judge.shape;
        let is_deads =
            |word: u64| dead.iter().any(|&dead| [owner(dead), owner(dead).orphaned()].contains(&Owner(word)));
        let records = (0..shape.records).map(|record| shape.record_at(record));
        let hands = (0..shape.hands).map(|hand| shape.hand_at(hand));
        // Nobody who is alive ends with a hand.
        if let Some(at) = hands.clone().find(|&at| state[at] != Owner::FREE.0) {
            return Err(format!("{:?} is not free", self.kinds[at]));
        }
        for at in records {
            if is_deads(state[at]) {
                return Err(format!("{:?} stays leased by the dead", self.kinds[at]));
            }
        }
        Ok(())
    }

    /// N messages can be sent, and no more; and they come out.
    fn has_exactly_its_room(&mut self, state: &mut [u64], record: usize) -> Result<(), Wrong> {
        let is_closed = state[TAIL] >= CLOSED;
        let capacity = if is_closed { 0 } else { self.scene.capacity };
        for n in 0..=capacity {
            let expected = match n {
                _ if is_closed => Pushed::Closed,
                n if n == capacity => Pushed::Full,
                _ => Pushed::Done(1),
            };
            let pushed = self.alone(state, Call::Push { record, message: PROBE + n })?;
            if pushed != Outcome::Pushed(expected) {
                return Err(format!("sending {n} of {capacity} afterwards: {pushed:?}"));
            }
        }
        for n in 0..capacity {
            match self.alone_unjudged(state, Call::Pop { record })? {
                Outcome::Popped(Popped::Done(delivery)) if delivery.message == PROBE + n => {}
                other => return Err(format!("receiving {n} of {capacity} afterwards: {other:?}")),
            }
        }
        Ok(())
    }
}
