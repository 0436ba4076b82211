//! The errors of channels: the family of crossbeam-channel and std, and those of opening.
//!
//! What could not be sent is handed back. `Debug` does not show it. The texts are crossbeam-channel's, too: what a program logs
//! stays what it was when it takes the one for the other.

use super::reason::DisconnectReason;
use crate::layout::error::FormatError;
use crate::membership::role::Role;
pub(crate) use crate::memory::error::SegmentError;
use std::error::Error;
use std::fmt;

/// A channel could not be created or opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The segment's file: its name, its room, its owner.
    Segment(SegmentError),
    /// The segment's contents: another version, kind, type or capacity, or no segment at all.
    Format(FormatError),
    /// Somebody else holds this end.
    RoleTaken {
        /// Which end.
        role: Role,
        /// The process that holds it, as it wrote it: for people to read. 0 if it wrote none.
        pid: u32,
    },
    /// As many are attached as the channel can have.
    TooManyMembers {
        /// How many those are.
        most: u64,
    },
    /// The stream under this name is over or broken, and somebody is still attached to it.
    Spent,
    /// The options contradict each other.
    Options {
        /// What must be otherwise.
        rule: &'static str,
    },
}

impl OpenError {
    /// Whether there simply is no channel under this name.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Segment(SegmentError::NotFound { .. }))
    }

    /// Whether a channel in use is already there.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::Segment(SegmentError::AlreadyExists { .. }))
    }

    /// Whether another process, or another handle of this one, holds this end.
    pub fn is_role_taken(&self) -> bool {
        matches!(self, Self::RoleTaken { .. })
    }

    /// Whether the file system has no room for the channel.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::Segment(SegmentError::NoSpace { .. }))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(error) => error.fmt(f),
            Self::Format(error) => error.fmt(f),
            Self::RoleTaken { role, pid: 0 } => write!(f, "the channel already has a {role}"),
            Self::RoleTaken { role, pid } => write!(f, "the channel already has a {role}: pid={pid}"),
            Self::TooManyMembers { most } => {
                write!(f, "{most} processes are attached, and the channel can have no more")
            }
            Self::Spent => f.write_str("the last stream under this name is over, and its other end has not left yet"),
            Self::Options { rule } => f.write_str(rule),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Segment(error) => error.source(),
            _ => None,
        }
    }
}

impl From<SegmentError> for OpenError {
    fn from(error: SegmentError) -> Self {
        Self::Segment(error)
    }
}

impl From<FormatError> for OpenError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<OpenError> for std::io::Error {
    fn from(error: OpenError) -> Self {
        use std::io::ErrorKind;
        let kind = match &error {
            OpenError::Segment(SegmentError::NotFound { .. }) => ErrorKind::NotFound,
            OpenError::Segment(SegmentError::AlreadyExists { .. }) => ErrorKind::AlreadyExists,
            OpenError::Segment(SegmentError::NoSpace { .. }) => ErrorKind::StorageFull,
            OpenError::Segment(
                SegmentError::OutOfMemory { .. } | SegmentError::NoHugePages { .. } | SegmentError::LockLimit { .. },
            ) => ErrorKind::OutOfMemory,
            OpenError::Segment(SegmentError::Untrusted { .. }) => ErrorKind::PermissionDenied,
            OpenError::Segment(SegmentError::TimedOut { .. }) => ErrorKind::TimedOut,
            OpenError::Segment(SegmentError::Io { source, .. }) => source.kind(),
            OpenError::RoleTaken { .. }
            | OpenError::TooManyMembers { .. }
            | OpenError::Spent
            | OpenError::Segment(SegmentError::InUse { .. }) => ErrorKind::ResourceBusy,
            OpenError::Format(_) => ErrorKind::InvalidData,
            _ => ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// The message could not be sent, since the other end is gone. It is in here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// The message was not sent now. It is in here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// The ring was full.
    Full(T),
    /// The other end is gone.
    Disconnected(T),
}

/// The message was not sent in time. It is in here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// The ring was full until the time was over.
    Timeout(T),
    /// The other end is gone.
    Disconnected(T),
}

/// Nothing is left, and the other end is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError;

/// Nothing was received now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// The ring was empty.
    Empty,
    /// Nothing is left, and the other end is gone.
    Disconnected,
}

/// Nothing was received in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// The ring was empty until the time was over.
    Timeout,
    /// Nothing is left, and the other end is gone.
    Disconnected,
}

/// A batch of so many messages was not to be had now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryGrantError {
    /// There is room for, or there are, only so many; 0 for none.
    TooFew(usize),
    /// The other end is gone (and, for a receiver, nothing is left).
    Disconnected,
}

/// Nobody came to the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitForPeerError {
    /// Not in time.
    Timeout,
    /// And nobody can: see [`DisconnectReason`].
    Disconnected(DisconnectReason),
}

const UNSENDABLE: &str = "sending on a disconnected channel";
const UNRECEIVABLE: &str = "receiving on an empty and disconnected channel";

impl<T> SendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendError(..)")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(UNSENDABLE)
    }
}

impl<T> Error for SendError<T> {}

impl<T> TrySendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(message) | Self::Disconnected(message) => message,
        }
    }

    /// Whether the ring was full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the other end is gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_full() { "Full(..)" } else { "Disconnected(..)" })
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_full() { "sending on a full channel" } else { UNSENDABLE })
    }
}

impl<T> Error for TrySendError<T> {}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Disconnected(error.0)
    }
}

impl<T> SendTimeoutError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(message) | Self::Disconnected(message) => message,
        }
    }

    /// Whether the time was over.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether the other end is gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendTimeoutError(..)")
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_timeout() { "timed out waiting on send operation" } else { UNSENDABLE })
    }
}

impl<T> Error for SendTimeoutError<T> {}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Disconnected(error.0)
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(UNRECEIVABLE)
    }
}

impl Error for RecvError {}

impl TryRecvError {
    /// Whether the ring was empty.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// Whether nothing is left and the other end is gone.
    pub fn is_disconnected(&self) -> bool {
        *self == Self::Disconnected
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_empty() { "receiving on an empty channel" } else { UNRECEIVABLE })
    }
}

impl Error for TryRecvError {}

impl From<RecvError> for TryRecvError {
    fn from(_: RecvError) -> Self {
        Self::Disconnected
    }
}

impl RecvTimeoutError {
    /// Whether the time was over.
    pub fn is_timeout(&self) -> bool {
        *self == Self::Timeout
    }

    /// Whether nothing is left and the other end is gone.
    pub fn is_disconnected(&self) -> bool {
        *self == Self::Disconnected
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_timeout() {
            "timed out waiting on receive operation"
        } else {
            "channel is empty and disconnected"
        })
    }
}

impl Error for RecvTimeoutError {}

impl From<RecvError> for RecvTimeoutError {
    fn from(_: RecvError) -> Self {
        Self::Disconnected
    }
}

impl TryGrantError {
    /// Whether the other end is gone.
    pub fn is_disconnected(&self) -> bool {
        *self == Self::Disconnected
    }
}

impl fmt::Display for TryGrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(available) => write!(f, "only {available} of the messages asked for are available"),
            Self::Disconnected => f.write_str("the channel is disconnected"),
        }
    }
}

impl Error for TryGrantError {}

impl fmt::Display for WaitForPeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("timed out waiting for somebody at the other end"),
            Self::Disconnected(reason) => reason.fmt(f),
        }
    }
}

impl Error for WaitForPeerError {}
