//! The victim wakes the other end, which sleeps; a *deaf* one does not ask the kernel who lives while it sleeps.

use super::message::Message;
use super::puppet::act;
use super::sleeper::Sleeper;
use super::spsc_pair;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use super::support::PATIENCE;
use ringway::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, Options, SendError, Waiter};
use std::time::Duration;

/// The last message that a sleeping receiver waits for.
const LAST: u64 = 1000;

/// A sender wakes a receiver.
#[derive(Debug)]
struct WakingReceiver {
    is_deaf: bool,
    waiter: Waiter,
}

/// A receiver wakes a sender.
#[derive(Debug)]
struct WakingSender {
    is_deaf: bool,
    waiter: Waiter,
}

/// The scenes of those who wake, on a ring of 1.
pub(crate) fn scenes() -> Vec<Entry> {
    let mut scenes = Vec::new();
    for waiter in [Waiter::Futex, Waiter::Condvar, Waiter::Semaphore] {
        for is_deaf in [true, false] {
            scenes.push(Entry::new(WakingReceiver { is_deaf, waiter }));
            scenes.push(Entry::new(WakingSender { is_deaf, waiter }));
        }
    }
    scenes
}

fn options(place: &Place, is_deaf: bool, waiter: Waiter) -> Options {
    let options = place.options().waiter(waiter);
    if is_deaf { options.slice(Duration::MAX) } else { options }
}

fn points(is_deaf: bool, waiter: Waiter) -> Points {
    match waiter {
        Waiter::Futex if is_deaf => Points::EveryInstruction,
        // The C library takes many instructions to change little.
        _ if is_deaf => Points::CloseToChanges,
        _ => Points::CallsAndChanges,
    }
}

fn who(is_deaf: bool) -> &'static str {
    if is_deaf { "who does not ask" } else { "who asks" }
}

/// The end in hand, or asleep with it.
#[derive(Debug)]
pub(crate) enum Survivor<E, R> {
    Awake(E),
    Asleep(Sleeper<(E, R)>),
    Between,
}

impl<E, R: Send + 'static> Survivor<E, R>
where
    E: Send + 'static,
{
    fn sleep(&mut self, work: impl FnOnce(E) -> (E, R) + Send + 'static) {
        let Self::Awake(end) = std::mem::replace(self, Self::Between) else { panic!("it sleeps") };
        *self = Self::Asleep(Sleeper::lay_down(move || work(end)));
    }

    fn rise(self) -> (E, R) {
        let Self::Asleep(sleeper) = self else { panic!("it does not sleep") };
        sleeper.rise()
    }
}

const FIRST: u64 = 4;

impl Scene for WakingReceiver {
    type Survivor = Survivor<Receiver<Message>, Vec<u64>>;

    fn name(&self) -> String {
        format!("spsc Send to a sleeper {}, {}, ring of 1", who(self.is_deaf), self.waiter)
    }

    fn capacity(&self) -> usize {
        1
    }

    fn points(&self) -> Points {
        points(self.is_deaf, self.waiter)
    }

    fn survive(&self, place: &Place) -> Self::Survivor {
        let (_, rx) = spsc_pair::warm_with(&options(place, self.is_deaf, self.waiter));
        Survivor::Awake(rx)
    }

    fn play(&self, place: &Place) {
        let mut tx = Sender::open_with(NAME, &place.options()).expect("a sender's seat");
        act(|| tx.send(Message::new(FIRST)), |result| result.is_ok())
    }

    fn settle(&self, _: &Place, survivor: &mut Self::Survivor) {
        let is_deaf = self.is_deaf;
        survivor.sleep(move |mut rx| {
            let mut got = Vec::new();
            while got.last() != Some(&LAST) {
                match rx.recv() {
                    Ok(message) => got.push(message.number()),
                    Err(_) if is_deaf => {
                        // It asks once before it sleeps, if it has not asked for a while: then the victim was dead.
                        rx.wait_for_peer(PATIENCE).expect("a successor");
                    }
                    Err(_) => break,
                }
            }
            (rx, got)
        });
    }

