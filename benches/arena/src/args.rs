//! What can be asked for.

use clap::{Parser, Subcommand, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;

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
}

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
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
}

#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
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
    /// Says who there is, and runs nothing
    #[arg(long)]
    pub list: bool,
}

impl RunArgs {
    /// How many rounds.
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
