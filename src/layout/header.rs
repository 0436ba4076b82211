//! The header: written once, before the segment has a name; read with `pread`, believed after `Header::decode`.

use super::dormitory::{ABI, DORM_STRIDE, DormTable};
use super::error::{FormatError, Kind, TypeId};
use super::geometry::{CONSUMER_OFFSET, FRAMES_OFFSET, Geometry, PAGE, PRODUCER_OFFSET, Placement, Shape, WORD_STRIDE};
use super::lanes::{LANE_STRIDE, LaneClass, LaneTable};
use super::lifetime::Lifetime;
use super::tables::{ENTRY_BYTES, MEMBERS_OFFSET, SHARED_OFFSET, Tables};
use super::waiter::Waiter;
use crate::memory::cords::Queues;
use crate::memory::segment::Estate;
use crate::memory::system_v::{SystemV, Twin};

/// The first eight bytes of a segment.
pub(crate) const MAGIC: [u8; 8] = *b"ringway\0";
/// The version of the format that this program reads and writes.
pub(crate) const VERSION: u32 = 4;
/// `header_bytes`, and what is read to decode one.
pub(crate) const HEADER_BYTES: usize = PAGE as usize;

pub(super) const ORDER_MARK: u32 = 0x0403_0201;
pub(super) const READY: u32 = 1;
/// `memory`: all behind the header is in a System V segment.
const IN_SYSTEM_V: i32 = 1;
/// `shm_id`: there is none yet.
const NO_ID: i32 = -1;
pub(crate) const REGIONS_MAX: usize = 16;
pub(crate) const REGION_BYTES: usize = 32;

/// Offsets of the header's fields, from the segment's start.
pub(crate) mod at {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const VERSION: usize = 8;
    pub(crate) const HEADER_BYTES: usize = 12;
    pub(crate) const ORDER_MARK: usize = 16;
    pub(crate) const KIND: usize = 20;
    pub(crate) const TOTAL_BYTES: usize = 24;
    pub(crate) const INSTANCE: usize = 32;
    pub(crate) const CAPACITY: usize = 48;
    pub(crate) const TYPE_SIZE: usize = 56;
    pub(crate) const TYPE_ALIGN: usize = 64;
    pub(crate) const TYPE_TAG: usize = 72;
    pub(crate) const PER: usize = 80;
    pub(crate) const FRAMES: usize = 88;
    pub(crate) const FRAME_BYTES: usize = 96;
    pub(crate) const PAYLOAD_OFFSET: usize = 104;
    pub(crate) const PLACEMENT: usize = 112;
    pub(crate) const LIFETIME: usize = 116;
    pub(crate) const REGIONS: usize = 120;
    pub(crate) const CHECKSUM: usize = 128;
    pub(crate) const STATE: usize = 136;
    pub(crate) const MEMBERS: usize = 140;
    pub(crate) const RECORDS: usize = 144;
    pub(crate) const HANDS: usize = 148;
    pub(crate) const SHORT_LANES: usize = 152;
    pub(crate) const SHORT_BYTES: usize = 156;
    pub(crate) const LONG_LANES: usize = 160;
    pub(crate) const LONG_BYTES: usize = 164;
    pub(crate) const ANNEXES: usize = 168;
    pub(crate) const WAITER: usize = 172;
    pub(crate) const BOOT: usize = 176;
    pub(crate) const ABI: usize = 192;
    pub(crate) const MEMORY: usize = 196;
    pub(crate) const SHM_ID: usize = 200;
    pub(crate) const SHM_KEY: usize = 204;
    pub(crate) const IPC_NAMESPACE: usize = 208;
    pub(crate) const REGION_TABLE: usize = 256;
}

/// What a region holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum RegionKind {
    Producer = 1,
    Consumer = 2,
    Frames = 3,
    Words = 4,
    Payload = 5,
    Shared = 6,
    Members = 7,
    Records = 8,
    Hands = 9,
    LaneWords = 10,
    ShortLanes = 11,
    LongLanes = 12,
    Dormitories = 13,
}

