//! Lanes: room for messages that are too long for a slot. Their sizes, and their words.
//!
//! A lane carries one message at a time. *Short* lanes hold a whole message; *long* ones do, too, and carry longer messages
//! through, round after round: then the bytes of a message lie at their place modulo the lane's length. *Annexes* hold a whole
//! message, too, but in a file of their own each: see [`super::annex`].
//!
//! ```text
//! words of the lanes    256 bytes each: the writer's line, the reader's line; the short ones', the long ones', the annexes'
//! bytes of the lanes    (to a page) the short ones, (to a page) the long ones
//! ```

use super::error::FormatError;
use super::geometry::PAGE;
use super::line::Line;
use crate::sync::{AtomicU32, AtomicU64, BellWord};

/// Bytes from the words of one lane to those of the next.
pub(crate) const LANE_STRIDE: u64 = 256;
/// A ticket has 16 bits for the lane, and nobody looks through more.
const LANES_MAX: u64 = 4096;
/// The longest lane.
pub(crate) const LANE_BYTES_MAX: u64 = 1 << 30;
/// A lane's length is a multiple of this. In the crate's own models it may be less than a page: each byte there is a cell.
const LANE_UNIT: u64 = if cfg!(all(loom, test)) { 8 } else { PAGE };

/// Lanes of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LaneClass {
    pub(crate) count: u64,
    /// Of each: a multiple of a page.
    pub(crate) bytes: u64,
}

/// How many lanes a segment has, and how long they are. Private to the process: computed or validated once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LaneTable {
    pub(crate) short: LaneClass,
    pub(crate) long: LaneClass,
    /// How many have their bytes elsewhere.
    pub(crate) annexes: u64,
}

impl LaneTable {
    /// Lanes of these sizes, and so many annexes.
    pub(crate) fn new(short: LaneClass, long: LaneClass, annexes: u64) -> Result<Self, FormatError> {
        let must =
            |field, found, is: bool, must| if is { Ok(()) } else { Err(FormatError::Field { field, found, must }) };
        let is_length = |bytes: u64| bytes % LANE_UNIT == 0 && (LANE_UNIT..=LANE_BYTES_MAX).contains(&bytes);
        let length = "a multiple of 4096, at most 1 GiB";
        must("short_lanes", short.count, short.count <= LANES_MAX, "at most 4096")?;
        must("short_bytes", short.bytes, short.count == 0 || is_length(short.bytes), length)?;
        must("long_lanes", long.count, (1..=LANES_MAX).contains(&long.count), "between 1 and 4096")?;
        must("long_bytes", long.bytes, is_length(long.bytes), length)?;
        must("long_bytes", long.bytes, short.count == 0 || long.bytes >= short.bytes, "at least short_bytes")?;
        must("annexes", annexes, annexes <= LANES_MAX, "at most 4096")?;
        Ok(Self { short, long, annexes })
    }

    /// All lanes.
    pub(crate) fn count(&self) -> u64 {
        self.inside() + self.annexes
    }

    /// Those whose bytes lie in the segment; they come first.
    pub(crate) fn inside(&self) -> u64 {
        self.short.count + self.long.count
    }

    /// How long this lane is inside the segment; the short ones come first, and annexes have nothing there.
    pub(crate) fn bytes_of(&self, lane: u64) -> u64 {
        match lane {
            lane if lane < self.short.count => self.short.bytes,
            lane if lane < self.inside() => self.long.bytes,
            _ => 0,
        }
    }

    /// How long a whole message in this lane can be.
    pub(crate) fn most_of(&self, lane: u64) -> u64 {
        if lane < self.inside() { self.bytes_of(lane) } else { LANE_BYTES_MAX }
    }

    /// Bytes of all words.
    pub(crate) fn words_bytes(&self) -> u64 {
        self.count() * LANE_STRIDE
    }

    /// Bytes of all lanes.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.short.count * self.short.bytes + self.long.count * self.long.bytes
    }

    /// Where a lane's bytes begin, from the start of those of the first.
    pub(crate) fn data_offset(&self, lane: u64) -> u64 {
        let short = lane.min(self.short.count);
        short * self.short.bytes + (lane - short) * self.long.bytes
    }
}

/// The words of one lane.
#[cfg_attr(not(loom), repr(C))]
#[derive(Debug, Default)]
pub(crate) struct LaneWords {
    pub(crate) writer: Line<WriterWords>,
    pub(crate) reader: Line<ReaderWords>,
}

/// What mostly a lane's writer stores.
#[cfg_attr(not(loom), repr(C))]
#[derive(Debug, Default)]
pub(crate) struct WriterWords {
    /// What the lane is, to whom, and for the how many-th message: see `ring::lane`.
    pub(crate) own: AtomicU64,
    /// Bytes of the message that have been written; [`FILLED_ALL`] when it has no more.
    pub(crate) filled: AtomicU64,
    /// 1 while the writer sleeps, or is about to.
    pub(crate) writer_waits: AtomicU32,
    /// The writer sleeps on this word, and the reader changes it.
    pub(crate) writer_bell: BellWord,
    /// Of an annex, where its bytes lie: see [`super::annex::AnnexWord`]. Stored by who has the lane WRITING.
    pub(crate) annex: AtomicU64,
}

/// What mostly a lane's reader stores.
#[cfg_attr(not(loom), repr(C))]
#[derive(Debug, Default)]
pub(crate) struct ReaderWords {
    /// Bytes of the message whose room may be written again.
    pub(crate) freed: AtomicU64,
    /// Who reads a message that is still being written, as in a record's owner.
    pub(crate) reader: AtomicU64,
    /// 1 while the reader sleeps where receivers sleep, or is about to.
    pub(crate) reader_waits: AtomicU32,
}

/// In `filled`: the message has no more bytes than these.
pub(crate) const FILLED_ALL: u64 = 1 << 63;

#[cfg(not(loom))]
const _: () = assert!(size_of::<LaneWords>() as u64 == LANE_STRIDE);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_lie_one_behind_the_other() {
        let class = |count, bytes| LaneClass { count, bytes };
        let table = LaneTable::new(class(3, 4096), class(2, 16384), 4).unwrap();
        assert_eq!((table.count(), table.inside(), table.words_bytes()), (9, 5, 9 * 256));
        let starts: Vec<_> = (0..=table.inside()).map(|lane| table.data_offset(lane)).collect();
        assert_eq!(starts, [0, 4096, 8192, 12288, 28672, 45056]);
        assert_eq!(table.data_bytes(), 45056);
        assert_eq!([0, 2, 3, 4, 5, 8].map(|lane| table.bytes_of(lane)), [4096, 4096, 16384, 16384, 0, 0]);
        assert_eq!([2, 4, 5, 8].map(|lane| table.most_of(lane)), [4096, 16384, 1 << 30, 1 << 30]);
    }

    #[test]
    fn impossible_lanes_are_errors() {
        let class = |count, bytes| LaneClass { count, bytes };
        for (short, long) in [
            (class(1, 4096), class(0, 4096)),
            (class(1, 1), class(1, 4096)),
            (class(1, 4096), class(1, 1)),
            (class(5000, 4096), class(1, 4096)),
            (class(1, 4096), class(1, 1 << 40)),
            (class(1, 8192), class(1, 4096)),
        ] {
            assert!(LaneTable::new(short, long, 0).is_err(), "{short:?} {long:?}");
        }
        assert!(LaneTable::new(LaneClass::default(), class(1, 4096), 4096).is_ok());
        assert!(LaneTable::new(LaneClass::default(), class(1, 4096), 4097).is_err());
    }
}
