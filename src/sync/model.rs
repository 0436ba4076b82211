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
    queue: Mutex<()>,
    woken: Condvar,
}

impl Default for BellWord {
    fn default() -> Self {
        Self { word: AtomicU32::new(0), queue: Mutex::new(()), woken: Condvar::new() }
    }
}

impl BellWord {
    pub(crate) fn load(&self, order: super::Ordering) -> u32 {
        self.word.load(order)
    }

    pub(crate) fn store(&self, value: u32, order: super::Ordering) {
        self.word.store(value, order);
    }

    /// Sleeps while the word is `expected`; may return early.
    pub(crate) fn sleep_while(&self, expected: u32) {
        let queue = self.queue.lock().unwrap();
        // Relaxed: the lock orders it, as the kernel's does.
        if self.word.load(super::Ordering::Relaxed) == expected {
            drop(self.woken.wait(queue).unwrap());
        }
    }

    /// Wakes whoever sleeps.
    pub(crate) fn wake(&self) {
        let _queue = self.queue.lock().unwrap();
        self.woken.notify_all();
    }
}
