//! The format's document against the format, and the format against itself of yesterday.

use super::error::{FormatError, Kind, TypeId};
use super::fields::{Base, FIELDS, Field, Writer};
use super::geometry::{CONSUMER_OFFSET, FRAMES_OFFSET, Geometry, PRODUCER_OFFSET, Placement, Shape, WORD_STRIDE};
use super::header::{HEADER_BYTES, Header, MAGIC, RegionKind, VERSION, at};
use super::lanes::{LaneClass, LaneTable};
use super::lifetime::Lifetime;
use super::shared::CLOSED;
use super::status::Status;
use super::tables::{ENTRY_BYTES, MEMBERS_OFFSET, SHARED_OFFSET, Tables};
use super::waiter::Waiter;
use crate::membership::member;
use crate::membership::role::Role;
use crate::memory::segment::GATE;
use crate::ring::mpmc::Owner;
use crate::ring::mpmc::word::{Claim, Held, State, Word};
use crate::sys::byte_lock;
use proptest::prelude::*;

mod dormitories;
mod system_v;

const SPEC: &str = include_str!("SPEC.md");

// The document.

/// The text of the section under this heading, down to the next of its rank or above.
fn section(spec: &str, heading: &str) -> String {
    let rank = heading.bytes().take_while(|&byte| byte == b'#').count();
    let mut lines = spec.lines().skip_while(|line| *line != heading);
    assert_eq!(lines.next(), Some(heading), "SPEC.md has this heading");
    let ends = |line: &&str| {
        let hashes = line.bytes().take_while(|&byte| byte == b'#').count();
        hashes == 0 || hashes > rank || !line[hashes..].starts_with(' ')
    };
    lines.take_while(ends).map(|line| line.to_owned() + "\n").collect()
}

/// The rows of the first table in `text` whose first column is called `first`, without back ticks.
fn rows(text: &str, first: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut lines = text.lines().skip_while(|line| !line.starts_with('|') || cells(line)[0] != first);
    let head = cells(lines.next().unwrap_or_else(|| panic!("a table that begins with {first}")));
    assert!(lines.next().is_some_and(|line| line.starts_with("|-")), "a ruled table under {first}");
    let rows: Vec<_> = lines.take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(rows.iter().all(|row| row.len() == head.len()), "rows as wide as their head under {first}");
    rows
}

/// The tables of fields: what they are of, and the headings that they stand under.
const BASES: [(Base, &str); 8] = [
    (Base::Segment, "## The header"),
    (Base::Producer, "## The producer's page"),
    (Base::Consumer, "## The consumer's page"),
    (Base::Shared, "### The shared page"),
    (Base::Member, "### A member's entry"),
    (Base::Record, "### A record"),
    (Base::Hand, "### A hand"),
    (Base::Lane, "### A lane's words"),
];

/// A field as the document has it: name, offset, bytes, writer, meaning.
type Told = (String, usize, usize, String, String);

fn told(spec: &str, heading: &str) -> Vec<Told> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("a number: {text}"));
    rows(&section(spec, heading), "offset")
        .into_iter()
        .map(|row| {
            let meaning = row[6].replace(['`', '*'], "");
            (row[3].clone(), number(&row[0]), number(&row[1]), row[4].clone(), meaning)
        })
        .collect()
}

fn kept(base: Base) -> Vec<Told> {
    let writer = |writer| match writer {
        Writer::Creator => "creator".to_owned(),
        Writer::Producer => "producer".to_owned(),
        Writer::Consumer => "consumer".to_owned(),
        Writer::All => "all".to_owned(),
        Writer::Member => "member".to_owned(),
        Writer::Lessee => "lessee".to_owned(),
        Writer::Writing => "writer".to_owned(),
        Writer::Reading => "reader".to_owned(),
    };
    let fields = FIELDS.iter().filter(|field| field.base == base);
    let told = |field: &Field| {
        (field.name.to_owned(), field.offset, field.bytes, writer(field.writer), field.meaning.to_owned())
    };
    fields.map(told).collect()
}

