//! What is measured: cells, each a kind of work with its sizes, in which all contestants take turns.

mod beside;

use crate::args::{RunArgs, WorkKind};
use crate::contestant::{Ends, Waiting};
use crate::entry::{Does, Entry, Kind};
use crate::task::{Seen, Work};
use crate::work::histogram;
use serde::{Deserialize, Serialize};

/// Messages in a burst.
pub const BURST: u64 = 100;
/// Messages that a channel of a round trip holds: more than are ever in it.
const ROUND_TRIP_CAPACITY: usize = 64;
/// Messages that a channel of bursts holds.
const BURST_CAPACITY: usize = 4096;
/// Bytes that a channel of messages of any length holds.
const BYTES_CAPACITY: usize = 1 << 20;
/// So many bytes of large messages go before those that count, or so many messages.
const BULK_BEFORE: (u64, u64) = (4 << 20, 4);
/// So many bytes of large messages are tried first.
const BULK_FIRST: u64 = 16 << 20;
/// Bytes of a message that is written in place, and how many of them the sender and the receiver have between them.
const LOANS: [(usize, usize); 3] = [(64 << 10, 16), (1 << 20, 4), (16 << 20, 4)];
/// Bytes of a message whose handing over is measured alone, and of those that are written: a line.
const LOAN_TRIP: (usize, usize) = (1 << 20, 64);
/// So many bytes of messages that are written in place go before those that count, or so many messages.
const LOANS_BEFORE: (u64, u64) = (4 << 20, 8);
/// One in so many round trips has a time of its own.
const TIMED: u64 = 4;

/// One kind of work with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The kind.
    pub work: WorkKind,
    /// Bytes of a message, or of the longest.
    pub bytes: usize,
    /// Bytes of the shortest; of messages that are written in place, so many bytes of each are.
    pub least: usize,
    /// Messages that a channel holds; where they may have any length, bytes; where they are written and read in place, those in
    /// the ends' hands are among them.
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
const BULK: Metric = Metric { id: "gigabytes", title: "from buffer to buffer", unit: "GB/s", less: false };
const RECORDS: Metric = Metric { id: "rate", title: "records one way", unit: "M records/s", less: false };
const LOANED: Metric = Metric { id: "gigabytes", title: "written and read in place", unit: "GB/s", less: false };
const LOANS_RATE: Metric = Metric { id: "rate", title: "written and read in place", unit: "messages/s", less: false };
const FIRST: Metric = Metric { id: "first_us", title: "first message of a burst", unit: "us", less: true };
const LAST: Metric = Metric { id: "last_us", title: "last message of a burst", unit: "us", less: true };
const WHOLE: Metric =
    Metric { id: "whole_us", title: "a burst, first message's sending to last one's arrival", unit: "us", less: true };
const CPU: Metric = Metric { id: "cpu_percent", title: "processor time of both sides", unit: "% of one", less: true };
const SLEEPS: Metric = Metric { id: "sleeps", title: "how often the ends slept", unit: "times a burst", less: true };

