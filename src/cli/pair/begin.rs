//! What a worker does first: it listens to signals, follows its parent, and goes to its processor.

use crate::cli::failure::Failure;
use crate::cli::signals;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Begins the worker of the process `parent`.
pub(crate) fn begin(parent: u32) -> Result<(), Failure> {
    signals::install()?;
    follow(parent)
}

/// Has the kernel send SIGTERM when the parent is gone, so that this worker detaches and leaves no channel behind.
fn follow(parent: u32) -> Result<(), Failure> {
    prctl::set_pdeathsig(Signal::SIGTERM)
        .map_err(|error| Failure::Fault(format!("cannot follow the parent process: {error}")))?;
    // It may have gone before that.
    if std::os::unix::process::parent_id() == parent { Ok(()) } else { Err(Failure::Stopped(Signal::SIGTERM as i32)) }
}

/// Stays on this processor from now on.
pub(crate) fn pin(cpu: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    set.set(cpu)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set))
        .map_err(|error| Failure::Fault(format!("cannot run on CPU {cpu}: {error}")))
}