#[test]
fn every_field_is_told_as_it_is_and_none_is_told_that_is_not() {
    for (base, heading) in BASES {
        assert_eq!(told(SPEC, heading), kept(base), "{base:?}");
    }
    assert!(FIELDS.iter().all(|field| BASES.iter().any(|(base, _)| *base == field.base)));
}

#[test]
fn a_document_that_is_wrong_in_one_place_is_noticed() {
    for (right, wrong) in [
        ("| 128 | 8 | u64 | `credit` | consumer |", "| 136 | 8 | u64 | `credit` | consumer |"),
        ("| 136 | 4 | u32 | `armed` | producer |", "| 136 | 8 | u32 | `armed` | producer |"),
        ("| 8 | 8 | u64 | `closed` | producer |", "| 8 | 8 | u64 | `closed` | consumer |"),
        ("| 8 | 8 | u64 | `taken` | consumer |", "| 8 | 8 | u64 | `given` | consumer |"),
        ("| next position to be released |", "| next position to be read |"),
        ("| 120 | 4 | u32 | `regions` | creator |", "| 124 | 4 | u32 | `regions` | creator |"),
        ("| 408 | 4 | u32 | `messages_bell` | all |", "| 408 | 8 | u64 | `messages_bell` | all |"),
        ("| 8 | 8 | u64 | `held` | lessee |", "| 8 | 8 | u64 | `held` | member |"),
        ("| 128 | 8 | u64 | `head` | all | `claimed` | the next position to be claimed by a consumer |\n", ""),
    ] {
        assert_eq!(SPEC.matches(right).count(), 1, "{right}");
        let spec = SPEC.replace(right, wrong);
        assert!(BASES.into_iter().any(|(base, heading)| told(&spec, heading) != kept(base)), "{wrong}");
    }
}

#[test]
fn types_are_as_wide_as_they_are_told_and_aligned() {
    for (_, heading) in BASES {
        for row in rows(&section(SPEC, heading), "offset") {
            let (offset, bytes): (usize, usize) = (row[0].parse().unwrap(), row[1].parse().unwrap());
            match row[2].as_str() {
                "u32" => assert!(bytes == 4 && offset % 4 == 0, "{row:?}"),
                "u64" => assert!(bytes == 8 && offset % 8 == 0, "{row:?}"),
                "bytes" | "entries" => {}
                other => panic!("no type of the format: {other}"),
            }
        }
    }
}

/// Edges between two threads of one process, by words that are in no segment.
const PRIVATE_EDGES: [&str; 2] = ["guarded", "lost"];

#[test]
fn edges_have_the_names_of_the_code() {
    let code = include_str!("../sync/edge.rs");
    let named: Vec<&str> = code
        .lines()
        .filter_map(|line| line.split_once("Edge::new(\"")?.1.split_once('"'))
        .map(|(name, _)| name)
        .filter(|name| !PRIVATE_EDGES.contains(name))
        .collect();
    let told: Vec<String> = rows(SPEC, "edge").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(told.len(), named.len());
    for name in &named {
        assert!(told.iter().any(|edge| edge == name), "{name}");
    }
    for (_, heading) in BASES {
        for row in rows(&section(SPEC, heading), "offset") {
            assert!(row[5] == "-" || named.contains(&row[5].as_str()), "{row:?}");
        }
    }
}

#[test]
fn bits_of_the_status_are_told() {
    let bits = [
        ("PRESENT", Status::PRESENT),
        ("LEFT", Status::LEFT),
        ("QUIET", Status::QUIET),
        ("WAS_QUIET", Status::WAS_QUIET),
        ("MUTE", Status::MUTE),
        ("BROKEN", Status::BROKEN),
        ("NO_BARRIER", Status::NO_BARRIER),
    ];
    let told: Vec<(String, u64)> =
        rows(SPEC, "bit").into_iter().map(|row| (row[1].clone(), 1 << row[0].parse::<u32>().unwrap())).collect();
    assert_eq!(told, bits.map(|(name, bit)| (name.to_owned(), bit)));
    assert!(SPEC.contains("Bit 7 is never stored") && Status::NEVER == 1 << 7);
    assert_eq!(Status(1 << 32).generation(), 1);
    assert_eq!(Status(0).changed(0).0, 1 << 8, "changes begin at bit 8");
    assert_eq!(Status(0xff_ffff << 8).changed(0).0, 0, "and end at bit 31");
}

