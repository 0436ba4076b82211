//! What is done for the dead: tombstones for what they were to publish, new deliveries of what they were to free.
//!
//! Nothing here asks the kernel; who is alive says an [`Oracle`], and only of those who announce the very position that is
//! stuck. Every step is one compare-and-swap of one word, so recoverers may meet, and die, anywhere.

use super::word::{Claim, Held, Owner, State, Word};
use super::{Delivery, Ring};
use crate::layout::many::Seat;
use crate::layout::shared::{CLOSED, Record};
use crate::ring::lane::Lanes;
use crate::ring::parcel::{self, Content};
use crate::ring::payload::Payload;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{ANNOUNCED, CLAIMED, FILLED, FREED, HELD, LEASED};

/// Who is alive.
pub(crate) trait Oracle {
    /// Whether a member still is in the life of which `owner` speaks. Says `false` only of those whose every store has
    /// been made.
    fn is_alive(&self, owner: Owner) -> bool;
}

/// What became of a position that was stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// It is not stuck, or not any more.
    Done,
    /// Somebody who is alive has announced it: perhaps it is theirs.
    Busy,
}

/// What became of a message that a dead consumer had claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovered<R> {
    /// It is ours now.
    Delivered(R),
    /// There is none.
    Nothing,
    /// Somebody who is alive has announced it: perhaps it is theirs.
    Busy,
}

impl<T: Payload> Ring<T> {
    /// Makes a tombstone of a position that was claimed and not published, if nobody who is alive can have claimed it.
    ///
    /// *Progress*: one look at each record; the oracle's question for those that announce the position.
    pub(crate) fn entomb(&self, position: u64, oracle: &impl Oracle) -> Resolved {
        self.entomb_for(None, position, oracle)
    }

    /// As [`entomb`](Self::entomb), for one who has [inherited](Self::inherit) this record.
    fn entomb_for(&self, mine: Option<&Record>, position: u64, oracle: &impl Oracle) -> Resolved {
        if self.claimed_to_write() <= position {
            return Resolved::Done;
        }
        let seat = self.many.seat(position);
        let word = self.many.word(seat.slot);
        // Relaxed: an old word costs a look at the records; what is done, the swap below decides.
        if word.load(Relaxed) != Word::free(seat.lap).0 {
            return Resolved::Done;
        }
        if self.is_announced(position, |record| Claim(record.producing.load(ANNOUNCED.acquire())), mine, oracle) {
            return Resolved::Busy;
        }
        // Before the tombstone, so that whoever counts messages and sees the one knows of the other.
        self.many.page().remains.tombs.fetch_max(position + 1, Relaxed); // relaxed: the tombstone's release carries it
        // Relaxed in failure: it was published, or somebody else was faster.
        let _ = word.compare_exchange(Word::free(seat.lap).0, Word::tomb(seat.lap).0, FILLED.release(), Relaxed);
        Resolved::Done
    }

    /// [Entombs](Self::entomb) the next position to be consumed, if it is stuck.
    pub(crate) fn entomb_head(&self, oracle: &impl Oracle) -> Resolved {
        self.entomb(self.claimed_to_read(), oracle)
    }

    /// Takes over the message of a position that a consumer claimed and did not free, if nobody who is alive can have
    /// claimed it; into a hand that the caller leases, if it has one. A tombstone, and a message that a hand holds already,
    /// are freed.
    pub(crate) fn take_over(
        &self,
        record: &Record,
        hand: Option<usize>,
        position: u64,
        oracle: &impl Oracle,
    ) -> Recovered<Delivery<T>> {
        if self.claimed_to_read() <= position {
            return Recovered::Nothing;
        }
        let seat = self.many.seat(position);
        // Read before the look at the records, and swapped against this very value: see the proof in the module above.
        let word = Word(self.many.word(seat.slot).load(FILLED.acquire()));
        let state = word.at(seat.lap);
        if !matches!(state, State::Full | State::Tomb) {
            return Recovered::Nothing;
        }
        if self.is_announced(position, |other| Claim(other.consuming.load(ANNOUNCED.acquire())), Some(record), oracle) {
            return Recovered::Busy;
        }
        let is_message = state == State::Full && !self.is_in_a_hand(position);
        match word.taken_over() {
            Some(next) if is_message => self.claim_again(record, hand, seat, [word, next]),
            None if is_message => {
                self.drop_message(seat, word);
                Recovered::Nothing
            }
            _ => {
                self.free_if(seat, word);
                Recovered::Nothing
            }
        }
    }

