//! Process-shared mutexes that outlive their owners, and semaphores: the objects of POSIX threads, as bytes in shared memory.
//!
//! Both are made once, as bytes, and written where they are to lie before anybody else can see them.
//!
//! *Death*: a mutex whose owner died says so to the next one who asks; here it is made good at once, and the caller told.
//! A semaphore is one word and a list of the kernel's: there is nothing in it that a death could leave half done. (Who is killed
//! asleep there stays in its count of sleepers, so that each post of it from then on asks the kernel, for nothing. A
//! condition variable of the GNU C library is not so: whoever is killed inside `pthread_cond_signal` may leave a lock
//! inside it taken for ever, and a sleeper whose time is over waits for that lock. So there is none here.)
//!
//! *Time*: `sem_clockwait` and `pthread_mutex_clocklock` (glibc 2.30) by the monotonic clock. Where the C library has them
//! not, their older relatives by the clock that people set: whoever sets that back while somebody sleeps makes that sleep
//! longer by as much.
//!
//! # Safety
//!
//! A [`Foreign`] is 64 bytes, live, aligned to 8, and nobody but the C library touches them. They hold what
//! [`new_mutex`] or [`new_semaphore`] made: an object that nobody uses is only bytes in glibc and musl, without an address
//! of its own in it, so it may be copied to where it will lie. **Who can write them can make the C library write
//! anywhere**: they are for peers of the same user.
#![allow(unsafe_code)]

use super::clock;
use super::known::Known;
use crate::sync::dormitory::{FOREIGN_WORDS, Foreign};
use crate::sync::step;
use nix::errno::Errno;
use nix::libc;
use std::ffi::CStr;

const _: () =
    assert!(size_of::<libc::pthread_mutex_t>() <= 8 * FOREIGN_WORDS && align_of::<libc::pthread_mutex_t>() <= 8);
const _: () = assert!(size_of::<libc::sem_t>() <= 8 * FOREIGN_WORDS && align_of::<libc::sem_t>() <= 8);

type SemClockwait = unsafe extern "C" fn(*mut libc::sem_t, libc::clockid_t, *const libc::timespec) -> libc::c_int;
type MutexClocklock =
    unsafe extern "C" fn(*mut libc::pthread_mutex_t, libc::clockid_t, *const libc::timespec) -> libc::c_int;

unsafe extern "C" {
    fn sem_timedwait(semaphore: *mut libc::sem_t, until: *const libc::timespec) -> libc::c_int;
}

/// The bytes of a free mutex, shared between processes, that outlives its owner.
pub(crate) fn new_mutex() -> [u64; FOREIGN_WORDS] {
    let mut bytes = [0; FOREIGN_WORDS];
    let mut attributes = std::mem::MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: room for attributes, which this initialises. None of these calls can fail with these arguments.
    unsafe { libc::pthread_mutexattr_init(attributes) };
    // SAFETY: initialised above, and ours.
    unsafe { libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED) };
    // SAFETY: as above.
    unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) };
    // SAFETY: as above; `bytes` is ours, large enough and aligned (above).
    unsafe { libc::pthread_mutex_init(bytes.as_mut_ptr().cast(), attributes) };
    // SAFETY: as above, and not used again.
    unsafe { libc::pthread_mutexattr_destroy(attributes) };
    bytes
}

/// The bytes of a semaphore, shared between processes, of value 0.
pub(crate) fn new_semaphore() -> [u64; FOREIGN_WORDS] {
    let mut bytes = [0; FOREIGN_WORDS];
    // SAFETY: `bytes` is ours, large enough and aligned (above).
    unsafe { libc::sem_init(bytes.as_mut_ptr().cast(), 1, 0) };
    bytes
}

/// What came of asking for a mutex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    /// It is ours.
    Ours,
    /// It is ours, and its last owner died with it: what it guards may be half done.
    FromTheDead,
    /// It is somebody else's.
    Busy,
}

fn judge(mutex: &Foreign, result: libc::c_int) -> Locked {
    match result {
        0 => Locked::Ours,
        libc::EOWNERDEAD => {
            step::point();
            // SAFETY: a mutex that this thread has just got, as `Foreign` promises.
            unsafe { libc::pthread_mutex_consistent(mutex.as_ptr().cast()) };
            Locked::FromTheDead
        }
        // EBUSY, ETIMEDOUT. Anything else is for bytes that are no mutex.
        _ => Locked::Busy,
    }
}

/// Takes a mutex if it is free.
///
/// *Progress*: never sleeps.
pub(crate) fn try_lock(mutex: &Foreign) -> Locked {
    step::point();
    // SAFETY: a mutex, as `Foreign` promises; all its parts are atomics to us.
    judge(mutex, unsafe { libc::pthread_mutex_trylock(mutex.as_ptr().cast()) })
}

