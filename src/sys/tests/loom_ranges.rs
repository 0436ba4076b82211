//! The table of mappings under loom: its one entry is taken by one range after the other while a handler searches it.

use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{End, GUARDED, LOST, weakened};
use crate::sync::explore::explore_thoroughly;
use crate::sys::ranges::Ranges;
use loom::thread::spawn;
// Not loom's: a failing model drops it where loom is no more.
use std::sync::Arc;

fn two_ranges() -> usize {
    explore_thoroughly("ranges", 3, || {
        let ranges = Arc::new(Ranges::<1>::new());
        let table = Arc::clone(&ranges);
        let owner = spawn(move || {
            table.put(0x1000, 0x9000).expect("free").strike();
            table.put(0x8000, 0x1000).expect("free");
        });
        // In the first range; in the second one only if that had the length of the first.
        if let Some(found) = ranges.find(0x9500) {
            assert_eq!((found.base, found.len), (0x1000, 0x9000));
        }
        // In the second range; and in the first one only if that had the base of the second, or the length of neither.
        if let Some(found) = ranges.find(0x8500) {
            assert!([(0x1000, 0x9000), (0x8000, 0x1000)].contains(&(found.base, found.len)), "{found:x?}");
        }
        owner.join().expect("the owner ends");
    })
}

/// The same where the second range is the longer one: it may not lend its length to the first.
fn a_longer_range() -> usize {
    explore_thoroughly("a longer range", 3, || {
        let ranges = Arc::new(Ranges::<1>::new());
        let table = Arc::clone(&ranges);
        let owner = spawn(move || {
            table.put(0x1000, 0x1000).expect("free").strike();
            table.put(0x8000, 0x9000).expect("free");
        });
        if let Some(found) = ranges.find(0x9500) {
            assert_eq!((found.base, found.len), (0x8000, 0x9000));
        }
        owner.join().expect("the owner ends");
    })
}

/// Somebody else than its owner says that a range is lost: who sees that sees whose it is, and no base of nobody's.
fn lost_by_another() -> usize {
    explore_thoroughly("lost by another", 2, || {
        let ranges = Arc::new(Ranges::<1>::new());
        let [table, handlers] = [Arc::clone(&ranges), Arc::clone(&ranges)];
        let owner = spawn(move || {
            table.put(0x5000, 0x1000).expect("free");
        });
        let handler = spawn(move || {
            if let Some(found) = handlers.find(0x5800) {
                found.lose();
            }
        });
        assert!(ranges.find(0x800).is_none(), "a range that never was");
        owner.join().expect("the owner ends");
        handler.join().expect("the handler returns");
    })
}

#[test]
fn half_an_entry_is_never_found() {
    assert!(two_ranges() > 10);
    assert!(a_longer_range() > 10);
}

#[test]
fn what_is_lost_is_found_where_it_is() {
    assert!(lost_by_another() > 10);
}

#[test]
fn edge_guarded_is_needed() {
    assert!(weakened::fails(GUARDED, End::Release, two_ranges));
    assert!(weakened::fails(GUARDED, End::Acquire, two_ranges));
}

/// One thread meets a loss and closes the fast paths; another opens its own, and then looks whether anything is lost.
fn a_loss() -> usize {
    const CLOSED: u64 = u64::MAX;
    explore_thoroughly("a loss", 3, || {
        let (ranges, known) = (Arc::new(Ranges::<1>::new()), Arc::new(AtomicU64::new(CLOSED)));
        let entry = ranges.put(0x1000, 0x1000).expect("free");
        let handler = spawn({
            let (ranges, known) = (Arc::clone(&ranges), Arc::clone(&known));
            move || {
                ranges.find(0x1800).expect("the range").lose();
                known.store(CLOSED, Relaxed);
            }
        });
        known.store(7, Relaxed);
        LOST.fence_target();
        let is_seen = entry.is_lost();
        handler.join().expect("the handler returns");
        assert!(is_seen || known.load(Relaxed) == CLOSED, "a fast path stays open over nothing");
    })
}

#[test]
fn no_fast_path_stays_open_over_what_is_lost() {
    assert!(a_loss() > 10);
}

#[test]
fn edge_lost_is_needed() {
    assert!(weakened::fails(LOST, End::Release, a_loss));
    assert!(weakened::fails(LOST, End::Acquire, a_loss));
}
