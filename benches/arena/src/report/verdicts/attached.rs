//! What ringway is meant to reach before there are messages, and beside members that send none. Cells are found by their
//! names: a run that has none of them says that they were not measured.

use super::{Claim, Goal, Verdict, goals};
use crate::entry::Kind;
use crate::plan::Metric;
use crate::report::DEFAULT;
use crate::sheet::Sheet;

/// Many to many, where it is beside [`DEFAULT`].
const MANY: &str = "ringway, many";
/// How the name of a row ends that is measured beside idle members.
const IDLE: &str = ", 60 idle";
/// A figure that is this many times as bad beside idle members is the same: a twentieth.
const SAME: f64 = 1.05;

/// Where a figure is looked at, and in what unit it may be how much.
struct Limit {
    work: &'static str,
    figures: &'static [&'static str],
    unit: &'static str,
    most: f64,
}

const LIMITS: [Limit; 2] = [
    Limit { work: "attach", figures: &["create_us", "open_us"], unit: "ms", most: 1.0 },
    Limit { work: "memory", figures: &["fresh_kib", "lap_kib"], unit: "KiB", most: 80.0 },
];

/// All targets.
pub fn all(sheets: &[Sheet]) -> Vec<Verdict> {
    let mut verdicts: Vec<_> = LIMITS.iter().flat_map(|limit| within(sheets, limit)).collect();
    verdicts.extend(beside_members(sheets));
    verdicts.into_iter().map(|verdict| verdict.toward(goals::ATTACHED)).collect()
}

fn of_work<'a>(sheets: &'a [Sheet], work: &str) -> impl Iterator<Item = &'a Sheet> {
    sheets.iter().filter(move |sheet| sheet.cell.slug().starts_with(&format!("{work}-")))
}

/// A target for each figure, of each kind of channel that was measured.
fn within(sheets: &[Sheet], limit: &Limit) -> Vec<Verdict> {
    let Limit { work, figures, unit, most } = limit;
    let each = of_work(sheets, work).flat_map(|sheet| {
        let metrics = sheet.cell.metrics().iter().enumerate().filter(|(_, it)| figures.contains(&it.id));
        metrics.flat_map(move |(metric, about)| {
            let measured = [DEFAULT, MANY].into_iter().filter(|ours| sheet.row(ours).is_some());
            measured.map(move |ours| {
                let target = format!("{}: {ours} <= {most} {unit}", sheet.title(metric));
                Claim { target, sheet: Some(sheet), metric, ours, goal: Goal::AtMost(*most) }
                    .alone(unit, scale(about, unit))
            })
        })
    });
    or_nothing(each.collect(), format!("{work}: at most {most} {unit}"))
}

/// How many of this unit one of the metric's is.
fn scale(metric: &Metric, unit: &str) -> f64 {
    let ns = |unit: &str| match unit {
        "ns" => 1.0,
        "us" => 1e3,
        _ => 1e6,
    };
    if metric.unit == unit { 1.0 } else { ns(metric.unit) / ns(unit) }
}

/// Each of ours beside idle members against itself without them.
fn beside_members(sheets: &[Sheet]) -> Vec<Verdict> {
    let each = of_work(sheets, "members").flat_map(|sheet| {
        let beside = sheet.rows.iter().filter(|row| row.kind == Kind::Ringway && row.card.name.ends_with(IDLE));
        beside.map(move |row| {
            let (ours, less) = (row.card.name, sheet.cell.metrics()[0].less);
            let alone = ours.trim_end_matches(IDLE);
            let (goal, how) = if less { (Goal::AtMost(SAME), "<=") } else { (Goal::AtLeast(1.0 / SAME), ">=") };
            let by = if less { SAME } else { 1.0 / SAME };
            let target = format!("{}: {ours} {how} {by:.2} x {alone}", sheet.title(0));
            Claim { target, sheet: Some(sheet), metric: 0, ours, goal }.best(|it| it.card.name == alone)
        })
    });
    or_nothing(each.collect(), "members: as fast beside 60 idle ones as without".to_owned())
}

/// A target that was not measured, where there is none else.
fn or_nothing(verdicts: Vec<Verdict>, target: String) -> Vec<Verdict> {
    if !verdicts.is_empty() {
        return verdicts;
    }
    vec![Claim { target, sheet: None, metric: 0, ours: DEFAULT, goal: Goal::AtMost(1.0) }.best(|_| false)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_of_other_units() {
        let metric = |unit| Metric { id: "", title: "", unit, less: true };
        assert_eq!(["ns", "us", "ms"].map(|unit| scale(&metric(unit), "ms")), [1e-6, 1e-3, 1.0]);
        assert_eq!(scale(&metric("KiB"), "KiB"), 1.0);
    }

    #[test]
    fn what_no_cell_is_about_was_not_measured() {
        let verdicts = all(&[]);
        assert_eq!(verdicts.iter().map(|it| it.reached).collect::<Vec<_>>(), [None; 3]);
    }
}
