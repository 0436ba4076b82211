//! What a model of somebody who uses the crate sees: the edges that a channel makes, no others, and every wake.
#![cfg(loom)]

mod common;

use common::{Plain, check, check_up_to};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread::{self, spawn};
use ringway::{DisconnectReason, RecvTimeoutError, TryRecvError, TrySendError, bytes, mpmc, spsc};
use std::time::{Duration, Instant};

// What is ordered.

#[test]
fn a_message_carries_what_its_sender_did_before() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel(1).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            theirs.write(7);
            tx.send(1_u32).unwrap();
        });
        assert_eq!((rx.recv(), plain.read()), (Ok(1), 7));
        sending.join().unwrap();
    });
}

#[test]
fn room_carries_what_the_receiver_did_before_it_took_the_message() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel(1).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let receiving = spawn(move || {
            theirs.write(7);
            rx.recv().unwrap();
            rx
        });
        tx.send(1_u32).unwrap();
        tx.send(2).unwrap(); // in the place of the first
        assert_eq!(plain.read(), 7);
        drop(receiving.join().unwrap());
    });
}

#[test]
fn who_leaves_takes_leave_behind_all_that_it_did() {
    check(|| {
        let (tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let leaving = spawn(move || {
            theirs.write(7);
            drop(tx);
        });
        assert!(rx.recv().is_err());
        assert_eq!((plain.read(), rx.disconnect_reason()), (7, Some(DisconnectReason::Left)));
        leaving.join().unwrap();
    });
}

#[test]
fn between_many_a_message_carries_what_its_sender_did_before() {
    check(|| {
        let (tx, rx) = mpmc::channel(1).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            theirs.write(7);
            tx.send(1_u32).unwrap();
        });
        assert_eq!((rx.recv(), plain.read()), (Ok(1), 7));
        assert!(rx.recv().is_err());
        sending.join().unwrap();
    });
}

// What is not.

#[test]
#[should_panic(expected = "Causality violation")]
fn a_message_carries_nothing_back() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel(1).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let receiving = spawn(move || {
            theirs.write(7);
            rx.recv().unwrap();
        });
        tx.send(1_u32).unwrap();
        plain.read();
        receiving.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_message_carries_nothing_of_what_its_sender_does_later() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel(2).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            tx.send(1_u32).unwrap();
            theirs.write(7);
            tx.send(2).unwrap();
        });
        rx.recv().unwrap();
        plain.read();
        sending.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn between_many_a_message_carries_nothing_of_another_sender() {
    check(|| {
        let (tx, rx) = mpmc::channel(2).unwrap();
        let other = tx.clone();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            tx.send(1_u32).unwrap();
            theirs.write(7);
        });
        other.send(2).unwrap();
        rx.recv().unwrap();
        plain.read();
        sending.join().unwrap();
    });
}

/// Two that each say something, send, and look what the other has said: a fence would help them, and a send is none.
#[test]
#[should_panic(expected = "neither has heard")]
fn a_send_is_no_fence() {
    check(|| {
        let flags = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let theirs = Arc::clone(&flags);
        let [(mut tx, rx), (mut their_tx, their_rx)] = [1, 1].map(|capacity| spsc::channel::<u32>(capacity).unwrap());
        let other = spawn(move || {
            theirs[1].store(1, Relaxed);
            their_tx.try_send(1).unwrap();
            (theirs[0].load(Relaxed), their_tx)
        });
        flags[0].store(1, Relaxed);
        tx.try_send(1).unwrap();
        let heard = flags[1].load(Relaxed);
        let (they_heard, their_tx) = other.join().unwrap();
        drop((rx, their_rx, their_tx));
        assert!(heard + they_heard > 0, "neither has heard of the other");
    });
}

/// A relaxed flag says that something was sent, and the channel need not.
#[test]
#[should_panic(expected = "nothing there")]
fn a_try_may_miss_what_is_known_to_have_been_sent_by_a_relaxed_word_only() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel(1).unwrap();
        let is_sent = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&is_sent);
        let sending = spawn(move || {
            tx.send(1_u32).unwrap();
            theirs.store(1, Relaxed);
        });
        if is_sent.load(Relaxed) == 1 {
            rx.try_recv().expect("nothing there");
        }
        sending.join().unwrap();
    });
}

// Sleeping.