/// Takes a mutex, waiting for it until then.
///
/// *Progress*: may sleep.
pub(crate) fn lock(mutex: &Foreign, until_ns: u64) -> Locked {
    let taken = try_lock(mutex);
    if taken != Locked::Busy {
        return taken;
    }
    let object = mutex.as_ptr().cast();
    let result = match clocklock() {
        // SAFETY: as in `try_lock`; the time lives across the call.
        Some(clocklock) => unsafe { clocklock(object, libc::CLOCK_MONOTONIC, &timespec(until_ns)) },
        // SAFETY: as above.
        None => unsafe { libc::pthread_mutex_timedlock(object, &by_the_wall(until_ns)) },
    };
    judge(mutex, result)
}

/// Gives a mutex back that this thread has. Whether it still was what it had been made as: if not (somebody cut the file short, or
/// emptied it), the C library may have it in the list of what this thread has for ever, and **its memory has to stay**: whatever the
/// thread locks next is linked to it.
#[must_use]
pub(crate) fn unlock(mutex: &Foreign) -> bool {
    step::point();
    // SAFETY: a mutex that this thread has, as `Foreign` and the callers promise.
    let result = unsafe { libc::pthread_mutex_unlock(mutex.as_ptr().cast()) };
    // What a free mutex has (its kind), one that is taken has too. Looked at behind the call, which reads it as well.
    // (Refused: it was wiped in the middle of it.)
    static FRESH: [Known; FOREIGN_WORDS] = [const { Known::new() }; FOREIGN_WORDS];
    let is_fresh = |(at, fresh): (usize, &Known)| {
        let kind = fresh.get(|| new_mutex()[at]);
        mutex.word(at) & kind == kind
    };
    result == 0 && FRESH.iter().enumerate().all(is_fresh)
}

/// Why a sleeper is awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Called, or interrupted by a signal.
    Look,
    /// The time is over.
    TimedOut,
}

/// Sleeps until the semaphore is posted, at most until then (`None`: for ever).
///
/// *Progress*: may sleep; one `futex`, none if it was posted before.
pub(crate) fn wait(semaphore: &Foreign, until_ns: Option<u64>) -> Woken {
    let object = semaphore.as_ptr().cast();
    let result = match (until_ns, sem_clockwait()) {
        // SAFETY: a semaphore, as `Foreign` promises.
        (None, _) => unsafe { libc::sem_wait(object) },
        // SAFETY: as above; the time lives across the call.
        (Some(ns), Some(clockwait)) => unsafe { clockwait(object, libc::CLOCK_MONOTONIC, &timespec(ns)) },
        // SAFETY: as above.
        (Some(ns), None) => unsafe { sem_timedwait(object, &by_the_wall(ns)) },
    };
    match Errno::result(result) {
        Err(Errno::ETIMEDOUT) => Woken::TimedOut,
        Ok(_) | Err(_) => Woken::Look,
    }
}

/// Takes back all posts that nobody has taken.
pub(crate) fn drain(semaphore: &Foreign) {
    // SAFETY: a semaphore, as `Foreign` promises.
    while unsafe { libc::sem_trywait(semaphore.as_ptr().cast()) } == 0 {}
}

/// Wakes whoever sleeps there, or lets the next one through.
///
/// *Progress*: never sleeps; one `futex` if somebody sleeps.
pub(crate) fn post(semaphore: &Foreign) {
    step::point();
    // SAFETY: a semaphore, as `Foreign` promises. That its count is at its end, the only error, wakes as well.
    unsafe { libc::sem_post(semaphore.as_ptr().cast()) };
}

fn timespec(ns: u64) -> libc::timespec {
    libc::timespec { tv_sec: (ns / 1_000_000_000) as libc::time_t, tv_nsec: (ns % 1_000_000_000) as libc::c_long }
}

/// That time of the monotonic clock as the clock has it that people set.
fn by_the_wall(until_ns: u64) -> libc::timespec {
    let left = std::time::Duration::from_nanos(until_ns.saturating_sub(clock::now_ns()));
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    timespec(u64::try_from((since + left).as_nanos()).unwrap_or(u64::MAX))
}

/// A function of the C library that not every one has; null if it has not.
fn find(known: &Known, name: &CStr) -> *mut libc::c_void {
    // SAFETY: a string with its zero; the answer is an address, or null.
    let ask = || unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.expose_provenance() as u64;
    std::ptr::with_exposed_provenance_mut(known.get(ask) as usize)
}

fn sem_clockwait() -> Option<SemClockwait> {
    static FOUND: Known = Known::new();
    let found = find(&FOUND, c"sem_clockwait");
    // SAFETY: the C library's function of that name has this type, and null is none.
    unsafe { std::mem::transmute::<*mut libc::c_void, Option<SemClockwait>>(found) }
}

fn clocklock() -> Option<MutexClocklock> {
    static FOUND: Known = Known::new();
    let found = find(&FOUND, c"pthread_mutex_clocklock");
    // SAFETY: the C library's function of that name has this type, and null is none.
    unsafe { std::mem::transmute::<*mut libc::c_void, Option<MutexClocklock>>(found) }
}
