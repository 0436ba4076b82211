//! Where bytes become references: a region and a geometry give the control pages and the frames.
//!
//! The ring sees only what this file hands out, so the same ring runs over a mapping, on the heap, in a process that is
//! about to be killed, and (from boxes instead of bytes) in a model.
//!
//! # Safety
//!
//! What this file assumes: a [`Region`] is readable, writable, page-aligned and stays where it is while it lives; a
//! [`Geometry`] was computed or validated by `layout::geometry`, so every offset in it lies inside `total` bytes.
//! What it guarantees: references only to atomics, which may change under us at any time and hold any value; and
//! addresses, never references, of messages: a byte that another process may be writing is never under a plain
//! reference, which would promise that it does not change.
#![allow(unsafe_code)]

pub(crate) use imp::{Control, Ends, Frames, Spot};

#[cfg(not(loom))]
mod imp {
    use crate::layout::control::{ConsumerPage, EndLines, ProducerPage};
    use crate::layout::dormitory::Dorms;
    use crate::layout::geometry::{CONSUMER_OFFSET, Geometry, PRODUCER_OFFSET, Placement, WORD_STRIDE};
    use crate::layout::prefetch;
    use crate::memory::Region;
    use crate::memory::cords::Cords;
    use crate::sync::{Arc, AtomicU64, Dorm};
    use core::marker::PhantomData;
    use core::ptr::NonNull;

    /// Bytes by which a producer should be ahead of a consumer that has caught up with it: a page, so that the two are on
    /// different lines by far, and no more, so that what is to be read is still in the nearer caches.
    const LEAD_BYTES: u64 = 4096;
    /// And frames: a frame of one line holds more messages for its bytes, and they take longer to come.
    const LEAD_FRAMES_MAX: u64 = 32;
    /// The largest frame for which that matters: in a larger one the lines that both use at a time are few among many.
    const SMALL_FRAME_MAX: u64 = 512;

    /// Bytes by which a producer asks for lines before it writes to them, and at least a frame. Four lines: where the two processors
    /// are far apart that gave 1.6 times the rate, two and three lines nearly as much, six and eight nothing (`benches/NOTES.md`).
    const WRITE_AHEAD_BYTES: u64 = 256;
    /// Bytes by which a consumer asks for lines before it reads them, at least a frame, and at most so many.
    const READ_AHEAD_BYTES: u64 = 2048;
    const READ_AHEAD_FRAMES_MAX: u64 = 16;
    /// After so many frames without an empty ring the producer is taken to be ahead.
    const FLOW_FRAMES: u64 = 4;
    /// The largest frame that is asked for: in a larger one the processor sees by itself where reading and writing goes on.
    const AHEAD_FRAME_MAX: u64 = 4096;

    /// The two control pages of a segment.
    #[derive(Debug, Clone)]
    pub(crate) struct Control {
        producer: NonNull<ProducerPage>,
        consumer: NonNull<ConsumerPage>,
        dorms: Option<Dorms>,
        /// Keeps the bytes.
        region: Arc<Region>,
    }

    // SAFETY: the pages are atomics, which any thread may use, in memory that the `Arc` keeps.
    unsafe impl Send for Control {}
    // SAFETY: as above.
    unsafe impl Sync for Control {}

    impl Control {
        /// The control pages of a region that a segment of this geometry fills; `None` if it is too small. Its sleepers have these
        /// cords.
        pub(crate) fn new(region: Arc<Region>, geometry: &Geometry, cords: Option<&Cords>) -> Option<Self> {
            if (region.len() as u64) < geometry.total {
                return None;
            }
            let base = region.base();
            // SAFETY: `total` is at least three pages and the first frame, so the offset is inside the region.
            let producer = unsafe { base.add(PRODUCER_OFFSET as usize) }.cast();
            // SAFETY: as above.
            let consumer = unsafe { base.add(CONSUMER_OFFSET as usize) }.cast();
            let dorms = Dorms::new(&region, geometry, cords);
            Some(Self { producer, consumer, dorms, region })
        }

