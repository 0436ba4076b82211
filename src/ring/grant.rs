//! Exclusive places as slices, for exactly the life of a grant.
//!
//! A grant borrows its end of the ring mutably. While it lives, the places it covers belong to that end alone: those of
//! a write grant lie below the producer's limit and above every word; those of a read grant have been published and not
//! released. So a slice over them is a slice over memory that nobody else touches: *between processes of one user*,
//! which could as well trace each other. (A segment that somebody of another trust can write will give no slices.)
//!
//! A model is told of a slice where it is made, and once more where its places are published or released: what somebody else
//! does there in between is out of order with one of the two.
//!
//! # Safety
//!
//! Slices are made from runs of places (`layout::overlay`), never longer than the grant.
#![allow(unsafe_code)]

use super::cursor::Tip;
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

    /// All places, as slices in order.
    pub(crate) fn runs_mut(&mut self) -> RunsMut<'_, T> {
        let at = self.producer.parts().1.clone();
        RunsMut { at, left: self.len, producer: self.producer }
    }

    /// Copies `messages`, at most `len`, to the front.
    pub(crate) fn copy_from(&mut self, messages: &[T]) {
        let mut left = messages;
        for run in self.runs_mut() {
            let (now, later) = left.split_at(run.len().min(left.len()));
            run[..now.len()].copy_from_slice(now);
            left = later;
            if left.is_empty() {
                break;
            }
        }
    }

    /// Writes what the iterator yields to the front, at most `len`; how many those were.
    #[inline]
    pub(crate) fn fill(&mut self, messages: impl IntoIterator<Item = T>) -> usize {
        let mut messages = messages.into_iter();
        let mut filled = 0;
        for run in self.runs_mut() {
            for place in run {
                let Some(message) = messages.next() else { return filled };
                *place = message;
                filled += 1;
            }
        }
        filled
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
    at: Tip<T>,
    left: usize,
}

impl<T> RunsMut<'_, T> {
    /// No more slices.
    pub(crate) fn end(&mut self) {
        self.left = 0;
    }
}

impl<'g, T: Payload> Iterator for RunsMut<'g, T> {
    type Item = &'g mut [T];

    #[inline]
    fn next(&mut self) -> Option<&'g mut [T]> {
        if self.left == 0 {
            return None;
        }
        let (frames, _) = self.producer.parts();
        let (place, len) = self.at.run_mut(self.left, frames);
        self.left -= len;
        // SAFETY: [1] `len` places in a row inside the segment, aligned, and any bytes are a `T`. [2] They lie below the
        //  producer's limit, so the consumer has released them (`freed`), and above every published word, so it will
        //  not read them before `commit`. [3] The producer is borrowed by the grant, the grant is borrowed for 'g, and
        //  each place is in one slice only, since `at` only moves on.
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

    /// All messages, as slices in order.
    pub(crate) fn runs(&self) -> Runs<'_, T> {
        Runs { at: self.consumer.parts().1.clone(), left: self.len, consumer: self.consumer }
    }

    /// Copies the first messages out, as many as fit; how many that were.
    pub(crate) fn copy_to(&self, messages: &mut [T]) -> usize {
        let wanted = self.len.min(messages.len());
        let mut done = 0;
        for run in self.runs() {
            let n = run.len().min(wanted - done);
            messages[done..done + n].copy_from_slice(&run[..n]);
            done += n;
            if done == wanted {
                break;
            }
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

/// The messages of a read grant, slice by slice.
#[derive(Debug)]
pub(crate) struct Runs<'g, T> {
    consumer: &'g Consumer<T>,
    at: Tip<T>,
    left: usize,
}

impl<T> Runs<'_, T> {
    /// No more slices.
    pub(crate) fn end(&mut self) {
        self.left = 0;
    }
}

impl<'g, T: Payload> Iterator for Runs<'g, T> {
    type Item = &'g [T];

