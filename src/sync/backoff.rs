//! Spinning.

use std::cell::Cell;

/// One pause of a spinning thread: the processor's hint natively, a switch to another thread in the model.
#[inline(always)]
pub(crate) fn pause() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// A turn for somebody else on this processor.
pub(crate) fn give_way() {
    #[cfg(not(loom))]
    std::thread::yield_now();
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// Positions within which a second race that the same thread loses makes a fight: less than 0.1 ms of a flow, and more than go by while it
/// pauses.
const FIGHT: u64 = 4096;

/// Leaves the word to whoever has won the race for it at this position: somebody else is at it with every message, and who comes back
/// at once costs both a journey of its line for each.
///
/// In a fight it gives way, too. Two that fight for a cursor are no faster than one of them alone; and if they and those at the other
/// end have fewer processors than they are, the other end is what is to run instead.
///
/// *Progress*: wait-free; in a fight one `sched_yield`.
///
/// Source: Anderson, The performance of spin lock alternatives for shared-memory multiprocessors, 1990.
#[cold]
pub(crate) fn stand_back(position: u64) {
    if cfg!(loom) {
        // Nobody is slow in a model.
        return;
    }
    // Of senders and receivers that try all the time 64 gave three quarters of the rate, 512 a tenth more (`benches/NOTES.md`).
    (0..128).for_each(|_| pause());
    if is_fight(position) {
        give_way();
    }
}

/// Whether this thread lost a race near this position before, the last time that it lost one. Counts it.
///
/// Of which channel that was, and of which end, is not kept: who takes positions that are near each other by chance gives way once.
fn is_fight(position: u64) -> bool {
    thread_local! {
        static LOST_AT: Cell<u64> = const { Cell::new(FAR) };
    }
    /// No position is near it.
    const FAR: u64 = u64::MAX / 2;
    LOST_AT.with(|lost_at| lost_at.replace(position).abs_diff(position) < FIGHT)
}

/// Longer and longer pauses of somebody who was beaten in a race.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    beaten: u32,
    rounds: u32,
}

impl Backoff {
    /// Pauses of a last round: 2 to this power.
    const LONGEST: u32 = 6;
    /// A race that is lost so often is another one by now: whoever waits looks around first. All rounds together are half a
    /// millisecond, so that who spins, and reads the clock each 32 looks, is late by some 16 ms beside somebody who wins every race.
    const PATIENCE: u32 = 1 << 8;

    /// Whether it is worth another try. Counts it.
    pub(crate) fn is_patient(&mut self) -> bool {
        self.rounds += 1;
        self.rounds <= Self::PATIENCE
    }

    /// A race was lost.
    #[cold]
    pub(crate) fn spin(&mut self) {
        for _ in 0..1 << self.beaten.min(Self::LONGEST) {
            pause();
            #[cfg(loom)]
            break;
        }
        self.beaten += 1;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_second_race_that_is_lost_nearby_is_a_fight() {
        let lose = |positions: &[u64]| {
            let positions = positions.to_vec();
            let lost = std::thread::spawn(move || positions.into_iter().map(is_fight).collect::<Vec<_>>());
            lost.join().unwrap()
        };
        assert_eq!(lose(&[0, 0]), [false, true], "the first is none, even at 0");
        assert_eq!(lose(&[7, 7 + FIGHT - 1, 7 + 2 * FIGHT]), [false, true, false]);
        assert_eq!(lose(&[9000, 9000 - FIGHT, 9000 - FIGHT + 1]), [false, false, true], "in either direction");
        assert_eq!(lose(&[(1 << 62) - 1, 5, 6]), [false, false, true]);
    }
}
