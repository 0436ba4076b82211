//! Faults of the kernel's calls: each call that making, opening and using a channel takes fails once, with each of several errors. See
//! `failing_every.rs` for all else that a process does.

use super::tracer::{Call, NAME, disturbed, forks, mark, outcome};
use crate::here;
use crate::support::{Dir, descriptors, tell};
use nix::errno::Errno;
use nix::libc;
use ringway::{Backing, Options, bytes, mpmc, observe, spsc};
use std::collections::BTreeSet;

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
