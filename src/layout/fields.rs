//! Every field of a segment in one table: the test of SPEC.md and the programs that print segments read it.

use super::control::{ConsumerCursor, ConsumerPage, EndLines, Member, Presence, ProducerCursor, ProducerPage, Ringing};
use super::geometry::{CONSUMER_OFFSET, PRODUCER_OFFSET};
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
    /// What it means, in SPEC.md's words.
    pub(crate) meaning: &'static str,
}

impl Base {
    /// Where it is, from the segment's start.
    pub(crate) fn start(self) -> u64 {
        match self {
            Self::Segment => 0,
            Self::Producer => PRODUCER_OFFSET,
            Self::Consumer => CONSUMER_OFFSET,
        }
    }
}

const fn header(name: &'static str, offset: usize, bytes: usize, meaning: &'static str) -> Field {
    Field { name, base: Base::Segment, offset, bytes, writer: Writer::Creator, meaning }
}

const fn producer(name: &'static str, offset: usize, bytes: usize, meaning: &'static str) -> Field {
    Field { name, base: Base::Producer, offset, bytes, writer: Writer::Producer, meaning }
}

const fn consumer(name: &'static str, offset: usize, bytes: usize, meaning: &'static str) -> Field {
    Field { name, base: Base::Consumer, offset, bytes, writer: Writer::Consumer, meaning }
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
    header("magic", at::MAGIC, 8, "ringway and a zero byte"),
    header("version", at::VERSION, 4, "2"),
    header("header_bytes", at::HEADER_BYTES, 4, "4096"),
    header("order_mark", at::ORDER_MARK, 4, "0x04030201 in the creator's byte order: the bytes 1, 2, 3, 4"),
    header("kind", at::KIND, 4, "1 spsc, 2 stream"),
    header("total_bytes", at::TOTAL_BYTES, 8, "length of the file"),
    header("instance", at::INSTANCE, 16, "random, another for each creation"),
    header("capacity", at::CAPACITY, 8, "N: messages (kind 2: bytes) that fit, exactly; 1 to 2^48"),
    header("type_size", at::TYPE_SIZE, 8, "bytes of a message; kind 2: 1"),
    header("type_align", at::TYPE_ALIGN, 8, "its alignment, a power of two up to 4096; kind 2: 1"),
    header("type_tag", at::TYPE_TAG, 8, "a number that stands for the message type, or 0"),
    header("per", at::PER, 8, "messages in a frame"),
    header("frames", at::FRAMES, 8, "physical frames"),
    header("frame_bytes", at::FRAME_BYTES, 8, "from one frame to the next"),
    header("payload_offset", at::PAYLOAD_OFFSET, 8, "from a frame's start to its first place"),
    header("placement", at::PLACEMENT, 4, "1 inline, 2 table"),
    header(
        "lifetime",
        at::LIFETIME,
        4,
        "1 ephemeral: without users it is nothing; 2 persistent: it is there until it is removed",
    ),
    header("regions", at::REGIONS, 4, "entries of the region table: 3 inline, 4 table"),
    header("checksum", at::CHECKSUM, 8, "64-bit FNV-1a of the 4096 bytes, these eight taken as zeroes"),
    header("state", at::STATE, 4, "1 READY"),
    header("region_table", at::REGION_TABLE, 512, "see below"),
    producer(
        "tail",
        offset_of!(ProducerPage, cursor) + offset_of!(ProducerCursor, tail),
        8,
        "positions published, as of the first message of this frame or the last batch; never ahead of the words",
    ),
    producer(
        "closed",
        offset_of!(ProducerPage, cursor) + offset_of!(ProducerCursor, closed),
        8,
        "0 open; else 1 + the final tail",
    ),
    producer("status", P + STATUS, 8, "see Status"),
    producer("armed", P + ARMED, 4, "before it sleeps: the value that the consumer's bell is to get"),
    producer("bell", P + BELL, 4, "the consumer sleeps on this word"),
    producer(
        "unfenced",
        P + UNFENCED,
        4,
        "1 while the producer makes no fence after a publication: see Publications without a fence",
    ),
    producer("echo", P + ECHO, 8, "the consumer's status, as the producer last read it"),
    producer("pid", P + PID, 4, "of its process; decides nothing"),
    producer("started", P + STARTED, 8, "that process's start, field 22 of /proc/PID/stat"),
    consumer(
        "head",
        offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, head),
        8,
        "next position to be released",
    ),
    consumer(
        "taken",
        offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, taken),
        8,
        "one above the highest position handed out to be committed later",
    ),
    consumer(
        "tries",
        offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, tries),
        8,
        "position << 8 or attempts (255: more); means nothing unless its position is head",
    ),
    consumer(
        "finished",
        offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, finished),
        8,
        "kind 2: 1 + the final tail, when everything has been taken; else 0",
    ),
    consumer(
        "credit",
        offset_of!(ConsumerPage, credit),
        8,
        "a copy of head, at most one release and a quarter of the ring old",
    ),
    consumer("status", C + STATUS, 8, "see Status"),
    consumer("armed", C + ARMED, 4, "before it sleeps: the value that the producer's bell is to get"),
    consumer("bell", C + BELL, 4, "the producer sleeps on this word"),
    consumer("unfenced", C + UNFENCED, 4, "the same of the consumer's stores of head"),
    consumer("echo", C + ECHO, 8, "the producer's status, as the consumer last read it"),
    consumer("pid", C + PID, 4, "of its process; decides nothing"),
    consumer("started", C + STARTED, 8, "that process's start"),
];
