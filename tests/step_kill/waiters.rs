//! The victim sleeps, or wakes somebody, among others who do not ask the kernel who lives, so that only a wake wakes them; with
//! each waiter.

use super::message::Message;
use super::puppet::act;
use super::sleeper::Sleeper;
use super::spsc_pair;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::{DisconnectReason, OpenError, Options, Waiter, mpmc, spsc};
use std::time::Duration;

/// A receiver falls asleep, in the only bed that there is, and is woken.
#[derive(Debug)]
struct InBed {
    waiter: Waiter,
}

/// A sender wakes one of two receivers; the other one is woken by somebody who was there before, and is alive.
#[derive(Debug)]
struct WakingOneOfTwo {
    waiter: Waiter,
}

/// A receiver falls asleep behind another one, and is woken behind it.
#[derive(Debug)]
struct InACrowd {
    waiter: Waiter,
}

/// The scenes of this file, on rings of 1 and 4.
pub(crate) fn scenes() -> Vec<Entry> {
    let mut scenes = Vec::new();
    for waiter in [Waiter::Futex, Waiter::Condvar, Waiter::Semaphore] {
        scenes.push(Entry::new(InBed { waiter }));
        scenes.push(Entry::new(WakingOneOfTwo { waiter }));
        scenes.push(Entry::new(InACrowd { waiter }));
    }
    scenes
}

fn deaf(options: Options) -> Options {
    options.slice(Duration::MAX)
}

/// The C library goes other ways in a process that has never had a second thread, and functions of it are looked for once: so
/// that the first victim does what all do, this process sleeps once, and has had one.
fn all_go_the_same_way(sleep: impl FnOnce()) {
    sleep();
    std::thread::spawn(|| ()).join().expect("a thread");
}

/// An end of one to one, and messages sent.
#[derive(Debug)]
pub(crate) struct Survivor {
    tx: spsc::Sender<Message>,
    sent: u64,
}

impl InBed {
    fn first(&self) -> u64 {
        spsc_pair::warmth(self.capacity())
    }
}

