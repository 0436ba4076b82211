//! Keeps `CHECKS.md`: every check is on it once and is there, CI runs every one, and every promise of the README is on it, in the
//! README's words, with checks that are on it, too.

use std::collections::BTreeSet;
use std::path::Path;

/// Rows of the page's tables, by the heading they stand under.
#[derive(Debug, Default)]
struct Page {
    checks: Vec<Vec<String>>,
    promises: Vec<Vec<String>>,
}

/// The cells of a row.
fn cells(line: &str) -> Vec<String> {
    // A bar inside of a cell is written `\|`.
    let line = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{1}");
    line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// The rows of the tables in a text, without their heads.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |line: &str| line.starts_with('|');
    let is_rule = |line: &str| line.starts_with("|--") || line.starts_with("|:-");
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|next| is_rule(next));
    let body = (0..lines.len()).filter(|&at| is_row(lines[at]) && !is_rule(lines[at]) && !is_head(at));
    body.map(|at| cells(lines[at])).collect()
}

/// What stands under a heading, to the next of the same level.
fn under<'a>(text: &'a str, heading: &str) -> &'a str {
    let start = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading:?}"));
    let rest = &text[start + heading.len() + 2..];
    let level = heading.split(' ').next().expect("a heading");
    rest.split(&format!("\n{level} ")).next().expect("a first part")
}

impl Page {
    fn of(text: &str) -> Self {
        Self { checks: rows(under(text, "## The checks")), promises: rows(under(text, "## The promises")) }
    }

    /// All commands of the first table.
    fn commands(&self) -> Vec<&str> {
        self.checks.iter().flat_map(|row| quoted(&row[0])).collect()
    }
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// One space for any, and no mark of emphasis, so that a quotation may be broken otherwise.
fn plain(text: &str) -> String {
    text.replace('*', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The promises of the README: the first cells of its two tables of them, and the bold beginnings of its list.
fn promises(readme: &str) -> Vec<String> {
    let guarantees = under(readme, "## Guarantees");
    let first = |row: Vec<String>| plain(&row[0]);
    let bold = |line: &str| line.strip_prefix("- **").and_then(|rest| rest.split("**").next()).map(plain);
    let trust = under(readme, "## Trust");
    rows(guarantees)
        .into_iter()
        .map(first)
        .chain(guarantees.lines().filter_map(bold))
        .chain(rows(trust).into_iter().map(first))
        .collect()
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

fn page() -> Page {
    Page::of(&read("tests/CHECKS.md").expect("the page"))
}

/// The names in a directory that end so.
fn names(directory: &str, end: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    names.filter_map(|name| name.strip_suffix(end).map(str::to_owned)).collect()
}

/// The programs of `tests/checks`.
fn programs() -> BTreeSet<String> {
    names("tests/checks", "").into_iter().filter(|name| !name.contains('.')).collect()
}

/// What a command names behind this, each word of it.
fn named(commands: &[&str], before: &str) -> Vec<String> {
    let words = |command: &&str| command.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let pairs = commands.iter().map(words).flat_map(|words| words.windows(2).map(<[_]>::to_vec).collect::<Vec<_>>());
    pairs.filter(|pair| pair[0] == before).map(|pair| pair[1].clone()).collect()
}

#[test]
fn every_check_is_on_the_page_once_and_in_ci() {
    let page = page();
    for row in &page.checks {
        assert_eq!(row.len(), 4, "command, proves, cannot, longer: {row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "a cell says something, or `-`: {row:?}");
    }
    let commands = page.commands();
    let mut on_page: Vec<String> = commands
        .iter()
        .filter_map(|command| command.split(' ').next()?.strip_prefix("tests/checks/"))
        .map(str::to_owned)
        .collect();
    on_page.sort();
    assert_eq!(on_page, programs().into_iter().collect::<Vec<_>>(), "each program once");
    let mut tests = named(&commands, "--test");
    tests.sort();
    assert_eq!(tests, names("tests", ".rs").into_iter().collect::<Vec<_>>(), "each file of tests once");
    // A package has no `.ci`.
    if let Some(ci) = read(".ci/run") {
        let runs = ci.lines().filter_map(|line| line.trim_start().strip_prefix("check ")?.split(' ').next());
        let runs: BTreeSet<String> = runs.map(str::to_owned).collect();
        assert_eq!(runs, programs());
        let rows = ci.lines().filter_map(|line| line.strip_suffix("_row() {"));
        for row in rows {
            let is_run = |line: &str| line.starts_with(&format!("{row}_row "));
            assert!(ci.lines().any(is_run), "{row}_row is not run");
        }
        assert!(ci.lines().any(|line| line.starts_with("cargo test --all-features ")), "and all tests");
    }
}

#[test]
fn every_program_says_what_it_proves_and_what_it_cannot() {
    for name in programs() {
        let text = read(&format!("tests/checks/{name}")).expect("a program");
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        for what in ["# Proves: ", "# Cannot: "] {
            assert!(head.iter().any(|line| line.starts_with(what)), "{name} lacks {what:?}");
        }
    }
}

#[test]
fn every_promise_of_the_readme_is_on_the_page_with_its_checks() {
    let (page, readme) = (page(), read("README.md").expect("the README"));
    let known: BTreeSet<&str> = page.commands().into_iter().collect();
    let on_page: Vec<String> = page.promises.iter().map(|row| plain(&row[0])).collect();
    for promise in promises(&readme) {
        let times = on_page.iter().filter(|quotation| **quotation == promise).count();
        assert_eq!(times, 1, "{promise:?} is on the page {times} times");
    }
    let readme = plain(&readme);
    for row in &page.promises {
        assert!(readme.contains(&plain(&row[0])), "the README does not say {:?}", row[0]);
        let checks = quoted(&row[1]);
        assert!(!checks.is_empty(), "nothing shows {:?}", row[0]);
        for check in checks {
            let is_known = known.contains(check) || known.iter().any(|known| is_part(check, known));
            assert!(is_known, "{:?}: no such check: {check}", row[0]);
        }
    }
}

/// Whether `cargo test --test A` is one of those in `cargo test --test A --test B`.
fn is_part(check: &str, known: &str) -> bool {
    check
        .strip_prefix("cargo test --test ")
        .is_some_and(|test| named(&[known], "--test").iter().any(|name| name == test))
}

#[test]
fn tables_and_promises_are_read_as_they_are_written() {
    let text = "# Top\n\n## Guarantees\n\n| operation | b |\n|---|---|\n| `a` *b* | `c\\|d` |\n\n- **One**: two.\n\n## Trust\n\n| x |\n|---|\n| y  z |\n\n## More\n| no |\n|--|\n| nothing |\n";
    assert_eq!(rows(under(text, "## Guarantees")), [["`a` *b*", "`c|d`"]]);
    assert_eq!(promises(text), ["`a` b", "One", "y z"]);
    assert_eq!(quoted("see `cargo test` and `b`"), ["cargo test", "b"]);
    assert!(is_part("cargo test --test b", "cargo test --test a --test b"));
    assert!(!is_part("cargo test --test c", "cargo test --test a --test b"));
}
