//! The sizes of what a many-to-many segment has in front of its slots: tables of members, records, hands and lanes.
//!
//! ```text
//! page 0     header
//! page 1     the shared page
//! page 2     members: 128 bytes each
//!            records: 128 bytes each
//!            hands:   two words and a message each, a multiple of 128 bytes
//!            (to a page) lanes, if it has any: their words, then (to a page) their bytes
//!            (to a page) the slots
//! ```

use super::error::FormatError;
use super::geometry::PAGE;
use super::lanes::LaneTable;

/// Where the shared page lies.
pub(crate) const SHARED_OFFSET: u64 = PAGE;
/// Where the members lie.
pub(crate) const MEMBERS_OFFSET: u64 = 2 * PAGE;
/// Bytes from one member, or record, to the next.
pub(crate) const ENTRY_BYTES: u64 = 128;
/// A member's number has 16 bits in a record's owner; a table so long would be scanned for ever.
const ENTRIES_MAX: u64 = 4096;

/// How many of each a segment has. Private to the process: computed or validated once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Processes that can be attached at a time.
    pub(crate) members: u64,
    /// Operations that can be in flight at a time.
    pub(crate) records: u64,
    /// Messages that can be in hand at a time.
    pub(crate) hands: u64,
    /// Bytes from one hand to the next.
    pub(crate) hand_bytes: u64,
    /// Bytes from a hand's start to its message.
    pub(crate) hand_offset: u64,
    /// Where messages lie that are too long for a slot. None, of a channel of messages of one type.
    pub(crate) lanes: LaneTable,
}

impl Tables {
    /// Tables with so many entries, for messages of this size and alignment.
    pub(crate) fn new(members: u64, records: u64, hands: u64, size: u64, align: u64) -> Result<Self, FormatError> {
        let entries = |field, found| {
            let must = "between 1 and 4096";
            if (1..=ENTRIES_MAX).contains(&found) { Ok(()) } else { Err(FormatError::Field { field, found, must }) }
        };
        entries("members", members)?;
        entries("records", records)?;
        entries("hands", hands)?;
        // What the geometry has refused before would overflow here.
        if size > PAGE || align > PAGE {
            return Err(FormatError::Field { field: "type_size", found: size, must: "at most 4096" });
        }
        let hand_offset = align.max(16);
        let hand_bytes = (hand_offset + size.max(1)).next_multiple_of(align.max(ENTRY_BYTES));
        Ok(Self { members, records, hands, hand_bytes, hand_offset, lanes: LaneTable::default() })
    }

    /// Where the records lie.
    pub(crate) fn records_offset(&self) -> u64 {
        MEMBERS_OFFSET + self.members * ENTRY_BYTES
    }

    /// Where the hands lie: aligned to a page, since a message may be.
    pub(crate) fn hands_offset(&self) -> u64 {
        let end = self.records_offset() + self.records * ENTRY_BYTES;
        // A message's alignment divides a hand's bytes, and a page.
        if self.hand_bytes > ENTRY_BYTES { end.next_multiple_of(PAGE) } else { end }
    }

    /// The same tables, and these lanes.
    pub(crate) fn with_lanes(self, lanes: LaneTable) -> Self {
        Self { lanes, ..self }
    }

    /// Where the words of the lanes lie.
    pub(crate) fn lane_words_offset(&self) -> u64 {
        (self.hands_offset() + self.hands * self.hand_bytes).next_multiple_of(PAGE)
    }

    /// Where the bytes of the lanes lie.
    pub(crate) fn lane_bytes_offset(&self) -> u64 {
        (self.lane_words_offset() + self.lanes.words_bytes()).next_multiple_of(PAGE)
    }

    /// Where the slots lie.
    pub(crate) fn slots_offset(&self) -> u64 {
        (self.lane_bytes_offset() + self.lanes.data_bytes()).next_multiple_of(PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_channel_of_small_messages_fits_into_twenty_kilobytes_and_its_slots() {
        let tables = Tables::new(64, 64, 64, 8, 8).unwrap();
        assert_eq!((tables.hand_bytes, tables.hand_offset), (128, 16));
        assert_eq!(tables.slots_offset(), 2 * PAGE + 3 * 64 * 128);
    }

    #[test]
    fn hands_are_aligned_for_their_messages() {
        for (size, align) in [(0, 1), (1, 1), (8, 8), (112, 16), (113, 1), (128, 128), (4096, 4096), (4096, 8)] {
            let tables = Tables::new(3, 5, 7, size, align).unwrap();
            for hand in 0..tables.hands {
                let at = tables.hands_offset() + hand * tables.hand_bytes;
                assert_eq!((at % 8, (at + tables.hand_offset) % align), (0, 0));
                assert!(tables.hand_offset + size <= tables.hand_bytes);
            }
            assert_eq!(tables.slots_offset() % PAGE, 0);
        }
    }

    #[test]
    fn tables_of_nothing_and_of_everything_are_errors() {
        for (members, records, hands) in
            [(0, 1, 1), (1, 0, 1), (1, 1, 0), (4097, 1, 1), (1, u64::MAX, 1), (1, 1, 1 << 40)]
        {
            assert!(Tables::new(members, records, hands, 8, 8).is_err());
        }
    }
}
