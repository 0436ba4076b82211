//! Why a channel is disconnected.

use std::fmt;

/// Why the other end is no more, or why this one cannot be used. [`Disconnected`](super::error::TryRecvError) is one
/// error; this is the reason behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The other end was dropped or closed, or its process ended in good order.
    Left,
    /// The other end's process was killed or crashed: it never said that it left.
    Died,
    /// Nobody is at the other end, and the option [`Absent::Fail`](super::options::Absent::Fail) says not to wait.
    Absent,
    /// This end has been closed.
    Closed,
    /// The segment holds what no correct peer writes; this handle touches it no more.
    Corrupt,
    /// Somebody cut the segment's file, or one of its annexes, short, or the disk under it failed ([`Backing`](crate::Backing)): what was
    /// in it is gone, and this handle touches it no more. Told by a [guard](crate::sigbus_guard); without one the process mostly dies of SIGBUS instead.
    SegmentLost,
    /// The segment's name was removed by hand, so nobody can join any more, and nobody is there.
    Unlinked,
    /// This process was forked from the one that opened the channel.
    Forked,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "the other end has left",
            Self::Died => "the process at the other end died",
            Self::Absent => "nobody is at the other end",
            Self::Closed => "this end is closed",
            Self::Corrupt => "the segment is corrupt",
            Self::SegmentLost => "the segment's file was cut short",
            Self::Unlinked => "the segment's name was removed and nobody is at the other end",
            Self::Forked => "this process was forked from the one that opened the channel",
        })
    }
}
