//! The report of a run: a page of Markdown, and beside it a directory with what the README takes from it.

use super::about::{About, span};
use super::verdicts::{self, Goals, Verdict};
use super::{ends, lost, readme, table, waiting};
use crate::args::WorkKind;
use crate::contestant::Failure;
use crate::plan::BURST;
use crate::sheet::Sheet;
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the README's part of this report lies.
pub fn directory(path: &Path) -> Result<PathBuf, Failure> {
    match path.extension() {
        Some(extension) if extension == "md" => Ok(path.with_extension("")),
        _ => Err(format!("{}: the report's name ends with .md", path.display()).into()),
    }
}

/// Writes the page, and what the README takes from it: a drawing and a table. (Of each cell draws `--plot`.)
pub fn write(path: &Path, about: &About, sheets: &[Sheet]) -> Result<(), Failure> {
    let dir = directory(path)?;
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    readme::draw(&dir.join("readme.svg"), sheets)?;
    let link = dir.file_name().unwrap_or_default().to_string_lossy();
    let files = [
        (path.to_owned(), text(about, sheets, &link)),
        (dir.join("readme.md"), readme::text(about, sheets, &from_root(&dir).unwrap_or(link.to_string()))),
    ];
    for (path, text) in files {
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The directory as the README at the root of this tree names it; nothing for one that lies elsewhere.
fn from_root(dir: &Path) -> Option<String> {
    let root = fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).ok()?;
    Some(fs::canonicalize(dir).ok()?.strip_prefix(root).ok()?.to_string_lossy().into_owned())
}

/// The page, which shows a drawing of the directory `link`.
fn text(about: &About, sheets: &[Sheet], link: &str) -> String {
    let verdicts = verdicts::all(sheets);
    let mut text = String::from("# A run of the arena\n\n");
    text += "Made by `benches/arena`; its README says what is measured and how. Nothing here was written by hand but the reasons \
             (`benches/arena/reasons.md`).\n\n";
    text += &facts(about);
    text += &goals(&verdicts);
    text += &losses(sheets);
    text += &format!("## In short\n\n![ringway and the others]({link}/readme.svg)\n\n");
    text += &works(about, sheets);
    text += &others(&verdicts);
    text += &contestants(sheets);
    text
}

fn facts(about: &About) -> String {
    let About { machine, busy, weather, cpus, rounds, turn_ms, made, .. } = about;
    let mut kind = String::new();
    if machine.is_virtual {
        kind += ", a virtual machine's";
    }
    if !machine.optimised {
        kind += "; **not optimised: the figures mean nothing**";
    }
    let warnings = busy.warnings();
    let others = if warnings.is_empty() { "nobody to speak of".to_owned() } else { warnings.join("; ") };
    let lines = [
        ["machine".to_owned(), format!("{}, {} processors{kind}", machine.cpu, machine.processors)],
        ["kernel".to_owned(), format!("Linux {}", machine.kernel)],
        ["commit".to_owned(), made.commit.clone()],
        ["command".to_owned(), format!("`{}`", made.command)],
        ["date".to_owned(), made.date.clone()],
        ["processors".to_owned(), format!("sender on {}, receiver on {}", cpus[0], cpus[1])],
        ["load at the start".to_owned(), format!("{:.2}", busy.load)],
        ["who else used the machine".to_owned(), others],
        ["weather".to_owned(), weather.to_string()],
        ["rounds".to_owned(), format!("{}, of turns of {} ms", span(rounds), span(turn_ms))],
        [
            "huge pages".to_owned(),
            format!("{} for threads' memory, {} for shared memory", machine.huge_pages[0], machine.huge_pages[1]),
        ],
    ];
    let header = ["", ""].map(str::to_owned);
    grid(std::iter::once(header).chain(lines))
}

/// A table of Markdown, its header first.
pub fn grid<L: AsRef<[String]>>(lines: impl IntoIterator<Item = L>) -> String {
    let mut text = String::new();
    for (n, line) in lines.into_iter().enumerate() {
        let cells: Vec<_> = line.as_ref().iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        if n == 0 {
            let _ = writeln!(text, "|{}", "---|".repeat(cells.len()));
        }
    }
    text.push('\n');
    text
}

fn goals(verdicts: &[Verdict]) -> String {
    let mut text = String::from(
        "## Goals\n\nRatios are medians of ratios within a round, with their 95 % interval; a goal is met when the intervals of all its \
         parts reach it. Below, each part, and which rows it was taken from.\n\n",
    );
    let goals = Goals::of(verdicts);
    let line = |goal: &Goals<'_>| {
        let measured = goal.parts.iter().filter(|part| part.reached.is_some()).count();
        let reached = goal.parts.iter().filter(|part| part.reached == Some(true)).count();
        [goal.title.to_owned(), format!("**{}**", goal.state().word()), format!("{reached} of {measured}")]
    };
    let header = ["goal", "", "parts reached, of those measured"].map(str::to_owned);
    text += &grid(std::iter::once(header).chain(goals.iter().map(line)));
    text += &parts(goals.iter().flat_map(|goal| goal.parts.iter().copied()));
    text
}

