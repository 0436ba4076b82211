//! What the lanes of a channel of bytes are at: how many are in use, and how much of their memory is.

use crate::layout::annex::AnnexWord;
use crate::layout::lanes::{FILLED_ALL, LaneTable};
use crate::ring::lane::{Own, Phase};

/// One of the kinds of memory that a message longer than 112 bytes can lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaneClass {
    /// For one short message each, in the segment.
    Short,
    /// For a longer message, or one that comes through; in the segment.
    Long,
    /// For a loan, in a file of its own.
    Annex,
}

impl LaneClass {
    /// As the program prints it: `short`, `long`, `annex`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
            Self::Annex => "annex",
        }
    }
}

/// The lanes of one kind, as they are at some instant. Each number is true by itself; while others are at work they need not
/// agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lanes {
    /// Which kind.
    pub class: LaneClass,
    /// How long each is; 0 of annexes, each of which has a length of its own.
    pub lane_bytes: u64,
    /// How many there are, or of annexes can be.
    pub count: u64,
    /// Those that hold a message, or are lent, or that a message comes through.
    pub in_use: u64,
    /// Memory that they take: of annexes, of the files that there are.
    pub bytes: u64,
    /// Memory of those that are in use.
    pub bytes_in_use: u64,
    /// Bytes of the messages in them. What is in use beyond that is lent and not sent yet, or lost to messages that are shorter
    /// than their lanes: internal fragmentation.
    pub message_bytes: u64,
    /// Files that there are; 0 of lanes in the segment.
    pub files: u64,
    /// Files that were made since the channel was, by all processes.
    pub files_made: u64,
    /// Files of those that were replaced by others, of another length.
    pub files_replaced: u64,
}

impl Lanes {
    fn none(class: LaneClass, count: u64, lane_bytes: u64) -> Self {
        let bytes = count.saturating_mul(lane_bytes);
        let (in_use, bytes_in_use, message_bytes) = (0, 0, 0);
        let (files, files_made, files_replaced) = (0, 0, 0);
        Self { class, lane_bytes, count, in_use, bytes, bytes_in_use, message_bytes, files, files_made, files_replaced }
    }

    /// Those that are free.
    pub fn free(&self) -> u64 {
        self.count.saturating_sub(self.in_use)
    }

    fn add(&mut self, words: Words) {
        let room = match self.class {
            LaneClass::Short | LaneClass::Long => self.lane_bytes,
            LaneClass::Annex => self.add_file(words.annex),
        };
        let phase = words.own.phase();
        if phase == Some(Phase::Free) {
            return;
        }
        self.in_use += 1;
        self.bytes_in_use = self.bytes_in_use.saturating_add(room);
        if phase != Some(Phase::Writing) {
            // Of a message that comes through no more than its lane holds.
            self.message_bytes = self.message_bytes.saturating_add((words.filled & !FILLED_ALL).min(room));
        }
    }

    /// Counts a file, and says how long it is.
    fn add_file(&mut self, word: AnnexWord) -> u64 {
        let bytes = word.bytes().unwrap_or(0);
        let made = if word.is_possible() { word.version() } else { 0 };
        self.bytes += bytes;
        self.files += u64::from(bytes > 0);
        self.files_made = self.files_made.saturating_add(made);
        self.files_replaced = self.files_replaced.saturating_add(made.saturating_sub(u64::from(bytes > 0)));
        bytes
    }
}

/// What is to be known of one lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub(crate) own: Own,
    pub(crate) filled: u64,
    pub(crate) annex: AnnexWord,
}

/// The lanes of a segment by kinds, those of which there are none left out; an error of who reads the words of each.
pub(crate) fn tally<E>(table: &LaneTable, read: impl Fn(u64) -> Result<Words, E>) -> Result<Vec<Lanes>, E> {
    let kinds = [
        (LaneClass::Short, table.short.count, table.short.bytes),
        (LaneClass::Long, table.long.count, table.long.bytes),
        (LaneClass::Annex, table.annexes, 0),
    ];
    let (mut first, mut all) = (0, Vec::new());
    for (class, count, lane_bytes) in kinds.into_iter().filter(|(_, count, _)| *count > 0) {
        let mut lanes = Lanes::none(class, count, lane_bytes);
        for lane in first..first + count {
            lanes.add(read(lane)?);
        }
        first += count;
        all.push(lanes);
    }
    Ok(all)
}
