//! The atomics with a step before each operation, so that a test can end the process between any two of them.
//!
//! Plain writes between two steps (the payload) are not split. Layout is that of `core`'s types: the same segment is
//! used by stepped and native processes at once.

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
            pub(crate) fn load(&self, order: Ordering) -> $value {
                step::point();
                self.0.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                step::point();
                self.0.store(value, order);
            }

            pub(crate) fn compare_exchange(
                &self,
                expected: $value,
                value: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                step::point();
                self.0.compare_exchange(expected, value, success, failure)
            }

            pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                step::point();
                self.0.fetch_add(value, order)
            }

            pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                step::point();
                self.0.fetch_sub(value, order)
            }

            pub(crate) fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                step::point();
                self.0.fetch_max(value, order)
            }

            pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                step::point();
                self.0.fetch_or(value, order)
            }

            pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                step::point();
                self.0.fetch_and(value, order)
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
    step::point();
    atomic::fence(order);
}
