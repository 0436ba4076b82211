//! Senders and receivers of long and short messages, copied and lent, that are killed at random and restarted: what arrives is whole and was
//! sent; what was sent arrives, once or marked; no lane and no hand is lost.
//!
//! `RINGWAY_KILLS` makes it longer, `RINGWAY_SEED` repeats a run.

mod support;

use ringway::bytes::mpmc::{Receiver, Sender};
use ringway::bytes::{RecvTimeoutError, SendError, TryRecvError, TrySendError};
use ringway::observe::Page;
use ringway::{Options, WaitStrategy};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use support::{Child, Dir, PATIENCE, Random, fill, hear, number, own_memory, role, tell};

const NAME: &str = "bytes";
const LANE: usize = 16 << 10;
const LANES: usize = 3;
const LENGTHS: [usize; 11] = [16, 50, 112, 113, 3000, 4096, 5000, LANE, LANE + 1, 3 * LANE + 17, 200_000];

fn options(dir: &Dir) -> Options {
    let strategy = if number("SLEEPS", 0) == 1 { WaitStrategy::Sleep } else { WaitStrategy::default() };
    // So few annexes that they are replaced again and again.
    let options = dir.patient().capacity(16).lanes(LANES, LANE).annexes(2).chunk_bytes(4096).members(16);
    options.slice(Duration::from_millis(5)).wait(strategy).persistent(true)
}

