//! What another program reads: everything. What is read again is what was measured; what follows from it is made anew.

use super::about::About;
use super::verdicts::Verdict;
use super::{baseline, verdicts};
use crate::contestant::{Card, Ends, Failure, Waiting};
use crate::entry::Kind;
use crate::plan::{Cell, Metric};
use crate::sheet::{Row, Sheet, Turn};
use crate::stats::Summary;
use crate::task::Counted;
use crate::weather::Sky;
use crate::work::histogram;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Percentiles that are written down.
const PERCENTILES: [f64; 12] = [0.0, 1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0];

/// A run as it is written.
#[derive(Debug, Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    about: &'a About,
    sheets: Vec<Value>,
    verdicts: Vec<Verdict>,
}

/// And as it is read.
#[derive(Debug, Deserialize)]
struct Saved {
    #[serde(flatten)]
    about: About,
    sheets: Vec<SavedSheet>,
}

#[derive(Debug, Deserialize)]
struct SavedSheet {
    cell: Cell,
    rows: Vec<SavedRow>,
}

#[derive(Debug, Deserialize)]
struct SavedRow {
    contestant: String,
    version: String,
    mode: String,
    kind: Kind,
    ends: Ends,
    waiting: Waiting,
    messages_a_turn: u64,
    failure: Option<String>,
    metrics: Vec<SavedMetric>,
    weather_ns: Vec<Option<[f64; 2]>>,
    histograms_ns: BTreeMap<String, SavedHistogram>,
    system_calls_a_message: Option<f64>,
    system_calls_not_counted: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SavedMetric {
    id: String,
    rounds: Vec<Option<f64>>,
}

#[derive(Debug, Deserialize)]
struct SavedHistogram {
    counted: Vec<Counted>,
}

/// Everything.
pub fn written(about: &About, sheets: &[Sheet]) -> Result<Vec<u8>, Failure> {
    let named = about.baseline.as_deref();
    let document =
        Written { about, sheets: sheets.iter().map(|it| sheet(it, named)).collect(), verdicts: verdicts::all(sheets) };
    Ok(serde_json::to_vec(&document)?)
}

/// What was written.
pub fn read(written: &[u8]) -> Result<(About, Vec<Sheet>), Failure> {
    let Saved { about, sheets } = serde_json::from_slice(written)?;
    let sheets = sheets.into_iter().map(|SavedSheet { cell, rows }| {
        let rows = rows.into_iter().map(|row| row.read(&cell)).collect::<Result<_, _>>()?;
        Ok::<_, Failure>(Sheet { cell, rows })
    });
    Ok((about, sheets.collect::<Result<_, _>>()?))
}

/// Names are the program's own in a run: read once, they stay until it ends, too.
fn kept(text: String) -> &'static str {
    text.leak()
}

impl SavedRow {
    fn read(self, cell: &Cell) -> Result<Row, Failure> {
        let rounds = |metric: &Metric| {
            let found = self.metrics.iter().find(|it| it.id == metric.id && it.rounds.len() == self.weather_ns.len());
            found.map(|it| &it.rounds).ok_or_else(|| format!("{}: {} is not in the file", cell.title(), metric.id))
        };
        let rounds = cell.metrics().iter().map(rounds).collect::<Result<Vec<_>, _>>()?;
        let turn = |(round, weather_ns): (usize, &Option<[f64; 2]>)| {
            // JSON has no word for a figure that is none.
            let figures = rounds.iter().map(|figures| figures[round].unwrap_or(f64::NAN)).collect();
            weather_ns.map(|weather_ns| Turn { figures, weather_ns })
        };
        let turns = self.weather_ns.iter().enumerate().map(turn).collect();
        let histograms = self.histograms_ns.into_iter().map(|(what, saved)| {
            let mut histogram = histogram::empty();
            histogram::add(&mut histogram, &saved.counted);
            (kept(what), histogram)
        });
        let card = Card {
            name: kept(self.contestant),
            version: kept(self.version),
            mode: kept(self.mode),
            waiting: self.waiting,
            // Of who may take part; this one has.
            largest: cell.bytes,
            has_batches: cell.batch > 1,
        };
        Ok(Row {
            card,
            kind: self.kind,
            ends: self.ends,
            index: 0,
            amount: self.messages_a_turn,
            turns,
            failure: self.failure,
            histograms: histograms.collect(),
            system_calls: self.system_calls_a_message.map(Ok).or(self.system_calls_not_counted.map(Err)),
        })
    }
}

