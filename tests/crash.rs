//! A sender and a receiver that are killed at random and restarted at once: what arrives is what was sent, in order;
//! nothing is invented; nothing comes twice unless it is marked; nothing is lost that must not be.
//!
//! Each child logs to a pipe of its own: the sender a number before it sends it and again when `send` has returned, the
//! receiver what it got. `RINGWAY_KILLS` and `RINGWAY_ROUNDS` make it longer, `RINGWAY_SEED` repeats a run.

mod support;

use ringway::spsc::{Receiver, Sender};
use ringway::{Options, WaitStrategy, stream};
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::time::Duration;
use support::{Child, Dir, PATIENCE, Random, number, role, tell};

const NAME: &str = "channel";
const CAPACITY: usize = 5;

fn options(dir: &Dir) -> Options {
    dir.patient().capacity(CAPACITY).slice(Duration::from_millis(5)).wait(strategy())
}

/// Sends ascending numbers from the one that its environment names, until it is killed.
fn send(dir: &Dir, is_persistent: bool) {
    let options = options(dir).persistent(is_persistent);
    let mut tx = Sender::<u64>::open_or_create_with(NAME, &options).expect("the sender's end");
    let mut next = number("FROM", 0);
    tell("here");
    loop {
        tell(format_args!("try {next}"));
        // The receiver may be between two lives.
        while tx.send(next).is_err() {
            let _ = tx.wait_for_peer(PATIENCE);
        }
        tell(format_args!("ok {next}"));
        next += 1;
    }
}

fn receive(dir: &Dir, commits: bool, is_persistent: bool) {
    let options = options(dir).persistent(is_persistent);
    let mut rx = Receiver::<u64>::open_or_create_with(NAME, &options).expect("the receiver's end");
    tell("here");
    loop {
        let line = if commits {
            rx.recv_ref().map(|guard| {
                let line = format!("{} {}", *guard, guard.is_redelivered());
                // Dealt with, then committed: at least once.
                tell(&line);
                guard.commit();
                None
            })
        } else {
            rx.recv().map(|message| Some(format!("{message} false")))
        };
        match line {
            Ok(Some(line)) => tell(line),
            Ok(None) => {}
            Err(_) => {
                let _ = rx.wait_for_peer(PATIENCE);
            }
        }
    }
}

/// An observer finds nothing wrong, whoever is dead or on its way out.
fn sound(dir: &Dir) {
    for _ in 0..10 {
        if let Ok(seen) = ringway::observe::inspect(NAME, Some(dir.path()), 8) {
            assert_eq!(seen.wrong(), Vec::<String>::new(), "{seen:#?}");
        }
    }
}

fn strategy() -> WaitStrategy {
    match number("STRATEGY", 0) {
        0 => WaitStrategy::Sleep,
        1 => WaitStrategy::SpinThenSleep(Duration::from_micros(20)),
        _ => WaitStrategy::Spin,
    }
}

/// What the two sides said, over all their lives.
#[derive(Debug, Default)]
struct History {
    /// Sends that returned `Ok`.
    sent: Vec<u64>,
    /// The number that a killed sender was sending.
    unsure: Vec<u64>,
    tried: Option<u64>,
    received: Vec<(u64, bool)>,
}

impl History {
    fn sender(&mut self, line: &str) {
        match line.split_once(' ').expect("two words") {
            ("try", number) => self.tried = Some(number.parse().expect("a number")),
            ("ok", number) => {
                self.sent.push(number.parse().expect("a number"));
                self.tried = None;
            }
            (what, _) => panic!("{what}?"),
        }
    }

    fn sender_died(&mut self) {
        self.unsure.extend(self.tried.take());
    }

    fn receiver(&mut self, line: &str) {
        let (number, again) = line.split_once(' ').expect("two words");
        self.received.push((number.parse().expect("a number"), again == "true"));
    }

