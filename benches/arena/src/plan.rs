//! What is measured: cells, each a kind of work with its sizes, in which all contestants take turns.

use crate::args::{RunArgs, WorkKind};
use crate::entry::{Does, Entry};
use crate::task::{Seen, Work};
use serde::Serialize;

/// Messages in a burst.
pub const BURST: u64 = 100;
/// Messages that a channel of a round trip holds: more than are ever in it.
const ROUND_TRIP_CAPACITY: usize = 64;
/// Messages that a channel of bursts holds.
const BURST_CAPACITY: usize = 4096;
/// One in so many round trips has a time of its own.
const TIMED: u64 = 4;

/// One kind of work with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The kind.
    pub work: WorkKind,
    /// Bytes of a message.
    pub bytes: usize,
    /// Messages that a channel holds.
    pub capacity: usize,
    /// Messages that are given over in one call.
    pub batch: usize,
    /// From burst to burst; 0 in other work.
    pub period_us: u64,
    /// Senders, and receivers as many.
    pub sides: usize,
    /// Many to many: whether the harness tries and tries again, or everybody waits in their own way.
    pub polled: bool,
}

/// What a cell measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// In JSON.
    pub id: &'static str,
    /// In titles.
    pub title: &'static str,
    /// Of the figures.
    pub unit: &'static str,
    /// Whether less is better.
    pub less: bool,
}

const TRIP: Metric = Metric { id: "trip_ns", title: "a round trip", unit: "ns", less: true };
const MANY: Metric = Metric { id: "rate", title: "many to many", unit: "M messages/s", less: false };
const RATE: Metric = Metric { id: "rate", title: "one way", unit: "M messages/s", less: false };
const FIRST: Metric = Metric { id: "first_us", title: "first message of a burst", unit: "us", less: true };
const LAST: Metric = Metric { id: "last_us", title: "last message of a burst", unit: "us", less: true };
const CPU: Metric = Metric { id: "cpu_percent", title: "processor time of both sides", unit: "% of one", less: true };
const SLEEPS: Metric = Metric { id: "sleeps", title: "how often the ends slept", unit: "times a burst", less: true };

impl Cell {
    /// In the table.
    pub fn title(&self) -> String {
        let Self { bytes, capacity, batch, period_us, sides, .. } = self;
        match self.work {
            WorkKind::Rtt => format!("round trip, {bytes} bytes"),
            WorkKind::Rate if *batch == 1 => format!("one way, {bytes} bytes, one at a time, capacity {capacity}"),
            WorkKind::Rate => format!("one way, {bytes} bytes, batches of {batch}, capacity {capacity}"),
            WorkKind::Burst => format!("bursts of {BURST} every {} ms, {bytes} bytes", period_us / 1000),
            WorkKind::Many => {
                let how = if self.polled { "try and spin" } else { "blocking" };
                let given = if *batch == 1 { "one at a time".to_owned() } else { format!("batches of {batch}") };
                format!("{sides} to {sides}, {how}, {bytes} bytes, {given}, capacity {capacity}")
            }
        }
    }

    /// In the names of files.
    pub fn slug(&self) -> String {
        match self.work {
            WorkKind::Rtt => format!("rtt-{}", self.bytes),
            WorkKind::Rate => format!("rate-{}-batch-{}-capacity-{}", self.bytes, self.batch, self.capacity),
            WorkKind::Burst => format!("burst-{}-every-{}-ms", self.bytes, self.period_us / 1000),
            WorkKind::Many => {
                let (sides, how) = (self.sides, if self.polled { "try" } else { "block" });
                format!("many-{sides}x{sides}-{how}-batch-{}-capacity-{}", self.batch, self.capacity)
            }
        }
    }

