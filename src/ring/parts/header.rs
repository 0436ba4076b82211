//! The header of a part, in front of its bytes.

use super::{UNIT, span};
use crate::ring::Corrupt;

/// The part begins a message.
pub(super) const FIRST: u8 = 1;
/// The part ends a message.
pub(super) const LAST: u8 = 2;
/// The rest of a frame; belongs to no message.
pub(super) const PAD: u8 = 4;
/// The message that was begun ends here, incomplete.
pub(super) const CANCEL: u8 = 8;
/// Of a FIRST that is not LAST: the first eight bytes behind the header are the length of the whole message.
pub(super) const SIZED: u8 = 16;

/// A header: the part's length behind it : 32 | marks : 8 | 0 : 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header(pub(super) u64);

impl Header {
    /// The largest length that a header can tell; frames are smaller.
    const LEN_MASK: u64 = 0xffff_ffff;

    #[inline(always)]
    pub(super) const fn new(marks: u8, len: usize) -> Self {
        Self((marks as u64) << 32 | len as u64 & Self::LEN_MASK)
    }

    #[inline(always)]
    pub(super) const fn len(self) -> usize {
        (self.0 & Self::LEN_MASK) as usize
    }

    /// Whether this is the header of a message that is one part.
    #[inline(always)]
    pub(super) const fn is_whole(self) -> bool {
        self.0 >> 32 == (FIRST | LAST) as u64
    }
}

/// A part that is there, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    marks: u8,
    /// Bytes of the ring that it takes.
    pub(crate) span: usize,
    /// From its beginning to its first byte of the message.
    pub(crate) front: usize,
    /// Bytes of the message.
    pub(crate) len: usize,
    /// How long the whole message is, if this part begins it and says so.
    pub(crate) announced: Option<u64>,
}

impl Part {
    /// The part with this header, where so many bytes are published from it to the end of what the frame's word tells, and
    /// so many are left of the frame. `number` is what follows the header.
    pub(super) fn read(
        header: Header,
        published: usize,
        in_frame: usize,
        number: impl FnOnce() -> u64,
    ) -> Result<Self, Corrupt> {
        let corrupt = Err(Corrupt { word: "part", found: header.0 });
        let (marks, len) = ((header.0 >> 32) as u8, header.len());
        if header.0 >> 40 != 0 || published % UNIT != 0 || span(len) > published.min(in_frame) {
            return corrupt;
        }
        let mut part = Self { marks, span: span(len), front: UNIT, len, announced: None };
        let is_possible = match marks {
            PAD => part.span == in_frame && len == in_frame - UNIT,
            CANCEL => len == 0,
            0 | FIRST => len > 0,
            LAST => true,
            _ if marks == FIRST | LAST => true,
            _ if marks == FIRST | SIZED => len > UNIT,
            _ => false,
        };
        if !is_possible {
            return corrupt;
        }
        match marks {
            PAD | CANCEL => part.len = 0,
            _ if part.has(SIZED) => {
                part.front += UNIT;
                part.len -= UNIT;
                let announced = number();
                if announced <= part.len as u64 {
                    return Err(Corrupt { word: "length of a message", found: announced });
                }
                part.announced = Some(announced);
            }
            _ if marks == FIRST | LAST => part.announced = Some(len as u64),
            _ => {}
        }
        Ok(part)
    }

    pub(super) fn has(self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    pub(crate) fn is_last(self) -> bool {
        self.has(LAST)
    }

    /// Whether it is a whole message.
    pub(crate) fn is_whole(self) -> bool {
        self.marks == FIRST | LAST
    }
}
