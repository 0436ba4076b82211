//! What time it is, and how much of a processor was used.

use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};
use std::time::Duration;

fn read(clock: ClockId) -> u64 {
    // Cannot fail: these clocks exist on every Linux.
    clock_gettime(clock).map_or(0, |time| Duration::from(time).as_nanos() as u64)
}

/// Nanoseconds of CLOCK_MONOTONIC, which all processes share.
#[inline]
pub fn now_ns() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// Whose processor time.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// This process, with all of its threads.
    Process,
    /// This thread.
    Thread,
}

/// Nanoseconds of processor time used so far, in user and kernel mode.
pub fn cpu_ns(of: Of) -> u64 {
    read(match of {
        Of::Process => ClockId::CLOCK_PROCESS_CPUTIME_ID,
        Of::Thread => ClockId::CLOCK_THREAD_CPUTIME_ID,
    })
}

/// Sleeps until CLOCK_MONOTONIC shows `ns`; not at all if it does.
pub fn sleep_until(ns: u64) {
    let until = Duration::from_nanos(ns).into();
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &until)
        == Err(nix::errno::Errno::EINTR)
    {}
}
