//! Where somebody between processes is ahead of us, by how much, and why: the reasons are written by hand.

use super::{DEFAULT, SLEEPING, SPINNING, TABLE};
use crate::args::WorkKind;
use crate::contestant::{Ends, Waiting};
use crate::contestants::loans::ONE_TO_ONE;
use crate::entry::Kind;
use crate::sheet::{Row, Sheet};
use crate::stats::Summary;

/// What is known of why. See the file's first lines for how it is written.
const REASONS: &str = include_str!("../../reasons.md");

/// A figure in which somebody is ahead.
#[derive(Debug)]
pub struct Lost<'a> {
    /// Where.
    pub sheet: &'a Sheet,
    /// In what.
    pub metric: usize,
    /// How we take part.
    pub ours: &'a Row,
    /// Who is ahead.
    pub theirs: &'a Row,
    /// How many times as good they are, round by round: above 1.
    pub by: Summary,
}

impl Lost<'_> {
    /// Whether it is more than the interval's width.
    pub fn is_clear(&self) -> bool {
        self.by.low > 1.0
    }

    /// What is written about it.
    pub fn reason(&self) -> Option<&'static str> {
        reason(REASONS, &self.sheet.cell.slug(), self.theirs.card.name)
    }
}

/// All such figures, in the order of the sheets, the worst of each first.
pub fn all(sheets: &[Sheet]) -> Vec<Lost<'_>> {
    let figures = sheets.iter().flat_map(|sheet| (0..sheet.cell.metrics().len()).map(move |metric| (sheet, metric)));
    let each = figures.filter(|(sheet, metric)| counts(sheet, *metric)).flat_map(|(sheet, metric)| {
        let mut lost: Vec<_> = sheet.rows.iter().filter_map(|row| lost(sheet, metric, row)).collect();
        lost.sort_by(|a, b| b.by.median.total_cmp(&a.by.median));
        lost
    });
    each.collect()
}

/// Not when the last message of a burst is there, which is soon if its sender was slow; and of messages in place not their
/// number, which their bytes tell already.
fn counts(sheet: &Sheet, metric: usize) -> bool {
    sheet.cell.metrics()[metric].id != "last_us" && (sheet.cell.work != WorkKind::Loans || metric == 0)
}

fn lost<'a>(sheet: &'a Sheet, metric: usize, theirs: &'a Row) -> Option<Lost<'a>> {
    let is_rival = matches!(theirs.kind, Kind::Peer | Kind::Kernel | Kind::Textbook);
    let ours = comparable(sheet, metric, theirs).filter(|_| is_rival && theirs.ends == Ends::Processes)?;
    let by = if sheet.cell.metrics()[metric].less {
        ours.over(theirs, metric, None)?
    } else {
        theirs.over(ours, metric, None)?
    };
    (by.median > 1.0).then_some(Lost { sheet, metric, ours, theirs, by })
}

/// Who of us does as they do. Where it matters how one waits, who waits as they do; else whoever waits by default, in the
/// better of the two layouts or kinds where there are two.
fn comparable<'a>(sheet: &'a Sheet, metric: usize, theirs: &Row) -> Option<&'a Row> {
    let as_they_wait = match theirs.card.waiting {
        Waiting::Spins => [SPINNING, "ringway, one to one, spinning"],
        Waiting::Sleeps => [SLEEPING; 2],
        Waiting::Default => [DEFAULT, ONE_TO_ONE],
    };
    let is_about_waiting = sheet.cell.is_trips() || sheet.cell.is_bursts();
    let of = |names: &[&str]| sheet.best(metric, |row| names.contains(&row.card.name));
    let same = if is_about_waiting { of(&as_they_wait) } else { None };
    same.or_else(|| of(&[DEFAULT, TABLE, ONE_TO_ONE])).or_else(|| sheet.best(metric, |row| row.kind == Kind::Ringway))
}

/// The first that is meant for this cell and this contestant.
fn reason<'a>(reasons: &'a str, cell: &str, contestant: &str) -> Option<&'a str> {
    let mut all = written(reasons);
    all.find(|((cells, who), _)| fits(cells, cell) && fits(who, contestant)).map(|(_, text)| text)
}

/// Whether it is this name; `*` is anything.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let ends = |name: &str| name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]));
    name.strip_prefix(start).is_some_and(ends)
}

/// Each reason: what for, and its text.
fn written(reasons: &str) -> impl Iterator<Item = ((&str, &str), &str)> {
    reasons.split("\n## ").skip(1).filter_map(|part| {
        let (title, text) = part.split_once('\n')?;
        Some((title.split_once(" / ")?, text.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use crate::plan;
    use crate::report::example;
    use clap::Parser;

    #[test]
    fn who_is_ahead_is_listed_and_nobody_else() {
        let (_, mut sheets) = example::run();
        assert_eq!(all(&sheets).iter().map(|lost| lost.theirs.card.name).collect::<Vec<_>>(), Vec::<&str>::new());
        let trips = sheets.iter_mut().find(|sheet| sheet.cell.slug() == "rtt-8").expect("round trips");
        example::slow_down(trips, SPINNING, 3.0);
        let lost = all(&sheets);
        // Who sleeps is behind who spins, and the bare limit and threads are no rivals.
        let said: Vec<_> = lost.iter().map(|it| (it.ours.card.name, it.theirs.card.name, it.by.median)).collect();
        assert_eq!(said, [(SPINNING, "peer, spinning", 2.0), (SPINNING, "iceoryx2, spinning", 1.5)]);
        assert!(lost.iter().all(Lost::is_clear));
    }

    #[test]
    fn the_first_reason_that_fits() {
        let reasons = "How.\n\n## rate-8-*1 / rtrb\n\none\n\n## rate-* / *\ntwo\nlines\n";
        let of = |cell, who| reason(reasons, cell, who);
        assert_eq!(of("rate-8-batch-1", "rtrb"), Some("one"));
        assert_eq!(of("rate-8-batch-64", "rtrb"), Some("two\nlines"));
        assert_eq!(of("rtt-8", "rtrb"), None);
    }

    /// A reason for a cell that there is not would never be read.
    #[test]
    fn each_reason_is_for_a_cell_that_there_is() {
        let cells = plan::cells(&Args::parse_from(["arena"]).run);
        let titles = REASONS.matches("\n## ").count();
        assert_eq!(written(REASONS).count(), titles, "a title is `## CELL / CONTESTANT`");
        for ((pattern, who), text) in written(REASONS) {
            let title = format!("## {pattern} / {who}\n");
            assert!(cells.iter().any(|cell| reason(&format!("\n{title}x"), &cell.slug(), who).is_some()), "{title}");
            assert!(!text.is_empty(), "{title}");
        }
    }
}
