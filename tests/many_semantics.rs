//! The promises of many-to-many channels between processes, one test a promise. Numbers are those of the eight semantics:
//! 1 exactness, 2 order, 3 who is gone, 4 timeouts, 5 what is left and what may be sent, 6 a stopped process, 8 nothing
//! stale, nothing live removed. (7, a forked child, is in `fork.rs`.)
//!
//! # Safety
//!
//! A handler for a signal that does nothing, and a timer that sends it.
#![allow(unsafe_code)]

mod support;

use nix::libc;
use nix::sys::signal::Signal;
use ringway::mpmc::{Receiver, Sender, channel, channel_with};
use ringway::{
    Absent, DisconnectReason, FormatError, OpenError, Options, TryRecvError, TrySendError, WaitForPeerError,
    WaitStrategy, observe,
};
use std::time::{Duration, Instant};
use support::{Child, Dir, PATIENCE, hear, in_time, role, tell};

const NAME: &str = "channel";

/// An end of each kind in a child, which does what it is told.
fn is_child(options: &Options) -> bool {
    let Some(role) = role() else { return false };
    let tx = (role != "receiver").then(|| Sender::<u64>::open_or_create_with(NAME, options).expect("a sender"));
    let rx = (role != "sender").then(|| Receiver::<u64>::open_or_create_with(NAME, options).expect("a receiver"));
    let mut held = Vec::new();
    tell("here");
    loop {
        let line = hear();
        let (what, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match what {
            "send" => {
                let numbers: Vec<u64> = rest.split(' ').map(|number| number.parse().expect("a number")).collect();
                tx.as_ref().expect("a sender").send_many(&numbers).expect("a receiver");
                tell("sent");
            }
            "recv" => match rx.as_ref().expect("a receiver").recv() {
                Ok(message) => tell(message),
                Err(error) => tell(error),
            },
            "hold" => {
                let guard = rx.as_ref().expect("a receiver").recv_ref().expect("a message");
                tell(format_args!("{} attempt {}", *guard, guard.attempt()));
                held.push(guard);
            }
            "commit" => {
                held.drain(..).for_each(ringway::mpmc::Guard::commit);
                tell("committed");
            }
            "leave" => return true,
            "exit" => std::process::exit(0),
            "abort" => std::process::abort(),
            what => panic!("do what? {what}"),
        }
    }
}

fn start(test: &str, role: &str, dir: &Dir) -> Child {
    let mut child = Child::start(test, role, dir);
    child.expect("here");
    child
}

fn end(mut child: Child, how: &str) {
    match how {
        "kill" => child.kill(),
        _ => {
            child.tell(how);
            child.wait();
        }
    }
}

/// Every way to go, and what the others are told.
const ENDINGS: [(&str, DisconnectReason); 4] = [
    ("leave", DisconnectReason::Left),
    ("kill", DisconnectReason::Died),
    ("abort", DisconnectReason::Died),
    ("exit", DisconnectReason::Died),
];

#[test]
fn s1_capacity_fullness_and_length_are_exact_for_all_who_look() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    for capacity in [1, 2, 3, 5, 64] {
        let tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(capacity)).unwrap();
        let mut child = start(&here!(), "both", &dir);
        let numbers: Vec<_> = (0..capacity as u64).collect();
        for lap in 0..3 {
            for number in &numbers {
                assert_eq!((tx.len(), tx.is_full(), tx.is_empty()), (*number as usize, false, *number == 0));
                child.tell(format_args!("send {number}"));
                child.expect("sent");
            }
            assert_eq!((tx.len(), tx.is_full(), tx.capacity()), (capacity, true, capacity), "lap {lap}");
            assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
            for number in &numbers {
                child.tell("recv");
                child.expect(&number.to_string());
                assert!(!tx.is_full());
            }
        }
        end(child, "leave");
    }
}

