//! The victim recovers a lane that one has left who is dead; a third one does what it leaves undone.

use super::bytes_pair::message;
use super::lanes_group::{Came, Group, LANE, LONG};
use super::lanes_stream::{Reading, Writing};
use super::lanes_words::{HEAD, HELD, OWN, Phase, SLOTS, TAIL, Words};
use super::mpmc_corpse::Corpse;
use super::puppet::{Puppet, act};
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::Options;
use ringway::bytes::TryRecvError;
use ringway::bytes::mpmc::{Guard, Receiver, Sender};
use std::io::Write;

/// What is left to be recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// A sender's lane, of which nobody was told.
    Writing,
    /// The message is in it, and its ticket is not sent.
    Whole,
    /// The ticket's place in the ring is claimed.
    Claimed,
    /// The ticket is sent, and the lane still its sender's.
    Sent,
    /// The beginning of a long message, whose ticket is sent.
    Offered,
    /// The same, and the survivor has received a part of it.
    Flowing,
    /// The survivor has received a long message, and its sender has not freed the lane.
    Done,
    /// The survivor has given a long message up, and its sender has not freed the lane.
    Refused,
    /// A receiver's claim of a ticket.
    Taken,
    /// The same, by one of so many who have died with it that it is given up.
    WornOut,
    /// A ticket in a hand.
    Hand,
    /// The same, and its message is being read.
    Reading,
    /// A ticket in a hand, of a message that is done.
    Stale,
    /// A part of a long message, whose sender lives.
    Half,
    /// The same, and its sender has given it up.
    Cut,
}

/// Who recovers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// By looking for a message.
    Recv,
    /// The same, to have it in hand.
    RecvRef,
    /// By looking for a lane, of which there is one.
    Send,
    /// The dead one is buried, and what it left is marked.
    Asking,
}

#[derive(Debug)]
struct Recovery {
    left: Left,
    by: By,
    corpse: Corpse,
}

#[derive(Debug)]
pub(crate) struct Survivor {
    group: Group,
    /// Its own long message.
    writing: Option<Writing>,
    /// How far the lane had been read when the victim came.
    freed: u64,
    /// Whether the victim was given something else.
    has_relieved: bool,
}

/// Bytes of the dead one's message, of the victim's, and of one that is sent when the victim waits for something.
const LEFT: usize = 150;
const SENT: usize = 160;
const RELIEF: usize = 50;

/// The scenes of those who recover lanes.
/// Fault 41.
pub(crate) fn scenes() -> Vec<Entry> {
    use Left::{
        Claimed, Cut, Done, Flowing, Half, Hand, Offered, Reading, Refused, Sent, Stale, Taken, Whole, WornOut, Writing,
    };
    let asking = [Writing, Whole, Claimed, Sent, Offered, Flowing, Done, Refused].map(|left| (left, By::Asking));
    let sending = [Writing, Whole, Claimed, Offered, Done, Refused].map(|left| (left, By::Send));
    let receiving =
        [Claimed, Sent, Offered, Taken, WornOut, Hand, Reading, Stale, Half, Cut].map(|left| (left, By::RecvRef));
    let for_good = [Sent, Taken, WornOut, Hand, Reading, Half].map(|left| (left, By::Recv));
    let all = asking.into_iter().chain(sending).chain(receiving).chain(for_good);
    let all = all.map(|(left, by)| Recovery { left, by, corpse: left.corpse() });
    all.filter(|scene| scene.is_like_no_other() || stage::everywhere()).map(Entry::new).collect()
}

impl Left {
    /// Of its words, it changes so many before the last.
    fn corpse(self) -> Corpse {
        Corpse::after(usize::from(matches!(self, Self::Whole | Self::Stale)))
    }

    /// The words of which one is the last that it changes.
    fn words(self) -> &'static [u64] {
        match self {
            Self::Writing | Self::Whole | Self::Reading | Self::Stale => &OWN,
            Self::Claimed => &[TAIL],
            Self::Sent => &SLOTS,
            Self::Taken | Self::WornOut => &[HEAD],
            Self::Hand => &HELD,
            _ => panic!("{self:?} is not left in the middle of a call"),
        }
    }

    fn was_sender(self) -> bool {
        !self.was_sent() && !matches!(self, Self::Half | Self::Cut)
    }

    /// Whether the survivor has sent it, and a lane holds the whole of it.
    fn was_sent(self) -> bool {
        matches!(self, Self::Taken | Self::WornOut | Self::Hand | Self::Reading | Self::Stale)
    }

    /// What the lane is.
    fn phase(self) -> Phase {
        match self {
            Self::Writing => Phase::Writing,
            Self::Whole | Self::Claimed | Self::Sent => Phase::Whole,
            Self::Offered => Phase::Offered,
            Self::Flowing | Self::Half => Phase::Flowing,
            Self::Done => Phase::Done,
            Self::Refused => Phase::Refused,
            Self::Taken | Self::WornOut | Self::Hand => Phase::Queued,
            Self::Reading => Phase::Reading,
            Self::Stale => Phase::Free,
            Self::Cut => Phase::Cut,
        }
    }
}

