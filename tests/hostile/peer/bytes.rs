//! Kinds 4 and 5: messages of bytes, one to one, and many to many with lanes, loans and annexes.

use super::typed::ends;
use super::{ENTRIES, LIMIT, MOMENT, NAME, Program, Waits};
use ringway::bytes::mpmc::{self, Loan};
use ringway::bytes::{RecvTimeoutError, spsc};
use ringway::{Options, Placement};
use std::io::{BufRead, Read};
use std::time::Duration;

/// Messages that a receiver can have begun at a time.
const IN_HAND: usize = ENTRIES + 1;

pub(super) fn pair(program: &mut Program<'_>) {
    let (capacity, shape) = (program.byte(), program.byte());
    let mut made =
        program.made().capacity(32 + usize::from(capacity) * 5).frame_bytes(24 + 8 * usize::from(shape >> 4));
    if shape & 3 == 3 {
        made = made.placement(Placement::Inline).frame_bytes(64);
    }
    let create =
        (|made: &Options| spsc::Sender::create_with(NAME, made).ok(), |tx: &spsc::Sender| tx.descriptor().ok());
    let limited = |mut rx: spsc::Receiver| {
        rx.set_limit(LIMIT);
        rx
    };
    let open = |opened: &Options| spsc::Receiver::open_with(NAME, opened).ok().map(limited);
    let told = [3, capacity, shape, program.how & 64];
    let Some((tx, rx, opened)) = ends(program, &made, &told, create, open) else { return };
    let (mut tx, mut rx) = (Some(tx), Some(rx));
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        match program.byte() % 32 {
            0 => program.meddle(),
            1 => tx = None,
            2 => rx = None,
            which @ 3..15 => match &mut tx {
                Some(tx) => send(program, tx, which),
                None => tx = program.wait(|| spsc::Sender::open_with(NAME, &opened)).ok(),
            },
            which => match &mut rx {
                Some(rx) => receive(program, rx, which),
                None => rx = program.wait(|| open(&opened)),
            },
        }
    }
    drop(program.wait(|| (tx, rx)));
}

fn send(program: &mut Program<'_>, tx: &mut spsc::Sender, which: u8) {
    let message = vec![7; program.length()];
    match which {
        3..6 => drop(program.now(|| tx.try_send(&message))),
        6 | 7 => drop(program.wait(|| tx.send_timeout(&message, MOMENT))),
        8 | 9 => {
            if let Ok(mut claim) = program.now(|| tx.try_claim(message.len())) {
                program.scribble();
                assert!(claim.len() == message.len());
                claim.fill(3);
                program.now(|| claim.commit(message.len() / 2));
            }
        }
        10 => drop(program.wait(|| tx.claim_timeout(message.len(), MOMENT)).map(|claim| claim.commit_all())),
        11 => drop(program.wait(|| tx.wait_for_peer(MOMENT))),
        12 => program.now(|| tx.close()),
        13 => drop(program.wait(|| (tx.disconnect_reason(), tx.receiver_count()))),
        _ => drop(program.now(|| (tx.is_empty(), tx.stats(), format!("{tx:?}"), tx.contiguous_max()))),
    }
    assert!(program.now(|| tx.len()) <= tx.capacity());
}

fn judge(got: Result<usize, RecvTimeoutError>) {
    match got {
        Ok(len) => assert!(len as u64 <= LIMIT, "{len} bytes"),
        Err(RecvTimeoutError::TooLong { bytes, limit }) => assert!(bytes > limit && limit == LIMIT),
        Err(_) => {}
    }
}

