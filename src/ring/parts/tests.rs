//! Parts in small rings: every length, every remainder of a frame, and headers that no correct producer writes.

use super::header::{CANCEL, FIRST, Header, LAST, PAD, SIZED};
use super::*;
use crate::channel::open::{Asked, pair};
use crate::channel::options::Options;
use crate::layout::error::Kind;
use crate::layout::overlay::{Control, Frames};
use crate::membership::role::Role;
use crate::ring::Corrupt;
use crate::ring::spsc;
use crate::sync::Ordering::Relaxed;

/// What ends are made of.
struct Ring {
    control: Control,
    geometry: crate::layout::geometry::Geometry,
}

impl Ring {
    fn new(capacity: usize, frame: usize) -> Self {
        let asked = Asked { kind: Kind::Bytes, role: Role::Sender, size: 1, align: 1 };
        let options = Options::new().capacity(capacity).frame_bytes(frame);
        let (header, control, _) = pair(asked, &options).unwrap();
        Self { control, geometry: header.geometry }
    }

    fn frames(&self) -> Frames<u8> {
        Frames::new(&self.control, &self.geometry)
    }

    fn producer(&self) -> Producer {
        Producer::attach(self.control.clone(), self.frames()).unwrap()
    }

    fn consumer(&self) -> Consumer {
        Consumer::attach(self.control.clone(), self.frames()).unwrap()
    }

    /// One that writes what it likes.
    fn forger(&self) -> spsc::Producer<u8> {
        spsc::Producer::attach(self.control.clone(), self.frames()).unwrap()
    }
}

const SHAPES: [(usize, usize); 9] =
    [(32, 24), (33, 24), (40, 32), (64, 24), (64, 64), (96, 24), (200, 40), (512, 128), (1001, 256)];

fn message(len: usize) -> Vec<u8> {
    (0..len as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ len as u8).collect()
}

/// The next whole message; nothing is left of it.
fn take(consumer: &mut Consumer) -> Option<Vec<u8>> {
    let mut got = Vec::new();
    loop {
        match consumer.next().unwrap() {
            Found::Part(part) => {
                got.reserve(part.len);
                consumer.append(part, 0, part.len, &mut got);
                consumer.release(part);
                if part.is_last() {
                    return Some(got);
                }
            }
            Found::Nothing => {
                assert_eq!(got, [], "an incomplete message");
                return None;
            }
            Found::Cut { taken } => panic!("cut after {taken}"),
        }
    }
}

/// Moves both ends on by so many multiples of eight.
fn advance(producer: &mut Producer, consumer: &mut Consumer, units: usize) {
    for _ in 0..units {
        assert_eq!(producer.push(0, std::iter::empty()), Pushed::Done);
        assert_eq!(take(consumer).unwrap(), []);
    }
}

fn push(producer: &mut Producer, message: &[u8]) -> Pushed {
    producer.push(message.len(), std::iter::once(message))
}

#[test]
fn every_length_at_every_remainder_of_a_frame_arrives_or_is_too_long() {
    for (capacity, frame) in SHAPES {
        let lens: Vec<usize> =
            if capacity < 100 { (0..2 * capacity).collect() } else { (0..capacity + 50).step_by(7).collect() };
        for len in lens {
            let ring = Ring::new(capacity, frame);
            let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
            let bytes = message(len);
            for start in 0..=frame / UNIT {
                let needs = producer.needs(len);
                let is_fit = needs <= capacity / UNIT * UNIT;
                assert!(is_fit || len > producer.whole_max(), "{capacity} {frame}: {len} at {start}");
                match push(&mut producer, &bytes) {
                    Pushed::Done => {
                        assert!(is_fit);
                        assert_eq!(producer.ring().len(), needs as u64);
                        assert_eq!(take(&mut consumer).unwrap(), bytes, "{capacity} {frame}: {len} at {start}");
                    }
                    Pushed::TooLong { limit } => {
                        assert!(!is_fit && limit < len);
                        assert!(
                            producer.needs(limit) <= capacity && producer.needs(limit + 1) > capacity / UNIT * UNIT
                        );
                    }
                    other => panic!("{other:?}"),
                }
                assert_eq!(take(&mut consumer), None);
                advance(&mut producer, &mut consumer, 1);
            }
        }
    }
}

