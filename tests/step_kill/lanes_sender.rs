//! A sender of messages of bytes among many is the victim: of short ones, of those that fit into a lane, and of one that does not.

use super::bytes_pair::message;
use super::lanes_group::{Came, Group, LANE};
use super::lanes_words::{Phase, Words};
use super::puppet::act;
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::Options;
use ringway::bytes::mpmc::Sender;
use ringway::bytes::{SendTimeoutError, TrySendError};
use std::io::Write;
use std::time::Duration;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Send,
    TrySend,
    /// With less written than claimed.
    Claim,
    /// It is given back.
    DropClaim,
    /// Made where it lies.
    SendWith,
    /// Written piece by piece; it fits into the lane.
    Finish,
    /// The same, and nothing comes of it.
    DropWriter,
    /// The ring is full.
    TrySendFull,
    /// The ring is full, and there is no time: what is in the lane is given back.
    SendTimeoutFull,
    /// All lanes are in use, and one is free when the victim is about to sleep.
    SendAndWait,
}

#[derive(Debug)]
struct Sending {
    operation: Operation,
    /// Bytes of the message.
    len: usize,
    /// Whether there are short lanes beside a long one.
    has_short: bool,
}

/// How far a sender has got whose message is sent.
const SENT: u64 = 2;
/// The message that the victim sends before, so that its thread has what it needs.
const PRELUDE: usize = 60;

/// The scenes of a sender of what a lane holds.
/// Fault 36.
pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{
        Claim, DropClaim, DropWriter, Finish, Send, SendAndWait, SendTimeoutFull, SendWith, TrySend, TrySendFull,
    };
    let on = |operation, len, has_short| Entry::new(Sending { operation, len, has_short });
    vec![
        on(Send, 112, false),
        on(Send, 113, false),
        on(Send, 150, true),
        on(Send, LANE + 1, true),
        on(TrySend, 150, false),
        on(Claim, 150, false),
        on(DropClaim, 150, false),
        on(SendWith, 150, false),
        on(Finish, 150, false),
        on(DropWriter, 150, false),
        on(TrySendFull, 150, false),
        on(SendTimeoutFull, 150, false),
        on(SendAndWait, 150, false),
    ]
}

impl Sending {
    fn options(&self, place: &Place) -> Options {
        // Of such there are 64 beside.
        let lanes = if self.has_short { place.lanes().lanes(1, 2 * LANE) } else { place.lanes() };
        // What is long goes in few rounds: each is like the other.
        if self.len > LANE && !stage::everywhere() { lanes.chunk_bytes(1024) } else { lanes }
    }

    fn lanes(&self) -> usize {
        if self.has_short { 65 } else { 2 }
    }

    fn is_full(&self) -> bool {
        matches!(self.operation, Operation::TrySendFull | Operation::SendTimeoutFull)
    }

    fn sends(&self) -> bool {
        !self.is_full() && !matches!(self.operation, Operation::DropClaim | Operation::DropWriter)
    }
}

/// What survives: a group, and what it keeps.
#[derive(Debug)]
pub(crate) struct Survivor {
    group: Group,
    /// How many lanes its messages keep that are in the ring.
    kept: usize,
}

impl Scene for Sending {
    type Survivor = Survivor;

