//! Large messages, from the sender's buffer to the receiver's: through a stream, through bare chunks of memory, through a
//! pipe and a socket.

use super::args::BulkArgs;
use super::chart::Bar;
use super::figures::Figures;
use super::job::{Job, Via, Wait, What};
use super::rounds::Rounds;
use super::{Subject, chart, maybe, must_be_whole, short, table};
use crate::cli::failure::Failure;
use crate::cli::units;
use serde::Serialize;

pub(super) struct Bulk<'a>(pub(super) &'a BulkArgs);

/// Bytes of a chunk and how many there are, of the bare pipelines: the best of them is the limit.
const SHAPES: [(usize, usize); 5] = [(64 << 10, 4), (64 << 10, 16), (256 << 10, 4), (256 << 10, 8), (1 << 20, 4)];

const NOTE: &str = "From the sender's own buffer to the receiver's own: every message looked at in one word of 64 KiB, the \
                    last of each round in every byte. limit: the best of five bare pipelines of two copies.\n";

/// Messages of one size, one way.
#[derive(Serialize)]
pub(super) struct Row {
    via: Via,
    bytes: usize,
    /// Of a bare pipeline: bytes of a chunk, and how many there are.
    chunk_bytes: Option<usize>,
    chunks: Option<usize>,
    /// How both ends wait.
    waiting: Option<String>,
    median_gigabytes_per_second: f64,
    min_gigabytes_per_second: f64,
    max_gigabytes_per_second: f64,
    median_messages_per_second: f64,
    /// Whether it is the best of the bare pipelines.
    is_limit: bool,
    ratio_to_limit: Option<f64>,
    ratio_to_pipe: Option<f64>,
    ratio_to_socket: Option<f64>,
    rounds_gigabytes_per_second: Vec<f64>,
    #[serde(skip)]
    figures: Figures,
}

impl Subject for Bulk<'_> {
    type Row = Row;

    const NAME: &'static str = "bulk";

    fn jobs(&self, is_single: bool) -> Vec<Job> {
        let args = self.0;
        let waits = if is_single { vec![Wait::Sleep] } else { vec![Wait::Spin, Wait::Default] };
        let mut jobs = Vec::new();
        for bytes in &args.bytes {
            let job = |via, wait, batch, capacity| Job { batch, capacity, ..Job::new(What::Bulk, via, wait, *bytes) };
            if !is_single {
                jobs.extend(SHAPES.map(|(chunk, depth)| job(Via::Chunks, Wait::Spin, chunk, depth)));
            }
            jobs.extend(waits.iter().map(|wait| job(Via::Ringway, *wait, 1, args.capacity)));
            jobs.extend([Via::Pipe, Via::Socket].map(|via| job(via, Wait::Sleep, 1, 1)));
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
        let best = |via: Via, bytes: usize| {
            let of_kind = (0..jobs.len()).filter(|at| (jobs[*at].via, jobs[*at].bytes) == (via, bytes));
            of_kind.max_by(|a, b| figures[*a].median().total_cmp(&figures[*b].median()))
        };
        let row = |(at, job): (usize, &Job)| {
            let own: &Figures = &figures[at];
            let limit = best(Via::Chunks, job.bytes);
            let ratio_to =
                |base: Option<usize>| base.filter(|base| *base != at).map(|base| own.ratio_to(&figures[base]));
            let of_chunks = |number: usize| (job.via == Via::Chunks).then_some(number);
            Row {
                via: job.via,
                bytes: job.bytes,
                chunk_bytes: of_chunks(job.batch),
                chunks: of_chunks(job.capacity),
                waiting: (job.via == Via::Ringway).then(|| job.wait.label()),
                median_gigabytes_per_second: own.median(),
                min_gigabytes_per_second: own.min(),
                max_gigabytes_per_second: own.max(),
                median_messages_per_second: own.median() * 1e9 / job.bytes as f64,
                is_limit: limit == Some(at),
                ratio_to_limit: ratio_to(limit),
                ratio_to_pipe: ratio_to(best(Via::Pipe, job.bytes)),
                ratio_to_socket: ratio_to(best(Via::Socket, job.bytes)),
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
        let heads = ["one way", "GB/s", "min", "max", "of limit", "x pipe", "x socket"];
        let cells = |row: &Row| {
            let rates = [row.median_gigabytes_per_second, row.min_gigabytes_per_second, row.max_gigabytes_per_second];
            let [median, least, most] = rates.map(short);
            let [limit, pipe, socket] = [row.ratio_to_limit, row.ratio_to_pipe, row.ratio_to_socket].map(maybe);
            [row.label(), median, least, most, limit, pipe, socket]
        };
        table(heads, rows.iter().filter(|row| row.is_shown()).map(cells)) + NOTE
    }

    fn chart(&self, rows: &[Row]) -> Result<String, Failure> {
        let kinds = [Via::Ringway, Via::Chunks, Via::Pipe, Via::Socket];
        let bar = |row: &Row| Bar {
            name: row.label(),
            value: row.median_gigabytes_per_second,
            text: format!("{} GB/s", short(row.median_gigabytes_per_second)),
            kind: kinds.iter().position(|via| *via == row.via).unwrap_or_default(),
        };
        let bars: Vec<_> = rows.iter().filter(|row| row.is_shown()).map(bar).collect();
        chart::bars("Large messages between two processes, buffer to buffer", "GB/s", &bars)
    }
}

impl Row {
    /// Of the bare pipelines, the best; JSON has them all.
    fn is_shown(&self) -> bool {
        self.via != Via::Chunks || self.is_limit
    }

    fn label(&self) -> String {
        let size = units::bytes(self.bytes as u64);
        match (&self.waiting, self.chunk_bytes, self.chunks, self.via) {
            (Some(waiting), ..) => format!("{size}, {waiting}"),
            (_, Some(chunk), Some(chunks), _) => {
                format!("{size}, limit: bare chunks, {} x {chunks}", units::bytes(chunk as u64))
            }
            (.., Via::Pipe) => format!("{size}, pipe"),
            _ => format!("{size}, socket"),
        }
    }
}
