//! How far is the ring from the machine's own limit, and from the best ring between two threads?
//!
//! Two real processes, pinned to two processors (rtrb, which knows no processes: two threads). All contestants take
//! turns, round by round, so that a noisy machine is noisy for all; figures are medians, ratios are medians of the
//! ratios within a round. Every message is checked.
//!
//! `cargo bench --bench ring [-- ROUNDS]`

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use ringway::spsc::{Receiver, Sender};
use ringway::{Options, WaitStrategy};
use std::hint::spin_loop;
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::Instant;

const ROUND_TRIPS: u64 = 200_000;
const MESSAGES: u64 = 10_000_000;
const CAPACITY: usize = 4096;
const BATCH: usize = 64;

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu).expect("a processor's number");
    // A machine with one processor, or a container that forbids it: figures will say so themselves.
    let _ = sched_setaffinity(Pid::from_raw(0), &set);
}

/// Seconds from the parent's start to the child's end. This process has one thread, so it may fork; each side opens its
/// own end afterwards, and the clock starts when the child is on its processor.
fn duo(child: impl FnOnce(), parent: impl FnOnce()) -> f64 {
    let (mut ready, mut says_ready) = std::os::unix::net::UnixStream::pair().expect("two sockets");
    // SAFETY: one thread only, see above.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("fork") {
        ForkResult::Child => {
            pin(1);
            says_ready.write_all(b"!").expect("the parent");
            child();
            std::process::exit(0);
        }
        ForkResult::Parent { child } => {
            pin(0);
            ready.read_exact(&mut [0]).expect("the child");
            let start = Instant::now();
            parent();
            let status = waitpid(child, None).expect("the child's end");
            assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
            start.elapsed().as_secs_f64()
        }
    }
}

#[repr(align(128))]
struct Line(AtomicU64);

/// Nanoseconds a round trip: one word each way, on lines of their own.
fn limit_round_trip() -> f64 {
    let len = NonZeroUsize::new(4096).expect("not zero");
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh mapping at an address that the kernel chooses.
    #[allow(unsafe_code)]
    let page = unsafe { mmap_anonymous(None, len, access, MapFlags::MAP_SHARED) }.expect("a page");
    // SAFETY: aligned to a page, zeroed and so two valid words, never unmapped.
    #[allow(unsafe_code)]
    let [ping, pong] = unsafe { page.cast::<[Line; 2]>().as_ref() };
    let seconds = duo(
        || {
            for i in 1..=ROUND_TRIPS {
                while ping.0.load(Acquire) != i {
                    spin_loop();
                }
                pong.0.store(i, Release);
            }
        },
        || {
            for i in 1..=ROUND_TRIPS {
                ping.0.store(i, Release);
                while pong.0.load(Acquire) != i {
                    spin_loop();
                }
            }
        },
    );
    seconds / ROUND_TRIPS as f64 * 1e9
}

fn name(what: &str) -> String {
    format!("bench-{what}-{}", std::process::id())
}

/// Nanoseconds a round trip through two channels.
fn round_trip(strategy: WaitStrategy) -> f64 {
    let (there, back) = (name("there"), name("back"));
    let options = Options::new().capacity(64).wait(strategy).open_timeout(std::time::Duration::from_secs(5));
    let mut to = Sender::<u64>::create_with(&there, &options).expect("a channel");
    let mut from = Receiver::<u64>::create_with(&back, &options).expect("a channel");
    let seconds = duo(
        || {
            let mut from = Receiver::<u64>::open_with(&there, &options).expect("the channel");
            let mut to = Sender::<u64>::open_with(&back, &options).expect("the channel");
            while let Ok(message) = from.recv() {
                if to.send(message).is_err() || message == ROUND_TRIPS {
                    break;
                }
            }
        },
        || {
            for i in 1..=ROUND_TRIPS {
                to.send(i).expect("somebody at the other end");
                assert_eq!(from.recv(), Ok(i));
            }
        },
    );
    seconds / ROUND_TRIPS as f64 * 1e9
}

/// Million messages a second, one way.
fn one_way(sender: WaitStrategy, receiver: WaitStrategy, batch: usize) -> f64 {
    let name = name("one-way");
    let options = Options::new().capacity(CAPACITY).open_timeout(std::time::Duration::from_secs(5));
    let mut tx = Sender::<u64>::create_with(&name, &options.clone().wait(sender)).expect("a channel");
    let seconds = duo(
        || {
            let mut rx = Receiver::<u64>::open_with(&name, &options.clone().wait(receiver)).expect("the channel");
            let mut expected = 0;
            if batch == 1 {
                while expected < MESSAGES {
                    assert_eq!(rx.recv(), Ok(expected));
                    expected += 1;
                }
            } else {
                let mut messages = vec![0; batch];
                while expected < MESSAGES {
                    let n = rx.recv_many(&mut messages).expect("the rest");
                    for message in &messages[..n] {
                        assert_eq!(*message, expected);
                        expected += 1;
                    }
                }
            }
        },
        || {
            if batch == 1 {
                for i in 0..MESSAGES {
                    tx.send(i).expect("somebody at the other end");
                }
            } else {
                let mut messages = vec![0; batch];
                let mut next = 0;
                while next < MESSAGES {
                    let n = (MESSAGES - next).min(batch as u64) as usize;
                    messages.iter_mut().for_each(|message| {
                        *message = next;
                        next += 1;
                    });
                    next -= (batch - n) as u64;
                    tx.send_many(&messages[..n]).expect("somebody at the other end");
                }
            }
        },
    );
    MESSAGES as f64 / seconds / 1e6
}

