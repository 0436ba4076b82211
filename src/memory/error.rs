//! What can go wrong with a segment's file.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A segment could not be created, opened or removed. Nothing was touched that is not named here as touched.
#[derive(Debug)]
#[non_exhaustive]
pub enum SegmentError {
    /// The name is not one that a segment can have.
    Name {
        /// The name, escaped and cut.
        name: String,
        /// What a name must be.
        rule: &'static str,
    },
    /// Nothing is there under this name, or only what a dead process left (which has been removed).
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A segment is there under this name that somebody uses, or that is persistent.
    AlreadyExists {
        /// Its file.
        path: PathBuf,
    },
    /// Processes are attached to the segment, so it is not removed.
    InUse {
        /// Its file.
        path: PathBuf,
    },
    /// The file system has no room for the segment; nothing was left behind.
    NoSpace {
        /// Where the segment was to be.
        directory: PathBuf,
        /// Bytes asked for.
        asked: u64,
        /// Bytes that were left.
        available: u64,
    },
    /// The kernel has not enough huge pages free. They are set aside beforehand: `/proc/sys/vm/nr_hugepages`.
    NoHugePages {
        /// Bytes asked for.
        asked: u64,
    },
    /// The kernel allows no such System V segment, or no further one: a setting of `kernel`, which the administrator can change.
    SystemVLimit {
        /// Bytes asked for.
        asked: u64,
        /// The setting: `shmmax` (bytes of a segment), `shmall` (pages of all segments), `shmmni` (segments).
        limit: &'static str,
        /// Its value.
        value: u64,
    },
    /// The channel's System V segment has been removed (`ipcrm`) under those who are attached. They may go on, and nobody can come; when
    /// they have left, the name is free.
    Removed {
        /// The file that names it.
        path: PathBuf,
        /// Its number.
        id: i32,
    },
    /// The System V segment that the channel's file names is none of the channel's. It was left alone.
    Foreign {
        /// The file that names it.
        path: PathBuf,
        /// Its number.
        id: i32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The channel's memory cannot be locked: this process may not lock so much.
    LockLimit {
        /// Bytes asked for.
        asked: u64,
        /// What `RLIMIT_MEMLOCK` lets the process lock, all in all.
        limit: u64,
    },
    /// There is no message queue for those who are to sleep at the channel ([`Waiter::MessageQueue`](crate::Waiter::MessageQueue)).
    NoQueue {
        /// What stands in the way.
        limit: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// What is under the name is no regular file (a symbolic link, a directory, a FIFO, a second hard link).
    NotAFile {
        /// What was found.
        path: PathBuf,
    },
    /// The file belongs to somebody else, or others may write to it.
    Untrusted {
        /// What was found.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// The directory is not in memory (tmpfs, hugetlbfs), or its locks do not work as they must.
    Unsupported {
        /// What was found.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The time is over. Something that should take microseconds was busy all the while.
    TimedOut {
        /// The segment's file.
        path: PathBuf,
    },
    /// This process is a forked child of the one that opened the segment.
    Forked,
    /// The memory of an in-process channel could not be allocated.
    OutOfMemory {
        /// Bytes asked for.
        asked: u64,
    },
    /// A system call failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name, rule } => write!(f, "{rule}: name=\"{name}\""),
            Self::NotFound { path } => write!(f, "no channel at {}", path.display()),
            Self::AlreadyExists { path } => {
                write!(f, "a channel in use, or a persistent one, is already at {}", path.display())
            }
            Self::InUse { path } => write!(f, "processes are attached to {}", path.display()),
            Self::NoSpace { directory, asked, available } => {
                write!(f, "not enough room in {}: {asked} bytes asked for, {available} left", directory.display())
            }
            Self::NoHugePages { asked } => {
                write!(f, "no huge pages for {asked} bytes: /proc/sys/vm/nr_hugepages says how many are set aside")
            }
            Self::SystemVLimit { asked, limit, value } => {
                write!(f, "no System V segment of {asked} bytes: the kernel's limit kernel.{limit} is {value}")
            }
            Self::Removed { path, id } => write!(
                f,
                "the System V segment {id} of {} has been removed; who is attached to it has to leave first",
                path.display()
            ),
            Self::Foreign { path, id, what } => {
                write!(f, "{} names a System V segment ({id}) that is not its own: {what}", path.display())
            }
            Self::LockLimit { asked, limit } => write!(
                f,
                "cannot lock {asked} bytes in memory: RLIMIT_MEMLOCK is {limit} (`ulimit -l`), for all that the process locks"
            ),
            Self::NoQueue { limit, source } => {
                write!(f, "no message queue for who sleeps at the channel: {limit}: {source}")
            }
            Self::NotAFile { path } => write!(f, "not a regular file with one name: {}", path.display()),
            Self::Untrusted { path, uid, mode } => write!(
                f,
                "{} is not ours alone: owner {uid}, mode {mode:o}; it must belong to this user and be writable by nobody else",
                path.display()
            ),
            Self::Unsupported { path, what } => write!(f, "{} cannot hold a channel: {what}", path.display()),
            Self::TimedOut { path } => write!(f, "timed out waiting for {}", path.display()),
            Self::Forked => f.write_str("this process was forked from the one that opened the channel"),
            Self::OutOfMemory { asked } => write!(f, "no memory for a channel of {asked} bytes"),
            Self::Io { doing, path, source } => write!(f, "{doing} {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for SegmentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::NoQueue { source, .. } => Some(source),
            _ => None,
        }
    }
}
