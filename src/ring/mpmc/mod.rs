//! The many-to-many ring: any number of producers and consumers, any of whom may die at any instruction.
//!
//! A *slot* is a word and one message. Position `p` lies in slot `p % N`; the slot's word says at which position it is and
//! what is there:
//!
//! ```text
//!            claim (tail: p -> p+1)          publish                claim (head: p -> p+1)        free
//!  FREE(p) ------------------------> FREE(p) --------> FULL(p) ---------------------------> FULL(p) -----> FREE(p+N)
//!                                      |                                                       |
//!                                      | its producer is dead                                  | its consumer is dead
//!                                      v                                                       v
//!                                    TOMB(p)                                  FULL(p), one attempt more, somebody else's
//! ```
//!
//! # Who owns a position
//!
//! The counter alone does not say *who* moved it, and a process that dies between moving it and storing the word would leave
//! a slot that nobody may touch. So each operation has a *record*, a line of its own in shared memory, in which it
//! **announces** the position before it tries to claim it:
//!
//! ```text
//! announce:  record.producing = p            a plain store to a line that only we write
//! claim:     tail: p -> p+1                  the one read-modify-write of a message
//! publish:   message; word = FULL(p)         a plain store
//! ```
//!
//! Whoever finds a position claimed and not published looks at all records. Those that announce it belong to its owner, or to
//! losers of the race for it. If none of them is alive, the owner is dead, whoever it was: the position becomes a
//! tombstone. This is *elimination*: nobody need know who the owner was.
//!
//! # Proof
//!
//! 1. *The owner is seen.* Whoever moved `tail` over `p` had announced `p` before (edge `claimed` carries the
//!    announcement). A recoverer has read a tail above `p`, so its look at the owner's record gives the announcement or
//!    something later.
//! 2. *Something later means published.* The owner's next store to its record comes behind its publication and is released
//!    (edge `announced`). A recoverer that reads it sees the published word, and its swap of FREE(p) fails. So an owner
//!    that is alive is seen and left alone, however long it is stopped, or has published.
//! 3. *Nobody comes later.* `tail` only grows and was above `p`: who announces `p` after the look is a loser.
//! 4. *No word comes twice*, so a recoverer that sleeps for a year between its look and its swap does no harm.
//! 5. *Records are recycled.* Who leases a record stores "nothing" in it first. A position of its last owner is resolved
//!    before ([`Ring::sweep`]), or, if it should not be, is found announced by nobody who is alive: which is the truth.
//! 6. *Losers* announce a position that is not theirs for the few instructions until they announce another or nothing; a
//!    loser that is stopped just there delays the recovery of that position, and does no other harm.
//! 7. *Consumers* are the same with `head`, `consuming` and FULL(p). A consumer that takes a dead one's message over
//!    announces the position first and then swaps the very word that it read before its look at the records, counting one
//!    attempt more: so of two that try one wins, a third sees the winner's announcement (its swap released it), and one
//!    who looked before fails.
//! 8. *The dead do not write.* The oracle says dead only after the kernel has torn the process down.
//!
//! # Hands
//!
//! A message that is to be done at least once moves from its slot to a *hand*, so that a slow job keeps a hand and not the
//! ring. The hand's `held` word is stored before the slot is freed; a consumer that dies in between has left the message in
//! both. Then the hand counts: who finds the slot looks for the position in the hands and frees the slot only; who adopts
//! the hand frees the slot before it commits. A hand's owner is one word, so adopting it is one swap.
//!
//! # Progress
//!
//! Never sleeps, makes no system call. *A dead participant never stops anybody; a live one that is stopped between a claim
//! and its publication delays what lies behind that position, and takes nothing with it.*
//!
//! *Source*: Vyukov's bounded queue (2010) for the slots' words; hazard pointers (Michael 2004) for announcing before
//! taking. Their combination with the kernel's word on who is dead is new here, as far as we know.

mod lease;
mod pop;
mod push;
mod recover;
pub(crate) mod word;

pub(crate) use pop::Popped;
pub(crate) use push::Pushed;
#[cfg(test)]
pub(crate) use recover::Resolved;
pub(crate) use recover::{Oracle, Recovered};
pub(crate) use word::Owner;

use super::payload::Payload;
use crate::layout::many::{Many, Seat};
use crate::layout::shared::{CLOSED, Record};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{CLAIMED, Edge};
use word::{State, Word};

/// A ring of `T`, for all who use it.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    many: Many<T>,
}

/// A message as it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery<T> {
    pub(crate) message: T,
    /// Messages sent before this one since the ring was made.
    pub(crate) position: u64,
    /// 1 for the first delivery; from 255 on it counts no further.
    pub(crate) attempt: u32,
}

impl<T: Payload> Ring<T> {
    pub(crate) fn new(many: Many<T>) -> Self {
        Self { many }
    }

    pub(crate) fn many(&self) -> &Many<T> {
        &self.many
    }

