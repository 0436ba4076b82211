//! Why a stream ended other than well.

use crate::channel::reason::DisconnectReason;
use crate::membership::role::Role;
use std::fmt;
use std::io;

/// The other end of a stream is gone, and the stream is not complete. Found inside the [`io::Error`] of a read or write.
///
/// ```
/// # use std::io::Read;
/// let (writer, mut reader) = ringway::stream::pipe()?;
/// writer.abort();
/// let error = reader.read(&mut [0; 10]).unwrap_err();
/// let ended = ringway::stream::Ended::of(&error).expect("why it ended");
/// assert_eq!((ended.bytes, ended.reason), (0, ringway::DisconnectReason::Left));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// The end that is gone.
    pub role: Role,
    /// Why.
    pub reason: DisconnectReason,
    /// Bytes that moved before: received by the reader, or taken from the writer.
    pub bytes: u64,
}

impl Ended {
    /// What an error of a stream holds.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }

    pub(super) fn into_io(self) -> io::Error {
        let kind = match (self.role, self.reason) {
            (_, DisconnectReason::Corrupt | DisconnectReason::SegmentLost) => io::ErrorKind::InvalidData,
            (_, DisconnectReason::Forked | DisconnectReason::Closed) => io::ErrorKind::NotConnected,
            (Role::Receiver, _) => io::ErrorKind::BrokenPipe,
            (Role::Sender, _) => io::ErrorKind::ConnectionAborted,
        };
        io::Error::new(kind, self)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, reason, bytes } = self;
        match reason {
            DisconnectReason::Left => write!(f, "the {role} left after {bytes} bytes, before the end"),
            DisconnectReason::Died => write!(f, "the {role} died after {bytes} bytes"),
            other => write!(f, "{other}, after {bytes} bytes"),
        }
    }
}

impl std::error::Error for Ended {}
