//! A forked child whose calls of the kernel are seen, and fail where that is wanted.
//!
//! The child is traced (`ptrace`). At a call that is to fail the tracer puts another number in place of the call's, which the kernel does
//! not know, and the error in place of the result.
//!
//! # Safety
//!
//! A child is forked in a process whose other thread only waits for the test's. It ends with `_exit`.
#![allow(unsafe_code)]
#![allow(dead_code)] // neither test binary uses everything

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options as Tracing};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe};
use std::fs::File;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The child's marks: nobody else asks for this.
const MARK: i64 = libc::SYS_getpgrp;
/// Seconds that no child takes.
const PATIENCE: u32 = 25;
/// The child may not be traced.
const REFUSED: i32 = 77;

/// A call of the kernel: its number and its first arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 4],
}

/// What a child has said.
pub(crate) struct Said {
    /// Nothing if it hung, or the C library has ended it; `PANIC` if it did.
    pub(crate) line: String,
    /// How often it has come to a mark.
    pub(crate) marks: usize,
}

/// In the child: what it calls from here on is seen, to the next mark.
pub(crate) fn mark() {
    // SAFETY: a call without arguments.
    unsafe { libc::syscall(MARK) };
}

/// Runs `play` in a forked child; `fails` is asked of each call of its thread between two marks whether it fails, and how. `None`: it may
/// not be traced.
pub(crate) fn traced(mut fails: impl FnMut(Call) -> Option<Errno>, play: impl FnOnce() -> String) -> Option<Said> {
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
    let marks = follow(child, &mut fails);
    let mut line = String::new();
    File::from(read).read_to_string(&mut line).expect("text");
    Some(Said { line, marks })
}

/// Lets the child go on to its end, and what it calls between its marks fail as is said. How many marks there were.
fn follow(child: Pid, fails: &mut impl FnMut(Call) -> Option<Errno>) -> usize {
    let mut marks = 0;
    loop {
        let Some(entry) = next_stop(child) else { return marks };
        let call = Call { number: entry.orig_rax as i64, arguments: [entry.rdi, entry.rsi, entry.rdx, entry.r10] };
        let mut error = None;
        if call.number == MARK {
            marks += 1;
        } else if marks % 2 == 1 {
            error = fails(call);
        }
        if error.is_some() {
            let nothing = libc::user_regs_struct { orig_rax: u64::MAX, ..entry };
            ptrace::setregs(child, nothing).expect("a child that stands");
        }
        let Some(exit) = next_stop(child) else { return marks };
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
                panic!("a traced child: {other:?}");
            }
        }
    }
}