impl Cell {
    /// In the table.
    pub fn title(&self) -> String {
        let Self { bytes, capacity, batch, period_us, sides, .. } = self;
        let records = || if self.least == *bytes { bytes.to_string() } else { format!("{} to {bytes}", self.least) };
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
            WorkKind::Bulk => format!("messages of {}, buffer to buffer", size(*bytes)),
            WorkKind::Loans if self.is_trips() => {
                format!("round trip in place, messages of {} of which {} bytes are touched", size(*bytes), self.least)
            }
            WorkKind::Loans => format!("messages of {}, written and read in place", size(*bytes)),
            WorkKind::Records if self.is_bursts() => {
                format!("bursts of {BURST} records every {} ms, {} bytes", period_us / 1000, records())
            }
            WorkKind::Records => format!("records of {} bytes, one way", records()),
            _ => beside::title(self),
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
            WorkKind::Bulk => format!("bulk-{}", self.bytes),
            WorkKind::Loans if self.is_trips() => format!("loan-trips-{}", self.bytes),
            WorkKind::Loans => format!("loans-{}", self.bytes),
            WorkKind::Records => {
                let how = if self.is_bursts() { format!("-every-{}-ms", self.period_us / 1000) } else { String::new() };
                format!("records-{}-to-{}{how}", self.least, self.bytes)
            }
            _ => beside::slug(self),
        }
    }

    /// What it measures; figures of a turn are in this order.
    pub fn metrics(&self) -> &'static [Metric] {
        match self.work {
            WorkKind::Rtt => &[TRIP],
            WorkKind::Rate => &[RATE],
            WorkKind::Burst => &[FIRST, LAST, CPU, SLEEPS, WHOLE],
            WorkKind::Many => &[MANY],
            WorkKind::Bulk => &[BULK],
            WorkKind::Loans if self.is_trips() => &[TRIP],
            WorkKind::Loans => &[LOANED, LOANS_RATE],
            WorkKind::Records if self.is_bursts() => &[FIRST, LAST, CPU, SLEEPS, WHOLE],
            WorkKind::Records => &[RECORDS],
            _ => beside::metrics(self),
        }
    }

    /// Whether there is nothing to do for a while again and again.
    pub fn is_bursts(&self) -> bool {
        self.period_us > 0
    }

    /// Whether a message goes there and one comes back.
    pub fn is_trips(&self) -> bool {
        match self.work {
            WorkKind::Rtt => true,
            WorkKind::Loans => self.least < self.bytes,
            // One way goes through a larger channel.
            WorkKind::Members => self.capacity == ROUND_TRIP_CAPACITY,
            _ => false,
        }
    }

    /// Whether it is said beforehand how much is done, and not found out how much fits into a turn.
    pub fn is_given(&self) -> bool {
        use WorkKind::{Attach, Channels, FirstLap, Memory};
        matches!(self.work, Attach | Memory | FirstLap | Channels)
    }

    /// Whether this metric is the median of single times.
    pub fn is_of_times(&self, metric: &Metric) -> bool {
        self.is_given() && metric.unit == "us"
    }

    /// Whether messages of one size go from one sender to one receiver.
    fn is_of_one_size(&self) -> bool {
        matches!(self.work, WorkKind::Rtt | WorkKind::Rate | WorkKind::Burst)
    }

    /// Whether it is more processes than processors, in pairs: nobody spins there who can help it.
    fn is_pairs(&self, entry: &Entry) -> bool {
        let is_channel =
            entry.kind != Kind::Limit && entry.ends == Ends::Processes && entry.card.waiting != Waiting::Spins;
        self.work == WorkKind::Overcommit && self.sides == 1 && is_channel
    }

    /// How many messages are tried first, to see how many make a turn.
    pub fn first(&self) -> u64 {
        match self.work {
            WorkKind::Bulk | WorkKind::Loans if !self.is_trips() => {
                (BULK_FIRST / self.bytes as u64).clamp(1, crate::calibrate::FIRST)
            }
            _ if self.is_given() => beside::amount(self),
            _ => crate::calibrate::FIRST,
        }
    }

    /// Whether this contestant takes part.
    pub fn takes(&self, entry: &Entry) -> bool {
        let does = match entry.does {
            Does::All => self.is_of_one_size() || self.is_pairs(entry) || beside::takes(self, entry),
            Does::Singles => self.is_of_one_size() && self.batch == 1 || self.is_pairs(entry),
            Does::RoundTrips => self.work == WorkKind::Rtt,
            Does::Bursts => self.work == WorkKind::Burst,
            Does::Batches => self.work == WorkKind::Rate && self.batch > 1,
            Does::Polled => self.work == WorkKind::Many && self.polled,
            Does::Blocking => {
                let is_overcommit = self.work == WorkKind::Overcommit && self.sides > 1;
                self.work == WorkKind::Many && !self.polled || is_overcommit && entry.ends == Ends::Processes
            }
            Does::Lengths => matches!(self.work, WorkKind::Bulk | WorkKind::Records),
            Does::Bulk => self.work == WorkKind::Bulk,
            Does::Loans => self.work == WorkKind::Loans,
            Does::Members => self.work == WorkKind::Members,
            Does::Laps => {
                // Who is broken has the tenth message in pairs as well.
                self.work == WorkKind::FirstLap || entry.kind == Kind::Broken && self.is_pairs(entry)
            }
            Does::Making(works) => works.contains(&self.work),
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
                Work::Bursts { bursts: self.bursts(turn_ns), messages: BURST, period_us: self.period_us }
            }
            WorkKind::Bulk => {
                let before = (BULK_BEFORE.0 / self.bytes as u64).max(BULK_BEFORE.1);
                // Three at least: one alone would be half a copy, with nobody at the other end of the channel.
                Work::Bulk { messages: amount.max(3), before }
            }
            WorkKind::Loans if self.is_trips() => {
                Work::LoanTrips { trips: amount, timed: amount / TIMED + 1, touched: self.least }
            }
            WorkKind::Loans => {
                let before = (LOANS_BEFORE.0 / self.bytes as u64).max(LOANS_BEFORE.1);
                Work::Loans { messages: amount.max(3), before }
            }
            WorkKind::Records if self.is_bursts() => {
                let (bursts, least) = (self.bursts(turn_ns), self.least);
                Work::RecordBursts { bursts, messages: BURST, period_us: self.period_us, least }
            }
            WorkKind::Records => {
                // Two laps: a record of many lengths has an eighth of the longest, about.
                let mean = if self.least == self.bytes { self.bytes } else { self.bytes / 8 };
                let before = (2 * self.capacity / mean) as u64;
                Work::Records { messages: amount, before, least: self.least }
            }
            WorkKind::Many | WorkKind::Overcommit if self.sides > 1 || self.work == WorkKind::Many => {
                let each = |messages: u64| messages.div_ceil((self.sides * self.batch) as u64) * self.batch as u64;
                // A lap at least. Who is fast makes more: each process has to meet each page, and they take turns on it.
                let lap = self.capacity as u64;
                let before = lap.max((amount / 4).min(2 * self.sides as u64 * lap));
                Work::Many { sides: self.sides, messages: each(amount), before: each(before), batch: self.batch }
            }
            _ => beside::work(self, amount),
        }
    }

    /// As many as in a turn that is longer than others: a burst is long in coming, and its latencies scatter.
    fn bursts(&self, turn_ns: u64) -> u64 {
        (5 * turn_ns / 1000 / self.period_us).clamp(10, 100)
    }

    /// The figures of a turn, one for each metric: from what the sides have seen.
    pub fn figures(&self, work: &Work, sender: &Seen, receiver: &Seen) -> Option<Vec<f64>> {
        match *work {
            Work::RoundTrip { trips, .. } | Work::LoanTrips { trips, .. } => {
                let ns = sender.ended_ns?.checked_sub(sender.began_ns?)?;
                Some(vec![ns as f64 / trips as f64])
            }
            Work::OneWay { messages, .. } | Work::Records { messages, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)?;
                Some(vec![messages as f64 * 1e3 / ns as f64])
            }
            Work::Many { sides, messages, .. } | Work::Pairs { pairs: sides, messages, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)?;
                Some(vec![(sides as u64 * messages) as f64 * 1e3 / ns as f64])
            }
            Work::Bulk { messages, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)?;
                Some(vec![(messages * self.bytes as u64) as f64 / ns as f64])
            }
            Work::Loans { messages, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)? as f64;
                Some(vec![(messages * self.bytes as u64) as f64 / ns, messages as f64 * 1e9 / ns])
            }
            Work::Bursts { bursts, .. } | Work::RecordBursts { bursts, .. } => {
                let ns = receiver.ended_ns?.checked_sub(sender.began_ns?)?;
                let median = |counted: &[(u64, u64)]| histogram::median(counted) / 1e3;
                let cpu = sender.cpu_ns? + receiver.cpu_ns?;
                let sleeps = (sender.sleeps? + receiver.sleeps?) as f64 / bursts as f64;
                let percent = cpu as f64 * 100.0 / ns as f64;
                let [first, last, whole] =
                    [&receiver.first_ns, &receiver.last_ns, &receiver.whole_ns].map(|ns| median(ns));
                Some(vec![first, last, percent, sleeps, whole])
            }
            Work::Laps { .. } | Work::Attach { .. } | Work::Memory | Work::Channels { .. } => {
                beside::figures(self, sender, receiver)
            }
        }
    }

    /// How long the clock ran in a turn, in ns.
    pub fn elapsed_ns(sender: &Seen, receiver: &Seen) -> Option<u64> {
        receiver.ended_ns.or(sender.ended_ns)?.checked_sub(sender.began_ns?)
    }
}

