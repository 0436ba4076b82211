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

        impl $name {
            pub(crate) fn load(&self, order: Ordering) -> $value {
                step::point();
                self.0.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                step::point();
                self.0.store(value, order);
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
