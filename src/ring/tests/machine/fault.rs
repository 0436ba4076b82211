//! Faults of the ring, planted into what the machine does: each must be found.

use super::book::Ask;
use super::calls::Call;
use super::state::{Kind, SlotWord, What};
use crate::sync::replay::Operation;
use std::mem::{Discriminant, discriminant};

/// What is wrong with the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// Everybody else is dead: what a time-out would say.
    Timeout,
    /// Nothing is announced before a claim to write.
    NoAnnounceToWrite,
    /// Nothing is announced before a claim to read, or to take over.
    NoAnnounceToRead,
    /// What was announced stays after a failure.
    NoClear,
    /// The slot is freed before the hand says what it holds.
    SlotBeforeHand,
    /// Who takes over swaps whatever word is there now.
    TakesWhateverIsThere,
    /// Who makes a tombstone does not look at the word.
    EntombsWhateverIsThere,
    /// A tombstone whose consumer died is taken for a message.
    TombIsMessage,
    /// Who adopts a hand leaves the slot.
    AdoptKeepsSlot,
    /// A hand is free before it is empty.
    HandFreeBeforeEmpty,
    /// A message that is taken over is not marked.
    NotMarked,
    /// What the records said of their last owner stays when they are leased again.
    LeaseKeepsClaims,
    /// A message that a hand holds already is taken out of the slot as well.
    DoesNotLookAtHands,
    /// Full is said without a look at the head.
    FullWithoutLooking,
    /// Empty is said without a look at the tail.
    EmptyWithoutLooking,
    /// One kind of step does nothing, and says that it did.
    Omits(Site),
}

/// A kind of step: in which call, on what, which operation, and whether it puts a zero there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Site {
    call: Discriminant<Call>,
    kind: Discriminant<Kind>,
    operation: Discriminant<Operation>,
    is_zero: bool,
}

impl Site {
    /// Of a step that changes something.
    pub(super) fn of(call: Call, kind: Kind, operation: Operation) -> Option<Self> {
        let value = match operation {
            Operation::Load | Operation::Read | Operation::Fence | Operation::IsAlive(_) => return None,
            Operation::Store(value) | Operation::Exchange { value, .. } => value,
            _ => 1,
        };
        let is_zero = value == 0;
        Some(Self {
            call: discriminant(&call),
            kind: discriminant(&kind),
            operation: discriminant(&operation),
            is_zero,
        })
    }
}

impl Fault {
    /// Whether a store is left out.
    pub(super) fn omits(self, call: Call, kind: Kind, value: u64) -> bool {
        let is_lease = matches!(call, Call::LeaseRecord { .. });
        match (self, kind) {
            (Self::NoAnnounceToWrite, Kind::Producing(_)) | (Self::NoAnnounceToRead, Kind::Consuming(_)) => value != 0,
            (Self::NoClear, Kind::Producing(_) | Kind::Consuming(_)) => value == 0 && !is_lease,
            (Self::LeaseKeepsClaims, Kind::Producing(_) | Kind::Consuming(_)) => is_lease,
            _ => false,
        }
    }

    /// Whether an exchange of a slot's word pretends to succeed.
    pub(super) fn pretends(self, call: Call, kind: Kind) -> bool {
        self == Self::AdoptKeepsSlot && matches!((call, kind), (Call::Adopt { .. }, Kind::Word(_)))
    }

    /// What is expected and put there by an exchange of a slot's word, when this is there.
    pub(super) fn exchange(self, found: u64, expected: u64, value: u64) -> (u64, u64) {
        let (is, from, to) = (SlotWord::of(found), SlotWord::of(expected), SlotWord::of(value));
        let is_take_over = from.what == What::Full && to.what == What::Full;
        match self {
            Self::TakesWhateverIsThere if is_take_over && is.what == What::Full && is.lap == from.lap => {
                (found, found + value - expected)
            }
            Self::NotMarked if is_take_over => (expected, expected),
            Self::EntombsWhateverIsThere if to.what == What::Tomb => (found, value),
            Self::TombIsMessage if is_take_over && is.what == What::Tomb && is.lap == from.lap => (found, value),
            _ => (expected, value),
        }
    }

    /// What a load answers when this is there.
    pub(super) fn load(self, call: Call, kind: Kind, found: u64) -> u64 {
        let recovers = matches!(call, Call::Sweep { .. } | Call::TakeOver { .. });
        match (self, kind) {
            (Self::TombIsMessage, Kind::Word(_)) if recovers && SlotWord::of(found).what == What::Tomb => {
                found & !3 | 1
            }
            (Self::DoesNotLookAtHands, Kind::Held(_)) if recovers => 0,
            (Self::FullWithoutLooking, Kind::Head) if call.is_push() => 0,
            (Self::EmptyWithoutLooking, Kind::Tail) if call.is_pop() => 0,
            _ => found,
        }
    }

    /// Whether these two steps, one right after the other, change places.
    pub(super) fn swaps(self, first: (Ask, Kind), second: (Ask, Kind)) -> bool {
        let (is, then) = (first.1, second.1);
        let are_stores = matches!((first.0.operation, second.0.operation), (Operation::Store(_), Operation::Store(_)));
        match self {
            Self::SlotBeforeHand => are_stores && matches!((is, then), (Kind::Held(_), Kind::Word(_))),
            Self::HandFreeBeforeEmpty => are_stores && matches!((is, then), (Kind::Held(_), Kind::HandOwner(_))),
            _ => false,
        }
    }
}
