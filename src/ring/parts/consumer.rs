//! The reading end of messages of bytes.

use super::header::{CANCEL, FIRST, Header, PAD, Part};
use super::{Cuts, UNIT, span};
use crate::layout::overlay::{Control, Frames};
use crate::ring::Corrupt;
use crate::ring::spsc::{self, Attempt};
use crate::sync::Ordering::Relaxed;

/// The reading end. There is one, which membership sees to.
#[derive(Debug)]
pub(crate) struct Consumer {
    ring: spsc::Consumer<u8>,
    cuts: Cuts,
    begun: Option<Begun>,
    /// What was last stored in `refused`.
    refused: u64,
}

/// A message in the middle of which this end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    /// Bytes of it that have been taken.
    taken: u64,
    /// How long it is, if that was said.
    announced: Option<u64>,
}

/// What is to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing now. (Or so much to skip that the caller should look at its deadline.)
    Nothing,
    /// The first part of a message, or the next one of the message that was begun.
    Part(Part),
    /// The message that was begun ends here, incomplete, after so many bytes.
    Cut { taken: u64 },
}

/// A message that lies in the ring as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// Some of it is still to come; so many bytes of the ring are there, and so many of the message have come in all.
    Incomplete { published: usize, bytes: u64 },
    /// It is all there, and takes so many bytes of the ring; so long is it.
    Whole { span: usize, bytes: u64 },
    /// It was given up by the producer: behind so many bytes of the ring something else begins.
    Cut { span: usize, taken: u64 },
    /// It does not fit into the ring, of which so many bytes are known.
    TooLong { bytes: u64 },
}

impl Consumer {
    /// Takes the reading end up where the last consumer left it. If that one was in the middle of a message, the rest of it
    /// is skipped.
    pub(crate) fn attach(control: Control, frames: Frames<u8>) -> Result<Self, Corrupt> {
        let cuts = Cuts::new(frames.per, frames.capacity);
        let refused = control.consumer().cursor.refused.load(Relaxed); // relaxed: only this role stores it
        let ring = spsc::Consumer::attach(control, frames)?;
        let head = ring.head();
        if head % UNIT as u64 != 0 {
            return Err(Corrupt { word: "head", found: head });
        }
        Ok(Self { ring, cuts, begun: None, refused })
    }

    pub(crate) fn ring(&self) -> &spsc::Consumer<u8> {
        &self.ring
    }

    pub(crate) fn ring_mut(&mut self) -> &mut spsc::Consumer<u8> {
        &mut self.ring
    }

    /// Bytes taken of the message in the middle of which this end is; `None` between messages.
    #[inline(always)]
    pub(crate) fn taken(&self) -> Option<u64> {
        Some(self.begun?.taken)
    }

