//! The crate itself. One at a time by `send` and `recv`; batches by `send_many` and `recv_many`, or by grants in place.

use super::rendezvous::PATIENCE;
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::{Does, Entry, Kind};
use ringway::{Options, Placement, WaitStrategy, Waiter, spsc};
use std::time::Duration;

pub fn entries() -> Vec<Entry> {
    let card = |name, waiting| Card {
        name,
        version: env!("VERSION_RINGWAY"),
        mode: "spsc, default but for the waiting",
        waiting,
        largest: usize::MAX,
        has_batches: true,
    };
    let entry = |name, waiting, strategy| {
        Entry::between(card(name, waiting), Ringway { strategy, ..Ringway::default() }).kind(Kind::Ringway)
    };
    let mut entries = vec![
        entry("ringway, spinning", Waiting::Spins, WaitStrategy::Spin),
        entry("ringway", Waiting::Default, WaitStrategy::default()),
        entry("ringway, sleeping", Waiting::Sleeps, WaitStrategy::Sleep),
    ];
    let table =
        Card { mode: "spsc, words in a table: for batches in place", ..card("ringway, table", Waiting::Default) };
    let prefaulted = Card { mode: "spsc, both ends with prefault", ..card("ringway, prefaulted", Waiting::Default) };
    let fetched = Ringway { prefault: true, ..Ringway::default() };
    entries.push(Entry::between(prefaulted, fetched).kind(Kind::Ringway).only(Does::Laps));
    let in_a_table = Ringway { placement: Some(Placement::Table), ..Ringway::default() };
    entries.push(Entry::between(table, in_a_table).kind(Kind::Ringway).only(Does::Batches));
    for (default, sleeping, waiter) in WAITERS {
        for (name, waiting, strategy) in
            [(default, Waiting::Default, WaitStrategy::default()), (sleeping, Waiting::Sleeps, WaitStrategy::Sleep)]
        {
            let card = Card { mode: "spsc, another waiter than the futex", ..card(name, waiting) };
            let by_it = Ringway { strategy, waiter, ..Ringway::default() };
            entries.push(Entry::between(card, by_it).kind(Kind::Ringway).only(Does::Singles));
        }
    }
    // Where is the knee: how long to spin before it is better to sleep?
    entries.extend(BUDGETS.map(|(name, us)| {
        let waiting = if us == 0 { Waiting::Sleeps } else { Waiting::Default };
        entry(name, waiting, WaitStrategy::SpinThenSleep(Duration::from_micros(us))).only(Does::Bursts)
    }));
    entries
}

/// What puts the ends to sleep, if not a futex: by default, and asleep.
const WAITERS: [(&str, &str, Waiter); 3] = [
    ("ringway, condvar", "ringway, condvar, sleeping", Waiter::Condvar),
    ("ringway, semaphore", "ringway, semaphore, sleeping", Waiter::Semaphore),
    ("ringway, message queue", "ringway, message queue, sleeping", Waiter::MessageQueue),
];

/// Microseconds of spinning before sleeping.
const BUDGETS: [(&str, u64); 7] = [
    ("ringway, 0 us of spinning", 0),
    ("ringway, 5 us of spinning", 5),
    ("ringway, 10 us of spinning", 10),
    ("ringway, 20 us of spinning", 20),
    ("ringway, 50 us of spinning", 50),
    ("ringway, 100 us of spinning", 100),
    ("ringway, 200 us of spinning", 200),
];

#[derive(Clone, Default)]
pub struct Ringway {
    strategy: WaitStrategy,
    placement: Option<Placement>,
    waiter: Waiter,
    prefault: bool,
}

impl Ringway {
    /// The channel that waits like this.
    pub fn waiting(strategy: WaitStrategy) -> Self {
        Self { strategy, ..Self::default() }
    }

    fn options(&self, place: &Place) -> Options {
        let options = Options::new()
            .dir(&place.dir)
            .capacity(place.capacity)
            .open_timeout(PATIENCE)
            .wait(self.strategy)
            .waiter(self.waiter)
            .prefault(self.prefault);
        self.placement.map_or(options.clone(), |placement| options.placement(placement))
    }
}

impl Between for Ringway {
    type Sender<M: Message> = Tx<M>;
    type Receiver<M: Message> = Rx<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Tx<M>, Failure> {
        let sender = spsc::Sender::open_with(&place.name, &self.options(place))?;
        Ok(Tx { sender, in_place: self.placement.is_some(), batch: Vec::new() })
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Rx<M>, Failure> {
        let receiver = spsc::Receiver::create_with(&place.name, &self.options(place))?;
        Ok(Rx { receiver, in_place: self.placement.is_some(), batch: Vec::new() })
    }
}

/// Batches go in place where they lie in a row, and from and to a buffer where each frame holds a few messages.
pub struct Tx<M: Message> {
    sender: spsc::Sender<M>,
    in_place: bool,
    batch: Vec<M>,
}

#[cold]
fn gone() -> Failure {
    "the other end is gone".into()
}

impl<M: Message> Sender<M> for Tx<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.sender.send(message).map_err(|_| gone())
    }

    #[inline]
    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        let (mut next, end) = (first, first + count as u64);
        if !self.in_place {
            self.batch.clear();
            self.batch.extend((next..end).map(M::of));
            return self.sender.send_many(&self.batch).map_err(|_| gone());
        }
        while next < end {
            let mut grant = self.sender.reserve_up_to((end - next) as usize).map_err(|_| gone())?;
            for run in grant.runs_mut() {
                for (place, number) in run.iter_mut().zip(next..) {
                    *place = M::of(number);
                }
                next += run.len() as u64;
            }
            grant.commit_all();
        }
        Ok(())
    }
}

pub struct Rx<M: Message> {
    receiver: spsc::Receiver<M>,
    in_place: bool,
    batch: Vec<M>,
}

impl<M: Message> Receiver<M> for Rx<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        self.receiver.recv().map_err(|_| gone())
    }

    #[inline]
    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        if !self.in_place {
            self.batch.resize(max, M::of(0));
            let count = self.receiver.recv_many(&mut self.batch).map_err(|_| gone())?;
            self.batch[..count].iter().for_each(&mut take);
            return Ok(count);
        }
        let grant = self.receiver.read_up_to(max).map_err(|_| gone())?;
        let count = grant.len();
        for run in grant.runs() {
            run.iter().for_each(&mut take);
        }
        grant.release_all();
        Ok(count)
    }
}
