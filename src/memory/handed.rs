//! A segment in two files, each of which only its maker can write.
//!
//! The words and bytes of a one-to-one segment have one writer each, and those of the consumer fill a page of their own. So the
//! segment that is handed to somebody else is two memfds: the producer's has all of it but that page, the consumer's is that page.
//! Each maker maps its own for writing, seals it (`sys::sealed`), and passes a description that can only be read. Both then have one
//! range of addresses, as of any segment, of which the other's part is read-only memory:
//!
//! ```text
//!                    the producer has              the consumer has
//!   0        +----------------------------+  +----------------------------+
//!            | header, producer's page    |  | header, producer's page    |
//!            |          own: read, write  |  |                 read only  |
//!   8192     +----------------------------+  +----------------------------+
//!            | consumer's page  read only |  | own: read, write           |
//!   12288    +----------------------------+  +----------------------------+
//!            | frames   own: read, write  |  | frames          read only  |
//!            +----------------------------+  +----------------------------+
//! ```
//!
//! The maker's lock, which says that it is alive, is on a description of its own file that is neither mapped nor passed; the other
//! asks for it through the one that it was given.
//!
//! # Loads from memory that is only read
//!
//! `core::sync::atomic` promises that *relaxed* loads of up to eight bytes work on memory that is mapped read-only, and asks for a
//! relaxed load and an acquire fence instead of an acquire load. What it fears are targets whose stronger or wider loads are
//! read-modify-writes. Here none is: on x86-64 an acquire load is a `mov`, on aarch64 `ldar` or `ldapr`, on riscv64 a load and a
//! fence, all of which only read. The ring's loads are therefore the same on both kinds of memory, and its models hold for both.
//!
//! # Safety
//!
//! Mappings are put over parts of a range that is one mapping of ours, and that nobody has an address of yet; the owner of the
//! range unmaps all of it, whatever lies there.
#![allow(unsafe_code)]

use super::error::SegmentError;
use crate::sys::byte_lock::{self, Byte, Mode};
use crate::sys::file::{self, Access};
use crate::sys::fork::LifeDescriptor;
use crate::sys::sealed::{self, Unfit};
use memmap2::{MmapOptions, MmapRaw};
use nix::libc;
use nix::sys::mman::{MRemapFlags, MapFlags, ProtFlags, mmap, mremap};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

/// What `/proc` calls such a file.
const LABEL: &str = "ringway-handover";

/// Why two files could not be laid over each other.
fn failed(doing: &'static str) -> impl Fn(io::Error) -> SegmentError {
    move |source| SegmentError::Io { doing, path: format!("memfd:{LABEL}").into(), source }
}

/// Our file: mapped for us to write, sealed against everybody, its lock held.
#[derive(Debug)]
pub(crate) struct Own {
    bytes: MmapRaw,
    life: LifeDescriptor,
    pass: OwnedFd,
}

impl Own {
    /// `len` bytes, whole pages, that begin with `written`, and a lock on `byte`.
    pub(crate) fn make(written: &[u8], len: u64, byte: Byte) -> Result<Self, SegmentError> {
        let no_space =
            |available| SegmentError::NoSpace { directory: format!("memfd:{LABEL}").into(), asked: len, available };
        let there_is = file::memory_there_is().map_err(failed("examining"))?;
        let room = usize::try_from(len).ok().filter(|_| len <= there_is).ok_or_else(|| no_space(there_is))?;
        // Others cannot open it anew; who is given a descriptor needs no right to it.
        let made = file::create_memfd(LABEL, 0o600, false).map_err(failed("creating"))?;
        file::reserve(made.as_fd(), len).map_err(|source| match source.raw_os_error() {
            Some(libc::ENOSPC | libc::EFBIG | libc::ENOMEM) => no_space(there_is),
            _ => failed("reserving room for")(source),
        })?;
        file::write_at(made.as_fd(), written, 0).map_err(failed("writing"))?;
        // Room that was only reserved cannot be told from none by the other side, who takes nothing with holes in it.
        let zeroes = vec![0; room.min(1 << 18)];
        for at in (written.len()..room).step_by(zeroes.len().max(1)) {
            let now = &zeroes[..zeroes.len().min(room - at)];
            file::write_at(made.as_fd(), now, at as u64).map_err(failed("writing"))?;
        }
        // Before it is sealed: there will be no other mapping that can be written.
        let bytes = MmapOptions::new().len(room).map_raw(made.as_raw_fd()).map_err(failed("mapping"))?;
        sealed::seal(made.as_fd()).map_err(|source| match source.raw_os_error() {
            Some(libc::EINVAL) => SegmentError::Unsupported {
                path: format!("memfd:{LABEL}").into(),
                what: "this kernel cannot seal a file so that its maker alone can write it (F_SEAL_FUTURE_WRITE, Linux 5.1)",
            },
            _ => failed("sealing")(source),
        })?;
        // A mapping keeps its description, and the locks with it: neither of these is mapped here.
        let life = file::reopen(made.as_fd(), Access::ReadWrite).map_err(failed("opening"))?;
        let pass = file::reopen(made.as_fd(), Access::Read).map_err(failed("opening"))?;
        let is_locked = byte_lock::try_lock(life.as_fd(), byte, Mode::Exclusive).map_err(failed("locking"))?;
        if !is_locked || !byte_lock::is_held_by_another(pass.as_fd(), byte).map_err(failed("locking"))? {
            return Err(SegmentError::Unsupported {
                path: format!("memfd:{LABEL}").into(),
                what: "files in memory do not keep byte locks of open file descriptions",
            });
        }
        Ok(Self { bytes, life: LifeDescriptor::new(life), pass })
    }

