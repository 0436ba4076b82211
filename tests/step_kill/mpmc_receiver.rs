//! A receiver among many is the victim; another one gets what it leaves.

use super::message::{Message, messages};
use super::mpmc_group::{Group, MINE};
use super::mpmc_words::Words;
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::mpmc::Receiver;
use ringway::{DisconnectReason, TryRecvError};

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Its first operation.
    RecvFirst,
    Recv,
    /// The ring is empty, and there is a message when the victim is about to sleep.
    RecvAndWait,
    TryRecvEmpty,
    RecvMany,
    RecvRef,
    RecvRefAndCommit,
    /// A guard that is dropped gives its message back.
    DropGuard,
    Close,
    Clone,
    DropClone,
    /// The last end of its member.
    Drop,
    /// The same; a message is in its hand.
    DropWithHand,
}

#[derive(Debug)]
struct Receiving {
    operation: Operation,
    capacity: usize,
    /// Messages that are there when the victim begins.
    there: u64,
    /// Messages that the operation takes for good.
    takes: u64,
    /// Messages that it has in hand, or claims, before: whoever gets them sees that.
    marks: u64,
}

/// The scenes of a receiver, on rings of 1, 2 and 4.
/// Faults 38 and 40.
pub(crate) fn scenes() -> Vec<Entry> {
    let on =
        |capacity, operation, there, takes, marks| Entry::new(Receiving { operation, capacity, there, takes, marks });
    vec![
        on(1, Operation::RecvFirst, 1, 1, 1),
        on(1, Operation::Recv, 1, 1, 1),
        on(2, Operation::Recv, 2, 1, 1),
        on(4, Operation::Recv, 3, 1, 1),
        on(1, Operation::RecvAndWait, 0, 1, 1),
        on(1, Operation::TryRecvEmpty, 0, 0, 0),
        on(2, Operation::RecvMany, 2, 2, 2),
        on(4, Operation::RecvMany, 4, 3, 3),
        on(1, Operation::RecvRef, 1, 0, 1),
        on(1, Operation::RecvRefAndCommit, 1, 1, 1),
        on(2, Operation::RecvRefAndCommit, 2, 1, 1),
        on(4, Operation::RecvRefAndCommit, 3, 1, 1),
        on(2, Operation::DropGuard, 2, 0, 1),
        on(4, Operation::Close, 2, 0, 0),
        on(4, Operation::Clone, 2, 0, 0),
        on(4, Operation::DropClone, 2, 0, 0),
        on(4, Operation::Drop, 2, 0, 0),
        on(4, Operation::DropWithHand, 2, 0, 1),
    ]
}

impl Receiving {
    /// Messages that the victim receives before, so that its thread has what it needs.
    fn prelude(&self) -> u64 {
        let is_first = matches!(self.operation, Operation::RecvFirst | Operation::TryRecvEmpty);
        u64::from(!is_first)
    }

    /// The number of the first message that is there.
    fn first(&self) -> u64 {
        MINE + self.prelude()
    }

    /// The victim has its message in hand from the start.
    fn holds(&self) -> bool {
        matches!(self.operation, Operation::DropGuard | Operation::DropWithHand)
    }
}

impl Scene for Receiving {
    type Survivor = Group;

