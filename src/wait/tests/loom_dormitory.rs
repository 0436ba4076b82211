//! Dormitories under loom: who lies down, and who wakes. A wake that is lost is a deadlock, which loom reports.

use crate::sync::BellWord;
use crate::sync::Ordering::Relaxed;
use crate::sync::dormitory::Dorm;
use crate::sync::edge::{End, SLEEP, weakened};
use crate::sync::explore::explore;
use crate::wait::deadline::Deadline;
use crate::wait::dormitory::{park, wake};
use loom::thread::spawn;
// Not loom's: a failing model drops it where loom is no more.
use std::sync::Arc;

/// One sleeps until the word is another, which the stores of the word and the fences alone tell.
fn one_to_one(is_locked: bool) {
    let house = Arc::new((BellWord::default(), Dorm::new(1, is_locked)));
    let theirs = Arc::clone(&house);
    let sleeper = spawn(move || {
        let (word, dorm) = &*theirs;
        while word.load(Relaxed) == 0 {
            park(dorm, word, 0, Deadline::NEVER);
        }
    });
    let (word, dorm) = &*house;
    word.store(1, Relaxed);
    wake(dorm, 1);
    sleeper.join().unwrap();
}

#[test]
fn who_lies_down_is_woken() {
    explore("a bed", None, || one_to_one(false));
    explore("a bed, and a desk that is locked", Some(3), || one_to_one(true));
}

#[test]
fn edge_sleep_matters_in_a_dormitory() {
    for end in [End::Release, End::Acquire] {
        let weakened = || explore("weakened", None, || one_to_one(false));
        assert!(weakened::fails(SLEEP, end, weakened), "no wake is lost without the fence at the {end:?} end");
    }
}
