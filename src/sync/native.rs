//! `core`'s atomics as they are.

pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, fence};
pub(crate) use std::sync::Arc;

/// The word a sleeper waits on. The kernel reads it as a 32-bit futex.
pub(crate) type BellWord = AtomicU32;
