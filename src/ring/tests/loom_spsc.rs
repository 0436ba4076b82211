//! The frame ring under loom: a producer and a consumer, every interleaving of a few messages.
//!
//! Messages lie in loom's cells, so a place that is written while it is read, or read before it was written, fails the
//! model even where the value would come out right. Models are explored without a bound on preemptions where that takes
//! less than seconds, else with at most 3 of them; the call says which.

use crate::layout::geometry::{FRAMES_OFFSET, Geometry, Placement, Shape};
use crate::layout::overlay::{Control, Frames};
use crate::ring::spsc::{Consumer, Producer, Pushed, finished};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{CLOSED, CREDIT, Edge, End, FILLED, FINISHED, FREED, TRAIL, weakened};
use crate::sync::explore::explore;
use loom::thread::{spawn, yield_now};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What both ends are made of, so that successors can be.
#[derive(Clone)]
struct Ring {
    control: Control,
    frames: Frames<u64>,
}

impl Ring {
    fn new(capacity: u64, per: u64) -> Self {
        let (placement, frame_bytes) = (Some(Placement::Inline), Some(8 + 8 * per));
        let shape = Shape {
            capacity,
            size: 8,
            align: 8,
            placement,
            frame_bytes,
            frames_offset: FRAMES_OFFSET,
            is_slotted: false,
        };
        let geometry = Geometry::new(shape).unwrap();
        assert_eq!(geometry.per, per);
        Self { control: Control::modelled(), frames: Frames::modelled(&geometry) }
    }

    fn producer(&self) -> Producer<u64> {
        Producer::attach(self.control.clone(), self.frames.clone()).unwrap()
    }

    fn consumer(&self) -> Consumer<u64> {
        Consumer::attach(self.control.clone(), self.frames.clone()).unwrap()
    }

    fn ends(&self) -> (Producer<u64>, Consumer<u64>) {
        (self.producer(), self.consumer())
    }
}

fn push(producer: &mut Producer<u64>, message: u64) {
    while producer.push(&message) == Pushed::Full {
        yield_now();
    }
}

fn pop(consumer: &mut Consumer<u64>) -> u64 {
    loop {
        if let Some(message) = consumer.pop().unwrap() {
            return message;
        }
        yield_now();
    }
}

// Nothing lost, nothing invented, nothing torn, in order.

fn one_by_one(capacity: u64, per: u64, messages: u64) {
    let (mut producer, mut consumer) = Ring::new(capacity, per).ends();
    let sending = spawn(move || (1..=messages).for_each(|message| push(&mut producer, message)));
    for message in 1..=messages {
        assert_eq!(pop(&mut consumer), message);
    }
    assert_eq!(consumer.pop(), Ok(None));
    sending.join().unwrap();
    assert_eq!((consumer.pop(), consumer.len()), (Ok(None), 0));
}

#[test]
fn one_by_one_through_every_small_ring() {
    for (capacity, per, messages, bound) in [
        (1, 1, 2, None),
        (1, 2, 2, None),
        (2, 1, 2, None),
        (1, 1, 3, Some(3)),
        (1, 2, 3, Some(3)),
        (2, 1, 4, Some(2)),
        (2, 2, 4, Some(2)),
        (3, 1, 4, Some(2)),
        (3, 2, 4, Some(2)),
    ] {
        let name = format!("capacity {capacity}, {per} a frame, {messages} messages");
        explore(&name, bound, move || one_by_one(capacity, per, messages));
    }
}

/// In place, or copied in and out.
fn in_batches(in_place: bool, capacity: u64, per: u64, messages: u64) {
    let (mut producer, mut consumer) = Ring::new(capacity, per).ends();
    let sending = spawn(move || {
        let mut next = 1;
        while next <= messages {
            let room = producer.room(2).unwrap();
            assert!(room as u64 <= capacity);
            let n = room.min(2).min((messages + 1 - next) as usize);
            if in_place {
                (0..n).for_each(|ahead| producer.fill(ahead, &(next + ahead as u64)));
                producer.publish(n);
            } else {
                producer.push_all(&[next, next + 1][..n]);
            }
            next += n as u64;
            if n == 0 {
                yield_now();
            }
        }
    });
    let mut next = 1;
    while next <= messages {
        let mut got = [0; 2];
        let n = if in_place {
            let n = consumer.available(2).unwrap();
            (0..n).for_each(|ahead| got[ahead] = consumer.peek(ahead));
            if n > 0 {
                consumer.release(n);
            }
            n
        } else {
            consumer.pop_some(&mut got).unwrap()
        };
        for message in &got[..n] {
            assert_eq!(*message, next);
            next += 1;
        }
        if n == 0 {
            yield_now();
        }
    }
    sending.join().unwrap();
    assert_eq!((consumer.available(2), consumer.len()), (Ok(0), 0));
}