fn receive(program: &mut Program<'_>, rx: &mut spsc::Receiver, which: u8) {
    let mut message = Vec::new();
    match which {
        15..18 => judge(program.call(Waits::No, IN_HAND, || rx.try_recv_into(&mut message)).map_err(Into::into)),
        18 | 19 => judge(program.call(Waits::Yes, IN_HAND, || rx.recv_into_timeout(&mut message, MOMENT))),
        20..23 => {
            if let Ok(guard) = program.call(Waits::No, IN_HAND, || rx.try_recv_ref()) {
                program.scribble();
                assert!(guard.len() as u64 <= LIMIT && guard.attempt() >= 1);
                let _ = guard.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                program.now(|| guard.commit());
            }
        }
        23 => {
            if let Ok(guard) = program.call(Waits::Yes, IN_HAND, || rx.recv_ref_timeout(MOMENT)) {
                program.now(|| drop(guard));
            }
        }
        24 | 25 => {
            let n = program.length();
            if let Ok(mut reader) = program.call(Waits::Yes, IN_HAND, || rx.reader_timeout(MOMENT)) {
                program.scribble();
                // Of what is there at once: a reader has no deadline.
                if reader.len_hint().is_none_or(|len| len > 0) {
                    let there = program.now(|| reader.fill_buf().map_or(0, <[u8]>::len));
                    reader.consume(n.min(there));
                    if n < there {
                        let _ = program.now(|| reader.read(&mut [0; 1]));
                    }
                }
                program.now(|| drop(reader));
            }
        }
        26 => program.now(|| rx.close()),
        27 => drop(program.wait(|| rx.wait_for_peer(MOMENT))),
        28 => drop(program.wait(|| (rx.disconnect_reason(), rx.sender_count()))),
        29 => drop(program.call(Waits::No, 60, || rx.try_iter().take(50).count())),
        _ => drop(program.now(|| (rx.is_empty(), rx.stats(), format!("{rx:?}"), rx.limit()))),
    }
    assert!(program.now(|| rx.len()) <= rx.capacity());
}

/// A channel with few of everything.
pub(super) fn made_many(program: &mut Program<'_>) -> (Options, [u8; 3]) {
    let (capacity, shape) = (program.count() + 1, program.byte() & 3);
    let long_bytes = if shape & 1 == 0 { 4096 } else { 8192 };
    let made = program.made().capacity(capacity).lanes(2, long_bytes);
    (made.annexes(if shape & 2 == 0 { 2 } else { 0 }), [capacity as u8, shape, program.how & 64])
}

pub(super) fn many(program: &mut Program<'_>) {
    let (made, [capacity, shape, waiter]) = made_many(program);
    let create =
        (|made: &Options| mpmc::Sender::create_with(NAME, made).ok(), |tx: &mpmc::Sender| tx.descriptor().ok());
    let limited = |mut rx: mpmc::Receiver| {
        rx.set_limit(LIMIT);
        rx
    };
    let whole = if program.how & 8 != 0 { 1 << 20 } else { 0 };
    let deliveries = u32::from(program.how >> 4 & 3);
    let of_us = |opened: &Options| {
        let opened = opened.clone().chunk_bytes(1000).whole_up_to(whole).copy_up_to(2000);
        if deliveries > 0 { opened.deliveries(deliveries) } else { opened }
    };
    let open = |opened: &Options| mpmc::Receiver::open_with(NAME, &of_us(opened)).ok().map(limited);
    let told = [4, capacity, shape, waiter];
    let Some((tx, rx, opened)) = ends(program, &made, &told, create, open) else { return };
    let (mut tx, mut rx, mut loans) = (Some(tx), Some(rx), Vec::new());
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        match program.byte() % 40 {
            0 => program.meddle(),
            1 => tx = None,
            2 => rx = None,
            which @ 3..20 => match &mut tx {
                Some(tx) => send_many(program, tx, which, &mut loans),
                None => tx = program.wait(|| mpmc::Sender::open_with(NAME, &of_us(&opened))).ok(),
            },
            which => match &mut rx {
                Some(rx) => receive_many(program, rx, which),
                None => rx = program.wait(|| open(&opened)),
            },
        }
    }
    drop(program.wait(|| (tx, rx, loans)));
}

