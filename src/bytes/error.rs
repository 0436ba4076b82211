//! The errors of messages of bytes.
//!
//! A message is borrowed when it is sent, so none is handed back. (A loan is; see [`mpmc::Loan`](super::mpmc::Loan).)

use crate::channel::error::SegmentError;
use std::error::Error;
use std::fmt;
use std::io;

/// The message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The other end is gone. Nothing of the message was sent.
    Disconnected,
    /// The receiver went, or gave the message up, when so many bytes of it had been sent. Nobody gets it. (Among
    /// [many](super::mpmc), one who had it in hand has seen it, and may have dealt with it.)
    Aborted {
        /// Bytes of the message that had been sent.
        bytes: u64,
    },
    /// More was asked for than lies in one place.
    TooLong {
        /// What was asked for.
        bytes: usize,
        /// What there can be.
        limit: usize,
    },
    /// The end of the message had been said before: nothing more can be written. What was written before is on its way.
    Ended,
}

/// The message was not sent now. Nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrySendError {
    /// The ring has no room for it.
    Full,
    /// The other end is gone.
    Disconnected,
    /// The ring would have no room for it if it were empty: it cannot be sent without waiting.
    TooLong {
        /// The message's length.
        bytes: usize,
        /// How long a message could be now.
        limit: usize,
    },
}

/// The message was not sent in time. Nobody gets it. (Of a message that goes through a lane of [many](super::mpmc) who has it
/// in hand, and has not committed it, has seen it, and may deal with it.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendTimeoutError {
    /// The time was over before all of it had found room.
    Timeout,
    /// The other end is gone. Nothing of the message was sent.
    Disconnected,
    /// The receiver went, or gave the message up, when so many bytes of it had been sent.
    Aborted {
        /// Bytes of the message that had been sent.
        bytes: u64,
    },
    /// More was asked for than lies in one place.
    TooLong {
        /// What was asked for.
        bytes: usize,
        /// What there can be.
        limit: usize,
    },
    /// The end of the message had been said before: nothing more can be written. What was written before is on its way.
    Ended,
}

/// No memory was lent to a sender.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoanError {
    /// All memory that there can be for loans of this length is in use: now, or until the time was over.
    Full,
    /// No receiver is left, or this end cannot be used.
    Disconnected,
    /// No loan can be so long.
    TooLong {
        /// What was asked for.
        bytes: usize,
        /// What there can be.
        limit: usize,
    },
    /// More shared memory was needed, and could not be had: how many bytes, and where.
    Memory(SegmentError),
}

/// No message was received. After any of these but `Disconnected` the next one can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// Nothing is left, and the other end is gone.
    Disconnected,
    /// The sender went, or gave the message up, when so many bytes of it had come; or 0, and somebody has taken away by hand the
    /// annex that it lay in.
    Aborted {
        /// Bytes of the message that had come.
        bytes: u64,
    },
    /// The message is longer than the receiver takes. It is skipped.
    TooLong {
        /// How long it is, as far as is known.
        bytes: u64,
        /// What the receiver takes.
        limit: u64,
    },
    /// There is no memory for the message. It is skipped.
    OutOfMemory {
        /// How long it is, as far as is known.
        bytes: u64,
    },
}

/// No message was received now. After any of these but `Disconnected` the next one can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// No message is there, or not all of it.
    Empty,
    /// Nothing is left, and the other end is gone.
    Disconnected,
    /// The sender went, or gave the message up, when so many bytes of it had come; or 0, and somebody has taken away by hand the
    /// annex that it lay in.
    Aborted {
        /// Bytes of the message that had come.
        bytes: u64,
    },
    /// The message is longer than the receiver takes. It is skipped.
    TooLong {
        /// How long it is, as far as is known.
        bytes: u64,
        /// What the receiver takes.
        limit: u64,
    },
    /// There is no memory for the message. It is skipped.
    OutOfMemory {
        /// How long it is, as far as is known.
        bytes: u64,
    },
}

/// No message was received in time. After any of these but `Disconnected` the next one can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvTimeoutError {
    /// No message, or not all of it, was there until the time was over.
    Timeout,
    /// Nothing is left, and the other end is gone.
    Disconnected,
    /// The sender went, or gave the message up, when so many bytes of it had come; or 0, and somebody has taken away by hand the
    /// annex that it lay in.
    Aborted {
        /// Bytes of the message that had come.
        bytes: u64,
    },
    /// The message is longer than the receiver takes. It is skipped.
    TooLong {
        /// How long it is, as far as is known.
        bytes: u64,
        /// What the receiver takes.
        limit: u64,
    },
    /// There is no memory for the message. It is skipped.
    OutOfMemory {
        /// How long it is, as far as is known.
        bytes: u64,
    },
}

