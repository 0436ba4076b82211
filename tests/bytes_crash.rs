//! Messages of bytes between two processes: longer than the ring by thousands of times; and with ends that are killed in
//! the middle of them, and restarted at once. What arrives is a message that was sent, whole; in order; none twice unless
//! it is marked; and none is lost that must not be.
//!
//! `RINGWAY_KILLS` makes it longer, `RINGWAY_SEED` repeats a run.

mod support;

use ringway::bytes::spsc::{Receiver, Sender};
use ringway::bytes::{RecvError, RecvTimeoutError};
use ringway::{Options, WaitStrategy};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::time::Duration;
use support::{Child, Dir, PATIENCE, Random, fill, hang, number, own_memory, role, tell};

const NAME: &str = "bytes";

/// 64-bit FNV-1a by words: of bytes in their order, however they are cut into multiples of eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum(u64);

impl Sum {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..word.len()].copy_from_slice(word);
            self.0 = (self.0 ^ u64::from_le_bytes(number)).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    }
}

fn of(bytes: &[u8]) -> Sum {
    let mut sum = Sum::new();
    sum.add(bytes);
    sum
}

/// Numbers as bytes, which no two seeds have alike.
fn numbers(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::with(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xabcd);
    let mut message = Vec::with_capacity(bytes + 8);
    while message.len() < bytes {
        message.extend(random.next().to_le_bytes());
    }
    message.truncate(bytes);
    message
}

const LARGE: usize = 256 << 20;

#[test]
fn a_quarter_of_a_gigabyte_goes_through_64_kilobytes() {
    let dir = Dir::new();
    let options = dir.patient().capacity(64 << 10);
    if role().is_some() {
        let message = numbers(1, LARGE);
        tell(of(&message).0);
        let mut tx = Sender::open_or_create_with(NAME, &options).unwrap();
        tx.send(&message).unwrap();
        // And once more, bit by bit, of which nobody knows how long it will be.
        let mut writer = tx.writer(None);
        for bits in message[..32 << 20].chunks(10_008) {
            writer.write_all(bits).unwrap();
        }
        writer.finish().unwrap();
        tell(of(&message[..32 << 20]).0);
        return;
    }
    let mut child = Child::start(&here!(), "sender", &dir);
    let mut rx = Receiver::open_or_create_with(NAME, &options).unwrap();
    let expected = child.hear();
    let mut message = Vec::new();
    assert_eq!(rx.recv_into(&mut message), Ok(LARGE));
    assert_eq!(of(&message).0.to_string(), expected);
    drop(message);
    let mut reader = rx.reader().unwrap();
    let (mut sum, mut bits, mut bytes) = (Sum::new(), vec![0; 24_000], 0);
    loop {
        // Whole words, but for the last.
        let mut filled = 0;
        while filled < bits.len() {
            match reader.read(&mut bits[filled..]).unwrap() {
                0 => break,
                n => filled += n,
            }
        }
        sum.add(&bits[..filled]);
        bytes += filled;
        if filled < bits.len() {
            break;
        }
    }
    drop(reader);
    assert_eq!(bytes, 32 << 20);
    assert_eq!(child.hear(), sum.0.to_string());
    child.succeed();
    assert_eq!(rx.recv(), Err(RecvError::Disconnected));
}

/// `RINGWAY_MESSAGE_MIB` makes it longer.
/// Fault 67.
#[test]
fn a_message_that_is_far_longer_than_the_ring_takes_no_memory() {
    let dir = Dir::new();
    let options = dir.patient().capacity(1 << 20);
    let len = number("RINGWAY_MESSAGE_MIB", 64) << 20;
    let mut part = vec![0; 64 << 10];
    let size = part.len();
    if role().is_some() {
        let mut tx = Sender::open_or_create_with(NAME, &options).unwrap();
        let before = own_memory();
        let mut writer = tx.writer(Some(len));
        for at in (0..len).step_by(size) {
            fill(&mut part, at);
            writer.write_all(&part).unwrap();
        }
        writer.finish().unwrap();
        tell(own_memory() - before);
        return;
    }
    let mut child = Child::start(&here!(), "sender", &dir);
    let mut rx = Receiver::open_or_create_with(NAME, &options).unwrap();
    rx.set_limit(u64::MAX);
    let mut expected = part.clone();
    let before = own_memory();
    let mut reader = rx.reader().unwrap();
    assert_eq!(reader.len_hint(), Some(len));
    for at in (0..len).step_by(size) {
        reader.read_exact(&mut part).unwrap();
        fill(&mut expected, at);
        assert!(part == expected, "at {at}");
    }
    assert_eq!(reader.read(&mut part).unwrap(), 0);
    drop(reader);
    let [theirs, ours] = [child.hear().parse::<u64>().unwrap(), own_memory() - before];
    eprintln!("{} MiB: KiB more in memory: sender {theirs}, receiver {ours}", len >> 20);
    assert!(theirs < 1024 && ours < 1024, "{theirs} {ours}");
    child.succeed();
}

