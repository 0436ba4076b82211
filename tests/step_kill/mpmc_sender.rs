//! A sender among many is the victim; another one sends before it and behind it.

use super::message::{Message, messages};
use super::mpmc_group::{Group, MINE, VICTIMS};
use super::mpmc_words::Words;
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::mpmc::Sender;
use ringway::{DisconnectReason, TrySendError};

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Its first operation.
    SendFirst,
    Send,
    /// The ring is full, and there is room when the victim is about to sleep.
    SendAndWait,
    TrySendFull,
    SendMany,
    Close,
    Clone,
    DropClone,
    /// The last end of its member.
    Drop,
}

#[derive(Debug)]
struct Sending {
    operation: Operation,
    capacity: usize,
    /// Messages that the other one has sent when the victim begins.
    before: u64,
    /// Messages that the operation sends.
    sends: u64,
}

/// The scenes of a sender, on rings of 1, 2 and 4. Whoever finds no room, or does not touch the ring, does the same on
/// every ring.
/// Faults 36 and 39.
pub(crate) fn scenes() -> Vec<Entry> {
    let on = |capacity, operation, before, sends| Entry::new(Sending { operation, capacity, before, sends });
    vec![
        on(1, Operation::SendFirst, 0, 1),
        on(4, Operation::SendFirst, 2, 1),
        on(1, Operation::Send, 0, 1),
        on(2, Operation::Send, 1, 1),
        on(4, Operation::Send, 2, 1),
        on(1, Operation::SendAndWait, 1, 1),
        on(1, Operation::TrySendFull, 1, 0),
        on(1, Operation::SendMany, 0, 1),
        on(2, Operation::SendMany, 0, 2),
        on(4, Operation::SendMany, 1, 3),
        on(4, Operation::Close, 1, 0),
        on(4, Operation::Clone, 1, 0),
        on(4, Operation::DropClone, 1, 0),
        on(4, Operation::Drop, 1, 0),
    ]
}

impl Sending {
    /// Messages that the victim sends before, so that its thread has what it needs.
    fn prelude(&self) -> u64 {
        let is_first = matches!(self.operation, Operation::SendFirst | Operation::TrySendFull);
        u64::from(!is_first)
    }

    fn first(&self) -> u64 {
        VICTIMS + self.prelude()
    }
}

impl Scene for Sending {
    type Survivor = Group;

    fn name(&self) -> String {
        format!("mpmc {:?}, {} before, ring of {}", self.operation, self.before, self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        match self.operation {
            // On the others it does the same.
            Operation::Send if self.capacity == 2 => Points::EveryInstruction,
            Operation::Drop => Points::CallsAndChanges,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Group {
        Group::warm(place)
    }

    fn play(&self, place: &Place) {
        let tx = Sender::open_with(NAME, &place.many()).expect("a place");
        for number in VICTIMS..self.first() {
            tx.try_send(Message::new(number)).expect("room");
        }
        let batch = messages(self.first()..self.first() + self.sends);
        match self.operation {
            Operation::SendFirst | Operation::Send | Operation::SendAndWait => {
                act(|| tx.send(batch[0]), |result| result.is_ok())
            }
            Operation::TrySendFull => {
                let message = Message::new(self.first());
                act(|| tx.try_send(message), |result| matches!(result, Err(TrySendError::Full(_))))
            }
            Operation::SendMany => act(|| tx.send_many(&batch), |result| result.is_ok()),
            Operation::Close => act(|| tx.close(), |()| true),
            Operation::Clone => act(|| tx.clone(), |_| true),
            Operation::DropClone => {
                let clone = tx.clone();
                act(move || drop(clone), |()| true)
            }
            Operation::Drop => act(move || drop(tx), |()| true),
        }
    }

    fn settle(&self, _: &Place, group: &mut Group) {
        assert_eq!(group.drain() as u64, self.prelude());
        (0..self.before).for_each(|_| group.send());
    }

    fn relieve(&self, group: &mut Group) {
        assert_eq!(group.drain(), 1);
    }

    fn freezes(&self) -> bool {
        // Whether it finds room depends on when it looks.
        self.operation != Operation::TrySendFull
    }

    fn meanwhile(&self, place: &Place, group: &mut Group) {
        let reason = group.rx.disconnect_reason();
        let is_closed = reason == Some(DisconnectReason::Closed);
        assert!(reason.is_none() || is_closed && self.operation == Operation::Close, "{reason:?} of one that lives");
        let ends = group.rx.sender_count();
        let expected = match self.operation {
            Operation::Clone | Operation::DropClone => 2..=3,
            Operation::Drop => 1..=2,
            _ => 2..=2,
        };
        assert!(expected.contains(&ends), "{ends} senders");
        if !is_closed {
            group.drain();
            assert!(group.came_of(MINE).len() as u64 >= self.before, "sent before, and not there");
            let words = Words::of(place);
            // What is behind the place that it has claimed waits for it.
            let is_stuck = words.head() < words.tail();
            let has_room = words.tail() < words.head() + self.capacity as u64;
            let sent = group.tx.try_send(Message::new(MINE + group.sent));
            assert_eq!(sent.is_ok(), has_room, "{sent:?}");
            group.sent += u64::from(has_room);
            assert_eq!(group.drain(), usize::from(has_room && !is_stuck));
            group.is_not_held_up();
        }
        group.respects_the_living(place);
    }

    fn afterwards(&self, place: &Place, group: &mut Group) {
        if group.rx.disconnect_reason().is_none() {
            group.clear_up(false);
            group.respects_the_living(place);
        }
    }

    fn bury(&self, place: &Place, mut group: Group, fate: Fate) -> Progress {
        if group.rx.disconnect_reason() == Some(DisconnectReason::Closed) {
            group.must_be_over(place, &[]);
            return [0, 1];
        }
        group.clear_up(fate.state % 2 == 0);
        group.mine_came_but_for(&[]);
        let came = group.came_of(VICTIMS);
        assert_eq!(
            came,
            (VICTIMS..VICTIMS + came.len() as u64).collect::<Vec<_>>(),
            "a later one, and not an earlier one"
        );
        let arrived = (came.len() as u64).checked_sub(self.prelude()).expect("what was sent before");
        assert!(came.iter().all(|number| group.attempt(*number) == 1), "nobody else had it");
        group.goes_on(place);
        let is_over = fate.is_complete && self.operation == Operation::Close;
        assert!(!is_over, "closed, and it is open");
        [arrived, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [self.sends, u64::from(self.operation == Operation::Close)]]
    }
}
