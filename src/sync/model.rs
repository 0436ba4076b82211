//! The same names from loom.
//!
//! loom's atomics are larger than the words they stand for, so nothing here is laid over bytes: `layout::overlay` makes
//! the views of a model from boxes.

pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};

use loom::sync::{Condvar, Mutex};

/// The word a sleeper waits on, with what stands in for the kernel's queue: the check of the word and the going to
/// sleep are one step under the lock, as a futex promises.
#[derive(Debug)]
pub(crate) struct BellWord {
    word: AtomicU32,
    /// How many sleep.
    queue: Mutex<usize>,
    woken: Condvar,
}

impl Default for BellWord {
    fn default() -> Self {
        Self { word: AtomicU32::new(0), queue: Mutex::new(0), woken: Condvar::new() }
    }
}

impl BellWord {
    pub(crate) fn load(&self, order: super::Ordering) -> u32 {
        self.word.load(order)
    }

    pub(crate) fn store(&self, value: u32, order: super::Ordering) {
        self.word.store(value, order);
    }

    pub(crate) fn fetch_add(&self, value: u32, order: super::Ordering) -> u32 {
        self.word.fetch_add(value, order)
    }

    /// Sleeps while the word is `expected`; may return early.
    pub(crate) fn sleep_while(&self, expected: u32) {
        let mut queue = self.queue.lock().unwrap();
        // Relaxed: the lock orders it, as the kernel's does.
        if self.word.load(super::Ordering::Relaxed) == expected {
            *queue += 1;
            drop(self.woken.wait(queue).unwrap());
        }
    }

    /// Wakes whoever sleeps, so many at most; how many those were.
    pub(crate) fn wake(&self, most: usize) -> usize {
        let mut queue = self.queue.lock().unwrap();
        let woken = most.min(*queue);
        *queue -= woken;
        (0..woken).for_each(|_| self.woken.notify_one());
        woken
    }
}
