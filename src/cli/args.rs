//! What can be asked of the program. The comments on the fields are its help.

use super::bench::args::{Bench, BenchWorkerArgs};
use super::demo::worker::{Task, Via};
use super::units;
use clap::{Parser, Subcommand};
use ringway::Options;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes that are read at once, if the ring that was asked for holds four times as many: its frames. Larger than the
/// library's, since a `read` costs more than a copy, and both sides are awake for longer at a time on a machine that has
/// other work. (In a ring that nobody has sized, at least two such frames: 12.3 GB/s, and 11.1 with frames of 64 KiB.)
const PART: usize = 256 << 10;

/// A channel between processes: a lock-free ring in shared memory.
///
/// In one shell: `ringway recv x > copy`. In another: `ringway send x file`. Either may start first.
#[derive(Debug, Parser)]
#[command(name = "ringway", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stream data between real processes, verify every byte, and compare with a pipe and a Unix socket
    Demo(DemoArgs),
    /// Send stdin, or a file, through the channel NAME
    ///
    /// Ends well only when the receiver has written everything to its output. Either side may start first. With --records
    /// lines go from many senders to many receivers.
    Send(SendArgs),
    /// Receive from the channel NAME and write to stdout
    ///
    /// Ends well only at the sender's good end: not when the sender is killed or interrupted. With --records each line goes to
    /// one of many receivers; with --at-least-once those are workers that may be killed at any time:
    /// `ringway recv jobs --at-least-once -- convert {} {}.png`.
    Recv(RecvArgs),
    /// List channels: what is in them, how fast they move, and who is attached
    ///
    /// The list is that of a second look; a channel that goes between the two is not in it.
    Ls(LsArgs),
    /// Show the channel NAME in full, once or again and again
    Stat(StatArgs),
    /// Show the file of the channel NAME field by field, as the format names them; changes nothing
    ///
    /// Also of a file that is damaged, or no channel at all: says what is wrong with which field, and exits 1.
    Inspect(InspectArgs),
    /// Remove channels that nobody is attached to, with what is in them: also persistent ones
    Rm(RmArgs),
    /// Remove every channel that nobody is attached to and that is not persistent
    Clean(LookArgs),
    /// Measure this machine: channels between two processes, beside what the machine could do without them
    #[command(subcommand)]
    Bench(Bench),
    /// One end of a stream or of a round trip of the demo
    #[command(hide = true)]
    DemoWorker(WorkerArgs),
    /// One side of a measurement
    #[command(hide = true)]
    BenchWorker(BenchWorkerArgs),
}

/// A channel, as its two ends name it.
#[derive(Debug, clap::Args)]
pub(crate) struct Channel {
    /// The channel: letters, digits, '.', '_' and '-'
    pub(crate) name: String,
    /// Bytes that the ring holds, if this side creates it; K, M and G are 1024, 1024^2, 1024^3 [default: 1M]; with --records
    /// how many records [default: 256]
    #[arg(long, value_name = "N", value_parser = units::parse_bytes)]
    pub(crate) capacity: Option<u64>,
    /// The directory of the channel's file, in memory (tmpfs), instead of /dev/shm
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Show progress on stderr even if it is no terminal
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) progress: bool,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Channel {
    /// Another channel in the same directory, of any capacity.
    pub(crate) fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), dir: self.dir.clone(), capacity: None, ..*self }
    }

    /// The library's options for records.
    pub(crate) fn record_options(&self) -> Options {
        options(self.dir.as_deref(), self.capacity)
    }

    /// The library's options.
    pub(crate) fn options(&self) -> Options {
        let quarter = self.capacity.unwrap_or(u64::MAX) / 4;
        let part = usize::try_from(quarter).unwrap_or(PART).clamp(1, PART);
        options(self.dir.as_deref(), self.capacity).frame_bytes(part)
    }
}

/// Options for a channel in this directory, of this capacity.
pub(crate) fn options(directory: Option<&Path>, capacity: Option<u64>) -> Options {
    let mut options = Options::new();
    if let Some(directory) = directory {
        options = options.dir(directory);
    }
    if let Some(capacity) = capacity {
        options = options.capacity(usize::try_from(capacity).unwrap_or(usize::MAX));
    }
    options
}

