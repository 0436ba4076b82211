//! Both ends of one process under loom: what is sent in parts wakes who sleeps, and so does giving up.

use crate::bytes::spsc::{MessageWriter, Receiver, Sender, channel_with};
use crate::bytes::{RecvError, SendError};
use crate::channel::options::Options;
use crate::sync::explore::explore;
use crate::wait::strategy::WaitStrategy;
use loom::thread::spawn;
use std::io::{BufRead, Read, Write};

const LONG: [u8; 20] = [7; 20];

/// A message of more than 8 bytes goes in parts, each of which fills the ring.
fn channel() -> (Sender, Receiver) {
    channel_with(&Options::new().capacity(32).frame_bytes(24).wait(WaitStrategy::Sleep)).unwrap()
}

#[test]
fn both_sides_sleep_and_every_part_arrives() {
    explore("parts and sleep", Some(2), || {
        let (mut tx, mut rx) = channel();
        let sending = spawn(move || {
            tx.send(&LONG).unwrap();
            tx
        });
        assert_eq!(rx.recv().unwrap(), LONG);
        drop(sending.join().unwrap());
    });
}

/// The rest of a frame lies in front of the long message, and in its way: there is room for it only when the receiver has
/// passed that by.
#[test]
fn a_sender_that_waits_behind_the_rest_of_a_frame_is_woken() {
    explore("the rest of a frame and sleep", Some(2), || {
        let (mut tx, mut rx) = channel();
        tx.send(&[1; 8]).unwrap();
        assert_eq!(rx.recv().unwrap(), [1; 8]);
        let sending = spawn(move || {
            tx.send(&LONG).unwrap();
            tx
        });
        assert_eq!(rx.recv().unwrap(), LONG);
        drop(sending.join().unwrap());
    });
}

#[test]
fn a_sender_that_leaves_in_a_message_wakes_the_receiver() {
    explore("a sender leaves in a message", Some(2), || {
        let (mut tx, mut rx) = channel();
        let sending = spawn(move || {
            let mut writer = tx.writer(None);
            writer.write_all(&[1; 16]).unwrap();
            std::mem::forget(writer);
            drop(tx);
        });
        assert_eq!(rx.recv(), Err(RecvError::Aborted { bytes: 16 }));
        assert_eq!(rx.recv(), Err(RecvError::Disconnected));
        sending.join().unwrap();
    });
}

/// The sender sleeps for room that will not come, or has not begun to.
#[test]
fn a_receiver_that_will_not_have_a_message_wakes_its_sender() {
    explore("a message is refused", Some(2), || {
        let (mut tx, mut rx) = channel();
        rx.set_limit(9);
        let sending = spawn(move || {
            let sent = tx.send(&[7; 100]);
            assert!(matches!(sent, Err(SendError::Aborted { bytes: 8.. })), "{sent:?}");
            tx.send(&[1, 2]).unwrap();
            tx
        });
        assert_eq!(rx.recv(), Err(RecvError::TooLong { bytes: 100, limit: 9 }));
        assert_eq!(rx.recv().unwrap(), [1, 2]);
        drop(sending.join().unwrap());
    });
}

#[test]
fn a_receiver_that_leaves_in_a_message_wakes_its_sender() {
    explore("a receiver leaves in a message", Some(2), || {
        let (mut tx, mut rx) = channel();
        let sending = spawn(move || (tx.send(&[7; 100]), tx));
        let _ = rx.try_recv();
        drop(rx);
        let (sent, tx) = sending.join().unwrap();
        assert!(matches!(sent, Err(SendError::Aborted { .. } | SendError::Disconnected)), "{sent:?}");
        drop(tx);
    });
}

// Each way of publishing tells who sleeps. (The end that did it stays: going would tell, too.)

fn is_heard(name: &str, send: fn(&mut Sender), received: Result<&'static [u8], RecvError>) {
    explore(&format!("{name} is heard"), Some(2), move || {
        let (mut tx, mut rx) = channel();
        let receiving = spawn(move || (rx.recv(), rx));
        send(&mut tx);
        let (got, rx) = receiving.join().unwrap();
        assert_eq!(got.as_deref(), received.as_ref().copied());
        drop((tx, rx));
    });
}

#[test]
fn who_sleeps_is_told_of_whatever_is_sent() {
    is_heard("a claim", |tx| tx.claim(8).unwrap().commit(8), Ok(&[0; 8]));
    is_heard("a message that is written", |tx| written(tx, &[7; 4]).finish().unwrap(), Ok(&[7; 4]));
    is_heard("one in parts", |tx| written(tx, &LONG).finish().unwrap(), Ok(&LONG));
    is_heard("giving up", |tx| drop(written(tx, &[7; 16])), Err(RecvError::Aborted { bytes: 16 }));
}

fn written<'a>(tx: &'a mut Sender, bytes: &[u8]) -> MessageWriter<'a> {
    let mut writer = tx.writer(None);
    writer.write_all(bytes).unwrap();
    writer
}

/// The sender, in whose way something lies, sleeps for room, or is about to.
fn is_room(name: &str, fill: fn(&mut Sender), free: fn(&mut Receiver)) {
    explore(&format!("room by {name}"), Some(2), move || {
        let (mut tx, mut rx) = channel();
        fill(&mut tx);
        let sending = spawn(move || {
            tx.send(&[3; 8]).unwrap();
            tx
        });
        free(&mut rx);
        drop((sending.join().unwrap(), rx));
    });
}

#[test]
fn who_sleeps_is_told_of_whatever_is_received() {
    let full = |tx: &mut Sender| while tx.try_send(&[1; 8]).is_ok() {};
    is_room("taking it whole", full, |rx| assert_eq!(rx.recv().unwrap(), [1; 8]));
    is_room("a commit", full, |rx| rx.recv_ref().unwrap().commit());
    is_room("a reader", full, |rx| assert_eq!(rx.reader().unwrap().read_to_end(&mut Vec::new()).unwrap(), 8));
}

/// A reader is dropped behind a part that it has read, of a message whose sender sleeps for room for the rest.
#[test]
fn a_reader_that_is_dropped_in_a_message_wakes_its_sender() {
    explore("a reader is dropped", Some(2), || {
        let (mut tx, mut rx) = channel();
        let sending = spawn(move || (tx.send(&[7; 100]), tx));
        let mut reader = rx.reader().unwrap();
        let count = reader.fill_buf().unwrap().len();
        reader.consume(count);
        drop(reader);
        let (sent, tx) = sending.join().unwrap();
        assert!(matches!(sent, Err(SendError::Aborted { .. })), "{sent:?}");
        drop((tx, rx));
    });
}
