//! The same names from loom.
//!
//! loom's atomics are larger than the words they stand for, so nothing here is laid over bytes: `layout::overlay` makes
//! the views of a model from boxes.

pub(crate) use loom::sync::atomic::fence;

use super::Ordering;
#[cfg(test)]
use super::Ordering::Relaxed;
use loom::sync::atomic;
#[cfg(test)]
use loom::sync::{Condvar, Mutex};
#[cfg(test)]
use std::cell::Cell;

// loom runs all threads of a model on the test's own thread.
#[cfg(test)]
thread_local!(static IS_THOROUGH: Cell<bool> = const { Cell::new(false) });

/// Runs `model` with all orders of loads (see [`AtomicU64`]).
#[cfg(test)]
pub(super) fn thoroughly<R>(model: impl FnOnce() -> R) -> R {
    struct Off;
    impl Drop for Off {
        fn drop(&mut self) {
            IS_THOROUGH.set(false);
        }
    }
    IS_THOROUGH.set(true);
    let _off = Off;
    model()
}

macro_rules! modelled {
    ($name:ident, $value:ty) => {
        /// An atomic of loom's, and what makes loom try all orders of its accesses where that is asked for.
        ///
        /// loom (0.7) looks for another order only between an access and the last one before it that it depends on, and if that was
        /// the same thread's, for none. So where a thread loads a word and then swaps it, the load hides what others loaded before,
        /// and the swap is never tried in front of them. Asked for, each load first stores to a word of its own that nobody loads:
        /// then loads of one word are tried in all orders, and nothing is ordered that was not.
        #[derive(Debug, Default)]
        pub(crate) struct $name {
            word: atomic::$name,
            #[cfg(test)]
            turn: atomic::AtomicU32,
        }

        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self {
                    word: atomic::$name::new(value),
                    #[cfg(test)]
                    turn: atomic::AtomicU32::new(0),
                }
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                #[cfg(test)]
                if IS_THOROUGH.get() {
                    self.turn.store(0, Relaxed); // relaxed: nobody loads it
                }
                self.word.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.word.store(value, order);
            }

            pub(crate) fn compare_exchange(
                &self,
                expected: $value,
                value: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.word.compare_exchange(expected, value, success, failure)
            }

            pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.word.fetch_add(value, order)
            }

            pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.word.fetch_sub(value, order)
            }

            pub(crate) fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                self.word.fetch_max(value, order)
            }

            pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.word.fetch_or(value, order)
            }

            pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                self.word.fetch_and(value, order)
            }
        }
    };
}

modelled!(AtomicU32, u32);
modelled!(AtomicU64, u64);

/// The word a sleeper waits on, with what stands in for the kernel's queue: the check of the word and the going to
/// sleep are one step under the lock, as a futex promises.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct BellWord {
    word: AtomicU32,
    /// How many sleep.
    queue: Mutex<usize>,
    woken: Condvar,
}

#[cfg(test)]
impl Default for BellWord {
    fn default() -> Self {
        Self { word: AtomicU32::new(0), queue: Mutex::new(0), woken: Condvar::new() }
    }
}

#[cfg(test)]
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
