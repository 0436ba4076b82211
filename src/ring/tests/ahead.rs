//! Which lines are asked for: hints, of which nothing else would tell that they are wrong.

use crate::channel::open::{Asked, pair};
use crate::channel::options::Options;
use crate::layout::error::Kind;
use crate::layout::geometry::{Geometry, Shape};
use crate::layout::many::Many;
use crate::layout::overlay::Frames;
use crate::layout::prefetch::{self, LINE};
use crate::layout::tables::Tables;
use crate::membership::role::Role;
use crate::memory::{Region, heap};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The lines, by their numbers, that are asked for from `start` on.
fn lines(start: *const u8, bytes: usize) -> BTreeSet<usize> {
    let lines = RefCell::new(BTreeSet::new());
    prefetch::each(start, bytes, |line| assert!(lines.borrow_mut().insert(line.addr() / LINE), "twice"));
    lines.into_inner()
}

#[test]
fn bytes_that_begin_a_line_are_asked_for_line_by_line() {
    let start = std::ptr::without_provenance::<u8>(LINE * 1000);
    for (bytes, many) in [(1, 1), (LINE, 1), (LINE + 1, 2), (17 * LINE - 1, 17), (17 * LINE, 17)] {
        assert_eq!(lines(start, bytes), (1000..1000 + many).collect(), "{bytes}");
    }
}

#[test]
fn the_frame_ahead_is_the_one_that_comes_so_many_frames_later() {
    for capacity in [1, 7, 100, 1000] {
        let asked = Asked { kind: Kind::Spsc, role: Role::Sender, size: 8, align: 8 };
        let (header, control, _) = pair(asked, &Options::new().capacity(capacity)).unwrap();
        let frames = Frames::<u64>::new(&control, &header.geometry);
        for frame in 0..frames.count {
            for ahead in [0, 1, frames.write_ahead, frames.count - 1] {
                let is = frames.word_ahead(frames.spot(frame, 0), ahead);
                assert_eq!(
                    is.cast(),
                    std::ptr::from_ref(frames.word((frame + ahead) % frames.count)),
                    "{frame} {ahead}"
                );
            }
        }
    }
}

fn many<T: Copy>(capacity: u64) -> (Many<T>, u64) {
    let (size, align) = (size_of::<T>() as u64, align_of::<T>() as u64);
    let tables = Tables::new(2, 1, 1, size, align).unwrap();
    let frames_offset = tables.slots_offset();
    let geometry = Geometry::new(Shape {
        capacity,
        size,
        align,
        placement: None,
        frame_bytes: None,
        frames_offset,
        is_slotted: true,
    })
    .unwrap();
    let region = Arc::new(Region::Heap(heap::Block::new(geometry.total as usize).unwrap()));
    (Many::new(region, &geometry, tables, None).unwrap(), geometry.frame_bytes)
}

/// In one lap every line of the slots is asked for, and none beside them; and a slot's own line never.
fn a_lap_asks_for_all<T: Copy>(capacity: u64) {
    let (many, slot_bytes) = many::<T>(capacity);
    let place = |slot: usize| std::ptr::from_ref(many.slot(slot).word).cast::<u8>();
    let all: BTreeSet<usize> = (0..capacity as usize).flat_map(|slot| lines_of(place(slot), slot_bytes)).collect();
    let mut asked = BTreeSet::new();
    for slot in 0..capacity as usize {
        let Some(start) = many.ahead(many.slot(slot)) else { continue };
        let now = lines(start, slot_bytes as usize);
        assert!(now.is_disjoint(&lines_of(place(slot), slot_bytes)), "its own, {slot} of {capacity} x {slot_bytes}");
        asked.extend(now);
    }
    assert!(asked.is_subset(&all), "{capacity} x {slot_bytes}");
    // Of a slot that does not begin a line its last line may be the next one's.
    assert!(asked.len() * 10 >= all.len() * 9, "{} of {} lines, {capacity} x {slot_bytes}", asked.len(), all.len());
}

fn lines_of(start: *const u8, bytes: u64) -> BTreeSet<usize> {
    (start.addr() / LINE..=(start.addr() + bytes as usize - 1) / LINE).collect()
}

#[test]
fn a_lap_of_a_ring_of_many_asks_for_each_of_its_lines_and_for_no_other() {
    for capacity in [64, 1000, 1024] {
        a_lap_asks_for_all::<u64>(capacity);
        a_lap_asks_for_all::<[u64; 2]>(capacity);
        a_lap_asks_for_all::<[u64; 8]>(capacity);
        a_lap_asks_for_all::<[u64; 120]>(capacity);
    }
}

/// A batch asks for the lines of as many slots, so far ahead, once each; and not for its own.
fn a_batch_asks_for_the_next<T: Copy>(capacity: u64) {
    let (many, slot_bytes) = many::<T>(capacity);
    let place = |slot: u64| std::ptr::from_ref(many.slot((slot % capacity) as usize).word).cast::<u8>();
    let ahead = 1024_u64.div_ceil(slot_bytes).min(capacity / 4);
    for position in (0..capacity).step_by(59).chain([capacity - 1]) {
        for count in [1, 3, 64, capacity - 1, capacity] {
            let lines: Vec<usize> =
                many.lines_ahead(many.seat(position), count as usize).map(|line| line.addr() / LINE).collect();
            let next = position + ahead..position + ahead + count.min(capacity - ahead);
            let wanted: BTreeSet<usize> = next.flat_map(|slot| lines_of(place(slot), slot_bytes)).collect();
            assert_eq!(
                BTreeSet::from_iter(lines.iter().copied()),
                wanted,
                "{position} {count} of {capacity} x {slot_bytes}"
            );
            // A line in which the last slots meet the first, or these those, may be asked for at both ends.
            assert!(lines.len() <= wanted.len() + 1, "{position} {count} of {capacity} x {slot_bytes}");
        }
    }
}

#[test]
fn a_batch_of_a_ring_of_many_asks_for_the_lines_of_as_many_slots() {
    for capacity in [64, 1000, 1024] {
        a_batch_asks_for_the_next::<u64>(capacity);
        a_batch_asks_for_the_next::<[u64; 2]>(capacity);
        a_batch_asks_for_the_next::<[u64; 8]>(capacity);
        a_batch_asks_for_the_next::<[u64; 120]>(capacity);
    }
}

#[test]
fn a_ring_too_small_to_be_ahead_in_asks_for_nothing() {
    let (many, _) = many::<u64>(3);
    assert!((0..3).all(|slot| many.ahead(many.slot(slot)).is_none()));
    assert_eq!(many.lines_ahead(many.seat(1), 3).count(), 0);
}
