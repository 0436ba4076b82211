//! What an operation asks of the kernel, counted: nothing where there is a message or room, one wake if the other end sleeps.
//!
//! A process of its own plays a scene under the eyes of its parent (`ptrace`), which notes the calls of the thread that plays,
//! between two marks. Where tracing is not permitted, that is said and passed over.
#![cfg(target_arch = "x86_64")]

mod support;
#[path = "support/tracer.rs"]
mod traced;

use nix::libc;
use ringway::{Options, WaitStrategy, bytes, mpmc, spsc, stream};
use std::io::{Read, Write};
use std::time::Duration;
use support::{Child, Dir, role, skip, tell, until};
use traced::{Call, mark, traced};

const NAME: &str = "channel";
const TIMES: usize = 2000;

/// Its name, and what is played.
type Scene = (&'static str, fn(&Dir));

/// Calls `work` between two marks. What it needs to have done before, it has done by then.
fn marked<R>(work: impl FnOnce() -> R) -> R {
    mark();
    let result = work();
    mark();
    result
}

/// The calls that `play` makes between its marks; `None`: tracing is not permitted.
fn calls(play: impl FnOnce()) -> Option<Vec<i64>> {
    let mut calls = Vec::new();
    let note = |call: Call| {
        calls.push(call.number);
        None
    };
    let play = || {
        play();
        "played".to_owned()
    };
    let said = traced(note, play)?;
    assert_eq!((said.line.as_str(), said.marks), ("played", 2), "a play with a beginning and an end");
    Some(calls)
}

/// Plays each scene in a small process, and gives what was counted to `check`.
fn counted(test: &str, scenes: &[Scene], check: impl Fn(&str, &[i64])) {
    let dir = Dir::new();
    let Some(wanted) = role() else {
        for (name, _) in scenes {
            let mut child = Child::start(test, name, &dir);
            let said = child.hear();
            if said == "refused" {
                skip(format_args!("{name}: tracing is not permitted here"));
                continue;
            }
            let numbers: Vec<i64> = said.split_whitespace().map(|number| number.parse().expect("a number")).collect();
            check(name, &numbers);
            child.succeed();
            assert!(dir.files().is_empty(), "{name}: {:?}", dir.files());
        }
        return;
    };
    let (_, scene) = scenes.iter().find(|(name, _)| *name == wanted).expect("a scene");
    match calls(|| scene(&dir)) {
        Some(calls) => tell(calls.iter().map(|number| format!("{number} ")).collect::<String>()),
        None => tell("refused"),
    }
}

fn asleep(dir: &Dir) -> Options {
    // Nobody looks up by himself, so that each call is one that an operation has made.
    dir.options().capacity(64).wait(WaitStrategy::Sleep).slice(Duration::MAX)
}

/// An operation and the one that takes back what it did, often enough to come around the ring.
fn often(mut there_and_back: impl FnMut()) {
    // What is done once in a process's life has been done: who sends much registers for the kernel's barrier.
    (0..TIMES).for_each(|_| there_and_back());
    marked(|| (0..TIMES).for_each(|_| there_and_back()));
}

fn one_to_one(dir: &Dir) {
    let mut tx = spsc::Sender::<u64>::create_with(NAME, &asleep(dir)).unwrap();
    let mut rx = spsc::Receiver::<u64>::open_with(NAME, &asleep(dir)).unwrap();
    let mut batch = [0; 8];
    often(|| {
        tx.send(1).unwrap();
        tx.try_send(2).unwrap();
        assert_eq!((rx.recv().unwrap(), rx.try_recv().unwrap()), (1, 2));
        assert!(rx.try_recv().is_err());
        tx.send_many(&[3; 8]).unwrap();
        assert_eq!(rx.recv_many(&mut batch).unwrap(), 8);
        let mut grant = tx.try_reserve(5).unwrap();
        grant.fill(0..5);
        grant.commit_all();
        assert_eq!(rx.try_read(5).unwrap().len(), 5);
        tx.send(6).unwrap();
        rx.recv_ref().unwrap().commit();
        while rx.try_recv().is_ok() {}
    });
}

fn many_to_many(dir: &Dir) {
    let tx = mpmc::Sender::<u64>::create_with(NAME, &asleep(dir)).unwrap();
    let rx = mpmc::Receiver::<u64>::open_with(NAME, &asleep(dir)).unwrap();
    let mut batch = [0; 8];
    often(|| {
        tx.send(1).unwrap();
        tx.try_send(2).unwrap();
        assert_eq!((rx.recv().unwrap(), rx.try_recv().unwrap()), (1, 2));
        assert!(rx.try_recv().is_err());
        tx.send_many(&[3; 8]).unwrap();
        assert_eq!(rx.recv_many(&mut batch).unwrap(), 8);
        tx.send(6).unwrap();
        rx.recv_ref().unwrap().commit();
    });
}

fn bytes_one_to_one(dir: &Dir) {
    let mut tx = bytes::spsc::Sender::create_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    let mut rx = bytes::spsc::Receiver::open_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    let mut message = Vec::with_capacity(4096);
    often(|| {
        tx.send(&[7; 1000]).unwrap();
        rx.recv_into(&mut message).unwrap();
        tx.try_send(b"short").unwrap();
        rx.try_recv_into(&mut message).unwrap();
        let mut claim = tx.try_claim(100).unwrap();
        claim.fill(1);
        claim.commit_all();
        rx.recv_ref().unwrap().commit();
        assert!(rx.try_recv_into(&mut message).is_err());
    });
}

fn bytes_many_to_many(dir: &Dir) {
    let tx = bytes::mpmc::Sender::create_with(NAME, &asleep(dir)).unwrap();
    let rx = bytes::mpmc::Receiver::open_with(NAME, &asleep(dir)).unwrap();
    let mut message = Vec::with_capacity(100_000);
    often(|| {
        // In the slot, in a short lane, in a long one.
        for len in [8, 1000, 100_000] {
            tx.send(&[7; 100_000][..len]).unwrap();
            rx.recv_into(&mut message).unwrap();
            assert_eq!(message.len(), len);
        }
        let mut loan = tx.loan(1000).unwrap();
        loan.fill(1);
        loan.send().unwrap();
        rx.recv_ref().unwrap().commit();
        assert!(rx.try_recv_into(&mut message).is_err());
    });
}

fn streams(dir: &Dir) {
    let mut tx = stream::Writer::create_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    let mut rx = stream::Reader::open_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    let mut bytes = [0; 1000];
    often(|| {
        tx.write_all(&[5; 1000]).unwrap();
        tx.flush().unwrap();
        rx.read_exact(&mut bytes).unwrap();
    });
}

/// Under each kind, thousands of rounds of every hot operation ask the kernel nothing, whichever way the ends sleep.
#[test]
fn where_there_is_a_message_or_room_the_kernel_is_not_asked() {
    let scenes: &[Scene] = &[
        ("one to one", one_to_one),
        ("many to many", many_to_many),
        ("bytes, one to one", bytes_one_to_one),
        ("bytes, many to many", bytes_many_to_many),
        ("streams", streams),
    ];
    counted(&here!(), scenes, |name, calls| assert!(calls.is_empty(), "{name}: {calls:?}"));
}

/// Runs `wait` in a thread; returns when that sleeps.
fn sleeper<R: Send + 'static>(wait: impl FnOnce() -> R + Send + 'static) -> std::thread::JoinHandle<R> {
    let (here, there) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        here.send(nix::unistd::gettid()).expect("somebody who hears");
        wait()
    });
    let call = format!("/proc/self/task/{}/syscall", there.recv().expect("a thread"));
    let futex = format!("{} ", libc::SYS_futex);
    until("it sleeps", || std::fs::read_to_string(&call).is_ok_and(|call| call.starts_with(&futex)));
    waiting
}

