//! What may be done in one step, and what a call may answer.

use super::Wrong;
use super::calls::{Call, Outcome, owner};
use super::state::{Actor, Fate, HEAD, Kind, Shape, SlotWord, TAIL, What};
use crate::layout::shared::CLOSED;
use crate::ring::mpmc::{Delivery, Popped, Pushed, Recovered};

/// Looks at a state, of this shape, whose messages are sent by these.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) shape: Shape,
    pub(super) senders: Vec<usize>,
    /// Whether Full and Empty are believed.
    pub(super) is_credulous: bool,
}

fn wrong(is_wrong: bool, what: &str) -> Result<(), Wrong> {
    if is_wrong { Err(what.to_owned()) } else { Ok(()) }
}

impl Judge {
    pub(super) fn is_full(&self, state: &[u64]) -> bool {
        (state[TAIL] & !CLOSED) - state[HEAD] == self.shape.capacity as u64
    }

    pub(super) fn is_empty(&self, state: &[u64]) -> bool {
        state[TAIL] & !CLOSED == state[HEAD]
    }

    /// Whether the ring is now as a call may say that it was.
    pub(super) fn is_so(&self, call: Call, state: &[u64]) -> bool {
        call.is_push() && self.is_full(state) || call.is_pop() && self.is_empty(state)
    }

    /// Before a message is copied to its place, or from it.
    pub(super) fn copy(&self, state: &[u64], who: usize, kind: Kind) -> Result<(), Wrong> {
        match kind {
            Kind::Message(slot) => {
                wrong(self.shape.owner(state, slot) != Some(who), "a live owner is robbed: it copies, and does not own")
            }
            Kind::HandMessage(hand) => self.is_hand_mine(state, who, hand),
            _ => Err(format!("a copy to {kind:?}")),
        }
    }

    fn is_hand_mine(&self, state: &[u64], who: usize, hand: usize) -> Result<(), Wrong> {
        let is_mine = state[self.shape.hand_at(hand)] == owner(who).0;
        wrong(!is_mine, "a hand is used by somebody who does not lease it")
    }

    /// Before a plain store.
    pub(super) fn store(&self, state: &mut [u64], who: usize, call: Call, kind: Kind, value: u64) -> Result<(), Wrong> {
        match kind {
            Kind::Word(slot) => self.store_word(state, who, call, slot, value),
            Kind::HandOwner(hand) => self.is_hand_mine(state, who, hand),
            Kind::Held(hand) => {
                self.is_hand_mine(state, who, hand)?;
                if value == 0 && state[self.shape.hand_at(hand) + 1] != 0 {
                    self.finish(state, state[self.shape.hand_at(hand) + 2])?;
                }
                Ok(())
            }
            Kind::RecordOwner(record) | Kind::Producing(record) | Kind::Consuming(record) => {
                let is_mine = state[self.shape.record_at(record)] == owner(who).0;
                wrong(!is_mine, "a record is written by somebody who does not lease it")
            }
            _ => Err(format!("a plain store to {kind:?}")),
        }
    }

    /// Publishing, and freeing what one has claimed.
    fn store_word(&self, state: &mut [u64], who: usize, call: Call, slot: usize, value: u64) -> Result<(), Wrong> {
        let at = self.shape.slot_at(slot);
        let (old, new) = (SlotWord::of(state[at]), SlotWord::of(value));
        let is_mine = self.shape.owner(state, slot) == Some(who);
        match (old.what, new.what) {
            (What::Free, What::Full) => {
                wrong(old.lap != new.lap || !is_mine, "a live owner is robbed: it publishes, and does not own")?;
                self.publish(state, who, new.lap + slot as u64, state[at + 1])?;
            }
            (What::Full | What::Tomb, What::Free) => {
                let is_next = new.lap == old.lap + self.shape.capacity as u64;
                wrong(!is_next || !is_mine, "a live owner is robbed: it frees, and does not own")?;
                if old.what == What::Full && !call.has_hand() {
                    self.put_into_limbo(state, who, state[at + 1])?;
                }
            }
            _ => return Err(format!("a live owner is robbed: it stores {new:?} over {old:?}")),
        }
        self.shape.put_owner(state, slot, None);
        Ok(())
    }

