//! The others at a many-to-many channel, before the victim comes and after it is dead.

use super::message::Message;
use super::mpmc_words::Words;
use super::stage::{NAME, Place};
use super::support::PATIENCE;
use ringway::mpmc::{Guard, Receiver, Sender};
use ringway::{DisconnectReason, OpenError, Options, TryRecvError, TrySendError};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The numbers of the first messages of each sender: those that go through before anything happens, the survivor, the
/// victim, one that died before it, and those that come when both are dead.
const WARMTH: u64 = 0;
pub(crate) const MINE: u64 = 1000;
pub(crate) const VICTIMS: u64 = 2000;
pub(crate) const CORPSES: u64 = 3000;
const LATER: u64 = 5000;
/// Numbers between those of two senders.
const RANGE: u64 = 1000;

/// Once a message has come: how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) position: u64,
    pub(crate) attempt: u32,
}

/// A sender and a receiver, two members, and what has come to them.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) tx: Sender<Message>,
    pub(crate) rx: Receiver<Message>,
    /// Messages that the sender has sent.
    pub(crate) sent: u64,
    /// What came, by number.
    pub(crate) came: BTreeMap<u64, Arrival>,
    /// The last unmarked one of each sender.
    last: BTreeMap<u64, u64>,
}

impl Group {
    /// A channel whose ring has been around.
    pub(crate) fn warm(place: &Place) -> Self {
        Self::warm_with(&place.many())
    }

    /// The same, with other options.
    pub(crate) fn warm_with(options: &Options) -> Self {
        let rx = Receiver::create_with(NAME, options).expect("a free name");
        let tx = Sender::open_with(NAME, options).expect("a free place");
        for number in WARMTH..rx.capacity() as u64 + 3 {
            tx.send(Message::new(number)).expect("room");
            assert_eq!(rx.recv(), Ok(Message::new(number)));
        }
        Self { tx, rx, sent: 0, came: BTreeMap::new(), last: BTreeMap::new() }
    }

    /// Sends the next message, for which there is room.
    pub(crate) fn send(&mut self) {
        self.tx.try_send(Message::new(MINE + self.sent)).expect("room");
        self.sent += 1;
    }

    /// Sends the next message, taking others out of the way.
    pub(crate) fn send_behind(&mut self) {
        let message = Message::new(MINE + self.sent);
        if self.tx.try_send(message).is_err() {
            // It is full of messages, or of what the dead keep.
            self.drain();
            self.tx.send_timeout(message, PATIENCE).expect("room that only the dead can have kept");
        }
        self.sent += 1;
    }

    /// Receives what there is now; how many those were.
    pub(crate) fn drain(&mut self) -> usize {
        let before = self.came.len();
        while self.take_now().is_ok() {}
        self.came.len() - before
    }

    /// Receives one message.
    fn take<E>(&mut self, how: impl FnOnce(&Receiver<Message>) -> Result<Guard<'_, Message>, E>) -> Result<u64, E> {
        let guard = how(&self.rx)?;
        let (number, arrival) = (guard.number(), Arrival { position: guard.position(), attempt: guard.attempt() });
        assert_eq!(guard.is_redelivered(), guard.attempt() > 1);
        guard.commit();
        self.note(number, arrival);
        Ok(number)
    }

    /// A message has come: for the first time, and unless it is marked in its sender's order.
    fn note(&mut self, number: u64, arrival: Arrival) {
        let again = self.came.insert(number, arrival);
        assert_eq!(again, None, "{number} comes twice");
        if arrival.attempt == 1 {
            let last = self.last.insert(number / RANGE, number);
            assert!(last.is_none_or(|last| last < number), "{number} comes behind {last:?}");
        }
    }

    pub(crate) fn take_now(&mut self) -> Result<u64, TryRecvError> {
        self.take(Receiver::try_recv_ref)
    }

    /// Both notice who is dead; nobody else is.
    pub(crate) fn ask(&self) {
        let _ = (self.tx.disconnect_reason(), self.rx.disconnect_reason());
    }

    /// Somebody stands still: nothing of theirs is taken over, and nobody is held up.
    pub(crate) fn respects_the_living(&self, place: &Place) {
        self.ask();
        place.nothing_can_be_cleaned();
        assert_eq!(self.rx.stats().dropped, 0);
        for (number, arrival) in &self.came {
            assert_eq!(arrival.attempt, 1, "{number} was taken from one that lives");
        }
        assert!(!Words::of(place).has_tombs(), "a tombstone for one that lives");
    }

    /// Waits a little for what cannot be: not for ever.
    pub(crate) fn is_not_held_up(&mut self) {
        let start = Instant::now();
        if self.tx.is_full() {
            let message = Message::new(MINE + self.sent);
            if self.tx.send_timeout(message, Duration::from_millis(1)).is_ok() {
                self.sent += 1;
            }
        }
        let _ = self.take(|rx| rx.recv_ref_timeout(Duration::from_millis(1)));
        assert!(start.elapsed() < Duration::from_secs(5), "held up by one that stands still");
    }

