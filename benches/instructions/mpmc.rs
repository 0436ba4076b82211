//! The hot operations of many-to-many channels.

use super::{BATCH, ITERATIONS_MAX, LARGE, Link, SMALL};
use ringway::Options;
use ringway::mpmc::{Receiver, Sender, channel_with};
use std::hint::black_box;

type Channel<const WORDS: usize> = Link<Sender<[u64; WORDS]>, Receiver<[u64; WORDS]>>;

fn link<const WORDS: usize>(capacity: usize) -> Channel<WORDS> {
    let (tx, rx) = channel_with(&Options::new().capacity(capacity)).expect("memory for a channel");
    Link { tx, rx }
}

pub(super) fn pair<const WORDS: usize>(n: u64) {
    #[inline(never)]
    fn repeat<const WORDS: usize>(link: &Channel<WORDS>, n: u64) {
        for i in 0..n {
            let link = black_box(link);
            link.tx.send([i; WORDS]).expect("room");
            black_box(link.rx.recv().expect("a message"));
        }
    }
    repeat(&link::<WORDS>(SMALL), n);
}

pub(super) fn try_send_full(n: u64) {
    let link = link::<1>(SMALL);
    while link.tx.try_send([0]).is_ok() {}
    for i in 0..n {
        assert!(black_box(&link).tx.try_send([i]).is_err_and(|error| error.is_full()));
    }
}

pub(super) fn try_recv_empty(n: u64) {
    let link = link::<1>(SMALL);
    for _ in 0..n {
        assert!(black_box(&link).rx.try_recv().is_err_and(|error| error.is_empty()));
    }
}

pub(super) fn recv_ref(n: u64) {
    let link = link::<1>(LARGE);
    (0..ITERATIONS_MAX).for_each(|i| link.tx.send([i]).expect("room"));
    for i in 0..n {
        let guard = black_box(&link).rx.recv_ref().expect("a message");
        assert_eq!(*guard, [i]);
        guard.commit();
    }
}

pub(super) fn send_many(n: u64) {
    let link = link::<1>(SMALL);
    let mut messages = [[7]; BATCH];
    for _ in 0..n {
        let link = black_box(&link);
        link.tx.send_many(&messages).expect("room");
        assert_eq!(link.rx.recv_many(&mut messages), Ok(BATCH));
    }
}