impl Recovery {
    /// All begin with the burial, and those who want a message or a lane go on alike, whatever they found: so of what nobody takes
    /// into hand the burial alone will do, and once somebody receives for good, and sends.
    fn is_like_no_other(&self) -> bool {
        match self.by {
            By::RecvRef => true,
            By::Recv => self.left == Left::Hand,
            By::Send => self.left == Left::Writing,
            By::Asking => matches!(self.left, Left::Whole | Left::Flowing | Left::Done | Left::Refused),
        }
    }

    /// Whether the victim finds no message but one that is sent behind.
    fn finds_nothing(&self) -> bool {
        use Left::{Claimed, Cut, Half, Offered, Stale, WornOut};
        matches!(self.by, By::Recv | By::RecvRef)
            && matches!(self.left, Claimed | Offered | WornOut | Stale | Half | Cut)
    }

    fn lanes(&self) -> usize {
        if self.by == By::Send { 1 } else { 2 }
    }

    fn options(&self, place: &Place) -> Options {
        place.lanes().lanes(self.lanes(), LANE)
    }

    fn prepare(&self, place: &Place) -> Group {
        let group = Group::warm_with(&self.options(place), self.lanes());
        if self.left.was_sent() {
            group.tx.try_send(&message(LEFT)).expect("room");
        }
        group
    }

    /// One that dies in the middle of a call.
    fn play_corpse(&self, place: &Place) {
        let options = self.options(place);
        if self.left.was_sender() {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            let bytes = message(LEFT);
            act(|| tx.send(&bytes), |result| result.is_ok());
        }
        let rx = Receiver::open_with(NAME, &options).expect("a place");
        act(|| rx.recv_ref().map(Guard::commit), |result| result.is_ok())
    }

    /// One that is at a long message.
    fn play_long_corpse(&self, place: &Place) {
        let options = self.options(place);
        if self.left.was_sender() {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            let bytes = message(LONG);
            let mut writer = tx.writer(Some(LONG as u64)).expect("a lane");
            writer.write_all(&bytes[..LANE]).expect("room");
            act(|| writer.write_all(&bytes[LANE..]).is_ok() && writer.finish().is_ok(), |is_received| *is_received);
        }
        let rx = Receiver::open_with(NAME, &options).expect("a place");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        act(|| (), |()| true)
    }

    /// The same: it dies while it stands still.
    fn lie_down(&self, place: &Place, survivor: &mut Survivor) {
        let mut corpse = Puppet::start(|| self.play_long_corpse(place));
        match self.left {
            Left::Flowing => _ = survivor.group.drain(),
            Left::Refused => {
                let mut reading = Reading::begin(&survivor.group.rx);
                reading.go_on(100).expect("bytes");
            }
            Left::Done => {
                // It waits for room, and then for the word that all was received.
                for _ in 0..2 {
                    corpse.run_to_sleep().expect("a sleep");
                    survivor.group.drain();
                }
                assert_eq!(survivor.group.came.pop(), Some(Came::Whole { len: LONG, attempt: 1 }));
            }
            Left::Cut => survivor.writing = None,
            _ => {}
        }
        corpse.kill();
    }

    /// Whether the victim asks who is dead before it looks: else a sender's is received as if it lived.
    fn asks(&self) -> bool {
        self.left != Left::Sent
    }
}

