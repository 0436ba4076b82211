//! Channels in System V segments: what is particular to them. What they have in common with all others is in `conformance`; what
//! is left by who is killed while it makes, leaves or removes one, in the crate's own stepped tests.
//!
//! # Safety
//!
//! System calls on segments of the test's own, at addresses that the kernel chooses; and `fork` in a process that has one thread at work.
#![allow(unsafe_code)]

mod support;

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use ringway::stream::Duplex;
use ringway::{
    Backing, DisconnectReason, FormatError, Numa, OpenError, Options, SegmentError, bytes, mpmc, observe, spsc,
};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use support::pool::Pool;
use support::{Child, Dir, PATIENCE, hear, role, skip, tell};

const NAME: &str = "channel";

fn system_v(dir: &Dir) -> Options {
    dir.options().capacity(4).backing(Backing::SystemV)
}

fn kept(dir: &Dir) -> Options {
    system_v(dir).persistent(true)
}

fn id(dir: &Dir) -> i32 {
    observe::stat(NAME, Some(dir.path())).expect("a channel").system_v.expect("in a System V segment")
}

/// A line of `/proc/sysvipc/shm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    key: i32,
    id: i32,
    mode: u32,
    len: u64,
    attached: u64,
}

fn row(id: i32) -> Option<Row> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").expect("/proc");
    let rows = table.lines().skip(1).map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        Row {
            key: words[0].parse().expect("a key"),
            id: words[1].parse().expect("a number"),
            mode: u32::from_str_radix(words[2], 8).expect("a mode"),
            len: words[3].parse().expect("a length"),
            attached: words[6].parse().expect("a count"),
        }
    });
    rows.into_iter().find(|row| row.id == id)
}

/// What `ipcrm -m` does.
fn ipcrm(id: i32) {
    // SAFETY: it takes numbers alone.
    let removed = unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    assert_eq!(removed, 0, "{}", std::io::Error::last_os_error());
}

/// A segment of the test's own; gone with it.
struct Other(i32);

impl Other {
    fn new(len: u64, mode: i32) -> Self {
        // SAFETY: it takes numbers alone.
        let id = unsafe { libc::shmget(libc::IPC_PRIVATE, len as usize, libc::IPC_CREAT | mode) };
        assert!(id >= 0, "{}", std::io::Error::last_os_error());
        Self(id)
    }

    /// Writes to its beginning.
    fn begin_with(&self, bytes: &[u8]) {
        // SAFETY: at an address that the kernel chooses.
        let base = unsafe { libc::shmat(self.0, std::ptr::null(), 0) };
        assert_ne!(base.addr(), usize::MAX, "{}", std::io::Error::last_os_error());
        // SAFETY: the segment is longer, and nobody else looks.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), base.cast(), bytes.len()) };
        // SAFETY: what was attached above.
        unsafe { libc::shmdt(base) };
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        if row(self.0).is_some() {
            ipcrm(self.0);
        }
    }
}