impl RegionKind {
    /// The kind with this number.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        use RegionKind::{
            Consumer, Dormitories, Frames, Hands, LaneWords, LongLanes, Members, Payload, Producer, Records,
        };
        use RegionKind::{Shared, ShortLanes, Words};
        let of_one = [Producer, Consumer, Frames, Words, Payload];
        let of_many = [Shared, Members, Records, Hands, LaneWords, ShortLanes, LongLanes];
        of_one.into_iter().chain(of_many).chain([Dormitories]).find(|kind| *kind as u32 == code)
    }
}

/// A header that has been validated, or is about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) lifetime: Lifetime,
    pub(crate) instance: [u8; 16],
    /// The run of the kernel that the segment ends with, though its file may not; zeroes if the file does.
    pub(crate) boot: [u8; 16],
    pub(crate) message: TypeId,
    pub(crate) geometry: Geometry,
    /// Of a many-to-many channel; others have none.
    pub(crate) tables: Option<Tables>,
    /// Where all behind the header is, if it is not in the header's file.
    pub(crate) system_v: Option<SystemV>,
}

impl Header {
    /// What is known of the segment to whoever may have to remove it.
    pub(crate) fn estate(&self) -> Estate {
        let has_annexes = self.tables.is_some_and(|tables| tables.lanes.annexes > 0);
        Estate {
            stale: self.lifetime.stale(),
            annexes: has_annexes.then_some(self.instance),
            queues: self.queues(),
            boot: self.boot,
            system_v: self.system_v.map(|at| Twin { at, len: self.geometry.total, head: array(&self.encode(), 0) }),
        }
    }

    /// The message queues of its sleepers, if they have some.
    pub(crate) fn queues(&self) -> Option<Queues> {
        self.geometry.dorms.and_then(|table| table.queues(self.instance))
    }

    /// By what sleepers are put to sleep.
    pub(crate) fn waiter(&self) -> Waiter {
        self.geometry.dorms.map_or(Waiter::Futex, |table| table.waiter)
    }

    /// The header's page, `state` READY.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut page = vec![0_u8; HEADER_BYTES];
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        let ring = &self.geometry;
        put(at::MAGIC, &MAGIC);
        put(at::VERSION, &VERSION.to_le_bytes());
        put(at::HEADER_BYTES, &(HEADER_BYTES as u32).to_le_bytes());
        put(at::ORDER_MARK, &ORDER_MARK.to_ne_bytes());
        put(at::KIND, &self.kind.code().to_le_bytes());
        put(at::TOTAL_BYTES, &ring.total.to_le_bytes());
        put(at::INSTANCE, &self.instance);
        put(at::CAPACITY, &ring.capacity.to_le_bytes());
        put(at::TYPE_SIZE, &self.message.size.to_le_bytes());
        put(at::TYPE_ALIGN, &self.message.align.to_le_bytes());
        put(at::TYPE_TAG, &self.message.tag.to_le_bytes());
        put(at::PER, &ring.per.to_le_bytes());
        put(at::FRAMES, &ring.frames.to_le_bytes());
        put(at::FRAME_BYTES, &ring.frame_bytes.to_le_bytes());
        put(at::PAYLOAD_OFFSET, &ring.payload_offset.to_le_bytes());
        put(at::PLACEMENT, &ring.placement.code().to_le_bytes());
        put(at::LIFETIME, &self.lifetime.code().to_le_bytes());
        let table = |count: fn(&Tables) -> u64| self.tables.map_or(0, |tables| count(&tables) as u32).to_le_bytes();
        put(at::MEMBERS, &table(|tables| tables.members));
        put(at::RECORDS, &table(|tables| tables.records));
        put(at::HANDS, &table(|tables| tables.hands));
        put(at::SHORT_LANES, &table(|tables| tables.lanes.short.count));
        put(at::SHORT_BYTES, &table(|tables| tables.lanes.short.bytes));
        put(at::LONG_LANES, &table(|tables| tables.lanes.long.count));
        put(at::LONG_BYTES, &table(|tables| tables.lanes.long.bytes));
        put(at::ANNEXES, &table(|tables| tables.lanes.annexes));
        let waiter = self.waiter();
        put(at::WAITER, &waiter.code().to_le_bytes());
        put(at::ABI, &if waiter == Waiter::Futex { 0 } else { ABI }.to_le_bytes());
        put(at::BOOT, &self.boot);
        if let Some(SystemV { id, key, namespace }) = self.system_v {
            put(at::MEMORY, &IN_SYSTEM_V.to_le_bytes());
            put(at::SHM_ID, &id.unwrap_or(NO_ID).to_le_bytes());
            put(at::SHM_KEY, &key.to_le_bytes());
            put(at::IPC_NAMESPACE, &namespace.to_le_bytes());
        }
        let regions = regions(ring, self.tables);
        put(at::REGIONS, &(regions.len() as u32).to_le_bytes());
        for (index, region) in regions.iter().enumerate() {
            put(at::REGION_TABLE + index * REGION_BYTES, region);
        }
        put(at::STATE, &READY.to_le_bytes());
        let sum = checksum(&page);
        page[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
        page
    }

