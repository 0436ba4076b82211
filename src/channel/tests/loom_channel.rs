//! The whole channel under loom: ring, bells, statuses, both ends of one process.
//!
//! An end's operation is some fifteen atomic ones, so most models here are bounded: 3 preemptions where not said
//! otherwise.

use crate::channel::options::Options;
use crate::channel::spsc::{Receiver, Sender, channel_with};
use crate::sync::edge::{ECHOED, Edge, End, STATUS, weakened};
use crate::sync::explore::explore;
use crate::wait::strategy::WaitStrategy;
use crate::{DisconnectReason, RecvError, TryRecvError};
use loom::thread::{spawn, yield_now};
use std::mem::ManuallyDrop;

fn channel(capacity: usize, wait: WaitStrategy) -> (Sender<u64>, Receiver<u64>) {
    // A message a frame: fewer words for loom to follow.
    channel_with(&Options::new().capacity(capacity).frame_bytes(16).wait(wait)).unwrap()
}

#[test]
fn both_sides_sleep_and_nothing_is_lost() {
    for (capacity, messages, bound) in [(1, 2, 3), (1, 3, 2), (2, 3, 2)] {
        explore(&format!("blocking: capacity {capacity}, {messages} messages"), Some(bound), move || {
            let (mut tx, mut rx) = channel(capacity, WaitStrategy::Sleep);
            let sending = spawn(move || {
                (1..=messages).for_each(|message| tx.send(message).unwrap());
                tx
            });
            for message in 1..=messages {
                assert_eq!(rx.recv(), Ok(message));
            }
            drop(sending.join().unwrap());
        });
    }
}

#[test]
fn both_sides_sleep_and_no_batch_is_lost() {
    explore("blocking: batches", Some(2), || {
        let (mut tx, mut rx) = channel(1, WaitStrategy::Sleep);
        let sending = spawn(move || {
            tx.send_many(&[1, 2, 3]).unwrap();
            tx
        });
        let mut got: Vec<u64> = Vec::new();
        while got.len() < 3 {
            let mut messages = [0; 2];
            let count = rx.recv_many(&mut messages).unwrap();
            got.extend(&messages[..count]);
        }
        assert_eq!(got, [1, 2, 3]);
        drop(sending.join().unwrap());
    });
}

#[test]
fn a_sender_that_leaves_wakes_the_receiver_behind_what_it_sent() {
    explore("sender leaves", Some(3), || {
        let (mut tx, mut rx) = channel(1, WaitStrategy::Sleep);
        let sending = spawn(move || tx.send(1).unwrap());
        assert_eq!((rx.recv(), rx.recv()), (Ok(1), Err(RecvError)));
        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Left));
        sending.join().unwrap();
    });
}

#[test]
fn a_receiver_that_leaves_wakes_the_sender_which_has_its_message_back() {
    explore("receiver leaves", Some(3), || {
        let (mut tx, rx) = channel(1, WaitStrategy::Sleep);
        tx.send(1).unwrap();
        let receiving = spawn(move || drop(rx));
        assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Left));
        receiving.join().unwrap();
    });
}

#[test]
fn a_message_in_hand_keeps_its_room_until_it_is_committed() {
    explore("recv_ref", Some(3), || {
        let (mut tx, mut rx) = channel(1, WaitStrategy::Sleep);
        let sending = spawn(move || {
            tx.send(1).unwrap();
            tx.send(2).unwrap();
            tx
        });
        drop(rx.recv_ref().unwrap());
        let again = rx.recv_ref().unwrap();
        assert_eq!((*again, again.attempt(), again.is_redelivered()), (1, 2, true));
        again.commit();
        let second = rx.recv_ref().unwrap();
        assert_eq!((*second, second.attempt(), second.is_redelivered()), (2, 1, false));
        second.commit();
        drop(sending.join().unwrap());
    });
}

// An end that did not sleep, and now does.

/// The last message is published under the old status, without a fence; then the sender looks at the channel and echoes.
fn change_of_mind() {
    // Dropped at the end only: a model that fails drops nothing in passing, which loom cannot follow.
    let ends = channel(1, WaitStrategy::Spin);
    let (mut tx, mut rx) = (ManuallyDrop::new(ends.0), ManuallyDrop::new(ends.1));
    let receiving = spawn(move || {
        rx.set_wait(WaitStrategy::Sleep);
        assert_eq!(rx.recv(), Ok(1));
        rx
    });
    let sending = spawn(move || {
        tx.try_send(1).unwrap();
        // Most often full: a look at the channel that publishes nothing.
        let _ = tx.try_send(2);
        tx
    });
    let tx = sending.join().unwrap();
    let rx = receiving.join().unwrap();
    drop((ManuallyDrop::into_inner(tx), ManuallyDrop::into_inner(rx)));
}

#[test]
fn a_quiet_end_that_changes_its_mind_loses_no_wake() {
    explore("change of mind", Some(3), change_of_mind);
}

/// The other way round: the sender begins to sleep, and the receiver must ring for room.
#[test]
fn a_quiet_sender_that_changes_its_mind_loses_no_wake() {
    explore("change of mind, sender", Some(3), || {
        let (mut tx, mut rx) = channel(1, WaitStrategy::Spin);
        tx.try_send(1).unwrap();
        let receiving = spawn(move || {
            let first = loop {
                match rx.try_recv() {
                    Ok(message) => break message,
                    Err(_) => yield_now(),
                }
            };
            // Looks at the channel once more, and echoes what it finds there.
            let second = rx.try_recv();
            assert!(second == Ok(2) || second == Err(TryRecvError::Empty));
            (first, rx)
        });
        tx.set_wait(WaitStrategy::Sleep);
        tx.send(2).unwrap();
        let (first, rx) = receiving.join().unwrap();
        assert_eq!(first, 1);
        drop((tx, rx));
    });
}

// Each edge matters, at each of its ends.

fn matters(edge: Edge, ends: &[End], model: fn()) {
    explore(&format!("{edge:?}"), Some(3), model);
    for &end in ends {
        assert!(
            weakened::fails(edge, end, move || explore("weakened", Some(3), model)),
            "nothing is lost without {edge:?} at its {end:?} end"
        );
    }
}

/// The receiver never sleeps, so no fence helps: the word LEFT alone says that the message is there.
fn leaving() {
    let (mut tx, mut rx) = channel(1, WaitStrategy::Spin);
    let sending = spawn(move || tx.try_send(1).unwrap());
    let mut got = Vec::new();
    loop {
        match rx.try_recv() {
            Ok(message) => got.push(message),
            Err(TryRecvError::Empty) => yield_now(),
            Err(TryRecvError::Disconnected) => break,
        }
    }
    sending.join().unwrap();
    assert_eq!(got, [1]);
}

#[test]
fn edge_status_matters() {
    matters(STATUS, &[End::Release, End::Acquire], leaving);
}

/// Its other end is the fence of the sleep, which `loom_bell` takes away.
#[test]
fn edge_echoed_matters() {
    matters(ECHOED, &[End::Release], change_of_mind);
}
