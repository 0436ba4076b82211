//! The others at a many-to-many channel of bytes, before the victim comes and after it is dead.
//!
//! A message is known by its length: no two senders send messages of the same.

use super::bytes_pair::message;
use super::lanes_words::Words;
use super::stage::{NAME, Place};
use super::support::PATIENCE;
use ringway::bytes::mpmc::{Receiver, Sender};
use ringway::bytes::{RecvTimeoutError, TryRecvError, TrySendError};
use ringway::{OpenError, Options};
use std::time::{Duration, Instant};

/// Bytes of a lane of the longest kind, of all scenes but those with short ones.
pub(crate) const LANE: usize = 4096;
/// Bytes of a message that is longer.
pub(crate) const LONG: usize = LANE + 100;
/// Bytes of the messages that the survivor sends: the first, and so on.
const MINE: usize = 1;
/// And of the last of those.
const MINE_END: usize = 30;
/// Those that it sends in lanes are so much longer.
const IN_A_LANE: usize = 1000;

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// All of it, in its so manieth delivery.
    Whole { len: usize, attempt: u32 },
    /// Its beginning, and then the word that no more comes.
    Aborted { bytes: u64 },
}

/// A sender and a receiver, two members, and what has come to them.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) tx: Sender,
    pub(crate) rx: Receiver,
    options: Options,
    /// How many there are.
    lanes: usize,
    /// Messages that the sender has sent.
    pub(crate) sent: usize,
    /// Those that came, but for the sender's.
    pub(crate) came: Vec<Came>,
    /// The sender's that came, in this order.
    mine: Vec<usize>,
    /// How many messages may have been given up.
    pub(crate) dropped_at_most: u64,
}

impl Group {
    /// A channel whose ring has been around, and each of whose lanes was used.
    pub(crate) fn warm(place: &Place) -> Self {
        Self::warm_with(&place.lanes(), 2)
    }

    /// The same, with other options, which make so many lanes.
    pub(crate) fn warm_with(options: &Options, lanes: usize) -> Self {
        let rx = Receiver::create_with(NAME, options).expect("a free name");
        let tx = Sender::open_with(NAME, options).expect("a free place");
        for len in [40, 150, 0, LANE, 113].into_iter().cycle().take(rx.capacity() + 5) {
            tx.send(&message(len)).expect("room");
            assert_eq!(rx.recv(), Ok(message(len)));
        }
        Self {
            tx,
            rx,
            options: options.clone(),
            lanes,
            sent: 0,
            came: Vec::new(),
            mine: Vec::new(),
            dropped_at_most: 0,
        }
    }

    /// The length of the sender's next message.
    fn next(&self) -> usize {
        assert!(MINE + self.sent < MINE_END, "so many messages were not thought of");
        MINE + self.sent
    }

    /// Sends the next message, for which there is room.
    pub(crate) fn send(&mut self) {
        self.tx.try_send(&message(self.next())).expect("room");
        self.sent += 1;
    }

    /// Sends the next message in a lane, of which one is free.
    pub(crate) fn send_in_a_lane(&mut self) {
        self.tx.try_send(&message(IN_A_LANE + self.next())).expect("a lane, and room");
        self.sent += 1;
    }

    /// Sends the next message, taking others out of the way.
    fn send_behind(&mut self) {
        let message = message(self.next());
        if self.tx.try_send(&message).is_err() {
            // It is full of messages, or of what the dead keep.
            self.drain();
            self.tx.send_timeout(&message, PATIENCE).expect("room that only the dead can have kept");
        }
        self.sent += 1;
    }

    /// Receives what there is now; how many messages those were.
    pub(crate) fn drain(&mut self) -> usize {
        for count in 0.. {
            if let Err(why) = self.take(None) {
                assert!(matches!(why, RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected), "{why}");
                return count;
            }
        }
        unreachable!("messages without end")
    }

    /// Receives one message, or the word that one was aborted; `None`: if there is one now.
    pub(crate) fn take(&mut self, timeout: Option<Duration>) -> Result<(), RecvTimeoutError> {
        let got = match timeout {
            None => self.rx.try_recv_ref().map_err(of_a_try),
            Some(timeout) => self.rx.recv_ref_timeout(timeout),
        };
        let guard = match got {
            Ok(guard) => guard,
            Err(RecvTimeoutError::Aborted { bytes }) => {
                self.came.push(Came::Aborted { bytes });
                return Ok(());
            }
            Err(why) => return Err(why),
        };
        let (len, attempt) = (guard.len(), guard.attempt());
        assert!(*guard == message(len), "torn: {len} bytes");
        assert_eq!(guard.is_redelivered(), attempt > 1);
        guard.commit();
        let short = if len > IN_A_LANE { len - IN_A_LANE } else { len };
        if (MINE..MINE_END).contains(&short) {
            assert_eq!(attempt, 1, "{len} was in nobody's hand");
            self.mine.push(short);
        } else {
            self.came.push(Came::Whole { len, attempt });
        }
        Ok(())
    }

    /// Both notice who is dead; nobody else is.
    pub(crate) fn ask(&self) {
        let _ = (self.tx.disconnect_reason(), self.rx.disconnect_reason());
    }

