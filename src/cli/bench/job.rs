//! One measurement: what the two workers are told, and how they are started.

use super::worker::bare::STAGE_BYTES;
use super::worker::chunks::Shape;
use crate::cli::failure::Failure;
use crate::cli::pair::values::Values;
use crate::cli::pair::{self, Ends, Pair, Part, Whose};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::ftruncate;
use ringway::{WaitStrategy, Waiter};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// The benchmark's pairs of workers.
pub(super) const BENCH: Whose = Whose("bench");

/// What the first worker does; the second does the other half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// Asks, and is answered.
    Trips,
    /// Sends as fast as it can; the second receives.
    Stream,
    /// Sends large messages as fast as it can; the second receives.
    Bulk,
    /// Sends messages that it makes as fast as it can; the second uses them.
    Mapping,
    /// Sends so many at once now and then; the second receives.
    Bursts,
}

/// What lies between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Via {
    /// This crate's channels.
    Ringway,
    /// This crate's channels on the heap, between two threads of the first worker.
    Heap,
    /// Messages of bytes that are copied to a channel and out of it.
    Copied,
    /// The same, each as a whole and used where it was copied to.
    Placed,
    /// Messages of bytes that are made and used in place.
    Mapped,
    /// The same, where the channel decides.
    Chosen,
    /// The limit of a round trip that spins: one word each way.
    Atomics,
    /// The limit of a round trip that sleeps: one futex each way.
    Futex,
    /// The limit of a stream: lines of 64 bytes, handed over many at once.
    Lines,
    /// The limit of large messages: a ring of chunks of memory, copied in and out.
    Chunks,
    /// A pipe.
    Pipe,
    /// A Unix stream socket.
    Socket,
}

/// How both ends of a channel wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wait {
    Spin,
    Default,
    Sleep,
    /// Spins for so many microseconds, then sleeps.
    Microseconds(u64),
}

impl Wait {
    pub(super) fn strategy(self) -> WaitStrategy {
        match self {
            Self::Spin => WaitStrategy::Spin,
            Self::Default => WaitStrategy::default(),
            Self::Sleep => WaitStrategy::Sleep,
            Self::Microseconds(us) => WaitStrategy::SpinThenSleep(Duration::from_micros(us)),
        }
    }

    /// Whether this is what an end does that has been told nothing.
    pub(super) fn is_default(self) -> bool {
        self.strategy() == WaitStrategy::default()
    }

    /// How long an end spins before it sleeps, in microseconds; `None`: for ever.
    pub(super) fn spin_us(self) -> Option<u64> {
        match self.strategy() {
            WaitStrategy::SpinThenSleep(budget) => u64::try_from(budget.as_micros()).ok(),
            WaitStrategy::Sleep => Some(0),
            _ => None,
        }
    }

    /// In tables, in charts and in JSON.
    pub(super) fn label(self) -> String {
        match self {
            Self::Spin => "spin".to_owned(),
            Self::Default => "default".to_owned(),
            Self::Sleep => "sleep".to_owned(),
            Self::Microseconds(us) => format!("{us} us"),
        }
    }
}

/// What puts both ends of a channel to sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SleptOn {
    Futex,
    Condvar,
    Semaphore,
    MessageQueue,
    #[serde(rename = "eventfd")]
    #[value(name = "eventfd")]
    EventFd,
}

impl SleptOn {
    pub(super) const ALL: [Self; 5] = [Self::Futex, Self::Condvar, Self::Semaphore, Self::MessageQueue, Self::EventFd];

    pub(super) fn waiter(self) -> Waiter {
        match self {
            Self::Futex => Waiter::Futex,
            Self::Condvar => Waiter::Condvar,
            Self::Semaphore => Waiter::Semaphore,
            Self::MessageQueue => Waiter::MessageQueue,
            Self::EventFd => Waiter::EventFd,
        }
    }
}

/// Which of the two workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    First,
    Second,
}

/// A measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) what: What,
    pub(super) via: Via,
    pub(super) wait: Wait,
    /// None: a channel's default, whatever it is; and what a wake costs is not asked.
    pub(super) slept_on: Option<SleptOn>,
    /// Bytes of a message.
    pub(super) bytes: usize,
    /// Messages that are sent at once; of bare chunks, the bytes of one; where copying is compared with mapping, up to how many
    /// bytes the channel decides to copy.
    pub(super) batch: usize,
    /// Messages that the ring holds; of a stream, bytes; of bare chunks, how many.
    pub(super) capacity: usize,
    /// From the start of one burst to the start of the next.
    pub(super) every: Duration,
    /// How long it takes, about.
    pub(super) run: Duration,
    /// A message that is to be wrong, to see that it is found: the sender shifts the numbers of those around it.
    pub(super) spoil: Option<u64>,
    /// The processors of the two, if they are bound.
    pub(super) cpus: Option<[usize; 2]>,
    /// An argument of its own, since a path need not be text.
    #[serde(skip)]
    pub(super) dir: Option<PathBuf>,
}

