//! A run: cell by cell, round by round, everybody in turn.

use crate::args::RunArgs;
use crate::calibrate::{self, Next};
use crate::contestant::Failure;
use crate::entry::{Entry, Kind};
use crate::pace::{self, Pace, Share};
use crate::plan::{self, Cell};
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::sheet::{Row, Sheet, Turn};
use crate::task::{Seen, Work};
use crate::turn::{Asked, Ended, Stage};
use crate::work::histogram;
use std::time::{Duration, Instant};

/// Trials of a warm-up at most.
const TRIALS: u32 = 8;

/// What a run has found.
#[derive(Debug)]
pub struct Run {
    /// A sheet for each cell.
    pub sheets: Vec<Sheet>,
    /// Messages that were not sent, and came.
    pub wrong: Vec<String>,
    /// How long a turn was to take: the shortest and the longest.
    pub turn_ns: [u64; 2],
}

/// Runs all cells.
pub fn run(args: &RunArgs, entries: &[Entry], cpus: [usize; 2]) -> Result<Run, Failure> {
    let stage = Stage {
        scratch: Scratch::new()?,
        cpus,
        weather_us: args.weather_us(),
        patience: Duration::from_secs(args.patience),
    };
    let chosen: Vec<usize> = (0..entries.len()).filter(|&at| is_chosen(args, &entries[at])).collect();
    let cells = plan::cells(args);
    let takes = |cell: &Cell| chosen.iter().copied().filter(|&at| cell.takes(&entries[at])).collect::<Vec<_>>();
    let turns: usize = cells.iter().map(|cell| takes(cell).len() * args.rounds()).sum();
    let progress = Progress::new(turns, args.length());
    let until = args.length().map(|length| Instant::now() + length);
    let loads = cells.iter().map(|cell| pace::load(cell, takes(cell).len()));
    let pace = Pace::new(until, args.rounds(), args.turn_ns(), loads);
    let mut runner = Runner { entries, stage, progress, pace, turn_ns: args.turn_ns(), wrong: Vec::new() };
    let (mut sheets, mut turn_ns) = (Vec::new(), [u64::MAX, 0]);
    for cell in &cells {
        let who = takes(cell);
        if !who.is_empty() {
            sheets.push(runner.sheet(cell, &who)?);
            turn_ns = [turn_ns[0].min(runner.turn_ns), turn_ns[1].max(runner.turn_ns)];
        }
    }
    runner.progress.end();
    if sheets.is_empty() {
        return Err("nobody is left to run: see --list".into());
    }
    Ok(Run { sheets, wrong: runner.wrong, turn_ns })
}

/// Whether this contestant is asked for.
pub fn is_chosen(args: &RunArgs, entry: &Entry) -> bool {
    (entry.kind == Kind::Broken) == args.broken
        && (args.only.is_empty() || args.only.iter().any(|part| entry.card.name.contains(part.as_str())))
}

struct Runner<'a> {
    entries: &'a [Entry],
    stage: Stage,
    progress: Progress,
    pace: Pace,
    /// How long a turn of the cell is to take.
    turn_ns: u64,
    wrong: Vec<String>,
}

/// A turn that went well, as its cell sees it.
struct Heard {
    turn: Turn,
    elapsed_ns: u64,
    histograms: Vec<(&'static str, Vec<(u64, u64)>)>,
    system_calls: u64,
}

impl Runner<'_> {
    fn sheet(&mut self, cell: &Cell, who: &[usize]) -> Result<Sheet, Failure> {
        self.progress.cell(&cell.title());
        let share: Share = self.pace.share(pace::load(cell, who.len()), Instant::now());
        self.turn_ns = share.turn_ns;
        let mut rows: Vec<Row> = who.iter().map(|&at| Row::new(at, &self.entries[at])).collect();
        for row in &mut rows {
            self.warm_up(cell, row)?;
        }
        for round in (0..).take_while(|&round| share.goes_on(round, Instant::now())) {
            for n in 0..rows.len() {
                // Whoever is first in one round is last in the next.
                let at = (n + round) % rows.len();
                self.take_turn(cell, &mut rows[at])?;
            }
        }
        if cell.is_bursts() {
            for row in &mut rows {
                self.count_system_calls(cell, row)?;
            }
        }
        Ok(Sheet { cell: *cell, rows })
    }