    /// The `total_bytes` of a page that nobody has checked.
    pub(crate) fn claimed_bytes(page: &[u8]) -> Option<u64> {
        (page.len() >= HEADER_BYTES).then(|| u64::from_le_bytes(array(page, at::TOTAL_BYTES)))
    }

    /// Checks the first bytes of a file of `file_len` bytes. Believes nothing: any bytes give a header whose geometry
    /// lies within the file, or an error.
    pub(crate) fn decode(page: &[u8], file_len: u64) -> Result<Self, FormatError> {
        let u32_at = |at: usize| u32::from_le_bytes(array(page, at));
        let u64_at = |at: usize| u64::from_le_bytes(array(page, at));
        if page.len() < at::VERSION + 4 || page[..8] != MAGIC {
            return Err(FormatError::NotASegment);
        }
        if u32_at(at::VERSION) != VERSION {
            return Err(FormatError::Version { found: u32_at(at::VERSION), supported: VERSION });
        }
        if page.len() < HEADER_BYTES {
            return Err(FormatError::NotASegment);
        }
        if u32::from_ne_bytes(array(page, at::ORDER_MARK)) != ORDER_MARK {
            return Err(FormatError::ByteOrder);
        }
        let header_bytes = u64::from(u32_at(at::HEADER_BYTES));
        must("header_bytes", header_bytes, header_bytes == PAGE, "4096")?;
        must("state", u32_at(at::STATE).into(), u32_at(at::STATE) == READY, "1 (ready)")?;
        must("checksum", u64_at(at::CHECKSUM), u64_at(at::CHECKSUM) == checksum(page), "that of the header")?;
        let code = u32_at(at::LIFETIME);
        let Some(lifetime) = Lifetime::from_code(code) else {
            return Err(FormatError::Field {
                field: "lifetime",
                found: code.into(),
                must: "1 (ephemeral) or 2 (persistent)",
            });
        };
        let Some(kind) = Kind::from_code(u32_at(at::KIND)) else {
            return Err(FormatError::Field {
                field: "kind",
                found: u32_at(at::KIND).into(),
                must: "1 (spsc), 2 (stream), 3 (mpmc), 4 (bytes) or 5 (bytes-mpmc)",
            });
        };
        let is_possible = kind != Kind::Stream || lifetime == Lifetime::Ephemeral;
        must("lifetime", code.into(), is_possible, "1 (ephemeral) for a stream")?;
        let message = TypeId { size: u64_at(at::TYPE_SIZE), align: u64_at(at::TYPE_ALIGN), tag: u64_at(at::TYPE_TAG) };
        let tables = match kind {
            Kind::Spsc | Kind::Stream | Kind::Bytes => None,
            Kind::Mpmc => Some(tables(page, &message)?),
            Kind::ManyBytes => Some(tables(page, &message)?.with_lanes(lanes(page)?)),
        };
        let shape = Shape {
            capacity: u64_at(at::CAPACITY),
            size: message.size,
            align: message.align,
            placement: None,
            frame_bytes: Some(u64_at(at::FRAME_BYTES)),
            frames_offset: tables.map_or(FRAMES_OFFSET, |tables| tables.slots_offset()),
            is_slotted: tables.is_some(),
        };
        let dorms = DormTable::new(waiter(page)?, kind, tables.as_ref());
        let total = u64_at(at::TOTAL_BYTES);
        let claimed = [at::PER, at::FRAMES, at::TOTAL_BYTES].map(u64_at);
        let geometry = Geometry::claimed(u32_at(at::PLACEMENT), shape, claimed, dorms)?;
        if kind == Kind::Bytes {
            geometry.must_hold_parts()?;
        }
        let offset = u64_at(at::PAYLOAD_OFFSET);
        must("payload_offset", offset, offset == geometry.payload_offset, "0 (table) or max(8, type_align) (inline)")?;
        let system_v = system_v(page)?;
        // In a System V segment it is compared with what the kernel says of that.
        let is_whole = if system_v.is_some() { file_len == PAGE } else { total == file_len };
        must("total_bytes", total, is_whole, "the length of the file (in a System V segment: 4096)")?;
        let regions = regions(&geometry, tables);
        let count = u32_at(at::REGIONS);
        must("regions", count.into(), count as usize == regions.len(), "the number of this kind's regions")?;
        for (index, region) in regions.iter().enumerate() {
            let start = at::REGION_TABLE + index * REGION_BYTES;
            must("region", index as u64, page[start..start + REGION_BYTES] == *region, "where the geometry puts it")?;
        }
        let (instance, boot) = (array(page, at::INSTANCE), array(page, at::BOOT));
        Ok(Self { kind, lifetime, instance, boot, message, geometry, tables, system_v })
    }
}

