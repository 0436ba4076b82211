//! Messages of bytes, one to one and many to many, beside a peer that writes any word at any time; see the module below.
//!
//! ```text
//! cargo +nightly fuzz run bytes fuzz/corpus/bytes tests/hostile/corpus-bytes -- -max_total_time=60
//! ```
//!
//! On a stable compiler as `segment.rs` says.
#![no_main]

#[allow(dead_code)] // what tests alone need
#[path = "../../tests/hostile/bytes/mod.rs"]
mod bytes;
#[allow(dead_code)] // what kinds 1 to 3 need
#[path = "../../tests/hostile/segment.rs"]
mod segment;

use std::cell::OnceCell;
use std::path::PathBuf;

#[global_allocator]
static HEAP: bytes::heap::Counting = bytes::heap::Counting;

thread_local!(static DIRECTORY: OnceCell<PathBuf> = const { OnceCell::new() });

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    DIRECTORY.with(|directory| bytes::run(input, directory.get_or_init(segment::directory)));
});
