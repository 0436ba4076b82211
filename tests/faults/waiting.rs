//! Faults while somebody sleeps: wakes for nothing, words that never stand still, ends that close.
//!
//! # Safety
//!
//! A second mapping of a channel's file, whose words are touched as atomics only; and `futex(FUTEX_WAKE)` on them.
#![allow(unsafe_code)]

use crate::here;
use crate::support::{Child, Dir, Over, PATIENCE, hear, in_time, role, tell, until};
use memmap2::MmapRaw;
use nix::libc;
use ringway::{DisconnectReason, RecvError, SendError, WaitStrategy, mpmc, observe, spsc};
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

const NAME: &str = "channel";

/// The words of a channel on which somebody may sleep.
struct Bells {
    memory: MmapRaw,
    places: Vec<usize>,
}

impl Bells {
    fn of(dir: &Dir) -> Self {
        let seen = observe::inspect(NAME, Some(dir.path()), 0).expect("a channel");
        let bells = seen.fields.iter().filter(|field| field.name.contains("bell"));
        let places: Vec<_> = bells.map(|field| field.at() as usize).collect();
        assert!(!places.is_empty(), "SPEC.md names them");
        let file = File::options().read(true).write(true).open(dir.path().join(NAME)).expect("its file");
        Self { memory: MmapRaw::map_raw(&file).expect("a mapping"), places }
    }

    /// Rings every bell, or only calls the kernel's wake, in vain.
    fn ring(&self, changes: bool) {
        for place in &self.places {
            assert!(place % 4 == 0 && place + 4 <= self.memory.len());
            // SAFETY: inside the mapping.
            let bell = unsafe { self.memory.as_mut_ptr().add(*place) };
            // SAFETY: an aligned word, which lives as long as the mapping and which only atomics touch.
            let bell = unsafe { AtomicU32::from_ptr(bell.cast()) };
            if changes {
                bell.fetch_add(1, Relaxed);
            }
            // SAFETY: a live, aligned word.
            unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
        }
    }
}

/// Rings all bells for as long as `work` goes on.
fn in_a_storm<R>(bells: &Bells, changes: bool, work: impl FnOnce() -> R) -> R {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                bells.ring(changes);
                std::thread::yield_now();
            }
        });
        let _over = Over(&is_over);
        work()
    })
}

/// Faults 54 and 58. Who is woken for nothing, again and again, by words that change or without that, sleeps on; its time is over
/// when it is over, and what comes is received.
#[test]
fn a_storm_of_wakes_moves_no_deadline() {
    let time = Duration::from_millis(100);
    for changes in [false, true] {
        let dir = Dir::new();
        let options = dir.options().capacity(2).wait(WaitStrategy::Sleep).slice(Duration::MAX);
        let exact = |what: &str, call: &mut dyn FnMut() -> bool| {
            let start = Instant::now();
            assert!(call(), "{what}");
            let took = start.elapsed();
            assert!(took >= time && took < 50 * time, "{what} took {took:?}");
        };
        let mut tx = spsc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let mut rx = spsc::Receiver::<u64>::open_with(NAME, &options).unwrap();
        let bells = Bells::of(&dir);
        in_a_storm(&bells, changes, || {
            exact("recv", &mut || rx.recv_timeout(time).is_err_and(|error| error.is_timeout()));
            tx.send_many(&[1, 2]).unwrap();
            exact("send", &mut || tx.send_timeout(3, time).is_err_and(|error| error.is_timeout()));
        });
        // Without a slice one sleep would do, if nobody were woken for nothing.
        assert!(rx.stats().sleeps > 3 && tx.stats().sleeps > 3, "{:?} {:?}", rx.stats(), tx.stats());
        assert_eq!((rx.recv(), rx.recv(), rx.try_recv().is_err(), rx.is_disconnected()), (Ok(1), Ok(2), true, false));
        drop((tx, rx));
        let tx = mpmc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let rx = mpmc::Receiver::<u64>::open_with(NAME, &options).unwrap();
        let bells = Bells::of(&dir);
        in_a_storm(&bells, changes, || {
            exact("recv", &mut || rx.recv_timeout(time).is_err_and(|error| error.is_timeout()));
            tx.send_many(&[1, 2]).unwrap();
            exact("send", &mut || tx.send_timeout(3, time).is_err_and(|error| error.is_timeout()));
        });
        assert!(rx.stats().sleeps > 3 && tx.stats().sleeps > 3, "{:?} {:?}", rx.stats(), tx.stats());
        assert_eq!((rx.recv(), rx.recv(), rx.disconnect_reason()), (Ok(1), Ok(2), None));
    }
}