#[test]
fn in_batches_through_every_small_ring() {
    for (capacity, per) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)] {
        for in_place in [true, false] {
            let name = format!("capacity {capacity}, {per} a frame, batches of 2, in place {in_place}");
            explore(&name, Some(3), move || in_batches(in_place, capacity, per, 4));
        }
    }
}

// Full and Empty are said exactly when they are true: all that can be seen, and nothing else.

type Seen = (Pushed, Option<u64>, Option<u64>);

/// Two pushes (the second one's result is kept) against two pops, nobody waits.
fn outcomes(capacity: u64) -> BTreeSet<String> {
    let all = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&all);
    explore(&format!("outcomes with capacity {capacity}"), None, move || {
        let (mut producer, mut consumer) = Ring::new(capacity, 1).ends();
        let sending = spawn(move || {
            assert_eq!(producer.push(&1), Pushed::Done);
            producer.push(&2)
        });
        let (first, second) = (consumer.pop().unwrap(), consumer.pop().unwrap());
        let outcome: Seen = (sending.join().unwrap(), first, second);
        seen.lock().unwrap().insert(format!("{outcome:?}"));
    });
    let all = all.lock().unwrap();
    all.clone()
}

fn table<const N: usize>(members: [Seen; N]) -> BTreeSet<String> {
    members.iter().map(|member| format!("{member:?}")).collect()
}

#[test]
fn what_can_be_seen_of_one_place_is_this_and_all_of_it() {
    let expected = table([
        // push 1, pop 1, push 2, pop 2
        (Pushed::Done, Some(1), Some(2)),
        // push 1, pop 1, pop nothing, push 2
        (Pushed::Done, Some(1), None),
        // pop nothing, push 1, pop 1, push 2
        (Pushed::Done, None, Some(1)),
        // pop nothing, pop nothing, push 1, push 2 finds it full
        (Pushed::Full, None, None),
        // pop nothing, push 1, push 2 finds it full, pop 1
        (Pushed::Full, None, Some(1)),
        // push 1, push 2 finds it full, pop 1, pop nothing
        (Pushed::Full, Some(1), None),
    ]);
    assert_eq!(outcomes(1), expected);
}

#[test]
fn what_can_be_seen_of_two_places_is_this_and_all_of_it() {
    let expected = table([
        // push 1, (pop 1 and push 2 in any order), pop 2
        (Pushed::Done, Some(1), Some(2)),
        // push 1, pop 1, pop nothing, push 2
        (Pushed::Done, Some(1), None),
        // pop nothing, push 1, pop 1
        (Pushed::Done, None, Some(1)),
        // pop nothing, pop nothing, push 1, push 2
        (Pushed::Done, None, None),
    ]);
    assert_eq!(outcomes(2), expected);
}

// What is counted is there.

/// Whatever `len` says can be read at once, however little else has been looked at.
fn counted(capacity: u64, per: u64, batch: usize) {
    let (mut producer, mut consumer) = Ring::new(capacity, per).ends();
    let sending = spawn(move || {
        if batch == 0 {
            push(&mut producer, 1);
            push(&mut producer, 2);
        } else {
            (0..batch).for_each(|ahead| producer.fill(ahead, &(1 + ahead as u64)));
            producer.publish(batch);
        }
        producer
    });
    let n = consumer.len();
    for message in 1..=n {
        assert_eq!(consumer.pop(), Ok(Some(message)), "len said {n}");
    }
    let is_full = consumer.is_full();
    let rest = consumer.available(8).unwrap() as u64;
    assert!(!is_full || rest == capacity);
    let producer = sending.join().unwrap();
    let sent = if batch == 0 { 2 } else { batch as u64 };
    assert_eq!((consumer.len(), producer.len()), (sent - n, sent - n));
}

#[test]
fn len_is_never_ahead_of_what_can_be_read() {
    for (capacity, per, batch) in [(2, 1, 0), (2, 2, 0), (3, 1, 3), (3, 2, 3)] {
        let name = format!("len: capacity {capacity}, {per} a frame, batch {batch}");
        explore(&name, None, move || counted(capacity, per, batch));
    }
}

