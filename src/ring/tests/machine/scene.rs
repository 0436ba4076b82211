//! Who is on the stage, and what each of them is to do.

use super::calls::{Call, Outcome};
use super::state::Actor;
use crate::ring::mpmc::{Popped, Pushed, Recovered};

/// One part of a script. `tries`: how often its operation is begun at most.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item {
    /// Sends the message of this number. (Message 0 is none.)
    Push { message: u64, tries: u8 },
    /// Sends two by `push_some`.
    PushTwo { messages: [u64; 2], tries: u8 },
    /// Receives so often; what is held by somebody is entombed if he is dead.
    Pop { tries: u8 },
    /// The same, two at a time.
    PopTwo { tries: u8 },
    /// Leases a hand, receives into it, and then commits, or gives it back.
    Work { tries: u8, commits: bool },
    /// Sweeps a record, and keeps what is delivered.
    Sweep { record: usize, tries: u8 },
    /// Sweeps a record with a hand for what is delivered, and commits it.
    SweepToHand { record: usize, tries: u8 },
    /// Takes over a position without knowing whose it is.
    TakeOver { position: u64, tries: u8 },
    /// Makes a tombstone of a position.
    Entomb { position: u64 },
    /// Adopts a hand, and commits it.
    Adopt { hand: usize },
    /// Marks what a member left, if it is dead.
    Orphan { member: usize },
    /// Frees tombstones at the head.
    ClearTombs,
    /// Leases one of these records, as somebody who has just come.
    Lease { from: usize, to: usize, tries: u8 },
    /// Gives its record back, and leaves.
    Leave,
    /// Closes the ring.
    Close,
}

/// Phases of an item: where it has several calls.
const FIRST: u8 = 0;
const ENTOMB: u8 = 1;
const WITH_HAND: u8 = 2;
const FINISH: u8 = 3;
const EMPTY_HANDED: u8 = 4;
/// An item behind the last of every script.
const NEVER: u8 = 200;

impl Item {
    pub(super) fn tries(self) -> u8 {
        match self {
            Self::Push { tries, .. }
            | Self::PushTwo { tries, .. }
            | Self::Pop { tries }
            | Self::PopTwo { tries }
            | Self::Work { tries, .. }
            | Self::Sweep { tries, .. }
            | Self::SweepToHand { tries, .. }
            | Self::TakeOver { tries, .. }
            | Self::Lease { tries, .. } => tries,
            _ => 1,
        }
    }

    /// What is called next in this phase.
    pub(super) fn call(self, me: usize, actor: &Actor) -> Call {
        let (record, register) = (actor.record as usize, actor.register as usize);
        match (self, actor.phase) {
            (Self::Pop { .. } | Self::PopTwo { .. }, ENTOMB) => Call::Entomb { position: register as u64 },
            (Self::Work { .. } | Self::SweepToHand { .. }, FIRST) => Call::LeaseHand { me },
            (Self::Work { .. } | Self::SweepToHand { .. }, EMPTY_HANDED) => Call::ReturnHand { hand: register },
            (Self::Work { commits: false, .. }, FINISH) => Call::GiveBack { hand: register, me },
            (Self::Work { .. } | Self::SweepToHand { .. }, FINISH) => Call::Commit { hand: register },
            (Self::Adopt { hand }, FINISH) => Call::Commit { hand },
            (Self::Push { message, .. }, _) => Call::Push { record, message },
            (Self::PushTwo { messages, .. }, _) => Call::PushSome { record, messages, first: register },
            (Self::Pop { .. }, _) => Call::Pop { record },
            (Self::PopTwo { .. }, _) => Call::PopTwo { record },
            (Self::Work { .. }, _) => Call::PopToHand { record, hand: register },
            (Self::Sweep { record: swept, .. }, _) => Call::Sweep { swept, mine: Some((record, None)) },
            (Self::SweepToHand { record: swept, .. }, _) => Call::Sweep { swept, mine: Some((record, Some(register))) },
            (Self::TakeOver { position, .. }, _) => Call::TakeOver { record, hand: None, position },
            (Self::Entomb { position }, _) => Call::Entomb { position },
            (Self::Adopt { hand }, _) => Call::Adopt { hand, me },
            (Self::Orphan { member }, _) => Call::Orphan { member },
            (Self::ClearTombs, _) => Call::ClearTombs { record },
            (Self::Lease { from, to, .. }, _) => Call::LeaseRecord { me, from, to },
            (Self::Leave, _) => Call::ReturnRecord { record },
            (Self::Close, _) => Call::Close,
        }
    }

