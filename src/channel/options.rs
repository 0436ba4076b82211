//! Every choice in one place.

#[cfg(not(loom))]
use super::{error::OpenError, open::How};
use crate::layout::error::FormatError;
use crate::layout::geometry::Placement;
use crate::layout::lanes::{LaneClass, LaneTable};
use crate::layout::waiter::Waiter;
pub use crate::memory::backing::Backing;
#[cfg(not(loom))]
use crate::memory::name::Place;
pub use crate::memory::pages::Numa;
use crate::memory::pages::Pages;
use crate::sync::IS_USERS_MODEL;
#[cfg(not(loom))]
use crate::sys::boot;
use crate::wait::strategy::WaitStrategy;
use std::path::PathBuf;
use std::time::Duration;

/// What a sender does while nobody receives. `Wait` unless the channel is [persistent](Options::persistent), then `Buffer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Absent {
    /// Before the first receiver: fill the ring, then wait for room. After the last one has gone: fail.
    #[default]
    Wait,
    /// Fill the ring whoever is there, then wait for room.
    Buffer,
    /// Fail at once.
    Fail,
}

/// How a channel is made or opened. What is about the segment (capacity, type tag, placement, waiter, whether it is persistent)
/// is decided by who creates it; an opener that names a capacity or a waiter, or wants it persistent, insists on it. The rest
/// is each end's own.
///
/// ```
/// use ringway::{Options, WaitStrategy, spsc};
/// use std::time::Duration;
///
/// let options = Options::new().capacity(256).wait(WaitStrategy::Sleep).slice(Duration::from_millis(5));
/// let (mut tx, mut rx) = spsc::channel_with::<u64>(&options)?;
/// tx.send(7)?;
/// assert_eq!(rx.recv(), Ok(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) capacity: Option<usize>,
    /// Not named: the heap for a channel without a name, and else `Shm`.
    pub(crate) backing: Option<Backing>,
    pub(crate) pages: Pages,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) mode: u32,
    pub(crate) type_tag: u64,
    pub(crate) placement: Option<Placement>,
    pub(crate) frame_bytes: Option<usize>,
    pub(crate) wait: WaitStrategy,
    /// Not named: a futex, or what is there.
    pub(crate) waiter: Option<Waiter>,
    pub(crate) slice: Duration,
    /// Not named: as the channel's lifetime suggests.
    pub(crate) absent: Option<Absent>,
    pub(crate) persistent: bool,
    pub(crate) open_timeout: Duration,
    pub(crate) members: usize,
    pub(crate) operations: usize,
    pub(crate) in_hand: usize,
    pub(crate) attempts_max: Option<u32>,
    pub(crate) dead_letters: Option<String>,
    pub(crate) lanes: usize,
    pub(crate) lane_bytes: usize,
    pub(crate) annexes: usize,
    pub(crate) chunk_bytes: usize,
    pub(crate) copy_up_to: usize,
    pub(crate) whole_up_to: usize,
}

/// Messages in a channel whose capacity nobody has named.
pub(crate) const CAPACITY: usize = 1024;
/// The most that a stream is given by itself.
const STREAM_CAPACITY_MAX: usize = 1 << 20;
/// Bytes in a stream whose capacity nobody has named: a part of a processor's second-level cache, and four frames at least. Where both
/// ends may have that cache together, a quarter, so that what one has written is still there when the other reads it, beside the buffers
/// that are copied from and to (16 MiB messages, cache of 1 MiB: 33 GB/s through 256 KiB, 30 through 512 KiB, 13 through 1 MiB). Where each
/// has its own, half: what the other end has to fetch comes sooner once it has left the cache of who wrote it (1 MiB messages, caches of
/// 2 MiB: 13.5 GB/s through 512 KiB, 14.7 through 1 MiB, 15.7 through 2 MiB).
pub(crate) fn stream_capacity() -> usize {
    let part = crate::sys::cache::second_level().map_or(0, |cache| cache.bytes / if cache.is_shared { 4 } else { 2 });
    part.clamp(4 * STREAM_FRAME, STREAM_CAPACITY_MAX) / STREAM_FRAME * STREAM_FRAME
}
/// Bytes of a stream's frame, if nobody has named them: large enough that a hand-over is lost in the copying.
pub(crate) const STREAM_FRAME: usize = 64 << 10;
const SLICE: Duration = Duration::from_millis(50);
/// Members, operations, messages in hand of a many-to-many channel for which nobody has named another number.
/// (Each is several objects to loom, which has five threads.)
const MANY: usize = if IS_USERS_MODEL { 8 } else { 64 };

