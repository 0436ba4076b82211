//! The victim is about to claim what somebody else claims, who dies; the loser lives, and keeps nobody from resolving it.

use super::message::Message;
use super::mpmc_corpse::Corpse;
use super::mpmc_group::{CORPSES, Group, MINE, VICTIMS};
use super::mpmc_words::{HEAD, TAIL, Words};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::mpmc::{Receiver, Sender};

#[derive(Debug)]
struct Losing {
    /// Whether both want to send.
    sends: bool,
    capacity: usize,
    corpse: Corpse,
}

/// The scenes of a loser.
pub(crate) fn scenes() -> Vec<Entry> {
    let on = |capacity, sends| Entry::new(Losing { sends, capacity, corpse: Corpse::default() });
    vec![on(1, true), on(2, true), on(1, false), on(2, false)]
}

impl Losing {
    fn prepare(&self, place: &Place) -> Group {
        let mut group = Group::warm(place);
        if !self.sends {
            (0..self.capacity).for_each(|_| group.send());
        }
        group
    }

    fn play_corpse(&self, place: &Place) {
        let options = place.many();
        if self.sends {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            act(|| tx.try_send(Message::new(CORPSES)), |_| true);
        }
        let rx = Receiver::<Message>::open_with(NAME, &options).expect("a place");
        act(|| rx.try_recv(), |_| true)
    }
}

impl Scene for Losing {
    type Survivor = Group;

    fn name(&self) -> String {
        let what = if self.sends { "TrySend" } else { "TryRecv" };
        format!("mpmc {what} beaten by one who dies, ring of {}", self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        Points::CloseToChanges
    }

    fn survive(&self, place: &Place) -> Group {
        let words = if self.sends { [TAIL] } else { [HEAD] };
        self.corpse.learn(place, &words, || self.prepare(place), || self.play_corpse(place));
        self.prepare(place)
    }

    fn play(&self, place: &Place) {
        let options = place.many();
        if self.sends {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            act(|| tx.try_send(Message::new(VICTIMS)), |_| true);
        }
        let rx = Receiver::<Message>::open_with(NAME, &options).expect("a place");
        act(|| rx.try_recv(), |_| true)
    }

    fn meanwhile(&self, place: &Place, _: &mut Group) {
        let words = Words::of(place);
        let is_open =
            if self.sends { words.tail() < words.head() + self.capacity as u64 } else { words.head() < words.tail() };
        if is_open {
            self.corpse.lie_down(|| self.play_corpse(place)).expect("the way that it has learnt");
        }
        place.nothing_can_be_cleaned();
    }

    /// The loser lives.
    fn afterwards(&self, _: &Place, group: &mut Group) {
        group.clear_up(false);
        assert_eq!(group.rx.stats().dropped, 0);
    }

    fn bury(&self, place: &Place, mut group: Group, fate: Fate) -> Progress {
        group.clear_up(fate.state % 2 == 0);
        let arrived = group.came_of(VICTIMS).len();
        assert!(arrived <= 1 && group.came_of(CORPSES).is_empty());
        let gone: Vec<u64> = (MINE..MINE + group.sent).filter(|number| group.attempt(*number) == 0).collect();
        assert!(gone.len() <= usize::from(!self.sends), "lost: {gone:?}");
        group.mine_came_but_for(&gone);
        group.goes_on(place);
        // Who was beaten may have found no room, or nothing.
        [0, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0]; 2]
    }
}
