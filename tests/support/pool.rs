//! Huge pages that the kernel sets aside: a number for the whole machine.

use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};

pub(crate) const SET_ASIDE: &str = "/proc/sys/vm/nr_hugepages";

/// Huge pages that the kernel has set aside for as long as this lives.
#[derive(Debug)]
pub(crate) struct Pool {
    before: String,
    _alone: Flock<File>,
}

impl Pool {
    /// So many more, or `None` if this user may not have them or the kernel has none.
    pub(crate) fn of(pages: u64) -> Option<Self> {
        // Who changes the number is alone with it: tests run side by side in many processes.
        let file = File::create(std::env::temp_dir().join("ringway-test-huge-pages")).ok()?;
        let _alone = Flock::lock(file, FlockArg::LockExclusive).ok()?;
        let before = fs::read_to_string(SET_ASIDE).ok()?;
        let there: u64 = before.trim().parse().ok()?;
        let pool = Self { before, _alone };
        fs::write(SET_ASIDE, (there + pages).to_string()).ok()?;
        let now: u64 = fs::read_to_string(SET_ASIDE).ok()?.trim().parse().ok()?;
        (now == there + pages).then_some(pool)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = fs::write(SET_ASIDE, &self.before);
    }
}
