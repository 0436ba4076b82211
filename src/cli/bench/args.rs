//! What can be asked of the benchmark. The comments on the fields are its help.

use super::job::{self, Assignment, SleptOn, Via};
use super::worker::message::SIZES;
use crate::cli::units;
use clap::Subcommand;
use clap::builder::RangedU64ValueParser;
use ringway::bytes::mpmc::COPY_UP_TO;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Round trips through two channels, beside bare atomics and bare futexes
    Rtt(RttArgs),
    /// Messages one way as fast as they go, beside bare streaming of memory and a pipe
    Rate(RateArgs),
    /// Large messages one way, from buffer to buffer, beside bare copies, a pipe and a socket
    Bulk(BulkArgs),
    /// Messages that are copied to a channel and out of it, beside messages that are made and used in place, by size
    CopyVsMap(MappingArgs),
    /// Bursts of messages with pauses between them: latency against processor time, for several times of spinning
    Burst(BurstArgs),
    /// Round trips of two ends that always sleep, by what they are put to sleep (futex, semaphore, ...); and what a wake costs
    Waiters(WaitersArgs),
}

/// What every measurement wants to know.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Everything is measured so often, in turns; figures are medians of the rounds
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub(super) rounds: usize,
    /// How long all measurements take together, without the starting of processes
    #[arg(long, default_value = "12", value_parser = parse_seconds)]
    pub(super) seconds: f64,
    /// How long each single measurement takes, instead
    #[arg(long, value_name = "MS", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(super) run_ms: Option<u64>,
    /// The two processors of the two processes, instead of the first two that are allowed
    #[arg(long, value_name = "CPU,CPU", value_delimiter = ',', num_args = 1)]
    pub(super) cpus: Vec<usize>,
    /// Print one JSON object: the machine, warnings, and every figure under a key that ends with its unit
    #[arg(long)]
    pub(super) json: bool,
    /// Draw the results, as SVG
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
    /// The directory of the channels' files, in memory (tmpfs), instead of /dev/shm
    #[arg(long)]
    pub(super) dir: Option<PathBuf>,
    /// Send one wrong message there, to see that it is found
    #[arg(long, hide = true, value_name = "VIA:NUMBER", value_parser = job::parse_spoil)]
    pub(super) spoil: Option<(Via, u64)>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RttArgs {
    /// Sizes of messages, with commas between them
    #[arg(long, value_delimiter = ',', default_values_t = [8, 64, 256], value_parser = parse_size)]
    pub(super) bytes: Vec<usize>,
    /// Messages that each ring holds
    #[arg(long, value_name = "MESSAGES", default_value_t = 64)]
    pub(super) capacity: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RateArgs {
    /// Sizes of messages, with commas between them
    #[arg(long, value_delimiter = ',', default_values_t = [8, 64, 256, 1024], value_parser = parse_size)]
    pub(super) bytes: Vec<usize>,
    /// Messages that are sent and received at once, with commas between the numbers
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64], value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub(super) batch: Vec<usize>,
    /// Messages that the ring holds
    #[arg(long, value_name = "MESSAGES", default_value_t = 4096)]
    pub(super) capacity: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BulkArgs {
    /// Sizes of messages, with commas between them: multiples of 8, with K, M or G
    #[arg(long, value_delimiter = ',', default_value = "4K,64K,1M,16M,64M", value_parser = parse_bulk_size)]
    pub(super) bytes: Vec<usize>,
    /// Bytes that the ring holds
    #[arg(long, value_name = "BYTES", default_value = "1M", value_parser = parse_capacity)]
    pub(super) capacity: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MappingArgs {
    /// Sizes of messages, with commas between them: multiples of 8, with K, M or G [default: the powers of two from 64 to 16M]
    #[arg(long, value_delimiter = ',', value_parser = parse_bulk_size)]
    bytes: Vec<usize>,
    /// Every other power of two, in five rounds
    #[arg(long, conflicts_with_all = ["bytes", "rounds", "seconds", "run_ms"])]
    quick: bool,
    /// Up to how many bytes a channel that decides by itself copies
    #[arg(long, value_name = "BYTES", default_value_t = COPY_UP_TO, value_parser = parse_capacity)]
    pub(super) copy_up_to: usize,
    /// Messages that the ring holds
    #[arg(long, value_name = "MESSAGES", default_value_t = 16)]
    pub(super) capacity: usize,
    #[command(flatten)]
    common: Common,
}

impl MappingArgs {
    /// Sizes of messages, each once, from small to large.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let mut sizes = self.bytes.clone();
        if sizes.is_empty() {
            sizes = (6..=24).step_by(if self.quick { 2 } else { 1 }).map(|power| 1 << power).collect();
        }
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// What every measurement wants to know.
    pub(super) fn common(&self) -> Common {
        let (rounds, seconds) = if self.quick { (5, 2.0) } else { (self.common.rounds, self.common.seconds) };
        Common { rounds, seconds, ..self.common.clone() }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct BurstArgs {
    /// Messages of a burst
    #[arg(long, default_value_t = 100, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(super) count: usize,
    /// From the start of one burst to the start of the next; spinning helps where it is longer than the pause
    #[arg(long, value_delimiter = ',', default_value = "100us,1ms,10ms", value_parser = units::parse_some_time)]
    pub(super) every: Vec<Duration>,
    /// Messages that the ring holds
    #[arg(long, value_name = "MESSAGES", default_value_t = 4096)]
    pub(super) capacity: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WaitersArgs {
    /// What puts the ends to sleep, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = SleptOn::ALL)]
    pub(super) waiter: Vec<SleptOn>,
    /// Messages that each ring holds
    #[arg(long, value_name = "MESSAGES", default_value_t = 1)]
    pub(super) capacity: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BenchWorkerArgs {
    #[arg(value_parser = job::parse)]
    pub(super) assignment: Assignment,
    #[arg(long)]
    pub(super) dir: Option<PathBuf>,
}

fn parse_size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| SIZES.contains(size));
    size.ok_or_else(|| format!("one of {}", SIZES.map(|size| size.to_string()).join(", ")))
}

fn parse_bulk_size(text: &str) -> Result<usize, String> {
    let size = parse_capacity(text)?;
    let fits = (8..=1 << 30).contains(&size) && size % 8 == 0;
    if fits { Ok(size) } else { Err("a multiple of 8 bytes, at most 1 GiB".to_owned()) }
}

fn parse_capacity(text: &str) -> Result<usize, String> {
    usize::try_from(units::parse_bytes(text)?).map_err(|_| "too many bytes".to_owned())
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
    seconds.ok_or_else(|| "a number of seconds, up to a day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        mapping: MappingArgs,
    }

    #[test]
    fn a_quick_comparison_has_every_other_power_of_two_and_few_rounds() {
        let asked = |args: &[&str]| Line::try_parse_from([&["bench"], args].concat()).map(|line| line.mapping);
        let quick = asked(&["--quick"]).expect("an option");
        assert_eq!(quick.sizes(), [6, 8, 10, 12, 14, 16, 18, 20, 22, 24].map(|power| 1 << power));
        assert_eq!(quick.common().rounds, 5);
        let all = asked(&[]).expect("no option");
        assert_eq!(all.sizes(), (6..=24).map(|power| 1 << power).collect::<Vec<_>>());
        assert!(all.common().rounds > 5);
        assert_eq!(asked(&["--bytes", "4K,64,4K"]).expect("sizes").sizes(), [64, 4096]);
        assert!(asked(&["--quick", "--rounds", "9"]).is_err());
    }
}
