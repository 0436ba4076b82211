//! Files in memory that their maker alone can write, and that nobody can change otherwise.
//!
//! The maker maps its file writable and *then* seals it: with `F_SEAL_FUTURE_WRITE` that mapping goes on, and there will be no other
//! one; `write`, holes and other lengths are refused to everybody, the maker's own descriptors included, and so are other seals.
//!
//! Source: fcntl(2), "File Sealing"; Wayland checks its pools in the same way.

use super::file::{self, Keeper};
use crate::sync::step;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::unistd::{Whence, lseek};
use std::io;
use std::os::fd::BorrowedFd;

/// Why somebody else's file is not one of these.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// What is wrong with it.
    What(&'static str),
    /// It could not be examined.
    Unknown(io::Error),
}

fn seals() -> SealFlag {
    SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_FUTURE_WRITE | SealFlag::F_SEAL_SEAL
}

/// Seals a memfd that has been mapped by its only writer.
pub(crate) fn seal(file: BorrowedFd<'_>) -> io::Result<()> {
    step::point();
    fcntl(file, FcntlArg::F_ADD_SEALS(seals()))?;
    Ok(())
}

/// Whether a file that somebody has passed is sealed, in memory, exactly so long, and has all of its pages.
///
/// The seals are asked for first: what has all of them is a memfd, and everything after that is the kernel's own word, and does
/// not wait for a file system that somebody else has made. A mapping of such a file cannot raise SIGBUS, and takes no memory: where
/// a page is missing, whoever looks there first makes it, and pays for it.
pub(crate) fn examine(file: BorrowedFd<'_>, len: u64) -> Result<(), Unfit> {
    let found = match fcntl(file, FcntlArg::F_GET_SEALS) {
        Ok(found) => SealFlag::from_bits_retain(found),
        Err(Errno::EINVAL | Errno::EBADF) => return Err(Unfit::What("it is no memfd")),
        Err(errno) => return Err(Unfit::Unknown(errno.into())),
    };
    if !found.contains(seals()) {
        return Err(Unfit::What("its maker has not sealed it against every change but its own"));
    }
    match file::keeper(file) {
        Ok(Keeper::Memory) => {}
        Ok(_) => return Err(Unfit::What("it is not in ordinary memory")),
        Err(source) => return Err(Unfit::Unknown(source)),
    }
    let seen = nix::sys::stat::fstat(file).map_err(|errno| Unfit::Unknown(errno.into()))?;
    let identity = file::Identity::from(seen);
    if !identity.is_regular {
        return Err(Unfit::What("it is no regular file"));
    }
    if identity.len != len {
        return Err(Unfit::What("it has another length"));
    }
    // Not by its blocks, which may be behind its end. A page that was only reserved counts as a hole, too; one that is on the disk
    // does not. (The offset that this moves is nobody's: files are read and mapped from where one says.)
    match lseek(file, 0, Whence::SeekHole) {
        Ok(end) if u64::try_from(end).is_ok_and(|end| end == len) => {}
        Ok(_) | Err(Errno::ENXIO) => return Err(Unfit::What("it has holes")),
        Err(errno) => return Err(Unfit::Unknown(errno.into())),
    }
    Ok(())
}
