//! The many-to-many ring between threads of one process, and what is left by members that are said to be dead.

use crate::layout::geometry::{Geometry, Shape};
use crate::layout::many::Many;
use crate::layout::tables::Tables;
use crate::memory::{Region, heap};
use crate::ring::mpmc::{Delivery, Oracle, Owner, Popped, Pushed, Recovered, Resolved, Ring};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Members below this one are dead.
struct DeadBelow(usize);

impl Oracle for DeadBelow {
    fn is_alive(&self, owner: Owner) -> bool {
        owner.member() >= self.0
    }
}

fn ring(capacity: u64, records: u64, hands: u64) -> Ring<u64> {
    let tables = Tables::new(2, records, hands, 8, 8).unwrap();
    let shape = Shape {
        capacity,
        size: 8,
        align: 8,
        placement: None,
        frame_bytes: None,
        frames_offset: tables.slots_offset(),
        is_slotted: true,
    };
    let geometry = Geometry::new(shape).unwrap();
    assert_eq!((geometry.per, geometry.frames, geometry.frame_bytes), (1, capacity, 16));
    let region = Arc::new(Region::Heap(heap::Block::new(geometry.total as usize).unwrap()));
    Ring::new(Many::new(region, &geometry, tables, None).unwrap())
}

fn lease(ring: &Ring<u64>, member: usize) -> usize {
    ring.lease_record(Owner::leased(member, 1), 0..ring.many().tables.records as usize).unwrap()
}

fn push(ring: &Ring<u64>, record: &crate::layout::shared::Record, message: &u64) -> Pushed {
    ring.push(record, message)
}

