//! `ringway send --records`: a record for each line.

use super::lines::{Line, Lines};
use crate::cli::args::SendArgs;
use crate::cli::descriptor;
use crate::cli::failure::{Failure, shown};
use crate::cli::progress::Progress;
use crate::cli::record::{self, LONGEST};
use crate::cli::send::Input;
use crate::cli::signals::{self, SLICE};
use ringway::DisconnectReason;
use ringway::bytes::mpmc::Sender;
use ringway::bytes::{SendTimeoutError, TrySendError};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Sends every line of the input.
pub(crate) fn run(args: &SendArgs) -> Result<(), Failure> {
    // Before the handlers, as for a stream.
    let input = Input::open(args)?;
    signals::install()?;
    let options = args.channel.record_options().persistent(args.persistent);
    let sender = record::open(&args.channel, options, Sender::open_with, Sender::create_with)?;
    let progress = Progress::new(&args.channel, io::stdin().as_fd(), input.size);
    let mut sending = Sending { name: &args.channel.name, sender, progress, records: 0, bytes: 0, too_long: 0 };
    sending.all_of(&input)?;
    if !args.persistent {
        sending.wait_until_taken()?;
    }
    sending.progress.finish();
    if sending.too_long > 0 { Err(Failure::Told) } else { Ok(()) }
}

struct Sending<'a> {
    name: &'a str,
    sender: Sender,
    progress: Progress,
    /// Records sent, and their bytes without newlines.
    records: u64,
    bytes: u64,
    /// Lines that were not sent.
    too_long: u64,
}

impl Sending<'_> {
    fn all_of(&mut self, input: &Input) -> Result<(), Failure> {
        let name = self.name;
        let failed = |error: io::Error| Failure::of(name, format_args!("cannot read the input: {error}"));
        let stdin = io::stdin();
        let from = input.descriptor(&stdin);
        let mut lines = Lines::new();
        let mut checked = Instant::now();
        loop {
            self.look()?;
            // The channel tells that the receivers are gone when a record is sent: so ask, also while none comes.
            if checked.elapsed() >= SLICE {
                self.sender.disconnect_reason().map_or(Ok(()), |reason| Err(self.gone(reason)))?;
                checked = Instant::now();
            }
            // A regular file is always readable.
            if input.size.is_none() && !descriptor::is_readable(from).map_err(failed)? {
                continue;
            }
            match descriptor::read(from, lines.room()).map_err(failed)? {
                None => {}
                Some(0) => break,
                Some(n) => {
                    lines.filled(n);
                    while let Some(line) = lines.next() {
                        self.line(line)?;
                    }
                }
            }
        }
        lines.rest().map_or(Ok(()), |line| self.line(line))
    }

    /// Signals, and how far we are.
    fn look(&mut self) -> Result<(), Failure> {
        signals::check()?;
        self.progress.show_records(self.records, self.bytes);
        Ok(())
    }

    /// Sends a line, or says why not.
    fn line(&mut self, line: Line<'_>) -> Result<(), Failure> {
        let bytes = match line {
            Line::Whole(bytes) => bytes,
            Line::TooLong { number, bytes } => return self.refuse(number, bytes),
        };
        self.record(bytes)?;
        self.records += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// A line that no record can hold. The others are sent all the same.
    fn refuse(&mut self, number: u64, bytes: u64) -> Result<(), Failure> {
        self.too_long += 1;
        let what = format_args!(
            "line {number} has {bytes} bytes and was not sent: a record has at most {LONGEST}; send it without --records, or as several lines"
        )
        .to_string();
        Failure::of(self.name, what).print();
        Ok(())
    }

    fn record(&mut self, record: &[u8]) -> Result<(), Failure> {
        let mut is_long = match self.sender.try_send(record) {
            Ok(()) => return Ok(()),
            Err(error) => matches!(error, TrySendError::TooLong { .. }),
        };
        loop {
            self.look()?;
            let sent = if is_long { self.long_record(record)? } else { self.sender.send_timeout(record, SLICE) };
            match sent {
                Ok(()) => return Ok(()),
                // Unless somebody has come meanwhile.
                Err(SendTimeoutError::Disconnected) => {
                    self.sender.disconnect_reason().map_or(Ok(()), |reason| Err(self.gone(reason)))?;
                }
                // Whoever was receiving it went: another one gets it from the start.
                Err(SendTimeoutError::Aborted { .. }) => is_long = true,
                Err(_) => {}
            }
        }
    }

    /// Sends a record that is longer than what the channel holds of one: while it is being received.
    fn long_record(&mut self, record: &[u8]) -> Result<Result<(), SendTimeoutError>, Failure> {
        // One borrow for the message, another for the look at everything else.
        let sender = self.sender.clone();
        let mut writer = match sender.writer_timeout(Some(record.len() as u64), SLICE) {
            Ok(writer) => writer,
            Err(error) => return Ok(Err(error)),
        };
        let mut rest = record;
        while !rest.is_empty() {
            match writer.write_timeout(rest, SLICE) {
                Ok(count) => rest = &rest[count..],
                Err(SendTimeoutError::Timeout) => self.look()?,
                Err(error) => return Ok(Err(error)),
            }
        }
        loop {
            match writer.finish_timeout(SLICE) {
                Err(SendTimeoutError::Timeout) => self.look()?,
                ended => return Ok(ended),
            }
        }
    }

    /// Waits until the channel is empty and nothing is in a receiver's hand: then everything of ours has been taken. (Also
    /// that there was a receiver at all: who comes later would wait for a sender.)
    fn wait_until_taken(&mut self) -> Result<(), Failure> {
        let mut pause = Duration::from_millis(1);
        loop {
            self.look()?;
            // In this order: if the receivers were gone before, what is left now stays.
            let reason = self.sender.disconnect_reason();
            let is_met = reason.is_some() || self.sender.receiver_count() > 0;
            let is_all_taken = is_met && self.sender.is_empty() && self.sender.in_hand() == 0;
            match reason {
                Some(DisconnectReason::Corrupt | DisconnectReason::SegmentLost | DisconnectReason::Forked) => {}
                _ if is_all_taken => return Ok(()),
                _ => {}
            }
            if let Some(reason) = reason {
                return Err(self.gone(reason));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(SLICE / 2);
        }
    }

    /// Nobody will take what is left.
    fn gone(&self, reason: DisconnectReason) -> Failure {
        let why = match reason {
            DisconnectReason::Died => "the last one died",
            DisconnectReason::Left => "the last one left",
            _ => return Failure::Gone(format!("{}: {reason}; start both sides again", shown(self.name))),
        };
        let left = self.sender.len() + self.sender.in_hand();
        Failure::Gone(format!(
            "{}: the receivers are gone ({why}) after {} records were sent; {left} records in the channel were not taken: start a receiver first, or use --persistent",
            shown(self.name),
            self.records
        ))
    }
}
