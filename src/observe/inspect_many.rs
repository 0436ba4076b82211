//! Looking at a many-to-many segment: the shared page, what is used of the tables, the slots.
//!
//! As with one sender and one receiver: what is compared is read in an order in which time can only make it more right.
//! The counters are read before everything else, and once more behind it; what nobody had claimed by then cannot be
//! there, and what was gone at first cannot come back.

use super::inspect::{ago, bytes, field, locks, status};
use super::inspection::{Field, Inspection, Page, Slot, SlotState, Slots};
use super::read;
use crate::layout::annex::AnnexWord;
use crate::layout::fields::{Base, FIELDS};
use crate::layout::geometry::Geometry;
use crate::layout::shared::CLOSED;
use crate::layout::status::Status;
use crate::layout::tables::Tables;
use crate::membership::member;
use crate::memory::segment::GATE;
use crate::memory::view::View;
use crate::ring::mpmc::Owner;
use crate::ring::mpmc::word::{Claim, Held, State, Word};
use crate::sys::byte_lock::Byte;
use crate::sys::process;
use std::io;

/// Positions have so many bits.
const POSITION_BITS: u32 = 56;

/// The two counters at an instant; `closed` put aside.
#[derive(Debug, Clone, Copy)]
struct Counters {
    head: u64,
    tail: u64,
}

/// Adds what is particular to such a segment: used entries, locks, slots; and what is wrong.
pub(super) fn look(
    view: View<'_>,
    ring: &Geometry,
    tables: &Tables,
    seen: &mut Inspection,
    list: usize,
) -> io::Result<()> {
    let before =
        Counters { head: seen.position(Page::Shared, "head"), tail: seen.position(Page::Shared, "tail") & !CLOSED };
    let entries = entries(view, tables)?;
    let words = words(view, ring, before, seen.file_bytes, list)?;
    // The head last: what has been sent by then had room.
    let tail = read::word(view, Base::Shared, "tail")? & !CLOSED;
    let after = Counters { head: read::word(view, Base::Shared, "head")?, tail };
    seen.locks = member_locks(view, tables, &entries)?;
    compare_shared(seen, ring, before, after);
    for Entry { page, start, raw } in entries {
        let numbers = numbers(&raw);
        for told in FIELDS.iter().filter(|told| told.base == base(page)) {
            let mut field = field(told, page, start, raw[told.offset..told.offset + told.bytes].to_vec());
            let number = field.number().unwrap_or(0);
            (field.text, field.problem) = (entry_text(&field, number, &numbers), wrong(&field, number, tables, after));
            seen.fields.push(field);
        }
    }
    let mut slots = Slots { capacity: ring.capacity, head: after.head, tail: after.tail, list: Vec::new() };
    for (slot, at, value) in words {
        let told = tell(ring, [before, after], slot, at, value);
        if slot < list as u64 {
            slots.list.push(told);
        } else if let Some(problem) = told.problem {
            seen.problems.push(format!("word of slot {slot}: {problem}"));
        }
    }
    slots.list.sort_by_key(|slot| slot.slot);
    seen.slots = Some(slots);
    Ok(())
}

/// An entry of a table that is or was used.
struct Entry {
    page: Page,
    start: u64,
    raw: Vec<u8>,
}

fn base(page: Page) -> Base {
    match page {
        Page::Header => Base::Segment,
        Page::Producer => Base::Producer,
        Page::Consumer => Base::Consumer,
        Page::Shared => Base::Shared,
        Page::Member(_) => Base::Member,
        Page::Record(_) => Base::Record,
        Page::Hand(_) => Base::Hand,
        Page::Lane(_) => Base::Lane,
    }
}

/// The entries that are not all zeroes: members, records, hands, lanes.
fn entries(view: View<'_>, tables: &Tables) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for page in [Page::Member as fn(u64) -> Page, Page::Record, Page::Hand, Page::Lane] {
        let base = base(page(0));
        let ends = FIELDS.iter().filter(|told| told.base == base).map(|told| told.offset + told.bytes);
        let len = ends.max().unwrap_or(0);
        for index in 0..base.entries(tables) {
            let start = base.entry(tables, index);
            let raw = bytes(view, start, len)?;
            if raw.len() == len && raw.iter().any(|byte| *byte != 0) {
                entries.push(Entry { page: page(index), start, raw });
            }
        }
    }
    Ok(entries)
}

/// The words of an entry.
fn numbers(raw: &[u8]) -> Vec<u64> {
    raw.chunks(8).map(|word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))).collect()
}

