//! What the machine can do at best, as contestants: a word there and a word back, each on 128 bytes of its own.
//!
//! These are no channels: a word holds one number, and the next overwrites it. In a round trip none is ever overwritten
//! unread, so that is all they do.

use super::rendezvous::{publish, retry};
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::{Does, Entry, Kind};
use memmap2::MmapRaw;
use nix::libc;
use std::fs::OpenOptions;
use std::hint::spin_loop;
use std::path::PathBuf;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// Bytes that a word has for itself.
const LINE: usize = 128;

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "bare atomic ping-pong",
        version: "",
        mode: "the machine's limit: not a channel",
        waiting: Waiting::Spins,
        largest: 8,
        has_batches: false,
    };
    let futex = Card { name: "bare futex ping-pong", waiting: Waiting::Sleeps, ..card.clone() };
    let limit = |entry: Entry| entry.kind(Kind::Limit).only(Does::RoundTrips);
    vec![limit(Entry::between(card, Spinning)), limit(Entry::between(futex, Sleeping))]
}

/// A mapped line.
struct Line(MmapRaw);

impl Line {
    fn path(place: &Place) -> PathBuf {
        place.dir.join("word")
    }

    fn create(place: &Place) -> Result<Self, Failure> {
        publish(&Self::path(place), &[0; LINE])?;
        Self::open(place)
    }

    fn open(place: &Place) -> Result<Self, Failure> {
        let file = retry(|| OpenOptions::new().read(true).write(true).open(Self::path(place)))?;
        Ok(Self(MmapRaw::map_raw(&file)?))
    }

    fn wide(&self) -> &AtomicU64 {
        // SAFETY: the mapping begins with it, aligned to a page, and lives as long as `self`; all access is atomic.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast()) }
    }

    fn narrow(&self) -> &AtomicU32 {
        // SAFETY: as above; nobody uses a line as both.
        unsafe { AtomicU32::from_ptr(self.0.as_mut_ptr().cast()) }
    }
}

/// The word is the number of the message and one more, so that 0 is none.
#[derive(Clone)]
struct Spinning;

struct SpinningSender(Line);
struct SpinningReceiver(Line, u64);

impl<M: Message> Sender<M> for SpinningSender {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.0.wide().store(message.number() + 1, Release);
        Ok(())
    }
}

impl<M: Message> Receiver<M> for SpinningReceiver {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        let word = self.0.wide();
        loop {
            let seen = word.load(Acquire);
            if seen != self.1 {
                self.1 = seen;
                return Ok(M::of(seen - 1));
            }
            spin_loop();
        }
    }
}

impl Between for Spinning {
    type Sender<M: Message> = SpinningSender;
    type Receiver<M: Message> = SpinningReceiver;

    fn sender<M: Message>(&self, place: &Place) -> Result<SpinningSender, Failure> {
        Ok(SpinningSender(Line::open(place)?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<SpinningReceiver, Failure> {
        Ok(SpinningReceiver(Line::create(place)?, 0))
    }
}

/// The same in 32 bits, as wide as a futex is, without a look before the sleep but the kernel's own.
#[derive(Clone)]
struct Sleeping;

struct SleepingSender(Line);
struct SleepingReceiver(Line, u32);

impl<M: Message> Sender<M> for SleepingSender {
    fn send(&mut self, message: M) -> Result<(), Failure> {
        let word = self.0.narrow();
        word.store(message.number() as u32 + 1, Release);
        // SAFETY: a word that is mapped; waking takes no other memory.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
        Ok(())
    }
}

impl<M: Message> Receiver<M> for SleepingReceiver {
    fn recv(&mut self) -> Result<M, Failure> {
        let word = self.0.narrow();
        loop {
            let seen = word.load(Acquire);
            if seen != self.1 {
                self.1 = seen;
                return Ok(M::of(u64::from(seen - 1)));
            }
            let (timeout, other) = (null::<libc::timespec>(), null_mut::<u32>());
            // SAFETY: a word that is mapped, no timeout and no second word.
            unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, timeout, other, 0) };
        }
    }
}

impl Between for Sleeping {
    type Sender<M: Message> = SleepingSender;
    type Receiver<M: Message> = SleepingReceiver;

    fn sender<M: Message>(&self, place: &Place) -> Result<SleepingSender, Failure> {
        Ok(SleepingSender(Line::open(place)?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<SleepingReceiver, Failure> {
        Ok(SleepingReceiver(Line::create(place)?, 0))
    }
}
