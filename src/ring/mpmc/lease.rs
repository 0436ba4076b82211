//! Records and hands: who writes to them, and from when to when.

use super::Ring;
use super::word::{Claim, Held, Owner};
use crate::layout::shared::Record;
use crate::ring::payload::Payload;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{ANNOUNCED, HELD, LEASED};
use core::ops::Range;

impl<T: Payload> Ring<T> {
    /// Leases a free record out of these; `None` if there is none.
    ///
    /// *If the process dies here*: the record is found and freed with all else that was its.
    pub(crate) fn lease_record(&self, me: Owner, among: Range<usize>) -> Option<usize> {
        let found = among.into_iter().find(|&index| take(&self.many.record(index).owner, me))?;
        self.announce_nothing(found);
        Some(found)
    }

    /// Gives a record back that has no operation.
    pub(crate) fn return_record(&self, index: usize) {
        self.announce_nothing(index);
        self.many.record(index).owner.store(Owner::FREE.0, LEASED.release());
    }

    fn announce_nothing(&self, index: usize) {
        let record = self.many.record(index);
        record.producing.store(Claim::NONE.0, ANNOUNCED.release());
        record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
    }

    /// Leases a free hand; `None` if there is none.
    pub(crate) fn lease_hand(&self, me: Owner) -> Option<usize> {
        (0..self.many.tables.hands as usize).find(|&index| take(&self.many.hand(index).owner, me))
    }

    /// Gives an empty hand back.
    pub(crate) fn return_hand(&self, index: usize) {
        self.many.hand(index).owner.store(Owner::FREE.0, LEASED.release());
    }

    /// The message in a leased hand is done; the hand stays leased.
    pub(crate) fn empty(&self, index: usize) {
        self.many.hand(index).held.store(Held::NONE.0, HELD.release());
    }

    /// The message in a leased hand is done, and the hand is given back.
    ///
    /// *If the process dies here*: before the first store the message is delivered again, after it it is done.
    pub(crate) fn commit(&self, index: usize) {
        self.empty(index);
        self.return_hand(index);
    }

    /// The message in a leased hand is for whoever comes next.
    pub(crate) fn give_back(&self, index: usize, me: Owner) {
        self.many.hand(index).owner.store(me.orphaned().0, LEASED.release());
    }

    /// Gives back all that is this owner's, who has no operation in flight and leaves; messages in its hands are left for
    /// whoever comes next. Whether there are any.
    pub(crate) fn retire(&self, me: Owner) -> bool {
        // Relaxed: our own words.
        for record in 0..self.many.tables.records as usize {
            if self.many.record(record).owner.load(Relaxed) == me.0 {
                self.return_record(record);
            }
        }
        let mut has_left_some = false;
        for hand in 0..self.many.tables.hands as usize {
            let words = self.many.hand(hand);
            // Relaxed, both: our own words.
            if words.owner.load(Relaxed) == me.0 {
                // Relaxed: as above.
                match words.held.load(Relaxed) {
                    0 => self.return_hand(hand),
                    _ => {
                        self.give_back(hand, me);
                        has_left_some = true;
                    }
                }
            }
        }
        has_left_some
    }

    /// All records.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        (0..self.many.tables.records as usize).map(|index| self.many.record(index))
    }
}

/// Takes a word of an owner if it is nobody's.
fn take(owner: &crate::sync::AtomicU64, me: Owner) -> bool {
    // Relaxed: a look, so that a lease does not write to what is taken; and in failure, when somebody else was faster.
    owner.load(Relaxed) == Owner::FREE.0
        && owner.compare_exchange(Owner::FREE.0, me.0, LEASED.acquire(), Relaxed).is_ok() // relaxed: as above
}