    /// What it measures; figures of a turn are in this order.
    pub fn metrics(&self) -> &'static [Metric] {
        match self.work {
            WorkKind::Rtt => &[TRIP],
            WorkKind::Rate => &[RATE],
            WorkKind::Burst => &[FIRST, LAST, CPU, SLEEPS],
            WorkKind::Many => &[MANY],
        }
    }

    /// Whether this contestant takes part.
    pub fn takes(&self, entry: &Entry) -> bool {
        let does = match entry.does {
            Does::All => self.work != WorkKind::Many,
            Does::RoundTrips => self.work == WorkKind::Rtt,
            Does::Bursts => self.work == WorkKind::Burst,
            Does::Batches => self.work == WorkKind::Rate && self.batch > 1,
            Does::Polled => self.work == WorkKind::Many && self.polled,
            Does::Blocking => self.work == WorkKind::Many && !self.polled,
        };
        does && self.bytes <= entry.card.largest && (self.batch == 1 || entry.card.has_batches)
    }

    /// The work, with so many messages or trips; of bursts there are as many as in `turn_ns`, within reason.
    pub fn work(&self, amount: u64, turn_ns: u64) -> Work {
        match self.work {
            WorkKind::Rtt => Work::RoundTrip { trips: amount, timed: amount / TIMED + 1 },
            WorkKind::Rate => {
                let batch = self.batch as u64;
                let whole = |messages: u64| messages.div_ceil(batch) * batch;
                // A whole lap, however slow: whoever met fresh pages while the clock runs would be calibrated by them.
                let lap = whole(self.capacity as u64);
                Work::OneWay { messages: whole(amount), before: lap, batch: self.batch }
            }
            WorkKind::Burst => {
                // A burst is long in coming, and its latencies scatter: longer turns.
                let bursts = (5 * turn_ns / 1000 / self.period_us).clamp(10, 100);
                Work::Bursts { bursts, messages: BURST, period_us: self.period_us }
            }
            WorkKind::Many => {
                let each = |messages: u64| messages.div_ceil((self.sides * self.batch) as u64) * self.batch as u64;
                // A lap at least. Who is fast makes more: each process has to meet each page, and they take turns on it.
                let lap = self.capacity as u64;
                let before = lap.max((amount / 4).min(2 * self.sides as u64 * lap));
                Work::Many { sides: self.sides, messages: each(amount), before: each(before), batch: self.batch }
            }
        }
    }

    /// The figures of a turn, one for each metric: from what the sides have seen.
    pub fn figures(&self, work: &Work, sender: &Seen, receiver: &Seen) -> Option<Vec<f64>> {
        match *work {
            Work::RoundTrip { trips, .. } => {
                let ns = sender.ended_ns?.checked_sub(sender.began_ns?)?;
                Some(vec![ns as f64 / trips as f64])
            }
            Work::OneWay { messages, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)?;
                Some(vec![messages as f64 * 1e3 / ns as f64])
            }
            Work::Many { sides, messages, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)?;
                Some(vec![(sides as u64 * messages) as f64 * 1e3 / ns as f64])
            }
            Work::Bursts { bursts, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)?;
                let median = |counted: &[(u64, u64)]| {
                    let mut histogram = crate::work::histogram::empty();
                    crate::work::histogram::add(&mut histogram, counted);
                    histogram.value_at_quantile(0.5) as f64 / 1e3
                };
                let cpu = sender.cpu_ns? + receiver.cpu_ns?;
                let sleeps = (sender.sleeps? + receiver.sleeps?) as f64 / bursts as f64;
                let percent = cpu as f64 * 100.0 / ns as f64;
                Some(vec![median(&receiver.first_ns), median(&receiver.last_ns), percent, sleeps])
            }
        }
    }

    /// How long the clock ran in a turn, in ns.
    pub fn elapsed_ns(sender: &Seen, receiver: &Seen) -> Option<u64> {
        receiver.ended_ns.or(sender.ended_ns)?.checked_sub(sender.began_ns?)
    }
}

