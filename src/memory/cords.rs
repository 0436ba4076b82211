//! What wakes those in the beds of a dormitory where it is no semaphore: eventfds and message queues, by which a process wakes
//! another through a descriptor of its own.
//!
//! An *eventfd* has no name, so it is for channels that one process has both ends of.
//!
//! A *queue* of a segment has the segment's instance in its name, and the numbers of dormitory and bed. Whoever first sleeps in
//! the bed, or wakes somebody there, makes it: queues are few (256 in an IPC namespace, unless the administrator says otherwise),
//! and beds are taken from the first one on, so there are as many as have slept at the same time. It is made by who has the
//! segment's gate shared, and removed by who has it alone and takes the segment's name away. So whatever dies when, a queue has
//! a segment, and goes with it; who is killed in the middle of the removing leaves a segment that is found stale again. Only who
//! removes a segment's file by hand leaves its queues behind, unless somebody is still there: the last one to go takes them along.
//!
//! A process that has both ends takes a queue's name away as soon as it has made it.

#[cfg(not(loom))]
use super::error::SegmentError;
#[cfg(not(loom))]
use crate::sync::{Arc, dormitory};
use crate::sys::queue;
#[cfg(not(loom))]
use crate::sys::{event::Event, file, queue::Queue, random};
#[cfg(not(loom))]
use std::io;
#[cfg(not(loom))]
use std::sync::{Mutex, OnceLock};

/// The names of the queues of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Queues {
    /// Of the segment.
    pub(crate) instance: [u8; 16],
    /// So many dormitories come first,
    pub(crate) common: u64,
    /// of so many beds each,
    pub(crate) beds: u64,
    /// and then so many of one bed.
    pub(crate) single: u64,
}

impl Queues {
    fn name(&self, dorm: u64, bed: u64) -> String {
        format!("/ringway.{:032x}.{dorm:x}.{bed:x}", u128::from_be_bytes(self.instance))
    }

    /// Takes the names of all of them away. The caller has the segment's gate alone.
    pub(super) fn remove_all(&self) {
        let common = (0..self.common).flat_map(|dorm| (0..self.beds).map(move |bed| (dorm, bed)));
        let single = (self.common..self.common + self.single).map(|dorm| (dorm, 0));
        for (dorm, bed) in common.chain(single) {
            // A failure leaves what nobody else can remove, either: a process has changed its user.
            let _ = queue::unlink(&self.name(dorm, bed));
        }
    }
}

/// Where the cords of a channel come from.
#[cfg(not(loom))]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// Each is an eventfd.
    Events,
    /// Each is a queue that this process alone has.
    OwnQueues,
    /// Each is a queue that others find by its name.
    Queues(Queues),
}

#[cfg(not(loom))]
impl Source {
    fn cord(self, dorm: usize, bed: usize) -> Result<Cord, SegmentError> {
        match self {
            Self::Events => Event::new().map(Cord::Event).map_err(|source| SegmentError::Io {
                doing: "making an eventfd in",
                path: "/proc/self".into(),
                source,
            }),
            Self::OwnQueues => own_queue().map(Cord::Queue).map_err(no_queue),
            Self::Queues(queues) => {
                let name = queues.name(dorm as u64, bed as u64);
                let queue = Queue::named(&name).map_err(no_queue)?;
                let (uid, mode) = queue.owner().map_err(no_queue)?;
                if uid != file::effective_uid() || mode & 0o077 != 0 {
                    return Err(SegmentError::Untrusted { path: name.into(), uid, mode });
                }
                Ok(Cord::Queue(queue))
            }
        }
    }
}

/// A queue whose name nobody sees for longer than it takes to make it.
#[cfg(not(loom))]
fn own_queue() -> io::Result<Queue> {
    /// One at a time: the name is the process's.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let name = format!("/ringway.{}.{}", file::effective_uid(), std::process::id());
    match Queue::unnamed(&name) {
        // Somebody else has the name, who may have foreseen it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Queue::unnamed(&format!("{name}.{:032x}", u128::from_ne_bytes(random::bits128()?)))
        }
        made => made,
    }
}

#[cfg(not(loom))]
fn no_queue(source: io::Error) -> SegmentError {
    use nix::libc;
    let limit = match source.raw_os_error() {
        Some(libc::ENOSPC) => "as many are there as /proc/sys/fs/mqueue/queues_max allows",
        Some(libc::EMFILE) => "RLIMIT_MSGQUEUE (`ulimit -q`) or RLIMIT_NOFILE (`ulimit -n`) is reached",
        Some(libc::ENOSYS) => "this kernel has none",
        Some(libc::EACCES | libc::EPERM) => "somebody else's is in its place",
        _ => "mq_open fails",
    };
    SegmentError::NoQueue { limit, source }
}

/// The cords of a channel's dormitories.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Cords {
    racks: Vec<Arc<Rack>>,
}

#[cfg(not(loom))]
impl Cords {
    /// Those of dormitories with so many beds each. Of the first `common` dormitories, the first bed's is there from now on, the
    /// others come when they are needed.
    pub(crate) fn new(source: Source, beds: impl Iterator<Item = usize>, common: usize) -> Result<Self, SegmentError> {
        let rack = |(dorm, beds)| {
            let cords = std::iter::repeat_with(OnceLock::new).take(beds).collect();
            Arc::new(Rack { source, dorm, cords })
        };
        let racks: Vec<_> = beds.enumerate().map(rack).collect();
        racks.iter().take(common).try_for_each(|rack| rack.cord(0).map(drop))?;
        Ok(Self { racks })
    }

    /// Those of this dormitory.
    pub(crate) fn of(&self, dorm: usize) -> Arc<dyn dormitory::Cords> {
        Arc::clone(&self.racks[dorm]) as Arc<dyn dormitory::Cords>
    }
}

#[cfg(not(loom))]
#[derive(Debug)]
enum Cord {
    Event(Event),
    Queue(Queue),
}

/// The cords of one dormitory, as far as this process has a hold of them.
#[cfg(not(loom))]
#[derive(Debug)]
struct Rack {
    source: Source,
    dorm: usize,
    cords: Box<[OnceLock<Cord>]>,
}

#[cfg(not(loom))]
impl Rack {
    fn cord(&self, bed: usize) -> Result<&Cord, SegmentError> {
        match self.cords[bed].get() {
            Some(cord) => Ok(cord),
            None => {
                let cord = self.source.cord(self.dorm, bed)?;
                // Another thread's may have been faster.
                Ok(self.cords[bed].get_or_init(|| cord))
            }
        }
    }
}

#[cfg(not(loom))]
impl dormitory::Cords for Rack {
    fn is_at_hand(&self, bed: usize) -> bool {
        self.cord(bed).is_ok()
    }

    fn drain(&self, bed: usize) {
        match self.cord(bed) {
            Ok(Cord::Event(event)) => event.drain(),
            Ok(Cord::Queue(queue)) => queue.drain(),
            Err(_) => {}
        }
    }

    fn wait(&self, bed: usize, until_ns: Option<u64>) -> bool {
        match self.cord(bed) {
            Ok(Cord::Event(event)) => event.wait(until_ns),
            Ok(Cord::Queue(queue)) => queue.wait(until_ns),
            Err(_) => false,
        }
    }

    fn pull(&self, bed: usize) {
        match self.cord(bed) {
            Ok(Cord::Event(event)) => event.post(),
            Ok(Cord::Queue(queue)) => queue.post(),
            // Who sleeps there wakes at the end of its slice.
            Err(_) => {}
        }
    }
}
