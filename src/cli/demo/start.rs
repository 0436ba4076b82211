//! The two workers of a measurement, and what lies between them.

use super::DEMO;
use super::worker::{Task, Via};
use crate::cli::args::DemoArgs;
use crate::cli::failure::Failure;
use crate::cli::pair::{self, Ends, Pair, Part};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// Starts both.
pub(super) fn start(args: &DemoArgs, [first, second]: [Task; 2], via: Via) -> Result<Pair, Failure> {
    let [one, other] =
        connect(first, via).map_err(|error| Failure::Fault(format!("cannot start a worker: {error}")))?;
    let part = |task: Task, ends| Part { task: task.name(), command: command(args, task, via), ends };
    Pair::start(DEMO, args.dir.as_deref(), [part(first, one), part(second, other)])
}

fn command(args: &DemoArgs, task: Task, via: Via) -> Command {
    let mut command = pair::again("demo-worker");
    command.args([task.name(), via.name(), "--parent", &std::process::id().to_string()]);
    command.args(["--bytes", &args.bytes.to_string(), "--seed", &args.seed.to_string()]);
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
        (Via::Ringway | Via::Spin, _) => [pair::nothing(), pair::nothing()],
        (Via::Pipe, Task::Make) => {
            let (read, write) = pair::pipe()?;
            [(Stdio::null(), write.into()), (read.into(), Stdio::null())]
        }
        (Via::Pipe, _) => {
            let ((there_read, there_write), (back_read, back_write)) = (pair::pipe()?, pair::pipe()?);
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
