//! Sleeping and waking without a futex, for as many as like: a bed each, and a semaphore at each bed.
//!
//! It gives what a futex gives: *sleep while this word is v, until then*, and *wake so many of those who sleep on this word*. The
//! protocols above it ([`super::bell`], [`super::event_count`]) do not know the difference.
//!
//! ```text
//! sleeper                                   waker
//!   take a bed (its mutex), drain it          (the word has been changed)
//!   o = order += 1                            fence
//!   state = (o, ASLEEP)                       o = the least of all (o, ASLEEP)
//!   fence                                     state: (o, ASLEEP) -> (o, CALLED)
//!   the word is v? sem_wait                   is its mutex taken? sem_post
//!   state = FREE, leave the bed               else it is a dead one's: FREE, and the next
//! ```
//!
//! *No wake is lost*: of the two fences one is first, as in the modules above. The sleeper's: the waker sees its state. The
//! waker's: the sleeper sees the word changed. And a post goes to one bed, so nobody can take another's: that is what a
//! semaphore for all would not promise.
//!
//! *Locked* ([`Waiter::Condvar`](crate::Waiter::Condvar)): both do it with the desk's mutex, as one does with a condition variable; the
//! queue of semaphores is Birrell's. (The C library's own condition variable is none for us: see `sys::posix`.) The fences
//! stay, so that nothing is lost where somebody stands still with the mutex: a waker waits for it for a millisecond, and
//! then goes on without.
//!
//! # Death
//!
//! Every mutex here outlives its owner, and every change is one store or one swap. A sleeper that is killed leaves a
//! bed whose mutex says so: the next waker, or sleeper, clears it, and no wake goes there. A waker that is killed between
//! CALLED and the post leaves somebody asleep until the end of its slice, which finds CALLED; or until somebody wakes all
//! (who takes the dead one's place does), or gets the desk's mutex from the dead: they post again.
//!
//! A mutex that was wiped while somebody had it (the file was cut short, or emptied) stays in the C library's list of what the thread
//! has: what it locks next is linked to it. So its memory is not given back ([`Dorm::keep`]).
//!
//! # No bed
//!
//! Who finds none sleeps a millisecond at a time and looks.
//!
//! *Source*: Birrell, "Implementing condition variables with semaphores" (2003).

use super::bell::UNHEARD;
use super::deadline::Deadline;
use super::parker::{self, Woken};
use crate::sync::Ordering::Relaxed;
use crate::sync::dormitory::Foreign;
use crate::sync::edge::SLEEP;
use crate::sync::{BellWord, Dorm};
use crate::sys::posix::{self, Locked};

/// What a bed is, in the low bits of its state; above them, the sleeper's number.
const FREE: u64 = 0;
const ASLEEP: u64 = 1;
const CALLED: u64 = 2;
const BITS: u32 = 2;
const KIND: u64 = (1 << BITS) - 1;

/// How long a waker waits for the desk's mutex.
const STOPPED: std::time::Duration = std::time::Duration::from_millis(1);

/// Sleeps while `word` is `expected`, at most until the deadline; may come back early.
pub(super) fn park(dorm: &Dorm, word: &BellWord, expected: u32, deadline: Deadline) -> Woken {
    let Some(bed) = take_bed(dorm) else { return parker::nap(deadline.within(UNHEARD)) };
    let order = dorm.desk().order.fetch_add(1, Relaxed); // relaxed: the fence orders it
    let asleep = order << BITS | ASLEEP;
    // Relaxed: as above.
    let woken = match lie_down(dorm, bed, asleep, deadline, || word.load(Relaxed) == expected) {
        Ok(()) => posix::wait(&dorm.bed(bed).semaphore, deadline.ns()).into(),
        Err(woken) => woken,
    };
    // From here on nobody calls us, or somebody has: a wake that came at the last moment was meant for us. Relaxed, both: what
    // was published, the next look finds, and if it were too early, the fence of the next round orders it.
    let got_up = dorm.state(bed).compare_exchange(asleep, FREE, Relaxed, Relaxed);
    leave_bed(dorm, bed);
    if got_up.is_err_and(|state| state & KIND == CALLED) { Woken::Look } else { woken }
}

/// A bed that is nobody's, now ours.
fn take_bed(dorm: &Dorm) -> Option<usize> {
    let bed = (0..dorm.beds()).find(|&bed| posix::try_lock(&dorm.bed(bed).mutex) != Locked::Busy)?;
    dorm.state(bed).store(FREE, Relaxed); // relaxed: a waker that calls a dead one calls us for nothing
    // What comes later from one who called the last sleeper here, we wake up for once for nothing.
    posix::drain(&dorm.bed(bed).semaphore);
    Some(bed)
}

