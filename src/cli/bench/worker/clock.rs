//! Times that two processes can compare.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Nanoseconds of the monotonic clock, which is the same in every process.
#[inline(always)]
pub(in crate::cli::bench) fn now_ns() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds that this process has been on a processor.
pub(super) fn cpu_ns() -> u64 {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// A duration in nanoseconds.
pub(in crate::cli::bench) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[inline(always)]
fn read(clock: ClockId) -> u64 {
    // Both exist on every Linux, and never fail for the process itself.
    clock_gettime(clock).map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// What one reading of the clock costs, in nanoseconds: it is part of each time.
pub(in crate::cli::bench) fn cost_ns() -> f64 {
    const READINGS: u64 = 2000;
    let start = now_ns();
    let last = (0..READINGS).fold(start, |last, _| now_ns().max(last));
    (last - start) as f64 / READINGS as f64
}