/// The gate, and the bytes of all members that are or were there.
fn member_locks(view: View<'_>, tables: &Tables, entries: &[Entry]) -> io::Result<Vec<super::Lock>> {
    let name = |index| format!("member {index}");
    let all: Vec<_> = (0..tables.members).map(|index| (member::byte(index as usize), name(index))).collect();
    let common = [(GATE, "gate"), (Byte(1), "repairs")];
    let mut locks_of_all = locks(view, &all.iter().map(|(byte, name)| (*byte, name.as_str())).collect::<Vec<_>>())?;
    let was_there = |name: &str| entries.iter().any(|entry| entry.page.to_string() == name);
    locks_of_all.retain(|lock| lock.is_held || was_there(&lock.name));
    Ok(locks(view, &common)?.into_iter().chain(locks_of_all).collect())
}

/// The words of the first `list` slots, and of those at the head and the tail: slot, where, value.
fn words(
    view: View<'_>,
    ring: &Geometry,
    before: Counters,
    file_bytes: u64,
    list: usize,
) -> io::Result<Vec<(u64, u64, u64)>> {
    let listed = ring.capacity.min(list as u64);
    let others = [before.head % ring.capacity, before.tail % ring.capacity];
    let others = if others[0] == others[1] { &others[..1] } else { &others[..] };
    let mut words = Vec::new();
    for slot in (0..listed).chain(others.iter().copied().filter(|slot| *slot >= listed)) {
        let at = read::word_offset(ring, slot);
        if at + 8 <= file_bytes {
            words.push((slot, at, read::u64_at(view, at)?));
        }
    }
    Ok(words)
}

/// What the word of a slot tells, and what of it cannot be.
fn tell(ring: &Geometry, [before, after]: [Counters; 2], slot: u64, at: u64, value: u64) -> Slot {
    let word = Word(value);
    let (lap, taken_over) = (word.lap(), word.attempts());
    let position = lap.saturating_add(slot);
    let state = match word.at(lap) {
        State::Free if position < after.tail => SlotState::Claimed,
        State::Free => SlotState::Free,
        State::Full if position < after.head => SlotState::Leaving,
        State::Full => SlotState::Full,
        _ => SlotState::Tomb,
    };
    let is_free = matches!(state, SlotState::Free | SlotState::Claimed);
    let problem = if lap % ring.capacity != 0 {
        Some("its lap is no multiple of the capacity".to_owned())
    } else if value & 3 == 3 {
        Some("state 3 is never stored".to_owned())
    } else if taken_over != 0 && !matches!(state, SlotState::Full | SlotState::Leaving) {
        Some("only a message can have been taken over".to_owned())
    } else if is_free && position >= after.head.saturating_add(ring.capacity) {
        Some(format!("it is free for position {position}, before position {} was taken", position - ring.capacity))
    } else if is_free && position < before.head {
        Some(format!("nothing was ever at position {position}, and the head has passed it"))
    } else if !is_free && position >= after.tail {
        Some(format!("nobody has claimed position {position}"))
    } else if !is_free && position.saturating_add(ring.capacity) < before.tail {
        Some(format!("it was claimed anew before position {position} was freed"))
    } else {
        None
    };
    Slot { slot, at, value, position, state, taken_over, problem }
}

/// What words of the shared page cannot be at the same time.
fn compare_shared(seen: &mut Inspection, ring: &Geometry, before: Counters, after: Counters) {
    let number = |seen: &Inspection, name: &str| seen.position(Page::Shared, name);
    let mut must = |name: &str, is: bool, what: String| {
        if !is {
            seen.set(Page::Shared, name, || format!("must be {what}"));
        }
    };
    let is_position = |n: u64| n >> POSITION_BITS == 0;
    must(
        "tail",
        is_position(before.tail),
        format!("a position: they have {POSITION_BITS} bits, and bit 63 is `closed`"),
    );
    must("head", is_position(before.head), format!("a position: they have {POSITION_BITS} bits"));
    must("head", before.head <= before.tail, format!("at most tail: tail={}", before.tail));
    let most = after.head.saturating_add(ring.capacity);
    must("tail", before.tail <= most, format!("at most head + {}: head={}", ring.capacity, after.head));
    for (name, most) in
        [("had_receiver", 1), ("had_sender", 1), ("receiver_went", 2), ("sender_went", 2), ("barrierless", 1)]
    {
        if number(seen, name) > most {
            seen.set(Page::Shared, name, || format!("must be at most {most}"));
        }
    }
    for (calmed, arms) in [("messages_calmed", "messages_arms"), ("room_calmed", "room_arms")] {
        let arms_now = number(seen, arms);
        if number(seen, calmed) > arms_now {
            seen.set(Page::Shared, calmed, || format!("must be at most {arms}: {arms}={arms_now}"));
        }
    }
    if number(seen, "tombs") > after.tail {
        seen.set(Page::Shared, "tombs", || format!("must be at most tail: tail={}", after.tail));
    }
}

