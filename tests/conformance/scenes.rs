//! What every channel does, whatever it is made of.

use crate::case::{Case, Kind, Memory};
use crate::ends::{Done, Rx, Tx};
use crate::support::pool::Pool;
use crate::support::{Child, Dir, PATIENCE, descriptors, hear, role, skip, tell, until};
use ringway::{DisconnectReason, OpenError, SegmentError};
use std::time::{Duration, Instant};

/// Messages that go round a small ring many times.
const MANY: u64 = 1500;
const NOW: Duration = Duration::ZERO;

/// A scene, and whether it has a second process.
type Scene = (&'static str, bool, fn(&str, Case, &Dir));

const SCENES: [Scene; 7] = [
    ("what is sent comes, in order and whole, however often the ring goes round", false, in_order_and_whole),
    ("full is full, and empty is empty", false, full_and_empty),
    ("an end that leaves is gone, behind what it has sent", false, orderly_leave),
    ("a wait ends when its time is over, and not before", false, deadlines),
    ("no room is an error, and nothing is left of the attempt", false, no_room),
    ("another process comes, takes part, and leaves", true, in_another_process),
    ("an end that is killed has died, and another can come", true, killed),
];

/// Runs all scenes in a process of their own, in which nobody else opens anything. If there can be no such channel, that is what
/// is found out.
pub(crate) fn run(test: &str, case: Case) {
    if let Some(why) = case.impossible() {
        return refused(case, why);
    }
    match role().as_deref() {
        None => start(test, case),
        Some("suite") => suite(test, case),
        Some(role) => peer(case, role),
    }
}

fn start(test: &str, case: Case) {
    let _pool = match case.memory {
        Memory::HugeMemfd => match Pool::of(16) {
            None => return skip("this user cannot set huge pages aside"),
            pool => pool,
        },
        _ => None,
    };
    let dir = Dir::new();
    let disk = Case::disk(&dir);
    std::fs::create_dir(&disk).expect("a directory");
    let mut child = Child::start(test, "suite", &dir);
    for (what, _, _) in SCENES {
        match child.hear() {
            line if line == what => {}
            line => println!("{what}: {line}"),
        }
    }
    child.succeed();
    // Fails if anything is in there.
    std::fs::remove_dir(&disk).expect("nothing is left");
    assert!(dir.files().is_empty(), "{:?}", dir.files());
}

/// Whichever end asks for it is told why there is none, and nothing is left of the attempt.
fn refused(case: Case, why: &str) {
    let dir = Dir::new();
    std::fs::create_dir(Case::disk(&dir)).expect("a directory");
    let options = case.options(&dir);
    let errors = [Tx::create(case.kind, &options).map(drop), Rx::create(case.kind, &options).map(drop)];
    for error in errors {
        let Err(OpenError::Options { rule }) = error else { panic!("{error:?}") };
        assert!(rule.contains(why), "{rule}");
    }
    std::fs::remove_dir(Case::disk(&dir)).expect("nothing is left");
    assert!(dir.files().is_empty(), "{:?}", dir.files());
}

fn suite(test: &str, case: Case) {
    let dir = Dir::new();
    for (what, has_peer, scene) in SCENES {
        if let (Some(why), true) = (case.unreachable(), has_peer) {
            tell(format_args!("skipped: {why}"));
            continue;
        }
        let before = descriptors();
        scene(test, case, &dir);
        // A thread that has read what a child said closes its pipe when it finds that the child has ended.
        until(&format!("{what}: {before} descriptors"), || descriptors() == before);
        assert_eq!(mapped(&dir), Vec::<String>::new(), "{what}");
        assert_eq!(made(), Vec::<String>::new(), "{what}");
        assert_eq!(dir.files(), Vec::<String>::new(), "{what}");
        assert_eq!(std::fs::read_dir(Case::disk(&dir)).expect("a directory").count(), 0, "{what}");
        tell(what);
    }
}

/// What this process has mapped of any channel.
fn mapped(dir: &Dir) -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    let (shared, disk) = (dir.path().to_string_lossy(), Case::disk(dir));
    let is_ours = |line: &&str| {
        line.contains("memfd:ringway")
            || line.contains("/SYSV")
            || line.contains(&*shared)
            || line.contains(&*disk.to_string_lossy())
    };
    maps.lines().filter(is_ours).map(str::to_owned).collect()
}

/// The System V segments that this process has made.
fn made() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let us = std::process::id().to_string();
    table.lines().filter(|line| line.split_whitespace().nth(4) == Some(&us)).map(str::to_owned).collect()
}

// What a peer does: what it is told, line by line.

