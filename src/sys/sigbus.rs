//! SIGBUS: what a thread gets that touches a mapping whose file has become shorter.
//!
//! Every mapping of the library is in a table, whether or not there is a [guard](sigbus_guard). The guard is a handler that looks
//! there for the address. If it is in one of our mappings, the handler says in the table that the mapping is lost, puts zeroes of
//! this process's own in its place, **all of it**, closes the fast path of every end (`fork::look_anew`), and returns: the thread goes on
//! reading zeroes, and what it does next finds that the segment is lost. All of it and not the page alone, since then nothing of a
//! file that is made long again is ever seen, one signal is enough, there are no thousands of small mappings of one page each, and
//! it is the same with huge pages, of which a part cannot be replaced. (Wayland's `wayland-shm.c` does the same for its pools.)
//!
//! Anything else goes to whoever handled SIGBUS before.
//!
//! # Races
//!
//! * *Unmapping while another thread faults*: a thread that faults borrows the mapping, so its owner is not dropping it; the table
//!   (`sys::ranges`) never gives half an entry, so the range of another mapping that comes or goes is never mistaken for it.
//! * *Two threads fault in one mapping*: both put zeroes there, unless the second finds that it is done. What is put away is lost
//!   anyway.
//! * *fork*: the child has the handler, the mappings and the table, each a copy of its own; dropping a handle there strikes the
//!   child's entry, without a lock.
//! * *A fault inside the handler*: it touches the table, the words of `fork` and the signal's own frame, none of which is in a
//!   mapping of ours.
//!
//! # Safety
//!
//! The handler calls async-signal-safe functions only (`mmap`, `sigaction`, `raise`, and the handler that was there before with
//! what the kernel gave us), and keeps `errno`. It replaces memory of a mapping of ours only, which the thread that it interrupted
//! borrows; all of it holds atomics, or bytes whose every value is valid, so zeroes are as good as what another process may
//! write there at any time.
#![allow(unsafe_code)]

use super::fork;
use super::ranges::{Entry, Ranges};
use crate::sync::private::{AtomicU64, Ordering::Relaxed};
use nix::libc::{self, c_int, c_void, siginfo_t};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

/// So many mappings are guarded at a time.
const MAPPINGS: usize = 4096;
static MAPPED: Ranges<MAPPINGS> = Ranges::new();

/// Who handled SIGBUS before: the address, and two flags in bits that no address has.
static BEFORE: AtomicU64 = AtomicU64::new(NOT_INSTALLED);
static INSTALLING: Mutex<()> = Mutex::new(());
const NOT_INSTALLED: u64 = u64::MAX;
const TAKES_INFO: u64 = 1 << 62;
const ONLY_ONCE: u64 = 1 << 63;
/// There is nothing at the address: the file is too short. `libc` has no name for it.
const BUS_ADRERR: c_int = 2;
/// Some page of the process is broken, and nobody has touched it: news, and no fault. `libc` has no name for it, either.
const BUS_MCEERR_AO: c_int = 5;

/// Mappings that found the table full when there was no guard.
static UNWATCHED: AtomicU64 = AtomicU64::new(0);

/// A mapping's place in the table. Dropped before the memory is unmapped.
#[derive(Debug)]
pub(crate) struct Watched(Option<&'static Entry>);

impl Watched {
    /// Watches over so many bytes from an address on, which are mapped. If the table is full, that is an error under a guard; without
    /// one it is counted, for the guard to tell.
    pub(crate) fn new(base: usize, len: usize) -> io::Result<Self> {
        let entry = MAPPED.put(base as u64, len as u64);
        if entry.is_none() {
            let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
            // Relaxed, both: under the lock.
            if BEFORE.load(Relaxed) != NOT_INSTALLED {
                return Err(io::Error::other(format!("{MAPPINGS} mappings are guarded already")));
            }
            UNWATCHED.fetch_add(1, Relaxed); // relaxed: as above
        }
        Ok(Self(entry))
    }

    /// Whether something of it was touched that was gone. Everything that is read there since is zeroes.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.is_some_and(Entry::is_lost)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        match self.0 {
            Some(entry) => entry.strike(),
            None => _ = UNWATCHED.fetch_sub(1, Relaxed), // relaxed: a count
        }
    }
}

/// The guard could not be installed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SigbusGuardError {
    /// It was, and another handler of SIGBUS has been installed since. Whether that passes on what is not its own, so that channels
    /// are guarded all the same, only its author knows.
    Replaced,
    /// It is installed, and so many mappings are not guarded, since there were more than it has room for when they were made.
    TooMany(u64),
    /// The kernel refused. There is no guard.
    Os(io::Error),
}

