//! The crate itself. One at a time by `send` and `recv`, in batches in place by grants.

use super::rendezvous::PATIENCE;
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::{Does, Entry, Kind};
use ringway::{Options, WaitStrategy, spsc};
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
    let entry = |name, waiting, strategy| Entry::between(card(name, waiting), Ringway(strategy)).kind(Kind::Ringway);
    let mut entries = vec![
        entry("ringway, spinning", Waiting::Spins, WaitStrategy::Spin),
        entry("ringway", Waiting::Default, WaitStrategy::default()),
        entry("ringway, sleeping", Waiting::Sleeps, WaitStrategy::Sleep),
    ];
    // Where is the knee: how long to spin before it is better to sleep?
    entries.extend(BUDGETS.map(|(name, us)| {
        let waiting = if us == 0 { Waiting::Sleeps } else { Waiting::Default };
        entry(name, waiting, WaitStrategy::SpinThenSleep(Duration::from_micros(us))).only(Does::Bursts)
    }));
    entries
}

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

#[derive(Clone)]
struct Ringway(WaitStrategy);

impl Ringway {
    fn options(&self, place: &Place) -> Options {
        Options::new().dir(&place.dir).capacity(place.capacity).open_timeout(PATIENCE).wait(self.0)
    }
}

impl Between for Ringway {
    type Sender<M: Message> = Tx<M>;
    type Receiver<M: Message> = Rx<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Tx<M>, Failure> {
        Ok(Tx(spsc::Sender::open_with(&place.name, &self.options(place))?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Rx<M>, Failure> {
        Ok(Rx(spsc::Receiver::create_with(&place.name, &self.options(place))?))
    }
}

struct Tx<M: Message>(spsc::Sender<M>);

#[cold]
fn gone() -> Failure {
    "the other end is gone".into()
}

impl<M: Message> Sender<M> for Tx<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.0.send(message).map_err(|_| gone())
    }

    #[inline]
    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        let (mut next, end) = (first, first + count as u64);
        while next < end {
            let mut grant = self.0.reserve_up_to((end - next) as usize).map_err(|_| gone())?;
            for run in grant.runs_mut() {
                for place in run {
                    *place = M::of(next);
                    next += 1;
                }
            }
            grant.commit_all();
        }
        Ok(())
    }
}

struct Rx<M: Message>(spsc::Receiver<M>);

impl<M: Message> Receiver<M> for Rx<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        self.0.recv().map_err(|_| gone())
    }

    #[inline]
    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        let grant = self.0.read_up_to(max).map_err(|_| gone())?;
        let count = grant.len();
        for run in grant.runs() {
            run.iter().for_each(&mut take);
        }
        grant.release_all();
        Ok(count)
    }
}
