//! Inputs for hostile programs: those that are kept, and random ones.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

fn from_hex(line: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&line[at..at + 2], 16).expect("two digits");
    (0..line.len()).step_by(2).map(digits).collect()
}

/// No input takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs an input. What is too late or too much panics; what goes on for ever ends the process, since it cannot be stopped.
fn run_one(run: &impl Fn(&[u8]), input: &[u8], what: &str) {
    let hex = || input.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (over, is_over) = mpsc::channel::<()>();
    let (told, in_hex) = (what.to_owned(), hex());
    let watching = std::thread::spawn(move || {
        if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{told} goes on: {in_hex}");
            std::process::abort();
        }
    });
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(input)));
    drop(over);
    watching.join().expect("it does nothing that panics");
    assert!(result.is_ok(), "{what} fails: {}", hex());
}

/// Runs what is kept in a directory: in each file an input a line, in hexadecimal.
pub(crate) fn run_kept(directory: &str, run: impl Fn(&[u8])) {
    let mut count = 0;
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).expect("the corpus") {
        let path = entry.expect("an entry").path();
        for line in std::fs::read_to_string(&path).expect("a file of it").lines() {
            run_one(&run, &from_hex(line), &path.display().to_string());
            count += 1;
        }
    }
    assert!(count > 50, "the corpus is there");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs random inputs for a while (`RINGWAY_HOSTILE_SECONDS`; `RINGWAY_HOSTILE_SEED` repeats it), after `shape` has had its way with
/// each; or that of `RINGWAY_HOSTILE_INPUT`, as a failure prints it.
pub(crate) fn run_random(shape: impl Fn(&mut Vec<u8>, u64), run: impl Fn(&[u8])) {
    if let Ok(input) = std::env::var("RINGWAY_HOSTILE_INPUT") {
        return run(&from_hex(&input));
    }
    let seed = number("RINGWAY_HOSTILE_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20 | 0x5eed);
    println!("RINGWAY_HOSTILE_SEED={seed}");
    // splitmix64: Steele, Lea, Flood (2014).
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    };
    let end = Instant::now() + Duration::from_secs(number("RINGWAY_HOSTILE_SECONDS").unwrap_or(3));
    let mut count = 0_u64;
    while Instant::now() < end || count < 50 {
        let len = 16 + random() % 300;
        let mut input: Vec<u8> = (0..len).map(|_| (random() >> 16) as u8).collect();
        shape(&mut input, random());
        run_one(&run, &input, &format!("input {count} of seed {seed}"));
        count += 1;
    }
    println!("{count} inputs");
}
