//! A worker of the benchmark: this program once more, as one side of one measurement.
//!
//! | file | |
//! |---|---|
//! | `trips.rs` | round trips: the side that asks, the side that answers |
//! | `stream.rs` | one way, as fast as it goes |
//! | `bulk.rs` | large messages, from buffer to buffer |
//! | `mapping.rs` | messages that are copied, or made and used in place |
//! | `bursts.rs` | some messages at once, now and then |
//! | `message.rs` | what the messages are, and that they are right |
//! | `bare.rs`, `chunks.rs` | memory without a channel |
//! | `clock.rs` | times |

pub(super) mod bare;
mod bulk;
mod bursts;
pub(super) mod chunks;
pub(super) mod clock;
mod mapping;
pub(super) mod message;
mod stream;
mod trips;

use super::args::BenchWorkerArgs;
use super::figures::TIME_MAX_NS;
use super::job::{Assignment, BENCH, What};
use crate::cli::failure::Failure;
use crate::cli::pair::begin;
use crate::cli::pair::report::{Report, TEXT_MAX};
use crate::cli::signals::{self, SLICE};
use crate::cli::{args, opening};
use hdrhistogram::Histogram;
use ringway::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, Options, Payload, WaitForPeerError};
use std::time::Duration;

/// Does one side of a job; reports on stderr.
pub(crate) fn run(args: &BenchWorkerArgs) -> Result<(), Failure> {
    let mut assignment = args.assignment.clone();
    assignment.job.dir.clone_from(&args.dir);
    begin::begin(assignment.parent)?;
    if let Some(cpu) = assignment.cpu() {
        begin::pin(cpu)?;
    }
    match assignment.job.what {
        What::Trips => trips::run(&assignment),
        What::Stream => stream::run(&assignment),
        What::Bulk => bulk::run(&assignment),
        What::Mapping => mapping::run(&assignment),
        What::Bursts => bursts::run(&assignment),
    }
}

/// The options of both ends.
fn options(assignment: &Assignment) -> Options {
    let capacity = u64::try_from(assignment.job.capacity).unwrap_or(u64::MAX);
    let options = args::options(assignment.dir(), Some(capacity)).wait(assignment.job.wait.strategy());
    match assignment.job.slept_on {
        Some(slept_on) => options.waiter(slept_on.waiter()),
        None => options,
    }
}

/// Takes the sending end of the first (0) or the second (1) of the two channels.
fn sender<T: Payload>(assignment: &Assignment, which: usize) -> Result<Sender<T>, Failure> {
    let name = &BENCH.channels(assignment.parent)[which];
    opening::open(name, &options(assignment), Sender::open_or_create_with)
}

/// Takes the receiving end of the first (0) or the second (1) of the two channels.
fn receiver<T: Payload>(assignment: &Assignment, which: usize) -> Result<Receiver<T>, Failure> {
    let name = &BENCH.channels(assignment.parent)[which];
    opening::open(name, &options(assignment), Receiver::open_or_create_with)
}

/// Waits until the other side has taken its end; `wait` is how an end waits for so long. From then on a death is noticed by
/// every call; before, an end would wait for ever for one who may have failed.
fn until_there(mut wait: impl FnMut(Duration) -> Result<(), WaitForPeerError>) -> Result<(), Failure> {
    loop {
        signals::check()?;
        match wait(SLICE) {
            Ok(()) => return Ok(()),
            Err(WaitForPeerError::Timeout) => {}
            Err(WaitForPeerError::Disconnected(reason)) => return Err(Failure::gone(Some(reason))),
        }
    }
}

/// Waits until the sender is there, or has been there: it may have sent everything and left meanwhile.
fn until_sender<T: Payload>(rx: &mut Receiver<T>) -> Result<(), Failure> {
    until_there(|slice| match rx.wait_for_peer(slice) {
        Err(WaitForPeerError::Timeout) if !rx.is_empty() || rx.disconnect_reason().is_some() => Ok(()),
        waited => waited,
    })
}

/// That there is nothing more to receive is well only if the sender has left in good order.
fn must_have_left(reason: Option<DisconnectReason>) -> Result<(), Failure> {
    if reason == Some(DisconnectReason::Left) { Ok(()) } else { Err(Failure::gone(reason)) }
}

fn wrong(n: u64) -> Failure {
    Failure::Fault(format!("message {n} is wrong"))
}

/// Times in nanoseconds, three digits exact.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Histogram::new_with_bounds(1, TIME_MAX_NS, 3).map_err(|error| Failure::Fault(format!("cannot keep times: {error}")))
}

/// Reports under `key` which times there were how often.
fn report(key: &str, times: &Histogram<u64>) {
    let mut text = String::new();
    for step in times.iter_recorded() {
        let part = format!("{}:{} ", step.value_iterated_to(), step.count_at_value());
        if text.len() + part.len() > TEXT_MAX {
            Report::value(key, text.trim_end()).send();
            text.clear();
        }
        text += &part;
    }
    if !text.is_empty() {
        Report::value(key, text.trim_end()).send();
    }
}
