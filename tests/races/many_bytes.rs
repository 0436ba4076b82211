//! `ringway::bytes::mpmc`: messages of any length in the ring, in lanes and in annexes, two threads at each end.

use crate::Scene;
use crate::message::{bytes, number_of, of_sender, once_each, write};
use ringway::Options;
use ringway::bytes::mpmc::{Receiver, Sender, channel_with};
use std::io::{Read, Write};
use std::thread;

const SENDERS: u64 = 2;
/// Bytes of a long lane; the short ones have as much.
const LANE: usize = 4096;

pub(crate) const SCENES: &[Scene] = &[
    ("many-bytes/in-the-ring", |options, count| many(options, count, |tx, n| send(tx, n, 8 + n as usize % 100), all)),
    ("many-bytes/in-lanes", |options, count| many(options, count, |tx, n| send(tx, n, 120 + n as usize % 300), all)),
    ("many-bytes/through-lanes", |options, count| {
        many(options, count / 8, |tx, n| send(tx, n, 3 * LANE + n as usize % 900), all)
    }),
    ("many-bytes/whole", |options, count| {
        many(options.whole_up_to(1 << 20), count / 8, |tx, n| send(tx, n, 3 * LANE), referred);
    }),
    ("many-bytes/parts", |options, count| many(options, count / 8, written, read)),
    ("many-bytes/claims", |options, count| many(options, count, claimed, referred)),
    ("many-bytes/loans", |options, count| many(options, count, |tx, n| loan(tx, n, 8 + n as usize % 400), referred)),
    ("many-bytes/loans-in-annexes", |options, count| {
        many(options, count / 4, |tx, n| loan(tx, n, 2 * LANE + n as usize % 4 * LANE), referred);
    }),
    ("many-bytes/made-in-place", |options, count| many(options.copy_up_to(500), count, made, used)),
    ("many-bytes/owned", owned),
];

/// Half of the messages each, by two clones of each end.
fn many(options: Options, count: u64, send: fn(&Sender, u64), receive: fn(&Receiver) -> Vec<u64>) {
    let each = (count / SENDERS).max(2);
    let (tx, rx) = channel_with(&options.capacity(4).lanes(2, LANE).annexes(3)).expect("a channel");
    let sending: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let tx = tx.clone();
            thread::spawn(move || (0..each).for_each(|n| send(&tx, of_sender(sender, n))))
        })
        .collect();
    drop(tx);
    let receiving: Vec<_> = (0..2)
        .map(|_| {
            let rx = rx.clone();
            thread::spawn(move || receive(&rx))
        })
        .collect();
    drop(rx);
    sending.into_iter().for_each(|thread| thread.join().expect("no panic"));
    once_each(receiving.into_iter().map(|thread| thread.join().expect("no panic")).collect(), SENDERS, each);
}

fn send(tx: &Sender, n: u64, len: usize) {
    tx.send(&bytes(n, len)).expect("a receiver");
}

fn all(rx: &Receiver) -> Vec<u64> {
    rx.iter().map(|message| number_of(&message.expect("a message"))).collect()
}

fn written(tx: &Sender, n: u64) {
    let message = bytes(n, 2 * LANE + LANE / 8);
    let mut writer = tx.writer(None).expect("a receiver");
    message.chunks(LANE / 6).for_each(|piece| writer.write_all(piece).expect("a reader"));
    writer.finish().expect("a reader");
}

fn read(rx: &Receiver) -> Vec<u64> {
    let mut got = Vec::new();
    while let Ok(mut reader) = rx.reader() {
        let mut message = Vec::new();
        reader.read_to_end(&mut message).expect("all of it");
        got.push(number_of(&message));
    }
    got
}

fn claimed(tx: &Sender, n: u64) {
    let len = 8 + n as usize % 400;
    let mut claim = tx.claim(LANE).expect("a receiver");
    write(&mut claim[..len], n);
    claim.commit(len).expect("a receiver");
}

/// Every third one is given back by whoever gets it first.
fn referred(rx: &Receiver) -> Vec<u64> {
    let mut got = Vec::new();
    while let Ok(guard) = rx.recv_ref() {
        let n = number_of(&guard);
        if n % 3 == 0 && !guard.is_redelivered() {
            continue;
        }
        got.push(n);
        guard.commit();
    }
    got
}

fn loan(tx: &Sender, n: u64, len: usize) {
    let mut loan = tx.loan(len).expect("memory");
    write(&mut loan, n);
    if n % 5 == 0 {
        // Lent for nothing.
        drop(loan);
        loan = tx.loan(len + 1).expect("memory");
        write(&mut loan[..len], n);
        loan.truncate(len);
    }
    loan.send().expect("a receiver");
}

fn made(tx: &Sender, n: u64) {
    let len = [50, 400, LANE / 2 + 100, 2 * LANE][n as usize % 4];
    tx.send_with(len, |message| write(message, n)).expect("a receiver");
}

fn used(rx: &Receiver) -> Vec<u64> {
    let mut got = Vec::new();
    while let Ok(n) = rx.recv_with(number_of) {
        got.push(n);
    }
    got
}

/// Loans and messages in hand go on to other threads, which send them and are done with them.
fn owned(options: Options, count: u64) {
    let count = (count / 4).max(2);
    let (tx, rx) = channel_with(&options.capacity(4).lanes(2, LANE).annexes(3)).expect("a channel");
    let lending = thread::spawn(move || {
        for n in 0..count {
            let mut loan = tx.loan(200).expect("memory");
            write(&mut loan, n);
            thread::spawn(move || loan.send().expect("a receiver")).join().expect("no panic");
        }
    });
    for n in 0..count {
        let guard = rx.recv_owned().expect("a message");
        let done = thread::spawn(move || {
            let n = number_of(&guard);
            guard.commit();
            n
        });
        assert_eq!(done.join().expect("no panic"), n);
    }
    lending.join().expect("no panic");
}
