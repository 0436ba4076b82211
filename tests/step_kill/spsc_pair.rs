//! A pair of ends without a victim: before it comes, and after it is dead.

use super::message::{Message, messages};
use super::stage::{NAME, Place};
use ringway::spsc::{Receiver, Sender};
use ringway::{Options, TrySendError};

/// Messages that go through a ring before a victim comes: every place has been used, and the next is the second of its
/// frame or the first, as the capacity is even or odd.
pub(crate) fn warmth(capacity: usize) -> u64 {
    capacity as u64 + 3
}

/// A channel whose ring has been around. Both ends are in the caller's hand.
pub(crate) fn warm(place: &Place) -> (Sender<Message>, Receiver<Message>) {
    warm_with(&place.options())
}

/// The same, with other options.
pub(crate) fn warm_with(options: &Options) -> (Sender<Message>, Receiver<Message>) {
    let mut rx = Receiver::create_with(NAME, options).expect("a free name");
    let mut tx = Sender::open_with(NAME, options).expect("a free seat");
    for number in 0..warmth(rx.capacity()) {
        tx.send(Message::new(number)).expect("room");
        assert_eq!(rx.try_recv(), Ok(Message::new(number)));
    }
    (tx, rx)
}

/// The ring is empty, and can be used as if nobody had died: exactly as many messages fit, in order, unmarked; `next` is
/// the position of the first.
pub(crate) fn goes_on(mut tx: Sender<Message>, mut rx: Receiver<Message>, next: u64) {
    let capacity = tx.capacity() as u64;
    assert!(tx.is_empty() && rx.is_empty());
    for number in next..next + capacity {
        tx.try_send(Message::new(number)).expect("room");
    }
    let over = Message::new(next + capacity);
    assert_eq!(tx.try_send(over), Err(TrySendError::Full(over)));
    let first = rx.try_recv_ref().expect("a message");
    assert_eq!((first.number(), first.position()), (next, next));
    assert_eq!((first.attempt(), first.is_redelivered()), (1, false));
    first.commit();
    for number in next + 1..next + capacity {
        assert_eq!(rx.try_recv().map(|message| message.number()), Ok(number));
    }
    // And once around.
    let batch = messages(next + capacity..next + 2 * capacity);
    tx.send_many(&batch).expect("a receiver");
    let mut got = messages(0..capacity);
    assert_eq!(rx.try_recv_many(&mut got), Ok(batch.len()));
    assert_eq!(got, batch);
    assert_eq!((tx.disconnect_reason(), rx.disconnect_reason()), (None, None));
}
