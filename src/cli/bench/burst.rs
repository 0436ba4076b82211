//! Bursts: how soon a message is there, and what it costs to be ready for it.

use super::args::BurstArgs;
use super::figures::{Figures, percentiles, times};
use super::job::{Job, Via, Wait, What};
use super::rounds::Rounds;
use super::{Subject, chart, must_be_whole, short, table};
use crate::cli::failure::Failure;
use crate::cli::pair::values::Values;
use crate::cli::units;
use serde::Serialize;
use std::time::Duration;

pub(super) struct Burst<'a>(pub(super) &'a BurstArgs);

/// How long is spun before sleeping, in microseconds.
const SPINS_US: [u64; 7] = [0, 5, 10, 20, 50, 100, 200];

/// Bursts with one way of waiting.
#[derive(Serialize)]
pub(super) struct Row {
    every_us: u64,
    count: usize,
    /// How both ends wait: so long spinning, then sleeping; or always spinning.
    waiting: String,
    /// How long they spin; none: always.
    spin_us: Option<u64>,
    is_default: bool,
    /// From the sending of a burst's first message to its receipt.
    first_p50_us: f64,
    first_p99_us: f64,
    /// From the sending of a burst's last message to its receipt.
    last_p50_us: f64,
    last_p99_us: f64,
    sender_cpu_ms_per_second: f64,
    receiver_cpu_ms_per_second: f64,
    /// How often the sender woke the receiver.
    wakes_per_burst: f64,
    /// How often the receiver went to sleep.
    sleeps_per_burst: f64,
    bursts: u64,
    #[serde(skip)]
    figures: Figures,
}

impl Subject for Burst<'_> {
    type Row = Row;

    const NAME: &'static str = "burst";

    fn jobs(&self, is_single: bool) -> Vec<Job> {
        let args = self.0;
        let mut waits: Vec<_> = SPINS_US.map(Wait::Microseconds).to_vec();
        if !waits.iter().any(|wait| wait.is_default()) {
            waits.push(Wait::Default);
        }
        waits.push(Wait::Spin);
        if is_single {
            waits = vec![Wait::Sleep];
        }
        let job = |every: Duration, wait| Job {
            batch: args.count,
            capacity: args.capacity,
            every,
            ..Job::new(What::Bursts, Via::Ringway, wait, 16)
        };
        args.every.iter().flat_map(|every| waits.iter().map(|wait| job(*every, *wait))).collect()
    }

    fn rows(&self, jobs: &[Job], measured: &[Rounds]) -> Result<Vec<Row>, Failure> {
        jobs.iter().zip(measured).map(|(job, rounds)| row(job, rounds)).collect()
    }

    fn figure<'a>(&self, row: &'a Row) -> (String, &'a Figures) {
        (format!("{}, {}", row.every(), row.label()), &row.figures)
    }

    fn table(&self, rows: &[Row]) -> String {
        let heads =
            ["", "first p50, us", "p99", "last p50, us", "p99", "sender, ms/s", "receiver, ms/s", "wakes", "sleeps"];
        let mut text = String::new();
        for of_one in rows.chunk_by(|one, next| one.every_us == next.every_us) {
            let cells = |row: &Row| {
                let latencies = [row.first_p50_us, row.first_p99_us, row.last_p50_us, row.last_p99_us].map(short);
                let cpu = [row.sender_cpu_ms_per_second, row.receiver_cpu_ms_per_second].map(short);
                let [first, first_p99, last, last_p99] = latencies;
                let [sender, receiver] = cpu;
                let [wakes, sleeps] = [row.wakes_per_burst, row.sleeps_per_burst].map(short);
                [row.label(), first, first_p99, last, last_p99, sender, receiver, wakes, sleeps]
            };
            text += &format!("\n{} messages {}, spinning for\n", of_one[0].count, of_one[0].every());
            text += &table(heads, of_one.iter().map(cells));
        }
        text + "\nfirst, last: from the sending of that message of a burst to its receipt; ms/s: processor time; wakes, sleeps: \
                in each burst.\n"
    }

    fn chart(&self, rows: &[Row]) -> Result<String, Failure> {
        let mut series = Vec::new();
        for of_one in rows.chunk_by(|one, next| one.every_us == next.every_us) {
            let point = |row: &Row| {
                let cpu = row.sender_cpu_ms_per_second + row.receiver_cpu_ms_per_second;
                (cpu, row.first_p50_us, row.label())
            };
            series.push((of_one[0].every(), of_one.iter().map(point).collect()));
        }
        chart::scatter("Bursts between two processes", &series)
    }
}

impl Row {
    fn label(&self) -> String {
        if self.is_default { format!("{} (default)", self.waiting) } else { self.waiting.clone() }
    }

    fn every(&self) -> String {
        format!("every {}", units::duration(Duration::from_micros(self.every_us)))
    }
}

fn row(job: &Job, rounds: &Rounds) -> Result<Row, Failure> {
    must_be_whole(rounds)?;
    let median = |figure: &dyn Fn(&Values) -> Result<f64, Failure>| Ok(Figures::of(rounds, figure)?.median());
    // Of a second of this side's: both are on for as long, but for the start.
    let cpu = |side: &str| {
        let ratio = |values: &Values| {
            Ok(values.number(&format!("{side}_cpu_ns"))? / values.number(&format!("{side}_ns"))?.max(1.0) * 1e3)
        };
        median(&ratio)
    };
    let per_burst = |key: &str| median(&|values: &Values| Ok(values.number(key)? / values.number("bursts")?.max(1.0)));
    let (first, last) = (times(rounds, "first")?, times(rounds, "last")?);
    let [first_p50_us, first_p99_us, ..] = percentiles(&first).map(|ns| ns as f64 / 1e3);
    let [last_p50_us, last_p99_us, ..] = percentiles(&last).map(|ns| ns as f64 / 1e3);
    Ok(Row {
        every_us: u64::try_from(job.every.as_micros()).unwrap_or(u64::MAX),
        count: job.batch,
        waiting: job.wait.label(),
        spin_us: job.wait.spin_us(),
        is_default: job.wait.is_default(),
        first_p50_us,
        first_p99_us,
        last_p50_us,
        last_p99_us,
        sender_cpu_ms_per_second: cpu("sender")?,
        receiver_cpu_ms_per_second: cpu("receiver")?,
        wakes_per_burst: per_burst("wakes")?,
        sleeps_per_burst: per_burst("sleeps")?,
        bursts: first.len(),
        figures: Figures::of(rounds, |values| {
            Ok(times(std::slice::from_ref(values), "first")?.value_at_quantile(0.5) as f64)
        })?,
    })
}
