//! Lanes: how a message that is too long for a slot gets from one process to another, and what becomes of it when either
//! dies.
//!
//! A message goes through the ring as a *ticket*, which names a lane and the how many-th message of that lane it is. The
//! bytes lie in the lane. One word says in whose hands the lane is, so each step of its life is one swap:
//!
//! ```text
//!                    take                              post                      receive             done
//!  a whole message   FREE(g) -> WRITING(m,g) -> WHOLE(m,g) -> (ticket) -> QUEUED(g) -> READING(g) -> FREE(g+1)
//!                                                    \________________________________/
//!  one that is longer than its lane
//!                    FREE(g) -> WRITING(m,g) -> OFFERED(m,g) -> (ticket) -> FLOWING(m,g) -> DONE(m,g) -> FREE(g+1)
//!                                                                           |      |
//!                                                        the reader gives up|      |the writer gives up, or is dead
//!                                                                           v      v
//!                                                                REFUSED(m,g)      CUT(g)
//!                                                          the writer frees it      the reader frees it
//! ```
//!
//! `m` is the member that writes, `g` counts the lane's messages. A ticket whose `g` is past says nothing: its message is
//! done, or its sender was killed before its send returned.
//!
//! # What deaths leave
//!
//! The writer's member is in the word for as long as a death of it means anything: whoever buries a member frees its lanes
//! that are WRITING, WHOLE, OFFERED, DONE or REFUSED (in none of them has a send returned that a receiver has not answered),
//! and makes those that are FLOWING CUT, for their readers to free. A QUEUED lane is nobody's: its ticket is, in the ring or in
//! a hand. So is a READING one's: the ticket is in a hand, and who adopts the hand reads the message again from its start. A
//! FLOWING lane whose reader is dead cannot be read again; who adopts its ticket refuses it, or the writer, who asks whether
//! its reader lives, frees it, whichever comes first.
//!
//! So at each instant exactly one recoverable word names the message: the lane's, the slot's, or the hand's.
//!
//! # Progress
//!
//! Nothing here sleeps or makes a system call. Taking a lane is one swap for each lane that is looked at.
//!
//! # Safety
//!
//! Bytes are written by the member that `own` names (WRITING, OFFERED, FLOWING) below `freed` and a lane's length, and
//! read by the holder of the ticket below `filled`; addresses come from `layout::many`, which checks that they lie in the lane. A
//! peer that breaks the rules makes bytes that are other bytes.
//!
//! *Source*: one word of ownership for each buffer, as the buffer pools of LPC and of LMAX-like rings have; with the
//! descriptor in a ring, UCX's and Open MPI's shared-memory transports.
#![allow(unsafe_code)]

use super::payload;
use crate::layout::lanes::{FILLED_ALL, LaneWords};
use crate::layout::many::Many;
use crate::ring::mpmc::{Oracle, Owner};
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{DRAINED, PASSED, POURED};

/// A message of a lane takes fewer steps than this from its beginning to its end.
const STEPS: usize = 16;

/// What a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Free = 0,
    Writing = 1,
    Whole = 2,
    Queued = 3,
    Reading = 4,
    Offered = 5,
    Flowing = 6,
    Done = 7,
    Refused = 8,
    Cut = 9,
}

/// The word of a lane: generation << 24 | member << 8 | phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Own(pub(crate) u64);

impl Own {
    fn new(phase: Phase, member: usize, generation: u64) -> Self {
        Self(generation << 24 | (member as u64 & 0xffff) << 8 | phase as u64)
    }

    /// `None`: it holds what it cannot hold.
    pub(crate) fn phase(self) -> Option<Phase> {
        use Phase::{Cut, Done, Flowing, Free, Offered, Queued, Reading, Refused, Whole, Writing};
        [Free, Writing, Whole, Queued, Reading, Offered, Flowing, Done, Refused, Cut]
            .get(self.0 as usize & 0xff)
            .copied()
    }

    pub(crate) fn member(self) -> usize {
        (self.0 >> 8) as usize & 0xffff
    }

    pub(crate) fn generation(self) -> u64 {
        self.0 >> 24
    }

    /// The same message, further on.
    fn with(self, phase: Phase) -> Self {
        let member = if matches!(phase, Phase::Queued | Phase::Reading | Phase::Cut) { 0 } else { self.member() };
        Self::new(phase, member, self.generation())
    }

