//! Faults of the kernel's calls: each call that making, opening and using a channel takes fails once, with each of several errors.
//!
//! The calls are made by a forked child that is traced: at its n-th call the tracer puts another number in place of the call's,
//! which the kernel does not know, and the error in place of the result.
//!
//! # Safety
//!
//! A child is forked in a process whose other thread only waits for the test's. It ends with `_exit`.
#![allow(unsafe_code)]

use crate::here;
use crate::support::{Child, Dir, descriptors, role, tell};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options as Tracing};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe};
use ringway::{Backing, OpenError, Options, SegmentError, bytes, mpmc, observe, spsc};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

const NAME: &str = "channel";
/// The child's marks: nobody else asks for this.
const MARK: u64 = libc::SYS_getpgrp as u64;
/// The child may not be traced.
const REFUSED: i32 = 77;

/// A call of the kernel: its number and its first arguments.
#[derive(Debug, Clone, Copy)]
struct Call {
    number: i64,
    arguments: [u64; 4],
}

impl Call {
    /// Whether it may fail here. What gives something back is never seen to fail (`close` has closed whatever it says), nor is what
    /// tells this process who it is; and who allocates ends the process when there is no memory.
    fn may_fail(self) -> bool {
        let gives_back = [libc::SYS_close, libc::SYS_munmap, libc::SYS_brk, libc::SYS_exit, libc::SYS_exit_group];
        let tells = [libc::SYS_geteuid, libc::SYS_getpid, libc::SYS_gettid, libc::SYS_sched_yield];
        !gives_back.contains(&self.number) && !tells.contains(&self.number)
    }

    fn is(self, number: i64, argument: usize, has: u64) -> bool {
        self.number == number && self.arguments[argument] & has == has
    }
}

/// What a child said of itself; `None`: tracing is not permitted.
struct Told {
    calls: Vec<Call>,
    line: String,
}

fn mark() {
    // SAFETY: a call without arguments.
    unsafe { libc::syscall(MARK as i64) };
}

/// Runs `play` in a forked child; `fails` says of the n-th call whether it fails, and how. `play` gets two marks to call, around
/// what is to be disturbed, and says in a line what came of it.
fn disturbed(mut fails: impl FnMut(usize, Call) -> Option<Errno>, play: impl FnOnce() -> String) -> Option<Told> {
    let (read, write) = pipe().expect("a pipe");
    // SAFETY: see above.
    let child = match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            drop(read);
            let mut code = REFUSED;
            if ptrace::traceme().is_ok() {
                let _ = nix::sys::signal::raise(Signal::SIGSTOP);
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
            WaitStatus::Exited(_, 0) => return None,
            other => {
                let _ = kill(child, Signal::SIGKILL);
                panic!("a child whose call has failed: {other:?}");
            }
        }
    }
}

/// What an opening came to, in a word: `ok`, the error's number, or the error's name if it is one of its own.
fn outcome<T>(opened: &Result<T, OpenError>) -> String {
    match opened {
        Ok(_) => "ok".to_owned(),
        Err(OpenError::Segment(SegmentError::Io { source, .. })) => {
            source.raw_os_error().map_or_else(|| format!("{:?}", source.kind()), |number| number.to_string())
        }
        Err(other) => {
            let text = format!("{other:?}");
            let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            words[..words.len().min(2)].join(".")
        }
    }
}

/// Makes a channel, opens its other end, sends and receives; what the two openings came to. All is given back when it returns.
macro_rules! play {
    ($kind:ident, $dir:expr, $send:expr, $recv:expr) => {{
        let options = $dir.options().capacity(4);
        mark();
        let tx = play!(@ $kind Sender create_with)(NAME, &options);
        let rx = play!(@ $kind Receiver open_with)(NAME, &options);
        let outcomes = [outcome(&tx), outcome(&rx)];
        if let (Ok(tx), Ok(rx)) = (tx, rx) {
            #[allow(unused_mut)]
            let (mut tx, mut rx) = (tx, rx);
            $send(&mut tx);
            $recv(&mut rx);
            mark();
        } else {
            mark();
        }
        outcomes
    }};
    (@ bytes $end:ident $how:ident) => { bytes::mpmc::$end::$how };
    (@ $kind:ident $end:ident $how:ident) => { $kind::$end::<u64>::$how };
}

