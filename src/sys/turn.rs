//! Taking turns at a directory: whoever changes what a name in it means, and must first look, does so alone.

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::stat::Mode;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// A turn at a directory; it ends when this is dropped, or the process ends.
#[derive(Debug)]
pub(crate) struct Turn(#[allow(dead_code)] Flock<OwnedFd>);

/// A turn at the directory, if it is nobody else's now.
pub(crate) fn take(directory: &Path) -> io::Result<Option<Turn>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let file = nix::fcntl::open(directory, flags, Mode::empty())?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(Turn(lock))),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}