#[test]
fn who_is_killed_in_the_middle_leaves_the_other_end_and_the_channel() {
    let dir = Dir::new();
    let options = || dir.patient().capacity(64 << 10).slice(Duration::from_millis(5));
    match role().as_deref() {
        Some("sender") => {
            let mut tx = Sender::open_or_create_with(NAME, &options()).unwrap();
            let mut writer = tx.writer(Some(1 << 30));
            writer.write_all(&numbers(2, 30_000)).unwrap();
            writer.flush().unwrap();
            tell("in the middle");
            hang();
        }
        Some(_) => {
            let mut rx = Receiver::open_or_create_with(NAME, &options()).unwrap();
            let mut reader = rx.reader().unwrap();
            reader.read_exact(&mut vec![0; 30_000]).unwrap();
            tell("in the middle");
            hang();
        }
        None => {}
    }
    let test = here!();
    // The sender.
    let mut rx = Receiver::create_with(NAME, &options()).unwrap();
    let mut child = Child::start(&test, "sender", &dir);
    child.expect("in the middle");
    assert_eq!(rx.recv_timeout(Duration::from_millis(20)), Err(RecvTimeoutError::Timeout));
    child.kill();
    let error = rx.recv().unwrap_err();
    assert!(matches!(error, RecvError::Aborted { bytes: 1..=30_000 }), "{error:?}");
    let mut tx = Sender::open_with(NAME, &options()).unwrap();
    tx.send(b"next").unwrap();
    assert_eq!(rx.recv().unwrap(), b"next");
    // The receiver.
    drop(rx);
    let mut child = Child::start(&test, "receiver", &dir);
    tx.wait_for_peer(PATIENCE).unwrap();
    let sending = std::thread::spawn(move || (tx.send(&vec![5; 100 << 20]), tx));
    child.expect("in the middle");
    child.kill();
    let (sent, mut tx) = support::in_time("a sender whose receiver was killed", move || sending.join().unwrap());
    assert!(sent.unwrap_err().is_aborted());
    let mut rx = Receiver::open_with(NAME, &options()).unwrap();
    tx.send(b"next").unwrap();
    assert_eq!(rx.recv().unwrap(), b"next");
}

// Killed at random.

fn options(dir: &Dir) -> Options {
    let strategy = match number("STRATEGY", 0) {
        0 => WaitStrategy::Sleep,
        1 => WaitStrategy::SpinThenSleep(Duration::from_micros(20)),
        _ => WaitStrategy::Spin,
    };
    dir.patient().capacity(4096).frame_bytes(512).slice(Duration::from_millis(5)).wait(strategy)
}

/// The `n`-th message: one in four is longer than the ring. It begins with its number and its sum.
fn message(n: u64, for_guards: bool) -> Vec<u8> {
    let most = if for_guards { 3000 } else { 12_000 };
    let body =
        numbers(n, [n as usize * 37 % 100, n as usize * 101 % 700, 500, n as usize * 977 % most][n as usize % 4]);
    [&n.to_le_bytes()[..], &of(&body).0.to_le_bytes(), &body].concat()
}

/// The number of a message that is whole.
fn number_of(message: &[u8]) -> u64 {
    let word = |at: usize| u64::from_le_bytes(message[at..at + 8].try_into().expect("eight bytes"));
    assert_eq!(of(&message[16..]).0, word(8), "torn: message {}", word(0));
    word(0)
}

fn send(dir: &Dir, for_guards: bool) {
    let mut tx = Sender::open_or_create_with(NAME, &options(dir)).expect("the sender's end");
    let mut next = number("FROM", 0);
    tell("here");
    loop {
        let message = message(next, for_guards);
        tell(format_args!("try {next}"));
        match tx.send(&message) {
            Ok(()) => tell(format_args!("ok {next}")),
            Err(error) => {
                tell(format_args!("failed {next}"));
                if error.is_disconnected() {
                    // The receiver may be between two lives.
                    let _ = tx.wait_for_peer(PATIENCE);
                }
            }
        }
        next += 1;
    }
}