        /// Where those lie who sleep on the producer's bell (0), or on the consumer's (1), if not on a futex.
        #[inline(always)]
        pub(crate) fn dorm(&self, bell: usize) -> Option<&Dorm> {
            self.dorms.as_ref()?.get(bell)
        }

        /// Whether the memory is gone, and zeroes are in its place.
        pub(crate) fn is_lost(&self) -> bool {
            self.region.is_lost()
        }

        #[inline(always)]
        pub(crate) fn producer(&self) -> &ProducerPage {
            // SAFETY: [1] inside the region, and aligned to a page since the region is. [2] all fields are atomics or
            //  nothing, valid for any bytes. [3] `self.region` keeps the memory for as long as the reference lives.
            unsafe { self.producer.as_ref() }
        }

        #[inline(always)]
        pub(crate) fn consumer(&self) -> &ConsumerPage {
            // SAFETY: as in `producer`.
            unsafe { self.consumer.as_ref() }
        }
    }

    /// The lines of both ends, told apart once: which are ours is no question on the hot path.
    #[derive(Debug)]
    pub(crate) struct Ends {
        own: NonNull<EndLines>,
        peer: NonNull<EndLines>,
        /// Keeps the bytes.
        control: Control,
    }

    // SAFETY: atomics in memory that `control` keeps.
    unsafe impl Send for Ends {}
    // SAFETY: as above.
    unsafe impl Sync for Ends {}

    impl Ends {
        /// The lines of both ends, seen from the producer or from the consumer.
        pub(crate) fn new(control: Control, is_producer: bool) -> Self {
            let (producer, consumer) = (NonNull::from(&control.producer().end), NonNull::from(&control.consumer().end));
            let (own, peer) = if is_producer { (producer, consumer) } else { (consumer, producer) };
            Self { own, peer, control }
        }

        /// What this end writes.
        #[inline(always)]
        pub(crate) fn own(&self) -> &EndLines {
            // SAFETY: made from a reference into memory that `self.control` keeps.
            unsafe { self.own.as_ref() }
        }

        /// What the other end writes.
        #[inline(always)]
        pub(crate) fn peer(&self) -> &EndLines {
            // SAFETY: as in `own`.
            unsafe { self.peer.as_ref() }
        }

        pub(crate) fn control(&self) -> &Control {
            &self.control
        }
    }

    /// A frame: its word, and where its messages lie. Computed once a frame.
    #[derive(Debug)]
    pub(crate) struct Spot<T> {
        /// Its number.
        pub(crate) frame: usize,
        word: *const AtomicU64,
        /// Where message 0 would lie if the ring were one endless frame in which this one is in its place: so that a
        /// message's address is this and its position, and one number moves from message to message. Wraps.
        origin: *mut T,
    }

    impl<T> Clone for Spot<T> {
        fn clone(&self) -> Self {
            *self
        }
    }

    impl<T> Copy for Spot<T> {}

    // SAFETY: addresses, used with the `Frames` that made them and that keeps the memory.
    unsafe impl<T: Send> Send for Spot<T> {}

    /// The frames of a ring of `T`: words, and the places of messages.
    #[derive(Debug)]
    pub(crate) struct Frames<T> {
        /// The word of frame 0.
        words: NonNull<u8>,
        /// Place 0 of frame 0, and the bytes to that of the next frame.
        places: NonNull<u8>,
        frame_bytes: usize,
        stride: usize,
        /// The last physical frame.
        last: usize,
        /// Bytes from one frame's word to the next one's, and from the last one's to the first one's.
        word_step: isize,
        word_wrap: isize,
        /// The same of a [`Spot`]'s origin, which falls by a frame's messages as their positions grow.
        origin_step: isize,
        origin_wrap: isize,
        /// Messages in a frame.
        pub(crate) per: usize,
        /// Physical frames.
        pub(crate) count: usize,
        /// Messages in the ring.
        pub(crate) capacity: u64,
        contiguous: bool,
        /// Frames by which a producer that is written behind should be ahead; 0 where a frame is much by itself.
        pub(crate) lead: usize,
        /// Frames by which a producer [asks for what it will write to](Self::prefetch_to_write); 0: it does not.
        pub(crate) write_ahead: usize,
        /// Frames by which a consumer [asks for what it will read](Self::prefetch_to_read).
        read_ahead: usize,
        /// Messages without an empty ring after which it does.
        pub(crate) flow: u64,
        /// Keeps the bytes.
        _region: Arc<Region>,
        _message: PhantomData<T>,
    }

