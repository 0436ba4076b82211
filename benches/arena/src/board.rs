//! What the two sides share beside the channel: where they meet, and what they write down for each other.
//!
//! Every word has one writer, but those of a crowd (`many::crowd`); words of different writers lie on lines of their own.

use crate::contestant::Failure;
use crate::task::Role;
use memmap2::MmapRaw;
use std::fs::OpenOptions;
use std::hint::spin_loop;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};

/// Words on one line: two lines of 64 bytes, since processors fetch them in pairs.
const LINE: usize = 128 / size_of::<u64>();
/// A side's line: phase reached, whether its system calls count, its thread.
const SIDES: [usize; 2] = [0, LINE];
const PING: usize = 2 * LINE;
const PONG: usize = 3 * LINE;
const FAILED: usize = 4 * LINE;
const TRACED: usize = 5 * LINE;
/// Words of many: each is written by all.
const CROWD: [usize; 4] = [6 * LINE, 7 * LINE, 8 * LINE, 9 * LINE];
const STAMPS: usize = 10 * LINE;
/// Stamps that fit.
pub const MOST_STAMPS: usize = 64 << 10;
const BYTES: usize = (STAMPS + MOST_STAMPS) * size_of::<u64>();
/// How often a side that waits looks before it lets others have the processor.
const LOOKS: u32 = 4096;

/// The board, mapped.
#[derive(Debug, Clone)]
pub struct Board(Arc<MmapRaw>);

impl Board {
    /// Makes the file of a new board.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.set_len(BYTES as u64)?;
        Ok(Self(Arc::new(MmapRaw::map_raw(&file)?)))
    }

    /// Maps the board that is there.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if file.metadata()?.len() != BYTES as u64 {
            return Err("the board has another size".into());
        }
        Ok(Self(Arc::new(MmapRaw::map_raw(&file)?)))
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at < BYTES / size_of::<u64>());
        // SAFETY: inside the mapping, which lives as long as `self`; aligned, since the mapping is aligned to a page;
        // every access by anybody is through atomics.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast::<u64>().add(at)) }
    }

    /// Waits until the other side has come to the same point as often as this one.
    pub fn meet(&self, role: Role) -> Result<(), Failure> {
        let own = self.word(SIDES[role as usize]);
        let other = self.word(SIDES[1 - role as usize]);
        let phase = own.load(Relaxed) + 1;
        own.store(phase, Release);
        self.wait(|| other.load(Acquire) >= phase)
    }

    fn wait(&self, there: impl Fn() -> bool) -> Result<(), Failure> {
        loop {
            for _ in 0..LOOKS {
                if there() {
                    return Ok(());
                }
                spin_loop();
            }
            if self.has_failed() {
                return Err("the other side has failed".into());
            }
            std::thread::yield_now();
        }
    }

    /// Says that this side does not go on: nobody waits for it any more.
    pub fn fail(&self) {
        self.word(FAILED).store(1, Relaxed);
    }

    /// Whether somebody has said so.
    pub fn has_failed(&self) -> bool {
        self.word(FAILED).load(Relaxed) != 0
    }

    /// The words that many ends share.
    pub fn crowd(&self) -> [&AtomicU64; 4] {
        CROWD.map(|at| self.word(at))
    }

    /// From here on, or from here on no longer, this side's system calls are the contestant's.
    #[inline]
    pub fn counts(&self, role: Role, does: bool) {
        self.word(SIDES[role as usize] + 1).store(does as u64, Relaxed);
    }

    /// Whether this side's system calls are the contestant's now.
    pub fn is_counting(&self, role: Role) -> bool {
        self.word(SIDES[role as usize] + 1).load(Relaxed) != 0
    }

    /// Which thread this side works in.
    pub fn set_thread(&self, role: Role, thread: i32) {
        self.word(SIDES[role as usize] + 2).store(thread as u64, Relaxed);
    }

    /// The side that works in that thread.
    pub fn role_of(&self, thread: i32) -> Option<Role> {
        [Role::Sender, Role::Receiver]
            .into_iter()
            .find(|&role| self.word(SIDES[role as usize] + 2).load(Relaxed) == thread as u64)
    }

    /// Says that somebody counts.
    pub fn set_traced(&self) {
        self.word(TRACED).store(1, Release);
    }

    /// Waits for who counts.
    pub fn wait_for_tracer(&self) -> Result<(), Failure> {
        self.wait(|| self.word(TRACED).load(Acquire) != 0)
    }

    /// The words of the bare ping-pong: there, and back.
    pub fn ping_pong(&self) -> (&AtomicU64, &AtomicU64) {
        (self.word(PING), self.word(PONG))
    }

    /// The sender writes down when.
    #[inline]
    pub fn stamp(&self, at: usize, ns: u64) {
        self.word(STAMPS + at).store(ns, Release);
    }

    /// When the sender says it was.
    pub fn stamped(&self, at: usize) -> u64 {
        self.word(STAMPS + at).load(Acquire)
    }
}
