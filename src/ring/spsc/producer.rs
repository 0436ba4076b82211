//! The writing end.
//!
//! # Safety
//!
//! *What this file assumes.* (1) `Frames` gives addresses inside the segment, aligned for `T`, for each spot that it made
//! and each position of that spot's frame; the spot of a `Tip` is always the one of its frame, and its position is in that
//! frame, or just behind its last message: then nothing is accessed before the next frame is entered. (2) One `Producer` and
//! one `Consumer` exist for a segment: membership hands a role out with its lock byte, and an end is dropped before its role
//! is given back. (3) `T` is a [`Payload`]: any bytes are a value, and every byte of a value may be read.
//!
//! *What it guarantees.* The producer writes only at positions in `[tail, limit)`, where `limit` came from a credit or a head
//! that was checked to be at most the tail. Between correct peers these are places that the consumer has released. **Nothing
//! that the other end stores can make an access leave the segment**: places come from private cursors, and the words
//! decide only how many. A peer that breaks the rules can make a copy tear, which is then another value of `T`
//! (`ring::payload`).
#![allow(unsafe_code)]

use super::{published, taken};
use crate::layout::overlay::{Control, Frames};
use crate::ring::Corrupt;
use crate::ring::cursor::{Cursor, Tip};
use crate::ring::payload::{self, Payload};
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{CLOSED, CREDIT, FILLED, FREED, TRAIL};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    Done,
    Full,
    Corrupt(Corrupt),
}

/// The writing end. There is one, which membership sees to.
#[derive(Debug)]
pub(crate) struct Producer<T> {
    control: Control,
    frames: Frames<T>,
    at: Tip<T>,
    /// Positions below this may be written. Only this producer uses room up, so room once seen stays.
    limit: u64,
    /// The smaller of `limit` and the end of the frame: up to here nothing needs to be asked.
    stop: u64,
    /// Frames by which lines are asked for before they are written to; 0: they are not.
    ahead: usize,
}

impl<T> Producer<T> {
    /// Takes the writing end up where the last producer, dead or alive no more, left it.
    ///
    /// *Progress*: wait-free; looks at as many words as a batch can have left behind.
    pub(crate) fn attach(control: Control, frames: Frames<T>) -> Result<Self, Corrupt> {
        let head = control.consumer().cursor.head.load(FREED.acquire());
        let tail = published(&control, &frames, head)?;
        if tail - head > frames.capacity {
            return Err(Corrupt { word: "tail", found: tail });
        }
        control.producer().cursor.tail.store(tail, TRAIL.release());
        let at = Tip::new(&frames, Cursor::at(tail, frames.per, frames.count));
        let limit = head + frames.capacity;
        Ok(Self { limit, stop: limit.min(at.end_of_frame()), ahead: frames.write_ahead, control, frames, at })
    }

    /// Whether each message is wanted as soon as can be, however few they are. Asking for lines ahead makes flows faster,
    /// and a round trip slower by some nanoseconds.
    pub(crate) fn set_hurried(&mut self, is_hurried: bool) {
        self.ahead = if is_hurried { 0 } else { self.frames.write_ahead };
    }