/// The producer's side of it: room that `is_full` denies is there, and `len` only falls.
fn room_counted() {
    let (mut producer, mut consumer) = Ring::new(2, 1).ends();
    push(&mut producer, 1);
    push(&mut producer, 2);
    let receiving = spawn(move || {
        consumer.hand_out(1);
        assert_eq!(consumer.peek(0), 1);
        consumer.release(1);
        assert_eq!(consumer.pop(), Ok(Some(2)));
        consumer
    });
    let (first, second) = (producer.len(), producer.len());
    assert!(second <= first && first <= 2);
    if !producer.is_full() {
        assert_eq!(producer.push(&3), Pushed::Done);
    }
    let consumer = receiving.join().unwrap();
    assert_eq!(producer.len(), consumer.len());
}

#[test]
fn room_that_was_seen_stays_and_len_only_falls() {
    explore("room", None, room_counted);
}

// The end.

/// After `closed` a second look finds all there will ever be.
fn closing(per: u64) {
    let (mut producer, mut consumer) = Ring::new(2, per).ends();
    let sending = spawn(move || {
        push(&mut producer, 1);
        push(&mut producer, 2);
        producer.close();
    });
    let mut got = Vec::new();
    loop {
        if let Some(message) = consumer.pop().unwrap() {
            got.push(message);
            continue;
        }
        if let Some(end) = consumer.closed() {
            if consumer.has_message().unwrap() {
                continue;
            }
            assert_eq!(consumer.head(), end, "closed, nothing there, and yet not at the end");
            break;
        }
        yield_now();
    }
    assert_eq!(got, [1, 2]);
    sending.join().unwrap();
}

#[test]
fn a_closed_ring_is_read_to_its_end() {
    for per in [1, 2] {
        explore(&format!("close, {per} a frame"), None, move || closing(per));
    }
}

/// What the reader did before it said that it was through is visible to a writer that has heard it.
fn finishing() {
    let ring = Ring::new(2, 1);
    let (mut producer, mut consumer) = ring.ends();
    let result = loom::sync::Arc::new(AtomicU64::new(0));
    let theirs = loom::sync::Arc::clone(&result);
    let receiving = spawn(move || {
        let message = pop(&mut consumer);
        theirs.store(message, Relaxed);
        consumer.finish();
    });
    push(&mut producer, 7);
    while finished(&ring.control) == 0 {
        yield_now();
    }
    assert_eq!(finished(&ring.control), producer.tail() + 1);
    assert_eq!(result.load(Relaxed), 7);
    receiving.join().unwrap();
}

#[test]
fn what_the_reader_did_is_seen_by_who_heard_that_it_finished() {
    explore("finished", None, finishing);
}

// Successors. The end of the dead one's thread stands for the kernel, which hands the role over behind it.

#[test]
fn a_new_producer_goes_on_where_the_dead_one_published_last() {
    for (capacity, per) in [(1, 1), (2, 1), (2, 2), (3, 2)] {
        explore(&format!("new producer: capacity {capacity}, {per} a frame"), Some(3), move || {
            let ring = Ring::new(capacity, per);
            let (mut dead, mut consumer) = ring.ends();
            let sending = spawn(move || {
                push(&mut dead, 1);
                // Written and never published: nobody sees it.
                if dead.room(1).unwrap() > 0 {
                    dead.fill(0, &99);
                }
                drop(dead);
                let mut next = ring.producer();
                assert_eq!(next.tail(), 1);
                push(&mut next, 2);
                push(&mut next, 3);
            });
            for message in 1..=3 {
                assert_eq!(pop(&mut consumer), message);
            }
            sending.join().unwrap();
        });
    }
}

#[test]
fn a_new_consumer_gets_what_the_dead_one_had_in_hand_marked() {
    explore("new consumer", None, || {
        let ring = Ring::new(2, 1);
        let (mut producer, mut dead) = ring.ends();
        let receiving = spawn(move || {
            while !dead.has_message().unwrap() {
                yield_now();
            }
            assert_eq!(dead.hand_out(1).count, 1);
            assert_eq!(dead.peek(0), 1);
            drop(dead);
            let mut next = ring.consumer();
            let again = next.hand_out(1);
            assert_eq!((again.position, again.count, again.redelivered), (0, 2, true));
            assert_eq!(pop(&mut next), 1);
            while !next.has_message().unwrap() {
                yield_now();
            }
            let fresh = next.hand_out(1);
            assert_eq!((fresh.position, fresh.count, fresh.redelivered), (1, 1, false));
            assert_eq!(pop(&mut next), 2);
            next
        });
        push(&mut producer, 1);
        push(&mut producer, 2);
        push(&mut producer, 3);
        let mut next = receiving.join().unwrap();
        assert_eq!(pop(&mut next), 3);
    });
}

