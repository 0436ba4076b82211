//! Sleeping on a word, and waking who sleeps there.
//!
//! Shared scope only: the private flag, right between threads, makes a wake in another process find nobody, silently.
//!
//! # Safety
//!
//! The kernel reads one live, aligned `u32` at the address given. It may be on a page that is mapped read-only.
#![allow(unsafe_code)]

use crate::sync::{BellWord, step};
use nix::errno::Errno;
use nix::libc;
use std::ptr;

/// Why a wait came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Woken, interrupted by a signal, or the word was not what was expected: look again.
    Look,
    /// The time is over.
    TimedOut,
    /// The page under the word is gone: the file was truncated.
    Lost,
}

/// Sleeps while `word` is `expected`, at most until `until_ns` of the monotonic clock (`None`: for ever).
///
/// *Progress*: may sleep; one `futex(FUTEX_WAIT_BITSET)`. The time is absolute, so an interrupted wait that is
/// repeated ends when it would have ended.
pub(crate) fn wait(word: &BellWord, expected: u32, until_ns: Option<u64>) -> Woken {
    let until = until_ns.map(|ns| libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    });
    let timeout: *const libc::timespec = until.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: [1] the word is a live, aligned u32 for as long as the reference lives. [2] `timeout` is null or points
    //  to `until`, which lives across the call. [3] The other two arguments are unused by this operation, and the
    //  bit set is "any".
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET,
            expected,
            timeout,
            ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        )
    };
    match Errno::result(result) {
        Err(Errno::ETIMEDOUT) => Woken::TimedOut,
        Err(Errno::EFAULT) => Woken::Lost,
        // EAGAIN: the word had changed. EINTR: a signal. Nothing else is documented for these arguments.
        Ok(_) | Err(_) => Woken::Look,
    }
}

/// Wakes those who sleep on `word`, so many at most, the longest asleep first; how many those were.
///
/// *Progress*: never sleeps; one `futex(FUTEX_WAKE)`.
pub(crate) fn wake(word: &BellWord, most: usize) -> usize {
    step::point();
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    // SAFETY: the word is a live, aligned u32; the kernel does not even read it, it only takes its address as a key.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, most) };
    // An error is documented for words that are none; whoever slept there sleeps for the rest of a slice.
    usize::try_from(woken).unwrap_or(0)
}