/// How many mappings of files in the directory this process has.
fn mappings(dir: &Dir) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    maps.lines().filter(|line| line.contains(&*dir.path().to_string_lossy())).count()
}

/// What a child does for each of its kind, and what it then finds left: nothing, and a name that works.
fn played(kind: &str, dir: &Dir) -> String {
    let before = descriptors();
    let outcomes = match kind {
        "spsc" => play!(
            spsc,
            dir,
            |tx: &mut spsc::Sender<u64>| tx.send(7).expect("room"),
            |rx: &mut spsc::Receiver<u64>| assert_eq!(rx.recv(), Ok(7))
        ),
        "mpmc" => play!(
            mpmc,
            dir,
            |tx: &mut mpmc::Sender<u64>| tx.send(7).expect("room"),
            |rx: &mut mpmc::Receiver<u64>| assert_eq!(rx.recv(), Ok(7))
        ),
        _ => play!(
            bytes,
            dir,
            |tx: &mut bytes::mpmc::Sender| tx.try_send(&[7; 300]).is_ok(),
            |rx: &mut bytes::mpmc::Receiver| rx.try_recv().is_ok()
        ),
    };
    let mut left = Vec::new();
    if descriptors() != before {
        left.push(format!("{} descriptors, not {before}", descriptors()));
    }
    if mappings(dir) > 0 {
        left.push(format!("{} mappings", mappings(dir)));
    }
    // What could not be unlinked is as what a killed process leaves.
    let again = mpmc::Sender::<u64>::create_with(NAME, &dir.options());
    if again.is_err() {
        left.push(format!("a name that does not work: {again:?}"));
    }
    drop(again);
    if !dir.files().is_empty() {
        left.push(format!("{:?}", dir.files()));
    }
    if left.is_empty() { outcomes.join(" ") } else { format!("LEFT: {left:?}") }
}

/// Whether this is the process in which to fork; else runs it.
fn forks(test: &str, dir: &Dir) -> bool {
    if role().is_some() {
        return true;
    }
    let mut child = Child::start(test, "tracer", dir);
    let line = child.hear();
    if line.starts_with("SKIPPED") {
        eprintln!("{line}");
    } else {
        assert!(line.starts_with("well"), "{line}");
        eprintln!("{line}");
    }
    child.succeed();
    false
}

/// Fault 18. Whichever call fails, and how: the opening succeeds all the same, or fails with that error or with one of its own
/// that says it better; no descriptor, mapping, lock or file is left; the next one has the name.
#[test]
fn whichever_call_fails_is_told_and_leaves_nothing() {
    let dir = Dir::new();
    if !forks(&here!(), &dir) {
        return;
    }
    let mut tried = 0;
    let (mut own, mut strange) = (BTreeSet::new(), Vec::new());
    // What kinds have in common is tried with one of them.
    let errors = [Errno::ENOMEM, Errno::EAGAIN, Errno::EMFILE, Errno::ENFILE, Errno::EINTR];
    for (kind, errors) in [("spsc", &errors[..]), ("mpmc", &errors[..2]), ("bytes", &errors[..1])] {
        let Some(told) = disturbed(|_, _| None, || played(kind, &dir)) else {
            return tell("SKIPPED: tracing is not permitted");
        };
        assert_eq!(told.line, "ok ok", "{kind}, undisturbed");
        let count = told.calls.len();
        assert!(count > 20, "{kind}: {count} calls");
        let (mut failed, mut opened) = (0, 0);
        for &errno in errors {
            for nth in 0..count {
                let mut call = None;
                let fails = |n, which| {
                    (n == nth).then(|| {
                        call = Some(which);
                        errno
                    })
                };
                let told = disturbed(fails, || played(kind, &dir)).expect("it was permitted");
                // A call may come sooner or later, or not at all: threads of this process may have been there before.
                let Some(call) = call else { continue };
                let what = format!("{kind}, {errno} at call {nth}, {call:?}: {}", told.line);
                tried += 1;
                let number = (errno as i32).to_string();
                let outcomes: Vec<_> = told.line.split(' ').collect();
                if outcomes.len() != 2 || outcomes[0] == "LEFT:" {
                    strange.push(what);
                    continue;
                }
                for word in &outcomes {
                    let is_told = *word == "ok" || *word == number || own_errors(errno, call).contains(word);
                    // Where nothing was made nothing is found.
                    if !is_told && (outcomes[0] == "ok" || *word != "Segment.NotFound") {
                        strange.push(what.clone());
                    }
                    if !["ok", "Segment.NotFound", &number].contains(word) {
                        own.insert((*word).to_owned());
                    }
                }
                if outcomes == ["ok", "ok"] { opened += 1 } else { failed += 1 }
            }
        }
        assert!(failed > 20, "{kind}: {failed} failed, {opened} did not");
    }
    assert!(strange.is_empty(), "{strange:#?}");
    tell(format_args!("well: {tried} calls failed; errors of their own: {own:?}"));
}