#[test]
fn s2_ones_own_message_is_there_at_once() {
    let dir = Dir::new();
    if role().is_some() {
        // Always in the middle of sending.
        let tx = Sender::<u64>::open_with(NAME, &dir.options()).unwrap();
        tell("here");
        loop {
            let _ = tx.try_send(0);
        }
    }
    let (tx, rx) = {
        let options = dir.options().capacity(256);
        let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
        (tx, Receiver::<u64>::open_with(NAME, &options).unwrap())
    };
    let child = start(&here!(), "busy", &dir);
    let mut empty = 0;
    for number in 1..=500 {
        // Others' come before it.
        while tx.try_send(number).is_err() {
            assert!(matches!(rx.try_recv(), Ok(0) | Err(TryRecvError::Empty)));
        }
        loop {
            match rx.try_recv() {
                Ok(0) => {}
                Ok(own) => break assert_eq!(own, number),
                Err(error) => {
                    assert_eq!(error, TryRecvError::Empty);
                    empty += 1;
                }
            }
        }
    }
    child.kill();
    // The other one was taken off its processor there.
    eprintln!("Empty was said {empty} times");
    assert!(empty < 250);
}

/// Faults 31 and 43.
#[test]
fn s3_a_sleeping_receiver_is_woken_by_every_ending_of_the_last_sender() {
    let dir = Dir::new();
    let options = || dir.options().wait(WaitStrategy::Sleep);
    if is_child(&options()) {
        return;
    }
    for (ending, reason) in ENDINGS {
        let rx = Receiver::<u64>::create_with(NAME, &options()).unwrap();
        let mut children = [start(&here!(), "sender", &dir), start(&here!(), "sender", &dir)];
        children[0].tell("send 1 2");
        children[0].expect("sent");
        assert_eq!((rx.sender_count(), rx.receiver_count(), rx.disconnect_reason()), (2, 1, None));
        let [first, second] = children;
        end(first, "kill");
        assert_eq!((rx.sender_count(), rx.disconnect_reason()), (1, None), "one is left");
        assert_eq!((rx.recv(), rx.recv(), rx.try_recv()), (Ok(1), Ok(2), Err(TryRecvError::Empty)));
        let waiting = std::thread::spawn({
            let rx = rx.clone();
            move || (rx.recv(), rx.disconnect_reason())
        });
        support::until("it sleeps", || rx.stats().sleeps > 0);
        end(second, ending);
        let found = in_time("a receiver without senders", || waiting.join().unwrap());
        assert_eq!(found, (Err(ringway::RecvError), Some(reason)), "{ending}");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        assert!(rx.try_recv_ref().unwrap_err().is_disconnected());
        assert!(rx.recv_timeout(PATIENCE).unwrap_err().is_disconnected());
        assert!(rx.recv_many(&mut [0; 3]).is_err() && rx.try_recv_many(&mut [0; 3]).is_err());
    }
}

/// Fault 44.
#[test]
fn s3_a_sleeping_sender_is_woken_by_every_ending_of_the_last_receiver() {
    let dir = Dir::new();
    let options = || dir.options().wait(WaitStrategy::Sleep).capacity(2);
    if is_child(&options()) {
        return;
    }
    for (ending, reason) in ENDINGS {
        let tx = Sender::<u64>::create_with(NAME, &options()).unwrap();
        let [first, second] = [start(&here!(), "receiver", &dir), start(&here!(), "receiver", &dir)];
        tx.send_many(&[1, 2]).unwrap();
        end(first, "kill");
        assert_eq!((tx.receiver_count(), tx.disconnect_reason()), (1, None));
        let waiting = std::thread::spawn({
            let tx = tx.clone();
            move || (tx.send(3).map_err(|error| error.into_inner()), tx.disconnect_reason())
        });
        support::until("it sleeps", || tx.stats().sleeps > 0);
        end(second, ending);
        assert_eq!(
            in_time("a sender without receivers", || waiting.join().unwrap()),
            (Err(3), Some(reason)),
            "{ending}"
        );
        assert_eq!(tx.try_send(4), Err(TrySendError::Disconnected(4)));
        assert_eq!(tx.send_timeout(5, PATIENCE).unwrap_err().into_inner(), 5);
        assert_eq!(tx.send_many(&[6, 7]).unwrap_err().into_inner(), 0);
        // A new one: it works again, from where the last one stopped.
        let mut child = start(&here!(), "receiver", &dir);
        for number in ["1", "2"] {
            child.tell("recv");
            child.expect(number);
        }
        tx.send(8).unwrap();
        child.tell("recv");
        child.expect("8");
    }
}

