//! A receiver of messages of bytes is the victim.

use super::bytes_pair::{self, CAPACITY, message};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::TrySendError;
use ringway::bytes::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, OpenError};
use std::io::Read;
use std::time::Duration;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Recv,
    TryRecv,
    RecvRef,
    /// Nothing is there, and there is a message when the victim is about to sleep.
    RecvAndWait,
    /// It is given back.
    RecvRefAndDrop,
    ReadToEnd,
    /// Behind a part of it: the rest is passed by.
    DropReader,
    Close,
    Drop,
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
    use Operation::{Close, Drop, DropReader, ReadToEnd, Recv, RecvAndWait, RecvRef, RecvRefAndDrop, TryRecv};
    let plan = [(Recv, 0), (Recv, 40), (Recv, 150), (TryRecv, 70), (RecvRef, 40), (RecvRef, 150)];
    let more = [(RecvAndWait, 40), (RecvRefAndDrop, 40), (ReadToEnd, 150), (DropReader, 150), (Close, 40), (Drop, 40)];
    plan.into_iter().chain(more).map(|(operation, len)| Entry::new(Receiving { operation, len })).collect()
}

/// The other end, and whether it has sent the message of the scene, and the one behind it.
#[derive(Debug)]
pub(crate) struct Survivor {
    tx: Sender,
    has_sent: bool,
}

impl Receiving {
    fn leaves(&self) -> bool {
        matches!(self.operation, Operation::Close | Operation::Drop)
    }

    /// Whether the message is received in the end.
    fn takes(&self) -> bool {
        !self.leaves() && self.operation != Operation::RecvRefAndDrop
    }

    /// Whether it is in the victim's hand before it is received: whoever gets it sees that.
    fn has_in_hand(&self) -> bool {
        use Operation::{DropReader, ReadToEnd, RecvRef, RecvRefAndDrop};
        matches!(self.operation, RecvRef | RecvRefAndDrop | ReadToEnd | DropReader)
    }

    fn send(&self, survivor: &mut Survivor) {
        if !std::mem::replace(&mut survivor.has_sent, true) {
            survivor.tx.try_send(&message(self.len)).expect("room");
            survivor.tx.try_send(&message(NEXT)).expect("room");
        }
    }
}

impl Scene for Receiving {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("bytes {:?}, {} bytes", self.operation, self.len)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match self.operation {
            Operation::Drop => Points::CallsAndChanges,
            // Between two changes it only reads, and a survivor finds what it finds behind the first.
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Survivor {
        let (tx, rx) = bytes_pair::warm(place);
        drop(rx);
        // Who comes next finds it: nobody minds that nobody is there.
        let rx = Receiver::open_with(NAME, &place.options()).expect("a free seat");
        let mut survivor = Survivor { tx, has_sent: false };
        if self.operation != Operation::RecvAndWait {
            self.send(&mut survivor);
        }
        drop(rx);
        survivor
    }

    fn play(&self, place: &Place) {
        let mut rx = Receiver::open_with(NAME, &place.options()).expect("a receiver's seat");
        let expected = message(self.len);
        match self.operation {
            Operation::Recv | Operation::RecvAndWait => act(|| rx.recv(), |got| *got == Ok(expected)),
            Operation::TryRecv => act(|| rx.try_recv(), |got| *got == Ok(expected)),
            Operation::RecvRef | Operation::RecvRefAndDrop => act(
                || {
                    let guard = rx.recv_ref().expect("a message");
                    let is_right = *guard == expected[..];
                    if self.takes() {
                        guard.commit();
                    }
                    is_right
                },
                |is_right| *is_right,
            ),
            Operation::ReadToEnd => act(
                || {
                    let mut got = Vec::with_capacity(2 * self.len);
                    rx.reader().expect("a message").read_to_end(&mut got).map(|_| got)
                },
                |got| got.as_ref().is_ok_and(|got| *got == expected),
            ),
            Operation::DropReader => act(
                || {
                    let mut got = [0; 70];
                    let mut reader = rx.reader().expect("a message");
                    reader.read_exact(&mut got).expect("bytes");
                    drop(reader);
                    // What is left of it is passed by with the next.
                    (got, rx.try_recv())
                },
                |(got, next)| got[..] == expected[..70] && next.as_ref().is_ok_and(|next| *next == message(NEXT)),
            ),
            Operation::Close => act(|| rx.close(), |()| true),
            Operation::Drop => act(|| drop(rx), |()| true),
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        self.send(survivor);
    }

    fn relieves_on_the_way(&self) -> bool {
        self.operation == Operation::RecvAndWait
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        let reason = survivor.tx.disconnect_reason();
        let has_left = self.leaves() && reason == Some(DisconnectReason::Left);
        assert!(reason.is_none() || has_left, "{reason:?} of one that lives");
        match Receiver::open_with(NAME, &place.options()) {
            Err(OpenError::RoleTaken { .. }) => {}
            other => assert!(other.is_ok() && has_left && self.operation == Operation::Drop, "{other:?}"),
        }
        // More than there is room for, whatever has been received.
        let tried = survivor.tx.try_send(&message(CAPACITY)).expect_err("too long");
        assert!(matches!(tried, TrySendError::TooLong { .. }) || has_left, "{tried}");
        let waited = survivor.tx.send_timeout(&message(CAPACITY), Duration::ZERO);
        assert!(waited.is_err_and(|error| error.is_timeout() || has_left && error.is_disconnected()));
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut survivor: Survivor, fate: Fate) -> Progress {
        let reason = survivor.tx.disconnect_reason();
        let has_left = reason == Some(DisconnectReason::Left);
        assert!(has_left && self.leaves() || reason == Some(DisconnectReason::Died), "{reason:?}");
        // A successor takes the role at once, and takes up what was not released: all of the message, or nothing of it.
        let mut rx = Receiver::open_with(NAME, &place.options()).expect("a free seat");
        let was_sent = survivor.has_sent;
        self.send(&mut survivor);
        let (is_gone, is_marked) = self.take_up(&mut rx);
        assert!(is_gone || !fate.is_complete || !self.takes(), "received, and still there");
        assert!(was_sent || !is_gone, "gone, and it had not come");
        bytes_pair::goes_on(survivor.tx, rx);
        if self.leaves() {
            assert!(!is_gone && !is_marked, "nobody has received it");
            return [has_left.into(), 0];
        }
        [is_gone.into(), u64::from(self.has_in_hand() && (is_marked || is_gone))]
    }

    fn range(&self) -> [Progress; 2] {
        let done = self.takes() || self.leaves();
        [[0, 0], [done.into(), u64::from(self.has_in_hand())]]
    }
}

impl Receiving {
    /// Receives what is there: whether the message was gone, or it had been in the victim's hand.
    fn take_up(&self, rx: &mut Receiver) -> (bool, bool) {
        let Ok(guard) = rx.try_recv_ref() else {
            assert_eq!(self.operation, Operation::DropReader, "lost");
            return (true, false);
        };
        let is_gone = guard.len() == NEXT;
        let is_marked = guard.is_redelivered();
        assert_eq!((guard.attempt() > 1, is_marked && is_gone), (is_marked, false));
        assert!(!is_marked || self.has_in_hand(), "marked, and nobody had it in hand");
        assert_eq!(*guard, message(if is_gone { NEXT } else { self.len }), "torn");
        guard.commit();
        if !is_gone {
            assert_eq!(rx.try_recv().expect("a message"), message(NEXT));
        }
        (is_gone, is_marked)
    }
}
