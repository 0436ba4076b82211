//! The words of a many-to-many segment of bytes, read from its file: what no public call tells.

use super::stage::Place;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The next position to be sent, and the next to be received.
pub(crate) const TAIL: u64 = 4096;
pub(crate) const HEAD: u64 = TAIL + 128;
/// One above the highest tombstone.
const TOMBS: u64 = TAIL + 5 * 128 + 8;
/// The records and the hands of four members, four operations, and two messages in hand: see [`Place::many`].
const RECORDS: u64 = 8192 + 4 * 128;
const RECORD_COUNT: u64 = 4;
const HANDS: u64 = 12288;
const HAND_COUNT: u64 = 2;
const HAND_BYTES: u64 = 256;
const LANES: u64 = 16384;
const LANE_STRIDE: u64 = 256;
const PAGE: u64 = 4096;
const SLOT_BYTES: u64 = 128;

/// What the hands hold.
pub(crate) const HELD: [u64; 2] = [HANDS + 8, HANDS + HAND_BYTES + 8];
/// Whose the lanes are, of a segment with two of them.
pub(crate) const OWN: [u64; 2] = [LANES, LANES + LANE_STRIDE];
/// The words of four slots behind two lanes of a page.
pub(crate) const SLOTS: [u64; 4] = {
    let first = LANES + 3 * PAGE;
    [first, first + SLOT_BYTES, first + 2 * SLOT_BYTES, first + 3 * SLOT_BYTES]
};

/// What a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Free,
    Writing,
    Whole,
    Queued,
    Reading,
    Offered,
    Flowing,
    Done,
    Refused,
    Cut,
}

/// The words of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) phase: Phase,
    /// Bytes of its message that have been written, and whether these are all.
    pub(crate) filled: u64,
    pub(crate) is_all: bool,
    /// Bytes of its message that have been read.
    pub(crate) freed: u64,
}

/// A segment that is looked at.
#[derive(Debug)]
pub(crate) struct Words(File);

impl Words {
    pub(crate) fn of(place: &Place) -> Self {
        Self(File::open(place.path()).expect("a segment"))
    }

    fn at(&self, offset: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, offset).expect("a segment");
        u64::from_ne_bytes(bytes)
    }

    pub(crate) fn tail(&self) -> u64 {
        self.at(TAIL) & !(1 << 63)
    }

    pub(crate) fn head(&self) -> u64 {
        self.at(HEAD)
    }

    /// Whether any position was ever made a tombstone.
    pub(crate) fn has_tombs(&self) -> bool {
        self.at(TOMBS) > 0
    }

    pub(crate) fn lane(&self, lane: u64) -> Lane {
        use Phase::{Cut, Done, Flowing, Free, Offered, Queued, Reading, Refused, Whole, Writing};
        let words = LANES + lane * LANE_STRIDE;
        let phases = [Free, Writing, Whole, Queued, Reading, Offered, Flowing, Done, Refused, Cut];
        let filled = self.at(words + 8);
        Lane {
            phase: *phases.get(self.at(words) as usize & 0xff).expect("a phase"),
            filled: filled & !(1 << 63),
            is_all: filled >> 63 != 0,
            freed: self.at(words + 128),
        }
    }

    /// The version and the bytes of the file of this lane, an annex's; `None`: it has none.
    pub(crate) fn annex(&self, lane: u64) -> Option<(u64, u64)> {
        let word = self.at(LANES + lane * LANE_STRIDE + 24);
        (word & 0xff > 0).then_some((word >> 8, 1 << (word & 0xff)))
    }

    /// The one lane of so many that is not free; `None`: all are.
    pub(crate) fn busy_lane(&self, lanes: u64) -> Option<Lane> {
        let mut busy = (0..lanes).map(|lane| self.lane(lane)).filter(|lane| lane.phase != Phase::Free);
        let first = busy.next();
        assert_eq!(busy.next(), None, "beside {first:?}");
        first
    }

    fn owners(&self, table: u64, count: u64, bytes: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |index| self.at(table + index * bytes) & 0xff)
    }

    /// Records that somebody leases, and those that somebody left who is gone.
    pub(crate) fn records(&self) -> (usize, usize) {
        let states =
            |wanted: fn(u64) -> bool| self.owners(RECORDS, RECORD_COUNT, 128).filter(|state| wanted(*state)).count();
        (states(|state| state == 1), states(|state| state > 1))
    }

    /// Makes the one message in the ring, which somebody has claimed who is dead, one that has been taken over as often as can be
    /// counted: so many have died with it.
    pub(crate) fn wear_out(place: &Place) {
        const FULL: u64 = 1;
        const MOST: u64 = 63 << 2;
        let words = Self::of(place);
        let mut full = SLOTS.iter().filter(|slot| words.at(**slot) & 3 == FULL);
        let slot = *full.next().expect("a message in the ring");
        assert_eq!(full.next(), None, "and another");
        let file = File::options().write(true).open(place.path()).expect("a segment");
        file.write_all_at(&(words.at(slot) | MOST).to_ne_bytes(), slot).expect("a segment");
    }

    /// Hands that are not nobody's.
    pub(crate) fn hands(&self) -> usize {
        self.owners(HANDS, HAND_COUNT, HAND_BYTES).filter(|state| *state != 0).count()
    }
}
