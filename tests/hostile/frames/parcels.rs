//! Parcels and tickets, many to many.

use super::{LIMIT, MOMENT, NAME, Segment, bounded};
use crate::input::{Input, another};
use ringway::Options;
use ringway::bytes::mpmc::Receiver;
use std::path::Path;

const CAPACITY: u64 = 4;
const LONG_BYTES: u64 = 8192;
/// A word of the shared page (SPEC.md).
const TAIL: u64 = 4096;
const HEAD: u64 = 4224;

pub(super) fn run(input: &mut Input<'_>, directory: &Path) {
    let made = Options::new().dir(directory).capacity(CAPACITY as usize).members(2).operations(2).in_hand(2);
    let made =
        made.lanes(2, LONG_BYTES as usize).annexes(1).slice(std::time::Duration::from_millis(1)).chunk_bytes(1000);
    let Ok(mut rx) = Receiver::create_with(NAME, &made) else { return };
    rx.set_limit(LIMIT);
    let segment = Segment::of(directory);
    let ((slots, stride), (lanes, lane_bytes)) = (segment.region("Frames"), segment.region("LaneWords"));
    let mut expected = std::collections::VecDeque::new();
    let mut is_known = true;
    for _ in 0..96 {
        if input.is_empty() {
            break;
        }
        if input.byte() % 2 == 0 {
            let (tail, head) = (segment.load(TAIL), segment.load(HEAD));
            if tail >= head.saturating_add(CAPACITY) || tail >= 1 << 40 {
                continue;
            }
            let (how, n) = (input.byte(), input.byte());
            let mut parcel = [0_u64; 15];
            if how % 4 < 2 {
                let len = u64::from(n) % 113;
                parcel[0] = len << 8 | 1;
                let bytes = vec![n; len as usize];
                parcel[1..].iter_mut().for_each(|word| *word = u64::from_ne_bytes([n; 8]));
                expected.push_back(bytes);
            } else {
                // A ticket, and a lane that is as it says, or not.
                let lane = u64::from(n) % 68;
                let (generation, phase) = (u64::from(input.byte() % 3), u64::from(input.byte() % 12));
                let len = if how & 64 == 0 { u64::from(input.byte()) * 40 } else { input.number() };
                parcel[..3].copy_from_slice(&[lane << 8 | 2 | u64::from(how & 1), generation, len]);
                let words = lanes + lane * lane_bytes;
                segment.store(words, generation << 24 | u64::from(how >> 3 & 1) << 8 | phase);
                let filled = if how & 16 == 0 { len | 1 << 63 } else { input.number() };
                segment.store(words + 8, filled);
                is_known = false;
            }
            if how & 0xe0 == 0xe0 {
                let (at, what) = (usize::from(input.byte() % 4), input.byte());
                parcel[at] = another(parcel[at], what, input);
                is_known = false;
            }
            let slot = slots + tail % CAPACITY * stride;
            segment.put(slot + 8, &parcel.map(u64::to_le_bytes).concat());
            segment.store(slot, (tail - tail % CAPACITY) << 8 | 1);
            segment.store(TAIL, tail + 1);
        } else {
            let got = receive(input, &mut rx);
            if let (Some(got), true) = (got, is_known) {
                assert_eq!(Some(got), expected.pop_front(), "not the message that was there");
            }
        }
    }
    if is_known {
        while let Some(next) = expected.pop_front() {
            assert_eq!(rx.try_recv(), Ok(next));
        }
    }
}

fn receive(input: &mut Input<'_>, rx: &mut Receiver) -> Option<Vec<u8>> {
    let bytes = 9 * LIMIT as usize;
    let got = match input.byte() % 6 {
        0 | 1 => bounded(bytes, || rx.try_recv()).ok(),
        2 => bounded(bytes, || rx.recv_timeout(MOMENT)).ok(),
        3 => bounded(bytes, || rx.try_recv_ref()).ok().map(|guard| {
            let message = guard.to_vec();
            guard.commit();
            message
        }),
        4 => bounded(bytes, || rx.try_recv_with(<[u8]>::to_vec)).ok(),
        _ => bounded(bytes, || rx.try_recv_owned()).ok().map(|guard| {
            let message = guard.to_vec();
            guard.commit();
            message
        }),
    };
    assert!(got.as_ref().is_none_or(|message| message.len() as u64 <= LIMIT.max(LONG_BYTES)));
    got
}
