//! The lines in which workers report. Both workers of a pair write to one pipe; a line is one `write`, shorter than
//! `PIPE_BUF`, so lines do not mix.

use crate::cli::failure::Failure;
use std::io::{self, Write};

/// What a line says.
#[derive(Debug, PartialEq)]
pub(crate) enum Report {
    /// So many bytes have been verified.
    At(u64),
    /// The measurement: nanoseconds of the whole stream, or of one round trip.
    Done(f64),
    /// Something is wrong in a worker, or with what it got.
    Fault(String),
    /// A worker's other end is gone.
    Gone(String),
}

impl Report {
    /// Writes the line.
    pub(crate) fn send(&self) {
        let line = match self {
            Self::At(bytes) => format!("at {bytes}\n"),
            Self::Done(ns) => format!("done {ns}\n"),
            Self::Fault(text) => format!("fault {text}\n"),
            Self::Gone(text) => format!("gone {text}\n"),
        };
        // Without a parent nobody listens, and the worker is about to be told.
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// Reads a line. What no worker writes (a panic's message) is a fault.
    pub(crate) fn parse(line: &str) -> Self {
        let parsed = line.split_once(' ').and_then(|(word, rest)| match word {
            "at" => rest.parse().ok().map(Self::At),
            "done" => rest.parse().ok().map(Self::Done),
            "fault" => Some(Self::Fault(rest.to_owned())),
            "gone" => Some(Self::Gone(rest.to_owned())),
            _ => None,
        });
        parsed.unwrap_or_else(|| Self::Fault(line.to_owned()))
    }
}

/// Why a worker ends.
pub(crate) fn failure(failure: &Failure) {
    match failure {
        Failure::Fault(text) => Report::Fault(text.clone()).send(),
        Failure::Gone(text) => Report::Gone(text.clone()).send(),
        Failure::Stopped(_) | Failure::Told => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written_and_others_are_faults() {
        assert_eq!(Report::parse("at 7"), Report::At(7));
        assert_eq!(Report::parse("done 1.5"), Report::Done(1.5));
        assert_eq!(Report::parse("gone the receiver died"), Report::Gone("the receiver died".to_owned()));
        for odd in ["", "at", "at x", "thread 'main' panicked"] {
            assert_eq!(Report::parse(odd), Report::Fault(odd.to_owned()));
        }
    }
}
