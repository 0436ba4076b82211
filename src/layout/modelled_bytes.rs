//! The bytes of a lane or an annex in a model: each has a cell of its own, since two may use the lane at a time.
//!
//! # Safety
//!
//! What this file guarantees: addresses inside the bytes that were asked for, after loom has been told of the access. A slice
//! that is made of one is told of again where it ends (`bytes::mpmc`).
#![allow(unsafe_code)]

use core::ops::Range;
use loom::cell::UnsafeCell;

/// Bytes aligned as those of a segment are.
#[derive(Debug)]
pub(crate) struct Bytes {
    pages: std::cell::UnsafeCell<Box<[Page]>>,
    cells: Vec<UnsafeCell<()>>,
}

#[derive(Debug, Clone, Copy)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

// SAFETY: a byte is accessed by whoever has its cell, which is what the model checks.
unsafe impl Sync for Bytes {}

impl Bytes {
    pub(crate) fn new(len: usize) -> Self {
        let pages = vec![Page([0; 4096]); len.div_ceil(4096)].into_boxed_slice();
        Self { pages: std::cell::UnsafeCell::new(pages), cells: (0..len).map(|_| UnsafeCell::new(())).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Lets `use_it` have the address of these bytes, to read or write there.
    pub(crate) fn with<R>(&self, bytes: Range<usize>, use_it: impl FnOnce(*mut u8) -> R) -> R {
        let _theirs: Vec<_> = self.cells[bytes.clone()].iter().map(UnsafeCell::get_mut).collect();
        use_it(self.address(bytes.start))
    }

    /// The same, to read there; others may, too.
    pub(crate) fn see<R>(&self, bytes: Range<usize>, use_it: impl FnOnce(*const u8) -> R) -> R {
        let _theirs: Vec<_> = self.cells[bytes.clone()].iter().map(UnsafeCell::get).collect();
        use_it(self.address(bytes.start))
    }

    fn address(&self, at: usize) -> *mut u8 {
        // SAFETY: of the box itself, which never changes; nothing is made of it but an address.
        let start = unsafe { (*self.pages.get()).as_mut_ptr() };
        start.cast::<u8>().wrapping_add(at)
    }
}
