//! Consuming: announce, claim, read, free.
//!
//! # Safety
//!
//! Messages are read through addresses that `layout::many` gave for a slot or a hand. Who may do so is said by the ring:
//! whoever moved `head` over a position, or took it over from the dead, owns its slot until it stores the slot's word; who
//! leases a hand owns that. (The proofs are in the module above.)
#![allow(unsafe_code)]

use super::word::{Claim, Held, State, Word};
use super::{Delivery, Ring};
use crate::layout::many::{Seat, Slot};
use crate::layout::shared::{CLOSED, Record};
use crate::ring::Corrupt;
use crate::ring::payload::{self, Landing, Payload};
use crate::sync::IS_USERS_MODEL;
use crate::sync::Ordering::Relaxed;
use crate::sync::backoff::{self, Backoff};
use crate::sync::edge::{ANNOUNCED, CLAIMED, FILLED, FREED, HELD};

/// What became of a pop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Popped<R> {
    /// Something was received.
    Done(R),
    /// The ring was empty.
    Empty,
    /// The next position is in the hands of a producer that was to publish it.
    Held(u64),
    /// Others were faster, too often: to be tried again.
    Beaten,
    /// A word holds what it cannot hold.
    Corrupt(Corrupt),
}

impl<T: Payload> Ring<T> {
    /// Receives the next message: it leaves the ring.
    ///
    /// *Progress*: each failure of the claim is somebody else's success; never sleeps; no system call but a `sched_yield` in a fight.
    ///
    /// *If the process dies here*: before the claim nothing has changed; between the claim and the freeing of the slot the
    /// message is found by others and delivered again; after it the message is gone.
    pub(crate) fn pop(&self, record: &Record) -> Popped<Delivery<T>> {
        self.claim_next(record).map(|(seat, word)| self.deliver(seat, word, None))
    }

    /// As [`pop`](Self::pop), in the most frequent case: the next message is there, is delivered for the first time, and
    /// nobody else is faster; then does what comes `then`. `None`: it is to be asked why.
    #[inline(always)]
    pub(crate) fn pop_at_once(&self, record: &Record, then: impl FnOnce()) -> Option<T> {
        let head = self.head().load(Relaxed); // relaxed: a stale one is found out by the slot's word, or by the claim
        let seat = self.many.seat(head);
        let slot = self.many.slot(seat.slot);
        if slot.word.load(FILLED.acquire()) != Word::full(seat.lap).0 {
            return None;
        }
        if !self.claim_to_read(record, head, 1) {
            // The caller may be given something else, and announce nothing for long.
            record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
            backoff::stand_back(head);
            return None;
        }
        let mut landing = Landing::new();
        // SAFETY: as in `read`.
        slot.with(|place| unsafe { landing.fill(place) });
        self.free(slot, seat.lap);
        self.many.prefetch(slot);
        then();
        // SAFETY: filled above.
        Some(unsafe { landing.take() })
    }

