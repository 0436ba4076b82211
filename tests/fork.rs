//! A forked child has copies of every handle and must not use them: every operation fails with the reason `Forked` or
//! does nothing, every drop leaves the shared memory and the locks alone, and the parent's death is noticed although
//! the child lives on.
//!
//! The process that forks is a child of the test, started afresh, with one thread. What it forks reports by its exit
//! code, with `_exit`.
//!
//! # Safety
//!
//! `fork` and a raw `clone` in a process that has one thread besides the harness's idle ones; the child calls what it
//! tests and ends with `_exit`.
#![allow(unsafe_code)]

mod support;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use ringway::bytes;
use ringway::mpmc;
use ringway::spsc::{Receiver, Sender, channel};
use ringway::{
    Backing, DisconnectReason, Options, RecvError, TryGrantError, TryRecvError, TrySendError, WaitForPeerError,
    observe, stream,
};
use std::io::{BufRead, Read, Write};
use std::os::fd::AsRawFd;
use std::time::Duration;
use support::{Child, Dir, hang, hear, role, tell};

const NAME: &str = "channel";
const STREAM: &str = "stream";
const FORKED: Option<DisconnectReason> = Some(DisconnectReason::Forked);

/// Runs a block in a forked child, which may use up what the parent goes on with; every check it gives must hold.
macro_rules! in_a_fork {
    ($raw:expr, $work:block) => {
        match if $raw { raw_fork() } else { libc_fork() } {
            // A block of its own, so that all is dropped before the report.
            None => report($work),
            Some(child) => {
                assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0), "the forked child's report");
            }
        }
    };
}

/// Ends the forked child, and says whether all it found was as it should be.
fn report(found: Vec<(&str, bool)>) -> ! {
    let wrong: Vec<_> = found.into_iter().filter(|(_, holds)| !holds).collect();
    if !wrong.is_empty() {
        eprintln!("in the forked child: {wrong:?}");
    }
    // SAFETY: ends the process without running anything.
    unsafe { libc::_exit(i32::from(!wrong.is_empty())) }
}

fn libc_fork() -> Option<Pid> {
    // SAFETY: this process has one thread at work.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => Some(child),
        ForkResult::Child => None,
    }
}

/// A child that no library hears of: no handler runs.
fn raw_fork() -> Option<Pid> {
    // SAFETY: the arguments of a plain fork: no stack, no flags, a signal at the end.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    assert!(pid >= 0, "clone");
    (pid > 0).then(|| Pid::from_raw(pid as i32))
}

fn forked(error: &std::io::Error) -> bool {
    stream::Ended::of(error).is_some_and(|ended| ended.reason == DisconnectReason::Forked)
}

/// Starts the test again as the process that forks.
fn forks(test: &str, work: impl FnOnce(&Dir)) {
    let dir = Dir::new();
    if role().is_some() {
        work(&dir);
        tell("well");
        return;
    }
    let mut child = Child::start(test, "forker", &dir);
    child.expect("well");
    child.succeed();
    assert!(dir.files().is_empty(), "{:?}", dir.files());
}

