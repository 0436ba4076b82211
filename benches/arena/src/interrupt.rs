//! Ctrl-C and its like: the run ends, and nothing of it is left.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

static SIGNAL: AtomicI32 = AtomicI32::new(0);

extern "C" fn remember(signal: i32) {
    SIGNAL.store(signal, Relaxed);
}

/// From here on a signal to end is only remembered; calls that sleep return early.
pub fn install() -> nix::Result<()> {
    let action = SigAction::new(SigHandler::Handler(remember), SaFlags::empty(), SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler does nothing but store to an atomic.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}

/// The signal that has come, if one has.
pub fn signal() -> Option<i32> {
    Some(SIGNAL.load(Relaxed)).filter(|&signal| signal != 0)
}
