//! The victim comes to a many-to-many channel, or is the last to leave it.

use super::message::{Message, messages};
use super::mpmc_corpse::Corpse;
use super::mpmc_group::{CORPSES, Group, MINE};
use super::mpmc_words::TAIL;
use super::puppet::{Puppet, act};
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::mpmc::{Receiver, Sender};
use ringway::observe;

/// What the victim does where nobody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    CreateSender,
    CreateReceiver,
    OpenOrCreateSender,
    /// Somebody created the channel before, and was killed with a message in it.
    CreateOverStale,
    /// The same.
    OpenOrCreateOverStale,
    /// The victim is the last one out.
    DropLast,
}

/// What the victim does where others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    Sender,
    Receiver,
    OpenOrCreate,
    /// Of the four places two are those of the dead: one claimed two places of the ring, the other has a message in hand.
    AfterTheDead,
}

#[derive(Debug)]
struct Joining {
    join: Join,
    corpse: Corpse,
}

/// The scenes at the doors.
/// Fault 2.
pub(crate) fn scenes() -> Vec<Entry> {
    let alone = [
        Alone::CreateSender,
        Alone::CreateReceiver,
        Alone::OpenOrCreateSender,
        Alone::CreateOverStale,
        Alone::OpenOrCreateOverStale,
        Alone::DropLast,
    ];
    let joins = [Join::Sender, Join::Receiver, Join::OpenOrCreate, Join::AfterTheDead];
    // Who comes after the dead is a sender.
    let joins = joins.into_iter().filter(|join| *join != Join::Sender || stage::everywhere());
    let joins = joins.map(|join| Entry::new(Joining { join, corpse: Corpse::default() }));
    let alone = alone.into_iter().filter(|scene| scene.is_like_no_other() || stage::everywhere());
    alone.map(Entry::new).chain(joins).collect()
}

impl Alone {
    /// Who opens or creates creates as one who only creates.
    fn is_like_no_other(&self) -> bool {
        !matches!(self, Self::CreateSender | Self::CreateOverStale)
    }

    fn finds_stale(self) -> bool {
        matches!(self, Self::CreateOverStale | Self::OpenOrCreateOverStale)
    }
}

impl Scene for Alone {
    type Survivor = ();

    fn name(&self) -> String {
        format!("mpmc {self:?}")
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        Points::CallsAndChanges
    }

    fn maps(&self) -> bool {
        *self != Self::DropLast
    }

    fn survive(&self, place: &Place) {
        if self.finds_stale() {
            let play = || {
                let tx = Sender::create_with(NAME, &place.many()).expect("a free name");
                tx.send(Message::new(0)).expect("room");
                act(|| (), |()| true)
            };
            Puppet::start(play).kill();
        }
    }

