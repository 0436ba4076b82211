//! A position in the endless sequence of messages, with the frame and the place where it lies.

use crate::layout::overlay::{Frames, Spot};

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
        let frame = self.frame + 1;
        Self { position, frame: if frame < count { frame } else { 0 }, place: 0 }
    }

    /// The cursor `n` messages on, `n` at most the ring's room.
    pub(crate) fn skip(self, n: usize, per: usize, count: usize) -> Self {
        let places = self.place + n;
        let frame = self.frame + places / per;
        Self { position: self.position + n as u64, frame: frame % count, place: places % per }
    }
}

/// Where an end is, with what it needs to take one step at the least cost: from message to message within a frame only
/// `position` moves.
#[derive(Debug)]
pub(crate) struct Tip<T> {
    /// As in [`Cursor`].
    pub(crate) position: u64,
    /// The position behind the frame's last message.
    end: u64,
    frame: usize,
    /// The frame's word and places.
    pub(crate) spot: Spot<T>,
}

impl<T> Tip<T> {
    /// The tip at `at`, in these frames.
    #[inline(always)]
    pub(crate) fn new(frames: &Frames<T>, at: Cursor) -> Self {
        let first = at.position - at.place as u64;
        let end = first + frames.per as u64;
        Self { position: at.position, end, frame: at.frame, spot: frames.spot(at.frame, first) }
    }

    /// Where that is.
    #[inline(always)]
    pub(crate) fn cursor(&self, frames: &Frames<T>) -> Cursor {
        let place = frames.per - (self.end - self.position) as usize;
        Cursor { position: self.position, frame: self.frame, place }
    }

    /// The position behind the last message of the frame.
    #[inline(always)]
    pub(crate) fn end_of_frame(&self) -> u64 {
        self.end
    }

    /// One message on, to `next`; whether that was the frame's last.
    #[inline(always)]
    pub(crate) fn step_to(&mut self, next: u64, frames: &Frames<T>) -> bool {
        debug_assert_eq!(next, self.position + 1);
        self.position = next;
        let is_last = next == self.end;
        if is_last {
            let frame = if self.frame + 1 < frames.count { self.frame + 1 } else { 0 };
            *self = Self::new(frames, Cursor { position: next, frame, place: 0 });
        }
        is_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
