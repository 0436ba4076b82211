//! Nothing that a file holds or a peer writes makes the library panic, hang or leave the segment.
//!
//! The fuzz target of `fuzz/` without a fuzzer: the same program over the committed corpus and over random inputs. A
//! failure prints the input; put it into `tests/hostile/corpus` under a name that says what it found.

#[path = "hostile/segment.rs"]
mod segment;

use ringway::spsc::{Guard, Receiver, Sender};
use ringway::{Options, Placement, TryGrantError};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long the random part runs; `RINGWAY_HOSTILE_SECONDS` makes it longer.
fn budget() -> Duration {
    let seconds = std::env::var("RINGWAY_HOSTILE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

fn runs(input: &[u8], directory: &Path, what: &str) {
    let started = Instant::now();
    let result = std::panic::catch_unwind(|| segment::run(input, directory));
    let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(result.is_ok(), "{what} panics: {hex}");
    assert!(started.elapsed() < Duration::from_secs(20), "{what} takes {:?}: {hex}", started.elapsed());
}

fn from_hex(line: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&line[at..at + 2], 16).expect("two digits");
    (0..line.len()).step_by(2).map(digits).collect()
}

#[test]
fn the_corpus_passes() {
    let directory = segment::directory();
    let mut count = 0;
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/corpus")).unwrap() {
        let path = entry.unwrap().path();
        let inputs = match path.extension() {
            // What libFuzzer kept: an input a line.
            Some(extension) if extension == "hex" => {
                std::fs::read_to_string(&path).unwrap().lines().map(from_hex).collect()
            }
            _ => vec![std::fs::read(&path).unwrap()],
        };
        for input in &inputs {
            runs(input, &directory, &path.display().to_string());
        }
        count += inputs.len();
    }
    assert!(count > 100, "the corpus is there");
    let _ = std::fs::remove_dir_all(directory);
}

/// Fault 61.
#[test]
fn random_programs_pass() {
    let directory = segment::directory();
    let seed = std::env::var("RINGWAY_HOSTILE_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) << 20 | 0x5eed);
    println!("RINGWAY_HOSTILE_SEED={seed}");
    // splitmix64: Steele, Lea, Flood (2014).
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    };
    let (end, mut count) = (Instant::now() + budget(), 0_u64);
    while Instant::now() < end {
        let len = 16 + random() % 240;
        let mut input: Vec<u8> = (0..len).map(|_| (random() >> 16) as u8).collect();
        // Most inputs begin by opening both ends, so that there is something to disturb.
        if random() % 8 != 0 {
            input[0] &= 0x7f;
            input[3..5].copy_from_slice(&[11, 13]);
        }
        runs(&input, &directory, &format!("input {count} of seed {seed}"));
        count += 1;
    }
    println!("{count} inputs");
    let _ = std::fs::remove_dir_all(directory);
}

// What was found here, one by one.

fn name(of: &str) -> String {
    format!("hostile-{of}-{}", std::process::id())
}

/// A channel for ten messages of eight bytes, seven to a frame, and its file.
fn channel(of: &str) -> (Sender<u64>, Receiver<u64>, File) {
    let options = Options::new().capacity(10).placement(Placement::Inline);
    let tx = Sender::create_with(&name(of), &options).unwrap();
    let rx = Receiver::open(&name(of)).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(tx.path().unwrap()).unwrap();
    (tx, rx, file)
}

fn put(file: &File, offset: u64, word: u64) {
    file.write_all_at(&word.to_le_bytes(), offset).unwrap();
}

const CONSUMER: u64 = 8192;
const CREDIT: u64 = CONSUMER + 128;
const CONSUMER_STATUS: u64 = CONSUMER + 256;
const FRAMES: u64 = 12288;

/// A receiver killed between the stores of `head` and `credit` leaves a credit more than a ring behind. It was called
/// corrupt, and nobody could receive from the channel any more.
#[test]
fn a_credit_that_a_dead_receiver_left_behind_is_taken_over() {
    let (mut tx, mut rx, file) = channel("credit");
    tx.send(0).unwrap();
    rx.recv().unwrap();
    tx.send_many(&[1; 10]).unwrap();
    rx.try_read(10).unwrap().release_all();
    drop(rx);
    put(&file, CREDIT, 0);
    let mut rx = Receiver::<u64>::open(&name("credit")).expect("head 11, credit 0, capacity 10");
    for message in 0..30 {
        tx.try_send(message).unwrap();
        assert_eq!(rx.try_recv(), Ok(message));
    }
}

/// The frames have 21 places for 10 messages. Words that fill them all made more available than the ring holds.
#[test]
fn no_more_is_available_than_the_ring_holds() {
    let (_tx, mut rx, file) = channel("words");
    for frame in 0..3 {
        put(&file, FRAMES + frame * 64, frame * 7 + 7);
    }
    assert_eq!(rx.try_read(11).unwrap_err(), TryGrantError::TooFew(10));
    assert_eq!(rx.try_recv_many(&mut [0; 21]), Ok(10));
}

/// All ones was the word that stood for "look again": a closed end that found it in the peer's status sent again.
#[test]
fn a_closed_end_stays_closed_whatever_the_peer_says_of_itself() {
    let (mut tx, rx, file) = channel("closed");
    tx.close();
    for status in [u64::MAX, 1 << 7, u64::MAX >> 1, 1 << 32 | 1] {
        put(&file, CONSUMER_STATUS, status);
        assert!(tx.try_send(1).unwrap_err().is_disconnected(), "{status:#x}");
    }
    assert!(rx.is_empty());
}

/// A peer that never stops writing anything anywhere delays nothing past its deadline.
/// Fault 58.
#[test]
fn deadlines_hold_while_every_word_changes() {
    let directory = segment::directory();
    let options = Options::new().dir(&directory).capacity(10).slice(Duration::from_secs(3600));
    let tx = Sender::<u64>::create_with("deadlines", &options).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(tx.path().unwrap()).unwrap();
    segment::hold_gate(&file);
    drop(tx);
    let stop = AtomicBool::new(false);
    let longest = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut state = 1_u64;
            while !stop.load(Relaxed) {
                // Knuth's multiplier; the high bits are the good ones.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let offset = segment::WORDS[(state >> 40) as usize % (segment::WORDS.len() - 1)];
                put(&file, offset, if state >> 63 == 0 { state >> 60 } else { state });
            }
        });
        let patience = Duration::from_millis(2);
        let (end, mut longest) = (Instant::now() + Duration::from_secs(1), Duration::ZERO);
        while Instant::now() < end {
            let before = Instant::now();
            if let Ok(mut tx) = Sender::<u64>::open_with("deadlines", &options) {
                let _ = (tx.send_timeout(1, patience), tx.try_send_many(&[1; 20]), tx.wait_for_peer(patience));
                let _ = (tx.send_timeout(2, patience), tx.len(), tx.is_full());
            }
            if let Ok(mut rx) = Receiver::<u64>::open_with("deadlines", &options) {
                let _ = (rx.recv_timeout(patience), rx.try_recv_many(&mut [0; 20]), rx.wait_for_peer(patience));
                let _ = rx.recv_ref_timeout(patience).map(Guard::commit);
                let _ = rx.try_read(5).map(|grant| grant.release_all());
            }
            longest = longest.max(before.elapsed());
        }
        stop.store(true, Relaxed);
        longest
    });
    assert!(longest < Duration::from_secs(10), "seven waits of 2 ms took {longest:?}");
    let _ = std::fs::remove_dir_all(directory);
}
