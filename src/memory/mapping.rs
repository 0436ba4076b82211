//! A shared mapping of a whole file.
//!
//! `memmap2::MmapRaw` "never hands out references to its interior, only raw pointers": another process may write these
//! bytes at any moment, so a plain reference over them would promise too much.
//!
//! # Safety
//!
//! One copy into a mapping that is as long as it must be, and that nobody else has yet.
#![allow(unsafe_code)]

use crate::sys::file;
use memmap2::{MmapMut, MmapOptions, MmapRaw};
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
        // In huge pages a mapping has a whole number of them, or it could not be unmapped.
        let whole = file::whole_len(file, len as u64)?;
        let whole = usize::try_from(whole).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        MmapOptions::new().len(whole).map_raw(file.as_raw_fd()).map(Self)
    }

    /// Copies `bytes` to its start. Nobody else can reach the file yet.
    ///
    /// # Panics
    ///
    /// If it is not so long.
    pub(crate) fn put(&self, bytes: &[u8]) {
        assert!(bytes.len() <= self.len(), "a header is shorter than its segment");
        // SAFETY: [1] the mapping is that long, as was asserted, and writable. [2] Nobody else has the file.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.as_mut_ptr(), bytes.len()) };
    }

    /// `len` zeroed bytes of this process alone.
    pub(crate) fn anonymous(len: usize) -> io::Result<Self> {
        MmapMut::map_anon(len.max(1)).map(|mapping| Self(mapping.into()))
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        // mmap(2) without MAP_FIXED never returns null; a dangling pointer to nothing is never followed.
        NonNull::new(self.0.as_mut_ptr()).unwrap_or(NonNull::dangling())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