impl fmt::Display for SigbusGuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replaced => f.write_str("another handler of SIGBUS was installed after the guard"),
            Self::TooMany(left_out) => {
                write!(f, "{left_out} mappings are not guarded: there is room for {MAPPINGS}")
            }
            Self::Os(error) => write!(f, "installing a handler of SIGBUS: {error}"),
        }
    }
}

impl std::error::Error for SigbusGuardError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Os(error) => Some(error),
            Self::Replaced | Self::TooMany(_) => None,
        }
    }
}

/// From now on a channel whose file somebody cuts short is [lost](crate::DisconnectReason::SegmentLost), and this process lives.
///
/// Without it such a process is killed by SIGBUS when it next touches what is gone. A peer that keeps to the rules never
/// shortens a file; only a process of the same user (or root) can, which could as well send a signal. So the guard is for those who
/// would rather lose a channel than the process.
///
/// It is one handler of SIGBUS for the whole process, for all channels, those that are there and those that come, up to 4096 segments
/// and annexes at a time; opening a further one is an error. Calling it again changes nothing. What is not a channel's goes to the
/// handler that was there before, or kills the process as it would have.
///
/// The end that meets the loss fails with the reason `SegmentLost`, in a wait at the latest at the end of its slice (50 ms by
/// default), and never believes that file again, even if it is made long again. *The operation in whose middle the memory goes* may
/// still return: what it read was zeroes, and what it sent nobody gets. The next one fails.
///
/// *Costs*: nothing while nothing happens: no operation is otherwise with it than without it.
///
/// *What it cannot do*: guard a process in which another runtime handles SIGBUS and does not pass on what it does not know, as
/// programs of Go or Java that load this library, or a crash reporter that is installed later: install the guard last. Nor a thread that has SIGBUS
/// blocked. Nor what is read through the kernel: a system call that is given such memory fails with `EFAULT`; where the waiter is
/// [not a futex](crate::Waiter), a thread that is about to make such a call for the C library is ended by that, and the process with it. And a
/// hole that is punched into the file is no fault: it reads as zeroes, which ends the channel as corrupt where a word cannot be 0, and else are
/// messages of zeroes.
///
/// ```
/// ringway::sigbus_guard()?;
/// let (mut tx, mut rx) = ringway::spsc::channel::<u64>(16)?;
/// tx.send(7)?;
/// assert_eq!(rx.recv()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`SigbusGuardError`].
pub fn sigbus_guard() -> Result<(), SigbusGuardError> {
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let now = exchange(None).map_err(SigbusGuardError::Os)?;
    if now.sa_sigaction == on_sigbus as *const () as usize {
        return all_are_watched();
    }
    // Relaxed, here and below: the number is the whole message, and stored before the handler can run, with the kernel's own lock
    // of signal handlers in between.
    if BEFORE.load(Relaxed) != NOT_INSTALLED {
        return Err(SigbusGuardError::Replaced);
    }
    BEFORE.store(packed(&now), Relaxed); // relaxed: as above
    let mut ours = now;
    ours.sa_sigaction = on_sigbus as *const () as usize;
    // Its mask is kept, so that the handler before us runs as it would have.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | now.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART);
    match exchange(Some(&ours)) {
        Ok(before) => {
            // Somebody else's, if it was installed between the two calls.
            BEFORE.store(packed(&before), Relaxed); // relaxed: as above
            all_are_watched()
        }
        Err(error) => {
            BEFORE.store(NOT_INSTALLED, Relaxed); // relaxed: nobody reads it
            Err(SigbusGuardError::Os(error))
        }
    }
}

fn all_are_watched() -> Result<(), SigbusGuardError> {
    // Relaxed: who counts holds the lock that the caller holds.
    match UNWATCHED.load(Relaxed) {
        0 => Ok(()),
        left_out => Err(SigbusGuardError::TooMany(left_out)),
    }
}