    fn name(&self) -> String {
        format!("mpmc {:?}, {} there, ring of {}", self.operation, self.there, self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        match self.operation {
            // On the others it does the same.
            Operation::Recv if self.capacity == 2 => Points::EveryInstruction,
            Operation::Drop | Operation::DropWithHand => Points::CallsAndChanges,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Group {
        let mut group = Group::warm(place);
        // One that holds a message takes it before the operation.
        (0..self.prelude() + u64::from(self.holds())).for_each(|_| group.send());
        group
    }

    fn play(&self, place: &Place) {
        let rx = Receiver::<Message>::open_with(NAME, &place.many()).expect("a place");
        for number in MINE..self.first() {
            assert_eq!(rx.try_recv(), Ok(Message::new(number)));
        }
        let mine = |message: &Message| (MINE..MINE + 100).contains(&message.number());
        match self.operation {
            Operation::RecvFirst | Operation::Recv | Operation::RecvAndWait => {
                act(|| rx.recv(), |got| got.is_ok_and(|message| mine(&message)))
            }
            Operation::TryRecvEmpty => act(|| rx.try_recv(), |got| *got == Err(TryRecvError::Empty)),
            Operation::RecvMany => {
                let mut got = messages(0..self.takes);
                act(
                    || {
                        let count = rx.recv_many(&mut got);
                        (count, &got)
                    },
                    |(count, got)| count.is_ok_and(|count| got[..count].iter().all(mine)),
                )
            }
            Operation::RecvRef => act(|| rx.recv_ref(), |got| got.as_ref().is_ok_and(|guard| mine(guard))),
            Operation::RecvRefAndCommit => act(
                || {
                    let message = rx.recv_ref().expect("a message");
                    let got = *message;
                    message.commit();
                    got
                },
                mine,
            ),
            Operation::DropGuard => {
                let guard = rx.try_recv_ref().expect("a message");
                act(move || drop(guard), |()| true)
            }
            Operation::Close => act(|| rx.close(), |()| true),
            Operation::Clone => act(|| rx.clone(), |_| true),
            Operation::DropClone => {
                let clone = rx.clone();
                act(move || drop(clone), |()| true)
            }
            Operation::Drop => act(move || drop(rx), |()| true),
            Operation::DropWithHand => {
                std::mem::forget(rx.try_recv_ref().expect("a message"));
                act(move || drop(rx), |()| true)
            }
        }
    }

    fn settle(&self, _: &Place, group: &mut Group) {
        while group.sent < self.prelude() + self.there {
            group.send();
        }
    }

    fn relieve(&self, group: &mut Group) {
        group.send();
    }

    fn freezes(&self) -> bool {
        // Whether it finds a message depends on when it looks.
        self.operation != Operation::TryRecvEmpty
    }

    fn meanwhile(&self, place: &Place, group: &mut Group) {
        let reason = group.tx.disconnect_reason();
        let is_closed = reason == Some(DisconnectReason::Closed);
        assert!(reason.is_none() || is_closed && self.operation == Operation::Close, "{reason:?} of one that lives");
        let ends = group.tx.receiver_count();
        let expected = match self.operation {
            Operation::Clone | Operation::DropClone => 2..=3,
            Operation::Drop | Operation::DropWithHand => 1..=2,
            _ => 2..=2,
        };
        assert!(expected.contains(&ends), "{ends} receivers");
        if !is_closed {
            // The others' messages come; one is left for the victim.
            let words = Words::of(place);
            if words.tail() > words.head() + 1 {
                group.take_now().expect("a message");
            }
            let words = Words::of(place);
            let slots = words.tail() - words.head();
            let sent = group.tx.try_send(Message::new(MINE + group.sent));
            assert!(sent.is_err() || slots < self.capacity as u64, "too many");
            group.sent += u64::from(sent.is_ok());
            // What it has claimed and not yet freed is on its way to a hand, or back: it counts.
            assert!(group.rx.in_hand() as u64 <= self.takes.max(1), "of one victim");
        }
        if !self.holds() {
            group.respects_the_living(place);
        }
    }

    fn afterwards(&self, place: &Place, group: &mut Group) {
        if group.rx.disconnect_reason().is_none() && self.operation != Operation::RecvRef {
            group.clear_up(false);
            if !self.holds() {
                group.respects_the_living(place);
            }
        }
    }

    fn bury(&self, place: &Place, mut group: Group, fate: Fate) -> Progress {
        if group.rx.disconnect_reason() == Some(DisconnectReason::Closed) {
            let taken: Vec<u64> = (MINE..self.first()).collect();
            group.must_be_over(place, &taken);
            return [0, 0];
        }
        group.clear_up(fate.state % 2 == 0);
        let prelude = MINE..self.first();
        let gone: Vec<u64> = (self.first()..MINE + group.sent).filter(|number| group.attempt(*number) == 0).collect();
        let marked = (MINE..MINE + group.sent).filter(|number| group.attempt(*number) > 1).count();
        assert!(gone.len() as u64 <= self.takes, "lost: {gone:?}");
        let taken: Vec<u64> = prelude.chain(gone.iter().copied()).collect();
        group.mine_came_but_for(&taken);
        assert!((MINE..MINE + group.sent).all(|number| group.attempt(number) <= 2), "only one had it");
        let (gone, marked) = (gone.len() as u64, marked as u64);
        group.goes_on(place);
        [gone, gone + marked]
    }

    fn range(&self) -> [Progress; 2] {
        let least = if self.holds() { self.marks } else { 0 };
        [[0, least], [self.takes, self.marks]]
    }
}
