//! What can be asked for.

use clap::{Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How long everything takes if nothing is said.
const MINUTES: f64 = 40.0;

/// ringway beside everything else that moves messages, in one fair run.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What this program is, if not the arena.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One end, or both: started by the arena
    #[command(hide = true)]
    Worker {
        /// The task, as JSON.
        task: String,
    },
    /// Makes the report of a run that was saved with --json
    Report {
        /// What --json has written
        json: PathBuf,
        /// As in a run
        #[arg(long, value_name = "FILE.md")]
        report: PathBuf,
    },
}

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkKind {
    /// Round trips
    Rtt,
    /// One way, as fast as it goes
    Rate,
    /// Bursts, with nothing in between
    Burst,
    /// Many senders, many receivers, as fast as it goes
    Many,
    /// Large messages, from the sender's buffer to the receiver's, as fast as they go
    Bulk,
    /// Records of any length: as fast as they go, and in bursts
    Records,
    /// Large messages, written and read in place: as fast as they go, and there and back
    Loans,
    /// Making a channel, opening it, and the first message
    Attach,
    /// Shared memory of a channel
    Memory,
    /// Round trips and one way, beside processes that are attached and idle
    Members,
    /// Eight processes on two processors
    Overcommit,
    /// Pages that are touched for the first time
    FirstLap,
    /// A thousand channels in one process
    Channels,
}

#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// All work, all cells, everybody, in one run of 40 minutes, or of --minutes
    #[arg(long, conflicts_with_all = [
        "work", "only", "bytes", "batch", "capacity", "sides", "run_ms", "quick", "broken", "list",
    ])]
    pub everything: bool,
    /// How long the run takes, about: rounds and turns are as many and as long as fit
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["run_ms", "quick"])]
    pub minutes: Option<f64>,
    /// Only this work
    #[arg(long, value_delimiter = ',', value_name = "WORK")]
    pub work: Vec<WorkKind>,
    /// Only contestants whose name contains one of these
    #[arg(long, value_delimiter = ',', value_name = "SUBSTRING")]
    pub only: Vec<String>,
    /// Only messages of these sizes
    #[arg(long, value_delimiter = ',', value_name = "BYTES")]
    pub bytes: Vec<usize>,
    /// Only batches of these sizes; 1 is one at a time
    #[arg(long, value_delimiter = ',', value_name = "MESSAGES")]
    pub batch: Vec<usize>,
    /// Only channels of these capacities, one way and many to many
    #[arg(long, value_delimiter = ',', value_name = "MESSAGES")]
    pub capacity: Vec<usize>,
    /// Only so many senders, and as many receivers, in many to many
    #[arg(long, value_delimiter = ',', value_name = "ENDS")]
    pub sides: Vec<usize>,
    /// Rounds; all contestants have their turn in each [default: 15]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
    /// How long a turn takes, about [default: 60]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=2000))]
    pub run_ms: Option<u64>,
    /// 3 rounds of 10 ms: whether everything works, not how fast
    #[arg(long)]
    pub quick: bool,
    /// Whom all are compared with: the contestant whose name this is [default: ringway, waiting as the row does]
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,
    /// The sender's and the receiver's processor [default: the first two that are allowed]
    #[arg(long, value_delimiter = ',', num_args = 2, value_name = "CPU")]
    pub cpus: Vec<usize>,
    /// A turn that takes longer hangs, and is ended
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub patience: u64,
    /// Lets those run that are broken on purpose, and nobody else
    #[arg(long, hide = true)]
    pub broken: bool,
    /// Writes everything there, figures of all rounds and percentiles included
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draws into this directory, as SVG
    #[arg(long, value_name = "DIR")]
    pub plot: Option<PathBuf>,
    /// Writes the report there, as Markdown, and what the README takes from it into the directory of that name without `.md`
    #[arg(long, value_name = "FILE.md")]
    pub report: Option<PathBuf>,
    /// Says who there is, and runs nothing
    #[arg(long)]
    pub list: bool,
}

impl RunArgs {
    /// How long the run is to take, if that was said.
    pub fn length(&self) -> Option<Duration> {
        let minutes = self.minutes.or(self.everything.then_some(MINUTES))?;
        Some(Duration::try_from_secs_f64(minutes * 60.0).unwrap_or_default())
    }

    /// How many rounds; where a length was said, as many as are meant to fit.
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 3 } else { 15 }) as usize
    }

    /// How long a turn is to take.
    pub fn turn_ns(&self) -> u64 {
        self.run_ms.unwrap_or(if self.quick { 10 } else { 60 }) * 1_000_000
    }

    /// How long to look at the weather, before and after a turn.
    pub fn weather_us(&self) -> u64 {
        if self.quick { 500 } else { 3000 }
    }
}
