//! What a forked child must know: that it is one.
//!
//! A child of `fork` has a copy of every handle and shares the descriptions that hold our locks. So
//! 1. a [`Mark`], which every handle carries, reads 0 in the child (`MADV_WIPEONFORK` does it for raw `clone` too), and
//!    every operation looks at it before it touches shared memory;
//! 2. the [`LifeDescriptor`]s are closed in the child by a `pthread_atfork` handler, so that a child that lives on
//!    does not keep its dead parent "alive". A child of a raw `clone` closes them when it drops the handle.
//!
//! The handler may call nothing but async-signal-safe functions and take no lock, so the descriptors are in a list of
//! blocks that only ever grows.
//!
//! # Safety
//!
//! One page of our own that is never unmapped; closing descriptors that this table owns.
#![allow(unsafe_code)]

use crate::sync::private::{AtomicI32, AtomicPtr, AtomicU32, Ordering};
use nix::libc;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use std::num::NonZeroUsize;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::{Mutex, OnceLock};

/// Tells the process that made it from a forked child.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(&'static AtomicU32);

/// The mark of the running process; the lock is for its making only.
static CURRENT: Mutex<Option<Mark>> = Mutex::new(None);
/// The word behind the latest mark, for the fork handler, which may take no lock.
static LATEST: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
static DESCRIPTORS: Block = Block::new();
static HANDLER: OnceLock<()> = OnceLock::new();

const NONE: i32 = -1;

impl Mark {
    /// The mark of this process.
    pub(crate) fn of_this_process() -> std::io::Result<Self> {
        HANDLER.get_or_init(|| {
            // SAFETY: the handler is async-signal-safe: atomic operations and close(2). It lives as long as the program.
            unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
        });
        // A panic cannot happen while this is held, and a poisoned lock would still hold a sound value. A fork while
        // another thread holds it leaves it locked in the child for ever; that lasts a microsecond once per process,
        // and a forked child of a threaded process may call async-signal-safe functions only.
        let mut current = CURRENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(mark) = *current {
            if !mark.is_forked() {
                return Ok(mark);
            }
        }
        let page = NonZeroUsize::new(4096).unwrap_or(NonZeroUsize::MIN);
        // SAFETY: a fresh private mapping at an address that the kernel chooses; it replaces nothing.
        let page_at =
            unsafe { mmap_anonymous(None, page, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE) }?;
        // An older kernel refuses; then the fork handler alone clears the word.
        // SAFETY: the range is the mapping just made, and wiping it in a child is what it is for.
        let _ = unsafe { madvise(page_at, page.get(), MmapAdvise::MADV_WIPEONFORK) };
        // SAFETY: [1] page-aligned, mapped, zeroed and so a valid AtomicU32; [2] never unmapped, so 'static.
        let word: &'static AtomicU32 = unsafe { &*page_at.as_ptr().cast::<AtomicU32>() };
        // Relaxed: whoever gets the mark gets it through the lock above.
        word.store(1, Ordering::Relaxed);
        // Release: pairs with nothing but this process's own fork handler, which runs after it in program order.
        LATEST.store(std::ptr::from_ref(word).cast_mut(), Ordering::Release);
        let mark = Self(word);
        *current = Some(mark);
        Ok(mark)
    }

    /// Whether this is a child that was forked after the mark was made.
    #[inline(always)]
    pub(crate) fn is_forked(self) -> bool {
        // Relaxed: the word changes only in the making of a child, which is before everything that the child does.
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// A descriptor that holds locks: never mapped, never passed on, closed on `exec` and in a forked child.
#[derive(Debug)]
pub(crate) struct LifeDescriptor(&'static AtomicI32);

impl LifeDescriptor {
    /// Takes the descriptor over.
    pub(crate) fn new(file: OwnedFd) -> Self {
        Self(DESCRIPTORS.put(file.into_raw_fd()))
    }

    /// The descriptor, unless this is a forked child.
    pub(crate) fn get(&self) -> Option<BorrowedFd<'_>> {
        // Relaxed: the number is the whole message.
        let fd = self.0.load(Ordering::Relaxed);
        // SAFETY: a descriptor in the table is open until `Drop` takes it out, and `self` is borrowed.
        (fd != NONE).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }
}

impl Drop for LifeDescriptor {
    fn drop(&mut self) {
        crate::sync::step::point();
        close(self.0);
    }
}

fn close(place: &AtomicI32) {
    // Relaxed: one of those who swap gets the number; nothing else hangs on it.
    let fd = place.swap(NONE, Ordering::Relaxed);
    if fd != NONE {
        // SAFETY: whoever swapped the number out of the table owns the descriptor; nobody else closes it.
        unsafe { libc::close(fd) };
    }
}

/// Runs in a forked child before `fork` returns there.
extern "C" fn in_the_child() {
    // SAFETY: null, or a page of `Mark::of_this_process` that is never unmapped.
    if let Some(word) = unsafe { LATEST.load(Ordering::Acquire).as_ref() } {
        word.store(0, Ordering::Relaxed); // relaxed: the child has one thread, this one
    }
    DESCRIPTORS.each(close);
}

/// A part of the table of life descriptors. Blocks are never freed: as many stay as were once needed at a time.
#[derive(Debug)]
struct Block {
    places: [AtomicI32; 62],
    next: OnceLock<Box<Block>>,
}

impl Block {
    const fn new() -> Self {
        Self { places: [const { AtomicI32::new(NONE) }; 62], next: OnceLock::new() }
    }

    fn put(&'static self, fd: i32) -> &'static AtomicI32 {
        let mut block = self;
        loop {
            for place in &block.places {
                // Relaxed: the number is the whole message.
                if place.compare_exchange(NONE, fd, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                    return place;
                }
            }
            block = block.next.get_or_init(|| Box::new(Self::new()));
        }
    }

    fn each(&self, call: fn(&AtomicI32)) {
        let mut block = Some(self);
        while let Some(here) = block {
            here.places.iter().for_each(call);
            block = here.next.get().map(AsRef::as_ref);
        }
    }
}
