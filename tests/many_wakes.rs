//! One wake for one message, and none is ever lost: many threads of two processes that sleep at every step, with slices
//! switched off, so that nothing but another's wake can wake anybody. A lost wake is a hang, and a watchdog says where.
//!
//! `RINGWAY_WAKES` is the number of messages of each test.

mod support;

use ringway::mpmc::{Receiver, Sender, channel_with};
use ringway::{Options, WaitStrategy};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use support::{Child, Dir, Random, hear, number, role, tell};

const NAME: &str = "channel";
/// So long without a step of anybody's is a hang.
const STILL: Duration = Duration::from_secs(15);
/// Receivers of each process.
const THREADS: usize = 50;
/// A message that ends the receiver that gets it.
const END: u64 = u64::MAX;

fn asleep(dir: &Dir) -> Options {
    let options = dir.patient().capacity(number("CAPACITY", 4) as usize).operations(number("OPERATIONS", 64) as usize);
    options.wait(WaitStrategy::Sleep).slice(Duration::MAX)
}

/// Threads that receive until they get an end; one that gets it says which.
fn receivers(dir: &Dir) {
    let rx = Receiver::<u64>::open_with(NAME, &asleep(dir)).expect("a receiver");
    tell("here");
    let count = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (rx, count) = (rx.clone(), &count);
            scope.spawn(move || {
                loop {
                    let message = if thread % 2 == 0 {
                        rx.recv().expect("a message")
                    } else {
                        let guard = rx.recv_ref().expect("a message");
                        let message = *guard;
                        guard.commit();
                        message
                    };
                    if message == END {
                        break;
                    }
                    tell(format_args!("got {message}"));
                    count.fetch_add(1, Relaxed);
                }
            });
        }
    });
    let stats = rx.stats();
    tell(format_args!("done {} {} {}", count.into_inner(), stats.sleeps, stats.wakes));
    hear();
}

/// Waits until every number up to here has been received once.
fn until_received(children: &mut [Child], missing: &mut HashSet<u64>, at_most: usize) {
    let mut moved = Instant::now();
    while missing.len() > at_most {
        for child in children.iter_mut() {
            for line in child.pending() {
                let number = line.strip_prefix("got ").expect("a number").parse().expect("a number");
                assert!(missing.remove(&number), "{number} came twice");
                moved = Instant::now();
            }
        }
        assert!(moved.elapsed() < STILL, "a wake was lost: {} messages lie there, {missing:?}", missing.len());
        std::thread::yield_now();
    }
}

/// A hundred sleepers in two processes; messages one at a time (`batch` 1) or many at once, sent when everybody sleeps
/// (`waits`) or as fast as it goes.
fn all_wake(test: &str, capacity: u64, operations: u64, batch: u64, waits: bool) {
    let dir = Dir::new();
    if role().is_some() {
        return receivers(&dir);
    }
    let environment = [("CAPACITY", capacity.to_string()), ("OPERATIONS", operations.to_string())];
    let options = dir.options().capacity(capacity as usize).operations(operations as usize);
    let options = options.wait(WaitStrategy::Sleep).slice(Duration::MAX);
    let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let mut children = [0; 2].map(|_| Child::start_with(test, "receivers", &dir, &environment));
    children.iter_mut().for_each(|child| child.expect("here"));
    let messages = number("RINGWAY_WAKES", 3_000);
    let mut missing = HashSet::new();
    let mut next = 0;
    while next < messages {
        let part: Vec<_> = (next..next + batch).collect();
        next += batch;
        missing.extend(&part);
        match part[..] {
            [one] => tx.send(one).unwrap(),
            _ => tx.send_many(&part).unwrap(),
        }
        until_received(&mut children, &mut missing, if waits { 0 } else { 2000 });
    }
    until_received(&mut children, &mut missing, 0);
    let wakes = tx.stats().wakes;
    for _ in 0..children.len() * THREADS {
        tx.send(END).unwrap();
    }
    let (mut got, mut sleeps, mut passed) = (0, 0, 0);
    for child in &mut children {
        let line = child.hear();
        let counts: Vec<u64> = line.split(' ').skip(1).map(|count| count.parse().expect("a count")).collect();
        got += counts[0];
        sleeps += counts[1];
        passed += counts[2];
    }
    eprintln!(
        "{test}: {messages} messages, {wakes} wakes by the sender, {passed} by receivers, {sleeps} sleeps of receivers: {:.2} \
         wakes a message",
        (wakes + passed) as f64 / messages as f64
    );
    assert_eq!(got, next);
    // No herd: a message wakes one, and now and then somebody for nothing, who passes it on.
    assert!(wakes + passed <= 3 * next + 1000, "{wakes} + {passed} wakes for {next} messages");
    children.iter_mut().for_each(|child| child.tell("end"));
    children.into_iter().for_each(Child::succeed);
}

/// Fault 53.
#[test]
fn a_hundred_sleepers_and_one_message_at_a_time() {
    all_wake(&here!(), 4, 64, 1, true);
}

#[test]
fn a_hundred_sleepers_and_batches() {
    all_wake(&here!(), 64, 64, 40, true);
}

#[test]
fn a_hundred_sleepers_and_batches_larger_than_the_ring() {
    all_wake(&here!(), 3, 64, 40, true);
}

#[test]
fn a_hundred_sleepers_and_a_stream_with_room_for_one() {
    all_wake(&here!(), 1, 64, 1, false);
}

#[test]
fn a_hundred_sleepers_and_hardly_any_records() {
    all_wake(&here!(), 2, 2, 1, false);
}

#[test]
fn a_hundred_sleepers_and_one_record() {
    all_wake(&here!(), 8, 1, 5, false);
}

