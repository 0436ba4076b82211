//! Both ends of one process under loom: long messages, which lie in a lane or come through it. What is told to whom, and when, is in
//! these models; what the words of a lane allow is in those of `ring::lane`.
//!
//! An operation is a hundred atomic ones, so a thread is preempted once.

use crate::bytes::RecvError;
use crate::bytes::mpmc::{Receiver, Sender, channel_with};
use crate::channel::options::Options;
use crate::sync::explore::explore;
use crate::wait::strategy::WaitStrategy;
use loom::thread::spawn;
use std::io::{Read, Write};

/// One lane, of so many bytes.
const LANE: usize = 128;
/// Longer than what goes through the ring, and not than the lane.
const WHOLE: usize = 120;
/// Three rounds through the lane.
const LONG: usize = 300;

fn channel() -> (Sender, Receiver) {
    // As few words as can be for loom to follow.
    let options = Options::new().members(1).operations(4).in_hand(2).capacity(2).lanes(1, LANE).annexes(0);
    channel_with(&options.chunk_bytes(LANE).wait(WaitStrategy::Sleep)).unwrap()
}

fn once(name: &str, model: fn()) {
    explore(&format!("bytes, {name}"), Some(1), model);
}

#[test]
fn a_message_that_is_longer_than_its_lane_comes_through_it() {
    once("through a lane", || {
        let (tx, rx) = channel();
        let sending = spawn(move || {
            tx.send(&[7; LONG]).unwrap();
            tx
        });
        assert_eq!(rx.recv().unwrap(), [7; LONG]);
        drop(sending.join().unwrap());
    });
}

#[test]
fn what_is_read_piece_by_piece_comes_through_the_lane() {
    once("through a lane, piece by piece", || {
        let (tx, rx) = channel();
        let sending = spawn(move || {
            tx.send(&[7; LONG]).unwrap();
            tx
        });
        let mut message = Vec::new();
        rx.reader().unwrap().read_to_end(&mut message).unwrap();
        assert_eq!(message, [7; LONG]);
        drop(sending.join().unwrap());
    });
}

/// The second message waits for the lane of the first.
#[test]
fn a_lane_is_used_again_when_its_message_was_copied_out() {
    once("one lane for two", || {
        let (tx, rx) = channel();
        tx.send(&[1; WHOLE]).unwrap();
        let sending = spawn(move || {
            tx.send(&[2; WHOLE]).unwrap();
            tx
        });
        assert_eq!(rx.recv().unwrap(), [1; WHOLE]);
        assert_eq!(rx.recv().unwrap(), [2; WHOLE]);
        drop(sending.join().unwrap());
    });
}

#[test]
fn a_lane_is_used_again_when_its_message_was_seen() {
    once("one lane for two that are seen", || {
        let (tx, rx) = channel();
        tx.send(&[1; WHOLE]).unwrap();
        let sending = spawn(move || {
            tx.send(&[2; WHOLE]).unwrap();
            tx
        });
        rx.recv_with(|message| assert_eq!(message, [1; WHOLE])).unwrap();
        rx.recv_with(|message| assert_eq!(message, [2; WHOLE])).unwrap();
        drop(sending.join().unwrap());
    });
}

/// It was delivered as often as it may be, and lies in the lane that somebody waits for.
#[test]
fn a_message_that_is_given_up_gives_its_lane_to_who_waits_for_one() {
    once("given up, and its lane", || {
        let options = Options::new().members(1).operations(4).in_hand(2).capacity(2).lanes(1, LANE).annexes(0);
        let (tx, rx) = channel_with(&options.deliveries(1).wait(WaitStrategy::Sleep)).unwrap();
        tx.send(&[1; WHOLE]).unwrap();
        let sending = spawn(move || {
            tx.send(&[2; WHOLE]).unwrap();
            tx
        });
        drop(rx.recv_ref().unwrap());
        assert_eq!(rx.recv().unwrap(), [2; WHOLE]);
        drop(sending.join().unwrap());
    });
}

#[test]
fn what_is_sent_without_waiting_was_written_before() {
    once("sent without waiting", || {
        let (tx, rx) = channel();
        let sending = spawn(move || {
            tx.try_send(&[1; WHOLE]).unwrap();
            tx
        });
        assert_eq!(rx.recv().unwrap(), [1; WHOLE]);
        drop(sending.join().unwrap());
    });
}

#[test]
fn a_claim_that_is_dropped_gives_its_lane_to_who_waits_for_one() {
    once("a claim is dropped", || {
        let (tx, rx) = channel();
        let claim = tx.claim(WHOLE).unwrap();
        let other = tx.clone();
        let sending = spawn(move || {
            other.send(&[1; WHOLE]).unwrap();
            other
        });
        drop(claim);
        drop(sending.join().unwrap());
        drop((tx, rx));
    });
}

#[test]
fn a_writer_that_gives_up_wakes_who_reads() {
    once("given up", || {
        let (tx, rx) = channel();
        let sending = spawn(move || {
            let mut writer = tx.writer(None).unwrap();
            writer.write_all(&[7; LANE + 1]).unwrap();
            drop(writer);
            tx
        });
        assert_eq!(rx.recv(), Err(RecvError::Aborted { bytes: LANE as u64 }));
        drop(sending.join().unwrap());
    });
}

/// There is one hand, and each short message goes through it.
#[test]
fn a_hand_is_used_again_when_its_message_was_copied_out() {
    once("one hand for two", || {
        let options = Options::new().members(1).operations(4).in_hand(1).capacity(2).lanes(1, LANE).annexes(0);
        let (tx, rx) = channel_with(&options.wait(WaitStrategy::Sleep)).unwrap();
        tx.try_send(&[1]).unwrap();
        tx.try_send(&[2]).unwrap();
        let other = rx.clone();
        let receiving = spawn(move || other.recv().unwrap());
        let mut got = [rx.recv().unwrap(), receiving.join().unwrap()].concat();
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    });
}
