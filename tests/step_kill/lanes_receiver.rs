//! A receiver of a message of bytes that lies in the ring, or in a lane as a whole, is the victim; another one gets what it
//! leaves.

use super::bytes_pair::message;
use super::lanes_group::{Came, Group};
use super::lanes_words::{Phase, Words};
use super::puppet::act;
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::RecvError;
use ringway::bytes::mpmc::Receiver;
use std::io::Read;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Recv,
    TryRecv,
    /// The ring is empty, and there is a message when the victim is about to sleep.
    RecvAndWait,
    RecvRef,
    RecvRefAndCommit,
    /// Seen where it lies.
    RecvWith,
    /// A guard that is dropped gives its message back.
    RecvRefAndDrop,
    /// The message is longer than the victim takes.
    Skip,
    ReadToEnd,
    /// Behind a part of it: then it is done.
    DropReader,
    /// A message is in the victim's hand.
    Drop,
}

#[derive(Debug)]
struct Receiving {
    operation: Operation,
    /// Bytes of the message.
    len: usize,
}

/// Behind the message that the victim receives.
const NEXT: usize = 50;
/// The message that it receives before, so that its thread has what it needs.
const PRELUDE: usize = 60;

/// The scenes of a receiver of what a lane holds.
/// Fault 38.
pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{
        Drop, DropReader, ReadToEnd, Recv, RecvAndWait, RecvRef, RecvRefAndCommit, RecvRefAndDrop, RecvWith, Skip,
        TryRecv,
    };
    let on = |operation, len| Receiving { operation, len };
    let each = [
        on(Recv, 112),
        on(Recv, 150),
        on(TryRecv, 150),
        on(RecvAndWait, 150),
        on(RecvRef, 150),
        on(RecvRefAndCommit, 112),
        on(RecvRefAndCommit, 150),
        on(RecvRefAndDrop, 112),
        on(RecvRefAndDrop, 150),
        on(RecvWith, 150),
        on(Skip, 150),
        on(ReadToEnd, 150),
        on(DropReader, 150),
        on(Drop, 150),
    ];
    each.into_iter().filter(|scene| scene.is_like_no_other() || stage::everywhere()).map(Entry::new).collect()
}

impl Receiving {
    /// Who has it in hand and is done with it, has it in hand; and who receives it tries to first.
    fn is_like_no_other(&self) -> bool {
        !matches!(self.operation, Operation::TryRecv | Operation::RecvRef)
    }

    fn is_inline(&self) -> bool {
        self.len <= 112
    }

    fn takes(&self) -> bool {
        !matches!(self.operation, Operation::RecvRef | Operation::RecvRefAndDrop | Operation::Drop)
    }

    /// Whether the victim has it in hand from the start.
    fn holds(&self) -> bool {
        matches!(self.operation, Operation::Drop | Operation::DropReader)
    }

    fn send(&self, group: &Group) {
        group.tx.try_send(&message(self.len)).expect("room");
        group.tx.try_send(&message(NEXT)).expect("room");
    }
}

impl Scene for Receiving {
    type Survivor = Group;

    fn name(&self) -> String {
        format!("lanes {:?}, {} bytes", self.operation, self.len)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        match self.operation {
            Operation::Recv | Operation::RecvRefAndCommit | Operation::RecvRefAndDrop => Points::Sampled,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Group {
        let group = Group::warm(place);
        group.tx.try_send(&message(PRELUDE)).expect("room");
        if self.holds() {
            self.send(&group);
        }
        group
    }

    fn play(&self, place: &Place) {
        let mut rx = Receiver::open_with(NAME, &place.lanes()).expect("a place");
        assert_eq!(rx.recv(), Ok(message(PRELUDE)));
        let expected = message(self.len);
        match self.operation {
            Operation::Recv | Operation::RecvAndWait => act(|| rx.recv(), |got| *got == Ok(expected)),
            Operation::TryRecv => act(|| rx.try_recv(), |got| *got == Ok(expected)),
            Operation::RecvRef => act(|| rx.recv_ref(), |got| got.as_ref().is_ok_and(|guard| **guard == expected)),
            Operation::RecvRefAndCommit | Operation::RecvRefAndDrop => act(
                || {
                    let guard = rx.recv_ref().expect("a message");
                    let is_right = *guard == expected[..];
                    if self.takes() {
                        guard.commit();
                    }
                    is_right
                },
                |is_right| *is_right,
            ),
            Operation::RecvWith => act(|| rx.recv_with(|got| *got == expected[..]), |is_right| *is_right == Ok(true)),
            Operation::Skip => {
                rx.set_limit(self.len as u64 - 1);
                act(|| rx.recv(), |got| matches!(got, Err(RecvError::TooLong { .. })))
            }
            Operation::ReadToEnd => act(
                || {
                    let mut got = Vec::new();
                    rx.reader().expect("a message").read_to_end(&mut got).map(|_| got)
                },
                |got| got.as_ref().is_ok_and(|got| *got == expected),
            ),
            Operation::DropReader => {
                let mut reader = rx.reader().expect("a message");
                reader.read_exact(&mut [0; 100]).expect("bytes");
                act(|| drop(reader), |()| true)
            }
            Operation::Drop => {
                std::mem::forget(rx.try_recv_ref().expect("a message"));
                act(|| drop(rx), |()| true)
            }
        }
    }

    fn settle(&self, _: &Place, group: &mut Group) {
        if !self.holds() && self.operation != Operation::RecvAndWait {
            self.send(group);
        }
    }

    fn relieve(&self, group: &mut Group) {
        self.send(group);
    }

    fn relieves_on_the_way(&self) -> bool {
        self.operation == Operation::RecvAndWait
    }

    fn meanwhile(&self, place: &Place, group: &mut Group) {
        assert_eq!(group.tx.disconnect_reason(), None, "of one that lives");
        group.ask();
        place.nothing_can_be_cleaned();
        drop(group.tx.claim(150).expect("the other lane"));
        assert_eq!(group.rx.stats().dropped, 0);
        assert!(group.rx.in_hand() <= 1, "of one victim");
    }

    fn bury(&self, place: &Place, mut group: Group, fate: Fate) -> Progress {
        let left = Words::of(place).busy_lane(2).map(|lane| lane.phase);
        group.clear_up(fate.state % 2 == 0);
        let mut came: Vec<Came> = std::mem::take(&mut group.came);
        let next = Came::Whole { len: NEXT, attempt: 1 };
        let nexts = came.iter().filter(|came| **came == next).count();
        came.retain(|came| *came != next);
        // Or they were not sent yet.
        assert!(
            nexts == 1 || self.operation == Operation::RecvAndWait && came.is_empty(),
            "{came:?}, {nexts} behind it"
        );
        let attempt = match came[..] {
            [] => 0,
            [Came::Whole { len, attempt }] if len == self.len => attempt,
            _ => panic!("{came:?}"),
        };
        match left {
            _ if self.is_inline() => {}
            None => assert_eq!(attempt, 0, "its lane was free"),
            Some(Phase::Queued) => assert!([1, 2].contains(&attempt), "{attempt}"),
            Some(Phase::Reading) => assert_eq!(attempt, 2, "somebody had it"),
            Some(other) => panic!("{other:?} of a whole message"),
        }
        group.goes_on(place);
        let is_gone = nexts == 1 && attempt == 0;
        assert!(!is_gone || self.takes(), "lost");
        [is_gone.into(), u64::from(is_gone || attempt == 2)]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, self.holds().into()], [self.takes().into(), 1]]
    }
}
