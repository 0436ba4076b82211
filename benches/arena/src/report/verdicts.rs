//! Whether ringway is where it is meant to be.
//!
//! A target is reached when the interval of the paired ratio reaches it: its better end does.

mod lengths;
mod loans;
mod many;
mod textbook;

use super::{DEFAULT, SLEEPING, SPINNING, TABLE, table};
use crate::args::WorkKind;
use crate::contestant::Waiting;
use crate::entry::Kind;
use crate::plan::Cell;
use crate::sheet::{Row, Sheet};
use crate::stats::Summary;
use crate::weather::Sky;
use serde::Serialize;

/// One target.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// What is to be how.
    pub target: String,
    /// Whom ringway was compared with.
    pub against: Option<String>,
    /// ringway's figures by theirs, round by round; none if it was not measured.
    pub ratio: Option<Summary>,
    /// The same of rounds in which both had the processors near each other.
    pub near: Option<Summary>,
    /// The same of rounds in which both had them far apart.
    pub far: Option<Summary>,
    /// Whether the target is reached; none if it was not measured.
    pub reached: Option<bool>,
}

/// What a ratio is to be.
#[derive(Debug, Clone, Copy)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn is_reached(self, ratio: &Summary) -> bool {
        match self {
            Self::AtMost(most) => ratio.low <= most,
            Self::AtLeast(least) => ratio.high >= least,
        }
    }
}

/// Where ringway is compared, with whom, and what is to come of it.
struct Claim<'a> {
    target: String,
    sheet: Option<&'a Sheet>,
    metric: usize,
    ours: &'a str,
    goal: Goal,
}

impl Claim<'_> {
    /// Compared with the best of some.
    fn best(self, whom: impl Fn(&Row) -> bool) -> Verdict {
        let pair = self.sheet.and_then(|sheet| Some((sheet.row(self.ours)?, sheet.best(self.metric, whom)?)));
        let ratio = |sky| pair.and_then(|(ours, other)| ours.over(other, self.metric, sky));
        let (near, far, ratio) = (ratio(Some(Sky::Near)), ratio(Some(Sky::Far)), ratio(None));
        Verdict {
            target: self.target,
            against: pair.map(|(_, other)| other.card.name.to_owned()),
            reached: ratio.map(|ratio| self.goal.is_reached(&ratio)),
            ratio,
            near,
            far,
        }
    }
}

/// All targets, in order.
pub fn all(sheets: &[Sheet]) -> Vec<Verdict> {
    let mut verdicts = round_trips(sheets);
    verdicts.extend(one_way(sheets));
    verdicts.extend(bursts(sheets));
    verdicts.extend(many::all(sheets));
    verdicts.extend(lengths::all(sheets));
    verdicts.extend(loans::all(sheets));
    verdicts.extend(textbook::all(sheets));
    verdicts
}

fn find(sheets: &[Sheet], is: impl Fn(&Cell) -> bool) -> Option<&Sheet> {
    sheets.iter().find(|sheet| is(&sheet.cell))
}

fn round_trips(sheets: &[Sheet]) -> Vec<Verdict> {
    let sheet = find(sheets, |cell| cell.work == WorkKind::Rtt && cell.bytes == 8);
    let claim = |target: &str, ours, goal| Claim {
        target: format!("round trip, 8 bytes: {target}"),
        sheet,
        metric: 0,
        ours,
        goal: Goal::AtMost(goal),
    };
    let limit = |waiting| move |row: &Row| row.kind == Kind::Limit && row.card.waiting == waiting;
    vec![
        claim("spinning <= 1.10 x bare atomics", SPINNING, 1.10).best(limit(Waiting::Spins)),
        claim("spinning not behind any peer", SPINNING, 1.0).best(Row::is_peer),
        claim("default while busy <= 1.10 x spinning", DEFAULT, 1.10).best(|row| row.card.name == SPINNING),
        claim("always asleep <= 1.10 x bare futex", SLEEPING, 1.10).best(limit(Waiting::Sleeps)),
        claim("always asleep not behind pipe and sockets", SLEEPING, 1.0)
            .best(|row| row.kind == Kind::Kernel && !row.card.name.contains("queue")),
    ]
}

fn one_way(sheets: &[Sheet]) -> Vec<Verdict> {
    let verdict = |bytes: usize, batch: usize, capacity: usize, goal: f64| {
        let (how, ours) =
            if batch == 1 { ("one at a time".to_owned(), DEFAULT) } else { (format!("batches of {batch}"), TABLE) };
        Claim {
            target: format!("one way, {bytes} bytes, {how}, capacity {capacity}: {ours} >= {goal} x the best peer"),
            sheet: find(sheets, |cell| {
                (cell.work, cell.bytes, cell.batch, cell.capacity) == (WorkKind::Rate, bytes, batch, capacity)
            }),
            metric: 0,
            ours,
            goal: Goal::AtLeast(goal),
        }
        .best(Row::is_peer)
    };
    vec![
        verdict(8, 1, 4096, 2.0),
        verdict(8, 64, 4096, 1.2),
        verdict(8, 64, 65536, 1.2),
        verdict(64, 1, 4096, 1.1),
        verdict(64, 1, 65536, 1.1),
        verdict(1024, 1, 4096, 1.1),
        verdict(1024, 1, 65536, 1.1),
    ]
}

fn bursts(sheets: &[Sheet]) -> Vec<Verdict> {
    let each = [1000, 10_000].map(|period_us| {
        let sheet = find(sheets, |cell| cell.work == WorkKind::Burst && cell.period_us == period_us);
        let claim = |target: &str, id: &str| Claim {
            target: format!("bursts every {} ms: {target}", period_us / 1000),
            metric: sheet.and_then(|sheet| sheet.cell.metrics().iter().position(|it| it.id == id)).unwrap_or(0),
            sheet,
            ours: DEFAULT,
            goal: Goal::AtMost(1.0),
        };
        [
            claim("first message not behind any peer that sleeps", "first_us")
                .best(|row| row.is_peer() && row.card.waiting != Waiting::Spins),
            claim("less processor time than any peer that spins", "cpu_percent")
                .best(|row| row.is_peer() && row.card.waiting == Waiting::Spins),
        ]
    });
    each.into_iter().flatten().collect()
}

/// In the table.
pub fn text(verdicts: &[Verdict]) -> String {
    let mut text =
        String::from("verdicts (a target is reached when the better end of the ratio's interval reaches it)\n");
    for verdict in verdicts {
        let said = match verdict.reached {
            Some(true) => "reached     ",
            Some(false) => "NOT reached ",
            None => "not measured",
        };
        text += &format!("  {said}  {}", verdict.target);
        if let (Some(against), Some(ratio)) = (&verdict.against, &verdict.ratio) {
            text += &format!(": {} against {against}", table::ratio(ratio));
            for (sky, ratio) in [("near", &verdict.near), ("far", &verdict.far)] {
                if let Some(ratio) = ratio {
                    text += &format!("; {sky} {:.2} ({})", ratio.median, ratio.count);
                }
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_reached_by_the_better_end_of_the_interval() {
        let ratio = Summary { median: 1.15, min: 1.0, max: 1.3, low: 1.08, high: 1.22, count: 15 };
        assert!(Goal::AtMost(1.10).is_reached(&ratio));
        assert!(!Goal::AtMost(1.05).is_reached(&ratio));
        assert!(Goal::AtLeast(1.2).is_reached(&ratio));
        assert!(!Goal::AtLeast(1.25).is_reached(&ratio));
    }
}
