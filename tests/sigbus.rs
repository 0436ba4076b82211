//! Files of channels that somebody cuts short, empties, or makes long again: with the guard an end learns it and its process lives,
//! without the guard the process dies of SIGBUS, and a SIGBUS that is not a channel's goes where it went before.
//!
//! Whoever is to fail is a child, since a failure kills. Nobody who is not tested touches the channel afterwards.

mod support;

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, gettid};
use ringway::stream::{Ended, Reader, Writer};
use ringway::{DisconnectReason, Options, SigbusGuardError, bytes, mpmc, spsc};
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::{Child, Dir, aloud, hang, hear, role, tell, until};

const NAME: &str = "cut";
/// Of a slice of 50 ms: what a slow machine needs, and not what a hang takes.
const SOON: Duration = Duration::from_secs(10);
const KINDS: [&str; 5] = ["spsc", "mpmc", "bytes", "many", "stream"];
const LONG: usize = 8 << 20;

/// A message that fills a page.
type Block = [u64; 512];

fn options(dir: &Dir) -> Options {
    dir.patient().capacity(64)
}

fn for_bytes(dir: &Dir) -> Options {
    dir.patient().capacity(64 << 10)
}

fn for_many(dir: &Dir) -> Options {
    dir.patient().capacity(8).lanes(2, 8192).annexes(2)
}

/// The segment and its annexes.
fn files(dir: &Dir) -> Vec<PathBuf> {
    dir.files().iter().filter(|name| name.starts_with(NAME)).map(|name| dir.path().join(name)).collect()
}

fn open(path: &PathBuf) -> File {
    OpenOptions::new().read(true).write(true).open(path).expect("a file of the channel")
}

fn cut(paths: &[PathBuf]) {
    assert!(!paths.is_empty());
    paths.iter().for_each(|path| open(path).set_len(0).expect("a shorter file"));
}

/// Says that the next thing is the one in which this thread will sleep.
fn going() {
    tell(gettid());
}

fn told(reason: Option<DisconnectReason>) {
    tell(reason.map_or("None".to_owned(), |reason| format!("{reason:?}")));
}

/// Waits until the child sleeps in what it said it was going to do.
fn until_asleep(child: &mut Child) {
    let thread = child.hear();
    let stat = format!("/proc/{}/task/{thread}/stat", child.pid());
    until("it sleeps", || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") S ")));
}

/// The end of a child, whatever it is; it hears nothing more.
fn died_of_sigbus(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::SIGBUS as i32)
}

fn ended(error: &std::io::Error) -> Option<DisconnectReason> {
    Ended::of(error).map(|ended| ended.reason)
}

/// What a child is: `what.kind.guarded`.
fn child(role: &str) {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).expect("no core files");
    let dir = Dir::new();
    let [what, kind, guard]: [&str; 3] = role.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    if guard == "guarded" {
        ringway::sigbus_guard().expect("a guard");
    }
    match what {
        "peer" => be_there(kind, &dir),
        "receiver" => receive(kind, &dir),
        "sender" => send(kind, &dir),
        "view" => look(kind, &dir),
        _ => unreachable!("{role}"),
    }
}

// Who is at the other end.

