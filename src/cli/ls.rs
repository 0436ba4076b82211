//! `ringway ls`: every channel, and who is there.

use super::args::LookArgs;
use super::failure::{Failure, shown};
use super::output;
use super::units;
use ringway::Kind;
use ringway::observe::{self, Entry, Member, MemberState, Segment};
use serde::Serialize;
use std::io;
use std::path::Path;

/// Lists the channels of a directory.
pub(crate) fn run(args: &LookArgs) -> Result<(), Failure> {
    let entries = unless_missing(observe::list(args.dir.as_deref()), args.dir.as_deref())?;
    if args.json {
        return output::json(&entries.iter().map(Row::new).collect::<Vec<_>>());
    }
    let mut rows = vec![["NAME", "KIND", "CAPACITY", "DEPTH", "SENT", "SENDER", "RECEIVER", ""].map(str::to_owned)];
    rows.extend(entries.iter().map(cells));
    if rows.len() == 1 {
        return Ok(());
    }
    output::print(&output::table(&rows, &[2, 3, 4]))
}

/// Where there is no directory there are no channels.
pub(crate) fn unless_missing<T>(found: io::Result<Vec<T>>, directory: Option<&Path>) -> Result<Vec<T>, Failure> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            let directory = directory.unwrap_or(Path::new("/dev/shm"));
            Err(Failure::Fault(format!("cannot list {}: {error}", directory.display())))
        }
        Ok(found) => Ok(found),
    }
}

/// A line of the table.
fn cells(entry: &Entry) -> [String; 8] {
    let name = shown(&entry.name);
    match &entry.segment {
        Ok(seen) => {
            let amount = |n| if seen.kind == Kind::Stream { units::bytes(n) } else { n.to_string() };
            [
                name,
                seen.kind.to_string(),
                amount(seen.capacity),
                amount(seen.depth),
                amount(seen.sent),
                who(&seen.sender),
                who(&seen.receiver),
                if seen.is_in_use { "" } else { "stale" }.to_owned(),
            ]
        }
        Err(error) => {
            let dash = || "-".to_owned();
            [name, "?".to_owned(), dash(), dash(), dash(), dash(), dash(), error.to_string()]
        }
    }
}

/// One end: the process that is there, or what became of the last one.
fn who(member: &Member) -> String {
    let pid = member.pid;
    match (member.state, &member.command) {
        (MemberState::Attached, Some(command)) => format!("{pid} ({command})"),
        (MemberState::Attached, None) => pid.to_string(),
        (MemberState::Died, _) => format!("died ({pid})"),
        (MemberState::Left, _) => "left".to_owned(),
        _ => "-".to_owned(),
    }
}

/// A channel as JSON: an object with `error`, if it is not understood.
#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    Understood(Understood<'a>),
    Not { name: &'a str, error: String },
}

#[derive(Serialize)]
struct Understood<'a> {
    name: &'a str,
    path: String,
    kind: &'static str,
    instance: String,
    capacity: u64,
    depth: u64,
    sent: u64,
    received: u64,
    message_bytes: u64,
    total_bytes: u64,
    stale: bool,
    sender: End<'a>,
    receiver: End<'a>,
}

#[derive(Serialize)]
struct End<'a> {
    state: &'static str,
    pid: Option<u32>,
    command: Option<&'a str>,
    generation: u32,
}

impl<'a> Row<'a> {
    fn new(entry: &'a Entry) -> Self {
        match &entry.segment {
            Ok(seen) => Self::Understood(Understood::new(seen)),
            Err(error) => Self::Not { name: &entry.name, error: error.to_string() },
        }
    }
}

impl<'a> Understood<'a> {
    fn new(seen: &'a Segment) -> Self {
        Self {
            name: &seen.name,
            path: seen.path.display().to_string(),
            kind: seen.kind.name(),
            instance: seen.instance.iter().map(|byte| format!("{byte:02x}")).collect(),
            capacity: seen.capacity,
            depth: seen.depth,
            sent: seen.sent,
            received: seen.received,
            message_bytes: seen.message.size,
            total_bytes: seen.total_bytes,
            stale: !seen.is_in_use,
            sender: End::new(&seen.sender),
            receiver: End::new(&seen.receiver),
        }
    }
}

impl<'a> End<'a> {
    fn new(member: &'a Member) -> Self {
        Self {
            state: member.state.name(),
            pid: (member.pid != 0).then_some(member.pid),
            command: member.command.as_deref(),
            generation: member.generation,
        }
    }
}