fn popped(ring: &Ring<u64>, record: usize) -> Option<u64> {
    match ring.pop(ring.record(record)) {
        Popped::Done(delivery) => Some(delivery.message),
        Popped::Empty => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn exactly_so_many_fit_whatever_the_number() {
    for capacity in [1, 2, 3, 4, 5, 7, 64, 100] {
        let ring = ring(capacity, 1, 1);
        let record = lease(&ring, 0);
        for lap in 0..5 {
            for n in 0..capacity {
                assert_eq!((ring.len(), ring.is_full()), (n, false));
                assert_eq!(push(&ring, ring.record(record), &(lap * 1000 + n)), Pushed::Done(1));
            }
            assert_eq!((ring.len(), ring.is_full()), (capacity, true));
            assert_eq!(push(&ring, ring.record(record), &0), Pushed::Full);
            for n in 0..capacity {
                assert_eq!(popped(&ring, record), Some(lap * 1000 + n));
            }
            assert_eq!(popped(&ring, record), None);
        }
    }
}

#[test]
fn there_is_much_room_from_half_of_the_ring_on() {
    for capacity in [1, 2, 3, 4, 7, 64] {
        let ring = ring(capacity, 1, 1);
        let record = lease(&ring, 0);
        for lap in 0..5 {
            let mut free = capacity;
            let check = |free: u64| {
                assert_eq!(ring.has_much_room(), free >= (capacity / 2).max(1), "{free} of {capacity}, {lap}")
            };
            for n in 0..capacity {
                check(free);
                assert_eq!(push(&ring, ring.record(record), &n), Pushed::Done(1));
                free -= 1;
            }
            for n in 0..capacity {
                check(free);
                assert_eq!(popped(&ring, record), Some(n));
                free += 1;
            }
        }
    }
}

#[test]
fn batches_are_as_single_ones() {
    for capacity in [1, 2, 3, 10, 300] {
        let ring = ring(capacity, 1, 1);
        let record = ring.record(lease(&ring, 0));
        let (mut sent, mut received) = (0_u64, 0_u64);
        for round in 0..200 {
            let messages: Vec<_> = (sent..sent + round % 17).collect();
            if let Pushed::Done(n) = ring.push_some(record, &messages) {
                sent += n as u64;
            }
            let mut buffer = [0; 13];
            if let Popped::Done(n) = ring.pop_some(record, &mut buffer[..1 + round as usize % 13]) {
                buffer[..n].iter().for_each(|message| {
                    assert_eq!(*message, received);
                    received += 1;
                });
            }
            assert_eq!(ring.len(), sent - received);
        }
        assert!(sent > 100);
    }
}

#[test]
fn a_closed_ring_takes_nothing_more_and_gives_what_is_there() {
    let ring = ring(4, 1, 1);
    let record = lease(&ring, 0);
    assert_eq!(push(&ring, ring.record(record), &7), Pushed::Done(1));
    ring.close();
    ring.close();
    assert_eq!(push(&ring, ring.record(record), &8), Pushed::Closed);
    assert_eq!(ring.push_some(ring.record(record), &[8, 9]), Pushed::Closed);
    assert_eq!((ring.is_closed(), ring.len()), (true, 1));
    assert_eq!((popped(&ring, record), popped(&ring, record)), (Some(7), None));
}

#[test]
fn many_threads_lose_nothing_and_keep_each_ones_order() {
    for (capacity, is_batched) in [(1, false), (3, false), (64, false), (3, true), (64, true)] {
        let ring = Arc::new(ring(capacity, 8, 1));
        const EACH: u64 = 20_000;
        let producers = (0..3_u64).map(|number| {
            let ring = Arc::clone(&ring);
            std::thread::spawn(move || {
                let record = ring.record(lease(&ring, 0));
                let messages: Vec<_> = (0..EACH).map(|n| number << 32 | n).collect();
                let mut rest = &messages[..];
                while !rest.is_empty() {
                    match ring.push_some(record, &rest[..if is_batched { rest.len().min(7) } else { 1 }]) {
                        Pushed::Done(n) => rest = &rest[n..],
                        Pushed::Corrupt(corrupt) => panic!("{corrupt:?}"),
                        _ => std::thread::yield_now(),
                    }
                }
            })
        });
        let producers: Vec<_> = producers.collect();
        let consumers = (0..3).map(|_| {
            let ring = Arc::clone(&ring);
            std::thread::spawn(move || {
                let record = ring.record(lease(&ring, 0));
                let mut got = Vec::new();
                while got.last() != Some(&u64::MAX) {
                    let mut buffer = [0; 5];
                    match ring.pop_some(record, &mut buffer[..if is_batched { 5 } else { 1 }]) {
                        Popped::Done(n) => got.extend(&buffer[..n]),
                        Popped::Corrupt(corrupt) => panic!("{corrupt:?}"),
                        _ => std::thread::yield_now(),
                    }
                }
                // Ends may come in one batch.
                let ends = got.iter().filter(|&&message| message == u64::MAX).count();
                got.retain(|&message| message != u64::MAX);
                (got, ends)
            })
        });
        let consumers: Vec<_> = consumers.collect();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        let record = ring.record(lease(&ring, 0));
        let mut all = Vec::new();
        for consumer in consumers {
            while !consumer.is_finished() {
                ring.push(record, &u64::MAX);
                std::thread::yield_now();
            }
            let (got, _) = consumer.join().unwrap();
            let mut last = BTreeMap::new();
            for message in &got {
                assert!(last.insert(message >> 32, *message).is_none_or(|before| before < *message), "out of order");
            }
            all.extend(got);
        }
        all.sort_unstable();
        let expected: Vec<_> = (0..3_u64).flat_map(|number| (0..EACH).map(move |n| number << 32 | n)).collect();
        assert!(all == expected, "capacity {capacity}: {} of {}", all.len(), expected.len());
    }
}

/// Moves the counters as a member does that dies before it stores the slot's word.
fn die_claiming(ring: &Ring<u64>, record: usize, is_producer: bool) -> u64 {
    use crate::sync::Ordering::SeqCst;
    let (page, record) = (ring.many().page(), ring.record(record));
    let (counter, claim) =
        if is_producer { (&page.tail.0, &record.producing) } else { (&page.head.0, &record.consuming) };
    let position = counter.load(SeqCst);
    claim.store(position << 8 | 1, SeqCst);
    counter.store(position + 1, SeqCst);
    position
}

/// Fault 39.
#[test]
fn a_dead_producers_position_becomes_a_tombstone_and_a_live_ones_never() {
    for capacity in [1, 2, 3] {
        let ring = ring(capacity, 4, 1);
        let (dying, mine) = (lease(&ring, 0), lease(&ring, 1));
        let position = die_claiming(&ring, dying, true);
        assert!(matches!(ring.pop(ring.record(mine)), Popped::Held(p) if p == position));
        assert_eq!(ring.entomb(position, &DeadBelow(0)), Resolved::Busy);
        assert!(matches!(ring.pop(ring.record(mine)), Popped::Held(_)));
        assert_eq!(ring.entomb(position, &DeadBelow(1)), Resolved::Done);
        assert_eq!(ring.len(), 0, "a tombstone is no message");
        for n in 1..capacity {
            assert_eq!(push(&ring, ring.record(mine), &n), Pushed::Done(1));
        }
        assert_eq!((push(&ring, ring.record(mine), &99), ring.len()), (Pushed::Full, capacity - 1));
        assert!(ring.clear_tombs(ring.record(mine)));
        assert_eq!(push(&ring, ring.record(mine), &99), Pushed::Done(1));
        for n in (1..capacity).chain([99]) {
            assert_eq!(popped(&ring, mine), Some(n));
        }
        assert_eq!(popped(&ring, mine), None);
    }
}

#[test]
fn a_record_used_again_announces_nothing_of_its_last_owner() {
    let ring = ring(2, 3, 1);
    let (dying, later) = (lease(&ring, 0), lease(&ring, 0));
    // It dies between its announcement and its claim.
    ring.record(dying).producing.store(1, crate::sync::Ordering::SeqCst);
    ring.record(dying).owner.store(Owner::leased(0, 1).orphaned().0, crate::sync::Ordering::SeqCst);
    assert_eq!(ring.sweep(dying, None, &DeadBelow(1)), Recovered::Nothing);
    assert_eq!(lease(&ring, 1), dying);
    assert_eq!(die_claiming(&ring, later, true), 0);
    assert_eq!(ring.entomb(0, &DeadBelow(1)), Resolved::Done, "its new owner has announced nothing");
}

/// As the format has it of a record that is nobody's.
#[test]
fn a_record_that_was_given_back_announces_nothing() {
    let ring = ring(2, 1, 1);
    let record = lease(&ring, 0);
    assert_eq!(push(&ring, ring.record(record), &7), Pushed::Done(1));
    assert_eq!(popped(&ring, record), Some(7));
    ring.return_record(record);
    let words = ring.record(record);
    let announced = [&words.producing, &words.consuming].map(|claim| claim.load(crate::sync::Ordering::SeqCst));
    assert_eq!(announced, [0, 0]);
}

#[test]
fn a_dead_consumers_message_is_delivered_again_and_marked() {
    for capacity in [1, 2, 3] {
        let ring = ring(capacity, 4, 2);
        let (dying, mine) = (lease(&ring, 0), lease(&ring, 1));
        assert_eq!(push(&ring, ring.record(mine), &5), Pushed::Done(1));
        assert_eq!((ring.len(), ring.in_hand()), (1, 0));
        let position = die_claiming(&ring, dying, false);
        assert_eq!((ring.len(), ring.in_hand()), (0, 1), "it is on its way to somebody, and may come back");
        let take = |oracle| ring.take_over(ring.record(mine), None, position, &oracle);
        assert_eq!(take(DeadBelow(0)), Recovered::Busy);
        let again = Delivery { message: 5, position, attempt: 2 };
        assert_eq!(take(DeadBelow(1)), Recovered::Delivered(again));
        assert_eq!(take(DeadBelow(1)), Recovered::Nothing);
        assert_eq!(ring.in_hand(), 0);
        ring.orphan(Owner::leased(0, 1));
        assert_eq!(ring.sweep(dying, Some((ring.record(mine), None)), &DeadBelow(1)), Recovered::Nothing);
        assert_eq!(lease(&ring, 1), dying, "the record is free again");
        assert_eq!(popped(&ring, mine), None);
    }
}

#[test]
fn the_last_record_is_inherited_with_what_it_announces() {
    let me = Owner::leased(1, 1);
    for (taken, capacity) in [(1, 1), (1, 3), (2, 3), (3, 3)] {
        let ring = ring(capacity, 1, 1);
        let record = lease(&ring, 0);
        for n in 0..taken {
            assert_eq!(push(&ring, ring.record(record), &n), Pushed::Done(1));
        }
        // It dies behind the claim of all of them.
        ring.record(record).consuming.store(taken, crate::sync::Ordering::SeqCst);
        ring.many().page().head.0.store(taken, crate::sync::Ordering::SeqCst);
        assert_eq!(ring.inherit(record, me, &DeadBelow(0)), None, "its owner lives");
        ring.orphan(Owner::leased(0, 1));
        assert_eq!(ring.sweep(record, None, &DeadBelow(1)), Recovered::Busy);
        assert_eq!(ring.lease_record(me, 0..1), None);
        for n in 0..taken {
            let left_by = ring.inherit(record, me, &DeadBelow(1)).expect("nobody has it");
            assert_eq!(left_by, Owner::leased(0, 1).orphaned());
            assert_eq!(ring.inherit(record, me, &DeadBelow(1)), None, "it is leased");
            // A sender may use it, and leaves what it announces as a consumer alone.
            let sent = push(&ring, ring.record(record), &100);
            assert!(matches!(sent, Pushed::Done(1) | Pushed::Held(_) | Pushed::Full), "{sent:?}");
            let again = Delivery { message: n, position: n, attempt: 2 };
            assert_eq!(ring.settle(record, None, &DeadBelow(1)), Recovered::Delivered(again));
            ring.bequeath(record, left_by);
        }
        assert!(ring.inherit(record, me, &DeadBelow(1)).is_some());
        assert_eq!(ring.settle(record, None, &DeadBelow(1)), Recovered::Nothing);
        while popped(&ring, record).is_some() {}
        ring.return_record(record);
        assert_eq!(lease(&ring, 1), record);
    }
}

#[test]
fn a_tombstone_whose_consumer_died_is_freed_and_delivered_to_nobody() {
    let ring = ring(2, 4, 1);
    let (producer, consumer, mine) = (lease(&ring, 0), lease(&ring, 0), lease(&ring, 1));
    let position = die_claiming(&ring, producer, true);
    ring.entomb(position, &DeadBelow(1));
    die_claiming(&ring, consumer, false);
    ring.orphan(Owner::leased(0, 1));
    assert_eq!(ring.sweep(consumer, Some((ring.record(mine), None)), &DeadBelow(1)), Recovered::Nothing);
    for n in 0..2 {
        assert_eq!(push(&ring, ring.record(mine), &n), Pushed::Done(1));
    }
    assert_eq!((popped(&ring, mine), popped(&ring, mine), popped(&ring, mine)), (Some(0), Some(1), None));
}

#[test]
fn what_is_in_a_hand_is_delivered_again_once_whatever_was_done_to_the_slot() {
    let me = Owner::leased(1, 1);
    for is_slot_freed in [true, false] {
        for slot_first in [true, false] {
            let ring = ring(1, 4, 2);
            let (dying, mine) = (lease(&ring, 0), lease(&ring, 1));
            push(&ring, ring.record(mine), &5);
            let hand = ring.lease_hand(Owner::leased(0, 1)).unwrap();
            let before = ring.many().word(0).load(crate::sync::Ordering::SeqCst);
            assert!(matches!(ring.pop_to_hand(ring.record(dying), hand), Popped::Done(_)));
            if !is_slot_freed {
                // It died before that store.
                ring.many().word(0).store(before, crate::sync::Ordering::SeqCst);
            }
            assert_eq!(ring.adopt(hand, me), None, "its owner lives");
            assert_eq!((ring.len(), ring.in_hand()), (0, 1), "it is one message");
            ring.orphan(Owner::leased(0, 1));
            if slot_first {
                let swept = ring.sweep(dying, Some((ring.record(mine), None)), &DeadBelow(1));
                assert_eq!(swept, Recovered::Nothing, "the hand counts");
            }
            let again = ring.adopt(hand, me).unwrap();
            assert_eq!(again, Delivery { message: 5, position: 0, attempt: 2 });
            ring.give_back(hand, me);
            assert_eq!(ring.adopt(hand, me).unwrap().attempt, 3);
            ring.commit(hand);
            assert_eq!((ring.adopt(hand, me), ring.in_hand()), (None, 0));
            assert_eq!(ring.sweep(dying, Some((ring.record(mine), None)), &DeadBelow(1)), Recovered::Nothing);
            assert_eq!(push(&ring, ring.record(mine), &6), Pushed::Done(1), "the slot is free");
            assert_eq!(popped(&ring, mine), Some(6));
        }
    }
}
