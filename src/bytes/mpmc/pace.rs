//! When a sender of loans had better wait for its receivers although there is room for more.
//!
//! A sender that writes faster than its receivers read is soon ahead by as many annexes as there are, and from then on each is written
//! when it is back. What it writes then is in no cache next to it any more, nor what is read next to its reader. With one message being
//! written, and one being read, all is where it was: messages of 1 MiB go 1.6 times as fast. And who writes faster than others read gains
//! nothing by being ahead.
//!
//! So a loan that needs an annex polls a while first, as long as a message that was sent in one is not being received: at most for as long as
//! whoever waits here polls, and as long as it takes to write the message. Nobody is kept from reading meanwhile, as there is something
//! to read; and receivers that keep messages have received them.
//!
//! Measured (a sender and a receiver on two processors, each word written and read, 16 annexes, GB/s without and with): 256 KiB 11.4 and
//! 16.7, 1 MiB 10.4 and 16.7, 4 MiB 19.0 and 20.9; 16 MiB a tenth less, so there nobody waits.

use super::lanes::{Attached, lanes, longest};
use crate::channel::mpmc::waiting::Waits;
use crate::ring::lane::Lanes;
use crate::sync::backoff;
use crate::wait::deadline::Deadline;
use std::time::Duration;

/// What is written in a nanosecond, about: who polls for ever polls here for as long as it will write.
const BYTES_PER_NS: u64 = 10;
/// What is longer is in no cache by the time that it has been written, however few take turns.
const CACHED_MAX: usize = 4 << 20;
/// Pauses between two looks, each of which reads a line of each annex.
const PAUSES: usize = 8;

/// Before a message of `len` bytes is lent room in an annex: polls until what was sent in annexes is being received, for a while.
///
/// *Progress*: no system call; over after a fixed time.
#[inline(always)]
pub(super) fn keep(core: &Attached, waits: Waits, len: usize, deadline: Deadline) {
    // Else a lane holds it, or no cache does; or no time goes by.
    if len > longest(core) && len <= CACHED_MAX && !cfg!(loom) {
        keep_for_annexes(core, waits, len, deadline);
    }
}

#[inline(never)]
fn keep_for_annexes(core: &Attached, waits: Waits, len: usize, deadline: Deadline) {
    let writing = Duration::from_nanos(len as u64 / BYTES_PER_NS);
    let budget = waits.strategy.spin().unwrap_or(writing).min(writing);
    pause_until(budget, deadline, || !lanes(core).has_unread(lanes(core).annexes()));
}

/// Pauses until then, for so long at most.
fn pause_until(budget: Duration, deadline: Deadline, is_reached: impl Fn() -> bool) {
    if budget.is_zero() || is_reached() {
        return;
    }
    let end = deadline.within(budget);
    while !end.is_over() {
        (0..PAUSES).for_each(|_| backoff::pause());
        if is_reached() {
            return;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::channel_with;
    use super::*;
    use crate::channel::options::Options;
    use std::cell::Cell;

    const HOUR: Duration = Duration::from_secs(3600);

    /// How often somebody looks who is to have reached it at its `looks`-th look.
    fn looked(budget: Duration, deadline: Deadline, looks: u32) -> u32 {
        let count = Cell::new(0);
        pause_until(budget, deadline, || {
            count.set(count.get() + 1);
            count.get() == looks
        });
        count.get()
    }

    #[test]
    fn it_polls_until_then() {
        for looks in [1, 2, 7] {
            assert_eq!(looked(HOUR, Deadline::NEVER, looks), looks);
        }
    }

    #[test]
    fn it_gives_up_when_either_time_is_over() {
        assert!(looked(Duration::from_nanos(1), Deadline::NEVER, u32::MAX) < u32::MAX);
        assert_eq!(looked(HOUR, Deadline::after(Duration::ZERO), u32::MAX), 1, "one look");
    }

    #[test]
    fn what_is_waited_for_is_what_was_sent_in_an_annex_and_is_not_being_received() {
        let (tx, rx) = channel_with(&Options::new().lanes(2, 4096).annexes(3)).unwrap();
        let core = tx.parcels.core();
        let has_unread = || lanes(core).has_unread(lanes(core).annexes());
        tx.send(&[7; 4096]).unwrap();
        assert!(!has_unread(), "in a lane");
        let (first, second) = (tx.loan(5000).unwrap(), tx.loan(5000).unwrap());
        assert!(!has_unread(), "not sent");
        first.send().unwrap();
        assert!(has_unread());
        assert_eq!(rx.recv().unwrap().len(), 4096);
        let held = rx.recv_ref().unwrap();
        assert!(held.len() == 5000 && !has_unread(), "in hand");
        second.send().unwrap();
        assert!(has_unread());
        drop(held);
        rx.recv_ref().unwrap().commit();
        rx.recv_ref().unwrap().commit();
        assert!(!has_unread(), "done");
    }

    #[test]
    fn who_sleeps_at_once_does_not_look() {
        assert_eq!(looked(Duration::ZERO, Deadline::NEVER, u32::MAX), 0);
    }
}
