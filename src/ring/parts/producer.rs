//! The writing end of messages of bytes.

use super::header::{CANCEL, FIRST, Header, LAST, PAD, SIZED};
use super::{Cut, Cuts, UNIT, span};
use crate::layout::overlay::{Control, Frames};
use crate::ring::Corrupt;
use crate::ring::spsc;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::TRAIL;

/// The writing end. There is one, which membership sees to.
#[derive(Debug)]
pub(crate) struct Producer {
    ring: spsc::Producer<u8>,
    cuts: Cuts,
    /// Where the message begins in the middle of which this end is: some of its parts are published, and not the last.
    begun: Option<u64>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    Done,
    /// There is no room now for what needs so many bytes.
    Full {
        /// At most what the ring holds.
        needs: usize,
    },
    /// Not even an empty ring would have room for it, the tail being where it is; for so many bytes it would.
    TooLong {
        limit: usize,
    },
    Corrupt(Corrupt),
}

/// A place for the next piece of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Here it is; it can be written.
    Here(Cut),
    /// There is none before there is room for so many bytes.
    Full {
        /// At most what the ring holds.
        needs: usize,
    },
}

impl Producer {
    /// Takes the writing end up where the last producer left it. If that one was killed in the middle of a message, the
    /// message is cancelled.
    pub(crate) fn attach(control: Control, frames: Frames<u8>) -> Result<Self, Corrupt> {
        // Relaxed: the role's lock ordered us behind whoever stored it.
        let begun = control.producer().cursor.begun.load(Relaxed);
        let cuts = Cuts::new(frames.per, frames.capacity);
        let ring = spsc::Producer::attach(control, frames)?;
        let tail = ring.tail();
        if tail % UNIT as u64 != 0 {
            return Err(Corrupt { word: "tail", found: tail });
        }
        let start = begun.checked_sub(1);
        if start.is_some_and(|start| start > tail || start % UNIT as u64 != 0) {
            return Err(Corrupt { word: "begun", found: begun });
        }
        let mut producer = Self { cuts, begun: start, ring };
        // Whoever begins a message keeps room for its end. (One that has no room has not been begun by those rules.)
        let is_open = start.is_some_and(|start| start < tail) && producer.ring.room(UNIT)? >= UNIT;
        if is_open {
            producer.cancel()
        } else {
            producer.set_begun(None)
        }
        Ok(producer)
    }

    pub(crate) fn ring(&self) -> &spsc::Producer<u8> {
        &self.ring
    }

    pub(crate) fn ring_mut(&mut self) -> &mut spsc::Producer<u8> {
        &mut self.ring
    }

    pub(crate) fn cuts(&self) -> Cuts {
        self.cuts
    }

    /// Bytes of the longest message that is one part wherever the tail is.
    pub(crate) fn whole_max(&self) -> usize {
        self.cuts.whole - UNIT
    }

    /// Whether a message has been begun and not ended.
    #[inline(always)]
    pub(crate) fn is_in_message(&self) -> bool {
        self.begun.is_some()
    }

    /// Says where a message begins, to whoever comes next; or that it is over.
    fn set_begun(&mut self, begun: Option<u64>) {
        self.begun = begun;
        let word = begun.map_or(0, |start| start + 1);
        // Behind the last part; the first one's word is stored behind this. Nobody acquires it: a successor finds the stores of one
        // who is killed up to some one of them, in the order in which they are made, and this keeps the compiler from another.
        self.ring.control().producer().cursor.begun.store(word, TRAIL.release());
    }

    /// Whether the consumer has given up the message that was begun: some part of it is skipped, or was.
    pub(crate) fn is_refused(&self) -> bool {
        // Relaxed: gives no permission; who sees it late sends a part in vain.
        let refused = self.ring.control().consumer().cursor.refused.load(Relaxed);
        self.begun.is_some_and(|start| refused > start)
    }

    /// Whether there is room for so many bytes, by the exact head if need be.
    pub(crate) fn has_room(&mut self, needs: usize) -> Result<bool, Corrupt> {
        Ok(self.ring.room(needs)? >= needs)
    }

    /// The same by the credit: cheap, and may miss room for a quarter of the ring.
    pub(crate) fn has_credit(&mut self, needs: usize) -> Result<bool, Corrupt> {
        self.ring.has_credit_for(needs)
    }