    /// Goes on after an outcome; whether the item is over.
    pub(super) fn goes_on(self, actor: &mut Actor, outcome: &Outcome) -> bool {
        let over = match self {
            Self::Push { .. } | Self::PushTwo { .. } => self.after_push(actor, outcome),
            Self::Pop { .. } | Self::PopTwo { .. } => after_pop(actor, outcome),
            Self::Work { .. } | Self::SweepToHand { .. } => return after_hand(actor, outcome),
            Self::Sweep { .. } | Self::TakeOver { .. } => *outcome == Outcome::Recovered(Recovered::Nothing),
            Self::Adopt { .. } if matches!(outcome, Outcome::Adopted(Some(_))) => {
                actor.phase = FINISH;
                return false;
            }
            Self::Lease { .. } => match outcome {
                Outcome::Leased(Some(record)) => {
                    actor.record = *record as u8;
                    true
                }
                _ if actor.left > 1 => false,
                // No record, no part in it.
                _ => {
                    actor.item = NEVER;
                    true
                }
            },
            _ => true,
        };
        over || actor.phase == FIRST && is_tired(actor)
    }

    fn after_push(self, actor: &mut Actor, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Pushed(Pushed::Done(count)) => {
                actor.register += *count as u16;
                !matches!(self, Self::PushTwo { .. }) || actor.register == 2
            }
            Outcome::Pushed(Pushed::Closed) => true,
            _ => false,
        }
    }
}

fn after_pop(actor: &mut Actor, outcome: &Outcome) -> bool {
    let held = match outcome {
        Outcome::Popped(Popped::Held(position)) | Outcome::PoppedTwo(Popped::Held(position), _) => Some(*position),
        _ => None,
    };
    actor.phase = if held.is_some() { ENTOMB } else { FIRST };
    actor.register = held.unwrap_or(0) as u16;
    false
}

/// `Work` and `SweepToHand`: lease, receive or sweep, finish or return.
fn after_hand(actor: &mut Actor, outcome: &Outcome) -> bool {
    match (actor.phase, outcome) {
        (FIRST, Outcome::Leased(Some(hand))) => {
            actor.phase = WITH_HAND;
            actor.register = *hand as u16;
            return false;
        }
        (WITH_HAND, Outcome::Popped(Popped::Done(_)) | Outcome::Recovered(Recovered::Delivered(_))) => {
            actor.phase = FINISH;
            return false;
        }
        (WITH_HAND, _) => {
            actor.phase = EMPTY_HANDED;
            // Swept to the end: not again.
            if *outcome == Outcome::Recovered(Recovered::Nothing) {
                actor.left = 1;
            }
            return false;
        }
        _ => {}
    }
    actor.phase = FIRST;
    actor.register = 0;
    is_tired(actor)
}

fn is_tired(actor: &mut Actor) -> bool {
    actor.left = actor.left.saturating_sub(1);
    actor.left == 0
}

/// Somebody on the stage, a member of its own.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) script: Vec<Item>,
    /// Whether it may die.
    pub(super) is_mortal: bool,
    /// Whether it has a record from the start.
    pub(super) has_record: bool,
}

impl Role {
    pub(super) fn new(script: impl Into<Vec<Item>>) -> Self {
        Self { script: script.into(), is_mortal: false, has_record: true }
    }

    pub(super) fn mortal(mut self) -> Self {
        self.is_mortal = true;
        self
    }

    /// Comes later, and leases its record itself.
    pub(super) fn newcomer(mut self) -> Self {
        self.has_record = false;
        self
    }
}

/// What is searched.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) capacity: u64,
    pub(super) roles: Vec<Role>,
    /// Hands that those on the stage may lease. Whoever comes afterwards has one more.
    pub(super) hands: usize,
    /// How many may die.
    pub(super) deaths: usize,
    /// Whether everybody is also made to die at once, in every state.
    pub(super) is_doomed: bool,
}

impl Scene {
    pub(super) fn new(name: &'static str, capacity: u64, deaths: usize, roles: impl Into<Vec<Role>>) -> Self {
        Self { name, capacity, roles: roles.into(), hands: 0, deaths, is_doomed: false }
    }

    pub(super) fn with_hands(mut self, hands: usize) -> Self {
        self.hands = hands;
        self
    }

    /// Has everybody die at once, too, in every state.
    pub(super) fn doomed(mut self) -> Self {
        self.is_doomed = true;
        self
    }

    /// The messages of the scene, each with the role that sends it, in order of their numbers.
    pub(super) fn senders(&self) -> Vec<usize> {
        let mut senders = Vec::new();
        for (role, part) in self.roles.iter().enumerate() {
            for item in &part.script {
                let messages = match item {
                    Item::Push { message, .. } => vec![*message],
                    Item::PushTwo { messages, .. } => messages.to_vec(),
                    _ => continue,
                };
                senders.extend(messages.into_iter().map(|message| (message, role)));
            }
        }
        senders.sort_unstable();
        assert!(senders.iter().enumerate().all(|(at, (message, _))| *message == at as u64 + 1), "1, 2, 3, ...");
        senders.into_iter().map(|(_, role)| role).collect()
    }
}
