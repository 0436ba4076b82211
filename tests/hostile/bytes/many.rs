//! Kind 5: many to many, with lanes.

use super::{IN_HAND, LIMIT, MOMENT, NAME, PAGE, Peer, Program};
use crate::segment::Input;
use ringway::bytes::mpmc::{MessageReader, MessageWriter, Receiver, Sender};
use ringway::bytes::{RecvTimeoutError, SendTimeoutError};
use ringway::{Options, WaitStrategy};
use std::io::{IoSlice, Read, Write};
use std::path::Path;
use std::time::Duration;

/// Entries of each table: so few that most of what is written there hits one that is used.
const ENTRIES: u64 = IN_HAND as u64;
const SHORT_LANES: u64 = 64;
const LONG_LANES: u64 = 2;
/// Whose files are not there, whatever their words say.
const ANNEXES: u64 = 2;
/// The words of the shared page (SPEC.md).
const SHARED: [u64; 26] = [
    4096, 4096, 4224, 4224, 4352, 4360, 4368, 4376, 4480, 4488, 4496, 4504, 4608, 4616, 4624, 4632, 4736, 4744, 4752,
    4864, 4872, 4888, 4992, 5000, 5016, 4352,
];

/// Where the words of a table's entries lie.
fn entries(start: u64, count: u64, stride: u64, words: &[u64]) -> impl Iterator<Item = u64> {
    (0..count).flat_map(move |entry| words.iter().map(move |word| start + entry * stride + word))
}

fn up(number: u64) -> u64 {
    number.next_multiple_of(PAGE)
}

pub(super) fn create(input: &mut Input<'_>, directory: &Path) -> Option<Peer> {
    let (capacity, shape) = (u64::from(input.byte() % 12) + 1, input.byte());
    // Short lanes that are as long as the long ones would be of no use, so then there are none.
    let (short, long_bytes) = if shape & 1 == 0 { (0, PAGE) } else { (SHORT_LANES, 2 * PAGE) };
    let entries_of = |options: Options| {
        let n = ENTRIES as usize;
        let options = options.members(n).operations(n).in_hand(n).lanes(LONG_LANES as usize, long_bytes as usize);
        options.annexes(ANNEXES as usize)
    };
    let mut options = entries_of(Options::new().dir(directory).capacity(capacity as usize));
    options = options.persistent(shape & 2 != 0);
    if shape & 4 != 0 {
        options = options.deliveries(2);
    }
    let made = Sender::create_with(NAME, &options).ok()?;
    let (records, hands) = (2 * PAGE + ENTRIES * 128, 3 * PAGE);
    let lane_words = up(hands + ENTRIES * 256);
    let lanes = short + LONG_LANES + ANNEXES;
    let slots = up(lane_words + lanes * 256) + short * PAGE + LONG_LANES * long_bytes;
    let lane = [0, 8, 16, 128, 136, 144];
    let mut words = SHARED.to_vec();
    words.extend(entries(2 * PAGE, ENTRIES, 128, &[0, 16, 24]));
    words.extend(entries(records, ENTRIES, 128, &[0, 8, 16]));
    words.extend(entries(hands, ENTRIES, 256, &[0, 8, 16, 24, 32]));
    words.extend(entries(lane_words, short.min(2), 256, &lane));
    words.extend(entries(lane_words + short * 256, LONG_LANES, 256, &lane));
    words.extend(entries(lane_words + (short + LONG_LANES) * 256, ANNEXES, 256, &[0, 8, 16, 24, 24]));
    words.extend(entries(slots, capacity, 128, &[0, 0, 8, 16, 24]));
    // Every record, hand and lane is free, every slot is of another life, and the channel is closed.
    let free = entries(records, ENTRIES, 128, &[0]).chain(entries(hands, ENTRIES, 256, &[0]));
    let free = free.chain(entries(lane_words, lanes, 256, &[0])).map(|at| (at, 0));
    let closed = [(PAGE, 1 << 63), (PAGE + 128, 0)];
    let ends = free.chain(closed).chain(entries(slots, capacity, 128, &[0]).map(|at| (at, u64::MAX))).collect();
    Peer::of(made.path()?, words, ends)
}

pub(super) fn run(program: &mut Program<'_>) {
    let options = program.manner().chunk_bytes(1000);
    let (mut tx, mut rx) = (None::<Sender>, None::<Receiver>);
    for _ in 0..super::OPERATIONS {
        if program.input.is_empty() {
            break;
        }
        let operation = program.byte() % 48;
        match operation {
            0..10 => program.scribble(),
            10 => program.look(),
            11 | 12 if tx.is_none() => tx = program.bounded(0, || Sender::open_with(NAME, &options)).ok(),
            13 | 14 if rx.is_none() => {
                rx = program.bounded(0, || Receiver::open_with(NAME, &options)).ok();
                rx.iter_mut().for_each(|rx| rx.set_limit(program.limit));
            }
            11 => tx = None,
            13 => rx = None,
            15..29 => tx.iter_mut().for_each(|tx| send(program, tx, operation)),
            _ => rx.iter_mut().for_each(|rx| receive(program, rx, operation)),
        }
    }
}