fn every_operation(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(8);
    let mut tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let mut rx = Receiver::<u64>::open_with(NAME, &options).unwrap();
    tx.send_many(&[1, 2, 3]).unwrap();
    let (mut near, mut far) = channel::<u64>(4).unwrap();
    near.send(1).unwrap();
    let path = dir.path().join(NAME);
    let before = std::fs::read(&path).unwrap();
    in_a_fork!(raw, {
        let mut found = vec![
            ("send", tx.send(9).is_err()),
            ("try_send", tx.try_send(9) == Err(TrySendError::Disconnected(9))),
            ("send_timeout", tx.send_timeout(9, Duration::from_secs(9)).is_err_and(|error| error.is_disconnected())),
            ("send_many", tx.send_many(&[9]).is_err()),
            ("try_send_many", tx.try_send_many(&[9]).is_err()),
            ("try_reserve", tx.try_reserve(1).is_err_and(|error| error == TryGrantError::Disconnected)),
            ("reserve_up_to", tx.reserve_up_to(1).is_err()),
            ("recv", rx.recv() == Err(RecvError)),
            ("try_recv", rx.try_recv() == Err(TryRecvError::Disconnected)),
            ("recv_timeout", rx.recv_timeout(Duration::MAX).is_err_and(|error| error.is_disconnected())),
            ("recv_ref", rx.recv_ref().is_err()),
            ("try_recv_ref", rx.try_recv_ref().is_err()),
            ("recv_many", rx.recv_many(&mut [0; 2]).is_err()),
            ("try_recv_many", rx.try_recv_many(&mut [0; 2]).is_err()),
            ("try_read", rx.try_read(1).is_err()),
            ("read_up_to", rx.read_up_to(1).is_err()),
            ("iter", rx.iter().next().is_none() && rx.try_iter().next().is_none()),
            ("len", (tx.len(), rx.len(), tx.is_full()) == (0, 0, false)),
            ("reason", tx.disconnect_reason() == FORKED && rx.disconnect_reason() == FORKED),
            (
                "counts",
                (tx.sender_count(), tx.receiver_count(), rx.sender_count(), rx.receiver_count()) == (0, 0, 0, 0),
            ),
            (
                "wait_for_peer",
                tx.wait_for_peer(Duration::MAX) == Err(WaitForPeerError::Disconnected(DisconnectReason::Forked)),
            ),
            ("debug", format!("{tx:?} {rx:?}").contains("Forked")),
            ("inside one process", near.send(2).is_err() && far.recv().is_err()),
        ];
        tx.set_wait(ringway::WaitStrategy::Spin);
        rx.set_wait(ringway::WaitStrategy::Spin);
        tx.close();
        rx.close();
        drop((tx, rx, near, far));
        found.push(("the segment's bytes are as they were", std::fs::read(&path).unwrap() == before));
        let seen = observe::stat(NAME, Some(dir.path())).unwrap();
        let attached = observe::MemberState::Attached;
        found.push((
            "the locks are held",
            seen.is_in_use && [seen.sender, seen.receiver].map(|end| end.map(|end| end.state)) == [Some(attached); 2],
        ));
        found
    });
    // The parent has lost nothing.
    tx.send(4).unwrap();
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!((tx.receiver_count(), rx.sender_count()), (1, 1));
    assert_eq!((far.recv(), tx.disconnect_reason()), (Ok(1), None));
}

/// Fault 49.
#[test]
fn every_operation_in_a_forked_child_fails() {
    forks(&here!(), |dir| every_operation(dir, false));
}

/// Fault 49.
#[test]
fn every_operation_in_a_raw_clone_fails() {
    forks(&here!(), |dir| every_operation(dir, true));
}

