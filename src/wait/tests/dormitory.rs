//! Dormitories by themselves: who dies in one, stands still, or finds no bed. A thread that ends with a mutex in its hands is,
//! to everybody else, a process that was killed with it.

use crate::layout::dormitory::{BEDS, DormTable, Dorms, fresh};
use crate::layout::error::Kind;
use crate::layout::geometry::{FRAMES_OFFSET, Geometry, Shape};
use crate::layout::waiter::Waiter;
use crate::memory::Region;
use crate::memory::cords::{Cords, Source};
use crate::memory::heap::Block;
use crate::sync::{AtomicU32, Dorm, Ordering::Relaxed, step};
use crate::sys::posix::{self, Locked};
use crate::wait::deadline::Deadline;
use crate::wait::parker::{self, Bell, Woken};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

const WAITERS: [Waiter; 4] = [Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue, Waiter::EventFd];
const LONG: Duration = Duration::from_secs(20);

/// A word to sleep on, and dormitories; that of a pair's bell has one bed, that of many 64.
struct House {
    word: AtomicU32,
    dorms: Dorms,
}

impl House {
    fn new(waiter: Waiter, kind: Kind) -> Arc<Self> {
        let shape = Shape {
            capacity: 1,
            size: 8,
            align: 8,
            placement: None,
            frame_bytes: None,
            frames_offset: FRAMES_OFFSET,
            is_slotted: false,
        };
        let table = DormTable::new(waiter, kind, None).expect("dormitories");
        let geometry = Geometry::new(shape).and_then(|ring| ring.with_dorms(Some(table))).expect("a possible shape");
        let words = fresh(&table, posix::new_mutex(), posix::new_semaphore());
        let mut block = Block::new(geometry.total as usize).expect("memory");
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
        block.fill(geometry.dorms_offset() as usize, &bytes);
        let source = match waiter {
            Waiter::MessageQueue => Some(Source::OwnQueues),
            Waiter::EventFd => Some(Source::Events),
            _ => None,
        };
        let beds = || (0..table.count()).map(|dorm| table.beds(dorm) as usize);
        let cords = source.map(|source| Cords::new(source, beds(), table.common() as usize).expect("room for some"));
        let dorms = Dorms::new(&Arc::new(Region::Heap(block)), &geometry, cords.as_ref()).expect("dormitories");
        Arc::new(Self { word: AtomicU32::default(), dorms })
    }

    fn dorm(&self) -> &Dorm {
        self.dorms.get(0).expect("one")
    }

    fn bell(&self) -> Bell<'_> {
        Bell::new(&self.word, Some(self.dorm()))
    }

    /// How many are asleep there.
    fn asleep(&self) -> usize {
        (0..self.dorm().beds()).filter(|&bed| self.dorm().state(bed).load(Relaxed) & 3 == 1).count()
    }

    /// Somebody who sleeps until the word is no more 0, and what comes of it.
    fn sleeper(self: &Arc<Self>) -> thread::JoinHandle<Woken> {
        let (house, before) = (Arc::clone(self), self.asleep());
        let sleeper = thread::spawn(move || parker::park(house.bell(), 0, Deadline::after(LONG)));
        while self.asleep() <= before {
            thread::yield_now();
        }
        sleeper
    }

    /// Somebody lies down, and dies in bed.
    fn dies_asleep(self: &Arc<Self>) {
        let (house, before) = (Arc::clone(self), self.asleep());
        let dying = move || {
            let bed =
                (0..house.dorm().beds()).find(|&bed| posix::try_lock(&house.dorm().bed(bed).mutex) != Locked::Busy);
            let order = house.dorm().desk().order.fetch_add(1, Relaxed);
            house.dorm().state(bed.expect("a bed")).store(order << 2 | 1, Relaxed);
        };
        thread::spawn(dying).join().unwrap();
        assert_eq!(self.asleep(), before + 1);
    }
}

#[test]
fn the_dead_are_not_woken_and_take_no_wake_from_the_living() {
    for waiter in WAITERS {
        let house = House::new(waiter, Kind::Mpmc);
        // The first bed is free again when the next one comes, so that one does not find the dead.
        let first = house.sleeper();
        house.dies_asleep();
        assert_eq!(parker::unpark_some(house.bell(), 1), 1);
        assert_eq!(first.join().unwrap(), Woken::Look);
        let sleeper = house.sleeper();
        house.word.store(1, Relaxed);
        assert_eq!(parker::unpark_some(house.bell(), 1), 1);
        assert_eq!(sleeper.join().unwrap(), Woken::Look);
        assert_eq!((parker::unpark_some(house.bell(), 1), house.asleep()), (0, 0), "nobody is there");
    }
}

