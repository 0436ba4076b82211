//! Where bytes become references, for a many-to-many segment: a region and its sizes give the shared page, the tables and
//! the slots.
//!
//! # Safety
//!
//! What this file assumes: a [`Region`] is readable, writable, page-aligned and stays where it is while it lives; a
//! [`Geometry`] and its [`Tables`] were computed or validated by this floor, so every offset in them lies inside `total`
//! bytes, and were made for a type of `T`'s size and alignment.
//! What it guarantees: references only to atomics, which may change under us at any time and hold any value; and
//! addresses, never references, of messages.
#![allow(unsafe_code)]

pub(crate) use imp::{Many, Slot};

/// Where a position lies: which slot, and the position at which this lap around the ring began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The slot.
    pub(crate) slot: usize,
    /// What the slot's word counts by: the position less the slot's number, so that a fresh segment is all zeroes.
    pub(crate) lap: u64,
}

#[cfg(not(loom))]
mod imp {
    use super::Seat;
    use crate::layout::dormitory::Dorms;
    use crate::layout::geometry::Geometry;
    use crate::layout::lanes::{LANE_STRIDE, LaneWords};
    use crate::layout::line::Line;
    use crate::layout::prefetch;
    use crate::layout::shared::{Hand, MemberEntry, Record, SharedPage};
    use crate::layout::tables::{MEMBERS_OFFSET, SHARED_OFFSET, Tables};
    use crate::memory::Region;
    use crate::memory::cords::Cords;
    use crate::sync::{Arc, AtomicU64, Dorm};
    use core::marker::PhantomData;
    use core::ptr::NonNull;

    /// Bytes by which whoever sends or receives asks for the lines of slots before it comes to them, and at least a slot: so far ahead
    /// that the other ends are not there, and a quarter of the ring at most.
    const AHEAD_BYTES: u64 = 1024;

    /// A many-to-many segment of `T`: the shared page, the tables, the slots.
    #[derive(Debug)]
    pub(crate) struct Many<T> {
        page: NonNull<SharedPage>,
        members: NonNull<Line<MemberEntry>>,
        records: NonNull<Line<Record>>,
        hands: NonNull<u8>,
        lane_words: NonNull<u8>,
        lane_bytes: NonNull<u8>,
        slots: NonNull<u8>,
        slot_bytes: usize,
        message_offset: usize,
        /// From a slot to the one whose lines are [asked for](Self::prefetch), and all slots; 0: none are.
        ahead_bytes: usize,
        slots_bytes: usize,
        /// Messages in the ring, and slots.
        pub(crate) capacity: u64,
        /// `capacity - 1` where that is a mask.
        mask: Option<u64>,
        pub(crate) tables: Tables,
        dorms: Option<Dorms>,
        /// Keeps the bytes.
        region: Arc<Region>,
        _message: PhantomData<T>,
    }