/// Where all behind the header is, if it is not in the header's file.
fn system_v(page: &[u8]) -> Result<Option<SystemV>, FormatError> {
    let number = |at: usize| i32::from_le_bytes(array(page, at));
    let (memory, id) = (number(at::MEMORY), number(at::SHM_ID));
    must("memory", memory as u32 as u64, matches!(memory, 0 | IN_SYSTEM_V), "0 (the file) or 1 (a System V segment)")?;
    if memory != IN_SYSTEM_V {
        return Ok(None);
    }
    must("shm_id", id as u32 as u64, id >= NO_ID, "the number of a System V segment")?;
    let namespace = u64::from_le_bytes(array(page, at::IPC_NAMESPACE));
    Ok(Some(SystemV { id: (id != NO_ID).then_some(id), key: number(at::SHM_KEY), namespace }))
}

/// By what sleepers are put to sleep, if this program can do so.
fn waiter(page: &[u8]) -> Result<Waiter, FormatError> {
    let [code, abi] = [at::WAITER, at::ABI].map(|at| u32::from_le_bytes(array(page, at)));
    let Some(waiter) = Waiter::from_code(code) else {
        let must = "0 (futex), 1 (condvar), 2 (semaphore) or 3 (message-queue)";
        return Err(FormatError::Field { field: "waiter", found: code.into(), must });
    };
    let is_known = waiter == Waiter::Futex || abi == ABI;
    must("abi", abi.into(), is_known, "that of this program's C library, whose objects the waiter is made of")?;
    Ok(waiter)
}

/// The sizes of a many-to-many segment's tables.
fn tables(page: &[u8], message: &TypeId) -> Result<Tables, FormatError> {
    let count = |at: usize| u64::from(u32::from_le_bytes(array(page, at)));
    Tables::new(count(at::MEMBERS), count(at::RECORDS), count(at::HANDS), message.size, message.align)
}

fn lanes(page: &[u8]) -> Result<LaneTable, FormatError> {
    let number = |at: usize| u64::from(u32::from_le_bytes(array(page, at)));
    let class = |count, bytes| LaneClass { count: number(count), bytes: number(bytes) };
    let (short, long) = (class(at::SHORT_LANES, at::SHORT_BYTES), class(at::LONG_LANES, at::LONG_BYTES));
    LaneTable::new(short, long, number(at::ANNEXES))
}

