//! Round trips of two ends that always sleep, by what puts them to sleep.
//!
//! Two processes, and two threads of one: eventfds are for the second alone.

use super::args::WaitersArgs;
use super::figures::{Figures, percentiles, times};
use super::job::{Job, SleptOn, Via, Wait, What};
use super::rounds::Rounds;
use super::{Subject, chart, maybe, short, table};
use crate::cli::failure::Failure;
use hdrhistogram::Histogram;
use serde::Serialize;

pub(super) struct Waiters<'a>(pub(super) &'a WaitersArgs);

/// Round trips with one waiter.
#[derive(Serialize)]
pub(super) struct Row {
    via: Via,
    /// None: bare futexes.
    waiter: Option<SleptOn>,
    median_ns: f64,
    min_ns: f64,
    max_ns: f64,
    trip_p50_ns: u64,
    trip_p99_ns: u64,
    /// What sending takes that wakes the other side.
    wake_p50_ns: Option<u64>,
    wake_p99_ns: Option<u64>,
    /// Of the same two, asleep on futexes.
    ratio_to_futex: Option<f64>,
    rounds_ns: Vec<f64>,
    #[serde(skip)]
    figures: Figures,
    #[serde(skip)]
    times: Histogram<u64>,
}

impl Subject for Waiters<'_> {
    type Row = Row;

    const NAME: &'static str = "waiters";

    fn jobs(&self, _is_single: bool) -> Vec<Job> {
        let job = |via: Via, slept_on: &SleptOn| Job {
            capacity: self.0.capacity,
            slept_on: Some(*slept_on),
            ..Job::new(What::Trips, via, Wait::Sleep, 8)
        };
        let asked = &self.0.waiter;
        let between =
            asked.iter().filter(|waiter| **waiter != SleptOn::EventFd).map(|waiter| job(Via::Ringway, waiter));
        let within = asked.iter().map(|waiter| job(Via::Heap, waiter));
        let bare = Job::new(What::Trips, Via::Futex, Wait::Sleep, 4);
        [bare].into_iter().chain(between).chain(within).collect()
    }

    fn rows(&self, jobs: &[Job], measured: &[Rounds]) -> Result<Vec<Row>, Failure> {
        let figures = measured
            .iter()
            .map(|rounds| Figures::of(rounds, |values| values.number("trip_ns")))
            .collect::<Result<Vec<_>, _>>()?;
        let row = |(at, job): (usize, &Job)| {
            let is_base = |other: &Job| other.via == job.via && other.slept_on == Some(SleptOn::Futex);
            let base = jobs.iter().position(is_base);
            let times_of = |key| times(&measured[at], key);
            let trips = times_of("trips")?;
            let wakes = job.slept_on.map(|_| times_of("wakes")).transpose()?.as_ref().map(percentiles);
            let [trip_p50_ns, trip_p99_ns, ..] = percentiles(&trips);
            let own = figures[at].clone();
            Ok(Row {
                via: job.via,
                waiter: job.slept_on,
                median_ns: own.median(),
                min_ns: own.min(),
                max_ns: own.max(),
                trip_p50_ns,
                trip_p99_ns,
                wake_p50_ns: wakes.map(|[p50, ..]| p50),
                wake_p99_ns: wakes.map(|[_, p99, ..]| p99),
                ratio_to_futex: base.map(|base| own.ratio_to(&figures[base])),
                rounds_ns: own.rounds.clone(),
                figures: own,
                times: trips,
            })
        };
        jobs.iter().enumerate().map(row).collect()
    }

    fn figure<'a>(&self, row: &'a Row) -> (String, &'a Figures) {
        (row.label(), &row.figures)
    }

    fn table(&self, rows: &[Row]) -> String {
        let heads = ["asleep, ns", "median", "min", "max", "p50", "p99", "wake p50", "p99", "x futex"];
        let cells = |row: &Row| {
            let [median, least, most] = [row.median_ns, row.min_ns, row.max_ns].map(short);
            let [p50, p99] = [row.trip_p50_ns, row.trip_p99_ns].map(|ns| ns.to_string());
            let [wake, wake_p99] =
                [row.wake_p50_ns, row.wake_p99_ns].map(|ns| ns.map_or_else(|| "-".to_owned(), |ns| ns.to_string()));
            [row.label(), median, least, most, p50, p99, wake, wake_p99, maybe(row.ratio_to_futex)]
        };
        let note = "Round trips of 8 bytes. The first three are of rounds, of many trips each; the next two of single trips; \
                    then the sending of a message that wakes the other side.\n";
        table(heads, rows.iter().map(cells)) + note
    }

    fn chart(&self, rows: &[Row]) -> Result<String, Failure> {
        let curves: Vec<_> = rows.iter().map(|row| (row.label(), &row.times)).collect();
        chart::percentiles("Round trips of two ends that always sleep", &curves)
    }
}

impl Row {
    fn label(&self) -> String {
        match (self.waiter, self.via) {
            (None, _) => "limit: bare futexes".to_owned(),
            (Some(slept_on), Via::Heap) => format!("two threads, {}", slept_on.waiter()),
            (Some(slept_on), _) => format!("two processes, {}", slept_on.waiter()),
        }
    }
}
