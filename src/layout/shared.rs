//! The words of a many-to-many ring. Everybody writes them, each with one atomic operation that leaves nothing half done.
//!
//! All of them are 0 in a fresh segment.

use super::line::Line;
use crate::sync::{AtomicU32, AtomicU64, BellWord};

/// The words that all members share; each line is written by other operations than its neighbours.
#[cfg_attr(not(loom), repr(C, align(4096)))]
#[derive(Debug, Default)]
pub(crate) struct SharedPage {
    /// The next position to be claimed by a producer; [`CLOSED`] when nobody may any more.
    pub(crate) tail: Line<AtomicU64>,
    /// The next position to be claimed by a consumer.
    pub(crate) head: Line<AtomicU64>,
    /// Who is here.
    pub(crate) presence: Line<PresenceWords>,
    /// Receivers sleep here until there is a message.
    pub(crate) messages: Line<EventCount>,
    /// Senders sleep here until there is room.
    pub(crate) room: Line<EventCount>,
    /// What has been lost, and where to look for what has not.
    pub(crate) remains: Line<Remains>,
    /// Receivers sleep here until a hand is free.
    pub(crate) free_hands: Line<EventCount>,
    /// Senders sleep here until a lane is free.
    pub(crate) free_lanes: Line<EventCount>,
}

/// In `tail`: nothing may be sent any more.
pub(crate) const CLOSED: u64 = 1 << 63;

/// What changes when somebody comes or goes.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct PresenceWords {
    /// One more with each coming and going: as long as it stays, the same ones are here.
    pub(crate) epoch: AtomicU64,
    /// 1 once there was a receiver.
    pub(crate) had_receiver: AtomicU32,
    /// 1 once there was a sender.
    pub(crate) had_sender: AtomicU32,
    /// How the last receiver to go went: 1 left, 2 died.
    pub(crate) receiver_went: AtomicU32,
    /// How the last sender to go went.
    pub(crate) sender_went: AtomicU32,
    /// 1 once somebody came who cannot make a barrier: everybody must fence.
    pub(crate) barrierless: AtomicU32,
}

/// A place to sleep until something happens, for as many as like.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct EventCount {
    /// How often somebody has said that they are about to sleep.
    pub(crate) arms: AtomicU64,
    /// A value of `arms` at which nobody slept any more.
    pub(crate) calmed: AtomicU64,
    /// Bit i: whoever leases record i makes no fence after a publication, so sleepers make a barrier.
    pub(crate) unfenced: AtomicU64,
    /// Changed by everybody who wakes somebody. The kernel keeps the list of those who sleep on it.
    pub(crate) bell: BellWord,
}

/// Traces of the dead.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// One more whenever messages may have been left in a hand or a record by somebody who is gone.
    pub(crate) orphans: AtomicU64,
    /// One above the highest position that was made a tombstone: what is not a message between `head` and `tail` lies
    /// below.
    pub(crate) tombs: AtomicU64,
    /// Messages given up after too many deliveries.
    pub(crate) dropped: AtomicU64,
}

/// One process that is attached. Its holder alone writes it, but for the mark of its death.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct MemberEntry {
    /// See [`super::status::Status`].
    pub(crate) status: AtomicU64,
    /// Start time of the process in clock ticks since boot. Printed, never used to decide anything; `pid` too.
    pub(crate) started: AtomicU64,
    pub(crate) pid: AtomicU32,
    /// Its living senders, clones included.
    pub(crate) senders: AtomicU32,
    /// Its living receivers.
    pub(crate) receivers: AtomicU32,
}

/// What an operation in flight writes.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Whose it is: see `ring::mpmc::owner`.
    pub(crate) owner: AtomicU64,
    /// The positions that its owner is about to claim, or has claimed, as a producer.
    pub(crate) producing: AtomicU64,
    /// And as a consumer.
    pub(crate) consuming: AtomicU64,
}

/// A message that has left the ring and is not done yet.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Hand {
    /// Whose it is.
    pub(crate) owner: AtomicU64,
    /// `position << 8 | deliveries`; 0: nothing is in it.
    pub(crate) held: AtomicU64,
}
