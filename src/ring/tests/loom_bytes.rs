//! Parts under loom: messages of bytes that are cut, given up at either end, and taken up by a successor.
//!
//! Bytes lie in loom's cells, one each, so that a part that is written over before it is released, or read before it is
//! published, fails the model.

use crate::layout::geometry::{FRAMES_OFFSET, Geometry, Placement, Shape};
use crate::layout::overlay::{Control, Frames};
use crate::ring::parts::{Consumer, Found, Piece, Producer, Pushed, Source};
use crate::sync::edge::{CREDIT, Edge, End, FILLED, weakened};
use crate::sync::explore::explore_thoroughly as explore;
use loom::thread::{spawn, yield_now};

/// What both ends are made of, so that successors can be.
#[derive(Clone)]
struct Ring {
    control: Control,
    frames: Frames<u8>,
}

impl Ring {
    /// 32 bytes in frames of 24: a message of more than 8 bytes is cut, and has the ring for itself.
    fn new() -> Self {
        let (placement, frame_bytes) = (Some(Placement::Table), Some(24));
        let shape = Shape {
            capacity: 32,
            size: 1,
            align: 1,
            placement,
            frame_bytes,
            frames_offset: FRAMES_OFFSET,
            is_slotted: false,
        };
        let geometry = Geometry::new(shape).unwrap();
        Self { control: Control::modelled(), frames: Frames::modelled(&geometry) }
    }

    fn producer(&self) -> Producer {
        Producer::attach(self.control.clone(), self.frames.clone()).unwrap()
    }

    fn consumer(&self) -> Consumer {
        Consumer::attach(self.control.clone(), self.frames.clone()).unwrap()
    }
}

const LONG: [u8; 20] = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];

fn push(producer: &mut Producer, message: &[u8]) {
    while producer.push(message.len(), std::iter::once(message)) != Pushed::Done {
        yield_now();
    }
}

/// Sends `message` in parts, as long as nobody refuses it; whether all of it was sent.
fn push_parts(producer: &mut Producer, message: &[u8]) -> bool {
    let mut source = Source::new(std::iter::once(message));
    let mut left = message.len();
    while left > 0 {
        if producer.is_refused() {
            producer.cancel();
            return false;
        }
        match producer.piece(Some(left as u64)).unwrap() {
            Piece::Here(cut) => left -= producer.put(cut, Some(left as u64), &mut source),
            Piece::Full { .. } => yield_now(),
        }
    }
    true
}

/// The next message, or what had come of one that was given up.
fn pop(consumer: &mut Consumer) -> Result<Vec<u8>, Vec<u8>> {
    let mut got = Vec::new();
    loop {
        match consumer.next().unwrap() {
            Found::Part(part) => {
                consumer.append(part, 0, part.len, &mut got);
                consumer.release(part);
                if part.is_last() {
                    return Ok(got);
                }
            }
            Found::Cut { taken } => {
                assert_eq!(taken, got.len() as u64);
                return Err(got);
            }
            Found::Nothing => yield_now(),
        }
    }
}

fn short_and_long() {
    let ring = Ring::new();
    let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
    let sending = spawn(move || {
        push(&mut producer, &[1]);
        assert!(push_parts(&mut producer, &LONG));
        push(&mut producer, &[2, 3]);
    });
    assert_eq!(pop(&mut consumer), Ok(vec![1]));
    assert_eq!(pop(&mut consumer), Ok(LONG.to_vec()));
    assert_eq!(pop(&mut consumer), Ok(vec![2, 3]));
    assert_eq!(consumer.next(), Ok(Found::Nothing));
    sending.join().unwrap();
}

#[test]
fn parts_arrive_while_others_are_sent() {
    explore("parts", 3, short_and_long);
}

#[test]
fn a_message_that_is_cancelled_is_cut_and_the_next_is_whole() {
    explore("cancel", 3, || {
        let ring = Ring::new();
        let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
        let sending = spawn(move || {
            let Piece::Here(cut) = producer.piece(Some(20)).unwrap() else { panic!("an empty ring") };
            producer.put(cut, Some(20), &mut Source::new(std::iter::once(&LONG[..])));
            // However full the ring is.
            producer.cancel();
            push(&mut producer, &[2, 3]);
        });
        assert_eq!(pop(&mut consumer), Err(LONG[..8].to_vec()));
        assert_eq!(pop(&mut consumer), Ok(vec![2, 3]));
        sending.join().unwrap();
    });
}

#[test]
fn a_producer_that_is_killed_in_a_message_is_followed_by_one_that_ends_it() {
    explore("successor of a producer", 3, || {
        let ring = Ring::new();
        let mut consumer = ring.consumer();
        let successor = ring.clone();
        let sending = spawn(move || {
            let mut producer = ring.producer();
            let Piece::Here(cut) = producer.piece(Some(20)).unwrap() else { panic!("an empty ring") };
            producer.put(cut, Some(20), &mut Source::new(std::iter::once(&LONG[..])));
            drop(producer);
            // The lock of the role orders it behind; so does this thread.
            push(&mut successor.producer(), &[2, 3]);
        });
        assert_eq!(pop(&mut consumer), Err(LONG[..8].to_vec()));
        assert_eq!(pop(&mut consumer), Ok(vec![2, 3]));
        assert_eq!(consumer.next(), Ok(Found::Nothing));
        sending.join().unwrap();
    });
}

/// The consumer has the first part, or not; its successor the rest, or all of it. A producer that does not learn in time
/// that its message is nobody's has sent it.
#[test]
fn a_consumer_that_is_killed_in_a_message_is_followed_by_one_that_skips_it() {
    explore("successor of a consumer", 3, || {
        let ring = Ring::new();
        let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
        let sending = spawn(move || {
            push_parts(&mut producer, &LONG);
            push(&mut producer, &[2, 3]);
        });
        let had_first = match consumer.next().unwrap() {
            Found::Part(part) => {
                consumer.release(part);
                true
            }
            _ => false,
        };
        drop(consumer);
        let mut consumer = ring.consumer();
        if !had_first {
            assert_eq!(pop(&mut consumer), Ok(LONG.to_vec()));
        }
        assert_eq!(pop(&mut consumer), Ok(vec![2, 3]));
        assert_eq!(consumer.next(), Ok(Found::Nothing));
        sending.join().unwrap();
    });
}

// The frame ring's edges carry parts, too.

fn matters(edge: Edge, ends: &[End]) {
    explore(&format!("{edge:?}"), 2, short_and_long);
    for &end in ends {
        assert!(
            weakened::fails(edge, end, move || explore("weakened", 2, short_and_long)),
            "nothing goes wrong without {edge:?} at its {end:?} end"
        );
    }
}

#[test]
fn edge_filled_carries_parts() {
    matters(FILLED, &[End::Release, End::Acquire]);
}

/// In a ring so small each release is told by `credit`.
#[test]
fn edge_credit_carries_parts() {
    matters(CREDIT, &[End::Release, End::Acquire]);
}