fn be_there(kind: &str, dir: &Dir) {
    match kind {
        "spsc" => drop(there(spsc::Sender::<u64>::open_or_create_with(NAME, &options(dir)))),
        "mpmc" => drop(there(mpmc::Sender::<u64>::open_or_create_with(NAME, &options(dir)))),
        "bytes" => drop(there(bytes::spsc::Sender::open_or_create_with(NAME, &for_bytes(dir)))),
        "many" => drop(there(bytes::mpmc::Sender::open_or_create_with(NAME, &for_many(dir)))),
        "stream" => drop(there(Writer::open_or_create_with(NAME, &for_bytes(dir)))),
        "spsc-taker" => drop(there(spsc::Receiver::<u64>::open_or_create_with(NAME, &options(dir)))),
        "mpmc-taker" => drop(there(mpmc::Receiver::<u64>::open_or_create_with(NAME, &options(dir)))),
        "bytes-taker" => drop(there(bytes::spsc::Receiver::open_or_create_with(NAME, &for_bytes(dir)))),
        "stream-taker" => drop(there(Reader::open_or_create_with(NAME, &for_bytes(dir)))),
        "many-idle" => drop(there(bytes::mpmc::Receiver::open_or_create_with(NAME, &for_many(dir)))),
        "many-taker" => {
            let rx = bytes::mpmc::Receiver::open_or_create_with(NAME, &for_many(dir)).unwrap();
            tell("there");
            let mut message = rx.reader().unwrap();
            message.read_exact(&mut [0; 100]).unwrap();
            hang();
        }
        "spsc-maker" => {
            let mut tx = spsc::Sender::<Block>::open_or_create_with(NAME, &options(dir)).unwrap();
            (0..8).for_each(|n| tx.send([n; 512]).unwrap());
            there::<(), ()>(Ok(()));
        }
        "bytes-maker" => {
            let mut tx = bytes::spsc::Sender::open_or_create_with(NAME, &for_bytes(dir)).unwrap();
            (0..4).for_each(|n| tx.send(&[n; 8192]).unwrap());
            there::<(), ()>(Ok(()));
        }
        "many-maker" => {
            let tx = bytes::mpmc::Sender::open_or_create_with(NAME, &for_many(dir)).unwrap();
            let mut loan = tx.loan(1 << 20).unwrap();
            loan.fill(7);
            loan.send().unwrap();
            there::<(), ()>(Ok(()));
        }
        _ => unreachable!("{kind}"),
    }
}

/// Is there until it is killed, and does nothing more.
fn there<E, X: std::fmt::Debug>(end: Result<E, X>) -> E {
    let _end = end.expect("an end");
    tell("there");
    hang();
}

// Who sleeps.

fn receive(kind: &str, dir: &Dir) {
    macro_rules! sleep_in {
        ($rx:expr) => {{
            #[allow(unused_mut)]
            let mut rx = $rx.unwrap();
            going();
            assert!(rx.recv().is_err());
            told(rx.disconnect_reason());
            hear();
            assert!(rx.try_recv().is_err_and(|error| error.is_disconnected()));
            assert!(rx.recv_timeout(Duration::ZERO).is_err_and(|error| error.is_disconnected()));
            told(rx.disconnect_reason());
        }};
    }
    match kind {
        "spsc" => sleep_in!(spsc::Receiver::<u64>::open_or_create_with(NAME, &options(dir))),
        "mpmc" => sleep_in!(mpmc::Receiver::<u64>::open_or_create_with(NAME, &options(dir))),
        "bytes" => sleep_in!(bytes::spsc::Receiver::open_or_create_with(NAME, &for_bytes(dir))),
        "many" => sleep_in!(bytes::mpmc::Receiver::open_or_create_with(NAME, &for_many(dir))),
        "stream" => {
            let mut rx = Reader::open_or_create_with(NAME, &for_bytes(dir)).unwrap();
            going();
            told(ended(&rx.read(&mut [0; 10]).unwrap_err()));
            hear();
            told(ended(&rx.read(&mut [0; 10]).unwrap_err()));
        }
        _ => unreachable!("{kind}"),
    }
}

/// Sends more than there is room for.
fn send(kind: &str, dir: &Dir) {
    macro_rules! fill {
        ($tx:expr) => {{
            #[allow(unused_mut)]
            let mut tx = $tx.unwrap();
            tx.wait_for_peer(SOON).unwrap();
            going();
            while tx.send(1).is_ok() {}
            told(tx.disconnect_reason());
            assert!(tx.try_send(1).is_err_and(|error| error.is_disconnected()));
        }};
    }
    macro_rules! send_one {
        ($tx:expr) => {{
            #[allow(unused_mut)]
            let mut tx = $tx.unwrap();
            tx.wait_for_peer(SOON).unwrap();
            going();
            assert!(tx.send(&vec![1; LONG]).is_err());
            told(tx.disconnect_reason());
            assert!(tx.try_send(&[1]).is_err_and(|error| error.is_disconnected()));
        }};
    }
    match kind {
        "spsc" => fill!(spsc::Sender::<u64>::open_or_create_with(NAME, &options(dir))),
        "mpmc" => fill!(mpmc::Sender::<u64>::open_or_create_with(NAME, &options(dir))),
        "bytes" => send_one!(bytes::spsc::Sender::open_or_create_with(NAME, &for_bytes(dir))),
        "many" => send_one!(bytes::mpmc::Sender::open_or_create_with(NAME, &for_many(dir))),
        "stream" => {
            let mut tx = Writer::open_or_create_with(NAME, &for_bytes(dir)).unwrap();
            going();
            told(ended(&tx.write_all(&vec![1; LONG]).unwrap_err()));
            assert!(tx.write(&[1]).is_err());
        }
        _ => unreachable!("{kind}"),
    }
}