/// Lanes for messages that are short, and how long those are.
/// (To loom each byte is an object.)
const SHORT_LANES: LaneClass = LaneClass { count: 64, bytes: 4096 };
const LANES: usize = if IS_USERS_MODEL { 1 } else { 8 };
const LANE_BYTES: usize = if IS_USERS_MODEL { 4096 } else { 128 << 10 };
/// Room for loans that is made when it is needed. (In models each costs some objects, used or not.)
const ANNEXES: usize = match (IS_USERS_MODEL, cfg!(loom)) {
    (true, _) => 1,
    (false, true) => 0,
    (false, false) => 16,
};
/// How much of a message is copied before the other side is told.
const CHUNK_BYTES: usize = 16 << 10;
/// See [`crate::bytes::mpmc::COPY_UP_TO`], where the measurement is.
pub(crate) const COPY_UP_TO: usize = 64 << 10;

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: 1024 messages (a stream, and one-to-one messages of bytes: 256 KiB to 1 MiB, by the processor's
    /// cache), `/dev/shm`, mode 0600, 20 microseconds of spinning before sleeping, slices of 50 ms, no waiting for a channel
    /// that is not there.
    pub fn new() -> Self {
        Self {
            capacity: None,
            backing: None,
            pages: Pages::default(),
            directory: None,
            mode: 0o600,
            type_tag: 0,
            placement: None,
            frame_bytes: None,
            wait: WaitStrategy::default(),
            waiter: None,
            slice: SLICE,
            absent: None,
            persistent: false,
            open_timeout: Duration::ZERO,
            // In a model there is one process.
            members: if IS_USERS_MODEL { 1 } else { MANY },
            operations: MANY,
            in_hand: MANY,
            attempts_max: None,
            dead_letters: None,
            lanes: LANES,
            lane_bytes: LANE_BYTES,
            annexes: ANNEXES,
            chunk_bytes: CHUNK_BYTES,
            copy_up_to: COPY_UP_TO,
            whole_up_to: 0,
        }
    }

    /// How many messages fit, exactly; any number from 1. For a stream and for messages of bytes it is bytes, and for the
    /// latter from 32. An opener that names it gets an error if the channel has another.
    pub fn capacity(mut self, messages: usize) -> Self {
        self.capacity = Some(messages);
        self
    }

    /// What kind of memory the channel lies in; by default POSIX shared memory for one that has a name, and the heap for one whose ends
    /// are made together. See [`Backing`] for what each can do. All ends of a channel name the same (but for a memfd, which is
    /// opened as a [`Backing::Descriptor`]; and one that names none comes to a System V segment as to a file).
    pub fn backing(mut self, backing: Backing) -> Self {
        self.backing = Some(backing);
        self
    }

    /// Huge pages for the channel's memory: fewer misses of the processor's table of pages where a channel is large. How far that
    /// goes depends on the [backing](Self::backing):
    ///
    /// - a memfd is made of huge pages, which the administrator has set aside (`/proc/sys/vm/nr_hugepages`); if there are too few, it is
    ///   not made ([`SegmentError::NoHugePages`](crate::SegmentError::NoHugePages));
    /// - a System V segment is, too (`SHM_HUGETLB`), for who may: `CAP_IPC_LOCK`, or the group of `/proc/sys/vm/hugetlb_shm_group`;
    /// - a file in a hugetlbfs is, whatever this says;
    /// - shared memory in a tmpfs that is mounted with `huge=advise` (`/dev/shm` mostly is not), and the heap if
    ///   `/sys/kernel/mm/transparent_hugepage/enabled` lets it, get transparent huge pages, as far as there are some; all else
    ///   in memory gets small ones: a hint;
    /// - a file on a disk is refused.
    pub fn huge_pages(mut self, are_wanted: bool) -> Self {
        self.pages.huge = are_wanted;
        self
    }

    /// Whether this end fetches all of the channel's pages when it is made, rather than one by one when it first touches them. Opening
    /// takes longer, and the first messages are as fast as all others. Linux 5.14; before that an error.
    pub fn prefault(mut self, is_wanted: bool) -> Self {
        self.pages.prefault = is_wanted;
        self
    }

    /// Whether this end keeps the channel's pages in memory, whatever the kernel runs short of: no operation then waits for a disk. It
    /// needs the right to lock so much ([`SegmentError::LockLimit`](crate::SegmentError::LockLimit) says when it is lacking).
    /// (Loans longer than a lane of a channel on the heap are not locked.)
    pub fn lock_memory(mut self, is_wanted: bool) -> Self {
        self.pages.lock = is_wanted;
        self
    }

    /// From which NUMA node the channel's memory comes. Whoever creates it decides. A kernel or a machine without such a node gives
    /// an error, and so does a file on a disk.
    pub fn numa(mut self, node: Numa) -> Self {
        self.pages.numa = Some(node);
        self
    }

    /// The directory for the segment's file, instead of `/dev/shm`; it must be in memory (tmpfs). A directory that only
    /// this user can enter keeps others from taking names first.
    pub fn dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// A number that stands for the message type, beside its size and alignment. Both ends must give the same.
    pub fn type_tag(mut self, tag: u64) -> Self {
        self.type_tag = tag;
        self
    }

    /// Where publication words lie. By default in the frame for small messages, in a table for large ones.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = Some(placement);
        self
    }

    /// Bytes of a frame: inline with its word, a multiple of 8 and of the message's alignment; in a table a multiple of
    /// the message's size. Larger frames suit batches, smaller ones latency. Messages of bytes have frames of a multiple of
    /// 8, and those that fit into one lie in one piece.
    pub fn frame_bytes(mut self, bytes: usize) -> Self {
        self.frame_bytes = Some(bytes);
        self
    }

    /// How this end waits.
    pub fn wait(mut self, strategy: WaitStrategy) -> Self {
        self.wait = strategy;
        self
    }

    /// By what all who wait at this channel are put to sleep: a futex, by default. The creator decides; an opener that names
    /// another gets [`FormatError::Waiter`](crate::FormatError::Waiter), one that names none takes what is there. Not every waiter
    /// can be where every channel lies ([`Waiter`] has a table): creating it then is [`OpenError::Options`](crate::OpenError::Options).
    ///
    /// ```
    /// use ringway::{Options, Waiter, spsc};
    ///
    /// let (mut tx, mut rx) = spsc::channel_with::<u64>(&Options::new().capacity(8).waiter(Waiter::Semaphore))?;
    /// let receiver = std::thread::spawn(move || rx.recv());
    /// tx.send(7)?;
    /// assert_eq!(receiver.join().unwrap(), Ok(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn waiter(mut self, waiter: Waiter) -> Self {
        self.waiter = Some(waiter);
        self
    }

    /// How long this end sleeps at most before it asks the kernel whether the other end is alive. `Duration::MAX`: it
    /// asks before it falls asleep at most, and a killed peer is not noticed while asleep.
    pub fn slice(mut self, slice: Duration) -> Self {
        self.slice = slice.max(Duration::from_millis(1));
        self
    }

    /// Whether the channel outlives its users: what was sent stays until it is received, whoever leaves, exits or is killed,
    /// and the channel until it is [removed](crate::observe::remove) (`ringway rm`; `ringway clean` leaves it alone).
    ///
    /// By default a channel ends with its last user. `create` never replaces a persistent one; `open` and `open_or_create`
    /// take it up where the last ones committed. Its sender does not mind who receives ([`Absent::Buffer`]) unless
    /// [`absent`](Self::absent) says otherwise. It is memory: a reboot ends it.
    ///
    /// The creator decides. An opener that says `true` insists: a channel in use that is not persistent gives
    /// [`FormatError::NotPersistent`](crate::FormatError::NotPersistent); one that does not say it takes what is there. A
    /// stream, and a channel inside one process, cannot be persistent.
    ///
    /// ```
    /// use ringway::{Options, observe, spsc::{Receiver, Sender}};
    /// # let name = format!("doc-persistent-{}", std::process::id());
    /// # let name = name.as_str();
    ///
    /// let options = Options::new().capacity(100).persistent(true);
    /// let mut tx = Sender::<u32>::open_or_create_with(name, &options)?;
    /// tx.send(7)?;
    /// drop(tx); // and the process ends
    ///
    /// let mut rx = Receiver::<u32>::open(name)?; // in another process, later
    /// assert_eq!(rx.recv()?, 7);
    /// drop(rx);
    /// observe::remove(name, None)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn persistent(mut self, is_persistent: bool) -> Self {
        self.persistent = is_persistent;
        self
    }

    /// What this end, if it sends, does while nobody receives.
    pub fn absent(mut self, policy: Absent) -> Self {
        self.absent = Some(policy);
        self
    }

    /// How long opening waits for a channel that is not there yet, for an end that somebody still holds, or for the last
    /// stream of this name to be over. Creating waits for the last two.
    pub fn open_timeout(mut self, timeout: Duration) -> Self {
        self.open_timeout = timeout;
        self
    }

    /// Many-to-many: how many attachments there can be at a time, at most 4096; 64 by default. Each process that opens the
    /// channel is one, for each time that it opens it; clones of an end are none.
    pub fn members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }

    /// Many-to-many: how many operations can be in flight at a time over all processes, at most 4096; 64 by default. An
    /// operation that waits is not in flight. When so many are, a `try_` operation says Full or Empty after some
    /// microseconds, and one that may wait waits for the end of another.
    pub fn operations(mut self, operations: usize) -> Self {
        self.operations = operations;
        self
    }

    /// Many-to-many: how many messages can be in receivers' hands ([`mpmc::Guard`](crate::mpmc::Guard)) at a time, at most
    /// 4096; 64 by default. While so many are, no other can be taken in hand.
    pub fn in_hand(mut self, messages: usize) -> Self {
        self.in_hand = messages;
        self
    }

    /// Many-to-many: how often this end's process delivers a message that those who had it died with, or gave back. Once
    /// more would be too much, it goes to the [dead letters](Self::dead_letters). By default there is no limit but that of
    /// a message on which sixty receivers in a row have died between two instructions of receiving it.
    pub fn deliveries(mut self, at_most: u32) -> Self {
        self.attempts_max = Some(at_most.max(1));
        self
    }

    /// Many-to-many: the channel that gets what was [delivered too often](Self::deliveries), of the same type and in the
    /// same directory (in `/dev/shm`, if this one has no name); it is created if it is not there. By default, and while that channel is full, such messages are
    /// dropped and [counted](crate::mpmc::Receiver::stats).
    pub fn dead_letters(mut self, channel: &str) -> Self {
        self.dead_letters = Some(channel.to_owned());
        self
    }

    /// Many-to-many bytes: how many long messages can be on their way at a time, or wait to be received, and how many bytes
    /// of each; 8 of 128 KiB by default. A message that is longer than a lane goes through it, round after round, while it is
    /// being received. (Beside them there are 64 lanes for one message of up to 4096 bytes each.)
    pub fn lanes(mut self, count: usize, bytes: usize) -> Self {
        (self.lanes, self.lane_bytes) = (count, bytes);
        self
    }

    /// Many-to-many bytes: how many pieces of memory there can be beside the segment for [loans](crate::bytes::mpmc::Sender::loan)
    /// that are longer than a lane, or find all lanes in use; 16 by default, at most 4096. Each is a file of its own, made when
    /// it is first needed, and kept until the channel is removed or a loan needs another size in its place. 0: no loan is
    /// longer than a lane. (Each takes 256 bytes of the segment.)
    pub fn annexes(mut self, count: usize) -> Self {
        self.annexes = count;
        self
    }

    /// Many-to-many bytes: after how many bytes of a long message this end tells the other side; 16 KiB by default. Smaller
    /// chunks overlap the copying on both sides better, larger ones cost less telling.
    pub fn chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes.max(1);
        self
    }

    /// Many-to-many bytes: up to how many bytes [`send_with`](crate::bytes::mpmc::Sender::send_with) has a message made in private
    /// memory and copies it to the channel; a longer one is made where it will be read.
    /// [`COPY_UP_TO`](crate::bytes::mpmc::COPY_UP_TO) by default, which was measured; `ringway bench copy-vs-map` says where
    /// your machine has its crossing. (What goes through the ring itself, up to 112 bytes, is copied in any case.)
    ///
    /// ```
    /// let options = ringway::Options::new().capacity(16).copy_up_to(4096);
    /// let (tx, rx) = ringway::bytes::mpmc::channel_with(&options)?;
    /// tx.send_with(5000, |message| message.fill(7))?; // in place
    /// assert_eq!(rx.recv_with(|message| message.iter().map(|byte| u64::from(*byte)).sum::<u64>())?, 35_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy_up_to(mut self, bytes: usize) -> Self {
        self.copy_up_to = bytes;
        self
    }

    /// Many-to-many bytes: up to how many bytes a message that is [sent](crate::bytes::mpmc::Sender::send) and is longer than a lane is
    /// copied as a whole to an [annex](Self::annexes); 0 by default, and then each goes through a lane while it is being
    /// received. A whole one waits for no receiver, can be [tried](crate::bytes::mpmc::Sender::try_send), is read where it lies
    /// by `recv_ref`, and goes to another receiver if one dies with it; it takes the memory for all of it.
    pub fn whole_up_to(mut self, bytes: usize) -> Self {
        self.whole_up_to = bytes;
        self
    }

    /// The lanes asked for.
    pub(crate) fn lane_table(&self) -> Result<LaneTable, FormatError> {
        let long = LaneClass { count: self.lanes as u64, bytes: self.lane_bytes as u64 };
        // Short lanes that are as long as the long ones would be of no use.
        let short = if long.bytes > SHORT_LANES.bytes { SHORT_LANES } else { LaneClass::default() };
        // Files beside a segment are found by its name.
        let has_annexes = !matches!(self.backing, Some(Backing::Memfd));
        LaneTable::new(short, long, if has_annexes { self.annexes as u64 } else { 0 })
    }

    /// Where the channel of this name is.
    #[cfg(not(loom))]
    pub(crate) fn place(&self, name: &str, how: How) -> Result<Place, OpenError> {
        let rule = |rule| Err(OpenError::Options { rule });
        let backing = self.backing.as_ref().unwrap_or(&Backing::Shm);
        if self.directory.is_some() && !matches!(backing, Backing::Shm | Backing::SystemV) {
            return rule("a directory (`dir`) is for shared memory: another backing has its own place");
        }
        let place = match (backing, how) {
            (Backing::Shm, _) => Place::new(name, self.directory.as_deref()),
            (Backing::SystemV, _) => Place::system_v(name, self.directory.as_deref()),
            (Backing::File(directory), _) => Place::anywhere(name, Some(directory)),
            (Backing::Memfd, How::Open) => return rule("a memfd is opened by its descriptor: Backing::Descriptor"),
            (Backing::Memfd, How::Create | How::OpenOrCreate) => Place::memfd(name),
            (Backing::Descriptor(file), How::Open) => Ok(Place::descriptor(file)),
            (Backing::Descriptor(_), _) => return rule("what has a descriptor is there: it is opened, not created"),
            (Backing::Heap, _) => return rule("a channel of the heap has no name: its ends are made together"),
        };
        Ok(place?.of(self.pages))
    }

    /// What a segment says of the run of the kernel that it belongs to.
    #[cfg(not(loom))]
    pub(crate) fn boot(&self) -> Result<[u8; 16], OpenError> {
        match &self.backing {
            Some(Backing::File(_)) => {
                boot::id().map_err(|source| crate::channel::open::trouble("finding the boot id in", source))
            }
            _ => Ok([0; 16]),
        }
    }
}