#[test]
fn packed_words_are_told() {
    let told: Vec<(String, String)> = rows(&section(SPEC, "### Packed words"), "state")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let states = ["FREE", "FULL", "TOMB"].map(str::to_owned);
    assert_eq!(told, [0, 1, 2].map(|n| (n.to_string(), states[n].clone())));
    let (lap, word) = (8 * 5, |state: u64| Word((8 * 5) << 8 | state));
    assert_eq!([0, 1, 2].map(|n| word(n).at(lap)), [State::Free, State::Full, State::Tomb]);
    assert_eq!((word(63 << 2 | 1).attempts(), word(63 << 2 | 1).at(lap)), (63, State::Full), "bits 2 to 7");
    assert_eq!(Claim(5 << 8 | 3).positions(), 5..8);
    assert_eq!((Held(9 << 8 | 2).position(), Held(9 << 8 | 2).delivery()), (9, 2));
    let owner = Owner::leased(3, 7);
    assert_eq!((owner.0, owner.orphaned().0), (7 << 32 | 3 << 8 | 1, 7 << 32 | 3 << 8 | 2));
    assert!(SPEC.contains("State 1 LEASED") && SPEC.contains("State 2 ORPHANED"));
    assert!(SPEC.contains("bit 63: closed") && CLOSED == 1 << 63);
}

#[test]
fn lock_bytes_are_told() {
    let told: Vec<(String, String)> = rows(SPEC, "n").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let bytes = [(GATE, "gate"), (byte_lock::Byte(1), "repairs"), (Role::Sender.byte(), "producer")];
    let bytes = bytes.into_iter().chain([(Role::Receiver.byte(), "consumer")]);
    let bytes = bytes.map(|(byte, name)| (byte.0.to_string(), name.to_owned()));
    assert_eq!(told, bytes.chain([("64 + i".to_owned(), "member i".to_owned())]).collect::<Vec<_>>());
    assert_eq!([0, 1, 4095].map(|index| member::byte(index).0), [64, 65, 64 + 4095]);
}

#[test]
fn numbers_that_stand_for_something_are_told() {
    let kinds = [Kind::Spsc, Kind::Stream, Kind::Mpmc, Kind::Bytes, Kind::ManyBytes]
        .map(|kind| format!("{} {}", kind.code(), kind.name()))
        .join(", ");
    assert!(SPEC.contains(&format!("| `kind` | creator | - | {kinds} |")));
    assert_eq!(Kind::from_code(6), None, "a kind that SPEC.md does not tell");
    let [inline, table] = [Placement::Inline, Placement::Table].map(Placement::code);
    assert!(
        SPEC.contains(&format!("| `placement` | creator | - | {inline} inline, {table} table; kind 3: {inline} |"))
    );
    let [ephemeral, persistent] = [Lifetime::Ephemeral, Lifetime::Persistent].map(|lifetime| {
        assert_eq!(Lifetime::from_code(lifetime.code()), Some(lifetime));
        format!("{} {}", lifetime.code(), lifetime.name())
    });
    let row = SPEC.lines().find(|line| line.contains("| `lifetime` |")).expect("a row");
    assert!(row.contains(&format!("| {ephemeral}:")) && row.contains(&format!("; {persistent}:")), "{row}");
    assert_eq!([0, 3].map(Lifetime::from_code), [None; 2], "a lifetime that SPEC.md does not tell");
    let waiters = [Waiter::Futex, Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue].map(|waiter| {
        assert_eq!(Waiter::from_code(waiter.code()), Some(waiter));
        format!("{} {}", waiter.code(), waiter.name())
    });
    assert!(SPEC.contains(&format!("are put to sleep: {}; see", waiters.join(", "))));
    assert_eq!(Waiter::from_code(Waiter::EventFd.code()), None, "a waiter of one process");
    assert_eq!(Waiter::from_code(5), None, "a waiter that SPEC.md does not tell");
    assert!(SPEC.contains(&format!("\nVersion {VERSION}. ")));
    assert!(SPEC.contains(&format!("| `version` | creator | - | {VERSION} |")));
    assert!(SPEC.contains(&format!("| `header_bytes` | creator | - | {HEADER_BYTES} |")));
    assert!(MAGIC == *b"ringway\0" && SPEC.contains("| `magic` | creator | - | `ringway` and a zero byte |"));
}