    /// A slot: its word, and where its message lies.
    #[derive(Debug)]
    pub(crate) struct Slot<'a, T> {
        pub(crate) word: &'a AtomicU64,
        message: *mut T,
    }

    impl<T> Clone for Slot<'_, T> {
        fn clone(&self) -> Self {
            *self
        }
    }

    impl<T> Copy for Slot<'_, T> {}

    impl<T> Slot<'_, T> {
        /// Lets `use_it` have the address of the message.
        #[inline(always)]
        pub(crate) fn with<R>(self, use_it: impl FnOnce(*mut T) -> R) -> R {
            use_it(self.message)
        }
    }

    // SAFETY: addresses in memory that the `Arc` keeps; messages go in and out by value, so `T: Send` is what a message
    //  between threads needs.
    unsafe impl<T: Send> Send for Many<T> {}
    // SAFETY: what is shared are atomics; who may touch a message's place is said by the ring's words, whoever asks.
    unsafe impl<T: Send> Sync for Many<T> {}

    impl<T> Many<T> {
        /// The views of a region that a segment of these sizes fills; `None` if it is too small.
        pub(crate) fn new(
            region: Arc<Region>,
            geometry: &Geometry,
            tables: Tables,
            cords: Option<&Cords>,
        ) -> Option<Self> {
            if (region.len() as u64) < geometry.total {
                return None;
            }
            assert!(
                size_of::<T>().max(1) as u64 == geometry.stride
                    && align_of::<T>() as u64 <= geometry.payload_offset
                    && align_of::<T>() as u64 <= tables.hand_offset
                    && geometry.per == 1
                    && tables.slots_offset() == geometry.frames_offset,
                "a geometry of another type"
            );
            let base = region.base();
            // SAFETY: `slots_offset` is behind all the tables and inside `total`, which is inside the region.
            let at = |offset: u64| unsafe { base.add(offset as usize) };
            Some(Self {
                page: at(SHARED_OFFSET).cast(),
                members: at(MEMBERS_OFFSET).cast(),
                records: at(tables.records_offset()).cast(),
                hands: at(tables.hands_offset()),
                lane_words: at(tables.lane_words_offset()),
                lane_bytes: at(tables.lane_bytes_offset()),
                slots: at(geometry.frames_offset),
                slot_bytes: geometry.frame_bytes as usize,
                message_offset: geometry.payload_offset as usize,
                ahead_bytes: (AHEAD_BYTES.div_ceil(geometry.frame_bytes).min(geometry.capacity / 4)
                    * geometry.frame_bytes) as usize,
                slots_bytes: (geometry.capacity * geometry.frame_bytes) as usize,
                capacity: geometry.capacity,
                mask: geometry.capacity.is_power_of_two().then(|| geometry.capacity - 1),
                tables,
                dorms: Dorms::new(&region, geometry, cords),
                region,
                _message: PhantomData,
            })
        }

        /// Whether the memory is gone, and zeroes are in its place.
        pub(crate) fn is_lost(&self) -> bool {
            self.region.is_lost()
        }

        #[inline(always)]
        pub(crate) fn page(&self) -> &SharedPage {
            // SAFETY: [1] inside the region, aligned to a page since the region is. [2] Atomics, valid for any bytes. [3]
            //  Kept by the `Arc`.
            unsafe { self.page.as_ref() }
        }

        /// Where those lie who sleep on this bell of the segment's, if not on a futex: the shared page's four, then the lanes'.
        #[inline(always)]
        pub(crate) fn dorm(&self, bell: usize) -> Option<&Dorm> {
            self.dorms.as_ref()?.get(bell)
        }

        /// One of `tables.members`.
        pub(crate) fn member(&self, index: usize) -> &MemberEntry {
            assert!((index as u64) < self.tables.members);
            // SAFETY: one of so many, so inside the region.
            let entry = unsafe { self.members.add(index) };
            // SAFETY: as in `page`.
            unsafe { entry.as_ref() }
        }

        /// One of `tables.records`.
        #[inline(always)]
        pub(crate) fn record(&self, index: usize) -> &Record {
            assert!((index as u64) < self.tables.records);
            // SAFETY: one of so many, so inside the region.
            let entry = unsafe { self.records.add(index) };
            // SAFETY: as in `page`.
            unsafe { entry.as_ref() }
        }

        /// One of `tables.hands`.
        pub(crate) fn hand(&self, index: usize) -> &Hand {
            // SAFETY: a hand begins with its words, aligned to 8 since its bytes and the table are.
            unsafe { self.hand_at(index).cast().as_ref() }
        }

        fn hand_at(&self, index: usize) -> NonNull<u8> {
            assert!((index as u64) < self.tables.hands);
            // SAFETY: one of so many, so inside the region.
            unsafe { self.hands.add(index * self.tables.hand_bytes as usize) }
        }

        /// Lets `use_it` have the address of the message in a hand.
        pub(crate) fn with_hand<R>(&self, index: usize, use_it: impl FnOnce(*mut T) -> R) -> R {
            // SAFETY: a hand has `hand_bytes`, its message's offset and size included (layout::tables).
            use_it(unsafe { self.hand_at(index).add(self.tables.hand_offset as usize) }.cast().as_ptr())
        }

        /// The same, to read there: a model tells the two apart.
        #[inline(always)]
        pub(crate) fn see_hand<R>(&self, index: usize, use_it: impl FnOnce(*const T) -> R) -> R {
            self.with_hand(index, |message| use_it(message))
        }

        /// One of `tables.lanes`.
        #[inline(always)]
        pub(crate) fn lane(&self, index: usize) -> &LaneWords {
            assert!((index as u64) < self.tables.lanes.count());
            // SAFETY: one of so many, so inside the region.
            let words = unsafe { self.lane_words.add(index * LANE_STRIDE as usize) };
            // SAFETY: as in `page`; the words lie at a multiple of 128.
            unsafe { words.cast().as_ref() }
        }

        /// Lets `use_it` have the address of so many bytes of a lane, which lie in it; it is no annex.
        #[inline(always)]
        pub(crate) fn with_lane<R>(
            &self,
            index: usize,
            bytes: core::ops::Range<usize>,
            use_it: impl FnOnce(*mut u8) -> R,
        ) -> R {
            let (lanes, index) = (self.tables.lanes, index as u64);
            assert!(index < lanes.inside() && bytes.start <= bytes.end && bytes.end as u64 <= lanes.bytes_of(index));
            // SAFETY: inside the lane, which is inside the region (layout::tables).
            use_it(unsafe { self.lane_bytes.add(lanes.data_offset(index) as usize + bytes.start) }.as_ptr())
        }

        /// The same, to read there: a model tells the two apart.
        #[inline(always)]
        pub(crate) fn see_lane<R>(
            &self,
            index: usize,
            bytes: core::ops::Range<usize>,
            use_it: impl FnOnce(*const u8) -> R,
        ) -> R {
            self.with_lane(index, bytes, |place| use_it(place))
        }

        /// Where this position lies.
        #[inline(always)]
        pub(crate) fn seat(&self, position: u64) -> Seat {
            let slot = match self.mask {
                Some(mask) => position & mask,
                None => position % self.capacity,
            };
            Seat { slot: slot as usize, lap: position - slot }
        }

        /// One of `capacity` slots.
        #[inline(always)]
        pub(crate) fn slot(&self, slot: usize) -> Slot<'_, T> {
            assert!((slot as u64) < self.capacity);
            // SAFETY: one of `capacity` slots, so inside the region (layout::geometry).
            let start = unsafe { self.slots.add(slot * self.slot_bytes) };
            // SAFETY: it starts there.
            unsafe { self.slot_of(start) }
        }

        /// # Safety
        ///
        /// One of our slots starts there.
        #[inline(always)]
        unsafe fn slot_of(&self, start: NonNull<u8>) -> Slot<'_, T> {
            // SAFETY: inside the slot, by the geometry.
            let message = unsafe { start.add(self.message_offset) };
            // SAFETY: a slot begins with its word, aligned to 8; an atomic, valid for any bytes; kept by the `Arc`.
            let word = unsafe { start.cast().as_ref() };
            Slot { word, message: message.cast().as_ptr() }
        }

        /// Asks the processor for the lines of a slot a little ahead of one of ours, to write to: who reads a message says so in its
        /// slot.
        #[inline(always)]
        pub(crate) fn prefetch(&self, slot: Slot<'_, T>) {
            if let Some(start) = self.ahead(slot) {
                prefetch::each(start, self.slot_bytes, prefetch::to_write);
            }
        }

        /// The same for so many slots from this seat on.
        #[inline(always)]
        pub(crate) fn prefetch_all(&self, seat: Seat, count: usize) {
            self.lines_ahead(seat, count).for_each(prefetch::to_write);
        }

        /// The lines of as many slots, those that are a little ahead of these; not those of so many that they would come back to them.
        #[inline(always)]
        pub(crate) fn lines_ahead(&self, seat: Seat, count: usize) -> impl Iterator<Item = *const u8> {
            let first = seat.slot * self.slot_bytes + self.ahead_bytes;
            let lines = match self.ahead_bytes {
                0 => 0..0,
                ahead => {
                    first - first % prefetch::LINE..first + (count * self.slot_bytes).min(self.slots_bytes - ahead)
                }
            };
            let (slots, all, lines) = (self.slots.as_ptr(), self.slots_bytes, lines.step_by(prefetch::LINE));
            lines.map(move |at| slots.wrapping_add(if at < all { at } else { at - all }).cast_const())
        }

        /// Where the slot begins that is to be asked for when somebody is through with this one; `None`: its line has been asked for
        /// with another's, or the ring is too small.
        #[inline(always)]
        pub(crate) fn ahead(&self, slot: Slot<'_, T>) -> Option<*const u8> {
            let word = core::ptr::from_ref(slot.word).cast::<u8>();
            if word.addr() % prefetch::LINE >= self.slot_bytes || self.ahead_bytes == 0 {
                return None;
            }
            let ahead = word.wrapping_add(self.ahead_bytes);
            let end = self.slots.as_ptr().wrapping_add(self.slots_bytes);
            Some(if ahead >= end { ahead.wrapping_sub(self.slots_bytes) } else { ahead })
        }

        /// Visits `most` slots from this seat on, each with its lap, around the ring; until `visit` says of one that it goes no further.
        /// How many come before that one.
        #[inline(always)]
        pub(crate) fn along(&self, seat: Seat, most: usize, mut visit: impl FnMut(Slot<'_, T>, u64) -> bool) -> usize {
            let Seat { slot: mut first, mut lap } = seat;
            let mut visited = 0;
            // In parts that do not go around: what depends on the lap is the same for all of one.
            while visited < most {
                let part_end = visited + (most - visited).min((self.capacity as usize).saturating_sub(first));
                assert!(visited < part_end);
                // SAFETY: a part that is not empty begins below `capacity`, so inside the region (layout::geometry).
                let mut at = unsafe { self.slots.add(first * self.slot_bytes) };
                for place in visited..part_end {
                    // SAFETY: the part has no more slots than there are from its first on.
                    if !visit(unsafe { self.slot_of(at) }, lap) {
                        return place;
                    }
                    // SAFETY: the end of that slot, inside the region or where it ends.
                    at = unsafe { at.add(self.slot_bytes) };
                }
                // A peer may have written any position to the cursor that the lap comes from.
                (visited, first, lap) = (part_end, 0, lap.wrapping_add(self.capacity));
            }
            visited
        }

        /// The word of a slot.
        #[inline(always)]
        pub(crate) fn word(&self, slot: usize) -> &AtomicU64 {
            self.slot(slot).word
        }
    }
}

