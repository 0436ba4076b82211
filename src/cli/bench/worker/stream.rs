//! One way, as fast as it goes: the sender decides when it is enough, the receiver checks every message and measures.

use super::bare::{LineReader, LineWriter, Shared};
use super::bulk;
use super::message::{is_message, message, sized};
use super::{clock, must_have_left, receiver, sender, until_sender, until_there, wrong};
use crate::cli::bench::job::{Assignment, Side, Via};
use crate::cli::descriptor;
use crate::cli::failure::Failure;
use crate::cli::pair::report::Report;
use crate::cli::signals;
use ringway::spsc::{Receiver, Sender};
use std::hint::spin_loop;
use std::io;

/// Messages between two looks at the clock and at the signals.
const PART: u64 = 1024;
/// So many parts are sent at least, that there is something to measure between.
const PARTS_MIN: u64 = 8;
/// Polls between two looks whether a signal has come.
const POLLS: u32 = 1 << 14;

/// Does one side.
pub(super) fn run(assignment: &Assignment) -> Result<(), Failure> {
    match assignment.job.via {
        Via::Lines => bare(assignment),
        Via::Pipe => sized!(assignment.job.bytes, pipe(assignment)),
        _ => sized!(assignment.job.bytes, channel(assignment)),
    }
}

fn channel<const N: usize>(assignment: &Assignment) -> Result<(), Failure> {
    match assignment.side {
        Side::First => {
            let mut tx: Sender<[u64; N]> = sender(assignment, 0)?;
            until_there(|slice| tx.wait_for_peer(slice))?;
            let mut buffer = vec![[0; N]; assignment.job.batch];
            make(assignment, |n| send(&mut tx, n, &mut buffer))
        }
        Side::Second => {
            let mut rx: Receiver<[u64; N]> = receiver(assignment, 0)?;
            until_sender(&mut rx)?;
            let mut meter = Meter::new(assignment);
            if assignment.job.batch == 1 { take_each(&mut rx, &mut meter) } else { take_many(&mut rx, &mut meter) }?;
            must_have_left(rx.disconnect_reason())?;
            meter.report();
            Ok(())
        }
    }
}

/// Has `send` send batches, by the number of their first message, until it is enough.
fn make(assignment: &Assignment, mut send: impl FnMut(u64) -> Result<(), Failure>) -> Result<(), Failure> {
    let batch = assignment.job.batch as u64;
    let end = clock::now_ns() + clock::ns(assignment.job.run);
    let mut n = 0;
    while clock::now_ns() < end || n < PARTS_MIN * PART {
        signals::check()?;
        let part_end = n + PART;
        let shift = assignment.job.shift(n, PART);
        while n < part_end {
            send(n + shift)?;
            n += batch;
        }
    }
    Report::value("sent", n).send();
    Ok(())
}

/// Sends messages number `n` and so on, one by one or through a buffer.
#[inline(always)]
fn send<const N: usize>(tx: &mut Sender<[u64; N]>, n: u64, buffer: &mut [[u64; N]]) -> Result<(), Failure> {
    let is_sent = match buffer {
        [_] => tx.send(message(n)).is_ok(),
        _ => {
            fill(buffer, n);
            tx.send_many(buffer).is_ok()
        }
    };
    if is_sent { Ok(()) } else { Err(Failure::gone(tx.disconnect_reason())) }
}

/// Makes messages number `n` and so on.
#[inline(always)]
fn fill<const N: usize>(buffer: &mut [[u64; N]], n: u64) {
    buffer.iter_mut().zip(n..).for_each(|(place, n)| *place = message(n));
}

fn take_each<const N: usize>(rx: &mut Receiver<[u64; N]>, meter: &mut Meter) -> Result<(), Failure> {
    let mut n = 0;
    loop {
        meter.look(n)?;
        for _ in 0..PART {
            let Ok(words) = rx.recv() else { return meter.end(n) };
            if !is_message(&words, n) {
                return Err(wrong(n));
            }
            n += 1;
        }
    }
}

fn take_many<const N: usize>(rx: &mut Receiver<[u64; N]>, meter: &mut Meter) -> Result<(), Failure> {
    let mut buffer = vec![[0; N]; meter.batch];
    let mut n = 0;
    loop {
        meter.look(n)?;
        let part_end = n + PART;
        while n < part_end {
            let Ok(taken) = rx.recv_many(&mut buffer) else { return meter.end(n) };
            for words in &buffer[..taken] {
                if !is_message(words, n) {
                    return Err(wrong(n));
                }
                n += 1;
            }
        }
    }
}

