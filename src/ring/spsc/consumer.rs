//! The reading end.
//!
//! # Safety
//!
//! *What this file assumes.* (1) `Frames` gives addresses inside the segment, aligned for `T`, for each spot that it made
//! and each position of that spot's frame; the spot of a `Tip` is always the one of its frame, and its position is in that
//! frame, or just behind its last message: then nothing is accessed before the next frame is entered. (2) One `Producer` and
//! one `Consumer` exist for a segment: membership hands a role out with its lock byte, and an end is dropped before its role
//! is given back. (3) `T` is a [`Payload`]: any bytes are a value, and every byte of a value may be read.
//!
//! *What it guarantees.* The consumer reads only at positions from `head` on that a word told, after an acquire load of that
//! word. Between correct peers these are places that the producer leaves alone until they are released. **Nothing that the
//! other end stores can make an access leave the segment**, as in the producer's file.
#![allow(unsafe_code)]

use super::published;
use crate::layout::overlay::{Control, Frames};
use crate::ring::Corrupt;
use crate::ring::cursor::{Cursor, Tip};
use crate::ring::payload::{self, Landing, Payload};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{CLOSED, CREDIT, FILLED, FINISHED, FREED};

/// Attempts are counted in eight bits, beside a position.
const TRIES_MAX: u64 = 0xff;

/// The reading end. There is one, which membership sees to.
#[derive(Debug)]
pub(crate) struct Consumer<T> {
    control: Control,
    frames: Frames<T>,
    /// The next message to be released.
    at: Tip<T>,
    /// Messages of `at`'s frame below this are there.
    seen: u64,
    /// The `head` at which the credit is next stored, and how many messages go by until the one after.
    credit_at: u64,
    interval: u64,
    /// One above the highest position ever handed out, by a predecessor too.
    taken: u64,
    /// From this position on frames are asked for before they are read: so many messages have come since the ring was empty that the
    /// producer is ahead, and does not lose a line that it is about to write to.
    flows_from: u64,
}

/// How a message has been handed out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// The position of the message: unique for the life of the segment.
    pub(crate) position: u64,
    /// How often it has been handed out, this time included; 255 stands for more.
    pub(crate) count: u32,
    /// Whether it may have been seen before.
    pub(crate) redelivered: bool,
}

/// A frame some way ahead of the consumer.
#[derive(Debug)]
pub(crate) struct Lead<'a> {
    word: &'a AtomicU64,
    /// The position of its first message.
    first: u64,
}

impl Lead<'_> {
    /// Whether the producer has got there: a hint.
    pub(crate) fn is_written(&self) -> bool {
        // Relaxed: gives no permission; messages are read by their own frames' words.
        self.word.load(Relaxed) > self.first
    }
}

impl<T> Consumer<T> {
    /// Takes the reading end up where the last consumer left it: at its first unreleased message.
    pub(crate) fn attach(control: Control, frames: Frames<T>) -> Result<Self, Corrupt> {
        let cursor = &control.consumer().cursor;
        let head = cursor.head.load(Relaxed); // relaxed: the role's lock ordered us behind whoever stored it
        let taken = cursor.taken.load(Relaxed); // relaxed: as above
        let credit = control.consumer().credit.load(Relaxed); // relaxed: as above
        let capacity = frames.capacity;
        // How far the credit is behind is no matter: a consumer killed between the two stores of a release leaves it
        // more than a ring behind, and a producer that finds too little asks for the exact head.
        if head >> 56 != 0 || credit > head {
            return Err(Corrupt { word: "head", found: head });
        }
        // Two rings: `taken` is stored without an order, perhaps before the release that made the room it speaks of.
        if taken > head + 2 * capacity {
            return Err(Corrupt { word: "taken", found: taken });
        }
        let at = Tip::new(&frames, Cursor::at(head, frames.per, frames.count));
        let interval = (capacity / 4).max(1);
        let flows_from = head.saturating_add(frames.flow);
        Ok(Self { at, seen: head, credit_at: credit + interval, interval, taken, flows_from, control, frames })
    }

