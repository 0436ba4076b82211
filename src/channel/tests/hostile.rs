//! A hostile peer that writes any word between any two steps: the fuzz target `peer` of `fuzz/` without a fuzzer. The same
//! program over the committed corpus and over random inputs; a failure prints the input, which goes into
//! `tests/hostile/corpus-peer` under a name that says what it found.
//!
//! It is here, since the steps of the crate's own unit tests are those that something can be done between.
#![allow(dead_code)] // what other programs need

#[path = "../../../tests/hostile/corpus.rs"]
mod corpus;
#[path = "../../../tests/hostile/bytes/heap.rs"]
mod heap;
#[path = "../../../tests/hostile/input.rs"]
mod input;
#[path = "../../../tests/hostile/peer/mod.rs"]
mod peer;

/// A directory for a test of this name.
fn directory(of: &str) -> std::path::PathBuf {
    let directory = input::directory().join(of);
    std::fs::create_dir_all(&directory).expect("a directory in /dev/shm");
    directory
}

#[test]
fn the_corpus_passes() {
    let directory = directory("kept");
    corpus::run_kept("tests/hostile/corpus-peer", |input| peer::run(input, &directory));
    let _ = std::fs::remove_dir_all(input::directory());
    let written = peer::WRITTEN.with_borrow(Clone::clone);
    println!("words written over, by kind: {written:?}");
    let is_attacked = |kind: u8| written.get(&kind).is_some_and(|words| *words > 0);
    assert!((0..8).all(is_attacked), "a kind that nobody attacks: {written:?}");
}

/// Faults 59, 60, 61 and 64.
#[test]
fn random_programs_pass() {
    let directory = directory("random");
    corpus::run_random(|_, _| {}, |input| peer::run(input, &directory));
    let _ = std::fs::remove_dir_all(input::directory());
    let written: u64 = peer::WRITTEN.with_borrow(|written| written.values().sum());
    println!("{written} words written over");
    assert!(written > 1000 || std::env::var_os("RINGWAY_HOSTILE_INPUT").is_some(), "nobody is hostile: {written}");
}

// What was found here, one by one.

/// What came of sending a message into an empty ring of four, and how many steps it took, beside a peer that writes a word of the page behind
/// the header before each of them.
fn try_beside(name: &str, word: u64, next: fn(u64) -> u64) -> (Result<(), ringway::TrySendError<u64>>, u64) {
    use std::os::unix::fs::FileExt;
    const SHARED: u64 = 4096;
    let directory = directory(name);
    let options = ringway::Options::new().dir(&directory).capacity(4);
    let tx = ringway::mpmc::Sender::<u64>::create_with(name, &options).unwrap();
    let file = std::fs::File::options().write(true).open(directory.join(name)).unwrap();
    let counted = std::rc::Rc::new(std::cell::Cell::new(0));
    let (mut value, count) = (0, std::rc::Rc::clone(&counted));
    ringway::before_each_step(Some(Box::new(move || {
        value = next(value);
        count.set(count.get() + 1);
        assert!(count.get() < 4_000_000, "a try that does not end");
        file.write_all_at(&value.to_le_bytes(), SHARED + word).unwrap();
    })));
    let sent = tx.try_send(7);
    ringway::before_each_step(None);
    drop(tx);
    let _ = std::fs::remove_dir_all(input::directory());
    (sent, counted.get())
}

/// Who lost every race to a peer that writes the tail went on for 64 times 4096 races before it looked at the clock: more than a
/// million steps.
#[test]
fn a_try_is_over_soon_though_every_race_is_lost() {
    let (sent, steps) = try_beside("races", 0, |tail| (tail + 1) % 4);
    assert!(sent.is_err() || steps < 100, "it has lost every race");
    assert!(steps < 500_000, "one try took {steps} steps");
}

/// Who asked who is there looked again as long as somebody came or went meanwhile.
#[test]
fn a_try_is_over_soon_though_somebody_always_comes() {
    const EPOCH: u64 = 256;
    let (sent, steps) = try_beside("epochs", EPOCH, |epoch| epoch + 1);
    assert_eq!(sent, Ok(()), "there is room, and nobody has gone");
    assert!(steps > 100, "nobody came: {steps}");
    assert!(steps < 500_000, "one try took {steps} steps");
}
