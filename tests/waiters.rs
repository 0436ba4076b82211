//! Channels of every kind with every waiter: what sleeps is woken, what is told keeps its time, and who dies stops nobody.
//!
//! Slices are switched off where a wake is to be the only thing that wakes. `RINGWAY_WAKES` is the number of messages of
//! the tests that go there and back.

mod support;

use nix::sys::signal::Signal;
use ringway::{
    DisconnectReason, FormatError, OpenError, Options, RecvTimeoutError, SendTimeoutError, WaitStrategy, Waiter, bytes,
    mpmc, spsc, stream,
};
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};
use support::{Child, Dir, PATIENCE, hang, number, role, tell};

const WAITERS: [Waiter; 5] = [Waiter::Futex, Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue, Waiter::EventFd];
/// Those that a channel with a name can have.
const NAMED: [Waiter; 4] = [Waiter::Futex, Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue];
const NAME: &str = "channel";

/// Sleeps at once, and never asks who is alive: only a wake wakes it.
fn deaf(options: Options, waiter: Waiter) -> Options {
    options.waiter(waiter).wait(WaitStrategy::Sleep).slice(Duration::MAX)
}

/// Fails instead of hanging.
fn in_time<R: Send + 'static>(what: &str, run: impl FnOnce() -> R + Send + 'static) -> R {
    let (tell, told) = std::sync::mpsc::channel();
    let running = thread::spawn(move || tell.send(run()));
    match told.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("{what}: a wake was lost"),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(running.join().expect_err("a failure"))
        }
    }
}

/// The waiter that a child was told of.
fn told_waiter() -> Waiter {
    WAITERS[number("WAITER", 0) as usize]
}