fn parts<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> String {
    let line = |verdict: &Verdict| {
        let said = match (verdict.reached, verdict.by_median) {
            (Some(true), Some(false)) => "met, not by the median",
            (Some(true), _) => "met",
            (Some(false), _) => "**NOT MET**",
            (None, _) => "not measured",
        };
        let against = verdict.against.as_ref().map(|whom| format!(" against {whom}")).unwrap_or_default();
        let from = verdict.cell.as_ref().map(|cell| format!("`{cell}`: {}{against}", verdict.ours));
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [verdict.target.clone(), or_none(verdict.found()), said.to_owned(), or_none(from)]
    };
    let header = ["part", "measured", "", "from"].map(str::to_owned);
    grid(std::iter::once(header).chain(verdicts.map(line)))
}

fn losses(sheets: &[Sheet]) -> String {
    let lost = lost::all(sheets);
    let (clear, level): (Vec<_>, Vec<_>) = lost.iter().partition(|lost| lost.is_clear());
    let mut text = String::from(
        "## Where we lose\n\nFigures in which somebody between processes is ahead of the row of ringway's that does as they do: how \
         many times as good they are, and why.\n\n",
    );
    if clear.is_empty() {
        text += "Nowhere in this run.\n\n";
    } else {
        let line = |lost: &&lost::Lost<'_>| {
            [
                lost.sheet.title(lost.metric),
                lost.theirs.card.name.to_owned(),
                lost.ours.card.name.to_owned(),
                table::ratio(&lost.by),
                lost.reason().unwrap_or("no reason written yet").to_owned(),
            ]
        };
        let header = ["where", "who is ahead", "of", "by", "why"].map(str::to_owned);
        text += &grid(std::iter::once(header).chain(clear.iter().map(line)));
    }
    if !level.is_empty() {
        text += "Ahead by less than the interval's width, which is neither won nor lost:\n\n";
        for lost in level {
            let (title, whom, by) = (lost.sheet.title(lost.metric), lost.theirs.card.name, table::ratio(&lost.by));
            let _ = writeln!(text, "- {title}: {whom} {by}");
        }
        text.push('\n');
    }
    text
}

fn works(about: &About, sheets: &[Sheet]) -> String {
    let named = about.baseline.as_deref();
    let mut text = String::new();
    for work in WorkKind::value_variants() {
        let all = sheets.iter().filter(|sheet| sheet.cell.work == *work);
        for (n, sheet) in all.enumerate() {
            if n == 0 {
                let value = work.to_possible_value();
                let help = value.as_ref().and_then(|value| value.get_help()).map(ToString::to_string);
                let _ = writeln!(text, "## {}\n", help.unwrap_or_else(|| format!("{work:?}")));
            }
            let _ = writeln!(text, "### {}\n\n`{}`\n", sheet.cell.title(), sheet.cell.slug());
            for (metric, about) in sheet.cell.metrics().iter().enumerate() {
                let direction = if about.less { "less is better" } else { "more is better" };
                let _ = writeln!(text, "{}, {} ({direction}):\n", about.title, about.unit);
                text += &grid(table::lines(sheet, metric, named).into_iter().map(|line| shorter(&line)));
            }
            for row in &sheet.rows {
                if let Some(why) = &row.failure {
                    let _ = writeln!(text, "- {} failed: {why}", row.card.name);
                }
            }
        }
    }
    text
}

