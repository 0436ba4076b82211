//! Looking at channels from outside, and removing those that nobody uses.
//!
//! An observer takes no lock and maps nothing: it reads with `pread`, and asks the kernel who holds which lock
//! (`F_OFD_GETLK`). (What is in a System V segment it attaches for the moment, to read only.) So looking disturbs nobody, and a hostile or broken file gives an error and no signal.
//!
//! ```
//! let (name, dir) = (format!("doc-observe-{}", std::process::id()), None);
//! let tx = ringway::spsc::Sender::<u64>::create(&name, 8)?;
//! let seen = ringway::observe::stat(&name, dir)?;
//! assert_eq!((seen.capacity, seen.depth, seen.is_in_use), (8, 0, true));
//! assert!(ringway::observe::remove(&name, dir).is_err(), "it is in use");
//! drop(tx);
//! assert!(ringway::observe::stat(&name, dir).unwrap_err().is_not_found());
//! # Ok::<(), ringway::OpenError>(())
//! ```

mod inspect;
mod inspect_many;
mod inspection;
mod many;
mod rates;
mod read;

pub use crate::channel::mpmc::tally::{LaneClass, Lanes};
pub use inspection::{Field, Inspection, Lock, Page, Region, Slot, SlotState, Slots, Word, Words};
pub use many::{Many, Member};
pub use rates::Rates;

use crate::channel::error::OpenError;
use crate::channel::open::read_header;
use crate::layout::error::{Kind, TypeId};
use crate::layout::geometry::Placement;
use crate::layout::header::MAGIC;
use crate::memory::annex;
use crate::memory::error::SegmentError;
use crate::memory::name::Place;
use crate::memory::segment::{self, Estate, Removal};
use crate::memory::system_v;
use crate::sys::file::Identity;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A segment as an observer finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment {
    /// The channel's name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What kind of channel.
    pub kind: Kind,
    /// The random bits of this instance.
    pub instance: [u8; 16],
    /// The message's type.
    pub message: TypeId,
    /// Messages (a stream, messages of bytes: bytes) that fit.
    pub capacity: u64,
    /// Where the publication words lie.
    pub placement: Placement,
    /// Physical frames.
    pub frames: u64,
    /// Messages in a frame.
    pub per_frame: u64,
    /// Bytes from one frame to the next.
    pub frame_bytes: u64,
    /// Bytes of shared memory.
    pub total_bytes: u64,
    /// Messages (a stream, messages of bytes: bytes) sent so far. Many-to-many: positions that senders have claimed, tombstones included.
    pub sent: u64,
    /// Messages (a stream, messages of bytes: bytes) released so far. Many-to-many: positions that receivers have claimed.
    pub received: u64,
    /// Messages (a stream, messages of bytes: bytes) sent and not yet taken. Many-to-many: with those that a sender has claimed the place of and
    /// not published yet, and without tombstones.
    pub depth: u64,
    /// Whether any process is attached. What nobody uses and is not persistent is garbage: the next opener or [`clean`]
    /// removes it.
    pub is_in_use: bool,
    /// Whether it outlives its users ([`Options::persistent`](crate::Options::persistent)): only [`remove`] ends it.
    /// (Not of what an earlier run of the kernel has left on a disk.)
    pub is_persistent: bool,
    /// The number of the System V segment that it lies in, if it does.
    pub system_v: Option<i32>,
    /// The sending end; `None` of a many-to-many channel.
    pub sender: Option<End>,
    /// The receiving end; `None` of a many-to-many channel.
    pub receiver: Option<End>,
    /// Who uses a many-to-many channel; `None` of the others.
    pub many: Option<Many>,
}

/// Who is, or was, at one end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// Whether anybody is there.
    pub state: MemberState,
    /// The last holder's pid, as it wrote it; 0 if it wrote none. For people to read.
    pub pid: u32,
    /// The command of that process, if it still runs.
    pub command: Option<String>,
    /// How many have held this end so far.
    pub generation: u32,
    /// Whether it is attached and sleeps, or is about to: it has asked to be woken and was not yet.
    pub is_asleep: bool,
    /// Whether it is attached and has declared that it never sleeps ([`WaitStrategy::Spin`](crate::WaitStrategy::Spin)).
    pub is_quiet: bool,
    /// Whether it is attached and cannot wake the other end, which then sleeps a millisecond at a time.
    pub is_mute: bool,
}

/// The state of one end, or of a place among many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberState {
    /// Nobody was ever there.
    Never,
    /// Somebody is there.
    Attached,
    /// Its last holder left in good order.
    Left,
    /// Its last holder died.
    Died,
}

impl MemberState {
    /// As the program prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Attached => "attached",
            Self::Left => "left",
            Self::Died => "died",
        }
    }
}

/// Something under a name that could be a channel's.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The segment, or why it is none that this program understands.
    pub segment: Result<Segment, OpenError>,
    /// When it was looked at: for [`Segment::rates_since`].
    pub looked_at: Instant,
}

/// What [`clean`] did with a name.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cleaned {
    /// The name.
    pub name: String,
    /// Whether it was removed; `false`: it is in use, or persistent. The error: it is no segment that this program
    /// understands, and was left alone.
    pub removed: Result<bool, OpenError>,
    /// Whether it was left alone because it is persistent.
    pub is_persistent: bool,
}

