//! What another program reads: everything.

use super::verdicts::Verdict;
use super::{Weather, baseline, ends, waiting};
use crate::machine::{Busy, Machine};
use crate::plan::Metric;
use crate::sheet::{Row, Sheet};
use crate::stats::Summary;
use crate::weather::Sky;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Percentiles that are written down.
const PERCENTILES: [f64; 12] = [0.0, 1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0];

/// What stands over all sheets.
#[derive(Debug)]
pub struct Head<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Who else used it.
    pub busy: &'a Busy,
    /// How far apart the processors were.
    pub weather: &'a Weather,
    /// Sender's and receiver's processor.
    pub cpus: [usize; 2],
    /// How many rounds.
    pub rounds: usize,
    /// How long a turn was to take.
    pub turn_ns: u64,
    /// Whom all are compared with, if somebody was named.
    pub baseline: Option<&'a str>,
}

/// Everything.
pub fn document(head: &Head<'_>, sheets: &[Sheet], verdicts: &[Verdict]) -> Value {
    json!({
        "machine": head.machine,
        "busy": head.busy,
        "weather": head.weather,
        "cpus": head.cpus,
        "rounds": head.rounds,
        "turn_ms": head.turn_ns / 1_000_000,
        "sheets": sheets.iter().map(|it| sheet(it, head.baseline)).collect::<Vec<_>>(),
        "verdicts": verdicts,
    })
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
    let histograms = row.histograms.iter().map(|(what, histogram)| ((*what).to_owned(), percentiles(histogram)));
    json!({
        "contestant": row.card.name,
        "version": row.card.version,
        "mode": row.card.mode,
        "kind": format!("{:?}", row.kind).to_lowercase(),
        "ends": ends(row.ends),
        "waiting": waiting(row.card.waiting),
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

fn percentiles(histogram: &Histogram<u64>) -> Value {
    let each = PERCENTILES.map(|percentile| (percentile.to_string(), histogram.value_at_percentile(percentile).into()));
    json!({ "count": histogram.len(), "percentiles": each.into_iter().collect::<serde_json::Map<_, _>>() })
}
