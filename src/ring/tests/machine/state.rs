//! A state as a row of numbers: the words of the segment, where everybody is, and what the judge must remember.

/// How a state is laid out.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) capacity: usize,
    pub(super) records: usize,
    pub(super) hands: usize,
    /// Those of the scene, and the one who comes afterwards.
    pub(super) actors: usize,
    pub(super) messages: usize,
}

/// What a word of the segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tail,
    Head,
    Tombs,
    Dropped,
    RecordOwner(usize),
    Producing(usize),
    Consuming(usize),
    HandOwner(usize),
    Held(usize),
    /// The message in a hand.
    HandMessage(usize),
    /// The word of a slot.
    Word(usize),
    /// The message in a slot.
    Message(usize),
}

pub(super) const TAIL: usize = 0;
pub(super) const HEAD: usize = 1;

/// Where somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Actor {
    /// Its place in its present operation: see `Book`.
    pub(super) node: u32,
    /// The item of its script.
    pub(super) item: u8,
    pub(super) left: u8,
    pub(super) phase: u8,
    pub(super) record: u8,
    pub(super) register: u16,
    /// One above the last position that was delivered to it for the first time.
    pub(super) last: u16,
    pub(super) is_dead: bool,
    /// Its script is over.
    pub(super) is_done: bool,
    /// Since it called, the ring has been full, or empty, whichever its call may say.
    pub(super) saw: bool,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fate {
    /// One above its position, once it is published.
    pub(super) published: u16,
    /// How often it has been delivered.
    pub(super) deliveries: u8,
    /// It left the ring for good: a pop ended, or a hand was emptied.
    pub(super) is_done: bool,
    /// One above whoever has freed its slot and not ended its call: with its death the message is gone.
    pub(super) limbo: u8,
}

impl Shape {
    pub(super) fn memory(&self) -> usize {
        4 + 3 * self.records + 3 * self.hands + 2 * self.capacity
    }

    pub(super) fn len(&self) -> usize {
        self.fates_at() + self.messages.div_ceil(2)
    }

    fn owners_at(&self) -> usize {
        self.memory() + 2 * self.actors
    }

    fn fates_at(&self) -> usize {
        self.owners_at() + 1
    }

