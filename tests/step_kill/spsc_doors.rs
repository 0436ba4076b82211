//! The victim comes to a channel, leaves it, or cleans up.

use super::message::{Message, messages};
use super::puppet::{Puppet, act};
use super::spsc_pair;
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, OpenError, observe};

/// What the victim does where nobody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    CreateSender,
    CreateReceiver,
    OpenOrCreateSender,
    /// Somebody created the channel before, and was killed.
    CreateOverStale,
    /// The same.
    OpenOrCreateOverStale,
    /// The same.
    CleanStale,
    /// The victim is the last one out.
    DropLast,
}

/// A second sender comes, behind one that was killed; the receiver is there.
#[derive(Debug)]
struct SecondSender {
    capacity: usize,
}

/// A second receiver comes, behind one that was killed with all messages in its hand; the sender is there.
#[derive(Debug)]
struct SecondReceiver {
    capacity: usize,
}

/// The scenes at the doors.
/// Fault 2.
pub(crate) fn scenes() -> Vec<Entry> {
    let mut scenes: Vec<Entry> = [
        Alone::CreateSender,
        Alone::CreateReceiver,
        Alone::OpenOrCreateSender,
        Alone::CreateOverStale,
        Alone::OpenOrCreateOverStale,
        Alone::CleanStale,
        Alone::DropLast,
    ]
    .into_iter()
    .filter(|scene| scene.is_like_no_other() || stage::everywhere())
    .map(Entry::new)
    .collect();
    // One of no words that `tail` does not tell but the first, and one of more; a receiver only reads them.
    for capacity in [1, 2, 4] {
        if capacity < 4 || stage::everywhere() {
            scenes.push(Entry::new(SecondSender { capacity }));
        }
        if capacity == 2 || stage::everywhere() {
            scenes.push(Entry::new(SecondReceiver { capacity }));
        }
    }
    scenes
}

/// A victim of another kind: it is killed when it has prepared.
fn predecessor(play: impl FnOnce()) {
    Puppet::start(play).kill();
}

impl Alone {
    /// Who opens or creates creates as one who only creates.
    fn is_like_no_other(&self) -> bool {
        !matches!(self, Self::CreateSender | Self::CreateOverStale)
    }

    fn finds_stale(self) -> bool {
        matches!(self, Self::CreateOverStale | Self::OpenOrCreateOverStale | Self::CleanStale)
    }

    /// The name is there in the end.
    fn makes(self) -> bool {
        !matches!(self, Self::CleanStale | Self::DropLast)
    }
}

impl Scene for Alone {
    type Survivor = ();

    fn name(&self) -> String {
        format!("spsc {self:?}")
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        match self {
            // It changes nothing but by calls of the kernel.
            Self::CleanStale => Points::Calls,
            _ => Points::CallsAndChanges,
        }
    }

    fn maps(&self) -> bool {
        self.makes()
    }

    fn survive(&self, place: &Place) {
        if self.finds_stale() {
            predecessor(|| {
                let mut tx = Sender::create_with(NAME, &place.options()).expect("a free name");
                tx.send(Message::new(0)).expect("room");
                act(|| (), |()| true)
            });
        }
    }

    fn play(&self, place: &Place) {
        let options = place.options();
        match self {
            Self::CreateSender | Self::CreateOverStale => {
                act(|| Sender::<Message>::create_with(NAME, &options), |result| result.is_ok())
            }
            Self::CreateReceiver => act(|| Receiver::<Message>::create_with(NAME, &options), |result| result.is_ok()),
            Self::OpenOrCreateSender | Self::OpenOrCreateOverStale => {
                act(|| Sender::<Message>::open_or_create_with(NAME, &options), |result| result.is_ok())
            }
            Self::CleanStale => act(|| observe::clean(Some(place.directory())), |result| result.is_ok()),
            Self::DropLast => {
                let mut tx = Sender::create_with(NAME, &options).expect("a free name");
                tx.send(Message::new(0)).expect("room");
                act(move || drop(tx), |()| true)
            }
        }
    }

    /// Whatever has the name is a whole segment; one that somebody is attached to is used, and not replaced.
    fn meanwhile(&self, place: &Place, (): &mut ()) {
        let segment = match observe::stat(NAME, Some(place.directory())) {
            Ok(segment) => segment,
            Err(error) => return assert!(error.is_not_found(), "half-made: {error}"),
        };
        assert_eq!(segment.capacity, 4);
        if !self.makes() || !segment.is_in_use {
            return;
        }
        let again = Sender::<Message>::create_with(NAME, &place.options()).expect_err("it is in use");
        assert!(again.is_already_exists(), "{again}");
        place.nothing_can_be_cleaned();
        let reason = if *self == Self::CreateReceiver {
            let mut tx = Sender::open_with(NAME, &place.options()).expect("a free seat");
            tx.try_send(Message::new(0)).expect("room");
            tx.disconnect_reason()
        } else {
            let rx = Receiver::<Message>::open_with(NAME, &place.options()).expect("a free seat");
            rx.disconnect_reason()
        };
        assert_eq!(reason, None, "one that lives");
    }