fn receive(dir: &Dir, commits: bool) {
    let mut rx = Receiver::open_or_create_with(NAME, &options(dir)).expect("the receiver's end");
    tell("here");
    loop {
        let result = if commits {
            rx.recv_ref().map(|guard| {
                tell(format_args!("{} {}", number_of(&guard), guard.is_redelivered()));
                guard.commit();
            })
        } else {
            rx.recv().map(|message| tell(format_args!("{} false", number_of(&message))))
        };
        match result {
            Ok(()) => {}
            Err(RecvError::Disconnected) => drop(rx.wait_for_peer(PATIENCE)),
            Err(RecvError::Aborted { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[derive(Debug, Default)]
struct History {
    sent: Vec<u64>,
    failed: HashSet<u64>,
    tried: HashSet<u64>,
    received: Vec<(u64, bool)>,
}

impl History {
    fn sender(&mut self, line: &str) {
        let (what, number) = line.split_once(' ').expect("two words");
        let number = number.parse().expect("a number");
        match what {
            "try" => drop(self.tried.insert(number)),
            "ok" => self.sent.push(number),
            "failed" => drop(self.failed.insert(number)),
            _ => panic!("{what}?"),
        }
    }

    fn receiver(&mut self, line: &str) {
        let (number, again) = line.split_once(' ').expect("two words");
        self.received.push((number.parse().expect("a number"), again == "true"));
    }

    fn check(&self, losses: usize) {
        let mut seen = HashSet::new();
        let mut highest = None;
        for &(number, again) in &self.received {
            assert!(seen.insert(number) || again, "{number} came twice and is not marked");
            assert!(again || highest < Some(number), "{number} came after {highest:?}");
            assert!(self.tried.contains(&number), "{number} was never sent");
            assert!(!self.failed.contains(&number), "{number} came, and nobody was to get it");
            highest = highest.max(Some(number));
        }
        let missing: Vec<_> =
            self.sent.iter().filter(|number| Some(**number) < highest && !seen.contains(number)).collect();
        assert!(missing.len() <= losses, "lost: {missing:?}, of which {losses} may be");
    }
}

fn kills(test: &str, commits: bool) {
    let dir = Dir::new();
    match role().as_deref() {
        Some("sender") => return send(&dir, commits),
        Some("receiver") => return receive(&dir, commits),
        _ => {}
    }
    let mut random = Random::new();
    let mut history = History::default();
    let kills = number("RINGWAY_KILLS", 40);
    let start = |role: &str, from: u64, random: &mut Random| {
        let environment = [("FROM", from.to_string()), ("STRATEGY", random.below(3).to_string())];
        let mut child = Child::start_with(test, role, &dir, &environment);
        child.expect("here");
        child
    };
    let mut sender = start("sender", 0, &mut random);
    let mut receiver = start("receiver", 0, &mut random);
    let mut receivers_killed = 0;
    for _ in 0..kills {
        history.receiver(&receiver.hear());
        std::thread::sleep(Duration::from_micros(random.below(3000)));
        if random.below(2) == 0 {
            sender.kill_now();
            sender.rest().iter().for_each(|line| history.sender(line));
            let next = history.tried.iter().max().map_or(0, |last| last + 1);
            sender = start("sender", next, &mut random);
        } else {
            receivers_killed += 1;
            receiver.kill_now();
            receiver.rest().iter().for_each(|line| history.receiver(line));
            receiver = start("receiver", 0, &mut random);
        }
        if let Ok(seen) = ringway::observe::inspect(NAME, Some(dir.path()), 8) {
            assert_eq!(seen.wrong(), Vec::<String>::new(), "{seen:#?}");
        }
    }
    history.receiver(&receiver.hear());
    sender.kill_now();
    receiver.kill_now();
    sender.rest().iter().for_each(|line| history.sender(line));
    receiver.rest().iter().for_each(|line| history.receiver(line));
    eprintln!(
        "{kills} kills, {} sent, {} given up, {} received, {} of them marked",
        history.sent.len(),
        history.failed.len(),
        history.received.len(),
        history.received.iter().filter(|(_, again)| *again).count()
    );
    drop((sender, receiver));
    // A killed receiver may have had one, of which the sender had its `Ok` already, or been in the middle of it.
    history.check(if commits { 0 } else { receivers_killed });
    ringway::observe::clean(Some(dir.path())).unwrap();
    assert!(dir.files().is_empty(), "{:?}", dir.files());
}

#[test]
fn at_most_once_nothing_comes_twice_or_in_part_and_a_killed_receiver_loses_at_most_one() {
    kills(&here!(), false);
}

#[test]
fn at_least_once_nothing_is_lost_and_what_comes_twice_is_marked() {
    kills(&here!(), true);
}