fn in_hand(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(8);
    let mut tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let mut rx = Receiver::<u64>::open_with(NAME, &options).unwrap();
    let path = dir.path().join(NAME);
    let bytes = || std::fs::read(&path).unwrap();

    tx.send_many(&[1, 2, 3]).unwrap();
    let guard = rx.recv_ref().unwrap();
    let before = bytes();
    in_a_fork!(raw, {
        guard.commit();
        vec![("a guard", bytes() == before)]
    });
    guard.commit();

    let grant = rx.try_read(2).unwrap();
    let before = bytes();
    in_a_fork!(raw, {
        let shown = (grant.runs().count(), grant.contiguous(9).len(), grant.copy_to_slice(&mut [0; 2]));
        grant.release_all();
        vec![("a read grant shows nothing", shown == (0, 0, 0)), ("and releases nothing", bytes() == before)]
    });
    grant.release_all();

    let mut grant = tx.try_reserve(3).unwrap();
    let before = bytes();
    in_a_fork!(raw, {
        let shown = (grant.runs_mut().count(), grant.contiguous(9).len(), grant.fill([7, 7]));
        grant.copy_from_slice(&[7, 7, 7]);
        grant.commit_all();
        vec![("a write grant shows nothing", shown == (0, 0, 0)), ("and sends nothing", bytes() == before)]
    });
    assert_eq!(grant.fill([4, 5]), 2);
    grant.commit(2);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn what_is_in_hand_at_a_fork_stays_the_parents() {
    forks(&here!(), |dir| in_hand(dir, false));
}

#[test]
fn what_is_in_hand_at_a_raw_clone_stays_the_parents() {
    forks(&here!(), |dir| in_hand(dir, true));
}

fn streams(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(64);
    let mut writer = stream::Writer::create_with(STREAM, &options).unwrap();
    let mut reader = stream::Reader::open_with(STREAM, &options).unwrap();
    writer.write_all(b"hello").unwrap();
    let path = dir.path().join(STREAM);
    let before = std::fs::read(&path).unwrap();
    in_a_fork!(raw, {
        let mut found = vec![
            ("write", writer.write(b"x").is_err_and(|error| forked(&error))),
            ("reserve", writer.reserve_timeout(1, Duration::MAX).is_err_and(|error| forked(&error))),
            ("check", writer.check().is_err_and(|error| forked(&error))),
            ("wait_finished", writer.wait_finished(Duration::MAX).is_err_and(|error| forked(&error))),
            ("read", reader.read(&mut [0; 9]).is_err_and(|error| forked(&error))),
            ("fill_buf", reader.fill_buf().is_err_and(|error| forked(&error))),
        ];
        reader.consume(3);
        writer.close();
        drop((writer, reader));
        found.push(("the segment's bytes are as they were", std::fs::read(&path).unwrap() == before));
        found
    });
    writer.write_all(b" world").unwrap();
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello world");
}

#[test]
fn a_stream_in_a_forked_child_fails() {
    forks(&here!(), |dir| streams(dir, false));
}

#[test]
fn a_stream_in_a_raw_clone_fails() {
    forks(&here!(), |dir| streams(dir, true));
}

/// A forked child that starts anew has a channel like anybody else: here with its own parent.
#[test]
fn a_forked_child_can_open_its_own_end() {
    forks(&here!(), |dir| {
        for raw in [false, true] {
            let mut tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(4)).unwrap();
            tx.send(5).unwrap();
            in_a_fork!(raw, {
                let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
                let got = rx.recv();
                let mut found = vec![("a message of the parent's", got == Ok(5)), ("the old end", tx.send(6).is_err())];
                found.push(("a second sender", Sender::<u64>::open_with(NAME, &dir.options()).is_err()));
                found.push(("who is there", (rx.sender_count(), rx.receiver_count()) == (1, 1)));
                drop(tx);
                found.push(("who is still there", rx.sender_count() == 1));
                found
            });
            assert!(tx.disconnect_reason().is_some(), "the child died without leaving, or left");
        }
    });
}

fn parent_dies(test: &str, raw: bool) {
    let dir = Dir::new();
    if role().is_some() {
        let mut tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
        tx.send(1).unwrap();
        match if raw { raw_fork() } else { libc_fork() } {
            None => {
                // A raw clone closes its copies of the descriptors when it drops the handle.
                if raw {
                    drop(tx);
                }
                tell("the child lives");
                hang();
            }
            Some(child) => {
                tell(child);
                hear();
                hang();
            }
        }
    }
    let mut child = Child::start(test, "forker", &dir);
    let mut lines = [child.hear(), child.hear()];
    lines.sort();
    let grandchild = Pid::from_raw(lines[0].parse().unwrap());
    assert_eq!(lines[1], "the child lives");
    let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    assert_eq!(rx.recv(), Ok(1));
    assert_eq!(rx.disconnect_reason(), None);
    child.kill();
    let (result, reason) =
        support::in_time("a receiver whose sender died", move || (rx.recv(), rx.disconnect_reason()));
    assert_eq!((result, reason), (Err(RecvError), Some(DisconnectReason::Died)));
    assert!(kill(grandchild, None).is_ok(), "the forked child still lives");
    kill(grandchild, Signal::SIGKILL).unwrap();
}

/// Fault 49.
#[test]
fn a_parents_death_is_noticed_though_its_forked_child_lives_on() {
    parent_dies(&here!(), false);
}

/// Fault 49.
#[test]
fn a_parents_death_is_noticed_though_its_raw_clone_lives_on_without_the_handle() {
    parent_dies(&here!(), true);
}

