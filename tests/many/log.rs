//! What a worker writes down as it goes, in a file of its own in memory: one store each, so that it survives the worker.
//!
//! # Safety
//!
//! The map is of the whole file, which nobody cuts, and is seen through atomics only.
#![allow(unsafe_code)]

use memmap2::MmapRaw;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Messages that a receiver can write down; when so many are there it receives no more.
const ENTRIES: usize = 1 << 21;
const WORDS: usize = FIRST + 2 * ENTRIES;
const FIRST: usize = 8;

const HERE: usize = 0;
const STOP: usize = 1;
const TRIED: usize = 2;
const SENT: usize = 3;
const STALL: usize = 4;
const COUNT: usize = 5;
const DONE: usize = 6;

/// What became of a message, as far as its receiver got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Received for good.
    Received,
    /// In hand; committed.
    Committed,
    /// In hand; about to be given back.
    Returned,
    /// In hand when the receiver died; it may have been committed.
    Unknown,
}

/// One delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) sender: u64,
    pub(crate) number: u64,
    /// 0 for a message that was received for good, which nobody says it of.
    pub(crate) attempt: u32,
    pub(crate) position: u64,
    pub(crate) fate: Fate,
}

const COMMITTED: u64 = 1 << 63;
const RETURNED: u64 = 1 << 62;
const SENDER: u32 = 40;

/// A worker's log.
#[derive(Debug)]
pub(crate) struct Log {
    map: MmapRaw,
}

impl Log {
    /// Opens it or makes it; the worker and the test do.
    pub(crate) fn open(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).expect("a log");
        file.set_len((WORDS * 8) as u64).expect("a log's length");
        Self { map: MmapRaw::map_raw(&file).expect("a log's map") }
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at < WORDS);
        // SAFETY: inside the map, which is aligned to a page.
        let word = unsafe { self.map.as_mut_ptr().cast::<u64>().add(at) };
        // SAFETY: as long as the map, and everybody goes by atomics.
        unsafe { AtomicU64::from_ptr(word) }
    }

    pub(crate) fn set_here(&self) {
        self.word(HERE).store(1, Release);
    }

    pub(crate) fn is_here(&self) -> bool {
        self.word(HERE).load(Acquire) == 1
    }

    /// The test's word to the worker.
    pub(crate) fn stop(&self) {
        self.word(STOP).store(1, Release);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.word(STOP).load(Acquire) == 1
    }

    /// A sender is about to send the messages up to this one.
    pub(crate) fn try_up_to(&self, number: u64) {
        self.word(TRIED).store(number, Release);
    }

    /// They are sent.
    pub(crate) fn sent_up_to(&self, number: u64) {
        self.word(SENT).store(number, Release);
    }

    pub(crate) fn tried(&self) -> u64 {
        self.word(TRIED).load(Acquire)
    }

    pub(crate) fn sent(&self) -> u64 {
        self.word(SENT).load(Acquire)
    }

    /// An operation is finished, and the longest time between two of them.
    pub(crate) fn step(&self, stall_ns: u64) {
        self.word(DONE).store(self.done() + 1, Relaxed);
        self.word(STALL).fetch_max(stall_ns, Relaxed);
    }

    pub(crate) fn done(&self) -> u64 {
        self.word(DONE).load(Relaxed)
    }

    pub(crate) fn stall_ns(&self) -> u64 {
        self.word(STALL).load(Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.word(COUNT).load(Relaxed) as usize + 64 > ENTRIES
    }

    /// Writes a delivery down; its number here.
    pub(crate) fn note(&self, sender: u64, number: u64, attempt: u32, position: u64) -> usize {
        let entry = self.word(COUNT).load(Relaxed) as usize;
        self.word(FIRST + 2 * entry + 1).store(position << 8 | u64::from(attempt), Relaxed);
        self.word(FIRST + 2 * entry).store(sender << SENDER | number, Release);
        self.word(COUNT).store(entry as u64 + 1, Release);
        entry
    }

    pub(crate) fn committed(&self, entry: usize) {
        self.word(FIRST + 2 * entry).fetch_or(COMMITTED, Release);
    }

    pub(crate) fn returned(&self, entry: usize) {
        self.word(FIRST + 2 * entry).fetch_or(RETURNED, Release);
    }

    /// All deliveries, once the worker writes no more.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        (0..ENTRIES).map_while(|entry| {
            let (what, how) = (self.word(FIRST + 2 * entry).load(Acquire), self.word(FIRST + 2 * entry + 1));
            (what != 0).then(|| {
                let how = how.load(Relaxed);
                let attempt = (how & 0xff) as u32;
                let fate = match attempt {
                    0 => Fate::Received,
                    _ if what & COMMITTED != 0 => Fate::Committed,
                    _ if what & RETURNED != 0 => Fate::Returned,
                    _ => Fate::Unknown,
                };
                let (sender, number) = ((what & !(COMMITTED | RETURNED)) >> SENDER, what & ((1 << SENDER) - 1));
                Entry { sender, number, attempt, position: how >> 8, fate }
            })
        })
    }
}
