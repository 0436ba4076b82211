//! Whatever the other side of a hand-over says, and passes, and writes into its half: the fuzz target `handover` of `fuzz/` without
//! a fuzzer. The same program over the committed corpus and over random inputs; a failure prints the input, which goes into
//! `tests/hostile/corpus-handover` under a name that says what it found.
//!
//! One process is both sides here, so that a run can be repeated; `tests/handover_hostile.rs` has another process at the other
//! side, at any speed.

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/handover/mod.rs"]
mod handover;
#[path = "hostile/bytes/heap.rs"]
mod heap;
#[allow(dead_code)] // what others need
#[path = "hostile/input.rs"]
mod input;

use std::sync::Mutex;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// What a program leaves behind is counted in the process, so there is one at a time.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn the_corpus_passes() {
    let _turn = TURN.lock();
    let directory = input::directory();
    corpus::run_kept("tests/hostile/corpus-handover", |input| handover::run(input, &directory));
    let _ = std::fs::remove_dir_all(directory);
}

/// Faults 20 and 69.
#[test]
fn random_programs_pass() {
    let _turn = TURN.lock();
    let directory = input::directory();
    let shape = |input: &mut Vec<u8>, random: u64| {
        // Half of them get as far as a channel.
        if random % 2 == 0 {
            input[1] = 0;
        }
    };
    corpus::run_random(shape, |input| handover::run(input, &directory));
    let _ = std::fs::remove_dir_all(directory);
}