/// Fault 56. A channel between many that is closed, from either side, wakes all who sleep at either, in this process and in
/// another, with no slice to help.
#[test]
fn closing_wakes_all_who_sleep_at_either_side() {
    const SLEEPERS: usize = 4;
    let dir = Dir::new();
    let options = || dir.patient().capacity(2).wait(WaitStrategy::Sleep).slice(Duration::MAX);
    if let Some(role) = role() {
        if role == "receivers" {
            let rx = mpmc::Receiver::<u64>::open_with(NAME, &options()).unwrap();
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..SLEEPERS).map(|_| scope.spawn(|| rx.recv())).collect();
                until("all sleep", || rx.stats().sleeps >= SLEEPERS as u64);
                tell("asleep");
                threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Err(RecvError)));
            });
            tell(format_args!("{:?}", rx.disconnect_reason()));
        } else {
            let tx = mpmc::Sender::<u64>::open_with(NAME, &options()).unwrap();
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..SLEEPERS).map(|_| scope.spawn(|| tx.send(7))).collect();
                until("all sleep", || tx.stats().sleeps >= SLEEPERS as u64);
                tell("asleep");
                threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Err(SendError(7))));
            });
            tell(format_args!("{:?}", tx.disconnect_reason()));
        }
        hear();
        return;
    }
    for (role, by_sender) in [("receivers", true), ("receivers", false), ("senders", true), ("senders", false)] {
        let tx = mpmc::Sender::<u64>::create_with(NAME, &options()).unwrap();
        let rx = mpmc::Receiver::<u64>::open_with(NAME, &options()).unwrap();
        if role == "senders" {
            tx.send_many(&[1, 2]).unwrap();
        }
        let mut child = Child::start(&here!(), role, &dir);
        child.expect("asleep");
        if by_sender {
            tx.close()
        } else {
            rx.close()
        }
        assert_eq!(child.hear(), format!("{:?}", Some(DisconnectReason::Closed)), "{role}, by a sender: {by_sender}");
        child.tell("end");
        child.succeed();
        assert!(tx.send(3).is_err());
        // What was sent is there.
        let left = if role == "senders" { vec![1, 2] } else { vec![] };
        assert_eq!((rx.iter().collect::<Vec<_>>(), rx.disconnect_reason()), (left, Some(DisconnectReason::Closed)));
    }
    assert!(dir.files().is_empty());
}

/// Runs `wait` in a thread; returns when that sleeps.
fn asleep<R: Send + 'static>(wait: impl FnOnce() -> R + Send + 'static) -> std::thread::JoinHandle<R> {
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        tell.send(nix::unistd::gettid()).expect("somebody who hears");
        wait()
    });
    let stat = format!("/proc/self/task/{}/stat", told.recv().expect("a thread"));
    until("it sleeps", || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") S ")));
    waiting
}

/// Faults 43 and 44. Who sleeps without ever looking up is told at once by a peer in another process that leaves.
#[test]
fn a_peer_that_leaves_is_told_at_once_without_a_slice() {
    let dir = Dir::new();
    let options = || dir.patient().capacity(2).wait(WaitStrategy::Sleep).slice(Duration::MAX);
    if let Some(role) = role() {
        if role == "sender" {
            let _tx = spsc::Sender::<u64>::open_with(NAME, &options()).unwrap();
            tell("there");
            hear();
        } else {
            let _rx = spsc::Receiver::<u64>::open_with(NAME, &options()).unwrap();
            tell("there");
            hear();
        }
        return;
    }
    let mut rx = spsc::Receiver::<u64>::create_with(NAME, &options()).unwrap();
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("there");
    let waiting = asleep(move || (rx.recv(), rx.disconnect_reason()));
    child.tell("leave");
    child.succeed();
    let told = in_time("a receiver whose sender has left", move || waiting.join().unwrap());
    assert_eq!(told, (Err(RecvError), Some(DisconnectReason::Left)));
    let mut tx = spsc::Sender::<u64>::create_with(NAME, &options()).unwrap();
    tx.send_many(&[1, 2]).unwrap();
    let mut child = Child::start(&here!(), "receiver", &dir);
    child.expect("there");
    let waiting = asleep(move || (tx.send_timeout(3, PATIENCE * 2), tx.disconnect_reason()));
    child.tell("leave");
    child.succeed();
    let (sent, reason) = in_time("a sender whose receiver has left", move || waiting.join().unwrap());
    assert_eq!((sent.unwrap_err().into_inner(), reason), (3, Some(DisconnectReason::Left)));
}
