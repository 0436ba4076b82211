//! Who reads a loan in place is the victim.

use super::loan_group::{CAPACITY, Group, IN_ANNEX, IN_LANE, is_whole, options};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::mpmc::Receiver;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Take,
    Commit,
    GiveBack,
}

#[derive(Debug)]
struct Reading {
    operation: Operation,
    /// Bytes of the loan.
    len: usize,
}

pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{Commit, GiveBack, Take};
    let plan = [Take, Commit, GiveBack].map(|operation| [(operation, IN_LANE), (operation, IN_ANNEX)]);
    plan.into_iter().flatten().map(|(operation, len)| Entry::new(Reading { operation, len })).collect()
}

impl Scene for Reading {
    type Survivor = Group;

    fn name(&self) -> String {
        format!("loan {:?}, {} bytes", self.operation, self.len)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match self.operation {
            Operation::Take => Points::CloseToChanges,
            _ => Points::NearChanges,
        }
    }

    fn survive(&self, place: &Place) -> Group {
        let group = Group::warm(place, None);
        group.send(self.len);
        group
    }

    fn play(&self, place: &Place) {
        let rx = Receiver::open_with(NAME, &options(place)).expect("a place");
        let is_right = |bytes: &[u8]| is_whole(bytes, self.len);
        if self.operation == Operation::Take {
            act(|| rx.recv_owned(), |guard| guard.as_ref().is_ok_and(|guard| is_right(guard)))
        }
        let guard = rx.recv_owned().expect("a message");
        assert!(is_right(&guard));
        match self.operation {
            Operation::Take | Operation::Commit => act(|| guard.commit(), |()| true),
            Operation::GiveBack => act(|| drop(guard), |()| true),
        }
    }

    fn meanwhile(&self, place: &Place, group: &mut Group) {
        group.ask();
        assert_eq!(group.rx.receiver_count(), 2);
        let in_use = group.in_use();
        assert!(in_use == 1 || in_use == 0 && self.operation == Operation::Commit, "{in_use} in use");
        if self.operation == Operation::Commit {
            // It has the message: nobody else gets it.
            assert!(group.rx.try_recv().unwrap_err().is_empty());
        }
        let others: Vec<_> = [IN_LANE, IN_ANNEX].into_iter().filter_map(|len| group.tx.try_loan(len).ok()).collect();
        assert_eq!(in_use + others.len() as u64, 2, "{others:?}");
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, group: Group, fate: Fate) -> Progress {
        group.ask();
        assert_eq!(group.rx.receiver_count(), 1);
        let progress = match group.rx.try_recv_ref() {
            Ok(guard) => {
                assert!(is_whole(&guard, self.len), "torn");
                let attempt = guard.attempt();
                assert!((1..=2).contains(&attempt), "delivery {attempt}");
                assert!(attempt == 2 || self.operation == Operation::Take, "it had been delivered");
                assert!(!(fate.is_complete && self.operation == Operation::Commit), "done, and still there");
                guard.commit();
                [u64::from(attempt == 2), 0]
            }
            Err(error) => {
                assert!(error.is_empty() && self.operation == Operation::Commit, "lost");
                [1, 1]
            }
        };
        group.goes_on(place);
        progress
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, u64::from(self.operation == Operation::Commit)]]
    }
}