    fn publish(&self, state: &mut [u64], who: usize, position: u64, message: u64) -> Result<(), Wrong> {
        if self.is_probe(message) {
            return Ok(());
        }
        let mut fate = self.fate(state, message)?;
        wrong(self.senders[message as usize - 1] != who, "somebody else's message is published")?;
        wrong(fate.published != 0, "a message is published twice")?;
        fate.published = position as u16 + 1;
        self.shape.put_fate(state, message, fate);
        Ok(())
    }

    fn put_into_limbo(&self, state: &mut [u64], who: usize, message: u64) -> Result<(), Wrong> {
        if self.is_probe(message) {
            return Ok(());
        }
        let mut fate = self.fate(state, message)?;
        fate.limbo = who as u8 + 1;
        self.shape.put_fate(state, message, fate);
        Ok(())
    }

    /// A hand is emptied.
    fn finish(&self, state: &mut [u64], message: u64) -> Result<(), Wrong> {
        let mut fate = self.fate(state, message)?;
        wrong(fate.is_done, "a message is committed twice")?;
        fate.is_done = true;
        self.shape.put_fate(state, message, fate);
        Ok(())
    }

    /// What is sent afterwards, to see how much there is room for.
    fn is_probe(&self, message: u64) -> bool {
        message >= super::aftermath::PROBE
    }

    fn fate(&self, state: &[u64], message: u64) -> Result<Fate, Wrong> {
        wrong(message == 0 || message > self.senders.len() as u64, "a message that was never sent")?;
        Ok(self.shape.fate(state, message))
    }

    /// Before an exchange that succeeds.
    pub(super) fn exchange(
        &self,
        state: &mut [u64],
        who: usize,
        kind: Kind,
        [from, to]: [u64; 2],
    ) -> Result<(), Wrong> {
        match kind {
            Kind::Tail => {
                self.claim(state, who, from..to, |what| what == What::Free)?;
                wrong(to - state[HEAD] > self.shape.capacity as u64, "more claimed than there is room for")
            }
            Kind::Head => {
                self.claim(state, who, from..to, |what| matches!(what, What::Full | What::Tomb))?;
                wrong(to > state[TAIL] & !CLOSED, "the head is past the tail")
            }
            Kind::Word(slot) => self.recover(state, who, slot, from, to),
            _ => Ok(()),
        }
    }

    fn claim(
        &self,
        state: &mut [u64],
        who: usize,
        positions: core::ops::Range<u64>,
        is_right: impl Fn(What) -> bool,
    ) -> Result<(), Wrong> {
        for position in positions {
            let slot = (position % self.shape.capacity as u64) as usize;
            let word = SlotWord::of(state[self.shape.slot_at(slot)]);
            wrong(word.lap + slot as u64 != position || !is_right(word.what), "a slot is claimed that is not so far")?;
            wrong(self.shape.owner(state, slot).is_some(), "a slot is claimed that has an owner")?;
            self.shape.put_owner(state, slot, Some(who));
        }
        Ok(())
    }

    /// A slot's word is swapped by a recoverer: its owner must be dead.
    fn recover(&self, state: &mut [u64], who: usize, slot: usize, from: u64, to: u64) -> Result<(), Wrong> {
        let is_dead = self.shape.owner(state, slot).is_some_and(|owner| self.shape.is_dead(state, owner));
        wrong(!is_dead, "a live owner is robbed by a recoverer")?;
        let (old, new) = (SlotWord::of(from), SlotWord::of(to));
        let owner = match (old.what, new.what) {
            (What::Free, What::Tomb) if old.lap == new.lap => None,
            (What::Full, What::Full) if old.lap == new.lap => Some(who),
            (What::Full | What::Tomb, What::Free) if new.lap == old.lap + self.shape.capacity as u64 => {
                self.is_somewhere_else(state, slot, old)?;
                None
            }
            _ => return Err(format!("{new:?} instead of {old:?}")),
        };
        self.shape.put_owner(state, slot, owner);
        Ok(())
    }

