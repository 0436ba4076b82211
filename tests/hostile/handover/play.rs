//! What our end does with a channel that was handed over.

use super::{LIMIT, Message, bounded};
use crate::input::Input;
use ringway::handover::{BytesReceiver, Reader, Receiver};
use ringway::{WaitStrategy, bytes, spsc, stream};
use std::io::{IoSliceMut, Read, Write};
use std::time::{Duration, Instant};

/// How long a call waits that waits.
pub(super) const MOMENT: Duration = Duration::from_micros(100);

fn strategy(bit: u8) -> WaitStrategy {
    if bit & 1 == 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }
}

fn length(input: &mut Input<'_>) -> usize {
    match input.byte() {
        short @ 0..=127 => usize::from(short),
        long => usize::from(long - 128) * 157,
    }
}

pub(super) fn receive_numbers(input: &mut Input<'_>, rx: &mut Receiver<Message>) {
    let mut many = [[0; 5]; 60];
    match input.byte() % 9 {
        0 | 1 => drop(bounded(0, || rx.try_recv())),
        2 => drop(bounded(0, || rx.recv_timeout(MOMENT))),
        3 => drop(bounded(0, || rx.recv_deadline(Instant::now() + MOMENT))),
        4 | 5 => {
            let got = bounded(0, || rx.try_recv_many(&mut many)).unwrap_or(0);
            assert!(got <= many.len());
        }
        6 => drop(bounded(0, || rx.try_iter().take(300).count())),
        7 => drop((rx.disconnect_reason(), rx.is_disconnected(), rx.stats(), format!("{rx:?}"))),
        _ => rx.set_wait(strategy(input.byte())),
    }
    let len = rx.len();
    assert!(len <= rx.capacity() && rx.is_empty() == (len == 0));
}

pub(super) fn send_numbers(input: &mut Input<'_>, tx: &mut spsc::Sender<Message>) {
    let n = usize::from(input.byte()) % 100;
    match input.byte() % 10 {
        0 | 1 => drop(bounded(0, || tx.try_send([n as u64; 5]))),
        2 => drop(bounded(0, || tx.send_timeout([n as u64; 5], MOMENT))),
        3 | 4 => assert!(bounded(0, || tx.try_send_many(&[[1; 5]; 100][..n])).unwrap_or(0) <= n),
        5 | 6 => {
            if let Ok(mut grant) = bounded(0, || tx.try_reserve(n)) {
                let filled = grant.fill(std::iter::repeat_n([7; 5], n / 2));
                grant.commit(filled);
            }
        }
        7 => drop(bounded(0, || tx.wait_for_peer(MOMENT))),
        8 => drop((tx.disconnect_reason(), tx.is_full(), tx.stats(), format!("{tx:?}"), tx.receiver_count())),
        _ => tx.set_wait(strategy(input.byte())),
    }
    assert!(tx.len() <= tx.capacity());
}

pub(super) fn receive_bytes(input: &mut Input<'_>, rx: &mut BytesReceiver) {
    let mut message = Vec::new();
    let len = match input.byte() % 8 {
        0 | 1 => bounded(2, || rx.try_recv_into(&mut message)).unwrap_or(0),
        2 => bounded(2, || rx.recv_into_timeout(&mut message, MOMENT)).unwrap_or(0),
        3 => bounded(2, || rx.recv_timeout(MOMENT)).map_or(0, |message| message.len()),
        4 => bounded(2, || rx.try_recv()).map_or(0, |message| message.len()),
        5 => bounded(60, || rx.try_iter().take(50).flatten().map(|message| message.len()).max()).unwrap_or(0),
        6 => {
            drop((rx.disconnect_reason(), rx.is_empty(), rx.stats(), format!("{rx:?}")));
            0
        }
        _ => {
            rx.set_wait(strategy(input.byte()));
            0
        }
    };
    assert!(len as u64 <= LIMIT && rx.len() <= rx.capacity());
}

pub(super) fn send_bytes(input: &mut Input<'_>, tx: &mut bytes::spsc::Sender) {
    let message = vec![7; length(input)];
    match input.byte() % 8 {
        0 | 1 => drop(bounded(0, || tx.try_send(&message))),
        2 | 3 => drop(bounded(0, || tx.send_timeout(&message, MOMENT))),
        4 => {
            let len = message.len().min(tx.contiguous_max());
            if let Ok(mut claim) = bounded(0, || tx.claim_timeout(len, MOMENT)) {
                assert!(claim.len() == len);
                claim.fill(3);
                claim.commit(len / 2);
            }
        }
        5 => drop(bounded(0, || tx.wait_for_peer(MOMENT))),
        6 => drop((tx.disconnect_reason(), tx.is_empty(), tx.stats(), format!("{tx:?}"))),
        _ => tx.set_wait(strategy(input.byte())),
    }
    assert!(tx.len() <= tx.capacity());
}

pub(super) fn read(input: &mut Input<'_>, reader: &mut Reader) {
    let mut bytes = vec![0; length(input)];
    let len = bytes.len();
    let got = match input.byte() % 4 {
        0 | 1 => bounded(0, || reader.read(&mut bytes)).unwrap_or(0),
        2 => {
            let (one, other) = bytes.split_at_mut(len / 2);
            bounded(0, || reader.read_vectored(&mut [IoSliceMut::new(one), IoSliceMut::new(other)])).unwrap_or(0)
        }
        _ => {
            drop((reader.received(), reader.stats(), format!("{reader:?}")));
            0
        }
    };
    assert!(got <= len);
}

pub(super) fn write(input: &mut Input<'_>, writer: &mut stream::Writer) {
    let bytes = vec![9; length(input)];
    match input.byte() % 7 {
        0 | 1 => assert!(bounded(0, || writer.write(&bytes)).unwrap_or(0) <= bytes.len()),
        2 => {
            if let Ok(Some(mut grant)) = bounded(0, || writer.reserve_timeout(bytes.len().max(1), MOMENT)) {
                let filled = grant.copy_from_slice(&bytes);
                grant.commit(filled);
            }
        }
        3 => drop(bounded(0, || writer.check())),
        4 => drop(bounded(0, || writer.wait_for_peer(MOMENT))),
        5 => drop(bounded(0, || writer.wait_finished(MOMENT))),
        _ => drop((writer.stats(), format!("{writer:?}"))),
    }
    assert!(writer.taken() <= writer.written());
}
