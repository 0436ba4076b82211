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
use crate::sys::sigbus::Watched;
use memmap2::{MmapMut, MmapOptions, MmapRaw};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// A file's bytes, shared with everybody who maps it.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// In front of the bytes: it goes first. Of what is no file nothing can be cut off.
    watched: Option<Watched>,
    bytes: MmapRaw,
}

impl Mapping {
    /// Maps the first `len` bytes, which the caller has seen to be there. The descriptor may be closed afterwards;
    /// its description lives on in the mapping, so it must hold no lock.
    pub(crate) fn new(file: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        // In huge pages a mapping has a whole number of them, or it could not be unmapped.
        let whole = file::whole_len(file, len as u64)?;
        let whole = usize::try_from(whole).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let bytes = MmapOptions::new().len(whole).map_raw(file.as_raw_fd())?;
        let watched = Some(Watched::new(bytes.as_mut_ptr().addr(), bytes.len())?);
        Ok(Self { watched, bytes })
    }

    /// Copies `bytes` to where they belong. Nobody else can reach the file yet.
    ///
    /// # Panics
    ///
    /// If it is not so long.
    pub(crate) fn put(&self, at: usize, bytes: &[u8]) {
        let is_inside = at.checked_add(bytes.len()).is_some_and(|end| end <= self.len());
        assert!(is_inside, "what a segment begins with is shorter than it");
        // SAFETY: the mapping is longer, as was asserted.
        let there = unsafe { self.bytes.as_mut_ptr().add(at) };
        // SAFETY: [1] `bytes.len()` bytes from there on are inside, as was asserted, and writable. [2] Nobody else has the file.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), there, bytes.len()) };
    }

    /// `len` zeroed bytes of this process alone.
    pub(crate) fn anonymous(len: usize) -> io::Result<Self> {
        Ok(Self { watched: None, bytes: MmapMut::map_anon(len.max(1))?.into() })
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
        self.watched.as_ref().is_some_and(Watched::is_lost)
    }
}
