//! Every call of the kernel of every operation fails once, with each error that it may fail with: coming, passing something, leaving, in
//! memory of every kind; falling asleep and waking, with each waiter; a hand-over; what is done about the dead; removing and looking.
//!
//! Whichever it is: the operation works, or fails with that error or with one that says it better; it does not panic, hang, lose a
//! message, say what is not so, or keep a descriptor, a mapping, a file; and the channel goes on for the others.

use super::failing_plays::{Play, plays};
use super::tracer::{Call, GOES_ON, disturbed, forks};
use crate::here;
use crate::support::{Dir, number, tell};
use nix::errno::Errno;
use nix::libc;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// No call has more.
const ERRORS_MAX: usize = 4;

/// What a call may fail with, that an operation has to do with: what the manual says, and any that stands for its like.
fn errors_of(call: Call) -> &'static [Errno] {
    use Errno::{
        EACCES, EAGAIN, ECONNRESET, EDEADLK, EFAULT, EINTR, EMFILE, ENOBUFS, ENOLCK, ENOMEM, ENOSPC, ENOSYS, EPERM,
        EPIPE,
    };
    match call.number {
        libc::SYS_openat => &[EMFILE, EACCES, EINTR],
        libc::SYS_fallocate | libc::SYS_ftruncate => &[ENOSPC, EINTR],
        libc::SYS_mmap | libc::SYS_madvise | libc::SYS_mprotect => &[ENOMEM, EAGAIN],
        libc::SYS_fcntl if is_lock(call) => &[EAGAIN, EDEADLK, ENOLCK, EINTR],
        libc::SYS_fcntl | libc::SYS_dup => &[EMFILE, EPERM],
        libc::SYS_linkat | libc::SYS_renameat2 => &[ENOSPC, EPERM],
        libc::SYS_unlink | libc::SYS_unlinkat => &[EACCES, EPERM],
        // Of any other the C library makes an end of the process.
        libc::SYS_futex if is_sleep(call) => &[EINTR, EAGAIN],
        libc::SYS_futex => &[EFAULT],
        libc::SYS_membarrier => &[ENOSYS, EPERM],
        libc::SYS_ppoll | libc::SYS_poll => &[EINTR, ENOMEM],
        libc::SYS_shmget => &[ENOSPC, ENOMEM, EACCES],
        libc::SYS_shmat => &[ENOMEM, EACCES],
        libc::SYS_shmctl if call.arguments[1] == libc::IPC_STAT as u64 => &[EACCES, ENOMEM],
        libc::SYS_shmctl => &[EPERM, ENOMEM],
        libc::SYS_mq_open => &[EMFILE, ENOSPC, ENOMEM],
        libc::SYS_mq_timedsend | libc::SYS_mq_timedreceive | libc::SYS_mq_unlink => &[EINTR, EAGAIN, EACCES],
        libc::SYS_eventfd2 | libc::SYS_memfd_create | libc::SYS_socket => &[EMFILE, ENOMEM],
        libc::SYS_sendmsg | libc::SYS_recvmsg => &[EINTR, ENOBUFS, EPIPE, ECONNRESET],
        _ => &[ENOMEM, EINTR],
    }
}

/// Whether a call of a futex's is one that sleeps.
fn is_sleep(call: Call) -> bool {
    let operation = call.arguments[1] as i32 & !(libc::FUTEX_CLOCK_REALTIME | libc::FUTEX_PRIVATE_FLAG);
    [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET].contains(&operation)
}

fn is_lock(call: Call) -> bool {
    [libc::F_OFD_GETLK, libc::F_OFD_SETLK].contains(&(call.arguments[1] as i32))
}

/// What says better than a number what has gone wrong, and of which errors it may.
const OWN: [(&str, &[Errno]); 8] = [
    ("RoleTaken.role", &[Errno::EAGAIN]),
    ("TooManyMembers.most", &[Errno::EAGAIN]),
    ("Segment.InUse", &[Errno::EAGAIN]),
    ("Segment.Foreign", &[Errno::EACCES]),
    ("Segment.NoSpace", &[Errno::ENOSPC, Errno::ENOMEM]),
    ("Segment.OutOfMemory", &[Errno::ENOMEM, Errno::EAGAIN]),
    ("Segment.SystemVLimit", &[Errno::ENOSPC, Errno::ENOMEM]),
    // Seals, and locks of a file that nobody else can see.
    ("Segment.Unsupported", &[Errno::EAGAIN, Errno::EMFILE, Errno::EPERM, Errno::ENOSYS]),
];

/// What says that something has gone wrong for somebody else, or before, whatever it was.
const FURTHER: [&str; 6] = ["Closed", "Segment.NotFound", "Segment.Removed", "Refused.why", "Spoiled", "kept"];

