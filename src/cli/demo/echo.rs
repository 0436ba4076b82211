//! A round trip: one end asks, the other answers.

use super::worker::Via;
use super::{DEMO, NANOSECONDS};
use crate::cli::args::{self, WorkerArgs};
use crate::cli::failure::Failure;
use crate::cli::pair::report::Report;
use crate::cli::signals::{self, SLICE};
use crate::cli::{descriptor, opening};
use ringway::spsc::{Receiver, Sender};
use ringway::{DisconnectReason, RecvTimeoutError, WaitForPeerError, WaitStrategy};
use std::io;
use std::time::{Duration, Instant};

/// How long is measured.
const TIME: Duration = Duration::from_millis(400);
/// Round trips between two readings of the clock.
const BATCH: u64 = 16;

/// Asks for a while, and reports the median of its batches.
pub(super) fn ask(args: &WorkerArgs) -> Result<(), Failure> {
    let [there, back] = DEMO.channels(args.parent);
    let mut line = Line::open(args, &there, &back)?;
    line.wait_for_peer()?;
    let started = Instant::now();
    let mut question = args.seed;
    let mut batches = Vec::new();
    while started.elapsed() < TIME || batches.is_empty() {
        let before = Instant::now();
        for _ in 0..BATCH {
            line.put(question)?;
            let answer = line.get()?.ok_or_else(|| Failure::Gone("the other end has left".to_owned()))?;
            if answer != !question {
                return Err(Failure::Fault(format!("the answer to {question:#x} is wrong: {answer:#x}")));
            }
            question = question.wrapping_add(1);
        }
        batches.push(before.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    batches.sort_by(f64::total_cmp);
    Report::value(NANOSECONDS, batches[batches.len() / 2]).send();
    Ok(())
}

/// Answers until nobody asks.
pub(super) fn answer(args: &WorkerArgs) -> Result<(), Failure> {
    let [there, back] = DEMO.channels(args.parent);
    let mut line = Line::open(args, &back, &there)?;
    while let Some(question) = line.get()? {
        line.put(!question)?;
    }
    Ok(())
}

/// Eight bytes to and fro.
enum Line {
    Ring { tx: Box<Sender<u64>>, rx: Box<Receiver<u64>> },
    Descriptors { stdin: io::Stdin, stdout: io::Stdout },
}

impl Line {
    fn open(args: &WorkerArgs, out: &str, back: &str) -> Result<Self, Failure> {
        let options = args::options(args.dir.as_deref(), Some(64));
        let options = match args.via {
            Via::Pipe | Via::Socket => {
                return Ok(Self::Descriptors { stdin: io::stdin(), stdout: io::stdout() });
            }
            Via::Spin => options.wait(WaitStrategy::Spin),
            Via::Ringway => options,
        };
        let tx = opening::open(out, &options, Sender::open_or_create_with)?;
        let rx = opening::open(back, &options, Receiver::open_or_create_with)?;
        Ok(Self::Ring { tx: Box::new(tx), rx: Box::new(rx) })
    }

    fn wait_for_peer(&mut self) -> Result<(), Failure> {
        let Self::Ring { tx, .. } = self else { return Ok(()) };
        loop {
            signals::check()?;
            match tx.wait_for_peer(SLICE) {
                Ok(()) => return Ok(()),
                Err(WaitForPeerError::Timeout) => {}
                Err(WaitForPeerError::Disconnected(reason)) => return Err(Failure::Gone(reason.to_string())),
            }
        }
    }

    fn put(&mut self, message: u64) -> Result<(), Failure> {
        match self {
            Self::Ring { tx, .. } => tx.send(message).map_err(|_| Failure::gone(tx.disconnect_reason())),
            Self::Descriptors { stdout, .. } => {
                // Eight bytes go whole or not at all: there is room for thousands of them.
                while descriptor::write(&*stdout, &message.to_le_bytes()).map_err(broken)?.is_none() {
                    signals::check()?;
                }
                Ok(())
            }
        }
    }

    /// The next message; `None` when the other end has left.
    fn get(&mut self) -> Result<Option<u64>, Failure> {
        match self {
            Self::Ring { rx, .. } => loop {
                match rx.recv_timeout(SLICE) {
                    Ok(message) => return Ok(Some(message)),
                    Err(RecvTimeoutError::Timeout) => signals::check()?,
                    Err(RecvTimeoutError::Disconnected) => match rx.disconnect_reason() {
                        Some(DisconnectReason::Left) => return Ok(None),
                        reason => return Err(Failure::gone(reason)),
                    },
                }
            },
            Self::Descriptors { stdin, .. } => {
                let mut message = [0; 8];
                let mut got = 0;
                while got < message.len() {
                    match descriptor::read(&*stdin, &mut message[got..]).map_err(broken)? {
                        None => signals::check()?,
                        Some(0) => return Ok(None),
                        Some(n) => got += n,
                    }
                }
                Ok(Some(u64::from_le_bytes(message)))
            }
        }
    }
}

fn broken(error: io::Error) -> Failure {
    Failure::Gone(format!("the other end is gone: {error}"))
}
