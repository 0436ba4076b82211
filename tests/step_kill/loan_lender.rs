//! Who borrows memory to send it is the victim.

use super::loan_group::{CAPACITY, Group, IN_ANNEX, IN_ANOTHER, IN_LANE, fill, options};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::mpmc::Sender;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Loan,
    Send,
    GiveBack,
}

#[derive(Debug)]
struct Lending {
    operation: Operation,
    /// Bytes of the loan.
    len: usize,
    /// The annex that there is.
    before: Option<usize>,
    /// Whether its death is noticed before anybody receives. Of a message whose ticket is in the ring and whose `send` has not
    /// returned that makes a difference: it is nobody's then.
    is_buried_first: bool,
}

pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{GiveBack, Loan, Send};
    let plan = [
        (Loan, IN_LANE, None, false),
        (Send, IN_LANE, None, false),
        (Send, IN_LANE, None, true),
        (GiveBack, IN_LANE, None, true),
        // Made, used, and replaced by a longer one and a shorter one.
        (Loan, IN_ANNEX, None, false),
        (Loan, IN_ANNEX, Some(IN_ANNEX), false),
        (Loan, IN_ANOTHER, Some(IN_ANNEX), true),
        (Loan, IN_ANNEX, Some(IN_ANOTHER), true),
        (Send, IN_ANNEX, None, false),
        (GiveBack, IN_ANNEX, None, false),
    ];
    let entry =
        |(operation, len, before, is_buried_first)| Entry::new(Lending { operation, len, before, is_buried_first });
    plan.map(entry).into()
}

impl Scene for Lending {
    type Survivor = Group;

    fn name(&self) -> String {
        let first = if self.is_buried_first { ", buried first" } else { "" };
        format!("loan {:?}, {} bytes, annex {:?}{first}", self.operation, self.len, self.before)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match self.operation {
            // It makes files: between two calls nothing but its own memory changes.
            Operation::Loan if self.len > IN_LANE => Points::CallsAndChanges,
            Operation::Loan => Points::EveryInstruction,
            Operation::Send => Points::CloseToChanges,
            Operation::GiveBack => Points::NearChanges,
        }
    }

    fn survive(&self, place: &Place) -> Group {
        Group::warm(place, self.before)
    }

    fn play(&self, place: &Place) {
        let tx = Sender::open_with(NAME, &options(place)).expect("a place");
        // Its thread has what it needs.
        tx.try_send(&[]).expect("room");
        if self.operation == Operation::Loan {
            act(|| tx.loan(self.len), |loan| loan.as_ref().is_ok_and(|loan| loan.len() == self.len))
        }
        let mut loan = tx.loan(self.len).expect("memory that nobody has");
        fill(&mut loan);
        match self.operation {
            Operation::Loan | Operation::Send => act(|| loan.send().is_ok(), |is_sent| *is_sent),
            Operation::GiveBack => act(|| drop(loan), |()| true),
        }
    }

    fn settle(&self, _: &Place, group: &mut Group) {
        assert_eq!(group.rx.try_recv().expect("what was sent first"), []);
    }

    fn meanwhile(&self, place: &Place, group: &mut Group) {
        group.ask();
        assert!((2..=3).contains(&group.tx.sender_count()), "its loan is one more");
        group.drain(self.len);
        // What it has borrowed is its; what it has not can be had.
        let borrowed = group.in_use();
        let others: Vec<_> = [IN_LANE, IN_ANNEX].into_iter().filter_map(|len| group.tx.try_loan(len).ok()).collect();
        assert_eq!(borrowed + others.len() as u64, 2, "{others:?}");
        drop(others);
        assert_eq!(group.in_use(), borrowed);
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut group: Group, _: Fate) -> Progress {
        if !self.is_buried_first {
            group.drain(self.len);
        }
        group.ask();
        group.drain(self.len);
        assert_eq!(group.tx.sender_count(), 1);
        group.goes_on(place);
        [group.came, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [u64::from(self.operation == Operation::Send), 0]]
    }
}