#[test]
fn a_message_of_the_longest_piece_is_one_part_and_one_more_is_not() {
    for (capacity, frame) in SHAPES {
        let ring = Ring::new(capacity, frame);
        let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
        for _ in 0..=frame / UNIT {
            let longest = message(producer.whole_max());
            assert_eq!(push(&mut producer, &longest), Pushed::Done);
            let Ok(Found::Part(part)) = consumer.next() else { panic!("nothing") };
            assert!(part.is_whole(), "{capacity} {frame}");
            assert_eq!(take(&mut consumer).unwrap(), longest);
            let longer = message(longest.len() + 1);
            if push(&mut producer, &longer) == Pushed::Done {
                let Ok(Found::Part(part)) = consumer.next() else { panic!("nothing") };
                assert_eq!(part.announced, Some(longer.len() as u64), "{capacity} {frame}");
                assert!(!part.is_whole() || super::span(longer.len()) <= producer.cuts().chunk);
                assert_eq!(take(&mut consumer).unwrap(), longer);
            }
            advance(&mut producer, &mut consumer, 1);
        }
    }
}

/// Sends a message in parts, each as soon as there is room, and takes what is there when there is none.
fn through(producer: &mut Producer, consumer: &mut Consumer, bytes: &[u8], is_announced: bool) -> Vec<u8> {
    let (mut got, mut at) = (Vec::new(), 0);
    let mut drain = |consumer: &mut Consumer, at_most: usize| {
        for _ in 0..at_most {
            let Found::Part(part) = consumer.next().unwrap() else { return };
            got.reserve(part.len);
            consumer.append(part, 0, part.len, &mut got);
            consumer.release(part);
        }
    };
    let mut source = Source::new(bytes.chunks(11));
    loop {
        let rest = bytes.len() - at;
        let left = if is_announced || rest == 0 { Some(rest as u64) } else { None };
        match producer.piece(left).unwrap() {
            Piece::Full { needs } => {
                assert!(needs <= producer.cuts().capacity, "for that there will never be room");
                drain(consumer, 1);
            }
            Piece::Here(cut) if left.is_some() => at += producer.put(cut, left, &mut source),
            Piece::Here(cut) => {
                let n = cut.bytes.min(rest);
                producer.write(cut, 0, &bytes[at..at + n]);
                producer.publish_piece(cut, n, None, false);
                at += n;
            }
        }
        if !producer.is_in_message() && at == bytes.len() {
            break;
        }
    }
    drain(consumer, usize::MAX);
    got
}

#[test]
fn a_message_of_any_length_goes_through_every_ring() {
    for (capacity, frame) in SHAPES {
        for is_announced in [true, false] {
            let ring = Ring::new(capacity, frame);
            let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
            for len in (1..3 * capacity).step_by(5).chain([10 * capacity + 3]) {
                let bytes = message(len);
                assert_eq!(through(&mut producer, &mut consumer, &bytes, is_announced), bytes, "{capacity} {frame}");
                advance(&mut producer, &mut consumer, len % 4);
            }
        }
    }
}

#[test]
fn a_message_that_was_begun_can_be_cancelled_in_a_full_ring() {
    for (capacity, frame) in SHAPES {
        let ring = Ring::new(capacity, frame);
        let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
        for shift in 0..frame / UNIT {
            let bytes = message(5 * capacity);
            let mut source = Source::new(std::iter::once(&bytes[..]));
            let mut left = bytes.len();
            loop {
                match producer.piece(Some(left as u64)).unwrap() {
                    Piece::Here(cut) => left -= producer.put(cut, Some(left as u64), &mut source),
                    Piece::Full { .. } if producer.is_in_message() => break,
                    // The rest of a frame is in the way.
                    Piece::Full { .. } => assert_eq!(consumer.next(), Ok(Found::Nothing)),
                }
            }
            let sent = (bytes.len() - left) as u64;
            assert!(producer.is_in_message());
            // Dropped in the middle, as by a kill: the successor ends it.
            if shift % 2 == 0 {
                producer = ring.producer();
            } else {
                producer.cancel();
            }
            assert!(!producer.is_in_message());
            assert_eq!(ring.control.producer().cursor.begun.load(Relaxed), 0);
            let mut got = Vec::with_capacity(bytes.len());
            let taken = loop {
                match consumer.next().unwrap() {
                    Found::Part(part) => {
                        consumer.append(part, 0, part.len, &mut got);
                        consumer.release(part);
                    }
                    Found::Cut { taken } => break taken,
                    Found::Nothing => panic!("{capacity} {frame}: no end after {}", got.len()),
                }
            };
            assert_eq!((taken, &got[..]), (sent, &bytes[..sent as usize]));
            assert_eq!(consumer.next(), Ok(Found::Nothing));
            advance(&mut producer, &mut consumer, 1);
        }
    }
}

