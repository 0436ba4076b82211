//! Every size and offset of a segment, with checked arithmetic, here and nowhere else.
//!
//! # Frames
//!
//! A *frame* is a publication word and room for `per` messages. Message `i` lies in frame `i / per`, place `i % per`;
//! frame `f` of the endless sequence lies in physical frame `f % frames`.
//!
//! *Exact capacity.* The ring holds N messages when `tail - head = N`. The producer writes message `tail` into frame
//! `g = tail / per`, over what was frame `g - frames`, whose last message is `(g - frames + 1) x per - 1`. All of that
//! frame must have been released: `head >= (g - frames + 1) x per`. Room means `head > tail - N`, and `tail >= g x per`,
//! so `head >= g x per - N + 1` is known. It suffices if `(frames - 1) x per >= N - 1`, that is
//! `frames = ceil((N - 1) / per) + 1`.
//!
//! *Placements.* Inline: `[word | pad | place 0 .. place per-1 | pad]`, one after the other, so the news and the data
//! travel in one line. Table: the words in lines of their own, the places contiguous and page-aligned behind them.

use super::dormitory::DormTable;
use super::error::FormatError;

/// Bytes of the header's page, and of each control page.
pub(crate) const PAGE: u64 = 4096;
/// Where the producer's page lies.
pub(crate) const PRODUCER_OFFSET: u64 = PAGE;
/// Where the consumer's page lies.
pub(crate) const CONSUMER_OFFSET: u64 = 2 * PAGE;
/// Where the frames begin (inline), or the words (table), behind two control pages. (Many-to-many: behind its tables.)
pub(crate) const FRAMES_OFFSET: u64 = 3 * PAGE;
/// Bytes from one word to the next in a table.
pub(crate) const WORD_STRIDE: u64 = 128;
/// The largest alignment that a page-aligned segment can give.
const ALIGN_MAX: u64 = PAGE;
/// Positions are counted in 56 bits, so a ring is smaller than that.
const CAPACITY_MAX: u64 = 1 << 48;
/// Frames up to this many bytes are laid out inline unless the options say otherwise.
const INLINE_MAX: u64 = PAGE;
/// What a processor moves at once.
const LINE: u64 = 64;
/// The largest message of a many-to-many ring. It is copied while others wait for its slot, so the copy must be short.
const SLOT_MESSAGE_MAX: u64 = 4096;
/// Bytes of a frame of messages that are too large to share a line with its word, and small enough to share such a frame.
const SHARED_FRAME: u64 = 512;

/// Where a frame's publication word lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// In the frame, in front of its messages: one line carries the news and the data. The default for small messages.
    Inline,
    /// In a table of its own; the messages are contiguous and page-aligned. The default for frames of a page and more.
    Table,
}

impl Placement {
    /// The number that stands for it in a header.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Inline => 1,
            Self::Table => 2,
        }
    }

    /// As the program prints it: `inline`, `table`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Table => "table",
        }
    }

    /// The placement with this number.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Inline),
            2 => Some(Self::Table),
            _ => None,
        }
    }
}

/// What a geometry is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Messages.
    pub(crate) capacity: u64,
    /// `size_of::<T>()`.
    pub(crate) size: u64,
    /// `align_of::<T>()`.
    pub(crate) align: u64,
    /// `None`: by the size of a frame.
    pub(crate) placement: Option<Placement>,
    /// Bytes of a frame (inline: with its word; table: of its messages). `None`: by the size of a message.
    pub(crate) frame_bytes: Option<u64>,
    /// What lies in front of the frames: a multiple of a page.
    pub(crate) frames_offset: u64,
    /// Whether a frame holds one message whatever its size: the *slots* of a many-to-many ring.
    pub(crate) is_slotted: bool,
}

