//! Process-shared POSIX semaphores: *empty*, *full*, and, as in the textbook, a third that is a lock for the buffer. One producer
//! and one consumer can do without that.

use super::memory::Memory;
use super::way::{End, Turns, Way};
use crate::contestant::{Failure, Place};
use nix::errno::Errno;
use nix::libc;

#[derive(Clone)]
pub struct Semaphores {
    /// Whether there is the third.
    pub has_lock: bool,
}

/// In the memory's head, each on a line of its own.
#[repr(C)]
struct Kept {
    /// The producer's places, and the consumer's.
    of: [Line; 2],
    lock: Line,
}

#[repr(C, align(128))]
struct Line(libc::sem_t);

pub struct Counted {
    mine: *mut libc::sem_t,
    other: *mut libc::sem_t,
    lock: Option<*mut libc::sem_t>,
}

// SAFETY: what it points to is the C library's, for any thread.
unsafe impl Send for Counted {}

fn kept(memory: &Memory, end: End) -> *mut libc::sem_t {
    let kept = memory.kept::<Kept>();
    // SAFETY: an address within the head.
    unsafe { (&raw mut (*kept).of[end as usize].0).cast() }
}

fn lock(memory: &Memory) -> *mut libc::sem_t {
    // SAFETY: as above.
    unsafe { &raw mut (*memory.kept::<Kept>()).lock.0 }
}

fn wait(semaphore: *mut libc::sem_t) -> Result<(), Failure> {
    loop {
        // SAFETY: made before anybody could find it, in memory that outlives its ends.
        match Errno::result(unsafe { libc::sem_wait(semaphore) }) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn post(semaphore: *mut libc::sem_t) -> Result<(), Failure> {
    // SAFETY: as above.
    Errno::result(unsafe { libc::sem_post(semaphore) })?;
    Ok(())
}

impl Semaphores {
    fn end(&self, memory: Memory, end: End) -> (Memory, Counted) {
        let other = if end == End::Producer { End::Consumer } else { End::Producer };
        let lock = self.has_lock.then(|| lock(&memory));
        let turns = Counted { mine: kept(&memory, end), other: kept(&memory, other), lock };
        (memory, turns)
    }
}

impl Turns for Counted {
    #[inline]
    fn take(&mut self, _most: usize) -> Result<usize, Failure> {
        wait(self.mine)?;
        self.lock.map_or(Ok(()), wait)?;
        Ok(1)
    }

    #[inline]
    fn give(&mut self, count: usize) -> Result<(), Failure> {
        self.lock.map_or(Ok(()), post)?;
        (0..count).try_for_each(|_| post(self.other))
    }
}

impl Way for Semaphores {
    type Turns = Counted;

    fn create(&self, place: &Place, bytes: usize) -> Result<(Memory, Counted), Failure> {
        let memory = Memory::create(place, place.capacity, bytes)?;
        let values =
            [(kept(&memory, End::Producer), memory.places()), (kept(&memory, End::Consumer), 0), (lock(&memory), 1)];
        for (semaphore, value) in values {
            // SAFETY: room for it, where it stays, that nobody else has.
            Errno::result(unsafe { libc::sem_init(semaphore, 1, value as libc::c_uint) })?;
        }
        memory.publish(place)?;
        Ok(self.end(memory, End::Consumer))
    }

    fn open(&self, place: &Place) -> Result<(Memory, Counted), Failure> {
        Ok(self.end(Memory::open(place)?, End::Producer))
    }
}
