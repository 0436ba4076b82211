//! `ringway recv --at-least-once`: a record is done when the command has succeeded on it, or when it has been written. Until
//! then it is in this process's hand, and goes to another if this one dies.

use super::command::{self, Undone};
use super::ending::{self, Next};
use super::recv::Output;
use crate::cli::args::RecvArgs;
use crate::cli::failure::{Failure, shown};
use crate::cli::record;
use crate::cli::signals::{self, SLICE};
use ringway::Absent;
use ringway::bytes::RecvTimeoutError;
use ringway::bytes::mpmc::{Guard, Receiver, Sender};
use std::io;

/// How often a record is delivered at most, if a command is to be run on it and nobody has said otherwise.
const DELIVERIES: u32 = 3;

/// Works until no sender is left and nothing to do.
pub(crate) fn run(args: &RecvArgs) -> Result<(), Failure> {
    signals::install()?;
    if let Some(program) = args.command.first() {
        command::find(program).map_err(|error| cannot_run(args, &error, "no record was taken"))?;
    }
    // Held as long as we are here, so that its reader stays.
    let _letters = args.dead_letters.as_deref().map(|letters| open_letters(args, letters)).transpose()?;
    let mut options = args.channel.record_options().persistent(args.persistent);
    let deliveries = args.deliveries.or((!args.command.is_empty()).then_some(DELIVERIES));
    if let Some(deliveries) = deliveries {
        options = options.deliveries(deliveries);
    }
    if let Some(letters) = &args.dead_letters {
        options = options.dead_letters(letters);
    }
    let receiver = record::open(&args.channel, options, Receiver::open_with, Receiver::create_with)?;
    let dropped = receiver.stats().dropped;
    let mut work = Work { args, receiver: &receiver, output: Output::new(args), deliveries };
    work.until_the_end()?;
    work.output.finish();
    match receiver.stats().dropped.saturating_sub(dropped) {
        0 => Ok(()),
        lost => Err(Failure::of(
            &args.channel.name,
            format_args!(
                "{lost} records were given up meanwhile, by this or another worker: --dead-letters keeps such"
            ),
        )),
    }
}

/// The channel for records that fail too often. It is made to stay, since nobody may be there to read it.
fn open_letters(args: &RecvArgs, letters: &str) -> Result<Sender, Failure> {
    if letters == args.channel.name {
        return Err(Failure::of(
            letters,
            "the dead letters need a channel of their own: give --dead-letters another name",
        ));
    }
    let channel = args.channel.named(letters);
    let options = channel.record_options().absent(Absent::Buffer);
    record::open(&channel, options, Sender::open_with, |name, options| {
        Sender::create_with(name, &options.clone().persistent(true))
    })
}

struct Work<'a> {
    args: &'a RecvArgs,
    receiver: &'a Receiver,
    output: Output<'a>,
    deliveries: Option<u32>,
}

impl Work<'_> {
    fn until_the_end(&mut self) -> Result<(), Failure> {
        let receiver = self.receiver;
        loop {
            self.output.look()?;
            match receiver.recv_ref_timeout(SLICE) {
                // Dropped on a failure: the record goes to somebody else.
                Ok(job) => self.job(job)?,
                Err(RecvTimeoutError::Timeout) => self.check()?,
                // Its sender sends it again, or was killed, which is told at the end.
                Err(RecvTimeoutError::Aborted { .. }) => {}
                Err(error @ (RecvTimeoutError::TooLong { .. } | RecvTimeoutError::OutOfMemory { .. })) => {
                    return Err(Failure::of(
                        &self.args.channel.name,
                        format_args!("a record was not received: {error}"),
                    ));
                }
                Err(_) => {
                    self.check()?;
                    if let Next::End = ending::next(&self.args.channel.name, receiver, self.args.follow)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Fails if nobody reads what is to be written here.
    fn check(&self) -> Result<(), Failure> {
        if self.args.command.is_empty() { self.output.check() } else { Ok(()) }
    }

    fn job(&mut self, job: Guard<'_>) -> Result<(), Failure> {
        // What was taken while a signal came is not begun.
        signals::check()?;
        let mut lines = Vec::new();
        self.output.take(&job, &mut lines);
        if self.args.command.is_empty() {
            self.output.write(&mut lines)?;
            job.commit();
            return Ok(());
        }
        match command::run(&self.args.command, &job) {
            Ok(()) => {
                job.commit();
                self.output.done(&lines);
                Ok(())
            }
            Err(Undone::NotRun(error)) => Err(cannot_run(self.args, &error, "the record was given back")),
            Err(Undone::Failed(how)) => {
                self.output.give_back();
                self.tell(&job, &how);
                Ok(())
            }
        }
    }

    /// One line for a job that failed.
    fn tell(&self, job: &Guard<'_>, how: &str) {
        let (position, attempt) = (job.position(), job.attempt());
        let fate = match (&self.args.dead_letters, self.deliveries) {
            (Some(letters), Some(most)) if attempt >= most => format!("it goes to {letters}"),
            (None, Some(most)) if attempt >= most => "it is given up".to_owned(),
            _ => "it is given back".to_owned(),
        };
        let of = self.deliveries.map_or(String::new(), |most| format!(" of {most}"));
        let what = format!("{} {how}: record {position}, attempt {attempt}{of}; {fate}", shown_command(self.args));
        Failure::of(&self.args.channel.name, what).print();
    }
}

fn cannot_run(args: &RecvArgs, error: &io::Error, then: &str) -> Failure {
    Failure::of(&args.channel.name, format!("cannot run {}: {error}; {then}", shown_command(args)))
}

/// The command, as part of a line.
fn shown_command(args: &RecvArgs) -> String {
    args.command.first().map_or(String::new(), |command| shown(&command.to_string_lossy()))
}