    /// The dead are dead: all that they left comes, and messages sent behind it come, too.
    pub(crate) fn clear_up(&mut self, asks_first: bool) {
        if asks_first {
            self.ask();
            self.drain();
        }
        self.send_behind();
        self.send_behind();
        let last = MINE + self.sent - 1;
        while !self.came.contains_key(&last) {
            self.take(|rx| rx.recv_ref_timeout(PATIENCE)).expect("the last message");
        }
        // What the dead had in hand may have come behind.
        self.ask();
        self.drain();
        assert_eq!((self.rx.in_hand(), self.rx.len(), self.tx.len()), (0, 0, 0));
    }

    /// The messages of this sender that came, without those that came marked.
    pub(crate) fn came_of(&self, sender: u64) -> Vec<u64> {
        self.came.range(sender..sender + RANGE).map(|(number, _)| *number).collect()
    }

    /// How often a message was delivered, this time included; 0: it did not come.
    pub(crate) fn attempt(&self, number: u64) -> u32 {
        self.came.get(&number).map_or(0, |arrival| arrival.attempt)
    }

    /// All that the survivor sent came, but for these, which the victim took.
    pub(crate) fn mine_came_but_for(&self, taken: &[u64]) {
        let expected: Vec<u64> = (MINE..MINE + self.sent).filter(|number| !taken.contains(number)).collect();
        assert_eq!(self.came_of(MINE), expected, "lost");
        let positions: std::collections::BTreeSet<_> = self.came.values().map(|arrival| arrival.position).collect();
        assert_eq!(positions.len(), self.came.len(), "two messages at one position");
    }

    /// Nobody else is there any more; the channel can be used as if nobody had died, also by newcomers.
    pub(crate) fn goes_on(self, place: &Place) {
        let Self { tx, rx, .. } = self;
        assert_eq!(rx.stats().dropped, 0, "given up");
        let later_tx = Sender::<Message>::open_with(NAME, &place.many()).expect("a place");
        let later_rx = Receiver::<Message>::open_with(NAME, &place.many()).expect("a place");
        let refused = Sender::<Message>::open_with(NAME, &place.many()).expect_err("four places");
        assert!(matches!(refused, OpenError::TooManyMembers { most: 4 }), "{refused}");
        let counts = [tx.sender_count(), tx.receiver_count(), later_rx.sender_count(), later_rx.receiver_count()];
        assert_eq!(counts, [2; 4]);
        exactly_so_many_fit(&[&tx, &later_tx], &[&rx, &later_rx]);
        all_hands_are_free([&rx, &later_rx], &tx);
        assert_eq!((tx.disconnect_reason(), later_rx.disconnect_reason()), (None, None));
        drop((tx, later_tx, later_rx));
        let words = Words::of(place);
        assert_eq!(words.hands(), 0, "a hand is kept");
        let (leased, left) = words.records();
        assert!(leased <= 1 && left == 0, "{leased} records are leased by one, {left} left by the dead");
        assert_eq!((rx.sender_count(), rx.receiver_count()), (0, 1));
    }

    /// It was closed, for all and for good; what was sent, but for what was taken, comes.
    pub(crate) fn must_be_over(mut self, place: &Place, taken: &[u64]) {
        let closed = Some(DisconnectReason::Closed);
        assert_eq!([self.tx.disconnect_reason(), self.rx.disconnect_reason()], [closed; 2]);
        self.drain();
        self.mine_came_but_for(taken);
        assert_eq!(self.take_now(), Err(TryRecvError::Disconnected));
        let tx = Sender::<Message>::open_with(NAME, &place.many()).expect("a place");
        assert_eq!(tx.disconnect_reason(), closed);
        assert_eq!(self.rx.in_hand(), 0);
    }
}

/// The ring takes exactly its capacity, and gives it in order, unmarked.
fn exactly_so_many_fit(senders: &[&Sender<Message>], receivers: &[&Receiver<Message>]) {
    let capacity = senders[0].capacity() as u64;
    let numbers = LATER..LATER + capacity;
    for number in numbers.clone() {
        senders[number as usize % senders.len()].try_send(Message::new(number)).expect("room");
    }
    let over = Message::new(LATER + capacity);
    for sender in senders {
        assert_eq!(sender.try_send(over), Err(TrySendError::Full(over)));
    }
    for number in numbers {
        let receiver = receivers[number as usize / 2 % receivers.len()];
        let guard = receiver.try_recv_ref().expect("a message");
        assert_eq!((guard.number(), guard.attempt()), (number, 1));
        guard.commit();
    }
    for receiver in receivers {
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

/// As many messages can be in hand as the channel has hands: two.
fn all_hands_are_free(receivers: [&Receiver<Message>; 2], sender: &Sender<Message>) {
    let [first, second] = receivers.map(|receiver| {
        sender.try_send(Message::new(LATER)).expect("room");
        receiver.try_recv_ref().expect("a hand")
    });
    assert_eq!(receivers[0].in_hand(), 2);
    first.commit();
    second.commit();
    assert_eq!(receivers[0].in_hand(), 0);
}
