//! Producing: announce, claim, write, publish.
//!
//! # Safety
//!
//! Messages are written through addresses that `layout::many` gave for a slot. Who may write there is said by the ring:
//! whoever moved `tail` over a position owns its slot until it stores the slot's word (the proof is in the module above).
#![allow(unsafe_code)]

use super::Ring;
use super::word::{Claim, State, Word};
use crate::layout::many::{Seat, Slot};
use crate::layout::shared::{CLOSED, Record};
use crate::ring::Corrupt;
use crate::ring::payload::{self, Payload};
use crate::sync::IS_USERS_MODEL;
use crate::sync::Ordering::Relaxed;
use crate::sync::backoff::{self, Backoff};
use crate::sync::edge::{ANNOUNCED, CLAIMED, FILLED, FREED};

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// So many messages were sent: the first of those given.
    Done(usize),
    /// The ring was full.
    Full,
    /// The slot is in the hands of somebody who was to free it, at the position given.
    Held(u64),
    /// Nothing may be sent any more.
    Closed,
    /// Others were faster, too often: to be tried again.
    Beaten,
    /// A word holds what it cannot hold.
    Corrupt(Corrupt),
}

/// Bytes that are copied at most between a claim and its publication.
const BATCH_BYTES: usize = 4096;

impl<T: Payload> Ring<T> {
    /// Sends one message.
    ///
    /// *Progress*: each failure of the claim is somebody else's success; never sleeps; no system call but a `sched_yield` in a fight.
    ///
    /// *If the process dies here*: before the claim nothing was sent; between the claim and the publication the position
    /// is found by others, who make it a tombstone; after it the message was sent.
    ///
    /// In the most frequent case: there is room, and nobody else is faster. Whether it was sent; if not,
    /// [`push_some`](Self::push_some) tells why, or sends it.
    #[inline(always)]
    pub(crate) fn push_at_once(&self, record: &Record, message: &T) -> bool {
        let tail = self.tail().load(Relaxed); // relaxed: a stale one is found out by the slot's word, or by the claim
        let seat = self.many.seat(tail);
        let slot = self.many.slot(seat.slot);
        // A closed tail is above every position.
        if slot.word.load(FREED.acquire()) != Word::free(seat.lap).0 || tail >= CLOSED {
            return false;
        }
        if !self.claim_to_write(record, tail, 1) {
            // The caller may find that it is not to send at all, and never announce anything again.
            self.pushed_nothing(record, Pushed::Beaten);
            backoff::stand_back(tail);
            return false;
        }
        self.write(slot, seat.lap, message);
        self.many.prefetch(slot);
        true
    }

    /// Sends one message.
    #[cfg(test)]
    pub(crate) fn push(&self, record: &Record, message: &T) -> Pushed {
        let is_sent = self.push_at_once(record, message);
        if is_sent { Pushed::Done(1) } else { self.push_some(record, core::slice::from_ref(message)) }
    }

    /// Sends the first of `messages`, as many as there is room for at once and as one claim may have.
    ///
    /// *Progress* and *death* as in [`push_at_once`](Self::push_at_once), position by position.
    #[inline(never)]
    pub(crate) fn push_some(&self, record: &Record, messages: &[T]) -> Pushed {
        let most = self.most(messages.len());
        let mut backoff = Backoff::default();
        while backoff.is_patient() {
            let tail = self.tail().load(Relaxed); // relaxed: as in `push_at_once`
            if tail >= CLOSED {
                return self.pushed_nothing(record, Pushed::Closed);
            }
            let seat = self.many.seat(tail);
            let free = self.count(seat, most, FREED, Word::free);
            if free == 0 {
                match self.why_no_room(tail, seat) {
                    Some(reason) => return self.pushed_nothing(record, reason),
                    None => continue,
                }
            }
            if self.claim_to_write(record, tail, free) {
                self.many.prefetch_all(seat, free);
                let mut messages = messages.iter();
                let written = self.many.along(seat, free, |slot, lap| {
                    messages.next().map(|message| self.write(slot, lap, message)).is_some()
                });
                return Pushed::Done(written);
            }
            backoff.spin();
        }
        self.pushed_nothing(record, Pushed::Beaten)
    }

    /// Announces and claims; whether the positions are ours.
    #[inline(always)]
    fn claim_to_write(&self, record: &Record, tail: u64, count: usize) -> bool {
        record.producing.store(Claim::of(tail, count).0, ANNOUNCED.release());
        // Relaxed in failure: then nothing is believed of what was read.
        self.tail().compare_exchange(tail, tail + count as u64, CLAIMED.release(), Relaxed).is_ok()
    }

    /// Writes a message to a slot that we have claimed, and publishes it.
    #[inline(always)]
    fn write(&self, slot: Slot<'_, T>, lap: u64, message: &T) {
        // SAFETY: [1] the address of a slot's message. [2] We claimed its position, so nobody else writes there, and nobody
        //  reads before the word says so.
        slot.with(|place| unsafe { payload::write(place, message) });
        slot.word.store(Word::full(lap).0, FILLED.release());
    }

    /// Why the slot of `tail` cannot be claimed; `None`: it may be otherwise by now.
    #[cold]
    fn why_no_room(&self, tail: u64, seat: Seat) -> Option<Pushed> {
        let word = Word(self.many.word(seat.slot).load(FREED.acquire()));
        if IS_USERS_MODEL && word.at(seat.lap) == State::Before && tail >= self.many.capacity {
            // Whether somebody is about to free it makes no difference where nobody dies: whoever does will tell.
            return Some(Pushed::Full);
        }
        // Whoever moved the tail here had seen each slot before it freed, and so a head that is no more than a ring behind; and whoever moved
        // that head had seen tails beyond it. Each load sees what the one before it saw.
        self.tail().load(CLAIMED.acquire());
        let head = self.head().load(CLAIMED.acquire());
        let has_moved = self.tail().load(Relaxed) != tail; // relaxed: of one word, later loads are no older
        match word.at(seat.lap) {
            _ if has_moved => None,
            State::Free => None,
            _ if head > tail => Some(corrupt("head", head)),
            State::Before if tail < self.many.capacity => Some(corrupt("slot", word.0)),
            // Its consumer has claimed it, and is not done with it.
            State::Before if head > tail - self.many.capacity => Some(Pushed::Held(tail - self.many.capacity)),
            State::Before if head < tail - self.many.capacity => Some(corrupt("tail", tail)),
            State::Before => Some(Pushed::Full),
            // Whoever published here had moved the tail before.
            State::Full | State::Tomb | State::After => Some(corrupt("slot", word.0)),
        }
    }

    /// A claim that is not followed by its publication must not stay: the position may become somebody's who dies.
    fn pushed_nothing(&self, record: &Record, reason: Pushed) -> Pushed {
        record.producing.store(Claim::NONE.0, ANNOUNCED.release());
        reason
    }

    /// How many of `wanted` messages go into one claim.
    pub(super) fn most(&self, wanted: usize) -> usize {
        let by_bytes = BATCH_BYTES / size_of::<T>().max(1);
        wanted.min(Claim::MOST).min(by_bytes.max(1)).min(usize::try_from(self.many.capacity).unwrap_or(usize::MAX))
    }

    /// Says that nothing may be sent any more.
    pub(crate) fn close(&self) {
        // Released: what was sent before is found by whoever sees it closed.
        self.tail().fetch_or(CLOSED, CLAIMED.release());
    }
}

fn corrupt(word: &'static str, found: u64) -> Pushed {
    Pushed::Corrupt(Corrupt { word, found })
}