    /// As of the producer; a consumer that is hurried or not differs in how it waits alone.
    pub(crate) fn set_hurried(&mut self, _: bool) {}

    /// The next position to be released.
    pub(crate) fn head(&self) -> u64 {
        self.at.position
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.frames.capacity
    }

    /// Messages that are published and that nobody has taken.
    pub(crate) fn len(&self) -> u64 {
        let tail = published(&self.control, &self.frames, self.at.position).unwrap_or(self.at.position);
        tail.saturating_sub(self.taken.max(self.at.position)).min(self.frames.capacity)
    }

    /// Whether there is no room at this instant.
    pub(crate) fn is_full(&self) -> bool {
        let tail = published(&self.control, &self.frames, self.at.position).unwrap_or(self.at.position);
        tail - self.at.position >= self.frames.capacity
    }

    /// Whether a message is there. `true` lasts; `false` may be out of date at once.
    #[inline(always)]
    pub(crate) fn has_message(&mut self) -> Result<bool, Corrupt> {
        if self.at.position < self.seen {
            return Ok(true);
        }
        let word = self.next_word();
        if word <= self.at.position {
            return Ok(false);
        }
        if word > self.at.end_of_frame() {
            return Err(Corrupt { word: "frame word", found: word });
        }
        self.seen = word;
        Ok(true)
    }

    /// The word of the frame of the next message.
    #[inline(always)]
    fn next_word(&mut self) -> u64 {
        if self.at.position == self.at.end_of_frame() {
            self.at.enter_next_frame(&self.frames);
        }
        // SAFETY: these frames made the spot.
        unsafe { self.frames.word_at(self.at.spot) }.load(FILLED.acquire())
    }

    /// The frame that a sender must have got to before it is left alone; `None` where frames or rings are too small or
    /// too large for that.
    pub(crate) fn lead(&self) -> Option<Lead<'_>> {
        let frames = self.frames.lead.min(self.frames.count / 4);
        let at = self.at.cursor(&self.frames);
        let first = at.position - at.place as u64 + (frames * self.frames.per) as u64;
        (frames > 0).then(|| Lead { word: self.frames.word((at.frame + frames) % self.frames.count), first })
    }

    /// How many messages are there, counted up to `max`.
    ///
    /// Never more than the ring holds, whatever the words say: frames have more places than that, and a producer
    /// that breaks the rules could write words ahead of this loop for ever.
    pub(crate) fn available(&mut self, max: usize) -> Result<usize, Corrupt> {
        let max = max.min(usize::try_from(self.frames.capacity).unwrap_or(usize::MAX));
        let (mut found, mut at) = (0, self.at.clone());
        while found < max {
            let room = at.left_in_frame(&self.frames);
            // SAFETY: these frames made the spot.
            let word = unsafe { self.frames.word_at(at.spot) }.load(FILLED.acquire());
            if word <= at.position {
                self.must_not_be_unsaid(found, word)?;
                break;
            }
            if word > at.end_of_frame() {
                return Err(Corrupt { word: "frame word", found: word });
            }
            let run = (word - at.position) as usize;
            found += run;
            if run < room {
                break;
            }
            at.position = word;
        }
        Ok(found.min(max))
    }

    /// Where a word tells of nothing: nor has it told of messages that have not been taken. (Words only grow. Whoever is shown none
    /// where there is one would take that for an end, or ask again for ever.)
    #[inline(always)]
    fn must_not_be_unsaid(&self, found: usize, word: u64) -> Result<(), Corrupt> {
        if found == 0 && self.at.position < self.seen {
            return Err(Corrupt { word: "frame word", found: word });
        }
        Ok(())
    }

    /// Gives the room of the next `n` messages back. They have been read.
    ///
    /// *If the process dies here*: before the store of `head` they are still here for a successor, after it they are
    /// gone.
    #[inline(always)]
    pub(crate) fn release(&mut self, n: usize) {
        self.frames.lend(self.at.spot, self.at.position, n);
        self.at.skip(n, &self.frames);
        self.tell();
    }

    /// Stores the position, and now and then the credit.
    #[inline(always)]
    fn tell(&mut self) {
        let head = self.at.position;
        self.control.consumer().cursor.head.store(head, FREED.release());
        if head >= self.credit_at {
            self.credit_at = head + self.interval;
            self.control.consumer().credit.store(head, CREDIT.release());
        }
    }

    /// Notes, before the next `n` messages are handed out, that they are: a successor will mark them.
    ///
    /// A message handed out before, by us or by a dead predecessor, and never released counts one attempt more.
    ///
    /// *If the process dies here*: `tries` without `taken` means nothing, and the message comes unmarked, which nobody has
    /// had; `taken` without `tries` counts as one attempt. So the two need no order between them.
    pub(crate) fn hand_out(&mut self, n: usize) -> Attempt {
        let cursor = &self.control.consumer().cursor;
        let position = self.at.position;
        let redelivered = position < self.taken;
        let tries = cursor.tries.load(Relaxed); // relaxed: we alone store it, or the lock ordered us behind who did
        let before = match (tries >> 8 == position, redelivered) {
            (true, true) => tries & TRIES_MAX,
            (false, true) => 1,
            (_, false) => 0,
        };
        let count = (before + 1).min(TRIES_MAX);
        cursor.tries.store(position << 8 | count, Relaxed); // relaxed: see above
        if position + n as u64 > self.taken {
            self.taken = position + n as u64;
            cursor.taken.store(self.taken, Relaxed); // relaxed: see above
        }
        Attempt { position, count: count as u32, redelivered }
    }

    /// The final tail, if the producer has said that nothing follows.
    ///
    /// Ask after nothing was found, and then look once more: what was published before the end is there by then.
    pub(crate) fn closed(&self) -> Option<u64> {
        self.control.producer().cursor.closed.load(CLOSED.acquire()).checked_sub(1)
    }

    /// Tells the producer that everything up to its end has been taken.
    pub(crate) fn finish(&self) {
        self.control.consumer().cursor.finished.store(self.at.position + 1, FINISHED.release());
    }

    pub(in crate::ring) fn parts(&self) -> (&Frames<T>, &Tip<T>) {
        (&self.frames, &self.at)
    }
}