const GONE: &str = "the channel is disconnected";
const ENDED: &str = "the end of the message has been said: no more can be written";

fn unsendable(f: &mut fmt::Formatter<'_>, bytes: usize, limit: usize) -> fmt::Result {
    write!(f, "{bytes} bytes are too many for the ring: at most {limit}")
}

fn unsent(f: &mut fmt::Formatter<'_>, bytes: u64) -> fmt::Result {
    write!(f, "the receiver went, or gave the message up, after {bytes} bytes")
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Disconnected => f.write_str(GONE),
            Self::Aborted { bytes } => unsent(f, bytes),
            Self::TooLong { bytes, limit } => unsendable(f, bytes, limit),
            Self::Ended => f.write_str(ENDED),
        }
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Full => f.write_str("the channel has no room for the message"),
            Self::Disconnected => f.write_str(GONE),
            Self::TooLong { bytes, limit } => unsendable(f, bytes, limit),
        }
    }
}

impl fmt::Display for SendTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Timeout => f.write_str("timed out waiting for room in the channel"),
            Self::Disconnected => f.write_str(GONE),
            Self::Aborted { bytes } => unsent(f, bytes),
            Self::TooLong { bytes, limit } => unsendable(f, bytes, limit),
            Self::Ended => f.write_str(ENDED),
        }
    }
}

impl fmt::Display for LoanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("all memory for loans of this length is in use"),
            Self::Disconnected => f.write_str(GONE),
            Self::TooLong { bytes, limit } => write!(f, "{bytes} bytes are too many for a loan: at most {limit}"),
            Self::Memory(error) => write!(f, "no memory for a loan: {error}"),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Disconnected => f.write_str(GONE),
            Self::Aborted { bytes } => {
                write!(f, "the sender went, or gave the message up, after {bytes} bytes")
            }
            Self::TooLong { bytes, limit } => {
                write!(f, "a message of {bytes} bytes is too long, and was skipped: at most {limit}")
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "no memory for a message of {bytes} bytes, which was skipped")
            }
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match RecvTimeoutError::from(*self).lasting() {
            Some(error) => error.fmt(f),
            None => f.write_str("no whole message is there"),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lasting() {
            Some(error) => error.fmt(f),
            None => f.write_str("timed out waiting for a message"),
        }
    }
}

impl Error for SendError {}
impl Error for TrySendError {}
impl Error for SendTimeoutError {}
impl Error for LoanError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Memory(error) => Some(error),
            _ => None,
        }
    }
}
impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}

/// The questions that the errors of one direction have in common.
macro_rules! questions {
    ($error:ident: $($is:ident $variant:pat, $text:literal;)*) => {
        impl $error {
            $(
                #[doc = $text]
                pub fn $is(&self) -> bool {
                    matches!(self, $variant)
                }
            )*
        }
    };
}

questions!(SendError:
    is_disconnected Self::Disconnected, "Whether the other end is gone, and nothing was sent.";
    is_aborted Self::Aborted { .. }, "Whether the receiver went, or gave up, in the middle of the message.";
    is_too_long Self::TooLong { .. }, "Whether more was asked for than lies in one place.";
    is_ended Self::Ended, "Whether the end of the message had been said before.";
);
questions!(TrySendError:
    is_full Self::Full, "Whether the ring had no room.";
    is_disconnected Self::Disconnected, "Whether the other end is gone.";
    is_too_long Self::TooLong { .. }, "Whether an empty ring would have no room either.";
);
questions!(SendTimeoutError:
    is_timeout Self::Timeout, "Whether the time was over.";
    is_disconnected Self::Disconnected, "Whether the other end is gone, and nothing was sent.";
    is_aborted Self::Aborted { .. }, "Whether the receiver went, or gave up, in the middle of the message.";
    is_too_long Self::TooLong { .. }, "Whether more was asked for than lies in one place.";
    is_ended Self::Ended, "Whether the end of the message had been said before.";
);
questions!(LoanError:
    is_full Self::Full, "Whether all memory for loans of this length was in use.";
    is_disconnected Self::Disconnected, "Whether no receiver is left.";
    is_too_long Self::TooLong { .. }, "Whether no loan can be so long.";
    is_no_space Self::Memory(SegmentError::NoSpace { .. }), "Whether the file system had no room for more memory.";
);
questions!(RecvError:
    is_disconnected Self::Disconnected, "Whether nothing is left and the other end is gone.";
    is_aborted Self::Aborted { .. }, "Whether the sender went, or gave up, in the middle of the message.";
    is_too_long Self::TooLong { .. }, "Whether the message was longer than the receiver takes.";
    is_out_of_memory Self::OutOfMemory { .. }, "Whether there was no memory for the message.";
);
questions!(TryRecvError:
    is_empty Self::Empty, "Whether no whole message was there.";
    is_disconnected Self::Disconnected, "Whether nothing is left and the other end is gone.";
    is_aborted Self::Aborted { .. }, "Whether the sender went, or gave up, in the middle of the message.";
    is_too_long Self::TooLong { .. }, "Whether the message was longer than the receiver takes.";
    is_out_of_memory Self::OutOfMemory { .. }, "Whether there was no memory for the message.";
);
questions!(RecvTimeoutError:
    is_timeout Self::Timeout, "Whether the time was over.";
    is_disconnected Self::Disconnected, "Whether nothing is left and the other end is gone.";
    is_aborted Self::Aborted { .. }, "Whether the sender went, or gave up, in the middle of the message.";
    is_too_long Self::TooLong { .. }, "Whether the message was longer than the receiver takes.";
    is_out_of_memory Self::OutOfMemory { .. }, "Whether there was no memory for the message.";
);

