//! A run that was never made, for tests: cells of the plan, and ringway where it is meant to be.

use super::about::{About, Made};
use super::verdicts::AS_LARGE;
use super::{DEFAULT, SLEEPING, SPINNING, TABLE, Weather};
use crate::args::{Args, WorkKind};
use crate::contestant::{Card, Ends, Waiting};
use crate::contestants::loans::ONE_TO_ONE;
use crate::entry::Kind;
use crate::machine::{Busy, Machine};
use crate::plan::{self, Cell};
use crate::sheet::{Row, Sheet, Turn};
use clap::Parser;

/// Rounds of each cell.
pub const ROUNDS: usize = 5;

/// All of it, but for sizes that no goal is about.
pub fn run() -> (About, Vec<Sheet>) {
    let cells = plan::cells(&Args::parse_from(["arena"]).run).into_iter();
    let sheets: Vec<_> = cells.filter(|cell| cell.bytes != 256 && cell.batch != 8).map(sheet).collect();
    let about = About {
        machine: Machine::look(2),
        busy: Busy { load: 0.25, steal: 0.0, others: 0.0 },
        // Of one sheet, since the interval of thousands of figures takes seconds.
        weather: Weather::of(&sheets[..1]),
        cpus: [0, 1],
        rounds: [ROUNDS; 2],
        turn_ms: [10, 60],
        baseline: None,
        made: Made {
            commit: "0123abc".to_owned(),
            date: "2026-01-02 03:04 UTC".to_owned(),
            command: "arena --everything".to_owned(),
        },
    };
    (about, sheets)
}

/// Makes all figures of a contestant so many times worse.
pub fn slow_down(sheet: &mut Sheet, name: &str, times: f64) {
    let metrics = sheet.cell.metrics();
    let row = sheet.rows.iter_mut().find(|row| row.card.name == name).expect("it takes part");
    for turn in row.turns.iter_mut().flatten() {
        for (figure, metric) in turn.figures.iter_mut().zip(metrics) {
            *figure *= if metric.less { times } else { 1.0 / times };
        }
    }
}

/// Who takes part, and how fast each is.
fn sheet(cell: Cell) -> Sheet {
    use {Ends::*, Kind::*, Waiting::*};
    // Who sleeps is slow where sleep is a part of it.
    let (spins, sleeps) = if cell.is_trips() { (1.0, 0.1) } else { (3.0, 3.0) };
    let mut rows = vec![
        (DEFAULT, Ringway, Processes, Default, spins),
        (SPINNING, Ringway, Processes, Spins, spins),
        (SLEEPING, Ringway, Processes, Sleeps, sleeps),
        ("peer, spinning", Peer, Processes, Spins, 2.0 / 3.0),
        ("iceoryx2, spinning", Peer, Processes, Spins, 0.5),
        ("threads", Peer, Threads, Default, 0.9),
        ("pipe", Kernel, Processes, Default, 0.05),
    ];
    if cell.is_trips() || cell.work == WorkKind::Bulk {
        rows.push(("bare memory", Limit, Processes, Spins, spins));
        rows.push(("bare futex", Limit, Processes, Sleeps, sleeps));
    }
    if cell.work == WorkKind::Bulk {
        rows.push((AS_LARGE, Ringway, Processes, Default, spins));
    }
    if cell.batch > 1 {
        rows.push((TABLE, Ringway, Processes, Default, spins));
    }
    if ["attach-", "memory-", "members-"].iter().any(|work| cell.slug().starts_with(work)) {
        rows.push(("ringway, many", Ringway, Processes, Default, spins));
        rows.push(("ringway, 60 idle", Ringway, Processes, Default, spins));
    }
    if cell.work == WorkKind::Loans {
        rows.push((ONE_TO_ONE, Ringway, Processes, Default, spins));
    }
    Sheet { cell, rows: rows.into_iter().map(|about| row(&cell, about)).collect() }
}

fn row(cell: &Cell, (name, kind, ends, waiting, speed): (&'static str, Kind, Ends, Waiting, f64)) -> Row {
    let figures = |round: usize| {
        // Powers of two, by which ratios are exactly the same in all rounds.
        let of_round = (16 << round) as f64;
        let figure = |less: bool| if less { of_round / speed } else { of_round * speed };
        cell.metrics().iter().map(|metric| figure(metric.less)).collect()
    };
    let turns = (0..ROUNDS).map(|round| Some(Turn { figures: figures(round), weather_ns: [100.0, 120.0] }));
    Row {
        card: Card { name, version: "1.0", mode: "as it is", waiting, largest: cell.bytes, has_batches: true },
        kind,
        ends,
        index: 0,
        amount: 1000,
        turns: turns.collect(),
        failure: None,
        histograms: Vec::new(),
        system_calls: None,
    }
}
