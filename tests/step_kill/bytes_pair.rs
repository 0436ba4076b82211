//! A pair of ends of messages of bytes without a victim: before it comes, and after it is dead.

use super::stage::{NAME, Place};
use ringway::bytes::spsc::{Receiver, Sender};

/// Bytes of the ring: frames of 64 bytes, and a little more than four of them.
pub(crate) const CAPACITY: usize = 320;

/// More bytes than two of the longest messages, no two of which are alike: they are made once, as messages are made often.
static BYTES: [u8; 1 << 17] = {
    let mut bytes = [0; 1 << 17];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = ((at as u32).wrapping_mul(2_654_435_761) >> 24) as u8;
        at += 1;
    }
    bytes
};

/// A message of so many bytes that shows whether it is whole, and of which length it is: it begins elsewhere.
pub(crate) fn message(len: usize) -> Vec<u8> {
    bytes(len).to_vec()
}

/// The bytes of such a message.
pub(crate) fn bytes(len: usize) -> &'static [u8] {
    &BYTES[len..2 * len]
}

/// A channel whose ring has been around. Both ends are in the caller's hand.
pub(crate) fn warm(place: &Place) -> (Sender, Receiver) {
    let mut rx = Receiver::create_with(NAME, &place.options()).expect("a free name");
    let mut tx = Sender::open_with(NAME, &place.options()).expect("a free seat");
    for len in [50, 200, 0, 33, 150] {
        tx.send(&message(len)).expect("room");
        assert_eq!(rx.try_recv().expect("a message"), message(len));
    }
    (tx, rx)
}

/// The ring is empty, and can be used as if nobody had died: all of it, by messages in one piece and in several, unmarked.
pub(crate) fn goes_on(mut tx: Sender, mut rx: Receiver) {
    // What is no message is passed by: the rest of a frame, the end of what a dead one has begun.
    assert!(rx.try_recv().unwrap_err().is_empty());
    assert!(tx.is_empty() && rx.is_empty());
    let mut count = 0;
    while tx.try_send(&message(count % 9)).is_ok() {
        count += 1;
    }
    assert!(count >= CAPACITY / 16, "{count}");
    for len in 0..count {
        let got = rx.try_recv_ref().expect("a message");
        assert_eq!((&*got, got.attempt(), got.is_redelivered()), (&message(len % 9)[..], 1, false));
        got.commit();
    }
    assert!(tx.is_empty() && rx.try_recv().unwrap_err().is_empty());
    for len in [56, 57, 200, 1] {
        tx.try_send(&message(len)).expect("room");
        assert_eq!(rx.try_recv().expect("a message"), message(len));
    }
    assert_eq!((tx.disconnect_reason(), rx.disconnect_reason()), (None, None));
}
