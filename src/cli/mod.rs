//! One file a command; what they share beside them.
//!
//! | exit code | says |
//! |---|---|
//! | 0 | done; of `send`: the receiver has written everything to its output, or the receivers have taken every record |
//! | 1 | it failed, and one line on stderr says why |
//! | 2 | the arguments are not understood |
//! | 128 + n | signal n ended it, and it detached in good order |

mod args;
mod bench;
mod clean;
mod demo;
mod descriptor;
mod failure;
mod foreign;
mod inspect;
mod ls;
mod opening;
mod output;
mod pair;
mod progress;
mod record;
mod records;
mod recv;
mod rm;
mod seen;
mod send;
mod signals;
mod stat;
mod units;

use args::{Args, Command};
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;

/// Parses, does it, says what went wrong.
pub(crate) fn run() -> ExitCode {
    let command = Args::parse().command;
    let is_worker = matches!(command, Command::DemoWorker(_) | Command::BenchWorker(_));
    let Err(failure) = dispatch(command) else { return ExitCode::SUCCESS };
    if is_worker {
        pair::report::failure(&failure);
    } else {
        failure.print();
    }
    failure.code()
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::DemoWorker(args) => demo::worker::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchWorker(args) => bench::worker::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Recv(args) => recv::run(&args),
        Command::Ls(args) => ls::run(&args),
        Command::Stat(args) => stat::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Rm(args) => rm::run(&args),
        Command::Clean(args) => clean::run(&args),
    }
}
