//! A position in the endless sequence of messages, with the frame and the place where it lies.

use crate::layout::overlay::{Frames, Spot};
use core::cmp::Ordering;

/// Where an end is. `frame < count` and `place < per` of the ring it was made for, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Messages before this one, since the segment was made. 56 bits last 22 years at 100 million a second.
    pub(crate) position: u64,
    /// Physical frame.
    pub(crate) frame: usize,
    /// Place in the frame.
    pub(crate) place: usize,
}

impl Cursor {
    /// The cursor at `position` in a ring of `count` frames of `per` messages.
    pub(crate) fn at(position: u64, per: usize, count: usize) -> Self {
        Self {
            position,
            frame: (position / per as u64 % count as u64) as usize,
            place: (position % per as u64) as usize,
        }
    }

    /// The cursor `n` messages on, where they do not go beyond the frame's end.
    #[inline(always)]
    pub(crate) fn after(self, n: usize, per: usize, count: usize) -> Self {
        debug_assert!(self.place + n <= per);
        let position = self.position + n as u64;
        let place = self.place + n;
        if place < per {
            return Self { position, place, ..self };
        }
        Self { position, place, ..self }.in_next_frame(count)
    }

    /// The same position, for a cursor that stands behind its frame.
    #[inline(always)]
    fn in_next_frame(self, count: usize) -> Self {
        let frame = self.frame + 1;
        Self { frame: if frame < count { frame } else { 0 }, place: 0, ..self }
    }

    /// The cursor `n` messages on, `n` at most the ring's room.
    pub(crate) fn skip(self, n: usize, per: usize, count: usize) -> Self {
        let (position, place) = (self.position + n as u64, self.place + n);
        let at = Self { position, place, ..self };
        match place.cmp(&per) {
            Ordering::Less => at,
            // Without a division: this is the step from a run to the next.
            Ordering::Equal => at.in_next_frame(count),
            Ordering::Greater => Self { position, frame: (self.frame + place / per) % count, place: place % per },
        }
    }
}

/// Where an end is, with what it needs to take one step at the least cost: from message to message within a frame only
/// `position` moves. Behind a frame's last message it stays with that frame until somebody wants the next one, so it may
/// stand at `end`, on a place that the frame does not have.
#[derive(Debug)]
pub(crate) struct Tip<T> {
    /// As in [`Cursor`].
    pub(crate) position: u64,
    /// The position behind the frame's last message.
    end: u64,
    /// The frame's word and places.
    pub(crate) spot: Spot<T>,
}

impl<T> Clone for Tip<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T> Tip<T> {
    /// The tip at `at`, in these frames.
    #[inline(always)]
    pub(crate) fn new(frames: &Frames<T>, at: Cursor) -> Self {
        let first = at.position - at.place as u64;
        let end = first + frames.per as u64;
        Self { position: at.position, end, spot: frames.spot(at.frame, first) }
    }

    /// Where that is.
    #[inline(always)]
    pub(crate) fn cursor(&self, frames: &Frames<T>) -> Cursor {
        let place = frames.per - (self.end - self.position) as usize;
        let at = Cursor { position: self.position, frame: self.spot.frame, place };
        if place < frames.per { at } else { at.in_next_frame(frames.count) }
    }

    /// The position behind the last message of the frame.
    #[inline(always)]
    pub(crate) fn end_of_frame(&self) -> u64 {
        self.end
    }

    /// Messages that the frame has from here on, at least one: enters the next frame if this one is at its end.
    #[inline(always)]
    pub(crate) fn left_in_frame(&mut self, frames: &Frames<T>) -> usize {
        if self.position == self.end {
            self.enter_next_frame(frames);
        }
        (self.end - self.position) as usize
    }

    /// The tip `n` messages on, in the same frame.
    #[inline(always)]
    pub(crate) fn within(&self, n: usize) -> Self {
        debug_assert!(n as u64 <= self.end - self.position);
        Self { position: self.position + n as u64, ..*self }
    }

    /// `n` messages on, `n` at most the ring's room.
    #[inline(always)]
    pub(crate) fn skip(&mut self, n: usize, frames: &Frames<T>) {
        if n as u64 <= self.end - self.position {
            self.position += n as u64;
        } else {
            *self = Self::new(frames, self.cursor(frames).skip(n, frames.per, frames.count));
        }
    }

    /// Where the next messages lie, and how many, at most `max`, lie contiguous there; and goes on behind them.
    #[inline(always)]
    pub(crate) fn run(&mut self, max: usize, frames: &Frames<T>) -> (core::ptr::NonNull<T>, usize) {
        let left = self.left_in_frame(frames);
        let (place, len) = frames.run_at(self.spot, self.position, left, max);
        frames.lend(self.spot, self.position, len);
        self.skip(len, frames);
        (place, len)
    }

    /// The same, to be written.
    #[inline(always)]
    pub(crate) fn run_mut(&mut self, max: usize, frames: &Frames<T>) -> (core::ptr::NonNull<T>, usize) {
        let left = self.left_in_frame(frames);
        let (place, len) = frames.run_at(self.spot, self.position, left, max);
        frames.lend_mut(self.spot, self.position, len);
        self.skip(len, frames);
        (place, len)
    }

    /// From behind the last message of a frame to the first of the next. `frames` are those that the tip was made with.
    #[inline(always)]
    pub(crate) fn enter_next_frame(&mut self, frames: &Frames<T>) {
        debug_assert_eq!(self.position, self.end);
        self.spot = frames.next(self.spot);
        self.end += frames.per as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault 70.
    #[test]
    fn stepping_skipping_and_computing_agree_up_to_56_bits() {
        for (per, count) in [(1, 1), (1, 2), (7, 3), (3, 148), (56, 2)] {
            for start in [0, 1, 6, (1 << 32) - 2, (1 << 56) - 200] {
                let mut stepped = Cursor::at(start, per, count);
                for n in 0..120 {
                    assert_eq!(stepped, Cursor::at(start + n, per, count));
                    assert_eq!(stepped, Cursor::at(start, per, count).skip(n as usize, per, count));
                    stepped = stepped.after(1, per, count);
                }
            }
        }
    }
}