/// What `ring::parts` needs: places ahead of the head.
impl Consumer<u8> {
    /// Words of this end's page that are the parts' own.
    pub(in crate::ring) fn control(&self) -> &Control {
        &self.control
    }

    /// Bytes from `ahead` of the head to the end of their frame, at least one.
    pub(in crate::ring) fn left_ahead(&self, ahead: usize) -> usize {
        let mut at = self.at.clone();
        at.skip(ahead, &self.frames);
        at.left_in_frame(&self.frames)
    }

    /// Bytes from the head on that are known to be there, in the head's frame; looks at the frame's word if none are.
    /// `None` also if the word cannot be.
    #[inline(always)]
    pub(in crate::ring) fn seen_in_frame(&mut self) -> Option<usize> {
        let position = self.at.position;
        if position >= self.seen {
            let word = self.next_word();
            if word <= position || word > self.at.end_of_frame() {
                return None;
            }
            self.seen = word;
        }
        Some((self.seen - position) as usize)
    }

    /// The eight bytes that begin `ahead` of the head, as a number. Whoever asks has seen that they are there; else they
    /// are any number.
    #[inline(always)]
    pub(in crate::ring) fn number_ahead(&self, ahead: usize) -> u64 {
        let mut bytes = [0; 8];
        self.read_ahead(ahead, &mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// The eight bytes at the head, as a number, and how many bytes are known to be there, in its frame. `None`: none, or
    /// the frame's word cannot be.
    #[inline(always)]
    pub(in crate::ring) fn number_at_head(&mut self) -> Option<(u64, usize)> {
        let published = self.seen_in_frame()?;
        if published < 8 {
            return None;
        }
        #[cfg(not(loom))]
        let number = self.frames.with_at(self.at.spot, self.at.position, |place| {
            assert!(place.addr() % 8 == 0, "a part that does not begin at a multiple of 8");
            // SAFETY: as in `get_bytes`; aligned, as just asserted. Frames are multiples of 8 bytes where positions are, and
            //  this one has 8 from here on.
            unsafe { payload::read(place.cast::<u64>()) }
        });
        #[cfg(loom)]
        let number = self.number_ahead(0);
        Some((number, published))
    }

    /// Copies the `len` bytes behind the number at the head to the front of `to`, which has room for them, and releases
    /// `span` bytes. They have been [seen](Self::number_at_head).
    #[inline(always)]
    pub(in crate::ring) fn pop_bytes(&mut self, len: usize, span: usize, to: &mut Vec<u8>) {
        let mut at = self.at.clone();
        assert!(len + 8 <= span && span as u64 <= self.seen - at.position, "bytes beyond their part");
        at.position += 8;
        to.clear();
        self.append(&at, len, to);
        self.at.position += span as u64;
        self.tell();
    }

    /// Copies bytes out, the first of them `ahead` of the head. They are there, and in one frame.
    #[inline(always)]
    pub(in crate::ring) fn read_ahead(&self, ahead: usize, bytes: &mut [u8]) {
        self.get_bytes(&self.ahead(ahead, bytes.len()), bytes);
    }

    /// As [`read_ahead`](Self::read_ahead), to the end of a vector that has room for them.
    #[inline(always)]
    pub(in crate::ring) fn append_ahead(&self, ahead: usize, len: usize, to: &mut Vec<u8>) {
        self.append(&self.ahead(ahead, len), len, to);
    }

    /// Reads bytes from the places from `at` on, all in its frame.
    #[inline(always)]
    fn get_bytes(&self, at: &Tip<u8>, bytes: &mut [u8]) {
        #[cfg(not(loom))]
        self.frames.with_at(at.spot, at.position, |places| {
            // SAFETY: as in `get`, for so many places in a row, which lie in the frame of `at`.
            unsafe { payload::read_bytes(bytes.as_mut_ptr(), places, bytes.len()) }
        });
        #[cfg(loom)]
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.frames.with_at(at.spot, at.position + index as u64, |place| {
                // SAFETY: as in `get`.
                unsafe { payload::read(place) }
            });
        }
    }

    /// The same, to the end of a vector that has room for them.
    #[inline(always)]
    fn append(&self, at: &Tip<u8>, len: usize, to: &mut Vec<u8>) {
        #[cfg(not(loom))]
        {
            let spare = to.spare_capacity_mut();
            assert!(len <= spare.len(), "bytes for which no room was reserved");
            let first = spare.as_mut_ptr().cast();
            self.frames.with_at(at.spot, at.position, |places| {
                // SAFETY: as in `get_bytes`; `first` begins spare capacity of at least `len` bytes.
                unsafe { payload::read_bytes(first, places, len) }
            });
            let end = to.len() + len;
            // SAFETY: so many bytes behind the old length have just been written, within the capacity.
            unsafe { to.set_len(end) };
        }
        #[cfg(loom)]
        {
            let start = to.len();
            to.resize(start + len, 0);
            self.get_bytes(at, &mut to[start..]);
        }
    }

    /// The place `ahead` of the head, with `len` more behind it in its frame.
    #[inline(always)]
    pub(in crate::ring) fn ahead(&self, ahead: usize, len: usize) -> Tip<u8> {
        let mut at = self.at.clone();
        at.skip(ahead, &self.frames);
        if len > 0 {
            assert!(len <= at.left_in_frame(&self.frames), "bytes beyond their frame");
        }
        at
    }
}

impl<T: Payload> Consumer<T> {
    /// Copies the next message out and gives its room back; `None` if there is none.
    ///
    /// *Progress*: wait-free.
    #[cfg(loom)]
    pub(crate) fn pop(&mut self) -> Result<Option<T>, Corrupt> {
        Ok(if self.has_message()? { Some(self.take_seen(|| ())) } else { None })
    }