    #[inline(always)]
    fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
        self.stop = limit.min(self.at.end_of_frame());
    }

    /// The next position to be written.
    #[inline(always)]
    pub(crate) fn tail(&self) -> u64 {
        self.at.position
    }

    /// Messages that are published and that nobody has taken.
    pub(crate) fn len(&self) -> u64 {
        let taken = taken(&self.control);
        self.at.position.saturating_sub(taken).min(self.frames.capacity)
    }

    /// Whether there is no room at this instant.
    pub(crate) fn is_full(&self) -> bool {
        // Relaxed: gives no permission; who wants to write asks again, and does not get an older head.
        let head = self.control.consumer().cursor.head.load(Relaxed);
        self.at.position.wrapping_sub(head) >= self.frames.capacity
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.frames.capacity
    }

    /// Messages in a frame.
    pub(crate) fn per_frame(&self) -> usize {
        self.frames.per
    }

    /// Whether there is room by what is known, or by the credit: cheap, and may miss room for a quarter of the ring.
    #[inline(always)]
    pub(crate) fn has_credit(&mut self) -> Result<bool, Corrupt> {
        self.has_credit_for(1)
    }

    /// The same for so many messages.
    #[inline(always)]
    pub(crate) fn has_credit_for(&mut self, want: usize) -> Result<bool, Corrupt> {
        if self.known_room() < want {
            self.set_limit(credit(&self.control, self.at.position, self.frames.capacity, self.limit)?);
        }
        Ok(self.known_room() >= want)
    }

    /// How many messages may be written by what is known.
    #[inline(always)]
    pub(crate) fn known_room(&self) -> usize {
        (self.limit - self.at.position) as usize
    }

    /// How many messages may be written now: at least `want` if there is room for so many, else exactly the room.
    #[inline(always)]
    pub(crate) fn room(&mut self, want: usize) -> Result<usize, Corrupt> {
        if self.known_room() < want {
            // By value: a `&mut self` that leaves the loop would keep the cursor in memory.
            self.set_limit(refill(&self.control, self.at.position, self.frames.capacity, self.limit, want)?);
        }
        Ok(self.known_room())
    }

    /// Makes the next `n` messages visible. They have been written, and there was room for them.
    ///
    /// *If the process dies here*: a prefix of them is visible, whole frames and perhaps a part of one.
    #[inline(always)]
    pub(crate) fn publish(&mut self, n: usize) {
        debug_assert!(n as u64 <= self.limit - self.at.position);
        if n == 0 {
            return;
        }
        self.frames.lend_mut(self.at.spot, self.at.position, n);
        let (mut at, mut left) = (self.at.clone(), n);
        while left > 0 {
            let run = at.left_in_frame(&self.frames).min(left);
            at.position += run as u64;
            // SAFETY: these frames made the spot.
            unsafe { self.frames.word_at(at.spot) }.store(at.position, FILLED.release());
            left -= run;
        }
        self.move_to(at);
    }

    /// After a batch.
    #[inline(always)]
    fn move_to(&mut self, at: Tip<T>) {
        self.control.producer().cursor.tail.store(at.position, TRAIL.release());
        self.at = at;
        self.set_limit(self.limit);
    }

    /// Says that nothing follows. (A stream's end; in a message channel a later sender publishes on, and nobody reads it.)
    pub(crate) fn close(&self) {
        self.control.producer().cursor.closed.store(self.at.position + 1, CLOSED.release());
    }

    /// Writes the `ahead`-th of the next messages without making it visible. There is room for it.
    #[cfg(loom)]
    pub(crate) fn fill(&mut self, ahead: usize, message: &T)
    where
        T: Payload,
    {
        assert!((ahead as u64) < self.limit - self.at.position);
        let at = self.at.cursor(&self.frames).skip(ahead, self.frames.per, self.frames.count);
        self.put(at, message);
    }

    /// Copies `messages` to the next places and makes them visible, frame by frame. There is room for all of them.
    ///
    /// *Progress*: wait-free.
    ///
    /// *If the process dies here*: a prefix of them is visible.
    pub(crate) fn push_all(&mut self, messages: &[T])
    where
        T: Payload,
    {
        assert!(messages.len() as u64 <= self.limit - self.at.position);
        let (mut at, mut left) = (self.at.clone(), messages);
        while !left.is_empty() {
            let frame = at.spot.frame;
            let room = at.left_in_frame(&self.frames);
            if at.spot.frame != frame {
                self.prefetch(&at);
            }
            let (run, rest) = left.split_at(room.min(left.len()));
            self.put_run(&at, run);
            at.position += run.len() as u64;
            // SAFETY: these frames made the spot.
            unsafe { self.frames.word_at(at.spot) }.store(at.position, FILLED.release());
            left = rest;
        }
        self.move_to(at);
    }

    /// Asks for the lines that come after the frame of `at`, if they are known to be free: what the consumer has still to
    /// read it shall not lose.
    #[inline(always)]
    fn prefetch(&self, at: &Tip<T>) {
        let room = self.limit.saturating_sub(at.end_of_frame());
        if self.ahead > 0 && room >= (self.ahead * self.frames.per) as u64 {
            self.frames.prefetch_to_write(at.spot);
        }
    }

    /// Writes messages to the places from `at` on, all in its frame.
    #[inline(always)]
    fn put_run(&self, at: &Tip<T>, messages: &[T])
    where
        T: Payload,
    {
        #[cfg(not(loom))]
        self.frames.with_mut_at(at.spot, at.position, |places| {
            // SAFETY: as in `put`, for so many places, which lie in a row in the frame.
            unsafe { payload::write_run(places, messages) }
        });
        #[cfg(loom)]
        for (ahead, message) in messages.iter().enumerate() {
            self.frames.with_mut_at(at.spot, at.position + ahead as u64, |place| {
                // SAFETY: as in `put`.
                unsafe { payload::write(place, message) }
            });
        }
    }

    #[cfg(loom)]
    fn put(&self, at: Cursor, message: &T)
    where
        T: Payload,
    {
        self.frames.with_mut(at.frame, at.place, |place| {
            // SAFETY: [1] the place's position is below `limit`, so the consumer has released what was there (module
            //  `layout::geometry`), and `freed` ordered its last read before this write. [2] there is one producer, so
            //  nobody else writes here. [3] the consumer does not read here before it sees the word (`filled`).
            unsafe { payload::write(place, message) }
        });
    }

    pub(in crate::ring) fn parts(&self) -> (&Frames<T>, &Tip<T>) {
        (&self.frames, &self.at)
    }
}