/// The region table: kind, version, offset, length, and bytes from one part to the next.
fn regions(ring: &Geometry, tables: Option<Tables>) -> Vec<[u8; REGION_BYTES]> {
    let frames = ring.frames * ring.frame_bytes;
    let mut table = match tables {
        None => vec![
            region(RegionKind::Producer, PRODUCER_OFFSET, PAGE, PAGE),
            region(RegionKind::Consumer, CONSUMER_OFFSET, PAGE, PAGE),
        ],
        Some(tables) => vec![
            region(RegionKind::Shared, SHARED_OFFSET, PAGE, PAGE),
            region(RegionKind::Members, MEMBERS_OFFSET, tables.members * ENTRY_BYTES, ENTRY_BYTES),
            region(RegionKind::Records, tables.records_offset(), tables.records * ENTRY_BYTES, ENTRY_BYTES),
            region(RegionKind::Hands, tables.hands_offset(), tables.hands * tables.hand_bytes, tables.hand_bytes),
        ],
    };
    if let Some(tables) = tables.filter(|tables| tables.lanes.count() > 0) {
        let (lanes, start) = (tables.lanes, tables.lane_bytes_offset());
        let words = (tables.lane_words_offset(), lanes.words_bytes());
        table.push(region(RegionKind::LaneWords, words.0, words.1, LANE_STRIDE));
        let short = lanes.short.count * lanes.short.bytes;
        table.push(region(RegionKind::ShortLanes, start, short, lanes.short.bytes));
        table.push(region(RegionKind::LongLanes, start + short, lanes.data_bytes() - short, lanes.long.bytes));
    }
    match ring.placement {
        Placement::Inline => table.push(region(RegionKind::Frames, ring.frames_offset, frames, ring.frame_bytes)),
        Placement::Table => {
            table.push(region(RegionKind::Words, ring.frames_offset, ring.frames * WORD_STRIDE, WORD_STRIDE));
            table.push(region(RegionKind::Payload, ring.payload_base, frames, ring.frame_bytes));
        }
    }
    if let Some(dorms) = ring.dorms {
        table.push(region(RegionKind::Dormitories, ring.dorms_offset(), dorms.bytes(), DORM_STRIDE));
    }
    debug_assert!(table.len() <= REGIONS_MAX);
    table
}

fn region(kind: RegionKind, offset: u64, len: u64, stride: u64) -> [u8; REGION_BYTES] {
    let mut bytes = [0; REGION_BYTES];
    bytes[0..4].copy_from_slice(&(kind as u32).to_le_bytes());
    bytes[4..8].copy_from_slice(&1_u32.to_le_bytes());
    bytes[8..16].copy_from_slice(&offset.to_le_bytes());
    bytes[16..24].copy_from_slice(&len.to_le_bytes());
    bytes[24..32].copy_from_slice(&stride.to_le_bytes());
    bytes
}

/// 64-bit FNV-1a of the header's page with the checksum itself taken as zeroes. It finds accidents, not attacks.
///
/// Source: Fowler, Noll, Vo; <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(super) fn checksum(page: &[u8]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        // Of a zero there is only the multiplication, and most of the page are zeroes at the end of it.
        let (some, zeroes) = bytes.split_at(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        for byte in some {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
        sum = sum.wrapping_mul(PRIME.wrapping_pow(zeroes.len() as u32));
    };
    add(&page[..at::CHECKSUM]);
    add(&[0; 8]);
    add(&page[at::CHECKSUM + 8..]);
    sum
}

fn must(field: &'static str, found: u64, is: bool, must: &'static str) -> Result<(), FormatError> {
    if is { Ok(()) } else { Err(FormatError::Field { field, found, must }) }
}

/// The bytes at an offset that the caller knows to be inside.
fn array<const N: usize>(page: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&page[at..at + N]);
    bytes
}