    /// Who stands still between publication and ring delays the sleeper, and nobody else.
    fn meanwhile(&self, place: &Place, _: &mut Self::Survivor) {
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, survivor: Self::Survivor, _: Fate) -> Progress {
        let (tx, rx, got) = if self.is_deaf {
            // A successor rings, whatever the words say.
            let mut tx = Sender::open_with(NAME, &place.options()).expect("a free seat");
            tx.send_timeout(Message::new(LAST), PATIENCE).expect("nobody wakes the sleeper");
            let (rx, mut got) = survivor.rise();
            assert_eq!(got.pop(), Some(LAST));
            (tx, rx, got)
        } else {
            let (rx, got) = survivor.rise();
            assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));
            (Sender::open_with(NAME, &place.options()).expect("a free seat"), rx, got)
        };
        assert!([&[] as &[u64], &[FIRST]].contains(&got.as_slice()), "{got:?}");
        let arrived = got.len() as u64;
        spsc_pair::goes_on(tx, rx, FIRST + arrived + u64::from(self.is_deaf));
        [arrived, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}

impl Scene for WakingSender {
    type Survivor = Survivor<Sender<Message>, Result<(), SendError<Message>>>;

    fn name(&self) -> String {
        format!("spsc Recv from a sleeper {}, {}, ring of 1", who(self.is_deaf), self.waiter)
    }

    fn capacity(&self) -> usize {
        1
    }

    fn points(&self) -> Points {
        points(self.is_deaf, self.waiter)
    }

    fn survive(&self, place: &Place) -> Self::Survivor {
        let (mut tx, rx) = spsc_pair::warm_with(&options(place, self.is_deaf, self.waiter));
        tx.send(Message::new(FIRST)).expect("room");
        drop(rx);
        Survivor::Awake(tx)
    }

    fn play(&self, place: &Place) {
        let mut rx = Receiver::<Message>::open_with(NAME, &place.options()).expect("a receiver's seat");
        act(|| rx.recv(), |got| *got == Ok(Message::new(FIRST)))
    }

    fn settle(&self, _: &Place, survivor: &mut Self::Survivor) {
        survivor.sleep(|mut tx| {
            let result = tx.send(Message::new(FIRST + 1));
            (tx, result)
        });
    }

    fn meanwhile(&self, place: &Place, _: &mut Self::Survivor) {
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, survivor: Self::Survivor, _: Fate) -> Progress {
        let receiver = || Receiver::<Message>::open_with(NAME, &place.options()).expect("a free seat");
        let (tx, rx, mut got, next) = if self.is_deaf {
            // A successor rings, whatever the words say.
            let mut rx = receiver();
            let mut got = Vec::new();
            while got.last() != Some(&(FIRST + 1)) {
                got.push(rx.recv_timeout(PATIENCE).expect("nobody wakes the sleeper").number());
            }
            let (tx, result) = survivor.rise();
            assert_eq!(result, Ok(()));
            (tx, rx, got, FIRST + 2)
        } else {
            let (tx, result) = survivor.rise();
            assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
            let mut rx = receiver();
            let mut got: Vec<u64> = rx.try_iter().map(|message| message.number()).collect();
            let is_back = result.is_err();
            got.extend(result.err().map(|SendError(message)| message.number()));
            (tx, rx, got, FIRST + if is_back { 1 } else { 2 })
        };
        // Each was taken by the dead one, or is there, or was handed back.
        assert_eq!(got.pop(), Some(FIRST + 1));
        assert!([&[] as &[u64], &[FIRST]].contains(&got.as_slice()), "{got:?}");
        let taken = 1 - got.len() as u64;
        spsc_pair::goes_on(tx, rx, next);
        [taken, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }
}
