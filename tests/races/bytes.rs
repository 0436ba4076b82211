//! `ringway::bytes::spsc`: messages of any length, one thread at each end.

use crate::Scene;
use crate::message::{bytes, number_of, write};
use ringway::Options;
use ringway::bytes::spsc::{Receiver, Sender, channel_with};
use std::io::{IoSlice, Read, Write};
use std::thread;

pub(crate) const SCENES: &[Scene] = &[
    ("bytes/messages", |options, count| {
        pair(
            options,
            count,
            |tx, n| tx.send(&bytes(n, len(n))).expect("a receiver"),
            |rx| number_of(&rx.recv().expect("a message")),
        )
    }),
    ("bytes/into-a-vector", |options, count| pair(options, count, in_pieces, into_a_vector)),
    ("bytes/in-place", |options, count| pair(options, count, claimed, referred)),
    ("bytes/parts", |options, count| pair(options, count, written, read)),
    ("bytes/tries", |options, count| {
        pair(options, count, tried, |rx| {
            loop {
                match rx.try_recv() {
                    Ok(message) => return number_of(&message),
                    Err(ringway::bytes::TryRecvError::Empty) => thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        })
    }),
];

fn len(number: u64) -> usize {
    8 + (number * 37 % 300) as usize
}

fn pair(options: Options, count: u64, send: fn(&mut Sender, u64), receive: fn(&mut Receiver) -> u64) {
    let (mut tx, mut rx) = channel_with(&options.capacity(2048).frame_bytes(512)).expect("a channel");
    let sending = thread::spawn(move || (0..count).for_each(|n| send(&mut tx, n)));
    for n in 0..count {
        assert_eq!(receive(&mut rx), n);
    }
    assert!(rx.recv().is_err(), "the sender has left");
    sending.join().expect("no panic");
}

fn in_pieces(tx: &mut Sender, n: u64) {
    let message = bytes(n, len(n));
    let (one, other) = message.split_at(len(n) / 3);
    tx.send_vectored(&[IoSlice::new(one), IoSlice::new(other)]).expect("a receiver");
}

fn into_a_vector(rx: &mut Receiver) -> u64 {
    let mut message = Vec::new();
    rx.recv_into(&mut message).expect("a message");
    number_of(&message)
}

fn claimed(tx: &mut Sender, n: u64) {
    let mut claim = tx.claim(len(n)).expect("a receiver");
    write(&mut claim[..len(n)], n);
    claim.commit(len(n));
}

/// Every third one is given back once.
fn referred(rx: &mut Receiver) -> u64 {
    let guard = rx.recv_ref().expect("a message");
    let n = number_of(&guard);
    if n % 3 != 0 || guard.is_redelivered() {
        guard.commit();
        return n;
    }
    drop(guard);
    referred(rx)
}

/// Longer than the ring: it is read while it is being written.
fn written(tx: &mut Sender, n: u64) {
    let message = bytes(n, 2100 + len(n));
    let mut writer = tx.writer(None);
    message.chunks(700).for_each(|piece| writer.write_all(piece).expect("a reader"));
    writer.finish().expect("a reader");
}

fn read(rx: &mut Receiver) -> u64 {
    let mut message = Vec::new();
    rx.reader().expect("a message").read_to_end(&mut message).expect("all of it");
    number_of(&message)
}

fn tried(tx: &mut Sender, n: u64) {
    while tx.try_send(&bytes(n, len(n))).is_err() {
        assert!(!tx.is_disconnected());
        thread::yield_now();
    }
}
