//! What can be wrong with a segment's contents, found before anything of it is believed.

use super::waiter::Waiter;
use std::fmt;

/// The file under the name is no segment that this program can use. It is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// It does not begin as a segment does, or ends too early.
    NotASegment,
    /// It is a segment of another version of the format.
    Version {
        /// The file's version.
        found: u32,
        /// The only version this program knows.
        supported: u32,
    },
    /// It was made on a machine with another byte order.
    ByteOrder,
    /// It holds another kind of channel.
    Kind {
        /// The file's kind.
        found: Kind,
        /// The kind asked for.
        asked: Kind,
    },
    /// Its messages are of another type.
    Type {
        /// The file's type.
        found: TypeId,
        /// The type asked for.
        asked: TypeId,
    },
    /// It was made with another capacity than the one insisted on.
    Capacity {
        /// The file's capacity, in messages.
        found: u64,
        /// The capacity asked for.
        asked: u64,
    },
    /// Those who wait at it are put to sleep otherwise than was insisted on.
    Waiter {
        /// By what they are.
        found: Waiter,
        /// What was asked for.
        asked: Waiter,
    },
    /// It lies in other memory than was named.
    Backing {
        /// Whether it lies in a System V segment.
        is_system_v: bool,
    },
    /// It ends with its last user, and one that outlives its users was insisted on.
    NotPersistent,
    /// A field of it cannot be.
    Field {
        /// The field, as SPEC.md names it.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it must be.
        must: &'static str,
    },
}

/// What a message is, as far as a segment can tell: two types with the same size and alignment and no tag look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeId {
    /// `size_of::<T>()`, in bytes.
    pub size: u64,
    /// `align_of::<T>()`, in bytes.
    pub align: u64,
    /// `Options::type_tag`, 0 if none was given.
    pub tag: u64,
}

/// The kinds of channel that a segment can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// [`crate::spsc`]: messages of one type from one sender to one receiver.
    Spsc,
    /// [`crate::stream`]: bytes without borders from one writer to one reader.
    Stream,
    /// [`crate::mpmc`]: messages of one type from many senders to many receivers.
    Mpmc,
    /// [`crate::bytes::spsc`]: messages of bytes of any length from one sender to one receiver.
    Bytes,
    /// [`crate::bytes::mpmc`]: messages of any length from many senders to many receivers.
    ManyBytes,
}

impl Kind {
    /// The number that stands for the kind in a header.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Spsc => 1,
            Self::Stream => 2,
            Self::Mpmc => 3,
            Self::Bytes => 4,
            Self::ManyBytes => 5,
        }
    }

    /// The kind with this number.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Spsc),
            2 => Some(Self::Stream),
            3 => Some(Self::Mpmc),
            4 => Some(Self::Bytes),
            5 => Some(Self::ManyBytes),
            _ => None,
        }
    }

    /// Whether many can send and receive.
    pub(crate) fn is_many(self) -> bool {
        matches!(self, Self::Mpmc | Self::ManyBytes)
    }

    /// As the program prints it: `spsc`, `stream`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spsc => "spsc",
            Self::Stream => "stream",
            Self::Mpmc => "mpmc",
            Self::Bytes => "bytes",
            Self::ManyBytes => "bytes-mpmc",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "size={} align={} tag={:#x}", self.size, self.align, self.tag)
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASegment => f.write_str("not a ringway segment"),
            Self::Version { found, supported } => {
                write!(f, "format version {found} is not supported: this program knows version {supported}")
            }
            Self::ByteOrder => f.write_str("the segment was made on a machine with another byte order"),
            Self::Kind { found, asked } => write!(f, "the channel is of kind {found}, not {asked}"),
            Self::Type { found, asked } => {
                write!(f, "the channel's messages are of another type: {found}, not {asked}")
            }
            Self::Capacity { found, asked } => write!(f, "the channel was created with capacity={found}, not {asked}"),
            Self::Waiter { found, asked } => write!(f, "the channel's waiter is {found}, not {asked}"),
            Self::Backing { is_system_v: true } => {
                f.write_str("the channel lies in a System V segment, and another backing was asked for")
            }
            Self::Backing { is_system_v: false } => {
                f.write_str("the channel lies in a file, and a System V segment was asked for")
            }
            Self::NotPersistent => {
                f.write_str("the channel is not persistent: it was created to end with its last user")
            }
            Self::Field { field, found, must } => write!(f, "{field} must be {must}: {field}={found}"),
        }
    }
}

impl std::error::Error for FormatError {}
