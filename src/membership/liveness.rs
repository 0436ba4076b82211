//! Is the holder of a role alive?

use super::local;
use crate::layout::status::Status;
use crate::sys::byte_lock::{self, Byte};
use std::io;
use std::os::fd::BorrowedFd;

/// What became of the holder of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Nobody ever held it.
    Nobody,
    /// Its holder is alive (perhaps stopped, perhaps being torn down).
    Alive,
    /// Its holder went of its own will, or closed its end.
    Left,
    /// Its holder is gone without a word: the kernel has torn its process down.
    Died,
}

/// Judges the holder of `byte` of whom `status` speaks, where the segment's file is `file`; `look_again` loads the word anew.
///
/// *Progress*: never sleeps; one `fcntl(F_OFD_GETLK)`, 0.3 microseconds, unless the word alone decides.
pub(crate) fn judge(
    descriptor: BorrowedFd<'_>,
    file: (u64, u64),
    byte: Byte,
    status: Status,
    look_again: impl FnOnce() -> Status,
) -> io::Result<Life> {
    if let Some(life) = by_word(status) {
        return Ok(life);
    }
    if local::holds(file, byte) || byte_lock::is_held_by_another(descriptor, byte)? {
        return Ok(Life::Alive);
    }
    // The byte is free. If the word changed meanwhile its holder was not dead when it changed it: it left, or a
    // successor has come.
    let now = look_again();
    Ok(if now == status { Life::Died } else { by_word(now).unwrap_or(Life::Alive) })
}

/// What the word alone says; `None`: ask for the lock.
pub(crate) fn by_word(status: Status) -> Option<Life> {
    if status.has(Status::LEFT) {
        return Some(if status.has(Status::BROKEN) { Life::Died } else { Life::Left });
    }
    (!status.has(Status::PRESENT)).then_some(Life::Nobody)
}
