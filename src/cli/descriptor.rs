//! Reading and writing descriptors, so that a signal or a peer's death is never slept through.
//!
//! `None` from a call means "nothing now, look around and come back": a signal came, or a non-blocking descriptor was
//! not ready.

use super::signals::SLICE;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Reads into `bytes`; 0 is the end.
pub(crate) fn read(file: impl AsFd, bytes: &mut [u8]) -> io::Result<Option<usize>> {
    match unistd::read(&file, bytes) {
        Ok(n) => Ok(Some(n)),
        Err(Errno::EINTR) => Ok(None),
        Err(Errno::EAGAIN) => {
            wait(file.as_fd(), PollFlags::POLLIN)?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes the front of `bytes`; how much of it.
pub(crate) fn write(file: impl AsFd, bytes: &[u8]) -> io::Result<Option<usize>> {
    match unistd::write(&file, bytes) {
        Ok(n) => Ok(Some(n)),
        Err(Errno::EINTR) => Ok(None),
        Err(Errno::EAGAIN) => {
            wait(file.as_fd(), PollFlags::POLLOUT)?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Waits a slice for something to read, the end included; whether there is.
pub(crate) fn is_readable(file: impl AsFd) -> io::Result<bool> {
    wait(file.as_fd(), PollFlags::POLLIN)
}

/// Whether nobody will ever read what is written there. Of a regular file it never says so.
pub(crate) fn is_closed(file: impl AsFd) -> bool {
    // Asked for nothing, poll reports errors and hang-ups alone.
    let mut asked = [PollFd::new(file.as_fd(), PollFlags::empty())];
    poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

fn wait(file: BorrowedFd<'_>, events: PollFlags) -> io::Result<bool> {
    let timeout = PollTimeout::try_from(SLICE).unwrap_or(PollTimeout::ZERO);
    match poll(&mut [PollFd::new(file, events)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