// Who has memory in hand.

fn ready() {
    tell("ready");
    hear();
}

fn look(kind: &str, dir: &Dir) {
    match kind {
        "spsc-ref" => {
            let mut rx = spsc::Receiver::<Block>::open_or_create_with(NAME, &options(dir)).unwrap();
            let message = rx.recv_ref().unwrap();
            ready();
            black_box(message.iter().sum::<u64>());
            message.commit();
            assert!(rx.try_recv().is_err());
            told(rx.disconnect_reason());
        }
        "spsc-read" => {
            let mut rx = spsc::Receiver::<Block>::open_or_create_with(NAME, &options(dir)).unwrap();
            let messages = rx.read_up_to(8).unwrap();
            ready();
            black_box(messages.iter().map(|block| block[511]).sum::<u64>());
            messages.release_all();
            assert!(rx.try_recv().is_err());
            told(rx.disconnect_reason());
        }
        "spsc-write" => {
            let mut tx = spsc::Sender::<Block>::open_or_create_with(NAME, &options(dir)).unwrap();
            let mut places = tx.reserve_up_to(8).unwrap();
            ready();
            places.iter_mut().for_each(|place| *place = [5; 512]);
            places.commit_all();
            assert!(tx.try_send([1; 512]).is_err());
            told(tx.disconnect_reason());
        }
        "bytes-ref" => {
            let mut rx = bytes::spsc::Receiver::open_or_create_with(NAME, &for_bytes(dir)).unwrap();
            let message = rx.recv_ref().unwrap();
            ready();
            black_box(message.iter().map(|byte| u64::from(*byte)).sum::<u64>());
            message.commit();
            assert!(rx.try_recv().is_err());
            told(rx.disconnect_reason());
        }
        "bytes-claim" => {
            let mut tx = bytes::spsc::Sender::open_or_create_with(NAME, &for_bytes(dir)).unwrap();
            let mut claim = tx.claim(8192).unwrap();
            ready();
            claim.fill(3);
            claim.commit_all();
            assert!(tx.try_send(&[1]).is_err());
            told(tx.disconnect_reason());
        }
        "many-ref" => {
            let rx = bytes::mpmc::Receiver::open_or_create_with(NAME, &for_many(dir)).unwrap();
            let message = rx.recv_ref().unwrap();
            ready();
            black_box(message.iter().map(|byte| u64::from(*byte)).sum::<u64>());
            message.commit();
            assert!(rx.try_recv().is_err());
            told(rx.disconnect_reason());
        }
        "many-loan" => {
            let tx = bytes::mpmc::Sender::open_or_create_with(NAME, &for_many(dir)).unwrap();
            let mut loan = tx.loan(1 << 20).unwrap();
            ready();
            loan.fill(9);
            assert!(loan.send().is_err(), "what was written is nowhere");
            told(tx.disconnect_reason());
        }
        _ => unreachable!("{kind}"),
    }
}

/// The scene of one who sleeps: what becomes of its segment, and what it says then; how it ends if it is not guarded.
fn asleep(test: &str, what: &str, kind: &str, guard: &str, happens: impl FnOnce(&Dir)) -> Result<Child, ExitStatus> {
    let dir = Dir::new();
    let taker = if what == "sender" { "-taker" } else { "" };
    let mut peer = Child::start(test, &format!("peer.{kind}{taker}.not"), &dir);
    peer.expect("there");
    let mut tested = Child::start(test, &format!("{what}.{kind}.{guard}"), &dir);
    until_asleep(&mut tested);
    happens(&dir);
    if guard == "guarded" { Ok(tested) } else { Err(tested.wait()) }
}