    #[inline]
    fn next(&mut self) -> Option<&'g [T]> {
        if self.left == 0 {
            return None;
        }
        let (frames, _) = self.consumer.parts();
        let (place, len) = self.at.run(self.left, frames);
        self.left -= len;
        // SAFETY: [1] `len` places in a row inside the segment, aligned, and any bytes are a `T`. [2] They are published
        //  and not released, so the producer does not write there. [3] The consumer is borrowed by the grant, and the
        //  grant for 'g.
        Some(unsafe { core::slice::from_raw_parts(place.as_ptr(), len) })
    }
}

/// The next messages that lie contiguous, at most `max` of the `available` that are there; for a stream, which hands
/// nothing out twice.
pub(crate) fn front<T: Payload>(consumer: &Consumer<T>, available: usize, max: usize) -> &[T] {
    let wanted = available.min(max);
    if wanted == 0 {
        return &[];
    }
    let (frames, tip) = consumer.parts();
    let (place, len) = tip.clone().run(wanted, frames);
    // SAFETY: as in `Runs::next`; the consumer is borrowed as long as the slice.
    unsafe { core::slice::from_raw_parts(place.as_ptr(), len) }
}

/// The next `len` places of the tail's frame from `ahead` of the tail on, to be written before they are published.
pub(crate) fn place_ahead_mut(producer: &mut Producer<u8>, ahead: usize, len: usize) -> &mut [u8] {
    let place = ahead_of_the_tail(producer, ahead, len);
    // SAFETY: as in `RunsMut::next`; they lie in the tail's frame and below the limit, as has been asserted, and the producer
    //  is borrowed as long as the slice.
    unsafe { core::slice::from_raw_parts_mut(place, len) }
}

/// The same, to look at what has been written.
pub(crate) fn place_ahead(producer: &Producer<u8>, ahead: usize, len: usize) -> &[u8] {
    let place = ahead_of_the_tail(producer, ahead, len);
    // SAFETY: as above; nobody but this producer writes there.
    unsafe { core::slice::from_raw_parts(place, len) }
}

fn ahead_of_the_tail(producer: &Producer<u8>, ahead: usize, len: usize) -> *mut u8 {
    let end = ahead.checked_add(len);
    assert!(len == 0 || end.is_some_and(|end| end <= producer.free_in_frame()), "places beyond the room of the frame");
    if cfg!(loom) && len == 0 {
        return core::ptr::dangling_mut();
    }
    let (frames, tip) = producer.parts();
    let first = tip.position + ahead as u64;
    frames.lend_mut(tip.spot, first, len);
    frames.with_mut_at(tip.spot, first, |place| place)
}

/// `len` bytes in place, the first of them `ahead` of the head. They are published, and in one frame.
pub(crate) fn bytes_ahead(consumer: &Consumer<u8>, ahead: usize, len: usize) -> &[u8] {
    let (frames, head) = consumer.parts();
    let is_here = (head.end_of_frame() - head.position) as usize >= ahead.saturating_add(len) && len > 0;
    // Without a look for the frame, where it is the head's.
    let at = if is_here { head.within(ahead) } else { consumer.ahead(ahead, len) };
    if cfg!(loom) && len == 0 {
        return &[];
    }
    frames.lend(at.spot, at.position, len);
    frames.with_at(at.spot, at.position, |place| {
        // SAFETY: as in `Runs::next`; `ahead` has asserted that they lie in one frame, and the consumer is borrowed as long
        //  as the slice.
        unsafe { core::slice::from_raw_parts(place, len) }
    })
}

/// Copies the next messages that lie contiguous out, of the `available` that are there as many as `bytes` has room for; how many.
/// No slice of them is made: whoever wrote them may be writing there still.
pub(crate) fn copy_front(consumer: &Consumer<u8>, available: usize, bytes: &mut [u8]) -> usize {
    let wanted = available.min(bytes.len());
    if wanted == 0 {
        return 0;
    }
    let (frames, tip) = consumer.parts();
    let (place, len) = tip.clone().run(wanted, frames);
    // SAFETY: `len` places in a row inside the segment, as in `Runs::next`.
    unsafe { payload::read_run(&mut bytes[..len], place.as_ptr()) };
    len
}
