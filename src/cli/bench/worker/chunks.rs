//! The machine's limit for large messages: a ring of chunks that two workers share, and no channel.
//!
//! The sender copies a message into it chunk by chunk and says after each that it is filled; the receiver copies each chunk
//! out and says that it is free. Both copies run at the same time, and each is one `rep movsb`. Nothing else is done there.
//!
//! # Safety
//!
//! Both workers are this program. (1) The memory is an anonymous file of [`bytes`] bytes, made by the parent, that nobody
//! truncates; it is mapped as long as a `Chunks` lives, at a page's address, and begins with two words, zeroed, each on a line
//! of its own. (2) Chunk number n is the receiver's while `freed <= n < filled`, else the sender's while `n < freed + depth`;
//! both words go up by a release store after the last use, and are believed after an acquire load. There is one `ChunkWriter`,
//! in the one worker, and one `ChunkReader`, in the other.
#![allow(unsafe_code)]

use super::bare::{Alone, mapped};
use crate::cli::failure::Failure;
use memmap2::MmapRaw;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

/// Where the chunks begin.
const CHUNKS_OFFSET: usize = 4096;
/// What says in `filled` that nothing follows.
const ENDED: u64 = 1 << 63;

/// How large the chunks are, and how many.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli::bench) struct Shape {
    pub(in crate::cli::bench) chunk: usize,
    pub(in crate::cli::bench) depth: usize,
}

impl Shape {
    /// Bytes of the shared memory.
    pub(in crate::cli::bench) fn bytes(self) -> usize {
        CHUNKS_OFFSET + self.chunk * self.depth
    }
}

/// The words.
#[repr(C)]
struct Words {
    /// Chunks filled, stored by the sender alone; with [`ENDED`] if there are no more.
    filled: Alone<AtomicU64>,
    /// Chunks freed, stored by the receiver alone.
    freed: Alone<AtomicU64>,
}

/// The memory, mapped.
struct Chunks {
    memory: MmapRaw,
    shape: Shape,
}

impl Chunks {
    fn of_stdin(shape: Shape) -> Result<Self, Failure> {
        Ok(Self { memory: mapped(shape.bytes())?, shape })
    }

    fn words(&self) -> &Words {
        // SAFETY: (1), and others access these words as atomics, too.
        unsafe { &*self.memory.as_mut_ptr().cast::<Words>() }
    }

    /// Where chunk number `n` is.
    fn chunk(&self, n: u64) -> *mut u8 {
        let Shape { chunk, depth } = self.shape;
        let at = CHUNKS_OFFSET + (n % depth as u64) as usize * chunk;
        // SAFETY: (1), and `at` is the offset of one of the chunks.
        unsafe { self.memory.as_mut_ptr().add(at) }
    }
}

/// The side that writes messages.
pub(super) struct ChunkWriter {
    chunks: Chunks,
    filled: u64,
}

impl ChunkWriter {
    pub(super) fn of_stdin(shape: Shape) -> Result<Self, Failure> {
        Ok(Self { chunks: Chunks::of_stdin(shape)?, filled: 0 })
    }

    /// Copies a message in; `wait` calls what it is given until that says that it has what it waits for.
    pub(super) fn put(
        &mut self,
        message: &[u8],
        mut wait: impl FnMut(&mut dyn FnMut() -> bool) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for part in message.chunks(self.chunks.shape.chunk) {
            let (words, n) = (self.chunks.words(), self.filled);
            wait(&mut || words.freed.0.load(Acquire) + self.chunks.shape.depth as u64 > n)?;
            // SAFETY: (2), chunk n is ours, and the part is not longer than it.
            unsafe { copy(self.chunks.chunk(n), part.as_ptr(), part.len()) };
            words.filled.0.store(n + 1, Release);
            self.filled = n + 1;
        }
        Ok(())
    }
}

impl Drop for ChunkWriter {
    /// Also after a failure: the receiver is not to wait.
    fn drop(&mut self) {
        self.chunks.words().filled.0.store(self.filled | ENDED, Release);
    }
}

/// The side that reads messages.
pub(super) struct ChunkReader {
    chunks: Chunks,
    freed: u64,
}

impl ChunkReader {
    pub(super) fn of_stdin(shape: Shape) -> Result<Self, Failure> {
        Ok(Self { chunks: Chunks::of_stdin(shape)?, freed: 0 })
    }

    /// Copies the next message out; whether there was one.
    pub(super) fn take(
        &mut self,
        message: &mut [u8],
        mut wait: impl FnMut(&mut dyn FnMut() -> bool) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        for part in message.chunks_mut(self.chunks.shape.chunk) {
            let (words, n) = (self.chunks.words(), self.freed);
            let mut filled = 0;
            wait(&mut || {
                filled = words.filled.0.load(Acquire);
                filled & !ENDED > n || filled & ENDED != 0
            })?;
            if filled & !ENDED == n {
                return Ok(false);
            }
            // SAFETY: (2), chunk n is ours, and the part is not longer than it.
            unsafe { copy(part.as_mut_ptr(), self.chunks.chunk(n), part.len()) };
            words.freed.0.store(n + 1, Release);
            self.freed = n + 1;
        }
        Ok(true)
    }
}

/// # Safety
///
/// Both are valid for so many bytes, and nobody else uses them now.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's; the direction flag is clear, as the ABI has it.
    unsafe {
        std::arch::asm!("rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's; a message and a chunk do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(from, to, len);
    }
}
