//! A shared mapping of a whole file.
//!
//! `memmap2::MmapRaw` "never hands out references to its interior, only raw pointers": another process may write these
//! bytes at any moment, so a plain reference over them would promise too much.

use crate::sys::sigbus::Watched;
use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// A file's bytes, shared with everybody who maps it.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// In front of the bytes: it goes first.
    watched: Watched,
    bytes: MmapRaw,
}

impl Mapping {
    /// Maps the first `len` bytes, which the caller has seen to be there. The descriptor may be closed afterwards;
    /// its description lives on in the mapping, so it must hold no lock.
    pub(crate) fn new(file: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        let bytes = MmapOptions::new().len(len).map_raw(file.as_raw_fd())?;
        Ok(Self { watched: Watched::new(bytes.as_mut_ptr().addr(), bytes.len())?, bytes })
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        // mmap(2) without MAP_FIXED never returns null; a dangling pointer to nothing is never followed.
        NonNull::new(self.bytes.as_mut_ptr()).unwrap_or(NonNull::dangling())
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether some of the file was gone when it was touched, and zeroes of our own are in the place of all of it.
    pub(crate) fn is_lost(&self) -> bool {
        self.watched.is_lost()
    }
}
