//! Messages of bytes, kinds 4 and 5, beside a peer that writes any word at any time.
//!
//! One input is a short program: a segment that the library makes, over which the input's own bytes may be laid; then
//! operations of the public interface, between which, and between the steps of which, words of the file are overwritten.
//! Whatever it says:
//!
//! - nothing panics, and nothing is read or written outside of the segment (a sanitizer sees that);
//! - a call with a deadline returns soon after it; one without returns when the peer has made what it waits for impossible;
//! - no call takes more memory than the messages that the receiver lets come, and a little.
//!
//! What a call returns does not matter.
//!
//! `fuzz/fuzz_targets/bytes.rs` gives it libFuzzer's inputs; `tests/bytes_hostile.rs` random ones and the committed corpus.

pub(crate) mod heap;
mod many;
mod pair;

use crate::segment::{Input, another, hold_gate};
use ringway::{Absent, Options, WaitStrategy, observe};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

const NAME: &str = "bytes";
const PAGE: u64 = 4096;
/// No input does more than this.
const OPERATIONS: usize = 96;
/// How long a call waits that waits.
const MOMENT: Duration = Duration::from_micros(200);
/// How late a call may be on a machine that has much else to do.
const SLACK: Duration = Duration::from_secs(10);
/// The most that a receiver lets come, in bytes.
const LIMIT: u64 = 20_000;
/// Messages that a receiver can have begun at a time.
const IN_HAND: usize = 4;

/// Runs one input in the directory.
pub(crate) fn run(input: &[u8], directory: &Path) {
    let mut input = Input(input);
    let path = directory.join(NAME);
    let _ = std::fs::remove_file(&path);
    let how = input.byte();
    let peer = if how & 1 == 0 { pair::create(&mut input, directory) } else { many::create(&mut input, directory) };
    let Some(peer) = peer else { return };
    if how & 2 != 0 {
        peer.lay_over(&mut input);
    }
    let mut program = Program { input, peer, directory, how, limit: LIMIT };
    if how & 1 == 0 {
        pair::run(&mut program)
    } else {
        many::run(&mut program)
    }
    program.look();
    let _ = std::fs::remove_file(&path);
}

/// Runs one input while another thread never stops writing any word, at the speed of the machine.
pub(crate) fn run_in_a_storm(input: &[u8], directory: &Path) {
    let path = directory.join(NAME);
    let _ = std::fs::remove_file(&path);
    let (mut input, how) = (Input(input), input.first().copied().unwrap_or(0));
    input.byte();
    let peer = if how & 1 == 0 { pair::create(&mut input, directory) } else { many::create(&mut input, directory) };
    let Some(peer) = peer else { return };
    let storm = Peer {
        file: peer.file.try_clone().expect("a descriptor"),
        words: peer.words.clone(),
        ends: Vec::new(),
        ..peer
    };
    let mut program = Program { input, peer, directory, how, limit: LIMIT };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut state = u64::from(how) << 32 | 1;
            while !is_over.load(Relaxed) {
                // Knuth's multiplier; the high bits are the good ones.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let bytes = [state.to_be_bytes(), state.wrapping_mul(3).to_be_bytes()].concat();
                storm.scribble(&mut Input(&bytes));
            }
        });
        let ran = catch_unwind(AssertUnwindSafe(|| {
            if how & 1 == 0 { pair::run(&mut program) } else { many::run(&mut program) }
        }));
        is_over.store(true, Relaxed);
        ran.unwrap_or_else(|panic| resume_unwind(panic));
    });
    let _ = std::fs::remove_file(&path);
}

/// The other side: whoever can write the segment.
pub(crate) struct Peer {
    file: File,
    len: u64,
    /// Where words are that mean something.
    words: Vec<u64>,
    /// What ends each wait: where, and which word.
    ends: Vec<(u64, u64)>,
}

