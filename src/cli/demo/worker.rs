//! A worker of the demo: this program once more, as one end of one measurement.

use super::{bulk, echo};
use crate::cli::args::WorkerArgs;
use crate::cli::failure::Failure;
use crate::cli::pair::begin;
use clap::ValueEnum;
use serde::Serialize;

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Task {
    /// Makes the bytes of a stream.
    Make,
    /// Verifies the bytes of a stream, and measures.
    Verify,
    /// Asks and waits for the answer, and measures.
    Ask,
    /// Answers.
    Answer,
}

/// What it does it through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Via {
    /// This crate, waiting as it does by default.
    Ringway,
    /// This crate, never sleeping.
    #[serde(rename = "ringway-spin")]
    Spin,
    /// A pipe, as stdin or stdout.
    Pipe,
    /// A Unix stream socket, as stdin or stdout.
    Socket,
}

impl Via {
    /// In arguments and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ringway => "ringway",
            Self::Spin => "spin",
            Self::Pipe => "pipe",
            Self::Socket => "socket",
        }
    }

    /// In the table.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ringway => "ringway",
            Self::Spin => "ringway, spinning",
            Self::Pipe => "pipe",
            Self::Socket => "Unix socket",
        }
    }
}

impl Task {
    /// In arguments.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Verify => "verify",
            Self::Ask => "ask",
            Self::Answer => "answer",
        }
    }
}

/// Does the task; reports on stderr.
pub(crate) fn run(args: &WorkerArgs) -> Result<(), Failure> {
    begin::begin(args.parent)?;
    match args.task {
        Task::Make => bulk::make(args),
        Task::Verify => bulk::verify(args),
        Task::Ask => echo::ask(args),
        Task::Answer => echo::answer(args),
    }
}