#[track_caller]
fn heard(child: &mut Child) -> String {
    let begun = Instant::now();
    let line = child.hear_within(SOON).unwrap_or_else(|| panic!("it does not end: {child:?}"));
    assert!(begun.elapsed() < SOON);
    line
}

/// Fault 57.
#[test]
fn a_receiver_that_sleeps_learns_that_the_file_is_gone() {
    if let Some(role) = role() {
        return child(&role);
    }
    for kind in KINDS {
        let mut tested = asleep(&here!(), "receiver", kind, "guarded", |dir| cut(&files(dir))).expect(kind);
        assert_eq!(heard(&mut tested), "SegmentLost", "{kind}");
        tested.tell("on");
        assert_eq!(heard(&mut tested), "SegmentLost", "{kind}");
        tested.succeed();
    }
}

/// Fault 57.
#[test]
fn a_sender_in_the_middle_learns_that_the_file_is_gone() {
    if let Some(role) = role() {
        return child(&role);
    }
    for kind in KINDS {
        let mut tested = asleep(&here!(), "sender", kind, "guarded", |dir| cut(&files(dir))).expect(kind);
        assert_eq!(heard(&mut tested), "SegmentLost", "{kind}");
        tested.succeed();
    }
}

/// Fault 65.
#[test]
fn without_the_guard_who_sleeps_dies() {
    if let Some(role) = role() {
        return child(&role);
    }
    for (what, kind) in KINDS.iter().flat_map(|kind| [("receiver", kind), ("sender", kind)]) {
        let status = asleep(&here!(), what, kind, "not", |dir| cut(&files(dir))).expect_err("a status");
        assert!(died_of_sigbus(status), "{what} {kind}: {status}");
    }
}

/// Fault 65.
#[test]
fn a_file_that_is_long_again_is_not_believed() {
    if let Some(role) = role() {
        return child(&role);
    }
    for kind in KINDS {
        let mut was = Vec::new();
        let mut path = PathBuf::new();
        let dir = Dir::new();
        let mut peer = Child::start(&here!(), &format!("peer.{kind}.not"), &dir);
        peer.expect("there");
        let mut tested = Child::start(&here!(), &format!("receiver.{kind}.guarded"), &dir);
        until_asleep(&mut tested);
        for file in files(&dir) {
            was = std::fs::read(&file).unwrap();
            path = file;
        }
        cut(std::slice::from_ref(&path));
        assert_eq!(heard(&mut tested), "SegmentLost", "{kind}");
        // As it was, to the last byte.
        std::fs::write(&path, &was).unwrap();
        tested.tell("on");
        assert_eq!(heard(&mut tested), "SegmentLost", "{kind}");
        tested.succeed();
    }
}

/// Fault 66.
#[test]
fn a_file_that_is_emptied_under_a_sleeper_ends_the_channel() {
    if let Some(role) = role() {
        return child(&role);
    }
    let punch = |dir: &Dir| {
        for path in files(dir) {
            let (file, how) = (open(&path), FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE);
            let len = file.metadata().unwrap().len() as i64;
            fallocate(&file, how, 0, len).expect("a hole");
        }
    };
    let regrow = |dir: &Dir| {
        for path in files(dir) {
            let file = open(&path);
            let len = file.metadata().unwrap().len();
            file.set_len(0).unwrap();
            file.set_len(len).unwrap();
        }
    };
    for kind in KINDS {
        for guard in ["guarded", "not"] {
            // Where there is no fault there is no need of a guard: the child lives either way.
            let dir = Dir::new();
            let mut peer = Child::start(&here!(), &format!("peer.{kind}.not"), &dir);
            peer.expect("there");
            let mut tested = Child::start(&here!(), &format!("receiver.{kind}.{guard}"), &dir);
            until_asleep(&mut tested);
            punch(&dir);
            assert_eq!(heard(&mut tested), "Corrupt", "{kind}");
            tested.tell("on");
            heard(&mut tested);
            tested.succeed();
        }
        let mut tested = asleep(&here!(), "receiver", kind, "guarded", regrow).expect(kind);
        let reason = heard(&mut tested);
        assert!(["Corrupt", "SegmentLost"].contains(&reason.as_str()), "{kind}: {reason}");
        tested.tell("on");
        heard(&mut tested);
        tested.succeed();
    }
}

