//! The words that move a ring: one page that only the producer writes, one that only the consumer writes.
//!
//! Every word has one writer, the process that holds that role's lock, and words of one writer share no page with
//! words of the other. Within a page, lines separate what the other end reads at different times. (A model's threads have
//! small stacks, and loom's atomics no layout: there pages and lines are plain structs.)

use super::line::Line;
use crate::sync::{AtomicU32, AtomicU64, BellWord};

/// Written by the producer alone.
#[cfg_attr(not(loom), repr(C, align(4096)))]
#[derive(Debug, Default)]
pub(crate) struct ProducerPage {
    pub(crate) cursor: Line<ProducerCursor>,
    pub(crate) end: EndLines,
}

/// Written by the consumer alone.
#[cfg_attr(not(loom), repr(C, align(4096)))]
#[derive(Debug, Default)]
pub(crate) struct ConsumerPage {
    pub(crate) cursor: Line<ConsumerCursor>,
    /// How far the producer may believe the consumer to be: a lazy copy of `head`, on a line of its own.
    pub(crate) credit: Line<AtomicU64>,
    pub(crate) end: EndLines,
}

/// The producer's position.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct ProducerCursor {
    /// Messages published, as of the first message of this frame or the last batch; never ahead of the words.
    pub(crate) tail: AtomicU64,
    /// 0 while open; 1 + the final tail once the producer has said that nothing follows.
    pub(crate) closed: AtomicU64,
    /// Messages of bytes: 1 + the position at which a message of several parts begins, while it is being sent; else 0.
    pub(crate) begun: AtomicU64,
}

/// The consumer's position.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct ConsumerCursor {
    /// The next message to be released; exact, and read by the producer only when the ring looks full.
    pub(crate) head: AtomicU64,
    /// One above the highest position ever handed out: `[head, taken)` was in somebody's hand.
    pub(crate) taken: AtomicU64,
    /// `position << 8 | attempts`: how often the message at `position` was handed out; means nothing unless
    /// `position == head`.
    pub(crate) tries: AtomicU64,
    /// A stream's `closed`, repeated by the reader when it has taken everything to its end; else 0.
    pub(crate) finished: AtomicU64,
    /// Messages of bytes: one above the highest position of a part that was given up, its message not received; else 0.
    pub(crate) refused: AtomicU64,
}

/// What one end says to the other; the same on both pages.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct EndLines {
    /// Read by the other end in each operation, written when something happens.
    pub(crate) presence: Line<Presence>,
    /// Written when the other end sleeps, or changed its mind.
    pub(crate) ringing: Line<Ringing>,
    /// For people to read.
    pub(crate) member: Line<Member>,
}

/// Who is here, and whether it sleeps.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// See [`super::status::Status`].
    pub(crate) status: AtomicU64,
    /// Before this end sleeps: the value that the other end's `bell` is to get.
    pub(crate) armed: AtomicU32,
}

/// What this end writes to wake the other.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Ringing {
    /// The **other** end sleeps on this word while it has the value that it had before `armed` was written.
    pub(crate) bell: BellWord,
    /// 1 while this end makes no fence after a publication: who sleeps on `bell` makes a barrier in its stead.
    pub(crate) unfenced: AtomicU32,
    /// The other end's `status`, as this end last saw it.
    pub(crate) echo: AtomicU64,
}

/// Who holds the role: printed, never used to decide anything.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) pid: AtomicU32,
    /// Start time of that process in clock ticks since boot; tells a reused pid.
    pub(crate) started: AtomicU64,
}