    /// Checks the whole history; `losses` is how many messages may have vanished in a receiver's hand. `is_whole`: nothing
    /// is left in the channel, so what has not arrived is lost; else what was sent before the last that arrived has arrived.
    fn check(&self, losses: usize, is_whole: bool) {
        let tried: HashSet<_> = self.sent.iter().chain(&self.unsure).chain(&self.tried).copied().collect();
        let mut seen = HashMap::<u64, u32>::new();
        let mut highest = None;
        for &(number, again) in &self.received {
            let before = *seen.entry(number).and_modify(|count| *count += 1).or_insert(1) - 1;
            assert!(before == 0 || again, "{number} came twice and is not marked: {:?}", self.tail(number));
            assert!(again || highest < Some(number), "{number} came after {highest:?}: {:?}", self.tail(number));
            assert!(tried.contains(&number), "{number} was never sent");
            highest = highest.max(Some(number));
        }
        let is_due = |number: u64| is_whole || Some(number) < highest;
        let missing: Vec<_> =
            self.sent.iter().filter(|number| is_due(**number) && !seen.contains_key(number)).collect();
        assert!(missing.len() <= losses, "lost: {missing:?}, of which {losses} may be");
    }

    fn tail(&self, number: u64) -> Vec<&(u64, bool)> {
        self.received.iter().filter(|(other, _)| other.abs_diff(number) < 4).collect()
    }
}

fn message_channel(test: &str, commits: bool, is_persistent: bool) {
    let dir = Dir::new();
    match role().as_deref() {
        Some("sender") => return send(&dir, is_persistent),
        Some("receiver") => return receive(&dir, commits, is_persistent),
        _ => {}
    }
    let mut random = Random::new();
    let mut history = History::default();
    let kills = number("RINGWAY_KILLS", 40);
    // Numbers are never used twice, so a message in doubt that did arrive is no duplicate.
    // Who is started must be there before anybody else is killed: a channel that nobody holds is nobody's, unless it is
    // persistent; then both may be killed.
    let start = |role: &str, from: u64, random: &mut Random| {
        let environment = [("FROM", from.to_string()), ("STRATEGY", random.below(3).to_string())];
        let mut child = Child::start_with(test, role, &dir, &environment);
        child.expect("here");
        child
    };
    let mut sender = start("sender", 0, &mut random);
    let mut receiver = start("receiver", 0, &mut random);
    let (mut receivers_killed, mut next) = (0, 0);
    for _ in 0..kills {
        // Something must have arrived since the last kill: nobody waits for the dead.
        history.receiver(&receiver.hear());
        std::thread::sleep(Duration::from_micros(random.below(3000)));
        let fate = random.below(if is_persistent { 3 } else { 2 });
        if fate != 1 {
            sender.kill_now();
        }
        if fate != 0 {
            receivers_killed += 1;
            receiver.kill_now();
        }
        sound(&dir);
        if fate != 1 {
            // Restarted at once: its predecessor may still be on its way out.
            sender.rest().iter().for_each(|line| history.sender(line));
            history.sender_died();
            next = next
                .max(history.sent.last().map_or(0, |last| last + 1))
                .max(history.unsure.last().map_or(0, |last| last + 1));
            sender = start("sender", next, &mut random);
        }
        if fate != 0 {
            receiver.rest().iter().for_each(|line| history.receiver(line));
            receiver = start("receiver", 0, &mut random);
        }
    }
    history.receiver(&receiver.hear());
    sender.kill_now();
    receiver.kill_now();
    sender.rest().iter().for_each(|line| history.sender(line));
    receiver.rest().iter().for_each(|line| history.receiver(line));
    eprintln!(
        "{kills} kills, {} sent, {} in doubt, {} received, {} of them marked",
        history.sent.len(),
        history.unsure.len(),
        history.received.len(),
        history.received.iter().filter(|(_, again)| *again).count()
    );
    drop((sender, receiver));
    if is_persistent {
        // The last receiver was killed, too.
        receivers_killed += 1;
        let mut rx = Receiver::<u64>::open_with(NAME, &dir.patient()).unwrap();
        while let Ok(guard) = rx.recv_ref() {
            history.received.push((*guard, guard.is_redelivered()));
            guard.commit();
        }
        drop(rx);
        ringway::observe::remove(NAME, Some(dir.path())).unwrap();
    }
    history.check(if commits { 0 } else { receivers_killed }, is_persistent);
    ringway::observe::clean(Some(dir.path())).unwrap();
    assert!(dir.files().is_empty(), "{:?}", dir.files());
}