#[cfg(loom)]
mod imp {
    use super::Seat;
    use crate::layout::geometry::Geometry;
    use crate::layout::lanes::LaneWords;
    use crate::layout::modelled_bytes::Bytes;
    use crate::layout::shared::{Hand, MemberEntry, Record, SharedPage};
    use crate::layout::tables::Tables;
    use crate::sync::AtomicU64;
    use loom::cell::UnsafeCell;
    // Not loom's: who keeps the memory is no part of a model.
    use std::sync::Arc;

    /// The words of a model, in boxes, and each message in a cell whose accesses loom checks.
    #[derive(Debug)]
    struct Boxes<T> {
        page: SharedPage,
        members: Vec<MemberEntry>,
        records: Vec<Record>,
        hands: Vec<(Hand, UnsafeCell<T>)>,
        lanes: Vec<(LaneWords, Bytes)>,
        slots: Vec<(AtomicU64, UnsafeCell<T>)>,
    }

    /// A slot: its word, and its message's cell.
    #[derive(Debug)]
    pub(crate) struct Slot<'a, T> {
        pub(crate) word: &'a AtomicU64,
        message: &'a UnsafeCell<T>,
    }

    impl<T> Clone for Slot<'_, T> {
        fn clone(&self) -> Self {
            *self
        }
    }

    impl<T> Copy for Slot<'_, T> {}

    impl<T> Slot<'_, T> {
        pub(crate) fn with<R>(self, use_it: impl FnOnce(*mut T) -> R) -> R {
            self.message.with_mut(use_it)
        }
    }

    #[derive(Debug)]
    pub(crate) struct Many<T> {
        boxes: Arc<Boxes<T>>,
        pub(crate) capacity: u64,
        pub(crate) tables: Tables,
    }

    // SAFETY: a cell is accessed by whoever the ring's words allow, which is what the model checks.
    unsafe impl<T: Send> Send for Many<T> {}
    // SAFETY: as above.
    unsafe impl<T: Send> Sync for Many<T> {}

    impl<T> Clone for Many<T> {
        fn clone(&self) -> Self {
            Self { boxes: Arc::clone(&self.boxes), ..*self }
        }
    }

    impl<T: bytemuck::Zeroable> Many<T> {
        pub(crate) fn modelled(geometry: &Geometry, tables: Tables) -> Self {
            fn some<X>(count: u64, make: impl Fn() -> X) -> Vec<X> {
                (0..count).map(|_| make()).collect()
            }
            let cell = || UnsafeCell::new(T::zeroed());
            let boxes = Boxes {
                page: SharedPage::default(),
                members: some(tables.members, MemberEntry::default),
                records: some(tables.records, Record::default),
                hands: some(tables.hands, || (Hand::default(), cell())),
                lanes: (0..tables.lanes.count())
                    .map(|lane| (LaneWords::default(), Bytes::new(tables.lanes.bytes_of(lane) as usize)))
                    .collect(),
                slots: some(geometry.capacity, || (AtomicU64::new(0), cell())),
            };
            Self { boxes: Arc::new(boxes), capacity: geometry.capacity, tables }
        }
    }

    impl<T> Many<T> {
        pub(crate) fn is_lost(&self) -> bool {
            false
        }

        pub(crate) fn page(&self) -> &SharedPage {
            &self.boxes.page
        }

        pub(crate) fn dorm(&self, _bell: usize) -> Option<&crate::sync::Dorm> {
            None
        }

        pub(crate) fn member(&self, index: usize) -> &MemberEntry {
            &self.boxes.members[index]
        }

        pub(crate) fn record(&self, index: usize) -> &Record {
            &self.boxes.records[index]
        }

        pub(crate) fn hand(&self, index: usize) -> &Hand {
            &self.boxes.hands[index].0
        }

        pub(crate) fn with_hand<R>(&self, index: usize, use_it: impl FnOnce(*mut T) -> R) -> R {
            self.boxes.hands[index].1.with_mut(use_it)
        }

        /// The same, to read there.
        pub(crate) fn see_hand<R>(&self, index: usize, use_it: impl FnOnce(*const T) -> R) -> R {
            self.boxes.hands[index].1.with(use_it)
        }

        pub(crate) fn lane(&self, index: usize) -> &LaneWords {
            &self.boxes.lanes[index].0
        }

        pub(crate) fn with_lane<R>(
            &self,
            index: usize,
            bytes: core::ops::Range<usize>,
            use_it: impl FnOnce(*mut u8) -> R,
        ) -> R {
            self.boxes.lanes[index].1.with(bytes, use_it)
        }

        /// The same, to read there.
        pub(crate) fn see_lane<R>(
            &self,
            index: usize,
            bytes: core::ops::Range<usize>,
            use_it: impl FnOnce(*const u8) -> R,
        ) -> R {
            self.boxes.lanes[index].1.see(bytes, use_it)
        }

        pub(crate) fn seat(&self, position: u64) -> Seat {
            let slot = position % self.capacity;
            Seat { slot: slot as usize, lap: position - slot }
        }

        pub(crate) fn prefetch(&self, _: Slot<'_, T>) {}

        pub(crate) fn slot(&self, slot: usize) -> Slot<'_, T> {
            Slot { word: &self.boxes.slots[slot].0, message: &self.boxes.slots[slot].1 }
        }

        pub(crate) fn prefetch_all(&self, _: Seat, _: usize) {}

        pub(crate) fn along(&self, seat: Seat, most: usize, mut visit: impl FnMut(Slot<'_, T>, u64) -> bool) -> usize {
            let first = seat.lap + seat.slot as u64;
            let is_the_end = |&place: &usize| {
                let Seat { slot, lap } = self.seat(first + place as u64);
                !visit(self.slot(slot), lap)
            };
            (0..most).find(is_the_end).unwrap_or(most)
        }

        pub(crate) fn word(&self, slot: usize) -> &AtomicU64 {
            &self.boxes.slots[slot].0
        }
    }
}
