//! What a process writes down as it goes: a file that is mapped by it and by the controller, and outlives it. An operation is
//! begun in it before it is begun, and ended in it when it has returned, so what a killed process was doing is known.
//!
//! # Safety
//!
//! The map is of the whole file, which nobody cuts, and is seen through atomics only.
#![allow(unsafe_code)]

use super::history::{Fate, Op, Outcome, What};
use memmap2::MmapRaw;
use ringway::DisconnectReason;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Operations that can be written down. A receiver that is never replaced gets all that is sent in an episode, by dozens of processes of
/// which each sends some eight thousand messages before it goes slowly; if it could write down no more, it would receive no more,
/// and who sends would wait for ever. The file has holes.
const ENTRIES: usize = 1 << 20;
/// From so many on what comes to nothing is not kept.
const CROWDED: usize = 1 << 16;
/// Words of an operation.
const WORDS: usize = 8;
const FIRST: usize = 64;

/// A word at the top of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    /// When the end was open, in ns.
    Here,
    /// The controller's: come to an end.
    Stop,
    /// The controller's: receive what is left, then leave.
    Drain,
    LeaveBegun,
    LeaveEnded,
    /// The controller's: the number and kind of an errand.
    Errand,
    /// The last errand that is done.
    ErrandDone,
    /// The descriptor of a channel without a name, and one more.
    Descriptor,
    Count,
    ForksBegun,
    ForksEnded,
    /// Forked children to which something other than `Forked` was told, or which did not come to their end.
    ForksWrong,
    /// Errors that said what was lacking, when something was.
    Told,
    /// Others.
    Untold,
    /// Of the last receiver, when it has received everything: messages that are there, and in somebody's hand.
    Left,
    InHand,
}

/// A process's log.
#[derive(Debug)]
pub(crate) struct Log {
    map: MmapRaw,
}

/// An operation that is being written down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot(usize);

const WHAT: usize = 0;
const ID: usize = 1;
const BEGIN: usize = 2;
const END: usize = 3;
const POSITION: usize = 4;
const FATE_BEGUN: usize = 5;
const FATE_ENDED: usize = 6;
const OUTCOME: usize = 7;

