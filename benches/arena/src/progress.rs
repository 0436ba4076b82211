//! How far it is, on stderr.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// From one line to the next on a terminal.
const OFTEN: Duration = Duration::from_millis(200);

/// How far it is.
#[derive(Debug)]
pub struct Progress {
    cell: String,
    turns: usize,
    done: usize,
    began: Instant,
    length: Option<Duration>,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Of so many turns none is done; or, if it is known how long all takes, of that nothing is over.
    pub fn new(turns: usize, length: Option<Duration>) -> Self {
        Self {
            cell: String::new(),
            turns,
            done: 0,
            began: Instant::now(),
            length,
            shown: None,
            terminal: stderr().is_terminal(),
        }
    }

    /// The next cell begins.
    pub fn cell(&mut self, title: &str) {
        self.cell = title.to_owned();
        self.shown = None;
        if !self.terminal {
            self.show();
        }
    }

    /// A turn is done.
    pub fn turn(&mut self) {
        self.done += 1;
        if self.terminal && self.shown.is_none_or(|shown| shown.elapsed() >= OFTEN) {
            self.show();
        }
    }

    fn show(&mut self) {
        self.shown = Some(Instant::now());
        let line = line(self.began.elapsed(), self.length, (self.done, self.turns));
        let (start, end) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        let mut err = stderr().lock();
        // Nobody to tell that nobody looks.
        let _ = write!(err, "{start}{}  {}{}{end}", line.0, self.cell, line.1);
        let _ = err.flush();
    }

    /// There is nothing more to show.
    pub fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

/// What stands before the cell and after it: how far it is, and what is left.
fn line(over: Duration, length: Option<Duration>, (done, turns): (usize, usize)) -> (String, String) {
    let (share, left) = match length {
        Some(length) => {
            let left = length.saturating_sub(over);
            (1.0 - left.as_secs_f64() / length.as_secs_f64().max(1e-9), Some(left))
        }
        None => {
            let share = done as f64 / turns.max(1) as f64;
            (share, (done > 0).then(|| over.mul_f64(1.0 / share - 1.0)))
        }
    };
    let left = left.map(|left| match left.as_secs() {
        seconds @ ..120 => format!(", about {seconds} s left"),
        seconds => format!(", about {} min left", (seconds + 30) / 60),
    });
    (format!("{:3.0} %", share * 100.0), left.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_and_how_long_yet() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let said = |over, length, turns| line(over, length, turns);
        assert_eq!(said(minutes(10), Some(minutes(40)), (1, 9)), (" 25 %".into(), ", about 30 min left".into()));
        assert_eq!(said(minutes(50), Some(minutes(40)), (1, 9)), ("100 %".into(), ", about 0 s left".into()));
        assert_eq!(said(minutes(1), None, (25, 100)), (" 25 %".into(), ", about 3 min left".into()));
        assert_eq!(said(minutes(1), None, (0, 100)), ("  0 %".into(), String::new()));
    }
}
