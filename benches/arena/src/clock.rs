//! What time it is, how much of a processor was used, and how often it was given up.

use nix::sys::resource::{UsageWho, getrusage};
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

/// How often it slept so far: gave the processor up because it had nothing to do, not because its time was over.
pub fn sleeps(of: Of) -> u64 {
    let who = match of {
        Of::Process => UsageWho::RUSAGE_SELF,
        Of::Thread => UsageWho::RUSAGE_THREAD,
    };
    // Cannot fail: the kernel has this of everybody.
    getrusage(who).map_or(0, |usage| usage.voluntary_context_switches() as u64)
}

/// Sleeps until CLOCK_MONOTONIC shows `ns`; not at all if it does.
pub fn sleep_until(ns: u64) {
    let until = Duration::from_nanos(ns).into();
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &until)
        == Err(nix::errno::Errno::EINTR)
    {}
}
