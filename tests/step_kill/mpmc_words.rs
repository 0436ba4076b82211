//! The words of a many-to-many segment, read from its file: what no public call tells.

use super::stage::Place;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The next position to be sent.
pub(crate) const TAIL: u64 = 4096;
/// The next position to be received.
pub(crate) const HEAD: u64 = TAIL + 128;
/// One above the highest tombstone.
const TOMBS: u64 = TAIL + 5 * 128 + 8;
const MEMBERS: u64 = 8192;
/// Bytes of a member, a record, and a hand of these messages.
const ENTRY: u64 = 128;
/// As [`Place::many`] makes them.
const COUNTS: [u64; 3] = [4, 4, 2];
const RECORDS: u64 = MEMBERS + COUNTS[0] * ENTRY;
const HANDS: u64 = RECORDS + COUNTS[1] * ENTRY;
/// What the hands hold.
pub(crate) const HELD: [u64; 2] = [HANDS + 8, HANDS + ENTRY + 8];

/// The state of an owner's word: nobody's, a member's, of one that is gone.
const LEASED: u64 = 1;

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

    fn owners(&self, table: u64, count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |index| self.at(table + index * ENTRY) & 0xff)
    }

    /// Records that somebody leases, and those that somebody left who is gone.
    pub(crate) fn records(&self) -> (usize, usize) {
        let leased = self.owners(RECORDS, COUNTS[1]).filter(|state| *state == LEASED).count();
        let left = self.owners(RECORDS, COUNTS[1]).filter(|state| *state > LEASED).count();
        (leased, left)
    }

    /// Hands that are not nobody's.
    pub(crate) fn hands(&self) -> usize {
        self.owners(HANDS, COUNTS[2]).filter(|state| *state != 0).count()
    }
}