#[track_caller]
fn refused<T>(opened: Result<T, OpenError>) -> SegmentError {
    match opened {
        Err(OpenError::Segment(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused, but opened"),
    }
}

// What is there.

#[test]
fn a_channel_is_a_segment_that_ipcs_shows_and_a_file_of_one_page() {
    let dir = Dir::new();
    let mut tx = spsc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("a channel");
    let seen = observe::stat(NAME, Some(dir.path())).expect("it is there");
    let row = row(id(&dir)).expect("it is in the table");
    let companion = dir.path().join(NAME);
    assert_eq!((row.mode, row.len, row.attached), (0o600, seen.total_bytes, 1));
    let text = std::ffi::CString::new(companion.to_str().expect("UTF-8")).expect("a path");
    // SAFETY: a string that lives across the call.
    assert_eq!(row.key, unsafe { libc::ftok(text.as_ptr(), libc::c_int::from(b'r')) });
    assert_eq!((std::fs::metadata(&companion).expect("a file").len(), dir.files().len()), (4096, 1));
    assert_eq!(tx.path(), Some(companion.as_path()));
    assert!(observe::is_of_a_channel(row.id));

    // An end that says nothing of the backing comes to what is there, and what was sent is seen from outside.
    let mut rx = spsc::Receiver::<u64>::open_with(NAME, &dir.options()).expect("its other end");
    tx.send(7).expect("room");
    let seen = observe::stat(NAME, Some(dir.path())).expect("it is there");
    assert_eq!((seen.sent, seen.depth, seen.is_in_use), (1, 1, true));
    let inspected = observe::inspect(NAME, Some(dir.path()), 1).expect("it can be looked at");
    assert!(inspected.wrong().is_empty(), "{:?}", inspected.wrong());
    assert_eq!(inspected.words.expect("a sound header").list[0].published, 1);
    assert_eq!(rx.recv(), Ok(7));
    assert!(matches!(refused(tx.descriptor()), SegmentError::Unsupported { .. }));
    drop((tx, rx));
    assert_eq!((self::row(row.id), dir.files()), (None, Vec::new()));
}

#[test]
fn a_backing_that_is_named_is_insisted_on() {
    let dir = Dir::new();
    let opened = |options: &Options| spsc::Receiver::<u64>::open_with(NAME, options);
    let tx = spsc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("a channel");
    let there = opened(&dir.options().backing(Backing::Shm));
    assert!(matches!(there, Err(OpenError::Format(FormatError::Backing { is_system_v: true }))), "{there:?}");
    drop(tx);
    let tx = spsc::Sender::<u64>::create_with(NAME, &dir.options()).expect("a channel");
    let there = opened(&system_v(&dir));
    assert!(matches!(there, Err(OpenError::Format(FormatError::Capacity { .. } | FormatError::Backing { .. }))));
    let there = opened(&dir.options().backing(Backing::SystemV));
    assert!(matches!(there, Err(OpenError::Format(FormatError::Backing { is_system_v: false }))), "{there:?}");
    drop(tx);
    let pair = spsc::channel_with::<u64>(&Options::new().backing(Backing::SystemV));
    assert!(matches!(pair, Err(OpenError::Options { .. })), "it has no name");
}

#[test]
fn long_messages_and_both_directions_work_and_leave_nothing() {
    let dir = Dir::new();
    let options = dir.options().backing(Backing::SystemV);
    let tx = bytes::mpmc::Sender::create_with(NAME, &options).expect("a channel");
    let rx = bytes::mpmc::Receiver::open_with(NAME, &options).expect("its other end");
    let loan = tx.loan(1 << 20).expect("an annex");
    assert_eq!(dir.files().len(), 2, "it is a file beside the file: {:?}", dir.files());
    drop((loan, tx, rx));
    assert!(dir.files().is_empty());

    let mut here = Duplex::create_with(NAME, &options).expect("a stream both ways");
    let mut there = Duplex::open_with(NAME, &options).expect("its other side");
    here.write_all(b"there").expect("room");
    there.write_all(b"here").expect("room");
    let mut text = [0; 5];
    there.read_exact(&mut text).expect("bytes");
    assert_eq!(&text, b"there");
    here.read_exact(&mut text[..4]).expect("bytes");
    assert_eq!(&text[..4], b"here");
    drop((here, there));
    assert!(dir.files().is_empty());
}

// Removing.

#[test]
fn what_is_persistent_is_kept_until_it_is_removed() {
    let dir = Dir::new();
    let tx = mpmc::Sender::<u64>::create_with(NAME, &kept(&dir)).expect("a channel");
    let id = id(&dir);
    assert!(matches!(observe::remove(NAME, Some(dir.path())), Err(OpenError::Segment(SegmentError::InUse { .. }))));
    tx.send(9).expect("room");
    drop(tx);
    assert_eq!(row(id).map(|row| row.attached), Some(0), "nobody is there, and it is");
    assert!(observe::clean(Some(dir.path())).expect("a directory").iter().all(|cleaned| cleaned.is_persistent));
    let rx = mpmc::Receiver::<u64>::open_with(NAME, &kept(&dir)).expect("it is kept");
    assert_eq!(rx.try_recv(), Ok(9));
    drop(rx);
    observe::remove(NAME, Some(dir.path())).expect("nobody is there");
    assert_eq!((row(id), dir.files()), (None, Vec::new()));
}

#[test]
fn a_segment_removed_under_its_users_stays_theirs_and_nobody_else_comes() {
    for persistent in [false, true] {
        let dir = Dir::new();
        let options = system_v(&dir).persistent(persistent);
        let mut tx = spsc::Sender::<u64>::create_with(NAME, &options).expect("a channel");
        let mut rx = spsc::Receiver::<u64>::open_with(NAME, &options).expect("its other end");
        let id = id(&dir);
        ipcrm(id);
        assert!(row(id).is_some_and(|row| row.mode & 0o1000 != 0 && row.attached == 2 && row.key == 0));
        for number in 0..20 {
            tx.send(number).expect("they go on");
            assert_eq!(rx.recv(), Ok(number));
        }
        // Who opens or creates is told.
        for opened in [
            spsc::Receiver::<u64>::open_with(NAME, &options).map(drop),
            spsc::Sender::<u64>::create_with(NAME, &options).map(drop),
            spsc::Sender::<u64>::open_or_create_with(NAME, &options).map(drop),
            observe::stat(NAME, Some(dir.path())).map(drop),
        ] {
            let error = refused(opened);
            assert!(matches!(error, SegmentError::Removed { id: told, .. } if told == id), "{error:?}");
        }
        let inspected = observe::inspect(NAME, Some(dir.path()), 1).expect("what is left can be looked at");
        assert!(inspected.wrong().iter().any(|wrong| wrong.contains("removed")), "{:?}", inspected.wrong());
        assert!(matches!(refused(observe::remove(NAME, Some(dir.path()))), SegmentError::InUse { .. }));
        let cleaned = observe::clean(Some(dir.path())).expect("a directory");
        assert!(matches!(cleaned[..], [observe::Cleaned { removed: Ok(false), .. }]), "{cleaned:?}");
        // Nobody can come to the one that is left.
        drop(tx);
        assert!(rx.recv().is_err());
        assert!(matches!(rx.disconnect_reason(), Some(DisconnectReason::Unlinked | DisconnectReason::Left)));
        drop(rx);
        assert_eq!((row(id), dir.files()), (None, Vec::new()), "gone with the last one");
        drop(spsc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("the name is free"));
    }
}

#[test]
fn who_waits_for_a_first_peer_is_told_that_the_segment_was_removed() {
    let dir = Dir::new();
    let options = system_v(&dir).slice(std::time::Duration::from_millis(1));
    let mut rx = spsc::Receiver::<u64>::create_with(NAME, &options).expect("a channel");
    ipcrm(id(&dir));
    assert!(rx.recv_timeout(PATIENCE).is_err_and(|error| !error.is_timeout()));
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Unlinked));
}