    /// Gives up a message that cannot be counted once more: first its lane, if it is in one, since the slot is all that names it.
    ///
    /// *If the process dies here*: whoever comes next finds the slot as it was, and does all of it again.
    fn drop_message(&self, seat: Seat, word: Word) {
        if self.many.lanes() > 0 {
            let message = self.peek(seat);
            if !self.is_still(seat, word) {
                return;
            }
            self.give_up_lane(&message);
        }
        if self.free_if(seat, word) {
            self.count_dropped();
        }
    }

    /// Whether a slot's word is still this one: then what was read of its message before is that message. (No word comes twice;
    /// and who frees the slot behind this swap releases our reading with its own, edge `freed`.)
    fn is_still(&self, seat: Seat, word: Word) -> bool {
        // Relaxed in failure: somebody else was faster.
        self.many.word(seat.slot).compare_exchange(word.0, word.0, FREED.release(), Relaxed).is_ok()
    }

    /// Claims a slot whose consumer is dead, by its word.
    fn claim_again(
        &self,
        record: &Record,
        hand: Option<usize>,
        seat: Seat,
        [word, next]: [Word; 2],
    ) -> Recovered<Delivery<T>> {
        let position = seat.lap + seat.slot as u64;
        // Relaxed: our own word. An inherited claim says it already, and must go on to say the rest.
        let is_announced = Claim(record.consuming.load(Relaxed)).covers(position);
        if !is_announced {
            record.consuming.store(Claim::of(position, 1).0, ANNOUNCED.release());
        }
        // Released with the announcement above; what the word carries was acquired with it. Relaxed in failure: then nothing
        // is believed of what was read.
        if self.many.word(seat.slot).compare_exchange(word.0, next.0, FILLED.release(), Relaxed).is_err() {
            if !is_announced {
                record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
            }
            return Recovered::Nothing;
        }
        Recovered::Delivered(self.deliver(seat, next, hand))
    }

    /// Frees a slot if its word is still this one; whether it was.
    fn free_if(&self, seat: Seat, word: Word) -> bool {
        let free = Word::free(seat.lap + self.many.capacity);
        // Relaxed in failure: somebody else was faster.
        self.many.word(seat.slot).compare_exchange(word.0, free.0, FREED.release(), Relaxed).is_ok()
    }

    /// Takes over what is in a hand that was given back, or whose owner is [known to be dead](Self::orphan). The hand is the
    /// caller's then.
    pub(crate) fn adopt(&self, hand: usize, me: Owner) -> Option<Delivery<T>> {
        let words = self.many.hand(hand);
        // Relaxed: a look; the swap below acquires.
        let owner = Owner(words.owner.load(Relaxed));
        if !owner.is_orphaned() {
            return None;
        }
        // Relaxed in failure: somebody else was faster.
        words.owner.compare_exchange(owner.0, me.0, LEASED.acquire(), Relaxed).ok()?;
        // Relaxed, here and below: the hand is ours, with all that was done to it.
        let held = Held(words.held.load(Relaxed));
        if held == Held::NONE {
            self.return_hand(hand);
            return None;
        }
        self.free_behind(held);
        let delivery = Delivery {
            message: self.read_hand(hand),
            position: held.position(),
            attempt: held.delivery().saturating_add(1),
        };
        // Relaxed: the same position, of the same message.
        words.held.store(Held::of(delivery.position, delivery.attempt).0, Relaxed);
        Some(delivery)
    }

    /// A consumer that died between filling its hand and freeing the slot has left the message in both: the hand's counts.
    fn free_behind(&self, held: Held) {
        let seat = self.many.seat(held.position());
        // Relaxed: the hand was acquired, and the dead one had seen the slot full, so nothing older is found here; the message is not
        // read, and the swap adds its own release to its producer's (edge `freed`).
        let word = Word(self.many.word(seat.slot).load(Relaxed));
        if word.at(seat.lap) == State::Full {
            self.free_if(seat, word);
        }
    }

    /// Marks all that belongs to a member that is gone for whoever finds it. Idempotent.
    ///
    /// *If the process dies here*: the member is found dead again, and the rest is marked.
    pub(crate) fn orphan(&self, gone: Owner) {
        let orphaned = gone.orphaned().0;
        for record in self.records() {
            // Relaxed in failure: it is somebody else's.
            let _ = record.owner.compare_exchange(gone.0, orphaned, LEASED.release(), Relaxed);
        }
        for hand in 0..self.many.tables.hands as usize {
            // Relaxed in failure: as above.
            let _ = self.many.hand(hand).owner.compare_exchange(gone.0, orphaned, LEASED.release(), Relaxed);
        }
    }