/// The sizes and offsets of one ring. Private to the process: computed or validated once, never read again from shared
/// memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Messages: exactly so many fit.
    pub(crate) capacity: u64,
    /// Bytes from one message to the next; 1 for zero-sized ones.
    pub(crate) stride: u64,
    /// Messages in a frame.
    pub(crate) per: u64,
    /// Physical frames.
    pub(crate) frames: u64,
    /// Where the words lie, and how far apart.
    pub(crate) placement: Placement,
    /// Bytes from one frame to the next (inline), or of a frame's messages (table).
    pub(crate) frame_bytes: u64,
    /// Bytes from a frame's start to its first message; 0 in a table.
    pub(crate) payload_offset: u64,
    /// Where the frames begin (inline), or the words (table), from the segment's start.
    pub(crate) frames_offset: u64,
    /// Where the messages of frame 0 begin, from the segment's start (table), or frame 0 itself (inline).
    pub(crate) payload_base: u64,
    /// Bytes of the whole segment, a multiple of a page.
    pub(crate) total: u64,
    /// What lies behind the frames, if somebody sleeps otherwise than on a futex.
    pub(crate) dorms: Option<DormTable>,
}

impl Geometry {
    /// The geometry of a ring of this shape.
    pub(crate) fn new(shape: Shape) -> Result<Self, FormatError> {
        let Shape { capacity, size, align, frames_offset, .. } = shape;
        if capacity == 0 || capacity > CAPACITY_MAX {
            return field("capacity", capacity, "between 1 and 2^48");
        }
        if !align.is_power_of_two() || align > ALIGN_MAX {
            return field("type_align", align, "a power of two up to 4096");
        }
        if size % align != 0 {
            return field("type_size", size, "a multiple of type_align");
        }
        let stride = size.max(1);
        let (placement, frame_bytes, payload_offset) = frame(shape, stride)?;
        let per = if shape.is_slotted { 1 } else { (frame_bytes - payload_offset) / stride };
        let frames = (capacity - 1).div_ceil(per) + 1;
        let sizes = || {
            let words = match placement {
                Placement::Inline => 0,
                Placement::Table => frames.checked_mul(WORD_STRIDE)?,
            };
            let payload_base = frames_offset.checked_add(words)?.checked_next_multiple_of(PAGE)?;
            let total = frames.checked_mul(frame_bytes)?.checked_add(payload_base)?.checked_next_multiple_of(PAGE)?;
            // Offsets are computed in isize; nothing larger can be mapped.
            (total <= i64::MAX as u64 && usize::try_from(total).is_ok()).then_some((payload_base, total))
        };
        let Some((payload_base, total)) = sizes() else {
            return field("capacity", capacity, "small enough for the address space");
        };
        Ok(Self {
            capacity,
            stride,
            per,
            frames,
            placement,
            frame_bytes,
            payload_offset,
            frames_offset,
            payload_base,
            total,
            dorms: None,
        })
    }

    /// The same ring, with these dormitories behind it.
    pub(crate) fn with_dorms(self, dorms: Option<DormTable>) -> Result<Self, FormatError> {
        let Some(table) = dorms else { return Ok(self) };
        match self.total.checked_add(table.room()).filter(|total| *total <= i64::MAX as u64) {
            Some(total) => Ok(Self { total, dorms, ..self }),
            None => field("capacity", self.capacity, "small enough for the address space"),
        }
    }

    /// Where the dormitories lie: at the end of the segment.
    pub(crate) fn dorms_offset(&self) -> u64 {
        self.total - self.dorms.map_or(0, |table| table.room())
    }

    /// Whether the parts of messages of bytes can lie in this ring's frames.
    pub(crate) fn must_hold_parts(&self) -> Result<(), FormatError> {
        if self.capacity < PARTS_CAPACITY_MIN {
            return field("capacity", self.capacity, "at least 32 bytes, for messages of bytes");
        }
        if self.per % 8 != 0 || !(PARTS_FRAME_MIN..=PARTS_FRAME_MAX).contains(&self.per) {
            return field("frame_bytes", self.frame_bytes, "a multiple of 8, with room for 24 to 2^30 bytes of parts");
        }
        Ok(())
    }

