//! Files that hold segments: made without a name, named when complete, told apart by device and inode.

use crate::sync::step;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FallocateFlags, OFlag};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{FileStat, Mode, SFlag};
use nix::sys::statfs::{FsType, HUGETLBFS_MAGIC, TMPFS_MAGIC};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// What a file is, as `fstat` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The device and inode: which file this is, whatever its name.
    pub(crate) file: (u64, u64),
    pub(crate) links: u64,
    pub(crate) uid: u32,
    /// The permission bits, 0o7777 at most.
    pub(crate) mode: u32,
    pub(crate) len: u64,
    pub(crate) is_regular: bool,
}

impl From<FileStat> for Identity {
    fn from(stat: FileStat) -> Self {
        let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
        Self {
            file: (stat.st_dev, stat.st_ino),
            // 64 bits here, 32 on other machines.
            #[allow(clippy::useless_conversion)]
            links: u64::from(stat.st_nlink),
            uid: stat.st_uid,
            mode: stat.st_mode & 0o7777,
            len: u64::try_from(stat.st_size).unwrap_or(0),
            is_regular: kind == SFlag::S_IFREG,
        }
    }
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

/// A file in `directory` that has no name yet; the kernel frees it if nobody ever names it.
pub(crate) fn create_unnamed(directory: &Path, mode: u32) -> io::Result<OwnedFd> {
    step::point();
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(mode);
    let file = nix::fcntl::open(directory, flags, mode)?;
    // open(2) took the umask off; the mode asked for is the mode given.
    nix::sys::stat::fchmod(&file, mode)?;
    Ok(file)
}

/// Reserves the file's room now, so that a full file system is an error here and not a SIGBUS at some later store.
pub(crate) fn reserve(file: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    step::point();
    // Beyond this the kernel would end the process (SIGXFSZ), unless it ignores that.
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    let len = i64::try_from(len).ok().filter(|len| *len as u64 <= limit).ok_or(Errno::EFBIG)?;
    loop {
        match nix::fcntl::fallocate(file, FallocateFlags::empty(), 0, len) {
            Err(Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Frees the file's room, whoever has it mapped: they see zeroes, and would take room anew by touching them.
pub(crate) fn discard(file: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    step::point();
    let len = i64::try_from(len).map_err(|_| io::Error::from(Errno::EFBIG))?;
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    Ok(nix::fcntl::fallocate(file, flags, 0, len)?)
}

/// Gives a file made by [`create_unnamed`] its name, in one step; `AlreadyExists` if somebody was faster.
pub(crate) fn give_name(file: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    step::point();
    match nix::unistd::linkat(file, "", AT_FDCWD, path, AtFlags::AT_EMPTY_PATH) {
        // Before Linux 6.10 an empty path needs a capability; the way through /proc does not.
        Err(Errno::ENOENT | Errno::EPERM | Errno::EINVAL) => {
            let own = format!("/proc/self/fd/{}", file.as_raw_fd());
            nix::unistd::linkat(AT_FDCWD, own.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
            Ok(())
        }
        result => Ok(result?),
    }
}

/// Opens what is under the name: never through a symbolic link, never blocking on a FIFO.
pub(crate) fn open(path: &Path, access: Access) -> io::Result<OwnedFd> {
    let how = match access {
        Access::Read => OFlag::O_RDONLY,
        Access::ReadWrite => OFlag::O_RDWR,
    };
    let flags = how | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    Ok(nix::fcntl::open(path, flags, Mode::empty())?)
}

/// What the open file is.
pub(crate) fn identity(file: BorrowedFd<'_>) -> io::Result<Identity> {
    Ok(nix::sys::stat::fstat(file)?.into())
}

/// What is under the name, a symbolic link itself included.
pub(crate) fn identity_at(path: &Path) -> io::Result<Identity> {
    Ok(nix::sys::stat::lstat(path)?.into())
}

/// Takes the name away.
pub(crate) fn remove_name(path: &Path) -> io::Result<()> {
    step::point();
    Ok(nix::unistd::unlink(path)?)
}

/// Whether files there are memory: tmpfs or hugetlbfs.
pub(crate) fn is_memory(file: BorrowedFd<'_>) -> io::Result<bool> {
    let kind: FsType = nix::sys::statfs::fstatfs(file)?.filesystem_type();
    Ok(kind == TMPFS_MAGIC || kind == HUGETLBFS_MAGIC)
}

/// Bytes that could still be reserved in the file system of `directory`.
pub(crate) fn space_left(directory: &Path) -> io::Result<u64> {
    let fs = nix::sys::statvfs::statvfs(directory)?;
    Ok(fs.blocks_available().saturating_mul(fs.fragment_size()))
}

/// Bytes from `offset`; fewer at the end of the file. Cannot raise SIGBUS, unlike a read through a mapping.
pub(crate) fn read_at(file: BorrowedFd<'_>, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut got = 0;
    while got < bytes.len() {
        let at = i64::try_from(offset + got as u64).map_err(|_| io::Error::from(Errno::EFBIG))?;
        match nix::sys::uio::pread(file, &mut bytes[got..], at) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(got)
}

/// All of `bytes` to `offset`.
pub(crate) fn write_at(file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> io::Result<()> {
    step::point();
    let mut put = 0;
    while put < bytes.len() {
        let at = i64::try_from(offset + put as u64).map_err(|_| io::Error::from(Errno::EFBIG))?;
        match nix::sys::uio::pwrite(file, &bytes[put..], at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => put += more,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// The user that this process acts as.
pub(crate) fn effective_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}
