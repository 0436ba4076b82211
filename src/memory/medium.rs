//! What a segment's bytes lie in: the seam between the life of a segment and the kinds of shared memory.
//!
//! The life of a segment (`segment`) asks of a medium, through the [`Place`] that names it:
//!
//! | | a name in a directory | a memfd |
//! |---|---|---|
//! | `create`: zeroed bytes, all their room reserved, that nobody else can reach | `O_TMPFILE`, `fallocate` | `memfd_create`, `fallocate` |
//! | `publish`: from here on others reach it, and find all of it | `linkat` | seals; then whoever gets the descriptor |
//! | `open`: a description to lock, of something that is ours alone | by name | by descriptor, through `/proc/self/fd` |
//! | `open_again`: another one, to be mapped | by name | as above |
//! | `has_name`: whether newcomers still come here | device and inode of the name | always |
//! | `remove`: nobody comes any more | `unlink` | nothing: the kernel frees it with the last descriptor |
//!
//! A System V segment has none of this, and so it has a file beside it, which has (`system_v`).
//!
//! All of them have byte locks of open file descriptions, `pread`, `fallocate` and `mmap`. A channel of the heap has none of
//! this, and needs none: its ends live and die together.

use super::error::SegmentError;
use super::name::Place;
use crate::sys::file::{self, Access, Identity, Keeper};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

/// What is at a place.
#[derive(Debug, Clone)]
pub(crate) enum Medium {
    /// A name in a directory in memory.
    Memory,
    /// A name in a directory in memory, of a file beside a System V segment (`system_v`).
    SystemV,
    /// A name in any directory of this machine, perhaps on a disk.
    Disk,
    /// No name: the descriptor that it was given by, if it is there already.
    Memfd(Option<Arc<OwnedFd>>),
}

impl Place {
    /// A file of `len` zeroes that nobody else can reach yet, its room reserved. (In huge pages it is longer.)
    pub(super) fn create(&self, mode: u32, len: u64) -> Result<OwnedFd, SegmentError> {
        let failed = |doing| move |source| SegmentError::Io { doing, path: self.path.clone(), source };
        let file = match &self.medium {
            Medium::Memory | Medium::SystemV | Medium::Disk => self.create_unnamed(mode, len)?,
            Medium::Memfd(_) => self.create_memfd(mode, len)?,
        };
        self.must_be_shared(file.as_fd(), &self.directory)?;
        let keeper = file::keeper(file.as_fd()).map_err(failed("examining"))?;
        self.pages.must_suit(keeper, &self.path)?;
        let no_space = |source: io::Error| match (source.raw_os_error(), keeper) {
            (Some(nix::libc::ENOSPC | nix::libc::ENOMEM), Keeper::HugePages(_)) => {
                SegmentError::NoHugePages { asked: len }
            }
            (Some(nix::libc::ENOSPC | nix::libc::EFBIG | nix::libc::ENOMEM), _) => self.no_space(len),
            _ => failed("reserving room for")(source),
        };
        let whole = file::whole_len(file.as_fd(), len).map_err(no_space)?;
        if self.room(keeper).is_some_and(|room| room < whole) {
            return Err(self.no_space(len));
        }
        #[cfg(not(loom))]
        if self.pages.precede(keeper) {
            file::set_len(file.as_fd(), whole).map_err(no_space)?;
            // Through another description: this one is to hold locks.
            let again = file::reopen(file.as_fd(), Access::ReadWrite).map_err(failed("opening"))?;
            let room = usize::try_from(whole).map_err(|_| self.no_space(len))?;
            let mapping = super::mapping::Mapping::new(again.as_fd(), room).map_err(no_space)?;
            self.pages.choose(&mapping, keeper, &self.path)?;
        }
        file::reserve(file.as_fd(), whole).map_err(no_space)?;
        Ok(file)
    }

    /// Bytes that there can be, where asking for more does harm: a disk would be filled before it says no, and for a memfd,
    /// which no file system limits, the kernel would end processes.
    fn room(&self, keeper: Keeper) -> Option<u64> {
        match (keeper, &self.medium) {
            (Keeper::Memory, Medium::Memfd(_)) => file::memory_there_is().ok(),
            (Keeper::Disk, _) => file::space_left(&self.directory).ok(),
            _ => None,
        }
    }

    fn create_unnamed(&self, mode: u32, len: u64) -> Result<OwnedFd, SegmentError> {
        file::create_unnamed(&self.directory, mode).map_err(|source| match source.raw_os_error() {
            Some(nix::libc::EOPNOTSUPP | nix::libc::EISDIR) => SegmentError::Unsupported {
                path: self.directory.clone(),
                what: "no files without a name (O_TMPFILE) there",
            },
            Some(nix::libc::ENOSPC) => self.no_space(len),
            _ => SegmentError::Io { doing: "creating a file in", path: self.directory.clone(), source },
        })
    }

    fn create_memfd(&self, mode: u32, len: u64) -> Result<OwnedFd, SegmentError> {
        let label = self.path.to_string_lossy();
        let label = label.strip_prefix("memfd:").unwrap_or(&label);
        file::create_memfd(label, mode, self.pages.huge).map_err(|source| match source.raw_os_error() {
            // A kernel without huge pages of this kind.
            Some(nix::libc::EOPNOTSUPP | nix::libc::ENOSYS | nix::libc::EINVAL) if self.pages.huge => {
                SegmentError::NoHugePages { asked: len }
            }
            _ => SegmentError::Io { doing: "creating", path: self.path.clone(), source },
        })
    }

