//! Sleeping until something can be read from a descriptor.

use super::clock;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Sleeps until there is something to read, at most until that time of the monotonic clock (`None`: for ever); whether the time
/// is over. May come back early. Reads nothing.
///
/// *Progress*: may sleep; one `ppoll`.
pub(crate) fn wait(descriptor: BorrowedFd<'_>, until_ns: Option<u64>) -> bool {
    let left = until_ns.map(|until| TimeSpec::from(Duration::from_nanos(until.saturating_sub(clock::now_ns()))));
    // An interrupted sleep is one that came back early.
    ppoll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], left, None) == Ok(0)
}