#[test]
fn regions_are_told() {
    use RegionKind::{Consumer, Dormitories, Frames, Hands, LaneWords, LongLanes, Members, Payload, Producer, Records};
    use RegionKind::{Shared, ShortLanes, Words};
    let told: Vec<(String, String)> =
        rows(SPEC, "region").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let of_one = [Producer, Consumer, Frames, Words, Payload].into_iter();
    let kinds = of_one.chain([Shared, Members, Records, Hands, LaneWords, ShortLanes, LongLanes, Dormitories]);
    let expected: Vec<_> = kinds.map(|kind| ((kind as u32).to_string(), format!("{kind:?}"))).collect();
    assert_eq!(told, expected);
    let places = rows(SPEC, "region").into_iter().map(|row| row[2].clone()).take(4);
    let expected = [PRODUCER_OFFSET, CONSUMER_OFFSET, FRAMES_OFFSET, FRAMES_OFFSET].map(|offset| offset.to_string());
    assert!(places.eq(expected));
    let shared = rows(SPEC, "region").into_iter().map(|row| row[2].clone()).skip(5).take(2);
    assert!(shared.eq([SHARED_OFFSET, MEMBERS_OFFSET].map(|offset| offset.to_string())));
    assert_eq!(ENTRY_BYTES, 128);
    assert_eq!(WORD_STRIDE, 128);
}

// Headers.

fn header(kind: Kind, shape: Shape) -> Header {
    Header {
        kind,
        lifetime: Lifetime::Ephemeral,
        instance: std::array::from_fn(|at| at as u8 ^ 0xa5),
        boot: [0; 16],
        message: TypeId { size: shape.size, align: shape.align, tag: 0x1122_3344_5566_7788 },
        geometry: Geometry::new(shape).expect("a possible shape"),
        tables: None,
        system_v: None,
    }
}

fn messages() -> Header {
    header(
        Kind::Spsc,
        Shape {
            capacity: 1024,
            size: 8,
            align: 8,
            placement: None,
            frame_bytes: None,
            frames_offset: FRAMES_OFFSET,
            is_slotted: false,
        },
    )
}

/// A channel of messages of 24 bytes, with tables of a few entries.
fn many() -> Header {
    let tables = Tables::new(3, 5, 7, 24, 8).expect("possible tables");
    Header { tables: Some(tables), ..header(Kind::Mpmc, slotted(1000, (24, 8), None, &tables)) }
}

/// A ring of slots behind these tables.
fn slotted(capacity: u64, (size, align): (u64, u64), frame_bytes: Option<u64>, tables: &Tables) -> Shape {
    let frames_offset = tables.slots_offset();
    Shape { capacity, size, align, placement: None, frame_bytes, frames_offset, is_slotted: true }
}

fn persistent() -> Header {
    Header { lifetime: Lifetime::Persistent, ..messages() }
}

fn stream_shape() -> Shape {
    Shape {
        capacity: 1 << 20,
        size: 1,
        align: 1,
        placement: Some(Placement::Table),
        frame_bytes: Some(64 << 10),
        frames_offset: FRAMES_OFFSET,
        is_slotted: false,
    }
}

fn stream() -> Header {
    header(Kind::Stream, stream_shape())
}

/// As the library makes it where no capacity is named: a stream's shape.
fn parts() -> Header {
    Header { kind: Kind::Bytes, ..stream() }
}

/// The words of a page that are not 0: offset and value.
fn sparse(page: &[u8]) -> Vec<(usize, u64)> {
    let words = page.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
    words.enumerate().map(|(at, word)| (at * 8, word)).filter(|(_, word)| *word != 0).collect()
}

