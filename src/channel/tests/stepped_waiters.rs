//! Sleepers and wakers that are killed before each step of it, where it is no futex that puts them to sleep: with mutexes in
//! their hands, in bed, between calling somebody and posting.

use super::stage::Stage;
use crate::channel::mpmc;
use crate::channel::spsc::{Receiver, Sender};
use crate::layout::waiter::Waiter;
use crate::{DisconnectReason, Options, RecvTimeoutError};
use std::sync::mpsc::{Receiver as Told, channel};
use std::time::Duration;

const WAITERS: [Waiter; 3] = [Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue];
/// Far more than a slice.
const LONG: Duration = Duration::from_secs(10);

fn deaf(stage: &Stage, waiter: Waiter) -> Options {
    stage.options().waiter(waiter).slice(Duration::MAX)
}

/// What a receiver gets that sleeps for ever as far as it knows, until it gets 3.
fn receive_until_3(mut rx: Receiver<u64>) -> Told<Vec<u64>> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut got = Vec::new();
        while got.last() != Some(&3) {
            match rx.recv() {
                Ok(message) => got.push(message),
                // Before it slept it asked, when the killed one was gone and the next one not there yet.
                Err(_) => rx.wait_for_peer(LONG).expect("the next sender"),
            }
        }
        drop(rx);
        tell.send(got).unwrap();
    });
    told
}

#[test]
fn a_sleeper_is_woken_or_finds_out() {
    for waiter in WAITERS {
        let stage = Stage::new(&format!("rouse-{waiter}"));
        let mut arrived = Vec::new();
        stage.at_each_step("send-to-sleeper", 9, |name, kill| {
            let mut rx = Receiver::<u64>::create_with(name, &stage.options().waiter(waiter)).unwrap();
            let sleeping = std::thread::spawn(move || {
                assert_eq!(rx.recv(), Ok(1));
                (rx.recv(), rx)
            });
            let completed = kill();
            let (got, mut rx) = sleeping.join().unwrap();
            assert!(got.is_err() || got == Ok(2), "{waiter} {name}");
            assert!(!completed || got == Ok(2), "{waiter} {name}");
            arrived.push(got.is_ok());
            assert_eq!(rx.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected), "{waiter} {name}");
            assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));
        });
        assert!(arrived.is_sorted() && !arrived[0]);
    }
}

/// With a receiver that never asks who is alive, so that nothing but a wake wakes it: the successor makes up for the wake that
/// a dead sender was in the middle of, and gets the mutex that it died with.
#[test]
fn a_sleeper_that_never_asks_is_woken_by_the_successor() {
    for waiter in WAITERS {
        let stage = Stage::new(&format!("deaf-{waiter}"));
        stage.at_each_step("send-to-sleeper", 9, |name, kill| {
            let mut rx = Receiver::<u64>::create_with(name, &deaf(&stage, waiter)).unwrap();
            let (ready, is_ready) = channel();
            let (tell, told) = channel();
            let sleeping = std::thread::spawn(move || {
                assert_eq!(rx.recv(), Ok(1));
                ready.send(()).unwrap();
                let got = receive_until_3(rx).recv().unwrap();
                tell.send(got).unwrap();
            });
            kill();
            is_ready.recv_timeout(LONG).unwrap();
            let mut next = Sender::<u64>::open_with(name, &stage.options()).unwrap();
            next.send(3).unwrap();
            let got = told.recv_timeout(LONG).unwrap_or_else(|_| panic!("{waiter} {name}: not woken"));
            assert!(got == [3] || got == [2, 3], "{waiter} {name}: {got:?}");
            sleeping.join().unwrap();
        });
    }
}

/// A receiver is killed while it falls asleep, sleeps or gets up. Its successor has the only bed that there is, sleeps in it,
/// and is woken by the sender.
#[test]
fn who_is_killed_in_bed_leaves_it_to_the_next() {
    for waiter in WAITERS {
        let stage = Stage::new(&format!("bed-{waiter}"));
        stage.at_each_step("recv-in-vain", 12, |name, kill| {
            let mut tx = Sender::<u64>::create_with(name, &stage.options().waiter(waiter)).unwrap();
            kill();
            let rx = Receiver::<u64>::open_with(name, &deaf(&stage, waiter)).unwrap();
            tx.wait_for_peer(LONG).unwrap();
            let told = receive_until_3(rx);
            for message in 1..=3 {
                tx.send(message).unwrap();
            }
            let got = told.recv_timeout(LONG).unwrap_or_else(|_| panic!("{waiter} {name}: not woken"));
            assert_eq!(got, [1, 2, 3], "{waiter} {name}");
        });
    }
}

/// Many receivers of one process sleep; one of another was killed while it slept, or got up. Each message wakes somebody
/// who lives.
#[test]
fn a_dead_sleeper_takes_no_wake_from_the_living() {
    for waiter in WAITERS {
        let stage = Stage::new(&format!("crowd-{waiter}"));
        stage.at_each_step("many-recv-in-vain", 12, |name, kill| {
            let tx = mpmc::Sender::<u64>::create_with(name, &stage.options().waiter(waiter)).unwrap();
            kill();
            let rx = mpmc::Receiver::<u64>::open_with(name, &deaf(&stage, waiter)).unwrap();
            let (tell, told) = channel();
            let receiving = [(); 3].map(|()| {
                let (rx, tell) = (rx.clone(), tell.clone());
                std::thread::spawn(move || rx.iter().for_each(|message| tell.send(message).unwrap()))
            });
            drop((rx, tell));
            for message in 0..6 {
                tx.send(message).unwrap();
                let got = told.recv_timeout(LONG).unwrap_or_else(|_| panic!("{waiter} {name}: nobody was woken"));
                assert_eq!(got, message);
            }
            drop(tx);
            assert!(told.recv_timeout(LONG).is_err(), "the end wakes them all");
            receiving.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}