/// What `wait` comes to, which sleeps until `wake` is called between marks.
fn wakes<R: Send + 'static>(wait: impl FnOnce() -> R + Send + 'static, wake: impl FnOnce()) -> R {
    let waiting = sleeper(wait);
    marked(wake);
    waiting.join().expect("it wakes")
}

fn a_sleeping_receiver(dir: &Dir) {
    let mut tx = spsc::Sender::<u64>::create_with(NAME, &asleep(dir)).unwrap();
    let mut rx = spsc::Receiver::<u64>::open_with(NAME, &asleep(dir)).unwrap();
    assert_eq!(wakes(move || rx.recv().map(|message| (message, rx)), || tx.send(1).unwrap()).unwrap().0, 1);
}

fn a_sleeping_sender(dir: &Dir) {
    let mut tx = spsc::Sender::<u64>::create_with(NAME, &asleep(dir).capacity(1)).unwrap();
    let mut rx = spsc::Receiver::<u64>::open_with(NAME, &asleep(dir).capacity(1)).unwrap();
    tx.send(1).unwrap();
    let tx = wakes(move || tx.send(2).map(|()| tx), || assert_eq!(rx.recv(), Ok(1)));
    assert!(tx.is_ok());
}

/// One message wakes one of two.
fn one_of_two_sleeping_receivers(dir: &Dir) {
    let tx = mpmc::Sender::<u64>::create_with(NAME, &asleep(dir)).unwrap();
    let rx = mpmc::Receiver::<u64>::open_with(NAME, &asleep(dir)).unwrap();
    let both = [rx.clone(), rx].map(|rx| sleeper(move || rx.recv()));
    marked(|| tx.send(1).unwrap());
    tx.send(2).unwrap();
    let mut got = both.map(|waiting| waiting.join().expect("it wakes").unwrap());
    got.sort();
    assert_eq!(got, [1, 2]);
}

