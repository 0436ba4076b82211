//! Faults of those who go: what they leak, what they become, what they still have in hand, and how long they take.

use crate::here;
use crate::support::{Child, Dir, PATIENCE, hear, role, skip, tell, until};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ringway::observe::{self, Page};
use ringway::{DisconnectReason, Options, RecvTimeoutError, TryRecvError, bytes, mpmc, spsc};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::time::Duration;

const NAME: &str = "channel";
/// Said by a receiver whose sender is gone.
const GONE: Result<u64, RecvTimeoutError> = Err(RecvTimeoutError::Disconnected);
const SHORT: Duration = Duration::from_millis(30);

fn options(dir: &Dir) -> Options {
    dir.patient().capacity(8).slice(Duration::from_millis(5))
}

/// Faults 28 and 29. Two instances of one name, one behind the other's back: each goes on among its own, nothing is mixed, and the
/// old one's ends learn at its end that nobody can come.
#[test]
fn two_channels_that_had_one_name_do_not_mix() {
    let dir = Dir::new();
    let mut old = mpmc::channel_with::<u64>(&Options::new()).expect("memory");
    let mut instances = Vec::new();
    let mut ends = Vec::new();
    for round in 0..3 {
        let tx = mpmc::Sender::<u64>::create_with(NAME, &options(&dir)).expect("a name that is free");
        let rx = mpmc::Receiver::<u64>::open_with(NAME, &options(&dir)).expect("its other end");
        instances.push(rx.instance_id());
        (0..3).for_each(|n| tx.send(round * 10 + n).expect("room"));
        std::fs::remove_file(dir.path().join(NAME)).expect("a name to remove");
        assert_eq!((tx.disconnect_reason(), rx.disconnect_reason()), (None, None), "who is there stays");
        ends.push(std::mem::replace(&mut old, (tx, rx)));
    }
    instances.dedup();
    assert_eq!(instances.len(), 3);
    ends.push(old);
    for (round, (tx, rx)) in (0..3).zip(ends.into_iter().skip(1)) {
        tx.send(round * 10 + 3).expect("room");
        assert_eq!(
            (0..4).map(|_| rx.recv().expect("a message")).collect::<Vec<_>>(),
            [0, 1, 2, 3].map(|n| round * 10 + n)
        );
        drop(tx);
        assert_eq!((rx.recv_timeout(PATIENCE), rx.disconnect_reason()), (GONE, Some(DisconnectReason::Unlinked)));
    }
    assert!(mpmc::Receiver::<u64>::open_with(NAME, &dir.options()).is_err_and(|error| error.is_not_found()));
}

/// Fault 32. What is leaked is alive for as long as its process is, and then found dead: a sender, and a message in hand.
#[test]
fn what_is_leaked_is_alive_until_its_process_ends() {
    let dir = Dir::new();
    if let Some(role) = role() {
        if role == "sender" {
            let mut tx = spsc::Sender::<u64>::open_with(NAME, &options(&dir)).unwrap();
            tx.send(1).unwrap();
            std::mem::forget(tx);
        } else {
            let rx = mpmc::Receiver::<u64>::open_with("jobs", &options(&dir)).unwrap();
            std::mem::forget(rx.recv_ref().unwrap());
            std::mem::forget(rx);
        }
        tell("leaked");
        hear();
        return;
    }
    let mut rx = spsc::Receiver::<u64>::create_with(NAME, &options(&dir)).unwrap();
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("leaked");
    assert_eq!((rx.recv(), rx.recv_timeout(SHORT).map_err(|error| error.is_timeout())), (Ok(1), Err(true)));
    assert_eq!((rx.disconnect_reason(), rx.sender_count()), (None, 1));
    assert!(spsc::Sender::<u64>::open_with(NAME, &dir.options()).is_err_and(|error| error.is_role_taken()));
    child.tell("end");
    child.succeed();
    assert_eq!((rx.recv_timeout(PATIENCE), rx.disconnect_reason()), (GONE, Some(DisconnectReason::Died)));
    assert!(spsc::Sender::<u64>::open_with(NAME, &dir.options()).is_ok());

    let tx = mpmc::Sender::<u64>::create_with("jobs", &options(&dir)).unwrap();
    let rx = mpmc::Receiver::<u64>::open_with("jobs", &options(&dir)).unwrap();
    tx.send(2).unwrap();
    let mut child = Child::start(&here!(), "worker", &dir);
    child.expect("leaked");
    assert!(rx.recv_ref_timeout(SHORT).is_err_and(|error| error.is_timeout()));
    child.tell("end");
    child.succeed();
    let again = rx.recv_ref_timeout(PATIENCE).expect("what nobody has any more");
    assert_eq!((*again, again.attempt(), again.is_redelivered()), (2, 2, true));
    again.commit();
}

