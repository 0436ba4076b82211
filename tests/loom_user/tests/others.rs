//! What a model sees of all that stands on the channels, of calls that say how things are, and of what it has not.
#![cfg(loom)]

mod common;

use common::{Plain, check, check_up_to};
use loom::sync::Arc;
use loom::thread::spawn;
use ringway::compat::{crossbeam, serde as any, std_mpsc};
use ringway::{Absent, Backing, DisconnectReason, Options, WaitStrategy, bytes, codec, mpmc, spsc};
use std::sync::mpsc;
use std::time::{Duration, Instant};

// In place of others.

#[test]
fn a_channel_in_place_of_crossbeams_has_its_edges() {
    check(|| {
        let (s, r) = crossbeam::bounded(1);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            theirs.write(7);
            s.send(1_u32).unwrap();
        });
        assert_eq!((r.recv(), plain.read()), (Ok(1), 7));
        assert_eq!(r.recv(), Err(crossbeam::RecvError));
        sending.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn and_no_others() {
    check(|| {
        let (s, r) = crossbeam::bounded(1);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            s.send(1_u32).unwrap();
            theirs.write(7);
        });
        assert_eq!((r.recv(), plain.read()), (Ok(1), 7));
        sending.join().unwrap();
    });
}

#[test]
fn a_channel_in_place_of_stds_is_received_from_to_its_end() {
    check(|| {
        let (tx, rx) = std_mpsc::sync_channel(1);
        let sending = spawn(move || {
            tx.send(1_u32).unwrap();
            assert!(matches!(tx.try_send(2), Ok(()) | Err(mpsc::TrySendError::Full(2))));
        });
        let sum: u32 = rx.iter().sum();
        assert!(sum == 1 || sum == 3, "{sum}");
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(mpsc::RecvTimeoutError::Disconnected));
        sending.join().unwrap();
    });
}

#[test]
fn times_are_those_of_a_model_here_too() {
    check(|| {
        let (s, r) = crossbeam::bounded::<u32>(1);
        assert!(r.recv_timeout(Duration::ZERO).unwrap_err().is_timeout());
        let sending = spawn(move || s.send_deadline(1, Instant::now()));
        assert_eq!(r.recv_deadline(Instant::now()), Ok(1));
        sending.join().unwrap().unwrap();
        let (s, r) = any::crossbeam::bounded::<String>(1);
        assert!(r.recv_timeout(Duration::ZERO).unwrap_err().is_timeout());
        drop(s);
    });
}

#[test]
fn values_of_any_type_pass() {
    check(|| {
        let (tx, rx) = codec::channel_with::<Vec<String>>(&Options::new().capacity(1).annexes(0)).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            theirs.write(7);
            tx.send(vec!["a".into(), "b".into()]).unwrap();
        });
        assert_eq!((rx.recv().unwrap().concat(), plain.read()), ("ab".to_owned(), 7));
        assert!(rx.recv().unwrap_err().is_disconnected());
        sending.join().unwrap();
    });
}

#[test]
fn values_of_any_type_pass_in_place_of_others() {
    check(|| {
        let (s, r) = any::std_mpsc::sync_channel(1);
        let sending = spawn(move || s.send(Some("a".repeat(200))).unwrap());
        assert_eq!(r.recv().unwrap().map(|text| text.len()), Some(200));
        assert!(r.recv().is_err());
        sending.join().unwrap();
    });
}

// Several at a time.

#[test]
fn batches_pass_from_one_to_one() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel(2).unwrap();
        let sending = spawn(move || tx.send_many(&[1_u32, 2, 3]).unwrap());
        let (mut all, mut some) = (Vec::new(), [0; 2]);
        while let Ok(n) = rx.recv_many(&mut some) {
            all.extend_from_slice(&some[..n]);
        }
        assert_eq!(all, [1, 2, 3]);
        sending.join().unwrap();
    });
}

#[test]
fn batches_pass_between_many() {
    check_up_to(1, || {
        let (tx, rx) = mpmc::channel(2).unwrap();
        let sending = spawn(move || tx.send_many(&[1_u32, 2, 3]).unwrap());
        let (mut all, mut some) = (Vec::new(), [0; 2]);
        while let Ok(n) = rx.recv_many(&mut some) {
            all.extend_from_slice(&some[..n]);
        }
        assert_eq!(all, [1, 2, 3]);
        sending.join().unwrap();
    });
}

#[test]
fn what_is_there_is_iterated_over() {
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(2).unwrap();
        tx.try_send_many(&[1, 2]).unwrap();
        let receiving = spawn(move || rx.try_iter().sum::<u32>());
        assert_eq!(receiving.join().unwrap(), 3);
        let (mut tx, mut rx) = spsc::channel::<u32>(2).unwrap();
        tx.try_send_many(&[1, 2]).unwrap();
        let receiving = spawn(move || rx.try_iter().sum::<u32>());
        assert_eq!(receiving.join().unwrap(), 3);
    });
}

// In hand.

#[test]
fn a_guard_of_one_to_one_makes_room_when_it_is_committed() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        tx.send(1).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let receiving = spawn(move || {
            drop(rx.recv_ref().unwrap());
            let job = rx.recv_ref_timeout(Duration::MAX).unwrap();
            assert_eq!((*job, job.attempt(), job.is_redelivered()), (1, 2, true));
            theirs.write(7);
            job.commit();
            rx
        });
        tx.send(2).unwrap();
        assert_eq!(plain.read(), 7);
        assert_eq!(receiving.join().unwrap().try_recv(), Ok(2));
    });
}

