//! The dear half of an asymmetric pair of fences: one call that puts a full memory barrier into every thread that runs
//! at the moment, in every process that has registered for it.
//!
//! Who publishes often and is seldom waited for registers once, and then needs no fence of its own; who waits pays for
//! both. `MEMBARRIER_CMD_GLOBAL_EXPEDITED` is the one flavour that reaches other processes and does not take
//! milliseconds.
//!
//! *Cost*, measured in a guest with two processors: a barrier 0.5 us while no registered process runs elsewhere, 14 us
//! where one does (an interrupt to another virtual processor; 2 us on other machines). Registering 5 us with one
//! thread, and 14 ms with more, which is a grace period of the kernel's: hence the thread, below.
//!
//! *Known kernel fault*: as far as we know, from 5.4 until it was mended in 5.12 (and in the stable series of that time)
//! registering in a process with threads missed the one processor on which the registering thread ran, until that
//! processor next changed to another process. A wake may then be missed, and the sleeper finds out at the end of its slice.
//!
//! *fork*: a child inherits its parent's registration, as far as the kernel goes; here it asks again. *exec* ends it.
//!
//! Source: membarrier(2), kernel/sched/membarrier.c; Desnoyers, commit c5f58bd58f (Linux 4.16).
//!
//! # Safety
//!
//! The calls take numbers only, or a set of signals on the stack.
#![allow(unsafe_code)]

use crate::sync::private::{AtomicU64, Ordering};
use crate::sys::known::Known;
use crate::sys::process;
use nix::libc;
use std::mem::MaybeUninit;

/// `pid << 8 | state`, so that a forked child does not take its parent's word for its own: a thread that registers is
/// not in the child.
static REGISTRATION: AtomicU64 = AtomicU64::new(NEVER_ASKED);

const NEVER_ASKED: u64 = 0;
const UNDER_WAY: u64 = 1;
const DONE: u64 = 2;
const REFUSED: u64 = 3;

fn call(command: libc::c_int) -> libc::c_long {
    if cfg!(miri) {
        // Miri does not know the call: it is a kernel without it.
        return -1;
    }
    // SAFETY: three numbers, no memory.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
}

/// Whether the kernel has the call, and lets this process use it.
pub(crate) fn is_available() -> bool {
    static AVAILABLE: Known = Known::new();
    let ask = || {
        let commands = call(libc::MEMBARRIER_CMD_QUERY);
        let needed =
            libc::c_long::from(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED | libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
        u64::from(commands > 0 && commands & needed == needed)
    };
    AVAILABLE.get(ask) == 1
}

/// A full barrier here, and in every running thread of every registered process; whether it was made.
///
/// *Progress*: never sleeps; one `membarrier`, which waits for the other processors to answer.
pub(crate) fn barrier() -> bool {
    is_available() && call(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0
}

/// Whether other processes' [`barrier`]s reach this process; if not, sees to it that they soon will.
///
/// *Progress*: never sleeps. With one thread it registers at once; with more a thread of its own, which ends with that,
/// takes the kernel's milliseconds, and the answer is `false` meanwhile.
pub(crate) fn is_registered() -> bool {
    let ours = u64::from(process::id()) << 8;
    let known = REGISTRATION.load(Ordering::Acquire); // acquire: the kernel's call came before DONE
    if known & !0xff == ours && known & 0xff != NEVER_ASKED {
        return known == ours | DONE;
    }
    // Relaxed on failure: then nothing is done.
    let exchange = |from, to| REGISTRATION.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok();
    if !is_available() || !exchange(known, ours | UNDER_WAY) {
        return false;
    }
    let register = move || {
        let state = if call(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0 { DONE } else { REFUSED };
        // A child that was forked meanwhile has its own copy of the word.
        REGISTRATION.store(ours | state, Ordering::Release);
        state == DONE
    };
    if process::threads() == Some(1) {
        return register();
    }
    if !in_a_thread_without_signals(register) {
        REGISTRATION.store(NEVER_ASKED, Ordering::Release);
    }
    false
}

/// Starts a thread that handles no signal: those are for the program's own. Whether it started.
fn in_a_thread_without_signals(work: impl FnOnce() -> bool + Send + 'static) -> bool {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is ours to write.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: `all` was just filled; `before` is ours to write. A new thread inherits the mask of the one that makes it.
    if unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) } != 0 {
        return false;
    }
    let thread = std::thread::Builder::new().name("ringway-register".to_owned()).stack_size(64 << 10).spawn(work);
    // SAFETY: the call above succeeded and has written `before`.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    thread.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_process_with_threads_is_registered_in_a_while_and_stays_so() {
        if !is_available() {
            // Past the harness, which keeps to itself what a test that passes has printed.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: no membarrier here");
            return;
        }
        // The test's harness has a thread for each test, so this takes the way of the extra thread.
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !is_registered() {
            assert!(std::time::Instant::now() < patience, "never registered");
            std::thread::yield_now();
        }
        assert!(is_registered() && barrier());
    }
}
