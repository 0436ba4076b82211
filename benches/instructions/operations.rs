//! The hot operations, each through the public interface, in one thread, with both ends in this process.
//!
//! Each is a function that makes its channel, does what it has to do before, and then repeats the operation so often.
//! Only the repetitions grow with the number, so the difference of two counts is theirs alone.

#[path = "bytes.rs"]
mod bytes;
#[path = "handed.rs"]
mod handed;
#[path = "many_bytes.rs"]
mod many_bytes;
#[path = "mpmc.rs"]
mod mpmc;
#[path = "streams.rs"]
mod streams;

use ringway::spsc::{Receiver, Sender, channel_with};
use ringway::{Options, WaitStrategy};
use std::hint::black_box;

/// Messages in a batch and in a grant.
const BATCH: usize = 64;
/// Room where what is sent is received at once.
const SMALL: usize = 1024;
/// Room where one side goes first, for all that it does: more than [`ITERATIONS_MAX`].
const LARGE: usize = 65_536;
/// The most repetitions that the operations have room for.
pub(crate) const ITERATIONS_MAX: u64 = 60_000;

/// An operation that is counted.
pub(crate) struct Operation {
    /// What it is called in the table and in the baseline.
    pub(crate) name: &'static str,
    /// Messages that one repetition moves, and that its instructions are divided by.
    pub(crate) messages: u64,
    /// Repeats it so often.
    pub(crate) run: fn(u64),
}

/// Every operation, in the order of the table.
pub(crate) const OPERATIONS: &[Operation] = &[
    one("loop that does nothing", nothing),
    one("rtrb: push and pop, 8 bytes", rtrb_pair),
    one("send and recv, 8 bytes", |n| pair::<1>(&Options::new(), n)),
    one("send and recv, 8 bytes, both ends spin", |n| pair::<1>(&Options::new().wait(WaitStrategy::Spin), n)),
    one("send and recv, 64 bytes", |n| pair::<8>(&Options::new(), n)),
    one("send and recv, 1024 bytes", |n| pair::<128>(&Options::new(), n)),
    one("send, 8 bytes", send),
    one("recv, 8 bytes", recv),
    one("try_send that says Full", try_send_full),
    one("try_recv that says Empty", try_recv_empty),
    one("recv_ref and commit, 8 bytes", recv_ref),
    many("send_many and recv_many of 64, a message", send_many),
    many("grants of 64 in place, a message", grants),
    one("stream: write and read of 64 bytes", streams::pair),
    one("stream: write and fill_buf of 64 bytes", streams::in_place),
    one("stream: read that finds nothing", streams::read_nothing),
    one("duplex: 64 bytes there and back", streams::both_ways),
    one("bytes: send and recv_into, 8 bytes", bytes::pair::<8>),
    one("bytes: send and recv_into, 64 bytes", bytes::pair::<64>),
    one("bytes: send and recv_into, 1024 bytes", bytes::pair::<1024>),
    one("bytes: claim and recv_ref, 64 bytes", bytes::in_place),
    one("bytes: try_send that says Full", bytes::try_send_full),
    one("bytes: try_recv that says Empty", bytes::try_recv_empty),
    one("handed over: send and recv, 8 bytes", handed::pair),
    one("handed over: bytes, send and recv_into, 64 bytes", handed::bytes_pair),
    one("ArrayQueue: push and pop, 8 bytes", array_queue_pair),
    one("mpmc: send and recv, 8 bytes", mpmc::pair::<1>),
    one("mpmc: send and recv, 64 bytes", mpmc::pair::<8>),
    one("mpmc: try_send that says Full", mpmc::try_send_full),
    one("mpmc: try_recv that says Empty", mpmc::try_recv_empty),
    one("mpmc: recv_ref and commit, 8 bytes", mpmc::recv_ref),
    many("mpmc: send_many and recv_many of 64, a message", mpmc::send_many),
    one("bytes::mpmc: send and recv_into, 64 bytes", many_bytes::pair::<64>),
    one("bytes::mpmc: send and recv_into, 1024 bytes", many_bytes::pair::<1024>),
    one("bytes::mpmc: loan of 4096 and recv_ref", many_bytes::loan),
    one("bytes::mpmc: send_with and recv_with, 64 bytes", many_bytes::made_and_seen),
    one("bytes::mpmc: try_send that says Full", many_bytes::try_send_full),
    one("bytes::mpmc: try_recv that says Empty", many_bytes::try_recv_empty),
];

const fn one(name: &'static str, run: fn(u64)) -> Operation {
    Operation { name, messages: 1, run }
}

const fn many(name: &'static str, run: fn(u64)) -> Operation {
    Operation { name, messages: BATCH as u64, run }
}

