//! `ringway demo`: real processes, real data, every byte verified, beside a pipe and a Unix socket.
//!
//! | file | |
//! |---|---|
//! | `mod.rs` | the parent: starts two workers for each measurement, shows how far they are, prints the table |
//! | `start.rs` | the two workers of a measurement, and what lies between them |
//! | `worker.rs` | what a worker does first; then one of the next two |
//! | `bulk.rs` | a stream of bytes: the end that makes them, the end that verifies them |
//! | `echo.rs` | a round trip: the end that asks, the end that answers |
//! | `data.rs` | the bytes |

mod bulk;
mod data;
mod echo;
mod start;
pub(crate) mod worker;

use super::args::DemoArgs;
use super::failure::Failure;
use super::pair::Whose;
use super::progress::Progress;
use super::{output, signals, units};
use serde::Serialize;
use std::time::Duration;
use worker::{Task, Via};

/// What a worker measures: of the whole stream, or of one round trip.
const NANOSECONDS: &str = "ns";

/// The demo's pairs of workers.
const DEMO: Whose = Whose("demo");

/// The results, as JSON.
#[derive(Serialize)]
struct Results {
    bytes: u64,
    seed: u64,
    streams: Vec<Stream>,
    round_trips: Vec<RoundTrip>,
}

#[derive(Serialize)]
struct Stream {
    via: Via,
    bytes_per_second: f64,
}

#[derive(Serialize)]
struct RoundTrip {
    via: Via,
    nanoseconds: f64,
}

/// Measures everything and prints it.
pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    signals::install()?;
    let mut results = Results { bytes: args.bytes, seed: args.seed, streams: Vec::new(), round_trips: Vec::new() };
    for via in [Via::Ringway, Via::Pipe, Via::Socket] {
        let mut progress = Progress::of_demo(&format!("{} stream", via.label()), args.bytes);
        let pair = start::start(args, [Task::Make, Task::Verify], via)?;
        let ns = pair.wait(|at| progress.show(at))?.number(NANOSECONDS)?;
        progress.show(args.bytes);
        progress.finish();
        let bytes_per_second = units::per_second(args.bytes, Duration::from_nanos(ns as u64));
        results.streams.push(Stream { via, bytes_per_second });
    }
    for via in [Via::Spin, Via::Ringway, Via::Pipe, Via::Socket] {
        let pair = start::start(args, [Task::Ask, Task::Answer], via)?;
        results.round_trips.push(RoundTrip { via, nanoseconds: pair.wait(|_| ())?.number(NANOSECONDS)? });
    }
    if args.json { output::json(&results) } else { output::print(&results.table()) }
}

impl Results {
    fn table(&self) -> String {
        let title = format!("one way, {}, every byte verified", units::bytes(self.bytes));
        let mut rows = vec![[title, String::new()]];
        for stream in &self.streams {
            rows.push([format!("  {}", stream.via.label()), units::rate(stream.bytes_per_second)]);
        }
        rows.push(["round trip of 8 bytes".to_owned(), String::new()]);
        for trip in &self.round_trips {
            rows.push([format!("  {}", trip.via.label()), units::nanoseconds(trip.nanoseconds)]);
        }
        output::table(&rows, &[1])
    }
}
