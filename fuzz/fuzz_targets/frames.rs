//! Any bytes as what a channel carries; see the module below.
//!
//! ```text
//! fuzz/run frames --seconds 60
//! ```
#![no_main]

#[allow(dead_code)] // what the program needs
#[path = "../../tests/hostile/cli.rs"]
mod cli;
#[path = "../../tests/hostile/frames/mod.rs"]
mod frames;
#[path = "../../tests/hostile/bytes/heap.rs"]
mod heap;
#[allow(dead_code)] // what others need
#[path = "../../tests/hostile/input.rs"]
mod input;

use std::cell::OnceCell;
use std::path::PathBuf;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

thread_local!(static DIRECTORY: OnceCell<PathBuf> = const { OnceCell::new() });

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    DIRECTORY.with(|directory| frames::run(input, directory.get_or_init(input::directory)));
});