    /// Where the words lie, in order.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        let mut kinds = vec![Kind::Tail, Kind::Head, Kind::Tombs, Kind::Dropped];
        kinds.extend((0..self.records).flat_map(|n| [Kind::RecordOwner(n), Kind::Producing(n), Kind::Consuming(n)]));
        kinds.extend((0..self.hands).flat_map(|n| [Kind::HandOwner(n), Kind::Held(n), Kind::HandMessage(n)]));
        kinds.extend((0..self.capacity).flat_map(|n| [Kind::Word(n), Kind::Message(n)]));
        assert_eq!(kinds.len(), self.memory());
        kinds
    }

    pub(super) fn record_at(&self, record: usize) -> usize {
        4 + 3 * record
    }

    pub(super) fn hand_at(&self, hand: usize) -> usize {
        4 + 3 * self.records + 3 * hand
    }

    pub(super) fn slot_at(&self, slot: usize) -> usize {
        4 + 3 * self.records + 3 * self.hands + 2 * slot
    }

    pub(super) fn actor(&self, state: &[u64], actor: usize) -> Actor {
        let at = self.memory() + 2 * actor;
        let (a, b) = (state[at], state[at + 1]);
        Actor {
            node: a as u32,
            item: (a >> 32) as u8,
            left: (a >> 40) as u8,
            phase: (a >> 48) as u8,
            record: (a >> 56) as u8,
            register: b as u16,
            last: (b >> 16) as u16,
            is_dead: b >> 32 & 1 != 0,
            is_done: b >> 33 & 1 != 0,
            saw: b >> 34 & 1 != 0,
        }
    }

    pub(super) fn put_actor(&self, state: &mut [u64], actor: usize, it: Actor) {
        let at = self.memory() + 2 * actor;
        state[at] = u64::from(it.node)
            | u64::from(it.item) << 32
            | u64::from(it.left) << 40
            | u64::from(it.phase) << 48
            | u64::from(it.record) << 56;
        state[at + 1] = u64::from(it.register)
            | u64::from(it.last) << 16
            | u64::from(it.is_dead) << 32
            | u64::from(it.is_done) << 33
            | u64::from(it.saw) << 34;
    }

    pub(super) fn is_dead(&self, state: &[u64], actor: usize) -> bool {
        state[self.memory() + 2 * actor + 1] >> 32 & 1 != 0
    }

    /// Who owns the slot: has claimed its position, and not published or freed it.
    pub(super) fn owner(&self, state: &[u64], slot: usize) -> Option<usize> {
        ((state[self.owners_at()] >> (8 * slot)) as u8).checked_sub(1).map(usize::from)
    }

    pub(super) fn put_owner(&self, state: &mut [u64], slot: usize, owner: Option<usize>) {
        let owner = owner.map_or(0, |owner| owner as u64 + 1);
        let all = &mut state[self.owners_at()];
        *all = *all & !(0xff << (8 * slot)) | owner << (8 * slot);
    }

    /// Of the message of this number, from 1 on.
    pub(super) fn fate(&self, state: &[u64], message: u64) -> Fate {
        let index = message as usize - 1;
        let bits = (state[self.fates_at() + index / 2] >> (32 * (index % 2))) as u32;
        Fate {
            published: bits as u16,
            deliveries: (bits >> 16 & 0xf) as u8,
            is_done: bits >> 20 & 1 != 0,
            limbo: (bits >> 24) as u8,
        }
    }

    pub(super) fn put_fate(&self, state: &mut [u64], message: u64, fate: Fate) {
        let index = message as usize - 1;
        let bits = u64::from(fate.published)
            | u64::from(fate.deliveries.min(15)) << 16
            | u64::from(fate.is_done) << 20
            | u64::from(fate.limbo) << 24;
        let shift = 32 * (index % 2);
        let word = &mut state[self.fates_at() + index / 2];
        *word = *word & !(0xffff_ffff << shift) | bits << shift;
    }
}

/// The words of a slot as the judge reads them, by the picture in `ring::mpmc::word`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotWord {
    pub(super) lap: u64,
    pub(super) attempts: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Free,
    Full,
    Tomb,
    Nonsense,
}

impl SlotWord {
    pub(super) fn of(word: u64) -> Self {
        let what = match word & 3 {
            0 => What::Free,
            1 => What::Full,
            2 => What::Tomb,
            _ => What::Nonsense,
        };
        Self { lap: word >> 8, attempts: word >> 2 & 63, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_a_state_comes_out() {
        let shape = Shape { capacity: 3, records: 2, hands: 1, actors: 3, messages: 5 };
        let mut state = vec![0; shape.len()];
        let actor = Actor { node: 7, item: 1, left: 2, phase: 3, record: 4, register: 5, last: 6, ..Actor::default() };
        let actor = Actor { is_dead: true, saw: true, ..actor };
        shape.put_actor(&mut state, 1, actor);
        shape.put_owner(&mut state, 2, Some(1));
        let fate = Fate { published: 9, deliveries: 2, is_done: true, limbo: 3 };
        shape.put_fate(&mut state, 4, fate);
        assert_eq!((shape.actor(&state, 1), shape.fate(&state, 4)), (actor, fate));
        assert_eq!((shape.owner(&state, 2), shape.owner(&state, 1)), (Some(1), None));
        assert!(shape.is_dead(&state, 1) && !shape.is_dead(&state, 0));
        for untouched in [1, 2, 3, 5] {
            assert_eq!(shape.fate(&state, untouched), Fate::default());
        }
        assert!(state[..shape.memory()].iter().all(|&word| word == 0));
    }
}
