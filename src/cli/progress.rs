//! How far a stream has come, on stderr.
//!
//! No thread draws: the command says now and then where it is. (A thread would take signals that are meant to
//! interrupt.)

use super::args::Channel;
use super::units;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// What is over sooner is not worth a bar.
const QUICK: Duration = Duration::from_millis(300);
/// Between two pictures of a bar.
const FRAME: Duration = Duration::from_millis(100);
/// Between two plain lines.
const LINE: Duration = Duration::from_secs(1);

/// Shows the progress of one stream.
#[derive(Debug)]
pub(crate) struct Progress {
    label: String,
    size: Option<u64>,
    mode: Mode,
    started: Instant,
    due: Instant,
    at: u64,
    /// If it is a stream of records, how many.
    records: Option<u64>,
}

#[derive(Debug)]
enum Mode {
    Silent,
    /// A bar that has not been drawn yet.
    Soon,
    Bar(ProgressBar),
    Lines,
}

impl Progress {
    /// The progress of a stream through this channel: a bar if stderr is a terminal and `data`, the other end of the
    /// pump, is none; lines if they are asked for and stderr is no terminal.
    pub(crate) fn new(channel: &Channel, data: BorrowedFd<'_>, size: Option<u64>) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let mode = match (channel.quiet, channel.progress) {
            (true, _) => Mode::Silent,
            (_, true) if !is_terminal => Mode::Lines,
            (_, asked) if is_terminal && (asked || !data.is_terminal()) => Mode::Soon,
            _ => Mode::Silent,
        };
        Self::labelled(&channel.name, size, mode)
    }

    /// The progress of a part of the demo: a bar on a terminal, else lines.
    pub(crate) fn of_demo(label: &str, size: u64) -> Self {
        let mode = if io::stderr().is_terminal() { Mode::Soon } else { Mode::Lines };
        Self::labelled(label, Some(size), mode)
    }

    fn labelled(label: &str, size: Option<u64>, mode: Mode) -> Self {
        let started = Instant::now();
        let wait = if matches!(mode, Mode::Lines) { LINE } else { QUICK };
        Self { label: label.to_owned(), size, mode, started, due: started + wait, at: 0, records: None }
    }

    /// So many records have moved, of so many bytes.
    pub(crate) fn show_records(&mut self, records: u64, at: u64) {
        self.records = Some(records);
        self.show(at);
    }

    /// So many bytes have moved.
    pub(crate) fn show(&mut self, at: u64) {
        self.at = at;
        if matches!(self.mode, Mode::Silent) {
            return;
        }
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.due = now + if matches!(self.mode, Mode::Lines) { LINE } else { FRAME };
        match &self.mode {
            Mode::Soon => {
                let bar = self.bar();
                self.advance(&bar);
                self.mode = Mode::Bar(bar);
            }
            Mode::Bar(bar) => self.advance(bar),
            Mode::Lines => self.line(),
            Mode::Silent => {}
        }
    }

    /// Everything has moved.
    pub(crate) fn finish(&mut self) {
        match &self.mode {
            Mode::Bar(bar) => {
                self.advance(bar);
                bar.finish();
            }
            Mode::Lines => self.line(),
            Mode::Soon | Mode::Silent => {}
        }
        self.mode = Mode::Silent;
    }

    fn advance(&self, bar: &ProgressBar) {
        bar.set_position(self.at);
        if self.records.is_some() {
            bar.set_message(self.count());
        }
    }

    /// `3 records, `, if it is records that move.
    fn count(&self) -> String {
        self.records.map_or(String::new(), |records| format!("{records} records, "))
    }

    fn bar(&self) -> ProgressBar {
        let template = match self.size {
            Some(_) => "{prefix} {msg}{bytes} of {total_bytes} [{wide_bar}] {binary_bytes_per_sec}, {eta} left",
            None => "{prefix} {msg}{bytes}, {binary_bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(self.size, ProgressDrawTarget::stderr())
            .with_style(style.progress_chars("=> "))
            .with_prefix(self.label.clone())
            .with_elapsed(self.started.elapsed());
        bar.tick();
        bar
    }

    fn line(&self) {
        let rate = units::rate(units::per_second(self.at, self.started.elapsed()));
        let (label, count, moved) = (&self.label, self.count(), units::bytes(self.at));
        let line = match self.size {
            Some(size) => {
                let left = left(self.at, size, self.started.elapsed())
                    .map_or(String::new(), |left| format!(", {} left", units::duration(left)));
                format!("{label}: {count}{moved} of {}, {rate}{left}\n", units::bytes(size))
            }
            None => format!("{label}: {count}{moved}, {rate}\n"),
        };
        // If stderr is gone, nobody looks.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// In whole seconds, how long the rest takes if it goes on as it did; `None` if there is no rest, or nothing to go by.
fn left(at: u64, size: u64, elapsed: Duration) -> Option<Duration> {
    let seconds = elapsed.as_secs_f64() * (size.checked_sub(at)? as f64) / at as f64;
    let is_told = at > 0 && at < size && seconds < 1e9;
    is_told.then(|| Duration::from_secs(seconds.ceil() as u64))
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Mode::Bar(bar) = &self.mode {
            // It stays as it is, and what follows begins on a line of its own.
            bar.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_as_long_as_what_was() {
        let seconds = Duration::from_secs;
        assert_eq!(left(1 << 20, 4 << 20, seconds(2)), Some(seconds(6)));
        assert_eq!(left(3, 4, seconds(2)), Some(seconds(1)), "in whole seconds");
        for (at, size) in [(0, 100), (100, 100), (101, 100)] {
            assert_eq!(left(at, size, seconds(2)), None, "{at} of {size}");
        }
    }
}
