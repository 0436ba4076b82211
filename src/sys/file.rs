//! Files that hold segments: made without a name, named when complete, told apart by device and inode.

use crate::sync::step;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FallocateFlags, FcntlArg, OFlag, SealFlag};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{FileStat, Mode, SFlag};
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, HUGETLBFS_MAGIC, OVERLAYFS_SUPER_MAGIC, Statfs, TMPFS_MAGIC,
    XFS_SUPER_MAGIC, fstatfs,
};
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

impl Access {
    fn flags(self) -> OFlag {
        match self {
            Self::Read => OFlag::O_RDONLY,
            Self::ReadWrite => OFlag::O_RDWR,
        }
    }
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

/// Makes the file so long, without room.
pub(crate) fn set_len(file: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    step::point();
    Ok(nix::unistd::ftruncate(file, within_limit(len)?)?)
}

/// Reserves the file's room now, so that a full file system is an error here and not a SIGBUS at some later store. (On btrfs that is
/// so for what is written to a page first, and not for what is written once the page has been to the disk. That the file be not copied
/// on write, FS_NOCOW_FL, made a store on a full btrfs take longer than minutes instead, on Linux 6.18.)
pub(crate) fn reserve(file: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    step::point();
    let len = within_limit(len)?;
    loop {
        match nix::fcntl::fallocate(file, FallocateFlags::empty(), 0, len) {
            Err(Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

/// A file's length that the process may have: beyond the limit the kernel would end it (SIGXFSZ), unless it ignores that.
fn within_limit(len: u64) -> io::Result<i64> {
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    Ok(i64::try_from(len).ok().filter(|len| *len as u64 <= limit).ok_or(Errno::EFBIG)?)
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
    let flags = access.flags() | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    Ok(nix::fcntl::open(path, flags, Mode::empty())?)
}

/// What the open file is.
pub(crate) fn identity(file: BorrowedFd<'_>) -> io::Result<Identity> {
    Ok(nix::sys::stat::fstat(file)?.into())
}

/// Gives the socket under the name, which this user has just made there, the mode; what it is then. Nothing else gets it, whoever can
/// write the directory and has put something else there meanwhile: no file behind a symbolic link, and none with another name, too.
pub(crate) fn set_socket_mode(path: &Path, mode: u32) -> io::Result<Identity> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let there = nix::fcntl::open(path, flags, Mode::empty())?;
    let seen = nix::sys::stat::fstat(&there)?;
    let is_ours =
        seen.st_mode & nix::libc::S_IFMT == nix::libc::S_IFSOCK && seen.st_uid == effective_uid() && seen.st_nlink == 1;
    if !is_ours {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "somebody has put something else there"));
    }
    // A descriptor of this kind has no fchmod(2).
    let link = format!("/proc/self/fd/{}", there.as_raw_fd());
    std::fs::set_permissions(link, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    Ok(seen.into())
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

/// What keeps a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// Memory: tmpfs, and a memfd.
    Memory,
    /// Memory in huge pages of so many bytes: hugetlbfs, and a memfd of that kind. It can be read and mapped, not written to.
    HugePages(u64),
    /// A disk of this machine, whose page cache all who map a file share.
    Disk,
    /// Something else: perhaps another machine.
    Other,
}

/// What keeps the open file's bytes.
pub(crate) fn keeper(file: BorrowedFd<'_>) -> io::Result<Keeper> {
    let fs: Statfs = fstatfs(file)?;
    Ok(match fs.filesystem_type() {
        TMPFS_MAGIC => Keeper::Memory,
        HUGETLBFS_MAGIC => Keeper::HugePages(u64::try_from(fs.block_size()).unwrap_or(0).max(1)),
        EXT4_SUPER_MAGIC | XFS_SUPER_MAGIC | BTRFS_SUPER_MAGIC | F2FS_SUPER_MAGIC | OVERLAYFS_SUPER_MAGIC => {
            Keeper::Disk
        }
        _ => Keeper::Other,
    })
}

/// How long a file for `len` bytes is where this one is: in huge pages it is a whole number of them.
pub(crate) fn whole_len(file: BorrowedFd<'_>, len: u64) -> io::Result<u64> {
    match keeper(file)? {
        Keeper::HugePages(page) => len.checked_next_multiple_of(page).ok_or_else(|| Errno::EFBIG.into()),
        Keeper::Memory | Keeper::Disk | Keeper::Other => Ok(len),
    }
}

/// A file in memory that has no name and gets none; `label` is what `/proc` shows of it. In huge pages if `is_huge`.
pub(crate) fn create_memfd(label: &str, mode: u32, is_huge: bool) -> io::Result<OwnedFd> {
    step::point();
    let mut flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    if is_huge {
        flags |= MFdFlags::MFD_HUGETLB;
    }
    let file = match memfd_create(label, flags | MFdFlags::from_bits_retain(NOEXEC_SEAL)) {
        // Before Linux 6.3.
        Err(Errno::EINVAL) => memfd_create(label, flags)?,
        made => made?,
    };
    // It is made with everybody's rights.
    nix::sys::stat::fchmod(&file, Mode::from_bits_truncate(mode))?;
    Ok(file)
}

/// `MFD_NOEXEC_SEAL`: nobody ever executes it.
const NOEXEC_SEAL: u32 = 8;

/// What nobody can take back: the file becomes neither shorter nor longer, and there will be no other seals.
fn seals() -> SealFlag {
    SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW
}

/// Seals a memfd against every change of its length.
pub(crate) fn seal(file: BorrowedFd<'_>) -> io::Result<()> {
    step::point();
    nix::fcntl::fcntl(file, FcntlArg::F_ADD_SEALS(seals() | SealFlag::F_SEAL_SEAL))?;
    Ok(())
}

/// Whether nobody can change the file's length. (Files that cannot be sealed say no.)
pub(crate) fn is_sealed(file: BorrowedFd<'_>) -> bool {
    let found = nix::fcntl::fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0);
    SealFlag::from_bits_truncate(found).contains(seals())
}

/// The same file through another description of its own, which shares no lock with the first.
pub(crate) fn reopen(file: BorrowedFd<'_>, access: Access) -> io::Result<OwnedFd> {
    open_through(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())), access)
}

/// Opens what a link of `/proc/self/fd` leads to, as a description of its own.
pub(crate) fn open_through(path: &Path, access: Access) -> io::Result<OwnedFd> {
    Ok(nix::fcntl::open(path, access.flags() | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK, Mode::empty())?)
}

/// Bytes that could still be reserved in the file system of `directory`.
pub(crate) fn space_left(directory: &Path) -> io::Result<u64> {
    let fs = nix::sys::statvfs::statvfs(directory)?;
    Ok(fs.blocks_available().saturating_mul(fs.fragment_size()))
}

/// Bytes of memory and swap that the machine has.
pub(crate) fn memory_there_is() -> io::Result<u64> {
    let machine = nix::sys::sysinfo::sysinfo()?;
    Ok(machine.ram_total().saturating_add(machine.swap_total()))
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

/// Waits until the file's bytes are on their disk.
pub(crate) fn flush(file: BorrowedFd<'_>) -> io::Result<()> {
    step::point();
    Ok(nix::unistd::fdatasync(file)?)
}

/// The user that this process acts as.
pub(crate) fn effective_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}