/// The same between two threads, through rtrb.
fn rtrb_one_way(batch: usize) -> f64 {
    let (mut tx, mut rx) = rtrb::RingBuffer::<u64>::new(CAPACITY);
    let (says_ready, ready) = std::sync::mpsc::channel();
    let consumer = std::thread::spawn(move || {
        pin(1);
        says_ready.send(()).expect("the producer");
        let mut expected = 0;
        while expected < MESSAGES {
            if batch == 1 {
                match rx.pop() {
                    Ok(message) => {
                        assert_eq!(message, expected);
                        expected += 1;
                    }
                    Err(_) => spin_loop(),
                }
                continue;
            }
            let n = rx.slots().min(batch);
            if n == 0 {
                spin_loop();
                continue;
            }
            let chunk = rx.read_chunk(n).expect("so many");
            for message in chunk {
                assert_eq!(message, expected);
                expected += 1;
            }
        }
    });
    pin(0);
    ready.recv().expect("the consumer");
    let start = Instant::now();
    let mut next = 0;
    while next < MESSAGES {
        if batch == 1 {
            match tx.push(next) {
                Ok(()) => next += 1,
                Err(_) => spin_loop(),
            }
            continue;
        }
        let n = ((MESSAGES - next) as usize).min(batch).min(tx.slots());
        if n == 0 {
            spin_loop();
            continue;
        }
        let chunk = tx.write_chunk_uninit(n).expect("so many");
        next += chunk.fill_from_iter(next..) as u64;
    }
    consumer.join().expect("the consumer");
    MESSAGES as f64 / start.elapsed().as_secs_f64() / 1e6
}

/// A row of the table: its name, how it is measured, the row it is compared with, and whether less is better.
type Row = (&'static str, fn() -> f64, Option<usize>);

const DEFAULT: WaitStrategy = WaitStrategy::SpinThenSleep(std::time::Duration::from_micros(20));

const ROWS: &[Row] = &[
    ("round trip, bare atomics, ns", limit_round_trip, None),
    ("round trip, spinning, ns", || round_trip(WaitStrategy::Spin), Some(0)),
    ("round trip, default waiting, ns", || round_trip(DEFAULT), Some(0)),
    ("one way, rtrb between threads, M/s", || rtrb_one_way(1), None),
    ("one way, neither end sleeps, M/s", || one_way(WaitStrategy::Spin, WaitStrategy::Spin, 1), Some(3)),
    ("one way, receiver never sleeps, M/s", || one_way(DEFAULT, WaitStrategy::Spin, 1), Some(3)),
    ("one way, default waiting, M/s", || one_way(DEFAULT, DEFAULT, 1), Some(3)),
    ("one way, rtrb, batches of 64, M/s", || rtrb_one_way(BATCH), None),
    ("one way, batches of 64, default, M/s", || one_way(DEFAULT, DEFAULT, BATCH), Some(7)),
];

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let rounds: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(5);
    let mut figures = vec![Vec::new(); ROWS.len()];
    for _ in 0..rounds {
        for (row, (_, measure, _)) in ROWS.iter().enumerate() {
            figures[row].push(measure());
        }
    }
    println!("{:40} {:>9} {:>9} {:>9} {:>7}", format!("{rounds} rounds"), "median", "min", "max", "ratio");
    for (row, (what, _, base)) in ROWS.iter().enumerate() {
        let mut sorted = figures[row].clone();
        let middle = median(&mut sorted);
        let ratio = base.map_or(String::new(), |base| {
            let mut ratios: Vec<f64> = figures[row].iter().zip(&figures[base]).map(|(a, b)| a / b).collect();
            format!("{:.2}", median(&mut ratios))
        });
        println!("{what:40} {middle:9.1} {:9.1} {:9.1} {ratio:>7}", sorted[0], sorted[rounds - 1]);
    }
    println!("\nround by round, for machines that change under us:");
    for (row, (what, _, _)) in ROWS.iter().enumerate() {
        let each: Vec<String> = figures[row].iter().map(|figure| format!("{figure:8.1}")).collect();
        println!("{what:40} {}", each.join(" "));
    }
}
