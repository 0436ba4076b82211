//! What a model of somebody who reads and writes in place sees: grants, claims, loans, guards.
#![cfg(loom)]

mod common;

use common::{Plain, check, check_up_to};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread::spawn;
use ringway::bytes::{self, LoanError, TrySendError};
use ringway::{Options, TryGrantError, spsc};
use std::io::{Read, Write};

// Grants, one to one.

#[test]
fn a_grant_carries_what_is_in_it_and_what_was_done_before() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(2).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            let mut grant = tx.try_reserve(2).unwrap();
            let filled = grant.fill([1, 2]);
            theirs.write(7);
            grant.commit(filled);
        });
        let grant = rx.read_up_to(2).unwrap();
        let (sum, len) = (grant.runs().flatten().sum::<u32>(), grant.len());
        grant.release(len);
        assert_eq!(plain.read(), 7);
        let rest: u32 = rx.iter().sum();
        assert_eq!(sum + rest, 3);
        sending.join().unwrap();
    });
}

#[test]
fn a_released_grant_makes_room_and_carries_what_was_done_before() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(2).unwrap();
        tx.send_many(&[1, 2]).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let receiving = spawn(move || {
            let grant = rx.try_read(2).unwrap();
            let seen: Vec<u32> = grant.iter().collect();
            theirs.write(7);
            grant.release(2);
            (seen, rx)
        });
        let mut grant = tx.reserve_up_to(2).unwrap();
        grant.iter_mut().for_each(|place| *place = 3);
        assert_eq!(plain.read(), 7);
        grant.commit(1);
        let (seen, mut rx) = receiving.join().unwrap();
        assert_eq!((&seen[..], rx.try_recv()), (&[1, 2][..], Ok(3)));
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_grant_carries_nothing_of_what_is_done_behind_its_commit() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(1).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            let grant = tx.try_reserve(1).unwrap();
            grant.commit_all();
            theirs.write(7);
        });
        rx.read_up_to(1).unwrap().release(1);
        plain.read();
        sending.join().unwrap();
    });
}

#[test]
fn what_is_not_committed_is_not_sent_and_what_is_not_released_comes_again() {
    check(|| {
        let (mut tx, mut rx) = spsc::channel::<u32>(2).unwrap();
        assert!(matches!(tx.try_reserve(3), Err(TryGrantError::TooFew(2))));
        let sending = spawn(move || {
            tx.try_reserve(2).unwrap().fill([8, 9]);
            let _ = tx.try_reserve(2).unwrap();
            tx.send(1).unwrap();
        });
        drop(rx.read_up_to(2).unwrap());
        let grant = rx.read_up_to(2).unwrap();
        assert_eq!((grant.contiguous(2), grant.attempt(), grant.is_redelivered()), (&[1][..], 2, true));
        grant.release(1);
        assert!(rx.recv().is_err());
        sending.join().unwrap();
    });
}

// Bytes, one to one.

/// A ring for a message of sixteen bytes.
fn short_ring() -> (bytes::spsc::Sender, bytes::spsc::Receiver) {
    bytes::spsc::channel_with(&Options::new().capacity(48).frame_bytes(24)).unwrap()
}

#[test]
fn a_claim_is_a_message_and_a_guard_shows_it_in_place() {
    check(|| {
        let (mut tx, mut rx) = short_ring();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            let mut claim = tx.claim(3).unwrap();
            claim.copy_from_slice(b"one");
            theirs.write(7);
            claim.commit_all();
        });
        drop(rx.recv_ref().unwrap());
        let again = rx.recv_ref().unwrap();
        assert_eq!((&again[..], again.attempt(), plain.read()), (&b"one"[..], 2, 7));
        again.commit();
        assert!(rx.recv().is_err());
        sending.join().unwrap();
    });
}

#[test]
fn a_committed_guard_makes_room_and_carries_what_was_done_before() {
    check_up_to(1, || {
        let (mut tx, mut rx) = short_ring();
        tx.send(&[1; 16]).unwrap();
        tx.send(&[2; 16]).unwrap();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let receiving = spawn(move || {
            let job = rx.recv_ref().unwrap();
            theirs.write(u64::from(job[15]));
            job.commit();
            rx
        });
        tx.claim(16).unwrap().commit(1);
        assert_eq!(plain.read(), 1);
        drop(receiving.join().unwrap());
    });
}

#[test]
fn a_message_is_written_and_read_bit_by_bit() {
    check(|| {
        let (mut tx, mut rx) = short_ring();
        let sending = spawn(move || {
            let mut writer = tx.writer(None);
            writer.write_all(b"one ").unwrap();
            writer.write_all(b"two").unwrap();
            writer.finish().unwrap();
        });
        let mut text = String::new();
        rx.reader().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one two");
        sending.join().unwrap();
    });
}

// Loans and guards, between many.

/// A channel with room for one message, and one lane.
fn one_lane() -> (bytes::mpmc::Sender, bytes::mpmc::Receiver) {
    bytes::mpmc::channel_with(&Options::new().capacity(1).annexes(0)).unwrap()
}

#[test]
fn a_loan_carries_what_is_in_it_and_what_was_done_before() {
    check(|| {
        let (tx, rx) = one_lane();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            let mut loan = tx.loan(8).unwrap();
            loan.as_mut_slice_of::<u32>().copy_from_slice(&[1, 2]);
            theirs.write(7);
            loan.send().unwrap();
        });
        let message = rx.recv_ref().unwrap();
        assert_eq!((message.as_slice_of::<u32>(), plain.read()), (Some(&[1, 2][..]), 7));
        message.commit();
        assert!(rx.recv().is_err());
        sending.join().unwrap();
    });
}