    /// For the next message.
    fn freed(self) -> Self {
        Self::new(Phase::Free, 0, self.generation() + 1)
    }
}

/// Names a lane, and its how many-th message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) lane: usize,
    pub(crate) generation: u64,
}

/// What a ticket's holder finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// The whole message is there, and the holder's.
    Whole,
    /// It is still being written, and the holder's to read.
    Flowing,
    /// It is over: done, given up, or never sent. The ticket's holder [finishes](Lanes::finish) with it all the same.
    Stale,
}

/// How far a message is that is being written while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// So many bytes have been written; whether these are all.
    Filled(u64, bool),
    /// Its writer gave up, or is dead.
    Cut,
}

/// What came of saying that a message is done, or given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finished {
    /// It was in the lane as a whole, which is free now.
    Freed,
    /// Its writer, who frees the lane, will know; of a message that was read, that it was received.
    Answered,
    /// Its writer had given it up before, or died: nobody knows that it was received. The lane is free now.
    Cut,
    /// It was over.
    Over,
}

/// What the writer of a message that is longer than its lane finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nobody has taken it yet, or said so.
    Offered,
    /// It is being read; its room is free up to here.
    Freed(u64),
    /// It was read to its end.
    Done,
    /// Nobody will read it.
    Refused,
}