impl RecvTimeoutError {
    /// What it is to one that waits without end; `None`: the time was over.
    pub(crate) fn lasting(self) -> Option<RecvError> {
        Some(match self {
            Self::Timeout => return None,
            Self::Disconnected => RecvError::Disconnected,
            Self::Aborted { bytes } => RecvError::Aborted { bytes },
            Self::TooLong { bytes, limit } => RecvError::TooLong { bytes, limit },
            Self::OutOfMemory { bytes } => RecvError::OutOfMemory { bytes },
        })
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Disconnected => Self::Disconnected,
            RecvError::Aborted { bytes } => Self::Aborted { bytes },
            RecvError::TooLong { bytes, limit } => Self::TooLong { bytes, limit },
            RecvError::OutOfMemory { bytes } => Self::OutOfMemory { bytes },
        }
    }
}

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> Self {
        RecvTimeoutError::from(error).into()
    }
}

impl From<RecvTimeoutError> for TryRecvError {
    fn from(error: RecvTimeoutError) -> Self {
        match error {
            RecvTimeoutError::Timeout => Self::Empty,
            RecvTimeoutError::Disconnected => Self::Disconnected,
            RecvTimeoutError::Aborted { bytes } => Self::Aborted { bytes },
            RecvTimeoutError::TooLong { bytes, limit } => Self::TooLong { bytes, limit },
            RecvTimeoutError::OutOfMemory { bytes } => Self::OutOfMemory { bytes },
        }
    }
}

impl From<TryRecvError> for RecvTimeoutError {
    fn from(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::Timeout,
            TryRecvError::Disconnected => Self::Disconnected,
            TryRecvError::Aborted { bytes } => Self::Aborted { bytes },
            TryRecvError::TooLong { bytes, limit } => Self::TooLong { bytes, limit },
            TryRecvError::OutOfMemory { bytes } => Self::OutOfMemory { bytes },
        }
    }
}

impl From<SendError> for SendTimeoutError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Disconnected => Self::Disconnected,
            SendError::Aborted { bytes } => Self::Aborted { bytes },
            SendError::TooLong { bytes, limit } => Self::TooLong { bytes, limit },
            SendError::Ended => Self::Ended,
        }
    }
}

impl SendTimeoutError {
    /// What it is to one that waits without end, for whom the time is never over.
    pub(crate) fn lasting(self) -> SendError {
        match self {
            Self::Timeout | Self::Disconnected => SendError::Disconnected,
            Self::Aborted { bytes } => SendError::Aborted { bytes },
            Self::TooLong { bytes, limit } => SendError::TooLong { bytes, limit },
            Self::Ended => SendError::Ended,
        }
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        let kind = match error {
            SendError::Disconnected | SendError::Aborted { .. } => io::ErrorKind::BrokenPipe,
            SendError::TooLong { .. } | SendError::Ended => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

impl From<RecvError> for io::Error {
    fn from(error: RecvError) -> Self {
        let kind = match error {
            RecvError::Disconnected => io::ErrorKind::NotConnected,
            RecvError::Aborted { .. } => io::ErrorKind::ConnectionAborted,
            RecvError::TooLong { .. } => io::ErrorKind::InvalidData,
            RecvError::OutOfMemory { .. } => io::ErrorKind::OutOfMemory,
        };
        Self::new(kind, error)
    }
}