/// Everything that an end between many can do, in the child. The thread that forks keeps records of its operations, which
/// the child must not take for its own.
fn every_operation_of_many(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(8).in_hand(4);
    let tx = mpmc::Sender::<u64>::create_with(NAME, &options).unwrap();
    let rx = mpmc::Receiver::<u64>::open_with(NAME, &options).unwrap();
    let (near, far) = mpmc::channel::<u64>(4).unwrap();
    // A record of each is this thread's from here on.
    tx.send_many(&[1, 2, 3, 4]).unwrap();
    near.send(1).unwrap();
    assert_eq!(rx.recv(), Ok(1));
    let [committed, dropped] = [rx.recv_ref().unwrap(), rx.recv_ref().unwrap()];
    let path = dir.path().join(NAME);
    let before = std::fs::read(&path).unwrap();
    in_a_fork!(raw, {
        let mut found = vec![
            ("send", tx.send(9).is_err()),
            ("try_send", tx.try_send(9) == Err(TrySendError::Disconnected(9))),
            ("send_timeout", tx.send_timeout(9, Duration::from_secs(9)).is_err_and(|error| error.is_disconnected())),
            ("send_many", tx.send_many(&[9]).is_err()),
            ("try_send_many", tx.try_send_many(&[9]).is_err()),
            ("recv", rx.recv() == Err(RecvError)),
            ("try_recv", rx.try_recv() == Err(TryRecvError::Disconnected)),
            ("recv_timeout", rx.recv_timeout(Duration::MAX).is_err_and(|error| error.is_disconnected())),
            ("recv_ref", rx.recv_ref().is_err()),
            ("try_recv_ref", rx.try_recv_ref().is_err()),
            ("recv_ref_timeout", rx.recv_ref_timeout(Duration::MAX).is_err()),
            ("recv_many", rx.recv_many(&mut [0; 2]).is_err()),
            ("try_recv_many", rx.try_recv_many(&mut [0; 2]).is_err()),
            ("iter", rx.iter().next().is_none() && rx.try_iter().next().is_none()),
            ("len", (tx.len(), rx.len(), tx.is_full(), rx.in_hand()) == (0, 0, false, 0)),
            ("reason", tx.disconnect_reason() == FORKED && rx.disconnect_reason() == FORKED),
            ("counts", (tx.sender_count(), tx.receiver_count()) == (0, 0)),
            (
                "wait_for_peer",
                tx.wait_for_peer(Duration::MAX) == Err(WaitForPeerError::Disconnected(DisconnectReason::Forked)),
            ),
            ("inside one process", near.send(2).is_err() && far.recv().is_err()),
            ("dropped", rx.stats().dropped == 0),
        ];
        committed.commit();
        drop(dropped);
        let clones = (tx.clone(), rx.clone());
        // A thread of the child's own, which ends: nothing that it inherited goes back.
        let is_refused = std::thread::spawn({
            let tx = tx.clone();
            move || tx.send(5).is_err()
        });
        found.push(("in a thread", is_refused.join().unwrap_or(false)));
        rx.close();
        drop((clones, tx, rx, near, far));
        found.push(("the segment's bytes are as they were", std::fs::read(&path).unwrap() == before));
        // Its own end it may have; and it is somebody else.
        let own = mpmc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
        found.push(("what the parent has in hand is not found", own.in_hand() == 2));
        found.push(("the parent is there", (own.sender_count(), own.receiver_count()) == (1, 2)));
        found.push(("a message of the parent's", own.recv() == Ok(4)));
        found
    });
    // The parent has lost nothing, and its records are its own.
    assert_eq!((tx.receiver_count(), rx.sender_count(), rx.in_hand(), rx.len()), (1, 1, 2, 0));
    assert_eq!((*committed, *dropped), (2, 3));
    committed.commit();
    drop(dropped);
    let again = rx.recv_ref().unwrap();
    assert_eq!((*again, again.attempt()), (3, 2));
    again.commit();
    tx.send(5).unwrap();
    assert_eq!((rx.recv(), far.recv(), rx.in_hand()), (Ok(5), Ok(1), 0));
    assert_eq!(tx.disconnect_reason(), None);
}