fn send_many(program: &mut Program<'_>, tx: &mut mpmc::Sender, which: u8, loans: &mut Vec<Loan>) {
    let len = program.length();
    let message = vec![7; len];
    match which {
        3 | 4 => drop(program.now(|| tx.try_send(&message))),
        5 => drop(program.wait(|| tx.send_timeout(&message, MOMENT))),
        6 | 7 => {
            if let Ok(mut writer) = program.wait(|| tx.writer_timeout(None, MOMENT)) {
                for part in message.chunks(3000) {
                    let written = program.wait(|| writer.write_timeout(part, MOMENT)).unwrap_or(0);
                    assert!(written <= part.len());
                }
                let _ = program.wait(|| writer.finish_timeout(MOMENT));
                program.wait(|| drop(writer));
            }
        }
        8..11 => {
            let loan = program.wait(|| if which == 8 { tx.loan_timeout(len, MOMENT) } else { tx.try_loan(len) });
            if let Ok(mut loan) = loan {
                assert!(loan.len() == len);
                program.scribble();
                loan.fill(9);
                loans.push(loan);
            }
        }
        11..14 => {
            if let Some(mut loan) = loans.pop() {
                loan.truncate(len);
                if which == 11 {
                    program.wait(|| drop(loan));
                } else if which == 12 {
                    drop(program.wait(|| loan.send_timeout(MOMENT)));
                } else {
                    drop(program.wait(|| loan.try_send()));
                }
            }
        }
        14 => drop(program.wait(|| tx.try_send_with(len, |room| room.fill(5)))),
        15 => drop(program.wait(|| tx.send_with_timeout(len, MOMENT, |room| room.fill(5)))),
        16 => drop(program.wait(|| (tx.disconnect_reason(), tx.receiver_count(), tx.sender_count()))),
        17 => drop(program.now(|| (tx.is_full(), tx.stats(), format!("{tx:?}"), tx.in_hand(), tx.lanes()))),
        18 if len & 1 == 0 => drop(program.now(|| tx.clone())),
        18 => program.now(|| tx.close()),
        _ => drop(program.wait(|| tx.wait_for_peer(MOMENT))),
    }
    assert!(program.now(|| tx.len()) <= tx.capacity());
}

fn receive_many(program: &mut Program<'_>, rx: &mut mpmc::Receiver, which: u8) {
    let mut message = Vec::new();
    match which {
        20..23 => judge(program.call(Waits::Yes, IN_HAND, || rx.try_recv_into(&mut message)).map_err(Into::into)),
        23 => judge(program.call(Waits::Yes, IN_HAND, || rx.recv_into_timeout(&mut message, MOMENT))),
        24..27 => {
            if let Ok(guard) = program.call(Waits::Yes, IN_HAND, || rx.try_recv_ref()) {
                program.scribble();
                assert!(guard.len() as u64 <= LIMIT && guard.attempt() >= 1);
                let _ = guard.as_slice_of::<u32>().map(|numbers| numbers.iter().fold(0, |sum, number| sum ^ number));
                let _ = (guard.iter().map(|byte| u64::from(*byte)).sum::<u64>(), format!("{guard:?}"));
                let is_done = program.byte() & 1 == 0;
                program.wait(|| if is_done { guard.commit() } else { drop(guard) });
            }
        }
        27..30 => {
            let got = program.call(Waits::Yes, IN_HAND, || {
                if which == 27 { rx.recv_owned_timeout(MOMENT).ok() } else { rx.try_recv_owned().ok() }
            });
            if let Some(guard) = got {
                let another = program.call(Waits::Yes, IN_HAND, || rx.try_recv_owned()).ok();
                assert!(guard.len() as u64 <= LIMIT);
                let _ = guard.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                program.wait(|| (guard.commit(), another));
            }
        }
        30..32 => {
            let seen = program.call(Waits::Yes, IN_HAND, || {
                rx.try_recv_with(|bytes| (bytes.len(), bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>()))
            });
            assert!(seen.is_ok_and(|(len, _)| len as u64 <= LIMIT) || seen.is_err());
        }
        32 => judge(program.call(Waits::Yes, IN_HAND, || rx.recv_with_timeout(MOMENT, <[u8]>::len))),
        33 => drop(program.wait(|| (rx.disconnect_reason(), rx.receiver_count(), rx.sender_count()))),
        34 => drop(program.now(|| (rx.is_full(), rx.stats(), format!("{rx:?}"), rx.in_hand(), rx.lanes()))),
        35 => drop(program.now(|| rx.clone())),
        36 => program.now(|| rx.close()),
        37 => drop(program.wait(|| rx.wait_for_peer(Duration::ZERO))),
        _ => judge(program.call(Waits::Yes, IN_HAND, || rx.recv_timeout(MOMENT)).map(|message| message.len())),
    }
    assert!(program.now(|| rx.len()) <= rx.capacity());
}
