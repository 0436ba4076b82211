//! Nothing that a file holds or a peer writes makes the library panic, hang or leave the segment.
//!
//! The fuzz target of `fuzz/` without a fuzzer: the same program over the committed corpus and over random inputs. A
//! failure prints the input; put it into `tests/hostile/corpus` under a name that says what it found.

#[path = "hostile/segment.rs"]
mod segment;

use std::path::Path;
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

#[test]
fn the_corpus_passes() {
    let directory = segment::directory();
    let mut count = 0;
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/corpus")).unwrap() {
        let path = entry.unwrap().path();
        runs(&std::fs::read(&path).unwrap(), &directory, &path.display().to_string());
        count += 1;
    }
    assert!(count > 0, "the corpus is there");
    let _ = std::fs::remove_dir_all(directory);
}

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
