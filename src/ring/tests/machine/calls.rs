//! The ring's operations as values, and what they answer.

use crate::ring::mpmc::{Delivery, Oracle, Owner, Popped, Pushed, Recovered, Resolved, Ring};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::LEASED;
use crate::sync::replay::{self, Operation};

/// An operation of the ring with its arguments. Records, hands and members are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    LeaseRecord {
        me: usize,
        from: usize,
        to: usize,
    },
    ReturnRecord {
        record: usize,
    },
    Push {
        record: usize,
        message: u64,
    },
    PushSome {
        record: usize,
        messages: [u64; 2],
        first: usize,
    },
    Pop {
        record: usize,
    },
    PopTwo {
        record: usize,
    },
    LeaseHand {
        me: usize,
    },
    PopToHand {
        record: usize,
        hand: usize,
    },
    Commit {
        hand: usize,
    },
    GiveBack {
        hand: usize,
        me: usize,
    },
    ReturnHand {
        hand: usize,
    },
    ClearTombs {
        record: usize,
    },
    Close,
    Entomb {
        position: u64,
    },
    TakeOver {
        record: usize,
        hand: Option<usize>,
        position: u64,
    },
    Sweep {
        swept: usize,
        mine: Option<(usize, Option<usize>)>,
    },
    Adopt {
        hand: usize,
        me: usize,
    },
    /// Whoever marks what a member left has asked first.
    Orphan {
        member: usize,
    },
}

/// What a call answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Pushed(Pushed),
    Popped(Popped<Delivery<u64>>),
    PoppedTwo(Popped<usize>, [u64; 2]),
    Resolved(Resolved),
    Recovered(Recovered<Delivery<u64>>),
    Adopted(Option<Delivery<u64>>),
    Leased(Option<usize>),
    Done,
}

/// An oracle whose every answer is a step.
struct Asked;

impl Oracle for Asked {
    fn is_alive(&self, owner: Owner) -> bool {
        replay::answer(0, Operation::IsAlive(owner.0)).expect("asked in a replay") != 0
    }
}

/// As `orphan` does it, for one word: what is not marked, nobody touches.
fn mark_if_dead(word: &AtomicU64) {
    let owner = Owner(word.load(Relaxed));
    if owner.is_leased() && !Asked.is_alive(owner) {
        let _ = word.compare_exchange(owner.0, owner.orphaned().0, LEASED.release(), Relaxed);
    }
}

/// The owner's word of a member of the machine.
pub(super) fn owner(member: usize) -> Owner {
    Owner::leased(member, 1)
}

impl Call {
    /// Has the ring do it.
    pub(super) fn make(self, ring: &Ring<u64>) -> Outcome {
        match self {
            Self::LeaseRecord { me, from, to } => Outcome::Leased(ring.lease_record(owner(me), from..to)),
            Self::Push { record, message } => Outcome::Pushed(ring.push(ring.record(record), &message)),
            Self::PushSome { record, messages, first } => {
                Outcome::Pushed(ring.push_some(ring.record(record), &messages[first..]))
            }
            Self::Pop { record } => Outcome::Popped(ring.pop(ring.record(record))),
            Self::PopTwo { record } => {
                let mut messages = [0; 2];
                let popped = ring.pop_some(ring.record(record), &mut messages);
                Outcome::PoppedTwo(popped, messages)
            }
            Self::LeaseHand { me } => Outcome::Leased(ring.lease_hand(owner(me))),
            Self::PopToHand { record, hand } => Outcome::Popped(ring.pop_to_hand(ring.record(record), hand)),
            Self::Adopt { hand, me } => {
                mark_if_dead(&ring.many().hand(hand).owner);
                Outcome::Adopted(ring.adopt(hand, owner(me)))
            }
            Self::Entomb { position } => Outcome::Resolved(ring.entomb(position, &Asked)),
            Self::TakeOver { record, hand, position } => {
                Outcome::Recovered(ring.take_over(ring.record(record), hand, position, &Asked))
            }
            Self::Sweep { swept, mine } => {
                mark_if_dead(&ring.record(swept).owner);
                let mine = mine.map(|(record, hand)| (ring.record(record), hand));
                Outcome::Recovered(ring.sweep(swept, mine, &Asked))
            }
            _ => {
                self.just_make(ring);
                Outcome::Done
            }
        }
    }

    /// Those that answer nothing of interest.
    fn just_make(self, ring: &Ring<u64>) {
        match self {
            Self::ReturnRecord { record } => ring.return_record(record),
            Self::Commit { hand } => ring.commit(hand),
            Self::GiveBack { hand, me } => ring.give_back(hand, owner(me)),
            Self::ReturnHand { hand } => ring.return_hand(hand),
            Self::ClearTombs { record } => drop(ring.clear_tombs(ring.record(record))),
            Self::Close => ring.close(),
            Self::Orphan { member } => {
                if !Asked.is_alive(owner(member)) {
                    ring.orphan(owner(member));
                }
            }
            other => unreachable!("{other:?} answers something"),
        }
    }

    /// Whether a message that it frees is in a hand by then, or should be.
    pub(super) fn has_hand(self) -> bool {
        matches!(
            self,
            Self::PopToHand { .. }
                | Self::Sweep { mine: Some((_, Some(_))), .. }
                | Self::TakeOver { hand: Some(_), .. }
                | Self::Adopt { .. }
        )
    }

    pub(super) fn is_push(self) -> bool {
        matches!(self, Self::Push { .. } | Self::PushSome { .. })
    }

    pub(super) fn is_pop(self) -> bool {
        matches!(self, Self::Pop { .. } | Self::PopTwo { .. } | Self::PopToHand { .. })
    }
}