/// Senders sleep on a ring that is full, a hundred of them; whoever receives wakes one for each message.
#[test]
fn a_hundred_sleeping_senders() {
    let dir = Dir::new();
    if role().is_some() {
        let tx = Sender::<u64>::open_with(NAME, &asleep(&dir)).expect("a sender");
        let (first, each) = (number("FIRST", 0), number("EACH", 0));
        std::thread::scope(|scope| {
            for thread in 0..THREADS as u64 {
                let tx = &tx;
                scope.spawn(move || {
                    let mut random = Random::with(thread);
                    let messages: Vec<_> = (0..each).map(|n| (first + thread) << 32 | n).collect();
                    let mut rest = &messages[..];
                    while !rest.is_empty() {
                        let (part, others) = rest.split_at(rest.len().min(1 + random.below(5) as usize));
                        tx.send_many(part).expect("a receiver");
                        rest = others;
                    }
                });
            }
        });
        return tell(format_args!("done {} {}", tx.stats().sleeps, tx.stats().wakes));
    }
    for (capacity, operations) in [(1_u64, 64), (3, 64), (16, 2)] {
        let each = number("RINGWAY_WAKES", 3_000) / 100;
        let options = dir.options().capacity(capacity as usize).operations(operations);
        let rx = Receiver::<u64>::create_with(NAME, &options.wait(WaitStrategy::Sleep).slice(Duration::MAX)).unwrap();
        let start = |first: usize| {
            let environment =
                [("FIRST", first.to_string()), ("EACH", each.to_string()), ("CAPACITY", capacity.to_string())];
            Child::start_with(&here!(), "senders", &dir, &environment)
        };
        let children = [start(0), start(THREADS)];
        let mut next = vec![0; 2 * THREADS];
        for n in 0..each * next.len() as u64 {
            let rx = rx.clone();
            let message = if n % 64 == 0 {
                // A hang has a name.
                support::in_time("a wake was lost: a receiver", move || rx.recv().unwrap())
            } else {
                rx.recv_timeout(STILL).unwrap_or_else(|error| panic!("a wake was lost: {error} after {n} messages"))
            };
            let (sender, number) = ((message >> 32) as usize, message & 0xffff_ffff);
            assert_eq!(number, next[sender], "of sender {sender}");
            next[sender] += 1;
        }
        for mut child in children {
            eprintln!("capacity {capacity}: {} ({} messages; sleeps, wakes)", child.hear(), each * THREADS as u64);
            child.succeed();
        }
        assert!(rx.recv().is_err());
        eprintln!("capacity {capacity}: the receiver slept {} times and woke {}", rx.stats().sleeps, rx.stats().wakes);
    }
}

/// Sleepers that are killed take no wake along: with slices, for a wake that was under way to one of them.
#[test]
fn sleepers_killed_in_between() {
    let dir = Dir::new();
    if role().is_some() {
        let rx = Receiver::<u64>::open_with(NAME, &asleep(&dir).slice(Duration::from_millis(20))).expect("a receiver");
        tell("here");
        return std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let guard = rx.recv_ref().expect("a message");
                        tell(*guard);
                        guard.commit();
                    }
                });
            }
        });
    }
    let mut random = Random::new();
    let tx = Sender::<u64>::create_with(NAME, &asleep(&dir).slice(Duration::from_millis(20))).unwrap();
    let start = || {
        let mut child = Child::start(&here!(), "receivers", &dir);
        child.expect("here");
        child
    };
    let mut children = [start(), start()];
    let mut missing = HashSet::new();
    let mut next = 0;
    for _ in 0..number("RINGWAY_KILLS", 30) {
        for _ in 0..random.below(30) {
            tx.send(next).unwrap();
            missing.insert(next);
            next += 1;
        }
        let victim = random.below(2) as usize;
        children[victim].kill_now();
        for line in children[victim].rest() {
            missing.remove(&line.parse().expect("a number"));
        }
        children[victim] = start();
        let mut moved = Instant::now();
        while !missing.is_empty() {
            for line in children.iter_mut().flat_map(|child| child.pending()) {
                // Again, if it was not committed.
                missing.remove(&line.parse().expect("a number"));
                moved = Instant::now();
            }
            assert!(moved.elapsed() < STILL, "a wake was lost: {missing:?} lie there");
            std::thread::yield_now();
        }
    }
}

/// A wake that comes to a receiver that cannot take the message, for all hands are in use, goes on to one that can.
#[test]
fn who_has_no_hand_passes_the_wake_on() {
    for round in 0..20 {
        let options = Options::new().capacity(4).in_hand(1).wait(WaitStrategy::Sleep).slice(Duration::MAX);
        let (tx, rx) = channel_with::<u64>(&options).unwrap();
        tx.send(0).unwrap();
        let held = rx.recv_ref().unwrap();
        let handless: Vec<_> = (0..3)
            .map(|_| {
                let rx = rx.clone();
                std::thread::spawn(move || {
                    let guard = rx.recv_ref().unwrap();
                    let message = *guard;
                    guard.commit();
                    message
                })
            })
            .collect();
        support::until("three sleep", || rx.stats().sleeps >= 3);
        let able = {
            let rx = rx.clone();
            std::thread::spawn(move || rx.recv().unwrap())
        };
        support::until("four sleep", || rx.stats().sleeps >= 4);
        tx.send(1).unwrap();
        let got = support::in_time("one that could receive sleeps on", move || able.join().unwrap());
        assert_eq!(got, 1, "round {round}");
        // Three more, which only those can take who get the hand.
        (2..5).for_each(|n| tx.send(n).unwrap());
        held.commit();
        let join = move || handless.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>();
        let mut got = support::in_time("one who has waited for a hand sleeps on", join);
        got.sort_unstable();
        assert_eq!(got, [2, 3, 4], "round {round}");
    }
}
