//! Where many ends meet: on the board, as `Board::meet` is for two, but asleep. There are more ends than processors, and
//! whoever waits must not stand in the way of those that are waited for.

use crate::board::Board;
use crate::contestant::Failure;
use nix::libc;
use std::hint::spin_loop;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering::*};

/// Looks before the sleep: so that those who come at the same time, on processors of their own, leave at the same time.
const LOOKS: u32 = 200;
/// How long a sleeper does not notice that somebody has failed.
static SLICE: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// All ends of a turn.
#[derive(Debug, Clone, Copy)]
pub struct Crowd<'a> {
    board: &'a Board,
    members: u64,
}

impl<'a> Crowd<'a> {
    /// So many, who meet on that board.
    pub fn new(board: &'a Board, members: usize) -> Self {
        Self { board, members: members as u64 }
    }

    /// Waits until all have come.
    pub fn meet(&self) -> Result<(), Failure> {
        let [arrived, meetings, ..] = self.board.crowd();
        let seen = meetings.load(Acquire);
        if arrived.fetch_add(1, AcqRel) + 1 == self.members {
            arrived.store(0, Relaxed);
            meetings.store(seen + 1, Release);
            wake_all(meetings);
            return Ok(());
        }
        for _ in 0..LOOKS {
            if meetings.load(Acquire) != seen {
                return Ok(());
            }
            spin_loop();
        }
        while meetings.load(Acquire) == seen {
            if self.board.has_failed() {
                return Err("the other side has failed".into());
            }
            sleep_shortly_while(meetings, seen);
        }
        Ok(())
    }

    /// One sender more is done; whether it is the last of so many.
    pub fn is_last_sender(&self, senders: usize) -> bool {
        let [_, _, done, _] = self.board.crowd();
        (done.fetch_add(1, AcqRel) + 1).is_multiple_of(senders as u64)
    }

    /// A receiver has ended, and has taken so many of the messages that end one. The last of so many receivers is told
    /// how many of those all took.
    pub fn last_of_receivers(&self, receivers: usize, taken: u64) -> Option<u64> {
        const ONE: u64 = 1 << 32;
        let [_, _, _, ended] = self.board.crowd();
        let all = ended.fetch_add(ONE + taken, AcqRel) + ONE + taken;
        (all / ONE == receivers as u64).then(|| {
            // Nobody adds to it before all have met.
            ended.store(0, Relaxed);
            all % ONE
        })
    }
}

/// Sleeps until the word has another value and somebody says so, however long that takes.
pub fn sleep_long_while(word: &AtomicU64, value: u64) {
    sleep_while(word, value, null());
}

/// The same, for a moment at most.
pub fn sleep_shortly_while(word: &AtomicU64, value: u64) {
    sleep_while(word, value, &raw const SLICE);
}

/// The low half of the word, which is the first in memory here, is what the kernel compares.
fn sleep_while(word: &AtomicU64, value: u64, at_most: *const libc::timespec) {
    // SAFETY: a word that is mapped, a timeout that outlives the call if there is one, and no second word.
    unsafe {
        let at = word.as_ptr().cast::<u32>();
        libc::syscall(libc::SYS_futex, at, libc::FUTEX_WAIT, value as u32, at_most, null_mut::<u32>(), 0)
    };
}

/// Wakes who sleeps at the word.
pub fn wake_all(word: &AtomicU64) {
    // SAFETY: a word that is mapped; waking takes no other memory.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr().cast::<u32>(), libc::FUTEX_WAKE, i32::MAX) };
}

#[cfg(target_endian = "big")]
compile_error!("a futex is taken to be the first half of a word");