#[test]
fn a_successor_of_the_consumer_skips_and_the_producer_learns_it() {
    let ring = Ring::new(96, 24);
    let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
    let bytes = message(1000);
    let mut source = Source::new(std::iter::once(&bytes[..]));
    let mut left = bytes.len();
    while let Piece::Here(cut) = producer.piece(Some(left as u64)).unwrap() {
        left -= producer.put(cut, Some(left as u64), &mut source);
    }
    let Ok(Found::Part(part)) = consumer.next() else { panic!("nothing") };
    // Killed before it has taken anything: the successor gets all of it.
    let mut consumer = ring.consumer();
    assert_eq!(consumer.next(), Ok(Found::Part(part)));
    assert!(!producer.is_refused());
    consumer.release(part);
    // Killed in the middle.
    let mut consumer = ring.consumer();
    assert_eq!(consumer.next(), Ok(Found::Nothing));
    assert!(producer.is_refused());
    producer.cancel();
    assert_eq!((consumer.next(), producer.is_refused()), (Ok(Found::Nothing), false));
    assert_eq!(push(&mut producer, b"next"), Pushed::Done);
    assert_eq!(take(&mut consumer).unwrap(), b"next");
    assert!(!producer.is_refused());
}

/// What is given up ends where the part ends, whatever has been released by then.
#[test]
fn giving_up_a_message_refuses_no_other() {
    let ring = Ring::new(256, 72);
    let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
    // A part of 32 bytes, the last one of 8, and the first part of the next message.
    for (bytes, is_last) in [(&[1; 24][..], false), (&[], true), (&[2; 8], false)] {
        let Piece::Here(cut) = producer.piece(None).unwrap() else { panic!("no room") };
        producer.write(cut, 0, bytes);
        producer.publish_piece(cut, bytes.len(), None, is_last);
    }
    let Ok(Found::Part(part)) = consumer.next() else { panic!("nothing") };
    assert_eq!((part.span, part.is_last()), (32, false));
    consumer.give_up(part);
    assert!(producer.is_in_message() && !producer.is_refused());
}

#[test]
fn what_is_looked_at_ahead_is_what_comes() {
    for (capacity, frame) in SHAPES {
        let ring = Ring::new(capacity, frame);
        let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
        for len in 0..capacity {
            let bytes = message(len);
            if push(&mut producer, &bytes) != Pushed::Done {
                continue;
            }
            let Ok(Found::Part(_)) = consumer.next() else { panic!("nothing") };
            let Ok(Ahead::Whole { span, bytes: told }) = consumer.look_ahead() else { panic!("{len} not seen") };
            let mut got = Vec::with_capacity(len);
            consumer.copy_ahead(span, &mut got).unwrap();
            assert_eq!((told as usize, &got), (len, &bytes));
            if len % 2 == 0 {
                consumer.release_all(span);
                assert_eq!(take(&mut consumer), None);
            } else {
                assert_eq!(take(&mut consumer).unwrap(), bytes);
            }
        }
    }
}

