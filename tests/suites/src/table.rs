//! The table of what runs: made of the lists, compared with what the test harness knows, and with the page in `README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::Command;

/// Tests of others.
#[derive(Debug)]
pub struct Suite {
    /// The crate, and the adapter.
    pub name: &'static str,
    /// The package and its version.
    pub version: &'static str,
    pub files: &'static [File],
}

/// One of its files.
#[derive(Debug)]
pub struct File {
    /// In the package.
    pub path: &'static str,
    /// The module that it is here.
    pub module: &'static str,
    /// What of ringway it runs on.
    pub stands_on: &'static str,
    /// The tests that run.
    pub tests: &'static [&'static str],
    /// Those that do not, and the word for why.
    pub not_applicable: &'static [(&'static str, &'static str)],
    /// The changes, by test (an empty name: to the whole file), and the word for why.
    pub changed: &'static [(&'static str, &'static str)],
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// Compares what runs in this binary, over each kind of channel, with what the lists leave.
///
/// # Panics
///
/// If a test is neither listed nor run, or run and not known.
pub fn check_what_runs(suite: &str, kinds: &[&str]) {
    let listing = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--list", "--format", "terse"])
        .output()
        .expect("this binary starts");
    let listing = String::from_utf8(listing.stdout).expect("names");
    let suite = SUITES.iter().find(|known| known.name == suite).expect("a list of that name");
    for kind in kinds {
        let mut known: Vec<_> = listing
            .lines()
            .filter_map(|line| line.strip_suffix(": test")?.strip_prefix(*kind)?.strip_prefix("::"))
            .map(str::to_owned)
            .collect();
        let path = |file: &File, test: &str| format!("{}::{test}", file.module);
        let mut meant: Vec<_> =
            suite.files.iter().flat_map(|file| file.tests.iter().map(move |test| path(file, test))).collect();
        known.sort();
        meant.sort();
        assert_eq!(known, meant, "what runs, and what the list leaves to run");
    }
}

/// How often each word stands there, the most frequent first.
fn counted<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// A line of the table: a file, on one thing.
#[derive(Default)]
struct Line {
    run: usize,
    changed: usize,
    not_applicable: Vec<&'static str>,
}

impl Line {
    fn add(&mut self, file: &File) {
        self.run += file.tests.len();
        let changed: BTreeSet<_> = file.changed.iter().map(|(test, _)| *test).filter(|test| !test.is_empty()).collect();
        self.changed += changed.len();
        self.not_applicable.extend(file.not_applicable.iter().map(|(_, why)| *why));
    }

    fn cells(&self) -> String {
        let not = self.not_applicable.len();
        format!("{} | {} | {} | {not}", self.run + not, self.run, self.changed)
    }
}

/// The tables of the page: suites, and reasons.
pub fn page() -> String {
    let mut page = "| suite | on | tests | run and pass | of them changed | not applicable | because |\n".to_owned();
    page += "|---|---|---:|---:|---:|---:|---|\n";
    let mut lines: BTreeMap<_, Line> = BTreeMap::new();
    let mut all = Line::default();
    for suite in SUITES {
        for file in suite.files {
            lines.entry((suite.version, file.path, file.stands_on)).or_default().add(file);
            all.add(file);
        }
    }
    for ((version, path, on), line) in &lines {
        let why = counted(line.not_applicable.iter().copied());
        let why: Vec<_> = why.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let on = if line.run > 0 { format!("`{on}`") } else { "-".to_owned() };
        let _ = writeln!(page, "| {version}, `{path}` | {on} | {} | {} |", line.cells(), why.join(", "));
    }
    let _ = writeln!(page, "| all | | {} | |\n", all.cells());
    let [all, run] = different();
    let _ = writeln!(page, "These are {all} different tests; {run} of them run, on one thing at least.\n");
    page += "| word | not applicable, or changed, because |\n|---|---|\n";
    for (word, reason) in REASONS {
        let _ = writeln!(page, "| {word} | {reason} |");
    }
    page
}

/// How many different tests there are, whatever they run on, and how many of them run.
fn different() -> [usize; 2] {
    let (mut all, mut run) = (BTreeSet::new(), BTreeSet::new());
    for suite in SUITES {
        for file in suite.files {
            let key = |test: &'static str| (suite.version, file.path, file.module, test);
            run.extend(file.tests.iter().map(|test| key(test)));
            all.extend(file.not_applicable.iter().map(|(test, _)| key(test)));
        }
    }
    all.extend(&run);
    [all.len(), run.len()]
}

/// The words that no list uses.
pub fn unused_reasons() -> Vec<&'static str> {
    let files = || SUITES.iter().flat_map(|suite| suite.files);
    let uses =
        |word: &str| files().any(|file| file.not_applicable.iter().chain(file.changed).any(|(_, why)| *why == word));
    REASONS.iter().map(|(word, _)| *word).filter(|word| !uses(word)).collect()
}
