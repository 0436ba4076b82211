//! A receiver of one of two is the victim.

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
    Recv,
    /// The ring is empty, and there is a message when the victim is about to sleep.
    RecvAndWait,
    TryRecvEmpty,
    RecvMany,
    RecvRefAndCommit,
    RecvRefAndDrop,
    ReadAndRelease,
    /// All but one of the messages that were read.
    ReadAndReleaseSome,
    Close,
    Drop,
}

#[derive(Debug)]
struct Receiving {
    operation: Operation,
    capacity: usize,
    /// Messages that are there when the victim comes.
    there: u64,
    /// Messages that the operation releases.
    releases: u64,
    /// Messages that the operation hands out before it releases any.
    hands_out: u64,
}

#[derive(Debug)]
pub(crate) struct Survivor {
    tx: Sender<Message>,
    /// Messages sent since the ring was warm.
    sent: u64,
}

/// The scenes of a receiver, on rings of 1, 2 and 4. Whoever has found a message or none does the same on every ring, so
/// that is done on one.
/// Fault 38.
pub(crate) fn scenes() -> Vec<Entry> {
    let on = |capacity, operation, there, releases, hands_out| {
        Entry::new(Receiving { operation, capacity, there, releases, hands_out })
    };
    let mut scenes = vec![
        on(1, Operation::RecvAndWait, 0, 1, 0),
        on(1, Operation::TryRecvEmpty, 0, 0, 0),
        on(2, Operation::RecvRefAndDrop, 2, 0, 1),
        on(2, Operation::ReadAndReleaseSome, 2, 1, 2),
        on(4, Operation::Close, 4, 0, 0),
        on(4, Operation::Drop, 4, 0, 0),
    ];
    for (capacity, full) in [(1, 1), (2, 2), (4, 4)] {
        scenes.push(on(capacity, Operation::Recv, full, 1, 0));
        scenes.push(on(capacity, Operation::RecvMany, full, full, 0));
        scenes.push(on(capacity, Operation::RecvRefAndCommit, full, 1, 1));
        scenes.push(on(capacity, Operation::ReadAndRelease, full, full, full));
    }
    scenes
}

impl Receiving {
    /// The position of the first message that is there.
    fn first(&self) -> u64 {
        spsc_pair::warmth(self.capacity)
    }

    fn leaves(&self) -> bool {
        matches!(self.operation, Operation::Close | Operation::Drop)
    }

    /// Sends for as long as there is room; why there is no more.
    fn fill(&self, survivor: &mut Survivor) -> TrySendError<Message> {
        loop {
            let message = Message::new(self.first() + survivor.sent);
            match survivor.tx.try_send(message) {
                Ok(()) => survivor.sent += 1,
                Err(why) => {
                    let (TrySendError::Full(returned) | TrySendError::Disconnected(returned)) = why;
                    assert_eq!(returned, message, "handed back");
                    return why;
                }
            }
        }
    }

    /// Receives what the victim left: how many it had released, and how many of the rest were handed out.
    fn take_up(&self, rx: &mut Receiver<Message>, sent: u64) -> (u64, u64) {
        let (mut released, mut marked) = (None, 0);
        let mut next = self.first();
        while let Ok(message) = rx.try_recv_ref() {
            let position = message.position();
            released.get_or_insert(position - self.first());
            assert_eq!(message.number(), position, "another message at its position");
            assert!(position == next || next == self.first(), "out of order");
            next = position + 1;
            assert_eq!(message.attempt(), if message.is_redelivered() { 2 } else { 1 });
            if message.is_redelivered() {
                marked += 1;
                assert_eq!(marked + released.unwrap_or(0), next - self.first(), "marks come first");
            }
            message.commit();
        }
        let end = self.first() + sent;
        let released = released.unwrap_or(sent);
        assert!(next == end || (next == self.first() && released == sent), "lost: {next} is not there, of {end}");
        (released, marked)
    }
}

