//! Two workers: this program twice more, at the two ends of something that is shown or measured.
//!
//! | file | |
//! |---|---|
//! | `mod.rs` | the parent: starts both, hears what they report, and what is done when one of them fails |
//! | `begin.rs` | what a worker does first |
//! | `report.rs` | the lines in which workers report |
//! | `values.rs` | what they have measured |

pub(crate) mod begin;
pub(crate) mod report;
pub(crate) mod values;

use crate::cli::descriptor;
use crate::cli::failure::Failure;
use crate::cli::signals;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, pipe2};
use report::Report;
use ringway::observe;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use values::Values;

/// How long a worker that has been told to stop may take.
const GRACE: Duration = Duration::from_secs(1);

/// Two workers at the two ends of something.
pub(crate) struct Pair {
    workers: Vec<Worker>,
    reports: OwnedFd,
    whose: Whose,
    directory: Option<PathBuf>,
    /// What has been said to be wrong.
    fault: Option<String>,
    /// What followed from that.
    gone: Option<String>,
    values: Values,
}

/// Which command starts a pair: it stands before what it says, and in the names of its channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose(pub(crate) &'static str);

impl Whose {
    /// The channels of this process's pairs: there, and back.
    pub(crate) fn channels(self, parent: u32) -> [String; 2] {
        ["there", "back"].map(|way| format!("{}-{parent}-{way}", self.0))
    }

    fn lost(self, error: io::Error) -> Failure {
        Failure::Fault(format!("{}: lost sight of the workers: {error}", self.0))
    }
}

/// A worker that is to be started.
#[derive(Debug)]
pub(crate) struct Part {
    /// What it does, for the line that says how it failed.
    pub(crate) task: &'static str,
    /// The program with its arguments, see [`again`].
    pub(crate) command: Command,
    /// Standard input and output: what lies between the two, unless that is shared memory.
    pub(crate) ends: Ends,
}

struct Worker {
    task: &'static str,
    child: Child,
    status: Option<ExitStatus>,
}

/// What the standard input and output of a worker are.
pub(crate) type Ends = (Stdio, Stdio);

/// No data goes through standard input and output.
pub(crate) fn nothing() -> Ends {
    (Stdio::null(), Stdio::null())
}

/// This program once more.
pub(crate) fn again(subcommand: &str) -> Command {
    // Also after the file has been replaced by a newer one.
    let mut command = Command::new("/proc/self/exe");
    command.arg(subcommand);
    command
}

/// A pipe: the end to read from, the end to write to. No child inherits them.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe2(OFlag::O_CLOEXEC)?)
}

impl Pair {
    /// Starts both. `directory` is where their channels are.
    pub(crate) fn start(whose: Whose, directory: Option<&Path>, parts: [Part; 2]) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Fault(format!("cannot start a worker: {error}"));
        let (reports, to_reports) = pipe().map_err(failed)?;
        let mut pair = Self {
            workers: Vec::new(),
            reports,
            whose,
            directory: directory.map(Path::to_owned),
            fault: None,
            gone: None,
            values: Values::default(),
        };
        for Part { task, mut command, ends: (stdin, stdout) } in parts {
            let stderr = to_reports.try_clone().map_err(failed)?;
            let child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn().map_err(failed)?;
            pair.workers.push(Worker { task, child, status: None });
        }
        Ok(pair)
    }

    /// Waits until both have ended; what they measured. `at` is told how far they are.
    pub(crate) fn wait(mut self, mut at: impl FnMut(u64)) -> Result<Values, Failure> {
        let whose = self.whose;
        let lost = |error| whose.lost(error);
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        // The end of the reports is the end of both workers.
        loop {
            signals::check()?;
            if !descriptor::is_readable(&self.reports).map_err(lost)? {
                self.stop_if_one_failed();
                continue;
            }
            match descriptor::read(&self.reports, &mut buffer).map_err(lost)? {
                Some(0) => break,
                read => text.extend_from_slice(&buffer[..read.unwrap_or(0)]),
            }
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                self.note(Report::parse(String::from_utf8_lossy(&line).trim_end()), &mut at);
            }
        }
        for worker in &mut self.workers {
            worker.status = Some(worker.child.wait().map_err(lost)?);
        }
        self.verdict()
    }

    fn note(&mut self, report: Report, at: &mut impl FnMut(u64)) {
        match report {
            Report::At(bytes) => at(bytes),
            Report::Value(key, text) => self.values.add(key, text),
            Report::Fault(text) => {
                self.fault.get_or_insert(text);
                self.stop();
            }
            Report::Gone(text) => {
                self.gone.get_or_insert(text);
            }
        }
    }

    /// One that died without a word may have left the other waiting for it.
    fn stop_if_one_failed(&mut self) {
        for worker in &mut self.workers {
            if worker.status.is_none() {
                worker.status = worker.child.try_wait().unwrap_or(None);
            }
        }
        if self.workers.iter().any(|worker| worker.status.is_some_and(|status| !status.success())) {
            self.stop();
        }
    }

    /// Tells those that still run to stop.
    fn stop(&mut self) {
        for worker in self.workers.iter_mut().filter(|worker| worker.status.is_none()) {
            if let Ok(pid) = worker.child.id().try_into() {
                // Not waited for yet, so the pid is still this child's; one that has just ended does not mind.
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
    }

    /// The first cause: what was said to be wrong; a worker that died without a word; what followed from that.
    fn verdict(&mut self) -> Result<Values, Failure> {
        match self.fault.take().or_else(|| self.death()).or_else(|| self.gone.take()) {
            Some(cause) => Err(Failure::Fault(format!("{}: {cause}", self.whose.0))),
            None => Ok(std::mem::take(&mut self.values)),
        }
    }

    fn death(&self) -> Option<String> {
        self.workers.iter().find_map(|worker| {
            let status = worker.status?;
            let (task, signal) = (worker.task, status.signal());
            match (signal, status.code()) {
                (Some(signal), _) => Some(format!("the worker \"{task}\" was killed by signal {signal}")),
                // 1 has been reported; beyond 128 it was told to stop.
                (None, Some(code)) if code > 1 && code <= 128 => {
                    Some(format!("the worker \"{task}\" ended with code {code}"))
                }
                _ => None,
            }
        })
    }
}

impl Drop for Pair {
    /// Leaves no process and no channel behind.
    fn drop(&mut self) {
        self.stop();
        let give_up = Instant::now() + GRACE;
        for worker in &mut self.workers {
            while worker.status.is_none() {
                match worker.child.try_wait() {
                    Ok(None) if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(5)),
                    Ok(None) => {
                        let _ = worker.child.kill();
                        worker.status = worker.child.wait().ok();
                        break;
                    }
                    Ok(status) => worker.status = status,
                    Err(_) => break,
                }
            }
        }
        for channel in self.whose.channels(std::process::id()) {
            // What a killed worker left; mostly nothing is there.
            let _ = observe::remove(&channel, self.directory.as_deref());
        }
    }
}