/// If this fails, the format has changed: peers of the last release cannot read it, and `VERSION` must say so.
#[test]
fn the_header_of_a_message_channel_is_what_it_was() {
    let golden = [
        (0, 0x0079_6177_676e_6972),  // magic
        (8, 0x0000_1000_0000_0004),  // version, header_bytes
        (16, 0x0000_0001_0403_0201), // order_mark, kind
        (24, 0x6000),                // total_bytes
        (32, 0xa2a3_a0a1_a6a7_a4a5), // instance
        (40, 0xaaab_a8a9_aeaf_acad),
        (48, 1024),                   // capacity
        (56, 8),                      // type_size
        (64, 8),                      // type_align
        (72, 0x1122_3344_5566_7788),  // type_tag
        (80, 7),                      // per
        (88, 148),                    // frames
        (96, 64),                     // frame_bytes
        (104, 8),                     // payload_offset
        (112, 0x0000_0001_0000_0001), // placement, lifetime
        (120, 3),                     // regions
        (128, 0x4711_0e35_3b5f_e43c), // checksum
        (136, 1),                     // state
        (256, 0x0000_0001_0000_0001), // producer, version 1
        (264, 0x1000),
        (272, 0x1000),
        (280, 0x1000),
        (288, 0x0000_0001_0000_0002), // consumer
        (296, 0x2000),
        (304, 0x1000),
        (312, 0x1000),
        (320, 0x0000_0001_0000_0003), // frames
        (328, 0x3000),
        (336, 148 * 64),
        (344, 64),
    ];
    assert_eq!(sparse(&messages().encode()), golden);
}

/// As above.
#[test]
fn the_header_of_a_stream_is_what_it_was() {
    let golden = [
        (0, 0x0079_6177_676e_6972),
        (8, 0x0000_1000_0000_0004),
        (16, 0x0000_0002_0403_0201), // kind 2
        (24, 0x11_4000),
        (32, 0xa2a3_a0a1_a6a7_a4a5),
        (40, 0xaaab_a8a9_aeaf_acad),
        (48, 1 << 20),
        (56, 1),
        (64, 1),
        (72, 0x1122_3344_5566_7788),
        (80, 65_536),
        (88, 17),
        (96, 65_536),                 // and payload_offset 0
        (112, 0x0000_0001_0000_0002), // table
        (120, 4),
        (128, 0xe2bb_9276_52ff_b020),
        (136, 1),
        (256, 0x0000_0001_0000_0001),
        (264, 0x1000),
        (272, 0x1000),
        (280, 0x1000),
        (288, 0x0000_0001_0000_0002),
        (296, 0x2000),
        (304, 0x1000),
        (312, 0x1000),
        (320, 0x0000_0001_0000_0004), // words
        (328, 0x3000),
        (336, 17 * 128),
        (344, 128),
        (352, 0x0000_0001_0000_0005), // payload
        (360, 0x4000),
        (368, 17 * 65_536),
        (376, 65_536),
    ];
    assert_eq!(sparse(&stream().encode()), golden);
    // That of messages of bytes is the same, but for its kind.
    let parts = sparse(&parts().encode());
    assert_eq!(parts[2], (16, 0x0000_0004_0403_0201));
    let others =
        |page: &[(usize, u64)]| page.iter().copied().filter(|(at, _)| ![16, 128].contains(at)).collect::<Vec<_>>();
    assert_eq!(others(&parts), others(&golden));
}

