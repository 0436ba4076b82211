//! A count in the kernel behind a descriptor: who posts adds to it, who polls sleeps while it is 0.
//!
//! It has no name. Another process gets it as a descriptor or not at all.

use super::poll;
use crate::sync::step;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::AsFd;

/// An eventfd.
#[derive(Debug)]
pub(crate) struct Event(EventFd);

impl Event {
    /// A new one, of count 0. Children do not inherit it by `exec`.
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self(EventFd::from_flags(flags)?))
    }

    /// Wakes whoever sleeps there, or lets the next one through.
    ///
    /// *Progress*: never sleeps; one `write`.
    pub(crate) fn post(&self) {
        step::point();
        // Its only error is that there are 2^64 - 2 posts already, which wake as well.
        let _ = self.0.write(1);
    }

    /// Takes back all posts.
    pub(crate) fn drain(&self) {
        // Its only error is that there is nothing.
        let _ = self.0.read();
    }

    /// Sleeps until there is a post, at most until then; whether the time is over. Takes no post.
    pub(crate) fn wait(&self, until_ns: Option<u64>) -> bool {
        poll::wait(self.0.as_fd(), until_ns)
    }
}
