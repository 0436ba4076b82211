//! What all figures depend on: the machine, and who else uses it.

use crate::contestant::Failure;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};
use std::fs;
use std::time::Instant;

/// A load above this at the start is worth a word.
pub const LOAD: f64 = 0.5;
/// Others who take more of the machine's time than this are worth a word.
const SHARE: f64 = 0.02;

/// Facts that do not change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// The kernel's version.
    pub kernel: String,
    /// Processors that may be used.
    pub processors: usize,
    /// Whether a hypervisor says that it is there.
    pub is_virtual: bool,
    /// Whether memory of one process, and shared memory, may lie in huge pages: the kernel's words for it. Threads
    /// whose channel is large profit from the first.
    pub huge_pages: [String; 2],
    /// Whether the arena was built with optimisation.
    pub optimised: bool,
}

impl Machine {
    /// Looks.
    pub fn look(processors: usize) -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = info.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            kernel: kernel.trim().to_owned(),
            processors,
            is_virtual: field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            huge_pages: ["enabled", "shmem_enabled"].map(chosen),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// The word in brackets of a setting of huge pages.
fn chosen(setting: &str) -> String {
    let text = fs::read_to_string(format!("/sys/kernel/mm/transparent_hugepage/{setting}")).unwrap_or_default();
    let word = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    word.map_or("unknown", |(word, _)| word).to_owned()
}

/// Seconds of all processors together since the machine started.
#[derive(Debug, Clone, Copy)]
struct Times {
    busy: f64,
    steal: f64,
    own: f64,
    at: Instant,
}

impl Times {
    fn read() -> Result<Self, Failure> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line =
            stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).ok_or("/proc/stat has no line cpu")?;
        let ticks: Vec<f64> = line.split_whitespace().filter_map(|tick| tick.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal, in hundredths of a second (USER_HZ, the same on all).
        let seconds = |at: usize| ticks.get(at).copied().unwrap_or(0.0) / 100.0;
        let busy = [0, 1, 2, 5, 6].map(seconds).iter().sum();
        let own = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].into_iter().try_fold(0.0, |sum, who| {
            let usage = getrusage(who)?;
            let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
            Ok::<_, Failure>(sum + micros as f64 / 1e6)
        })?;
        Ok(Self { busy, steal: seconds(7), own, at: Instant::now() })
    }
}

/// How busy the machine is with other things.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Busy {
    /// Load average of the last minute, at the start.
    pub load: f64,
    /// Share of the processors' time that the host took, during the run.
    pub steal: f64,
    /// Share that other processes took.
    pub others: f64,
}

impl Busy {
    /// What makes the figures doubtful.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.load > LOAD {
            warnings.push(format!("the load was {:.2} at the start", self.load));
        }
        if self.others > SHARE {
            warnings.push(format!("other processes took {:.1} % of the processors' time", self.others * 100.0));
        }
        if self.steal > 0.0 {
            warnings.push(format!("the host took {:.2} % of the processors' time", self.steal * 100.0));
        }
        warnings
    }
}

/// Watches from the start of a run to its end.
#[derive(Debug)]
pub struct Watch {
    load: f64,
    processors: usize,
    start: Times,
}

impl Watch {
    /// Begins.
    pub fn start(processors: usize) -> Result<Self, Failure> {
        let load = fs::read_to_string("/proc/loadavg")?;
        let load = load.split(' ').next().and_then(|load| load.parse().ok()).ok_or("/proc/loadavg has no number")?;
        Ok(Self { load, processors, start: Times::read()? })
    }

    /// The load at the start.
    pub fn load(&self) -> f64 {
        self.load
    }

    /// How it was until now.
    pub fn busy(&self) -> Result<Busy, Failure> {
        let now = Times::read()?;
        let all = (now.at - self.start.at).as_secs_f64() * self.processors as f64;
        let others = (now.busy - self.start.busy) - (now.own - self.start.own);
        let share = |seconds: f64| (seconds / all.max(0.01)).max(0.0);
        Ok(Busy { load: self.load, steal: share(now.steal - self.start.steal), others: share(others) })
    }
}
