//! Measuring everything in turns.

use super::args::Common;
use super::job::Job;
use super::machine::Machine;
use crate::cli::failure::Failure;
use crate::cli::pair::values::Values;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// What one job measured, round by round.
pub(super) type Rounds = Vec<Values>;

/// How long each of so many jobs takes.
pub(super) fn run_time(common: &Common, jobs: usize) -> Duration {
    let share = common.seconds / (common.rounds * jobs.max(1)) as f64;
    common.run_ms.map_or(Duration::from_secs_f64(share).max(Duration::from_millis(1)), Duration::from_millis)
}

/// Measures each job once a round, so that a noisy machine is noisy for all. Each round begins with another job.
pub(super) fn measure(
    label: &str,
    common: &Common,
    machine: &Machine,
    jobs: &mut [Job],
) -> Result<Vec<Rounds>, Failure> {
    let run = run_time(common, jobs.len());
    for job in &mut *jobs {
        job.run = run;
        job.cpus = machine.pinned_cpus;
        job.spoil = common.spoil.filter(|(via, _)| *via == job.via).map(|(_, n)| n);
        job.dir.clone_from(&common.dir);
    }
    let bar = bar(label, common.rounds * jobs.len());
    let mut measured = vec![Rounds::new(); jobs.len()];
    for round in 0..common.rounds {
        for at in 0..jobs.len() {
            let at = (at + round) % jobs.len();
            measured[at].push(jobs[at].run()?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(measured)
}

/// A bar on a terminal, and nothing elsewhere. (No thread draws: it would take signals that are meant to interrupt, and
/// time that is measured.)
fn bar(label: &str, steps: usize) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{prefix} {pos} of {len} measurements [{wide_bar}] {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(steps as u64), target)
        .with_style(style.progress_chars("=> "))
        .with_prefix(label.to_owned())
}