impl Scene for Recovery {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("lanes after {:?}, {:?}", self.left, self.by)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        Points::CloseToChangesAndCalls
    }

    fn survive(&self, place: &Place) -> Survivor {
        use Left::{Cut, Done, Flowing, Half, Offered, Refused};
        let survivor = |group, writing| Survivor { group, writing, freed: 0, has_relieved: false };
        let mut survivor = if matches!(self.left, Offered | Flowing | Done | Refused | Half | Cut) {
            let group = self.prepare(place);
            let writing = (!self.left.was_sender()).then(|| Writing::begin(&group.tx, LANE));
            let mut survivor = survivor(group, writing);
            self.lie_down(place, &mut survivor);
            survivor
        } else {
            let play = || self.play_corpse(place);
            let mut group = self.corpse.among(place, self.left.words(), || self.prepare(place), play);
            if self.left == Left::WornOut {
                Words::wear_out(place);
                group.dropped_at_most = 1;
            }
            survivor(group, None)
        };
        let lane = Words::of(place).busy_lane(self.lanes() as u64);
        assert_eq!(lane.map_or(Phase::Free, |lane| lane.phase), self.left.phase());
        survivor.freed = lane.map_or(0, |lane| lane.freed);
        survivor
    }

    fn play(&self, place: &Place) {
        let options = self.options(place);
        if self.by == By::Send {
            let tx = Sender::open_with(NAME, &options).expect("a place");
            let bytes = message(SENT);
            act(|| tx.send(&bytes), |result| result.is_ok());
        }
        let rx = Receiver::open_with(NAME, &options).expect("a place");
        let ask = || self.asks().then(|| rx.disconnect_reason());
        let may = [LEFT, RELIEF].map(message);
        match self.by {
            By::Recv => act(
                || {
                    ask();
                    rx.recv()
                },
                |got| got.as_ref().is_ok_and(|got| may.contains(got)),
            ),
            By::RecvRef => act(
                || {
                    ask();
                    let guard = rx.recv_ref().expect("a message");
                    let got = guard.to_vec();
                    guard.commit();
                    got
                },
                |got| may.contains(got),
            ),
            By::Asking | By::Send => act(|| rx.disconnect_reason(), |reason| reason.is_none()),
        }
    }

    fn settle(&self, _: &Place, survivor: &mut Survivor) {
        // To wait for it is what other scenes do, and is long.
        if self.finds_nothing() && !stage::everywhere() {
            self.relieve(survivor);
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        if !std::mem::replace(&mut survivor.has_relieved, true) {
            survivor.group.tx.try_send(&message(RELIEF)).expect("room");
        }
    }

    fn relieves_on_the_way(&self) -> bool {
        true
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        survivor.group.ask();
        assert_eq!(survivor.group.tx.disconnect_reason(), None, "somebody lives");
        place.nothing_can_be_cleaned();
        assert!(survivor.group.rx.stats().dropped <= survivor.group.dropped_at_most);
    }

    fn bury(&self, place: &Place, survivor: Survivor, fate: Fate) -> Progress {
        let Survivor { mut group, writing, freed, has_relieved } = survivor;
        let asks_first = fate.state % 2 == 0;
        if asks_first {
            group.ask();
        }
        if self.left == Left::Flowing && (asks_first || fate.is_complete) {
            let lane = Words::of(place).busy_lane(2).map(|lane| lane.phase);
            assert_eq!(lane, Some(Phase::Cut), "its reader lives, and may be in the middle of it");
        }
        if let Some(mut writing) = writing {
            // Whoever adopts the dead one's hand refuses it, or its sender finds its receiver dead.
            let end = writing.end(|| _ = group.drain());
            assert_eq!(end, Err(freed));
        }
        group.clear_up(asks_first);
        let came: Vec<Came> = std::mem::take(&mut group.came);
        let of = |wanted: usize| {
            let whole = came.iter().filter_map(|came| match *came {
                Came::Whole { len, attempt } if len == wanted => Some(attempt),
                _ => None,
            });
            whole.collect::<Vec<_>>()
        };
        let aborted: Vec<Came> = came.iter().copied().filter(|came| matches!(came, Came::Aborted { .. })).collect();
        let (lefts, sents, reliefs) = (of(LEFT), of(SENT), of(RELIEF));
        assert_eq!(lefts.len() + sents.len() + reliefs.len() + aborted.len(), came.len(), "{came:?}");
        let takes = matches!(self.by, By::Recv | By::RecvRef);
        let is_taken = takes && lefts.is_empty();
        match self.left {
            Left::Sent => assert!(lefts.len() <= 1 && (takes || lefts.iter().all(|attempt| *attempt == 1)), "{came:?}"),
            Left::Taken | Left::Hand | Left::Reading => {
                assert!(matches!(lefts[..], [2 | 3]) || is_taken, "lost, or not marked: {came:?}");
            }
            _ => assert_eq!(lefts, [0; 0], "it was not sent, or was done"),
        }
        match self.left {
            Left::Flowing => assert_eq!(aborted, [Came::Aborted { bytes: freed }]),
            Left::Offered => assert!(aborted.len() <= 1, "{came:?}"),
            _ => assert_eq!(aborted, []),
        }
        assert!(reliefs.len() <= usize::from(has_relieved));
        assert!(reliefs.len() == usize::from(has_relieved) || takes, "lost");
        assert!(sents.len() <= usize::from(self.by == By::Send) && sents.iter().all(|attempt| *attempt == 1));
        assert!(!fate.is_complete || self.by != By::Send || sents.len() == 1, "it was sent, and is lost");
        group.goes_on(place);
        [fate.is_complete.into(), 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}
