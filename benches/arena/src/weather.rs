//! How far apart the two processors are now: a virtual machine's host moves them.

use crate::board::Board;
use crate::clock::now_ns;
use crate::contestant::Failure;
use crate::stats;
use crate::task::Role;
use std::hint::spin_loop;
use std::sync::atomic::Ordering::*;

/// Below this many nanoseconds a bare round trip, the two processors are near each other: they share a cache.
pub const NEAR_NS: f64 = 300.0;
/// What the sender writes when it has seen enough.
const OVER: u64 = u64::MAX;
/// Round trips between two looks at the clock.
const CHUNK: u64 = 64;

/// How far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sky {
    /// Near before and after.
    Near,
    /// Far before and after.
    Far,
    /// It changed in between.
    Mixed,
}

impl Sky {
    /// What two bare round trips say, before and after.
    pub fn of([before, after]: [f64; 2]) -> Self {
        match (before < NEAR_NS, after < NEAR_NS) {
            (true, true) => Self::Near,
            (false, false) => Self::Far,
            _ => Self::Mixed,
        }
    }
}

/// One word there, one word back, on lines of their own, for so long: nanoseconds a round trip, the median of chunks. The receiver's side
/// answers, and learns nothing. Both have met before.
pub fn look(board: &Board, role: Role, for_us: u64) -> Result<f64, Failure> {
    board.meet(role)?;
    let (ping, pong) = board.ping_pong();
    // Both go on from what the last look has left.
    let start = pong.load(Relaxed);
    board.meet(role)?;
    match role {
        Role::Sender => {
            let began = now_ns();
            let (mut trips, mut last) = (0, began);
            // Chunk by chunk, so that one in which somebody else had the processor changes nothing.
            let mut chunks = Vec::with_capacity((for_us * 1000 / CHUNK) as usize + 1);
            while chunks.is_empty() || last - began < for_us * 1000 {
                for _ in 0..CHUNK {
                    trips += 1;
                    ping.store(start + trips, Release);
                    while pong.load(Acquire) != start + trips {
                        spin_loop();
                    }
                }
                let now = now_ns();
                chunks.push((now - last) as f64 / CHUNK as f64);
                last = now;
            }
            ping.store(OVER, Release);
            board.meet(role)?;
            // The next look must not find that it is over.
            ping.store(start + trips, Release);
            Ok(stats::median(chunks).unwrap_or(0.0))
        }
        Role::Receiver => {
            let mut last = start;
            loop {
                let seen = ping.load(Acquire);
                if seen == OVER {
                    break;
                }
                // What lies there from the last look, or was answered already, is not news.
                if seen == last + 1 {
                    pong.store(seen, Release);
                    last = seen;
                }
                spin_loop();
            }
            board.meet(role)?;
            Ok(0.0)
        }
    }
}
