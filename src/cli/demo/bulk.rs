//! A stream of bytes: the end that makes them and the end that verifies them, in place where there is a ring.

use super::data::Data;
use super::worker::Via;
use super::{DEMO, NANOSECONDS};
use crate::cli::args::{self, WorkerArgs};
use crate::cli::failure::Failure;
use crate::cli::pair::report::Report;
use crate::cli::signals::{self, SLICE};
use crate::cli::{descriptor, opening};
use ringway::stream::{Reader, Writer};
use std::io::{self, BufRead};
use std::time::{Duration, Instant};

/// What is written to or read from a pipe or a socket at once: a pipe's capacity, and a frame of the ring's.
const PART: usize = 64 << 10;
/// Between two reports.
const EVERY: Duration = Duration::from_millis(100);

/// Makes the bytes.
pub(super) fn make(args: &WorkerArgs) -> Result<(), Failure> {
    match args.via {
        Via::Ringway | Via::Spin => make_in_ring(args),
        Via::Pipe | Via::Socket => make_for_descriptor(args),
    }
}

/// Verifies the bytes, and reports how long it took from the first to the last.
pub(super) fn verify(args: &WorkerArgs) -> Result<(), Failure> {
    let mut check = Check { data: Data { seed: args.seed }, at: 0, bytes: args.bytes, started: None, due: None };
    match args.via {
        Via::Ringway | Via::Spin => verify_in_ring(args, &mut check)?,
        Via::Pipe | Via::Socket => verify_from_descriptor(&mut check)?,
    }
    check.finish()
}

fn make_in_ring(args: &WorkerArgs) -> Result<(), Failure> {
    let [name, _] = DEMO.channels(args.parent);
    let gone = |error: io::Error| Failure::stream(&name, &error);
    let options = args::options(args.dir.as_deref(), args.capacity);
    let mut writer = opening::open(&name, &options, Writer::open_or_create_with)?;
    let made = (|| {
        let mut at = 0;
        while at < args.bytes {
            signals::check()?;
            let left = usize::try_from(args.bytes - at).unwrap_or(usize::MAX);
            let Some(mut grant) = writer.reserve_timeout(left, SLICE).map_err(gone)? else { continue };
            at += fill(args, at, grant.contiguous(left)).map(|n| {
                grant.commit(n);
                n as u64
            })?;
        }
        writer.close();
        while !writer.wait_finished(SLICE).map_err(gone)? {
            signals::check()?;
        }
        Ok(())
    })();
    if made.is_err() {
        writer.abort();
    }
    made
}

fn make_for_descriptor(args: &WorkerArgs) -> Result<(), Failure> {
    let mut buffer = vec![0; PART];
    let stdout = io::stdout();
    let mut at = 0;
    while at < args.bytes {
        let left = usize::try_from(args.bytes - at).unwrap_or(usize::MAX).min(PART);
        let n = fill(args, at, &mut buffer[..left])?;
        let mut part = &buffer[..n];
        while !part.is_empty() {
            signals::check()?;
            let written = descriptor::write(&stdout, part);
            part =
                &part[written.map_err(|error| Failure::Gone(format!("the receiver is gone: {error}")))?.unwrap_or(0)..];
        }
        at += n as u64;
    }
    Ok(())
}

/// Fills all of `bytes`; how many those are.
fn fill(args: &WorkerArgs, at: u64, bytes: &mut [u8]) -> Result<usize, Failure> {
    Data { seed: args.seed }.fill(at, bytes);
    let spoilt = args.spoil.and_then(|offset| usize::try_from(offset.checked_sub(at)?).ok());
    if let Some(byte) = spoilt.and_then(|ahead| bytes.get_mut(ahead)) {
        *byte ^= 1;
    }
    Ok(bytes.len())
}

fn verify_in_ring(args: &WorkerArgs, check: &mut Check) -> Result<(), Failure> {
    let [name, _] = DEMO.channels(args.parent);
    let options = args::options(args.dir.as_deref(), args.capacity);
    let mut reader = opening::open(&name, &options, Reader::open_or_create_with)?;
    loop {
        signals::check()?;
        let Some(bytes) = reader.fill_buf_timeout(SLICE).map_err(|error| Failure::stream(&name, &error))? else {
            continue;
        };
        if bytes.is_empty() {
            return Ok(());
        }
        let n = bytes.len().min(PART);
        check.look(&bytes[..n])?;
        reader.consume(n);
    }
}

fn verify_from_descriptor(check: &mut Check) -> Result<(), Failure> {
    let mut buffer = vec![0; PART];
    let stdin = io::stdin();
    loop {
        signals::check()?;
        let read = descriptor::read(&stdin, &mut buffer);
        match read.map_err(|error| Failure::Gone(format!("the sender is gone: {error}")))? {
            None => {}
            Some(0) => return Ok(()),
            Some(n) => check.look(&buffer[..n])?,
        }
    }
}

/// How far the verification is.
struct Check {
    data: Data,
    at: u64,
    bytes: u64,
    started: Option<Instant>,
    due: Option<Instant>,
}

impl Check {
    /// Verifies what comes next.
    fn look(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let started = *self.started.get_or_insert_with(Instant::now);
        if let Some(offset) = self.data.find_wrong(self.at, bytes) {
            return Err(Failure::Fault(format!("the byte at offset {offset} is wrong")));
        }
        self.at += bytes.len() as u64;
        let now = Instant::now();
        if now >= *self.due.get_or_insert(started + EVERY) {
            Report::At(self.at).send();
            self.due = Some(now + EVERY);
        }
        Ok(())
    }

    /// Everything must have come.
    fn finish(self) -> Result<(), Failure> {
        if self.at != self.bytes {
            return Err(Failure::Gone(format!("the stream ended after {} of {} bytes", self.at, self.bytes)));
        }
        let time = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        Report::value(NANOSECONDS, time.as_nanos()).send();
        Ok(())
    }
}
