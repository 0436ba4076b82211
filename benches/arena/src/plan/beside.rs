//! Cells of what is beside messages in turns: how channels are made, what they take, and who else is there.

use super::{Cell, MANY, Metric, RATE, ROUND_TRIP_CAPACITY, TRIP};
use crate::args::WorkKind;
use crate::entry::{Entry, Kind};
use crate::report::{DEFAULT, SPINNING};
use crate::task::{Seen, Work};
use crate::work::histogram;

/// Messages that a channel holds of which the making is measured: what the target for its memory is about.
const CAPACITY: usize = 1024;
/// Channels that are made one after the other in a turn, and before those.
const ATTACHED: (u64, u64) = (50, 2);
/// Channels in one process.
const CHANNELS: u64 = 1000;
/// Laps after the first.
const LATER: u64 = 4;
/// Messages that a channel beside idle members holds one way.
const MEMBERS_CAPACITY: usize = 4096;
/// Processes of each kind where there are too many.
const EACH: usize = 4;

const OF_TIMES: Metric = Metric { id: "", title: "", unit: "us", less: true };
const ATTACH: [Metric; 3] = [
    Metric { id: "create_us", title: "making it", ..OF_TIMES },
    Metric { id: "open_us", title: "opening it", ..OF_TIMES },
    Metric { id: "first_us", title: "from before the opening until the first message is there", ..OF_TIMES },
];
const MEMORY: [Metric; 2] = [
    Metric { id: "fresh_kib", title: "both ends are there", unit: "KiB", less: true },
    Metric { id: "lap_kib", title: "all of it has been used", unit: "KiB", less: true },
];
const LAPS: [Metric; 3] = [
    Metric { id: "first_rate", title: "the first lap", ..RATE },
    Metric { id: "later_rate", title: "later laps", ..RATE },
    Metric { id: "times", title: "how many times as long the first lap takes", unit: "times", less: true },
];
const IN_ONE_PROCESS: [Metric; 5] = [
    Metric { id: "create_us", title: "making and opening one", ..OF_TIMES },
    Metric { id: "message_us", title: "a message through one", ..OF_TIMES },
    Metric { id: "drop_us", title: "dropping both ends of one", ..OF_TIMES },
    Metric { id: "descriptors", title: "descriptors of one", unit: "descriptors", less: true },
    Metric { id: "mappings", title: "mappings of one", unit: "mappings", less: true },
];

/// As [`Cell::title`].
pub fn title(cell: &Cell) -> String {
    let Cell { bytes, capacity, .. } = cell;
    match cell.work {
        WorkKind::Attach => format!("attaching, {capacity} x {bytes} bytes, one channel after the other"),
        WorkKind::Memory => format!("memory of a channel of {capacity} x {bytes} bytes"),
        WorkKind::Members if cell.is_trips() => format!("round trip beside idle members, {bytes} bytes"),
        WorkKind::Members => format!("one way beside idle members, {bytes} bytes, capacity {capacity}"),
        WorkKind::Overcommit if cell.sides == 1 => format!("8 processes in {EACH} pairs, {bytes} bytes, one way"),
        WorkKind::Overcommit => format!("8 processes, {0} to {0} on one channel, {bytes} bytes", cell.sides),
        WorkKind::FirstLap => format!("a fresh channel, {capacity} x {bytes} bytes"),
        _ => format!("{CHANNELS} channels in one process, {capacity} x {bytes} bytes"),
    }
}

/// As [`Cell::slug`].
pub fn slug(cell: &Cell) -> String {
    let Cell { bytes, capacity, .. } = cell;
    match cell.work {
        WorkKind::Attach => format!("attach-{capacity}x{bytes}"),
        WorkKind::Memory => format!("memory-{capacity}x{bytes}"),
        WorkKind::Members if cell.is_trips() => format!("members-rtt-{bytes}"),
        WorkKind::Members => format!("members-rate-{bytes}"),
        WorkKind::Overcommit if cell.sides == 1 => format!("overcommit-{EACH}-pairs"),
        WorkKind::Overcommit => format!("overcommit-{0}x{0}", cell.sides),
        WorkKind::FirstLap => format!("first-lap-{capacity}x{bytes}"),
        _ => format!("channels-{CHANNELS}"),
    }
}

/// As [`Cell::metrics`].
pub fn metrics(cell: &Cell) -> &'static [Metric] {
    match cell.work {
        WorkKind::Attach => &ATTACH,
        WorkKind::Memory => &MEMORY,
        WorkKind::Members if cell.is_trips() => &[TRIP],
        WorkKind::Members => &[RATE],
        WorkKind::Overcommit => &[MANY],
        WorkKind::FirstLap => &LAPS,
        _ => &IN_ONE_PROCESS,
    }
}

