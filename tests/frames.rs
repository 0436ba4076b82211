//! Any bytes as what a channel carries: the fuzz target `frames` of `fuzz/` without a fuzzer. The same program over the committed corpus
//! and over random inputs; a failure prints the input, which goes into `tests/hostile/corpus-frames` under a name that says what it
//! found.
#![cfg(feature = "serde")]

#[allow(dead_code)] // what the program needs
#[path = "hostile/cli.rs"]
mod cli;
#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/frames/mod.rs"]
mod frames;
#[path = "hostile/bytes/heap.rs"]
mod heap;
#[allow(dead_code)] // what others need
#[path = "hostile/input.rs"]
mod input;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

#[test]
fn the_corpus_passes() {
    let directory = input::directory();
    corpus::run_kept("tests/hostile/corpus-frames", |input| frames::run(input, &directory));
    let _ = std::fs::remove_dir_all(directory);
}

/// Fault 60.
#[test]
fn random_programs_pass() {
    let directory = input::directory();
    corpus::run_random(|_, _| {}, |input| frames::run(input, &directory));
    let _ = std::fs::remove_dir_all(directory);
}