fn peer(case: Case, role: &str) {
    let dir = Dir::new();
    let options = case.as_peer(&dir);
    match role {
        "sender" => {
            let mut tx = Tx::open(case.kind, &options).expect("its end");
            tell("here");
            while let Some((from, to)) = told() {
                for number in from..to {
                    assert_eq!(tx.send(number, PATIENCE), Done::Yes(()));
                }
                tell("sent");
            }
        }
        "receiver" => {
            let mut rx = Rx::open(case.kind, &options).expect("its end");
            tell("here");
            while let Some((from, to)) = told() {
                for number in from..to {
                    assert_eq!(rx.recv(PATIENCE), Done::Yes(number));
                }
                tell("received");
            }
        }
        other => panic!("nobody is {other}"),
    }
}

/// From which number to which; `None`: to leave.
fn told() -> Option<(u64, u64)> {
    let line = hear();
    let (from, to) = line.split_once(' ')?;
    Some((from.parse().expect("a number"), to.parse().expect("a number")))
}

/// Starts a peer and waits until it has its end.
fn bring(test: &str, role: &str, case: Case, dir: &Dir, end: End<'_>) -> Child {
    let descriptor = case.descriptor(|| match end {
        End::Tx(tx) => tx.descriptor(),
        End::Rx(rx) => rx.descriptor(),
    });
    let mut child = Case::bring(test, role, dir, descriptor);
    child.expect("here");
    child
}

/// The end that is here already.
enum End<'a> {
    Tx(&'a Tx),
    Rx(&'a Rx),
}

fn pair(case: Case, dir: &Dir) -> (Tx, Rx) {
    case.pair(&case.options(dir), dir).unwrap_or_else(|error| panic!("{case:?}: {error}"))
}

// The scenes.

fn in_order_and_whole(_: &str, case: Case, dir: &Dir) {
    let (mut tx, mut rx) = pair(case, dir);
    std::thread::scope(|scope| {
        scope.spawn(move || (0..MANY).for_each(|number| assert_eq!(tx.send(number, PATIENCE), Done::Yes(()))));
        (0..MANY).for_each(|number| assert_eq!(rx.recv(PATIENCE), Done::Yes(number)));
        assert_eq!(rx.recv(PATIENCE), Done::Gone(DisconnectReason::Left));
    });
}

/// Sends until there is no room; how many there was room for.
fn fill_up(tx: &mut Tx, from: u64) -> u64 {
    let mut next = from;
    loop {
        match tx.send(next, NOW) {
            Done::Yes(()) => next += 1,
            Done::NotNow => return next - from,
            gone => panic!("{gone:?}"),
        }
    }
}

fn full_and_empty(_: &str, case: Case, dir: &Dir) {
    let (mut tx, mut rx) = pair(case, dir);
    let mut next = 0;
    for _ in 0..5 {
        assert_eq!(rx.recv(NOW), Done::NotNow, "empty");
        let sent = fill_up(&mut tx, next);
        let least = case.kind.messages() as u64;
        // Messages of different lengths may find more room.
        assert!(if case.kind == Kind::Bytes { sent >= least } else { sent == least }, "{sent} and not {least}");
        assert_eq!(rx.recv(NOW), Done::Yes(next), "the oldest");
        (next + 1..next + sent).for_each(|number| assert_eq!(rx.recv(NOW), Done::Yes(number)));
        next += sent;
    }
}

fn orderly_leave(_: &str, case: Case, dir: &Dir) {
    let (mut tx, mut rx) = pair(case, dir);
    (0..3).for_each(|number| assert_eq!(tx.send(number, NOW), Done::Yes(())));
    drop(tx);
    (0..3).for_each(|number| assert_eq!(rx.recv(NOW), Done::Yes(number)));
    assert_eq!(rx.recv(PATIENCE), Done::Gone(DisconnectReason::Left));
    drop(rx);

    let (mut tx, rx) = pair(case, dir);
    assert_eq!(tx.send(0, NOW), Done::Yes(()));
    drop(rx);
    assert_eq!(tx.send(1, PATIENCE), Done::Gone(DisconnectReason::Left), "though there is room");
    drop(tx);

    // Who sleeps is woken.
    let (tx, mut rx) = pair(case, dir);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || rx.recv(PATIENCE));
        std::thread::yield_now();
        drop(tx);
        assert_eq!(waiting.join().expect("no panic"), Done::Gone(DisconnectReason::Left));
    });
}