    // SAFETY: addresses in memory that the `Arc` keeps; messages go in and out by value, so `T: Send` is what a
    //  message between threads needs.
    unsafe impl<T: Send> Send for Frames<T> {}

    impl<T> Frames<T> {
        /// The frames behind these control pages.
        ///
        /// The geometry is that of the region (`Control::new` has compared sizes), and was made for a type of `T`'s
        /// size and alignment.
        pub(crate) fn new(control: &Control, geometry: &Geometry) -> Self {
            assert!(
                size_of::<T>().max(1) as u64 == geometry.stride
                    && align_of::<T>() as u64 <= geometry.payload_offset.max(4096),
                "a geometry of another type"
            );
            let region = Arc::clone(&control.region);
            let at = |offset: u64| {
                assert!(offset <= region.len() as u64, "a geometry of another region");
                // SAFETY: just compared with the region's length.
                unsafe { region.base().add(offset as usize) }
            };
            let inline = geometry.placement == Placement::Inline;
            let is_small = inline && geometry.frame_bytes <= SMALL_FRAME_MAX;
            let has_ahead = inline && geometry.frame_bytes <= AHEAD_FRAME_MAX;
            let ahead = |bytes: u64| bytes.div_ceil(geometry.frame_bytes).min(geometry.frames / 4);
            let read_ahead = ahead(READ_AHEAD_BYTES).min(READ_AHEAD_FRAMES_MAX) as usize;
            let word_step = if inline { geometry.frame_bytes } else { WORD_STRIDE } as isize;
            let (last, messages) = (geometry.frames - 1, (geometry.per * geometry.stride) as isize);
            Self {
                last: last as usize,
                word_step,
                word_wrap: -(last as isize * word_step),
                origin_step: geometry.frame_bytes as isize - messages,
                origin_wrap: -((last * geometry.frame_bytes) as isize) - messages,
                words: at(geometry.frames_offset),
                places: at(geometry.payload_base + geometry.payload_offset),
                frame_bytes: geometry.frame_bytes as usize,
                stride: geometry.stride as usize,
                per: geometry.per as usize,
                count: geometry.frames as usize,
                capacity: geometry.capacity,
                contiguous: !inline,
                lead: if is_small { (LEAD_BYTES / geometry.frame_bytes).min(LEAD_FRAMES_MAX) as usize } else { 0 },
                write_ahead: if has_ahead { ahead(WRITE_AHEAD_BYTES) as usize } else { 0 },
                read_ahead,
                flow: if has_ahead && read_ahead > 0 { FLOW_FRAMES * geometry.per } else { u64::MAX },
                _region: region,
                _message: PhantomData,
            }
        }

        /// The physical frame whose first message has this position.
        #[inline(always)]
        pub(crate) fn spot(&self, frame: usize, first: u64) -> Spot<T> {
            let origin = self.place(frame, 0).wrapping_sub(first as usize);
            Spot { frame, word: self.word_address(frame), origin }
        }

        /// The frame behind `spot`'s, for a spot that these frames made.
        #[inline(always)]
        pub(crate) fn next(&self, spot: Spot<T>) -> Spot<T> {
            let (frame, word, origin) = if spot.frame == self.last {
                (0, self.word_wrap, self.origin_wrap)
            } else {
                (spot.frame + 1, self.word_step, self.origin_step)
            };
            // From one of `count` words to another: one further, or from the last to the first.
            let word = spot.word.wrapping_byte_offset(word);
            Spot { frame, word, origin: spot.origin.wrapping_byte_offset(origin) }
        }