/// Whether this may be said of that error.
fn says_better(word: &str, errno: Errno) -> bool {
    FURTHER.contains(&word) || OWN.iter().any(|(own, of)| *own == word && of.contains(&errno))
}

/// What came of all of it.
#[derive(Debug, Default)]
struct Count {
    injections: usize,
    calls: BTreeSet<i64>,
    borne: usize,
    told: usize,
    /// By what they say, and of which error they say it.
    own: BTreeMap<String, usize>,
    strange: Vec<String>,
}

impl Count {
    /// Lets each call of a play fail, with each of its errors; `false`: nobody may be traced.
    fn try_all(&mut self, play: &Play, dir: &Dir) -> bool {
        let Some(told) = disturbed(|_, _| None, || play.perform(dir)) else { return false };
        assert!(told.line.split(' ').all(|word| word == "ok"), "{play:?}, undisturbed: {:?}", told.line);
        assert!(!told.calls.is_empty(), "{play:?}: there is no call that could fail");
        for nth in 0..told.calls.len() {
            // All in all each error comes to each kind of call, and with this variable each to each.
            let errors = if number("RINGWAY_FAULTS_ALL", 0) > 0 { 0..ERRORS_MAX } else { nth..nth + 1 };
            errors.for_each(|which| self.try_one(play, dir, nth, which));
            tell(GOES_ON);
        }
        true
    }

    /// Lets the call fail with one of its errors; which call it is, is known when it is made: not all come in the same order each time.
    fn try_one(&mut self, play: &Play, dir: &Dir, nth: usize, which: usize) {
        let is_one_of_all = number("RINGWAY_FAULTS_ALL", 0) > 0;
        let mut failed = None;
        let fails = |n, call| {
            let errors = errors_of(call);
            let which = if is_one_of_all { which } else { which % errors.len() };
            let errno = *errors.get(which).filter(|_| n == nth)?;
            failed = Some((call, errno));
            Some(errno)
        };
        let told = disturbed(fails, || play.perform(dir)).expect("it was permitted");
        // One that depends on who comes first is not made each time.
        let Some((call, errno)) = failed else { return };
        self.injections += 1;
        self.calls.insert(call.number);
        let code = (errno as i32).to_string();
        let words: Vec<&str> = told.line.split(' ').collect();
        let is_told = |word: &&str| *word == code || says_better(word, errno);
        // What was made and not removed is there.
        let is_hidden = words.iter().find(|word| **word != "ok").is_some_and(|first| *first == "Segment.NotFound");
        // And the other side of a hand-over is there.
        let is_closed = words[0] == "Closed" && ![Errno::EPIPE, Errno::ECONNRESET].contains(&errno);
        if is_hidden || is_closed || !words.iter().all(|word| *word == "ok" || is_told(word)) {
            let line = if told.line.is_empty() { "it hangs, or is ended" } else { &told.line };
            self.strange.push(format!("{play:?}, {errno} of call {nth}, {call:?}: {line}"));
        } else if words.iter().all(|word| *word == "ok") {
            self.borne += 1;
        } else {
            self.told += 1;
            for word in words.into_iter().filter(|word| says_better(word, errno)) {
                *self.own.entry(format!("{word} of {errno:?}")).or_default() += 1;
            }
        }
    }
}

/// All plays of a part.
fn whichever_fails(test: &str, part: &str, at_least: usize) {
    let dir = Dir::new();
    if !forks(test, &dir) {
        return;
    }
    let start = Instant::now();
    let mut count = Count::default();
    for play in plays(part) {
        if !count.try_all(&play, &dir) {
            return tell("SKIPPED: tracing is not permitted");
        }
    }
    let Count { injections, calls, borne, told, own, strange } = count;
    assert!(strange.is_empty(), "{} of {injections}: {strange:#?}", strange.len());
    assert!(injections >= at_least, "{injections} injections");
    tell(format_args!(
        "well: {part}: {injections} failures of {} different calls, {borne} borne, {told} told; errors of their own: {own:?}; \
         {:.1} s",
        calls.len(),
        start.elapsed().as_secs_f64(),
    ));
}

/// Fault 18.
#[test]
fn whichever_call_of_coming_and_leaving_fails() {
    whichever_fails(&here!(), "doors", 500);
}

/// Fault 18.
#[test]
fn whichever_call_of_sleeping_and_waking_fails() {
    whichever_fails(&here!(), "waits", 50);
}

/// Fault 18.
#[test]
fn whichever_call_of_a_hand_over_fails() {
    whichever_fails(&here!(), "handover", 150);
}

/// Fault 18.
#[test]
fn whichever_call_about_the_dead_and_the_living_fails() {
    whichever_fails(&here!(), "peers", 20);
}

/// Fault 18.
#[test]
fn whichever_call_of_looking_and_removing_fails() {
    whichever_fails(&here!(), "removal", 300);
}
