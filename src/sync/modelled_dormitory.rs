//! A dormitory of the crate's own models: the same words from loom, and what stands in for the C library's objects.

use super::Ordering::{Acquire, Relaxed, Release};
use super::{AtomicU32, AtomicU64};
use loom::sync::{Condvar, Mutex};

/// A mutex, or a semaphore. In a model nobody dies with either.
#[derive(Debug)]
pub(crate) struct Foreign {
    is_taken: AtomicU32,
    posts: Mutex<usize>,
    posted: Condvar,
}

impl Default for Foreign {
    fn default() -> Self {
        Self { is_taken: AtomicU32::new(0), posts: Mutex::new(0), posted: Condvar::new() }
    }
}

impl Foreign {
    /// As a mutex: takes it if it is free; whether it was.
    pub(crate) fn take(&self) -> bool {
        // Relaxed in failure: it is somebody else's.
        self.is_taken.compare_exchange(0, 1, Acquire, Relaxed).is_ok()
    }

    pub(crate) fn give_back(&self) {
        self.is_taken.store(0, Release);
    }

    /// As a semaphore: sleeps until it is posted.
    pub(crate) fn wait(&self) {
        let mut posts = self.posts.lock().unwrap();
        while *posts == 0 {
            posts = self.posted.wait(posts).unwrap();
        }
        *posts -= 1;
    }

    pub(crate) fn drain(&self) {
        *self.posts.lock().unwrap() = 0;
    }

    pub(crate) fn post(&self) {
        *self.posts.lock().unwrap() += 1;
        self.posted.notify_one();
    }
}

#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) order: AtomicU64,
    pub(crate) mutex: Foreign,
}

#[derive(Debug, Default)]
pub(crate) struct Bed {
    pub(crate) mutex: Foreign,
    pub(crate) semaphore: Foreign,
}

/// In a model nobody has them.
#[derive(Debug)]
pub(crate) enum Cords {}

impl Cords {
    pub(crate) fn is_at_hand(&self, _bed: usize) -> bool {
        match *self {}
    }

    pub(crate) fn drain(&self, _bed: usize) {
        match *self {}
    }

    pub(crate) fn wait(&self, _bed: usize, _until_ns: Option<u64>) -> bool {
        match *self {}
    }

    pub(crate) fn pull(&self, _bed: usize) {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) struct Dorm {
    desk: Desk,
    beds: Vec<(AtomicU64, Bed)>,
    pub(crate) is_locked: bool,
    pub(crate) cords: Option<Cords>,
}

impl Dorm {
    pub(crate) fn new(beds: usize, is_locked: bool) -> Self {
        let beds = (0..beds).map(|_| Default::default()).collect();
        Self { desk: Desk::default(), beds, is_locked, cords: None }
    }

    pub(crate) fn keep(&self) {}

    pub(crate) fn beds(&self) -> usize {
        self.beds.len()
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    pub(crate) fn state(&self, bed: usize) -> &AtomicU64 {
        &self.beds[bed].0
    }

    pub(crate) fn bed(&self, bed: usize) -> &Bed {
        &self.beds[bed].1
    }
}
