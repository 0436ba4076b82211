//! A mutex and two condition variables, process-shared: *not empty* and *not full*.
//!
//! Who has put something in signals when it has given the mutex back: the one who is woken need not wait for it at once.

use super::memory::Memory;
use super::way::{End, Turns, Way};
use crate::contestant::{Failure, Place};
use nix::errno::Errno;
use nix::libc;
use std::mem::MaybeUninit;

#[derive(Clone)]
pub struct Condvar {
    /// Whether the mutex outlives its owner.
    pub is_robust: bool,
    /// Whether an end has the mutex while it copies: one lock a message. Else two, and the ends copy at the same time.
    pub is_held: bool,
}

/// Places that are one end's, and what it waits for.
#[repr(C)]
struct Mine {
    some: libc::pthread_cond_t,
    count: u64,
}

/// In the memory's head.
#[repr(C)]
struct Kept {
    mutex: libc::pthread_mutex_t,
    /// The producer's, and the consumer's.
    of: [Mine; 2],
}

pub struct Locked {
    mutex: *mut libc::pthread_mutex_t,
    mine: *mut Mine,
    other: *mut Mine,
    is_held: bool,
}

// SAFETY: what it points to is the C library's, for any thread, or guarded by the mutex.
unsafe impl Send for Locked {}

/// An error number, as these functions return it.
fn done(result: libc::c_int) -> Result<(), Failure> {
    if result == 0 { Ok(()) } else { Err(Errno::from_raw(result).into()) }
}

/// Makes them in memory that nobody else has.
unsafe fn init(kept: *mut Kept, places: usize, is_robust: bool) -> Result<(), Failure> {
    let mut mutex = MaybeUninit::uninit();
    let mut cond = MaybeUninit::uninit();
    // SAFETY: attributes are made before they are used; the objects lie where they stay, and are nobody's yet.
    unsafe {
        done(libc::pthread_mutexattr_init(mutex.as_mut_ptr()))?;
        done(libc::pthread_mutexattr_setpshared(mutex.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED))?;
        if is_robust {
            done(libc::pthread_mutexattr_setrobust(mutex.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST))?;
        }
        done(libc::pthread_mutex_init(&raw mut (*kept).mutex, mutex.as_ptr()))?;
        done(libc::pthread_condattr_init(cond.as_mut_ptr()))?;
        done(libc::pthread_condattr_setpshared(cond.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED))?;
        for (end, count) in [(End::Producer, places as u64), (End::Consumer, 0)] {
            let mine = &raw mut (*kept).of[end as usize];
            done(libc::pthread_cond_init(&raw mut (*mine).some, cond.as_ptr()))?;
            (*mine).count = count;
        }
    }
    Ok(())
}

impl Locked {
    /// The end's view of what is in that memory.
    fn new(memory: &Memory, end: End, is_held: bool) -> Self {
        let kept = memory.kept::<Kept>();
        // SAFETY: only addresses within the head.
        let (mutex, of) = unsafe { (&raw mut (*kept).mutex, (&raw mut (*kept).of).cast::<Mine>()) };
        // SAFETY: as above; there are two.
        let (mine, other) = unsafe { (of.add(end as usize), of.add(1 - end as usize)) };
        Self { mutex, mine, other, is_held }
    }

    /// The mutex is ours. Its last owner may have died with it: what it guards changes by one store, so it is whole.
    fn owned(&self, result: libc::c_int) -> Result<(), Failure> {
        if result == libc::EOWNERDEAD {
            // SAFETY: ours, as it says.
            return done(unsafe { libc::pthread_mutex_consistent(self.mutex) });
        }
        done(result)
    }

    fn lock(&self) -> Result<(), Failure> {
        // SAFETY: a mutex in memory that outlives `self`.
        self.owned(unsafe { libc::pthread_mutex_lock(self.mutex) })
    }

    fn unlock(&self) -> Result<(), Failure> {
        // SAFETY: ours.
        done(unsafe { libc::pthread_mutex_unlock(self.mutex) })
    }
}

impl Turns for Locked {
    #[inline]
    fn take(&mut self, most: usize) -> Result<usize, Failure> {
        self.lock()?;
        let Self { mutex, mine, .. } = *self;
        // SAFETY: the counts are read and written by who has the mutex, and the compiler knows nothing of what the calls do.
        let taken = unsafe {
            while (*mine).count == 0 {
                self.owned(libc::pthread_cond_wait(&raw mut (*mine).some, mutex))?;
            }
            let taken = (*mine).count.min(most as u64);
            (*mine).count -= taken;
            taken
        };
        if !self.is_held {
            self.unlock()?;
        }
        Ok(taken as usize)
    }

    #[inline]
    fn give(&mut self, count: usize) -> Result<(), Failure> {
        if !self.is_held {
            self.lock()?;
        }
        // SAFETY: as above.
        unsafe { (*self.other).count += count as u64 };
        self.unlock()?;
        // SAFETY: in memory that outlives `self`.
        done(unsafe { libc::pthread_cond_signal(&raw mut (*self.other).some) })
    }
}

impl Way for Condvar {
    type Turns = Locked;

    fn create(&self, place: &Place, bytes: usize) -> Result<(Memory, Locked), Failure> {
        let memory = Memory::create(place, place.capacity, bytes)?;
        // SAFETY: the head of memory that nobody else has.
        unsafe { init(memory.kept(), memory.places(), self.is_robust)? };
        memory.publish(place)?;
        let turns = Locked::new(&memory, End::Consumer, self.is_held);
        Ok((memory, turns))
    }

    fn open(&self, place: &Place) -> Result<(Memory, Locked), Failure> {
        let memory = Memory::open(place)?;
        let turns = Locked::new(&memory, End::Producer, self.is_held);
        Ok((memory, turns))
    }
}
