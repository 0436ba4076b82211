//! A peer that writes any word between any two steps of a call, for every kind of channel; see the module below.
//!
//! ```text
//! fuzz/run peer --seconds 60
//! ```
#![no_main]

#[path = "../../tests/hostile/bytes/heap.rs"]
mod heap;
#[allow(dead_code)] // what others need
#[path = "../../tests/hostile/input.rs"]
mod input;
#[path = "../../tests/hostile/peer/mod.rs"]
mod peer;

use std::cell::OnceCell;
use std::path::PathBuf;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

thread_local!(static DIRECTORY: OnceCell<PathBuf> = const { OnceCell::new() });

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    DIRECTORY.with(|directory| peer::run(input, directory.get_or_init(input::directory)));
});