/// The message of this sender and number: no two are alike.
fn message(sender: u64, number: u64) -> Vec<u8> {
    let mut random = Random::with(sender << 32 ^ number.wrapping_mul(0x9e37_79b9));
    let len = LENGTHS[random.below(LENGTHS.len() as u64) as usize];
    let mut bytes = vec![0; len];
    bytes[..8].copy_from_slice(&sender.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    bytes[16..].chunks_mut(8).for_each(|part| part.copy_from_slice(&random.next().to_le_bytes()[..part.len()]));
    bytes
}

/// Whose the message is; panics if it is not what was sent.
fn checked(bytes: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let (sender, number) = (word(0), word(8));
    assert!(bytes == message(sender, number), "message {number} of {sender} is torn: {} bytes", bytes.len());
    (sender, number)
}

fn send(dir: &Dir) {
    let tx = Sender::open_or_create_with(NAME, &options(dir)).expect("a sender");
    let sender = number("SENDER", 0);
    for n in 0.. {
        let bytes = message(sender, n);
        tell(format_args!("try {n}"));
        loop {
            let sent = match n % 3 {
                0 => tx.writer(Some(bytes.len() as u64)).and_then(|mut writer| match writer.write_all(&bytes) {
                    Ok(()) => writer.finish(),
                    Err(_) => Err(SendError::Aborted { bytes: 0 }),
                }),
                1 => {
                    let mut loan = tx.loan(bytes.len()).expect("memory");
                    loan.copy_from_slice(&bytes);
                    loan.send().map_err(|_| SendError::Disconnected)
                }
                _ => tx.send(&bytes),
            };
            match sent {
                Ok(()) => break,
                // Whoever received it was killed, and may have dealt with it: it is sent again.
                Err(SendError::Aborted { .. }) => tell(format_args!("aborted {n}")),
                Err(error) => panic!("{error}"),
            }
        }
        tell(format_args!("ok {n}"));
    }
}

fn receive(dir: &Dir) {
    let rx = Receiver::open_or_create_with(NAME, &options(dir)).expect("a receiver");
    tell("here");
    loop {
        match rx.recv_ref() {
            Ok(guard) => {
                let (sender, n) = checked(&guard);
                tell(format_args!("got {sender} {n} {}", guard.attempt()));
                guard.commit();
            }
            Err(ringway::bytes::RecvError::Aborted { .. }) => {}
            Err(ringway::bytes::RecvError::Disconnected) => _ = rx.wait_for_peer(PATIENCE),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What was said of one message.
#[derive(Debug, Default)]
struct Story {
    tried: bool,
    ok: bool,
    aborted: u32,
    /// The deliveries, by their numbers.
    got: Vec<u32>,
}

/// What was said of all messages.
#[derive(Debug, Default)]
struct Stories(BTreeMap<(u64, u64), Story>);

impl Stories {
    fn add(&mut self, sender: Option<u64>, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse().expect("a number");
        match (words[0], sender) {
            ("try", Some(sender)) => self.story(sender, number(1)).tried = true,
            ("ok", Some(sender)) => self.story(sender, number(1)).ok = true,
            ("aborted", Some(sender)) => self.story(sender, number(1)).aborted += 1,
            ("got", None) => self.story(number(1), number(2)).got.push(number(3) as u32),
            ("here", None) => {}
            _ => panic!("{line}"),
        }
    }

    fn story(&mut self, sender: u64, number: u64) -> &mut Story {
        self.0.entry((sender, number)).or_default()
    }

    fn check(&self) {
        for (message, story) in &self.0 {
            assert!(story.tried, "invented: {message:?} {story:?}");
            assert!(!story.ok || !story.got.is_empty(), "lost: {message:?} {story:?}");
            let unmarked = story.got.iter().filter(|attempt| **attempt == 1).count();
            assert!(unmarked as u32 <= 1 + story.aborted, "twice and not marked: {message:?} {story:?}");
        }
    }
}

/// Everything that the channel has can be used.
fn nothing_is_lost(dir: &Dir) {
    let tx = Sender::open_with(NAME, &options(dir)).expect("the channel");
    let rx = Receiver::open_with(NAME, &options(dir)).expect("the channel");
    for lap in 0..2 {
        let lanes: Vec<Vec<u8>> = (0..LANES as u8).map(|n| vec![n + lap; LANE]).collect();
        lanes.iter().for_each(|lane| tx.try_send(lane).expect("a long lane"));
        assert_eq!(tx.try_send(&lanes[0]), Err(TrySendError::Full), "more lanes than there are");
        lanes.iter().for_each(|lane| assert!(rx.try_recv().as_ref() == Ok(lane)));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
    assert_eq!(rx.in_hand(), 0);
    let seen = ringway::observe::inspect(NAME, Some(dir.path()), 0).expect("the channel");
    assert_eq!(seen.wrong(), Vec::<String>::new(), "{seen:#?}");
    let phases = seen.fields.iter().filter(|field| matches!(field.page, Page::Lane(_)) && field.name == "own");
    let busy: Vec<_> = phases.filter(|field| field.number().is_some_and(|own| own & 0xff != 0)).collect();
    assert!(busy.is_empty(), "lanes are left: {busy:#?}");
}

#[test]
fn whoever_is_killed_what_was_sent_arrives_whole_and_once_or_marked() {
    let dir = Dir::new();
    match role().as_deref() {
        Some("send") => return send(&dir),
        Some("receive") => return receive(&dir),
        _ => {}
    }
    let test = here!();
    let kills = number("RINGWAY_KILLS", 60);
    let mut random = Random::new();
    for sleeps in 0..2 {
        let started = Instant::now();
        let mut stories = Stories::default();
        let mut next_sender = 0;
        let mut start = |is_sender: bool| {
            let sender = is_sender.then(|| {
                next_sender += 1;
                next_sender
            });
            let environment = [("SENDER", sender.unwrap_or(0).to_string()), ("SLEEPS", sleeps.to_string())];
            (sender, Child::start_with(&test, if is_sender { "send" } else { "receive" }, &dir, &environment))
        };
        let mut crew: Vec<_> = (0..6).map(|n| start(n % 2 == 0)).collect();
        for _ in 0..kills {
            let victim = random.below(6) as usize;
            // The victim has begun, and has been at it for a while.
            for _ in 0..1 + random.below(12) {
                let line = crew[victim].1.hear();
                stories.add(crew[victim].0, &line);
            }
            let is_sender = crew[victim].0.is_some();
            let (sender, mut child) = std::mem::replace(&mut crew[victim], start(is_sender));
            child.kill_now();
            child.rest().iter().for_each(|line| stories.add(sender, line));
        }
        // Senders first, then whoever has received; the rest is received here.
        crew.sort_by_key(|(sender, _)| sender.is_none());
        for (sender, mut child) in crew {
            child.kill_now();
            child.rest().iter().for_each(|line| stories.add(sender, line));
        }
        let rx = Receiver::open_with(NAME, &options(&dir)).expect("the channel");
        let mut left = 0;
        loop {
            match rx.recv_ref_timeout(Duration::from_millis(200)) {
                Ok(guard) => {
                    let (sender, n) = checked(&guard);
                    stories.add(None, &format!("got {sender} {n} {}", guard.attempt()));
                    guard.commit();
                    left += 1;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Aborted { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        drop(rx);
        stories.check();
        let messages = stories.0.values().filter(|story| story.ok).count();
        let marked = stories.0.values().flat_map(|story| &story.got).filter(|attempt| **attempt > 1).count();
        let aborted: u32 = stories.0.values().map(|story| story.aborted).sum();
        eprintln!(
            "{kills} kills, {messages} sent, {marked} marked, {aborted} aborted, {left} left, {:?}",
            started.elapsed()
        );
        nothing_is_lost(&dir);
        ringway::observe::remove(NAME, Some(dir.path())).expect("nobody is there");
        assert_eq!(dir.files(), Vec::<String>::new());
    }
}

#[test]
fn a_message_that_is_far_longer_than_the_segment_takes_no_memory() {
    let dir = Dir::new();
    let len = number("RINGWAY_MESSAGE_MIB", 256) << 20;
    const PART: usize = 64 << 10;
    match role().as_deref() {
        Some("send") => {
            let tx = Sender::open_with(NAME, &dir.patient()).expect("a sender");
            let before = own_memory();
            let mut writer = tx.writer(Some(len)).expect("a lane");
            let mut part = vec![0; PART];
            for at in (0..len).step_by(PART) {
                fill(&mut part, at);
                writer.write_all(&part).expect("a reader");
            }
            writer.finish().expect("a reader");
            tell(own_memory() - before);
            hear();
            return;
        }
        Some("receive") => {
            let rx = Receiver::create_with(NAME, &dir.options().lanes(4, 128 << 10)).expect("the channel");
            let total = std::fs::metadata(rx.path().expect("a file")).expect("a file").len();
            assert!(total < 2 << 20, "the segment has {total} bytes");
            tell("here");
            let (mut got, mut expected) = (vec![0; PART], vec![0; PART]);
            let before = own_memory();
            let mut reader = rx.reader().expect("a message");
            assert_eq!(reader.len_hint(), Some(len));
            for at in (0..len).step_by(PART) {
                reader.read_exact(&mut got).expect("the message");
                fill(&mut expected, at);
                assert!(got == expected, "at {at}");
            }
            assert_eq!(reader.read(&mut got).expect("the end"), 0);
            drop(reader);
            tell(own_memory() - before);
            return;
        }
        Some(other) => panic!("{other}"),
        None => {}
    }
    let mut receiver = Child::start(&here!(), "receive", &dir);
    receiver.expect("here");
    let mut sender = Child::start(&here!(), "send", &dir);
    let [theirs, ours] = [&mut sender, &mut receiver].map(|child| child.hear().parse::<u64>().expect("a number"));
    eprintln!("{} MiB: KiB more in memory: sender {theirs}, receiver {ours}", len >> 20);
    assert!(theirs < 1024 && ours < 1024, "{theirs} {ours}");
    sender.tell("end");
    sender.succeed();
    receiver.succeed();
}

#[test]
fn ten_long_messages_at_once_and_many_short_ones_all_arrive() {
    let dir = Dir::new();
    let (mib, shorts) = (number("RINGWAY_LONG_MIB", 3), number("RINGWAY_SHORTS", 3000));
    match role().as_deref() {
        Some("long") => {
            let tx = Sender::open_with(NAME, &dir.patient()).expect("a sender");
            let mut bytes = vec![0; (mib << 20) as usize];
            fill(&mut bytes, number("SENDER", 0));
            tell("here");
            hear();
            return tx.send(&bytes).expect("a receiver");
        }
        Some(_) => {
            let tx = Sender::open_with(NAME, &dir.patient()).expect("a sender");
            tell("here");
            hear();
            (0..shorts).for_each(|n| tx.send(&n.to_le_bytes()).expect("a receiver"));
            return;
        }
        None => {}
    }
    let rx = Receiver::create_with(NAME, &dir.options()).expect("the channel");
    let start = |n: u64| Child::start_with(&here!(), "long", &dir, &[("SENDER", (n << 40).to_string())]);
    let mut crew: Vec<_> = (0..10).map(start).collect();
    crew.push(Child::start(&here!(), "short", &dir));
    crew.iter_mut().for_each(|child| child.expect("here"));
    crew.iter_mut().for_each(|child| child.tell("go"));
    let (mut next, mut long, mut before) = (0, Vec::new(), 0);
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    let mut expected = vec![0; (mib << 20) as usize];
    while next < shorts || long.len() < 10 {
        let bytes = rx.recv_timeout(PATIENCE).expect("a message");
        if let Ok(number) = bytes.as_slice().try_into() {
            assert_eq!(u64::from_le_bytes(number), next);
            next += 1;
            before += u64::from(long.len() < 10);
            longest = longest.max(last.elapsed());
        } else {
            let sender = (0..10_u64).find(|sender| {
                fill(&mut expected[..8], sender << 40);
                bytes[..8] == expected[..8]
            });
            let sender = sender.expect("one of ten");
            fill(&mut expected, sender << 40);
            assert!(bytes == expected, "torn");
            long.push(sender);
        }
        // What looking at a long one takes is nobody's delay.
        last = Instant::now();
    }
    long.sort_unstable();
    assert_eq!(long, (0..10).collect::<Vec<_>>());
    eprintln!("{shorts} short ones, {before} of them before the last of ten of {mib} MiB, {longest:?} apart at most");
    crew.into_iter().for_each(Child::succeed);
    assert_eq!((rx.len(), rx.in_hand()), (0, 0));
}