fn told(waiter: Waiter) -> [(&'static str, String); 1] {
    let index = WAITERS.iter().position(|one| *one == waiter).expect("one of them");
    [("WAITER", index.to_string())]
}

// What is refused.

#[test]
fn who_wants_another_waiter_is_told_which_one_it_is() {
    let dir = Dir::new();
    for waiter in NAMED {
        let options = dir.options().capacity(8).waiter(waiter);
        let _tx = spsc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let _many = mpmc::Sender::<u64>::create_with("many", &options).unwrap();
        for asked in NAMED.into_iter().filter(|asked| *asked != waiter) {
            let others = dir.options().waiter(asked);
            for error in [
                spsc::Receiver::<u64>::open_with(NAME, &others).unwrap_err(),
                mpmc::Receiver::<u64>::open_with("many", &others).unwrap_err(),
            ] {
                let expected = FormatError::Waiter { found: waiter, asked };
                assert!(matches!(&error, OpenError::Format(found) if *found == expected), "{error:?}");
                assert!(error.to_string().contains(&format!("waiter is {waiter}, not {asked}")), "{error}");
            }
        }
        assert!(spsc::Receiver::<u64>::open_with(NAME, &dir.options()).is_ok(), "who names none takes what is there");
        assert!(mpmc::Receiver::<u64>::open_with("many", &options).is_ok());
    }
}

// What happens.

#[test]
fn one_to_one_goes_there_and_back() {
    for waiter in WAITERS {
        let options = deaf(Options::new().capacity(1), waiter);
        let (mut there, mut out) = spsc::channel_with::<u64>(&options).unwrap();
        let (mut back, mut home) = spsc::channel_with::<u64>(&options).unwrap();
        in_time(waiter.name(), move || {
            let echo = thread::spawn(move || out.iter().for_each(|message| back.send(message).unwrap()));
            for message in 0..number("RINGWAY_WAKES", 3_000) {
                there.send(message).unwrap();
                assert_eq!(home.recv(), Ok(message));
            }
            assert!(home.stats().sleeps > 0);
            drop(there);
            echo.join().unwrap();
        });
    }
}

#[test]
fn a_sender_asleep_is_woken_by_room() {
    for waiter in WAITERS {
        let (mut tx, mut rx) = spsc::channel_with::<u64>(&deaf(Options::new().capacity(2), waiter)).unwrap();
        let (many_tx, many_rx) = mpmc::channel_with::<u64>(&deaf(Options::new().capacity(2), waiter)).unwrap();
        in_time(waiter.name(), move || {
            let sending = thread::spawn(move || {
                (0..500).for_each(|message| tx.send(message).unwrap());
                (0..500).for_each(|message| many_tx.send(message).unwrap());
                assert!(tx.stats().sleeps > 0 && many_tx.stats().sleeps > 0, "it slept");
            });
            for message in 0..500 {
                thread::yield_now();
                assert_eq!(rx.recv(), Ok(message));
            }
            for message in 0..500 {
                thread::yield_now();
                assert_eq!(many_rx.recv(), Ok(message));
            }
            sending.join().unwrap();
        });
    }
}

/// More sleepers than there are beds.
#[test]
fn of_many_sleepers_each_message_wakes_one() {
    for waiter in WAITERS {
        for receivers in [5, 80] {
            let (tx, rx) = mpmc::channel_with::<u64>(&deaf(Options::new().capacity(4), waiter)).unwrap();
            in_time(waiter.name(), move || {
                let (got, all) = std::sync::mpsc::channel();
                let threads: Vec<_> = (0..receivers)
                    .map(|_| {
                        let (rx, got) = (rx.clone(), got.clone());
                        thread::spawn(move || rx.iter().for_each(|message| got.send(message).unwrap()))
                    })
                    .collect();
                for message in 0..500 {
                    tx.send(message).unwrap();
                    // Alternately when all may sleep, and while some are on their way.
                    if message % 2 == 0 {
                        let got: Vec<_> = (0..=message % 4 / 2).map_while(|_| all.recv().ok()).collect();
                        assert!(!got.is_empty());
                    }
                }
                drop(tx);
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }
    }
}

#[test]
fn bytes_and_streams_go_there_and_back() {
    for waiter in WAITERS {
        let options = deaf(Options::new().capacity(4096), waiter);
        let long: Vec<u8> = (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let (mut tx, mut rx) = bytes::spsc::channel_with(&options).unwrap();
        let (mut writer, mut reader) = stream::pipe_with(&options).unwrap();
        // One lane, that is far too short, and few slots.
        let (many_tx, many_rx) = bytes::mpmc::channel_with(&options.capacity(4).lanes(1, 4096)).unwrap();
        in_time(waiter.name(), move || {
            let expected = long.clone();
            let sending = thread::spawn(move || {
                for len in [0, 10, 50_000, 3] {
                    tx.send(&long[..len]).unwrap();
                    many_tx.send(&long[..len]).unwrap();
                    writer.write_all(&long[..len]).unwrap();
                }
                writer.finish().unwrap();
            });
            let mut all: Vec<u8> = Vec::new();
            let mut part = [0; 1000];
            for len in [0, 10, 50_000, 3] {
                assert_eq!(rx.recv().unwrap(), &expected[..len]);
                assert_eq!(many_rx.recv().unwrap(), &expected[..len]);
                let mut left = len;
                while left > 0 {
                    let got = reader.read(&mut part[..left.min(1000)]).unwrap();
                    all.extend(&part[..got]);
                    left -= got;
                }
            }
            assert_eq!(reader.read(&mut part).unwrap(), 0, "the end");
            assert_eq!(all, [&expected[..10], &expected, &expected[..3]].concat());
            sending.join().unwrap();
        });
    }
}

#[test]
fn a_deadline_is_kept() {
    let limit = Duration::from_millis(30);
    for waiter in WAITERS {
        let options = deaf(Options::new().capacity(1), waiter);
        let (mut tx, mut rx) = spsc::channel_with::<u64>(&options).unwrap();
        let (many_tx, many_rx) = mpmc::channel_with::<u64>(&options).unwrap();
        let takes = |what: &str, wait: &mut dyn FnMut()| {
            let start = Instant::now();
            wait();
            let took = start.elapsed();
            assert!(took >= limit && took < PATIENCE, "{waiter} {what}: {took:?}");
        };
        takes("recv", &mut || assert_eq!(rx.recv_timeout(limit), Err(RecvTimeoutError::Timeout)));
        takes("many recv", &mut || assert_eq!(many_rx.recv_timeout(limit), Err(RecvTimeoutError::Timeout)));
        tx.send(1).unwrap();
        many_tx.send(1).unwrap();
        takes("send", &mut || assert_eq!(tx.send_timeout(2, limit), Err(SendTimeoutError::Timeout(2))));
        takes("many send", &mut || assert_eq!(many_tx.send_timeout(2, limit), Err(SendTimeoutError::Timeout(2))));
        assert_eq!((rx.recv(), many_rx.recv()), (Ok(1), Ok(1)), "and nothing is lost by it");
    }
}

#[test]
fn what_is_persistent_keeps_its_waiter() {
    let dir = Dir::new();
    for waiter in NAMED {
        let options = deaf(dir.options().capacity(4).persistent(true), waiter);
        let mut tx = spsc::Sender::<u64>::create_with(NAME, &options).unwrap();
        tx.send(7).unwrap();
        drop(tx);
        let mut rx = spsc::Receiver::<u64>::open_with(NAME, &options).unwrap();
        assert_eq!(rx.recv(), Ok(7));
        let mut tx = spsc::Sender::<u64>::open_with(NAME, &dir.options()).unwrap();
        in_time(waiter.name(), move || {
            let receiving = thread::spawn(move || rx.recv());
            tx.send(8).unwrap();
            assert_eq!(receiving.join().unwrap(), Ok(8));
        });
        ringway::observe::remove(NAME, Some(dir.path())).unwrap();
        assert!(dir.files().is_empty());
    }
}

// Two processes.

/// Messages go there and back between two processes that both sleep for each of them.
#[test]
fn two_processes_wake_each_other() {
    let dir = Dir::new();
    if role().is_some() {
        let options = deaf(dir.patient().capacity(1), told_waiter());
        let mut rx = spsc::Receiver::<u64>::open_or_create_with("there", &options).expect("an end");
        let tx = mpmc::Sender::<u64>::open_or_create_with("back", &options).expect("an end");
        rx.iter().for_each(|message| tx.send(message).expect("a receiver"));
        return tell("done");
    }
    for waiter in NAMED {
        let mut child = Child::start_with(&here!(), "echo", &dir, &told(waiter));
        let options = deaf(dir.patient().capacity(1), waiter);
        let mut tx = spsc::Sender::<u64>::open_or_create_with("there", &options).unwrap();
        let rx = mpmc::Receiver::<u64>::open_or_create_with("back", &options).unwrap();
        in_time(waiter.name(), move || {
            let (start, messages) = (Instant::now(), number("RINGWAY_WAKES", 3_000));
            for message in 0..messages {
                tx.send(message).unwrap();
                assert_eq!(rx.recv(), Ok(message));
            }
            eprintln!("{waiter}: {:?} there and back, both asleep", start.elapsed() / messages as u32);
        });
        child.expect("done");
        child.succeed();
        assert!(dir.files().is_empty());
    }
}

/// Ends of this process are asleep when the other process is killed: they learn it within a slice or a few. And what the
/// other one held, asleep itself, keeps nobody from sleeping and waking there.
#[test]
fn a_peer_that_is_killed_asleep_is_found_dead_and_stops_nobody() {
    let dir = Dir::new();
    if role().is_some() {
        let options = dir.patient().wait(WaitStrategy::Sleep);
        let mut rx = spsc::Receiver::<u64>::open_with(NAME, &options).expect("an end");
        let many = mpmc::Receiver::<u64>::open_with("many", &options).expect("an end");
        for _ in 0..3 {
            let many = many.clone();
            thread::spawn(move || many.recv());
        }
        tell("here");
        let _ = rx.recv();
        hang();
    }
    for waiter in NAMED {
        let options = dir.options().capacity(2).waiter(waiter).wait(WaitStrategy::Sleep);
        let mut tx = spsc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let many = mpmc::Sender::<u64>::create_with("many", &options).unwrap();
        let child = {
            let mut child = Child::start_with(&here!(), "sleeper", &dir, &told(waiter));
            child.expect("here");
            child
        };
        // They are asleep, all four, when the kernel says so.
        support::until("four threads sleep", || sleeping_threads(child.pid().as_raw()) >= 4);
        child.kill();
        let rest = in_time(waiter.name(), move || {
            // Nobody receives: full, then dead.
            let gone = loop {
                match tx.send_timeout(1, Duration::from_secs(10)) {
                    Ok(()) => {}
                    Err(error) => break error,
                }
            };
            assert!(matches!(gone, SendTimeoutError::Disconnected(1)), "{gone:?}");
            assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
            let gone = loop {
                match many.send_timeout(1, Duration::from_secs(10)) {
                    Ok(()) => {}
                    Err(error) => break error,
                }
            };
            assert!(matches!(gone, SendTimeoutError::Disconnected(1)), "{gone:?}");
            (tx, many)
        });
        let (mut tx, many) = rest;
        let deaf = deaf(dir.options(), waiter);
        let mut next = spsc::Receiver::<u64>::open_with(NAME, &deaf).unwrap();
        let many_next = mpmc::Receiver::<u64>::open_with("many", &deaf).unwrap();
        in_time(waiter.name(), move || {
            let receiving = thread::spawn(move || {
                while next.recv() != Ok(99) {}
                while many_next.recv() != Ok(99) {}
            });
            tx.send(99).unwrap();
            many.send(99).unwrap();
            receiving.join().unwrap();
        });
        assert!(dir.files().is_empty(), "{waiter}: nothing is left behind");
    }
}

/// A sender is killed at any moment of falling asleep, waking others and being woken, again and again, while the receivers, who
/// never ask, go on receiving from its successors.
#[test]
fn killed_in_the_middle_of_it_again_and_again() {
    let dir = Dir::new();
    if role().is_some() {
        let tx = mpmc::Sender::<u64>::open_with(NAME, &dir.patient().wait(WaitStrategy::Sleep)).expect("an end");
        tell("here");
        loop {
            let _ = tx.send(1);
        }
    }
    for waiter in NAMED {
        let options = dir.options().capacity(2).waiter(waiter).wait(WaitStrategy::Sleep);
        let rx = mpmc::Receiver::<u64>::create_with(NAME, &options.slice(Duration::from_millis(20))).unwrap();
        let mut random = support::Random::with(u64::from(std::process::id()));
        for _ in 0..number("RINGWAY_KILLS", 12) {
            let mut child = Child::start_with(&here!(), "sender", &dir, &told(waiter));
            child.expect("here");
            for _ in 0..random.below(2_000) {
                assert!(rx.recv_timeout(PATIENCE).is_ok(), "{waiter}");
            }
            child.kill();
            while rx.recv_timeout(Duration::from_secs(5)).is_ok() {}
            assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died), "{waiter}");
        }
        drop(rx);
        assert!(dir.files().is_empty(), "{waiter}: nothing is left behind");
    }
}

/// Somebody stands still, asleep or in the middle of a wake: it is alive, and delays nobody by more than a moment.
#[test]
fn a_peer_that_stands_still_holds_up_nobody_else() {
    let dir = Dir::new();
    if role().is_some() {
        let rx = mpmc::Receiver::<u64>::open_with(NAME, &deaf(dir.patient(), told_waiter())).expect("an end");
        tell("here");
        rx.iter().for_each(tell);
        return;
    }
    for waiter in NAMED {
        let options = deaf(dir.options().capacity(64), waiter).slice(Duration::from_millis(20));
        let tx = mpmc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let rx = mpmc::Receiver::<u64>::open_with(NAME, &options).unwrap();
        let mut child = Child::start_with(&here!(), "receiver", &dir, &told(waiter));
        child.expect("here");
        child.signal(Signal::SIGSTOP);
        // One of its threads gets the signal and stops the others, when it has a processor.
        let pid = child.pid().as_raw();
        support::until("all of its threads stand still", || threads(pid, "T") == threads(pid, ""));
        let got = in_time(waiter.name(), move || {
            let receiving = thread::spawn(move || (0..20).map(|_| rx.recv().unwrap()).collect::<Vec<_>>());
            // One may have been given to who stands still: that one it has in hand, and no more.
            (0..21).for_each(|message| tx.send(message).unwrap());
            (receiving.join().unwrap(), tx)
        });
        assert!(got.0.is_sorted());
        child.signal(Signal::SIGCONT);
        drop(got);
        drop(child.rest());
        child.succeed();
        assert!(dir.files().is_empty());
    }
}

/// How many threads of a process sleep.
fn sleeping_threads(pid: i32) -> usize {
    threads(pid, "S")
}

/// How many threads of a process are in a state that begins so.
fn threads(pid: i32, state: &str) -> usize {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
    let stat = |path: std::path::PathBuf| std::fs::read_to_string(path.join("stat")).unwrap_or_default();
    // Behind the name, which ends with the last bracket.
    let is_so = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state));
    threads.filter(|thread| thread.as_ref().is_ok_and(|thread| is_so(stat(thread.path())))).count()
}
