//! A receiver of a loan is the victim: it takes it, reads it in place, and is done with it or gives it back, all in one.

use super::lanes_words::{Phase, Words};
use super::loan_pool::{CAPACITY, IN_LANE, Pool, SMALL, message, options};
use super::puppet::act;
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::mpmc::Receiver;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Recv,
    RecvRefAndCommit,
    RecvRefAndDrop,
    RecvOwnedAndCommit,
    RecvOwnedAndDrop,
}

/// Where the loan lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    Lane,
    /// In an annex that the victim has mapped.
    Annex,
    /// In one that it maps.
    Unmapped,
}

#[derive(Debug)]
struct Receiving {
    operation: Operation,
    memory: Memory,
}

/// Behind the message that the victim receives.
const NEXT: usize = 50;

/// Fault 38.
pub(crate) fn scenes() -> Vec<Entry> {
    use Memory::{Annex, Lane, Unmapped};
    use Operation::{Recv, RecvOwnedAndCommit, RecvOwnedAndDrop, RecvRefAndCommit, RecvRefAndDrop};
    let in_place = [RecvRefAndCommit, RecvRefAndDrop, RecvOwnedAndCommit, RecvOwnedAndDrop];
    let in_place = in_place.map(|operation| [Lane, Annex, Unmapped].map(|memory| Receiving { operation, memory }));
    let copying = [Lane, Unmapped].map(|memory| Receiving { operation: Recv, memory });
    let each = in_place.into_iter().flatten().chain(copying);
    each.filter(|scene| scene.is_like_no_other() || stage::everywhere()).map(Entry::new).collect()
}

impl Receiving {
    /// Each operation once, and each memory; what is copied from a lane, the scenes of lanes have.
    fn is_like_no_other(&self) -> bool {
        use Memory::{Annex, Lane, Unmapped};
        use Operation::{Recv, RecvOwnedAndCommit, RecvOwnedAndDrop, RecvRefAndCommit, RecvRefAndDrop};
        matches!(
            (self.operation, self.memory),
            (RecvRefAndCommit, Lane | Unmapped)
                | (RecvRefAndDrop, Annex)
                | (RecvOwnedAndCommit, Annex)
                | (RecvOwnedAndDrop, Lane)
                | (Recv, Unmapped)
        )
    }

    fn len(&self) -> usize {
        if self.memory == Memory::Lane { IN_LANE } else { SMALL }
    }

    fn takes(&self) -> bool {
        !matches!(self.operation, Operation::RecvRefAndDrop | Operation::RecvOwnedAndDrop)
    }

    /// What the victim receives before, so that it has what it needs: also each of the annexes.
    fn preludes(&self) -> [usize; 2] {
        if self.memory == Memory::Annex { [SMALL + 1, SMALL + 2] } else { [IN_LANE + 1, IN_LANE + 2] }
    }
}

impl Scene for Receiving {
    type Survivor = Pool;

    fn name(&self) -> String {
        format!("loan {:?}, {:?}", self.operation, self.memory)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match (self.operation, self.memory) {
            (_, Memory::Unmapped) => Points::CallsAndChanges,
            (Operation::RecvRefAndCommit, _) => Points::Sampled,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Pool {
        let pool = Pool::warm(place, Some(SMALL));
        self.preludes().into_iter().for_each(|len| pool.send(len));
        pool
    }

    fn play(&self, place: &Place) {
        let rx = Receiver::open_with(NAME, &options(place)).expect("a place");
        for len in self.preludes() {
            assert!(rx.recv().expect("what was sent first") == *message(len));
        }
        let expected = message(self.len());
        let takes = self.takes();
        match self.operation {
            Operation::Recv => act(|| rx.recv(), |got| got.as_ref().is_ok_and(|got| got == expected)),
            Operation::RecvRefAndCommit | Operation::RecvRefAndDrop => act(
                || {
                    let guard = rx.recv_ref().expect("a message");
                    let is_right = *guard == *expected;
                    takes.then(|| guard.commit());
                    is_right
                },
                |is_right| *is_right,
            ),
            Operation::RecvOwnedAndCommit | Operation::RecvOwnedAndDrop => act(
                || {
                    let guard = rx.recv_owned().expect("a message");
                    let is_right = *guard == *expected;
                    takes.then(|| guard.commit());
                    is_right
                },
                |is_right| *is_right,
            ),
        }
    }

    fn settle(&self, _: &Place, pool: &mut Pool) {
        assert_eq!(pool.in_use(), 0, "it has had what was sent first");
        pool.send(self.len());
        pool.tx.try_send(message(NEXT)).expect("room");
    }

    fn meanwhile(&self, place: &Place, pool: &mut Pool) {
        assert!(pool.rx.in_hand() <= 1, "of one victim");
        pool.respects_the_living(place);
    }

    fn bury(&self, place: &Place, mut pool: Pool, fate: Fate) -> Progress {
        let left = Words::of(place).busy_lane(4).map(|lane| lane.phase);
        pool.clear_up(fate.state % 2 == 0);
        let mut came = std::mem::take(&mut pool.came);
        let nexts = came.iter().filter(|came| **came == (NEXT, 1)).count();
        came.retain(|(len, _)| *len != NEXT);
        assert_eq!(nexts, 1, "behind {came:?}");
        let attempt = match came[..] {
            [] => 0,
            [(len, attempt)] if len == self.len() => attempt,
            _ => panic!("{came:?}"),
        };
        match left {
            None => assert_eq!(attempt, 0, "its memory was free"),
            Some(Phase::Queued) => assert!([1, 2].contains(&attempt), "{attempt}"),
            Some(Phase::Reading) => assert_eq!(attempt, 2, "somebody had it"),
            Some(other) => panic!("{other:?} of a loan that was sent"),
        }
        let is_gone = attempt == 0;
        assert!(!is_gone || self.takes(), "lost");
        assert_eq!(pool.tx.receiver_count(), 1);
        pool.goes_on(place);
        [is_gone.into(), u64::from(is_gone || attempt == 2)]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [self.takes().into(), 1]]
    }
}
