//! Being told to stop: SIGINT, SIGTERM and SIGHUP.
//!
//! The handlers store which signal it was, and the command looks at that between two waits, none of which is longer
//! than [`SLICE`]. A call that blocks (a write to an output that nobody reads) is interrupted, since the handlers are
//! installed without `SA_RESTART`. A signal that comes between the look and the call would interrupt nothing: so the
//! first one starts a timer, whose SIGALRM interrupts again and again until the process has ended.
//!
//! A SIGHUP that is ignored already (`nohup`) stays ignored.
//!
//! # Safety
//!
//! The one unsafe idea in this file: code that runs in a signal handler. It uses an atomic and one system call, both
//! of which may be used there, takes no lock, allocates nothing and leaves `errno` as it was.
#![allow(unsafe_code)]

use super::failure::Failure;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::io;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The longest wait between two looks.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// How often a blocking call is interrupted once a signal has come.
const AGAIN_US: libc::suseconds_t = 20_000;

/// The first signal that said to stop; 0: none.
static STOP: AtomicI32 = AtomicI32::new(0);

extern "C" fn stop(signal: libc::c_int) {
    // Relaxed, both: nothing else is handed over.
    let _ = STOP.compare_exchange(0, signal, Relaxed, Relaxed);
    let again = libc::timeval { tv_sec: 0, tv_usec: AGAIN_US };
    let timer = libc::itimerval { it_interval: again, it_value: again };
    // SAFETY: [1] `timer` lives through the call, and the old value is not asked for. [2] A bare system call, which may
    //  be made in a handler; with these arguments it does not fail, so `errno` stays.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
}

/// Its coming is all that is wanted of it.
extern "C" fn interrupt(_: libc::c_int) {}

/// Installs the handlers.
pub(crate) fn install() -> Result<(), Failure> {
    // The alarm first: nothing may ring before it is heard.
    set(Signal::SIGALRM, interrupt)
        .and_then(|_| set(Signal::SIGINT, stop))
        .and_then(|_| set(Signal::SIGTERM, stop))
        .and_then(|_| set(Signal::SIGHUP, stop))
        .and_then(|before| {
            if matches!(before.handler(), SigHandler::SigIgn) { restore(Signal::SIGHUP, &before) } else { Ok(()) }
        })
        .map_err(|error| Failure::Fault(format!("cannot handle signals: {error}")))
}

/// Ends the command if a signal has said so.
pub(crate) fn check() -> Result<(), Failure> {
    stopped().map_or(Ok(()), |signal| Err(Failure::Stopped(signal)))
}

/// The signal that has said to stop.
pub(crate) fn stopped() -> Option<i32> {
    match STOP.load(Relaxed) {
        0 => None,
        signal => Some(signal),
    }
}

fn set(signal: Signal, handler: extern "C" fn(libc::c_int)) -> io::Result<SigAction> {
    // No SA_RESTART: a blocked call is to come back.
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handlers above do only what a handler may do.
    Ok(unsafe { sigaction(signal, &action) }?)
}

fn restore(signal: Signal, before: &SigAction) -> io::Result<()> {
    // SAFETY: an action that was in force before, and that is no handler.
    unsafe { sigaction(signal, before) }?;
    Ok(())
}
