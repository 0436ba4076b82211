//! The two sides of a bell. The protocol and its proof are in the module above.

use super::deadline::Deadline;
use super::parker::{self, Woken};
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::SLEEP;
use crate::sync::{AtomicU32, BellWord};

/// The words of an end that may sleep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sleeper<'a> {
    /// Ours to write.
    pub(crate) armed: &'a AtomicU32,
    /// The waker's to write.
    pub(crate) bell: &'a BellWord,
}

impl Sleeper<'_> {
    /// Makes every wake from now on be a ring of the bell, looks once more, and sleeps if there is nothing.
    ///
    /// `look` must look at everything that could have happened. What it finds is returned, and then nobody slept.
    pub(crate) fn sleep<R>(self, deadline: Deadline, look: impl FnOnce() -> Option<R>) -> Result<R, Woken> {
        // Relaxed: the bell says only that something was published; what, the next look finds, and if it were too
        // early, the fence of the next round orders it.
        let before = self.bell.load(Relaxed);
        self.armed.store(before.wrapping_add(1), Relaxed); // relaxed: ordered by the fence
        SLEEP.fence_target();
        if let Some(found) = look() {
            self.disarm();
            return Ok(found);
        }
        Err(parker::park(self.bell, before, deadline))
    }

    /// Asks for no ring any more: saves the waker a system call.
    pub(crate) fn disarm(self) {
        // Relaxed, both: a waker that rings meanwhile makes the next sleeper look once for nothing.
        self.armed.store(self.bell.load(Relaxed), Relaxed);
    }
}

/// The words of the end that wakes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waker<'a> {
    /// The sleeper's to write.
    pub(crate) armed: &'a AtomicU32,
    /// Ours to write.
    pub(crate) bell: &'a BellWord,
}

impl Waker<'_> {
    /// After a publication: rings if the other end sleeps or is about to; whether it did. `bell` is this end's own
    /// copy of the word.
    ///
    /// *Progress*: wait-free; one `futex(FUTEX_WAKE)` if the other end sleeps.
    ///
    /// *If the process dies here*: the sleeper wakes at the end of its slice.
    #[inline(always)]
    pub(crate) fn ring(self, bell: &mut u32) -> bool {
        SLEEP.fence_source();
        let armed = self.armed.load(Relaxed); // relaxed: ordered by the fence
        if armed == *bell {
            return false;
        }
        self.rouse(armed, bell);
        true
    }

    /// As [`ring`](Self::ring), for one who has just taken the bell over, and calls the kernel whatever the words say: a
    /// predecessor that was killed after it stored the bell and before it called has woken nobody, and its bell equals
    /// `armed` for as long as the sleeper sleeps.
    pub(crate) fn ring_as_successor(self, bell: &mut u32) -> bool {
        let rung = self.ring(bell);
        if !rung {
            parker::unpark(self.bell);
        }
        rung
    }

    #[cold]
    #[inline(never)]
    fn rouse(self, armed: u32, bell: &mut u32) {
        *bell = armed;
        self.bell.store(armed, Relaxed); // relaxed: the futex call is ordered behind it, and see `Sleeper::sleep`
        parker::unpark(self.bell);
    }
}
