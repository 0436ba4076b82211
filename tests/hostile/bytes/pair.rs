//! Kind 4: one sender and one receiver.

use super::{IN_HAND, LIMIT, MOMENT, NAME, Peer, Program};
use crate::segment::{Input, WORDS};
use ringway::bytes::RecvTimeoutError;
use ringway::bytes::spsc::{MessageReader, MessageWriter, Receiver, Sender};
use ringway::{Options, Placement, WaitStrategy};
use std::io::{BufRead, IoSlice, Read, Write};
use std::path::Path;
use std::time::Duration;

pub(super) fn create(input: &mut Input<'_>, directory: &Path) -> Option<Peer> {
    let (capacity, shape) = (input.byte(), input.byte());
    let mut options = Options::new().dir(directory).capacity(32 + usize::from(capacity) * 9);
    options = options.persistent(shape & 1 != 0).frame_bytes(24 + 8 * usize::from(shape >> 3));
    if shape & 6 == 6 {
        options = options.placement(Placement::Inline).frame_bytes(64);
    }
    let made = Sender::create_with(NAME, &options).ok()?;
    // The words of frames lie where a frame begins, or 128 bytes apart; headers of parts everywhere behind.
    let words = WORDS.into_iter().chain([4112, 8224]).chain((12_288..12_288 + 512).step_by(8)).collect();
    // A head above the tail, and words of frames beyond their ends.
    let cursors = [(8192, u64::MAX >> 8), (8192 + 128, u64::MAX >> 8), (4096 + 128, 0), (8192 + 256, 0)];
    let len = std::fs::metadata(made.path()?).ok()?.len();
    let ends = cursors.into_iter().chain((12_288..len).step_by(64).map(|at| (at, u64::MAX >> 1))).collect();
    Peer::of(made.path()?, words, ends)
}

pub(super) fn run(program: &mut Program<'_>) {
    let options = program.manner();
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
        15 | 16 => drop(program.bounded(0, || tx.try_send(&message))),
        17 => drop(program.bounded(0, || tx.send_timeout(&message, Duration::ZERO))),
        18 => drop(program.bounded(0, || tx.send_timeout(&message, MOMENT))),
        19 => drop(program.ended(|| tx.send(&message))),
        20 => drop(program.ended(|| tx.send_vectored(&[IoSlice::new(&message), IoSlice::new(b"more")]))),
        21 | 22 => {
            if let Ok(mut claim) = program.bounded(0, || tx.try_claim(message.len())) {
                program.scribble_some();
                let len = claim.len();
                assert!(len == message.len());
                claim.fill(3);
                if program.byte() & 1 == 0 {
                    claim.commit(len / 2);
                }
            }
        }
        23 => drop(program.bounded(0, || tx.claim_timeout(message.len(), MOMENT)).map(|claim| claim.commit_all())),
        24 => drop(program.ended(|| tx.claim(message.len()).map(|_| ()))),
        25 => {
            let len = (program.byte() & 1 == 0).then_some(message.len() as u64);
            let mut writer = tx.writer(len);
            write(program, &mut writer);
            if program.byte() & 1 == 0 {
                drop(program.ended(|| writer.finish()));
            }
        }
        26 => tx.close(),
        27 => tx.set_wait(if message.len() & 1 == 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
        _ => {
            let _ = program.bounded(0, || tx.wait_for_peer(MOMENT));
            let _ = (tx.is_empty(), tx.is_disconnected(), tx.disconnect_reason(), tx.stats());
            drop((format!("{tx:?}"), tx.receiver_count(), tx.contiguous_max()));
        }
    }
    assert!(tx.len() <= tx.capacity());
}

fn write(program: &mut Program<'_>, writer: &mut MessageWriter<'_>) {
    for _ in 0..program.byte() % 4 {
        let part = vec![9; program.length()];
        let written =
            program.ended(|| if part.len() % 5 == 0 { writer.flush().map(|()| 0) } else { writer.write(&part) });
        assert!(written.is_ok_and(|count| count <= part.len()) || writer.written() <= 1 << 20);
        program.scribble_some();
    }
}

fn receive(program: &mut Program<'_>, rx: &mut Receiver, operation: u8) {
    let mut message = Vec::new();
    let judge = |got: Result<usize, RecvTimeoutError>, limit: u64| match got {
        Ok(len) => assert!(len as u64 <= limit),
        Err(RecvTimeoutError::TooLong { bytes, limit: told }) => assert!(bytes > limit && told == limit),
        Err(_) => {}
    };
    let limit = program.limit;
    match operation {
        29 | 30 => judge(program.bounded(IN_HAND, || rx.try_recv()).map(|got| got.len()).map_err(Into::into), limit),
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
        40 | 41 => {
            let reader = if operation == 40 {
                program.bounded(IN_HAND, || rx.reader_timeout(MOMENT)).ok()
            } else {
                program.ended(|| rx.reader()).ok()
            };
            if let Some(mut reader) = reader {
                read(program, &mut reader);
            }
        }
        42 => {
            program.limit = u64::from(program.byte()) * (LIMIT / 255);
            rx.set_limit(program.limit);
        }
        43 => rx.close(),
        44 => rx.set_wait(if program.byte() & 1 == 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
        45 => drop(program.bounded(100, || rx.try_iter().take(100).count())),
        _ => {
            let _ = program.bounded(0, || rx.wait_for_peer(MOMENT));
            let _ = (rx.is_empty(), rx.is_disconnected(), rx.disconnect_reason(), rx.stats());
            drop((format!("{rx:?}"), rx.sender_count(), rx.limit()));
        }
    }
    assert!(rx.len() <= rx.capacity());
}

fn read(program: &mut Program<'_>, reader: &mut MessageReader<'_>) {
    for _ in 0..program.byte() % 6 {
        let n = program.length();
        if n % 3 == 0 {
            if let Ok(there) = program.ended(|| reader.fill_buf().map(<[u8]>::len)) {
                reader.consume(n.min(there));
            }
        } else {
            let mut buffer = vec![0; n];
            let _ = program.ended(|| reader.read(&mut buffer));
        }
        drop((reader.position(), reader.len_hint(), format!("{reader:?}")));
        program.scribble_some();
    }
}