fn send(program: &mut Program<'_>, tx: &mut Sender, operation: u8) {
    let message = vec![7; program.length()];
    match operation {
        15..18 => drop(program.bounded(0, || tx.try_send(&message))),
        18 => drop(program.bounded(0, || tx.send_timeout(&message, Duration::ZERO))),
        19 => {
            let sent = program.bounded(0, || tx.send_timeout(&message, MOMENT));
            if let Err(SendTimeoutError::Aborted { bytes }) = sent {
                assert!(bytes <= message.len() as u64);
            }
        }
        20 => drop(program.ended(|| tx.send(&message))),
        21 => drop(program.ended(|| tx.send_vectored(&[IoSlice::new(&message), IoSlice::new(b"more")]))),
        22 | 23 => {
            if let Ok(mut claim) = program.ended(|| tx.claim(message.len())) {
                program.scribble_some();
                let len = claim.len();
                assert!(len == message.len());
                claim.fill(3);
                if program.byte() & 1 == 0 {
                    let _ = program.ended(|| claim.commit(len / 2));
                }
            }
        }
        24 | 25 => {
            let len = (program.byte() & 1 == 0).then_some(message.len() as u64);
            if let Ok(mut writer) = program.bounded(0, || tx.writer_timeout(len, MOMENT)) {
                write(program, &mut writer);
                match program.byte() & 3 {
                    0 => drop(program.bounded(0, || writer.finish_timeout(MOMENT))),
                    1 => drop(program.ended(|| writer.finish())),
                    _ => {}
                }
            }
        }
        26 => tx.close(),
        27 => tx.set_wait(if message.len() & 1 == 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
        _ => {
            let _ = program.bounded(0, || tx.wait_for_peer(MOMENT));
            drop(tx.clone());
            let _ = (tx.is_full(), tx.is_empty(), tx.in_hand(), tx.is_disconnected());
            let _ = (tx.disconnect_reason(), tx.stats());
            drop((format!("{tx:?}"), tx.receiver_count(), tx.sender_count()));
        }
    }
    assert!(tx.len() <= tx.capacity());
}

fn write(program: &mut Program<'_>, writer: &mut MessageWriter<'_>) {
    for _ in 0..program.byte() % 5 {
        let part = vec![9; program.length()];
        let written = match part.len() % 4 {
            0 => program.ended(|| writer.write(&part)).unwrap_or(0),
            1 => program.bounded(0, || writer.flush()).map_or(0, |()| 0),
            _ => program.bounded(0, || writer.write_timeout(&part, MOMENT)).unwrap_or(0),
        };
        assert!(written <= part.len() && writer.written() >= written as u64);
        program.scribble_some();
    }
}

fn judge(got: Result<usize, RecvTimeoutError>, limit: u64) {
    match got {
        Ok(len) => assert!(len as u64 <= limit, "{len} bytes of {limit}"),
        Err(RecvTimeoutError::TooLong { bytes, limit: told }) => assert!(bytes > limit && told == limit),
        Err(_) => {}
    }
}

fn receive(program: &mut Program<'_>, rx: &mut Receiver, operation: u8) {
    let mut message = Vec::new();
    let limit = program.limit;
    match operation {
        29..31 => judge(program.bounded(IN_HAND, || rx.try_recv()).map(|got| got.len()).map_err(Into::into), limit),
        31 => judge(program.bounded(IN_HAND, || rx.try_recv_into(&mut message)).map_err(Into::into), limit),
        32 => judge(program.bounded(IN_HAND, || rx.recv_into_timeout(&mut message, Duration::ZERO)), limit),
        33 => judge(program.bounded(IN_HAND, || rx.recv_timeout(MOMENT)).map(|got| got.len()), limit),
        34 => drop(program.ended(|| rx.recv())),
        35 => drop(program.ended(|| rx.recv_into(&mut message))),
        36..40 => {
            let guard = match operation {
                36 | 37 => program.bounded(IN_HAND, || rx.try_recv_ref()).ok(),
                38 => program.bounded(IN_HAND, || rx.recv_ref_timeout(MOMENT)).ok(),
                _ => program.ended(|| rx.recv_ref()).ok(),
            };
            if let Some(guard) = guard {
                program.scribble_some();
                assert!(guard.len() as u64 <= limit && guard.attempt() >= 1);
                let _ = (guard.iter().map(|byte| u64::from(*byte)).sum::<u64>(), format!("{guard:?}"));
                if program.byte() & 1 == 0 {
                    guard.commit();
                }
            }
        }
        40..42 => {
            if let Ok(mut reader) = program.ended(|| rx.reader()) {
                read(program, &mut reader);
            }
        }
        42 => {
            program.limit = u64::from(program.byte()) * (LIMIT / 255);
            rx.set_limit(program.limit);
        }
        43 => rx.close(),
        44 => rx.set_wait(if program.byte() & 1 == 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
        _ => {
            let _ = program.bounded(0, || rx.wait_for_peer(MOMENT));
            drop(rx.clone());
            let _ = (rx.is_full(), rx.is_empty(), rx.in_hand(), rx.is_disconnected());
            let _ = (rx.disconnect_reason(), rx.stats());
            drop((format!("{rx:?}"), rx.receiver_count(), rx.sender_count()));
        }
    }
    assert!(rx.len() <= rx.capacity());
}

fn read(program: &mut Program<'_>, reader: &mut MessageReader<'_>) {
    for _ in 0..program.byte() % 6 {
        let mut buffer = vec![0; program.length()];
        let count = program.ended(|| reader.read(&mut buffer)).unwrap_or(0);
        assert!(count <= buffer.len());
        drop((reader.position(), reader.len_hint(), format!("{reader:?}")));
        program.scribble_some();
    }
}
