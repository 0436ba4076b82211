//! Waiting for something that cannot be slept on: a lock byte, a name.

use std::time::Duration;

/// What to do between two tries: pauses first, then yields, then short sleeps of up to 2 ms.
///
/// Source: the first part is crossbeam's `Backoff`.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    pauses: crossbeam_utils::Backoff,
    naps: u32,
}

impl Patience {
    /// Waits a little, each time a little longer.
    pub(crate) fn wait(&mut self) {
        if !self.pauses.is_completed() {
            self.pauses.snooze();
            return;
        }
        self.naps = (self.naps + 1).min(7);
        // Up to 2^5 .. 2^11 microseconds; the jitter keeps two processes from meeting at one lock for ever.
        let longest = 16_u64 << self.naps;
        let jitter = super::clock::now_ns() % (longest / 2);
        std::thread::sleep(Duration::from_micros(longest / 2 + jitter));
    }
}
