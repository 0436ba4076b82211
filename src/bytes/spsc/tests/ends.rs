//! What needs the inside of the ends.

use crate::bytes::RecvError;
use crate::bytes::spsc::{channel, channel_at, channel_with};
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::sync::Ordering::Relaxed;

/// Fault 70.
#[test]
fn positions_are_counted_up_to_56_bits() {
    let options = Options::new().capacity(200).frame_bytes(40);
    for start in [0, (1 << 32) - 40, (1 << 40) - 8, (1 << 56) - 80_000] {
        let start = start / 8 * 8;
        let (mut tx, mut rx) = channel_at(&options, start).unwrap();
        let sending = std::thread::spawn(move || {
            for len in 0..200 {
                tx.send(&vec![len as u8; len]).unwrap();
            }
        });
        for len in 0..200 {
            assert_eq!(rx.recv().unwrap(), vec![len as u8; len], "from {start}");
        }
        sending.join().unwrap();
    }
}

/// Fault 59.
#[test]
fn words_that_cannot_be_end_the_channel_and_nothing_more() {
    let options = Options::new().capacity(200).frame_bytes(40);
    // The receiver's words, as the sender finds them.
    let (mut tx, rx) = channel_with(&options).unwrap();
    rx.end.seat().control().consumer().cursor.head.store(999_992, Relaxed);
    while tx.try_send(&[1; 30]).is_ok() {}
    assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Corrupt));
    assert!(tx.send(&[1; 500]).unwrap_err().is_disconnected() && tx.writer(None).finish().is_err());
    assert!(tx.claim(3).unwrap_err().is_disconnected());
    // And the sender's parts, as the receiver finds them: the first of a message that is shorter than it says.
    for is_ref in [false, true] {
        let (mut tx, mut rx) = channel_with(&options).unwrap();
        let mut writer = tx.writer(Some(100));
        std::io::Write::write_all(&mut writer, &[1; 90]).unwrap();
        std::mem::forget(writer);
        let Ok(crate::ring::parts::Piece::Here(cut)) = tx.producer.piece(Some(3)) else { panic!("no room") };
        tx.producer.publish_piece(cut, 3, Some(3), true);
        let error = if is_ref { rx.recv_ref().err() } else { rx.recv().err() };
        assert_eq!((error, rx.disconnect_reason()), (Some(RecvError::Disconnected), Some(DisconnectReason::Corrupt)));
        assert_eq!((rx.len(), rx.recv()), (0, Err(RecvError::Disconnected)));
        assert!(rx.reader().unwrap_err().is_disconnected());
    }
}

/// In a forked child nothing is touched; here the mark of the fork is what a poisoned end has, too: it is not usable.
#[test]
fn an_end_that_cannot_be_used_shows_nothing_and_changes_nothing() {
    let (mut tx, mut rx) = channel(4096).unwrap();
    tx.send(b"in hand").unwrap();
    let corrupt = crate::ring::Corrupt { word: "test", found: 0 };
    let mut claim = tx.claim(10).unwrap();
    claim.sender.end.poison(corrupt);
    assert_eq!((claim.len(), claim.iter_mut().count()), (0, 0));
    claim.commit(10);
    let guard = rx.recv_ref().unwrap();
    guard.receiver.end.poison(corrupt);
    assert_eq!(guard.len(), 0);
    guard.commit();
    let control = rx.end.seat().control().clone();
    assert_eq!(control.consumer().cursor.head.load(Relaxed), 0);
    drop((tx, rx));
}

#[test]
fn who_closes_in_a_message_cancels_it_first() {
    let (mut tx, mut rx) = channel(4096).unwrap();
    let mut writer = tx.writer(None);
    std::io::Write::write_all(&mut writer, &[1; 3000]).unwrap();
    std::mem::forget(writer);
    assert!(tx.producer.is_in_message());
    tx.close();
    assert!(!tx.producer.is_in_message());
    assert!(matches!(rx.recv(), Err(RecvError::Aborted { .. })));
    assert_eq!(rx.recv(), Err(RecvError::Disconnected));
}