/// All cells that are asked for.
pub fn cells(args: &RunArgs) -> Vec<Cell> {
    let mut cells = Vec::new();
    for bytes in [8, 64, 256] {
        cells.push(Cell {
            work: WorkKind::Rtt,
            bytes,
            capacity: ROUND_TRIP_CAPACITY,
            batch: 1,
            period_us: 0,
            sides: 1,
            polled: false,
        });
    }
    for batch in [1, 8, 64] {
        for bytes in [8, 64, 256, 1024] {
            for capacity in [4096, 65536] {
                cells.push(Cell {
                    work: WorkKind::Rate,
                    bytes,
                    capacity,
                    batch,
                    period_us: 0,
                    sides: 1,
                    polled: false,
                });
            }
        }
    }
    for period_us in [1000, 10_000] {
        cells.push(Cell {
            work: WorkKind::Burst,
            bytes: 8,
            capacity: BURST_CAPACITY,
            batch: 1,
            period_us,
            sides: 1,
            polled: false,
        });
    }
    for sides in [1, 2, 4] {
        for polled in [true, false] {
            for batch in [1, 64] {
                for capacity in [1024, 65536] {
                    cells.push(Cell { work: WorkKind::Many, bytes: 8, capacity, batch, sides, polled, period_us: 0 });
                }
            }
        }
    }
    cells.retain(|cell| {
        let asked = |list: &[usize], value| list.is_empty() || list.contains(&value);
        (args.work.is_empty() || args.work.contains(&cell.work))
            && asked(&args.bytes, cell.bytes)
            && asked(&args.batch, cell.batch)
            && (!matches!(cell.work, WorkKind::Rate | WorkKind::Many) || asked(&args.capacity, cell.capacity))
            && (cell.work != WorkKind::Many || asked(&args.sides, cell.sides))
    });
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(work: WorkKind, batch: usize, period_us: u64) -> Cell {
        Cell { work, bytes: 8, capacity: 4096, batch, period_us, sides: 1, polled: false }
    }

    #[test]
    fn batches_are_whole_and_a_lap_goes_before() {
        let work = cell(WorkKind::Rate, 64, 0).work(1000, 60_000_000);
        assert_eq!(work, Work::OneWay { messages: 1024, before: 4096, batch: 64 });
    }

    /// Of many, each sender has its share, in whole batches, and who is fast makes more laps before.
    #[test]
    fn many_share_the_messages() {
        let cell = Cell { sides: 4, ..cell(WorkKind::Many, 64, 0) };
        let work = |messages, before| Work::Many { sides: 4, messages, before, batch: 64 };
        assert_eq!(cell.work(1000, 60_000_000), work(256, 1024));
        assert_eq!(cell.work(1 << 20, 60_000_000), work(1 << 18, 8 * 1024));
        let sender = Seen { began_ns: Some(0), ..Seen::default() };
        let receiver = Seen { ended_ns: Some(1024), ..Seen::default() };
        assert_eq!(cell.figures(&work(256, 0), &sender, &receiver), Some(vec![1000.0]));
    }

    #[test]
    fn a_rate_is_from_the_first_send_to_the_last_check() {
        let cell = cell(WorkKind::Rate, 1, 0);
        let sender = Seen { began_ns: Some(1_000), ..Seen::default() };
        let receiver = Seen { ended_ns: Some(1_001_000), ..Seen::default() };
        let work = Work::OneWay { messages: 50_000, before: 0, batch: 1 };
        assert_eq!(cell.figures(&work, &sender, &receiver), Some(vec![50.0]));
    }

    /// 3 ms of two processors' time in 10 ms are 30 % of one.
    #[test]
    fn figures_of_bursts() {
        let sender = Seen { began_ns: Some(0), cpu_ns: Some(1_000_000), sleeps: Some(1), ..Seen::default() };
        let receiver = Seen {
            ended_ns: Some(10_000_000),
            cpu_ns: Some(2_000_000),
            sleeps: Some(19),
            first_ns: vec![(1000, 5), (2000, 5), (3000, 4)],
            last_ns: vec![(500, 14)],
            ..Seen::default()
        };
        let work = Work::Bursts { bursts: 10, messages: 100, period_us: 1000 };
        let figures = cell(WorkKind::Burst, 1, 1000).figures(&work, &sender, &receiver).expect("all is there");
        let expected = [2.0, 0.5, 30.0, 2.0];
        assert!(figures.iter().zip(expected).all(|(is, must)| (is / must - 1.0).abs() < 1e-3), "{figures:?}");
    }
}
