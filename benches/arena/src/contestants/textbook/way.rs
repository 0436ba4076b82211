//! The bounded buffer, for any way of taking turns at it.

use super::memory::Memory;
use crate::contestant::{self, Failure, Message, Place};
use crate::lengths::{self, Lengths};
use std::marker::PhantomData;
use std::ptr;

/// By what a producer and a consumer take turns. The value says how; each end is made in the process that uses it.
pub trait Way: Clone + Send + Sync + 'static {
    /// What an end has of it.
    type Turns: Turns;

    /// Makes the buffer, of as many places as the place says if the way can count so far, each of so many bytes, and the
    /// consumer's end. Nothing in it is ready.
    fn create(&self, place: &Place, bytes: usize) -> Result<(Memory, Self::Turns), Failure>;

    /// The producer's end of it. Waits for the consumer's for a few seconds if it must.
    fn open(&self, place: &Place) -> Result<(Memory, Self::Turns), Failure>;

    /// Removes what ends that were killed have left.
    fn clean(&self, place: &Place) {
        let _ = place;
    }
}

/// An end's turns: places that are its own come from the other end, one after the other, and go back to it in that order.
/// To the producer they come free, to the consumer full.
pub trait Turns {
    /// Waits for a place; how many there are, at most `most`. All of them are given before more are taken.
    fn take(&mut self, most: usize) -> Result<usize, Failure>;

    /// Gives so many of those that were taken to the other end.
    fn give(&mut self, count: usize) -> Result<(), Failure>;
}

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its places come free.
    Producer,
    /// Its places come full.
    Consumer,
}

/// An end with its position.
pub struct Places<T> {
    // Before the memory, in which it may have something.
    turns: T,
    memory: Memory,
    next: usize,
}

impl<T: Turns> Places<T> {
    fn new((memory, turns): (Memory, T)) -> Self {
        Self { turns, memory, next: 0 }
    }

    /// The next place that is ours.
    #[inline]
    fn next(&mut self) -> *mut u8 {
        let place = self.memory.place(self.next);
        self.next += 1;
        if self.next == self.memory.places() {
            self.next = 0;
        }
        place
    }
}

/// Messages of one size, each in a place.
#[derive(Clone)]
pub struct Buffer<W>(pub W);

/// An end for messages of one size.
pub struct Fixed<T, M>(Places<T>, PhantomData<M>);

impl<T: Turns, M: Message> Fixed<T, M> {
    fn new(end: (Memory, T)) -> Result<Self, Failure> {
        if end.0.bytes() != M::BYTES {
            return Err(format!("places of {} bytes for messages of {}", end.0.bytes(), M::BYTES).into());
        }
        Ok(Self(Places::new(end), PhantomData))
    }
}

impl<T: Turns, M: Message> contestant::Sender<M> for Fixed<T, M> {
    #[inline]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.0.turns.take(1)?;
        // SAFETY: a place of that many bytes, aligned to 8 as words are, and ours.
        unsafe { self.0.next().cast::<M>().write(message) };
        self.0.turns.give(1)
    }

    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        let (mut next, end) = (first, first + count as u64);
        while next < end {
            let taken = self.0.turns.take((end - next) as usize)?;
            for number in (next..).take(taken) {
                // SAFETY: as above.
                unsafe { self.0.next().cast::<M>().write(M::of(number)) };
            }
            self.0.turns.give(taken)?;
            next += taken as u64;
        }
        Ok(())
    }
}

impl<T: Turns, M: Message> contestant::Receiver<M> for Fixed<T, M> {
    #[inline]
    fn recv(&mut self) -> Result<M, Failure> {
        self.0.turns.take(1)?;
        // SAFETY: as above, and full.
        let message = unsafe { self.0.next().cast::<M>().read() };
        self.0.turns.give(1)?;
        Ok(message)
    }

    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        let taken = self.0.turns.take(max)?;
        for _ in 0..taken {
            // SAFETY: as above; nobody writes there before it is given.
            take(unsafe { &*self.0.next().cast::<M>() });
        }
        self.0.turns.give(taken)?;
        Ok(taken)
    }
}

impl<W: Way> contestant::Between for Buffer<W> {
    type Sender<M: Message> = Fixed<W::Turns, M>;
    type Receiver<M: Message> = Fixed<W::Turns, M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        Fixed::new(self.0.open(place)?)
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        Fixed::new(self.0.create(place, M::BYTES)?)
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

/// Bytes that go in a round, at most.
const ROUND: usize = 64 << 10;
/// Bytes of a record's length, in front of it.
const LENGTH: usize = 8;

/// Messages of any length: a record in a place behind its length, a large message in as many places as it needs.
pub struct Rounds<W>(pub W);

/// An end for messages of any length.
pub struct Lengthy<T> {
    places: Places<T>,
    lengths: Lengths,
}

/// Bytes of a place.
fn bytes(lengths: Lengths) -> usize {
    match lengths {
        Lengths::Known(bytes) => bytes.min(ROUND),
        Lengths::UpTo(most) => LENGTH + most.next_multiple_of(LENGTH),
    }
}

impl<T: Turns> lengths::Sender for Lengthy<T> {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        if !self.lengths.are_known() {
            self.places.turns.take(1)?;
            let place = self.places.next();
            // SAFETY: a place of the longest record's bytes and a word's, aligned to 8, and ours.
            unsafe {
                place.cast::<u64>().write(message.len() as u64);
                ptr::copy_nonoverlapping(message.as_ptr(), place.add(LENGTH), message.len());
            }
            return self.places.turns.give(1);
        }
        message.chunks(self.places.memory.bytes()).try_for_each(|round| {
            self.places.turns.take(1)?;
            // SAFETY: a place of at least so many bytes, and ours.
            unsafe { ptr::copy_nonoverlapping(round.as_ptr(), self.places.next(), round.len()) };
            self.places.turns.give(1)
        })
    }
}

impl<T: Turns> lengths::Receiver for Lengthy<T> {
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        if !self.lengths.are_known() {
            self.places.turns.take(1)?;
            let place = self.places.next();
            // SAFETY: a place as above, and full.
            let len = unsafe { place.cast::<u64>().read() } as usize;
            let to = into.get_mut(..len).ok_or_else(|| format!("a record of {len} bytes"))?;
            // SAFETY: as many bytes as were written behind the word.
            unsafe { ptr::copy_nonoverlapping(place.add(LENGTH), to.as_mut_ptr(), len) };
            self.places.turns.give(1)?;
            return Ok(len);
        }
        into.chunks_mut(self.places.memory.bytes()).try_for_each(|round| {
            self.places.turns.take(1)?;
            // SAFETY: a place of at least so many bytes, and full.
            unsafe { ptr::copy_nonoverlapping(self.places.next(), round.as_mut_ptr(), round.len()) };
            self.places.turns.give(1)
        })?;
        Ok(into.len())
    }
}

impl<W: Way> lengths::Between for Rounds<W> {
    type Sender = Lengthy<W::Turns>;
    type Receiver = Lengthy<W::Turns>;

    fn sender(&self, place: &Place, lengths: Lengths) -> Result<Self::Sender, Failure> {
        Ok(Lengthy { places: Places::new(self.0.open(place)?), lengths })
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Self::Receiver, Failure> {
        let bytes = bytes(lengths);
        // Two at least, or the two would never work at the same time.
        let place = Place { capacity: (place.capacity / bytes).max(2), ..place.clone() };
        Ok(Lengthy { places: Places::new(self.0.create(&place, bytes)?), lengths })
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}
