//! rtrb, one producer and one consumer between threads.
//!
//! Fastest documented mode: `push` and `pop` one at a time, and chunks for more. Its documentation says of chunks that
//! the slots can be written in place through `WriteChunkUninit::as_mut_slices` and read in place through
//! `ReadChunk::as_slices`, one atomic store for the whole chunk
//! (<https://docs.rs/rtrb/0.4.1/rtrb/chunks/index.html>). It has no waiting of its own, so both ends poll; this is also
//! its default. The capacity is exact.

use std::hint::spin_loop;

use crate::contestant::{Card, Failure, Message, Place, Receiver, Sender, Waiting, Within};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "rtrb",
        version: "0.4.1",
        mode: "its only one: polling, chunks in place",
        waiting: Waiting::Spins,
        largest: usize::MAX,
        has_batches: true,
    };
    vec![Entry::within(card, Rtrb)]
}

/// rtrb.
#[derive(Debug, Clone, Copy)]
struct Rtrb;

impl Within for Rtrb {
    type Sender<M: Message> = rtrb::Producer<M>;
    type Receiver<M: Message> = rtrb::Consumer<M>;

    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure> {
        Ok(rtrb::RingBuffer::new(place.capacity))
    }
}

impl<M: Message> Sender<M> for rtrb::Producer<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        while self.push(message).is_err() {
            spin_loop();
        }
        Ok(())
    }

    #[inline(always)]
    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        let mut sent = 0;
        while sent < count {
            let wanted = count - sent;
            // The consumer's position is looked at only when there seems to be too little room.
            let room = match self.cached_slots() {
                room if room >= wanted => wanted,
                _ => self.slots().min(wanted),
            };
            if room == 0 {
                spin_loop();
                continue;
            }
            let mut chunk = self.write_chunk_uninit(room)?;
            let (front, back) = chunk.as_mut_slices();
            for (slot, number) in front.iter_mut().chain(back).zip(first + sent as u64..) {
                slot.write(M::of(number));
            }
            // SAFETY: every slot of both slices was written just above.
            unsafe { chunk.commit_all() };
            sent += room;
        }
        Ok(())
    }
}

impl<M: Message> Receiver<M> for rtrb::Consumer<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        loop {
            if let Ok(message) = self.pop() {
                return Ok(message);
            }
            spin_loop();
        }
    }

    #[inline(always)]
    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        loop {
            let count = match self.cached_slots() {
                there if there >= max => max,
                _ => self.slots().min(max),
            };
            if count == 0 {
                spin_loop();
                continue;
            }
            let chunk = self.read_chunk(count)?;
            let (front, back) = chunk.as_slices();
            front.iter().for_each(&mut take);
            back.iter().for_each(&mut take);
            chunk.commit_all();
            return Ok(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_arrives_in_order() {
        trial::within(Rtrb);
    }
}