    /// As [`has_message`](Self::has_message); `false` also if it takes more than a look at the frame's word to say whether there
    /// is one. In a flow of messages it asks for the lines of those that come later.
    #[inline(always)]
    pub(crate) fn sees_message(&mut self) -> bool {
        let position = self.at.position;
        if position >= self.seen {
            let has_entered = position == self.at.end_of_frame();
            let word = self.next_word();
            if word <= position || word > self.at.end_of_frame() {
                self.flows_from = position.saturating_add(self.frames.flow);
                return false;
            }
            self.seen = word;
            if has_entered && position >= self.flows_from {
                self.frames.prefetch_to_read(self.at.spot);
            }
        }
        true
    }

    /// Copies the next message out, gives its room back and does what comes `then`. The message has been seen.
    ///
    /// *Progress*: wait-free, but for `then`.
    #[inline(always)]
    pub(crate) fn take_seen(&mut self, then: impl FnOnce()) -> T {
        let (spot, position) = (self.at.spot, self.at.position);
        debug_assert!(position < self.seen, "a message that nobody has seen");
        let mut landing = Landing::new();
        self.frames.with_at(spot, position, |place| {
            // SAFETY: as in `get`, for the place of `at`, which is in the frame of its spot.
            unsafe { landing.fill(place) }
        });
        self.at.position = position + 1;
        self.tell();
        then();
        // SAFETY: filled above.
        unsafe { landing.take() }
    }