impl Peer {
    /// Of a segment that has been made, which it keeps.
    fn of(path: &Path, words: Vec<u64>, ends: Vec<(u64, u64)>) -> Option<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
        hold_gate(&file);
        let len = file.metadata().ok()?.len();
        Some(Self { file, len, words, ends })
    }

    /// The input's bytes in place of what is there, anywhere behind the header.
    fn lay_over(&self, input: &mut Input<'_>) {
        for _ in 0..1 + input.byte() % 4 {
            let at = self.place(input).max(PAGE);
            let count = usize::from(input.byte()).min(input.0.len());
            let (now, later) = input.0.split_at(count);
            input.0 = later;
            if at + count as u64 <= self.len {
                let _ = self.file.write_all_at(now, at);
            }
        }
    }

    fn place(&self, input: &mut Input<'_>) -> u64 {
        match input.byte() {
            place @ 0..=0xdf => self.words[usize::from(place) % self.words.len()],
            _ => (PAGE + (input.number() & 0xff_ffff) % (self.len - PAGE)) & !7,
        }
    }

    /// Overwrites a word.
    fn scribble(&self, input: &mut Input<'_>) {
        let (at, what) = (self.place(input), input.byte());
        let mut old = [0; 8];
        let _ = self.file.read_at(&mut old, at);
        let old = u64::from_le_bytes(old);
        let new = match what {
            // Another state of the same: the low byte, and the low half, of most words.
            0xe0..=0xef => old & !0xff | u64::from(what & 15),
            0xf0..=0xf7 => old & !0x3 | u64::from(what & 3),
            0xf8..=0xff => old & !0xffff_ffff | u64::from(input.byte()),
            _ => another(old, what, input),
        };
        let _ = self.file.write_all_at(&new.to_le_bytes(), at);
    }

    /// Makes impossible whatever anybody waits for.
    fn end_all_waits(&self) {
        for (at, word) in &self.ends {
            let _ = self.file.write_all_at(&word.to_le_bytes(), *at);
        }
    }
}

/// An input at work.
pub(crate) struct Program<'a> {
    input: Input<'a>,
    peer: Peer,
    directory: &'a Path,
    how: u8,
    limit: u64,
}

impl Program<'_> {
    /// How an end waits and what it does alone, as bits of the input's first byte say.
    fn manner(&self) -> Options {
        let options = Options::new().dir(self.directory).slice(MOMENT);
        let options = if self.how & 0x40 != 0 { options.wait(WaitStrategy::Spin) } else { options };
        match self.how >> 3 & 3 {
            0 => options.absent(Absent::Buffer),
            1 => options.absent(Absent::Fail),
            _ => options,
        }
    }

    fn byte(&mut self) -> u8 {
        self.input.byte()
    }

    /// A length: short, at a border, or longer than what there is room for.
    fn length(&mut self) -> usize {
        let length = usize::from(self.byte());
        match length & 7 {
            0..4 => length,
            4 => 100 + (length >> 3),
            5 => 4080 + (length >> 3),
            6 => 8170 + (length >> 3),
            _ => length * 70,
        }
    }

    fn scribble(&mut self) {
        self.peer.scribble(&mut self.input);
    }

    /// Some words, or none.
    fn scribble_some(&mut self) {
        for _ in 0..self.byte() % 3 {
            self.scribble();
        }
    }

    fn look(&self) {
        if let Ok(seen) = observe::stat(NAME, Some(self.directory)) {
            assert!(seen.depth <= seen.capacity);
        }
        drop(observe::inspect(NAME, Some(self.directory), 16));
    }

    /// A call that ends by itself, soon, and takes no memory to speak of but for `messages` that may be received.
    fn bounded<R>(&self, messages: usize, call: impl FnOnce() -> R) -> R {
        let started = Instant::now();
        let (result, most) = heap::most_of(call);
        assert!(started.elapsed() < SLACK, "a call with a deadline took {:?}", started.elapsed());
        // A vector may have twice what it needs, and while it grows its old block beside the new one.
        let bound = (64 << 10) + 3 * self.limit as usize * messages;
        assert!(most <= bound, "{most} bytes for {messages} messages of {} bytes", self.limit);
        result
    }

    /// A call that may wait for ever. The peer ends that.
    fn ended<R>(&self, call: impl FnOnce() -> R) -> R {
        let peer = &self.peer;
        std::thread::scope(|scope| {
            let (over, is_over) = mpsc::channel::<()>();
            let hostile = scope.spawn(move || {
                let started = Instant::now();
                while is_over.recv_timeout(MOMENT) == Err(RecvTimeoutError::Timeout) {
                    peer.end_all_waits();
                    if started.elapsed() > 2 * SLACK {
                        // It cannot be stopped, and a panic of this thread would wait for it.
                        eprintln!("a call goes on that has nothing to wait for");
                        std::process::abort();
                    }
                }
            });
            let result = self.bounded(IN_HAND + 1, call);
            drop(over);
            // The scope alone would not wait until the thread has given all back.
            hostile.join().expect("it does nothing that panics");
            result
        })
    }
}