#[test]
fn s3_with_room_left_send_fails_when_the_last_receiver_has_left() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(8)).unwrap();
    assert_eq!(tx.wait_for_peer(Duration::from_millis(5)), Err(WaitForPeerError::Timeout));
    let child = start(&here!(), "receiver", &dir);
    tx.wait_for_peer(Duration::ZERO).unwrap();
    tx.send(1).unwrap();
    end(child, "leave");
    assert!(!tx.is_full());
    assert_eq!(tx.send(42).unwrap_err().into_inner(), 42);
    // Killed: by the time the ring is full at the latest.
    let child = start(&here!(), "receiver", &dir);
    tx.send(2).unwrap();
    child.kill();
    while tx.try_send(7).is_ok() {}
    // The kernel is not asked at each call.
    support::until("it is told", || tx.try_send(42) == Err(TrySendError::Disconnected(42)));
    assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
}

#[test]
fn s3_who_buffers_or_fails_says_so() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(2).absent(Absent::Buffer)).unwrap();
    start(&here!(), "receiver", &dir).kill();
    tx.send_many(&[1, 2]).unwrap();
    assert_eq!((tx.try_send(3), tx.disconnect_reason()), (Err(TrySendError::Full(3)), None));
    let strict = Sender::<u64>::open_with(NAME, &dir.options().absent(Absent::Fail)).unwrap();
    assert_eq!(strict.try_send(3), Err(TrySendError::Disconnected(3)));
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    assert_eq!((rx.recv(), strict.try_send(3)), (Ok(1), Ok(())));
}

/// Fault 54.
#[test]
fn s4_timeouts_are_exact_whatever_signals_come() {
    extern "C" fn nothing(_: libc::c_int) {}
    let dir = Dir::new();
    if role().is_none() {
        let mut child = Child::start(&here!(), "alarmed", &dir);
        child.expect("well");
        return child.succeed();
    }
    let (tx, rx) = channel_with::<u64>(&Options::new().capacity(1).wait(WaitStrategy::Sleep)).unwrap();
    let every = libc::timeval { tv_sec: 0, tv_usec: 700 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    let action = nix::sys::signal::SigAction::new(
        nix::sys::signal::SigHandler::Handler(nothing),
        // Without SA_RESTART: every call is interrupted.
        nix::sys::signal::SaFlags::empty(),
        nix::sys::signal::SigSet::empty(),
    );
    // SAFETY: the handler does nothing.
    unsafe { nix::sys::signal::sigaction(Signal::SIGALRM, &action) }.unwrap();
    // SAFETY: a valid timer, and nothing is written back.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) }, 0);
    let wait = Duration::from_millis(120);
    let exact = |what: &str, call: &dyn Fn() -> bool| {
        let start = Instant::now();
        assert!(call(), "{what}");
        let took = start.elapsed();
        assert!(took >= wait, "{what} took {took:?}");
        eprintln!("{what}: {took:?}");
    };
    exact("recv_timeout", &|| rx.recv_timeout(wait).is_err_and(|error| error.is_timeout()));
    exact("recv_deadline", &|| rx.recv_deadline(Instant::now() + wait).is_err_and(|error| error.is_timeout()));
    exact("recv_ref_timeout", &|| rx.recv_ref_timeout(wait).is_err_and(|error| error.is_timeout()));
    tx.send(1).unwrap();
    exact("send_timeout", &|| tx.send_timeout(2, wait).is_err_and(|error| error.is_timeout()));
    exact("send_deadline", &|| tx.send_deadline(2, Instant::now() + wait).is_err_and(|error| error.is_timeout()));
    // Zero, and what is over, is one try.
    assert!(tx.send_timeout(2, Duration::ZERO).unwrap_err().is_timeout());
    assert_eq!(rx.recv_timeout(Duration::ZERO), Ok(1));
    assert!(rx.recv_deadline(Instant::now()).unwrap_err().is_timeout());
    // For ever is not, when something comes.
    let waiting = std::thread::spawn({
        let rx = rx.clone();
        move || rx.recv_timeout(Duration::MAX)
    });
    support::until("it sleeps", || rx.stats().sleeps > 3);
    tx.send_timeout(3, Duration::MAX).unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(3));
    tell("well");
}

