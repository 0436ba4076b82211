//! The program's own shared state, from the standard library or from loom. Channels need no such switch: built with `--cfg loom`,
//! ringway's are loom's.

#[cfg(loom)]
pub use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::spawn,
};

#[cfg(not(loom))]
pub use self::cell::UnsafeCell;
#[cfg(not(loom))]
pub use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::spawn,
};

#[cfg(not(loom))]
mod cell {
    /// A cell with the calls of loom's.
    #[derive(Debug, Default)]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        pub fn with<R>(&self, use_it: impl FnOnce(*const T) -> R) -> R {
            use_it(self.0.get())
        }

        pub fn with_mut<R>(&self, use_it: impl FnOnce(*mut T) -> R) -> R {
            use_it(self.0.get())
        }
    }
}
