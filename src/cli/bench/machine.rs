//! The machine that is measured: what figures mean nothing without, and what speaks against them.

use super::args::Common;
use super::worker::clock;
use crate::cli::failure::Failure;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde::Serialize;
use std::fs;

/// Facts, as JSON has them.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    model: String,
    kernel: String,
    /// Processors of the machine.
    cpus: usize,
    /// Those that the two processes are bound to; none if there is one only, or if binding is not permitted.
    pub(super) pinned_cpus: Option<[usize; 2]>,
    /// Processes that want to run, on average of the last minute, when the benchmark began.
    load_1min_processes: Option<f64>,
    /// What one reading of the clock costs: it is a part of each single time.
    clock_reading_ns: f64,
    ringway_version: &'static str,
}

impl Machine {
    /// Looks at the machine, and chooses two processors.
    pub(super) fn look(common: &Common) -> Result<Self, Failure> {
        let allowed = allowed();
        let cpus = std::fs::read_to_string("/proc/cpuinfo")
            .map_or(0, |text| text.lines().filter(|line| line.starts_with("processor")).count());
        Ok(Self {
            model: model(),
            kernel: first_line("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned()),
            cpus: cpus.max(allowed.len()),
            pinned_cpus: choose(&common.cpus, &allowed)?,
            load_1min_processes: first_line("/proc/loadavg").and_then(|line| line.split(' ').next()?.parse().ok()),
            clock_reading_ns: clock::cost_ns(),
            ringway_version: env!("CARGO_PKG_VERSION"),
        })
    }

    /// Whether the two processes have to share one processor: then nobody can spin.
    pub(super) fn is_single(&self) -> bool {
        allowed().len() == 1
    }

    /// What speaks against any figure from here.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if cfg!(debug_assertions) {
            warnings.push("this is a debug build: its figures say nothing; build with --release".to_owned());
        }
        if self.is_single() {
            warnings.push("one processor only: the two processes are not pinned, and both always sleep".to_owned());
        } else if self.pinned_cpus.is_none() {
            warnings.push("processes cannot be bound to processors here: figures will scatter".to_owned());
        }
        let limit = self.cpus as f64 / 2.0;
        if let Some(load) = self.load_1min_processes.filter(|load| *load > limit) {
            let cpus = self.cpus;
            warnings.push(format!("the machine is busy (load {load} on {cpus} processors): figures will be worse"));
        }
        warnings
    }

    /// For people.
    pub(super) fn line(&self) -> String {
        let Self { model, kernel, cpus, clock_reading_ns, .. } = self;
        let pinned = self.pinned_cpus.map_or_else(
            || "two processes, not pinned".to_owned(),
            |[a, b]| format!("two processes, on CPUs {a} and {b}"),
        );
        format!("{model}, {cpus} CPUs, Linux {kernel}; {pinned}; reading the clock: {clock_reading_ns:.0} ns\n")
    }
}

/// The processors that this process may run on.
fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect()
}

/// Two processors, if there are two, and if binding is permitted.
fn choose(asked: &[usize], allowed: &[usize]) -> Result<Option<[usize; 2]>, Failure> {
    match asked {
        [] => {}
        [a, b] if a != b && allowed.contains(a) && allowed.contains(b) => return Ok(Some([*a, *b])),
        _ => {
            return Err(Failure::Fault(format!("--cpus: two different ones of {allowed:?} are wanted, not {asked:?}")));
        }
    }
    let may_bind = sched_getaffinity(Pid::from_raw(0)).and_then(|set| sched_setaffinity(Pid::from_raw(0), &set));
    Ok(match allowed {
        [a, b, ..] if may_bind.is_ok() => Some([*a, *b]),
        _ => None,
    })
}

fn first_line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().next().map(str::to_owned)
}

/// What the processor calls itself; where it does not, what family it is of.
fn model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processors_are_chosen_from_those_that_are_allowed() {
        assert!(matches!(choose(&[], &[3]), Ok(None)));
        assert!(matches!(choose(&[5, 3], &[3, 4, 5]), Ok(Some([5, 3]))));
        for odd in [&[3][..], &[3, 3], &[3, 6], &[3, 4, 5]] {
            assert!(choose(odd, &[3, 4, 5]).is_err(), "{odd:?}");
        }
    }
}