/// Fault 49.
#[test]
fn every_operation_between_many_in_a_forked_child_fails() {
    forks(&here!(), |dir| every_operation_of_many(dir, false));
}

#[test]
fn every_operation_between_many_in_a_raw_clone_fails() {
    forks(&here!(), |dir| every_operation_of_many(dir, true));
}

/// A message that the parent looks at where it is, while a closure of its forks, stays where it is.
fn looked_at(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(4).lanes(3, 8192).annexes(1);
    let tx = bytes::mpmc::Sender::create_with(NAME, &options).unwrap();
    let rx = bytes::mpmc::Receiver::open_with(NAME, &options).unwrap();
    let used = || tx.lanes().iter().map(|lanes| lanes.in_use).sum::<u64>();
    for len in [5000, 100_000] {
        let mut loan = tx.loan(len).unwrap();
        loan.fill(1);
        loan.send().unwrap();
        let mut is_child = false;
        rx.recv_with(|message| match if raw { raw_fork() } else { libc_fork() } {
            None => is_child = true,
            Some(child) => {
                assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
                assert_eq!((tx.in_hand(), used()), (1, 1), "the child is back from its closure");
                assert!(message.len() == len && message.iter().all(|byte| *byte == 1));
            }
        })
        .unwrap();
        if is_child {
            report(Vec::new());
        }
        assert_eq!((tx.in_hand(), used()), (0, 0));
    }
}

#[test]
fn what_is_looked_at_in_place_at_a_fork_stays_the_parents() {
    forks(&here!(), |dir| looked_at(dir, false));
}

#[test]
fn what_is_looked_at_in_place_at_a_raw_clone_stays_the_parents() {
    forks(&here!(), |dir| looked_at(dir, true));
}

/// What the parent has received of a long message goes on behind what it had.
fn half_received(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(4).lanes(2, 8192).annexes(0).chunk_bytes(8192);
    let tx = bytes::mpmc::Sender::create_with(NAME, &options).unwrap();
    let rx = bytes::mpmc::Receiver::open_with(NAME, &options).unwrap();
    let message: Vec<u8> = (0..20_000_u32).map(|n| (n / 100) as u8).collect();
    let mut writer = tx.writer(Some(20_000)).unwrap();
    writer.write_all(&message[..8192]).unwrap();
    writer.flush().unwrap();
    assert_eq!(rx.try_recv(), Err(bytes::TryRecvError::Empty), "a part of it");
    writer.write_all(&message[8192..16_000]).unwrap();
    writer.flush().unwrap();
    let path = dir.path().join(NAME);
    let before = std::fs::read(&path).unwrap();
    in_a_fork!(raw, {
        let mut found = vec![
            ("try_recv", rx.try_recv() == Err(bytes::TryRecvError::Disconnected)),
            ("recv", rx.recv() == Err(bytes::RecvError::Disconnected)),
            ("recv_timeout", rx.recv_timeout(Duration::MAX) == Err(bytes::RecvTimeoutError::Disconnected)),
            ("recv_with", rx.recv_with(|_| ()) == Err(bytes::RecvError::Disconnected)),
        ];
        drop(rx);
        found.push(("the segment's bytes are as they were", std::fs::read(&path).unwrap() == before));
        found
    });
    std::thread::scope(|scope| {
        let receiving = scope.spawn(|| rx.recv());
        writer.write_all(&message[16_000..]).unwrap();
        writer.finish().unwrap();
        assert!(receiving.join().unwrap().unwrap() == message);
    });
}

#[test]
fn what_is_half_received_at_a_fork_stays_the_parents() {
    forks(&here!(), |dir| half_received(dir, false));
}

#[test]
fn what_is_half_received_at_a_raw_clone_stays_the_parents() {
    forks(&here!(), |dir| half_received(dir, true));
}