#[test]
fn a_hand_that_is_committed_carries_nothing_to_a_sender() {
    // Its room in the ring was free before: that is what a hand is for.
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        tx.send(1).unwrap();
        let job = rx.recv_ref().unwrap();
        let sending = spawn(move || tx.send(2).unwrap());
        sending.join().unwrap();
        assert_eq!((rx.in_hand(), *job), (1, 1));
        job.commit();
        assert_eq!((rx.in_hand(), rx.recv()), (0, Ok(2)));
    });
}

#[test]
fn what_is_delivered_too_often_is_dropped_and_counted() {
    check(|| {
        // There is no channel of that name in a model.
        let options = Options::new().capacity(1).deliveries(2).dead_letters("nowhere");
        let (tx, rx) = mpmc::channel_with::<u32>(&options).unwrap();
        tx.send(1).unwrap();
        let receiving = spawn(move || {
            drop(rx.recv_ref().unwrap());
            drop(rx.recv_ref().unwrap());
            assert!(rx.try_recv().unwrap_err().is_empty());
            rx.stats().dropped
        });
        assert_eq!(receiving.join().unwrap(), 1);
        drop(tx);
    });
}

// How things are.

#[test]
fn who_is_there_is_counted() {
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(2).unwrap();
        let (other, another) = (tx.clone(), rx.clone());
        assert_eq!((tx.sender_count(), tx.receiver_count(), tx.disconnect_reason()), (2, 2, None));
        let leaving = spawn(move || drop((other, another)));
        leaving.join().unwrap();
        assert_eq!((rx.sender_count(), rx.receiver_count(), rx.is_disconnected()), (1, 1, false));
        assert!(rx.wait_for_peer(Duration::ZERO).is_ok());
        drop(tx);
        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Left));
        assert!(rx.try_recv().unwrap_err().is_disconnected());
    });
}

#[test]
fn lengths_are_exact_when_nobody_does_anything() {
    check(|| {
        let (mut tx, rx) = spsc::channel::<u32>(2).unwrap();
        let sending = spawn(move || {
            tx.send(1).unwrap();
            tx.send(2).unwrap();
            tx
        });
        assert!(rx.len() <= 2);
        let tx = sending.join().unwrap();
        assert_eq!((tx.len(), rx.len(), tx.is_full(), rx.is_full(), rx.is_empty()), (2, 2, true, true, false));
        assert_eq!((tx.path(), tx.stats().probes, rx.capacity()), (None, 0, 2));
    });
}

#[test]
fn an_end_that_is_closed_is_closed_for_both() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        tx.send(1).unwrap();
        let closing = spawn(move || {
            tx.close();
            tx.send(2).unwrap_err().into_inner()
        });
        assert_eq!((rx.recv(), closing.join().unwrap()), (Ok(1), 2));
        assert!(rx.recv().is_err());
        let (mut tx, mut rx) = bytes::spsc::channel(32).unwrap();
        let closing = spawn(move || rx.close());
        closing.join().unwrap();
        assert!(tx.send(b"one").is_err());
    });
}

#[test]
fn who_is_absent_is_so_by_option() {
    check(|| {
        let options = Options::new().capacity(1).absent(Absent::Buffer);
        let (mut tx, rx) = spsc::channel_with::<u32>(&options).unwrap();
        let leaving = spawn(move || drop(rx));
        tx.send(1).unwrap();
        leaving.join().unwrap();
        assert!(tx.try_send(2).unwrap_err().is_full(), "it sends whoever is there");
    });
}

#[test]
fn who_spins_in_a_program_sleeps_in_a_model() {
    check(|| {
        let options = Options::new().capacity(1).wait(WaitStrategy::Spin);
        let (mut tx, mut rx) = spsc::channel_with::<u32>(&options).unwrap();
        let receiving = spawn(move || rx.recv());
        tx.set_wait(WaitStrategy::Spin);
        tx.send(1).unwrap();
        assert_eq!(receiving.join().unwrap(), Ok(1));
    });
}

// What there is not.

#[test]
fn what_is_not_on_the_heap_is_refused_with_the_reason() {
    let says = |refused: String| assert!(refused.contains("a model has no files"), "{refused}");
    let elsewhere = Options::new().capacity(1).backing(Backing::Memfd);
    says(mpmc::channel_with::<u32>(&elsewhere).unwrap_err().to_string());
    says(spsc::channel_with::<u32>(&elsewhere).unwrap_err().to_string());
    says(bytes::mpmc::channel_with(&elsewhere).unwrap_err().to_string());
    says(spsc::Sender::<u32>::open("loom-user").unwrap_err().to_string());
    says(mpmc::Sender::<u32>::create("loom-user", 1).unwrap_err().to_string());
    says(bytes::spsc::Receiver::open_or_create("loom-user", 32).unwrap_err().to_string());
    says(crossbeam::Sender::<u32>::open_or_create("loom-user", 1).unwrap_err().to_string());
    says(codec::Receiver::<String>::open("loom-user").unwrap_err().to_string());
}

#[test]
#[should_panic(expected = "outside a Loom model")]
fn a_channel_that_is_in_no_model_is_refused() {
    let _ = spsc::channel::<u32>(1);
}
