//! Spinning.

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

/// Leaves the word to whoever has won the race for it: somebody else is at it with every message, and who comes back at once costs
/// both a journey of its line for each.
///
/// Source: Anderson, The performance of spin lock alternatives for shared-memory multiprocessors, 1990.
#[cold]
pub(crate) fn stand_back() {
    // Of senders and receivers that try all the time 64 gave three quarters of the rate, 512 a tenth more (`benches/NOTES.md`).
    // None in a model, where nobody is slow.
    let pauses = if cfg!(loom) { 0 } else { 128 };
    (0..pauses).for_each(|_| pause());
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
