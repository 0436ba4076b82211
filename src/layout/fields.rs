//! Every field of a segment in one table: the test of SPEC.md and the programs that print segments read it.

use super::control::{ConsumerCursor, ConsumerPage, EndLines, Member, Presence, ProducerCursor, ProducerPage, Ringing};
use super::header::at;
use std::mem::offset_of;

/// Where a field's offset counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// The segment's start.
    Segment,
    /// The producer's page.
    Producer,
    /// The consumer's page.
    Consumer,
}

/// Who may store a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Whoever makes the segment, before it has a name.
    Creator,
    /// The holder of the producer's role.
    Producer,
    /// The holder of the consumer's role.
    Consumer,
}

/// One field of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    /// The name that SPEC.md uses.
    pub(crate) name: &'static str,
    /// Where `offset` counts from.
    pub(crate) base: Base,
    /// Bytes from the base.
    pub(crate) offset: usize,
    /// Bytes.
    pub(crate) bytes: usize,
    /// Who stores it.
    pub(crate) writer: Writer,
}

const fn header(name: &'static str, offset: usize, bytes: usize) -> Field {
    Field { name, base: Base::Segment, offset, bytes, writer: Writer::Creator }
}

const fn producer(name: &'static str, offset: usize, bytes: usize) -> Field {
    Field { name, base: Base::Producer, offset, bytes, writer: Writer::Producer }
}

const fn consumer(name: &'static str, offset: usize, bytes: usize) -> Field {
    Field { name, base: Base::Consumer, offset, bytes, writer: Writer::Consumer }
}

const P: usize = offset_of!(ProducerPage, end);
const C: usize = offset_of!(ConsumerPage, end);
const STATUS: usize = offset_of!(EndLines, presence) + offset_of!(Presence, status);
const ARMED: usize = offset_of!(EndLines, presence) + offset_of!(Presence, armed);
const BELL: usize = offset_of!(EndLines, ringing) + offset_of!(Ringing, bell);
const UNFENCED: usize = offset_of!(EndLines, ringing) + offset_of!(Ringing, unfenced);
const ECHO: usize = offset_of!(EndLines, ringing) + offset_of!(Ringing, echo);
const PID: usize = offset_of!(EndLines, member) + offset_of!(Member, pid);
const STARTED: usize = offset_of!(EndLines, member) + offset_of!(Member, started);

/// The table.
pub(crate) const FIELDS: &[Field] = &[
    header("magic", at::MAGIC, 8),
    header("version", at::VERSION, 4),
    header("header_bytes", at::HEADER_BYTES, 4),
    header("order_mark", at::ORDER_MARK, 4),
    header("kind", at::KIND, 4),
    header("total_bytes", at::TOTAL_BYTES, 8),
    header("instance", at::INSTANCE, 16),
    header("capacity", at::CAPACITY, 8),
    header("type_size", at::TYPE_SIZE, 8),
    header("type_align", at::TYPE_ALIGN, 8),
    header("type_tag", at::TYPE_TAG, 8),
    header("per", at::PER, 8),
    header("frames", at::FRAMES, 8),
    header("frame_bytes", at::FRAME_BYTES, 8),
    header("payload_offset", at::PAYLOAD_OFFSET, 8),
    header("placement", at::PLACEMENT, 4),
    header("lifetime", at::LIFETIME, 4),
    header("regions", at::REGIONS, 4),
    header("checksum", at::CHECKSUM, 8),
    header("state", at::STATE, 4),
    header("region_table", at::REGION_TABLE, 512),
    producer("tail", offset_of!(ProducerPage, cursor) + offset_of!(ProducerCursor, tail), 8),
    producer("closed", offset_of!(ProducerPage, cursor) + offset_of!(ProducerCursor, closed), 8),
    producer("status", P + STATUS, 8),
    producer("armed", P + ARMED, 4),
    producer("bell", P + BELL, 4),
    producer("unfenced", P + UNFENCED, 4),
    producer("echo", P + ECHO, 8),
    producer("pid", P + PID, 4),
    producer("started", P + STARTED, 8),
    consumer("head", offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, head), 8),
    consumer("taken", offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, taken), 8),
    consumer("tries", offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, tries), 8),
    consumer("finished", offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, finished), 8),
    consumer("credit", offset_of!(ConsumerPage, credit), 8),
    consumer("status", C + STATUS, 8),
    consumer("armed", C + ARMED, 4),
    consumer("bell", C + BELL, 4),
    consumer("unfenced", C + UNFENCED, 4),
    consumer("echo", C + ECHO, 8),
    consumer("pid", C + PID, 4),
    consumer("started", C + STARTED, 8),
];
