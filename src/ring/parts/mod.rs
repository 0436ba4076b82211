//! Messages of bytes, of any length, as *parts* in a ring of frames of bytes.
//!
//! A part is a header of eight bytes and what it tells of. It begins at a multiple of eight and never crosses the end of a
//! frame, so **one store of one frame's word publishes it**, and whoever is killed leaves whole parts only:
//!
//! ```text
//! frame 0                                        frame 1
//! [ FIRST LAST | 11 bytes | . ][ FIRST SIZED | 90000 | bytes ... ][ - | bytes ... ][ LAST | bytes | . ][ PAD |   ]
//!   a message                    another, in three parts
//! ```
//!
//! A message is one part where it can be ([`Cuts::whole`]); what is left of a frame that is too small for it is filled by a
//! PAD. A longer one is cut, each part as large as what is left of its frame, so that the consumer copies one part
//! out, and gives its room back, while the producer copies the next one in.
//!
//! # Messages that come to nothing
//!
//! A producer that has begun a message keeps eight bytes of room behind each part but the last: for a CANCEL, with which
//! it can end the message at any time, whatever the consumer does.
//!
//! | who goes, or gives up | what tells the other end |
//! |---|---|
//! | the producer gives up (a timeout, a dropped writer) | CANCEL |
//! | the producer is killed | its successor finds `begun` and publishes CANCEL; without a successor its death |
//! | the consumer is killed, or gives up (too long, no memory, a dropped reader) | who comes upon a part that is not FIRST, and is not in the middle of a message, stores `refused` and skips; the producer in the middle of that message ends it |
//!
//! A FIRST in the middle of a message ends that message, too.
//!
//! # What is checked
//!
//! A header is believed only if its part lies in the frame and below what the word tells, if its marks go together, and
//! if the message has as many bytes as was announced. Else the ring is corrupt.

mod consumer;
mod header;
mod producer;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use consumer::{Ahead, Consumer, Found};
pub(crate) use header::Part;
pub(crate) use producer::{Piece, Producer, Pushed, Source};

/// Bytes of a header, and what parts begin at multiples of.
pub(crate) const UNIT: usize = 8;
/// The least span of a part that begins a message of several: header, length of the message, something of it.
const PART_MIN: usize = 24;

/// Bytes of the ring that `bytes` behind one header take.
#[inline(always)]
pub(crate) const fn span(bytes: usize) -> usize {
    (bytes + 2 * UNIT - 1) & !(UNIT - 1)
}

/// How messages are cut in a ring: the same at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cuts {
    /// Bytes of a frame.
    pub(crate) frame: usize,
    /// Bytes that can be in use.
    pub(crate) capacity: usize,
    /// The largest span of a part of a message that is cut: a frame's, and not more than a quarter of the ring.
    pub(crate) chunk: usize,
    /// The largest span that an empty ring has room for in one frame, wherever the tail is.
    pub(crate) whole: usize,
}

impl Cuts {
    fn new(frame: usize, capacity: u64) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX) / UNIT * UNIT;
        // A PAD in front of it is smaller than the part by a unit at least.
        let whole = frame.min((capacity / 2 + UNIT / 2) / UNIT * UNIT);
        let chunk = frame.min((capacity / 4 / UNIT * UNIT).max(PART_MIN));
        Self { frame, capacity, chunk, whole }
    }

    /// What comes next of a message with `left` more bytes (`None`: nobody knows) where a frame has so much room.
    pub(crate) fn next(self, in_frame: usize, left: Option<u64>, is_first: bool) -> Cut {
        // Of a first part: with the message's length. What is known to be the last needs none.
        let (front, least) = if is_first && left.is_some() { (2 * UNIT, PART_MIN) } else { (UNIT, 2 * UNIT) };
        let rest = left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let span = in_frame.min(self.chunk);
        if rest <= span - UNIT {
            return Cut { pads: false, span: self::span(rest), front: UNIT, bytes: rest, is_last: true };
        }
        if in_frame < least {
            return Cut { pads: true, span: in_frame, front: UNIT, bytes: in_frame - UNIT, is_last: false };
        }
        let bytes = rest.min(span - front);
        Cut { pads: false, span: self::span(front - UNIT + bytes), front, bytes, is_last: false }
    }
}

/// The next piece of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Whether it is no piece, but the rest of a frame that is too small for one.
    pub(crate) pads: bool,
    /// Bytes of the ring that it takes.
    pub(crate) span: usize,
    /// Bytes in front of the message's.
    pub(crate) front: usize,
    /// Bytes of the message, at most.
    pub(crate) bytes: usize,
    /// Whether the message ends with it.
    pub(crate) is_last: bool,
}

impl Cut {
    /// Room that there must be for it: with room for a CANCEL behind what is not the last.
    pub(crate) fn needs(self) -> usize {
        if self.is_last { self.span } else { self.span + UNIT }
    }
}
