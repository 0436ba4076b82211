//! Being the only one, among those who ask for the same file, for as long as one lives.

use super::file;
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
            return Ok(Some(Turn { path: path.to_path_buf(), lock }));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the lock goes: what is at the path is still ours.
        let _ = file::remove_name(&self.path);
    }
}