/// What `ring::parts` needs: places ahead of the tail, and publishing up to one.
impl Producer<u8> {
    /// Words of this end's page, and of the other's, that are the parts' own.
    pub(in crate::ring) fn control(&self) -> &Control {
        &self.control
    }

    /// Bytes from the tail to the end of its frame; at a frame's end those of the next.
    #[inline(always)]
    pub(in crate::ring) fn left_in_frame(&self) -> usize {
        match self.at.end_of_frame() - self.at.position {
            0 => self.frames.per,
            left => left as usize,
        }
    }

    /// Goes to the next frame, if the tail is behind the last byte of its own and there is room.
    #[inline(always)]
    pub(in crate::ring) fn enter_frame(&mut self) {
        if self.at.position == self.at.end_of_frame() {
            self.enter_next_frame();
        }
    }

    /// Bytes from the tail on that lie in its frame and may be written by what is known.
    #[inline(always)]
    pub(in crate::ring) fn free_in_frame(&self) -> usize {
        (self.stop - self.at.position) as usize
    }

    /// Writes `bytes`, the first of them `ahead` of the tail, without making them visible.
    #[inline(always)]
    pub(in crate::ring) fn write_ahead(&mut self, ahead: usize, bytes: &[u8]) {
        let end = ahead.checked_add(bytes.len());
        assert!(end.is_some_and(|end| end <= self.free_in_frame()), "bytes beyond the room of the frame");
        self.put_bytes(self.at.position + ahead as u64, bytes);
    }

    /// Writes and publishes a number and bytes, as `span` bytes, if so many lie in the tail's frame and may be written by what
    /// is known; whether they do.
    #[inline(always)]
    pub(in crate::ring) fn push_bytes(&mut self, number: u64, bytes: &[u8], span: usize) -> bool {
        let (spot, position) = (self.at.spot, self.at.position);
        if span as u64 > self.stop - position {
            return false;
        }
        assert!(bytes.len() + 8 <= span, "bytes beyond their part");
        self.put_bytes(position, &number.to_le_bytes());
        self.put_bytes(position + 8, bytes);
        // SAFETY: these frames made the spot.
        unsafe { self.frames.word_at(spot) }.store(position + span as u64, FILLED.release());
        self.at.position = position + span as u64;
        true
    }

    /// Writes bytes at positions of the tail's frame, below `stop`.
    #[inline(always)]
    fn put_bytes(&self, first: u64, bytes: &[u8]) {
        #[cfg(not(loom))]
        self.frames.with_mut_at(self.at.spot, first, |places| {
            // SAFETY: as in `put`, for so many places in a row: they lie in the frame of `at` and below `limit`, as has been
            //  asserted (`stop`).
            unsafe { payload::write_bytes(places, bytes) }
        });
        #[cfg(loom)]
        for (at, byte) in bytes.iter().enumerate() {
            self.frames.with_mut_at(self.at.spot, first + at as u64, |place| {
                // SAFETY: as above.
                unsafe { payload::write(place, byte) }
            });
        }
    }

