//! What ringway is meant to reach between many senders and many receivers: two targets in each cell that was measured.

use super::{Claim, Goal, Verdict, goals};
use crate::args::WorkKind;
use crate::contestant::Ends;
use crate::report::DEFAULT;
use crate::sheet::{Row, Sheet};

/// Whom ringway is compared with where all try and spin.
const QUEUE: &str = "crossbeam ArrayQueue";
/// How many times it is to be whoever is best where all wait in their own way, threads included.
const BLOCKING: f64 = 1.2;
/// How many times it is to be whoever else is between processes.
const BETWEEN_PROCESSES: f64 = 5.0;

/// All targets of the cells that there are: first those that threads take part in, then those against processes.
pub fn all(sheets: &[Sheet]) -> Vec<Verdict> {
    let sheets = sheets.iter().filter(|sheet| sheet.cell.work == WorkKind::Many);
    sheets.clone().map(against_threads).chain(sheets.map(against_processes)).collect()
}

fn claim<'a>(sheet: &'a Sheet, goal: f64, whom: &str) -> Claim<'a> {
    Claim {
        target: format!("{}: ringway >= {goal} x {whom}", sheet.cell.title()),
        sheet: Some(sheet),
        metric: 0,
        ours: DEFAULT,
        goal: Goal::AtLeast(goal),
    }
}

fn against_threads(sheet: &Sheet) -> Verdict {
    if !sheet.cell.polled {
        let verdict = claim(sheet, BLOCKING, "the best other, threads included").best(Row::is_peer);
        return verdict.toward(goals::MANY);
    }
    let goal = if sheet.cell.batch == 1 { 1.0 } else { 1.2 };
    claim(sheet, goal, &format!("{QUEUE} between threads")).best(|row| row.card.name == QUEUE)
}

fn against_processes(sheet: &Sheet) -> Verdict {
    claim(sheet, BETWEEN_PROCESSES, "the best peer between processes")
        .best(|row: &Row| row.is_peer() && row.ends == Ends::Processes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::{Card, Waiting};
    use crate::entry::Kind;
    use crate::plan::Cell;
    use crate::sheet::Turn;

    fn row(name: &'static str, kind: Kind, ends: Ends, rate: f64) -> Row {
        let (version, mode) = ("", "");
        let card = Card { name, version, mode, waiting: Waiting::Spins, largest: 8, has_batches: true };
        let turn = Turn { figures: vec![rate], weather_ns: [100.0; 2] };
        Row {
            card,
            kind,
            ends,
            index: 0,
            amount: 1,
            turns: vec![Some(turn); 3],
            failure: None,
            histograms: Vec::new(),
            system_calls: None,
        }
    }

    fn sheet(polled: bool, batch: usize, ours: f64) -> Sheet {
        let cell =
            Cell { work: WorkKind::Many, bytes: 8, least: 8, capacity: 1024, batch, period_us: 0, sides: 2, polled };
        let rows = vec![
            row(DEFAULT, Kind::Ringway, Ends::Processes, ours),
            row(QUEUE, Kind::Peer, Ends::Threads, 40.0),
            row("channel", Kind::Peer, Ends::Threads, 45.0),
            row("another", Kind::Peer, Ends::Processes, 5.0),
            row("pipe", Kind::Kernel, Ends::Processes, 10.0),
        ];
        Sheet { cell, rows }
    }

    #[test]
    fn each_cell_has_its_targets() {
        let sheets = [sheet(true, 1, 41.0), sheet(true, 64, 41.0), sheet(false, 64, 50.0), sheet(false, 1, 60.0)];
        let verdicts = all(&sheets);
        let against: Vec<_> = verdicts.iter().filter_map(|it| it.against.as_deref()).collect();
        assert_eq!(against, [QUEUE, QUEUE, "channel", "channel", "pipe", "pipe", "pipe", "pipe"]);
        let reached: Vec<_> = verdicts.iter().filter_map(|it| it.reached).collect();
        assert_eq!(reached, [true, false, false, true, false, false, true, true]);
    }
}
