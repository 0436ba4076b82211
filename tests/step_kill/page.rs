//! The page of what is killed where (`STEP_KILLS.md`), kept true: every scene is on it, every scene on it is one, and every operation
//! that the sources of an end have is on it, too. It says which part of its life an end is in, and so what the totals are of.

use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../STEP_KILLS.md");

/// The kinds, by their names there, and the sources that have their operations.
const SOURCES: [(&str, &[&str]); 8] = [
    ("spsc", &["channel/spsc"]),
    ("mpmc", &["channel/mpmc"]),
    ("bytes::spsc", &["bytes/spsc"]),
    ("bytes::mpmc", &["bytes/mpmc"]),
    ("stream", &["stream"]),
    ("duplex", &["stream/duplex.rs"]),
    ("handover", &["handover"]),
    ("observe", &["observe/mod.rs"]),
];

/// Sources there that are nobody's operations.
const OTHERS: [&str; 6] = [
    "stream/duplex.rs",
    "channel/mpmc/tally.rs",
    "handover/error.rs",
    "bytes/error.rs",
    "stream/blocking.rs",
    "handover/trust.rs",
];

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) part: &'static str,
    operations: Vec<&'static str>,
    scenes: Vec<&'static str>,
}

/// What stands in backticks.
fn quoted(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

pub(crate) fn rows() -> Vec<Row> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| kind"));
    let cells = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| {
            let [kind, part, operations, scenes] = cells[..] else { panic!("four columns: {cells:?}") };
            Row { kind, part, operations: quoted(operations), scenes: quoted(scenes) }
        })
        .collect()
}

/// Whether a scene's name is this one; `*` stands for anything.
fn is_named(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut ends_open = !pattern.contains('*') && rest.is_empty();
    for part in parts {
        let Some(at) = rest.rfind(part) else { return false };
        rest = &rest[at + part.len()..];
        ends_open = part.is_empty() || rest.is_empty();
    }
    ends_open
}

impl Row {
    pub(crate) fn has(&self, scene: &str) -> bool {
        self.scenes.iter().any(|pattern| is_named(scene, pattern))
    }
}

/// The names of the public functions of these sources.
fn functions(sources: &[&str]) -> BTreeSet<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for source in sources {
        let path = src.join(source);
        match std::fs::read_dir(&path) {
            Ok(entries) => files.extend(entries.map(|entry| entry.expect("an entry").path())),
            Err(_) => files.push(path),
        }
    }
    files.retain(|file| file.is_file() && (sources.len() == 1 && file.ends_with(sources[0]) || !is_other(file)));
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("a source"));
    let name = |line: &str| {
        let rest = line.trim_start().strip_prefix("pub fn ")?;
        Some(rest.split(['(', '<']).next()?.to_owned()).filter(|name| !name.starts_with('$'))
    };
    texts.flat_map(|text| text.lines().filter_map(name).collect::<Vec<_>>()).collect()
}

fn is_other(file: &Path) -> bool {
    OTHERS.iter().any(|other| file.ends_with(other))
}

/// What is wrong with the page.
pub(crate) fn slips(scenes: &[String]) -> Vec<String> {
    let rows = rows();
    let mut slips = Vec::new();
    for scene in scenes {
        match rows.iter().filter(|row| row.has(scene)).count() {
            0 => slips.push(format!("no line has the scene {scene:?}")),
            1 => {}
            _ => slips.push(format!("more than one line has the scene {scene:?}")),
        }
    }
    for pattern in rows.iter().flat_map(|row| &row.scenes) {
        if !scenes.iter().any(|scene| is_named(scene, pattern)) {
            slips.push(format!("there is no scene {pattern:?}"));
        }
    }
    for (kind, sources) in SOURCES {
        let there = functions(sources);
        let told: BTreeSet<String> = rows
            .iter()
            .filter(|row| row.kind == kind)
            .flat_map(|row| &row.operations)
            .map(|name| (*name).to_owned())
            .collect();
        slips.extend(there.difference(&told).map(|name| format!("{kind} has an operation that is on no line: {name}")));
        slips.extend(told.difference(&there).map(|name| format!("{kind} has no operation {name}")));
    }
    slips
}