#[test]
fn a_name_whose_segment_was_removed_is_nothing_persistent_or_not() {
    let dir = Dir::new();
    let make = || {
        drop(spsc::Sender::<u64>::create_with(NAME, &kept(&dir)).expect("a channel"));
        let id = id(&dir);
        ipcrm(id);
        assert_eq!((row(id), dir.files().len()), (None, 1));
    };
    make();
    assert!(spsc::Receiver::<u64>::open_with(NAME, &kept(&dir)).is_err_and(|error| error.is_not_found()));
    assert!(dir.files().is_empty(), "and taken away");
    make();
    drop(spsc::Receiver::<u64>::open_or_create_with(NAME, &system_v(&dir)).expect("a new one"));
    assert!(dir.files().is_empty());
    make();
    assert!(refused(observe::stat(NAME, Some(dir.path()))).to_string().contains("removed"));
    let cleaned = observe::clean(Some(dir.path())).expect("a directory");
    assert!(matches!(cleaned[..], [observe::Cleaned { removed: Ok(true), .. }]), "{cleaned:?}");
    make();
    observe::remove(NAME, Some(dir.path())).expect("the name can be removed");
    assert!(dir.files().is_empty());
}

#[test]
fn the_last_one_takes_the_segment_along_whose_file_was_removed_by_hand() {
    for persistent in [false, true] {
        let dir = Dir::new();
        let tx = spsc::Sender::<u64>::create_with(NAME, &system_v(&dir).persistent(persistent)).expect("a channel");
        let id = id(&dir);
        std::fs::remove_file(dir.path().join(NAME)).expect("the file");
        let other = spsc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("the name is free");
        let others = self::id(&dir);
        drop(tx);
        assert_eq!((row(id), row(others).is_some()), (None, true), "and no other");
        drop(other);
        assert!(dir.files().is_empty());
    }
}

// Killed.

