//! To copy or to map: messages that are made in private memory, copied to the channel and copied out of it, beside messages that
//! are made and used where they lie; by size, and from which size on the second is sooner done.

use super::args::MappingArgs;
use super::chart::{self, Line};
use super::figures::Figures;
use super::job::{Job, Via, Wait, What};
use super::rounds::Rounds;
use super::{Subject, maybe, must_be_whole, table};
use crate::cli::failure::Failure;
use crate::cli::units;
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) struct Mapping<'a>(pub(super) &'a MappingArgs);

/// The ways of a message, each measured for every size.
const WAYS: [Via; 4] = [Via::Copied, Via::Placed, Via::Mapped, Via::Chosen];

const NOTE: &str = "Time from one message to the next: every byte made by one process, every byte used by the other. copied: made in a\n\
                    buffer, send, recv_into a buffer. placed: made in a buffer, sent as a whole, used in place. mapped: made in a loan,\n\
                    used in place. chosen: send_with, recv_with.\n";

/// Messages of one size, in one way.
#[derive(Serialize)]
pub(super) struct Row {
    via: Via,
    bytes: usize,
    median_ns: f64,
    min_ns: f64,
    max_ns: f64,
    median_gigabytes_per_second: f64,
    /// How many times the time it takes to copy it: less than 1 is sooner.
    ratio_to_copied: Option<f64>,
    rounds_ns: Vec<f64>,
    #[serde(skip)]
    figures: Figures,
}

impl Subject for Mapping<'_> {
    type Row = Row;

    const NAME: &'static str = "copy-vs-map";

    fn jobs(&self, is_single: bool) -> Vec<Job> {
        let args = self.0;
        let wait = if is_single { Wait::Sleep } else { Wait::Default };
        let job = |bytes, via| Job {
            batch: args.copy_up_to,
            capacity: args.capacity,
            ..Job::new(What::Mapping, via, wait, bytes)
        };
        args.sizes().iter().flat_map(|bytes| WAYS.map(|via| job(*bytes, via))).collect()
    }

    fn rows(&self, jobs: &[Job], measured: &[Rounds]) -> Result<Vec<Row>, Failure> {
        let mut figures = Vec::new();
        for rounds in measured {
            must_be_whole(rounds)?;
            figures.push(Figures::of(rounds, |values| Ok(values.number("ns")? / values.number("messages")?.max(1.0)))?);
        }
        let row = |(at, job): (usize, &Job)| {
            let own: &Figures = &figures[at];
            let copied = jobs.iter().position(|other| (other.via, other.bytes) == (Via::Copied, job.bytes));
            let base = copied.filter(|copied| *copied != at).and_then(|copied| figures.get(copied));
            Row {
                via: job.via,
                bytes: job.bytes,
                median_ns: own.median(),
                min_ns: own.min(),
                max_ns: own.max(),
                median_gigabytes_per_second: job.bytes as f64 / own.median().max(f64::MIN_POSITIVE),
                ratio_to_copied: base.map(|base| own.ratio_to(base)),
                rounds_ns: own.rounds.clone(),
                figures: own.clone(),
            }
        };
        Ok(jobs.iter().enumerate().map(row).collect())
    }

    fn figure<'a>(&self, row: &'a Row) -> (String, &'a Figures) {
        (format!("{}, {}", units::bytes(row.bytes as u64), name(row.via)), &row.figures)
    }

    fn summary(&self, rows: &[Row]) -> Map<String, Value> {
        let crossing = crossing(rows).map_or(Value::Null, Value::from);
        let pairs = [("crossing_bytes", crossing), ("threshold_bytes", Value::from(self.0.copy_up_to))];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn table(&self, rows: &[Row]) -> String {
        let heads = [
            "a message of",
            "copied, ns",
            "placed, ns",
            "of copied",
            "mapped, ns",
            "of copied",
            "chosen, ns",
            "of copied",
        ];
        let sizes = rows.chunk_by(|one, next| one.bytes == next.bytes);
        let cells = |of_one: &[Row]| {
            let of = |via| of_one.iter().find(|row| row.via == via);
            let ns = |via| maybe(of(via).map(|row| row.median_ns));
            let ratio = |via| maybe(of(via).and_then(|row| row.ratio_to_copied));
            let size = of_one.first().map_or_else(String::new, |row| units::bytes(row.bytes as u64));
            let both = |via| [ns(via), ratio(via)];
            let [[placed, placed_of], [mapped, mapped_of], [chosen, chosen_of]] =
                [Via::Placed, Via::Mapped, Via::Chosen].map(both);
            [size, ns(Via::Copied), placed, placed_of, mapped, mapped_of, chosen, chosen_of]
        };
        let found = crossing(rows).map_or_else(
            || "crossing: none, the largest are sooner copied".to_owned(),
            |bytes| format!("crossing: from {} on they are sooner mapped", units::bytes(bytes as u64)),
        );
        let threshold = units::bytes(self.0.copy_up_to as u64);
        table(heads, sizes.map(cells)) + &format!("{found}; send_with copies up to {threshold}.\n") + NOTE
    }

    fn chart(&self, rows: &[Row]) -> Result<String, Failure> {
        let line = |via| {
            let of_way = rows.iter().filter(|row| row.via == via);
            Line { name: name(via).to_owned(), points: of_way.map(|row| (row.bytes as f64, row.median_ns)).collect() }
        };
        let mark = crossing(rows).map(|bytes| (bytes as f64, format!("crossing: {}", units::bytes(bytes as u64))));
        chart::lines("Messages between two processes: copied or mapped", &[Via::Copied, Via::Mapped].map(line), mark)
    }
}

/// The smallest size from which on mapping is sooner done than copying, at every size that was measured.
fn crossing(rows: &[Row]) -> Option<usize> {
    let mapped = rows.iter().rev().filter(|row| row.via == Via::Mapped);
    let sooner = mapped.take_while(|row| row.ratio_to_copied.is_some_and(|ratio| ratio < 1.0));
    sooner.last().map(|row| row.bytes)
}

fn name(via: Via) -> &'static str {
    match via {
        Via::Copied => "copied",
        Via::Placed => "placed",
        Via::Mapped => "mapped",
        _ => "chosen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mapped messages of 1, 2, 3, ... bytes that take so many times the time of copied ones.
    fn mapped(ratios: &[f64]) -> Vec<Row> {
        let row = |(ratio, bytes): (&f64, usize)| Row {
            via: Via::Mapped,
            bytes,
            median_ns: 1.0,
            min_ns: 1.0,
            max_ns: 1.0,
            median_gigabytes_per_second: 1.0,
            ratio_to_copied: Some(*ratio),
            rounds_ns: Vec::new(),
            figures: Figures::of(&[], |_| Ok(0.0)).unwrap(),
        };
        ratios.iter().zip(1..).map(row).collect()
    }

    #[test]
    fn the_crossing_is_where_the_last_size_that_is_sooner_copied_lies_behind() {
        for (ratios, crossing_bytes) in [
            (&[][..], None),
            (&[2.0, 1.5, 1.1], None),
            (&[2.0, 0.9, 1.1, 0.8, 0.5], Some(4)),
            (&[0.9, 0.8], Some(1)),
            (&[0.9, 1.0], None),
        ] {
            assert_eq!(crossing(&mapped(ratios)), crossing_bytes, "{ratios:?}");
        }
    }
}