    /// The unrecorded round: how many messages make a turn.
    fn warm_up(&mut self, cell: &Cell, row: &mut Row) -> Result<(), Failure> {
        row.amount = cell.first();
        if cell.is_bursts() || cell.is_given() {
            return Ok(());
        }
        for _ in 0..TRIALS {
            let Some(heard) = self.turn(cell, row, false)? else { return Ok(()) };
            match calibrate::next(row.amount, heard.elapsed_ns, self.turn_ns) {
                Next::Again(more) => row.amount = more,
                Next::Settled(amount) => {
                    row.amount = amount;
                    break;
                }
            }
        }
        Ok(())
    }

    fn take_turn(&mut self, cell: &Cell, row: &mut Row) -> Result<(), Failure> {
        let heard = if row.failure.is_none() { self.turn(cell, row, false)? } else { None };
        self.progress.turn();
        row.turns.push(heard.map(|heard| {
            for (what, counted) in heard.histograms {
                if counted.is_empty() {
                    continue;
                }
                let at = row.histograms.iter().position(|(name, _)| *name == what).unwrap_or_else(|| {
                    row.histograms.push((what, histogram::empty()));
                    row.histograms.len() - 1
                });
                histogram::add(&mut row.histograms[at].1, &counted);
            }
            heard.turn
        }));
        Ok(())
    }

    fn count_system_calls(&mut self, cell: &Cell, row: &mut Row) -> Result<(), Failure> {
        if row.failure.is_some() {
            return Ok(());
        }
        let (Work::Bursts { bursts, messages, .. } | Work::RecordBursts { bursts, messages, .. }) =
            cell.work(row.amount, self.turn_ns)
        else {
            return Ok(());
        };
        let heard = self.turn(cell, row, true)?;
        row.system_calls = Some(match (heard, row.failure.take()) {
            (Some(heard), _) => Ok(heard.system_calls as f64 / (bursts * messages) as f64),
            (None, why) => Err(why.unwrap_or_default()),
        });
        Ok(())
    }

    /// One turn. Of one that fails the row says why.
    fn turn(&mut self, cell: &Cell, row: &mut Row, traced: bool) -> Result<Option<Heard>, Failure> {
        let entry = &self.entries[row.index];
        let work = cell.work(row.amount, self.turn_ns);
        let began = Instant::now();
        let asked = Asked { entry, index: row.index, bytes: cell.bytes, capacity: cell.capacity, work };
        let why = match self.stage.turn(asked, traced)? {
            Ended::Done { sender, receiver, system_calls } => match heard(cell, &work, *sender, *receiver) {
                Some(heard) => {
                    if !cell.is_given() {
                        self.pace.seen(began.elapsed(), heard.elapsed_ns);
                    }
                    return Ok(Some(Heard { system_calls, ..heard }));
                }
                None => "its workers left something out".to_owned(),
            },
            Ended::Failed(why) => why,
            Ended::Wrong(why) => {
                self.wrong.push(format!("{}, {}: {why}", entry.card.name, cell.title()));
                why
            }
        };
        row.failure = Some(why);
        Ok(None)
    }
}

fn heard(cell: &Cell, work: &Work, sender: Seen, receiver: Seen) -> Option<Heard> {
    let figures = cell.figures(work, &sender, &receiver)?;
    let elapsed_ns = Cell::elapsed_ns(&sender, &receiver).or(cell.is_given().then_some(0))?;
    let metrics = cell.metrics();
    let timed = [sender.timed, receiver.timed].into_iter().flatten().map(|(at, times)| (metrics[at].id, times));
    Some(Heard {
        turn: Turn { figures, weather_ns: sender.weather_ns? },
        elapsed_ns,
        histograms: [
            ("trip", sender.trips_ns),
            ("first", receiver.first_ns),
            ("last", receiver.last_ns),
            ("whole", receiver.whole_ns),
        ]
        .into_iter()
        .chain(timed)
        .collect(),
        system_calls: 0,
    })
}