/// A message that will never lie in the ring as a whole is seen to be so exactly when its producer is stuck.
#[test]
fn what_cannot_lie_in_the_ring_is_told_when_its_producer_is_stuck() {
    for (capacity, frame) in SHAPES {
        for is_announced in [true, false] {
            let ring = Ring::new(capacity, frame);
            let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
            for shift in 0..frame / UNIT {
                let len = 3 * capacity + shift;
                let bytes = message(len);
                let mut at = 0;
                loop {
                    let left = is_announced.then_some((len - at) as u64);
                    // The rest of a frame in front of the message is in nobody's way.
                    let _ = producer.piece(left).unwrap();
                    let _ = consumer.next().unwrap();
                    let piece = producer.piece(left).unwrap();
                    let ahead = consumer.look_ahead().unwrap();
                    let is_too_long = matches!(ahead, Ahead::TooLong { .. });
                    let is_stuck = matches!(piece, Piece::Full { .. });
                    assert!(
                        is_too_long == is_stuck || (is_announced && is_too_long),
                        "{capacity} {frame}: {ahead:?}, {piece:?}"
                    );
                    let Piece::Here(cut) = piece else { break };
                    producer.write(cut, 0, &bytes[at..at + cut.bytes]);
                    producer.publish_piece(cut, cut.bytes, left, false);
                    at += cut.bytes;
                }
                producer.cancel();
                while consumer.next() != Ok(Found::Nothing) {
                    if let Ok(Found::Part(part)) = consumer.next() {
                        consumer.give_up(part);
                    }
                }
                advance(&mut producer, &mut consumer, 1);
            }
        }
    }
}

// What no correct producer writes.

/// Which headers a part may have, told anew.
fn is_possible(header: u64, published: usize, in_frame: usize, number: u64) -> bool {
    let (len, marks, rest) = (header as u32 as usize, header >> 32 & 0xff, header >> 40);
    let span = 8 + len.div_ceil(8) * 8;
    if rest != 0 || published % 8 != 0 || span > published || span > in_frame {
        return false;
    }
    match marks {
        0b00000 | 0b00001 => len >= 1,
        0b00010 | 0b00011 => true,
        0b00100 => span == in_frame && len % 8 == 0,
        0b01000 => len == 0,
        0b10001 => len > 8 && number > (len - 8) as u64,
        _ => false,
    }
}

/// Fault 60.
#[test]
fn every_header_is_a_part_or_corrupt() {
    let lens = (0..=80).chain([0xff, 0x100, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff_u64]);
    for len in lens {
        for marks in 0..=0xff_u64 {
            for rest in [0, 1, 0x80_0000] {
                for (published, in_frame) in [(8, 8), (16, 64), (64, 64), (72, 64), (24, 24), (20, 24), (4, 8)] {
                    for number in [0, 8, 17, 1000, u64::MAX] {
                        let header = len | marks << 32 | rest << 40;
                        let part = Part::read(Header(header), published, in_frame, || number);
                        let expected = is_possible(header, published, in_frame, number);
                        assert_eq!(part.is_ok(), expected, "{header:#x} {published} {in_frame} {number}");
                        if let Ok(part) = part {
                            assert!(part.front + part.len <= part.span && part.span <= published.min(in_frame));
                        }
                    }
                }
            }
        }
    }
}

/// Takes until nothing is there, or the ring is corrupt.
fn exhaust(consumer: &mut Consumer) -> Result<usize, Corrupt> {
    let mut bytes = 0;
    let mut got = Vec::new();
    loop {
        let _ = consumer.look_ahead()?;
        got.clear();
        got.reserve(4096);
        if let Some(len) = consumer.pop_whole(&mut got, u64::MAX) {
            bytes += len;
            continue;
        }
        match consumer.next()? {
            Found::Nothing => return Ok(bytes),
            Found::Cut { .. } => {}
            Found::Part(part) => {
                got.clear();
                consumer.append(part, 0, part.len, &mut got);
                consumer.release(part);
                bytes += part.len;
            }
        }
    }
}