/// What a field of the shared page says.
pub(super) fn text(seen: &Inspection, field: &Field) -> Option<String> {
    let number = field.number()?;
    let here = |name| seen.position(Page::Shared, name);
    let went = |had| {
        Some(match (number, here(had)) {
            (1, _) => "left".to_owned(),
            (2, _) => "died".to_owned(),
            (0, 0) => "nobody ever came".to_owned(),
            (0, _) => "nobody went".to_owned(),
            _ => return None,
        })
    };
    match field.name {
        "tail" if number & CLOSED != 0 => Some(format!("closed at {}", number & !CLOSED)),
        "tail" => Some("open".to_owned()),
        "head" => Some(format!("{} behind tail", (here("tail") & !CLOSED).saturating_sub(number))),
        "receiver_went" => went("had_receiver"),
        "sender_went" => went("had_sender"),
        "messages_arms" => Some(asleep(number == here("messages_calmed"))),
        "room_arms" => Some(asleep(number == here("room_calmed"))),
        "messages_unfenced" | "room_unfenced" if number != 0 => Some(format!("{number:#x}")),
        "tombs" if number <= here("head") => Some("none in the ring".to_owned()),
        _ => None,
    }
}

fn asleep(is_calm: bool) -> String {
    if is_calm { "nobody sleeps" } else { "somebody may sleep" }.to_owned()
}

/// What a field of an entry says.
fn entry_text(field: &Field, number: u64, entry: &[u64]) -> Option<String> {
    let started = entry.get(1).copied().unwrap_or(0);
    match field.name {
        "status" => Some(status(Status(number))),
        "started" if number != 0 => process::age(number).map(ago),
        "pid" if number != 0 => {
            process::command(u32::try_from(number).unwrap_or(0), started).or(Some("gone".to_owned()))
        }
        "owner" => Some(owner(Owner(number))),
        "producing" | "consuming" => Some(claim(Claim(number))),
        "annex" => Some(annex(AnnexWord(number))),
        "held" if number == Held::NONE.0 => Some("empty".to_owned()),
        "held" => Some(format!("message {}, delivery {}", Held(number).position(), Held(number).delivery())),
        _ => None,
    }
}

fn owner(owner: Owner) -> String {
    let who = format!("member {}, generation {}", owner.member(), owner.generation());
    match owner {
        Owner::FREE => "nobody's".to_owned(),
        owner if owner.is_leased() => who,
        _ => format!("orphaned by {who}"),
    }
}

fn annex(word: AnnexWord) -> String {
    match (word.version(), word.bytes()) {
        (0, _) => "no file".to_owned(),
        (version, None) => format!("no file since version {version}"),
        (version, Some(bytes)) => format!("file {version}, {bytes} bytes"),
    }
}

fn claim(claim: Claim) -> String {
    let positions = claim.positions();
    match positions.end - positions.start {
        0 => "none".to_owned(),
        1 => format!("position {}", positions.start),
        _ => format!("positions {} to {}", positions.start, positions.end - 1),
    }
}

/// What of a field of an entry cannot be.
fn wrong(field: &Field, number: u64, tables: &Tables, after: Counters) -> Option<String> {
    let (claim, held) = (Claim(number).positions(), Held(number));
    match field.name {
        "status" if Status(number).has(Status::NEVER) => Some("bit 7 is never stored".to_owned()),
        "status" if Status(number).is_new() && number != 0 => Some("generation 0 is the word 0".to_owned()),
        "owner" => {
            let owner = Owner(number);
            if owner == Owner::FREE {
                return None;
            }
            let is_state = owner.is_leased() || owner.is_orphaned();
            if !is_state || owner.generation() == 0 || number >> 24 & 0xff != 0 {
                Some("no owner's word".to_owned())
            } else {
                let is_member = (owner.member() as u64) < tables.members;
                (!is_member).then(|| format!("must be of a member below {}", tables.members))
            }
        }
        "producing" | "consuming" if number != 0 && claim.is_empty() => Some("a claim of no position".to_owned()),
        "producing" if claim.start > after.tail => Some(format!("must be at most tail: tail={}", after.tail)),
        "consuming" if claim.start > after.head => Some(format!("must be at most head: head={}", after.head)),
        "annex" if !AnnexWord(number).is_possible() => Some("no file can be of this word".to_owned()),
        "held" if number != 0 && held.delivery() == 0 => Some("a message that was never delivered".to_owned()),
        "held" if number != 0 && held.position() >= after.head => {
            Some(format!("must be below head: head={}", after.head))
        }
        _ => None,
    }
}