    /// Somebody stands still: nothing of theirs is taken over.
    pub(crate) fn respects_the_living(&self, place: &Place) {
        self.ask();
        place.nothing_can_be_cleaned();
        assert_eq!(self.rx.stats().dropped, 0);
        assert!(!Words::of(place).has_tombs(), "a tombstone for one that lives");
        for came in &self.came {
            assert!(!matches!(came, Came::Whole { attempt: 2.., .. }), "{came:?} of one that lives");
        }
    }

    /// The one other lane can be used, and short messages come, whatever the victim does with its own.
    pub(crate) fn is_not_held_up(&mut self, place: &Place) {
        let start = Instant::now();
        drop(self.tx.claim(LANE).expect("the other lane"));
        let words = Words::of(place);
        // Its own hand and one that it may have leased for what comes next are all there are.
        if words.head() == words.tail() && words.hands() < 2 {
            self.send();
            self.drain();
            assert_eq!(self.mine.len(), self.sent, "it does not come");
        }
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
        while !self.mine.contains(&last) {
            self.take(Some(PATIENCE)).expect("the last message");
        }
        // What the dead had in hand may have come behind, and a long one of theirs is over.
        self.ask();
        self.drain();
        assert_eq!(self.mine, (MINE..MINE + self.sent).collect::<Vec<_>>(), "lost, twice, or out of order");
        assert_eq!((self.rx.in_hand(), self.rx.len(), self.tx.len()), (0, 0, 0));
    }

    /// Nobody else is there any more; the channel can be used as if nobody had died, also by newcomers.
    pub(crate) fn goes_on(self, place: &Place) {
        let Self { tx, rx, options, lanes, dropped_at_most, .. } = self;
        assert!(rx.stats().dropped <= dropped_at_most, "given up");
        assert_eq!(Words::of(place).busy_lane(lanes as u64), None, "a lane is kept");
        let later_tx = Sender::open_with(NAME, &options).expect("a place");
        let later_rx = Receiver::open_with(NAME, &options).expect("a place");
        let refused = Sender::open_with(NAME, &options).expect_err("four places");
        assert!(matches!(refused, OpenError::TooManyMembers { most: 4 }), "{refused}");
        let counts = [tx.sender_count(), tx.receiver_count(), later_rx.sender_count(), later_rx.receiver_count()];
        assert_eq!(counts, [2; 4]);
        all_lanes_are_free(&[&tx, &later_tx], lanes);
        exactly_so_many_fit(&[&tx, &later_tx], &[&rx, &later_rx], lanes);
        all_hands_are_free([&rx, &later_rx], &tx);
        assert_eq!((tx.disconnect_reason(), later_rx.disconnect_reason()), (None, None));
        drop((tx, later_tx, later_rx));
        let words = Words::of(place);
        assert_eq!((words.hands(), words.busy_lane(lanes as u64)), (0, None), "a hand or a lane is kept");
        let (leased, left) = words.records();
        assert!(leased <= 1 && left == 0, "{leased} records are leased by one, {left} left by the dead");
        assert_eq!((rx.sender_count(), rx.receiver_count()), (0, 1));
    }
}

fn of_a_try(error: TryRecvError) -> RecvTimeoutError {
    match error {
        TryRecvError::Empty => RecvTimeoutError::Timeout,
        TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        TryRecvError::Aborted { bytes } => RecvTimeoutError::Aborted { bytes },
        error => panic!("{error}"),
    }
}

/// All lanes can be had at once, and no other.
fn all_lanes_are_free(senders: &[&Sender], lanes: usize) {
    let claim = |n: usize| senders[n % senders.len()].claim(LANE).expect("a lane");
    let claims: Vec<_> = (0..lanes).map(claim).collect();
    for sender in senders {
        assert_eq!(sender.try_send(&message(LANE)), Err(TrySendError::Full), "more lanes than there are");
        assert!(sender.writer_timeout(None, Duration::ZERO).is_err_and(|error| error.is_timeout()));
    }
    drop(claims);
}

/// The ring takes exactly its capacity, as much of it as can be in lanes, and gives it in order, unmarked.
fn exactly_so_many_fit(senders: &[&Sender], receivers: &[&Receiver], lanes: usize) {
    let capacity = senders[0].capacity();
    let len = |n: usize| if n < lanes { LANE - n } else { 40 + n };
    for n in 0..capacity {
        senders[n % senders.len()].try_send(&message(len(n))).expect("room");
    }
    for sender in senders {
        assert_eq!(sender.try_send(&message(3)), Err(TrySendError::Full));
    }
    for n in 0..capacity {
        let guard = receivers[n / 2 % receivers.len()].try_recv_ref().expect("a message");
        assert!(*guard == message(len(n)) && guard.attempt() == 1, "message {n}: {guard:?}");
        guard.commit();
    }
    for receiver in receivers {
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

/// As many messages can be in hand as the channel has hands: two.
fn all_hands_are_free(receivers: [&Receiver; 2], sender: &Sender) {
    sender.try_send(&message(150)).expect("a lane");
    sender.try_send(&message(50)).expect("room");
    let [first, second] = receivers.map(|receiver| receiver.try_recv_ref().expect("a hand"));
    assert_eq!(receivers[0].in_hand(), 2);
    first.commit();
    second.commit();
    assert_eq!(receivers[0].in_hand(), 0);
}