    /// How long the message that was begun is, if that was said.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.begun?.announced
    }

    /// How long the next message is, if it is there, is one part, and is not longer than `limit`.
    #[inline(always)]
    pub(crate) fn whole_len(&mut self, limit: u64) -> Option<usize> {
        let (header, published) = self.ring.number_at_head()?;
        let header = Header(header);
        let len = header.len();
        let is_it = header.is_whole() && span(len) <= published && len as u64 <= limit && self.begun.is_none();
        is_it.then_some(len)
    }

    /// Takes the next message into `to`, which it replaces, if it is there, is one part, is not longer than `limit`, and
    /// `to` has room for it; how long it is.
    ///
    /// *Progress*: wait-free.
    ///
    /// *If the process dies here*: before the store of `head` the message is there for a successor, after it it is gone.
    #[inline(always)]
    pub(crate) fn pop_whole(&mut self, to: &mut Vec<u8>, limit: u64) -> Option<usize> {
        let len = self.whole_len(limit)?;
        if len > to.capacity() {
            return None;
        }
        self.ring.pop_bytes(len, span(len), to);
        Some(len)
    }

    /// What is to be read next; skips what belongs to no message.
    ///
    /// *Progress*: wait-free: skips a ring's worth of bytes at most.
    pub(crate) fn next(&mut self) -> Result<Found, Corrupt> {
        let mut skipped = 0;
        while skipped <= self.cuts.capacity {
            if !self.ring.has_message()? {
                return Ok(Found::Nothing);
            }
            let part = self.part_ahead(0, usize::MAX)?;
            match self.begun {
                _ if part.has(PAD) => {}
                Some(Begun { taken, .. }) if part.has(FIRST) => {
                    self.begun = None;
                    return Ok(Found::Cut { taken });
                }
                Some(Begun { taken, .. }) if part.has(CANCEL) => {
                    self.begun = None;
                    self.ring.release(part.span);
                    return Ok(Found::Cut { taken });
                }
                Some(begun) => return self.check(begun, part).map(Found::Part),
                None if part.has(FIRST) => return Ok(Found::Part(part)),
                None if part.has(CANCEL) => {}
                // Of a message that somebody has given up, whose producer may be in the middle of it.
                None => self.refuse(part.span),
            }
            self.ring.release(part.span);
            skipped += part.span;
        }
        Ok(Found::Nothing)
    }

    /// Whether a part goes with what was announced.
    fn check(&self, begun: Begun, part: Part) -> Result<Part, Corrupt> {
        let bytes = begun.taken.saturating_add(part.len as u64);
        let is_right = begun.announced.is_none_or(|all| if part.is_last() { bytes == all } else { bytes < all });
        if is_right { Ok(part) } else { Err(Corrupt { word: "length of a message", found: bytes }) }
    }

    /// The part `ahead` of the head, of which `published` bytes are known to be there; `MAX`: what the head's word says.
    fn part_ahead(&mut self, ahead: usize, published: usize) -> Result<Part, Corrupt> {
        let in_frame = self.ring.left_ahead(ahead);
        let published = match published {
            usize::MAX => self.ring.seen_in_frame().unwrap_or(0),
            published => published,
        };
        if published < UNIT {
            return Err(Corrupt { word: "frame word", found: self.ring.head() + published as u64 });
        }
        let header = Header(self.ring.number_ahead(ahead));
        Part::read(header, published, in_frame, || self.ring.number_ahead(ahead + UNIT))
    }

    /// Notes that the next `span` bytes are given up.
    fn refuse(&mut self, span: usize) {
        self.refused = self.ring.head() + span as u64;
        // Relaxed: a request to stop, which gives no permission. In front of the release, so that whoever is killed between
        // the two leaves what was given up twice, and not what the producer goes on with in vain.
        self.ring.control().consumer().cursor.refused.store(self.refused, Relaxed);
    }

    /// Copies the first bytes of a part, from its `at`-th on, behind what `to` holds; `to` has room for them.
    pub(crate) fn append(&self, part: Part, at: usize, len: usize, to: &mut Vec<u8>) {
        debug_assert!(at + len <= part.len);
        self.ring.append_ahead(part.front + at, len, to);
    }

    /// The same, into a slice.
    pub(crate) fn read(&self, part: Part, at: usize, bytes: &mut [u8]) {
        debug_assert!(at + bytes.len() <= part.len);
        self.ring.read_ahead(part.front + at, bytes);
    }

    /// Gives the room of a part back that [`next`](Self::next) has found: it has been read.
    pub(crate) fn release(&mut self, part: Part) {
        let taken = self.taken().unwrap_or(0) + part.len as u64;
        let announced = self.begun.map_or(part.announced, |begun| begun.announced);
        self.begun = (!part.is_last()).then_some(Begun { taken, announced });
        self.ring.release(part.span);
    }

    /// Gives up the message to which `part`, the next one, belongs; what follows of it is skipped.
    pub(crate) fn give_up(&mut self, part: Part) {
        if !part.is_last() {
            self.refuse(part.span);
        }
        self.begun = None;
        self.ring.release(part.span);
    }

    /// Gives up the message in the middle of which this end is, if it is; what follows of it is skipped.
    pub(crate) fn give_up_begun(&mut self) {
        if self.begun.take().is_some() {
            self.refuse(0);
        }
    }

    /// Looks whether all of the message to which the next part belongs is there; releases nothing.
    ///
    /// *Progress*: wait-free.
    pub(crate) fn look_ahead(&mut self) -> Result<Ahead, Corrupt> {
        let published = self.ring.available(usize::MAX)?;
        let (mut ahead, mut begun) = (0, self.begun);
        while ahead < published {
            let part = self.part_ahead(ahead, published - ahead)?;
            let taken = begun.map_or(0, |begun| begun.taken);
            match begun {
                _ if part.has(PAD) => {}
                Some(_) if part.has(FIRST) => return Ok(Ahead::Cut { span: ahead, taken }),
                Some(_) if part.has(CANCEL) => return Ok(Ahead::Cut { span: ahead + part.span, taken }),
                Some(begun) => drop(self.check(begun, part)?),
                None if part.has(FIRST) => {}
                None => return Err(Corrupt { word: "part", found: self.ring.number_ahead(ahead) }),
            }
            ahead += part.span;
            if part.is_last() {
                return Ok(Ahead::Whole { span: ahead, bytes: taken + part.len as u64 });
            }
            if !part.has(PAD) {
                let announced = begun.map_or(part.announced, |begun| begun.announced);
                begun = Some(Begun { taken: taken + part.len as u64, announced });
            }
        }
        Ok(self.is_stuck(published, begun))
    }

    /// Whether more than so many bytes are in the ring.
    pub(crate) fn has_more(&mut self, than: usize) -> Result<bool, Corrupt> {
        Ok(self.ring.available(than.saturating_add(1))? > than)
    }

    /// Copies a message, or the rest of one, that [`look_ahead`](Self::look_ahead) has found to take so many bytes of the
    /// ring, behind what `to` holds; `to` has room for it.
    pub(crate) fn copy_ahead(&mut self, span: usize, to: &mut Vec<u8>) -> Result<(), Corrupt> {
        let mut ahead = 0;
        while ahead < span {
            let part = self.part_ahead(ahead, span - ahead)?;
            if part.len > to.capacity() - to.len() {
                // Another length than a moment ago.
                return Err(Corrupt { word: "part", found: self.ring.number_ahead(ahead) });
            }
            self.ring.append_ahead(ahead + part.front, part.len, to);
            ahead += part.span;
        }
        Ok(())
    }

    /// Whether the producer waits for room to go on with a message that is `published` so far.
    fn is_stuck(&self, published: usize, begun: Option<Begun>) -> Ahead {
        let Some(Begun { taken, announced }) = begun else {
            return Ahead::Incomplete { published, bytes: 0 };
        };
        let left = announced.map(|all| all - taken);
        let next = self.cuts.next(self.ring.left_ahead(published), left, false);
        let room = self.cuts.capacity.saturating_sub(published);
        let will_not_fit = announced.is_some_and(|all| all > self.cuts.capacity as u64);
        if room < next.needs() || will_not_fit {
            return Ahead::TooLong { bytes: announced.unwrap_or(taken) };
        }
        Ahead::Incomplete { published, bytes: taken }
    }

    /// Bytes that can be in use.
    pub(crate) fn capacity(&self) -> usize {
        self.cuts.capacity
    }

    /// Notes that the next bytes are handed out, to be released when they have been dealt with.
    pub(crate) fn hand_out(&mut self, span: usize) -> Attempt {
        self.ring.hand_out(span)
    }

    /// Gives back the room of a message, or of the rest of one, that was handed out.
    pub(crate) fn release_all(&mut self, span: usize) {
        self.begun = None;
        // Frame by frame: a ring's worth of bytes is more than one step.
        self.ring.release(span);
    }
}