#[test]
fn what_the_killed_leave_is_removed_by_who_comes_next() {
    let Some(role) = role() else {
        for cleans in [false, true] {
            let dir = Dir::new();
            let [one, two] = ["creator", "other"].map(|role| {
                let mut child = Child::start(&here!(), role, &dir);
                child.expect("here");
                child
            });
            let id = id(&dir);
            assert_eq!(row(id).map(|row| row.attached), Some(2));
            one.kill();
            two.kill();
            assert_eq!(row(id).map(|row| row.attached), Some(0), "the kernel keeps it");
            if cleans {
                let cleaned = observe::clean(Some(dir.path())).expect("a directory");
                assert!(matches!(cleaned[..], [observe::Cleaned { removed: Ok(true), .. }]), "{cleaned:?}");
            } else {
                let opened = mpmc::Receiver::<u64>::open_with(NAME, &system_v(&dir));
                assert!(opened.is_err_and(|error| error.is_not_found()));
            }
            assert_eq!((row(id), dir.files()), (None, Vec::new()));
        }
        return;
    };
    let dir = Dir::new();
    let _end = match role.as_str() {
        "creator" => mpmc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("a channel"),
        _ => mpmc::Sender::<u64>::open_with(NAME, &system_v(&dir)).expect("the channel"),
    };
    tell("here");
    support::hang();
}

#[test]
fn many_that_come_and_go_at_once_leave_nothing() {
    let dir = Dir::new();
    if role().is_none() {
        // In a process of its own, whose segments can be told by its pid.
        return Child::start(&here!(), "all", &dir).succeed();
    }
    let come_and_go = || {
        for n in 0..150 {
            let tx = mpmc::Sender::<u64>::open_or_create_with(NAME, &system_v(&dir)).expect("a channel");
            if n % 3 == 0 {
                let cleaned = observe::clean(Some(dir.path())).expect("a directory");
                assert!(cleaned.iter().all(|cleaned| cleaned.removed.is_ok()), "{cleaned:?}");
            }
            // Whoever is there has the same segment.
            assert!(tx.disconnect_reason().is_none_or(|reason| reason != DisconnectReason::Unlinked));
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| _ = scope.spawn(come_and_go)));
    assert!(dir.files().is_empty(), "{:?}", dir.files());
    let (table, us) = (std::fs::read_to_string("/proc/sysvipc/shm").expect("/proc"), std::process::id().to_string());
    let left = table.lines().filter(|line| line.split_whitespace().nth(4) == Some(&us));
    assert_eq!(left.count(), 0, "{table}");
}

/// Whoever looks at a name while its channel goes finds the channel or nothing.
#[test]
fn who_looks_while_others_come_and_go_is_told_of_no_fault() {
    let dir = Dir::new();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                drop(spsc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("a channel"));
            }
        });
        let looks = || observe::stat(NAME, Some(dir.path())).err().filter(|error| !error.is_not_found());
        let told: Vec<_> = (0..20_000).filter_map(|_| looks()).take(1).collect();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(told.is_empty(), "{told:?}");
    });
}

/// Who is refused for that is the last one there at times.
#[test]
fn a_name_whose_segment_was_removed_goes_with_the_last_one_also_if_that_is_refused() {
    let dir = Dir::new();
    for round in 0..2000 {
        let tx = spsc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("a channel");
        ipcrm(id(&dir));
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| spsc::Receiver::<u64>::open_with(NAME, &system_v(&dir)).map(drop));
            if round % 2 == 0 {
                std::thread::yield_now();
            }
            drop(tx);
            assert!(opening.join().expect("no panic").is_err());
        });
        assert!(dir.files().is_empty(), "round {round}: {:?}", dir.files());
    }
}

#[test]
fn a_forked_child_keeps_the_memory_and_nothing_else() {
    let dir = Dir::new();
    if role().is_none() {
        return Child::start(&here!(), "forker", &dir).succeed();
    }
    let mut tx = spsc::Sender::<u64>::create_with(NAME, &system_v(&dir)).expect("a channel");
    let id = id(&dir);
    let (reader, writer) = nix::unistd::pipe().expect("a pipe");
    // SAFETY: this process has one thread at work.
    match unsafe { nix::unistd::fork() }.expect("a child") {
        nix::unistd::ForkResult::Child => {
            let is_forked = tx.try_send(1).is_err();
            let is_lasting = tx.disconnect_reason() == Some(DisconnectReason::Forked);
            drop(writer);
            // Until the parent has left.
            let _ = nix::unistd::read(&reader, &mut [0]);
            // SAFETY: ends the process without running anything.
            unsafe { libc::_exit(i32::from(!(is_forked && is_lasting))) }
        }
        nix::unistd::ForkResult::Parent { child } => {
            drop(reader);
            assert_eq!(row(id).map(|row| row.attached), Some(2), "both have it attached");
            drop(tx);
            assert!(dir.files().is_empty());
            let row = row(id).expect("the child's");
            assert_eq!((row.mode & 0o1000 != 0, row.attached), (true, 1), "removed, and still the child's");
            drop(writer);
            let ended = nix::sys::wait::waitpid(child, None).expect("a child");
            assert_eq!(ended, nix::sys::wait::WaitStatus::Exited(child, 0));
        }
    }
    assert_eq!(row(id), None);
}

