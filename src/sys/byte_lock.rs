//! A lock on one byte of a file, freed by the kernel when its holder dies.
//!
//! These are *open file description* locks: they belong to the description, not to the process. Two descriptions in
//! one process conflict like two processes do; closing another descriptor of the same file drops nothing; a forked
//! child shares the description and so the lock; and **a mapping keeps the description, so a locked description is
//! never mapped**. A dying process holds its locks until the kernel has torn its address space down: whoever finds the
//! byte free knows that nothing will be written any more.
//!
//! The bytes lie far beyond the end of any file, where they need no room.
//!
//! Source: fcntl(2), "Open file description locks"; SQLite holds a byte of its file per reader in the same way.

use crate::sync::step;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::io;
use std::os::fd::BorrowedFd;

/// Where lock byte 0 lies.
const BASE: libc::off_t = 1 << 62;

/// A lock byte of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Byte(pub(crate) u32);

/// How a byte is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Together with others.
    Shared,
    /// Alone.
    Exclusive,
}

fn region(byte: Byte, kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: BASE + libc::off_t::from(byte.0),
        l_len: 1,
        l_pid: 0,
    }
}

/// Takes the byte for this description, or says that others hold it. Changes the mode in one step if this description
/// already held it. Never sleeps.
pub(crate) fn try_lock(file: BorrowedFd<'_>, byte: Byte, mode: Mode) -> io::Result<bool> {
    step::point();
    let kind = match mode {
        Mode::Shared => libc::F_RDLCK,
        Mode::Exclusive => libc::F_WRLCK,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&region(byte, kind))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Gives the byte back.
pub(crate) fn unlock(file: BorrowedFd<'_>, byte: Byte) -> io::Result<()> {
    step::point();
    fcntl(file, FcntlArg::F_OFD_SETLK(&region(byte, libc::F_UNLCK)))?;
    Ok(())
}

/// Whether another description holds the byte in any mode. Takes no lock; works through a read-only descriptor.
pub(crate) fn is_held_by_another(file: BorrowedFd<'_>, byte: Byte) -> io::Result<bool> {
    is_in_the_way(file, region(byte, libc::F_WRLCK))
}

/// As [`is_held_by_another`], exclusively.
pub(crate) fn is_held_alone_by_another(file: BorrowedFd<'_>, byte: Byte) -> io::Result<bool> {
    is_in_the_way(file, region(byte, libc::F_RDLCK))
}

fn is_in_the_way(file: BorrowedFd<'_>, mut found: libc::flock) -> io::Result<bool> {
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
    Ok(libc::c_int::from(found.l_type) != libc::F_UNLCK)
}
