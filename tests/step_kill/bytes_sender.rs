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

/// Fault 36.
pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{Claim, GiveUp, Send, SendInParts, SendNext, Write};
    let plan =
        [(Send, 0), (Send, 7), (Send, 40), (SendNext, 7), (Claim, 20), (SendInParts, 150), (Write, 70), (GiveUp, 70)];
    plan.map(|(operation, len)| Entry::new(Sending { operation, len })).into()
}

impl Sending {
    /// What is there now; why there is no more.
    fn drain(&self, survivor: &mut Survivor) -> TryRecvError {
        loop {
            let came = match survivor.rx.try_recv() {
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

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        assert_eq!(survivor.rx.disconnect_reason(), None, "of one that lives");
        match Sender::open_with(NAME, &place.options()) {
            Err(OpenError::RoleTaken { .. }) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(self.drain(survivor), TryRecvError::Empty);
        assert!(survivor.rx.recv_timeout(Duration::from_millis(1)).is_err_and(|error| error.is_timeout()));
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut survivor: Survivor, fate: Fate) -> Progress {
        assert_eq!(survivor.rx.disconnect_reason(), Some(DisconnectReason::Died));
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
        survivor.came
    }

    fn range(&self) -> [Progress; 2] {
        let all = if self.operation == Operation::GiveUp { 1 } else { 2 };
        [[0, 0], [all, self.len as u64]]
    }
}