/// How much is done, where that is given.
pub fn amount(cell: &Cell) -> u64 {
    match cell.work {
        WorkKind::Attach => ATTACHED.0,
        WorkKind::FirstLap => cell.capacity as u64 * (1 + LATER),
        WorkKind::Channels => CHANNELS,
        _ => 1,
    }
}

/// As [`Cell::work`].
pub fn work(cell: &Cell, amount: u64) -> Work {
    match cell.work {
        WorkKind::Attach => Work::Attach { times: amount, before: ATTACHED.1 },
        WorkKind::Memory => Work::Memory,
        WorkKind::Members if cell.is_trips() => Work::RoundTrip { trips: amount, timed: amount / super::TIMED + 1 },
        WorkKind::Members => Work::OneWay { messages: amount, before: cell.capacity as u64, batch: 1 },
        WorkKind::Overcommit => {
            let messages = amount.div_ceil(EACH as u64);
            Work::Pairs { pairs: EACH, messages, before: cell.capacity as u64 }
        }
        WorkKind::FirstLap => Work::Laps { lap: cell.capacity as u64, later: LATER },
        _ => Work::Channels { count: amount },
    }
}

/// As [`Cell::figures`]: each from the side that has it.
pub fn figures(cell: &Cell, sender: &Seen, receiver: &Seen) -> Option<Vec<f64>> {
    let figure = |metric: usize| {
        let times = |seen: &Seen| seen.timed.get(&metric).map(|times| histogram::median(times) / 1e3);
        let found = |seen: &Seen| seen.found.get(&metric).copied();
        times(sender).or_else(|| times(receiver)).or_else(|| found(sender)).or_else(|| found(receiver))
    };
    (0..cell.metrics().len()).map(figure).collect()
}

/// Whether one who does everything takes part: beside idle members ours without any; in first laps who holds as many messages
/// as are asked for.
pub fn takes(cell: &Cell, entry: &Entry) -> bool {
    match cell.work {
        WorkKind::Members => entry.kind == Kind::Ringway && [DEFAULT, SPINNING].contains(&entry.card.name),
        WorkKind::FirstLap => matches!(entry.kind, Kind::Ringway | Kind::Peer),
        _ => false,
    }
}

/// All cells.
pub fn cells() -> Vec<Cell> {
    let of = |work, bytes, capacity, sides| Cell {
        work,
        bytes,
        least: bytes,
        capacity,
        batch: 1,
        period_us: 0,
        sides,
        polled: false,
    };
    let mut cells = vec![
        of(WorkKind::Attach, 8, CAPACITY, 1),
        of(WorkKind::Memory, 8, CAPACITY, 1),
        of(WorkKind::Members, 8, ROUND_TRIP_CAPACITY, 1),
        of(WorkKind::Members, 8, MEMBERS_CAPACITY, 1),
        of(WorkKind::Overcommit, 8, CAPACITY, 1),
        of(WorkKind::Overcommit, 8, CAPACITY, EACH),
    ];
    cells.extend([8, 256].map(|bytes| of(WorkKind::FirstLap, bytes, 1 << 16, 1)));
    cells.push(of(WorkKind::Channels, 8, CAPACITY, 1));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each metric has its figure from whichever side has it, and times are medians in microseconds.
    #[test]
    fn figures_come_from_either_side() {
        let cell = cells()[0];
        let sender = Seen { timed: [(1, vec![(3000, 3), (9000, 1)])].into(), ..Seen::default() };
        let mut receiver =
            Seen { timed: [(0, vec![(1000, 1), (2000, 2)]), (2, vec![(5000, 1)])].into(), ..Seen::default() };
        let figures = figures(&cell, &sender, &receiver).expect("all is there");
        assert!(figures.iter().zip([2.0, 3.0, 5.0]).all(|(is, must)| (is / must - 1.0).abs() < 1e-3), "{figures:?}");
        receiver.timed.remove(&2);
        assert_eq!(super::figures(&cell, &sender, &receiver), None);
    }

    /// Four pairs share the messages; the rate is that of all together.
    #[test]
    fn pairs_share_the_messages() {
        let cell = cells()[4];
        let work = cell.work(1000, 0);
        assert_eq!(work, Work::Pairs { pairs: 4, messages: 250, before: 1024 });
        let sender = Seen { began_ns: Some(0), ..Seen::default() };
        let receiver = Seen { ended_ns: Some(1_000_000), ..Seen::default() };
        assert_eq!(cell.figures(&work, &sender, &receiver), Some(vec![1.0]));
        assert_eq!(cells()[5].work(1000, 0), Work::Many { sides: 4, messages: 250, before: 256, batch: 1 });
    }
}
