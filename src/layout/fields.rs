//! Every field of a segment in one table: the test of SPEC.md and the programs that print segments read it.

use super::control::{ConsumerCursor, ConsumerPage, EndLines, Member, Presence, ProducerCursor, ProducerPage, Ringing};
use super::geometry::{CONSUMER_OFFSET, PRODUCER_OFFSET};
use super::header::at;
use super::lanes::{LANE_STRIDE, LaneWords, ReaderWords, WriterWords};
use super::shared::{EventCount, Hand, MemberEntry, PresenceWords, Record, Remains, SharedPage};
use super::tables::{ENTRY_BYTES, MEMBERS_OFFSET, SHARED_OFFSET, Tables};
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
    /// The page that all members of a many-to-many segment share.
    Shared,
    /// A member's entry.
    Member,
    /// A record.
    Record,
    /// A hand.
    Hand,
    /// The words of a lane.
    Lane,
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
    /// Every member.
    All,
    /// The member whose entry it is.
    Member,
    /// Who leases the record or the hand.
    Lessee,
    /// Who writes the lane's message.
    Writing,
    /// Who reads it.
    Reading,
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
    /// Where this page is, from the segment's start; `None` of an entry of a table.
    pub(crate) fn page(self) -> Option<u64> {
        match self {
            Self::Segment => Some(0),
            Self::Producer => Some(PRODUCER_OFFSET),
            Self::Consumer => Some(CONSUMER_OFFSET),
            Self::Shared => Some(SHARED_OFFSET),
            Self::Member | Self::Record | Self::Hand | Self::Lane => None,
        }
    }

    /// Where this entry of a table is, from the segment's start; of a page, where that is.
    pub(crate) fn entry(self, tables: &Tables, index: u64) -> u64 {
        match self {
            Self::Segment => 0,
            Self::Producer => PRODUCER_OFFSET,
            Self::Consumer => CONSUMER_OFFSET,
            Self::Shared => SHARED_OFFSET,
            Self::Member => MEMBERS_OFFSET + index * ENTRY_BYTES,
            Self::Record => tables.records_offset() + index * ENTRY_BYTES,
            Self::Hand => tables.hands_offset() + index * tables.hand_bytes,
            Self::Lane => tables.lane_words_offset() + index * LANE_STRIDE,
        }
    }

    /// How many there are.
    pub(crate) fn entries(self, tables: &Tables) -> u64 {
        match self {
            Self::Segment | Self::Producer | Self::Consumer | Self::Shared => 1,
            Self::Member => tables.members,
            Self::Record => tables.records,
            Self::Hand => tables.hands,
            Self::Lane => tables.lanes.count(),
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

const fn shared(name: &'static str, offset: usize, bytes: usize, meaning: &'static str) -> Field {
    Field { name, base: Base::Shared, offset, bytes, writer: Writer::All, meaning }
}

const fn member(name: &'static str, offset: usize, bytes: usize, meaning: &'static str) -> Field {
    Field { name, base: Base::Member, offset, bytes, writer: Writer::Member, meaning }
}

const fn record(name: &'static str, offset: usize, meaning: &'static str) -> Field {
    Field { name, base: Base::Record, offset, bytes: 8, writer: Writer::Lessee, meaning }
}

const fn hand(name: &'static str, offset: usize, meaning: &'static str) -> Field {
    Field { name, base: Base::Hand, offset, bytes: 8, writer: Writer::Lessee, meaning }
}

const fn lane(name: &'static str, offset: usize, bytes: usize, writer: Writer, meaning: &'static str) -> Field {
    Field { name, base: Base::Lane, offset, bytes, writer, meaning }
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
const PRESENCE: usize = offset_of!(SharedPage, presence);
const MESSAGES: usize = offset_of!(SharedPage, messages);
const ROOM: usize = offset_of!(SharedPage, room);
const REMAINS: usize = offset_of!(SharedPage, remains);
const FREE_HANDS: usize = offset_of!(SharedPage, free_hands);
const FREE_LANES: usize = offset_of!(SharedPage, free_lanes);
const LANE_WRITER: usize = offset_of!(LaneWords, writer);
const LANE_READER: usize = offset_of!(LaneWords, reader);

/// The table.
pub(crate) const FIELDS: &[Field] = &[
    header("magic", at::MAGIC, 8, "ringway and a zero byte"),
    header("version", at::VERSION, 4, "4"),
    header("header_bytes", at::HEADER_BYTES, 4, "4096"),
    header("order_mark", at::ORDER_MARK, 4, "0x04030201 in the creator's byte order: the bytes 1, 2, 3, 4"),
    header("kind", at::KIND, 4, "1 spsc, 2 stream, 3 mpmc, 4 bytes, 5 bytes-mpmc"),
    header("total_bytes", at::TOTAL_BYTES, 8, "length of the file; memory 1: of the System V segment"),
    header("instance", at::INSTANCE, 16, "random, another for each creation"),
    header("capacity", at::CAPACITY, 8, "N: messages (kinds 2 and 4: bytes) that fit, exactly; 1 to 2^48"),
    header("type_size", at::TYPE_SIZE, 8, "bytes of a message; kinds 2 and 4: 1; kind 3: at most 4096"),
    header("type_align", at::TYPE_ALIGN, 8, "its alignment, a power of two up to 4096; kinds 2 and 4: 1"),
    header("type_tag", at::TYPE_TAG, 8, "a number that stands for the message type, or 0"),
    header("per", at::PER, 8, "messages in a frame; kind 3: 1"),
    header("frames", at::FRAMES, 8, "physical frames; kind 3: slots, as many as N"),
    header("frame_bytes", at::FRAME_BYTES, 8, "from one frame to the next"),
    header("payload_offset", at::PAYLOAD_OFFSET, 8, "from a frame's start to its first place"),
    header("placement", at::PLACEMENT, 4, "1 inline, 2 table; kind 3: 1"),
    header(
        "lifetime",
        at::LIFETIME,
        4,
        "1 ephemeral: without users it is nothing; 2 persistent: it is there until it is removed",
    ),
    header(
        "regions",
        at::REGIONS,
        4,
        "entries of the region table: 3 inline, 4 table; kind 3: 5; kind 5: 8; one more if waiter is not 0",
    ),
    header("checksum", at::CHECKSUM, 8, "64-bit FNV-1a of the 4096 bytes, these eight taken as zeroes"),
    header("state", at::STATE, 4, "1 READY"),
    header("members", at::MEMBERS, 4, "kind 3: processes that can be attached at a time, 1 to 4096; else 0"),
    header("records", at::RECORDS, 4, "kind 3: operations that can be in flight at a time, 1 to 4096; else 0"),
    header("hands", at::HANDS, 4, "kind 3: messages that can be in hand at a time, 1 to 4096; else 0"),
    header("short_lanes", at::SHORT_LANES, 4, "kind 5: lanes for one short message each, at most 4096; else 0"),
    header(
        "short_bytes",
        at::SHORT_BYTES,
        4,
        "kind 5: their length, a multiple of 4096 up to 1 GiB; of no consequence if there are none; else 0",
    ),
    header("long_lanes", at::LONG_LANES, 4, "kind 5: lanes for messages of any length, 1 to 4096; else 0"),
    header(
        "long_bytes",
        at::LONG_BYTES,
        4,
        "kind 5: their length, a multiple of 4096 up to 1 GiB, short_bytes at least if there are short ones; else 0",
    ),
    header(
        "annexes",
        at::ANNEXES,
        4,
        "kind 5: lanes that have their bytes in files of their own, at most 4096; else 0",
    ),
    header(
        "waiter",
        at::WAITER,
        4,
        "by what sleepers are put to sleep: 0 futex, 1 condvar, 2 semaphore, 3 message-queue; see Dormitories",
    ),
    header(
        "boot",
        at::BOOT,
        16,
        "the kernel's boot id, if the file may outlive it; a segment with another one is stale; zeroes: it is in memory",
    ),
    header(
        "abi",
        at::ABI,
        4,
        "waiter not 0: bits of a pointer + 256 x the C library (1 glibc, 2 musl) whose objects the dormitories have; else 0",
    ),
    header("memory", at::MEMORY, 4, "where all behind the header is: 0 the file, 1 a System V segment; see System V"),
    header("shm_id", at::SHM_ID, 4, "memory 1: the segment's number, or 2^32 - 1 before there is one; else 0"),
    header("shm_key", at::SHM_KEY, 4, "memory 1: its key; else 0"),
    header(
        "ipc_namespace",
        at::IPC_NAMESPACE,
        8,
        "memory 1: the inode of the creator's /proc/thread-self/ns/ipc, or 0 where there is none; else 0",
    ),
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
    producer(
        "begun",
        offset_of!(ProducerPage, cursor) + offset_of!(ProducerCursor, begun),
        8,
        "kind 4: 1 + the position at which a message of several parts begins, while it is being sent; else 0",
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
        "refused",
        offset_of!(ConsumerPage, cursor) + offset_of!(ConsumerCursor, refused),
        8,
        "kind 4: one above the highest position of a part that was given up, its message not received; else 0",
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
    shared(
        "tail",
        offset_of!(SharedPage, tail),
        8,
        "the next position to be claimed by a producer; bit 63: closed, nobody may send any more",
    ),
    shared("head", offset_of!(SharedPage, head), 8, "the next position to be claimed by a consumer"),
    shared(
        "epoch",
        PRESENCE + offset_of!(PresenceWords, epoch),
        8,
        "one more with each coming and going: while it stays, the same ones are here",
    ),
    shared("had_receiver", PRESENCE + offset_of!(PresenceWords, had_receiver), 4, "1 once there was a receiver"),
    shared("had_sender", PRESENCE + offset_of!(PresenceWords, had_sender), 4, "1 once there was a sender"),
    shared(
        "receiver_went",
        PRESENCE + offset_of!(PresenceWords, receiver_went),
        4,
        "how the last member with receivers to go went: 1 left, 2 died",
    ),
    shared(
        "sender_went",
        PRESENCE + offset_of!(PresenceWords, sender_went),
        4,
        "how the last member with senders to go went: 1 left, 2 died",
    ),
    shared(
        "barrierless",
        PRESENCE + offset_of!(PresenceWords, barrierless),
        4,
        "1 once somebody came who cannot make a barrier: all wakers fence; never cleared",
    ),
    shared(
        "messages_arms",
        MESSAGES + offset_of!(EventCount, arms),
        8,
        "how often a receiver has said that it is about to sleep",
    ),
    shared(
        "messages_calmed",
        MESSAGES + offset_of!(EventCount, calmed),
        8,
        "a value of messages_arms at which no receiver slept any more",
    ),
    shared(
        "messages_unfenced",
        MESSAGES + offset_of!(EventCount, unfenced),
        8,
        "bit i: the lessee of record i makes no fence after a publication",
    ),
    shared("messages_bell", MESSAGES + offset_of!(EventCount, bell), 4, "receivers sleep on this word"),
    shared("room_arms", ROOM + offset_of!(EventCount, arms), 8, "the same of senders, who sleep until there is room"),
    shared("room_calmed", ROOM + offset_of!(EventCount, calmed), 8, "a value of room_arms at which no sender slept"),
    shared(
        "room_unfenced",
        ROOM + offset_of!(EventCount, unfenced),
        8,
        "bit i: the lessee of record i makes no fence after it has freed a slot",
    ),
    shared("room_bell", ROOM + offset_of!(EventCount, bell), 4, "senders sleep on this word"),
    shared(
        "orphans",
        REMAINS + offset_of!(Remains, orphans),
        8,
        "one more whenever something may have been left in a record or a hand",
    ),
    shared(
        "tombs",
        REMAINS + offset_of!(Remains, tombs),
        8,
        "one above the highest position that was made a tombstone; 0: none",
    ),
    shared("dropped", REMAINS + offset_of!(Remains, dropped), 8, "messages given up after too many deliveries"),
    shared(
        "free_hands_arms",
        FREE_HANDS + offset_of!(EventCount, arms),
        8,
        "the same of receivers that sleep until a hand is free",
    ),
    shared(
        "free_hands_calmed",
        FREE_HANDS + offset_of!(EventCount, calmed),
        8,
        "a value of free_hands_arms at which nobody slept for a hand",
    ),
    shared("free_hands_unfenced", FREE_HANDS + offset_of!(EventCount, unfenced), 8, "0"),
    shared("free_hands_bell", FREE_HANDS + offset_of!(EventCount, bell), 4, "they sleep on this word"),
    shared(
        "free_lanes_arms",
        FREE_LANES + offset_of!(EventCount, arms),
        8,
        "kind 5: the same of senders that sleep until a lane is free",
    ),
    shared(
        "free_lanes_calmed",
        FREE_LANES + offset_of!(EventCount, calmed),
        8,
        "kind 5: a value of free_lanes_arms at which nobody slept for a lane",
    ),
    shared("free_lanes_unfenced", FREE_LANES + offset_of!(EventCount, unfenced), 8, "0"),
    shared("free_lanes_bell", FREE_LANES + offset_of!(EventCount, bell), 4, "kind 5: they sleep on this word"),
    member("status", offset_of!(MemberEntry, status), 8, "see Members"),
    member("started", offset_of!(MemberEntry, started), 8, "its process's start, field 22 of /proc/PID/stat"),
    member("pid", offset_of!(MemberEntry, pid), 4, "of its process; decides nothing"),
    member("senders", offset_of!(MemberEntry, senders), 4, "its living sending ends"),
    member("receivers", offset_of!(MemberEntry, receivers), 4, "its living receiving ends"),
    record("owner", offset_of!(Record, owner), "whose it is; 0: nobody's"),
    record(
        "producing",
        offset_of!(Record, producing),
        "the positions that its lessee is about to claim, or has claimed, as a producer; 0: none",
    ),
    record("consuming", offset_of!(Record, consuming), "the same as a consumer"),
    hand("owner", offset_of!(Hand, owner), "whose it is; 0: nobody's"),
    hand("held", offset_of!(Hand, held), "position << 8 or deliveries (255: more); 0: nothing is in it"),
    lane("own", LANE_WRITER + offset_of!(WriterWords, own), 8, Writer::All, "what the lane is, and whose; see Lanes"),
    lane(
        "filled",
        LANE_WRITER + offset_of!(WriterWords, filled),
        8,
        Writer::Writing,
        "bytes of the message that have been written; bit 63: these are all",
    ),
    lane(
        "writer_waits",
        LANE_WRITER + offset_of!(WriterWords, writer_waits),
        4,
        Writer::Writing,
        "1 while the writer sleeps, or is about to",
    ),
    lane(
        "writer_bell",
        LANE_WRITER + offset_of!(WriterWords, writer_bell),
        4,
        Writer::Reading,
        "the lane's writer sleeps on this word",
    ),
    lane(
        "annex",
        LANE_WRITER + offset_of!(WriterWords, annex),
        8,
        Writer::Writing,
        "of an annex, its file: version << 8 or log2 of its bytes; see Annexes",
    ),
    lane(
        "freed",
        LANE_READER + offset_of!(ReaderWords, freed),
        8,
        Writer::Reading,
        "bytes of the message whose room may be written again",
    ),
    lane(
        "reader",
        LANE_READER + offset_of!(ReaderWords, reader),
        8,
        Writer::Reading,
        "who reads a message that is being written: an owner",
    ),
    lane(
        "reader_waits",
        LANE_READER + offset_of!(ReaderWords, reader_waits),
        4,
        Writer::Reading,
        "1 while the reader sleeps where receivers sleep, or is about to",
    ),
];