/// What a thread of the child's keeps of its parent's channels goes nowhere when the child ends in good order.
#[test]
fn a_forked_child_that_exits_gives_no_record_back() {
    forks(&here!(), |dir| {
        let options = dir.options().capacity(4).operations(2);
        let tx = mpmc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let rx = mpmc::Receiver::<u64>::open_with(NAME, &options).unwrap();
        tx.send(1).unwrap();
        let path = dir.path().join(NAME);
        let before = std::fs::read(&path).unwrap();
        match libc_fork() {
            None => std::process::exit(0),
            Some(child) => assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0)),
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(rx.recv(), Ok(1));
    });
}

/// The member is its process, whatever children that has forked: killed, it is dead, and what it had in hand comes again.
#[test]
fn a_killed_parents_message_in_hand_comes_again_though_its_forked_child_lives_on() {
    let dir = Dir::new();
    if role().is_some() {
        let rx = mpmc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
        let guard = rx.recv_ref().unwrap();
        match libc_fork() {
            None => hang(),
            Some(child) => {
                tell(child);
                hear();
                drop(guard);
                hang();
            }
        }
    }
    let tx = mpmc::Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    let rx = mpmc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    tx.send(6).unwrap();
    let mut child = Child::start(&here!(), "forker", &dir);
    let grandchild = Pid::from_raw(child.hear().parse().unwrap());
    assert_eq!((rx.in_hand(), rx.receiver_count()), (1, 2));
    child.kill();
    let guard = rx.recv_ref_timeout(support::PATIENCE).unwrap();
    assert_eq!((*guard, guard.attempt()), (6, 2));
    guard.commit();
    assert_eq!((tx.receiver_count(), rx.in_hand()), (1, 0));
    assert!(kill(grandchild, None).is_ok(), "the forked child still lives");
    kill(grandchild, Signal::SIGKILL).unwrap();
}

/// Messages that are half written, half read or in hand when their process forks.
fn bytes_of_many(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(8).lanes(6, 4096).chunk_bytes(1000);
    let tx = bytes::mpmc::Sender::create_with(NAME, &options).unwrap();
    let rx = bytes::mpmc::Receiver::open_with(NAME, &options).unwrap();
    tx.send(&[1; 500]).unwrap();
    tx.send(&[2; 500]).unwrap();
    let [committed, dropped] = [rx.recv_ref().unwrap(), rx.recv_ref().unwrap()];
    let mut claim = tx.claim(300).unwrap();
    claim.fill(3);
    let mut loan = tx.loan(9000).unwrap();
    loan.fill(6);
    let mut writer = tx.writer(None).unwrap();
    writer.write_all(&[4; 2000]).unwrap();
    let mut flowing = tx.writer(Some(6000)).unwrap();
    flowing.write_all(&[5; 4096]).unwrap();
    let mut reader = rx.reader().unwrap();
    reader.read_exact(&mut [0; 700]).unwrap();
    let path = dir.path().join(NAME);
    let before = std::fs::read(&path).unwrap();
    in_a_fork!(raw, {
        let mut found = vec![
            ("send", tx.send(&[9; 500]).is_err() && tx.send(&[9; 50_000]).is_err() && tx.send(&[9]).is_err()),
            ("try_send", tx.try_send(&[9; 500]).is_err()),
            ("claim", tx.claim(300).is_err()),
            ("loan", tx.loan(300).is_err() && tx.try_loan(9000).is_err()),
            ("a loan shows nothing to write to", loan.iter_mut().count() == 0 && loan.is_empty()),
            ("and no values", loan.as_mut_slice_of::<u64>().is_empty()),
            ("write", writer.write(&[9; 10]).is_err()),
            ("write further", flowing.write(&[9; 10]).is_err()),
            ("read", reader.read(&mut [0; 10]).is_err()),
            ("recv", rx.recv().is_err() && rx.try_recv().is_err() && rx.recv_ref().is_err()),
            ("a claim shows nothing to write to", claim.iter_mut().count() == 0 && claim.is_empty()),
            ("a guard shows nothing", committed.is_empty()),
        ];
        let _ = writer.flush();
        found.push(("finish", writer.finish().is_err()));
        found.push(("commit of a claim", claim.commit(5).is_err()));
        found.push(("send of a loan", loan.send().is_err()));
        committed.commit();
        drop((dropped, flowing, reader));
        found.push(("the segment's bytes are as they were", std::fs::read(&path).unwrap() == before));
        found
    });
    // The parent has lost nothing.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            flowing.write_all(&[5; 1904]).unwrap();
            flowing.finish().unwrap();
        });
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest == [5; 5300]);
    });
    assert_eq!(*loan, [6; 9000]);
    loan.send().unwrap();
    let lent = rx.recv_owned().unwrap();
    let before = std::fs::read(&path).unwrap();
    in_a_fork!(raw, {
        let mut found = vec![("an owned guard shows nothing", lent.is_empty())];
        lent.commit();
        found.push(("and is not committed", std::fs::read(&path).unwrap() == before));
        found
    });
    assert_eq!(lent[..], [6; 9000]);
    lent.commit();
    claim.commit(300).unwrap();
    writer.finish().unwrap();
    assert_eq!((rx.recv().unwrap(), rx.recv().unwrap()), (vec![3; 300], vec![4; 2000]));
    assert_eq!((&*committed, &*dropped), (&[1; 500][..], &[2; 500][..]));
}