    /// The geometry that a header claims, if it is one that [`Geometry::new`] computes.
    pub(crate) fn claimed(
        placement: u32,
        shape: Shape,
        [per, frames, total]: [u64; 3],
        dorms: Option<DormTable>,
    ) -> Result<Self, FormatError> {
        let Some(placement) = Placement::from_code(placement) else {
            return field("placement", placement.into(), "1 (inline) or 2 (table)");
        };
        let computed = Self::new(Shape { placement: Some(placement), ..shape })?.with_dorms(dorms)?;
        if placement != computed.placement {
            return field("placement", placement.code().into(), "1 (inline) in a many-to-many channel");
        }
        if per != computed.per {
            return field("per", per, "what frame_bytes and type_size make it");
        }
        if frames != computed.frames {
            return field("frames", frames, "ceil((capacity - 1) / per) + 1");
        }
        if total != computed.total {
            return field("total_bytes", total, "the end of the last region");
        }
        Ok(computed)
    }
}

/// Parts of messages of bytes: the least ring, and the least and the largest room of a frame.
const PARTS_CAPACITY_MIN: u64 = 32;
const PARTS_FRAME_MIN: u64 = 24;
const PARTS_FRAME_MAX: u64 = 1 << 30;

/// Placement, bytes of a frame, and bytes in front of its messages.
fn frame(shape: Shape, stride: u64) -> Result<(Placement, u64, u64), FormatError> {
    let offset = shape.align.max(8);
    // A word, one message, rounded to whole lines (or to the alignment, if that is coarser).
    let one = offset.checked_add(stride).and_then(|bytes| bytes.checked_next_multiple_of(shape.align.max(64)));
    let Some(one) = one else {
        return field("type_size", shape.size, "small enough for the address space");
    };
    // A message that fits into a line with its word has that line. One that is a little larger would fill two and leave
    // most of the second empty; several of them share a frame of some lines instead.
    let shared = (SHARED_FRAME.saturating_sub(offset)) / stride >= 2;
    let usual = if one > LINE && shared { SHARED_FRAME } else { one };
    if shape.is_slotted {
        return slot(shape, offset, stride);
    }
    let inline = shape.frame_bytes.unwrap_or(usual) <= INLINE_MAX;
    let placement = shape.placement.unwrap_or(if inline { Placement::Inline } else { Placement::Table });
    match placement {
        Placement::Inline => {
            let bytes = shape.frame_bytes.unwrap_or(usual);
            if bytes % offset != 0 || bytes - offset.min(bytes) < stride {
                return field(
                    "frame_bytes",
                    bytes,
                    "a multiple of 8 and of type_align, with room for a word and a message",
                );
            }
            Ok((placement, bytes, offset))
        }
        Placement::Table => {
            // Small messages share a frame of a page; a large one has its own.
            let bytes = shape.frame_bytes.unwrap_or((PAGE / stride).max(1) * stride);
            // The second is news for zero-sized messages alone.
            if bytes == 0 || bytes % stride != 0 || bytes % shape.align != 0 {
                return field("frame_bytes", bytes, "a multiple of type_size and of type_align");
            }
            Ok((placement, bytes, 0))
        }
    }
}

/// A slot is its word and one message, and no more: neighbours in the sequence may share a line, as one processor mostly
/// fills several of them in a row.
fn slot(shape: Shape, offset: u64, stride: u64) -> Result<(Placement, u64, u64), FormatError> {
    if shape.size > SLOT_MESSAGE_MAX {
        return field("type_size", shape.size, "at most 4096 bytes in a many-to-many channel");
    }
    if shape.placement == Some(Placement::Table) {
        return field("placement", Placement::Table.code().into(), "1 (inline) in a many-to-many channel");
    }
    let bytes = (offset + stride).next_multiple_of(offset);
    match shape.frame_bytes.unwrap_or(bytes) {
        asked if asked < bytes || asked % offset != 0 => {
            field("frame_bytes", asked, "a multiple of 8 and of type_align, with room for a word and a message")
        }
        asked => Ok((Placement::Inline, asked, offset)),
    }
}

