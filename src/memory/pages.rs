//! What pages a channel's memory consists of.

use super::error::SegmentError;
#[cfg(not(loom))]
use super::mapping::Mapping;
use crate::sys::file::Keeper;
use crate::sys::pages;
use std::io;
use std::path::Path;
use std::ptr::NonNull;

/// From which part of the machine's memory a channel's pages come ([`Options::numa`](crate::Options::numa)). Nodes are numbered as
/// in `/sys/devices/system/node`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Numa {
    /// From this node, while it has some.
    Prefer(u32),
    /// From this node and no other. (All room is taken when the channel is made; if the node has not so much left, the kernel may end a
    /// process to get it.)
    Bind(u32),
}

/// What was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    pub(crate) huge: bool,
    pub(crate) prefault: bool,
    pub(crate) lock: bool,
    pub(crate) numa: Option<Numa>,
}

/// Something that was done with a range failed.
fn failed(doing: &'static str, path: &Path, source: io::Error) -> SegmentError {
    SegmentError::Io { doing, path: path.to_path_buf(), source }
}

impl Pages {
    /// Whether anything was asked for that memory of the allocator cannot give.
    pub(crate) fn is_plain(self) -> bool {
        self == Self::default()
    }

    /// Whether a file has to be mapped before its room is reserved: which pages those are is decided then.
    pub(super) fn precede(self, keeper: Keeper) -> bool {
        self.numa.is_some() || (self.huge && keeper == Keeper::Memory)
    }

    /// Whether such a file can have such pages.
    pub(super) fn must_suit(self, keeper: Keeper, path: &Path) -> Result<(), SegmentError> {
        let unsupported = |what| Err(SegmentError::Unsupported { path: path.to_path_buf(), what });
        match keeper {
            Keeper::Disk | Keeper::Other if self.huge => {
                unsupported("huge pages are in memory (tmpfs, hugetlbfs, memfd), and not on a disk")
            }
            Keeper::Disk | Keeper::Other if self.numa.is_some() => {
                unsupported("where the pages of a file on a disk lie is not for its users to say")
            }
            _ => Ok(()),
        }
    }

    /// Decides where the pages of a file come from that has none yet.
    #[cfg(not(loom))]
    pub(super) fn choose(self, mapping: &Mapping, keeper: Keeper, path: &Path) -> Result<(), SegmentError> {
        let (base, len) = (mapping.base(), mapping.len());
        self.settle(base, len, path)?;
        if self.huge && keeper == Keeper::Memory {
            // A hint: where the kernel has no huge pages for it (the tmpfs's option `huge`), or no room, `fallocate` does the rest.
            let _ = pages::prefer_huge(base, len).and_then(|()| pages::populate(base, len));
        }
        Ok(())
    }

    /// Says which node pages are taken from.
    pub(super) fn settle(self, base: NonNull<u8>, len: usize, path: &Path) -> Result<(), SegmentError> {
        let (node, only) = match self.numa {
            None => return Ok(()),
            Some(Numa::Prefer(node)) => (node, false),
            Some(Numa::Bind(node)) => (node, true),
        };
        let unsupported = |what| SegmentError::Unsupported { path: path.to_path_buf(), what };
        pages::place_on(base, len, node, only).map_err(|source| match (source.kind(), source.raw_os_error()) {
            (_, Some(nix::libc::ENOSYS)) => unsupported("this kernel does not place memory by node (NUMA)"),
            (io::ErrorKind::InvalidInput, _) => unsupported("the machine has no memory at that NUMA node"),
            _ => failed("choosing a NUMA node for", path, source),
        })
    }

    /// Has the pages of a mapping, or an attachment, as they were asked for, for this process. Their bytes may be in use.
    #[cfg(not(loom))]
    pub(super) fn furnish(self, base: NonNull<u8>, len: usize, path: &Path) -> Result<(), SegmentError> {
        if self.huge {
            // A hint, and none for what is in huge pages already.
            let _ = pages::prefer_huge(base, len);
        }
        if self.prefault {
            pages::populate(base, len).map_err(|source| match source.kind() {
                io::ErrorKind::InvalidInput => SegmentError::Unsupported {
                    path: path.to_path_buf(),
                    what: "this kernel does not fetch pages in advance (MADV_POPULATE_WRITE, Linux 5.14)",
                },
                _ => failed("fetching the pages of", path, source),
            })?;
        }
        if self.lock {
            pages::lock(base, len).map_err(|source| match source.raw_os_error() {
                Some(nix::libc::ENOMEM | nix::libc::EPERM | nix::libc::EAGAIN) => {
                    SegmentError::LockLimit { asked: len as u64, limit: pages::lock_limit() }
                }
                _ => failed("locking the pages of", path, source),
            })?;
        }
        Ok(())
    }

    /// Memory of this process alone, of such pages.
    #[cfg(not(loom))]
    pub(crate) fn anonymous(self, len: usize) -> Result<Mapping, SegmentError> {
        let path = Path::new("heap");
        let mapping = Mapping::anonymous(len).map_err(|_| SegmentError::OutOfMemory { asked: len as u64 })?;
        self.settle(mapping.base(), mapping.len(), path)?;
        self.furnish(mapping.base(), mapping.len(), path)?;
        Ok(mapping)
    }
}
