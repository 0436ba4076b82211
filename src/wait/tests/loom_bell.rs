//! Bells under loom. A wake that is lost is a deadlock, which loom reports. One publication is explored without a bound,
//! two with at most 3 preemptions.

use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{End, FENCED, SLEEP, UNFENCED, weakened};
use crate::sync::explore::explore;
use crate::sync::interrupt::{leave, let_it_reach, point};
use crate::sync::{AtomicU32, AtomicU64, BellWord};
use crate::wait::bell::{Ringer, Sleeper, Sleeps, Waker};
use crate::wait::deadline::Deadline;
use crate::wait::parker::Bell;
use loom::thread::spawn;
// Not loom's: a failing model drops these where loom is no more.
use std::sync::Arc;

/// One bell, and something to publish. The publication is relaxed: the fences alone carry it.
#[derive(Default)]
struct Words {
    armed: AtomicU32,
    bell: BellWord,
    unfenced: AtomicU32,
    published: AtomicU64,
    status: AtomicU64,
}

impl Words {
    fn sleeper(&self) -> Sleeper<'_> {
        Sleeper { armed: &self.armed, bell: Bell::from(&self.bell), unfenced: &self.unfenced }
    }

    fn waker(&self) -> Waker<'_> {
        Waker { armed: &self.armed, bell: Bell::from(&self.bell), unfenced: &self.unfenced }
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

/// What follows a publication.
fn publish(ringer: &mut Ringer, words: &Words) -> bool {
    !ringer.is_calm(words.waker()) && ringer.published(words.waker())
}

fn publications(count: u64) {
    let words = Arc::new(Words::default());
    let theirs = Arc::clone(&words);
    let waking = spawn(move || {
        let mut ringer = Ringer::new(0, Sleeps::BehindAFence);
        let mut rung = 0;
        for n in 1..=count {
            theirs.published.store(n, Relaxed);
            rung += u64::from(publish(&mut ringer, &theirs));
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
            let mut ringer = Ringer::new(0, Sleeps::BehindAFence);
            theirs.published.store(1, Relaxed);
            publish(&mut ringer, &theirs);
            theirs.status.store(1, Relaxed);
            publish(&mut ringer, &theirs);
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
            let mut ringer = Ringer::new(0, Sleeps::BehindAFence);
            for n in 1..=2 {
                theirs.published.store(n, Relaxed);
                publish(&mut ringer, &theirs);
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
            let mut dead = Ringer::new(0, Sleeps::BehindAFence);
            theirs.published.store(1, Relaxed);
            publish(&mut dead, &theirs);
            let mut ringer = Ringer::new(theirs.bell.load(Relaxed), Sleeps::BehindAFence);
            theirs.published.store(2, Relaxed);
            publish(&mut ringer, &theirs);
        });
        words.wait_until(|words| words.published.load(Relaxed) == 2);
        waking.join().unwrap();
    });
}

/// A waker that is killed after it stored the bell and before it called the kernel, and the next one.
fn killed_between_bell_and_call(knows: bool) {
    let words = Arc::new(Words::default());
    let theirs = Arc::clone(&words);
    let waking = spawn(move || {
        theirs.published.store(1, Relaxed);
        SLEEP.fence_source();
        let armed = theirs.armed.load(Relaxed);
        theirs.bell.store(armed, Relaxed);
        // Here it dies. The kernel has torn it down before the next one has the bell.
        let bell = theirs.bell.load(Relaxed);
        theirs.published.store(2, Relaxed);
        if knows {
            Ringer::take_over(theirs.waker(), Sleeps::BehindAFence);
        } else {
            publish(&mut Ringer::new(bell, Sleeps::BehindAFence), &theirs);
        }
    });
    words.wait_until(|words| words.published.load(Relaxed) == 2);
    waking.join().unwrap();
}

