//! What whoever tries does between two tries.

use std::hint::spin_loop;

/// Tries in vain before the processor is given up: some microseconds, longer than a message takes from one processor to
/// the other, and a small part of a scheduler's slice. With more ends than processors, the one that is waited for may
/// stand still until then.
const TRIES: u32 = 100;

/// How often it was in vain since the last success.
#[derive(Debug, Default)]
pub struct Pause(u32);

impl Pause {
    /// It was in vain once more.
    #[inline(always)]
    pub fn again(&mut self) {
        self.0 += 1;
        if self.0 < TRIES {
            spin_loop();
        } else {
            self.0 = 0;
            std::thread::yield_now();
        }
    }
}