    /// One of the records.
    #[inline(always)]
    pub(crate) fn record(&self, index: usize) -> &Record {
        self.many.record(index)
    }

    #[inline(always)]
    fn tail(&self) -> &AtomicU64 {
        &self.many.page().tail.0
    }

    #[inline(always)]
    fn head(&self) -> &AtomicU64 {
        &self.many.page().head.0
    }

    /// How many slots from there on, `most` at most, have the word of `wanted` for their lap; acquired by this edge.
    #[inline(always)]
    fn count(&self, seat: Seat, most: usize, edge: Edge, wanted: impl Fn(u64) -> Word) -> usize {
        self.many.along(seat, most, |slot, lap| slot.word.load(edge.acquire()) == wanted(lap).0)
    }

    /// Messages that can be in the ring; exact.
    pub(crate) fn capacity(&self) -> u64 {
        self.many.capacity
    }

    /// Whether nothing may be sent any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.tail().load(Relaxed) >= CLOSED // relaxed: a hint; who must know tries to claim
    }

    /// Messages published and not yet claimed; exact when nobody is in the middle of an operation.
    pub(crate) fn len(&self) -> u64 {
        // Relaxed, all: a count, which gives no permission. The head first: what was received had been sent.
        let head = self.head().load(Relaxed);
        let tail = self.tail().load(Relaxed) & !CLOSED; // relaxed: as above
        let span = tail.saturating_sub(head).min(self.many.capacity);
        // Relaxed: who has seen a tombstone sees this, too.
        if self.many.page().remains.tombs.load(Relaxed) <= head {
            return span;
        }
        let is_message = |position: &u64| {
            let seat = self.many.seat(*position);
            Word(self.many.word(seat.slot).load(Relaxed)).at(seat.lap) == State::Full // relaxed: as above
        };
        (head..head + span).filter(is_message).count() as u64
    }

    /// Whether some position that is not yet consumed may be a tombstone.
    pub(crate) fn has_tombs(&self) -> bool {
        // Relaxed: a hint.
        self.many.page().remains.tombs.load(Relaxed) > self.head().load(Relaxed)
    }

    /// Whether there may be something to receive. A hint, which takes no line away from anybody.
    #[inline(always)]
    pub(crate) fn has_something(&self) -> bool {
        let head = self.head().load(Relaxed); // relaxed: a hint
        let seat = self.many.seat(head);
        matches!(Word(self.many.word(seat.slot).load(Relaxed)).at(seat.lap), State::Full | State::Tomb) // relaxed: a hint
    }

    /// Whether there is plainly nothing, nor anything on its way. `false` says nothing: then who must know tries to claim.
    ///
    /// Whoever moved the head there had seen the tail at least there ([`CLAIMED`]), so when the tail was loaded, which comes
    /// second, nothing lay between them. Any other state of the slot than this one is for others to judge.
    #[inline(always)]
    pub(crate) fn is_plainly_empty(&self) -> bool {
        let head = self.head().load(CLAIMED.acquire());
        let tail = self.tail().load(Relaxed); // relaxed: it gives no permission
        let seat = self.many.seat(head);
        // Relaxed: as above.
        head == tail && Word(self.many.word(seat.slot).load(Relaxed)).at(seat.lap) == State::Free
    }

    /// Whether all slots are plainly taken, and nobody is about to free one. `false` says nothing, as above.
    ///
    /// Whoever moved the tail there had seen the head at least where it then was, so when the head was loaded, which comes
    /// second, it was a whole ring behind.
    #[inline(always)]
    pub(crate) fn is_plainly_full(&self) -> bool {
        let tail = self.tail().load(CLAIMED.acquire());
        let head = self.head().load(Relaxed); // relaxed: as above
        let seat = self.many.seat(tail & !CLOSED);
        tail.checked_sub(self.many.capacity) == Some(head)
            && Word(self.many.word(seat.slot).load(Relaxed)).at(seat.lap) == State::Before // relaxed: as above
    }

    /// Whether there is no room at the tail. Exact as `len` is.
    pub(crate) fn is_full(&self) -> bool {
        let tail = self.tail().load(Relaxed) & !CLOSED; // relaxed: a hint
        let seat = self.many.seat(tail);
        Word(self.many.word(seat.slot).load(Relaxed)).at(seat.lap) == State::Before // relaxed: a hint
    }

    /// Whether there is room for half of the ring, by the last slot of that half alone: slots are freed out of turn, so that those
    /// before it may not be free.
    pub(crate) fn has_much_room(&self) -> bool {
        let tail = self.tail().load(Relaxed) & !CLOSED; // relaxed: a hint
        let seat = self.many.seat(tail + (self.many.capacity / 2).max(1) - 1);
        Word(self.many.word(seat.slot).load(Relaxed)).at(seat.lap) != State::Before // relaxed: a hint
    }
}