    /// Copies the next messages out and gives their room back, as many as are there and fit; how many those were.
    ///
    /// *Progress*: wait-free; no more than the ring holds, whatever the words say (see [`available`](Self::available)).
    pub(crate) fn pop_some(&mut self, messages: &mut [T]) -> Result<usize, Corrupt> {
        let max = messages.len().min(usize::try_from(self.frames.capacity).unwrap_or(usize::MAX));
        let (mut taken, mut at, mut seen) = (0, self.at.clone(), self.seen);
        while taken < max {
            let room = at.left_in_frame(&self.frames);
            // SAFETY: these frames made the spot.
            let word = unsafe { self.frames.word_at(at.spot) }.load(FILLED.acquire());
            if word <= at.position {
                self.must_not_be_unsaid(taken, word)?;
                self.flows_from = at.position.saturating_add(self.frames.flow);
                break;
            }
            if at.position >= self.flows_from {
                self.frames.prefetch_to_read(at.spot);
            }
            if word > at.end_of_frame() {
                if taken > 0 {
                    // What came before it is good; the next call says so.
                    break;
                }
                return Err(Corrupt { word: "frame word", found: word });
            }
            seen = word;
            let n = room.min((word - at.position) as usize).min(max - taken);
            self.get_run(&at, &mut messages[taken..taken + n]);
            at.position += n as u64;
            taken += n;
        }
        if taken > 0 {
            self.at = at;
            self.seen = seen;
            self.tell();
        }
        Ok(taken)
    }

    /// Reads messages from the places from `at` on, all in its frame.
    #[inline(always)]
    fn get_run(&self, at: &Tip<T>, messages: &mut [T]) {
        #[cfg(not(loom))]
        self.frames.with_at(at.spot, at.position, |places| {
            // SAFETY: as in `get`, for so many places, which lie in a row in the frame.
            unsafe { payload::read_run(messages, places) }
        });
        #[cfg(loom)]
        for (ahead, message) in messages.iter_mut().enumerate() {
            *message = self.frames.with_at(at.spot, at.position + ahead as u64, |place| {
                // SAFETY: as in `get`.
                unsafe { payload::read(place) }
            });
        }
    }

    /// Copies the `ahead`-th of the next messages out. It is there.
    #[inline(always)]
    pub(crate) fn peek(&self, ahead: usize) -> T {
        self.get(self.at.cursor(&self.frames).skip(ahead, self.frames.per, self.frames.count))
    }

    #[inline(always)]
    fn get(&self, at: Cursor) -> T {
        self.frames.with(at.frame, at.place, |place| {
            // SAFETY: the producer published this message (`filled`) and does not write here before we release it.
            unsafe { payload::read(place) }
        })
    }
}
