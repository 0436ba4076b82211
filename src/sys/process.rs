//! Who a process is, for people to read. Nothing is ever decided by a pid: pids are reused, and mean nothing across pid
//! namespaces.

use super::known::Known;
use crate::sync::private::{AtomicU64, Ordering::Relaxed};
use std::fs::File;
use std::io::Read;
use std::time::Duration;

/// This process.
pub(crate) fn id() -> u32 {
    std::process::id()
}

/// When this process started, as [`started`] says it. Read once.
///
/// One word holds what was read, and for which process, so a forked child reads anew; and nobody waits for a thread that reads it at
/// the moment, as in a child whose parent had such a thread it would be for ever.
pub(crate) fn started_here() -> u64 {
    static HERE: AtomicU64 = AtomicU64::new(0);
    /// Ticks need no more, and pids none of these: they have 22 at most.
    const TICKS: u32 = 42;
    let pid = u64::from(id());
    // Relaxed, both: the word is all.
    let known = HERE.load(Relaxed);
    if known >> TICKS == pid {
        return known & ((1 << TICKS) - 1);
    }
    let started = started(id());
    if started >> TICKS == 0 {
        HERE.store(pid << TICKS | started, Relaxed); // relaxed: as above
    }
    started
}

/// When the process started, in clock ticks since boot, as `/proc/PID/stat` has it; 0 where that cannot be read.
pub(crate) fn started(pid: u32) -> u64 {
    if cfg!(any(loom, miri)) {
        // Thousands of times a second, for nobody. (And Miri has no other `/proc` than its own process's.)
        return 0;
    }
    field_22(pid).unwrap_or(0)
}

fn field_22(pid: u32) -> Option<u64> {
    // Longer than the line can be, and read at once: the standard library's way, which does not know how long a file of
    // /proc is, asks the kernel eight times.
    let mut line = [0; 2048];
    let len = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    // The command name, in parentheses, may hold anything: fields are counted from the last parenthesis. Field 22 of
    // the whole line is the 20th after it.
    let after = line[..len].rsplit(|byte| *byte == b')').next()?;
    std::str::from_utf8(after).ok()?.split_whitespace().nth(19)?.parse().ok()
}

/// The command name of the process with this pid, if it is still the one that started then.
pub(crate) fn command(pid: u32, start: u64) -> Option<String> {
    if start == 0 || started(pid) != start {
        return None;
    }
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().escape_debug().to_string())
}

/// How many threads this process has; `None` where that cannot be read.
pub(crate) fn threads() -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    // A directory has a link from its parent, one from itself, and one from each directory in it.
    std::fs::metadata("/proc/self/task").ok()?.nlink().checked_sub(2)
}

/// How long ago something started that began so many clock ticks after boot; `None` where that cannot be told.
pub(crate) fn age(start: u64) -> Option<Duration> {
    let a_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(uptime - start as f64 / a_second as f64).ok()
}

/// The machine's processors, as they were at the first question. Not those that this process is bound to: the process
/// at the other end may be bound to others.
pub(crate) fn processors() -> usize {
    static COUNT: Known = Known::new();
    let ask = || nix::unistd::sysconf(nix::unistd::SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    let count = COUNT.get(|| if cfg!(loom) { 1 } else { ask().and_then(|n| u64::try_from(n).ok()).unwrap_or(1) });
    usize::try_from(count).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_this_process_started_is_known_and_does_not_change() {
        if cfg!(loom) {
            return;
        }
        let whole = std::fs::read_to_string("/proc/self/stat").expect("/proc");
        let after = whole.rsplit_once(')').expect("a command name").1;
        let told = after.split_whitespace().nth(19).and_then(|word| word.parse().ok());
        assert_eq!(Some(started_here()), told);
        assert_eq!(started(id()), started_here());
        assert_eq!(started(u32::MAX), 0, "nobody has that pid");
    }
}