// Each edge matters, at both ends, and wherever it is used. The model is run as it is, which must pass, and then with
// one end taken away, which must fail.

fn matters(edge: Edge, model: fn()) {
    explore(&format!("{edge:?}"), Some(3), model);
    for end in [End::Release, End::Acquire] {
        assert!(
            weakened::fails(edge, end, move || explore("weakened", Some(3), model)),
            "nothing is lost without {edge:?} at its {end:?} end"
        );
    }
}

#[test]
fn edge_filled_matters_to_a_pop() {
    matters(FILLED, || one_by_one(2, 1, 1));
}

#[test]
fn edge_filled_matters_to_a_batch() {
    matters(FILLED, || in_batches(true, 2, 1, 2));
    matters(FILLED, || in_batches(false, 2, 1, 2));
}

/// With 8 places the credit lags by a message, so that the room is seen in `head` alone.
fn room_by_head() {
    let (mut producer, mut consumer) = Ring::new(8, 1).ends();
    (0..8).for_each(|message| push(&mut producer, message));
    assert_eq!(producer.push(&8), Pushed::Full);
    let receiving = spawn(move || pop(&mut consumer));
    push(&mut producer, 8);
    assert_eq!(producer.has_credit(), Ok(false), "the credit has moved; this model is about the head");
    assert_eq!(receiving.join().unwrap(), 0);
}

#[test]
fn edge_freed_matters_to_a_producer_that_found_no_room() {
    matters(FREED, room_by_head);
}

/// The room that a new producer finds when it comes.
fn room_by_attaching() {
    let ring = Ring::new(8, 1);
    let (mut dead, mut consumer) = ring.ends();
    (0..8).for_each(|message| push(&mut dead, message));
    drop(dead);
    let receiving = spawn(move || pop(&mut consumer));
    let mut next = ring.producer();
    // Asking for no room looks at no word.
    if next.room(0).unwrap() > 0 {
        assert_eq!(next.push(&8), Pushed::Done);
    }
    assert_eq!(receiving.join().unwrap(), 0);
}

#[test]
fn edge_freed_matters_to_a_producer_that_has_just_come() {
    matters(FREED, room_by_attaching);
}

/// With one place every release moves the credit, and the head is never looked at.
fn room_by_credit() {
    let (mut producer, mut consumer) = Ring::new(1, 1).ends();
    push(&mut producer, 1);
    let receiving = spawn(move || pop(&mut consumer));
    while !producer.has_credit().unwrap() {
        yield_now();
    }
    assert_eq!(producer.push(&2), Pushed::Done);
    assert_eq!(receiving.join().unwrap(), 1);
}

#[test]
fn edge_credit_matters() {
    matters(CREDIT, room_by_credit);
}

#[test]
fn edge_finished_matters() {
    matters(FINISHED, finishing);
}

#[test]
fn edge_closed_matters() {
    matters(CLOSED, || closing(1));
}

#[test]
fn edge_trail_matters_to_a_message() {
    matters(TRAIL, || counted(2, 1, 0));
}

#[test]
fn edge_trail_matters_to_a_batch() {
    matters(TRAIL, || counted(3, 2, 3));
}

/// A producer that was killed between a word and its trail: of the word its successor's trail tells.
fn counted_by_a_successor() {
    let ring = Ring::new(2, 1);
    let (mut dead, mut consumer) = ring.ends();
    let sending = spawn(move || {
        push(&mut dead, 1);
        drop(dead);
        // As it was before the trail of that message.
        ring.control.producer().cursor.tail.store(0, Relaxed);
        assert_eq!(ring.producer().tail(), 1);
    });
    let n = consumer.len();
    for message in 1..=n {
        assert_eq!(consumer.pop(), Ok(Some(message)), "len said {n}");
    }
    sending.join().unwrap();
}

#[test]
fn edge_trail_matters_to_what_a_dead_one_has_published() {
    matters(TRAIL, counted_by_a_successor);
}
