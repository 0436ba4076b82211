//! One way, as fast as it goes: through a channel, through bare memory, through a pipe.

use super::args::RateArgs;
use super::chart::Bar;
use super::figures::Figures;
use super::job::{Job, Via, Wait, What};
use super::rounds::Rounds;
use super::worker::bare::AT_ONCE;
use super::{Subject, chart, maybe, must_be_whole, short, table};
use crate::cli::failure::Failure;
use serde::Serialize;

pub(super) struct Rate<'a>(pub(super) &'a RateArgs);

const NOTE: &str = "M/s: million messages a second, each of them made and checked. of limit: in bytes, beside bare \
                    lines.\n";

/// One kind of stream.
#[derive(Serialize)]
pub(super) struct Row {
    via: Via,
    bytes: usize,
    batch: usize,
    /// How both ends wait.
    waiting: Option<String>,
    median_millions_per_second: f64,
    min_millions_per_second: f64,
    max_millions_per_second: f64,
    median_gigabytes_per_second: f64,
    /// Of the bytes in a second, to those of bare lines.
    ratio_to_lines: Option<f64>,
    /// To a pipe with messages of the same size in the same batches.
    ratio_to_pipe: Option<f64>,
    rounds_gigabytes_per_second: Vec<f64>,
    #[serde(skip)]
    figures: Figures,
}

impl Subject for Rate<'_> {
    type Row = Row;

    const NAME: &'static str = "rate";

    fn jobs(&self, is_single: bool) -> Vec<Job> {
        let args = self.0;
        let waits = if is_single { vec![Wait::Sleep] } else { vec![Wait::Spin, Wait::Default] };
        let mut jobs = Vec::new();
        if !is_single {
            let batch = AT_ONCE as usize;
            jobs.push(Job { batch, ..Job::new(What::Stream, Via::Lines, Wait::Spin, 64) });
        }
        for bytes in &args.bytes {
            for batch in &args.batch {
                let job = |via, wait| Job {
                    batch: *batch,
                    capacity: args.capacity,
                    ..Job::new(What::Stream, via, wait, *bytes)
                };
                jobs.extend(waits.iter().map(|wait| job(Via::Ringway, *wait)));
                jobs.push(job(Via::Pipe, Wait::Sleep));
            }
        }
        jobs
    }

    fn rows(&self, jobs: &[Job], measured: &[Rounds]) -> Result<Vec<Row>, Failure> {
        let mut figures = Vec::new();
        for (job, rounds) in jobs.iter().zip(measured) {
            must_be_whole(rounds)?;
            figures.push(Figures::of(rounds, |values| {
                Ok(values.number("messages")? * job.bytes as f64 / values.number("ns")?.max(1.0))
            })?);
        }
        let row = |(at, job): (usize, &Job)| {
            let own: &Figures = &figures[at];
            let ratio_to =
                |found: Option<usize>| found.filter(|base| *base != at).map(|base| own.ratio_to(&figures[base]));
            let pipe = |other: &Job| other.via == Via::Pipe && (other.bytes, other.batch) == (job.bytes, job.batch);
            let millions = |gigabytes: f64| gigabytes * 1e3 / job.bytes as f64;
            Row {
                via: job.via,
                bytes: job.bytes,
                batch: job.batch,
                waiting: (job.via == Via::Ringway).then(|| job.wait.label()),
                median_millions_per_second: millions(own.median()),
                min_millions_per_second: millions(own.min()),
                max_millions_per_second: millions(own.max()),
                median_gigabytes_per_second: own.median(),
                ratio_to_lines: ratio_to(jobs.iter().position(|job| job.via == Via::Lines)),
                ratio_to_pipe: ratio_to(jobs.iter().position(pipe)),
                rounds_gigabytes_per_second: own.rounds.clone(),
                figures: own.clone(),
            }
        };
        Ok(jobs.iter().enumerate().map(row).collect())
    }

    fn figure<'a>(&self, row: &'a Row) -> (String, &'a Figures) {
        (row.label(), &row.figures)
    }

    fn table(&self, rows: &[Row]) -> String {
        let heads = ["one way", "M/s", "min", "max", "GB/s", "of limit", "x pipe"];
        let cells = |row: &Row| {
            let rates = [row.median_millions_per_second, row.min_millions_per_second, row.max_millions_per_second];
            let [median, least, most] = rates.map(short);
            let ratios = [row.ratio_to_lines, row.ratio_to_pipe].map(maybe);
            let [to_lines, to_pipe] = ratios;
            [row.label(), median, least, most, short(row.median_gigabytes_per_second), to_lines, to_pipe]
        };
        table(heads, rows.iter().map(cells)) + NOTE
    }

    fn chart(&self, rows: &[Row]) -> Result<String, Failure> {
        let bar = |row: &Row| Bar {
            name: row.label(),
            value: row.median_gigabytes_per_second,
            text: format!("{} M/s", short(row.median_millions_per_second)),
            kind: usize::from(row.via == Via::Lines) + 2 * usize::from(row.via == Via::Pipe),
        };
        chart::bars("One way between two processes", "GB/s", &rows.iter().map(bar).collect::<Vec<_>>())
    }
}

impl Row {
    fn label(&self) -> String {
        let Self { bytes, batch, .. } = self;
        let batch = if *batch == 1 { "one at a time".to_owned() } else { format!("by {batch}") };
        match (&self.waiting, self.via) {
            (Some(waiting), _) => format!("{bytes} B, {batch}, {waiting}"),
            (None, Via::Pipe) => format!("{bytes} B, {batch}, pipe"),
            (None, _) => format!("limit: bare lines of {bytes} B, {batch}"),
        }
    }
}
