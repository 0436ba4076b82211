//! What can go wrong when a channel is handed over.

use super::trust::Trust;
use crate::channel::error::OpenError;
use crate::layout::error::FormatError;
use crate::membership::role::Role;
use std::error::Error;
use std::fmt;
use std::io;

/// A channel was not handed over, or nobody came to hand one over to. Nothing is left of the attempt: no descriptor, no memory.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandoverError {
    /// The process at the other end acts as a user that is not trusted. Nothing was sent to it.
    Stranger {
        /// That user.
        uid: u32,
        /// Its process, for people to read.
        pid: u32,
        /// Who would have been welcome.
        trust: Trust,
    },
    /// The other side did not do its part in time.
    Timeout,
    /// The other side closed the connection, or its process ended.
    Closed,
    /// What the other side said is nothing that this version says; or it is no ringway program.
    Protocol {
        /// What it said it about.
        what: &'static str,
        /// What it said.
        found: u64,
    },
    /// The descriptors that came were not one: none, or several, or more than this process may have open.
    Descriptors {
        /// How many came.
        found: usize,
        /// Whether there were more for which there was no room.
        is_cut: bool,
    },
    /// The file that came cannot be shared with somebody who is not trusted.
    Unfit {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Both sides want this end.
    SameRole(Role),
    /// The other side hands over something else: another kind, type or capacity; or no segment at all, or one whose words cannot be.
    /// (Or a capacity was asked for that no channel can have.)
    Format(FormatError),
    /// The other side's segment is longer than this side maps ([`Peer::set_max_bytes`](super::Peer::set_max_bytes)).
    TooLarge {
        /// Its length.
        bytes: u64,
        /// The most that is mapped.
        max: u64,
    },
    /// The other side did not accept what this side offered.
    Refused {
        /// Why, as far as it said.
        why: &'static str,
    },
    /// An earlier attempt over this connection ended in the middle: nobody knows any more what the next byte means.
    Spoiled,
    /// The options contradict what is asked for.
    Options {
        /// What must be otherwise.
        rule: &'static str,
    },
    /// This program was not started with a connection to inherit.
    NotInherited,
    /// Somebody else listens at the path, or something is there that is no socket of this user.
    PathTaken,
    /// This side's part could not be made: no memory, no descriptors, no `/proc`.
    Channel(OpenError),
    /// A system call failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl HandoverError {
    /// Whether the time was over.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    /// Whether it was somebody who is not trusted.
    pub fn is_stranger(&self) -> bool {
        matches!(self, Self::Stranger { .. })
    }

    /// Something failed while this was being done.
    pub(super) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for HandoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger { uid, pid, trust } => {
                write!(f, "a stranger: user {uid} (pid={pid}), where {trust} may come")
            }
            Self::Timeout => f.write_str("timed out while a channel was being handed over"),
            Self::Closed => f.write_str("the other side closed the connection before the channel was handed over"),
            Self::Protocol { what, found } => {
                write!(f, "the other side does not speak this protocol: {what}={found:#x}")
            }
            Self::Descriptors { found, is_cut: false } => {
                write!(f, "{found} descriptors came with a message, instead of one")
            }
            Self::Descriptors { found, is_cut: true } => {
                write!(f, "more descriptors came than this process could open, instead of one: {found} and others")
            }
            Self::Unfit { what } => write!(f, "the other side's file cannot be shared with a stranger: {what}"),
            Self::SameRole(role) => write!(f, "both sides want to be the {role}"),
            Self::Format(error) => error.fmt(f),
            Self::TooLarge { bytes, max } => {
                write!(f, "the other side's segment is larger than allowed: {bytes} bytes, max={max}")
            }
            Self::Refused { why } => write!(f, "the other side refused: {why}"),
            Self::Spoiled => {
                f.write_str("an earlier hand-over ended in the middle: the connection cannot be used any more")
            }
            Self::Options { rule } => f.write_str(rule),
            Self::NotInherited => f.write_str("no connection was inherited from the process that started this one"),
            Self::PathTaken => f.write_str("somebody listens there already, or it is no socket of this user"),
            Self::Channel(error) => error.fmt(f),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl Error for HandoverError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Channel(error) => Some(error),
            Self::Format(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for HandoverError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Format(error) => Self::Format(error),
            error => Self::Channel(error),
        }
    }
}

impl From<FormatError> for HandoverError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<HandoverError> for io::Error {
    fn from(error: HandoverError) -> Self {
        use io::ErrorKind;
        let kind = match &error {
            HandoverError::Stranger { .. } => ErrorKind::PermissionDenied,
            HandoverError::Timeout => ErrorKind::TimedOut,
            HandoverError::Closed | HandoverError::Spoiled => ErrorKind::ConnectionAborted,
            HandoverError::Refused { .. } => ErrorKind::ConnectionRefused,
            HandoverError::NotInherited => ErrorKind::NotFound,
            HandoverError::PathTaken => ErrorKind::AddrInUse,
            HandoverError::Options { .. } => ErrorKind::InvalidInput,
            HandoverError::Io { source, .. } => source.kind(),
            HandoverError::Channel(_) => ErrorKind::Other,
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
