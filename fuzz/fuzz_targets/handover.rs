//! Any bytes and descriptors as the other side of a hand-over, and a hostile other half; see the module below.
//!
//! ```text
//! fuzz/run handover --seconds 60
//! ```
#![no_main]

#[path = "../../tests/hostile/handover/mod.rs"]
mod handover;
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
    DIRECTORY.with(|directory| handover::run(input, directory.get_or_init(input::directory)));
});