    /// Resolves what an owner that is [known to be dead](Self::orphan) left in its record, and frees the record; or delivers
    /// a message of it, and is to be called again. `mine` is the caller's own record, and a hand of its for the message;
    /// without them nothing is delivered, and what would be stays.
    pub(crate) fn sweep(
        &self,
        record: usize,
        mine: Option<(&Record, Option<usize>)>,
        oracle: &impl Oracle,
    ) -> Recovered<Delivery<T>> {
        let left = self.many.record(record);
        let owner = Owner(left.owner.load(LEASED.acquire()));
        if !owner.is_orphaned() {
            return Recovered::Nothing;
        }
        let resolved = self.resolve(left, mine, oracle);
        if matches!(resolved, Recovered::Nothing) {
            // Relaxed in failure: somebody else has resolved it, or marks it and resolves it again. Released: all looks at what it
            // announces come before; what is there next is its next owner's, who lives. (What this forbids, a load that is made
            // behind a later store of its thread, no model shows.)
            let _ = left.owner.compare_exchange(owner.0, Owner::FREE.0, LEASED.release(), Relaxed);
        }
        resolved
    }

    /// Resolves what a record announces of one who is dead, as far as `mine` allows.
    fn resolve(
        &self,
        left: &Record,
        mine: Option<(&Record, Option<usize>)>,
        oracle: &impl Oracle,
    ) -> Recovered<Delivery<T>> {
        let mut is_busy = !self.settle_writing(left, None, oracle);
        for position in Claim(left.consuming.load(ANNOUNCED.acquire())).positions() {
            match mine {
                Some((mine, hand)) => match self.take_over(mine, hand, position, oracle) {
                    Recovered::Delivered(delivery) => return Recovered::Delivered(delivery),
                    Recovered::Nothing => {}
                    Recovered::Busy => is_busy = true,
                },
                None => is_busy |= self.is_stuck_in_reading(position),
            }
        }
        if is_busy { Recovered::Busy } else { Recovered::Nothing }
    }

    /// Resolves the positions that one who is dead was to publish; whether all are.
    fn settle_writing(&self, left: &Record, mine: Option<&Record>, oracle: &impl Oracle) -> bool {
        let positions = Claim(left.producing.load(ANNOUNCED.acquire())).positions();
        let is_busy = |&position: &u64| self.entomb_for(mine, position, oracle) == Resolved::Busy;
        positions.filter(is_busy).count() == 0
    }

    /// Leases a record together with what its last owner, who is [known to be dead](Self::orphan), had claimed as a
    /// consumer: when there is no other. It may be used to produce; to consume it must be [settled](Self::settle) first.
    /// Who left it, if it is ours now.
    ///
    /// What it announces protects its positions from others while we resolve them, as any announcement would; that it is
    /// our own we know.
    pub(crate) fn inherit(&self, record: usize, me: Owner, oracle: &impl Oracle) -> Option<Owner> {
        let left = self.many.record(record);
        let owner = Owner(left.owner.load(Relaxed)); // relaxed: a look; the swap below acquires
        if !owner.is_orphaned() {
            return None;
        }
        // Relaxed in failure: somebody else was faster.
        left.owner.compare_exchange(owner.0, me.0, LEASED.acquire(), Relaxed).ok()?;
        if !self.settle_writing(left, Some(left), oracle) {
            self.bequeath(record, owner);
            return None;
        }
        Some(owner)
    }

    /// Resolves what was [inherited](Self::inherit), and it is a record as any other; or delivers a message of it.
    pub(crate) fn settle(&self, record: usize, hand: Option<usize>, oracle: &impl Oracle) -> Recovered<Delivery<T>> {
        let left = self.many.record(record);
        // Its positions to be published were resolved when it was inherited.
        let resolved = self.resolve(left, Some((left, hand)), oracle);
        if matches!(resolved, Recovered::Nothing) {
            left.consuming.store(Claim::NONE.0, ANNOUNCED.release());
        }
        resolved
    }

