//! A shared mapping of a whole file.
//!
//! `memmap2::MmapRaw` "never hands out references to its interior, only raw pointers": another process may write these
//! bytes at any moment, so a plain reference over them would promise too much.

use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// A file's bytes, shared with everybody who maps it.
#[derive(Debug)]
pub(crate) struct Mapping(MmapRaw);

impl Mapping {
    /// Maps the first `len` bytes, which the caller has seen to be there. The descriptor may be closed afterwards;
    /// its description lives on in the mapping, so it must hold no lock.
    pub(crate) fn new(file: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        MmapOptions::new().len(len).map_raw(file.as_raw_fd()).map(Self)
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        // mmap(2) without MAP_FIXED never returns null; a dangling pointer to nothing is never followed.
        NonNull::new(self.0.as_mut_ptr()).unwrap_or(NonNull::dangling())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
