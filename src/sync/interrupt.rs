//! What stands in for `membarrier` in a model: an interrupt that makes the other thread fence.
//!
//! A model has no interrupts, so the thread that makes the light half of an asymmetric pair of fences looks whether one
//! is asked for at the places where it could matter ([`point`]: in the light half itself, and where a test says so), and
//! the heavy half waits for its answer. Everything is relaxed but the fences, so nothing is ordered that the kernel's
//! call would not order.

use super::Ordering::{Relaxed, SeqCst};
use super::{AtomicU32, fence};
use std::cell::Cell;

// Relaxed, all of them, always: see above.
loom::lazy_static! {
    static ref ASKED: AtomicU32 = AtomicU32::new(0);
    static ref ANSWERED: AtomicU32 = AtomicU32::new(0);
    static ref IS_AWAY: AtomicU32 = AtomicU32::new(0);
}

// loom runs all threads of a model on the test's own thread.
thread_local!(static REACHES: Cell<bool> = const { Cell::new(false) });

/// Whether wakers of the models on this thread give their fences up: not, unless a test says so.
#[cfg(test)]
pub(crate) fn let_it_reach(reaches: bool) {
    REACHES.set(reaches);
}

/// Whether an interrupt would be answered.
pub(crate) fn reaches() -> bool {
    REACHES.get()
}

/// A place where an interrupt may come in between.
pub(crate) fn point() {
    if !reaches() {
        return;
    }
    let asked = ASKED.load(Relaxed); // relaxed: see above
    // Relaxed, here and below: see above.
    if asked != ANSWERED.load(Relaxed) {
        fence(SeqCst);
        ANSWERED.store(asked, Relaxed); // relaxed: see above
    }
}

/// The thread of the light half runs no more: the kernel's switch to another one is a barrier, too.
#[cfg(test)]
pub(crate) fn leave() {
    fence(SeqCst);
    IS_AWAY.store(1, Relaxed); // relaxed: see above
}

/// Asks for an interrupt, and waits until it has been.
pub(crate) fn ask() {
    let asked = ASKED.load(Relaxed).wrapping_add(1); // relaxed: see above
    ASKED.store(asked, Relaxed); // relaxed: see above
    fence(SeqCst);
    // Relaxed: see above.
    while ANSWERED.load(Relaxed) != asked && IS_AWAY.load(Relaxed) == 0 {
        loom::thread::yield_now();
    }
    fence(SeqCst);
}
