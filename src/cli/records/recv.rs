//! `ringway recv --records`: a line for each record, at most once.

use super::ending::{self, Next};
use crate::cli::args::RecvArgs;
use crate::cli::descriptor;
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;
use crate::cli::record;
use crate::cli::signals::{self, SLICE};
use ringway::bytes::mpmc::Receiver;
use ringway::bytes::{RecvTimeoutError, TryRecvError};
use std::io;
use std::os::fd::AsFd;

/// Bytes that are written at once while records keep coming.
const PART: usize = 64 << 10;

/// Writes records until no sender is left and nothing to receive.
pub(crate) fn run(args: &RecvArgs) -> Result<(), Failure> {
    signals::install()?;
    let name = &args.channel.name;
    let options = args.channel.record_options().persistent(args.persistent);
    let receiver = record::open(&args.channel, options, Receiver::open_with, Receiver::create_with)?;
    let mut output = Output::new(args);
    receive(name, &receiver, args.follow, &mut output)?;
    output.finish();
    Ok(())
}

/// What is there is written when it is much, or when there is no more for now.
fn receive(name: &str, receiver: &Receiver, follows: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut lines = Vec::with_capacity(2 * PART);
    loop {
        output.look()?;
        while lines.len() < PART {
            match receiver.try_recv() {
                Ok(record) => output.take(&record, &mut lines),
                Err(error @ (TryRecvError::TooLong { .. } | TryRecvError::OutOfMemory { .. })) => {
                    return Err(Failure::of(name, format_args!("a record was not received: {error}")));
                }
                // Its sender sends it again, or was killed, which is told at the end.
                Err(TryRecvError::Aborted { .. }) => {}
                Err(_) => break,
            }
        }
        if !lines.is_empty() {
            output.write(&mut lines)?;
            continue;
        }
        match receiver.recv_timeout(SLICE) {
            Ok(record) => output.take(&record, &mut lines),
            Err(RecvTimeoutError::Timeout) => output.check()?,
            Err(RecvTimeoutError::Aborted { .. }) => {}
            Err(error @ (RecvTimeoutError::TooLong { .. } | RecvTimeoutError::OutOfMemory { .. })) => {
                return Err(Failure::of(name, format_args!("a record was not received: {error}")));
            }
            Err(_) => {
                output.check()?;
                if let Next::End = ending::next(name, receiver, follows)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Where records go.
pub(crate) struct Output<'a> {
    name: &'a str,
    /// Whether others get what is not written.
    gives_back: bool,
    stdout: io::Stdout,
    progress: Progress,
    /// Records received.
    taken: u64,
    /// Records dealt with, and the bytes of their lines.
    written: u64,
    bytes: u64,
}

impl<'a> Output<'a> {
    pub(crate) fn new(args: &'a RecvArgs) -> Self {
        let progress = Progress::new(&args.channel, io::stdout().as_fd(), None);
        let (name, gives_back) = (&args.channel.name, args.at_least_once);
        Self { name, gives_back, stdout: io::stdout(), progress, taken: 0, written: 0, bytes: 0 }
    }

    /// Signals, and how far we are.
    pub(crate) fn look(&mut self) -> Result<(), Failure> {
        signals::check()?;
        self.progress.show_records(self.written, self.bytes);
        Ok(())
    }

    /// The line of a record, behind others.
    pub(crate) fn take(&mut self, record: &[u8], lines: &mut Vec<u8>) {
        lines.extend_from_slice(record);
        lines.push(b'\n');
        self.taken += 1;
    }

    /// Fails if nobody will read any more.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if descriptor::is_closed(self.stdout.as_fd()) { Err(self.closed()) } else { Ok(()) }
    }

    /// Writes all of `lines`, and empties them.
    pub(crate) fn write(&mut self, lines: &mut Vec<u8>) -> Result<(), Failure> {
        let mut at = 0;
        while at < lines.len() {
            signals::check()?;
            match descriptor::write(self.stdout.as_fd(), &lines[at..]) {
                Ok(some) => at += some.unwrap_or(0),
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(self.closed()),
                Err(error) => return Err(Failure::of(self.name, format_args!("cannot write the output: {error}"))),
            }
        }
        self.done(lines);
        lines.clear();
        Ok(())
    }

    /// These lines have been dealt with, and so has all that was taken.
    pub(crate) fn done(&mut self, lines: &[u8]) {
        self.bytes += lines.len() as u64;
        self.written = self.taken;
    }

    /// One record is not ours any more: it was given back.
    pub(crate) fn give_back(&mut self) {
        self.taken -= 1;
    }

    pub(crate) fn finish(&mut self) {
        self.progress.show_records(self.written, self.bytes);
        self.progress.finish();
    }

    fn closed(&self) -> Failure {
        let Self { name, taken, written, gives_back, .. } = self;
        let what = match taken - written {
            0 => format!("the output was closed after {written} records"),
            _ if *gives_back => format!("the output was closed after {written} records; one more was given back"),
            lost => format!("the output was closed after {written} records; {lost} more were taken and are lost"),
        };
        Failure::of(name, what)
    }
}
