//! Round trips: through two channels, and through the least that two processes can share.

use super::args::RttArgs;
use super::figures::{Figures, percentiles, times};
use super::job::{Job, Via, Wait, What};
use super::rounds::Rounds;
use super::{Subject, chart, maybe, short, table};
use crate::cli::failure::Failure;
use hdrhistogram::Histogram;
use serde::Serialize;

pub(super) struct Rtt<'a>(pub(super) &'a RttArgs);

/// Round trips of one kind.
#[derive(Serialize)]
pub(super) struct Row {
    via: Via,
    bytes: usize,
    /// How both ends wait.
    waiting: Option<String>,
    median_ns: f64,
    min_ns: f64,
    max_ns: f64,
    trip_p50_ns: u64,
    trip_p99_ns: u64,
    trip_p99_9_ns: u64,
    trip_max_ns: u64,
    trips: u64,
    /// What it is compared with.
    limit: Option<Via>,
    ratio_to_limit: Option<f64>,
    rounds_ns: Vec<f64>,
    #[serde(skip)]
    figures: Figures,
    #[serde(skip)]
    times: Histogram<u64>,
}

impl Subject for Rtt<'_> {
    type Row = Row;

    const NAME: &'static str = "rtt";

    fn jobs(&self, is_single: bool) -> Vec<Job> {
        let sleeps = (Via::Futex, Wait::Sleep);
        let limits = if is_single { vec![sleeps] } else { vec![(Via::Atomics, Wait::Spin), sleeps] };
        let waits = if is_single { vec![Wait::Sleep] } else { vec![Wait::Spin, Wait::Default, Wait::Sleep] };
        let limits = limits.into_iter().map(|(via, wait)| {
            let bytes = if via == Via::Futex { 4 } else { 8 };
            Job::new(What::Trips, via, wait, bytes)
        });
        let of_size = |bytes: &usize| {
            let bytes = *bytes;
            let job = move |wait| Job { capacity: self.0.capacity, ..Job::new(What::Trips, Via::Ringway, wait, bytes) };
            waits.clone().into_iter().map(job)
        };
        limits.chain(self.0.bytes.iter().flat_map(of_size)).collect()
    }

    fn rows(&self, jobs: &[Job], measured: &[Rounds]) -> Result<Vec<Row>, Failure> {
        let figures = measured
            .iter()
            .map(|rounds| Figures::of(rounds, |values| values.number("trip_ns")))
            .collect::<Result<Vec<_>, _>>()?;
        let row = |(at, job): (usize, &Job)| {
            let limit = limit(job);
            let base = limit.and_then(|via| jobs.iter().position(|job| job.via == via));
            let times = times(&measured[at], "trips")?;
            let [trip_p50_ns, trip_p99_ns, trip_p99_9_ns, trip_max_ns] = percentiles(&times);
            let own = figures[at].clone();
            Ok(Row {
                via: job.via,
                bytes: job.bytes,
                waiting: limit.is_some().then(|| job.wait.label()),
                median_ns: own.median(),
                min_ns: own.min(),
                max_ns: own.max(),
                trip_p50_ns,
                trip_p99_ns,
                trip_p99_9_ns,
                trip_max_ns,
                trips: times.len(),
                limit,
                ratio_to_limit: base.map(|base| own.ratio_to(&figures[base])),
                rounds_ns: own.rounds.clone(),
                figures: own,
                times,
            })
        };
        jobs.iter().enumerate().map(row).collect()
    }

    fn figure<'a>(&self, row: &'a Row) -> (String, &'a Figures) {
        (row.label(), &row.figures)
    }

    fn table(&self, rows: &[Row]) -> String {
        let heads = ["round trip, ns", "median", "min", "max", "p50", "p99", "p99.9", "max", "x limit"];
        let cells = |row: &Row| {
            let single = [row.trip_p50_ns, row.trip_p99_ns, row.trip_p99_9_ns, row.trip_max_ns];
            let [p50, p99, p99_9, max] = single.map(|ns| ns.to_string());
            let [median, least, most] = [row.median_ns, row.min_ns, row.max_ns].map(short);
            [row.label(), median, least, most, p50, p99, p99_9, max, maybe(row.ratio_to_limit)]
        };
        let note = "The first three are of rounds, of many trips each; the next four of single trips, each with a reading \
                    of the clock.\n";
        table(heads, rows.iter().map(cells)) + note
    }

    fn chart(&self, rows: &[Row]) -> Result<String, Failure> {
        let curves: Vec<_> = rows.iter().map(|row| (row.label(), &row.times)).collect();
        chart::percentiles("Round trips between two processes", &curves)
    }
}

impl Row {
    fn label(&self) -> String {
        match (&self.waiting, self.via) {
            (Some(waiting), _) => format!("{} B, {waiting}", self.bytes),
            (None, Via::Futex) => "limit: bare futexes".to_owned(),
            (None, _) => "limit: bare atomics".to_owned(),
        }
    }
}

/// The least that does the same: who always sleeps cannot be faster than two futexes.
fn limit(job: &Job) -> Option<Via> {
    match (job.via, job.wait) {
        (Via::Ringway, Wait::Sleep) => Some(Via::Futex),
        (Via::Ringway, _) => Some(Via::Atomics),
        _ => None,
    }
}
