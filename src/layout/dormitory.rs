//! Where the dormitories of a segment lie, whose waiter is no futex: behind all else.
//!
//! # Safety
//!
//! What this file assumes: a [`Region`] is readable, writable, page-aligned and stays where it is while it lives; a
//! [`Geometry`] was computed or validated by this floor, so that its dormitories lie inside `total` bytes.
//! What it guarantees: references only to atomics.
#![allow(unsafe_code)]

use super::error::Kind;
use super::geometry::PAGE;
use super::tables::Tables;
use super::waiter::Waiter;
use crate::memory::cords::Queues;
#[cfg(not(loom))]
pub(crate) use imp::{Dorms, fresh};

/// Beds for those who sleep on a bell that is everybody's.
pub(crate) const BEDS: u64 = 64;
/// The bells of a many-to-many segment that are everybody's.
const WIDE: u64 = 4;
/// Bytes of a desk, of the states of one bed, and of a bed.
pub(crate) const DORM_STRIDE: u64 = 128;

/// What the objects of the C library are like: bits of a pointer, and 256 x (1 glibc, 2 musl).
pub(crate) const ABI: u32 = usize::BITS + 256 * if cfg!(target_env = "musl") { 2 } else { 1 };

/// A segment's bells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bells {
    /// The producer's, then the consumer's: one sleeps on each.
    OneToOne,
    /// The shared page's; then those of the lanes, on each of which one sleeps.
    Many {
        /// So many.
        lanes: u64,
    },
}

/// The dormitories of one segment: which, and how many. Private to the process: computed or validated once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DormTable {
    pub(crate) waiter: Waiter,
    bells: Bells,
}

impl DormTable {
    /// Those of a segment of this kind; `None` if a futex needs none.
    pub(crate) fn new(waiter: Waiter, kind: Kind, tables: Option<&Tables>) -> Option<Self> {
        let lanes = tables.map_or(0, |tables| tables.lanes.count());
        let bells = if kind.is_many() { Bells::Many { lanes } } else { Bells::OneToOne };
        (waiter != Waiter::Futex).then_some(Self { waiter, bells })
    }

    /// How many there are: one a bell.
    pub(crate) fn count(&self) -> u64 {
        match self.bells {
            Bells::OneToOne => 2,
            Bells::Many { lanes } => WIDE + lanes,
        }
    }

    /// How many sleep in this one.
    pub(crate) fn beds(&self, dorm: u64) -> u64 {
        if matches!(self.bells, Bells::Many { .. }) && dorm < WIDE { BEDS } else { 1 }
    }

    /// Where it lies, from the first one on.
    pub(crate) fn offset(&self, dorm: u64) -> u64 {
        let wide = if self.beds(0) == BEDS { dorm.min(WIDE) } else { 0 };
        wide * dorm_bytes(BEDS) + (dorm - wide) * dorm_bytes(1)
    }

    /// The dormitories that everybody comes to: not those of lanes.
    pub(crate) fn common(&self) -> u64 {
        match self.bells {
            Bells::OneToOne => 2,
            Bells::Many { .. } => WIDE,
        }
    }

    /// The message queues of the segment of this instance, if its sleepers have some.
    pub(crate) fn queues(&self, instance: [u8; 16]) -> Option<Queues> {
        let (common, beds) = (self.common(), self.beds(0));
        (self.waiter == Waiter::MessageQueue).then_some(Queues {
            instance,
            common,
            beds,
            single: self.count() - common,
        })
    }

    /// Bytes of all.
    pub(crate) fn bytes(&self) -> u64 {
        self.offset(self.count())
    }

    /// Bytes that the segment is longer by.
    pub(crate) fn room(&self) -> u64 {
        self.bytes().next_multiple_of(PAGE)
    }
}

fn dorm_bytes(beds: u64) -> u64 {
    DORM_STRIDE + (beds * 8).next_multiple_of(DORM_STRIDE) + beds * DORM_STRIDE
}

