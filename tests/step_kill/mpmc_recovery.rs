//! The victim resolves what one has left that died in the middle of an operation; a third one does what it leaves undone.

use super::message::{Message, messages};
use super::mpmc_corpse::Corpse;
use super::mpmc_group::{CORPSES, Group, MINE, VICTIMS};
use super::mpmc_words::{HEAD, HELD, TAIL};
use super::puppet::act;
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::mpmc::{Receiver, Sender};

/// What is left to be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// A place that was claimed and not filled.
    Claim,
    /// Two of them, by one claim.
    Claims,
    /// A message that was claimed and not taken out.
    Taken,
    /// A message in a hand; its slot is not yet free.
    HandAndSlot,
    /// A message in a hand.
    Hand,
}

/// Who resolves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Recv,
    RecvRef,
    Send,
    /// Nobody yet: the dead one is buried, and what it left is marked.
    Asking,
}

#[derive(Debug)]
struct Recovery {
    left: Left,
    by: By,
    capacity: usize,
    corpse: Corpse,
}

/// The scenes of those who recover, on rings of 1, 2 and 4.
/// Fault 41.
pub(crate) fn scenes() -> Vec<Entry> {
    let on = |capacity, left, by| Recovery { left, by, capacity, corpse: Corpse::default() };
    let each = [
        on(1, Left::Claim, By::Send),
        on(2, Left::Claim, By::Send),
        on(2, Left::Claim, By::Recv),
        on(4, Left::Claim, By::Recv),
        on(4, Left::Claims, By::Recv),
        on(2, Left::Claim, By::RecvRef),
        on(2, Left::Claims, By::Send),
        on(1, Left::Claim, By::Asking),
        on(1, Left::Taken, By::Recv),
        on(2, Left::Taken, By::Recv),
        on(4, Left::Taken, By::Recv),
        on(1, Left::Taken, By::RecvRef),
        on(2, Left::Taken, By::RecvRef),
        on(1, Left::HandAndSlot, By::Recv),
        on(2, Left::HandAndSlot, By::Recv),
        on(1, Left::HandAndSlot, By::RecvRef),
        on(2, Left::HandAndSlot, By::RecvRef),
        on(1, Left::Hand, By::Recv),
        on(1, Left::Hand, By::RecvRef),
        on(2, Left::Hand, By::Asking),
    ];
    each.into_iter().filter(|scene| scene.is_like_no_other() || stage::everywhere()).map(Entry::new).collect()
}

impl Recovery {
    /// What is left is resolved by the same steps on every ring, and for whoever wants a message, in hand or for good; on a ring of 1
    /// one who finds none waits for the next. So each is left on one ring, and by whom it is resolved is done where it is short.
    fn is_like_no_other(&self) -> bool {
        use By::{Asking, Recv, RecvRef, Send};
        use Left::{Claim, Claims, Hand, HandAndSlot, Taken};
        matches!(
            (self.left, self.by, self.capacity),
            (Claim, Send | Asking, 1)
                | (Claim, RecvRef, 2)
                | (Claims, Recv, 4)
                | (Taken, Recv | RecvRef, 2)
                | (HandAndSlot, Recv | RecvRef, 2)
                | (Hand, _, _)
        )
    }

    /// Whether it was to send.
    fn was_sender(&self) -> bool {
        matches!(self.left, Left::Claim | Left::Claims)
    }

    /// Places that it has claimed to fill.
    fn claims(&self) -> usize {
        match self.left {
            Left::Claim => 1,
            Left::Claims => 2,
            _ => 0,
        }
    }

    /// Messages that are there before it comes. A sender lies in front of all others, but on a ring of 4.
    fn before(&self) -> usize {
        match (self.was_sender(), self.capacity) {
            (true, 4) => 1,
            (true, _) => 0,
            (false, capacity) => capacity,
        }
    }

    /// Messages that are sent behind it.
    fn behind(&self) -> usize {
        let is_out = self.left == Left::Hand;
        if is_out { 1 } else { self.capacity - self.before() - self.claims() }
    }

    fn words(&self) -> &'static [u64] {
        match self.left {
            Left::Claim | Left::Claims => &[TAIL],
            Left::Taken => &[HEAD],
            Left::HandAndSlot => &HELD,
            Left::Hand => &[],
        }
    }

    /// The first part of the channel's life.
    fn prepare(&self, place: &Place) -> Group {
        let mut group = Group::warm(place);
        (0..self.before()).for_each(|_| group.send());
        group
    }

    fn play_corpse(&self, place: &Place) {
        let options = place.many();
        if self.was_sender() {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            let batch = messages(CORPSES..CORPSES + self.claims() as u64);
            act(|| tx.send_many(&batch), |result| result.is_ok());
        }
        let rx = Receiver::<Message>::open_with(NAME, &options).expect("a place");
        match self.left {
            Left::Taken => act(|| rx.recv(), |got| got.is_ok()),
            _ => act(|| rx.recv_ref(), |got| got.is_ok()),
        }
    }

    /// Whether it lies behind messages that the victim receives first.
    fn has_prelude(&self) -> bool {
        self.was_sender() && self.before() > 0
    }

    fn takes(&self) -> u64 {
        match self.by {
            By::Recv | By::RecvRef => 1,
            By::Send | By::Asking => 0,
        }
    }

    /// What a message's attempt is if the victim has not touched it.
    fn first_attempt(&self, number: u64) -> u32 {
        if !self.was_sender() && number == MINE { 2 } else { 1 }
    }
}

