//! POSIX message queues of one message: who posts leaves a message if there is none, who polls sleeps while there is none.
//!
//! A queue has a name in the IPC namespace of its process and no file system beside it, and lives until it is unlinked, whoever
//! dies. There are 256 in a namespace (`/proc/sys/fs/mqueue/queues_max`), and so many bytes for a user (`RLIMIT_MSGQUEUE`).
//!
//! Nobody sleeps in `mq_timedreceive`: its deadlines go by the clock that people set.

#[cfg(not(loom))]
use super::poll;
#[cfg(not(loom))]
use crate::sync::step;
use nix::errno::Errno;
#[cfg(not(loom))]
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_close, mq_open, mq_receive, mq_send};
#[cfg(not(loom))]
use nix::sys::stat::{Mode, fstat};
use std::io;
#[cfg(not(loom))]
use std::os::fd::AsFd;

/// A queue that is open.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Queue {
    /// `None` while it is being closed.
    descriptor: Option<MqdT>,
}

#[cfg(not(loom))]
impl Queue {
    fn open(name: &str, flags: MQ_OFlag) -> io::Result<Self> {
        step::point();
        let flags = flags | MQ_OFlag::O_CREAT | MQ_OFlag::O_RDWR | MQ_OFlag::O_NONBLOCK | MQ_OFlag::O_CLOEXEC;
        let one_message = MqAttr::new(0, 1, 1, 0);
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(Self { descriptor: Some(mq_open(name, flags, mode, Some(&one_message))?) })
    }

    /// That of this name, made if there is none. For this user alone.
    pub(crate) fn named(name: &str) -> io::Result<Self> {
        Self::open(name, MQ_OFlag::empty())
    }

    /// A new one that nobody else can open. The name is one that no process uses for anything else; who is killed here leaves
    /// it to the next one who comes with it.
    pub(crate) fn unnamed(name: &str) -> io::Result<Self> {
        let queue = match Self::open(name, MQ_OFlag::O_EXCL) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                unlink(name)?;
                Self::open(name, MQ_OFlag::O_EXCL)?
            }
            queue => queue?,
        };
        unlink(name)?;
        Ok(queue)
    }

    /// Its owner, and its permission bits.
    pub(crate) fn owner(&self) -> io::Result<(u32, u32)> {
        let stat = fstat(self.descriptor.as_ref().ok_or(Errno::EBADF)?)?;
        Ok((stat.st_uid, stat.st_mode & 0o7777))
    }

    /// Wakes whoever sleeps there, or lets the next one through.
    ///
    /// *Progress*: never sleeps; one `mq_send`.
    pub(crate) fn post(&self) {
        step::point();
        if let Some(descriptor) = &self.descriptor {
            // Its only error is that there is a message already, which wakes as well.
            let _ = mq_send(descriptor, b".", 0);
        }
    }

    /// Takes back all posts.
    pub(crate) fn drain(&self) {
        if let Some(descriptor) = &self.descriptor {
            // Its only error is that there is nothing.
            let _ = mq_receive(descriptor, &mut [0], &mut 0);
        }
    }

    /// Sleeps until there is a post, at most until then; whether the time is over. Takes no post.
    pub(crate) fn wait(&self, until_ns: Option<u64>) -> bool {
        self.descriptor.as_ref().is_some_and(|descriptor| poll::wait(descriptor.as_fd(), until_ns))
    }
}

#[cfg(not(loom))]
impl Drop for Queue {
    fn drop(&mut self) {
        if let Some(descriptor) = self.descriptor.take() {
            // What comes of closing is nobody's business any more.
            let _ = mq_close(descriptor);
        }
    }
}

/// Takes a queue's name away, if there is one.
pub(crate) fn unlink(name: &str) -> io::Result<()> {
    match nix::mqueue::mq_unlink(name) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
