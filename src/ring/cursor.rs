//! A position in the endless sequence of messages, with the frame and the place where it lies.

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