impl Scene for Receiving {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("spsc {:?}, {} there, ring of {}", self.operation, self.there, self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        match self.operation {
            Operation::Drop => Points::CallsAndChanges,
            // It spins before it sleeps, and reads clocks; or it only reads.
            Operation::RecvAndWait | Operation::TryRecvEmpty => Points::Sampled,
            Operation::Close => Points::EveryInstruction,
            _ if self.capacity == 1 => Points::EveryInstruction,
            // On the other rings the same instructions do the same, more often in a batch; only what they change differs.
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Survivor {
        let (mut tx, rx) = spsc_pair::warm(place);
        tx.send_many(&messages(self.first()..self.first() + self.there)).expect("room");
        drop(rx);
        Survivor { tx, sent: self.there }
    }

    fn play(&self, place: &Place) {
        let mut rx = Receiver::<Message>::open_with(NAME, &place.options()).expect("a receiver's seat");
        let first = Message::new(self.first());
        let batch = messages(self.first()..self.first() + self.there);
        let there = self.there as usize;
        match self.operation {
            Operation::Recv | Operation::RecvAndWait => act(|| rx.recv(), |got| *got == Ok(first)),
            Operation::TryRecvEmpty => act(|| rx.try_recv(), |got| *got == Err(TryRecvError::Empty)),
            Operation::RecvMany => {
                let mut got = messages(0..self.there);
                act(
                    || {
                        let count = rx.recv_many(&mut got);
                        (count, &got)
                    },
                    |(count, got)| *count == Ok(there) && **got == batch,
                )
            }
            Operation::RecvRefAndCommit => act(
                || {
                    let message = rx.recv_ref().expect("a message");
                    let got = *message;
                    message.commit();
                    got
                },
                |got| *got == first,
            ),
            Operation::RecvRefAndDrop => act(|| *rx.recv_ref().expect("a message"), |got| *got == first),
            Operation::ReadAndRelease | Operation::ReadAndReleaseSome => {
                let mut got = messages(0..self.there);
                act(
                    || {
                        let grant = rx.try_read(there).expect("messages");
                        grant.copy_to_slice(&mut got);
                        grant.release(self.releases as usize);
                        &got
                    },
                    |got| **got == batch,
                )
            }
            Operation::Close => act(|| rx.close(), |()| true),
            Operation::Drop => act(move || drop(rx), |()| true),
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        assert_eq!(survivor.sent, 0);
        survivor.tx.try_send(Message::new(self.first())).expect("room");
        survivor.sent = 1;
    }

    fn freezes(&self) -> bool {
        // Whether it finds a message depends on when it looks.
        self.operation != Operation::TryRecvEmpty
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        let reason = survivor.tx.disconnect_reason();
        let has_left = self.leaves() && reason == Some(DisconnectReason::Left);
        assert!(reason.is_none() || has_left, "{reason:?} of one that lives");
        match Receiver::<Message>::open_with(NAME, &place.options()) {
            Err(OpenError::RoleTaken { .. }) => {}
            Ok(_) => assert!(has_left && self.operation == Operation::Drop, "two receivers"),
            Err(error) => panic!("{error}"),
        }
        let end = self.fill(survivor);
        assert!(matches!(end, TrySendError::Full(_)) || has_left, "{end:?} of one that lives");
        let start = Instant::now();
        let waited = survivor.tx.send_timeout(Message::new(0), Duration::from_millis(1));
        assert!(waited.is_err_and(|error| error.is_disconnected() == has_left), "{end:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "held up by one that stands still");
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut survivor: Survivor, fate: Fate) -> Progress {
        let reason = survivor.tx.disconnect_reason().expect("a dead receiver");
        let has_left = reason == DisconnectReason::Left;
        assert!(reason == DisconnectReason::Died || (has_left && self.leaves()), "{reason:?}");
        let mut rx = None;
        if fate.state % 2 == 0 {
            // There is room for as many as were released, until its death is noticed.
            let end = self.fill(&mut survivor);
            assert!(matches!(end, TrySendError::Disconnected(_)) || !has_left, "{end:?}");
        } else {
            rx = Some(Receiver::open_with(NAME, &place.options()).expect("a free seat"));
            assert!(matches!(self.fill(&mut survivor), TrySendError::Full(_)));
        }
        // A successor takes the role at once, and takes up what was not released.
        let mut rx = rx.unwrap_or_else(|| Receiver::open_with(NAME, &place.options()).expect("a free seat"));
        let (released, marked) = self.take_up(&mut rx, survivor.sent);
        if !has_left || fate.state % 2 == 1 {
            assert_eq!(survivor.sent - released, self.capacity as u64, "full is said exactly");
        }
        spsc_pair::goes_on(survivor.tx, rx, self.first() + survivor.sent);
        assert!(released == 0 || released == self.releases, "{released} released");
        let handed_out = if self.hands_out > 0 { marked + released } else { marked };
        assert!([0, self.hands_out].contains(&handed_out) || fate.is_complete, "{marked} marked, {released} released");
        let progress = if self.leaves() { u64::from(has_left) } else { handed_out };
        [released, progress]
    }

    fn range(&self) -> [Progress; 2] {
        let least = [0, 0];
        [least, [self.releases, if self.leaves() { 1 } else { self.hands_out }]]
    }
}
