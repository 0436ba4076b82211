//! The hot operations of messages of bytes, many to many.

use super::{Link, SMALL};
use ringway::bytes::mpmc::{Receiver, Sender, channel};
use std::hint::black_box;

fn link() -> Link<Sender, Receiver> {
    let (tx, rx) = channel(SMALL).expect("memory for a channel");
    Link { tx, rx }
}

/// Sends a message of so many bytes, and receives it into memory that has room for it: in the ring, or in a lane.
pub(super) fn pair<const BYTES: usize>(n: u64) {
    #[inline(never)]
    fn repeat<const BYTES: usize>(link: &Link<Sender, Receiver>, n: u64) {
        let message = [7; BYTES];
        let mut received = Vec::with_capacity(BYTES);
        for _ in 0..n {
            let link = black_box(link);
            link.tx.send(black_box(&message[..])).expect("a receiver");
            link.rx.recv_into(&mut received).expect("a message");
        }
    }
    repeat::<BYTES>(&link(), n);
}

/// Lends 4 KiB, touches one of them, sends it, and reads it where it lies.
pub(super) fn loan(n: u64) {
    #[inline(never)]
    fn repeat(link: &Link<Sender, Receiver>, n: u64) {
        for _ in 0..n {
            let link = black_box(link);
            let mut loan = link.tx.loan(4096).expect("memory");
            loan[0] = 7;
            loan.send().expect("a receiver");
            let message = link.rx.recv_ref().expect("a message");
            black_box(message[0]);
            message.commit();
        }
    }
    repeat(&link(), n);
}

pub(super) fn try_recv_empty(n: u64) {
    let link = link();
    for _ in 0..n {
        assert!(black_box(&link).rx.try_recv().is_err_and(|error| error.is_empty()));
    }
}

pub(super) fn try_send_full(n: u64) {
    let link = link();
    while link.tx.try_send(&[7; 64]).is_ok() {}
    for _ in 0..n {
        assert!(black_box(&link).tx.try_send(&[7; 64]).is_err_and(|error| error.is_full()));
    }
}

/// Makes a message of 64 bytes and looks at it, wherever the channel chooses to have it.
pub(super) fn made_and_seen(n: u64) {
    #[inline(never)]
    fn repeat(link: &Link<Sender, Receiver>, n: u64) {
        for _ in 0..n {
            let link = black_box(link);
            link.tx.send_with(64, |bytes| bytes.fill(7)).expect("a receiver");
            black_box(link.rx.recv_with(|bytes| bytes[63]).expect("a message"));
        }
    }
    repeat(&link(), n);
}
