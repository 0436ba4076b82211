//! What went wrong, in one line: what, which channel, what to do.

use ringway::stream::Ended;
use ringway::{DisconnectReason, FormatError, Kind, OpenError, Role, SegmentError};
use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something here is wrong.
    Fault(String),
    /// The other end is gone: it knows why.
    Gone(String),
    /// This signal said to stop. Nobody needs to be told.
    Stopped(i32),
    /// Everything has been said already.
    Told,
}

impl Failure {
    /// A fault that has to do with the channel `name`.
    pub(crate) fn of(name: &str, what: impl fmt::Display) -> Self {
        Self::Fault(format!("{}: {what}", shown(name)))
    }

    /// The channel `name` could not be opened, looked at or removed.
    pub(crate) fn open(name: &str, error: &OpenError) -> Self {
        match hint(error) {
            Some(hint) => Self::of(name, format_args!("{error}; {hint}")),
            None => Self::of(name, error),
        }
    }

    /// A stream through the channel `name` failed.
    pub(crate) fn stream(name: &str, error: &io::Error) -> Self {
        match Ended::of(error) {
            Some(ended) => Self::Gone(format!("{}: {}", shown(name), told(&ended))),
            None => Self::of(name, error),
        }
    }

    /// The other end of a channel is gone, for this reason if it is known.
    pub(crate) fn gone(reason: Option<DisconnectReason>) -> Self {
        Self::Gone(reason.map_or_else(|| "the other end is gone".to_owned(), |reason| reason.to_string()))
    }

    /// The line on stderr, if there is something to say.
    pub(crate) fn print(&self) {
        if let Self::Fault(text) | Self::Gone(text) = self {
            // One write, so that lines of several processes do not mix. If stderr is gone, nobody listens.
            let _ = io::Write::write_all(&mut io::stderr(), format!("ringway: {text}\n").as_bytes());
        }
    }

    /// What the process exits with.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Fault(_) | Self::Gone(_) | Self::Told => ExitCode::FAILURE,
            Self::Stopped(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
        }
    }
}

/// A name as part of a line: a bad one may hold anything.
pub(crate) fn shown(name: &str) -> String {
    let mut shown: String = name.chars().take(200).flat_map(char::escape_debug).collect();
    if name.chars().count() > 200 {
        shown.push_str("...");
    }
    if shown.is_empty() { "\"\"".to_owned() } else { shown }
}

/// How a stream ended, for people.
fn told(ended: &Ended) -> String {
    let Ended { role, reason, bytes, .. } = ended;
    match (role, reason) {
        (Role::Sender, DisconnectReason::Died) => format!("sender died after {bytes} bytes: the output is incomplete"),
        (Role::Sender, DisconnectReason::Left) => {
            format!("sender left after {bytes} bytes, before the end: the output is incomplete")
        }
        (Role::Receiver, DisconnectReason::Died) => {
            format!("the receiver is gone: it died after {bytes} bytes; start both sides again")
        }
        (Role::Receiver, DisconnectReason::Left) => format!(
            "the receiver is gone: it left after {bytes} bytes (its output was closed, or it was stopped); start both sides again"
        ),
        (_, DisconnectReason::Unlinked) => format!(
            "the channel's file was removed by hand after {bytes} bytes, so the {role} cannot come any more; start both sides again"
        ),
        _ => format!("{ended}; start both sides again"),
    }
}

/// What can be done about it.
fn hint(error: &OpenError) -> Option<&'static str> {
    Some(match error {
        OpenError::Segment(SegmentError::NoSpace { .. }) => {
            "try a smaller --capacity, or make the file system larger (containers often have 64 MiB of /dev/shm)"
        }
        OpenError::Segment(SegmentError::InUse { .. }) => "stop them first",
        OpenError::Segment(SegmentError::NotFound { .. }) => "`ringway ls` shows what is there",
        OpenError::Segment(SegmentError::NotAFile { .. } | SegmentError::Untrusted { .. }) => {
            "it was left alone: use another name, or remove it by hand"
        }
        OpenError::Segment(SegmentError::Removed { .. }) => {
            "stop them first, or use another name (`ringway ls --all` shows it)"
        }
        OpenError::Segment(SegmentError::Foreign { .. }) => {
            "it was left alone: use another name, or remove the channel with `ringway rm`"
        }
        OpenError::Segment(SegmentError::Unsupported { .. }) => "give a directory on a tmpfs with --dir",
        OpenError::Format(FormatError::Capacity { .. }) => "give the same --capacity on both sides, or on one only",
        // Asked for, not found.
        OpenError::Format(FormatError::Field { field: "capacity", .. }) => return None,
        OpenError::Format(FormatError::NotPersistent) => {
            "give --persistent to whoever starts first, wait until nobody uses it, or use another name"
        }
        OpenError::Format(FormatError::Kind { found: Kind::ManyBytes, asked: Kind::Stream })
        | OpenError::Format(FormatError::Kind { found: Kind::Stream, asked: Kind::ManyBytes }) => {
            "give --records on both sides or on none, or use another name"
        }
        OpenError::TooManyMembers { .. } => "wait until one has ended, or use another name",
        OpenError::Format(FormatError::Kind { .. } | FormatError::Type { .. }) => {
            "another program uses this name: use another"
        }
        OpenError::Format(_) => "it was left alone: use another name, or remove the file by hand",
        OpenError::RoleTaken { .. } => "wait until it has ended, or use another name",
        OpenError::Spent => "wait until it has, or use another name (`ringway ls` shows who it is)",
        _ => return None,
    })
}
