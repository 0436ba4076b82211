//! How much memory a call takes: an allocator that counts, for each thread by itself.
//!
//! # Safety
//!
//! Every call goes on to the system's allocator as it came.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what a thread has allocated and not given back, and the most of it.
pub(crate) struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(more: usize, less: usize) {
    let now = NOW.get() + more as isize - less as isize;
    NOW.set(now);
    MOST.set(MOST.get().max(now));
}

// SAFETY: as the system's allocator, whose blocks these are. A count allocates nothing: it has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as we were called.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as we were called.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there for a moment.
        count(size, 0);
        count(0, layout.size());
        // SAFETY: as we were called.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// The most that this thread had allocated at a time during the call, beyond what it had before.
pub(crate) fn most_of<R>(call: impl FnOnce() -> R) -> (R, usize) {
    let before = NOW.get();
    MOST.set(before);
    let result = call();
    (result, usize::try_from(MOST.get() - before).unwrap_or(0))
}
