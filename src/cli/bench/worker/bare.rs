//! The machine's own limits: memory that two workers share, one word or one line at a time, and no channel.
//!
//! | limit | what is done |
//! |---|---|
//! | atomics | each side stores one word, and polls the other's; each word has a line of its own |
//! | futex | the same, but each side sleeps until it is woken |
//! | lines | a ring of lines of 64 bytes; the writer says once every [`AT_ONCE`] lines how far it is, and so does the reader |
//!
//! Nothing else is done there: nobody notices a death, nobody could join later, nothing is checked on opening. So it is
//! what a channel could reach that does nothing but move messages.
//!
//! # Safety
//!
//! Both workers are this program. (1) The memory is an anonymous file of [`STAGE_BYTES`], made by the parent, that nobody
//! truncates; it is mapped as long as a `Shared` lives, at a page's address, and zeroed bytes are a `Stage`. (2) Line
//! number n is the reader's while `head <= n < tail`, else the writer's while `n < head + LINES`; `tail` and `head` go
//! up by a release store after the last use, and are believed after an acquire load. There is one `LineWriter`, in the
//! one worker, and one `LineReader`, in the other. (3) A futex call is given a live, aligned `u32`.
#![allow(unsafe_code)]

use crate::cli::failure::Failure;
use memmap2::{MmapOptions, MmapRaw};
use nix::libc;
use std::cell::UnsafeCell;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

/// Bytes of the shared memory.
pub(in crate::cli::bench) const STAGE_BYTES: usize = size_of::<Stage>();

/// Lines of the ring: 64 KiB, which stays in the caches of both.
const LINES: u64 = 1024;
/// Lines that are handed over at once.
pub(in crate::cli::bench) const AT_ONCE: u64 = 16;
/// What says in `tail` that nothing follows.
const ENDED: u64 = 1 << 63;

/// Eight words: a line of most processors.
pub(super) type Line = [u64; 8];

/// A word that shares its line, and the line that a processor fetches beside it, with nothing.
#[repr(align(128))]
pub(super) struct Alone<T>(pub(super) T);

#[repr(align(64))]
struct Place(UnsafeCell<Line>);

/// What is in the memory.
#[repr(C)]
pub(super) struct Stage {
    pub(super) ping: Alone<AtomicU64>,
    pub(super) pong: Alone<AtomicU64>,
    pub(super) ping_bell: Alone<AtomicU32>,
    pub(super) pong_bell: Alone<AtomicU32>,
    /// Lines written, stored by the writer alone; with [`ENDED`] if there are no more.
    tail: Alone<AtomicU64>,
    /// Lines read, stored by the reader alone.
    head: Alone<AtomicU64>,
    lines: [Place; LINES as usize],
}

/// The memory, mapped.
pub(super) struct Shared(MmapRaw);

impl Shared {
    /// Maps what the parent has given as standard input.
    pub(super) fn of_stdin() -> Result<Self, Failure> {
        mapped(STAGE_BYTES).map(Self)
    }
}

impl Deref for Shared {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        // SAFETY: (1), and everything inside may be written by others: atomics, and places in an `UnsafeCell`.
        unsafe { &*self.0.as_mut_ptr().cast::<Stage>() }
    }
}

/// Maps the memory of so many bytes that the parent has given as standard input.
pub(super) fn mapped(bytes: usize) -> Result<MmapRaw, Failure> {
    let failed = |error: io::Error| Failure::Fault(format!("cannot map the shared memory: {error}"));
    let file = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(failed)?);
    if file.metadata().map_err(failed)?.len() != bytes as u64 {
        return Err(Failure::Fault("the standard input is not the memory of a benchmark".to_owned()));
    }
    MmapOptions::new().len(bytes).map_raw(&file).map_err(failed)
}

/// The side that writes lines.
pub(super) struct LineWriter {
    shared: Shared,
    tail: u64,
    /// As it was last seen.
    head: u64,
}

impl LineWriter {
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared, tail: 0, head: 0 }
    }

    /// Writes [`AT_ONCE`] lines, made from the numbers `first` and so on, and hands them over; whether there was room.
    #[inline(always)]
    pub(super) fn put(&mut self, first: u64, make: impl Fn(u64) -> Line) -> bool {
        let end = self.tail + AT_ONCE;
        if end > self.head + LINES {
            self.head = self.shared.head.0.load(Acquire);
            if end > self.head + LINES {
                return false;
            }
        }
        for (n, number) in (self.tail..end).zip(first..) {
            let place = self.shared.lines[(n % LINES) as usize].0.get();
            // SAFETY: (2), `tail <= n < head + LINES`.
            unsafe { place.write(make(number)) };
        }
        self.tail = end;
        self.shared.tail.0.store(end, Release);
        true
    }
}

impl Drop for LineWriter {
    /// Also after a failure: the reader is not to wait.
    fn drop(&mut self) {
        self.shared.tail.0.store(self.tail | ENDED, Release);
    }
}

/// The side that reads lines.
pub(super) struct LineReader {
    shared: Shared,
    head: u64,
}

impl LineReader {
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared, head: 0 }
    }

    /// Reads each line that is there, and gives the lines back as often as they are handed over. How many lines that
    /// were; `None`: there will be no more.
    ///
    /// # Errors
    ///
    /// The number of a line that is not as `is_right` wants it.
    #[inline(always)]
    pub(super) fn take(&mut self, is_right: impl Fn(u64, &Line) -> bool) -> Result<Option<u64>, u64> {
        let found = self.shared.tail.0.load(Acquire);
        let (start, tail) = (self.head, found & !ENDED);
        if found == start | ENDED {
            return Ok(None);
        }
        while self.head < tail {
            let end = tail.min(self.head + AT_ONCE);
            for n in self.head..end {
                let place = self.shared.lines[(n % LINES) as usize].0.get();
                // SAFETY: (2), `head <= n < tail`.
                let line = unsafe { place.read() };
                if !is_right(n, &line) {
                    return Err(n);
                }
            }
            self.head = end;
            self.shared.head.0.store(end, Release);
        }
        Ok(Some(tail - start))
    }
}

/// Sleeps while `word` is `seen`, at most so long; a signal ends it too.
pub(super) fn sleep(word: &AtomicU32, seen: u32, at_most: Duration) {
    let timeout = libc::timespec { tv_sec: 0, tv_nsec: at_most.subsec_nanos().into() };
    // SAFETY: (3); `timeout` lives across the call. Whatever it says, the caller looks again.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, &timeout, ptr::null::<u32>(), 0) };
}

/// Wakes who sleeps on `word`.
pub(super) fn wake(word: &AtomicU32) {
    // SAFETY: (3); the kernel takes the address as a key.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}
