//! The objects of POSIX threads in the crate's own models, by the same names: without death, and without time.

use crate::sync::backoff;
use crate::sync::dormitory::Foreign;

/// What came of asking for a mutex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    Ours,
    #[expect(dead_code, reason = "nobody dies in a model")]
    FromTheDead,
    Busy,
}

pub(crate) fn try_lock(mutex: &Foreign) -> Locked {
    if mutex.take() { Locked::Ours } else { Locked::Busy }
}

/// The time is over at once, which is a turn for the others.
pub(crate) fn lock(mutex: &Foreign, _until_ns: u64) -> Locked {
    let taken = try_lock(mutex);
    if taken == Locked::Busy {
        backoff::pause();
    }
    taken
}

pub(crate) fn unlock(mutex: &Foreign) -> bool {
    mutex.give_back();
    true
}

/// Why a sleeper is awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    Look,
    #[expect(dead_code, reason = "no time goes by in a model")]
    TimedOut,
}

/// Sleeps until the semaphore is posted: a post that is lost is a deadlock, which loom reports.
pub(crate) fn wait(semaphore: &Foreign, _until_ns: Option<u64>) -> Woken {
    semaphore.wait();
    Woken::Look
}

pub(crate) fn drain(semaphore: &Foreign) {
    semaphore.drain();
}

pub(crate) fn post(semaphore: &Foreign) {
    semaphore.post();
}