/// Whether the kernel still has this process's memory. (`statm` of one that has none is all zeroes.)
fn has_memory(pid: nix::unistd::Pid) -> bool {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    statm.split_whitespace().any(|pages| pages != "0")
}

/// Fault 46. A process that takes its time to die, for it has much memory or writes a core, is alive until the kernel has torn its
/// memory down: nobody says before that it died.
#[test]
fn who_is_long_in_dying_is_alive_until_its_memory_is_gone() {
    const MEMORY: usize = 96 << 20;
    let dir = Dir::new();
    if let Some(role) = role() {
        std::env::set_current_dir(dir.path()).unwrap();
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
        setrlimit(Resource::RLIMIT_CORE, if role == "aborts" { hard } else { 0 }, hard).unwrap();
        let mut tx = spsc::Sender::<u64>::open_with(NAME, &options(&dir)).unwrap();
        let memory = vec![77_u8; MEMORY];
        tx.send(u64::from(black_box(&memory)[77])).unwrap();
        tell("there");
        hear();
        std::process::abort();
    }
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    for how in ["killed", "aborts"] {
        if how == "aborts" && pattern.starts_with('|') {
            skip("cores go to a program of this machine's");
            continue;
        }
        let mut rx =
            spsc::Receiver::<u64>::create_with(NAME, &options(&dir).slice(Duration::from_micros(100))).unwrap();
        let mut child = Child::start(&here!(), how, &dir);
        child.expect("there");
        assert_eq!(rx.recv(), Ok(77));
        let pid = child.pid();
        assert!(has_memory(pid));
        if how == "killed" {
            child.kill_now()
        } else {
            child.tell("abort")
        }
        // It is not reaped yet, so its pid is its own.
        let told = rx.recv_timeout(PATIENCE);
        let had_memory = has_memory(pid);
        assert_eq!((told, rx.disconnect_reason(), had_memory), (GONE, Some(DisconnectReason::Died), false));
        let core = dir.files().into_iter().find(|name| name != NAME);
        let bytes = core.as_ref().map_or(0, |name| std::fs::metadata(dir.path().join(name)).unwrap().len());
        eprintln!("{how}: a core of {bytes} bytes");
        assert!(how == "aborts" || core.is_none());
        drop((child, core.map(|name| std::fs::remove_file(dir.path().join(name)))));
    }
}

/// Fault 47. What the segment says of pids decides nothing: a dead end's may be that of somebody who lives, a living one's that of
/// nobody.
#[test]
fn a_pid_decides_nothing() {
    let dir = Dir::new();
    if role().is_some() {
        let mut tx = spsc::Sender::<u64>::open_with(NAME, &options(&dir)).unwrap();
        tell("there");
        while hear() == "send" {
            tx.send(1).unwrap();
            tell("sent");
        }
        return;
    }
    let mut rx = spsc::Receiver::<u64>::create_with(NAME, &options(&dir)).unwrap();
    let file = std::fs::File::options().write(true).open(rx.path().unwrap()).unwrap();
    let place = |name: &str| {
        let seen = observe::inspect(NAME, Some(dir.path()), 0).unwrap();
        let field = seen.fields.iter().find(|field| field.page == Page::Producer && field.name == name);
        field.expect("a field").at()
    };
    let [pid, started] = ["pid", "started"].map(place);
    let write = |number: u32, ticks: u64| {
        file.write_all_at(&number.to_le_bytes(), pid).unwrap();
        file.write_all_at(&ticks.to_le_bytes(), started).unwrap();
    };
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("there");
    // One that cannot be.
    write(u32::MAX / 2, 1);
    assert!(rx.recv_timeout(SHORT).is_err_and(|error| error.is_timeout()));
    assert_eq!((rx.disconnect_reason(), rx.sender_count()), (None, 1));
    child.tell("send");
    child.expect("sent");
    assert_eq!(rx.recv(), Ok(1));
    child.kill();
    // Our own.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    write(std::process::id(), ticks);
    assert_eq!((rx.recv_timeout(PATIENCE), rx.disconnect_reason()), (GONE, Some(DisconnectReason::Died)));
    assert!(spsc::Sender::<u64>::open_with(NAME, &dir.options()).is_ok());
}

