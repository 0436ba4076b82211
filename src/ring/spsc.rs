//! The frame ring: one producer, one consumer.
//!
//! A publication word travels in the same line as the messages it publishes, so the consumer polls what it will read
//! anyway and one message costs one line, not two. The word of a frame holds the absolute tail as it stood when that
//! frame was last written:
//!
//! ```text
//! frame 0                          frame 1                         frame 2 (a lap old)
//! [ w=7 | 0 1 2 3 4 5 6 ]          [ w=9 | 7 8 . . . . . ]         [ w=0 | . . . . . . . ]
//!                 ^ head=4                     ^ tail=9
//! ```
//!
//! # Reading a word
//!
//! The consumer at `head`, in frame `f`, loads the word `w` of that frame:
//!
//! | | |
//! |---|---|
//! | `w <= head` | Empty: the frame was last written a lap ago, or up to `head` in this one |
//! | `head < w <= (f + 1) x per` | messages `head .. w` are there |
//! | else | corrupt |
//!
//! # Credit
//!
//! The producer may write below `limit = head + capacity`. It keeps the `limit` it last computed and asks again only
//! when it has come to it: first the `credit` (a copy of `head` that the consumer stores every quarter of a ring, so
//! that its line moves rarely), then the exact `head`. So `Full` is said only if the ring was full.
//!
//! # If a process dies
//!
//! *Producer.* The words are the only truth about the tail. Killed before a word's store: the message was never sent.
//! After it: it was sent. `tail` on the control page is a place to start from, stored once a frame or batch and *after*
//! the word; a successor rolls forward from there through the words. In a batch words are stored in ascending order:
//! what arrives is a prefix of it.
//!
//! *Consumer.* `head` is stored after the message was copied out. Killed before: a successor gets that message, which
//! the dead one never returned. `taken` and `tries` are stored before a message is handed out to be committed later:
//! the successor gets `[head, taken)` again, marked.
//!
//! *Source*: Lamport (1977) for one producer and one consumer; FastForward (Giacomoni, Moseley, Vachharajani 2008) for
//! data that carries its own validity; MCRingBuffer (Lee, Bu, Chandranmenon 2010) for lazily read positions. Different
//! here: the word is a count, not a flag, so nothing is ever cleared and a frame holds several messages.
//!
//! # Safety
//!
//! What is unsafe here: writing a message to its place, reading it from there, and loading the word of a `Spot`.
//!
//! *What this file assumes.* (1) `Frames` gives addresses inside the segment, aligned for `T`, for every frame below
//! `count` and place below `per` (`layout::overlay` asserts both); the spot of a `Tip` is always the one that these frames
//! give for its frame, and its position is in that frame. (2) One `Producer` and one `Consumer` exist for a segment:
//! membership hands a role out with its lock byte, and an end is dropped before its role is given back. (3) `T` is a
//! [`Payload`]: any bytes are a value, and every byte of a value may be read.
//!
//! *What it guarantees.* The producer writes only at positions in `[tail, limit)`, where `limit` came from a credit or a
//! head that was checked to be at most the tail; the consumer reads only at positions from `head` on that a word told,
//! after an acquire load of that word. Between correct peers the two sets never meet. **Nothing that the other end
//! stores can make an access leave the segment**: places come from private cursors, and the words decide only how many.
//! A peer that breaks the rules can make a copy tear, which is then another value of `T` (`ring::payload`).
#![allow(unsafe_code)]

use super::Corrupt;
use super::cursor::{Cursor, Tip};
use super::payload::{self, Payload};
use crate::layout::overlay::{Control, Frames};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{CLOSED, CREDIT, FILLED, FINISHED, FREED, TRAIL};