#[cfg(not(loom))]
mod imp {
    use super::{DormTable, dorm_bytes};
    use crate::layout::geometry::Geometry;
    use crate::layout::waiter::Waiter;
    use crate::memory::Region;
    use crate::memory::cords::Cords;
    use crate::sync::Arc;
    use crate::sync::dormitory::{self, Dorm, FOREIGN_WORDS};
    use core::ptr::NonNull;

    /// The dormitories of a segment.
    #[derive(Debug, Clone)]
    pub(crate) struct Dorms {
        dorms: Arc<[Dorm]>,
        /// Keeps the bytes.
        region: Arc<Region>,
    }

    impl Drop for Dorms {
        fn drop(&mut self) {
            if self.dorms.iter().any(Dorm::is_kept) {
                std::mem::forget(Arc::clone(&self.region));
            }
        }
    }

    impl Dorms {
        /// Those of a region that a segment of this geometry fills, if it has any, with these cords. The caller has compared the
        /// sizes.
        pub(crate) fn new(region: &Arc<Region>, geometry: &Geometry, cords: Option<&Cords>) -> Option<Self> {
            let table = geometry.dorms?;
            assert!(region.len() as u64 >= geometry.total, "a geometry of another region");
            let dorms = (0..table.count()).map(|dorm| {
                let at = geometry.dorms_offset() + table.offset(dorm);
                // SAFETY: behind the frames and inside `total` (layout::geometry), which is inside the region.
                let base: NonNull<u8> = unsafe { region.base().add(at as usize) };
                let cords = cords.map(|cords| cords.of(dorm as usize));
                let beds = table.beds(dorm);
                assert_eq!(dormitory::dorm_bytes(beds as usize) as u64, dorm_bytes(beds), "one layout, told twice");
                // SAFETY: [1] so many bytes are there, by `DormTable::bytes`. [2] Aligned: pages and multiples of 128. [3] Used as
                //  atomics by all, and kept by `region`, which lives as long as these views.
                unsafe { Dorm::new(base, beds as usize, table.waiter == Waiter::Condvar, cords) }
            });
            Some(Self { dorms: dorms.collect(), region: Arc::clone(region) })
        }

        /// That of this bell.
        #[inline(always)]
        pub(crate) fn get(&self, bell: usize) -> Option<&Dorm> {
            self.dorms.get(bell)
        }
    }

    /// The words of all dormitories, in which nobody has ever slept: a mutex and a semaphore are given.
    pub(crate) fn fresh(table: &DormTable, mutex: [u64; FOREIGN_WORDS], semaphore: [u64; FOREIGN_WORDS]) -> Vec<u64> {
        let mut words = Vec::with_capacity((table.bytes() / 8) as usize);
        for beds in (0..table.count()).map(|dorm| table.beds(dorm)) {
            let end = words.len() + (dorm_bytes(beds) / 8) as usize;
            words.extend([0; 8]);
            words.extend(mutex);
            words.resize(words.len() + dormitory::states_bytes(beds as usize) / 8, 0);
            (0..beds).for_each(|_| words.extend(mutex.iter().chain(&semaphore)));
            debug_assert_eq!(words.len(), end);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dormitories_lie_one_behind_the_other() {
        let pair = DormTable { waiter: Waiter::Semaphore, bells: Bells::OneToOne };
        assert_eq!((pair.count(), pair.beds(0), pair.offset(1), pair.bytes(), pair.room()), (2, 1, 384, 768, 4096));
        let many = DormTable { waiter: Waiter::Condvar, bells: Bells::Many { lanes: 3 } };
        assert_eq!([0, 3, 4, 6].map(|dorm| many.beds(dorm)), [64, 64, 1, 1]);
        assert_eq!([0, 1, 4, 5].map(|dorm| many.offset(dorm)), [0, 8832, 4 * 8832, 4 * 8832 + 384]);
        assert_eq!(many.bytes(), 4 * 8832 + 3 * 384);
    }

    #[test]
    fn a_futex_needs_none() {
        assert_eq!(DormTable::new(Waiter::Futex, Kind::Spsc, None), None);
    }
}