/// What is received, and when.
struct Meter {
    batch: usize,
    run_ns: u64,
    /// Messages, and when there were so many: at the first look, after some warming up, and at the last look.
    first: Option<(u64, u64)>,
    from: Option<(u64, u64)>,
    last: (u64, u64),
    received: u64,
}

impl Meter {
    fn new(assignment: &Assignment) -> Self {
        let run_ns = clock::ns(assignment.job.run);
        Self { batch: assignment.job.batch, run_ns, first: None, from: None, last: (0, 0), received: 0 }
    }

    /// So many have been received so far.
    fn look(&mut self, n: u64) -> Result<(), Failure> {
        signals::check()?;
        if n == 0 {
            return Ok(());
        }
        let now = clock::now_ns();
        let (_, first) = *self.first.get_or_insert((n, now));
        if self.from.is_none() && (now - first) * 8 >= self.run_ns {
            self.from = Some((n, now));
        }
        self.last = (n, now);
        Ok(())
    }

    /// So many have been received, and there are no more.
    fn end(&mut self, n: u64) -> Result<(), Failure> {
        self.received = n;
        if self.from.is_none_or(|(from, _)| from == self.last.0) {
            // A slow machine, a short run: better the whole than nothing.
            self.from = self.first;
        }
        Ok(())
    }

    fn report(&self) {
        let (from, from_ns) = self.from.unwrap_or_default();
        let (last, last_ns) = self.last;
        Report::value("received", self.received).send();
        Report::value("messages", last - from).send();
        Report::value("ns", last_ns - from_ns).send();
    }
}

fn pipe<const N: usize>(assignment: &Assignment) -> Result<(), Failure> {
    let mut words = vec![[0; N]; assignment.job.batch];
    match assignment.side {
        Side::First => {
            let stdout = io::stdout();
            make(assignment, |n| {
                fill(&mut words, n);
                bulk::write_all(&stdout, bytemuck::cast_slice(&words))
            })
        }
        Side::Second => {
            let mut meter = Meter::new(assignment);
            take_from_pipe(&mut words, &mut meter)?;
            meter.report();
            Ok(())
        }
    }
}

fn take_from_pipe<const N: usize>(words: &mut [[u64; N]], meter: &mut Meter) -> Result<(), Failure> {
    let stdin = io::stdin();
    let (mut n, mut due, mut filled) = (0, PART, 0);
    loop {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut *words);
        let read = descriptor::read(&stdin, &mut bytes[filled..]);
        match read.map_err(|error| Failure::Gone(format!("the sender is gone: {error}")))? {
            None => signals::check()?,
            Some(0) if filled == 0 => return meter.end(n),
            Some(0) => return Err(Failure::Gone("the stream ended inside a message".to_owned())),
            Some(more) => filled += more,
        }
        let whole = filled / (8 * N);
        for words in &words[..whole] {
            if !is_message(words, n) {
                return Err(wrong(n));
            }
            n += 1;
        }
        // A message that has come in part is continued.
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut *words);
        bytes.copy_within(whole * 8 * N..filled, 0);
        filled -= whole * 8 * N;
        if n >= due {
            meter.look(n)?;
            due = n + PART;
        }
    }
}

fn bare(assignment: &Assignment) -> Result<(), Failure> {
    let shared = Shared::of_stdin()?;
    match assignment.side {
        Side::First => {
            let mut writer = LineWriter::new(shared);
            make(assignment, |first| poll(|| writer.put(first, message).then_some(())))
        }
        Side::Second => {
            let mut meter = Meter::new(assignment);
            read_lines(&mut LineReader::new(shared), &mut meter)?;
            meter.report();
            Ok(())
        }
    }
}

fn read_lines(reader: &mut LineReader, meter: &mut Meter) -> Result<(), Failure> {
    let (mut n, mut due) = (0, PART);
    loop {
        let taken = poll(|| match reader.take(|n, line| is_message(line, n)) {
            Ok(Some(0)) => None,
            taken => Some(taken.map_err(wrong)),
        })??;
        let Some(taken) = taken else { return meter.end(n) };
        n += taken;
        if n >= due {
            meter.look(n)?;
            due = n + PART;
        }
    }
}

/// Polls until there is something.
fn poll<R>(mut look: impl FnMut() -> Option<R>) -> Result<R, Failure> {
    loop {
        for _ in 0..POLLS {
            if let Some(found) = look() {
                return Ok(found);
            }
            spin_loop();
        }
        signals::check()?;
    }
}
