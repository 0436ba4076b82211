//! `ringway bench`: what channels do on this machine, beside what the machine could do without them.
//!
//! Two processes, on two processors. Everything is measured in turns, round by round, so that a noisy machine is noisy for
//! all; figures are medians of the rounds, ratios are medians of the ratios within a round. Every message is checked by
//! who receives it.
//!
//! | file | |
//! |---|---|
//! | `mod.rs` | what all have in common: from the arguments to table, JSON and chart |
//! | `rtt.rs`, `rate.rs`, `bulk.rs`, `burst.rs`, `mapping.rs`, `waiters.rs` | what is measured, and what is said of it |
//! | `rounds.rs` | taking turns |
//! | `job.rs` | one measurement: two workers |
//! | `worker` | what the workers do |
//! | `figures.rs` | medians, ratios, percentiles |
//! | `machine.rs` | the machine, and what speaks against its figures |
//! | `chart.rs`, `plot.rs` | the drawing, and its file |
//! | `args.rs` | what can be asked |

pub(crate) mod args;
mod bulk;
mod burst;
mod chart;
mod figures;
pub(crate) mod job;
mod machine;
mod mapping;
mod plot;
mod rate;
mod rounds;
mod rtt;
mod waiters;
pub(crate) mod worker;

use super::failure::Failure;
use super::{output, signals};
use args::{Bench, Common};
use figures::Figures;
use job::{Job, Via, Wait, What};
use machine::Machine;
use plot::PlotFile;
use rounds::Rounds;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::{self, Write};
use std::time::Duration;

/// Measures what was asked for, and prints it.
pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    match bench {
        Bench::Rtt(args) => go(&args.common, &rtt::Rtt(args)),
        Bench::Rate(args) => go(&args.common, &rate::Rate(args)),
        Bench::Bulk(args) => go(&args.common, &bulk::Bulk(args)),
        Bench::CopyVsMap(args) => go(&args.common(), &mapping::Mapping(args)),
        Bench::Burst(args) => go(&args.common, &burst::Burst(args)),
        Bench::Waiters(args) => go(&args.common, &waiters::Waiters(args)),
    }
}

/// Something that is measured.
trait Subject {
    /// A line of its table, and an object of its JSON.
    type Row: Serialize;

    /// Its name on the command line.
    const NAME: &'static str;

    /// What is measured, in one round; `is_single`: with one processor.
    fn jobs(&self, is_single: bool) -> Vec<Job>;

    /// What the rounds of the jobs say.
    fn rows(&self, jobs: &[Job], measured: &[Rounds]) -> Result<Vec<Self::Row>, Failure>;

    /// What a row is called in a warning, and its figure a round.
    fn figure<'a>(&self, row: &'a Self::Row) -> (String, &'a Figures);

    /// What all rows together say, as JSON beside them.
    fn summary(&self, _rows: &[Self::Row]) -> Map<String, Value> {
        Map::new()
    }

    /// For people.
    fn table(&self, rows: &[Self::Row]) -> String;

    /// As SVG.
    fn chart(&self, rows: &[Self::Row]) -> Result<String, Failure>;
}

/// The results, as JSON.
#[derive(Serialize)]
struct Results<R> {
    bench: &'static str,
    machine: Machine,
    rounds: usize,
    /// How long each measurement took, about.
    run_ms: f64,
    warnings: Vec<String>,
    #[serde(flatten)]
    summary: Map<String, Value>,
    results: Vec<R>,
}

fn go<S: Subject>(common: &Common, subject: &S) -> Result<(), Failure> {
    signals::install()?;
    let machine = Machine::look(common)?;
    // Before the measuring: who has waited so long is not to learn that there is no such directory.
    let plot = common.plot.as_deref().map(PlotFile::open).transpose()?;
    let mut jobs = subject.jobs(machine.is_single());
    let measured = rounds::measure(S::NAME, common, &machine, &mut jobs)?;
    let rows = subject.rows(&jobs, &measured)?;
    let mut warnings = machine.warnings();
    warnings.extend(scatter(subject, &rows));
    if let Some(plot) = plot {
        plot.write(&subject.chart(&rows)?)?;
    }
    warn(&warnings);
    if common.json {
        let run_ms = rounds::run_time(common, jobs.len()).as_secs_f64() * 1e3;
        let (summary, rounds) = (subject.summary(&rows), common.rounds);
        let results = Results { bench: S::NAME, machine, rounds, run_ms, warnings, summary, results: rows };
        return output::json(&results);
    }
    output::print(&format!("{}{}", machine.line(), subject.table(&rows)))
}

/// Only when nothing has gone wrong: an error is one line.
fn warn(warnings: &[String]) {
    for warning in warnings {
        // If stderr is gone, nobody listens.
        let _ = io::stderr().write_all(format!("ringway: warning: {warning}\n").as_bytes());
    }
}

/// A warning, if rounds say different things.
fn scatter<S: Subject>(subject: &S, rows: &[S::Row]) -> Option<String> {
    let scattered: Vec<String> = rows
        .iter()
        .map(|row| subject.figure(row))
        .filter(|(_, figures)| figures.scatters())
        .map(|(name, _)| name)
        .collect();
    let first = scattered.first()?;
    let (some, all) = (scattered.len(), rows.len());
    Some(format!(
        "the rounds of {some} of {all} figures scatter (as those of {first}): something else runs here, or on the host"
    ))
}

impl Job {
    /// A measurement whose time, place and processors are not decided yet.
    fn new(what: What, via: Via, wait: Wait, bytes: usize) -> Self {
        Self {
            what,
            via,
            wait,
            slept_on: None,
            bytes,
            batch: 1,
            capacity: 1,
            every: Duration::ZERO,
            run: Duration::ZERO,
            spoil: None,
            cpus: None,
            dir: None,
        }
    }
}

/// A number with about three digits.
fn short(number: f64) -> String {
    match number {
        number if number >= 100.0 => format!("{number:.0}"),
        number if number >= 10.0 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

/// A number that is not always there.
fn maybe(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), short)
}

/// Whether everything that was sent has been received.
fn must_be_whole(measured: &Rounds) -> Result<(), Failure> {
    for values in measured {
        let (sent, received) = (values.number("sent")?, values.number("received")?);
        if sent != received {
            return Err(Failure::Fault(format!("bench: {sent} messages were sent and {received} received")));
        }
    }
    Ok(())
}

/// The table's rows behind their heads.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut all = vec![heads.map(str::to_owned)];
    all.extend(rows);
    let right: Vec<usize> = (1..N).collect();
    output::table(&all, &right)
}
