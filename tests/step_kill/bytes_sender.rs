//! A sender of messages of bytes is the victim.

use super::bytes_pair::{self, CAPACITY, message};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::TryRecvError;
use ringway::bytes::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, OpenError};
use std::io::Write;
use std::time::Duration;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Send,
    /// Behind another one, in the room that was found for that.
    SendNext,
    /// With less room claimed than a frame has, and less written than claimed.
    Claim,
    /// In four parts.
    SendInParts,
    /// Part by part, of which nobody knows how many there will be.
    Write,
    /// The first two parts, and then nothing.
    GiveUp,
    TrySend,
    /// It is given back.
    DropClaim,
    /// The ring is full, and there is room when the victim is about to sleep.
    SendAndWait,
    Close,
    Drop,
}

#[derive(Debug)]
struct Sending {
    operation: Operation,
    /// Bytes of the message.
    len: usize,
}

#[derive(Debug)]
pub(crate) struct Survivor {
    rx: Receiver,
    /// What has come: nothing, a part of it, all; and how many bytes.
    came: Progress,
}

/// Bytes of the one that is sent before.
const PRELUDE: usize = 1;

/// And of each of those that fill the ring.
const FILLING: usize = 50;

/// Fault 36.
pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{Claim, Close, Drop, DropClaim, GiveUp, Send, SendAndWait, SendInParts, SendNext, TrySend, Write};
    let plan =
        [(Send, 0), (Send, 7), (Send, 40), (SendNext, 7), (Claim, 20), (SendInParts, 150), (Write, 70), (GiveUp, 70)];
    let more = [(TrySend, 40), (DropClaim, 20), (SendAndWait, 52), (Close, 0), (Drop, 0)];
    plan.into_iter().chain(more).map(|(operation, len)| Entry::new(Sending { operation, len })).collect()
}

impl Sending {
    fn sends(&self) -> bool {
        !matches!(self.operation, Operation::DropClaim | Operation::Close | Operation::Drop)
    }

    fn leaves(&self) -> bool {
        matches!(self.operation, Operation::Close | Operation::Drop)
    }

    /// What is there now; why there is no more.
    fn drain(&self, survivor: &mut Survivor) -> TryRecvError {
        loop {
            let came = match survivor.rx.try_recv() {
                // It fills the ring.
                Ok(got) if self.operation == Operation::SendAndWait && got == message(FILLING) => continue,
                Ok(got) => {
                    assert_eq!(got, message(self.len), "torn");
                    [2, self.len as u64]
                }
                Err(TryRecvError::Aborted { bytes }) => [1, bytes],
                Err(why) => return why,
            };
            assert_eq!(survivor.came, [0, 0], "more than one message");
            survivor.came = came;
        }
    }
}

impl Scene for Sending {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("bytes {:?}, {} bytes", self.operation, self.len)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match self.operation {
            // Of a message with no bytes, and so with nothing between its steps that is only a copy.
            Operation::Send if self.len == 0 => Points::EveryInstruction,
            Operation::Drop => Points::CallsAndChanges,
            // The same steps, and more bytes: each copy of some is a change.
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Survivor {
        let (_, rx) = bytes_pair::warm(place);
        Survivor { rx, came: [0, 0] }
    }

    fn play(&self, place: &Place) {
        let mut tx = Sender::open_with(NAME, &place.options()).expect("a sender's seat");
        let bytes = message(self.len);
        match self.operation {
            Operation::SendNext => {
                tx.send(&message(PRELUDE)).expect("room");
                act(|| tx.send(&bytes), |result| result.is_ok())
            }
            Operation::SendAndWait => {
                while tx.try_send(&message(FILLING)).is_ok() {}
                act(|| tx.send(&bytes), |result| result.is_ok())
            }
            Operation::TrySend => act(|| tx.try_send(&bytes), |result| result.is_ok()),
            Operation::DropClaim => act(
                || {
                    let mut claim = tx.claim(self.len + 9).expect("room");
                    claim[..self.len].copy_from_slice(&bytes);
                },
                |()| true,
            ),
            Operation::Close => act(|| tx.close(), |()| true),
            Operation::Drop => act(|| drop(tx), |()| true),
            Operation::Send | Operation::SendInParts => act(|| tx.send(&bytes), |result| result.is_ok()),
            Operation::Claim => act(
                || {
                    let mut claim = tx.claim(self.len + 9).expect("room");
                    claim[..self.len].copy_from_slice(&bytes);
                    claim.commit(self.len);
                },
                |()| true,
            ),
            Operation::Write => act(
                || {
                    let mut writer = tx.writer(None);
                    writer.write_all(&bytes[..30]).and_then(|()| writer.flush()).expect("room");
                    writer.write_all(&bytes[30..]).and_then(|()| writer.finish())
                },
                |result| result.is_ok(),
            ),
            Operation::GiveUp => act(
                || {
                    let mut writer = tx.writer(Some(1000));
                    writer.write_all(&bytes).and_then(|()| writer.flush()).expect("room");
                    drop(writer);
                },
                |()| true,
            ),
        }
    }

    fn settle(&self, _: &Place, survivor: &mut Survivor) {
        if self.operation == Operation::SendNext {
            assert_eq!(survivor.rx.try_recv(), Ok(message(PRELUDE)));
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        while survivor.rx.try_recv().is_ok_and(|got| got == message(FILLING)) {}
    }

    fn relieves_on_the_way(&self) -> bool {
        self.operation == Operation::SendAndWait
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        let reason = survivor.rx.disconnect_reason();
        let has_left = self.leaves() && reason == Some(DisconnectReason::Left);
        assert!(reason.is_none() || has_left, "{reason:?} of one that lives");
        match Sender::open_with(NAME, &place.options()) {
            Err(OpenError::RoleTaken { .. }) => {}
            other => assert!(other.is_ok() && has_left && self.operation == Operation::Drop, "{other:?}"),
        }
        assert!(self.drain(survivor) == TryRecvError::Empty || has_left);
        let waited = survivor.rx.recv_timeout(Duration::from_millis(1));
        assert!(waited.is_err_and(|error| error.is_timeout() || has_left && error.is_disconnected()));
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut survivor: Survivor, fate: Fate) -> Progress {
        let reason = survivor.rx.disconnect_reason();
        let has_left = reason == Some(DisconnectReason::Left);
        assert!(has_left && self.leaves() || reason == Some(DisconnectReason::Died), "{reason:?}");
        if fate.state % 2 == 0 {
            // Its death may not be noticed yet.
            let end = self.drain(&mut survivor);
            assert!(matches!(end, TryRecvError::Disconnected | TryRecvError::Empty), "{end:?}");
        }
        // A successor takes the role at once, and goes on behind what was published.
        let tx = Sender::open_with(NAME, &place.options()).expect("a free seat");
        if fate.state % 2 == 1 {
            assert_eq!(self.drain(&mut survivor), TryRecvError::Empty);
        }
        bytes_pair::goes_on(tx, survivor.rx);
        if self.leaves() {
            assert_eq!(survivor.came, [0, 0], "nobody sent that");
            return [has_left.into(), 0];
        }
        survivor.came
    }

    fn range(&self) -> [Progress; 2] {
        match self.operation {
            Operation::GiveUp => [[0, 0], [1, self.len as u64]],
            _ if self.sends() => [[0, 0], [2, self.len as u64]],
            _ => [[0, 0], [self.leaves().into(), 0]],
        }
    }
}