impl Log {
    /// Opens it or makes it.
    pub(crate) fn open(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).expect("a log");
        file.set_len(((FIRST + ENTRIES * WORDS) * 8) as u64).expect("a log's length");
        Self { map: MmapRaw::map_raw(&file).expect("a log's map") }
    }

    fn at(&self, at: usize) -> &AtomicU64 {
        assert!(at < FIRST + ENTRIES * WORDS);
        // SAFETY: inside the map, which is aligned to a page.
        let word = unsafe { self.map.as_mut_ptr().cast::<u64>().add(at) };
        // SAFETY: as long as the map, and everybody goes by atomics.
        unsafe { AtomicU64::from_ptr(word) }
    }

    fn of(&self, slot: Slot, word: usize) -> &AtomicU64 {
        self.at(FIRST + slot.0 * WORDS + word)
    }

    pub(crate) fn get(&self, word: Word) -> u64 {
        self.at(word as usize).load(Acquire)
    }

    pub(crate) fn set(&self, word: Word, value: u64) {
        self.at(word as usize).store(value, Release);
    }

    pub(crate) fn add(&self, word: Word, more: u64) {
        self.at(word as usize).fetch_add(more, Release);
    }

    pub(crate) fn count(&self) -> usize {
        self.get(Word::Count) as usize
    }

    /// Whether only what is left at the end still finds room.
    pub(crate) fn is_full(&self) -> bool {
        self.count() > ENTRIES / 4 * 3
    }

    /// Whether what came to nothing is no more to be kept: those who ask again and again fill a log soon. Till then each is there, for
    /// whoever checks that nothing was refused for no reason.
    pub(crate) fn is_crowded(&self) -> bool {
        self.count() > CROWDED
    }

    /// An operation is about to begin, of so many messages from this one on.
    pub(crate) fn begin(&self, what: What, count: u64, id: u64) -> Slot {
        let slot = Slot(self.count());
        assert!(slot.0 < ENTRIES, "the log is full");
        self.begin_again(slot, what, count, id);
        self.set(Word::Count, slot.0 as u64 + 1);
        slot
    }

    /// The same operation once more, of which what was before need not be known.
    pub(crate) fn begin_again(&self, slot: Slot, what: What, count: u64, id: u64) {
        self.of(slot, OUTCOME).store(0, Release);
        self.of(slot, ID).store(id, Relaxed);
        self.of(slot, BEGIN).store(now(), Relaxed);
        self.of(slot, WHAT).store(count << 8 | what as u64, Release);
    }

    /// It has returned; `done` is how many messages it was done for.
    pub(crate) fn end(&self, slot: Slot, outcome: Outcome, done: u64) {
        self.of(slot, END).store(now(), Relaxed);
        let (code, reason) = coded(outcome);
        self.of(slot, OUTCOME).store(done << 16 | reason << 8 | code, Release);
    }

    /// A receiver's has returned with this message.
    pub(crate) fn got(&self, slot: Slot, id: u64, attempt: u32, position: u64) {
        self.of(slot, ID).store(id, Relaxed);
        self.of(slot, POSITION).store(position << 8 | u64::from(attempt), Relaxed);
        self.end(slot, Outcome::Done, 1);
    }

    /// The message in hand is about to be committed or given back.
    pub(crate) fn parting(&self, slot: Slot, fate: Fate) {
        self.of(slot, FATE_BEGUN).store(now() << 1 | u64::from(fate == Fate::Returned), Release);
    }

    pub(crate) fn parted(&self, slot: Slot) {
        self.of(slot, FATE_ENDED).store(now(), Release);
    }

    /// How far a stream's end has come: bytes; whole, when it writes no more.
    pub(crate) fn moved(&self, slot: Slot, bytes: u64, is_whole: bool) {
        self.of(slot, POSITION).store(bytes << 8 | u64::from(is_whole), Release);
    }

    /// Whose stream it is, as soon as that is known.
    pub(crate) fn name(&self, slot: Slot, id: u64) {
        self.of(slot, ID).store(id, Release);
    }

    /// All operations, of a process that writes no more.
    pub(crate) fn ops(&self) -> Vec<Op> {
        (0..self.count()).map(|at| self.op(Slot(at))).collect()
    }

    fn op(&self, slot: Slot) -> Op {
        let word = |word| self.of(slot, word).load(Acquire);
        let (what, outcome, position) = (word(WHAT), word(OUTCOME), word(POSITION));
        let fate = match word(FATE_BEGUN) {
            0 => None,
            stamp => {
                Some((if stamp & 1 == 1 { Fate::Returned } else { Fate::Committed }, stamp >> 1, word(FATE_ENDED)))
            }
        };
        Op {
            what: What::ALL[(what & 0xff) as usize],
            count: what >> 8,
            id: word(ID),
            begin: word(BEGIN),
            end: if outcome == 0 { 0 } else { word(END) },
            outcome: decoded(outcome & 0xff, outcome >> 8 & 0xff),
            done: outcome >> 16,
            attempt: (position & 0xff) as u32,
            position: position >> 8,
            fate,
        }
    }
}

/// Reasons by their numbers in a log.
const REASONS: [DisconnectReason; 8] = [
    DisconnectReason::Left,
    DisconnectReason::Died,
    DisconnectReason::Absent,
    DisconnectReason::Closed,
    DisconnectReason::Corrupt,
    DisconnectReason::SegmentLost,
    DisconnectReason::Unlinked,
    DisconnectReason::Forked,
];

fn coded(outcome: Outcome) -> (u64, u64) {
    let reason = |reason: Option<DisconnectReason>| {
        let at = reason.and_then(|reason| REASONS.iter().position(|other| *other == reason));
        at.map_or(0xff, |at| at as u64)
    };
    match outcome {
        Outcome::Unfinished => (0, 0),
        Outcome::Done => (1, 0),
        Outcome::NotNow => (2, 0),
        Outcome::TimedOut => (3, 0),
        Outcome::Gone(why) => (4, reason(why)),
        Outcome::Aborted => (5, 0),
        Outcome::NoMemory => (6, 0),
        Outcome::Torn => (7, 0),
        Outcome::Strange => (8, 0),
    }
}

fn decoded(code: u64, reason: u64) -> Outcome {
    match code {
        0 => Outcome::Unfinished,
        1 => Outcome::Done,
        2 => Outcome::NotNow,
        3 => Outcome::TimedOut,
        4 => Outcome::Gone(REASONS.get(reason as usize).copied()),
        5 => Outcome::Aborted,
        6 => Outcome::NoMemory,
        7 => Outcome::Torn,
        _ => Outcome::Strange,
    }
}

/// How far this process's clock is ahead of the others', in ns: it may be in a time namespace of its own.
static AHEAD: AtomicU64 = AtomicU64::new(0);

pub(crate) fn set_ahead(ns: u64) {
    AHEAD.store(ns, Relaxed);
}

/// The time by the monotonic clock that all share, in ns.
pub(crate) fn now() -> u64 {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("a clock");
    let ns = time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64;
    ns.wrapping_sub(AHEAD.load(Relaxed))
}