    /// Lets others reach what [`create`](Self::create) made; `AlreadyExists` if somebody was faster.
    pub(super) fn publish(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        match &self.medium {
            Medium::Memory | Medium::SystemV | Medium::Disk => file::give_name(file, &self.path),
            Medium::Memfd(_) => file::seal(file),
        }
    }

    /// Opens what is there, if it is regular, has one name at most, belongs to this user, and nobody else may write it; and
    /// if it is a memfd, if nobody can change its length.
    pub(super) fn open(&self, access: Access) -> Result<(OwnedFd, Identity), SegmentError> {
        let path = || self.path.clone();
        let unsealed = "nobody has sealed it against changes of its length, as a channel's memfd is";
        let file =
            match &self.medium {
                Medium::Memory | Medium::SystemV | Medium::Disk => self.open_name(access)?,
                Medium::Memfd(None) => return Err(SegmentError::NotFound { path: path() }),
                Medium::Memfd(Some(given)) if !file::is_sealed(given.as_fd()) => {
                    return Err(SegmentError::Unsupported { path: path(), what: unsealed });
                }
                Medium::Memfd(Some(given)) => file::reopen(given.as_fd(), access)
                    .map_err(|source| SegmentError::Io { doing: "opening", path: path(), source })?,
            };
        let seen = file::identity(file.as_fd()).map_err(|source| SegmentError::Io {
            doing: "examining",
            path: path(),
            source,
        })?;
        if !seen.is_regular || seen.links > 1 {
            return Err(SegmentError::NotAFile { path: path() });
        }
        if seen.uid != file::effective_uid() || seen.mode & 0o022 != 0 {
            return Err(SegmentError::Untrusted { path: path(), uid: seen.uid, mode: seen.mode });
        }
        self.must_be_shared(file.as_fd(), &self.path)?;
        Ok((file, seen))
    }

    fn open_name(&self, access: Access) -> Result<OwnedFd, SegmentError> {
        let path = || self.path.clone();
        file::open(&self.path, access).map_err(|source| match source.raw_os_error() {
            Some(nix::libc::ENOENT) => SegmentError::NotFound { path: path() },
            // ELOOP: a symbolic link. EISDIR: a directory opened for writing. ENXIO: a socket or a device without a driver.
            Some(nix::libc::ELOOP | nix::libc::EISDIR | nix::libc::ENXIO) => SegmentError::NotAFile { path: path() },
            _ => match file::identity_at(&self.path) {
                // A device in a file system that lets nobody open one.
                Ok(seen) if !seen.is_regular => SegmentError::NotAFile { path: path() },
                // Not to be opened because it is somebody else's: say whose.
                Ok(seen) if seen.uid != file::effective_uid() => {
                    SegmentError::Untrusted { path: path(), uid: seen.uid, mode: seen.mode }
                }
                _ => SegmentError::Io { doing: "opening", path: path(), source },
            },
        })
    }

    /// Another description of what `life` is one of.
    pub(super) fn open_again(&self, life: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        match &self.medium {
            Medium::Memory | Medium::SystemV | Medium::Disk => file::open(&self.path, Access::ReadWrite),
            Medium::Memfd(_) => file::reopen(life, Access::ReadWrite),
        }
    }

    /// Whether the place still is that of this device and inode.
    pub(super) fn has_name(&self, identity: (u64, u64)) -> bool {
        match &self.medium {
            Medium::Memory | Medium::SystemV | Medium::Disk => {
                file::identity_at(&self.path).is_ok_and(|seen| seen.file == identity)
            }
            Medium::Memfd(_) => true,
        }
    }

    /// Takes the name away if it is this file's.
    pub(super) fn remove_if(&self, identity: (u64, u64)) -> io::Result<()> {
        match &self.medium {
            Medium::Memory | Medium::SystemV | Medium::Disk => {
                let removed = match file::identity_at(&self.path) {
                    Ok(seen) if seen.file == identity => file::remove_name(&self.path),
                    seen => seen.map(drop),
                };
                // Somebody has done it by hand.
                removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
            }
            Medium::Memfd(_) => Ok(()),
        }
    }

    /// Whether there is nothing at the place but a descriptor.
    pub(crate) fn is_memfd(&self) -> bool {
        matches!(self.medium, Medium::Memfd(_))
    }

    /// Whether the bytes are to be in a System V segment.
    pub(super) fn is_system_v(&self) -> bool {
        matches!(self.medium, Medium::SystemV)
    }

    /// Whether all who map the file share its bytes, and its locks.
    fn must_be_shared(&self, file: BorrowedFd<'_>, path: &Path) -> Result<(), SegmentError> {
        let keeper = file::keeper(file).map_err(|source| SegmentError::Io {
            doing: "examining",
            path: path.to_path_buf(),
            source,
        })?;
        let what = match (keeper, &self.medium) {
            (Keeper::Memory | Keeper::HugePages(_), _) | (Keeper::Disk, Medium::Disk) => return Ok(()),
            (_, Medium::Disk) => {
                "it is neither in memory (tmpfs, hugetlbfs) nor on a disk of this machine (ext4, xfs, btrfs, f2fs)"
            }
            _ => "files there are not memory (tmpfs or hugetlbfs)",
        };
        Err(SegmentError::Unsupported { path: path.to_path_buf(), what })
    }

    fn no_space(&self, asked: u64) -> SegmentError {
        let available = match &self.medium {
            Medium::Memory | Medium::SystemV | Medium::Disk => file::space_left(&self.directory),
            Medium::Memfd(_) => file::memory_there_is(),
        };
        let available = available.unwrap_or(0);
        SegmentError::NoSpace { directory: self.directory.clone(), asked, available }
    }
}
