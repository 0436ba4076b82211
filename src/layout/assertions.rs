//! What SPEC.md says of offsets, said to the compiler.

use super::control::{ConsumerCursor, ConsumerPage, EndLines, Member, Presence, ProducerCursor, ProducerPage, Ringing};
use super::geometry::PAGE;
use super::line::Line;
use super::shared::{EventCount, Hand, MemberEntry, PresenceWords, Record, Remains, SharedPage};
use super::tables::ENTRY_BYTES;
use static_assertions::{assert_eq_align, assert_eq_size, const_assert_eq};
use std::mem::{offset_of, size_of};

const_assert_eq!(size_of::<Line<u8>>(), 128);
const_assert_eq!(size_of::<ProducerPage>() as u64, PAGE);
const_assert_eq!(size_of::<ConsumerPage>() as u64, PAGE);
const_assert_eq!(size_of::<EndLines>(), 3 * 128);
assert_eq_align!(ProducerPage, ConsumerPage);
assert_eq_size!(ProducerPage, ConsumerPage);

const_assert_eq!(offset_of!(ProducerPage, end), 128);
const_assert_eq!(offset_of!(ConsumerPage, credit), 128);
const_assert_eq!(offset_of!(ConsumerPage, end), 256);
const_assert_eq!(offset_of!(ProducerCursor, closed), 8);
const_assert_eq!(offset_of!(ProducerCursor, begun), 16);
const_assert_eq!(offset_of!(ConsumerCursor, finished), 24);
const_assert_eq!(offset_of!(ConsumerCursor, refused), 32);
const_assert_eq!(offset_of!(Presence, armed), 8);
const_assert_eq!(offset_of!(Ringing, echo), 8);
const_assert_eq!(offset_of!(Member, started), 8);

const_assert_eq!(size_of::<SharedPage>() as u64, PAGE);
assert_eq_align!(SharedPage, ProducerPage);
const_assert_eq!(offset_of!(SharedPage, tail), 0);
const_assert_eq!(offset_of!(SharedPage, head), 128);
const_assert_eq!(offset_of!(SharedPage, presence), 2 * 128);
const_assert_eq!(offset_of!(SharedPage, messages), 3 * 128);
const_assert_eq!(offset_of!(SharedPage, room), 4 * 128);
const_assert_eq!(offset_of!(SharedPage, remains), 5 * 128);
const_assert_eq!(size_of::<PresenceWords>(), 8 + 5 * 4 + 4);
const_assert_eq!(offset_of!(PresenceWords, barrierless), 24);
const_assert_eq!(size_of::<EventCount>(), 3 * 8 + 4 + 4);
const_assert_eq!(offset_of!(EventCount, bell), 24);
const_assert_eq!(size_of::<Remains>(), 3 * 8);
const_assert_eq!(offset_of!(Remains, dropped), 16);

const_assert_eq!(size_of::<Line<MemberEntry>>() as u64, ENTRY_BYTES);
const_assert_eq!(size_of::<MemberEntry>(), 2 * 8 + 3 * 4 + 4);
const_assert_eq!(offset_of!(MemberEntry, receivers), 24);
const_assert_eq!(size_of::<Line<Record>>() as u64, ENTRY_BYTES);
const_assert_eq!(size_of::<Record>(), 3 * 8);
const_assert_eq!(offset_of!(Record, consuming), 16);
// A hand's message begins at 16 at the earliest (layout::tables).
const_assert_eq!(size_of::<Hand>(), 16);
const_assert_eq!(offset_of!(Hand, held), 8);