/// Without the version and the mode, which stand at the end; ours is bold.
fn shorter(line: &[String]) -> Vec<String> {
    let name = if line[0].starts_with("ringway") { format!("**{}**", line[0]) } else { line[0].clone() };
    std::iter::once(name).chain(line[2..line.len() - 1].iter().cloned()).collect()
}

/// Targets that are no part of a goal.
fn others(verdicts: &[Verdict]) -> String {
    let others: Vec<_> = verdicts.iter().filter(|verdict| verdict.goal.is_none()).collect();
    if others.is_empty() {
        return String::new();
    }
    format!("## Other targets\n\n{}", parts(others.into_iter()))
}

fn contestants(sheets: &[Sheet]) -> String {
    let mut lines = BTreeMap::new();
    for row in sheets.iter().flat_map(|sheet| &sheet.rows) {
        let card = &row.card;
        let line = [card.name, card.version, ends(row.ends), waiting(card.waiting), card.mode].map(str::to_owned);
        lines.insert(line.clone(), line);
    }
    let header = ["contestant", "version", "ends", "waiting", "mode"].map(str::to_owned);
    let bursts = format!("A burst has {BURST} messages.\n");
    format!("## Contestants\n\n{}{bursts}", grid(std::iter::once(header).chain(lines.into_values())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{SPINNING, example, json};

    /// Some of it: a page of all takes a while without optimisation.
    fn some() -> (About, Vec<Sheet>) {
        let (about, mut sheets) = example::run();
        sheets
            .retain(|sheet| ["rtt-8", "rtt-64", "burst-8-every-1-ms", "loans-1048576"].contains(&&*sheet.cell.slug()));
        (about, sheets)
    }

    fn page(about: &About, sheets: &[Sheet]) -> String {
        text(about, sheets, "REPORT")
    }

    /// Line by line, so that a failure shows the one.
    #[test]
    fn a_report_from_json_is_that_of_the_run() {
        let (about, mut sheets) = some();
        example::slow_down(&mut sheets[0], SPINNING, 3.3);
        sheets[1].rows[2].turns[0] = None;
        let (saved_about, saved) = json::read(&json::written(&about, &sheets).expect("JSON")).expect("JSON");
        let (of_run, of_json) = (page(&about, &sheets), page(&saved_about, &saved));
        of_run.lines().zip(of_json.lines()).for_each(|(a, b)| assert_eq!(a, b));
        assert_eq!(of_run.len(), of_json.len());
        assert_eq!(readme::text(&about, &sheets, "REPORT"), readme::text(&saved_about, &saved, "REPORT"));
    }

    #[test]
    fn the_page_says_what_was_lost_and_what_was_met() {
        let (about, mut sheets) = some();
        assert!(page(&about, &sheets).contains("Nowhere in this run."));
        example::slow_down(&mut sheets[0], SPINNING, 3.0);
        let page = page(&about, &sheets);
        for said in [
            "| round trip, 8 bytes | peer, spinning | ringway, spinning | 2.00 [2.00 2.00] | no reason written yet |",
            "| round trip, 8 bytes: spinning <= 1.05 x bare atomics | 3.00 [3.00 3.00] | **NOT MET** | `rtt-8`: ringway, \
             spinning against bare memory |",
            "| commit | 0123abc |",
            "| command | `arena --everything` |",
            "](REPORT/readme.svg)",
        ] {
            assert!(page.contains(said), "{said}\n{page}");
        }
        assert_eq!(page.matches("\n### ").count(), sheets.len());
    }

    #[test]
    fn what_would_end_a_cell_is_escaped() {
        assert_eq!(grid([["a|b"], ["c\nd"]].map(|line| line.map(str::to_owned))), "| a\\|b |\n|---|\n| c d |\n\n");
    }

    #[test]
    fn drawings_lie_beside() {
        assert_eq!(directory(Path::new("../REPORT.md")).expect("a name"), Path::new("../REPORT"));
        assert!(directory(Path::new("REPORT")).is_err());
        assert_eq!(from_root(Path::new(env!("CARGO_MANIFEST_DIR"))).as_deref(), Some("benches/arena"));
        assert_eq!(from_root(Path::new("/proc")), None);
    }
}
