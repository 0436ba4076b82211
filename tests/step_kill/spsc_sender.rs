//! A sender of one of two is the victim.

use super::message::{Message, messages};
use super::puppet::act;
use super::spsc_pair;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, OpenError, TryRecvError, TrySendError};
use std::time::{Duration, Instant};

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Send,
    /// The ring was full when the victim last looked, and has room now.
    SendIntoFreedRoom,
    /// The ring is full, and there is room when the victim is about to sleep.
    SendAndWait,
    TrySendFull,
    SendMany,
    /// All but one of the room that was reserved.
    Commit,
    Close,
    Drop,
}

#[derive(Debug)]
struct Sending {
    operation: Operation,
    capacity: usize,
    /// Messages that the victim has sent before.
    before: u64,
    /// Messages that the operation sends.
    sends: u64,
}

#[derive(Debug)]
pub(crate) struct Survivor {
    rx: Receiver<Message>,
    got: Vec<Message>,
}

/// The scenes of a sender, on rings of 1, 2 and 4. Whoever has found room or none does the same on every ring, so that
/// is done on one.
/// Fault 36.
pub(crate) fn scenes() -> Vec<Entry> {
    let on = |capacity, operation, before, sends| Entry::new(Sending { operation, capacity, before, sends });
    let mut scenes = vec![
        on(1, Operation::SendAndWait, 1, 1),
        on(1, Operation::TrySendFull, 1, 0),
        on(2, Operation::SendIntoFreedRoom, 2, 1),
        on(4, Operation::Send, 3, 1),
        on(4, Operation::Close, 1, 0),
        on(4, Operation::Drop, 1, 0),
    ];
    for (capacity, full) in [(1, 1), (2, 2), (4, 4)] {
        scenes.push(on(capacity, Operation::Send, 0, 1));
        scenes.push(on(capacity, Operation::SendMany, 0, full));
        scenes.push(on(capacity, Operation::Commit, 0, (full - 1).max(1)));
    }
    scenes
}

impl Sending {
    /// Messages that have gone through the ring when the victim comes.
    fn first(&self) -> u64 {
        spsc_pair::warmth(self.capacity)
    }

    fn next(&self) -> u64 {
        self.first() + self.before
    }

    fn leaves(&self) -> bool {
        matches!(self.operation, Operation::Close | Operation::Drop)
    }

    /// What is there now; why there is no more.
    fn drain(&self, survivor: &mut Survivor) -> TryRecvError {
        loop {
            match survivor.rx.try_recv() {
                Ok(message) => {
                    assert_eq!(message.number(), self.first() + survivor.got.len() as u64, "out of order");
                    survivor.got.push(message);
                }
                Err(why) => return why,
            }
        }
    }
}

impl Scene for Sending {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("spsc {:?}, {} before, ring of {}", self.operation, self.before, self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        match self.operation {
            Operation::Drop => Points::CallsAndChanges,
            // It spins before it sleeps, and reads clocks; or it only reads.
            Operation::SendAndWait | Operation::TrySendFull => Points::Sampled,
            Operation::Close => Points::EveryInstruction,
            _ if self.capacity == 1 => Points::EveryInstruction,
            // On the other rings the same instructions do the same, more often in a batch; only what they change differs.
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Survivor {
        let (_, rx) = spsc_pair::warm(place);
        Survivor { rx, got: Vec::new() }
    }

    fn play(&self, place: &Place) {
        let mut tx = Sender::open_with(NAME, &place.options()).expect("a sender's seat");
        for number in self.first()..self.next() {
            tx.send(Message::new(number)).expect("room");
        }
        let next = self.next();
        let batch = messages(next..next + self.sends);
        match self.operation {
            Operation::Send | Operation::SendIntoFreedRoom | Operation::SendAndWait => {
                act(|| tx.send(batch[0]), |result| result.is_ok())
            }
            Operation::TrySendFull => {
                let message = Message::new(next);
                // What a stopped victim's survivor made room for meanwhile may be used.
                act(|| tx.try_send(message), |result| matches!(result, Err(TrySendError::Full(_))))
            }
            Operation::SendMany => act(|| tx.send_many(&batch), |result| result.is_ok()),
            Operation::Commit => {
                let room = self.capacity;
                act(
                    || {
                        let mut grant = tx.try_reserve(room).expect("room");
                        let filled = grant.copy_from_slice(&batch);
                        grant.commit(filled);
                    },
                    |()| true,
                )
            }
            Operation::Close => act(|| tx.close(), |()| true),
            Operation::Drop => act(move || drop(tx), |()| true),
        }
    }

    fn settle(&self, _: &Place, survivor: &mut Survivor) {
        if self.operation == Operation::SendIntoFreedRoom {
            self.relieve(survivor);
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        assert_eq!(survivor.got, []);
        survivor.got.push(survivor.rx.try_recv().expect("a full ring"));
    }

    fn freezes(&self) -> bool {
        // Whether it finds room depends on when it looks.
        self.operation != Operation::TrySendFull
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        let reason = survivor.rx.disconnect_reason();
        let has_left = self.leaves() && reason == Some(DisconnectReason::Left);
        assert!(reason.is_none() || has_left, "{reason:?} of one that lives");
        match Sender::<Message>::open_with(NAME, &place.options()) {
            Err(OpenError::RoleTaken { .. }) => {}
            Ok(_) => assert!(has_left && self.operation == Operation::Drop, "two senders"),
            Err(error) => panic!("{error}"),
        }
        let end = self.drain(survivor);
        assert!(survivor.got.len() as u64 >= self.before, "sent before, and not there");
        assert!(end == TryRecvError::Empty || has_left, "{end:?} of one that lives");
        let start = Instant::now();
        let waited = survivor.rx.recv_timeout(Duration::from_millis(1));
        assert!(waited.is_err_and(|error| error.is_disconnected() == has_left), "{waited:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "held up by one that stands still");
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut survivor: Survivor, fate: Fate) -> Progress {
        let reason = survivor.rx.disconnect_reason().expect("a dead sender");
        let has_left = reason == DisconnectReason::Left;
        assert!(reason == DisconnectReason::Died || (has_left && self.leaves()), "{reason:?}");
        if fate.state % 2 == 0 {
            let end = self.drain(&mut survivor);
            assert!(end == TryRecvError::Disconnected || !has_left, "{end:?}");
        }
        // A successor takes the role at once, and goes on behind what was published.
        let tx = Sender::open_with(NAME, &place.options()).expect("a free seat");
        if fate.state % 2 == 1 {
            assert_eq!(self.drain(&mut survivor), TryRecvError::Empty);
        }
        let arrived = (survivor.got.len() as u64).checked_sub(self.before).expect("what was sent before");
        spsc_pair::goes_on(tx, survivor.rx, self.next() + arrived);
        [arrived, has_left.into()]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [self.sends, self.leaves().into()]]
    }
}
