//! `ringway ls`: every channel, and who is there; with `--all` also what is no channel.

use super::args::LsArgs;
use super::failure::{Failure, shown};
use super::foreign::Foreign;
use super::output;
use super::seen::{self, Seen};
use ringway::observe::{self, Entry, Rates};
use serde::Serialize;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Lists the channels of a directory, as they are at the second of two looks.
///
/// A channel that went between the two is left out; one that came has no rates, nor has one that was replaced.
pub(crate) fn run(args: &LsArgs) -> Result<(), Failure> {
    let rows = rows(args.look.dir.as_deref(), args.interval)?;
    let foreign = args.all.then(|| {
        let in_system_v = rows.iter().filter_map(|(entry, _)| {
            let seen = entry.segment.as_ref().ok()?;
            Some((seen.system_v?, entry.name.as_str()))
        });
        Foreign::look(args.root.as_deref(), &in_system_v.collect::<Vec<_>>())
    });
    if args.look.json {
        let channels: Vec<_> = rows.iter().map(Row::new).collect();
        return match &foreign {
            Some(foreign) => output::json(&All { channels, foreign }),
            None => output::json(&channels),
        };
    }
    let text = table(&rows) + &foreign.as_ref().map_or(String::new(), Foreign::text);
    // A heading has an empty line above it, but not at the top.
    output::print(text.trim_start_matches('\n'))
}

/// Nothing, where there are no channels.
fn table(rows: &[(Entry, Option<Rates>)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = ["NAME", "KIND", "CAPACITY", "DEPTH", "SENT", "SENT/S", "RECEIVED/S", "SENDER", "RECEIVER", ""];
    let table: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    output::table(&table, &[2, 3, 4, 5, 6])
}

/// Every channel, with how fast it moves if that was asked for. The time between is waited for once, for all.
fn rows(directory: Option<&Path>, interval: Duration) -> Result<Vec<(Entry, Option<Rates>)>, Failure> {
    let look = || unless_missing(observe::list(directory), directory);
    let first = look()?;
    if first.is_empty() || interval.is_zero() {
        return Ok(first.into_iter().map(|entry| (entry, None)).collect());
    }
    std::thread::sleep(interval);
    let rates = |entry: &Entry| {
        let before = first.iter().find(|before| before.name == entry.name)?;
        let (Ok(now), Ok(then)) = (&entry.segment, &before.segment) else { return None };
        now.rates_since(then, entry.looked_at.duration_since(before.looked_at))
    };
    Ok(look()?.into_iter().map(|entry| (rates(&entry), entry)).map(|(rates, entry)| (entry, rates)).collect())
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
fn cells((entry, rates): &(Entry, Option<Rates>)) -> [String; 10] {
    let name = shown(&entry.name);
    match &entry.segment {
        Ok(seen) => {
            let amount = |n| seen::amount(seen.kind, n);
            let rate = |rate| seen::rate(seen.kind, rate);
            [
                name,
                seen.kind.to_string(),
                amount(seen.capacity),
                amount(seen.depth),
                amount(seen.sent),
                rate(rates.map(|rates| rates.sent_per_second)),
                rate(rates.map(|rates| rates.received_per_second)),
                seen::senders(seen),
                seen::receivers(seen),
                seen::fate(seen).to_owned(),
            ]
        }
        Err(error) => {
            let dash = || "-".to_owned();
            [name, "?".to_owned(), dash(), dash(), dash(), dash(), dash(), dash(), dash(), error.to_string()]
        }
    }
}

/// A channel as JSON: an object with `error`, if it is not understood.
#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    Understood(Box<Seen<'a>>),
    Not { name: &'a str, error: String },
}

impl<'a> Row<'a> {
    fn new((entry, rates): &'a (Entry, Option<Rates>)) -> Self {
        match &entry.segment {
            Ok(seen) => Self::Understood(Box::new(Seen::new(seen, *rates))),
            Err(error) => Self::Not { name: &entry.name, error: error.to_string() },
        }
    }
}

/// Everything as JSON.
#[derive(Serialize)]
struct All<'a> {
    channels: Vec<Row<'a>>,
    #[serde(flatten)]
    foreign: &'a Foreign,
}
