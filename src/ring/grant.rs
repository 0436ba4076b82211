//! Exclusive places as slices, for exactly the life of a grant.
//!
//! A grant borrows its end of the ring mutably. While it lives, the places it covers belong to that end alone: those of
//! a write grant lie below the producer's limit and above every word; those of a read grant have been published and not
//! released. So a slice over them is a slice over memory that nobody else touches: *between processes of one user*,
//! which could as well trace each other. (A segment that somebody of another trust can write will give no slices.)
//!
//! # Safety
//!
//! Slices are made from runs of places (`layout::overlay`), never longer than the grant.
#![allow(unsafe_code)]

use super::payload::{self, Payload};
use super::spsc::{Attempt, Consumer, Producer};

/// Room for some messages, to be written and then published.
#[derive(Debug)]
pub(crate) struct WriteGrant<'a, T> {
    producer: &'a mut Producer<T>,
    len: usize,
}

impl<'a, T: Payload> WriteGrant<'a, T> {
    /// `len` is room that the producer has.
    pub(crate) fn new(producer: &'a mut Producer<T>, len: usize) -> Self {
        Self { producer, len }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The places from the `from`-th on that lie contiguous, as they are: with what was there a lap ago.
    pub(crate) fn run_mut(&mut self, from: usize) -> &mut [T] {
        let left = self.len.saturating_sub(from);
        if left == 0 {
            return &mut [];
        }
        let (frames, at) = self.producer.parts();
        let at = at.skip(from, frames.per, frames.count);
        let (place, len) = frames.run(at.frame, at.place, left);
        // SAFETY: [1] `len` places in a row inside the segment, aligned, and any bytes are a `T`. [2] They lie below the
        //  producer's limit, so the consumer has released them (`freed`), and above every published word, so it will
        //  not read them before `commit`. [3] The producer is borrowed by the grant, and the grant by the slice.
        unsafe { core::slice::from_raw_parts_mut(place.as_ptr(), len) }
    }

    /// All places, as slices in order.
    pub(crate) fn runs_mut(&mut self) -> RunsMut<'_, T> {
        RunsMut { at: 0, len: self.len, producer: self.producer }
    }

    /// Copies `messages`, at most `len`, to the front.
    pub(crate) fn copy_from(&mut self, messages: &[T]) {
        let mut done = 0;
        while done < messages.len() {
            let run = self.run_mut(done);
            let n = run.len().min(messages.len() - done);
            // SAFETY: the run is `n` places at least, ours alone as in `run_mut`.
            unsafe { payload::write_run(run.as_mut_ptr(), &messages[done..done + n]) };
            done += n;
        }
    }

    /// Writes the `at`-th message.
    pub(crate) fn write(&mut self, at: usize, message: &T) {
        assert!(at < self.len, "a grant of {} messages has no message {at}", self.len);
        self.producer.fill(at, message);
    }

    /// Publishes the first `n`; the rest of the room is given back.
    pub(crate) fn commit(self, n: usize) {
        assert!(n <= self.len, "{n} messages committed of a grant of {}", self.len);
        self.producer.publish(n);
    }
}

/// The places of a write grant, slice by slice.
#[derive(Debug)]
pub(crate) struct RunsMut<'g, T> {
    producer: &'g mut Producer<T>,
    at: usize,
    len: usize,
}

impl<T> RunsMut<'_, T> {
    /// No more slices.
    pub(crate) fn end(&mut self) {
        self.at = self.len;
    }
}

impl<'g, T: Payload> Iterator for RunsMut<'g, T> {
    type Item = &'g mut [T];

    fn next(&mut self) -> Option<&'g mut [T]> {
        if self.at >= self.len {
            return None;
        }
        let (frames, at) = self.producer.parts();
        let at = at.skip(self.at, frames.per, frames.count);
        let (place, len) = frames.run(at.frame, at.place, self.len - self.at);
        self.at += len;
        // SAFETY: as in `run_mut`, where [3] is: the grant is borrowed for 'g, and each place is in one slice only,
        //  since `at` only grows.
        Some(unsafe { core::slice::from_raw_parts_mut(place.as_ptr(), len) })
    }
}

/// Some messages, to be read and then released.
#[derive(Debug)]
pub(crate) struct ReadGrant<'a, T> {
    consumer: &'a mut Consumer<T>,
    len: usize,
    attempt: Attempt,
}

impl<'a, T: Payload> ReadGrant<'a, T> {
    /// `len` is at least 1, and so many messages are there. Notes that they are handed out.
    pub(crate) fn new(consumer: &'a mut Consumer<T>, len: usize) -> Self {
        let attempt = consumer.hand_out(len);
        Self { consumer, len, attempt }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The messages from the `from`-th on that lie contiguous.
    pub(crate) fn run(&self, from: usize) -> &[T] {
        let left = self.len.saturating_sub(from);
        if left == 0 {
            return &[];
        }
        let (frames, at) = self.consumer.parts();
        let at = at.skip(from, frames.per, frames.count);
        let (place, len) = frames.run(at.frame, at.place, left);
        // SAFETY: [1] `len` places in a row inside the segment, aligned, and any bytes are a `T`. [2] They are published
        //  and not released, so the producer does not write there. [3] The consumer is borrowed by the grant, and the
        //  grant by the slice.
        unsafe { core::slice::from_raw_parts(place.as_ptr(), len) }
    }

    /// Copies the first messages out, as many as fit; how many that were.
    pub(crate) fn copy_to(&self, messages: &mut [T]) -> usize {
        let wanted = self.len.min(messages.len());
        let mut done = 0;
        while done < wanted {
            let run = self.run(done);
            let n = run.len().min(wanted - done);
            // SAFETY: the run is `n` places at least, as in `run`.
            unsafe { payload::read_run(&mut messages[done..done + n], run.as_ptr()) };
            done += n;
        }
        wanted
    }

    /// Releases the first `n`; the others stay in the ring.
    pub(crate) fn release(self, n: usize) {
        assert!(n <= self.len, "{n} messages released of a grant of {}", self.len);
        if n > 0 {
            self.consumer.release(n);
        }
    }
}

/// The next messages that lie contiguous, at most `max` of the `available` that are there; for a stream, which hands
/// nothing out twice.
pub(crate) fn front<T: Payload>(consumer: &Consumer<T>, available: usize, max: usize) -> &[T] {
    let wanted = available.min(max);
    if wanted == 0 {
        return &[];
    }
    let (frames, at) = consumer.parts();
    let (place, len) = frames.run(at.frame, at.place, wanted);
    // SAFETY: as in `ReadGrant::run`; the consumer is borrowed as long as the slice.
    unsafe { core::slice::from_raw_parts(place.as_ptr(), len) }
}

/// Copies the next messages out, which are there, without releasing them.
pub(crate) fn copy_out<T: Payload>(consumer: &Consumer<T>, messages: &mut [T]) {
    let (frames, mut at) = consumer.parts();
    let mut done = 0;
    while done < messages.len() {
        let (place, len) = frames.run(at.frame, at.place, messages.len() - done);
        // SAFETY: `len` places in a row, published and not released, as in `ReadGrant::run`.
        unsafe { payload::read_run(&mut messages[done..done + len], place.as_ptr()) };
        done += len;
        at = at.skip(len, frames.per, frames.count);
    }
}

/// Copies the front of a run that [`front`] gave.
pub(crate) fn copy_run(bytes: &mut [u8], run: &[u8]) {
    let n = bytes.len().min(run.len());
    // SAFETY: `n` bytes of a slice are `n` places in a row.
    unsafe { payload::read_run(&mut bytes[..n], run.as_ptr()) };
}