/// Fault 60.
#[test]
fn every_bit_of_every_header_may_be_wrong_and_nothing_outside_is_read() {
    // Three parts of a message, a short one, a PAD, an end.
    let plan = [
        (FIRST | SIZED, 24, 40_u64),
        (0, 16, 0),
        (LAST, 8, 0),
        (FIRST | LAST, 3, 0),
        (FIRST, 8, 0),
        (CANCEL, 0, 0),
        (PAD, 32, 0),
        (FIRST | LAST, 0, 0),
    ];
    let mut corrupt = 0;
    for victim in 0..plan.len() {
        for bit in 0..=64 {
            for word_is_wrong in [false, true] {
                let ring = Ring::new(512, 152);
                let mut forger = ring.forger();
                for (at, (marks, len, number)) in plan.iter().enumerate() {
                    forger.room(super::span(*len)).unwrap();
                    forger.enter_frame();
                    let header = Header::new(*marks, *len).0 ^ if at == victim && bit < 64 { 1 << bit } else { 0 };
                    forger.write_ahead(0, &header.to_le_bytes());
                    if *len >= 8 {
                        forger.write_ahead(UNIT, &number.to_le_bytes());
                    }
                    let less = if word_is_wrong && at == victim { 4 } else { 0 };
                    forger.publish_ahead(super::span(*len) - less);
                    if less > 0 {
                        break;
                    }
                }
                let result = exhaust(&mut ring.consumer());
                let is_sound = bit == 64 && !word_is_wrong;
                assert!(!is_sound || result == Ok(40 + 3 + 8), "{result:?}");
                corrupt += usize::from(result.is_err());
                // Whoever comes next finds the same, or nothing.
                let _ = exhaust(&mut ring.consumer());
            }
        }
    }
    assert!(corrupt > 8 * 40, "{corrupt} found");
}

#[test]
fn ends_are_not_made_of_words_that_cannot_be() {
    let ring = Ring::new(96, 24);
    ring.control.producer().cursor.begun.store(9, Relaxed);
    let found = Producer::attach(ring.control.clone(), ring.frames()).unwrap_err();
    assert_eq!(found, Corrupt { word: "begun", found: 9 });
    let ring = Ring::new(96, 24);
    ring.control.consumer().cursor.head.store(4, Relaxed);
    let found = Consumer::attach(ring.control.clone(), ring.frames()).unwrap_err();
    assert_eq!(found, Corrupt { word: "head", found: 4 });
    let ring = Ring::new(96, 24);
    let mut forger = ring.forger();
    forger.room(12).unwrap();
    forger.publish_ahead(12);
    let found = Producer::attach(ring.control.clone(), ring.frames()).unwrap_err();
    assert_eq!(found, Corrupt { word: "tail", found: 12 });
}

/// Whoever writes to the segment may have changed it in between: what was checked is what is used.
#[test]
fn the_length_of_a_message_is_read_once() {
    use crate::sync::replay::{Operation, Replayed, Request, replay};
    let ring = Ring::new(64, 64);
    let (mut answers, mut reads) = (Vec::new(), 0);
    let len = loop {
        let (mut consumer, mut to) = (ring.consumer(), Vec::with_capacity(64));
        match replay(&answers, || consumer.pop_whole(&mut to, 64)) {
            Replayed::Ended(len) => break len,
            Replayed::Asks(Request { operation, .. }) => answers.push(match operation {
                Operation::Load => span(5) as u64,
                Operation::Read => {
                    reads += 1;
                    Header::new(FIRST | LAST, 5).0
                }
                _ => 0,
            }),
        }
    };
    assert_eq!((len, reads), (Some(5), 1));
}

/// Nor is what was found of it believed when it is copied: there is room for that, and for no more.
#[test]
fn a_length_that_is_another_when_the_message_is_copied_is_refused() {
    let ring = Ring::new(256, 128);
    let (mut producer, mut consumer) = (ring.producer(), ring.consumer());
    assert_eq!(push(&mut producer, &message(40)), Pushed::Done);
    let Ahead::Whole { span, bytes: 40 } = consumer.look_ahead().unwrap() else { panic!("it is there") };
    // As if 8 had been read before.
    let mut to = Vec::with_capacity(8);
    let found = Header::new(FIRST | LAST, 40).0;
    assert_eq!(consumer.copy_ahead(span, &mut to), Err(Corrupt { word: "part", found }));
    assert_eq!(to, []);
}
