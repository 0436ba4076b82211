//! What a run has found: a sheet for each cell, a row for each contestant.

use crate::contestant::{Card, Ends};
use crate::entry::{Entry, Kind};
use crate::plan::Cell;
use crate::stats::{Summary, median, paired, summary};
use crate::weather::Sky;
use hdrhistogram::Histogram;

/// A turn that went well.
#[derive(Debug, Clone)]
pub struct Turn {
    /// A figure for each metric of the cell.
    pub figures: Vec<f64>,
    /// A bare round trip before and after, in ns.
    pub weather_ns: [f64; 2],
}

impl Turn {
    /// How far apart the processors were.
    pub fn sky(&self) -> Sky {
        Sky::of(self.weather_ns)
    }
}

/// A contestant in a cell.
#[derive(Debug)]
pub struct Row {
    /// What the contestant says of itself.
    pub card: Card,
    /// Why it is here.
    pub kind: Kind,
    /// Between whom.
    pub ends: Ends,
    /// Its place in the list of all.
    pub index: usize,
    /// Messages, or trips, in a turn.
    pub amount: u64,
    /// Its turns, a place for each round; none where it failed.
    pub turns: Vec<Option<Turn>>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// Single times of all rounds, in ns: what of, and which.
    pub histograms: Vec<(&'static str, Histogram<u64>)>,
    /// System calls of both sides for each message; or why they were not counted.
    pub system_calls: Option<Result<f64, String>>,
}

impl Row {
    /// A row without turns.
    pub fn new(index: usize, entry: &Entry) -> Self {
        Self {
            card: entry.card.clone(),
            kind: entry.kind,
            ends: entry.ends,
            index,
            amount: 0,
            turns: Vec::new(),
            failure: None,
            histograms: Vec::new(),
            system_calls: None,
        }
    }

    /// The figures of a metric, a place for each round; only those taken under that sky, if one is given.
    pub fn figures(&self, metric: usize, sky: Option<Sky>) -> Vec<Option<f64>> {
        let under = |turn: &&Turn| sky.is_none_or(|sky| turn.sky() == sky);
        self.turns.iter().map(|turn| turn.as_ref().filter(under).map(|turn| turn.figures[metric])).collect()
    }

    /// All rounds in five numbers, or those under that sky.
    pub fn summary(&self, metric: usize, sky: Option<Sky>) -> Option<Summary> {
        summary(self.figures(metric, sky).into_iter().flatten())
    }

    /// Their median.
    pub fn median(&self, metric: usize) -> Option<f64> {
        median(self.figures(metric, None).into_iter().flatten().collect())
    }

    /// This one's figures by the other's, round by round; only of rounds in which both had that sky, if one is given.
    pub fn over(&self, other: &Row, metric: usize, sky: Option<Sky>) -> Option<Summary> {
        paired(&self.figures(metric, sky), &other.figures(metric, sky))
    }

    /// The single times of this kind, if there are any.
    pub fn histogram(&self, what: &str) -> Option<&Histogram<u64>> {
        self.histograms.iter().find(|(name, _)| *name == what).map(|(_, histogram)| histogram)
    }

    /// Whether this is another's work, not ours and not the machine's limit.
    pub fn is_peer(&self) -> bool {
        matches!(self.kind, Kind::Peer | Kind::Kernel)
    }
}

/// A cell's rows.
#[derive(Debug)]
pub struct Sheet {
    /// What was measured.
    pub cell: Cell,
    /// Whom.
    pub rows: Vec<Row>,
}

impl Sheet {
    /// The row of this name, if it has figures.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.card.name == name && row.turns.iter().any(Option::is_some))
    }

    /// What stands over a metric: of several, which.
    pub fn title(&self, metric: usize) -> String {
        match self.cell.metrics() {
            [_] => self.cell.title(),
            several => format!("{}: {}", self.cell.title(), several[metric].title),
        }
    }

    /// Of these rows the one with the best median.
    pub fn best(&self, metric: usize, whom: impl Fn(&Row) -> bool) -> Option<&Row> {
        let less = self.cell.metrics()[metric].less;
        let rows = self.rows.iter().filter(|row| whom(row)).filter_map(|row| Some((row.median(metric)?, row)));
        let best = rows.min_by(|(a, _), (b, _)| if less { a.total_cmp(b) } else { b.total_cmp(a) });
        best.map(|(_, row)| row)
    }
}
