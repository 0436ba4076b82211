//! The victim is the last of the senders, or holds the last message of a sender that has left: whoever receives gets what
//! there is before it is told that nobody sends any more.

use super::message::Message;
use super::mpmc_group::{Group, MINE, VICTIMS};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use super::support::PATIENCE;
use ringway::mpmc::{Receiver, Sender};
use ringway::{RecvTimeoutError, TryRecvError};

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Send,
    Recv,
    RecvRef,
}

/// The scenes of the last ones, on a ring of two.
pub(crate) fn scenes() -> Vec<Entry> {
    [Last::Send, Last::Recv, Last::RecvRef].into_iter().map(Entry::new).collect()
}

impl Last {
    /// Receives until it is told that nobody sends any more: the message's delivery, 0 if it did not come.
    fn receive_all(self, rx: &Receiver<Message>, number: u64, tries: bool) -> u64 {
        let mut attempt = 0;
        loop {
            let got = if tries { rx.try_recv_ref().map_err(of_a_try) } else { rx.recv_ref_timeout(PATIENCE) };
            match got {
                Ok(guard) => {
                    assert_eq!((guard.number(), attempt), (number, 0), "once");
                    attempt = guard.attempt().into();
                    guard.commit();
                }
                Err(RecvTimeoutError::Disconnected) => return attempt,
                // The dead one may have been asked for a moment ago.
                Err(error) => assert!(tries, "{error}"),
            }
        }
    }

    fn number(self) -> u64 {
        if self == Self::Send { VICTIMS } else { MINE }
    }
}

fn of_a_try(error: TryRecvError) -> RecvTimeoutError {
    if error.is_disconnected() { RecvTimeoutError::Disconnected } else { RecvTimeoutError::Timeout }
}

impl Scene for Last {
    type Survivor = (Receiver<Message>, Option<Sender<Message>>);

    fn name(&self) -> String {
        format!("mpmc last {self:?}")
    }

    fn capacity(&self) -> usize {
        2
    }

    fn points(&self) -> Points {
        Points::CloseToChanges
    }

    fn survive(&self, place: &Place) -> Self::Survivor {
        let mut group = Group::warm(place);
        if *self != Self::Send {
            group.send();
        }
        (group.rx, Some(group.tx))
    }

    fn play(&self, place: &Place) {
        let options = place.many();
        if *self == Self::Send {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            act(|| tx.send(Message::new(VICTIMS)), |result| result.is_ok());
        }
        let rx = Receiver::<Message>::open_with(NAME, &options).expect("a place");
        match self {
            Self::Recv => act(|| rx.recv(), |got| got.is_ok()),
            _ => act(|| rx.recv_ref(), |got| got.is_ok()),
        }
    }

    fn settle(&self, _: &Place, (_, tx): &mut Self::Survivor) {
        drop(tx.take());
    }

    fn meanwhile(&self, place: &Place, (rx, _): &mut Self::Survivor) {
        assert_eq!(rx.disconnect_reason().is_none(), *self == Self::Send);
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, (rx, _): Self::Survivor, fate: Fate) -> Progress {
        let attempt = self.receive_all(&rx, self.number(), fate.state % 2 == 0);
        // Whoever asks learns of nothing more.
        let _ = rx.disconnect_reason();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected), "it was told too early that nobody sends");
        assert_eq!((rx.in_hand(), rx.len(), rx.stats().dropped), (0, 0, 0));
        // Others may follow.
        let tx = Sender::open_with(NAME, &place.many()).expect("a place");
        tx.try_send(Message::new(1)).expect("room");
        assert_eq!(rx.try_recv(), Ok(Message::new(1)));
        match self {
            Self::Send => [attempt, 0],
            Self::Recv => [u64::from(attempt == 0), if attempt == 0 { 2 } else { attempt }],
            Self::RecvRef => [0, attempt],
        }
    }

    fn range(&self) -> [Progress; 2] {
        match self {
            Self::Send => [[0, 0], [1, 0]],
            Self::Recv => [[0, 1], [1, 2]],
            Self::RecvRef => [[0, 1], [0, 2]],
        }
    }
}
