//! Any bytes as what a channel carries: the parts of messages of bytes, the parcels and tickets of many to many, lines that become
//! records, encoded values.
//!
//! A peer that writes any word at any moment (`peer`, `bytes`) seldom writes two that belong together. Here the words say what they
//! should, and tell of frames that hold whatever the input says: so what takes them apart is reached with every header and length.
//! And what is made of them is compared with what the format's document says of them, by a reader of its own ([`parts`]):
//!
//! | kind | what is any bytes | what reads it | and must find |
//! |---|---|---|---|
//! | parts | headers, lengths, announced lengths and bytes in the frames of `bytes::spsc` | `Receiver` | the messages that the document tells of, then `Corrupt` |
//! | parcels | slots of `bytes::mpmc`, and the words of the lanes that they name | `Receiver` | the short messages as they are; of tickets, no more than the lane has |
//! | lines | the input of `ringway send --records`, in pieces of any length | `cli::records::lines` | the lines of the whole |
//! | values | messages of a channel of values | `codec::Receiver`, `compat::serde` | a value whose encoding is that message, or an error |
//!
//! Nothing panics, no call takes more memory than what is let come (a value: a mebibyte for each length in its message), every call ends. What
//! comes out of `recv --records` is the same messages behind each other with newlines; that program is run against a hostile sender in
//! `tests/records_hostile.rs`.
//!
//! `fuzz/fuzz_targets/frames.rs` gives it libFuzzer's inputs; `tests/frames.rs` random ones and the committed corpus.

mod lines;
mod parcels;
mod parts;
mod values;

use crate::heap;
use crate::input::Input;
use ringway::observe::{self, Inspection, Page};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

const NAME: &str = "frames";
/// The most that a receiver lets come, in bytes.
const LIMIT: u64 = 20_000;
/// How long a call waits that waits.
const MOMENT: Duration = Duration::from_micros(100);
/// How late a call may be on a machine that has much else to do.
const SLACK: Duration = Duration::from_secs(10);

/// Runs one input in the directory.
pub(crate) fn run(input: &[u8], directory: &Path) {
    let mut input = Input(input);
    match input.byte() % 4 {
        0 => parts::run(&mut input, directory),
        1 => parcels::run(&mut input, directory),
        2 => lines::run(&mut input),
        _ => values::run(&mut input, directory),
    }
    let _ = std::fs::remove_file(directory.join(NAME));
}

/// A segment's file, and what its header says of it.
struct Segment {
    file: File,
    seen: Inspection,
}

impl Segment {
    fn of(directory: &Path) -> Self {
        let seen = observe::inspect(NAME, Some(directory), 0).expect("it was made");
        let file = OpenOptions::new().read(true).write(true).open(directory.join(NAME)).expect("its file");
        Self { file, seen }
    }

    fn number(&self, name: &str) -> u64 {
        self.seen.field(Page::Header, name).and_then(observe::Field::number).expect("a field")
    }

    /// Where a region is, and the distance of its entries.
    fn region(&self, name: &str) -> (u64, u64) {
        let region = self.seen.regions.iter().find(|region| region.name.as_deref() == Some(name)).expect("a region");
        (region.offset, region.stride)
    }

    fn put(&self, at: u64, bytes: &[u8]) {
        let _ = self.file.write_at(bytes, at);
    }

    fn store(&self, at: u64, word: u64) {
        self.put(at, &word.to_le_bytes());
    }

    fn load(&self, at: u64) -> u64 {
        let mut word = [0; 8];
        let _ = self.file.read_at(&mut word, at);
        u64::from_le_bytes(word)
    }
}

/// A call that ends by itself, soon, and takes so many bytes at most.
fn bounded<R>(bytes: usize, call: impl FnOnce() -> R) -> R {
    let started = Instant::now();
    let (result, most) = heap::most_of(call);
    assert!(started.elapsed() < SLACK, "a call took {:?}", started.elapsed());
    assert!(most <= (64 << 10) + bytes, "{most} bytes, and {bytes} were let come");
    result
}