#[test]
#[should_panic(expected = "deadlock")]
fn who_is_sent_nothing_by_somebody_who_stays_is_found() {
    check(|| {
        let (tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        let receiving = spawn(move || rx.recv());
        let _ = receiving.join().unwrap();
        drop(tx);
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn two_that_wait_for_each_other_are_found() {
    check(|| {
        let (a, their_a) = mpmc::channel::<u32>(1).unwrap();
        let (their_b, b) = mpmc::channel::<u32>(1).unwrap();
        let other = spawn(move || {
            let message = their_a.recv().unwrap();
            their_b.send(message).unwrap();
        });
        let message = b.recv().unwrap();
        a.send(message).unwrap();
        other.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_timeout_never_elapses() {
    check(|| {
        let (tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        let _ = rx.recv_timeout(Duration::from_micros(1));
        drop(tx);
    });
}

#[test]
fn a_timeout_of_zero_is_one_try() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        let sending = spawn(move || tx.send(1));
        assert_eq!(rx.recv_deadline(Instant::now()), Ok(1), "an hour is as good as none");
        sending.join().unwrap().unwrap();
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        drop(tx);
    });
}

#[test]
fn who_unparks_a_thread_that_sleeps_in_a_channel_is_heard_all_the_same() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        let receiving = spawn(move || {
            let message = rx.recv();
            thread::park();
            message
        });
        receiving.thread().unpark();
        tx.send(1).unwrap();
        assert_eq!(receiving.join().unwrap(), Ok(1));
    });
}

// The calls.

#[test]
fn tries_say_what_is() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        tx.try_send(1).unwrap();
        assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
        let leaving = spawn(move || drop(tx));
        assert_eq!(rx.try_recv(), Ok(1));
        leaving.join().unwrap();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn who_waits_for_room_has_its_message_back_from_who_leaves() {
    check(|| {
        let (mut tx, rx) = spsc::channel::<u32>(1).unwrap();
        tx.send(1).unwrap();
        let leaving = spawn(move || drop(rx));
        assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
        leaving.join().unwrap();
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        tx.send(1).unwrap();
        let leaving = spawn(move || drop(rx));
        assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
        leaving.join().unwrap();
    });
}

#[test]
fn who_has_heard_that_nobody_sends_hears_it_again() {
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        let sending = spawn(move || tx.send(1).unwrap());
        assert_eq!(rx.iter().count(), 1);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        sending.join().unwrap();
        let (mut tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        let sending = spawn(move || tx.send(1).unwrap());
        assert_eq!(rx.iter().count(), 1);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        sending.join().unwrap();
    });
}

#[test]
fn who_has_heard_that_nobody_receives_hears_it_again() {
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        tx.send(1).unwrap();
        let leaving = spawn(move || drop(rx));
        assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
        assert_eq!(tx.try_send(3), Err(TrySendError::Disconnected(3)));
        leaving.join().unwrap();
    });
}

#[test]
fn what_is_given_back_goes_to_another() {
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        tx.send(1).unwrap();
        let guard = rx.recv_ref().unwrap();
        let other = rx.clone();
        let receiving = spawn(move || {
            let again = other.recv_ref().unwrap();
            assert_eq!((*again, again.attempt()), (1, 2));
            again.commit();
        });
        drop(guard);
        receiving.join().unwrap();
        drop(tx);
    });
}

#[test]
fn each_message_goes_to_one_of_two() {
    check_up_to(1, || {
        let (tx, rx) = mpmc::channel::<u32>(2).unwrap();
        let other = rx.clone();
        tx.send(1).unwrap();
        let receiving = spawn(move || other.iter().sum::<u32>());
        let sending = spawn(move || tx.send(2).unwrap());
        let sum: u32 = rx.iter().sum();
        assert_eq!(sum + receiving.join().unwrap(), 3);
        sending.join().unwrap();
    });
}

#[test]
fn a_closed_channel_wakes_everybody() {
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        let receiving = spawn(move || rx.recv());
        tx.close();
        assert!(receiving.join().unwrap().is_err());
    });
}

#[test]
fn channels_are_told_apart() {
    check(|| {
        let (tx, rx) = mpmc::channel::<u32>(1).unwrap();
        let (other, _) = mpmc::channel::<u32>(1).unwrap();
        assert!(tx.same_channel(&tx.clone()) && !tx.same_channel(&other));
        drop(rx);
    });
}

#[test]
fn messages_of_bytes_pass_from_one_to_one() {
    check(|| {
        let (mut tx, mut rx) = bytes::spsc::channel(64).unwrap();
        let sending = spawn(move || tx.send(b"one").unwrap());
        assert_eq!(rx.recv().unwrap(), b"one");
        assert!(rx.recv().is_err());
        sending.join().unwrap();
    });
}

#[test]
fn messages_of_bytes_pass_between_many() {
    check(|| {
        let (tx, rx) = bytes::mpmc::channel(1).unwrap();
        let sending = spawn(move || tx.send(b"one").unwrap());
        assert_eq!(rx.recv().unwrap(), b"one");
        assert!(rx.recv().is_err());
        sending.join().unwrap();
    });
}

#[test]
fn messages_of_bytes_that_are_longer_than_their_ring_pass_in_parts() {
    check(|| {
        let options = ringway::Options::new().capacity(32).frame_bytes(24);
        let (mut tx, mut rx) = bytes::spsc::channel_with(&options).unwrap();
        let sending = spawn(move || tx.send(&[7; 40]).unwrap());
        assert_eq!(rx.recv().unwrap(), [7; 40]);
        sending.join().unwrap();
    });
}

#[test]
fn long_messages_of_bytes_pass_between_many_through_a_lane() {
    for len in [300, 5000] {
        check_up_to(1, move || {
            let (tx, rx) = bytes::mpmc::channel(1).unwrap();
            let sending = spawn(move || tx.send(&vec![7; len]).unwrap());
            assert_eq!(rx.recv().unwrap(), vec![7; len]);
            assert!(rx.recv().is_err());
            sending.join().unwrap();
        });
    }
}

#[test]
fn what_has_a_name_has_no_model() {
    assert!(mpmc::Sender::<u32>::create("loom-user", 1).is_err());
    assert!(spsc::Receiver::<u32>::open("loom-user").is_err());
}
