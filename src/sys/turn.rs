//! Being the only one, among those who ask for the same file, for as long as one lives.

use super::{file, process};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::stat::Mode;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A file that this process has locked, and that goes when this is dropped. If the process is killed the file stays, unlocked.
#[derive(Debug)]
pub(crate) struct Turn {
    path: PathBuf,
    #[allow(dead_code)] // it is kept, not used
    lock: Flock<OwnedFd>,
    /// The process whose turn it is: a forked child of it has a descriptor of the lock, and no turn.
    holder: u32,
}

impl Turn {
    /// Whether this process took it, and no one that this one was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.holder == process::id()
    }
}

/// Locks the file at `path`, which it makes if need be; `None`: somebody else has it.
pub(crate) fn take(path: &Path) -> io::Result<Option<Turn>> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    loop {
        let file = nix::fcntl::open(path, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let made = file::identity(file.as_fd())?.file;
        let lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, errno)) => return Err(errno.into()),
        };
        // Whoever had it before may have taken the name away, and then somebody else may have a file there by now.
        if file::identity_at(path).is_ok_and(|there| there.file == made) {
            return Ok(Some(Turn { path: path.to_path_buf(), lock, holder: process::id() }));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the lock goes: what is at the path is still ours.
        if self.is_ours() {
            let _ = file::remove_name(&self.path);
        }
    }
}
