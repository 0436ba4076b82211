//! A process whose calls of the kernel fail as is said.
//!
//! The calls are made by a forked child that is traced: at its n-th call the tracer puts another number in place of the call's,
//! which the kernel does not know, and the error in place of the result.
//!
//! # Safety
//!
//! A child is forked in a process whose other thread only waits for the test's. It ends with `_exit`.
#![allow(unsafe_code)]

use crate::support::{Child, Dir, role};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options as Tracing};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe};
use ringway::{OpenError, SegmentError};
use std::fs::File;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) const NAME: &str = "channel";
/// The child's marks: nobody else asks for this.
const MARK: u64 = libc::SYS_getpgrp as u64;
/// What a tracer says who is not yet done.
pub(super) const GOES_ON: &str = "goes on";
/// Seconds that no child takes.
const PATIENCE: u32 = 25;
/// The child may not be traced.
const REFUSED: i32 = 77;

/// A call of the kernel: its number and its first arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) number: i64,
    pub(super) arguments: [u64; 4],
}

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

pub(super) fn mark() {
    // SAFETY: a call without arguments.
    unsafe { libc::syscall(MARK as i64) };
}

/// Runs `play` in a forked child; `fails` says of the n-th call whether it fails, and how. `play` gets two marks to call, around
/// what is to be disturbed, and says in a line what came of it.
pub(super) fn disturbed(
    mut fails: impl FnMut(usize, Call) -> Option<Errno>,
    play: impl FnOnce() -> String,
) -> Option<Told> {
    let (read, write) = pipe().expect("a pipe");
    // SAFETY: see above.
    let child = match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            drop(read);
            let mut code = REFUSED;
            if ptrace::traceme().is_ok() {
                let _ = nix::sys::signal::raise(Signal::SIGSTOP);
                // Whoever hangs ends, and has said nothing.
                nix::unistd::alarm::set(PATIENCE);
                let line = catch_unwind(AssertUnwindSafe(play)).unwrap_or("PANIC".to_owned());
                code = i32::from(File::from(write).write_all(line.as_bytes()).is_err());
            }
            // SAFETY: ends the child; what it still has is nobody's.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => child,
    };
    drop(write);
    match waitpid(child, None).expect("a child") {
        WaitStatus::Stopped(_, Signal::SIGSTOP) => {}
        WaitStatus::Exited(_, REFUSED) => return None,
        other => panic!("{other:?}"),
    }
    ptrace::setoptions(child, Tracing::PTRACE_O_EXITKILL | Tracing::PTRACE_O_TRACESYSGOOD).expect("a traced child");
    let calls = trace(child, &mut fails);
    let mut line = String::new();
    File::from(read).read_to_string(&mut line).expect("text");
    Some(Told { calls, line })
}

/// Lets the child go on to its end, and what it calls between its marks fail as is said.
fn trace(child: Pid, fails: &mut impl FnMut(usize, Call) -> Option<Errno>) -> Vec<Call> {
    let (mut calls, mut is_between) = (Vec::new(), false);
    loop {
        let Some(entry) = next_stop(child) else { return calls };
        let call = Call { number: entry.orig_rax as i64, arguments: [entry.rdi, entry.rsi, entry.rdx, entry.r10] };
        let mut error = None;
        if call.number == MARK as i64 {
            is_between = !is_between;
        } else if is_between && call.may_fail() {
            error = fails(calls.len(), call);
            calls.push(call);
        }
        if error.is_some() {
            let nothing = libc::user_regs_struct { orig_rax: u64::MAX, ..entry };
            ptrace::setregs(child, nothing).expect("a child that stands");
        }
        let Some(exit) = next_stop(child) else { return calls };
        if let Some(errno) = error {
            let failed = libc::user_regs_struct { rax: -i64::from(errno as i32) as u64, ..exit };
            ptrace::setregs(child, failed).expect("a child that stands");
        }
    }
}

/// Where it stands at the next entry to or exit from the kernel; `None`: it has ended, and well.
fn next_stop(child: Pid) -> Option<libc::user_regs_struct> {
    let mut signal = None;
    loop {
        ptrace::syscall(child, signal).expect("a child that stands");
        match waitpid(child, None).expect("a child") {
            WaitStatus::PtraceSyscall(_) => return Some(ptrace::getregs(child).expect("a child that stands")),
            WaitStatus::Stopped(_, other) => signal = Some(other),
            WaitStatus::Exited(_, 0) | WaitStatus::Signaled(_, Signal::SIGALRM | Signal::SIGABRT, _) => return None,
            other => {
                let _ = kill(child, Signal::SIGKILL);
                panic!("a child whose call has failed: {other:?}");
            }
        }
    }
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
        eprintln!("{line}");
    } else {
        assert!(line.starts_with("well"), "{line}");
        eprintln!("{line}");
    }
    child.succeed();
    false
}