#[test]
fn a_bed_in_which_somebody_died_is_used_again() {
    for waiter in WAITERS {
        let house = House::new(waiter, Kind::Spsc);
        house.dies_asleep();
        let second = {
            let house = Arc::clone(&house);
            thread::spawn(move || parker::park(house.bell(), 0, Deadline::after(LONG)))
        };
        // The dead one's number was 0.
        while house.dorm().state(0).load(Relaxed) != 1 << 2 | 1 {
            thread::yield_now();
        }
        house.word.store(1, Relaxed);
        assert_eq!(parker::unpark_some(house.bell(), usize::MAX), 1);
        assert_eq!(second.join().unwrap(), Woken::Look);
    }
}

#[test]
fn the_longest_asleep_is_woken_first() {
    for waiter in WAITERS {
        let house = House::new(waiter, Kind::Mpmc);
        let (tell, told) = channel();
        for name in 0..3 {
            let (sleeper, tell) = (house.sleeper(), tell.clone());
            thread::spawn(move || tell.send((name, sleeper.join().unwrap())));
        }
        house.word.store(1, Relaxed);
        for name in 0..3 {
            assert_eq!(parker::unpark_some(house.bell(), 1), 1);
            assert_eq!(told.recv_timeout(LONG), Ok((name, Woken::Look)), "{waiter}");
        }
        assert_eq!(parker::unpark_some(house.bell(), usize::MAX), 0);
    }
}

#[test]
fn who_comes_late_does_not_lie_down_and_who_is_not_called_gets_up_in_time() {
    for waiter in WAITERS {
        let house = House::new(waiter, Kind::Spsc);
        assert_eq!(parker::park(house.bell(), 7, Deadline::NEVER), Woken::Look, "the word is 0");
        let (start, nap) = (Instant::now(), Duration::from_millis(20));
        assert_eq!(parker::park(house.bell(), 0, Deadline::after(nap)), Woken::TimedOut);
        assert!(start.elapsed() >= nap);
        assert_eq!(house.asleep(), 0);
    }
}

/// More come than there are beds: they are back a moment later, and look.
#[test]
fn who_finds_no_bed_is_back_soon() {
    for (waiter, kind, beds) in [(Waiter::Condvar, Kind::Spsc, 1), (Waiter::Semaphore, Kind::Mpmc, BEDS)] {
        let house = House::new(waiter, kind);
        let sleepers: Vec<_> = (0..beds).map(|_| house.sleeper()).collect();
        assert_eq!(parker::park(house.bell(), 0, Deadline::NEVER), Woken::Look, "or it would sleep for ever");
        house.word.store(1, Relaxed);
        assert_eq!(parker::unpark_some(house.bell(), usize::MAX) as u64, beds);
        assert!(sleepers.into_iter().all(|sleeper| sleeper.join().unwrap() == Woken::Look));
    }
}

/// Somebody has called one and does not post, dead or stopped. Others do not wait for that: who finds nobody else calls again.
#[test]
fn who_was_called_and_not_woken_is_woken_by_the_next() {
    for waiter in WAITERS {
        let house = House::new(waiter, Kind::Mpmc);
        let (called, other) = (house.sleeper(), house.sleeper());
        let state = house.dorm().state(0).load(Relaxed);
        house.dorm().state(0).store(state + 1, Relaxed);
        house.word.store(1, Relaxed);
        assert_eq!(parker::unpark_some(house.bell(), 1), 1, "who sleeps comes first");
        assert_eq!(other.join().unwrap(), Woken::Look);
        assert!(!called.is_finished());
        assert_eq!(parker::unpark_some(house.bell(), 1), 0, "it is not ours");
        let (tell, told) = channel();
        thread::spawn(move || tell.send(called.join().unwrap()));
        assert_eq!(told.recv_timeout(LONG / 2), Ok(Woken::Look), "{waiter}: still asleep");
    }
}

/// Somebody dies with the desk's mutex when it has called one and not posted.
#[test]
fn who_gets_the_desk_from_the_dead_wakes_whom_they_called() {
    let house = House::new(Waiter::Condvar, Kind::Mpmc);
    let (called, other) = (house.sleeper(), house.sleeper());
    let dying = Arc::clone(&house);
    let die = move || {
        assert_eq!(posix::try_lock(&dying.dorm().desk().mutex), Locked::Ours);
        dying.word.store(1, Relaxed);
        let state = dying.dorm().state(0).load(Relaxed);
        dying.dorm().state(0).store(state + 1, Relaxed);
    };
    thread::spawn(die).join().unwrap();
    assert_eq!(parker::unpark_some(house.bell(), 1), 1, "the other one");
    assert_eq!([called, other].map(|sleeper| sleeper.join().unwrap()), [Woken::Look; 2]);
}