fn field<T>(field: &'static str, found: u64, must: &'static str) -> Result<T, FormatError> {
    Err(FormatError::Field { field, found, must })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(capacity: u64, size: u64, align: u64) -> Shape {
        Shape {
            capacity,
            size,
            align,
            placement: None,
            frame_bytes: None,
            frames_offset: FRAMES_OFFSET,
            is_slotted: false,
        }
    }

    #[test]
    fn seven_words_share_a_line_with_their_publication() {
        let ring = Geometry::new(shape(1024, 8, 8)).unwrap();
        assert_eq!((ring.per, ring.frame_bytes, ring.payload_offset, ring.frames), (7, 64, 8, 148));
        assert!(ring.total <= 80 * 1024, "a default channel of 1024 x 8 bytes: {} bytes", ring.total);
    }

    #[test]
    fn messages_a_little_larger_than_a_line_share_frames() {
        let per_and_bytes = |size| {
            let ring = Geometry::new(shape(1024, size, 8)).unwrap();
            (ring.per, ring.frame_bytes)
        };
        assert_eq!([8, 24, 56].map(per_and_bytes), [(7, 64), (2, 64), (1, 64)]);
        assert_eq!([64, 72, 128, 248].map(per_and_bytes), [(7, 512), (7, 512), (3, 512), (2, 512)]);
        assert_eq!([256, 1024].map(per_and_bytes), [(1, 320), (1, 1088)]);
    }

    #[test]
    fn every_reused_frame_has_been_released_whatever_the_capacity() {
        for per in 1..9 {
            for capacity in 1..40 {
                let ring = Geometry::new(Shape { frame_bytes: Some(8 + 8 * per), ..shape(capacity, 8, 8) }).unwrap();
                assert_eq!(ring.per, per);
                for tail in 0..200_u64 {
                    // The least head at which there is room for message `tail`.
                    let head = (tail + 1).saturating_sub(capacity);
                    let overwritten = (tail / per + 1).saturating_sub(ring.frames) * per;
                    assert!(head >= overwritten, "capacity {capacity} per {per} tail {tail}");
                }
                assert!(
                    ring.frames == 1 || (ring.frames - 2) * per < capacity - 1,
                    "no frame is wasted: capacity {capacity} per {per}"
                );
            }
        }
    }

    #[test]
    fn messages_lie_aligned_inside_their_frames_and_the_segment() {
        for (size, align) in
            [(0, 1), (1, 1), (3, 1), (8, 8), (16, 16), (24, 8), (56, 8), (64, 64), (1024, 8), (4096, 4096), (5000, 8)]
        {
            for placement in [None, Some(Placement::Inline), Some(Placement::Table)] {
                let ring = Geometry::new(Shape { placement, ..shape(100, size, align) }).unwrap();
                assert_eq!(ring.payload_base % 4096, 0);
                for frame in 0..ring.frames {
                    for place in 0..ring.per {
                        let at =
                            ring.payload_base + frame * ring.frame_bytes + ring.payload_offset + place * ring.stride;
                        assert_eq!(at % align, 0);
                        assert!(at + size <= ring.total);
                        assert!(ring.payload_offset + (place + 1) * ring.stride <= ring.frame_bytes);
                    }
                }
            }
        }
    }

    /// Fault 22.
    #[test]
    fn impossible_shapes_are_errors() {
        let cases = [
            shape(0, 8, 8),
            shape(u64::MAX, 8, 8),
            shape(1 << 48, 1 << 20, 8),
            shape(4, u64::MAX - 7, 8),
            shape(4, 8, 3),
            shape(4, 8, 0),
            shape(4, 12, 8),
            shape(4, 8192, 8192),
            Shape { frame_bytes: Some(0), ..shape(4, 8, 8) },
            Shape { frame_bytes: Some(8), ..shape(4, 8, 8) },
            Shape { frame_bytes: Some(20), ..shape(4, 8, 8) },
            Shape { frame_bytes: Some(12), placement: Some(Placement::Table), ..shape(4, 8, 8) },
            Shape { frame_bytes: Some(0), placement: Some(Placement::Table), ..shape(4, 8, 8) },
            Shape { frame_bytes: Some(100), placement: Some(Placement::Table), ..shape(4, 0, 8) },
        ];
        for case in cases {
            assert!(matches!(Geometry::new(case), Err(FormatError::Field { .. })), "{case:?}");
        }
    }
}