/// Every channel of this user in `/dev/shm`, or in another directory.
///
/// *Progress*: some ten system calls a channel, and of a many-to-many one two for each entry of its tables; never sleeps.
///
/// # Errors
///
/// The directory cannot be read.
pub fn list(directory: Option<&Path>) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (name, place) in Place::all(directory)? {
        match read::segment(&name, &place) {
            // Gone between two looks.
            Err(error) if error.is_not_found() => {}
            segment => entries.push(Entry { name, segment, looked_at: Instant::now() }),
        }
    }
    Ok(entries)
}

/// The channel `name`.
///
/// # Errors
///
/// [`OpenError`]: nothing there, or nothing that this program understands.
pub fn stat(name: &str, directory: Option<&Path>) -> Result<Segment, OpenError> {
    read::segment(name, &Place::anywhere(name, directory)?)
}

/// The file of the channel `name`, field by field, with the words of at most so many frames; whatever it holds.
///
/// Takes no lock and maps nothing. A file that is damaged, or no segment at all, is not an error: what is wrong with it
/// stands at the fields, and all of it in [`Inspection::wrong`].
///
/// ```
/// use ringway::observe::{self, Page};
///
/// let (name, dir) = (format!("doc-inspect-{}", std::process::id()), None);
/// let mut tx = ringway::spsc::Sender::<u64>::create(&name, 8)?;
/// tx.send(7).expect("room");
/// let seen = observe::inspect(&name, dir, 1)?;
/// assert!(seen.wrong().is_empty());
/// let capacity = seen.field(Page::Header, "capacity").expect("a field of the format");
/// assert_eq!((capacity.at(), capacity.number()), (48, Some(8)));
/// let words = seen.words.expect("a sound header");
/// assert_eq!((words.tail, words.list[0].published), (1, 1));
/// # Ok::<(), ringway::OpenError>(())
/// ```
///
/// # Errors
///
/// [`OpenError`]: nothing there, no regular file of this user alone, or it cannot be read.
pub fn inspect(name: &str, directory: Option<&Path>, words: usize) -> Result<Inspection, OpenError> {
    inspect::inspect(name, &Place::anywhere(name, directory)?, words)
}

/// Removes the channel `name` if nobody is attached to it, and what is in it with it: also if it is persistent.
///
/// # Errors
///
/// [`OpenError`]: it is in use, nothing is there, or nothing that this program understands. Then nothing was touched.
pub fn remove(name: &str, directory: Option<&Path>) -> Result<(), OpenError> {
    let place = Place::anywhere(name, directory)?;
    match segment::remove_if_unused(&place, true, read_estate)? {
        Removal::Removed => Ok(()),
        Removal::InUse | Removal::Kept => Err(SegmentError::InUse { path: place.path }.into()),
    }
}

/// Removes every channel of this user that nobody is attached to and that is not persistent, the annexes of channels that are
/// gone ([`Options::annexes`](crate::Options::annexes)), System V segments whose creators were killed before they had a name
/// ([`Backing::SystemV`](crate::Backing::SystemV)), and nothing else.
///
/// # Errors
///
/// The directory cannot be read.
pub fn clean(directory: Option<&Path>) -> io::Result<Vec<Cleaned>> {
    let mut cleaned = Vec::new();
    for (name, place) in Place::all(directory)? {
        match segment::remove_if_unused(&place, false, read_estate) {
            // Gone between two looks: somebody else removed it.
            Err(error) if error.is_not_found() => {}
            removal => {
                let is_persistent = matches!(removal, Ok(Removal::Kept));
                let removed = removal.map(|removal| removal == Removal::Removed);
                cleaned.push(Cleaned { name, removed, is_persistent });
            }
        }
    }
    for (name, place) in system_v::intents(directory, None)? {
        match segment::remove_if_unused(&place, true, read_estate) {
            Err(error) if error.is_not_found() => {}
            removal => {
                let removed = removal.map(|removal| removal == Removal::Removed);
                cleaned.push(Cleaned { name, removed, is_persistent: false });
            }
        }
    }
    for annex in annex::all(directory)? {
        if is_orphaned(&annex, directory) {
            let removed = annex.remove().map(|()| true).map_err(OpenError::from);
            // Gone between two looks.
            if !matches!(&removed, Err(error) if error.is_not_found()) {
                cleaned.push(Cleaned { name: annex.name, removed, is_persistent: false });
            }
        }
    }
    Ok(cleaned)
}

/// Whether the System V segment of this number is one of this user's that begins as a channel's does: of a channel in whatever directory
/// ([`Segment::system_v`] tells which), or of none any more. It is attached for the moment, to read only.
pub fn is_of_a_channel(system_v: i32) -> bool {
    system_v::head(system_v).is_some_and(|head| head.starts_with(&MAGIC))
}

/// Whether the segment of an annex is gone: there is none of its name, or another instance.
fn is_orphaned(annex: &annex::Found, directory: Option<&Path>) -> bool {
    let Ok(place) = Place::anywhere(&annex.segment, directory) else { return false };
    match segment::observe(&place).map_err(OpenError::from).and_then(|(file, seen)| read_header(file.as_fd(), &seen)) {
        Ok(header) => !annex.is_of(&header.instance),
        // What cannot be understood is left alone, with all that may be its.
        Err(error) => error.is_not_found(),
    }
}

/// What becomes of a segment without users, if it is one.
fn read_estate(file: BorrowedFd<'_>, seen: &Identity) -> Result<Estate, OpenError> {
    Ok(read_header(file, seen)?.estate())
}