    /// A slot that is freed for a dead consumer: if it has a message, a hand has it, too.
    fn is_somewhere_else(&self, state: &[u64], slot: usize, word: SlotWord) -> Result<(), Wrong> {
        let position = word.lap + slot as u64;
        let holds = |hand: usize| {
            let held = state[self.shape.hand_at(hand) + 1];
            held != 0 && held >> 8 == position
        };
        let is_held = word.what == What::Tomb || (0..self.shape.hands).any(holds);
        wrong(!is_held, "a message is dropped that nobody has")
    }

    /// What a call answered.
    pub(super) fn outcome(
        &self,
        state: &mut [u64],
        who: usize,
        actor: &mut Actor,
        call: Call,
        outcome: &Outcome,
    ) -> Result<(), Wrong> {
        match outcome {
            Outcome::Pushed(pushed) => self.pushed(state, actor, call, *pushed),
            Outcome::Popped(Popped::Done(delivery)) => self.deliver(state, who, actor, call, delivery),
            Outcome::Popped(other) => self.popped_nothing(actor, format!("{other:?}")),
            Outcome::PoppedTwo(Popped::Done(count), messages) => messages[..*count].iter().try_for_each(|&message| {
                let position = u64::from(self.fate(state, message)?.published).wrapping_sub(1);
                self.deliver(state, who, actor, call, &Delivery { message, position, attempt: 1 })
            }),
            Outcome::PoppedTwo(other, _) => self.popped_nothing(actor, format!("{other:?}")),
            Outcome::Recovered(Recovered::Delivered(delivery)) | Outcome::Adopted(Some(delivery)) => {
                wrong(delivery.attempt < 2, "a second delivery that is not marked")?;
                self.deliver(state, who, actor, call, delivery)
            }
            Outcome::Done if call == Call::Close => wrong(state[TAIL] < CLOSED, "closed, and it is not"),
            _ => Ok(()),
        }
    }

    fn pushed(&self, state: &[u64], actor: &Actor, call: Call, pushed: Pushed) -> Result<(), Wrong> {
        let sent = |messages: &[u64]| {
            let is_sent = |&message: &u64| self.is_probe(message) || self.shape.fate(state, message).published != 0;
            wrong(!messages.iter().all(is_sent), "sent, and not published")
        };
        match (pushed, call) {
            (Pushed::Done(1), Call::Push { message, .. }) => sent(&[message]),
            (Pushed::Done(count), Call::PushSome { messages, first, .. }) => sent(&messages[first..first + count]),
            (Pushed::Full, _) => wrong(!actor.saw && !self.is_credulous, "Full, and it never was"),
            (Pushed::Closed, _) => wrong(state[TAIL] < CLOSED, "Closed, and it is not"),
            (Pushed::Held(_), _) => Ok(()),
            _ => Err(format!("{pushed:?}")),
        }
    }

    fn popped_nothing(&self, actor: &Actor, reason: String) -> Result<(), Wrong> {
        match &*reason {
            "Empty" => wrong(!actor.saw && !self.is_credulous, "Empty, and it never was"),
            held if held.starts_with("Held") => Ok(()),
            _ => Err(reason),
        }
    }

    fn deliver(
        &self,
        state: &mut [u64],
        who: usize,
        actor: &mut Actor,
        call: Call,
        delivery: &Delivery<u64>,
    ) -> Result<(), Wrong> {
        let mut fate = self.fate(state, delivery.message)?;
        wrong(u64::from(fate.published) != delivery.position + 1, "delivered from a position where it was not sent")?;
        wrong(fate.is_done, "delivered once more when it was done")?;
        wrong(fate.limbo != 0 && fate.limbo != who as u8 + 1, "delivered once more when its slot was free")?;
        wrong(delivery.attempt <= fate.deliveries.into(), "delivered more often than its mark says")?;
        if delivery.attempt == 1 {
            wrong(u64::from(actor.last) > delivery.position, "out of order")?;
            actor.last = delivery.position as u16 + 1;
        }
        fate.deliveries += 1;
        if !call.has_hand() {
            fate.is_done = true;
            fate.limbo = 0;
        }
        self.shape.put_fate(state, delivery.message, fate);
        Ok(())
    }
}
