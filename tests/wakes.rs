//! No wake is ever lost, and none is needed twice: two processes that sleep at every step, with slices switched off, so
//! that nothing but the ring of the other end can wake anybody. A lost wake is a hang, and a watchdog says where.
//!
//! `RINGWAY_WAKES` is the number of messages of each test; by hand ten million.

mod support;

use ringway::spsc::{Receiver, Sender};
use ringway::{Options, WaitStrategy};
use std::time::{Duration, Instant};
use support::{Child, Dir, Random, hear, number, role, tell};

const NAME: &str = "channel";
/// So long without a step of either side is a hang.
const STILL: Duration = Duration::from_secs(10);

fn asleep(dir: &Dir) -> Options {
    dir.patient().wait(WaitStrategy::Sleep).slice(Duration::MAX)
}

/// Spins for a random moment, mostly none, so that falling asleep and ringing meet in every way.
fn dawdle(random: &mut Random) {
    let spins = match random.below(8) {
        0..=3 => 0,
        4..=6 => random.below(200),
        _ => random.below(4000),
    };
    for _ in 0..spins {
        std::hint::spin_loop();
    }
}

/// Tells the parent now and then where this child is.
fn progress(n: u64) {
    if n % 1000 == 0 {
        tell(n);
    }
}

fn receive(dir: &Dir, commits: bool) {
    let mut random = Random::with(2);
    let mut rx = Receiver::<u64>::open_with(NAME, &asleep(dir)).expect("the receiver's end");
    let messages = number("MESSAGES", 0);
    for expected in 0..messages {
        if commits {
            let guard = rx.recv_ref().expect("a message");
            assert_eq!(*guard, expected);
            guard.commit();
        } else {
            assert_eq!(rx.recv(), Ok(expected));
        }
        dawdle(&mut random);
        progress(expected);
    }
    assert!(rx.recv().is_err(), "the sender's leaving rings too");
    tell(format_args!("done, slept {}", rx.stats().sleeps));
}

fn send(dir: &Dir) {
    let mut random = Random::with(1);
    let options = asleep(dir).capacity(number("CAPACITY", 1) as usize);
    let mut tx = Sender::<u64>::create_with(NAME, &options).expect("the sender's end");
    tell("here");
    hear();
    for message in 0..number("MESSAGES", 0) {
        tx.send(message).expect("a receiver");
        dawdle(&mut random);
        progress(message);
    }
    tell(format_args!("done, slept {}", tx.stats().sleeps));
}

/// There and back again through two channels: each side sleeps for every message.
fn echo(dir: &Dir, is_first: bool) {
    let messages = number("MESSAGES", 0);
    let mut random = Random::with(u64::from(is_first) + 3);
    let (there, back) = if is_first { ("there", "back") } else { ("back", "there") };
    let options = asleep(dir).capacity(1);
    let mut tx = Sender::<u64>::open_or_create_with(there, &options).expect("the sender's end");
    let mut rx = Receiver::<u64>::open_or_create_with(back, &options).expect("the receiver's end");
    tell("here");
    hear();
    for n in 0..messages {
        if is_first {
            tx.send(n).expect("a receiver");
        }
        assert_eq!(rx.recv(), Ok(n));
        if !is_first {
            tx.send(n).expect("a receiver");
        }
        dawdle(&mut random);
        progress(n);
    }
    tell(format_args!("done, slept {}", rx.stats().sleeps));
    // Until the other side has everything too.
    hear();
}

/// Waits until all children are done; fails if both of them stand still.
fn watch(children: &mut [Child; 2]) {
    let mut last = ["nothing".to_owned(), "nothing".to_owned()];
    let mut moved = Instant::now();
    while last.iter().any(|line| !line.starts_with("done")) {
        for (child, last) in children.iter_mut().zip(&mut last) {
            if let Some(line) = child.pending().pop() {
                *last = line;
                moved = Instant::now();
            }
        }
        assert!(moved.elapsed() < STILL, "a wake was lost: the two sides stand at {last:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    eprintln!("{last:?}");
}

fn one_way(test: &str, capacity: usize, commits: bool) {
    let dir = Dir::new();
    match role().as_deref() {
        Some("sender") => return send(&dir),
        Some("receiver") => return receive(&dir, commits),
        _ => {}
    }
    let messages = number("RINGWAY_WAKES", 50_000);
    let environment = [("CAPACITY", capacity.to_string()), ("MESSAGES", messages.to_string())];
    let mut sender = Child::start_with(test, "sender", &dir, &environment);
    sender.expect("here");
    let receiver = Child::start_with(test, "receiver", &dir, &environment);
    sender.tell("go");
    let mut children = [sender, receiver];
    watch(&mut children);
    children.into_iter().for_each(Child::succeed);
}

/// Fault 53.
#[test]
fn none_is_lost_with_room_for_one() {
    one_way(&here!(), 1, false);
}

#[test]
fn none_is_lost_with_room_for_two() {
    one_way(&here!(), 2, false);
}

#[test]
fn none_is_lost_when_messages_are_committed() {
    one_way(&here!(), 1, true);
}

/// Fault 53.
#[test]
fn none_is_lost_there_and_back() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return echo(&dir, role == "first");
    }
    let messages = number("RINGWAY_WAKES", 50_000) / 2;
    let environment = [("MESSAGES", messages.to_string())];
    let mut children = ["first", "second"].map(|role| Child::start_with(&here!(), role, &dir, &environment));
    for child in &mut children {
        child.expect("here");
        child.tell("go");
    }
    watch(&mut children);
    children.iter_mut().for_each(|child| child.tell("go"));
    children.into_iter().for_each(Child::succeed);
}

