//! What the machine can do at best with large messages: a ring of chunks, into which one side copies while the other copies
//! out, two words and nothing else. Several shapes of it: the best of them is the limit.
//!
//! These are no channels: nobody sleeps, nobody notices a death, and who is there is not asked.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::rendezvous::{publish, retry};
use crate::entry::{Does, Entry, Kind};
use crate::lengths::{Between, Lengths, Receiver, Sender, between};
use memmap2::MmapRaw;
use std::fs::OpenOptions;
use std::hint::spin_loop;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::*};

/// Bytes in front of the chunks: the two words, each far from the other.
const HEAD: usize = 4096;
/// Where the receiver's word is.
const FREED: usize = 256;

pub fn entries() -> Vec<Entry> {
    let shapes = [
        ("bare chunks, 64 KiB x 4", 64 << 10, 4),
        ("bare chunks, 64 KiB x 16", 64 << 10, 16),
        ("bare chunks, 256 KiB x 4", 256 << 10, 4),
        ("bare chunks, 256 KiB x 8", 256 << 10, 8),
        ("bare chunks, 1 MiB x 4", 1 << 20, 4),
    ];
    let entry = |(name, chunk, depth)| {
        let card = Card {
            name,
            version: "",
            mode: "the machine's limit: not a channel",
            waiting: Waiting::Spins,
            largest: usize::MAX,
            has_batches: false,
        };
        between(card, Pipeline { chunk, depth }).kind(Kind::Limit).only(Does::Bulk)
    };
    shapes.map(entry).into()
}

#[derive(Clone, Copy)]
pub(in crate::contestants) struct Pipeline {
    /// Bytes of a chunk.
    pub(in crate::contestants) chunk: usize,
    /// How many chunks.
    pub(in crate::contestants) depth: u64,
}

/// The memory, mapped, and how many chunks this end is through with.
pub(in crate::contestants) struct End {
    memory: MmapRaw,
    shape: Pipeline,
    done: u64,
}

impl Pipeline {
    fn path(place: &Place) -> PathBuf {
        place.dir.join("chunks")
    }

    fn bytes(self) -> usize {
        HEAD + self.chunk * self.depth as usize
    }

    /// Makes the memory, for whoever opens it.
    pub(in crate::contestants) fn make(self, place: &Place) -> Result<(), Failure> {
        publish(&Self::path(place), &vec![0; self.bytes()])
    }

    pub(in crate::contestants) fn open(self, place: &Place) -> Result<End, Failure> {
        let file = retry(|| OpenOptions::new().read(true).write(true).open(Self::path(place)))?;
        let memory = MmapRaw::map_raw(&file)?;
        if memory.len() != self.bytes() {
            return Err("the chunks have another size".into());
        }
        Ok(End { memory, shape: self, done: 0 })
    }
}

impl End {
    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: inside the head of the mapping, aligned, and lives as long as `self`; all access is atomic.
        unsafe { AtomicU64::from_ptr(self.memory.as_mut_ptr().add(at).cast()) }
    }

    fn filled(&self) -> &AtomicU64 {
        self.word(0)
    }

    fn freed(&self) -> &AtomicU64 {
        self.word(FREED)
    }

    /// The next chunk.
    fn chunk(&self) -> *mut u8 {
        let at = HEAD + (self.done % self.shape.depth) as usize * self.shape.chunk;
        // SAFETY: one of the chunks of the mapping, whose length was looked at.
        unsafe { self.memory.as_mut_ptr().add(at) }
    }

    /// Waits for a free chunk, has `fill` fill it, and hands it over.
    #[inline(always)]
    pub(in crate::contestants) fn put(&mut self, fill: impl FnOnce(*mut u8)) {
        while self.freed().load(Acquire) + self.shape.depth <= self.done {
            spin_loop();
        }
        fill(self.chunk());
        self.done += 1;
        self.filled().store(self.done, Release);
    }

    /// Waits for a filled chunk, has `look` look at it, and gives it back.
    #[inline(always)]
    pub(in crate::contestants) fn take<R>(&mut self, look: impl FnOnce(*mut u8) -> R) -> R {
        while self.filled().load(Acquire) <= self.done {
            spin_loop();
        }
        let seen = look(self.chunk());
        self.done += 1;
        self.freed().store(self.done, Release);
        seen
    }
}

/// # Safety
///
/// Both are valid for so many bytes, and nobody else uses them.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's; the direction flag is clear by convention.
    unsafe {
        std::arch::asm!(
            "rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags)
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's; a chunk and a message do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(from, to, len);
    }
}

impl Sender for End {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        for part in message.chunks(self.shape.chunk) {
            // SAFETY: the chunk is free until it is said to be filled; the part is no longer than it.
            self.put(|chunk| unsafe { copy(chunk, part.as_ptr(), part.len()) });
        }
        Ok(())
    }
}

impl Receiver for End {
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        for part in into.chunks_mut(self.shape.chunk) {
            // SAFETY: the chunk is filled until it is said to be free; the part is no longer than it.
            self.take(|chunk| unsafe { copy(part.as_mut_ptr(), chunk, part.len()) });
        }
        Ok(into.len())
    }
}

impl Between for Pipeline {
    type Sender = End;
    type Receiver = End;

    fn sender(&self, place: &Place, _: Lengths) -> Result<End, Failure> {
        self.open(place)
    }

    fn receiver(&self, place: &Place, _: Lengths) -> Result<End, Failure> {
        self.make(place)?;
        self.open(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        let shape = Pipeline { chunk: 64 << 10, depth: 4 };
        trial::known(module_path!(), "every_message_arrives_whole", shape);
    }
}