/// What is added to a victim's progress for a message that it has taken for good.
const TAKEN: u64 = 9;

impl Scene for Recovery {
    type Survivor = Group;

    fn name(&self) -> String {
        format!("mpmc after {:?}, {:?}, ring of {}", self.left, self.by, self.capacity)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn points(&self) -> Points {
        Points::CloseToChangesAndCalls
    }

    fn survive(&self, place: &Place) -> Group {
        let mut group = self.corpse.among(place, self.words(), || self.prepare(place), || self.play_corpse(place));
        (0..self.behind()).for_each(|_| group.send());
        group
    }

    fn play(&self, place: &Place) {
        let options = place.many();
        if self.by == By::Send {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            act(|| tx.send(Message::new(VICTIMS)), |result| result.is_ok());
        }
        let rx = Receiver::<Message>::open_with(NAME, &options).expect("a place");
        if self.has_prelude() {
            assert_eq!(rx.try_recv(), Ok(Message::new(MINE)));
        }
        // On a ring of one there is nothing else that it could receive.
        let asks = !self.was_sender() && self.capacity > 1;
        let ask = || asks.then(|| rx.disconnect_reason());
        match self.by {
            By::Recv => act(
                || {
                    ask();
                    rx.recv()
                },
                |got| got.is_ok_and(|message| message.number() >= MINE),
            ),
            By::RecvRef => act(
                || {
                    ask();
                    let guard = rx.recv_ref().expect("a message");
                    let got = *guard;
                    guard.commit();
                    got
                },
                |got| got.number() >= MINE,
            ),
            By::Asking | By::Send => act(|| rx.disconnect_reason(), |reason| reason.is_none()),
        }
    }

    fn meanwhile(&self, place: &Place, group: &mut Group) {
        group.ask();
        assert_eq!(
            (group.tx.sender_count(), group.tx.receiver_count()),
            match self.by {
                By::Send => (2, 1),
                _ => (1, 2),
            }
        );
        if self.was_sender() {
            // One is left for the victim.
            let messages = self.before() + self.behind() - usize::from(self.has_prelude());
            if messages as u64 > self.takes() {
                let _ = group.take_now();
            }
        } else {
            self.recover_beside(group);
        }
        place.nothing_can_be_cleaned();
        self.nothing_was_taken_from_the_living(group);
    }

    fn afterwards(&self, _: &Place, group: &mut Group) {
        group.clear_up(false);
        self.nothing_was_taken_from_the_living(group);
    }

    fn bury(&self, place: &Place, mut group: Group, fate: Fate) -> Progress {
        group.clear_up(fate.state % 2 == 0);
        assert_eq!(group.came_of(CORPSES), [0; 0], "it had written nothing");
        let mine = MINE + u64::from(self.has_prelude())..MINE + group.sent;
        let gone: Vec<u64> = mine.clone().filter(|number| group.attempt(*number) == 0).collect();
        assert!(gone.len() as u64 <= self.takes(), "lost: {gone:?}");
        let taken: Vec<u64> = (MINE..mine.start).chain(gone.iter().copied()).collect();
        group.mine_came_but_for(&taken);
        let arrived = group.came_of(VICTIMS).len() as u64;
        let handled: u64 = mine
            .map(|number| match group.attempt(number) {
                0 => TAKEN,
                attempt => {
                    let more = attempt.checked_sub(self.first_attempt(number)).expect("one that is marked");
                    assert!(more <= 1, "{number} came for the {attempt}th time");
                    more.into()
                }
            })
            .sum();
        group.goes_on(place);
        [arrived, handled]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [u64::from(self.by == By::Send), TAKEN * self.takes()]]
    }
}

impl Recovery {
    /// Receives all that there is beside the victim, also what the dead one has left and the victim has not got hold of: both look
    /// through the same hands and records, and one message comes to one of them. One is sent for the victim, if there is room: if
    /// there is none it has its own.
    fn recover_beside(&self, group: &mut Group) {
        group.drain();
        if !group.tx.is_full() {
            group.send();
        }
    }

    fn nothing_was_taken_from_the_living(&self, group: &Group) {
        assert_eq!(group.rx.stats().dropped, 0);
        for (number, arrival) in &group.came {
            assert_eq!(arrival.attempt, self.first_attempt(*number), "{number} was taken from one that lives");
        }
    }
}