    /// Makes the next `n` bytes, all in the tail's frame, visible by one store. They have been written.
    ///
    /// *If the process dies here*: all of them are visible, or none.
    #[inline(always)]
    pub(in crate::ring) fn publish_ahead(&mut self, n: usize) {
        assert!(n <= self.free_in_frame(), "more published than there is room for in the frame");
        self.frames.lend_mut(self.at.spot, self.at.position, n);
        let position = self.at.position + n as u64;
        // SAFETY: these frames made the spot.
        unsafe { self.frames.word_at(self.at.spot) }.store(position, FILLED.release());
        self.at.position = position;
    }
}

impl<T: Payload> Producer<T> {
    /// Copies `message` into the next place and publishes it, or says `Full`.
    ///
    /// `Full` may be out of date at once: the consumer can release at any time.
    ///
    /// *Progress*: wait-free.
    ///
    /// *If the process dies here*: before the word's store nothing was sent; after it the message is sent.
    pub(crate) fn push(&mut self, message: &T) -> Pushed {
        if self.at.position == self.limit {
            match refill(&self.control, self.at.position, self.frames.capacity, self.limit, 1) {
                Ok(limit) => self.set_limit(limit),
                Err(corrupt) => return Pushed::Corrupt(corrupt),
            }
        }
        if self.push_below_limit(message) { Pushed::Done } else { Pushed::Full }
    }

    /// As [`push`](Self::push), within the room that is known; whether there was any.
    #[inline(always)]
    pub(crate) fn push_below_limit(&mut self, message: &T) -> bool {
        if self.at.position != self.stop {
            self.write_and_publish(message);
            return true;
        }
        if !self.enter_next_frame() {
            return false;
        }
        self.write_and_publish(message);
        // Behind the publication, which it would delay.
        self.prefetch(&self.at);
        true
    }

    /// Copies `message` into the next place, which is in the tip's frame and free, and publishes it.
    #[inline(always)]
    fn write_and_publish(&mut self, message: &T) {
        // By value: what is stored to the segment could, for all the compiler knows, be stored over our cursor.
        let (spot, position) = (self.at.spot, self.at.position);
        self.frames.with_mut_at(spot, position, |place| {
            // SAFETY: as in `put`, for the place of `at`, which is in the frame of its spot.
            unsafe { payload::write(place, message) }
        });
        // SAFETY: these frames made the spot.
        unsafe { self.frames.word_at(spot) }.store(position + 1, FILLED.release());
        self.at.position = position + 1;
    }

    /// At `stop`: goes to the next frame, if it is not the room that has ended; whether it did.
    #[inline(always)]
    fn enter_next_frame(&mut self) -> bool {
        let position = self.at.position;
        if position == self.limit {
            return false;
        }
        self.at.enter_next_frame(&self.frames);
        self.stop = self.limit.min(self.at.end_of_frame());
        self.control.producer().cursor.tail.store(position, TRAIL.release());
        true
    }
}

/// The limit that the credit gives; never a smaller one than before.
#[inline(always)]
fn credit(control: &Control, tail: u64, capacity: u64, limit: u64) -> Result<u64, Corrupt> {
    let credit = control.consumer().credit.load(CREDIT.acquire());
    if credit > tail {
        return Err(Corrupt { word: "credit", found: credit });
    }
    Ok(limit.max(credit + capacity))
}

/// The limit that the credit gives if it makes room for `want` messages, else the one that the exact head gives.
#[cold]
#[inline(never)]
fn refill(control: &Control, tail: u64, capacity: u64, limit: u64, want: usize) -> Result<u64, Corrupt> {
    let limit = credit(control, tail, capacity, limit)?;
    if limit - tail >= want as u64 {
        return Ok(limit);
    }
    let head = control.consumer().cursor.head.load(FREED.acquire());
    // Only ever forward, and never past what was sent.
    if head > tail || head + capacity < limit {
        return Err(Corrupt { word: "head", found: head });
    }
    Ok(head + capacity)
}
