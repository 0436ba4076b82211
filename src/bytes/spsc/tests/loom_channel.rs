//! Both ends of one process under loom: what is sent in parts wakes who sleeps, and so does giving up.

use crate::bytes::spsc::{Receiver, Sender, channel_with};
use crate::bytes::{RecvError, SendError};
use crate::channel::options::Options;
use crate::sync::explore::explore;
use crate::wait::strategy::WaitStrategy;
use loom::thread::spawn;

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
            std::io::Write::write_all(&mut writer, &[1; 16]).unwrap();
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
