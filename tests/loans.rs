//! Shared memory lent to senders and read where it is: inside one process and between several; what is given back, what the dead
//! leave, what there is not enough of.

mod support;

use ringway::bytes::LoanError;
use ringway::bytes::mpmc::{self, Receiver, Sender};
use ringway::{Options, SendTimeoutError, TrySendError};
use std::thread;
use std::time::Duration;
use support::{PATIENCE, in_time};

const LANE: usize = 8192;

fn options() -> Options {
    Options::new().capacity(4).lanes(3, LANE)
}

fn channel() -> (Sender, Receiver) {
    mpmc::channel_with(&options()).expect("memory")
}

/// So many bytes that are like no others.
fn filled(bytes: &mut [u8], seed: u64) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (at as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    }
}

fn expected(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    filled(&mut bytes, seed);
    bytes
}

/// All lanes are free: so many can be borrowed at once.
fn no_lane_is_lost(tx: &Sender, rx: &Receiver) {
    for _ in 0..3 {
        let loans: Vec<_> = (0..3).map(|n| tx.try_loan(LANE).unwrap_or_else(|error| panic!("{n}: {error}"))).collect();
        assert!(tx.try_loan(LANE).unwrap_err().is_full());
        for (seed, mut loan) in loans.into_iter().enumerate() {
            filled(&mut loan, seed as u64);
            loan.send().unwrap();
        }
        (0..3).for_each(|seed| assert!(rx.try_recv().unwrap() == expected(LANE, seed)));
        assert_eq!((rx.in_hand(), rx.len()), (0, 0));
    }
}

#[test]
fn what_is_lent_is_read_where_it_was_written() {
    let (tx, rx) = channel();
    for len in [0, 1, 8, 112, 113, 4096, 4097, LANE] {
        let mut loan = tx.loan(len).unwrap();
        assert_eq!(loan.len(), len);
        filled(&mut loan, 7);
        let written_at = loan.as_ptr();
        loan.send().unwrap();
        let guard = rx.try_recv_ref().unwrap();
        assert!(*guard == expected(len, 7), "length {len}");
        assert!(len == 0 || guard.as_ptr() == written_at, "length {len}: copied");
        guard.commit();
    }
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn values_are_written_and_read_in_place() {
    let (tx, rx) = channel();
    let mut loan = tx.loan(1000 * 8 + 3).unwrap();
    assert_eq!(loan.as_slice_of::<f64>().len(), 1000, "as many whole ones as there are");
    for (at, value) in loan.as_mut_slice_of::<f64>().iter_mut().enumerate() {
        *value = at as f64 / 2.0;
    }
    loan.truncate(8000);
    loan.truncate(LANE);
    assert_eq!(loan.len(), 8000, "truncating makes nothing longer");
    loan.send().unwrap();
    let guard = rx.recv_owned().unwrap();
    let values = guard.as_slice_of::<f64>().expect("aligned, and a whole number");
    assert!(values.iter().enumerate().all(|(at, value)| *value == at as f64 / 2.0) && values.len() == 1000);
    assert_eq!(guard.as_slice_of::<[u8; 3]>(), None, "8000 bytes are no whole number of threes");
    assert!(guard.as_slice_of::<()>().is_none());
    guard.commit();
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn what_is_dropped_or_forgotten_in_a_moved_struct_comes_back() {
    let (tx, rx) = channel();
    drop(tx.loan(500).unwrap());
    let mut kept = tx.loan(LANE).unwrap();
    filled(&mut kept, 1);
    // Owned: it goes to another thread, and outlives its sender, as one more of which it counts.
    assert_eq!(tx.sender_count(), 2);
    drop(tx);
    let sent = thread::spawn(move || {
        kept.truncate(5000);
        kept.send().unwrap();
    });
    sent.join().unwrap();
    let guard = rx.recv_owned().unwrap();
    let read = thread::spawn(move || {
        assert!(*guard == expected(5000, 1));
        drop(guard);
    });
    read.join().unwrap();
    let again = rx.recv_owned_timeout(PATIENCE).unwrap();
    assert!((again.attempt(), again.is_redelivered()) == (2, true) && *again == expected(5000, 1));
    again.commit();
    assert!(rx.recv().is_err(), "no sender is left");
}

#[test]
fn what_is_not_sent_is_handed_back() {
    let (tx, rx) = channel();
    (0..4).for_each(|n| tx.send(&[n]).unwrap());
    let mut loan = tx.loan(300).unwrap();
    filled(&mut loan, 3);
    let Err(TrySendError::Full(loan)) = loan.try_send() else { panic!("a ring that is full") };
    let Err(SendTimeoutError::Timeout(mut loan)) = loan.send_timeout(Duration::from_millis(5)) else {
        panic!("a ring that is full")
    };
    assert!(*loan == expected(300, 3));
    // It can still be written.
    filled(&mut loan, 4);
    assert_eq!(rx.recv().unwrap(), [0]);
    loan.try_send().unwrap();
    (1..4).for_each(|n| assert_eq!(rx.recv().unwrap(), [n]));
    assert!(rx.recv().unwrap() == expected(300, 4));
    let loan = tx.loan(300).unwrap();
    no_lane_is_lost(&tx, &rx);
    drop(rx);
    let loan = loan.send().expect_err("nobody receives").0;
    assert_eq!(loan.len(), 300);
    assert!(matches!(tx.loan(300), Err(LoanError::Disconnected)));
    assert!(matches!(tx.try_loan(300), Err(LoanError::Disconnected)));
}

#[test]
fn when_all_is_lent_the_next_one_waits() {
    let (tx, rx) = channel();
    let mut loans: Vec<_> = (0..3).map(|_| tx.loan(LANE).unwrap()).collect();
    assert!(tx.try_loan(LANE).unwrap_err().is_full());
    assert!(tx.loan_timeout(LANE, Duration::from_millis(5)).unwrap_err().is_full());
    // Shorter ones have lanes of their own.
    drop(tx.try_loan(100).unwrap());
    let waiting = {
        let tx = tx.clone();
        thread::spawn(move || in_time("a loan", move || tx.loan(LANE).map(|loan| loan.len())))
    };
    support::until("somebody sleeps", || tx.stats().sleeps > 0);
    drop(loans.pop());
    assert_eq!(waiting.join().unwrap().unwrap(), LANE);
    drop(loans);
    no_lane_is_lost(&tx, &rx);
}