/// Fault 65.
#[test]
fn who_has_memory_in_hand_goes_on_with_zeroes_and_learns_it_next() {
    if let Some(role) = role() {
        return child(&role);
    }
    let scenes = [
        ("spsc-ref", "spsc-maker"),
        ("spsc-read", "spsc-maker"),
        ("spsc-write", "none"),
        ("bytes-ref", "bytes-maker"),
        ("bytes-claim", "bytes-taker"),
        ("many-ref", "many-maker"),
        ("many-loan", "many-idle"),
    ];
    for (kind, peer) in scenes {
        // What lies in an annex is lost with it, too.
        let only_annexes: &[bool] = if kind.starts_with("many") { &[false, true] } else { &[false] };
        for only_annexes in only_annexes {
            for guard in ["guarded", "not"] {
                let dir = Dir::new();
                let _peer = (peer != "none").then(|| {
                    let mut child = Child::start(&here!(), &format!("peer.{peer}.not"), &dir);
                    child.expect("there");
                    child
                });
                let mut tested = Child::start(&here!(), &format!("view.{kind}.{guard}"), &dir);
                tested.expect("ready");
                let mut paths = files(&dir);
                paths.retain(|path| !only_annexes || path.to_string_lossy().contains('~'));
                cut(&paths);
                tested.tell("on");
                if guard == "guarded" {
                    assert_eq!(heard(&mut tested), "SegmentLost", "{kind}, only annexes: {only_annexes}");
                    tested.succeed();
                } else {
                    let status = tested.wait();
                    assert!(died_of_sigbus(status), "{kind}: {status}");
                }
            }
        }
    }
}

#[test]
fn one_who_is_alone_does_not_go_on_sending_to_nowhere() {
    if role().is_some() {
        let dir = Dir::new();
        ringway::sigbus_guard().unwrap();
        let mut tx = spsc::Sender::<u64>::create_with(NAME, &options(&dir).persistent(true).capacity(4096)).unwrap();
        (0..100).for_each(|n| tx.send(n).unwrap());
        ready();
        // The first may be the one in whose middle the memory goes.
        let sent = (0..1000).take_while(|n| tx.try_send(*n).is_ok()).count();
        assert!(sent <= 1, "{sent} were sent to nowhere");
        return told(tx.disconnect_reason());
    }
    let dir = Dir::new();
    let mut tested = Child::start(&here!(), "alone", &dir);
    tested.expect("ready");
    cut(&files(&dir));
    tested.tell("on");
    assert_eq!(heard(&mut tested), "SegmentLost");
    tested.succeed();
}

#[test]
fn many_threads_fault_at_once_while_others_map_and_unmap() {
    const THREADS: usize = 8;
    if role().is_some() {
        let dir = Dir::new();
        ringway::sigbus_guard().unwrap();
        let rx = mpmc::Receiver::<Block>::create_with(NAME, &options(&dir)).unwrap();
        let tx = mpmc::Sender::<Block>::open_with(NAME, &options(&dir)).unwrap();
        let (busy, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            // Ranges come and go beside the one that is lost, and these channels are not.
            let churn = scope.spawn(|| {
                let mut rounds = 0;
                while !is_over.load(SeqCst) || rounds < 20 {
                    let name = format!("other-{}", rounds % 3);
                    let mut other = spsc::Sender::<u64>::create_with(&name, &options(&dir)).unwrap();
                    let mut taker = spsc::Receiver::<u64>::open_with(&name, &options(&dir)).unwrap();
                    other.send(rounds).unwrap();
                    assert_eq!(taker.recv().unwrap(), rounds);
                    rounds += 1;
                }
            });
            let threads: Vec<_> = (0..THREADS)
                .map(|n| {
                    let (rx, tx, busy) = (rx.clone(), tx.clone(), &busy);
                    scope.spawn(move || {
                        busy.fetch_add(1, SeqCst);
                        while if n % 2 == 0 { tx.send([n as u64; 512]).is_ok() } else { rx.recv().is_ok() } {}
                        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::SegmentLost));
                    })
                })
                .collect();
            until("all are busy", || busy.load(SeqCst) == THREADS);
            tell("ready");
            threads.into_iter().for_each(|thread| thread.join().expect("a thread that lives"));
            is_over.store(true, SeqCst);
            churn.join().expect("the other channels go on");
        });
        return tell("lived");
    }
    for _ in 0..5 {
        let dir = Dir::new();
        let mut tested = Child::start(&here!(), "threads", &dir);
        tested.expect("ready");
        cut(&files(&dir));
        assert_eq!(heard(&mut tested), "lived");
        tested.succeed();
    }
}