/// The lanes of a segment, whatever its slots hold.
pub(crate) trait Lanes {
    fn words(&self, lane: usize) -> &LaneWords;
    fn with_bytes<R>(&self, lane: usize, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*mut u8) -> R) -> R;
    /// The same, to read there.
    fn see_bytes<R>(&self, lane: usize, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*const u8) -> R) -> R {
        self.with_bytes(lane, bytes, |place| use_it(place))
    }
    fn lane_bytes(&self, lane: usize) -> usize;
    fn lanes(&self) -> usize;
    /// How long a whole message in this lane can be.
    fn most_of(&self, lane: usize) -> usize;
    /// Those lanes whose bytes are not in the segment.
    fn annexes(&self) -> core::ops::Range<usize>;

    /// Takes a free lane among these for the message of member `me`, if there is one; the first to be looked at is `hint`.
    ///
    /// *If the process dies here*: the lane is freed with all else that was its.
    fn take(&self, me: usize, among: core::ops::Range<usize>, hint: usize) -> Option<Ticket> {
        let count = among.len();
        (0..count).find_map(|step| {
            let lane = among.start + (hint + step) % count;
            let own = Own(self.words(lane).writer.own.load(Relaxed)); // relaxed: a look; the swap acquires
            if own.phase() != Some(Phase::Free) {
                return None;
            }
            let next = Own::new(Phase::Writing, me, own.generation());
            let words = self.words(lane);
            // Both: it also carries that we have joined, see `bury_lanes`. Relaxed in failure: somebody else was faster.
            words.writer.own.compare_exchange(own.0, next.0, PASSED.both(), Relaxed).ok()?;
            // Relaxed, all: the next step of `own` releases them.
            words.writer.filled.store(0, Relaxed);
            words.reader.freed.store(0, Relaxed); // relaxed: as above
            words.reader.reader.store(Owner::FREE.0, Relaxed); // relaxed: as above
            // Who was killed while it slept has left these, and each message would wake somebody for nothing.
            words.writer.writer_waits.store(0, Relaxed); // relaxed: as above
            words.reader.reader_waits.store(0, Relaxed); // relaxed: as above
            Some(Ticket { lane, generation: own.generation() })
        })
    }

    /// Whether one of these lanes holds a whole message that was sent, or is about to be, and that nobody has taken up.
    fn has_unread(&self, mut among: core::ops::Range<usize>) -> bool {
        among.any(|lane| {
            let own = Own(self.words(lane).writer.own.load(Relaxed)); // relaxed: a look
            matches!(own.phase(), Some(Phase::Whole | Phase::Queued))
        })
    }

    /// The lane's word, if it is still about this ticket's message.
    ///
    /// What the lane holds needs no permission of it: who reads has seen the bytes by the ticket (edge `filled`) or by `filled`
    /// (`poured`), who writes on has seen them read by `freed` (`drained`), and what is to be done to the word the swap decides. It is
    /// acquired for the sender that waits for its message to be done with, and returns behind all that the receiver did before.
    fn own(&self, ticket: Ticket) -> Option<Own> {
        let own = Own(self.words(ticket.lane).writer.own.load(PASSED.acquire()));
        (own.generation() == ticket.generation).then_some(own)
    }

    /// Passes the lane on; whether the caller is the one who did it.
    fn pass(&self, ticket: Ticket, from: Own, to: Own) -> bool {
        // Released to whoever takes the lane next, through whatever swaps come between. Relaxed in failure: nothing is believed of
        // what was read.
        let own = &self.words(ticket.lane).writer.own;
        own.compare_exchange(from.0, to.0, PASSED.release(), Relaxed).is_ok()
    }

    // The writer.

    /// Copies bytes of the message to their place, which is in the lane and free: they are the `at`-th and the following.
    fn pour(&self, ticket: Ticket, at: u64, bytes: &[u8]) {
        let length = self.lane_bytes(ticket.lane);
        let (mut start, mut left) = ((at % length as u64) as usize, bytes);
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(length - start));
            self.with_bytes(ticket.lane, start..start + now.len(), |place| {
                // SAFETY: [1] so many bytes in the lane. [2] The lane is ours to write, and the reader is not there: they
                //  lie behind all that it may read, and it has freed what was there before.
                unsafe { payload::write_bytes(place, now) }
            });
            (start, left) = (0, later);
        }
    }

    /// Says how much of the message has been written, and whether that is all.
    fn poured(&self, ticket: Ticket, filled: u64, is_all: bool) {
        let all = if is_all { FILLED_ALL } else { 0 };
        self.words(ticket.lane).writer.filled.store(filled | all, POURED.release());
    }

    /// Makes the lane, which holds the whole message, ready for its ticket to be sent; or one that holds the beginning of a
    /// longer one.
    fn post(&self, ticket: Ticket, me: usize, is_whole: bool) {
        let own = Own::new(if is_whole { Phase::Whole } else { Phase::Offered }, me, ticket.generation);
        self.words(ticket.lane).writer.own.store(own.0, PASSED.release());
    }

    /// The ticket of a whole message was sent: from here on it is nobody's but its receiver's.
    fn posted(&self, ticket: Ticket, me: usize) {
        let whole = Own::new(Phase::Whole, me, ticket.generation);
        // If it is not so any more, somebody is reading it already.
        self.pass(ticket, whole, whole.with(Phase::Queued));
    }

    /// What has become of a message that is longer than its lane.
    fn answer(&self, ticket: Ticket) -> Answer {
        match self.own(ticket).and_then(Own::phase) {
            Some(Phase::Offered) => Answer::Offered,
            // Whoever has taken it has not got as far as to say who it is, and may be dead.
            Some(Phase::Flowing) if self.reader(ticket) == Owner::FREE => Answer::Offered,
            Some(Phase::Flowing) => Answer::Freed(self.taken(ticket)),
            Some(Phase::Done) => Answer::Done,
            _ => Answer::Refused,
        }
    }

    /// Bytes of a message that we still write, or have to free, which its reader has taken.
    fn taken(&self, ticket: Ticket) -> u64 {
        self.words(ticket.lane).reader.freed.load(DRAINED.acquire())
    }

    /// Whether who reads it lives; `true` of one that nobody reads, or nobody has said that they read.
    fn is_read_by_the_living(&self, ticket: Ticket, oracle: &impl Oracle) -> bool {
        let is_flowing = self.own(ticket).and_then(Own::phase) == Some(Phase::Flowing);
        let reader = self.reader(ticket);
        !is_flowing || reader == Owner::FREE || oracle.is_alive(reader)
    }

    /// Who has said that they read a message that we still write; `FREE`: nobody.
    fn reader(&self, ticket: Ticket) -> Owner {
        // Relaxed: our own store, or that of whoever made the lane FLOWING.
        Owner(self.words(ticket.lane).reader.reader.load(Relaxed))
    }

    /// Gives a lane back that we wrote to: before its ticket was sent, after the last word on it, or because nobody reads it
    /// who lives. A reader that is alive finds that it was [cut](Flow::Cut), and frees it instead. Whether the message had been
    /// read to its end: then it was received, whatever the writer had seen before.
    fn withdraw(&self, ticket: Ticket, has_reader: bool) -> bool {
        while let Some(own) = self.own(ticket) {
            let next = match own.phase() {
                Some(Phase::Flowing) if has_reader => own.with(Phase::Cut),
                Some(
                    Phase::Flowing | Phase::Writing | Phase::Whole | Phase::Offered | Phase::Done | Phase::Refused,
                ) => own.freed(),
                _ => return false,
            };
            if self.pass(ticket, own, next) {
                return own.phase() == Some(Phase::Done);
            }
        }
        false
    }

    // The reader.

    /// Takes up the message of a ticket that `me` holds. (Whoever holds it has seen the lane as it was when the ticket was sent, or
    /// later: the ring carries that, edge `filled`.)
    fn claim(&self, ticket: Ticket, me: Owner) -> Claimed {
        while let Some(own) = self.own(ticket) {
            let next = match own.phase() {
                Some(Phase::Whole | Phase::Queued) => own.with(Phase::Reading),
                // Who had it before is dead, or gave it back.
                Some(Phase::Reading) => return Claimed::Whole,
                Some(Phase::Offered) => own.with(Phase::Flowing),
                // What its last reader has freed is gone.
                Some(Phase::Flowing) => own.with(Phase::Refused),
                // CUT, among others.
                _ => return Claimed::Stale,
            };
            if self.pass(ticket, own, next) {
                return match next.phase() {
                    Some(Phase::Reading) => Claimed::Whole,
                    Some(Phase::Flowing) => {
                        // Not before: who is slow would say it of another message, which somebody else reads.
                        // Relaxed: who reads it asks whether we are dead, and nothing else.
                        self.words(ticket.lane).reader.reader.store(me.0, Relaxed);
                        Claimed::Flowing
                    }
                    _ => Claimed::Stale,
                };
            }
        }
        Claimed::Stale
    }

    /// How far the writer of a message that we read is.
    fn flow(&self, ticket: Ticket) -> Flow {
        // In either order: whoever cuts it writes no more, and we alone free it, so all that `filled` says before or behind a cut was
        // written for us.
        let filled = self.words(ticket.lane).writer.filled.load(POURED.acquire());
        match self.own(ticket).and_then(Own::phase) {
            Some(Phase::Flowing | Phase::Reading) => Flow::Filled(filled & !FILLED_ALL, filled & FILLED_ALL != 0),
            _ => Flow::Cut,
        }
    }

    /// Appends bytes of the message from the `at`-th on to `bytes`; they are there, and there is capacity for them.
    fn draw(&self, ticket: Ticket, at: u64, count: usize, bytes: &mut Vec<u8>) {
        let length = self.lane_bytes(ticket.lane);
        let (mut start, mut left) = ((at % length as u64) as usize, count);
        while left > 0 {
            let now = left.min(length - start);
            self.with_bytes(ticket.lane, start..start + now, |place| {
                // SAFETY: so many bytes in the lane; we hold the ticket, so the writer is not there.
                unsafe { payload::append_bytes(bytes, place, now) }
            });
            (start, left) = (0, left - now);
        }
    }

    /// As [`draw`](Self::draw), to the front of `bytes`, all of it.
    fn draw_to(&self, ticket: Ticket, at: u64, bytes: &mut [u8]) {
        let length = self.lane_bytes(ticket.lane);
        let (mut start, mut left) = ((at % length as u64) as usize, bytes);
        while !left.is_empty() {
            let count = left.len().min(length - start);
            let (now, later) = left.split_at_mut(count);
            self.with_bytes(ticket.lane, start..start + count, |place| {
                // SAFETY: as in `draw`.
                unsafe { payload::read_bytes(now.as_mut_ptr(), place, now.len()) }
            });
            (start, left) = (0, later);
        }
    }

    /// The bytes of a whole message, in place, for as long as the ticket's holder does not [finish](Self::finish) with it; or
    /// those of a lane that the caller is WRITING, for as long as it does not write to them.
    fn view(&self, ticket: Ticket, len: usize) -> &[u8] {
        // SAFETY: [1] so many bytes in the lane, initialised since the segment is. [2] The lane is READING, by the holder of
        //  its ticket, which the caller is: nobody writes there before it is FREE. Or it is WRITING, by the caller, who has
        //  its claim borrowed shared as long as the slice: it makes no `view_mut` meanwhile. (Between processes of one user:
        //  see `ring::grant`.)
        self.see_bytes(ticket.lane, 0..len, |place| unsafe { core::slice::from_raw_parts(place, len) })
    }

    /// The front of a lane that the caller is WRITING, in place.
    #[expect(clippy::mut_from_ref, reason = "the lane is the caller's, and the caller borrows its own claim mutably")]
    fn view_mut(&self, ticket: Ticket, len: usize) -> &mut [u8] {
        // SAFETY: [1] as in `view`. [2] The lane is the caller's, WRITING, or WHOLE when a try to send it has failed, and nobody has its
        //  ticket: nobody else is there; the
        //  claim is borrowed mutably as long as the slice, so there is no other.
        self.with_bytes(ticket.lane, 0..len, |place| unsafe { core::slice::from_raw_parts_mut(place, len) })
    }

    /// Says that the bytes below this one may be written over.
    fn drained(&self, ticket: Ticket, freed: u64) {
        self.words(ticket.lane).reader.freed.store(freed, DRAINED.release());
    }

    /// The ticket's holder is done with the message, or gives it up; who wrote it is told, or the lane is free.
    fn finish(&self, ticket: Ticket, is_read: bool) -> Finished {
        while let Some(own) = self.own(ticket) {
            let (next, finished) = match own.phase() {
                Some(Phase::Reading | Phase::Whole | Phase::Queued) => (own.freed(), Finished::Freed),
                Some(Phase::Cut) => (own.freed(), Finished::Cut),
                Some(Phase::Flowing) if is_read => (own.with(Phase::Done), Finished::Answered),
                Some(Phase::Flowing | Phase::Offered) => (own.with(Phase::Refused), Finished::Answered),
                _ => return Finished::Over,
            };
            if self.pass(ticket, own, next) {
                return finished;
            }
        }
        Finished::Over
    }

    // For the dead.

    /// Frees what a member that is gone had in its hands as a writer; `is_same` says that nobody has taken its place yet.
    /// Idempotent.
    ///
    /// The word has the member's number and not its generation. But whoever takes the place takes its lanes after it has
    /// joined (edge `passed`): what was read while the place was the dead one's is the dead one's, and a lane's word never
    /// comes twice, so a burier that sleeps for a year before its swap does no harm.
    fn bury_lanes(&self, gone: usize, is_same: impl Fn() -> bool) {
        (0..self.lanes()).for_each(|lane| self.bury_lane(lane, gone, &is_same));
    }

    fn bury_lane(&self, lane: usize, gone: usize, is_same: &impl Fn() -> bool) {
        // Each failure is a step of the message towards its end, of which there are fewer: one who writes the word without end holds
        // nobody up.
        for _ in 0..STEPS {
            let own = Own(self.words(lane).writer.own.load(PASSED.acquire()));
            let next = match own.phase() {
                Some(Phase::Writing | Phase::Whole | Phase::Offered | Phase::Done | Phase::Refused) => own.freed(),
                Some(Phase::Flowing) => own.with(Phase::Cut),
                _ => return,
            };
            if own.member() != gone || !is_same() {
                return;
            }
            // Beaten by its reader, or by another burier: it may have become something that needs us all the same.
            if self.pass(Ticket { lane, generation: own.generation() }, own, next) {
                return;
            }
        }
    }
}

impl<T> Lanes for Many<T> {
    fn words(&self, lane: usize) -> &LaneWords {
        self.lane(lane)
    }

    fn with_bytes<R>(&self, lane: usize, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*mut u8) -> R) -> R {
        self.with_lane(lane, bytes, use_it)
    }

    fn see_bytes<R>(&self, lane: usize, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*const u8) -> R) -> R {
        self.see_lane(lane, bytes, use_it)
    }

    fn lane_bytes(&self, lane: usize) -> usize {
        self.tables.lanes.bytes_of(lane as u64) as usize
    }

    fn lanes(&self) -> usize {
        self.tables.lanes.count() as usize
    }

    fn most_of(&self, lane: usize) -> usize {
        self.tables.lanes.most_of(lane as u64) as usize
    }

    fn annexes(&self) -> core::ops::Range<usize> {
        self.tables.lanes.inside() as usize..self.lanes()
    }
}