/// The handling of SIGBUS as it is; and another one from now on.
fn exchange(new: Option<&libc::sigaction>) -> io::Result<libc::sigaction> {
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: two valid pointers, of which the first may be null; what it names is a handler with the signature that its flags say.
    if unsafe { libc::sigaction(libc::SIGBUS, new, before.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: plain numbers, written by the call.
    Ok(unsafe { before.assume_init() })
}

fn packed(action: &libc::sigaction) -> u64 {
    let bit = |flag, bit| if action.sa_flags & flag != 0 { bit } else { 0 };
    action.sa_sigaction as u64 | bit(libc::SA_SIGINFO, TAKES_INFO) | bit(libc::SA_RESETHAND, ONLY_ONCE)
}

extern "C" fn on_sigbus(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the address of this thread's own `errno`.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: it is valid for as long as the thread lives.
    let kept = unsafe { *errno };
    // SAFETY: the kernel gives a handler with SA_SIGINFO a valid one, on this thread's stack.
    let seen = unsafe { &*info };
    if !mend(seen) {
        pass_on(signal, (info, seen.si_code > 0 && seen.si_code != BUS_MCEERR_AO), context);
    }
    // SAFETY: as above.
    unsafe { *errno = kept };
}

/// Puts zeroes where the memory was, if it was one of our mappings; whether it was.
fn mend(info: &siginfo_t) -> bool {
    if info.si_code != BUS_ADRERR {
        return false;
    }
    // SAFETY: a fault with this code has an address.
    let address = unsafe { info.si_addr() };
    let Some(found) = MAPPED.find(address as u64) else { return false };
    if found.is_gone() {
        // Another thread was here between our fault and our look.
        return true;
    }
    found.lose();
    fork::look_anew();
    let (base, len) = (found.base as usize as *mut c_void, found.len as usize);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let how = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
    // SAFETY: [1] the range is a mapping of ours that the interrupted thread borrows, so it is there and nobody unmaps it. [2] Its
    //  addresses stay valid, for atomics and bytes that may have any value. [3] Nothing else is in it.
    let put = unsafe { libc::mmap(base, len, access, how, -1, 0) };
    let is_put = put == base;
    if is_put {
        found.say_gone();
    }
    is_put
}

/// Does what would have been done without us.
fn pass_on(signal: c_int, (info, is_fault): (*mut siginfo_t, bool), context: *mut c_void) {
    // Relaxed, here and below: the number is the whole message.
    let before = BEFORE.load(Relaxed);
    let handler = if before == NOT_INSTALLED { libc::SIG_DFL } else { (before & !(TAKES_INFO | ONLY_ONCE)) as usize };
    match handler {
        // The kernel ignores no fault.
        libc::SIG_IGN if !is_fault => {}
        libc::SIG_DFL | libc::SIG_IGN => die(is_fault),
        handler => {
            if before & ONLY_ONCE != 0 {
                BEFORE.store(libc::SIG_DFL as u64, Relaxed); // relaxed: as above
            }
            if before & TAKES_INFO != 0 {
                // SAFETY: SA_SIGINFO was set with it, so it has this signature.
                let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                    unsafe { std::mem::transmute(handler) };
                handler(signal, info, context);
            } else {
                // SAFETY: SA_SIGINFO was not set with it, so it has this signature.
                let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
                handler(signal);
            }
        }
    }
}

/// Dies of SIGBUS, as a process without a handler does: of a fault when the thread touches the same address again; of a signal
/// that was sent, of another one.
fn die(is_fault: bool) {
    let mut default = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroes are SIG_DFL, no flags and an empty mask.
    let default = unsafe { default.assume_init_mut() };
    default.sa_sigaction = libc::SIG_DFL;
    let _ = exchange(Some(default));
    if !is_fault {
        // SAFETY: async-signal-safe; it is delivered when the handler returns.
        unsafe { libc::raise(libc::SIGBUS) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::step;
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use std::cell::Cell;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::rc::Rc;

    /// Whoever reads zeroes that were put there, and then asks, hears that the memory was lost.
    #[test]
    fn memory_is_said_to_be_lost_before_there_is_other_memory() {
        let file = File::from(memfd_create("lost", MFdFlags::MFD_CLOEXEC).expect("a file"));
        file.set_len(4096).expect("a page");
        let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping where the kernel likes.
        let map = unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, shared, file.as_raw_fd(), 0) };
        assert_ne!(map, libc::MAP_FAILED, "a mapping");
        let base = map.addr();
        let watched = Watched::new(base, 4096).expect("room in the table");
        sigbus_guard().expect("a guard");
        file.set_len(0).expect("nothing");
        let (is_said, entry) = (Rc::new(Cell::new(false)), watched.0.expect("an entry"));
        let before_it_is_gone = Rc::clone(&is_said);
        step::before_each(Some(Box::new(move || {
            let is_gone = MAPPED.find(base as u64).is_none_or(|found| found.is_gone());
            before_it_is_gone.set(before_it_is_gone.get() || entry.is_lost() && !is_gone);
        })));
        // SAFETY: it was mapped, and is: what is gone reads as zero.
        let read = unsafe { map.cast::<u8>().read_volatile() };
        step::before_each(None);
        assert_eq!((read, watched.is_lost()), (0, true));
        assert!(is_said.get(), "first there was other memory");
        drop(watched);
        // SAFETY: nobody uses it any more.
        unsafe { libc::munmap(map, 4096) };
    }
}
