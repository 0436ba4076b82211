//! Two workers, what they report, and what is done when one of them fails.

use super::report::Report;
use super::worker::{Task, Via};
use crate::cli::args::DemoArgs;
use crate::cli::descriptor;
use crate::cli::failure::Failure;
use crate::cli::signals;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, pipe2};
use ringway::observe;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a worker that has been told to stop may take.
const GRACE: Duration = Duration::from_secs(1);

/// Two workers at the two ends of something.
pub(super) struct Pair {
    workers: Vec<Worker>,
    reports: OwnedFd,
    channels: [String; 2],
    directory: Option<PathBuf>,
    /// What has been said to be wrong.
    fault: Option<String>,
    /// What followed from that.
    gone: Option<String>,
    done: Option<f64>,
}

struct Worker {
    task: Task,
    child: Child,
    status: Option<ExitStatus>,
}

/// The channels of a pair called `name`: there, and back.
pub(super) fn channels(name: &str) -> [String; 2] {
    [format!("{name}-there"), format!("{name}-back")]
}

/// What the standard input and output of a worker are: data, unless the data goes through shared memory.
type Ends = (Stdio, Stdio);

impl Pair {
    /// Starts both.
    pub(super) fn start(args: &DemoArgs, tasks: [Task; 2], via: Via) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Fault(format!("cannot start a worker: {error}"));
        let name = format!("demo-{}", std::process::id());
        let (reports, to_reports) = pipe().map_err(failed)?;
        let ends = connect(tasks[0], via).map_err(failed)?;
        let mut pair = Self {
            workers: Vec::new(),
            reports,
            channels: channels(&name),
            directory: args.dir.clone(),
            fault: None,
            gone: None,
            done: None,
        };
        for (task, (stdin, stdout)) in tasks.into_iter().zip(ends) {
            let stderr = to_reports.try_clone().map_err(failed)?;
            let mut command = command(args, task, via, &name);
            let child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn().map_err(failed)?;
            pair.workers.push(Worker { task, child, status: None });
        }
        Ok(pair)
    }

    /// Waits until both have ended; the measurement. `at` is told how far they are.
    pub(super) fn wait(mut self, mut at: impl FnMut(u64)) -> Result<f64, Failure> {
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
            Report::Done(ns) => self.done = Some(ns),
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
    fn verdict(&self) -> Result<f64, Failure> {
        let cause = self.fault.clone().or_else(|| self.death()).or_else(|| self.gone.clone());
        match (cause, self.done) {
            (Some(cause), _) => Err(Failure::Fault(format!("demo: {cause}"))),
            (None, Some(ns)) => Ok(ns),
            (None, None) => Err(Failure::Fault("demo: no worker reported a result".to_owned())),
        }
    }

    fn death(&self) -> Option<String> {
        self.workers.iter().find_map(|worker| {
            let status = worker.status?;
            let (task, signal) = (worker.task.name(), status.signal());
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
        for channel in &self.channels {
            // What a killed worker left; mostly nothing is there.
            let _ = observe::remove(channel, self.directory.as_deref());
        }
    }
}

fn lost(error: io::Error) -> Failure {
    Failure::Fault(format!("demo: lost sight of the workers: {error}"))
}

fn command(args: &DemoArgs, task: Task, via: Via, name: &str) -> Command {
    // Also after the file has been replaced by a newer one.
    let mut command = Command::new("/proc/self/exe");
    command.args(["demo-worker", task.name(), via.name(), "--name", name]);
    command.args(["--bytes", &args.bytes.to_string(), "--seed", &args.seed.to_string()]);
    command.args(["--parent", &std::process::id().to_string()]);
    if let Some(directory) = &args.dir {
        command.arg("--dir").arg(directory);
    }
    if let Some(capacity) = args.capacity {
        command.args(["--capacity", &capacity.to_string()]);
    }
    if let (Some(offset), Task::Make) = (args.spoil, task) {
        command.args(["--spoil", &offset.to_string()]);
    }
    command
}

/// The ends of what lies between the two workers: one way for a stream, both ways for a round trip.
fn connect(first: Task, via: Via) -> io::Result<[Ends; 2]> {
    Ok(match (via, first) {
        (Via::Ringway | Via::Spin, _) => [(Stdio::null(), Stdio::null()), (Stdio::null(), Stdio::null())],
        (Via::Pipe, Task::Make) => {
            let (read, write) = pipe()?;
            [(Stdio::null(), write.into()), (read.into(), Stdio::null())]
        }
        (Via::Pipe, _) => {
            let ((there_read, there_write), (back_read, back_write)) = (pipe()?, pipe()?);
            [(back_read.into(), there_write.into()), (there_read.into(), back_write.into())]
        }
        (Via::Socket, _) => {
            let (one, other) = UnixStream::pair()?;
            let ends = |end: UnixStream| {
                let end = OwnedFd::from(end);
                end.try_clone().map(|again| (Stdio::from(again), Stdio::from(end)))
            };
            [ends(one)?, ends(other)?]
        }
    })
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe2(OFlag::O_CLOEXEC)?)
}