/// What says better than a number what has gone wrong.
fn own_errors(errno: Errno, call: Call) -> &'static [&'static str] {
    match (errno, call.number) {
        // There is not so much room, whichever of the calls that reserve it says so.
        (Errno::ENOMEM, libc::SYS_fallocate | libc::SYS_prlimit64 | libc::SYS_fstatfs) => &["Segment.NoSpace"],
        // A lock that others hold: a role; or the gate of a file that nobody else can see, so these locks are none.
        (Errno::EAGAIN, libc::SYS_fcntl) => &["RoleTaken.role", "TooManyMembers.most", "Segment.Unsupported"],
        _ => &[],
    }
}

/// Faults 16, 19 and 20. Calls that a kernel may not have: another way, or an error of its own.
#[test]
fn what_a_kernel_does_not_have_is_done_otherwise_or_told() {
    let dir = Dir::new();
    if !forks(&here!(), &dir) {
        return;
    }
    const UNNAMED: u64 = libc::O_TMPFILE as u64;
    let create = || {
        mark();
        let tx = spsc::Sender::<u64>::create_with(NAME, &dir.options());
        mark();
        let told = outcome(&tx);
        drop(tx);
        format!("{told} {:?}", dir.files())
    };
    let memfd = || {
        mark();
        let tx = spsc::Sender::<u64>::create_with(NAME, &Options::new().backing(Backing::Memfd));
        mark();
        outcome(&tx)
    };
    let with = |errno: Errno, is_it: &dyn Fn(Call) -> bool, play: &dyn Fn() -> String| {
        let mut times = 0;
        let fails = |_, call| {
            let fails = times == 0 && is_it(call);
            times += usize::from(fails);
            fails.then_some(errno)
        };
        let told = disturbed(fails, play)?;
        assert_eq!(times, 1, "the call was made");
        Some(told.line)
    };
    let Some(line) = with(Errno::EOPNOTSUPP, &|call| call.is(libc::SYS_openat, 2, UNNAMED), &create) else {
        return tell("SKIPPED: tracing is not permitted");
    };
    assert_eq!(line, "Segment.Unsupported []", "no O_TMPFILE");
    // A kernel that gives no name to a descriptor does it by way of /proc.
    for errno in [Errno::ENOENT, Errno::EPERM, Errno::EINVAL] {
        let line = with(errno, &|call| call.number == libc::SYS_linkat, &create);
        assert_eq!(line.as_deref(), Some("ok []"), "{errno} of linkat");
    }
    for (errno, told) in [(Errno::ENOSPC, "Segment.NoSpace []"), (Errno::EINTR, "ok []")] {
        let line = with(errno, &|call| call.number == libc::SYS_fallocate, &create);
        assert_eq!(line.as_deref(), Some(told), "{errno} of fallocate");
    }
    // A memfd: without the kernel's word that nobody executes it; not at all; without seals.
    let is_memfd = |call: Call| call.number == libc::SYS_memfd_create;
    assert_eq!(with(Errno::EINVAL, &is_memfd, &memfd).as_deref(), Some("ok"));
    let enosys = (Errno::ENOSYS as i32).to_string();
    assert_eq!(with(Errno::ENOSYS, &is_memfd, &memfd), Some(enosys));
    let seals = |call: Call| call.number == libc::SYS_fcntl && call.arguments[1] == libc::F_ADD_SEALS as u64;
    let einval = (Errno::EINVAL as i32).to_string();
    assert_eq!(with(Errno::EINVAL, &seals, &memfd), Some(einval));
    assert!(observe::list(Some(dir.path())).unwrap().is_empty());
    tell("well");
}