/// Bursts long enough for both ends to give their fences up: what wakes them then is the other one's barrier.
/// Fault 53.
#[test]
fn none_is_lost_without_fences() {
    let dir = Dir::new();
    let asleep = || asleep(&dir).capacity(4096);
    let messages = number("MESSAGES", 0);
    match role().as_deref() {
        Some("sender") => {
            let mut random = Random::with(11);
            let mut tx = Sender::<u64>::create_with(NAME, &asleep()).expect("the sender's end");
            tell("here");
            hear();
            let mut next = 0;
            while next < messages {
                let burst = (1 + random.below(6000)).min(messages - next);
                for message in next..next + burst {
                    tx.send(message).expect("a receiver");
                    progress(message);
                }
                next += burst;
                dawdle(&mut random);
            }
            let (slept, unfenced) = (tx.stats().sleeps, tx.stats().unfenced);
            assert!(unfenced > 0 || !has_membarrier(), "no sender gave its fences up: this shows nothing");
            return tell(format_args!("done, slept {slept}, unfenced {unfenced}"));
        }
        Some("receiver") => {
            let mut random = Random::with(12);
            let mut rx = Receiver::<u64>::open_with(NAME, &asleep()).expect("the receiver's end");
            for expected in 0..messages {
                assert_eq!(rx.recv(), Ok(expected));
                if random.below(3000) == 0 {
                    dawdle(&mut random);
                }
                progress(expected);
            }
            let (slept, unfenced) = (rx.stats().sleeps, rx.stats().unfenced);
            assert!(unfenced > 0 || !has_membarrier(), "no receiver gave its fences up: this shows nothing");
            return tell(format_args!("done, slept {slept}, unfenced {unfenced}"));
        }
        _ => {}
    }
    let messages = 100 * number("RINGWAY_WAKES", 50_000);
    let environment = [("MESSAGES", messages.to_string())];
    let mut sender = Child::start_with(&here!(), "sender", &dir, &environment);
    sender.expect("here");
    let receiver = Child::start_with(&here!(), "receiver", &dir, &environment);
    sender.tell("go");
    let mut children = [sender, receiver];
    watch(&mut children);
    children.into_iter().for_each(Child::succeed);
}

/// Whether the kernel has the barrier that stands in for fences.
fn has_membarrier() -> bool {
    use nix::libc;
    // SAFETY: three numbers, no memory.
    #[allow(unsafe_code)]
    let commands = unsafe { libc::syscall(libc::SYS_membarrier, libc::MEMBARRIER_CMD_QUERY, 0, 0) };
    commands > 0 && commands & libc::c_long::from(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0
}

/// One end spins, then sleeps, then spins: a peer that has been told that nobody sleeps must be told otherwise in time.
/// Fault 53.
#[test]
fn none_is_lost_when_an_end_changes_its_mind() {
    let dir = Dir::new();
    match role().as_deref() {
        Some("sender") => return send(&dir),
        Some("receiver") => {
            let mut rx = Receiver::<u64>::open_with(NAME, &asleep(&dir)).expect("the receiver's end");
            let mut random = Random::with(9);
            let messages = number("MESSAGES", 0);
            for expected in 0..messages {
                if random.below(20) == 0 {
                    let quiet = random.below(2) == 0;
                    rx.set_wait(if quiet { WaitStrategy::Spin } else { WaitStrategy::Sleep });
                }
                assert_eq!(rx.recv(), Ok(expected));
                progress(expected);
            }
            return tell("done");
        }
        _ => {}
    }
    let messages = number("RINGWAY_WAKES", 50_000) / 10;
    let environment = [("CAPACITY", "2".to_owned()), ("MESSAGES", messages.to_string())];
    let mut sender = Child::start_with(&here!(), "sender", &dir, &environment);
    sender.expect("here");
    let receiver = Child::start_with(&here!(), "receiver", &dir, &environment);
    sender.tell("go");
    let mut children = [sender, receiver];
    watch(&mut children);
    children.into_iter().for_each(Child::succeed);
}