fn deadlines(_: &str, case: Case, dir: &Dir) {
    const TIME: Duration = Duration::from_millis(30);
    let (mut tx, mut rx) = pair(case, dir);
    let started = Instant::now();
    assert_eq!(rx.recv(TIME), Done::NotNow);
    let taken = started.elapsed();
    assert!((TIME..PATIENCE / 2).contains(&taken), "{taken:?} and not {TIME:?}");
    let sent = fill_up(&mut tx, 0);
    let started = Instant::now();
    assert_eq!(tx.send(sent, TIME), Done::NotNow);
    let taken = started.elapsed();
    assert!((TIME..PATIENCE / 2).contains(&taken), "{taken:?} and not {TIME:?}");
    // And nothing of it was sent.
    (0..sent).for_each(|number| assert_eq!(rx.recv(NOW), Done::Yes(number)));
    assert_eq!(rx.recv(NOW), Done::NotNow);
}

fn no_room(_: &str, case: Case, dir: &Dir) {
    // Many terabytes in any kind.
    let huge = match case.kind {
        Kind::Bytes | Kind::Stream => case.options(dir).capacity(1 << 47).frame_bytes(1 << 30),
        Kind::Spsc | Kind::Mpmc | Kind::ManyBytes => case.options(dir).capacity(1 << 41),
    };
    let made = if case.memory == Memory::Heap {
        case.pair(&huge, dir).map(drop)
    } else {
        Rx::create(case.kind, &huge).map(drop)
    };
    let Err(OpenError::Segment(error)) = made else { panic!("{made:?}") };
    let is_told = match &error {
        SegmentError::NoSpace { asked, available, .. } => *asked >= 1 << 40 && available < asked,
        SegmentError::NoHugePages { asked } | SegmentError::OutOfMemory { asked } => *asked >= 1 << 40,
        _ => false,
    };
    assert!(is_told, "{error:?}");
    // The next one that has room is made.
    drop(pair(case, dir));
}

fn in_another_process(test: &str, case: Case, dir: &Dir) {
    let mut tx = Tx::create(case.kind, &case.options(dir)).expect("a channel");
    let mut there = bring(test, "receiver", case, dir, End::Tx(&tx));
    there.tell(format_args!("0 {MANY}"));
    (0..MANY).for_each(|number| assert_eq!(tx.send(number, PATIENCE), Done::Yes(())));
    there.expect("received");
    there.tell("leave");
    there.succeed();
    assert_eq!(tx.send(MANY, PATIENCE), Done::Gone(DisconnectReason::Left));
    drop(tx);

    let mut rx = Rx::create(case.kind, &case.options(dir)).expect("a channel");
    let mut there = bring(test, "sender", case, dir, End::Rx(&rx));
    there.tell(format_args!("0 {MANY}"));
    (0..MANY).for_each(|number| assert_eq!(rx.recv(PATIENCE), Done::Yes(number)));
    there.expect("sent");
    there.tell("leave");
    there.succeed();
    assert_eq!(rx.recv(PATIENCE), Done::Gone(DisconnectReason::Left));
}

fn killed(test: &str, case: Case, dir: &Dir) {
    let mut tx = Tx::create(case.kind, &case.options(dir)).expect("a channel");
    let mut there = bring(test, "receiver", case, dir, End::Tx(&tx));
    there.tell("0 3");
    (0..3).for_each(|number| assert_eq!(tx.send(number, PATIENCE), Done::Yes(())));
    there.expect("received");
    there.kill();
    // It is noticed when the ring is full, at the latest.
    let sent = (3..100).find(|number| tx.send(*number, PATIENCE) != Done::Yes(())).expect("an end to it");
    assert_eq!(tx.send(sent, PATIENCE), Done::Gone(DisconnectReason::Died));
    if case.kind != Kind::Stream {
        let mut another = bring(test, "receiver", case, dir, End::Tx(&tx));
        another.tell(format_args!("3 {}", sent + 50));
        (sent..sent + 50).for_each(|number| assert_eq!(tx.send(number, PATIENCE), Done::Yes(())));
        another.expect("received");
        another.kill();
    }
    drop(tx);

    let mut rx = Rx::create(case.kind, &case.options(dir)).expect("a channel");
    let mut there = bring(test, "sender", case, dir, End::Rx(&rx));
    there.tell("0 3");
    there.expect("sent");
    there.kill();
    (0..3).for_each(|number| assert_eq!(rx.recv(PATIENCE), Done::Yes(number), "what it had sent"));
    assert_eq!(rx.recv(PATIENCE), Done::Gone(DisconnectReason::Died));
    if case.kind != Kind::Stream {
        let mut another = bring(test, "sender", case, dir, End::Rx(&rx));
        another.tell("3 50");
        (3..50).for_each(|number| assert_eq!(rx.recv(PATIENCE), Done::Yes(number)));
        another.kill();
    }
}