#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) channel: Channel,
    /// What to send, instead of stdin
    pub(crate) file: Option<PathBuf>,
    /// Send each line as a record, of any length up to 1 GiB: any number of senders and receivers may share the channel, and each
    /// record goes to one receiver. Ends well when the channel is empty and no receiver has a record in hand
    #[arg(long)]
    pub(crate) records: bool,
    /// Make a channel that keeps its records while nobody is there (until `ringway rm`, or a reboot), and end as soon as all
    /// are in it. Whoever starts first must say so
    #[arg(long, requires = "records")]
    pub(crate) persistent: bool,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("framed").args(["records", "at_least_once"]).multiple(true))]
pub(crate) struct RecvArgs {
    #[command(flatten)]
    pub(crate) channel: Channel,
    /// Write each record as a line: any number of senders and receivers may share the channel, and each record goes to one
    /// receiver. Ends when no sender is there and nothing is left
    #[arg(long)]
    pub(crate) records: bool,
    /// Of a record that this process does not get done (it fails, is stopped or killed) let another receiver have a try. Done
    /// is: COMMAND has exited with 0 or, without COMMAND, the record has been written. Implies --records
    #[arg(long)]
    pub(crate) at_least_once: bool,
    /// When no sender is there, wait for the next one
    #[arg(long, requires = "framed")]
    pub(crate) follow: bool,
    /// If this side creates the channel, one that keeps its records while nobody is there; else insist on such a one
    #[arg(long, requires = "framed")]
    pub(crate) persistent: bool,
    /// Deliver a record so often at most, to all receivers together [default: 3 with COMMAND, else any number]
    #[arg(long, value_name = "N", requires = "at_least_once", value_parser = clap::value_parser!(u32).range(1..=254))]
    pub(crate) deliveries: Option<u32>,
    /// Where records go that were delivered too often: a channel of records, made persistent if it is not there. Otherwise
    /// they are dropped, and this command ends with 1
    #[arg(long, value_name = "NAME2", requires = "at_least_once")]
    pub(crate) dead_letters: Option<String>,
    /// Run for each record, one at a time: the record is a line on its stdin, and replaces {} in ARGS; RINGWAY_POSITION and
    /// RINGWAY_ATTEMPT (1, 2, ...) are in its environment. SIGINT, SIGTERM and SIGHUP are passed on to it
    #[arg(last = true, value_names = ["COMMAND", "ARGS"], requires = "at_least_once")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LookArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Another directory than /dev/shm
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    /// The time between the two looks that rates are measured by; 0: one look, no rates
    #[arg(long, value_name = "TIME", value_parser = units::parse_time, default_value = "200ms")]
    pub(crate) interval: Duration,
    /// List also what is no channel of yours, as `ipcs` does: POSIX objects and queues, System V segments, semaphores and queues,
    /// and the limits of each
    #[arg(long)]
    pub(crate) all: bool,
    /// Where /proc and /dev are
    #[arg(long, hide = true, requires = "all", value_name = "DIRECTORY")]
    pub(crate) root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatArgs {
    /// The channel
    pub(crate) name: String,
    /// Go on so often, until the channel is gone; with --json an object a line
    #[arg(long, value_name = "TIME", value_parser = units::parse_some_time)]
    pub(crate) every: Option<Duration>,
    /// Stop after so many
    #[arg(long, value_name = "N", requires = "every", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// The time between the two looks that the first rates are measured by; 0: none. Later ones are since the last look
    #[arg(long, value_name = "TIME", value_parser = units::parse_time, default_value = "200ms")]
    pub(crate) interval: Duration,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The channel
    pub(crate) name: String,
    /// List the words of the frames, too
    #[arg(long)]
    pub(crate) frames: bool,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RmArgs {
    /// The channels
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// How much each stream moves; K, M and G are 1024, 1024^2, 1024^3
    #[arg(long, value_parser = units::parse_bytes, default_value = "2G")]
    pub(crate) bytes: u64,
    /// Bytes that the ring of the stream holds; a smaller one fits into a smaller /dev/shm
    #[arg(long, value_name = "BYTES", value_parser = units::parse_bytes)]
    pub(crate) capacity: Option<u64>,
    /// Where the data begins: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print the results as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The directory of the channels' files, in memory (tmpfs), instead of /dev/shm
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Send one wrong byte there, to see that it is found
    #[arg(long, hide = true, value_name = "OFFSET")]
    pub(crate) spoil: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    pub(crate) task: Task,
    pub(crate) via: Via,
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    #[arg(long)]
    pub(crate) capacity: Option<u64>,
    #[arg(long)]
    pub(crate) bytes: u64,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long)]
    pub(crate) spoil: Option<u64>,
    /// The demo's process: without it there is nothing to do
    #[arg(long)]
    pub(crate) parent: u32,
}
