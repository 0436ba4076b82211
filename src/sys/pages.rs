//! How the kernel provides the pages of a range of addresses.
//!
//! None of these calls reads or changes a byte. On addresses where nothing is mapped they fail.
//!
//! # Safety
//!
//! System calls on addresses: on those of somebody else's mapping they would change how fast it is, and nothing that its owner can
//! read in it.
#![allow(unsafe_code)]

use nix::libc;
use std::io;
use std::ptr::NonNull;

/// More nodes than any kernel has.
const NODES: usize = 1024;
const BITS: usize = libc::c_ulong::BITS as usize;

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Asks for huge pages where the kernel finds them worth while.
pub(crate) fn prefer_huge(base: NonNull<u8>, len: usize) -> io::Result<()> {
    // SAFETY: see the module.
    done(unsafe { libc::madvise(base.as_ptr().cast(), len, libc::MADV_HUGEPAGE) })
}

/// Has every page there, writable, before this returns. An error where touching one would be a SIGBUS.
pub(crate) fn populate(base: NonNull<u8>, len: usize) -> io::Result<()> {
    loop {
        // SAFETY: see the module.
        match done(unsafe { libc::madvise(base.as_ptr().cast(), len, libc::MADV_POPULATE_WRITE) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Keeps every page in memory until the range is unmapped.
pub(crate) fn lock(base: NonNull<u8>, len: usize) -> io::Result<()> {
    // SAFETY: see the module.
    done(unsafe { libc::mlock(base.as_ptr().cast(), len) })
}

/// How many bytes this process may lock.
pub(crate) fn lock_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: it writes to `limit`, which lives across the call.
    let got = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    if got == 0 { limit.rlim_cur } else { 0 }
}

/// Takes pages from this NUMA node: those that are still to come, of a file in memory for whoever touches them. If `only`, from no
/// other.
pub(crate) fn place_on(base: NonNull<u8>, len: usize, node: u32, only: bool) -> io::Result<()> {
    let mut mask = [0 as libc::c_ulong; NODES / BITS];
    let node = node as usize;
    let word = mask.get_mut(node / BITS).ok_or(io::ErrorKind::InvalidInput)?;
    *word = 1 << (node % BITS);
    let mode = if only { libc::MPOL_BIND } else { libc::MPOL_PREFERRED };
    // SAFETY: see the module; it reads as many bits of `mask` as there are (it takes one off their number).
    let result = unsafe { libc::syscall(libc::SYS_mbind, base.as_ptr(), len, mode, mask.as_ptr(), NODES + 1, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