/// A message that lies in the segment is not read in the child: by then the parent may be done with it, and it another's.
fn read_in_place(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(8).lanes(6, 4096);
    let tx = bytes::mpmc::Sender::create_with(NAME, &options).unwrap();
    let rx = bytes::mpmc::Receiver::open_with(NAME, &options).unwrap();
    for len in [16, 3000] {
        tx.send(&vec![1; len]).unwrap();
        tx.send(&vec![2; len]).unwrap();
        let mut reader = rx.reader().unwrap();
        let guard = rx.recv_ref().unwrap();
        reader.read_exact(&mut [0; 5]).unwrap();
        in_a_fork!(raw, {
            let mut byte = [0];
            vec![
                ("read", reader.read(&mut byte).is_err()),
                ("nothing was read", byte == [0]),
                ("a guard shows nothing", guard.is_empty()),
            ]
        });
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!((&rest[..], &guard[..]), (&vec![1; len - 5][..], &vec![2; len][..]));
        guard.commit();
    }
}

#[test]
fn what_is_read_in_place_is_not_read_in_a_forked_child() {
    forks(&here!(), |dir| read_in_place(dir, false));
}

#[test]
fn what_is_read_in_place_is_not_read_in_a_raw_clone() {
    forks(&here!(), |dir| read_in_place(dir, true));
}

#[test]
fn bytes_of_many_in_a_forked_child_are_left_alone() {
    forks(&here!(), |dir| bytes_of_many(dir, false));
}

#[test]
fn bytes_of_many_in_a_raw_clone_are_left_alone() {
    forks(&here!(), |dir| bytes_of_many(dir, true));
}

