//! Where those sleep whom no futex puts to sleep: the words and the bytes of a *dormitory*. What they mean is told in
//! `wait::dormitory`; where they lie, in `layout`.
//!
//! ```text
//! desk     128 bytes: a count of sleepers, a mutex
//! states   a word for each bed, to a multiple of 128 bytes
//! beds     128 bytes each: a mutex, a semaphore
//! ```
//!
//! # Safety
//!
//! A [`Dorm`] is made over bytes that are live, aligned to 128 and long enough for as long as it lives. It hands out
//! references to atomics alone, valid for any bytes; what the C library keeps in them is for `sys::posix`.
#![allow(unsafe_code)]

use super::AtomicU64;
use super::private::{self, Ordering::Relaxed};
use core::ptr::NonNull;

/// Bytes that the C library alone reads and writes: an object of its own, and room behind it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Foreign([core::sync::atomic::AtomicU64; FOREIGN_WORDS]);

/// Words of 8 bytes for one object. The largest that we know has 48 bytes.
pub(crate) const FOREIGN_WORDS: usize = 8;

impl Foreign {
    /// The address of the object.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().cast()
    }

    /// Some of its bytes.
    pub(crate) fn word(&self, at: usize) -> u64 {
        self.0[at].load(Relaxed) // relaxed: nothing hangs on it but the number
    }
}

/// What all who sleep in a dormitory share.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Desk {
    /// How often somebody has lain down: who came first.
    pub(crate) order: AtomicU64,
    reserved: [AtomicU64; 7],
    /// Of the waiter that looks and lies down under a lock.
    pub(crate) mutex: Foreign,
}

/// Where one sleeps.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Bed {
    /// Held by whoever is in the bed, so that the kernel says who died there.
    pub(crate) mutex: Foreign,
    pub(crate) semaphore: Foreign,
}

/// Bytes of a desk, and of a bed.
pub(crate) const PLACE_BYTES: usize = 128;
const _: () = assert!(size_of::<Desk>() == PLACE_BYTES && size_of::<Bed>() == PLACE_BYTES);

/// Bytes of a dormitory with so many beds.
pub(crate) const fn dorm_bytes(beds: usize) -> usize {
    PLACE_BYTES + states_bytes(beds) + beds * PLACE_BYTES
}

/// Bytes of the states of so many beds.
pub(crate) const fn states_bytes(beds: usize) -> usize {
    (beds * 8).next_multiple_of(PLACE_BYTES)
}

/// One dormitory, for those who sleep on one bell.
#[derive(Debug)]
pub(crate) struct Dorm {
    base: NonNull<u8>,
    beds: usize,
    /// Whether one looks and lies down under the desk's lock.
    pub(crate) is_locked: bool,
    /// Whether something outside is linked to these bytes for ever: 1 if so.
    is_kept: private::AtomicU64,
}

// SAFETY: atomics, which any thread may use, in memory that outlives the value.
unsafe impl Send for Dorm {}
// SAFETY: as above.
unsafe impl Sync for Dorm {}

impl Dorm {
    /// # Safety
    ///
    /// `base` is aligned to 128, and [`dorm_bytes`] bytes from there on are live and shared by atomics alone for as long
    /// as the value lives.
    pub(crate) unsafe fn new(base: NonNull<u8>, beds: usize, is_locked: bool) -> Self {
        Self { base, beds, is_locked, is_kept: private::AtomicU64::new(0) }
    }

    /// From now on the memory stays, whoever goes.
    pub(crate) fn keep(&self) {
        self.is_kept.store(1, Relaxed); // relaxed: whoever lets go of the memory comes behind all who used it
    }

    /// Whether the memory has to stay.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Relaxed) != 0 // relaxed: as above
    }

    pub(crate) fn beds(&self) -> usize {
        self.beds
    }

    pub(crate) fn desk(&self) -> &Desk {
        // SAFETY: the dormitory begins with it (`new`); atomics, valid for any bytes.
        unsafe { self.base.cast().as_ref() }
    }

    /// What the bed is: see `wait::dormitory`.
    pub(crate) fn state(&self, bed: usize) -> &AtomicU64 {
        assert!(bed < self.beds);
        // SAFETY: one of so many words behind the desk (`new`).
        let word = unsafe { self.base.add(PLACE_BYTES + bed * 8) };
        // SAFETY: as in `desk`; aligned to 8 since the base is to 128.
        unsafe { word.cast().as_ref() }
    }

    pub(crate) fn bed(&self, bed: usize) -> &Bed {
        assert!(bed < self.beds);
        // SAFETY: one of so many beds behind the states (`new`).
        let place = unsafe { self.base.add(PLACE_BYTES + states_bytes(self.beds) + bed * PLACE_BYTES) };
        // SAFETY: as in `desk`; aligned to 128, as the base and all that lies between is.
        unsafe { place.cast().as_ref() }
    }
}
