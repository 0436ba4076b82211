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
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Of so many turns none is done.
    pub fn new(turns: usize) -> Self {
        Self {
            cell: String::new(),
            turns,
            done: 0,
            began: Instant::now(),
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
        let left = match self.done {
            0 => String::new(),
            done => {
                let seconds = self.began.elapsed().as_secs_f64() / done as f64 * (self.turns - done) as f64;
                format!(", about {seconds:.0} s left")
            }
        };
        let (start, end) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        let mut err = stderr().lock();
        // Nobody to tell that nobody looks.
        let _ = write!(err, "{start}{:3} %  {}{left}{end}", self.done * 100 / self.turns.max(1), self.cell);
        let _ = err.flush();
    }

    /// There is nothing more to show.
    pub fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