/// Fault 50. A process that becomes another program has left nothing in order: its ends have died, and it lives.
#[test]
fn who_becomes_another_program_has_died() {
    let dir = Dir::new();
    if role().is_some() {
        let mut tx = spsc::Sender::<u64>::open_with(NAME, &options(&dir)).unwrap();
        let many = mpmc::Sender::<u64>::open_with("many", &options(&dir)).unwrap();
        tx.send(1).unwrap();
        many.send(2).unwrap();
        tell("there");
        hear();
        // Reads what its parent says, and says it again, for as long as it is told anything.
        panic!("{}", std::process::Command::new("sed").args(["-u", "s/^/@@ /"]).exec());
    }
    let mut rx = spsc::Receiver::<u64>::create_with(NAME, &options(&dir)).unwrap();
    let many = mpmc::Receiver::<u64>::create_with("many", &options(&dir)).unwrap();
    let mut child = Child::start(&here!(), "changes", &dir);
    child.expect("there");
    assert_eq!((rx.recv(), rx.disconnect_reason(), many.recv()), (Ok(1), None, Ok(2)));
    child.tell("change");
    let name = format!("/proc/{}/comm", child.pid());
    until("it is another program", || std::fs::read_to_string(&name).is_ok_and(|name| name.trim_end() == "sed"));
    child.tell("I live");
    child.expect("I live");
    assert_eq!((rx.recv_timeout(PATIENCE), rx.disconnect_reason()), (GONE, Some(DisconnectReason::Died)));
    assert_eq!((many.recv_timeout(PATIENCE), many.disconnect_reason()), (GONE, Some(DisconnectReason::Died)));
    assert!(spsc::Sender::<u64>::open_with(NAME, &dir.options()).is_ok());
    child.tell("still");
    child.expect("still");
    child.succeed();
}

fn panics(work: impl FnOnce()) {
    let thrown = catch_unwind(AssertUnwindSafe(work)).expect_err("it panics");
    assert!(thrown.is::<Thrown>());
}

struct Thrown;

/// Fault 51. A thread that panics with something in hand, in a process that lives, gives it back: nothing is sent, what was received
/// comes again, and the end goes on.
#[test]
fn who_panics_with_something_in_hand_gives_it_back() {
    let (mut tx, mut rx) = spsc::channel::<u64>(2).unwrap();
    panics(|| {
        let mut grant = tx.try_reserve(2).unwrap();
        grant.fill([8, 9]);
        panic_any(Thrown);
    });
    assert_eq!((rx.try_recv(), tx.len()), (Err(TryRecvError::Empty), 0));
    tx.send_many(&[1, 2]).unwrap();
    panics(|| {
        let _guard = rx.recv_ref().unwrap();
        panic_any(Thrown);
    });
    panics(|| {
        let _grant = rx.try_read(2).unwrap();
        panic_any(Thrown);
    });
    let guard = rx.recv_ref().unwrap();
    assert_eq!((*guard, guard.attempt()), (1, 3));
    guard.commit();
    assert_eq!(rx.recv(), Ok(2));

    let (tx, rx) = mpmc::channel_with::<u64>(&Options::new().capacity(2).in_hand(1).operations(1)).unwrap();
    tx.send(3).unwrap();
    panics(|| {
        let _guard = rx.recv_ref().unwrap();
        panic_any(Thrown);
    });
    let guard = rx.try_recv_ref().expect("the only hand");
    assert_eq!((*guard, guard.attempt(), rx.in_hand()), (3, 2, 1));
    guard.commit();

    let (mut tx, mut rx) = bytes::spsc::channel(256).unwrap();
    panics(|| {
        let mut claim = tx.claim(8).unwrap();
        claim.fill(7);
        panic_any(Thrown);
    });
    tx.send(b"next").unwrap();
    panics(|| {
        let _guard = rx.recv_ref().unwrap();
        panic_any(Thrown);
    });
    let guard = rx.recv_ref().unwrap();
    assert_eq!((&*guard, guard.attempt()), (&b"next"[..], 2));
    guard.commit();

    let (tx, rx) = bytes::mpmc::channel_with(&Options::new().capacity(2).lanes(1, 4096).annexes(0)).unwrap();
    panics(|| {
        let mut loan = tx.loan(4096).unwrap();
        loan.fill(7);
        panic_any(Thrown);
    });
    assert!(rx.try_recv().is_err_and(|error| error.is_empty()));
    tx.try_loan(4096).expect("the only lane").send().unwrap();
    assert_eq!(rx.recv().unwrap().len(), 4096);
}
