//! Round trips: one side asks, the other answers, and every question and answer is checked.
//!
//! The asking side first measures batches of trips between two readings of the clock, whose median is the figure of the
//! round; then single trips, each between two readings of its own, for the percentiles.

use super::bare::{Shared, sleep, wake};
use super::message::{is_message, message, sized};
use super::{clock, histogram, must_have_left, options, receiver, report, sender, until_there, wrong};
use crate::cli::bench::job::{Assignment, Job, Side, Via};
use crate::cli::failure::Failure;
use crate::cli::pair::begin;
use crate::cli::pair::report::Report;
use crate::cli::signals::{self, SLICE};
use ringway::Backing;
use ringway::spsc::{Receiver, Sender};
use std::hint::spin_loop;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Round trips between two readings of the clock.
const BATCH: u64 = 16;
/// Polls between two looks whether a signal has come.
const POLLS: u32 = 1 << 14;

/// Does one side.
pub(super) fn run(assignment: &Assignment) -> Result<(), Failure> {
    match assignment.job.via {
        Via::Atomics => play(assignment, Atomics { shared: Shared::of_stdin()? }),
        Via::Futex => play(assignment, Futex { shared: Shared::of_stdin()? }),
        Via::Heap if assignment.side == Side::First => sized!(assignment.job.bytes, threads(assignment)),
        // The first worker does all of it.
        Via::Heap => Ok(()),
        _ => sized!(assignment.job.bytes, channels(assignment)),
    }
}

fn channels<const N: usize>(assignment: &Assignment) -> Result<(), Failure> {
    let (out, back) = if assignment.side == Side::First { (0, 1) } else { (1, 0) };
    let mut tx: Sender<[u64; N]> = sender(assignment, out)?;
    let rx: Receiver<[u64; N]> = receiver(assignment, back)?;
    until_there(|slice| tx.wait_for_peer(slice))?;
    play(assignment, Channels { tx, rx })
}

/// Both sides, each a thread.
fn threads<const N: usize>(assignment: &Assignment) -> Result<(), Failure> {
    let options = options(assignment).backing(Backing::Heap);
    let failed = |error| Failure::open("a channel on the heap", &error);
    let (there, out) = ringway::spsc::channel_with::<[u64; N]>(&options).map_err(failed)?;
    let (back, home) = ringway::spsc::channel_with::<[u64; N]>(&options).map_err(failed)?;
    let cpu = assignment.job.cpus.map(|[_, second]| second);
    let answering = std::thread::spawn(move || {
        cpu.map_or(Ok(()), begin::pin)?;
        answer(&mut Channels { tx: back, rx: out })
    });
    let asked = play(assignment, Channels { tx: there, rx: home });
    let answered =
        answering.join().unwrap_or_else(|_| Err(Failure::Fault("the thread that answers has panicked".to_owned())));
    match asked {
        // The other one may know why.
        Err(Failure::Gone(_)) if answered.is_err() => answered,
        asked => asked.and(answered),
    }
}

fn play(assignment: &Assignment, mut line: impl Line) -> Result<(), Failure> {
    match assignment.side {
        Side::First => {
            let asked = ask(&mut line, &assignment.job);
            line.end();
            asked
        }
        Side::Second => answer(&mut line),
    }
}

/// Something through which questions go one way and answers the other.
trait Line {
    /// Asks question number `n` (from 0).
    fn tell(&mut self, n: u64) -> Result<(), Failure>;

    /// Waits for the answer to question number `n`, and checks it.
    fn hear(&mut self, n: u64) -> Result<(), Failure>;

    /// Does both.
    fn ask(&mut self, n: u64) -> Result<(), Failure> {
        self.tell(n)?;
        self.hear(n)
    }

    /// Waits for question number `n`, checks it, and answers. Whether there was one: otherwise nobody asks any more.
    fn answer(&mut self, n: u64) -> Result<bool, Failure>;

    /// Nothing more is asked.
    fn end(&mut self);
}

fn ask(line: &mut impl Line, job: &Job) -> Result<(), Failure> {
    // The first one waits until the other side is there.
    line.ask(0)?;
    let mut n = 1;
    let start = clock::now_ns();
    let [warm, batched, end] = [1, 5, 8].map(|eighths| start + clock::ns(job.run) / 8 * eighths);
    let mut batches = Vec::new();
    loop {
        signals::check()?;
        let shift = job.shift(n, BATCH);
        let before = clock::now_ns();
        for _ in 0..BATCH {
            line.ask(n + shift)?;
            n += 1;
        }
        let after = clock::now_ns();
        if after > warm {
            batches.push((after - before) as f64 / BATCH as f64);
        }
        if after > batched {
            break;
        }
    }
    let (mut single, mut wakes) = (histogram()?, histogram()?);
    loop {
        signals::check()?;
        let before = clock::now_ns();
        line.tell(n)?;
        if job.slept_on.is_some() {
            wakes.saturating_record(clock::now_ns() - before);
        }
        line.hear(n)?;
        n += 1;
        let after = clock::now_ns();
        single.saturating_record(after - before);
        if after > end {
            break;
        }
    }
    batches.sort_by(f64::total_cmp);
    Report::value("trip_ns", batches[batches.len() / 2]).send();
    report("trips", &single);
    report("wakes", &wakes);
    Ok(())
}