    /// Sends a message as one part, within the room that is known and what is left of the frame; whether it has.
    ///
    /// *Progress*: wait-free.
    ///
    /// *If the process dies here*: before the word's store nothing was sent; after it the message is sent.
    #[inline(always)]
    pub(crate) fn push_below_limit(&mut self, message: &[u8]) -> bool {
        let header = Header::new(FIRST | LAST, message.len());
        self.begun.is_none() && self.ring.push_bytes(header.0, message, span(message.len()))
    }

    /// Whether there is room for a part of this span at the tail, and no message is in the middle.
    #[inline(always)]
    pub(crate) fn has_place(&self, span: usize) -> bool {
        self.begun.is_none() && span <= self.ring.free_in_frame()
    }

    /// Sends a message, all of it or nothing, which is in pieces; `len` is how long they are together. No other message is
    /// in the middle.
    ///
    /// *Progress*: wait-free.
    ///
    /// *If the process dies here*: whole parts of it were sent, or nothing; an incomplete message is nobody's.
    pub(crate) fn push<'a>(&mut self, len: usize, pieces: impl Iterator<Item = &'a [u8]>) -> Pushed {
        debug_assert!(self.begun.is_none());
        let needs = self.needs(len);
        if needs > self.cuts.capacity {
            return Pushed::TooLong { limit: self.longest() };
        }
        match self.has_room(needs) {
            Ok(true) => {}
            Ok(false) => return Pushed::Full { needs },
            Err(corrupt) => return Pushed::Corrupt(corrupt),
        }
        let mut source = Source::new(pieces);
        if span(len) <= self.cuts.whole {
            if let Err(corrupt) = self.place(span(len)) {
                return Pushed::Corrupt(corrupt);
            }
            self.fill(UNIT, len, &mut source);
            self.publish(FIRST | LAST, len);
            return Pushed::Done;
        }
        let mut left = len;
        while left > 0 {
            match self.piece(Some(left as u64)) {
                Ok(Piece::Here(cut)) => left -= self.put(cut, Some(left as u64), &mut source),
                Ok(Piece::Full { .. }) => unreachable!("there is room for all of it"),
                Err(corrupt) => return Pushed::Corrupt(corrupt),
            }
        }
        Pushed::Done
    }

    /// Room for one part of this span, in one frame: fills the rest of this one if it is too small.
    pub(crate) fn place(&mut self, span: usize) -> Result<Piece, Corrupt> {
        let left = self.ring.left_in_frame();
        let needs = if span <= left { span } else { left + span };
        if !self.has_room(needs)? {
            return Ok(Piece::Full { needs });
        }
        if span > left {
            self.pad();
        }
        self.ring.enter_frame();
        Ok(Piece::Here(Cut { pads: false, span, front: UNIT, bytes: span - UNIT, is_last: true }))
    }

    /// Room for the next piece of a message of which so many bytes are left (`None`: nobody knows).
    pub(crate) fn piece(&mut self, left: Option<u64>) -> Result<Piece, Corrupt> {
        loop {
            let cut = self.cuts.next(self.ring.left_in_frame(), left, self.begun.is_none());
            if !self.has_room(cut.needs())? {
                return Ok(Piece::Full { needs: cut.needs() });
            }
            if !cut.pads {
                self.ring.enter_frame();
                return Ok(Piece::Here(cut));
            }
            self.pad();
        }
    }

    /// Fills the rest of the tail's frame. There is room for it. (The tail is in the middle of the frame: no part is too long for a
    /// whole one.)
    fn pad(&mut self) {
        let left = self.ring.left_in_frame();
        self.ring.write_ahead(0, &Header::new(PAD, left - UNIT).0.to_le_bytes());
        self.ring.publish_ahead(left);
    }

    /// Writes and publishes a piece, the next of `left` bytes; how many those were.
    pub(crate) fn put<'a>(
        &mut self,
        cut: Cut,
        left: Option<u64>,
        source: &mut Source<'a, impl Iterator<Item = &'a [u8]>>,
    ) -> usize {
        self.fill(cut.front, cut.bytes, source);
        self.publish_piece(cut, cut.bytes, left, cut.is_last);
        cut.bytes
    }

    fn fill<'a>(&mut self, mut ahead: usize, len: usize, source: &mut Source<'a, impl Iterator<Item = &'a [u8]>>) {
        let end = ahead + len;
        while ahead < end {
            let Some(bytes) = source.next(end - ahead) else { break };
            self.ring.write_ahead(ahead, bytes);
            ahead += bytes.len();
        }
    }

    /// Writes bytes of the piece for which there is room, from its `at`-th byte on.
    pub(crate) fn write(&mut self, cut: Cut, at: usize, bytes: &[u8]) {
        self.ring.write_ahead(cut.front + at, bytes);
    }

    /// Publishes a piece of which `filled` bytes have been written. `left`: how long the message was when the piece was
    /// cut, for those who know.
    pub(crate) fn publish_piece(&mut self, cut: Cut, filled: usize, left: Option<u64>, is_last: bool) {
        let is_first = self.begun.is_none();
        let mut marks = if is_first { FIRST } else { 0 };
        marks |= if is_last { LAST } else { 0 };
        if cut.front > UNIT {
            debug_assert!(is_first && !is_last);
            marks |= SIZED;
            self.ring.write_ahead(UNIT, &left.unwrap_or(0).to_le_bytes());
        }
        if is_first && !is_last {
            self.set_begun(Some(self.ring.tail()));
        }
        self.publish(marks, cut.front - UNIT + filled);
        if is_last && !is_first {
            self.set_begun(None);
        }
    }

    /// Publishes the part at the tail, `len` bytes behind its header.
    fn publish(&mut self, marks: u8, len: usize) {
        self.ring.write_ahead(0, &Header::new(marks, len).0.to_le_bytes());
        self.ring.publish_ahead(span(len));
    }

    /// Publishes a whole message that has been written behind a [`place`](Self::place)'s header.
    pub(crate) fn publish_whole(&mut self, len: usize) {
        self.publish(FIRST | LAST, len);
    }

    /// Ends the message that was begun, incomplete; for that room was kept.
    pub(crate) fn cancel(&mut self) {
        if self.begun.is_none() {
            return;
        }
        self.ring.enter_frame();
        self.publish(CANCEL, 0);
        self.set_begun(None);
    }

    /// Bytes of the ring that a message of this length takes, the tail being where it is.
    pub(crate) fn needs(&self, len: usize) -> usize {
        let mut in_frame = self.ring.left_in_frame();
        if span(len) <= self.cuts.whole {
            return if span(len) <= in_frame { span(len) } else { in_frame + span(len) };
        }
        let (mut needs, mut left) = (0_usize, len as u64);
        // What takes more than the ring holds takes too much.
        while left > 0 && needs <= self.cuts.capacity {
            let cut = self.cuts.next(in_frame, Some(left), left == len as u64);
            needs += cut.span;
            left -= if cut.pads { 0 } else { cut.bytes as u64 };
            in_frame = if cut.span == in_frame { self.cuts.frame } else { in_frame - cut.span };
        }
        needs
    }

    /// Bytes of the longest message that an empty ring would have room for, the tail being where it is.
    fn longest(&self) -> usize {
        let (mut fits, mut not) = (self.whole_max(), self.cuts.capacity);
        while not - fits > 1 {
            let between = fits + (not - fits) / 2;
            if self.needs(between) <= self.cuts.capacity { fits = between } else { not = between }
        }
        fits
    }
}

/// The bytes of a message that lie in several places.
#[derive(Debug)]
pub(crate) struct Source<'a, I> {
    pieces: I,
    rest: &'a [u8],
}

impl<'a, I: Iterator<Item = &'a [u8]>> Source<'a, I> {
    pub(crate) fn new(pieces: I) -> Self {
        Self { pieces, rest: &[] }
    }

    /// The next bytes that lie together, at least one and at most `max`; `None` at the end.
    fn next(&mut self, max: usize) -> Option<&'a [u8]> {
        while self.rest.is_empty() {
            self.rest = self.pieces.next()?;
        }
        let (bytes, rest) = self.rest.split_at(max.min(self.rest.len()));
        self.rest = rest;
        Some(bytes)
    }
}