        /// Asks the processor for the lines of a frame a little ahead of `spot`'s, to write to. The frame must be one
        /// that the other end has left: it would lose lines that it is about to read.
        #[inline(always)]
        pub(crate) fn prefetch_to_write(&self, spot: Spot<T>) {
            prefetch::each(self.word_ahead(spot, self.write_ahead), self.frame_bytes, prefetch::to_write);
        }

        /// The same, to read. The other end should be beyond that frame: it would lose lines that it is about to write to.
        #[inline(always)]
        pub(crate) fn prefetch_to_read(&self, spot: Spot<T>) {
            prefetch::each(self.word_ahead(spot, self.read_ahead), self.frame_bytes, prefetch::to_read);
        }

        /// Where the frame so many frames ahead of `spot`'s, less than there are, begins; words lie in their frames.
        #[inline(always)]
        pub(crate) fn word_ahead(&self, spot: Spot<T>, ahead: usize) -> *const u8 {
            let back = if spot.frame + ahead > self.last { self.count } else { 0 };
            let frames = ahead as isize - back as isize;
            spot.word.wrapping_byte_offset(frames * self.word_step).cast()
        }

        /// The word of a spot's frame.
        ///
        /// # Safety
        ///
        /// The spot was made by these frames.
        #[inline(always)]
        pub(crate) unsafe fn word_at(&self, spot: Spot<T>) -> &AtomicU64 {
            // SAFETY: [1] the address of one of our words: `spot` took it from `word_address`, and `next` goes from one to
            //  another by what lies between them. [2] An atomic, valid for any bytes, in memory that `self` keeps.
            unsafe { &*spot.word }
        }

        /// Lets `use_it` have the address of a message of a spot's frame, to write there.
        #[inline(always)]
        pub(crate) fn with_mut_at<R>(&self, spot: Spot<T>, position: u64, use_it: impl FnOnce(*mut T) -> R) -> R {
            use_it(spot.origin.wrapping_add(position as usize))
        }

        /// Lets `use_it` have the address of a message of a spot's frame, to read there.
        #[inline(always)]
        pub(crate) fn with_at<R>(&self, spot: Spot<T>, position: u64, use_it: impl FnOnce(*const T) -> R) -> R {
            use_it(spot.origin.wrapping_add(position as usize))
        }

        /// The publication word of a physical frame.
        #[inline(always)]
        pub(crate) fn word(&self, frame: usize) -> &AtomicU64 {
            // SAFETY: the address of a word inside the region; an atomic, valid for any bytes; kept by the `Arc`.
            unsafe { &*self.word_address(frame) }
        }

        /// Where that is. From the region's own pointer, so that `next` may go from one word to another.
        #[inline(always)]
        fn word_address(&self, frame: usize) -> *const AtomicU64 {
            assert!(frame < self.count);
            // SAFETY: `frame` is one of `count`, so its word lies inside the region (layout::geometry), aligned to 8 since
            //  bases and strides are.
            unsafe { self.words.byte_offset(frame as isize * self.word_step) }.cast().as_ptr()
        }

        /// Lets `use_it` have the address of a place, to read there.
        #[inline(always)]
        pub(crate) fn with<R>(&self, frame: usize, place: usize, use_it: impl FnOnce(*const T) -> R) -> R {
            use_it(self.place(frame, place))
        }

        /// The address of a message of a spot's frame, and how many messages, at most `max`, lie contiguous from there
        /// on; `left` of them are in that frame.
        #[inline(always)]
        pub(crate) fn run_at(&self, spot: Spot<T>, position: u64, left: usize, max: usize) -> (NonNull<T>, usize) {
            let len = if self.contiguous { left + (self.last - spot.frame) * self.per } else { left };
            let place = spot.origin.wrapping_add(position as usize);
            (NonNull::new(place).unwrap_or(NonNull::dangling()), len.min(max))
        }

        /// A model is told here that messages are read in place.
        #[inline(always)]
        pub(crate) fn lend(&self, _spot: Spot<T>, _position: u64, _len: usize) {}

        /// And that they are written there.
        #[inline(always)]
        pub(crate) fn lend_mut(&self, _spot: Spot<T>, _position: u64, _len: usize) {}

