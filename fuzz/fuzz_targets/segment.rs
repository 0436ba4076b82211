//! Any bytes as a segment, and a peer that writes any word at any time; see the module below.
//!
//! ```text
//! cargo +nightly fuzz run segment -- -max_total_time=60
//! RUSTC_BOOTSTRAP=1 cargo +stable fuzz run segment -- -max_total_time=60
//! ```
//!
//! Start from what the tests keep: `... fuzz run segment fuzz/corpus/segment tests/hostile/corpus`.
#![no_main]

#[path = "../../tests/hostile/segment.rs"]
mod segment;

use std::cell::OnceCell;
use std::path::PathBuf;

thread_local!(static DIRECTORY: OnceCell<PathBuf> = const { OnceCell::new() });

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    DIRECTORY.with(|directory| segment::run(input, directory.get_or_init(segment::directory)));
});