fn sheet(sheet: &Sheet, named: Option<&str>) -> Value {
    json!({
        "title": sheet.cell.title(),
        "cell": sheet.cell,
        "rows": sheet.rows.iter().map(|it| row(sheet, it, named)).collect::<Vec<_>>(),
    })
}

fn row(sheet: &Sheet, row: &Row, named: Option<&str>) -> Value {
    let base = baseline(sheet, row, named);
    let metrics = sheet.cell.metrics().iter().enumerate();
    let rounds = row.turns.iter().map(|turn| turn.as_ref().map(|turn| turn.weather_ns));
    let histograms = row.histograms.iter().map(|(what, histogram)| ((*what).to_owned(), times(histogram)));
    json!({
        "contestant": row.card.name,
        "version": row.card.version,
        "mode": row.card.mode,
        "kind": row.kind,
        "ends": row.ends,
        "waiting": row.card.waiting,
        "messages_a_turn": row.amount,
        "failure": row.failure,
        "metrics": metrics.map(|(at, it)| metric(row, base, at, it)).collect::<Vec<_>>(),
        "weather_ns": rounds.collect::<Vec<_>>(),
        "histograms_ns": histograms.collect::<serde_json::Map<_, _>>(),
        "system_calls_a_message": row.system_calls.as_ref().and_then(|calls| calls.as_ref().ok()),
        "system_calls_not_counted": row.system_calls.as_ref().and_then(|calls| calls.as_ref().err()),
    })
}

fn metric(row: &Row, base: Option<&Row>, at: usize, metric: &Metric) -> Value {
    let ratio = |sky| -> Option<Summary> { base?.over(row, at, sky) };
    json!({
        "id": metric.id,
        "unit": metric.unit,
        "less_is_better": metric.less,
        "all": row.summary(at, None),
        "near": row.summary(at, Some(Sky::Near)),
        "far": row.summary(at, Some(Sky::Far)),
        "baseline": base.map(|base| base.card.name),
        "baseline_over_it": ratio(None),
        "baseline_over_it_near": ratio(Some(Sky::Near)),
        "baseline_over_it_far": ratio(Some(Sky::Far)),
        "rounds": row.figures(at, None),
    })
}

fn times(histogram: &Histogram<u64>) -> Value {
    let each = PERCENTILES.map(|percentile| (percentile.to_string(), histogram.value_at_percentile(percentile).into()));
    json!({
        "count": histogram.len(),
        "percentiles": each.into_iter().collect::<serde_json::Map<_, _>>(),
        "counted": histogram::counted(histogram),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    /// Figures, times and failures come back, and all that follows from them is the same.
    #[test]
    fn what_was_written_is_read() {
        let (about, mut sheets) = example::run();
        sheets.truncate(3);
        let row = &mut sheets[0].rows[1];
        let mut trips = histogram::empty();
        histogram::add(&mut trips, &[(100, 3), (123_456, 1)]);
        row.histograms.push(("trip", trips));
        row.turns[1] = None;
        row.failure = Some("no end".to_owned());
        row.system_calls = Some(Err("not here".to_owned()));
        sheets[0].rows[0].system_calls = Some(Ok(0.25));
        let written = super::written(&about, &sheets).expect("JSON");
        let (about, sheets) = read(&written).expect("what was written");
        assert_eq!(sheets[0].rows[1].histogram("trip").map(Histogram::len), Some(4));
        assert_eq!(sheets[0].rows[1].turns.iter().flatten().count(), example::ROUNDS - 1);
        assert_eq!(super::written(&about, &sheets).expect("JSON"), written);
    }

    #[test]
    fn what_is_missing_is_told() {
        let (about, mut sheets) = example::run();
        sheets.truncate(1);
        let text = String::from_utf8(written(&about, &sheets).expect("JSON")).expect("text");
        let failure = read(text.replace("trip_ns", "trip_us").as_bytes()).expect_err("another unit");
        assert_eq!(failure.to_string(), "round trip, 8 bytes: trip_ns is not in the file");
    }
}
