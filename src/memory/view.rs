//! A segment as it is looked at: which locks are held, and what its bytes are.

use super::system_v::COMPANION_BYTES;
use crate::sys::file;
use crate::sys::sysv::Attached;
use std::io;
use std::os::fd::BorrowedFd;

/// A segment's file, and where the bytes behind its header are, if they are not in there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    file: BorrowedFd<'a>,
    attached: Option<&'a Attached>,
}

impl<'a> View<'a> {
    pub(crate) fn new(file: BorrowedFd<'a>, attached: Option<&'a Attached>) -> Self {
        Self { file, attached }
    }

    /// What the locks are on.
    pub(crate) fn file(self) -> BorrowedFd<'a> {
        self.file
    }

    /// Bytes from `offset`; fewer at the end. Those of the header are the file's, wherever the others are; a read does not go beyond
    /// both.
    pub(crate) fn read_at(self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.attached {
            Some(attached) if offset >= COMPANION_BYTES => Ok(attached.read_at(bytes, offset)),
            _ => file::read_at(self.file, bytes, offset),
        }
    }
}