    fn bury(&self, place: &Place, (): (), fate: Fate) -> Progress {
        let has_name = place.path().exists();
        for entry in observe::list(Some(place.directory())).expect("a directory") {
            let segment = entry.segment.unwrap_or_else(|error| panic!("half-made: {error}"));
            assert_eq!((segment.capacity, segment.is_in_use), (4, false));
        }
        if fate.state % 2 == 0 {
            let error = Sender::<Message>::open_with(NAME, &place.options()).expect_err("nobody is there");
            assert!(error.is_not_found(), "{error}");
        }
        let rx = Receiver::create_with(NAME, &place.options()).expect("a name that nobody uses");
        let tx = Sender::open_with(NAME, &place.options()).expect("a free seat");
        spsc_pair::goes_on(tx, rx, 0);
        // A stale one loses its name before the new one gets it.
        let is_done = if self.finds_stale() && self.makes() { fate.is_complete } else { has_name == self.makes() };
        [is_done.into(), 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}

impl Scene for SecondSender {
    type Survivor = Receiver<Message>;

    fn name(&self) -> String {
        format!("spsc second sender, ring of {}", self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        Points::CallsAndChanges
    }

    fn maps(&self) -> bool {
        true
    }

    fn survive(&self, place: &Place) -> Receiver<Message> {
        let (tx, rx) = spsc_pair::warm(place);
        drop(tx);
        let first = spsc_pair::warmth(self.capacity);
        // Its `tail` does not tell the last of them.
        predecessor(|| {
            let mut tx = Sender::open_with(NAME, &place.options()).expect("a sender's seat");
            for number in first..first + self.capacity as u64 {
                tx.send(Message::new(number)).expect("room");
            }
            act(|| (), |()| true)
        });
        rx
    }

    fn play(&self, place: &Place) {
        let options = place.options();
        act(|| Sender::<Message>::open_with(NAME, &options), |result| result.is_ok())
    }

    fn meanwhile(&self, place: &Place, rx: &mut Receiver<Message>) {
        if rx.sender_count() > 0 {
            let refused = Sender::<Message>::open_with(NAME, &place.options()).expect_err("two senders");
            assert!(matches!(refused, OpenError::RoleTaken { .. }), "{refused}");
            assert_eq!(rx.disconnect_reason(), None);
        }
        assert_eq!(rx.len(), self.capacity);
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut rx: Receiver<Message>, fate: Fate) -> Progress {
        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));
        let first = spsc_pair::warmth(self.capacity);
        let end = first + self.capacity as u64;
        let mut got = Vec::new();
        if fate.state % 2 == 0 {
            got.extend(rx.try_iter());
        }
        let tx = Sender::open_with(NAME, &place.options()).expect("a free seat");
        got.extend(rx.try_iter());
        assert_eq!(got, messages(first..end), "what the first one sent");
        spsc_pair::goes_on(tx, rx, end);
        [0, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0]; 2]
    }
}

impl Scene for SecondReceiver {
    type Survivor = Sender<Message>;

    fn name(&self) -> String {
        format!("spsc second receiver, ring of {}", self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        // It only reads the ring that it takes up.
        Points::CallsAndChanges
    }

    fn maps(&self) -> bool {
        true
    }

    fn survive(&self, place: &Place) -> Sender<Message> {
        let (mut tx, rx) = spsc_pair::warm(place);
        let first = spsc_pair::warmth(self.capacity);
        tx.send_many(&messages(first..first + self.capacity as u64)).expect("room");
        drop(rx);
        predecessor(|| {
            let mut rx = Receiver::<Message>::open_with(NAME, &place.options()).expect("a receiver's seat");
            let grant = rx.try_read(self.capacity).expect("messages");
            act(|| grant.len(), |_| true)
        });
        tx
    }

    fn play(&self, place: &Place) {
        let options = place.options();
        act(|| Receiver::<Message>::open_with(NAME, &options), |result| result.is_ok())
    }

    fn meanwhile(&self, place: &Place, tx: &mut Sender<Message>) {
        if tx.receiver_count() > 0 {
            let refused = Receiver::<Message>::open_with(NAME, &place.options()).expect_err("two receivers");
            assert!(matches!(refused, OpenError::RoleTaken { .. }), "{refused}");
            assert_eq!(tx.disconnect_reason(), None);
        }
        assert!(tx.is_full());
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, tx: Sender<Message>, _: Fate) -> Progress {
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
        assert!(tx.is_full(), "nothing was released");
        let mut rx = Receiver::<Message>::open_with(NAME, &place.options()).expect("a free seat");
        let first = spsc_pair::warmth(self.capacity);
        let end = first + self.capacity as u64;
        for number in first..end {
            let message = rx.try_recv_ref().expect("what nobody released");
            assert_eq!((message.number(), message.position()), (number, number));
            assert_eq!((message.attempt(), message.is_redelivered()), (2, true), "the first one had it in hand");
            message.commit();
        }
        spsc_pair::goes_on(tx, rx, end);
        [0, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0]; 2]
    }
}