#[test]
fn a_lane_that_comes_back_carries_what_its_reader_did() {
    check(|| {
        let (tx, rx) = one_lane();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let mut loan = tx.loan(1).unwrap();
        loan[0] = 1;
        loan.send().unwrap();
        let receiving = spawn(move || {
            let message = rx.recv_owned().unwrap();
            theirs.write(u64::from(message[0]));
            message.commit();
            rx
        });
        let mut next = tx.loan(1).unwrap(); // the only lane
        next[0] = 2;
        assert_eq!(plain.read(), 1);
        drop((next, receiving.join().unwrap()));
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_loan_carries_nothing_of_what_is_done_behind_its_send() {
    check(|| {
        let (tx, rx) = one_lane();
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let sending = spawn(move || {
            tx.loan(1).unwrap().send().unwrap();
            theirs.write(7);
        });
        rx.recv_ref().unwrap().commit();
        plain.read();
        sending.join().unwrap();
    });
}

#[test]
fn a_loan_that_is_dropped_comes_back_and_one_that_is_kept_does_not() {
    check(|| {
        let (tx, rx) = one_lane();
        let loan = tx.loan(1).unwrap();
        assert!(matches!(tx.try_loan(1), Err(LoanError::Full)));
        let giving_back = spawn(move || drop(loan));
        tx.loan(1).unwrap().send().unwrap();
        giving_back.join().unwrap();
        assert!(matches!(tx.loan(5000), Err(LoanError::TooLong { bytes: 5000, limit: 4096 })), "there is no annex");
        drop(rx);
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn who_waits_for_a_loan_that_somebody_keeps_is_found() {
    check(|| {
        let (tx, rx) = one_lane();
        let loan = tx.loan(1).unwrap();
        let waiting = spawn(move || drop(tx.loan(1)));
        waiting.join().unwrap();
        drop((loan, rx));
    });
}

#[test]
fn a_loan_longer_than_a_lane_lies_in_an_annex() {
    check_up_to(1, || {
        let (tx, rx) = bytes::mpmc::channel(1).unwrap();
        let sending = spawn(move || {
            let mut loan = tx.loan(5000).unwrap();
            loan[4999] = 7;
            loan.send().unwrap();
        });
        let message = rx.recv_owned().unwrap();
        assert_eq!((message.len(), message[4999]), (5000, 7));
        message.commit();
        sending.join().unwrap();
    });
}

#[test]
fn what_is_given_back_goes_to_another_and_what_is_shared_is_seen_by_both() {
    check_up_to(1, || {
        let (tx, rx) = one_lane();
        tx.loan(1).unwrap().send().unwrap();
        drop(rx.recv_ref().unwrap());
        let message = Arc::new(rx.recv_owned().unwrap());
        let theirs = Arc::clone(&message);
        let seeing = spawn(move || theirs.len());
        assert_eq!((message.len(), message.attempt()), (1, 2));
        assert_eq!(seeing.join().unwrap(), 1);
        Arc::try_unwrap(message).unwrap().commit();
        assert!(rx.try_recv().unwrap_err().is_empty());
        drop(tx);
    });
}

#[test]
fn short_messages_are_seen_in_place_by_several() {
    check(|| {
        let (tx, rx) = one_lane();
        tx.send(b"one").unwrap();
        let message = Arc::new(rx.recv_owned().unwrap());
        let theirs = Arc::clone(&message);
        let seeing = spawn(move || theirs.to_vec());
        assert_eq!(message.to_vec(), b"one");
        assert_eq!(seeing.join().unwrap(), b"one");
        Arc::try_unwrap(message).unwrap().commit();
        drop(tx);
    });
}

#[test]
fn messages_are_made_and_used_by_closures() {
    for len in [3, 200] {
        check_up_to(1, move || {
            let options = Options::new().capacity(1).annexes(0).copy_up_to(150);
            let (tx, rx) = bytes::mpmc::channel_with(&options).unwrap();
            let sending = spawn(move || {
                tx.send_with(len, |message| message.fill(7)).unwrap();
                tx.claim(len).unwrap().commit(1).unwrap();
            });
            assert_eq!(rx.recv_with(|message| (message.len(), message[len - 1])).unwrap(), (len, 7));
            assert_eq!(rx.recv_with(<[u8]>::len).unwrap(), 1);
            sending.join().unwrap();
        });
    }
}

#[test]
fn what_finds_no_room_is_handed_back() {
    check(|| {
        let (tx, rx) = one_lane();
        tx.send(b"one").unwrap();
        let loan = tx.loan(1).unwrap().try_send().unwrap_err();
        assert!(loan.is_full());
        let receiving = spawn(move || (rx.recv().unwrap(), rx));
        loan.into_inner().send().unwrap();
        let (first, rx) = receiving.join().unwrap();
        assert_eq!((&first[..], rx.recv().unwrap().len()), (&b"one"[..], 1));
        assert!(matches!(tx.try_send(&[0; 5000]), Err(TrySendError::TooLong { .. })));
    });
}

#[test]
fn a_guard_of_a_long_message_answers_its_sender() {
    check_up_to(1, || {
        let (tx, rx) = one_lane();
        let is_done = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&is_done);
        let sending = spawn(move || {
            tx.send(&[7; 5000]).unwrap(); // longer than its lane: it returns when it is done with
            theirs.load(Relaxed)
        });
        let message = rx.recv_ref().unwrap();
        assert_eq!(message.len(), 5000);
        is_done.store(1, Relaxed);
        message.commit();
        assert_eq!(sending.join().unwrap(), 1);
    });
}
