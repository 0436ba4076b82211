//! The victim recovers memory that one has left who is dead; a third one does what it leaves undone.

use super::lanes_words::{Phase, Words};
use super::loan_pool::{CAPACITY, IN_LANE, Pool, SMALL, lend, message, options};
use super::puppet::{Puppet, act};
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::mpmc::{Loan, Receiver, Sender};
use std::cell::Cell;

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Memory that was lent.
    Lent,
    /// A message in hand, which was read.
    Read,
}

/// Who recovers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The dead one is buried.
    Asking,
    /// The same; then it wants memory, and there is no other.
    Loan,
    /// The same; then it wants the message in hand.
    RecvRef,
    RecvOwned,
}

#[derive(Debug)]
struct Recovery {
    left: Left,
    by: By,
    /// Bytes of it.
    len: usize,
    /// How often the lane was as the dead one had left it, and another.
    met: Cell<[usize; 2]>,
}

#[derive(Debug)]
pub(crate) struct Survivor {
    pool: Pool,
    /// All other memory.
    held: Vec<Loan>,
}

/// Fault 41.
pub(crate) fn scenes() -> Vec<Entry> {
    let plan = [
        (Left::Lent, By::Asking),
        (Left::Lent, By::Loan),
        (Left::Read, By::Asking),
        (Left::Read, By::RecvRef),
        (Left::Read, By::RecvOwned),
    ];
    let each = plan.map(|(left, by)| [IN_LANE, SMALL].map(|len| Recovery { left, by, len, met: Cell::default() }));
    let each = each.into_iter().flatten();
    each.filter(|scene| scene.is_like_no_other() || stage::everywhere()).map(Entry::new).collect()
}

impl Recovery {
    /// All ask first; and of what is taken from a hand, the memory matters only when it is read.
    fn is_like_no_other(&self) -> bool {
        match self.by {
            By::Asking => false,
            By::Loan => true,
            By::RecvRef => self.len == IN_LANE,
            By::RecvOwned => self.len == SMALL,
        }
    }

    fn takes(&self) -> bool {
        matches!(self.by, By::RecvRef | By::RecvOwned)
    }

    fn play_corpse(&self, place: &Place) {
        if self.left == Left::Lent {
            let tx = Sender::open_with(NAME, &options(place)).expect("a place");
            let loan = lend(&tx, self.len);
            act(|| drop(loan), |()| true);
        }
        let rx = Receiver::open_with(NAME, &options(place)).expect("a place");
        let guard = rx.recv_owned().expect("a message");
        act(|| drop(guard), |()| true)
    }

    fn phase(&self) -> Phase {
        if self.left == Left::Lent { Phase::Writing } else { Phase::Reading }
    }
}

/// The one lane of somebody else's that is not free.
fn busy(place: &Place, held: usize) -> Option<Phase> {
    let words = Words::of(place);
    let phases = (0..4).map(|lane| words.lane(lane).phase).filter(|phase| *phase != Phase::Free);
    let (ours, mut others): (Vec<_>, Vec<_>) = phases.partition(|phase| held > 0 && *phase == Phase::Writing);
    // What the dead one was lent looks like what we are.
    others.extend(ours.into_iter().skip(held));
    assert!(others.len() <= 1, "{others:?}");
    others.pop()
}

impl Scene for Recovery {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("loan {:?} by one who is dead, {} bytes, recovered by {:?}", self.left, self.len, self.by)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        Points::CloseToChangesAndCalls
    }

    fn survive(&self, place: &Place) -> Survivor {
        let pool = Pool::warm(place, Some(SMALL));
        if self.left == Left::Read {
            pool.send(self.len);
        }
        Puppet::start(|| self.play_corpse(place)).kill();
        let mut held = Vec::new();
        if self.by == By::Loan {
            for len in [SMALL, SMALL + 1, IN_LANE, IN_LANE + 1] {
                let is_theirs = len == self.len;
                held.extend((!is_theirs).then(|| lend(&pool.tx, len)));
            }
        }
        assert_eq!(busy(place, held.len()), Some(self.phase()));
        Survivor { pool, held }
    }

    fn play(&self, place: &Place) {
        let options = options(place);
        if self.left == Left::Lent {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            let recover = || {
                let is_well = tx.disconnect_reason().is_none();
                is_well && (self.by == By::Asking || tx.try_loan(self.len).is_ok())
            };
            act(recover, |is_well| *is_well);
        }
        let rx = Receiver::open_with(NAME, &options).expect("a place");
        let expected = message(self.len);
        let recover = || {
            let is_well = rx.disconnect_reason().is_none();
            let is_right = match self.by {
                By::RecvRef => {
                    let guard = rx.recv_ref().expect("a message");
                    let is_right = *guard == *expected && guard.attempt() == 2;
                    guard.commit();
                    is_right
                }
                By::RecvOwned => {
                    let guard = rx.recv_owned().expect("a message");
                    let is_right = *guard == *expected && guard.attempt() == 2;
                    guard.commit();
                    is_right
                }
                By::Asking | By::Loan => true,
            };
            is_well && is_right
        };
        act(recover, |is_well| *is_well)
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        // The message is the victim's, or lies where it is to find it.
        survivor.pool.ask();
        assert!(survivor.pool.in_use() <= survivor.held.len() + 1);
        place.nothing_can_be_cleaned();
        assert_eq!(survivor.pool.rx.stats().dropped, 0);
    }

    fn bury(&self, place: &Place, survivor: Survivor, fate: Fate) -> Progress {
        let Survivor { mut pool, held } = survivor;
        let left = busy(place, held.len());
        let is_left = left == Some(self.phase());
        let [here, gone] = self.met.get();
        self.met.set([here + usize::from(is_left), gone + usize::from(!is_left)]);
        for loan in held {
            assert!(*loan == *message(loan.len()), "{} bytes: another loan's are there", loan.len());
        }
        pool.clear_up(fate.state % 2 == 0);
        let came = std::mem::take(&mut pool.came);
        match (self.left, &came[..]) {
            (Left::Lent, []) => {}
            (Left::Read, []) => assert!(self.takes(), "lost"),
            (Left::Read, [(len, attempt @ (2 | 3))]) => {
                assert!(*len == self.len && (*attempt == 2 || self.takes()), "{came:?}");
                assert!(!fate.is_complete || !self.takes(), "it was done: {came:?}");
            }
            _ => panic!("lost, not marked, or not sent: {came:?}"),
        }
        assert_eq!((pool.tx.sender_count(), pool.tx.receiver_count()), (1, 1));
        pool.goes_on(place);
        [fate.is_complete.into(), 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }

    fn close(&self) {
        let [here, gone] = self.met.get();
        assert!(here > 0 && (gone > 0 || self.left == Left::Read), "{:?}", self.met);
    }
}
