//! What SPEC.md says of offsets, said to the compiler.

use super::control::{ConsumerCursor, ConsumerPage, EndLines, Member, Presence, ProducerCursor, ProducerPage, Ringing};
use super::geometry::PAGE;
use super::line::Line;
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
const_assert_eq!(offset_of!(ConsumerCursor, finished), 24);
const_assert_eq!(offset_of!(Presence, armed), 8);
const_assert_eq!(offset_of!(Ringing, echo), 8);
const_assert_eq!(offset_of!(Member, started), 8);