/// A message of this type and these values goes through another process's hands: here through the ring and a hand.
fn travels<T: bytemuck::NoUninit + bytemuck::AnyBitPattern + PartialEq + std::fmt::Debug + Send>(value: T) {
    for capacity in [1, 3] {
        let (tx, rx) = channel::<T>(capacity).unwrap();
        for _ in 0..4 {
            for _ in 0..capacity {
                tx.try_send(value).unwrap();
            }
            assert!(tx.try_send(value).unwrap_err().is_full() && rx.len() == capacity);
            let guard = rx.recv_ref().unwrap();
            assert_eq!(*guard, value);
            drop(guard);
            let mut many = vec![value; capacity];
            let got = rx.recv_many(&mut many).unwrap();
            assert!(got >= 1 && many.iter().all(|found| *found == value));
            (got..capacity).for_each(|_| assert_eq!(rx.try_recv(), Ok(value)));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(128))]
struct Wide([u64; 16]);

#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// Faults M1 and M3.
#[test]
fn s5_messages_of_every_size_and_alignment_travel_and_larger_ones_are_refused() {
    travels(());
    travels([0_u8; 0]);
    travels(7_u8);
    travels([1_u8, 2, 3]);
    travels(u16::MAX);
    travels([5_u32; 7]);
    travels(u128::MAX - 5);
    travels(Wide(std::array::from_fn(|at| at as u64)));
    travels(Page([9; 4096]));
    travels::<[u8; 4096]>([3; 4096]);
    let refused = channel::<[u8; 4097]>(1).unwrap_err();
    assert!(matches!(refused, OpenError::Format(FormatError::Field { field: "type_size", .. })), "{refused}");
    let dir = Dir::new();
    assert!(Sender::<[u8; 4097]>::create_with(NAME, &dir.options()).is_err());
    assert!(dir.files().is_empty());
}

#[test]
fn s5_what_nobody_came_for_goes_with_the_channel() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut child = start(&here!(), "sender", &dir);
    child.tell("send 1 2 3");
    child.expect("sent");
    end(child, "leave");
    assert!(dir.files().is_empty());
    assert!(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap_err().is_not_found());
}

/// Fault 45.
#[test]
fn s6_who_is_stopped_with_a_message_in_hand_keeps_it_and_the_others_go_on() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let options = dir.options().capacity(8).in_hand(1).slice(Duration::from_millis(5));
    let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &options).unwrap();
    let mut child = start(&here!(), "receiver", &dir);
    tx.send(77).unwrap();
    child.tell("hold");
    child.expect("77 attempt 1");
    child.signal(Signal::SIGSTOP);
    let stop = Duration::from_millis(support::number("RINGWAY_STOP_MS", 1000));
    let (start, mut passed) = (Instant::now(), 0_u64);
    while start.elapsed() < stop {
        for number in 0..1000 {
            tx.send(number).unwrap();
            assert_eq!(rx.recv(), Ok(number));
            passed += 1;
        }
        assert_eq!((tx.receiver_count(), rx.in_hand(), rx.stats().dropped), (2, 1, 0));
    }
    eprintln!("{passed} messages passed beside one who was stopped for {:?}", start.elapsed());
    // Its hand is its own.
    tx.send(5).unwrap();
    assert!(rx.recv_ref_timeout(Duration::from_millis(50)).unwrap_err().is_timeout());
    assert_eq!(rx.recv(), Ok(5));
    assert!(observe::clean(Some(dir.path())).unwrap().iter().all(|cleaned| matches!(cleaned.removed, Ok(false))));
    child.signal(Signal::SIGCONT);
    child.tell("commit");
    child.expect("committed");
    assert_eq!((rx.in_hand(), rx.try_recv()), (0, Err(TryRecvError::Empty)));
    tx.send(6).unwrap();
    let guard = rx.recv_ref().unwrap();
    assert_eq!((*guard, guard.attempt()), (6, 1));
    guard.commit();
    child.kill();
}

#[test]
fn s6_the_last_sender_stopped_and_the_last_receiver_stopped_are_alive() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let options = dir.options().capacity(2).slice(Duration::from_millis(5));
    let rx = Receiver::<u64>::create_with(NAME, &options).unwrap();
    let mut child = start(&here!(), "sender", &dir);
    child.signal(Signal::SIGSTOP);
    assert!(rx.recv_timeout(Duration::from_millis(300)).unwrap_err().is_timeout());
    assert_eq!((rx.disconnect_reason(), rx.sender_count()), (None, 1));
    child.signal(Signal::SIGCONT);
    child.tell("send 8");
    child.expect("sent");
    assert_eq!(rx.recv(), Ok(8));
    end(child, "leave");
    drop(rx);
    let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let mut child = start(&here!(), "receiver", &dir);
    tx.send_many(&[1, 2]).unwrap();
    child.signal(Signal::SIGSTOP);
    assert!(tx.send_timeout(3, Duration::from_millis(300)).unwrap_err().is_timeout());
    assert_eq!((tx.disconnect_reason(), tx.receiver_count()), (None, 1));
    child.signal(Signal::SIGCONT);
    child.tell("recv");
    child.expect("1");
    tx.send(3).unwrap();
}

