//! Processes that are attached to a channel and do nothing: whether the ends that work are as fast beside them.
//!
//! They are workers of the same turn. They come before the clock starts and sleep until it has stopped, each at a futex of
//! the board, without a timeout: who wakes up now and then is not idle.

use crate::board::Board;
use crate::contestant::{Between, Card, Ends, Failure, Place};
use crate::entry::{Does, Entry, Runner};
use crate::many::{sleep_long_while, sleep_shortly_while, wake_all};
use crate::task::{Part, Seen, Task, Work};
use std::sync::atomic::{AtomicU64, Ordering::*};

/// Who has come, and whether it is over: words of the board that nobody needs where there are two ends.
fn words(board: &Board) -> [&AtomicU64; 2] {
    let [come, over, ..] = board.crowd();
    [come, over]
}

/// One has come. Sleeps until it is over.
fn attend(board: &Board) {
    let [come, over] = words(board);
    come.fetch_add(1, AcqRel);
    wake_all(come);
    while over.load(Acquire) == 0 {
        sleep_long_while(over, 0);
    }
}

/// Waits until so many have come.
pub fn await_all(board: &Board, idle: usize) -> Result<(), Failure> {
    let [come, _] = words(board);
    loop {
        match come.load(Acquire) {
            all if all >= idle as u64 => return Ok(()),
            _ if board.has_failed() => return Err("the other side has failed".into()),
            some => sleep_shortly_while(come, some),
        }
    }
}

/// It is over.
pub fn dismiss(board: &Board) {
    let [_, over] = words(board);
    over.store(1, Release);
    wake_all(over);
}

/// A contestant beside which others may be attached.
pub trait Idle: Between {
    /// What one of them holds.
    type Attached;

    /// Attaches one of them to the channel of this place, or makes it.
    fn attach(&self, place: &Place, index: usize) -> Result<Self::Attached, Failure>;
}

struct Beside<C> {
    ends: Entry,
    contestant: C,
}

/// A contestant beside so many others.
pub fn beside<C: Idle>(card: Card, contestant: C, idle: usize) -> Entry {
    let ends = Entry::between(card.clone(), contestant.clone());
    Entry::new(card, Ends::Processes, Box::new(Beside { ends, contestant })).only(Does::Members).beside(idle)
}

impl<C: Idle> Runner for Beside<C> {
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        let Part::Idle(index) = task.part else { return self.ends.run(task, board) };
        let ways = if matches!(task.work, Work::RoundTrip { .. }) { 2 } else { 1 };
        let attach = |way| self.contestant.attach(&task.place(way), index);
        let attached = (0..ways).map(attach).collect::<Result<Vec<_>, _>>()?;
        attend(board);
        drop(attached);
        Ok(Vec::new())
    }

    fn clean(&self, place: &Place) {
        self.ends.clean(place);
    }
}
