//! What ringway is meant to reach with messages of any length.

use super::{Claim, Goal, Verdict, find, goals};
use crate::args::WorkKind;
use crate::entry::Kind;
use crate::plan::Cell;
use crate::report::DEFAULT;
use crate::sheet::{Row, Sheet};

/// Bytes of the large message that the targets are about.
const LARGE: usize = 1 << 20;
/// With as much memory as the largest of the bare pipelines has.
pub const AS_LARGE: &str = "ringway, 4 MiB";
/// Of the best bare pipeline.
const OF_LIMIT: f64 = 0.97;
/// Of anybody else who carries them.
const OF_PEERS: f64 = 1.0;
/// Of the best of what the kernel has, where records come one after the other, or a hundred at a time to a sleeper.
const OF_KERNEL: f64 = 3.0;

/// All targets.
pub fn all(sheets: &[Sheet]) -> Vec<Verdict> {
    let mut verdicts = large(sheets);
    verdicts.extend(records(sheets));
    verdicts.extend(bursts(sheets));
    verdicts
}

fn large(sheets: &[Sheet]) -> Vec<Verdict> {
    let claim = |goal: f64, whom: &str| Claim {
        target: format!("messages of 1 MiB, buffer to buffer: ringway >= {goal} x {whom}"),
        sheet: find(sheets, |cell| (cell.work, cell.bytes) == (WorkKind::Bulk, LARGE)),
        metric: 0,
        ours: DEFAULT,
        goal: Goal::AtLeast(goal),
    };
    let limit = claim(OF_LIMIT, "the best bare pipeline");
    // The best pipeline may have more memory than a ring that nobody has sized.
    let target = format!("messages of 1 MiB, buffer to buffer: {AS_LARGE} >= {OF_LIMIT} x the best bare pipeline");
    let as_large = Claim { ours: AS_LARGE, target, ..claim(OF_LIMIT, "") };
    let is_limit = |row: &Row| row.kind == Kind::Limit;
    let all = [limit.best(is_limit), as_large.best(is_limit), claim(OF_PEERS, "the best peer").best(Row::is_peer)];
    all.map(|verdict| verdict.toward(goals::LARGE)).into()
}

fn records(sheets: &[Sheet]) -> Vec<Verdict> {
    let verdict = |(least, bytes): (usize, usize)| {
        let is = |cell: &Cell| (cell.work, cell.least, cell.bytes) == (WorkKind::Records, least, bytes);
        let lengths = if least == bytes { bytes.to_string() } else { format!("{least} to {bytes}") };
        Claim {
            target: format!("records of {lengths} bytes, one way: ringway >= {OF_KERNEL} x the best pipe or socket"),
            sheet: find(sheets, |cell| is(cell) && !cell.is_bursts()),
            metric: 0,
            ours: DEFAULT,
            goal: Goal::AtLeast(OF_KERNEL),
        }
        .best(|row: &Row| row.kind == Kind::Kernel)
    };
    [(64, 64), (1024, 1024), (16, 4096)].map(verdict).into()
}

/// A burst from its beginning to its end, and what it costs both processors.
fn bursts(sheets: &[Sheet]) -> Vec<Verdict> {
    let each = [64, 1024].map(|bytes| {
        let sheet = find(sheets, |cell| (cell.work, cell.bytes) == (WorkKind::Records, bytes) && cell.is_bursts());
        let claim = |what: &str, id: &str| Claim {
            target: format!(
                "records of {bytes} bytes, bursts every 1 ms: {what} <= 1/{OF_KERNEL} of the best pipe or socket"
            ),
            metric: sheet.and_then(|sheet| sheet.cell.metrics().iter().position(|it| it.id == id)).unwrap_or(0),
            sheet,
            ours: DEFAULT,
            goal: Goal::AtMost(1.0 / OF_KERNEL),
        };
        ["whole_us", "cpu_percent"].map(|id| {
            let what = if id == "whole_us" { "a burst takes" } else { "processor time" };
            claim(what, id).best(|row: &Row| row.kind == Kind::Kernel)
        })
    });
    each.into_iter().flatten().collect()
}