/// Messages of bytes: every operation, and what is in hand.
fn every_operation_of_bytes(dir: &Dir, raw: bool) {
    let options = dir.options().capacity(256).frame_bytes(64);
    let mut tx = bytes::spsc::Sender::create_with(NAME, &options).unwrap();
    let mut rx = bytes::spsc::Receiver::open_with(NAME, &options).unwrap();
    let path = dir.path().join(NAME);
    let content = || std::fs::read(&path).unwrap();
    tx.send(b"short").unwrap();
    tx.send(&[7; 100]).unwrap();
    let before = content();
    in_a_fork!(raw, {
        let in_place = rx.recv_ref().is_err();
        let in_place = in_place && rx.try_recv_ref().is_err();
        let bit_by_bit = rx.reader().is_err();
        let mut found = vec![
            ("send", tx.send(b"x").is_err_and(|error| error.is_disconnected())),
            ("send long", tx.send(&[1; 1000]).is_err_and(|error| error.is_disconnected())),
            ("try_send", tx.try_send(b"x").is_err_and(|error| error.is_disconnected())),
            ("send_timeout", tx.send_timeout(b"x", Duration::MAX).is_err_and(|error| error.is_disconnected())),
            ("claim", tx.claim(3).is_err() && tx.try_claim(3).is_err()),
            ("writer", tx.writer(None).write(b"x").is_err() && tx.writer(Some(0)).finish().is_err()),
            ("recv", rx.recv().is_err_and(|error| error.is_disconnected())),
            ("try_recv", rx.try_recv().is_err_and(|error| error.is_disconnected())),
            ("recv_timeout", rx.recv_timeout(Duration::MAX).is_err_and(|error| error.is_disconnected())),
            ("recv_ref", in_place),
            ("reader", bit_by_bit),
            ("iter", rx.iter().next().is_none() && rx.try_iter().next().is_none()),
            ("len", (tx.len(), rx.len()) == (0, 0)),
            ("reason", tx.disconnect_reason() == FORKED && rx.disconnect_reason() == FORKED),
        ];
        tx.close();
        rx.close();
        drop((tx, rx));
        found.push(("the segment's bytes are as they were", content() == before));
        found
    });
    assert_eq!((rx.recv().unwrap(), rx.recv().unwrap()), (b"short".to_vec(), vec![7; 100]));

    let mut claim = tx.claim(10).unwrap();
    let before = content();
    in_a_fork!(raw, {
        let shown = claim.len();
        claim.fill(3);
        claim.commit_all();
        vec![("a claim shows nothing", shown == 0), ("and sends nothing", content() == before)]
    });
    claim.fill(4);
    claim.commit(10);
    for _ in 0..2 {
        let guard = rx.recv_ref().unwrap();
        let before = content();
        in_a_fork!(raw, {
            let shown = guard.len();
            guard.commit();
            vec![("a guard shows nothing", shown == 0), ("and releases nothing", content() == before)]
        });
        assert!(guard.iter().all(|byte| *byte == 4) && guard.len() >= 10);
        guard.commit();
        tx.send(&[4; 100]).unwrap();
    }
    let mut reader = rx.reader().unwrap();
    let mut writer = tx.writer(None);
    writer.write_all(b"some").unwrap();
    writer.flush().unwrap();
    let before = content();
    in_a_fork!(raw, {
        let failed = reader.read(&mut [0; 1]).is_err() && writer.write(b"x").is_err() && writer.flush().is_err();
        drop((reader, writer));
        vec![("readers and writers fail", failed), ("and do nothing", content() == before)]
    });
    writer.finish().unwrap();
    let mut message = Vec::new();
    assert_eq!((reader.read_to_end(&mut message).unwrap(), message), (100, vec![4; 100]));
    drop(reader);
    assert_eq!(rx.recv().unwrap(), b"some");
}

#[test]
fn every_operation_of_bytes_in_a_forked_child_fails() {
    forks(&here!(), |dir| every_operation_of_bytes(dir, false));
}

#[test]
fn every_operation_of_bytes_in_a_raw_clone_fails() {
    forks(&here!(), |dir| every_operation_of_bytes(dir, true));
}

// A memfd, whose descriptor a child inherits: it comes by an end of its own.

fn comes_by_descriptor(raw: bool) {
    let memfd = Options::new().capacity(8).backing(Backing::Memfd);
    let mut tx = Sender::<u64>::create_with(NAME, &memfd).unwrap();
    let descriptor = tx.descriptor().unwrap();
    tx.send_many(&[1, 2, 3]).unwrap();
    in_a_fork!(raw, {
        let inherited = Options::new().backing(Backing::inherited(descriptor.as_raw_fd()).unwrap());
        let mut rx = Receiver::<u64>::open_with(NAME, &inherited).unwrap();
        let taken = Sender::<u64>::open_with(NAME, &inherited);
        vec![
            ("the copy of the end", tx.try_send(9).is_err()),
            ("the sender is alive", taken.is_err_and(|error| error.is_role_taken())),
            ("the messages", [rx.recv(), rx.recv(), rx.recv()] == [Ok(1), Ok(2), Ok(3)]),
            ("no more", rx.try_recv() == Err(TryRecvError::Empty)),
        ]
    });
    assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Left), "and leaves in good order");
}

#[test]
fn a_forked_child_opens_the_memfd_that_it_has_inherited() {
    forks(&here!(), |_| comes_by_descriptor(false));
}

#[test]
fn a_cloned_child_opens_the_memfd_that_it_has_inherited() {
    forks(&here!(), |_| comes_by_descriptor(true));
}