// What is not ours.

/// 64-bit FNV-1a, as SPEC.md has it.
fn checksum(page: &[u8]) -> u64 {
    let summed = page.iter().enumerate().map(|(at, byte)| if (128..136).contains(&at) { 0 } else { *byte });
    summed.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Has a persistent channel's file name another segment, and says how that channel's bytes begin.
fn forge(companion: &Path, at: usize, value: &[u8]) -> Vec<u8> {
    let file = std::fs::File::options().read(true).write(true).open(companion).expect("the file");
    let mut page = vec![0; 4096];
    file.read_exact_at(&mut page, 0).expect("a header");
    page[at..at + value.len()].copy_from_slice(value);
    let sum = checksum(&page);
    page[128..136].copy_from_slice(&sum.to_le_bytes());
    file.write_all_at(&page, 0).expect("a header");
    page
}

/// A persistent channel that nobody uses: its directory, its file, its segment's number and length.
fn idle() -> (Dir, PathBuf, Other, u64) {
    let dir = Dir::new();
    drop(spsc::Sender::<u64>::create_with(NAME, &kept(&dir)).expect("a channel"));
    let id = id(&dir);
    let len = row(id).expect("its segment").len;
    let companion = dir.path().join(NAME);
    (dir, companion, Other(id), len)
}

/// Nobody comes to this, nothing of it is attached, and removing the channel leaves it alone.
#[track_caller]
fn is_refused(dir: &Dir, other: i32, about: &str) {
    let before = row(other);
    for opened in [
        spsc::Receiver::<u64>::open_with(NAME, &kept(dir)).map(drop),
        spsc::Sender::<u64>::create_with(NAME, &kept(dir)).map(drop),
        observe::stat(NAME, Some(dir.path())).map(drop),
    ] {
        let error = refused(opened);
        let text = error.to_string();
        assert!(matches!(error, SegmentError::Foreign { .. }) && text.contains(about), "{text}");
    }
    assert!(!observe::inspect(NAME, Some(dir.path()), 1).expect("a file").wrong().is_empty());
    assert_eq!(row(other), before);
    observe::remove(NAME, Some(dir.path())).expect("the name can be removed");
    assert_eq!((row(other), dir.files()), (before, Vec::new()), "and nothing else");
}

#[test]
fn a_file_that_names_another_segment_is_refused() {
    let (dir, companion, _own, len) = idle();
    let other = Other::new(len + 4096, 0o600);
    forge(&companion, 200, &other.0.to_le_bytes());
    is_refused(&dir, other.0, "another size");

    // The number was somebody else's meanwhile.
    let (dir, companion, _own, len) = idle();
    let other = Other::new(len, 0o600);
    forge(&companion, 200, &other.0.to_le_bytes());
    is_refused(&dir, other.0, "begins with something else");

    // Another channel's, of the same length.
    let (dir, companion, _own, len) = idle();
    let other = Other::new(len, 0o600);
    let page = forge(&companion, 200, &other.0.to_le_bytes());
    let mut begin = page.clone();
    begin[32] ^= 1;
    other.begin_with(&begin);
    is_refused(&dir, other.0, "begins with something else");

    // Ours, and writable by others.
    let (dir, companion, _own, len) = idle();
    let other = Other::new(len, 0o622);
    let page = forge(&companion, 200, &other.0.to_le_bytes());
    other.begin_with(&page);
    is_refused(&dir, other.0, "not ours alone");

    let (dir, companion, own, _) = idle();
    forge(&companion, 200, &(-1_i32).to_le_bytes());
    let opened = spsc::Receiver::<u64>::open_with(NAME, &kept(&dir));
    assert!(refused(opened).to_string().contains("never made"));
    observe::remove(NAME, Some(dir.path())).expect("nobody is there");
    assert_eq!((row(own.0), dir.files()), (None, Vec::new()), "found by its key");
}

#[test]
fn a_file_that_tells_nonsense_is_refused() {
    for (at, value) in [(196, 2_i32), (200, -2)] {
        let (dir, companion, _own, _) = idle();
        forge(&companion, at, &value.to_le_bytes());
        let opened = spsc::Receiver::<u64>::open_with(NAME, &kept(&dir));
        assert!(matches!(opened, Err(OpenError::Format(FormatError::Field { .. }))), "{opened:?}");
        assert_eq!(dir.files().len(), 1, "and left alone");
    }
}

#[test]
fn a_segment_of_another_namespace_is_refused_and_left_alone() {
    let (dir, companion, own, _) = idle();
    forge(&companion, 208, &1_u64.to_le_bytes());
    for opened in [
        spsc::Receiver::<u64>::open_with(NAME, &kept(&dir)).map(drop),
        observe::remove(NAME, Some(dir.path())),
        observe::stat(NAME, Some(dir.path())).map(drop),
    ] {
        assert!(refused(opened).to_string().contains("namespace"));
    }
    assert_eq!((dir.files().len(), row(own.0).is_some()), (1, true));
}

#[test]
fn a_segment_of_another_user_is_refused() {
    let Some(_) = role() else {
        if !nix::unistd::geteuid().is_root() {
            return skip("this user cannot be another one");
        }
        let (dir, companion, _own, len) = idle();
        let mut child = Child::start_with(&here!(), "another", &dir, &[("LEN", len.to_string())]);
        let other: i32 = child.hear().parse().expect("a number");
        let page = forge(&companion, 200, &other.to_le_bytes());
        let theirs = std::mem::ManuallyDrop::new(Other(other));
        theirs.begin_with(&page);
        is_refused(&dir, other, "not ours alone");
        child.tell("enough");
        return child.succeed();
    };
    nix::unistd::setuid(65_534.into()).expect("root");
    let other = Other::new(support::number("LEN", 0), 0o600);
    tell(other.0);
    hear();
}

// Limits, and what the kernel is told.

/// In an IPC namespace of its own, whose settings are nobody else's.
fn alone(test: &str, work: impl FnOnce(&Dir)) {
    let dir = Dir::new();
    if role().is_none() {
        let mut child = Child::start(test, "alone", &dir);
        if child.hear() != "alone" {
            skip("this user cannot have an IPC namespace of its own");
        }
        return child.succeed();
    }
    let is_alone = unshare(CloneFlags::CLONE_NEWIPC).is_ok();
    tell(if is_alone { "alone" } else { "not alone" });
    if is_alone {
        work(&dir);
        let table = std::fs::read_to_string("/proc/sysvipc/shm").expect("/proc");
        assert!(table.lines().count() == 1 && dir.files().is_empty(), "{table}");
    }
}

fn set(setting: &str, value: u64) {
    std::fs::write(format!("/proc/sys/kernel/{setting}"), value.to_string()).expect("a setting of our own");
}

#[test]
fn limits_of_the_kernel_are_named() {
    alone(&here!(), |dir| {
        let limit = |limit: &str, value: u64| {
            let error = refused(spsc::Sender::<u64>::create_with(NAME, &system_v(dir)));
            let SegmentError::SystemVLimit { asked, limit: told, value: tolds } = &error else { panic!("{error:?}") };
            assert!(*asked > 4096 && *told == limit && *tolds == value, "{error}");
            assert!(error.to_string().contains(&format!("kernel.{limit} is {value}")), "{error}");
        };
        set("shmmax", 4096);
        limit("shmmax", 4096);
        set("shmmax", 1 << 40);
        set("shmall", 1);
        limit("shmall", 1);
        set("shmall", 1 << 30);
        let other = Other::new(4096, 0o600);
        set("shmmni", 1);
        limit("shmmni", 1);
        set("shmmni", 4096);
        drop(other);
        let greedy = refused(spsc::Sender::<u64>::create_with(NAME, &system_v(dir).capacity(1 << 33)));
        assert!(matches!(greedy, SegmentError::NoSpace { asked, available, .. } if available < asked), "{greedy}");
        drop(spsc::Sender::<u64>::create_with(NAME, &system_v(dir)).expect("room again"));
    });
}

#[test]
fn where_the_kernel_removes_what_nobody_has_attached_there_is_no_channel() {
    alone(&here!(), |dir| {
        set("shm_rmid_forced", 1);
        let error = refused(spsc::Sender::<u64>::create_with(NAME, &system_v(dir)));
        assert!(error.to_string().contains("shm_rmid_forced"), "{error}");
        set("shm_rmid_forced", 0);
        // It was set while a channel was there: what was persistent is gone with its last user.
        let tx = spsc::Sender::<u64>::create_with(NAME, &kept(dir)).expect("a channel");
        set("shm_rmid_forced", 1);
        drop(tx);
        set("shm_rmid_forced", 0);
        let opened = spsc::Receiver::<u64>::open_with(NAME, &kept(dir));
        assert!(opened.is_err_and(|error| error.is_not_found()));
    });
}

#[test]
fn a_channel_of_the_namespace_outside_is_refused_inside() {
    let dir = Dir::new();
    if role().is_none() {
        let tx = spsc::Sender::<u64>::create_with(NAME, &kept(&dir)).expect("a channel");
        let mut child = Child::start(&here!(), "inside", &dir);
        child.hear();
        child.succeed();
        drop(tx);
        return observe::remove(NAME, Some(dir.path())).expect("it is there");
    }
    if unshare(CloneFlags::CLONE_NEWIPC).is_err() {
        skip("this user cannot have an IPC namespace of its own");
        return tell("skipped");
    }
    let error = refused(spsc::Receiver::<u64>::open_with(NAME, &kept(&dir)));
    assert!(matches!(error, SegmentError::Foreign { .. }), "{error}");
    tell("refused");
}

/// The values, in KiB, of a line of `/proc/self/smaps` on System V segments; summed up.
fn mapped(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps").expect("/proc");
    let mut is_ours = false;
    let mut sum = 0;
    for line in text.lines() {
        let first = line.split(' ').next().unwrap_or("");
        if first.contains('-') && !first.ends_with(':') {
            is_ours = line.contains("/SYSV");
        } else if let Some(rest) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(':')).filter(|_| is_ours) {
            sum += rest.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        }
    }
    sum
}

