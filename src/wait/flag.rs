//! One that waits for one other: a flag, and a bell to sleep on.
//!
//! ```text
//! sleeper                                   waker
//!   b = bell                                  publish
//!   flag = 1                                  fence
//!   fence                                     if flag != 0 { bell += 1; futex_wake(bell) }
//!   look again
//!   futex_wait(bell while it is b)
//!   flag = 0
//! ```
//!
//! For what happens seldom: each publication has its fence. *No wake is lost* as with two ends (see the module above). A bell that is
//! changed twice while the sleeper is on its way was changed behind a publication that the sleeper's look has seen, or the one
//! behind it wakes.

use super::deadline::Deadline;
use super::parker::{self, Bell, Woken};
use crate::sync::AtomicU32;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::SLEEP;

/// After a publication: whether the one for whom it is sleeps, or is about to.
pub(crate) fn is_up(flag: &AtomicU32) -> bool {
    SLEEP.fence_source();
    flag.load(Relaxed) != 0 // relaxed: ordered by the fence
}

/// After a publication: wakes the one for whom it is, if it sleeps or is about to; how many were woken.
pub(crate) fn tell(flag: &AtomicU32, bell: Bell<'_>) -> usize {
    if !is_up(flag) {
        return 0;
    }
    // In a model of somebody who uses the crate the bell rings by itself.
    #[cfg(any(not(loom), test))]
    bell.fetch_add(1, Relaxed); // relaxed: the futex call is ordered behind it
    parker::unpark_some(bell, 1)
}

/// Asks to be told, looks once more, and sleeps if there is nothing.
///
/// `look` must look at everything that could have happened. What it finds is returned, and then nobody slept.
///
/// *Progress*: may sleep; one `futex`.
pub(crate) fn sleep<R>(
    flag: &AtomicU32,
    bell: Bell<'_>,
    deadline: Deadline,
    look: impl FnOnce() -> Option<R>,
) -> Result<R, Woken> {
    let before = bell.load(Relaxed); // relaxed: what was told before, the look finds
    flag.store(1, Relaxed); // relaxed: ordered by the fence
    SLEEP.fence_target();
    let found = match look() {
        Some(found) => Ok(found),
        None => Err(parker::park(bell, before, deadline)),
    };
    flag.store(0, Relaxed); // relaxed: too late a reset costs a system call
    found
}
