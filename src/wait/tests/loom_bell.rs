//! Bells under loom. A wake that is lost is a deadlock, which loom reports. One publication is explored without a bound,
//! two with at most 3 preemptions.

use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{End, SLEEP, weakened};
use crate::sync::explore::explore;
use crate::sync::{AtomicU32, AtomicU64, BellWord};
use crate::wait::bell::{Sleeper, Waker};
use crate::wait::deadline::Deadline;
use loom::sync::Arc;
use loom::thread::spawn;

/// One bell, and something to publish. The publication is relaxed: the fences alone carry it.
#[derive(Default)]
struct Words {
    armed: AtomicU32,
    bell: BellWord,
    published: AtomicU64,
    status: AtomicU64,
}

impl Words {
    fn sleeper(&self) -> Sleeper<'_> {
        Sleeper { armed: &self.armed, bell: &self.bell }
    }

    fn waker(&self) -> Waker<'_> {
        Waker { armed: &self.armed, bell: &self.bell }
    }

    /// As `wait::wait` does it.
    fn wait_until(&self, is_there: impl Fn(&Self) -> bool) {
        let look = || is_there(self).then_some(());
        if look().is_some() {
            return;
        }
        while self.sleeper().sleep(Deadline::NEVER, look).is_err() {
            if look().is_some() {
                return self.sleeper().disarm();
            }
        }
    }
}

fn publications(count: u64) {
    let words = Arc::new(Words::default());
    let theirs = Arc::clone(&words);
    let waking = spawn(move || {
        let mut bell = 0;
        let mut rung = 0;
        for n in 1..=count {
            theirs.published.store(n, Relaxed);
            rung += u64::from(theirs.waker().ring(&mut bell));
        }
        rung
    });
    for n in 1..=count {
        words.wait_until(|words| words.published.load(Relaxed) >= n);
    }
    assert!(waking.join().unwrap() <= count);
}

#[test]
fn one_publication_wakes() {
    explore("one publication", None, || publications(1));
}

#[test]
fn two_publications_wake_with_disarms_between() {
    explore("two publications", Some(3), || publications(2));
}

#[test]
fn a_status_wakes_as_data_does() {
    explore("data, then status", Some(3), || {
        let words = Arc::new(Words::default());
        let theirs = Arc::clone(&words);
        let waking = spawn(move || {
            let mut bell = 0;
            theirs.published.store(1, Relaxed);
            theirs.waker().ring(&mut bell);
            theirs.status.store(1, Relaxed);
            theirs.waker().ring(&mut bell);
        });
        words.wait_until(|words| words.status.load(Relaxed) == 1);
        waking.join().unwrap();
    });
}

/// A sleeper that gave up (its time was over) left its arm behind, or took it back with an old bell: either way the next
/// sleep is woken.
#[test]
fn a_stale_arm_takes_no_wake_from_the_next_sleep() {
    explore("stale arms", Some(3), || {
        let words = Arc::new(Words::default());
        let theirs = Arc::clone(&words);
        let waking = spawn(move || {
            let mut bell = 0;
            for n in 1..=2 {
                theirs.published.store(n, Relaxed);
                theirs.waker().ring(&mut bell);
            }
        });
        // Armed, and then no sleep: as when the look finds something else.
        let _ = words.sleeper().sleep(Deadline::NEVER, || Some(()));
        words.wait_until(|words| words.published.load(Relaxed) == 2);
        words.sleeper().disarm();
        waking.join().unwrap();
    });
}

/// A waker that comes after another (the first was killed between storing the bell and calling the kernel) takes the
/// bell up as it finds it.
#[test]
fn a_new_waker_takes_up_the_bell_of_a_dead_one() {
    explore("new waker", Some(3), || {
        let words = Arc::new(Words::default());
        let theirs = Arc::clone(&words);
        let waking = spawn(move || {
            let mut dead = 0;
            theirs.published.store(1, Relaxed);
            theirs.waker().ring(&mut dead);
            let mut bell = theirs.bell.load(Relaxed);
            theirs.published.store(2, Relaxed);
            theirs.waker().ring(&mut bell);
        });
        words.wait_until(|words| words.published.load(Relaxed) == 2);
        waking.join().unwrap();
    });
}

#[test]
fn edge_sleep_matters() {
    explore("sleep", None, || publications(1));
    for end in [End::Release, End::Acquire] {
        assert!(
            weakened::fails(SLEEP, end, || explore("weakened", None, || publications(1))),
            "no wake is lost without the fence at the {end:?} end"
        );
    }
}
