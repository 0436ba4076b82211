//! Whether ringway is where it is meant to be.
//!
//! A target is reached when the interval of the paired ratio reaches it: its better end does.

mod attached;
mod goals;
mod lengths;
mod loans;
mod many;
mod textbook;

pub use goals::Goals;
#[cfg(test)]
pub use lengths::AS_LARGE;

use super::{DEFAULT, SLEEPING, SPINNING, TABLE, figure, table};
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
    /// The goal of which it is a part, if of one.
    pub goal: Option<&'static str>,
    /// The cell that was looked at; none if it was not measured.
    pub cell: Option<String>,
    /// How ringway takes part.
    pub ours: String,
    /// Whom ringway was compared with.
    pub against: Option<String>,
    /// ringway's figures by theirs, round by round; none if it was not measured, or nobody is compared.
    pub ratio: Option<Summary>,
    /// Where nobody is compared: ringway's own figures, and what of.
    pub figure: Option<(Summary, &'static str)>,
    /// The same of rounds in which both had the processors near each other.
    pub near: Option<Summary>,
    /// The same of rounds in which both had them far apart.
    pub far: Option<Summary>,
    /// Whether the target is reached; none if it was not measured.
    pub reached: Option<bool>,
    /// Whether the median alone reaches it.
    pub by_median: Option<bool>,
}

impl Verdict {
    /// The same, as a part of this goal.
    fn toward(self, goal: &'static str) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// What was found: a ratio, or a figure; none if nothing was.
    pub fn found(&self) -> Option<String> {
        let own = |(it, unit): &(Summary, &str)| {
            format!("{} {unit} [{} {}]", figure(it.median), figure(it.low), figure(it.high))
        };
        self.ratio.as_ref().map(table::ratio).or_else(|| self.figure.as_ref().map(own))
    }
}

/// What a ratio, or a figure, is to be.
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

    fn is_reached_by_median(self, ratio: &Summary) -> bool {
        match self {
            Self::AtMost(most) => ratio.median <= most,
            Self::AtLeast(least) => ratio.median >= least,
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
        self.against(pair)
    }

    /// Compared with a row that may be another sheet's.
    fn against(self, pair: Option<(&Row, &Row)>) -> Verdict {
        let ratio = |sky| pair.and_then(|(ours, other)| ours.over(other, self.metric, sky));
        let (near, far, ratio) = (ratio(Some(Sky::Near)), ratio(Some(Sky::Far)), ratio(None));
        Verdict { against: pair.map(|(_, other)| other.card.name.to_owned()), ratio, near, far, ..self.said(ratio) }
    }

    /// Compared with nobody: the figure itself is what the goal is about, in units of which one of the metric's is so many.
    fn alone(self, unit: &'static str, scale: f64) -> Verdict {
        let own = self.sheet.and_then(|sheet| sheet.row(self.ours)?.summary(self.metric, None));
        let own = own.map(|own| own.times(scale));
        Verdict { figure: own.map(|own| (own, unit)), ..self.said(own) }
    }

    /// What follows from these figures.
    fn said(self, found: Option<Summary>) -> Verdict {
        Verdict {
            target: self.target,
            goal: None,
            cell: found.and(self.sheet).map(|sheet| sheet.cell.slug()),
            ours: self.ours.to_owned(),
            against: None,
            ratio: None,
            figure: None,
            near: None,
            far: None,
            reached: found.map(|found| self.goal.is_reached(&found)),
            by_median: found.map(|found| self.goal.is_reached_by_median(&found)),
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
    verdicts.extend(attached::all(sheets));
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
    let all = [
        claim("spinning <= 1.05 x bare atomics", SPINNING, 1.05).best(limit(Waiting::Spins)),
        claim("spinning not behind any peer", SPINNING, 1.0).best(Row::is_peer),
        claim("default while busy <= 1.10 x spinning", DEFAULT, 1.10).best(|row| row.card.name == SPINNING),
        claim("always asleep <= 1.05 x bare futex", SLEEPING, 1.05).best(limit(Waiting::Sleeps)),
        claim("always asleep not behind anything of the kernel's", SLEEPING, 1.0).best(|row| row.kind == Kind::Kernel),
    ];
    all.map(|verdict| verdict.toward(goals::ROUND_TRIP)).into()
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
        .toward(goals::ONE_WAY)
    };
    let goals = [(8, 1, 2.5), (8, 64, 1.5), (64, 1, 1.2), (1024, 1, 1.2)];
    let each = goals.map(|(bytes, batch, goal)| [4096, 65536].map(|capacity| verdict(bytes, batch, capacity, goal)));
    each.into_iter().flatten().collect()
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
        if let Some(found) = verdict.found() {
            text += &format!(": {found}");
        }
        if let Some(against) = &verdict.against {
            text += &format!(" against {against}");
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