        #[inline(always)]
        fn place(&self, frame: usize, place: usize) -> *mut T {
            assert!(frame < self.count && place < self.per);
            // SAFETY: one of `count` frames and one of its `per` places, so inside the region (layout::geometry).
            unsafe { self.places.add(frame * self.frame_bytes + place * self.stride) }.cast::<T>().as_ptr()
        }
    }
}

#[cfg(loom)]
mod imp {
    use crate::layout::control::{ConsumerPage, EndLines, ProducerPage};
    use crate::layout::geometry::{Geometry, Placement};
    use crate::sync::AtomicU64;
    use core::ptr::NonNull;
    use loom::cell::UnsafeCell;
    // Not loom's: who keeps the memory is no part of a model, and a failing model drops these where loom is no more.
    use std::sync::Arc;

    /// The two control pages, in boxes.
    #[derive(Debug, Clone)]
    pub(crate) struct Control(Arc<(ProducerPage, ConsumerPage)>);

    impl Control {
        pub(crate) fn modelled() -> Self {
            Self(Arc::new(Default::default()))
        }

        pub(crate) fn dorm(&self, _bell: usize) -> Option<&crate::sync::Dorm> {
            None
        }

        pub(crate) fn is_lost(&self) -> bool {
            false
        }

        pub(crate) fn producer(&self) -> &ProducerPage {
            &self.0.0
        }

        pub(crate) fn consumer(&self) -> &ConsumerPage {
            &self.0.1
        }
    }

    /// The lines of both ends.
    #[derive(Debug)]
    pub(crate) struct Ends {
        is_producer: bool,
        control: Control,
    }

    impl Ends {
        pub(crate) fn new(control: Control, is_producer: bool) -> Self {
            Self { is_producer, control }
        }

        pub(crate) fn own(&self) -> &EndLines {
            if self.is_producer { &self.control.producer().end } else { &self.control.consumer().end }
        }

        pub(crate) fn peer(&self) -> &EndLines {
            if self.is_producer { &self.control.consumer().end } else { &self.control.producer().end }
        }

        pub(crate) fn control(&self) -> &Control {
            &self.control
        }
    }

    /// A frame, and the position of its first message.
    #[derive(Debug)]
    pub(crate) struct Spot<T> {
        pub(crate) frame: usize,
        first: u64,
        _message: core::marker::PhantomData<T>,
    }

    impl<T> Clone for Spot<T> {
        fn clone(&self) -> Self {
            *self
        }
    }

    impl<T> Copy for Spot<T> {}

    /// What a model has of a ring's frames: the places in a row, as in a segment, and for each a cell whose accesses loom
    /// checks.
    #[derive(Debug)]
    struct Boxes<T> {
        words: Vec<AtomicU64>,
        places: Vec<std::cell::UnsafeCell<T>>,
        cells: Vec<UnsafeCell<()>>,
    }

    /// The frames of a ring of `T`: words, and the places of messages.
    #[derive(Debug)]
    pub(crate) struct Frames<T> {
        boxes: Arc<Boxes<T>>,
        pub(crate) per: usize,
        pub(crate) count: usize,
        pub(crate) capacity: u64,
        contiguous: bool,
        pub(crate) lead: usize,
        pub(crate) write_ahead: usize,
        pub(crate) flow: u64,
    }

    // SAFETY: a place is accessed by whoever the ring's words allow, which is what the model checks.
    unsafe impl<T: Send> Send for Frames<T> {}

    impl<T> Clone for Frames<T> {
        fn clone(&self) -> Self {
            Self { boxes: Arc::clone(&self.boxes), ..*self }
        }
    }

    impl<T: bytemuck::Zeroable> Frames<T> {
        pub(crate) fn modelled(geometry: &Geometry) -> Self {
            let places = geometry.frames * geometry.per;
            let boxes = Boxes {
                words: (0..geometry.frames).map(|_| AtomicU64::new(0)).collect(),
                places: (0..places).map(|_| std::cell::UnsafeCell::new(T::zeroed())).collect(),
                cells: (0..places).map(|_| UnsafeCell::new(())).collect(),
            };
            Self {
                boxes: Arc::new(boxes),
                per: geometry.per as usize,
                count: geometry.frames as usize,
                capacity: geometry.capacity,
                contiguous: geometry.placement == Placement::Table,
                lead: 0,
                write_ahead: 0,
                flow: u64::MAX,
            }
        }
    }