    fn play(&self, place: &Place) {
        let options = place.many();
        match self {
            Self::CreateSender | Self::CreateOverStale => {
                act(|| Sender::<Message>::create_with(NAME, &options), |result| result.is_ok())
            }
            Self::CreateReceiver => act(|| Receiver::<Message>::create_with(NAME, &options), |result| result.is_ok()),
            Self::OpenOrCreateSender | Self::OpenOrCreateOverStale => {
                act(|| Sender::<Message>::open_or_create_with(NAME, &options), |result| result.is_ok())
            }
            Self::DropLast => {
                let tx = Sender::create_with(NAME, &options).expect("a free name");
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
        if *self == Self::DropLast || !segment.is_in_use {
            return;
        }
        let again = Sender::<Message>::create_with(NAME, &place.many()).expect_err("it is in use");
        assert!(again.is_already_exists(), "{again}");
        place.nothing_can_be_cleaned();
        let rx = Receiver::<Message>::open_with(NAME, &place.many()).expect("a free place");
        assert_eq!(rx.disconnect_reason(), None, "one that lives");
    }

    fn bury(&self, place: &Place, (): (), fate: Fate) -> Progress {
        let has_name = place.path().exists();
        for entry in observe::list(Some(place.directory())).expect("a directory") {
            let segment = entry.segment.unwrap_or_else(|error| panic!("half-made: {error}"));
            assert_eq!((segment.capacity, segment.is_in_use), (4, false));
        }
        if fate.state % 2 == 0 {
            let error = Sender::<Message>::open_with(NAME, &place.many()).expect_err("nobody is there");
            assert!(error.is_not_found(), "{error}");
        }
        let mut group = Group::warm(place);
        group.clear_up(true);
        group.mine_came_but_for(&[]);
        group.goes_on(place);
        // A stale one loses its name before the new one gets it.
        let is_done = if self.finds_stale() { fate.is_complete } else { has_name == (*self != Self::DropLast) };
        [is_done.into(), 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}

impl Joining {
    /// One who dies with a message in hand.
    fn leave_in_hand(place: &Place) {
        let play = || {
            let rx = Receiver::<Message>::open_with(NAME, &place.many()).expect("a place");
            std::mem::forget(rx.try_recv_ref().expect("a message"));
            act(|| (), |()| true)
        };
        Puppet::start(play).kill();
    }

    fn prepare(&self, place: &Place) -> Group {
        let mut group = Group::warm(place);
        group.send();
        Self::leave_in_hand(place);
        group
    }

    fn play_corpse(place: &Place) {
        let tx = Sender::open_with(NAME, &place.many()).expect("a place");
        let batch = messages(CORPSES..CORPSES + 2);
        act(|| tx.send_many(&batch), |result| result.is_ok());
    }

    /// How often the message was delivered that somebody has died with.
    fn left(&self) -> u32 {
        if self.join == Join::AfterTheDead { 2 } else { 1 }
    }
}

impl Scene for Joining {
    type Survivor = Group;

    fn name(&self) -> String {
        format!("mpmc join as {:?}", self.join)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        if self.join == Join::AfterTheDead { Points::CloseToChangesAndCalls } else { Points::CallsAndChanges }
    }

    fn maps(&self) -> bool {
        true
    }

    fn survive(&self, place: &Place) -> Group {
        let mut group = if self.join == Join::AfterTheDead {
            self.corpse.among(place, &[TAIL], || self.prepare(place), || Self::play_corpse(place))
        } else {
            let mut group = Group::warm(place);
            group.send();
            group
        };
        group.send();
        group
    }

    fn play(&self, place: &Place) {
        let options = place.many();
        match self.join {
            Join::Sender | Join::AfterTheDead => {
                act(|| Sender::<Message>::open_with(NAME, &options), |result| result.is_ok())
            }
            Join::Receiver => act(|| Receiver::<Message>::open_with(NAME, &options), |result| result.is_ok()),
            Join::OpenOrCreate => {
                act(|| Receiver::<Message>::open_or_create_with(NAME, &options), |result| result.is_ok())
            }
        }
    }

    fn meanwhile(&self, place: &Place, group: &mut Group) {
        group.ask();
        let ends = group.tx.sender_count() + group.tx.receiver_count();
        assert!((2..=3).contains(&ends), "{ends} ends");
        place.nothing_can_be_cleaned();

        group.drain();
        assert_eq!(group.rx.stats().dropped, 0);
    }

    fn afterwards(&self, _: &Place, group: &mut Group) {
        group.ask();
        assert_eq!(group.tx.sender_count() + group.tx.receiver_count(), 3);
        group.clear_up(false);
    }

    fn bury(&self, place: &Place, mut group: Group, fate: Fate) -> Progress {
        group.clear_up(fate.state % 2 == 0);
        group.mine_came_but_for(&[]);
        assert_eq!(group.came_of(CORPSES), [0; 0], "it had written nothing");
        assert_eq!((group.attempt(MINE), group.attempt(MINE + 1)), (self.left(), 1));
        group.goes_on(place);
        [0, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0]; 2]
    }
}
