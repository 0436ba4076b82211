//! The roles that this very process holds.
//!
//! A description does not see its own locks: asked through the descriptor that holds a byte, the kernel says it is free.
//! So every question of liveness asks this table first and the kernel second, or a process would find its own threads
//! dead.

use crate::sys::byte_lock::Byte;
use crate::sys::fork::Mark;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Clone, Copy)]
struct Entry {
    file: (u64, u64),
    byte: Byte,
    /// In a forked child the entries of the parent mean nothing.
    mark: Mark,
}

static TABLE: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

fn table() -> MutexGuard<'static, Vec<Entry>> {
    // Nothing panics while the lock is held.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a byte that this process has locked.
pub(crate) fn add(file: (u64, u64), byte: Byte, mark: Mark) {
    let mut table = table();
    table.retain(|entry| !entry.mark.is_forked());
    table.push(Entry { file, byte, mark });
}

/// Forgets a byte that this process is about to unlock.
pub(crate) fn remove(file: (u64, u64), byte: Byte) {
    let mut table = table();
    if let Some(at) = table.iter().position(|entry| entry.file == file && entry.byte == byte && !entry.mark.is_forked())
    {
        table.swap_remove(at);
    }
}

/// Whether this process holds the byte.
pub(crate) fn holds(file: (u64, u64), byte: Byte) -> bool {
    table().iter().any(|entry| entry.file == file && entry.byte == byte && !entry.mark.is_forked())
}