/// A worker's part of a job, as it stands in the worker's arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(super) side: Side,
    pub(super) parent: u32,
    pub(super) job: Job,
}

/// Reads what is to be spoilt: `ringway:5000` is message 5000 of what goes through channels.
pub(super) fn parse_spoil(text: &str) -> Result<(Via, u64), String> {
    let odd = || "VIA:NUMBER".to_owned();
    let (via, number) = text.split_once(':').ok_or_else(odd)?;
    let via = serde_json::from_value(via.into()).map_err(|_| odd())?;
    Ok((via, number.parse().map_err(|_| odd())?))
}

/// Reads an assignment.
pub(crate) fn parse(text: &str) -> Result<Assignment, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl Job {
    /// What is added to the numbers of the messages from `start` on, `count` of them: 1 if one of them is spoilt.
    pub(super) fn shift(&self, start: u64, count: u64) -> u64 {
        u64::from(self.spoil.is_some_and(|spoilt| (start..start + count).contains(&spoilt)))
    }

    /// Starts both workers and waits until they have measured.
    pub(super) fn run(&self) -> Result<Values, Failure> {
        let failed = |error: io::Error| Failure::Fault(format!("cannot start a worker: {error}"));
        let [one, other] = self.connect().map_err(failed)?;
        let parts = [self.part(Side::First, one)?, self.part(Side::Second, other)?];
        Pair::start(BENCH, self.dir.as_deref(), parts)?.wait(|_| ())
    }

    fn part(&self, side: Side, ends: Ends) -> Result<Part, Failure> {
        let assignment = Assignment { side, parent: std::process::id(), job: self.clone() };
        let text = serde_json::to_string(&assignment).map_err(|error| Failure::Fault(error.to_string()))?;
        let mut command = pair::again("bench-worker");
        command.arg(text);
        if let Some(directory) = &self.dir {
            command.arg("--dir").arg(directory);
        }
        Ok(Part { task: self.task(side), command, ends })
    }

    fn task(&self, side: Side) -> &'static str {
        match (self.what, side) {
            (What::Trips, Side::First) => "ask",
            (What::Trips, Side::Second) => "answer",
            (What::Stream | What::Bulk | What::Mapping | What::Bursts, Side::First) => "send",
            (What::Stream | What::Bulk | What::Mapping | What::Bursts, Side::Second) => "receive",
        }
    }

    /// What lies between two workers, where it is no channel. Bare limits share memory without a name, as standard input:
    /// nothing can be left behind.
    fn connect(&self) -> io::Result<[Ends; 2]> {
        Ok(match self.via {
            Via::Ringway | Via::Heap | Via::Copied | Via::Placed | Via::Mapped | Via::Chosen => {
                [pair::nothing(), pair::nothing()]
            }
            Via::Atomics | Via::Futex | Via::Lines => shared(STAGE_BYTES)?,
            Via::Chunks => shared(Shape { chunk: self.batch, depth: self.capacity }.bytes())?,
            Via::Pipe => {
                let (read, write) = pair::pipe()?;
                [(Stdio::null(), write.into()), (read.into(), Stdio::null())]
            }
            Via::Socket => {
                let (read, write) = UnixStream::pair()?;
                [(Stdio::null(), OwnedFd::from(write).into()), (OwnedFd::from(read).into(), Stdio::null())]
            }
        })
    }
}

/// Memory of so many bytes, for both.
fn shared(bytes: usize) -> io::Result<[Ends; 2]> {
    let memory = memfd_create(c"ringway-bench", MFdFlags::MFD_CLOEXEC)?;
    ftruncate(&memory, i64::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?)?;
    Ok([(memory.try_clone()?.into(), Stdio::null()), (memory.into(), Stdio::null())])
}

impl Assignment {
    /// The processor of this side.
    pub(super) fn cpu(&self) -> Option<usize> {
        self.job.cpus.map(|[first, second]| if self.side == Side::First { first } else { second })
    }

    /// The directory of the channels.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.job.dir.as_deref()
    }
}
