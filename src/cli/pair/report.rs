//! The lines in which workers report. Both workers of a pair write to one pipe; a line is one `write`, shorter than
//! `PIPE_BUF`, so lines do not mix.

use crate::cli::failure::Failure;
use std::fmt::Display;
use std::io::{self, Write};

/// What a line says.
#[derive(Debug, PartialEq)]
pub(crate) enum Report {
    /// So many bytes have been verified.
    At(u64),
    /// Something has been measured: under this key, a word; the text is in one line of at most [`TEXT_MAX`] bytes.
    Value(String, String),
    /// Something is wrong in a worker, or with what it got.
    Fault(String),
    /// A worker's other end is gone.
    Gone(String),
}

/// Bytes of a value's text that surely fit into a line: `PIPE_BUF` is 4096.
pub(crate) const TEXT_MAX: usize = 3500;

impl Report {
    /// This value under this key.
    pub(crate) fn value(key: &str, value: impl Display) -> Self {
        Self::Value(key.to_owned(), value.to_string())
    }

    /// Writes the line.
    pub(crate) fn send(&self) {
        let line = match self {
            Self::At(bytes) => format!("at {bytes}\n"),
            Self::Value(key, text) => format!("value {key} {text}\n"),
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
            "value" => rest.split_once(' ').map(|(key, text)| Self::value(key, text)),
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
        assert_eq!(Report::parse("value trip_ns 1.5"), Report::value("trip_ns", 1.5));
        assert_eq!(Report::parse("value trips 1:2 3:4"), Report::value("trips", "1:2 3:4"));
        assert_eq!(Report::parse("gone the receiver died"), Report::Gone("the receiver died".to_owned()));
        for odd in ["", "at", "at x", "value", "value x", "thread 'main' panicked"] {
            assert_eq!(Report::parse(odd), Report::Fault(odd.to_owned()));
        }
    }
}