impl Scene for InBed {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("spsc Recv asleep, {}, ring of 1", self.waiter)
    }

    fn capacity(&self) -> usize {
        1
    }

    fn points(&self) -> Points {
        Points::CloseToChanges
    }

    fn survive(&self, place: &Place) -> Survivor {
        let (tx, mut rx) = spsc_pair::warm_with(&place.options().waiter(self.waiter));
        all_go_the_same_way(|| assert!(rx.recv_timeout(Duration::from_millis(1)).is_err()));
        Survivor { tx, sent: 0 }
    }

    fn play(&self, place: &Place) {
        // Of 50 ms: in a shorter one, who is stepped does not come to sleep.
        let options = place.options();
        let mut rx = spsc::Receiver::<Message>::open_with(NAME, &options).expect("a receiver's seat");
        let first = Message::new(self.first());
        act(|| rx.recv(), |got| *got == Ok(first))
    }

    fn relieve(&self, survivor: &mut Survivor) {
        if survivor.sent == 0 {
            survivor.tx.try_send(Message::new(self.first())).expect("room");
            survivor.sent = 1;
        }
    }

    fn relieves_on_the_way(&self) -> bool {
        true
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        assert_eq!(survivor.tx.disconnect_reason(), None, "of one that lives");
        let refused = spsc::Receiver::<Message>::open_with(NAME, &place.options()).expect_err("somebody is there");
        assert!(matches!(refused, OpenError::RoleTaken { .. }), "{refused}");
        // Whatever mutex it holds, who wakes it is not held up.
        self.relieve(survivor);
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, survivor: Survivor, _: Fate) -> Progress {
        let Survivor { mut tx, sent } = survivor;
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
        let mut rx = spsc::Receiver::<Message>::open_with(NAME, &deaf(place.options())).expect("a free seat");
        let left = rx.try_iter().count() as u64;
        let next = Message::new(self.first() + sent);
        let sleeper = Sleeper::lay_down(move || (rx.recv(), rx));
        tx.try_send(next).expect("room");
        let (got, rx) = sleeper.rise();
        assert_eq!(got, Ok(next));
        let sleeps = rx.stats().sleeps;
        assert!(sleeps <= 20, "it found no bed: {sleeps} sleeps");
        spsc_pair::goes_on(tx, rx, self.first() + sent + 1);
        [sent - left, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}

/// A channel among many, whose receivers sleep each in a thread of its own until they have got a message.
#[derive(Debug)]
pub(crate) struct Crowd {
    tx: mpmc::Sender<Message>,
    rx: mpmc::Receiver<Message>,
    asleep: Vec<Sleeper<u64>>,
}

const MINE: u64 = 1000;
const VICTIMS: u64 = 2000;

impl Crowd {
    fn new(place: &Place, waiter: Waiter) -> Self {
        let rx = mpmc::Receiver::create_with(NAME, &deaf(place.many()).waiter(waiter)).expect("a free name");
        let tx = mpmc::Sender::open_with(NAME, &place.many()).expect("a free place");
        for number in 0..rx.capacity() as u64 + 3 {
            tx.send(Message::new(number)).expect("room");
            assert_eq!(rx.recv(), Ok(Message::new(number)));
        }
        all_go_the_same_way(|| assert!(rx.recv_timeout(Duration::from_millis(1)).is_err()));
        Self { tx, rx, asleep: Vec::new() }
    }

    fn lay_down(&mut self) {
        let rx = self.rx.clone();
        self.asleep.push(Sleeper::lay_down(move || rx.recv().expect("a message").number()));
    }

    fn send(&self, number: u64) {
        self.tx.send(Message::new(MINE + number)).expect("a receiver");
    }

    /// What came to those who slept.
    fn rise(&mut self) -> Vec<u64> {
        let mut got: Vec<u64> = self.asleep.drain(..).map(Sleeper::rise).collect();
        got.sort_unstable();
        got
    }

    /// Both notice who is dead.
    fn ask(&self) {
        let _ = (self.tx.disconnect_reason(), self.rx.disconnect_reason());
    }

    /// What nobody has taken, and room as before.
    fn rest(self) -> Vec<u64> {
        self.ask();
        let Self { tx, rx, .. } = self;
        let rest = rx.try_iter().map(|message| message.number()).collect();
        for number in 0..rx.capacity() as u64 {
            tx.try_send(Message::new(number)).expect("room");
        }
        assert!(tx.try_send(Message::new(0)).is_err());
        assert_eq!(rx.try_iter().count(), rx.capacity());
        rest
    }
}

impl Scene for WakingOneOfTwo {
    type Survivor = Crowd;

    fn name(&self) -> String {
        format!("mpmc Send to one of two asleep, {}", self.waiter)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        Points::CloseToChanges
    }

    fn survive(&self, place: &Place) -> Crowd {
        Crowd::new(place, self.waiter)
    }

    fn play(&self, place: &Place) {
        let tx = mpmc::Sender::open_with(NAME, &place.many()).expect("a place");
        act(|| tx.send(Message::new(VICTIMS)), |result| result.is_ok())
    }

    fn settle(&self, _: &Place, crowd: &mut Crowd) {
        crowd.lay_down();
        crowd.lay_down();
    }

    fn meanwhile(&self, place: &Place, crowd: &mut Crowd) {
        place.nothing_can_be_cleaned();
        // One of the two may have got it, and be up.
        assert!((2..=3).contains(&crowd.tx.receiver_count()));
    }

    /// Each of the two gets one: no wake of the living one was for nobody, and whoever the dead one had called is called again.
    fn bury(&self, _: &Place, mut crowd: Crowd, fate: Fate) -> Progress {
        crowd.send(0);
        crowd.send(1);
        let mut got = crowd.rise();
        got.extend(crowd.rest());
        got.sort_unstable();
        assert!(got.starts_with(&[MINE, MINE + 1]), "{got:?}");
        let arrived = got.contains(&VICTIMS);
        assert!(arrived || !fate.is_complete, "{got:?}");
        assert_eq!(got.len(), 2 + usize::from(arrived), "{got:?}");
        [arrived.into(), 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}

impl Scene for InACrowd {
    type Survivor = Crowd;

    fn name(&self) -> String {
        format!("mpmc Recv asleep behind another, {}", self.waiter)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        Points::CloseToChanges
    }

    fn survive(&self, place: &Place) -> Crowd {
        Crowd::new(place, self.waiter)
    }

    fn play(&self, place: &Place) {
        let options = place.many().slice(Duration::from_millis(50));
        let rx = mpmc::Receiver::<Message>::open_with(NAME, &options).expect("a place");
        act(|| rx.recv(), |got| got.is_ok())
    }

    fn settle(&self, _: &Place, crowd: &mut Crowd) {
        crowd.lay_down();
    }

    /// One for who has slept longer, and one for the victim.
    fn relieve(&self, crowd: &mut Crowd) {
        if !crowd.asleep.is_empty() {
            crowd.send(0);
            assert_eq!(crowd.rise(), [MINE]);
            crowd.send(1);
        }
    }

    fn relieves_on_the_way(&self) -> bool {
        true
    }

    fn meanwhile(&self, place: &Place, crowd: &mut Crowd) {
        place.nothing_can_be_cleaned();
        assert_eq!(crowd.tx.receiver_count(), 2 + crowd.asleep.len());
    }

    /// Whoever sleeps and lives is woken, though the dead one has slept for longer.
    fn bury(&self, _: &Place, mut crowd: Crowd, _: Fate) -> Progress {
        let relieved = u64::from(crowd.asleep.is_empty());
        if relieved == 0 {
            crowd.send(0);
            assert_eq!(crowd.rise(), [MINE]);
        }
        crowd.ask();
        let mut got: Vec<u64> = crowd.rx.try_iter().map(|message| message.number()).collect();
        crowd.lay_down();
        crowd.send(2);
        got.extend(crowd.rise());
        got.extend(crowd.rest());
        got.sort_unstable();
        assert_eq!(got.pop(), Some(MINE + 2), "lost");
        assert!(got.is_empty() || (got == [MINE + 1] && relieved == 1), "{got:?}");
        [relieved - got.len() as u64, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}
