//! How many system calls a contestant makes: its workers run under ptrace, and each entry into the kernel is counted
//! while the board says that it is the contestant's.

use crate::board::Board;
use crate::interrupt;
use crate::task::Role;
use crate::turn::{Stopped, Worker};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// Follows the workers, and the threads that they start, until they end; how many calls were counted.
pub fn count(workers: &mut [Worker], board: &Board, patience: Duration) -> Result<u64, Stopped> {
    for worker in workers.iter() {
        let pid = Pid::from_raw(worker.pid());
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
        ptrace::seize(pid, options)
            .and_then(|()| ptrace::interrupt(pid))
            .map_err(|error| Stopped::Untraced(format!("ptrace is not permitted: {error}")))?;
    }
    // Threads that are made from here on are traced from their start.
    let mut to_stop = workers.len();
    let until = Instant::now() + patience;
    let mut calls = 0;
    while workers.iter().any(|worker| worker.ended.is_none()) {
        if interrupt::signal().is_some() {
            return Err(Stopped::Interrupted);
        }
        if Instant::now() >= until {
            return Err(Stopped::Hung);
        }
        match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
            // Not asleep: whoever stops shall not stand still for longer than it must.
            Ok(WaitStatus::StillAlive) => std::thread::yield_now(),
            Ok(WaitStatus::PtraceSyscall(pid)) => {
                calls += u64::from(is_entry(pid) && is_counted(board, pid));
                go_on(pid, None);
            }
            Ok(WaitStatus::PtraceEvent(pid, _, _)) => {
                to_stop -= usize::from(to_stop > 0 && workers.iter().any(|worker| worker.pid() == pid.as_raw()));
                go_on(pid, None);
                if to_stop == 0 {
                    board.set_traced();
                }
            }
            Ok(WaitStatus::Stopped(pid, signal)) => go_on(pid, Some(signal)),
            Ok(WaitStatus::Exited(pid, code)) => end(workers, pid, format!("exit status: {code}")),
            Ok(WaitStatus::Signaled(pid, signal, _)) => end(workers, pid, format!("signal: {signal}")),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Stopped::Untraced(format!("waitpid: {error}"))),
        }
    }
    Ok(calls)
}

/// Lets it run to its next entry into, or exit from, the kernel.
fn go_on(pid: Pid, signal: Option<Signal>) {
    // It may have been killed in between; then its end is the next that is heard of it.
    let _ = ptrace::syscall(pid, signal);
}

fn is_entry(pid: Pid) -> bool {
    ptrace::syscall_info(pid).is_ok_and(|info| info.op == libc::PTRACE_SYSCALL_INFO_ENTRY)
}

/// A thread that is neither side is the contestant's own, and counts while either side does.
fn is_counted(board: &Board, thread: Pid) -> bool {
    match board.role_of(thread.as_raw()) {
        Some(role) => board.is_counting(role),
        None => board.is_counting(Role::Sender) || board.is_counting(Role::Receiver),
    }
}

fn end(workers: &mut [Worker], pid: Pid, how: String) {
    if let Some(worker) = workers.iter_mut().find(|worker| worker.pid() == pid.as_raw()) {
        worker.ended = Some(how);
    }
}
