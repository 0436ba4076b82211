//! The atomics with a step before each operation, so that a test can end the process between any two of them; or, in a
//! replay, with an answer in place of it.
//!
//! A copy of a message is one step (`ring::payload`), and not split. Layout is that of `core`'s types: the same segment is
//! used by stepped and native processes at once.

use super::replay::{self, Operation};
use super::step;
use core::sync::atomic::{self, Ordering};

pub(crate) use std::sync::Arc;

/// The word a sleeper waits on.
pub(crate) type BellWord = AtomicU32;

macro_rules! stepped {
    ($name:ident, $value:ty) => {
        #[repr(transparent)]
        #[derive(Debug, Default)]
        pub(crate) struct $name(atomic::$name);

        // Not every width has a use for every operation.
        #[allow(dead_code)]
        impl $name {
            /// A step: replayed, or made.
            #[inline]
            fn step(&self, operation: Operation, make: impl FnOnce(&atomic::$name) -> $value) -> $value {
                match replay::answer(core::ptr::from_ref(self).addr(), operation) {
                    Some(answer) => answer as $value,
                    None => {
                        step::point();
                        make(&self.0)
                    }
                }
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.step(Operation::Load, |word| word.load(order))
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.step(Operation::Store(value.into()), |word| {
                    word.store(value, order);
                    0
                });
            }

            pub(crate) fn compare_exchange(
                &self,
                expected: $value,
                value: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let exchange = Operation::Exchange { expected: expected.into(), value: value.into() };
                let found = self.step(exchange, |word| {
                    word.compare_exchange(expected, value, success, failure).unwrap_or_else(|found| found)
                });
                if found == expected { Ok(found) } else { Err(found) }
            }

            pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.step(Operation::Add(value.into()), |word| word.fetch_add(value, order))
            }

            pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.step(Operation::Sub(value.into()), |word| word.fetch_sub(value, order))
            }

            pub(crate) fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                self.step(Operation::Max(value.into()), |word| word.fetch_max(value, order))
            }

            pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.step(Operation::Or(value.into()), |word| word.fetch_or(value, order))
            }

            pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                self.step(Operation::And(value.into()), |word| word.fetch_and(value, order))
            }
        }
    };
}

stepped!(AtomicU32, u32);
stepped!(AtomicU64, u64);

impl AtomicU32 {
    /// The address, for the kernel.
    pub(crate) fn as_ptr(&self) -> *mut u32 {
        self.0.as_ptr()
    }
}

pub(crate) fn fence(order: Ordering) {
    if replay::answer(0, Operation::Fence).is_none() {
        step::point();
        atomic::fence(order);
    }
}