    impl<T> Frames<T> {
        pub(crate) fn spot(&self, frame: usize, first: u64) -> Spot<T> {
            Spot { frame, first, _message: core::marker::PhantomData }
        }

        pub(crate) fn prefetch_to_write(&self, _: Spot<T>) {}

        pub(crate) fn prefetch_to_read(&self, _: Spot<T>) {}

        pub(crate) fn next(&self, spot: Spot<T>) -> Spot<T> {
            let frame = if spot.frame + 1 < self.count { spot.frame + 1 } else { 0 };
            Spot { frame, first: spot.first + self.per as u64, ..spot }
        }

        /// # Safety
        ///
        /// None is needed here; natively the spot must have been made by these frames.
        pub(crate) unsafe fn word_at(&self, spot: Spot<T>) -> &AtomicU64 {
            self.word(spot.frame)
        }

        pub(crate) fn with_mut_at<R>(&self, spot: Spot<T>, position: u64, use_it: impl FnOnce(*mut T) -> R) -> R {
            self.with_mut(spot.frame, (position - spot.first) as usize, use_it)
        }

        pub(crate) fn with_at<R>(&self, spot: Spot<T>, position: u64, use_it: impl FnOnce(*const T) -> R) -> R {
            self.with(spot.frame, (position - spot.first) as usize, use_it)
        }

        pub(crate) fn word(&self, frame: usize) -> &AtomicU64 {
            &self.boxes.words[frame]
        }

        pub(crate) fn with_mut<R>(&self, frame: usize, place: usize, use_it: impl FnOnce(*mut T) -> R) -> R {
            let index = self.index(frame, place);
            self.boxes.cells[index].with_mut(|_| use_it(self.address(index)))
        }

        pub(crate) fn with<R>(&self, frame: usize, place: usize, use_it: impl FnOnce(*const T) -> R) -> R {
            let index = self.index(frame, place);
            self.boxes.cells[index].with(|_| use_it(self.address(index)))
        }

        /// As natively; loom is told nothing ([`lend`](Self::lend), [`lend_mut`](Self::lend_mut)).
        pub(crate) fn run_at(&self, spot: Spot<T>, position: u64, left: usize, max: usize) -> (NonNull<T>, usize) {
            let len = if self.contiguous { left + (self.count - 1 - spot.frame) * self.per } else { left };
            let place = self.address(spot.frame * self.per + (position - spot.first) as usize);
            (NonNull::new(place).unwrap_or(NonNull::dangling()), len.min(max))
        }

        /// Tells loom that so many messages from this position of a spot's frame on are read, now.
        pub(crate) fn lend(&self, spot: Spot<T>, position: u64, len: usize) {
            self.lent(spot, position, len).for_each(|cell| cell.with(|_| ()));
        }

        /// Tells loom that they are written.
        pub(crate) fn lend_mut(&self, spot: Spot<T>, position: u64, len: usize) {
            self.lent(spot, position, len).for_each(|cell| cell.with_mut(|_| ()));
        }

        fn lent(&self, spot: Spot<T>, position: u64, len: usize) -> impl Iterator<Item = &UnsafeCell<()>> {
            let first = spot.frame * self.per + (position - spot.first) as usize;
            self.boxes.cells.iter().cycle().skip(first).take(len)
        }

        fn index(&self, frame: usize, place: usize) -> usize {
            assert!(frame < self.count && place < self.per);
            frame * self.per + place
        }

        /// Where one of the places is, from where all that follow can be reached.
        fn address(&self, index: usize) -> *mut T {
            std::cell::UnsafeCell::raw_get(self.boxes.places.as_ptr()).wrapping_add(index)
        }
    }
}