/// Somebody stands still with the desk's mutex: nobody waits for it for long, and no wake is lost.
#[test]
fn who_stands_still_at_the_desk_is_not_waited_for() {
    let house = House::new(Waiter::Condvar, Kind::Mpmc);
    let sleeper = house.sleeper();
    let (go_on, goes_on) = channel::<()>();
    let (stands, is_standing) = channel();
    let still = {
        let house = Arc::clone(&house);
        thread::spawn(move || {
            assert_eq!(posix::try_lock(&house.dorm().desk().mutex), Locked::Ours);
            stands.send(()).unwrap();
            let _ = goes_on.recv();
            assert!(posix::unlock(&house.dorm().desk().mutex));
        })
    };
    is_standing.recv().unwrap();
    assert_eq!(parker::park(house.bell(), 0, Deadline::NEVER), Woken::Look, "nobody lies down meanwhile");
    house.word.store(1, Relaxed);
    assert_eq!(parker::unpark_some(house.bell(), 1), 1);
    assert_eq!(sleeper.join().unwrap(), Woken::Look);
    drop(go_on);
    still.join().unwrap();
}

/// One lies down again and again, and is woken at that moment, a little earlier or a little later. (That a fence lacks is not seen
/// here: too much lies between a store and the look behind it for a processor to turn the two round.)
#[test]
fn no_wake_is_lost_to_who_is_lying_down() {
    const OVER: u32 = u32::MAX;
    let house = House::new(Waiter::Semaphore, Kind::Spsc);
    let (theirs, answers) = (Arc::clone(&house), Arc::new(AtomicU32::default()));
    let answer = Arc::clone(&answers);
    let sleeper = thread::spawn(move || {
        let mut round = 0;
        while theirs.word.load(Relaxed) != OVER {
            if theirs.word.load(Relaxed) == round {
                let woken = parker::park(theirs.bell(), round, Deadline::after(LONG));
                assert_ne!(woken, Woken::TimedOut, "slept on in round {round}");
            } else {
                round += 1;
                answer.store(round, Relaxed);
            }
        }
    });
    let wake = |word| {
        house.word.store(word, Relaxed);
        parker::unpark_some(house.bell(), 1);
    };
    let end = Instant::now() + Duration::from_secs(1);
    let mut round = 0;
    while Instant::now() < end && !sleeper.is_finished() {
        round += 1;
        (0..round % 128).for_each(|_| std::hint::spin_loop());
        wake(round);
        let mut looks = 0_u32;
        while answers.load(Relaxed) != round && !sleeper.is_finished() {
            looks += 1;
            if looks % 1000 == 0 { thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
    wake(OVER);
    sleeper.join().expect("all were woken");
}

/// Sleeps for so long, and has another thread do that before the n-th step. (A mutex knows its own thread.) What came of the
/// sleep, and of that; `None`: the sleep has no such step.
fn beside<R: Send + 'static>(
    house: &Arc<House>,
    n: u32,
    nap: Duration,
    act: impl Fn(Arc<House>) -> R + Clone + Send + 'static,
) -> Option<(Woken, R)> {
    let (acted, steps) = (Rc::new(RefCell::new(None)), Cell::new(0));
    let (other, result) = (Arc::clone(house), Rc::clone(&acted));
    step::before_each(Some(Box::new(move || {
        if steps.get() == n {
            let (other, act) = (Arc::clone(&other), act.clone());
            *result.borrow_mut() = Some(thread::spawn(move || act(other)).join().unwrap());
        }
        steps.set(steps.get() + 1);
    })));
    let slept = parker::park(house.bell(), 0, Deadline::after(nap));
    step::before_each(None);
    let acted = acted.borrow_mut().take()?;
    Some((slept, acted))
}

/// Whoever says that it woke one has; and who was not called, and had not slept yet, has seen what it is about.
#[test]
fn no_wake_is_lost_at_any_step_of_a_sleep() {
    const NAP: Duration = Duration::from_millis(20);
    for waiter in WAITERS {
        let mut n = 0;
        loop {
            let (house, start) = (House::new(waiter, Kind::Mpmc), Instant::now());
            let wake = move |house: Arc<House>| {
                let has_slept = start.elapsed() >= NAP;
                house.word.store(1, Relaxed);
                (has_slept, parker::unpark_some(house.bell(), 1))
            };
            let Some((slept, (has_slept, woken))) = beside(&house, n, NAP, wake) else { break };
            assert!(
                slept == Woken::Look || has_slept && woken == 0,
                "{waiter}: woken {woken} before step {n}, and {slept:?}"
            );
            n += 1;
        }
        assert!(n > 5);
    }
}

/// Whoever lies down while another gets up, in the same bed or in another, is woken.
#[test]
fn who_gets_up_leaves_a_bed_to_the_next() {
    // Where there is a desk, nobody lies down while another stands there.
    for waiter in WAITERS.into_iter().filter(|waiter| *waiter != Waiter::Condvar) {
        let mut n = 0;
        loop {
            let house = House::new(waiter, Kind::Mpmc);
            let lie_down = |house: Arc<House>| house.sleeper();
            let Some((_, sleeper)) = beside(&house, n, Duration::from_millis(1), lie_down) else { break };
            house.word.store(1, Relaxed);
            assert_eq!(
                parker::unpark_some(house.bell(), 1),
                1,
                "{waiter}: nobody to be woken, who lay down before step {n}"
            );
            assert_eq!(sleeper.join().unwrap(), Woken::Look);
            n += 1;
        }
        assert!(n > 5);
    }
}
