//! What a channel can be made of, and how its two ends come about.

use crate::ends::{Rx, Tx};
use crate::support::{Child, Dir, PATIENCE};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use ringway::{Backing, OpenError, Options};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the channel lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    Shm,
    SystemV,
    File,
    Memfd,
    /// Of huge pages, if some can be set aside.
    HugeMemfd,
    Heap,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Spsc,
    Mpmc,
    Bytes,
    ManyBytes,
    Stream,
}

/// What an end sleeps on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiter {
    Futex,
    Condvar,
    Semaphore,
    MessageQueue,
    EventFd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) memory: Memory,
    pub(crate) kind: Kind,
    pub(crate) waiter: Waiter,
}

impl Memory {
    pub(crate) const ALL: [Self; 6] = [Self::Shm, Self::SystemV, Self::File, Self::Memfd, Self::HugeMemfd, Self::Heap];
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Spsc, Self::Mpmc, Self::Bytes, Self::ManyBytes, Self::Stream];

    /// A capacity for some messages, and so that a frame holds a few.
    fn sized(self, options: Options) -> Options {
        match self {
            Self::Spsc | Self::Mpmc | Self::ManyBytes => options.capacity(self.messages()),
            Self::Bytes => options.capacity(4096).frame_bytes(1024),
            Self::Stream => options.capacity(self.messages() * 64).frame_bytes(128),
        }
    }

    /// So many messages fit; at least, where they are of different lengths.
    pub(crate) fn messages(self) -> usize {
        if self == Self::Bytes { 4 } else { 7 }
    }
}

impl Waiter {
    pub(crate) const ALL: [Self; 5] = [Self::Futex, Self::Condvar, Self::Semaphore, Self::MessageQueue, Self::EventFd];

    fn wait(self, options: Options) -> Options {
        options.waiter(match self {
            Self::Futex => ringway::Waiter::Futex,
            Self::Condvar => ringway::Waiter::Condvar,
            Self::Semaphore => ringway::Waiter::Semaphore,
            Self::MessageQueue => ringway::Waiter::MessageQueue,
            Self::EventFd => ringway::Waiter::EventFd,
        })
    }
}

pub(crate) const NAME: &str = "channel";
/// In a peer's environment: the number of the descriptor that it has inherited.
const DESCRIPTOR: &str = "RINGWAY_TEST_DESCRIPTOR";

impl Case {
    /// Where the file is, if it is one in a directory of its own: beside the build's files, which most likely is on a disk.
    pub(crate) fn disk(dir: &Dir) -> PathBuf {
        let name = dir.path().file_name().expect("a name").to_string_lossy().into_owned();
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance.{name}"))
    }

    /// How the channel is created.
    pub(crate) fn options(self, dir: &Dir) -> Options {
        let options = Options::new().open_timeout(PATIENCE).slice(Duration::from_millis(5));
        let options = self.waiter.wait(self.kind.sized(options));
        match self.memory {
            Memory::Shm => options.dir(dir.path()),
            Memory::SystemV => options.backing(Backing::SystemV).dir(dir.path()),
            Memory::File => options.backing(Backing::File(Self::disk(dir))),
            Memory::Memfd => options.backing(Backing::Memfd),
            Memory::HugeMemfd => options.backing(Backing::Memfd).huge_pages(true),
            Memory::Heap => options.backing(Backing::Heap),
        }
    }

    /// Why other processes cannot come to it.
    pub(crate) fn unreachable(self) -> Option<&'static str> {
        (self.memory == Memory::Heap).then_some("the heap is one process's")
    }

    /// Part of why there is no such channel.
    pub(crate) fn impossible(self) -> Option<&'static str> {
        match (self.waiter, self.memory) {
            (Waiter::EventFd, memory) if memory != Memory::Heap => Some("eventfds are for channels on the heap"),
            (Waiter::MessageQueue, Memory::Memfd | Memory::HugeMemfd) => {
                Some("message queues are for channels with a name, and on the heap")
            }
            _ => None,
        }
    }

    fn has_name(self) -> bool {
        matches!(self.memory, Memory::Shm | Memory::SystemV | Memory::File)
    }

    /// How it is opened where `tx` or `rx` has made it.
    pub(crate) fn there(self, dir: &Dir, descriptor: Option<OwnedFd>) -> Options {
        let options = self.options(dir);
        match descriptor {
            Some(descriptor) => options.backing(Backing::Descriptor(descriptor.into())).huge_pages(false),
            None => options,
        }
    }

    /// Both ends in this process.
    pub(crate) fn pair(self, options: &Options, dir: &Dir) -> Result<(Tx, Rx), OpenError> {
        if self.memory == Memory::Heap {
            return crate::ends::pair(self.kind, options);
        }
        let tx = Tx::create(self.kind, options)?;
        let rx = Rx::open(self.kind, &self.there(dir, self.descriptor(|| tx.descriptor())))?;
        Ok((tx, rx))
    }

    /// What a newcomer needs besides the name.
    pub(crate) fn descriptor(self, of: impl FnOnce() -> Result<OwnedFd, OpenError>) -> Option<OwnedFd> {
        (!self.has_name()).then(|| of().expect("a channel without a name has a descriptor"))
    }

    /// Starts a peer, as `role`, which comes by the name or by this descriptor.
    pub(crate) fn bring(test: &str, role: &str, dir: &Dir, descriptor: Option<OwnedFd>) -> Child {
        let Some(descriptor) = descriptor else { return Child::start(test, role, dir) };
        // This process has no other threads that start children.
        fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::empty())).expect("a descriptor");
        Child::start_with(test, role, dir, &[(DESCRIPTOR, descriptor.as_raw_fd().to_string())])
    }

    /// How the peer opens what it was brought to.
    pub(crate) fn as_peer(self, dir: &Dir) -> Options {
        let options = self.options(dir);
        match std::env::var(DESCRIPTOR) {
            Ok(number) => {
                let number = number.parse().expect("a number");
                options.backing(Backing::inherited(number).expect("inherited")).huge_pages(false)
            }
            Err(_) => options,
        }
    }
}
