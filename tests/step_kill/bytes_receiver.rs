//! A receiver of messages of bytes is the victim.

use super::bytes_pair::{self, CAPACITY, message};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::TrySendError;
use ringway::bytes::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, OpenError};
use std::time::Duration;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Recv,
    TryRecv,
    RecvRef,
}

#[derive(Debug)]
struct Receiving {
    operation: Operation,
    /// Bytes of the message that is there; another one follows it.
    len: usize,
}

/// Behind the message that the victim receives.
const NEXT: usize = 5;

/// Fault 38.
pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{Recv, RecvRef, TryRecv};
    let plan = [(Recv, 0), (Recv, 40), (Recv, 150), (TryRecv, 70), (RecvRef, 40), (RecvRef, 150)];
    plan.map(|(operation, len)| Entry::new(Receiving { operation, len })).into()
}

impl Scene for Receiving {
    type Survivor = Sender;

    fn name(&self) -> String {
        format!("bytes {:?}, {} bytes", self.operation, self.len)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        // Between two changes it only reads, and a survivor finds what it finds behind the first.
        Points::CloseToChanges
    }

    fn survive(&self, place: &Place) -> Sender {
        let (mut tx, rx) = bytes_pair::warm(place);
        drop(rx);
        // Who comes next finds it: nobody minds that nobody is there.
        let rx = Receiver::open_with(NAME, &place.options()).expect("a free seat");
        tx.try_send(&message(self.len)).expect("room");
        tx.try_send(&message(NEXT)).expect("room");
        drop(rx);
        tx
    }

    fn play(&self, place: &Place) {
        let mut rx = Receiver::open_with(NAME, &place.options()).expect("a receiver's seat");
        let expected = message(self.len);
        match self.operation {
            Operation::Recv => act(|| rx.recv(), |got| *got == Ok(expected)),
            Operation::TryRecv => act(|| rx.try_recv(), |got| *got == Ok(expected)),
            Operation::RecvRef => act(
                || {
                    let guard = rx.recv_ref().expect("a message");
                    let is_right = *guard == expected[..];
                    guard.commit();
                    is_right
                },
                |is_right| *is_right,
            ),
        }
    }

    fn meanwhile(&self, place: &Place, tx: &mut Sender) {
        assert_eq!(tx.disconnect_reason(), None, "of one that lives");
        match Receiver::open_with(NAME, &place.options()) {
            Err(OpenError::RoleTaken { .. }) => {}
            other => panic!("{other:?}"),
        }
        // More than there is room for, whatever has been received.
        assert!(matches!(tx.try_send(&message(CAPACITY)), Err(TrySendError::TooLong { .. })));
        let waited = tx.send_timeout(&message(CAPACITY), Duration::ZERO);
        assert!(waited.is_err_and(|error| error.is_timeout()));
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, tx: Sender, fate: Fate) -> Progress {
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
        // A successor takes the role at once, and takes up what was not released: all of the message, or nothing of it.
        let mut rx = Receiver::open_with(NAME, &place.options()).expect("a free seat");
        let guard = rx.try_recv_ref().expect("a message");
        let is_gone = guard.len() == NEXT;
        let is_marked = guard.is_redelivered();
        assert_eq!((guard.attempt() > 1, is_marked && is_gone), (is_marked, false));
        assert!(!is_marked || self.operation == Operation::RecvRef, "marked, and nobody had it in hand");
        assert_eq!(*guard, message(if is_gone { NEXT } else { self.len }), "torn");
        assert!(is_gone || !fate.is_complete, "received, and still there");
        guard.commit();
        if !is_gone {
            assert_eq!(rx.try_recv().expect("a message"), message(NEXT));
        }
        bytes_pair::goes_on(tx, rx);
        let handed_out = self.operation == Operation::RecvRef && (is_marked || is_gone);
        [is_gone.into(), handed_out.into()]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, u64::from(self.operation == Operation::RecvRef)]]
    }
}