/// Faults 24 and 40.
#[test]
fn s8_what_a_killed_process_had_comes_back_all_of_it() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    // All hands, the only record, and the last place.
    let options = dir.options().capacity(8).in_hand(3).operations(1).members(3).wait(WaitStrategy::Sleep);
    let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &options).unwrap();
    for round in 1..=5 {
        let mut child = start(&here!(), "receiver", &dir);
        assert!(matches!(Sender::<u64>::open_with(NAME, &dir.options()), Err(OpenError::TooManyMembers { most: 3 })));
        if round == 1 {
            tx.send_many(&[1, 2, 3]).unwrap();
        }
        let mut got: Vec<_> = (0..3)
            .map(|_| {
                child.tell("hold");
                child.hear()
            })
            .collect();
        got.sort();
        assert_eq!(got, [1, 2, 3].map(|number| format!("{number} attempt {round}")));
        assert_eq!(rx.in_hand(), 3);
        child.kill();
        // Nobody is asked to: the next who needs a hand finds them.
    }
    let mut guards: Vec<_> = (0..3).map(|_| rx.recv_ref_timeout(PATIENCE).expect("a hand")).collect();
    guards.sort_by_key(|guard| **guard);
    assert_eq!(guards.iter().map(|guard| (**guard, guard.attempt())).collect::<Vec<_>>(), [(1, 6), (2, 6), (3, 6)]);
    guards.into_iter().for_each(ringway::mpmc::Guard::commit);
    assert_eq!((rx.in_hand(), rx.stats().dropped, rx.sender_count(), rx.receiver_count()), (0, 0, 1, 1));
}

#[test]
fn s8_clones_cost_nothing_in_the_segment() {
    let dir = Dir::new();
    let options = dir.options().capacity(4).members(2).operations(2).in_hand(1);
    let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &options).unwrap();
    let path = dir.path().join(NAME);
    let (size, descriptors) = (std::fs::metadata(&path).unwrap().len(), support::descriptors());
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..10_000).map(|_| (tx.clone(), rx.clone())).unzip();
    assert_eq!((tx.sender_count(), tx.receiver_count()), (10_001, 10_001));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
    // Other tests may open some; not ten thousand.
    assert!(support::descriptors() < descriptors + 5_000);
    for (number, (tx, rx)) in senders.iter().zip(&receivers).enumerate() {
        tx.send(number as u64).unwrap();
        assert_eq!(rx.recv(), Ok(number as u64));
    }
    drop((senders, receivers));
    assert_eq!((tx.sender_count(), tx.receiver_count()), (1, 1));
}

#[test]
fn s8_executed_children_inherit_no_descriptor() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    let listing = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    assert!(listing.contains("->") && !listing.contains("ringway-test"), "{listing}");
    drop(tx);
}

/// Fault 28.
#[test]
fn s8_a_name_removed_by_hand_stops_nobody_who_is_there() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let rx = Receiver::<u64>::create_with(NAME, &dir.options().slice(Duration::from_millis(5))).unwrap();
    let mut child = start(&here!(), "sender", &dir);
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    child.tell("send 1 2");
    child.expect("sent");
    assert_eq!((rx.recv(), rx.recv()), (Ok(1), Ok(2)));
    let tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    assert_ne!(tx.instance_id(), rx.instance_id());
    end(child, "leave");
    assert!(rx.recv().is_err());
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Unlinked));
    drop(rx);
    assert_eq!(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap().instance_id(), tx.instance_id());
}

#[test]
fn s8_what_a_killed_process_left_under_the_name_is_replaced() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut child = start(&here!(), "both", &dir);
    child.tell("send 1");
    child.expect("sent");
    child.kill();
    assert_eq!(dir.files(), [NAME]);
    assert!(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap_err().is_not_found());
    let tx = Sender::<[u8; 3]>::create_with(NAME, &dir.options()).unwrap();
    assert_eq!((tx.len(), tx.disconnect_reason()), (0, None));
    drop(tx);
    assert!(dir.files().is_empty());
}
