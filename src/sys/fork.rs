//! What a forked child must know: that it is one.
//!
//! A child of `fork` has a copy of every handle and shares the descriptions that hold our locks. So
//! 1. [`WipedWord`]s read 0 in the child (`MADV_WIPEONFORK` does it for raw `clone` too). One of them, the [`Mark`], says
//!    to every handle whether it is in the process that made it; others hold what an operation compares anyway, so that
//!    its fast path needs no look at the mark;
//! 2. the [`LifeDescriptor`]s are closed in the child by a `pthread_atfork` handler, so that a child that lives on
//!    does not keep its dead parent "alive". A child of a raw `clone` closes them when it drops the handle.
//!
//! The handler may call nothing but async-signal-safe functions and take no lock, so the words and the descriptors are in
//! lists that only ever grow. A handler of SIGBUS uses the second kind of words, too, so that no fast path goes on over memory that is gone.
//!
//! # Safety
//!
//! Pages of our own that are never unmapped; closing descriptors that this table owns.
#![allow(unsafe_code)]

use crate::sync::private::{AtomicI32, AtomicU64, Ordering};
use nix::libc;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Tells the process that made it from a forked child.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(&'static AtomicU64);

/// The mark of the running process; the lock is for its making only.
static CURRENT: Mutex<Option<Mark>> = Mutex::new(None);
static MARKS: Words = Words::new();
static KNOWN: Words = Words::new();
static DESCRIPTORS: Block = Block::new();

const NONE: i32 = -1;
const WORDS: usize = 512;

/// Words that read 0 in a child, in pages that only ever become more.
#[derive(Debug)]
struct Words {
    /// Those that nobody uses now.
    free: Mutex<Vec<&'static AtomicU64>>,
    pages: OnceLock<Page>,
}

/// Nothing panics while one of the locks is held, and what they hold would be sound. A fork while another thread holds
/// one leaves it locked in the child for ever; that is for the microseconds of making a handle, and a forked child of a
/// threaded process may call async-signal-safe functions only.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mark {
    /// The mark of this process.
    pub(crate) fn of_this_process() -> io::Result<Self> {
        let mut current = lock(&CURRENT);
        match *current {
            Some(mark) if !mark.is_forked() => return Ok(mark),
            Some(_) => {}
            // (Where the last one could not be made it is installed again, and then does twice what it does once.)
            // SAFETY: the handler is async-signal-safe: atomic operations and close(2). It lives as long as the program.
            None => _ = unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) },
        }
        // In a child it is another word than its parent's, by which the parent's handles still know that they are not at
        // home.
        let mark = Self(MARKS.lease()?);
        // Relaxed: whoever gets the mark gets it through the lock above.
        mark.0.store(1, Ordering::Relaxed);
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

/// A word that only its owner uses, and that reads 0 in a forked child.
#[derive(Debug)]
pub(crate) struct WipedWord {
    word: &'static AtomicU64,
    mark: Mark,
}

impl WipedWord {
    /// A word of 0.
    pub(crate) fn new(mark: Mark) -> io::Result<Self> {
        let word = Self { word: KNOWN.lease()?, mark };
        word.set(0); // `look_anew` has no regard for whose it is
        Ok(word)
    }

    /// The mark of the process whose word it is.
    pub(crate) fn mark(&self) -> Mark {
        self.mark
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> u64 {
        self.word.load(Ordering::Relaxed) // relaxed: as in `set`
    }

    pub(crate) fn set(&self, value: u64) {
        self.word.store(value, Ordering::Relaxed); // relaxed: nothing hangs on it but the number
    }
}

impl Drop for WipedWord {
    fn drop(&mut self) {
        // A forked child keeps it, for want of a lock that it could take.
        if !self.mark.is_forked() {
            self.set(0);
            lock(&KNOWN.free).push(self.word);
        }
    }
}

/// Closes the fast path of every end of this process: each looks anew at what it knows. Async-signal-safe.
pub(crate) fn look_anew() {
    // Nothing that is compared with it is ever this. (What is gone reads as 0.)
    KNOWN.fill(u64::MAX, |_| true);
}

impl Words {
    const fn new() -> Self {
        Self { free: Mutex::new(Vec::new()), pages: OnceLock::new() }
    }

    /// A word that nobody uses.
    fn lease(&self) -> io::Result<&'static AtomicU64> {
        let mut free = lock(&self.free);
        if free.is_empty() {
            let page = Page::map()?;
            free.extend(page.words);
            self.keep(page);
        }
        free.pop().ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// Puts a page where handlers find it. The caller holds the lock of `free`.
    fn keep(&self, page: Page) {
        let Err(page) = self.pages.set(page) else { return };
        let mut last = self.pages.get();
        while let Some(next) = last.and_then(|here| here.next.get()) {
            last = Some(next);
        }
        if let Some(last) = last {
            let _ = last.next.set(Box::new(page));
        }
    }

    /// Stores `value` to every word of these pages.
    fn fill(&self, value: u64, which: fn(&Page) -> bool) {
        let mut page = self.pages.get();
        while let Some(here) = page {
            if which(here) {
                // Relaxed: a forked child has one thread; and in `look_anew` edge `lost` is in front of it.
                here.words.iter().for_each(|word| word.store(value, Ordering::Relaxed));
            }
            page = here.next.get().map(AsRef::as_ref);
        }
    }
}

/// A page of words. Never unmapped: as many stay as were once needed at a time.
#[derive(Debug)]
struct Page {
    words: &'static [AtomicU64; WORDS],
    /// Whether the kernel wipes it; an older one leaves that to the fork handler.
    is_wiped: bool,
    next: OnceLock<Box<Page>>,
}

impl Page {
    fn map() -> io::Result<Self> {
        let len = NonZeroUsize::new(WORDS * 8).unwrap_or(NonZeroUsize::MIN);
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh private mapping at an address that the kernel chooses; it replaces nothing.
        let page = unsafe { mmap_anonymous(None, len, access, MapFlags::MAP_PRIVATE) }?;
        // SAFETY: the range is the mapping just made, and wiping it in a child is what it is for.
        // (Miri knows no `madvise`, and no `fork`.)
        let is_wiped = !cfg!(miri) && unsafe { madvise(page, len.get(), MmapAdvise::MADV_WIPEONFORK) }.is_ok();
        // SAFETY: [1] page-aligned, mapped, as long as the array, zeroed and so valid atomics; [2] never unmapped.
        let words = unsafe { page.cast::<[AtomicU64; WORDS]>().as_ref() };
        Ok(Self { words, is_wiped, next: OnceLock::new() })
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
    MARKS.fill(0, |page| !page.is_wiped);
    KNOWN.fill(0, |page| !page.is_wiped);
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
                // Relaxed, both: the number is the whole message. Looked at first: an exchange of each place that is taken would cost
                // a process with a thousand channels 15 us for the next one.
                let is_free = place.load(Ordering::Relaxed) == NONE;
                if is_free && place.compare_exchange(NONE, fd, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                    return place;
                }
            }
            block = block.next.get().unwrap_or_else(|| {
                let another = Box::new(Self::new());
                block.next.get_or_init(|| another)
            });
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
