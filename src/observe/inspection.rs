//! What an inspection finds: every field of a file as the format's table names it, whatever the file holds.

use std::fmt;
use std::path::PathBuf;

/// A file looked at field by field.
///
/// A sound segment gives every field its value. One that is damaged gives what is there, and says what is wrong with which
/// field.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// The channel's name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The file's length.
    pub file_bytes: u64,
    /// Every field of the format, in the order of its tables: the header's, the producer's, the consumer's. Many-to-many: the
    /// header's, the shared page's, and those of each member, record and hand that is or was used.
    pub fields: Vec<Field>,
    /// The entries of the header's region table, as many as it says it has.
    pub regions: Vec<Region>,
    /// The lock bytes.
    pub locks: Vec<Lock>,
    /// What the words of the frames tell; `None` if the header does not say where they are, or of a many-to-many channel.
    pub words: Option<Words>,
    /// The ring of a many-to-many channel; `None` if the header does not say where it is, or of the others.
    pub slots: Option<Slots>,
    /// What is wrong and belongs to no field.
    pub problems: Vec<String>,
}

/// A field with its value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// Where it is.
    pub page: Page,
    /// Where that begins, from the segment's start.
    pub start: u64,
    /// Its name.
    pub name: &'static str,
    /// Bytes from the page's, or the entry's, start: as the format's tables count.
    pub offset: u64,
    /// Bytes.
    pub bytes: u64,
    /// Who may write it.
    pub writer: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What is there; shorter than `bytes` where the file ends before.
    pub raw: Vec<u8>,
    /// The value, as a person reads it, where the number alone does not say it.
    pub text: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// A part of the segment that has fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// Written before the segment has its name.
    Header,
    /// Written by the producer alone.
    Producer,
    /// Written by the consumer alone.
    Consumer,
    /// Written by all members of a many-to-many channel.
    Shared,
    /// An entry of the table of members.
    Member(u64),
    /// A record, which an operation in flight writes.
    Record(u64),
    /// A hand, which keeps a message that is not done yet.
    Hand(u64),
    /// The words of a lane.
    Lane(u64),
}

/// An entry of the region table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// The number that stands for its kind.
    pub kind: u32,
    /// The kind's name, if it is one that the format knows.
    pub name: Option<String>,
    /// The version of its contents.
    pub version: u32,
    /// Where it begins, from the segment's start.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Bytes from one part to the next.
    pub stride: u64,
}

/// A lock byte.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lock {
    /// Its number: it lies at 2^62 + n.
    pub byte: u32,
    /// Its name: `gate`, `producer`, `member 3`.
    pub name: String,
    /// Whether anybody holds it, in any mode.
    pub is_held: bool,
}

/// The ring, as the words of its frames tell it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Words {
    /// Messages that fit.
    pub capacity: u64,
    /// Messages in a frame.
    pub per: u64,
    /// Physical frames.
    pub frames: u64,
    /// The next position to be released.
    pub head: u64,
    /// The next position to be written: not `tail` as it is stored, which may be behind.
    pub tail: u64,
    /// The words one by one, of the frames from 0 on: as many as were asked for, and are in the file.
    pub list: Vec<Word>,
}

/// The word of a frame.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Word {
    /// The physical frame.
    pub frame: u64,
    /// Where the word lies, from the segment's start.
    pub at: u64,
    /// The tail as it stood when the frame was last written; 0: it never was.
    pub value: u64,
    /// The position of the frame's first message in the lap that the word tells of.
    pub position: u64,
    /// How many messages of the frame are published in that lap.
    pub published: u64,
    /// How many of these have not been released.
    pub unreleased: u64,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// The ring of a many-to-many channel.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Slots {
    /// Messages that fit: so many slots.
    pub capacity: u64,
    /// The next position to be claimed by a receiver.
    pub head: u64,
    /// The next position to be claimed by a sender.
    pub tail: u64,
    /// The slots one by one, from 0 on: as many as were asked for, and are in the file.
    pub list: Vec<Slot>,
}

/// The word of a slot.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Slot {
    /// The slot.
    pub slot: u64,
    /// Where the word lies, from the segment's start.
    pub at: u64,
    /// The word.
    pub value: u64,
    /// The position that it tells of.
    pub position: u64,
    /// What is there.
    pub state: SlotState,
    /// How often the message was taken over from a receiver that died.
    pub taken_over: u64,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// What is in a slot of a many-to-many channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotState {
    /// Nothing.
    Free,
    /// A sender has claimed it and has not published.
    Claimed,
    /// A message.
    Full,
    /// A message that a receiver has claimed and not freed.
    Leaving,
    /// No message, as its sender died.
    Tomb,
}

impl SlotState {
    /// As the program prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Claimed => "claimed",
            Self::Full => "full",
            Self::Leaving => "leaving",
            Self::Tomb => "tomb",
        }
    }
}

impl Page {
    /// As the program prints it: `header`, `producer`, `consumer`; `shared page`, `member`, `record`, `hand`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Shared => "shared page",
            Self::Member(_) => "member",
            Self::Record(_) => "record",
            Self::Hand(_) => "hand",
            Self::Lane(_) => "lane",
        }
    }

    /// Which entry of a table it is.
    pub fn index(self) -> Option<u64> {
        match self {
            Self::Header | Self::Producer | Self::Consumer | Self::Shared => None,
            Self::Member(index) | Self::Record(index) | Self::Hand(index) | Self::Lane(index) => Some(index),
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.index().map_or(Ok(()), |index| write!(f, " {index}"))
    }
}

impl Field {
    /// Where it lies, from the segment's start.
    pub fn at(&self) -> u64 {
        self.start + self.offset
    }

    /// The value, if the field is a number and the file does not end before it.
    pub fn number(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        if self.raw.len() > bytes.len() || self.raw.len() as u64 != self.bytes {
            return None;
        }
        bytes[..self.raw.len()].copy_from_slice(&self.raw);
        Some(u64::from_le_bytes(bytes))
    }
}

impl Inspection {
    /// The field of this name.
    pub fn field(&self, page: Page, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.page == page && field.name == name)
    }

    /// Everything that is wrong, as `field: what`, or `what` where it is no field's.
    ///
    /// Empty for every segment that correct peers use, at any instant. (A field that a killed process left half way is not
    /// wrong: its successor goes on from there.)
    pub fn wrong(&self) -> Vec<String> {
        let fields = self.fields.iter().filter_map(|field| {
            let problem = field.problem.as_ref()?;
            Some(match field.page {
                Page::Header => format!("{}: {problem}", field.name),
                page => format!("{page}'s {}: {problem}", field.name),
            })
        });
        let words = self.words.iter().flat_map(|words| &words.list);
        let words = words.filter_map(|word| Some(format!("word of frame {}: {}", word.frame, word.problem.as_ref()?)));
        let slots = self.slots.iter().flat_map(|slots| &slots.list);
        let slots = slots.filter_map(|slot| Some(format!("word of slot {}: {}", slot.slot, slot.problem.as_ref()?)));
        self.problems.iter().cloned().chain(fields).chain(words).chain(slots).collect()
    }
}