    /// Gives back a record that was [inherited](Self::inherit) and not settled.
    ///
    /// As it was found, not as the heir's: a sweeper that has resolved all of it and only then swaps the owner for FREE must
    /// not find the same word there again once an heir, who lives and claims anew, has died in its turn.
    pub(crate) fn bequeath(&self, record: usize, left_by: Owner) {
        self.many.record(record).owner.store(left_by.0, LEASED.release());
    }

    /// Whether a consumer has claimed this position and not freed it, as a record says that the caller has acquired.
    fn is_stuck_in_reading(&self, position: u64) -> bool {
        let seat = self.many.seat(position);
        // Relaxed: whose record it is had seen the slot full before it claimed the position, so nothing older is found here; and what
        // is older than the freeing keeps the record for another look.
        let word = Word(self.many.word(seat.slot).load(Relaxed));
        self.claimed_to_read() > position && matches!(word.at(seat.lap), State::Full | State::Tomb)
    }

    /// Whether somebody who is alive has announced the position in the word that `claim` reads. Not asked is the caller's
    /// own record, `except`: what it says of this position is not the caller's claim (see [`inherit`](Self::inherit)).
    ///
    /// The claim is read before the owner: who announces has leased before.
    fn is_announced(
        &self,
        position: u64,
        claim: impl Fn(&Record) -> Claim,
        except: Option<&Record>,
        oracle: &impl Oracle,
    ) -> bool {
        self.records().filter(|&record| except.is_none_or(|mine| !core::ptr::eq(mine, record))).any(|record| {
            claim(record).covers(position) && {
                let owner = Owner(record.owner.load(LEASED.acquire()));
                owner.is_leased() && oracle.is_alive(owner)
            }
        })
    }

    fn is_in_a_hand(&self, position: u64) -> bool {
        (0..self.many.tables.hands as usize).any(|hand| {
            let held = Held(self.many.hand(hand).held.load(HELD.acquire()));
            held != Held::NONE && held.position() == position
        })
    }

    /// A message is given up.
    pub(crate) fn count_dropped(&self) {
        self.many.page().remains.dropped.fetch_add(1, Relaxed); // relaxed: a count for people
    }

    /// Frees the lane of a message that is given up, if it is in one.
    fn give_up_lane(&self, message: &T) {
        if let Some(Content::Whole(ticket, _) | Content::Flow(ticket, _)) = self.content_in_lane(message) {
            self.many.finish(ticket, false);
        }
    }

    /// What this message is, if it is in a lane or comes through one.
    pub(crate) fn content_in_lane(&self, message: &T) -> Option<Content> {
        let many = &self.many;
        if many.lanes() == 0 {
            return None;
        }
        // A channel with lanes is one of parcels.
        let content = parcel::content(&parcel::of_message(message)?, many.lanes(), |lane| many.most_of(lane));
        content.ok().filter(|content| !matches!(content, Content::Inline(_)))
    }

    /// Messages given up.
    pub(crate) fn dropped(&self) -> u64 {
        self.many.page().remains.dropped.load(Relaxed) // relaxed: a count for people
    }

    /// Messages in somebody's hand, or given back and not yet taken again; and those that are on their way out of the ring,
    /// to a hand or for good. One that goes from hand to hand meanwhile may be counted twice, and none is missed: so who
    /// finds the ring empty, and then 0 here, knows that all that was sent is done.
    pub(crate) fn in_hand(&self) -> usize {
        // In this order: a message is in a hand before its slot is freed.
        let claimed = self.records().flat_map(|record| Claim(record.consuming.load(ANNOUNCED.acquire())).positions());
        let leaving = claimed.filter(|&position| self.is_claimed(position) && !self.is_in_a_hand(position)).count();
        let held = |&hand: &usize| self.many.hand(hand).held.load(HELD.acquire()) != Held::NONE.0;
        leaving + (0..self.many.tables.hands as usize).filter(held).count()
    }

    /// Whether a consumer has claimed the message of this position and not freed its slot.
    fn is_claimed(&self, position: u64) -> bool {
        let seat = self.many.seat(position);
        let word = Word(self.many.word(seat.slot).load(FILLED.acquire()));
        self.claimed_to_read() > position && word.at(seat.lap) == State::Full
    }

    /// Positions that consumers have claimed: how far the ring has come.
    pub(crate) fn taken(&self) -> u64 {
        self.claimed_to_read()
    }

    fn claimed_to_write(&self) -> u64 {
        self.tail().load(CLAIMED.acquire()) & !CLOSED
    }

    fn claimed_to_read(&self) -> u64 {
        self.head().load(CLAIMED.acquire())
    }
}