#[test]
fn a_forked_child_is_guarded_too() {
    if role().is_some() {
        let dir = Dir::new();
        ringway::sigbus_guard().unwrap();
        let mut tx = bytes::spsc::Sender::create_with(NAME, &for_bytes(&dir)).unwrap();
        let mut rx = bytes::spsc::Receiver::open_with(NAME, &for_bytes(&dir)).unwrap();
        tx.send(&[1; 8192]).unwrap();
        let message = rx.recv_ref().unwrap();
        let in_hand: &[u8] = &message;
        #[allow(unsafe_code)]
        // SAFETY: the child reads memory and exits.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                cut(&files(&dir));
                let sum: u32 = in_hand.iter().map(|byte| u32::from(*byte)).sum();
                #[allow(unsafe_code)]
                // SAFETY: ends the child here.
                unsafe {
                    nix::libc::_exit(if sum == 0 { 17 } else { 18 })
                };
            }
            ForkResult::Parent { child } => {
                assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 17));
            }
        }
        drop(message);
        assert!(rx.try_recv().is_err());
        return told(rx.disconnect_reason());
    }
    let dir = Dir::new();
    let mut tested = Child::start(&here!(), "forks", &dir);
    assert_eq!(heard(&mut tested), "SegmentLost");
    tested.succeed();
}

#[test]
fn more_mappings_than_there_is_room_for_are_told() {
    const ROOM: usize = 4096;
    if let Some(role) = role() {
        let dir = Dir::new();
        if setrlimit(Resource::RLIMIT_NOFILE, 6000, 6000).is_err() {
            return tell("SKIPPED: so many descriptors are not permitted");
        }
        let open = |n: usize| spsc::Sender::<u64>::create_with(&format!("{NAME}-{n}"), &dir.options().capacity(1));
        if role == "before" {
            ringway::sigbus_guard().unwrap();
            let mut all: Vec<_> = (0..ROOM).map(|n| open(n).unwrap()).collect();
            let error = open(ROOM).expect_err("there is no more room");
            assert!(error.to_string().contains("4096 mappings are guarded already"), "{error}");
            ringway::sigbus_guard().expect("all that are there are guarded");
            all.pop();
            drop(open(ROOM).expect("there is room again"));
        } else {
            let mut all: Vec<_> = (0..ROOM + 3).map(|n| open(n).unwrap()).collect();
            let error = ringway::sigbus_guard().expect_err("three are not guarded");
            assert!(matches!(error, SigbusGuardError::TooMany(3)), "{error}");
            all.truncate(ROOM);
            ringway::sigbus_guard().expect("the others are");
        }
        return tell("done");
    }
    for role in ["before", "behind"] {
        let dir = Dir::new();
        let mut tested = Child::start(&here!(), role, &dir);
        let line = tested.hear();
        assert!(line == "done" || line.starts_with("SKIPPED"), "{line}");
        if line != "done" {
            aloud(&line);
        }
        tested.succeed();
    }
}

// What is not a channel's.

static TOUCHED: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)]
extern "C" fn with_info(_: i32, info: *mut nix::libc::siginfo_t, context: *mut nix::libc::c_void) {
    // SAFETY: the kernel gave it, or the guard that passes it on.
    let info = unsafe { &*info };
    // SAFETY: this SIGBUS is a fault.
    let is_whole = unsafe { info.si_addr() } as usize == TOUCHED.load(SeqCst) && !context.is_null();
    // SAFETY: ends the process.
    unsafe { nix::libc::_exit(if is_whole { 42 } else { 41 }) }
}

#[allow(unsafe_code)]
extern "C" fn without(signal: i32) {
    // SAFETY: ends the process.
    unsafe { nix::libc::_exit(if signal == Signal::SIGBUS as i32 { 43 } else { 41 }) }
}

