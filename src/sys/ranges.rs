//! A table of address ranges that a signal handler may search: no lock, no memory to be had, and never half an entry.
//!
//! An entry has one word for what it is (`FREE`, `BUSY` while it is being filled, `LIVE`, `LOST`, `GONE`) and for how often it has
//! been taken: a range is believed if that count is the same behind it as in front of it. Whoever has a range in here strikes it
//! before the memory is unmapped.
//!
//! # Why what is found stays
//!
//! A handler that has found the range of the address that its thread has just touched may use it for as long as it runs: the
//! thread borrows the mapping, so nobody can be dropping it, and nobody but its owner strikes its range. All other entries may
//! come, go and be taken again meanwhile; that is what the count is for, since an address that was one mapping's may be somebody
//! else's a moment later.

#[cfg(loom)]
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{GUARDED, LOST as LOSS};
#[cfg(not(loom))]
use crate::sync::private::AtomicU64;

const FREE: u64 = 0;
const BUSY: u64 = 1;
const LIVE: u64 = 2;
const LOST: u64 = 3;
const GONE: u64 = 4;
const STATE: u64 = 0xff;
const TURN: u64 = 0x100;

/// One range, or room for one.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What it is, and above that how often it has been taken.
    state: AtomicU64,
    base: AtomicU64,
    len: AtomicU64,
}

/// A range as it was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    entry: &'a Entry,
    state: u64,
    pub(crate) base: u64,
    pub(crate) len: u64,
}

/// So many ranges at most.
#[derive(Debug)]
pub(crate) struct Ranges<const N: usize> {
    entries: [Entry; N],
}

impl Entry {
    #[cfg(not(loom))]
    const fn new() -> Self {
        Self { state: AtomicU64::new(FREE), base: AtomicU64::new(0), len: AtomicU64::new(0) }
    }

    #[cfg(loom)]
    fn new() -> Self {
        Self { state: AtomicU64::new(FREE), base: AtomicU64::new(0), len: AtomicU64::new(0) }
    }

    fn take(&self, base: u64, len: u64) -> bool {
        let free = self.state.load(Relaxed); // relaxed: the exchange decides
        let turn = (free & !STATE).wrapping_add(TURN);
        let is_taken = free & STATE == FREE
            // Relaxed in failure: somebody else has it.
            && self.state.compare_exchange(free, turn | BUSY, GUARDED.acquire(), Relaxed).is_ok();
        if is_taken {
            // Released, too: who reads one of them reads behind it that the entry is taken.
            self.base.store(base, GUARDED.release());
            self.len.store(len, GUARDED.release());
            self.state.store(turn | LIVE, GUARDED.release());
        }
        is_taken
    }

    fn look(&self) -> Option<Found<'_>> {
        let state = self.state.load(GUARDED.acquire());
        if state & STATE < LIVE {
            return None;
        }
        let base = self.base.load(GUARDED.acquire());
        let len = self.len.load(GUARDED.acquire());
        // Relaxed: the loads above have acquired the taking of whoever stored what they read.
        let is_same = self.state.load(Relaxed) & !STATE == state & !STATE;
        is_same.then_some(Found { entry: self, state: state & STATE, base, len })
    }

    /// Whether the memory was lost. Who has opened a fast path fences first (edge `lost`).
    pub(crate) fn is_lost(&self) -> bool {
        // Relaxed: ordered by that fence; and nobody else takes the entry while its owner asks.
        self.state.load(Relaxed) & STATE >= LOST
    }

    /// Takes the range out, whose memory is still there.
    pub(crate) fn strike(&self) {
        let turn = self.state.load(Relaxed) & !STATE; // relaxed: the entry is ours
        self.state.store(turn | FREE, GUARDED.release());
    }
}

impl<const N: usize> Ranges<N> {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self { entries: [const { Entry::new() }; N] }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self { entries: std::array::from_fn(|_| Entry::new()) }
    }

    /// Puts a range in; `None` if the table is full. Its owner strikes it before the memory is unmapped.
    pub(crate) fn put(&self, base: u64, len: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.take(base, len))
    }

    /// The range that this address is in.
    pub(crate) fn find(&self, address: u64) -> Option<Found<'_>> {
        self.entries.iter().filter_map(Entry::look).find(|found| address.wrapping_sub(found.base) < found.len)
    }
}

impl Found<'_> {
    /// Whether other memory has been put in its place, so that nothing need be done.
    pub(crate) fn is_gone(&self) -> bool {
        self.state == GONE
    }

    /// Says that the memory is lost. The caller is a thread that touches it.
    pub(crate) fn lose(&self) {
        self.say(LOST);
        LOSS.fence_source();
    }

    /// Says that other memory is in its place. As [`lose`](Self::lose).
    pub(crate) fn say_gone(&self) {
        self.say(GONE);
    }

    fn say(&self, what: u64) {
        // Nobody else changes it but others that touch the same memory; of their two words the later one stays.
        let now = self.entry.state.load(Relaxed); // relaxed: it is this range's for as long as the caller touches it
        self.entry.state.store(now & !STATE | what.max(now & STATE), LOSS.release());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_its_range_and_nowhere_else() {
        let ranges = Ranges::<3>::new();
        let (low, high) = (ranges.put(0x1000, 0x1000).unwrap(), ranges.put(0x5000, 0x2000).unwrap());
        for (address, base) in [(0xfff, None), (0x1000, Some(0x1000)), (0x1fff, Some(0x1000)), (0x2000, None)] {
            assert_eq!(ranges.find(address).map(|found| found.base), base, "{address:#x}");
        }
        assert_eq!(ranges.find(0x6fff).map(|found| (found.base, found.len)), Some((0x5000, 0x2000)));
        low.strike();
        assert!(ranges.find(0x1000).is_none());
        high.strike();
    }

    #[test]
    fn a_full_table_says_so_and_has_room_again() {
        let ranges = Ranges::<2>::new();
        let first = ranges.put(0x1000, 0x1000).unwrap();
        ranges.put(0x2000, 0x1000).unwrap();
        assert!(ranges.put(0x3000, 0x1000).is_none());
        first.strike();
        assert!(ranges.put(0x3000, 0x1000).is_some());
    }

    #[test]
    fn what_is_lost_is_lost_until_another_range_is_there() {
        let ranges = Ranges::<1>::new();
        let entry = ranges.put(0x1000, 0x1000).unwrap();
        assert!(!entry.is_lost());
        let found = ranges.find(0x1234).unwrap();
        found.lose();
        assert!(entry.is_lost() && !ranges.find(0x1234).unwrap().is_gone());
        found.say_gone();
        found.lose();
        assert!(entry.is_lost() && ranges.find(0x1234).unwrap().is_gone(), "the later word stays");
        entry.strike();
        assert!(!ranges.put(0x1000, 0x1000).unwrap().is_lost());
    }
}
