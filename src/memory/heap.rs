//! A block of the heap, for channels inside one process.
//!
//! # Safety
//!
//! One aligned, zeroed allocation, freed once. Nothing is read or written here, but by its first owner before it is shared;
//! who makes references into the block answers for them.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// What mappings are aligned to, too.
const ALIGN: usize = 4096;

/// Zeroed bytes, page-aligned.
#[derive(Debug)]
pub(crate) struct Block {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the block is plain memory; it has no thread of its own. Accesses are made, and ordered, by its users.
unsafe impl Send for Block {}
// SAFETY: as above; `&Block` gives an address and a length, which never change.
unsafe impl Sync for Block {}

impl Block {
    /// `len` zeroed bytes, or `None` where the allocator has none.
    pub(crate) fn new(len: usize) -> Option<Self> {
        let layout = Layout::from_size_align(len.max(1), ALIGN).ok()?;
        // SAFETY: the layout's size is not zero.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { base, layout })
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn len(&self) -> usize {
        self.layout.size()
    }

    /// Writes bytes there, while nobody else has the block.
    pub(crate) fn fill(&mut self, at: usize, bytes: &[u8]) {
        assert!(at <= self.len() && bytes.len() <= self.len() - at, "inside the block");
        // SAFETY: `at` is inside the block.
        let start = unsafe { self.base.add(at) };
        // SAFETY: [1] so many bytes from there on are inside, and not `bytes`. [2] `&mut self`: nobody else looks.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.as_ptr(), bytes.len()) };
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout, and freed nowhere else.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}
