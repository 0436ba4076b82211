//! That ringway is not behind what the textbooks teach, in anything that was measured.

use super::{Claim, Goal, Verdict};
use crate::entry::Kind;
use crate::report::{DEFAULT, SLEEPING, TABLE};
use crate::sheet::{Row, Sheet};

/// How we do it when it is compared with those of the textbooks, who all sleep at once and make batches in place.
fn ours(sheet: &Sheet) -> &'static str {
    let is_about_sleep = sheet.cell.is_trips() || sheet.cell.is_bursts();
    if is_about_sleep && sheet.row(SLEEPING).is_some() {
        SLEEPING
    } else if sheet.cell.batch > 1 {
        TABLE
    } else {
        DEFAULT
    }
}

/// A target for each figure of each sheet in which somebody took part who is from a textbook. Not when the last message of a
/// burst is there: it is soon if its sender was slow, and the whole burst tells who was.
pub fn all(sheets: &[Sheet]) -> Vec<Verdict> {
    let is_textbook = |row: &Row| row.kind == Kind::Textbook;
    let with = sheets.iter().filter(|sheet| sheet.rows.iter().any(is_textbook));
    let each = with.flat_map(|sheet| (0..sheet.cell.metrics().len()).map(move |metric| (sheet, metric)));
    let each = each.filter(|(sheet, metric)| sheet.cell.metrics()[*metric].id != "last_us");
    let verdict = |(sheet, metric): (&Sheet, usize)| {
        let ours = ours(sheet);
        let claim = Claim {
            target: format!("{}: {ours} not behind any textbook", sheet.title(metric)),
            sheet: Some(sheet),
            metric,
            ours,
            goal: if sheet.cell.metrics()[metric].less { Goal::AtMost(1.0) } else { Goal::AtLeast(1.0) },
        };
        claim.best(is_textbook)
    };
    each.map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::WorkKind;
    use crate::contestant::{Card, Ends, Waiting};
    use crate::plan::Cell;
    use crate::sheet::Turn;

    fn row(name: &'static str, kind: Kind, ns: f64) -> Row {
        let card = Card { name, version: "", mode: "", waiting: Waiting::Sleeps, largest: 8, has_batches: false };
        let turns = vec![Some(Turn { figures: vec![ns], weather_ns: [100.0; 2] }); 3];
        Row {
            card,
            kind,
            ends: Ends::Processes,
            index: 0,
            amount: 1,
            turns,
            failure: None,
            histograms: Vec::new(),
            system_calls: None,
        }
    }

    /// Who spins is no match for who sleeps; where nobody is from a textbook, there is no target.
    #[test]
    fn who_sleeps_is_compared_with_the_best_textbook() {
        let cell = Cell {
            work: WorkKind::Rtt,
            bytes: 8,
            least: 8,
            capacity: 64,
            batch: 1,
            period_us: 0,
            sides: 1,
            polled: false,
        };
        let ours = [row(DEFAULT, Kind::Ringway, 10.0), row(SLEEPING, Kind::Ringway, 90.0)];
        let mut sheet = Sheet { cell, rows: ours.into() };
        assert!(all(std::slice::from_ref(&sheet)).is_empty());
        sheet.rows.extend([row("one", Kind::Textbook, 100.0), row("another", Kind::Textbook, 80.0)]);
        let [verdict] = &all(&[sheet])[..] else { panic!("one figure, one target") };
        assert_eq!(verdict.against.as_deref(), Some("another"));
        assert_eq!(verdict.reached, Some(false), "{verdict:?}");
    }
}