/// Both ends, as somebody holds them who has more to do: fields behind a reference.
///
/// Each repetition sees the reference through a [`black_box`]: what the ends keep in their fields is then loaded and
/// stored each time, as it is between two calls in a program, and not kept in registers for the length of the loop.
struct Link<S, R> {
    tx: S,
    rx: R,
}

type Channel<const WORDS: usize> = Link<Sender<[u64; WORDS]>, Receiver<[u64; WORDS]>>;

fn link<const WORDS: usize>(options: &Options, capacity: usize) -> Channel<WORDS> {
    let (tx, rx) = channel_with(&options.clone().capacity(capacity)).expect("memory for a channel");
    Link { tx, rx }
}

fn nothing(n: u64) {
    for i in 0..n {
        black_box(i);
    }
}

fn pair<const WORDS: usize>(options: &Options, n: u64) {
    #[inline(never)]
    fn repeat<const WORDS: usize>(link: &mut Channel<WORDS>, n: u64) {
        for i in 0..n {
            let link = black_box(&mut *link);
            link.tx.send([i; WORDS]).expect("room");
            black_box(link.rx.recv().expect("a message"));
        }
    }
    repeat(&mut link::<WORDS>(options, SMALL), n);
}

fn send(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Channel<1>, n: u64) {
        for i in 0..n {
            black_box(&mut *link).tx.send([i]).expect("room");
        }
    }
    let mut link = link(&Options::new(), LARGE);
    repeat(&mut link, n);
    assert_eq!(link.rx.len() as u64, n, "all of them are there");
}

/// A channel with as many messages as are ever received from it.
fn full_enough() -> Channel<1> {
    let mut link = link(&Options::new(), LARGE);
    for i in 0..ITERATIONS_MAX {
        link.tx.send([i]).expect("room");
    }
    link
}

fn recv(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Channel<1>, n: u64) -> u64 {
        let mut last = 0;
        for _ in 0..n {
            [last] = black_box(&mut *link).rx.recv().expect("a message");
        }
        last
    }
    assert_eq!(repeat(&mut full_enough(), n) + 1, n, "the last of them");
}

fn recv_ref(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Channel<1>, n: u64) -> u64 {
        let mut last = 0;
        for _ in 0..n {
            let guard = black_box(&mut *link).rx.recv_ref().expect("a message");
            [last] = *guard;
            guard.commit();
        }
        last
    }
    assert_eq!(repeat(&mut full_enough(), n) + 1, n, "the last of them");
}

fn try_send_full(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Channel<1>, n: u64) {
        for i in 0..n {
            assert!(black_box(&mut *link).tx.try_send([i]).is_err_and(|error| error.is_full()));
        }
    }
    let mut link = link(&Options::new(), SMALL);
    while link.tx.try_send([0]).is_ok() {}
    repeat(&mut link, n);
}

fn try_recv_empty(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Channel<1>, n: u64) {
        for _ in 0..n {
            assert!(black_box(&mut *link).rx.try_recv().is_err_and(|error| error.is_empty()));
        }
    }
    repeat(&mut link(&Options::new(), SMALL), n);
}

fn send_many(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Channel<1>, n: u64) {
        let mut messages = [[7]; BATCH];
        for _ in 0..n {
            let link = black_box(&mut *link);
            link.tx.send_many(&messages).expect("room");
            assert_eq!(link.rx.recv_many(&mut messages), Ok(BATCH));
        }
    }
    repeat(&mut link(&Options::new(), SMALL), n);
}

fn grants(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Channel<1>, n: u64) -> u64 {
        let mut sum = 0;
        for i in 0..n {
            let link = black_box(&mut *link);
            let mut room = link.tx.try_reserve(BATCH).expect("room");
            for run in room.runs_mut() {
                run.fill([i]);
            }
            room.commit_all();
            let there = link.rx.try_read(BATCH).expect("messages");
            for run in there.runs() {
                sum += run.iter().map(|[word]| word).sum::<u64>();
            }
            there.release_all();
        }
        sum
    }
    assert_eq!(repeat(&mut link(&Options::new(), SMALL), n), n * n.saturating_sub(1) / 2 * BATCH as u64);
}

/// The yardstick: a ring between two threads, that knows no processes, no waiting and no death.
fn rtrb_pair(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Link<rtrb::Producer<u64>, rtrb::Consumer<u64>>, n: u64) {
        for i in 0..n {
            let link = black_box(&mut *link);
            link.tx.push(i).expect("room");
            black_box(link.rx.pop().expect("a message"));
        }
    }
    let (tx, rx) = rtrb::RingBuffer::new(SMALL);
    repeat(&mut Link { tx, rx }, n);
}

fn array_queue_pair(n: u64) {
    let queue = crossbeam_queue::ArrayQueue::new(SMALL);
    for i in 0..n {
        let queue = black_box(&queue);
        queue.push([i]).expect("room");
        black_box(queue.pop().expect("a message"));
    }
}