    /// As [`pop_at_once`](Self::pop_at_once), if the message is one that is wanted.
    ///
    /// It is read before it is claimed. The claim succeeds only if nobody has claimed the position before, so nobody had
    /// freed its slot while we read; what was read is believed only then.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn pop_at_once_if(&self, record: &Record, is_wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if cfg!(plain_payload) {
            // With plain copies it is a race to read what may be overwritten, even if it is not believed.
            return None;
        }
        let head = self.head().load(Relaxed); // relaxed: as in `pop_at_once`
        let seat = self.many.seat(head);
        let slot = self.many.slot(seat.slot);
        if slot.word.load(FILLED.acquire()) != Word::full(seat.lap).0 {
            return None;
        }
        let message = self.read(slot);
        if !is_wanted(&message) {
            return None;
        }
        if !self.claim_to_read(record, head, 1) {
            record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
            backoff::stand_back(head);
            return None;
        }
        self.free(slot, seat.lap);
        self.many.prefetch(slot);
        Some(message)
    }

    /// As [`pop`](Self::pop), but the message goes into a hand that the caller leases, and stays there.
    ///
    /// *If the process dies here*: once the hand says what it holds, the message is the hand's; before, it is the slot's.
    pub(crate) fn pop_to_hand(&self, record: &Record, hand: usize) -> Popped<Delivery<T>> {
        self.claim_next(record).map(|(seat, word)| self.deliver(seat, word, Some(hand)))
    }

    /// As [`pop_to_hand`](Self::pop_to_hand) in the most frequent case, see [`pop_at_once`](Self::pop_at_once): its position, and the
    /// hand, which is leased only when there is something to put into it.
    #[inline(always)]
    pub(crate) fn pop_at_once_to_hand(
        &self,
        record: &Record,
        lease: impl FnOnce() -> Option<usize>,
    ) -> Option<(u64, usize)> {
        let head = self.head().load(Relaxed); // relaxed: as in `pop_at_once`
        let seat = self.many.seat(head);
        let full = Word::full(seat.lap);
        if self.many.word(seat.slot).load(FILLED.acquire()) != full.0 {
            return None;
        }
        let hand = lease()?;
        if !self.claim_to_read(record, head, 1) {
            record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
            self.return_hand(hand);
            backoff::stand_back(head);
            return None;
        }
        let Delivery { position, .. } = self.deliver(seat, full, Some(hand));
        Some((position, hand))
    }

    /// Puts a message into a hand that the caller leases.
    fn hold(&self, hand: usize, delivery: &Delivery<T>) {
        // SAFETY: the address of a hand's message, and the hand is leased by the caller: nobody else touches it.
        self.many.with_hand(hand, |place| unsafe { payload::write(place, &delivery.message) });
        let held = Held::of(delivery.position, delivery.attempt);
        self.many.hand(hand).held.store(held.0, HELD.release());
    }

    /// Receives up to `messages.len()` messages into the front of `messages`, as many as one claim may have.
    ///
    /// *Progress* and *death* as in [`pop`](Self::pop), position by position.
    #[inline(never)]
    pub(crate) fn pop_some(&self, record: &Record, messages: &mut [T]) -> Popped<usize> {
        let most = self.most(messages.len());
        let mut backoff = Backoff::default();
        while backoff.is_patient() {
            let head = self.head().load(Relaxed); // relaxed: as in `pop_at_once`
            let seat = self.many.seat(head);
            let full = self.count(seat, most, FILLED, Word::full);
            if full == 0 {
                // A tombstone, a message that was taken over before, or nothing.
                return self.pop(record).map(|delivery| {
                    messages[0] = delivery.message;
                    1
                });
            }
            if self.claim_to_read(record, head, full) {
                self.many.prefetch_all(seat, full);
                let mut messages = messages.iter_mut();
                let read = self.many.along(seat, full, |slot, lap| {
                    let Some(message) = messages.next() else { return false };
                    *message = self.read(slot);
                    self.free(slot, lap);
                    true
                });
                return Popped::Done(read);
            }
            backoff.spin();
        }
        self.popped_nothing(record, Popped::Beaten)
    }

    /// Claims the next position that holds a message, with its word; frees the tombstones before it.
    fn claim_next(&self, record: &Record) -> Popped<(Seat, Word)> {
        let mut backoff = Backoff::default();
        while backoff.is_patient() {
            let head = self.head().load(Relaxed); // relaxed: as in `pop_at_once`
            let seat = self.many.seat(head);
            let word = Word(self.many.word(seat.slot).load(FILLED.acquire()));
            let state = word.at(seat.lap);
            if IS_USERS_MODEL && state == State::Free {
                // Whether somebody is about to fill it makes no difference where nobody dies: whoever does will tell.
                return self.popped_nothing(record, Popped::Empty);
            }
            if !matches!(state, State::Full | State::Tomb) {
                match self.why_nothing(head, seat) {
                    Some(reason) => return self.popped_nothing(record, reason),
                    None => continue,
                }
            }
            if !self.claim_to_read(record, head, 1) {
                backoff.spin();
            } else if state == State::Full {
                return Popped::Done((seat, word));
            } else {
                self.free(self.many.slot(seat.slot), seat.lap);
            }
        }
        self.popped_nothing(record, Popped::Beaten)
    }

    /// Frees the tombstones at the head; whether there were any. For producers, who find the ring full of nothing.
    pub(crate) fn clear_tombs(&self, record: &Record) -> bool {
        let mut cleared = false;
        for _ in 0..self.many.capacity {
            let head = self.head().load(Relaxed); // relaxed: as in `pop_at_once`
            let seat = self.many.seat(head);
            let word = Word(self.many.word(seat.slot).load(FILLED.acquire()));
            if word.at(seat.lap) != State::Tomb || !self.claim_to_read(record, head, 1) {
                break;
            }
            self.free(self.many.slot(seat.slot), seat.lap);
            cleared = true;
        }
        record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
        cleared
    }

    /// Announces and claims; whether the positions are ours.
    #[inline(always)]
    fn claim_to_read(&self, record: &Record, head: u64, count: usize) -> bool {
        record.consuming.store(Claim::of(head, count).0, ANNOUNCED.release());
        // Relaxed in failure: then nothing is believed of what was read.
        self.head().compare_exchange(head, head + count as u64, CLAIMED.release(), Relaxed).is_ok()
    }

    /// The message of a slot that we have claimed; or whatever is in another, to be believed only as its caller proves.
    #[inline(always)]
    fn read(&self, slot: Slot<'_, T>) -> T {
        // SAFETY: [1] the address of a slot's message. [2] We claimed its position, whose word said that the message was
        //  written, so nobody writes there before we free it; if we have not, what is read is some value of `T`.
        slot.with(|place| unsafe { payload::read(place) })
    }

    /// What lies in a slot, whoever's it is: perhaps a message that is being overwritten.
    pub(super) fn peek(&self, seat: Seat) -> T {
        self.read(self.many.slot(seat.slot))
    }

    /// What is in a hand that the caller leases, where it lies: until the hand is committed or given back, by this process and no
    /// forked child of it.
    pub(crate) fn view_hand(&self, hand: usize) -> &T {
        // SAFETY: [1] the address of a hand's message, valid for any bytes. [2] The hand is leased by the caller, who keeps the
        //  reference no longer: nobody writes there.
        self.many.see_hand(hand, |place| unsafe { &*place })
    }

    /// What is in a hand that the caller leases.
    pub(crate) fn read_hand(&self, hand: usize) -> T {
        // SAFETY: the address of a hand's message, and the hand is leased by the caller: nobody else touches it.
        self.many.with_hand(hand, |place| unsafe { payload::read(place) })
    }

    /// Takes the message out of a slot that we have claimed, into a hand if there is one, and frees the slot.
    #[inline(always)]
    pub(super) fn deliver(&self, seat: Seat, word: Word, hand: Option<usize>) -> Delivery<T> {
        let (slot, position) = (self.many.slot(seat.slot), seat.lap + seat.slot as u64);
        let delivery = Delivery { message: self.read(slot), position, attempt: word.attempts() as u32 + 1 };
        if let Some(hand) = hand {
            self.hold(hand, &delivery);
        }
        self.free(slot, seat.lap);
        self.many.prefetch(slot);
        delivery
    }

    /// Gives a slot that we have claimed to the producers of the next lap.
    #[inline(always)]
    fn free(&self, slot: Slot<'_, T>, lap: u64) {
        slot.word.store(Word::free(lap + self.many.capacity).0, FREED.release());
    }

    /// Why there is nothing at `head`; `None`: it may be otherwise by now.
    #[cold]
    fn why_nothing<R>(&self, head: u64, seat: Seat) -> Option<Popped<R>> {
        // What moved the head there had seen tails beyond it, and so does the next load; the head was the same when it was made.
        self.head().load(CLAIMED.acquire());
        let tail = self.tail().load(CLAIMED.acquire()) & !CLOSED;
        let word = Word(self.many.word(seat.slot).load(FILLED.acquire()));
        let has_moved = self.head().load(Relaxed) != head; // relaxed: of one word, later loads are no older
        match word.at(seat.lap) {
            _ if has_moved => None,
            State::Full | State::Tomb => None,
            _ if tail < head => Some(Popped::Corrupt(Corrupt { word: "head", found: head })),
            _ if tail - head > self.many.capacity => Some(Popped::Corrupt(Corrupt { word: "tail", found: tail })),
            State::Free if tail == head => Some(Popped::Empty),
            State::Free => Some(Popped::Held(head)),
            // The slot is still a consumer's, of the last lap: nobody can have claimed this position. The first lap has none before it.
            State::Before if tail == head && head >= self.many.capacity => Some(Popped::Empty),
            // Whoever freed it had moved the head before.
            State::Before | State::After => Some(Popped::Corrupt(Corrupt { word: "slot", found: word.0 })),
        }
    }

    /// See `pushed_nothing`.
    fn popped_nothing<R>(&self, record: &Record, reason: Popped<R>) -> Popped<R> {
        record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
        reason
    }
}

impl<R> Popped<R> {
    pub(crate) fn map<S>(self, change: impl FnOnce(R) -> S) -> Popped<S> {
        match self {
            Self::Done(done) => Popped::Done(change(done)),
            Self::Empty => Popped::Empty,
            Self::Held(position) => Popped::Held(position),
            Self::Beaten => Popped::Beaten,
            Self::Corrupt(corrupt) => Popped::Corrupt(corrupt),
        }
    }
}