#[allow(unsafe_code)]
fn handle(handler: SigHandler, flags: SaFlags) {
    // SAFETY: the handlers of this file end the process, and do nothing else.
    unsafe { sigaction(Signal::SIGBUS, &SigAction::new(handler, flags, SigSet::empty())) }.expect("a handler");
}

/// Touches a mapping of our own whose file is gone.
#[allow(unsafe_code)]
fn fault(dir: &Dir) {
    let path = dir.path().join("foreign");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
    file.set_len(8192).unwrap();
    let map = memmap2::MmapOptions::new().len(8192).map_raw(file.as_raw_fd()).unwrap();
    file.set_len(0).unwrap();
    let at = map.as_ptr().wrapping_add(5000);
    TOUCHED.store(at as usize, SeqCst);
    // SAFETY: inside the mapping; what it does is what is tested.
    let byte = unsafe { at.read_volatile() };
    tell(format!("went on with {byte}"));
}

/// What the kernel sends when some page of the process is found broken that nobody touches at that moment (BUS_MCEERR_AO).
#[allow(unsafe_code)]
fn send_news() {
    // SAFETY: plain numbers.
    let mut info: nix::libc::siginfo_t = unsafe { std::mem::zeroed() };
    (info.si_signo, info.si_code) = (Signal::SIGBUS as i32, 5);
    let (call, me) = (nix::libc::SYS_rt_tgsigqueueinfo, std::process::id());
    // SAFETY: it reads `info`. To itself a process may send any code.
    let sent = unsafe { nix::libc::syscall(call, me, gettid().as_raw(), Signal::SIGBUS as i32, &raw const info) };
    assert_eq!(sent, 0);
}

#[test]
fn what_is_not_a_channels_goes_where_it_went_before() {
    if let Some(role) = role() {
        setrlimit(Resource::RLIMIT_CORE, 0, 0).expect("no core files");
        let dir = Dir::new();
        let (before, what) = role.split_once('.').unwrap();
        match before {
            "std" => {}
            "default" => handle(SigHandler::SigDfl, SaFlags::empty()),
            "ignored" => handle(SigHandler::SigIgn, SaFlags::empty()),
            "info" => handle(SigHandler::SigAction(with_info), SaFlags::SA_SIGINFO),
            "once" => handle(SigHandler::SigAction(with_info), SaFlags::SA_SIGINFO | SaFlags::SA_RESETHAND),
            "plain" => handle(SigHandler::Handler(without), SaFlags::empty()),
            _ => unreachable!(),
        }
        ringway::sigbus_guard().unwrap();
        ringway::sigbus_guard().expect("once more changes nothing");
        // There are mappings of channels, and they are no reason to mend this one.
        let (_tx, _rx) = (
            spsc::Sender::<u64>::create_with(NAME, &options(&dir)).unwrap(),
            spsc::Receiver::<u64>::open_with(NAME, &options(&dir)).unwrap(),
        );
        match what {
            "fault" => fault(&dir),
            "sent" => raise(Signal::SIGBUS).unwrap(),
            "news" => send_news(),
            _ => unreachable!(),
        }
        return tell("lived");
    }
    let sigbus = 1000 + Signal::SIGBUS as i32;
    for (role, end) in [
        ("std.fault", sigbus),
        ("default.fault", sigbus),
        ("ignored.fault", sigbus),
        ("info.fault", 42),
        ("once.fault", 42),
        ("plain.fault", 43),
        ("default.sent", sigbus),
        ("ignored.sent", 0),
        ("plain.sent", 43),
        ("default.news", sigbus),
        ("ignored.news", 0),
        ("plain.news", 43),
    ] {
        let dir = Dir::new();
        let status = Child::start(&here!(), role, &dir).wait();
        assert_eq!(status.code().unwrap_or(1000 + status.signal().unwrap_or(0)), end, "{role}: {status}");
    }
}

#[test]
fn a_handler_that_came_later_is_not_replaced_in_silence() {
    if role().is_some() {
        ringway::sigbus_guard().unwrap();
        handle(SigHandler::Handler(without), SaFlags::empty());
        let error = ringway::sigbus_guard().expect_err("another handler is there");
        return tell(error);
    }
    let dir = Dir::new();
    let mut tested = Child::start(&here!(), "later", &dir);
    tested.expect("another handler of SIGBUS was installed after the guard");
    tested.succeed();
}