/// `4 KiB`, `1 MiB`.
fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}

/// All cells that are asked for.
pub fn cells(args: &RunArgs) -> Vec<Cell> {
    let mut cells = Vec::new();
    for bytes in [8, 64, 256] {
        cells.push(Cell {
            work: WorkKind::Rtt,
            bytes,
            least: bytes,
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
                    least: bytes,
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
            least: 8,
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
                    cells.push(Cell {
                        work: WorkKind::Many,
                        bytes: 8,
                        least: 8,
                        capacity,
                        batch,
                        sides,
                        polled,
                        period_us: 0,
                    });
                }
            }
        }
    }
    let of_bytes = |work, (least, bytes), period_us| Cell {
        work,
        bytes,
        least,
        capacity: BYTES_CAPACITY,
        batch: 1,
        period_us,
        sides: 1,
        polled: false,
    };
    for bytes in [4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20] {
        cells.push(of_bytes(WorkKind::Bulk, (bytes, bytes), 0));
    }
    for period_us in [0, 1000] {
        for lengths in [(64, 64), (1024, 1024), (16, 4096)] {
            cells.push(of_bytes(WorkKind::Records, lengths, period_us));
        }
    }
    for (bytes, capacity) in LOANS {
        cells.push(Cell { capacity, ..of_bytes(WorkKind::Loans, (bytes, bytes), 0) });
    }
    let (bytes, touched) = LOAN_TRIP;
    let capacity = LOANS.iter().find(|loans| loans.0 == bytes).map_or(1, |loans| loans.1);
    cells.push(Cell { capacity, ..of_bytes(WorkKind::Loans, (touched, bytes), 0) });
    cells.extend(beside::cells());
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
        Cell { work, bytes: 8, least: 8, capacity: 4096, batch, period_us, sides: 1, polled: false }
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
            whole_ns: vec![(4000, 14)],
            ..Seen::default()
        };
        let work = Work::Bursts { bursts: 10, messages: 100, period_us: 1000 };
        let figures = cell(WorkKind::Burst, 1, 1000).figures(&work, &sender, &receiver).expect("all is there");
        let expected = [2.0, 0.5, 30.0, 2.0, 4.0];
        assert!(figures.iter().zip(expected).all(|(is, must)| (is / must - 1.0).abs() < 1e-3), "{figures:?}");
    }

    /// Large messages are few, and gigabytes are nanoseconds' bytes.
    #[test]
    fn large_messages_are_counted_in_bytes() {
        let cell = Cell { bytes: 64 << 20, least: 64 << 20, ..cell(WorkKind::Bulk, 1, 0) };
        assert_eq!((cell.first(), cell.title().as_str()), (1, "messages of 64 MiB, buffer to buffer"));
        let work = cell.work(1, 60_000_000);
        assert_eq!(work, Work::Bulk { messages: 3, before: 4 });
        let sender = Seen { began_ns: Some(0), ..Seen::default() };
        let receiver = Seen { ended_ns: Some(3 * (64 << 20)), ..Seen::default() };
        assert_eq!(cell.figures(&work, &sender, &receiver), Some(vec![1.0]));
    }

    /// What is written in place has two figures, and what only goes there and back has a trip's.
    #[test]
    fn messages_in_place_are_counted_in_bytes_and_by_number() {
        let one_way = Cell { bytes: 1 << 20, least: 1 << 20, capacity: 4, ..cell(WorkKind::Loans, 1, 0) };
        assert_eq!((one_way.first(), one_way.is_trips()), (16, false));
        let work = one_way.work(1000, 60_000_000);
        assert_eq!(work, Work::Loans { messages: 1000, before: 8 });
        let sender = Seen { began_ns: Some(0), ended_ns: Some(2_000_000), ..Seen::default() };
        let receiver = Seen { ended_ns: Some(1 << 20), ..Seen::default() };
        let figures = one_way.figures(&work, &sender, &receiver).expect("all is there");
        assert_eq!((figures[0], figures[1].round()), (1000.0, 953_674.0));
        let trips = Cell { least: 64, ..one_way };
        let work = trips.work(1000, 60_000_000);
        assert_eq!(work, Work::LoanTrips { trips: 1000, timed: 251, touched: 64 });
        assert_eq!(trips.figures(&work, &sender, &receiver), Some(vec![2000.0]));
        assert_eq!(trips.metrics().len(), 1);
    }
}