/// Attempts are counted in eight bits, beside a position.
const TRIES_MAX: u64 = 0xff;

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
        Ok(Self { limit, stop: limit.min(at.end_of_frame()), control, frames, at })
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
        if self.limit == self.at.position {
            self.set_limit(credit(&self.control, self.at.position, self.frames.capacity, self.limit)?);
        }
        Ok(self.limit > self.at.position)
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
                self.prepare(&at);
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
    fn prepare(&self, at: &Tip<T>) {
        let (ahead, room) = (self.frames.ahead, self.limit.saturating_sub(at.end_of_frame()));
        if ahead > 0 && room >= (ahead * self.frames.per) as u64 {
            self.frames.prepare(at.spot);
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

    #[cfg(not(loom))]
    pub(super) fn parts(&self) -> (&Frames<T>, &Tip<T>) {
        (&self.frames, &self.at)
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
        if self.at.position == self.stop && !self.enter_next_frame() {
            return false;
        }
        // By value: what is stored to the segment could, for all the compiler knows, be stored over our cursor.
        let (spot, position) = (self.at.spot, self.at.position);
        self.frames.with_mut_at(spot, position, |place| {
            // SAFETY: as in `put`, for the place of `at`, which is in the frame of its spot.
            unsafe { payload::write(place, message) }
        });
        // SAFETY: these frames made the spot.
        unsafe { self.frames.word_at(spot) }.store(position + 1, FILLED.release());
        self.at.position = position + 1;
        true
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
        self.prepare(&self.at);
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

/// The position behind the last published message, found from the stored `tail` through the words.
///
/// The stored tail is at most what was published of its frame and one batch behind. A batch is at most a ring, and there
/// is a frame more than a ring needs (`layout::geometry`), so no word between it and the truth can have been written again. `head` beyond the stored tail is legal: the consumer goes by the words.
fn published<T>(control: &Control, frames: &Frames<T>, head: u64) -> Result<u64, Corrupt> {
    let stored = control.producer().cursor.tail.load(TRAIL.acquire());
    if stored >> 56 != 0 || head >> 56 != 0 {
        return Err(Corrupt { word: "tail", found: stored.max(head) });
    }
    let mut at = Cursor::at(stored.max(head), frames.per, frames.count);
    for _ in 0..=frames.count {
        let word = frames.word(at.frame).load(FILLED.acquire());
        if word <= at.position {
            return Ok(at.position);
        }
        let end = at.position + (frames.per - at.place) as u64;
        if word > end {
            return Err(Corrupt { word: "frame word", found: word });
        }
        at = at.after((word - at.position) as usize, frames.per, frames.count);
    }
    Err(Corrupt { word: "frame word", found: at.position })
}

/// One above the highest position that the consumer has taken, in hand or for good.
fn taken(control: &Control) -> u64 {
    let cursor = &control.consumer().cursor;
    // Relaxed, both: each only grows, so the larger of the two is never too large and never less than it was at the last
    // look; it gives no permission.
    cursor.taken.load(Relaxed).max(cursor.head.load(Relaxed))
}

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
        Ok(Self { at, seen: head, credit_at: credit + interval, interval, taken, control, frames })
    }

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

    /// Gives the room of the next `n` messages back. They have been read.
    ///
    /// *If the process dies here*: before the store of `head` they are still here for a successor, after it they are
    /// gone.
    #[inline(always)]
    pub(crate) fn release(&mut self, n: usize) {
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

    #[cfg(not(loom))]
    pub(super) fn parts(&self) -> (&Frames<T>, &Tip<T>) {
        (&self.frames, &self.at)
    }
}

impl<T: Payload> Consumer<T> {
    /// Copies the next message out and gives its room back; `None` if there is none.
    ///
    /// *Progress*: wait-free.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Result<Option<T>, Corrupt> {
        Ok(if self.has_message()? { self.pop_seen() } else { None })
    }

    /// As [`pop`](Self::pop); `None` also if it takes more than a look at the frame's word to say whether one is there.
    #[inline(always)]
    pub(crate) fn pop_seen(&mut self) -> Option<T> {
        let position = self.at.position;
        if position >= self.seen {
            let word = self.next_word();
            if word <= position || word > self.at.end_of_frame() {
                return None;
            }
            self.seen = word;
        }
        let spot = self.at.spot;
        let message = self.frames.with_at(spot, position, |place| {
            // SAFETY: as in `get`, for the place of `at`, which is in the frame of its spot.
            unsafe { payload::read(place) }
        });
        self.at.position = position + 1;
        self.tell();
        Some(message)
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
                break;
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

/// Whether the reader of a stream has said that it took everything up to `closed`.
pub(crate) fn finished(control: &Control) -> u64 {
    control.consumer().cursor.finished.load(FINISHED.acquire())
}