/// Faults 35 and 37.
#[test]
fn at_most_once_nothing_comes_twice_and_a_killed_receiver_loses_at_most_one() {
    message_channel(&here!(), false, false);
}

/// Fault 37.
#[test]
fn at_least_once_nothing_is_lost_and_what_comes_twice_is_marked() {
    message_channel(&here!(), true, false);
}

#[test]
fn in_a_persistent_channel_whoever_is_killed_a_killed_receiver_loses_at_most_one() {
    message_channel(&here!(), false, true);
}

/// Fault 42.
#[test]
fn in_a_persistent_channel_whoever_is_killed_nothing_is_lost_and_what_comes_twice_is_marked() {
    message_channel(&here!(), true, true);
}

/// Bytes that tell where in the stream they are.
fn pattern(position: u64) -> u8 {
    (position.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// Bytes of a whole stream.
const STREAM: u64 = 400_000;

fn stream_role(dir: &Dir, role: &str) {
    let options = dir.patient().capacity(4096).slice(Duration::from_millis(5)).wait(strategy());
    match role {
        "writer" => {
            let mut writer = stream::Writer::open_or_create_with(NAME, &options).expect("the writer's end");
            tell("here");
            let mut position = 0;
            while position < STREAM {
                let part: Vec<u8> = (position..(position + 1500).min(STREAM)).map(pattern).collect();
                if let Err(error) = writer.write_all(&part) {
                    tell(format_args!("broken {:?}", stream::Ended::of(&error).expect("an ending").reason));
                    return;
                }
                position += part.len() as u64;
            }
            match writer.finish() {
                Ok(()) => tell("finished"),
                Err(error) => tell(format_args!("broken {:?}", stream::Ended::of(&error).expect("an ending").reason)),
            }
        }
        "reader" => {
            let mut reader = stream::Reader::open_or_create_with(NAME, &options).expect("the reader's end");
            tell("here");
            let mut position = 0;
            let mut bytes = [0; 2000];
            loop {
                match reader.read(&mut bytes) {
                    Ok(0) => break tell(format_args!("end {position}")),
                    Ok(n) => {
                        for (at, byte) in bytes[..n].iter().enumerate() {
                            assert_eq!(*byte, pattern(position + at as u64), "at {position} + {at}");
                        }
                        position += n as u64;
                    }
                    Err(error) => {
                        let reason = stream::Ended::of(&error).expect("an ending").reason;
                        break tell(format_args!("broken {reason:?}"));
                    }
                }
            }
        }
        other => panic!("no role {other}"),
    }
}

#[test]
fn a_stream_whose_end_is_killed_breaks_and_the_next_one_is_whole() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return stream_role(&dir, &role);
    }
    let test = here!();
    let mut random = Random::new();
    let descriptors = support::descriptors();
    for round in 0..number("RINGWAY_ROUNDS", 8) {
        let start = |role: &str, random: &mut Random| {
            Child::start_with(&test, role, &dir, &[("STRATEGY", random.below(3).to_string())])
        };
        let (mut writer, mut reader) = (start("writer", &mut random), start("reader", &mut random));
        writer.expect("here");
        reader.expect("here");
        std::thread::sleep(Duration::from_micros(random.below(4000)));
        let kills_writer = random.below(2) == 0;
        let (killed, survivor) = if kills_writer { (&mut writer, &mut reader) } else { (&mut reader, &mut writer) };
        killed.kill_now();
        sound(&dir);
        // Both roles at once again; the newcomer in the dead one's place must wait until the survivor has left.
        let mut next = [start("writer", &mut random), start("reader", &mut random)];
        let last = survivor.hear();
        let was_whole = if kills_writer { last == format!("end {STREAM}") } else { last == "finished" };
        assert!(was_whole || last == "broken Died", "round {round}: {last}");
        for child in &mut next {
            child.expect("here");
        }
        next[1].expect(&format!("end {STREAM}"));
        next[0].expect("finished");
        next.into_iter().for_each(Child::succeed);
        assert!(dir.files().is_empty(), "round {round}: {:?}", dir.files());
    }
    support::until("no descriptor is left", || support::descriptors() <= descriptors);
}
