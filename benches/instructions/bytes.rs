//! The hot operations of messages of bytes.

use super::Link;
use ringway::bytes::spsc::{Receiver, Sender, channel};
use std::hint::black_box;

fn link() -> Link<Sender, Receiver> {
    let (tx, rx) = channel(1 << 20).expect("memory for a channel");
    Link { tx, rx }
}

/// Sends a message of so many bytes, and receives it into memory that has room for it.
pub(super) fn pair<const BYTES: usize>(n: u64) {
    #[inline(never)]
    fn repeat<const BYTES: usize>(link: &mut Link<Sender, Receiver>, n: u64) {
        let message = [7; BYTES];
        let mut received = Vec::with_capacity(BYTES);
        for _ in 0..n {
            let link = black_box(&mut *link);
            link.tx.send(black_box(&message[..])).expect("a receiver");
            link.rx.recv_into(&mut received).expect("a message");
        }
    }
    repeat::<BYTES>(&mut link(), n);
}

/// Writes a message of 64 bytes where it will lie, and reads it where it lies.
pub(super) fn in_place(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Link<Sender, Receiver>, n: u64) {
        for _ in 0..n {
            let link = black_box(&mut *link);
            let mut claim = link.tx.claim(64).expect("a receiver");
            claim[0] = 7;
            claim.commit_all();
            let message = link.rx.recv_ref().expect("a message");
            black_box(message[63]);
            message.commit();
        }
    }
    repeat(&mut link(), n);
}

pub(super) fn try_send_full(n: u64) {
    let mut link = link();
    while link.tx.try_send(&[0; 4096]).is_ok() {}
    for _ in 0..n {
        assert!(black_box(&mut link).tx.try_send(&[0; 4096]).is_err_and(|error| error.is_full()));
    }
}

pub(super) fn try_recv_empty(n: u64) {
    let (mut link, mut received) = (link(), Vec::new());
    for _ in 0..n {
        assert!(black_box(&mut link).rx.try_recv_into(&mut received).is_err_and(|error| error.is_empty()));
    }
}