fn answer(line: &mut impl Line) -> Result<(), Failure> {
    let mut n = 0;
    while line.answer(n)? {
        signals::check()?;
        n += 1;
    }
    Ok(())
}

/// Two channels.
struct Channels<const N: usize> {
    tx: Sender<[u64; N]>,
    rx: Receiver<[u64; N]>,
}

impl<const N: usize> Line for Channels<N> {
    fn tell(&mut self, n: u64) -> Result<(), Failure> {
        self.tx.send(message(n)).map_err(|_| Failure::gone(self.tx.disconnect_reason()))
    }

    fn hear(&mut self, n: u64) -> Result<(), Failure> {
        let answer = self.rx.recv().map_err(|_| Failure::gone(self.rx.disconnect_reason()))?;
        if is_message(&answer, !n) { Ok(()) } else { Err(wrong(n)) }
    }

    fn answer(&mut self, n: u64) -> Result<bool, Failure> {
        // Not interrupted by a signal, but over when the other side has gone, which hears the same signals.
        let Ok(question) = self.rx.recv() else {
            return must_have_left(self.rx.disconnect_reason()).map(|()| false);
        };
        if !is_message(&question, n) {
            return Err(wrong(n));
        }
        match self.tx.send(message(!n)) {
            Ok(()) => Ok(true),
            Err(_) => must_have_left(self.tx.disconnect_reason()).map(|()| false),
        }
    }

    fn end(&mut self) {
        self.tx.close();
    }
}

/// One word each way. The word for question and answer number `n` is `n + 1`: zero is what is there before.
struct Atomics {
    shared: Shared,
}

/// What says that nothing more is asked; no trip has this number.
const END: u64 = u64::MAX;

impl Atomics {
    /// Polls until `word` is `wanted`, or [`END`]: whether it is `wanted`.
    fn wait(word: &AtomicU64, wanted: u64) -> Result<bool, Failure> {
        loop {
            for _ in 0..POLLS {
                match word.load(Acquire) {
                    found if found == wanted => return Ok(true),
                    END => return Ok(false),
                    // What was there before; anything else is no message.
                    found if found + 1 == wanted => spin_loop(),
                    _ => return Err(wrong(wanted - 1)),
                }
            }
            signals::check()?;
        }
    }
}

impl Line for Atomics {
    fn tell(&mut self, n: u64) -> Result<(), Failure> {
        self.shared.ping.0.store(n + 1, Release);
        Ok(())
    }

    fn hear(&mut self, n: u64) -> Result<(), Failure> {
        Self::wait(&self.shared.pong.0, n + 1).map(|_| ())
    }

    fn answer(&mut self, n: u64) -> Result<bool, Failure> {
        let is_asked = Self::wait(&self.shared.ping.0, n + 1)?;
        if is_asked {
            self.shared.pong.0.store(n + 1, Release);
        }
        Ok(is_asked)
    }

    fn end(&mut self) {
        self.shared.ping.0.store(END, Release);
    }
}

/// One futex each way: who waits sleeps at once. Words as in [`Atomics`], in 32 bits.
struct Futex {
    shared: Shared,
}

const END_BELL: u32 = u32::MAX;

impl Futex {
    /// The word for question and answer number `n`. So many trips of a microsecond and more would take an hour.
    fn value(n: u64) -> u32 {
        n as u32 + 1
    }

    fn wait(word: &AtomicU32, wanted: u32) -> Result<bool, Failure> {
        loop {
            match word.load(Acquire) {
                found if found == wanted => return Ok(true),
                END_BELL => return Ok(false),
                found if found.wrapping_add(1) == wanted => sleep(word, found, SLICE),
                _ => return Err(wrong(u64::from(wanted) - 1)),
            }
            signals::check()?;
        }
    }

    fn ring(word: &AtomicU32, value: u32) {
        word.store(value, Release);
        wake(word);
    }
}

impl Line for Futex {
    fn tell(&mut self, n: u64) -> Result<(), Failure> {
        Self::ring(&self.shared.ping_bell.0, Self::value(n));
        Ok(())
    }

    fn hear(&mut self, n: u64) -> Result<(), Failure> {
        Self::wait(&self.shared.pong_bell.0, Self::value(n)).map(|_| ())
    }

    fn answer(&mut self, n: u64) -> Result<bool, Failure> {
        let value = Self::value(n);
        let is_asked = Self::wait(&self.shared.ping_bell.0, value)?;
        if is_asked {
            Self::ring(&self.shared.pong_bell.0, value);
        }
        Ok(is_asked)
    }

    fn end(&mut self) {
        Self::ring(&self.shared.ping_bell.0, END_BELL);
    }
}