    /// What the other side gets: a description that can only be read, and that holds no lock.
    pub(crate) fn pass(&self) -> BorrowedFd<'_> {
        self.pass.as_fd()
    }

    /// Lays the other side's page over ours, at `at`: for the producer, whose file is all of the segment.
    pub(crate) fn under(self, page: Theirs, at: usize) -> Result<(Pair, Handed), SegmentError> {
        let end = at.checked_add(page.len);
        assert!(end.is_some_and(|end| end <= self.bytes.len()), "a page of the segment");
        let address = NonZeroUsize::new(self.bytes.as_mut_ptr().addr() + at);
        let len = NonZeroUsize::new(page.len).ok_or_else(|| failed("mapping")(io::ErrorKind::InvalidInput.into()))?;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED;
        // SAFETY: the range lies in a mapping of ours, as was asserted, to which there is no reference; and what is put there is
        //  a file of that length that will never be shorter.
        unsafe { mmap(address, len, ProtFlags::PROT_READ, flags, page.file.as_fd(), 0) }
            .map_err(|errno| failed("mapping")(errno.into()))?;
        Ok((Pair { bytes: self.bytes }, Handed { life: self.life, theirs: page.file }))
    }

    /// Lays our page over the other side's segment, at `at`: for the consumer.
    pub(crate) fn over(self, segment: Theirs, at: usize) -> Result<(Pair, Handed), SegmentError> {
        let end = at.checked_add(self.bytes.len());
        assert!(end.is_some_and(|end| end <= segment.len), "a page of the segment");
        let whole = MmapOptions::new().len(segment.len).map_raw_read_only(segment.file.as_raw_fd());
        let whole = whole.map_err(failed("mapping"))?;
        let base = NonNull::new(whole.as_mut_ptr()).unwrap_or(NonNull::dangling());
        // SAFETY: inside the mapping, as was asserted.
        let there = unsafe { base.add(at) }.cast();
        let page = NonNull::new(self.bytes.as_mut_ptr()).unwrap_or(NonNull::dangling()).cast();
        let (len, flags) = (self.bytes.len(), MRemapFlags::MREMAP_MAYMOVE | MRemapFlags::MREMAP_FIXED);
        // SAFETY: both ranges are mappings of ours, as long as they must be, to which there is no reference. (A new mapping that
        //  can be written is what the seals refuse; this one moves.)
        let moved = unsafe { mremap(page, len, len, flags, Some(there)) };
        moved.map_err(|errno| failed("mapping")(errno.into()))?;
        // It is part of the other range now, which is unmapped as a whole.
        std::mem::forget(self.bytes);
        Ok((Pair { bytes: whole }, Handed { life: self.life, theirs: segment.file }))
    }
}

/// The other side's file, which has been examined: it never changes but by its maker's stores.
#[derive(Debug)]
pub(crate) struct Theirs {
    file: OwnedFd,
    len: usize,
}

impl Theirs {
    /// The file, if it is sealed and exactly so long; or else what is wrong with it, and the file, which somebody has chosen
    /// with care.
    pub(crate) fn examine(file: OwnedFd, len: u64) -> Result<Self, (Unfit, OwnedFd)> {
        match (sealed::examine(file.as_fd(), len), usize::try_from(len)) {
            (Ok(()), Ok(len)) => Ok(Self { file, len }),
            (Ok(()), Err(_)) => Err((Unfit::What("it is longer than the address space"), file)),
            (Err(unfit), _) => Err((unfit, file)),
        }
    }

    /// The first bytes.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        file::read_at(self.file.as_fd(), bytes, 0)
    }
}

/// A segment in two files. Its other side's part can only be read.
#[derive(Debug)]
pub(crate) struct Pair {
    bytes: MmapRaw,
}

impl Pair {
    pub(crate) fn base(&self) -> NonNull<u8> {
        NonNull::new(self.bytes.as_mut_ptr()).unwrap_or(NonNull::dangling())
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// What tells the two sides of a pair of each other's life.
#[derive(Debug)]
pub(crate) struct Handed {
    life: LifeDescriptor,
    theirs: OwnedFd,
}

impl Handed {
    /// Whether the other side holds this byte of its file: it is alive. Asks the kernel.
    pub(crate) fn is_held(&self, byte: Byte) -> io::Result<bool> {
        byte_lock::is_held_by_another(self.theirs.as_fd(), byte)
    }

    /// Gives our own byte back.
    pub(crate) fn leave(self, byte: Byte) {
        if let Some(life) = self.life.get() {
            // A failure is mended by the closing of the descriptor.
            let _ = byte_lock::unlock(life, byte);
        }
    }
}