    fn name(&self) -> String {
        let beside = if self.has_short { ", with short lanes" } else { "" };
        format!("lanes {:?}, {} bytes{beside}", self.operation, self.len)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        match self.operation {
            Operation::Send | Operation::Claim | Operation::DropClaim if !self.has_short => Points::Sampled,
            Operation::Send if self.len > LANE => Points::CallsAndChanges,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Survivor {
        Survivor { group: Group::warm_with(&self.options(place), self.lanes()), kept: 0 }
    }

    fn play(&self, place: &Place) {
        let tx = Sender::open_with(NAME, &self.options(place)).expect("a place");
        tx.try_send(&message(PRELUDE)).expect("room");
        let bytes = message(self.len);
        let half = self.len / 2;
        match self.operation {
            Operation::Send | Operation::SendAndWait => act(|| tx.send(&bytes), |result| result.is_ok()),
            Operation::TrySend => act(|| tx.try_send(&bytes), |result| result.is_ok()),
            Operation::SendWith => {
                act(|| tx.send_with(self.len, |to| to.copy_from_slice(&bytes)), |result| result.is_ok())
            }
            Operation::Claim | Operation::DropClaim => act(
                || {
                    let mut claim = tx.claim(self.len + 9).expect("a lane");
                    claim[..self.len].copy_from_slice(&bytes);
                    if self.sends() { claim.commit(self.len) } else { Ok(()) }
                },
                |result| result.is_ok(),
            ),
            Operation::Finish | Operation::DropWriter => act(
                || {
                    let mut writer = tx.writer(None).expect("a lane");
                    writer.write_all(&bytes[..half]).and_then(|()| writer.flush()).expect("room");
                    writer.write_all(&bytes[half..]).expect("room");
                    if self.sends() { writer.finish() } else { Ok(()) }
                },
                |result| result.is_ok(),
            ),
            Operation::TrySendFull => act(|| tx.try_send(&bytes), |result| *result == Err(TrySendError::Full)),
            Operation::SendTimeoutFull => {
                let late = Err(SendTimeoutError::Timeout);
                act(|| tx.send_timeout(&bytes, Duration::from_nanos(1)), |result| *result == late)
            }
        }
    }

    fn settle(&self, _: &Place, survivor: &mut Survivor) {
        assert_eq!(survivor.group.drain(), 1);
        assert_eq!(survivor.group.came.pop(), Some(Came::Whole { len: PRELUDE, attempt: 1 }));
        if self.is_full() {
            (0..self.capacity()).for_each(|_| survivor.group.send());
        }
        if self.operation == Operation::SendAndWait {
            (0..self.lanes()).for_each(|_| survivor.group.send_in_a_lane());
            survivor.kept = self.lanes();
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        match self.operation {
            Operation::SendAndWait if survivor.kept > 0 => {
                survivor.group.take(None).expect("what is in a lane");
                survivor.kept -= 1;
            }
            // Its time runs out while it sleeps.
            Operation::SendTimeoutFull => {}
            _ => panic!("the victim sleeps"),
        }
    }

    fn freezes(&self) -> bool {
        // Whether it finds room depends on when it looks. (And what is copied to a long lane makes hundreds of images.)
        !self.is_full() && self.len < LANE && self.operation != Operation::SendAndWait
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        let group = &mut survivor.group;
        assert_eq!(group.rx.disconnect_reason(), None, "of one that lives");
        group.drain();
        group.is_not_held_up(place);
        group.respects_the_living(place);
    }

    fn afterwards(&self, place: &Place, survivor: &mut Survivor) {
        survivor.group.clear_up(false);
        survivor.group.respects_the_living(place);
    }

    fn bury(&self, place: &Place, Survivor { mut group, .. }: Survivor, fate: Fate) -> Progress {
        let is_mixed = self.operation == Operation::SendAndWait;
        let left = if is_mixed { None } else { Words::of(place).busy_lane(self.lanes() as u64) };
        group.clear_up(fate.state % 2 == 0);
        let came: Vec<Came> = std::mem::take(&mut group.came);
        let whole = Came::Whole { len: self.len, attempt: 1 };
        assert!(came.is_empty() || came == [whole], "{came:?}");
        let is_there = !came.is_empty();
        let step = match left.map(|lane| lane.phase) {
            None if is_mixed => u64::from(fate.is_complete && is_there) * SENT,
            // Given back, or not there at all.
            None => u64::from(is_there) * SENT,
            Some(Phase::Writing) => {
                assert!(!is_there, "it was not sent");
                0
            }
            // Its ticket may be there: it comes, unless the death is noticed before.
            Some(Phase::Whole) => u64::from(self.sends()),
            Some(Phase::Queued) => {
                assert!(is_there, "it was sent, and is lost");
                SENT
            }
            Some(other) => panic!("{other:?} of a sender of a whole message"),
        };
        group.goes_on(place);
        [step, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [u64::from(self.sends()) * SENT, 0]]
    }
}