#[test]
fn parts_have_frames_of_whole_units_and_room() {
    let shape = |capacity, frame_bytes| {
        let shape = Shape { capacity, frame_bytes: Some(frame_bytes), ..stream_shape() };
        let header = header(Kind::Bytes, shape);
        Header::decode(&header.encode(), header.geometry.total).map(|decoded| assert_eq!(decoded, header))
    };
    assert_eq!([shape(32, 24), shape(33, 32), shape(1 << 31, 1 << 30)], [Ok(()), Ok(()), Ok(())]);
    let refused = |capacity, frame_bytes| match shape(capacity, frame_bytes) {
        Err(FormatError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(31, 24), "capacity");
    assert_eq!([refused(64, 16), refused(64, 25), refused(1 << 32, (1 << 30) + 8)], ["frame_bytes"; 3]);
}

/// As above.
#[test]
fn the_header_of_a_many_to_many_channel_is_what_it_was() {
    let golden = [
        (0, 0x0079_6177_676e_6972),
        (8, 0x0000_1000_0000_0004),
        (16, 0x0000_0003_0403_0201), // kind 3
        (24, 0xb000),
        (32, 0xa2a3_a0a1_a6a7_a4a5),
        (40, 0xaaab_a8a9_aeaf_acad),
        (48, 1000),
        (56, 24),
        (64, 8),
        (72, 0x1122_3344_5566_7788),
        (80, 1),                      // per
        (88, 1000),                   // frames
        (96, 32),                     // frame_bytes
        (104, 8),                     // payload_offset
        (112, 0x0000_0001_0000_0001), // inline
        (120, 5),
        (128, 0xefdf_5c32_ccd1_1333),
        (136, 0x0000_0003_0000_0001), // state, members
        (144, 0x0000_0007_0000_0005), // records, hands
        (256, 0x0000_0001_0000_0006), // shared
        (264, 0x1000),
        (272, 0x1000),
        (280, 0x1000),
        (288, 0x0000_0001_0000_0007), // members
        (296, 0x2000),
        (304, 3 * 128),
        (312, 128),
        (320, 0x0000_0001_0000_0008), // records
        (328, 0x2000 + 3 * 128),
        (336, 5 * 128),
        (344, 128),
        (352, 0x0000_0001_0000_0009), // hands
        (360, 0x2000 + 8 * 128),
        (368, 7 * 128),
        (376, 128),
        (384, 0x0000_0001_0000_0003), // frames: the slots
        (392, 0x3000),
        (400, 1000 * 32),
        (408, 32),
    ];
    assert_eq!(sparse(&many().encode()), golden);
}

#[test]
fn the_header_of_a_persistent_channel_is_another_in_one_number() {
    let (ephemeral, persistent) = (sparse(&messages().encode()), sparse(&persistent().encode()));
    let differs: Vec<_> = persistent.into_iter().zip(ephemeral).filter(|(one, other)| one != other).collect();
    let differs: Vec<_> = differs.into_iter().map(|(is, _)| is).collect();
    assert_eq!((differs.len(), differs[0], differs[1].0), (2, (112, 0x0000_0002_0000_0001), 128));
}

/// The slots of such a channel have their words in front; nothing else was ever made.
/// A channel of bytes between many, with a few lanes of each kind.
fn many_bytes() -> Header {
    let class = |count, bytes| LaneClass { count, bytes };
    let lanes = LaneTable::new(class(2, 4096), class(3, 8192), 12).expect("possible lanes");
    let tables = Tables::new(3, 5, 7, 120, 8).expect("possible tables").with_lanes(lanes);
    Header { tables: Some(tables), ..header(Kind::ManyBytes, slotted(10, (120, 8), None, &tables)) }
}

/// As above: what is particular to bytes.
#[test]
fn lanes_lie_where_they_lay_and_annexes_have_words_and_nothing_else() {
    let golden = [
        (152, 0x0000_1000_0000_0002), // short_lanes, short_bytes
        (160, 0x0000_2000_0000_0003), // long_lanes, long_bytes
        (168, 12),                    // annexes
    ];
    let regions = [
        (384, 0x0000_0001_0000_000a), // lane words
        (392, 0x4000),                // behind seven hands of 256 bytes, which begin at a page
        (400, 17 * 256),
        (408, 256),
        (416, 0x0000_0001_0000_000b), // short lanes
        (424, 0x6000),
        (432, 2 * 4096),
        (440, 4096),
        (448, 0x0000_0001_0000_000c), // long lanes
        (456, 0x8000),
        (464, 3 * 8192),
        (472, 8192),
        (480, 0x0000_0001_0000_0003), // frames: the slots
        (488, 0xe000),
        (496, 10 * 128),
        (504, 128),
    ];
    let page = sparse(&many_bytes().encode());
    let part = |from, to| page.iter().copied().filter(move |(at, _)| (from..to).contains(at)).collect::<Vec<_>>();
    assert_eq!(part(152, 256), golden);
    assert_eq!(part(384, 4096), regions);
    assert_eq!(Header::decode(&many_bytes().encode(), many_bytes().geometry.total), Ok(many_bytes()));
}

#[test]
fn more_annexes_than_there_can_be_are_refused() {
    let mut page = many_bytes().encode();
    page[at::ANNEXES..at::ANNEXES + 4].copy_from_slice(&4097_u32.to_le_bytes());
    sum_up(&mut page);
    let refused = Header::decode(&page, many_bytes().geometry.total).unwrap_err();
    assert_eq!(refused.to_string(), "annexes must be at most 4096: annexes=4097");
}

#[test]
fn a_many_to_many_channel_that_says_it_has_a_table_is_refused() {
    let mut page = many().encode();
    page[at::PLACEMENT] = 2;
    sum_up(&mut page);
    let refused = Header::decode(&page, many().geometry.total).unwrap_err();
    assert_eq!(refused.to_string(), "placement must be 1 (inline) in a many-to-many channel: placement=2");
}

/// One stream goes through a stream's segment, so nothing of it is for whoever comes later.
#[test]
fn a_stream_that_says_it_is_persistent_is_refused() {
    let header = Header { lifetime: Lifetime::Persistent, ..stream() };
    let refused = Header::decode(&header.encode(), header.geometry.total).unwrap_err();
    assert_eq!(refused.to_string(), "lifetime must be 1 (ephemeral) for a stream: lifetime=2");
}

/// Fault 8.
#[test]
fn a_header_with_any_byte_changed_is_refused() {
    for header in [messages(), persistent(), stream(), many()] {
        let mut page = header.encode();
        let total = header.geometry.total;
        assert_eq!(Header::decode(&page, total), Ok(header));
        for at in 0..page.len() {
            let change = 1 << (at % 8);
            page[at] ^= change;
            assert!(Header::decode(&page, total).is_err(), "byte {at} changed by {change:#x}");
            page[at] ^= change;
        }
    }
}

/// Fault 7.
#[test]
fn a_header_cut_anywhere_is_refused() {
    let header = messages();
    let page = header.encode();
    for len in 0..page.len() {
        assert!(Header::decode(&page[..len], header.geometry.total).is_err(), "{len} bytes");
    }
    for total in [0, 1, 4096, header.geometry.total - 1, header.geometry.total + 4096, u64::MAX] {
        assert!(Header::decode(&page, total).is_err(), "a file of {total} bytes");
    }
}

/// Puts the checksum of a page right, so that what is behind it is looked at.
fn sum_up(page: &mut [u8]) {
    page[at::CHECKSUM..at::CHECKSUM + 8].fill(0);
    let sum = page
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    page[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
}

/// Fault 7.
#[test]
fn a_geometry_that_lies_is_refused_though_the_checksum_is_right() {
    let words = [at::TOTAL_BYTES, at::CAPACITY, at::TYPE_SIZE, at::TYPE_ALIGN, at::PER, at::FRAMES, at::FRAME_BYTES];
    let others = [at::PAYLOAD_OFFSET, at::PLACEMENT, at::LIFETIME, at::REGIONS, at::KIND];
    let tables = [at::MEMBERS, at::RECORDS, at::HANDS];
    let table = (0..5 * 4).map(|at| at::REGION_TABLE + at * 8);
    for header in [messages(), stream(), many()] {
        let right = header.encode();
        for offset in words.into_iter().chain(others).chain(tables).chain(table.clone()) {
            for value in [0, 1, 3, 1 << 20, 1 << 48, 1 << 63, u64::MAX] {
                let mut page = right.clone();
                page[offset..offset + 8].copy_from_slice(&u64::to_le_bytes(value));
                sum_up(&mut page);
                match Header::decode(&page, header.geometry.total) {
                    // What lies beyond the table's last entry is reserved; another capacity may need the same frames.
                    Ok(other) => assert!(
                        other.geometry.total == header.geometry.total
                            && other.geometry.frames == header.geometry.frames,
                        "offset {offset} value {value:#x}: {other:?}"
                    ),
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        capacity in prop_oneof![1_u64..5000, 1_u64..1 << 40],
        align in 0_u32..13,
        times in 0_u64..70,
        placement in prop_oneof![Just(None), Just(Some(Placement::Inline)), Just(Some(Placement::Table))],
        frame in prop_oneof![Just(None), (0_u64..1 << 17).prop_map(Some)],
        is_stream: bool,
        is_persistent: bool,
    ) {
        let align = 1 << align;
        let shape = Shape { capacity, size: align * times, align, placement, frame_bytes: frame, frames_offset: FRAMES_OFFSET, is_slotted: false };
        let Ok(geometry) = Geometry::new(shape) else { return Ok(()) };
        let kind = if is_stream { Kind::Stream } else { Kind::Spsc };
        let is_kept = is_persistent && !is_stream;
        let lifetime = if is_kept { Lifetime::Persistent } else { Lifetime::Ephemeral };
        let header = Header { geometry, lifetime, ..header(kind, Shape { placement: None, frame_bytes: None, ..shape }) };
        prop_assert_eq!(Header::decode(&header.encode(), geometry.total), Ok(header));
        prop_assert!(geometry.per >= 1 && (geometry.frames - 1) * geometry.per >= capacity - 1);
    }

    #[test]
    fn what_is_encoded_of_many_to_many_is_decoded(
        capacity in prop_oneof![1_u64..5000, 1_u64..1 << 40],
        align in 0_u32..13,
        times in 0_u64..70,
        more in prop_oneof![Just(None), (1_u64..100).prop_map(Some)],
        (members, records, hands) in (1_u64..=4096, 1_u64..=4096, 1_u64..=4096),
        is_persistent: bool,
    ) {
        let align = 1 << align;
        let size = align * times;
        let Ok(tables) = Tables::new(members, records, hands, size, align) else { return Ok(()) };
        let needed = Geometry::new(slotted(capacity, (size, align), None, &tables)).expect("a slot that is large enough");
        let frame_bytes = more.map(|more| needed.frame_bytes + more * needed.payload_offset);
        let Ok(geometry) = Geometry::new(slotted(capacity, (size, align), frame_bytes, &tables)) else { return Ok(()) };
        let lifetime = if is_persistent { Lifetime::Persistent } else { Lifetime::Ephemeral };
        let message = TypeId { size, align, tag: 7 };
        let (instance, boot) = ([9; 16], if is_persistent { [7; 16] } else { [0; 16] });
        let header = Header { kind: Kind::Mpmc, lifetime, instance, boot, message, geometry, tables: Some(tables), system_v: None };
        prop_assert_eq!(Header::decode(&header.encode(), geometry.total), Ok(header));
        prop_assert_eq!((geometry.per, geometry.frames), (1, capacity));
        // Tables and slots lie one behind the other, and each message where its type wants it.
        let last = |base: Base| base.entry(&tables, base.entries(&tables) - 1);
        prop_assert!(last(Base::Member) + ENTRY_BYTES <= Base::Record.entry(&tables, 0));
        prop_assert!(last(Base::Record) + ENTRY_BYTES <= Base::Hand.entry(&tables, 0));
        prop_assert!(last(Base::Hand) + tables.hand_bytes <= geometry.frames_offset);
        prop_assert_eq!((last(Base::Hand) + tables.hand_offset) % align, 0);
        prop_assert!(tables.hand_offset + size <= tables.hand_bytes);
        prop_assert_eq!((geometry.frames_offset + geometry.frame_bytes + geometry.payload_offset) % align, 0);
        prop_assert!(geometry.payload_offset + size <= geometry.frame_bytes);
    }

    #[test]
    fn any_bytes_are_a_header_or_an_error(start in proptest::collection::vec(any::<u8>(), 0..512), len: u64, fix: u8) {
        let mut page = start;
        page.resize(HEADER_BYTES, 0);
        if fix & 1 != 0 {
            let good = if fix & 2 != 0 { many() } else { messages() }.encode();
            page[..24].copy_from_slice(&good[..24]);
            page[at::LIFETIME..at::LIFETIME + 4].copy_from_slice(&good[at::LIFETIME..at::LIFETIME + 4]);
            page[at::STATE..at::HANDS + 4].copy_from_slice(&good[at::STATE..at::HANDS + 4]);
            sum_up(&mut page);
        }
        if let Ok(header) = Header::decode(&page, len) {
            prop_assert_eq!(header.geometry.total, len);
        }
    }
}