fn leave_bed(dorm: &Dorm, bed: usize) {
    dorm.state(bed).store(FREE, Relaxed); // relaxed: as in `take_bed`
    give_back(dorm, &dorm.bed(bed).mutex);
}

/// Gives a mutex back. If it is none any more, its memory stays for as long as the process lives.
fn give_back(dorm: &Dorm, mutex: &Foreign) {
    if !posix::unlock(mutex) {
        dorm.keep();
    }
}

/// Says that we sleep, unless the word has changed.
fn lie_down(
    dorm: &Dorm,
    bed: usize,
    asleep: u64,
    deadline: Deadline,
    is_unchanged: impl FnOnce() -> bool,
) -> Result<(), Woken> {
    if dorm.is_locked && !lock(dorm, deadline.within(UNHEARD)) {
        // Somebody stands still with it: we are back soon.
        return Err(Woken::Look);
    }
    dorm.state(bed).store(asleep, Relaxed); // relaxed: ordered by the fence
    SLEEP.fence_target();
    let is_unchanged = is_unchanged();
    if dorm.is_locked {
        give_back(dorm, &dorm.desk().mutex);
    }
    if is_unchanged { Ok(()) } else { Err(Woken::Look) }
}

/// Takes the desk's mutex, and finishes what a dead owner began.
fn lock(dorm: &Dorm, deadline: Deadline) -> bool {
    match posix::lock(&dorm.desk().mutex, deadline.ns().unwrap_or(u64::MAX)) {
        Locked::Ours => true,
        Locked::FromTheDead => {
            rouse_again(dorm);
            true
        }
        Locked::Busy => false,
    }
}

/// Wakes those once more who were called and have not got up: perhaps whoever called them is dead. To others it is nothing.
fn rouse_again(dorm: &Dorm) {
    for bed in 0..dorm.beds() {
        // Relaxed: whoever called them was before us, or is alive.
        if dorm.state(bed).load(Relaxed) & KIND == CALLED {
            rouse(dorm, bed);
        }
    }
}

/// Wakes those who sleep there, so many at most, the longest asleep first; how many those were.
pub(super) fn wake(dorm: &Dorm, most: usize) -> usize {
    let has_lock = dorm.is_locked && lock(dorm, Deadline::after(STOPPED));
    SLEEP.fence_source();
    let woken = call(dorm, most);
    if has_lock {
        give_back(dorm, &dorm.desk().mutex);
    }
    woken
}

fn call(dorm: &Dorm, most: usize) -> usize {
    if most == usize::MAX {
        rouse_again(dorm);
    }
    // Who comes later has seen the word changed. Relaxed: ordered by the fence.
    let end = dorm.desk().order.load(Relaxed);
    let mut woken = 0;
    // Each round is about another sleeper, and each bed has one whose number is below that.
    for _ in 0..dorm.beds() {
        if woken == most {
            break;
        }
        // Relaxed: as above.
        let states = (0..dorm.beds()).map(|bed| (dorm.state(bed).load(Relaxed), bed));
        let asleep = states.filter(|(state, _)| state & KIND == ASLEEP && state >> BITS < end);
        let Some((state, bed)) = asleep.min() else { break };
        let called = state & !KIND | CALLED;
        // Relaxed, both: the post, or the end of the slice, brings what matters. A number is one sleeper's for ever.
        if dorm.state(bed).compare_exchange(state, called, Relaxed, Relaxed).is_ok() {
            woken += usize::from(rouse(dorm, bed));
        }
    }
    woken
}

/// Wakes who sleeps in this bed; whether they live.
fn rouse(dorm: &Dorm, bed: usize) -> bool {
    let place = dorm.bed(bed);
    match posix::try_lock(&place.mutex) {
        Locked::Busy => {
            posix::post(&place.semaphore);
            true
        }
        // Its time was over at this moment, and it has seen that it was called.
        Locked::Ours => {
            give_back(dorm, &place.mutex);
            true
        }
        Locked::FromTheDead => {
            leave_bed(dorm, bed);
            false
        }
    }
}

impl From<posix::Woken> for Woken {
    fn from(woken: posix::Woken) -> Self {
        match woken {
            posix::Woken::Look => Self::Look,
            posix::Woken::TimedOut => Self::TimedOut,
        }
    }
}