fn a_sleeping_receiver_of_bytes(dir: &Dir) {
    let mut tx = bytes::spsc::Sender::create_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    let mut rx = bytes::spsc::Receiver::open_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    assert_eq!(wakes(move || rx.recv().map(|message| (message, rx)), || tx.send(b"one").unwrap()).unwrap().0, b"one");
}

fn a_sleeping_reader(dir: &Dir) {
    let mut tx = stream::Writer::create_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    let mut rx = stream::Reader::open_with(NAME, &asleep(dir).capacity(4096)).unwrap();
    let mut byte = [0];
    let wait = move || rx.read_exact(&mut byte).map(|()| rx);
    assert!(wakes(wait, || tx.write_all(b"1").unwrap()).is_ok());
}

/// Who sleeps is woken by one call, the same that a bare futex takes.
#[test]
fn who_sleeps_costs_one_wake() {
    let scenes: &[Scene] = &[
        ("a receiver", a_sleeping_receiver),
        ("a sender", a_sleeping_sender),
        ("one of two receivers", one_of_two_sleeping_receivers),
        ("a receiver of bytes", a_sleeping_receiver_of_bytes),
        ("a reader", a_sleeping_reader),
    ];
    counted(&here!(), scenes, |name, calls| assert_eq!(calls, [libc::SYS_futex], "{name}"));
}

fn creating(dir: &Dir) {
    marked(|| drop(spsc::Sender::<u64>::create_with(NAME, &dir.options().capacity(64)).unwrap()));
}

fn opening(dir: &Dir) {
    let _tx = spsc::Sender::<u64>::create_with(NAME, &dir.options().capacity(64)).unwrap();
    marked(|| drop(spsc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap()));
}

fn opening_many(dir: &Dir) {
    let _tx = mpmc::Sender::<u64>::create_with(NAME, &dir.options().capacity(64)).unwrap();
    marked(|| drop(mpmc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap()));
}

/// Coming and going, together; the README says how much.
#[test]
fn who_comes_and_goes_asks_some_dozens_of_times() {
    let scenes: &[Scene] = &[("creating", creating), ("opening", opening), ("opening among many", opening_many)];
    counted(&here!(), scenes, |name, calls| {
        println!("{name}, and leaving: {} calls: {calls:?}", calls.len());
        assert!((1..=50).contains(&calls.len()), "{name}: {} calls: {calls:?}", calls.len());
    });
}