#[test]
fn a_successor_wakes_whom_a_killed_waker_was_about_to_wake() {
    explore("killed between bell and call", None, || killed_between_bell_and_call(true));
    let compared = || explore("compared only", None, || killed_between_bell_and_call(false));
    assert!(std::panic::catch_unwind(compared).is_err(), "comparing the words is enough for a successor, too");
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

/// A waker that gives its fence up, publishes, and takes the fence back if the last word of the sleeper asks for it.
fn without_a_fence(takes_it_back: bool) {
    let words = Arc::new(Words::default());
    let theirs = Arc::clone(&words);
    let waking = spawn(move || {
        let mut ringer = Ringer::new(0, Sleeps::BehindABarrier);
        // The first publication has its fence, and is followed by giving it up.
        publish(&mut ringer, &theirs);
        point();
        theirs.published.store(1, Relaxed);
        publish(&mut ringer, &theirs);
        point();
        if takes_it_back {
            ringer.heed(theirs.waker(), Sleeps::BehindAFence);
        }
        leave();
    });
    words.wait_until(|words| words.published.load(Relaxed) == 1);
    waking.join().unwrap();
}

/// Runs `models` with wakers that give their fences up.
fn reached<R>(models: impl FnOnce() -> R) -> R {
    let_it_reach(true);
    let result = models();
    let_it_reach(false);
    result
}

#[test]
fn a_publication_without_a_fence_wakes() {
    reached(|| {
        explore("no fence", Some(3), || without_a_fence(false));
        explore("no fence, then a fence again", Some(3), || without_a_fence(true));
    });
}

#[test]
fn edge_unfenced_matters() {
    let weakened = || explore("weakened", Some(3), || without_a_fence(false));
    assert!(reached(|| weakened::fails(UNFENCED, End::Release, weakened)), "it can be given up without a fence");
}

#[test]
fn edge_fenced_matters() {
    let weakened = || explore("weakened", Some(3), || without_a_fence(true));
    for end in [End::Release, End::Acquire] {
        assert!(reached(|| weakened::fails(FENCED, end, weakened)), "it can be taken back without the {end:?} end");
    }
}

/// A waker that is killed while it makes no fences leaves a word that says so; its successor makes them, and takes the
/// word back when it comes.
#[test]
fn a_successor_takes_the_fence_back() {
    reached(|| {
        explore("killed without fences", Some(2), || {
            let words = Arc::new(Words::default());
            let theirs = Arc::clone(&words);
            let waking = spawn(move || {
                let mut dead = Ringer::new(0, Sleeps::BehindABarrier);
                publish(&mut dead, &theirs);
                point();
                // Here it dies; what it had still in the store buffer the kernel has written out.
                crate::sync::fence(crate::sync::Ordering::SeqCst);
                let (mut next, _) = Ringer::take_over(theirs.waker(), Sleeps::BehindAFence);
                point();
                theirs.published.store(1, Relaxed);
                publish(&mut next, &theirs);
                leave();
            });
            words.wait_until(|words| words.published.load(Relaxed) == 1);
            waking.join().unwrap();
        });
    });
}

/// A waker that has given its fence up, hears that the other end never sleeps, and then that it does.
#[test]
fn a_mind_that_is_changed_finds_the_barrier_still_agreed() {
    reached(|| {
        explore("never, then behind a barrier", Some(2), || {
            let words = Arc::new(Words::default());
            let theirs = Arc::clone(&words);
            let waking = spawn(move || {
                let mut ringer = Ringer::new(0, Sleeps::BehindABarrier);
                publish(&mut ringer, &theirs);
                ringer.heed(theirs.waker(), Sleeps::Never);
                ringer.heed(theirs.waker(), Sleeps::BehindABarrier);
                point();
                theirs.published.store(1, Relaxed);
                publish(&mut ringer, &theirs);
                leave();
            });
            words.wait_until(|words| words.published.load(Relaxed) == 1);
            waking.join().unwrap();
        });
    });
}

/// The barrier is what makes the light half enough.
#[test]
fn the_barrier_matters() {
    let deaf = || {
        explore("a sleeper without the barrier", Some(3), || {
            let words = Arc::new(Words::default());
            let theirs = Arc::clone(&words);
            let waking = spawn(move || {
                let mut ringer = Ringer::new(0, Sleeps::BehindABarrier);
                publish(&mut ringer, &theirs);
                theirs.published.store(1, Relaxed);
                publish(&mut ringer, &theirs);
            });
            // Takes another word for the waker's: one that always says that there are fences.
            let fenced = AtomicU32::new(0);
            let look = || (words.published.load(Relaxed) == 1).then_some(());
            while look().is_none() {
                let sleeper = Sleeper { unfenced: &fenced, ..words.sleeper() };
                if sleeper.sleep(Deadline::NEVER, look).is_ok() {
                    break;
                }
            }
            waking.join().unwrap();
        })
    };
    assert!(reached(|| std::panic::catch_unwind(deaf)).is_err(), "a sleeper needs no barrier");
}