#[test]
fn pages_are_there_locked_and_huge_as_they_are_asked_for() {
    let dir = Dir::new();
    if role().is_none() {
        let pool = Pool::of(4);
        let is_huge = u64::from(pool.is_some()).to_string();
        return Child::start_with(&here!(), "alone", &dir, &[("HUGE", is_huge)]).succeed();
    }
    let roomy = || dir.options().capacity(200_000).backing(Backing::SystemV);
    const KIB: u64 = 200_000 * 8 / 1024;

    let tx = spsc::Sender::<u64>::create_with(NAME, &roomy()).expect("a channel");
    assert!(mapped("Rss") < KIB / 4, "{}", mapped("Rss"));
    let rx = spsc::Receiver::<u64>::open_with(NAME, &roomy().prefault(true)).expect("its other end");
    assert!((KIB..KIB * 3).contains(&mapped("Rss")), "{}", mapped("Rss"));
    drop((tx, rx));

    match spsc::Sender::<u64>::create_with(NAME, &roomy().lock_memory(true)) {
        Ok(_tx) => assert!(mapped("Locked") >= KIB, "{}", mapped("Locked")),
        Err(error) => assert!(matches!(refused::<()>(Err(error)), SegmentError::LockLimit { .. })),
    }
    match spsc::Sender::<u64>::create_with(NAME, &roomy().numa(Numa::Prefer(0))) {
        Ok(tx) => drop(tx),
        Err(error) => assert!(matches!(refused::<()>(Err(error)), SegmentError::Unsupported { .. })),
    }
    let huge = spsc::Sender::<u64>::create_with(NAME, &roomy().huge_pages(true));
    if support::number("HUGE", 0) == 1 {
        let mut tx = huge.expect("huge pages have been set aside");
        assert_eq!(mapped("KernelPageSize"), 2048);
        let mut rx = spsc::Receiver::<u64>::open_with(NAME, &dir.options()).expect("its other end");
        tx.send(7).expect("room");
        assert_eq!(rx.recv(), Ok(7));
    } else {
        skip("this user cannot set huge pages aside");
        assert!(matches!(refused(huge), SegmentError::NoHugePages { .. } | SegmentError::Unsupported { .. }));
    }
    assert!(dir.files().is_empty() && mapped("Size") == 0);
}
