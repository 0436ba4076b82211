//! A process whose calls of the kernel fail as is said: one after the other, of those that may fail.

use crate::support::{Child, Dir, aloud, role};
use crate::traced::traced;
pub(super) use crate::traced::{Call, mark};
use nix::errno::Errno;
use nix::libc;
use ringway::{OpenError, SegmentError};

pub(super) const NAME: &str = "channel";
/// What a tracer says who is not yet done.
pub(super) const GOES_ON: &str = "goes on";

impl Call {
    /// Whether it may fail here. What gives something back is never seen to fail (`close` has closed whatever it says), nor is what
    /// tells this process who it is; and who allocates ends the process when there is no memory. A private futex is the standard
    /// library's (ours never are): who waits there for another thread's `OnceLock` would wait for ever.
    fn may_fail(self) -> bool {
        if self.is(libc::SYS_futex, 1, libc::FUTEX_PRIVATE_FLAG as u64) {
            return false;
        }
        let gives_back =
            [libc::SYS_close, libc::SYS_munmap, libc::SYS_shmdt, libc::SYS_brk, libc::SYS_exit, libc::SYS_exit_group];
        let tells = [libc::SYS_geteuid, libc::SYS_getpid, libc::SYS_gettid, libc::SYS_sched_yield];
        !gives_back.contains(&self.number) && !tells.contains(&self.number)
    }

    pub(super) fn is(self, number: i64, argument: usize, has: u64) -> bool {
        self.number == number && self.arguments[argument] & has == has
    }
}

/// What a child said of itself: nothing if it hung, or the C library has ended it.
pub(super) struct Told {
    pub(super) calls: Vec<Call>,
    pub(super) line: String,
}

/// Runs `play` in a forked child; `fails` says of the n-th call whether it fails, and how. `play` calls [`mark`] before and behind what is
/// to be disturbed, and says in a line what came of it.
pub(super) fn disturbed(
    mut fails: impl FnMut(usize, Call) -> Option<Errno>,
    play: impl FnOnce() -> String,
) -> Option<Told> {
    let mut calls = Vec::new();
    let fails = |call: Call| {
        if !call.may_fail() {
            return None;
        }
        calls.push(call);
        fails(calls.len() - 1, call)
    };
    let said = traced(fails, play)?;
    Some(Told { calls, line: said.line })
}

/// What an opening came to, in a word: `ok`, or the error's.
pub(super) fn outcome<T>(opened: &Result<T, OpenError>) -> String {
    opened.as_ref().map_or_else(named, |_| "ok".to_owned())
}

/// An error in a word: its number, or its name if it is one of its own.
pub(super) fn named(error: &OpenError) -> String {
    if let OpenError::Segment(SegmentError::Io { source, .. }) = error {
        return source.raw_os_error().map_or_else(|| format!("{:?}", source.kind()), |number| number.to_string());
    }
    let text = format!("{error:?}");
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words[..words.len().min(2)].join(".")
}

/// Whether this is the process in which to fork; else runs it.
pub(super) fn forks(test: &str, dir: &Dir) -> bool {
    if role().is_some() {
        return true;
    }
    let mut child = Child::start(test, "tracer", dir);
    // It says so often that it goes on.
    let line = std::iter::repeat_with(|| child.hear()).find(|line| line != GOES_ON).expect("without end");
    if line.starts_with("SKIPPED") {
        aloud(&line);
    } else {
        assert!(line.starts_with("well"), "{line}");
        eprintln!("{line}");
    }
    child.succeed();
    false
}
