//! Keeps the page of faults: every number once, every test that it names there, marked with its number, and run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the page must tell of: the numbers of the design, and misuse.
const NUMBERS: u32 = 70;
const MISUSE: u32 = 6;
/// What stands for a test where it is the compiler that says no.
const COMPILED: [&str; 2] = ["compile_fail", "assert_impl_all"];

/// A row of the page.
#[derive(Debug, PartialEq)]
struct Row {
    number: String,
    fault: String,
    happens: String,
    /// Files and functions.
    tests: Vec<(String, String)>,
    /// Why there are none.
    reason: Option<String>,
}

/// The rows of all tables of the page.
fn rows(page: &str) -> Vec<Row> {
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let lines = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| no. "));
    let row = |line: &str| {
        let [number, fault, happens, shown]: [String; 4] =
            cells(line).try_into().unwrap_or_else(|cells| panic!("four cells: {cells:?}"));
        let test = |quoted: &str| quoted.split_once("::").map(|(file, name)| (file.to_owned(), name.to_owned()));
        let tests: Vec<_> = shown.split('`').skip(1).step_by(2).filter_map(test).collect();
        let reason = tests.is_empty().then_some(shown);
        Row { number, fault, happens, tests, reason }
    };
    lines.map(row).collect()
}

/// The lines right above the function in a file: its comments and attributes; `None` if it is not there.
fn above(text: &str, name: &str) -> Option<Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let heads = [format!("fn {name}("), format!("fn {name}<")];
    let at = if COMPILED.contains(&name) {
        lines.iter().position(|line| line.contains(name) && !line.trim_start().starts_with("use "))?
    } else {
        lines.iter().position(|line| heads.iter().any(|head| line.contains(head.as_str())))?
    };
    let belongs = |line: &&&str| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("#[")
    };
    Some(lines[..at].iter().rev().take_while(belongs).map(|line| line.trim().to_owned()).collect())
}

/// The numbers that a comment marks a test with: "Fault 12." or "Faults 4 and M1, where ...".
fn marks(line: &str) -> Vec<String> {
    let comment = line.trim_start().trim_start_matches('/').trim_start();
    let Some(rest) = comment.strip_prefix("Fault ").or_else(|| comment.strip_prefix("Faults ")) else {
        return Vec::new();
    };
    let sentence = rest.split('.').next().unwrap_or("");
    let is_number = |word: &&str| {
        let digits = word.strip_prefix('M').unwrap_or(word);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    sentence.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_number).map(str::to_owned).collect()
}

/// What is wrong with a test that a row names.
fn breaches(number: &str, file: &str, name: &str, text: Option<&str>, is_run: impl Fn(&str) -> bool) -> Vec<String> {
    let told = |what: &str| vec![format!("{number}: {file}::{name}: {what}")];
    let Some(text) = text else { return told("no such file") };
    let Some(above) = above(text, name) else { return told("no such function") };
    let mut breaches = Vec::new();
    let is_test = above.iter().any(|line| line == "#[test]");
    if name == "scenes" {
        let stem = file.rsplit('/').next().unwrap_or("").trim_end_matches(".rs");
        if !is_run(&format!("{stem}::scenes()")) {
            breaches.extend(told("nobody plays these scenes"));
        }
    } else if !is_test && !COMPILED.contains(&name) {
        breaches.extend(told("is no test"));
    }
    if above.iter().any(|line| line.starts_with("#[ignore")) {
        breaches.extend(told("is ignored"));
    }
    if !above.iter().any(|line| marks(line).iter().any(|mark| mark == number)) {
        breaches.extend(told("does not bear the number"));
    }
    breaches
}

/// The names of the functions in a file that bear numbers, with these.
fn marked(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut numbers: Vec<String> = Vec::new();
    for line in text.lines() {
        numbers.extend(marks(line));
        let line = line.trim_start();
        if line.starts_with("//") && !COMPILED.iter().any(|name| line.contains(name)) || line.starts_with("#[") {
            continue;
        }
        let name = line.split_once("fn ").map(|(_, rest)| rest.split(['(', '<']).next().unwrap_or("").to_owned());
        let name = name.or_else(|| COMPILED.into_iter().find(|name| line.contains(name)).map(str::to_owned));
        found.extend(numbers.drain(..).map(|number| (number, name.clone().unwrap_or(line.to_owned()))));
    }
    found
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(top().join(path)).ok()
}

/// Every file of code in `src` and `tests` but others' suites, by its path from the top.
fn sources() -> Vec<String> {
    let mut left: Vec<PathBuf> = vec![top().join("src"), top().join("tests")];
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            if !path.ends_with("tests/suites") && !path.ends_with("tests/ecosystem") {
                left.extend(
                    std::fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()),
                );
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path.strip_prefix(top()).expect("below the top").to_str().expect("text").to_owned());
        }
    }
    found
}

#[test]
fn every_fault_is_on_the_page_once_with_what_shows_it() {
    let rows = rows(&read("tests/FAULTS.md").expect("the page"));
    let mut times = BTreeMap::<&str, u32>::new();
    for row in &rows {
        *times.entry(&row.number).or_default() += 1;
        assert!(!row.fault.is_empty() && !row.happens.is_empty(), "{row:?}");
        // Of what cannot be shown it says why.
        assert!(row.reason.as_ref().is_none_or(|reason| reason.len() > 20), "{row:?}");
    }
    let expected: Vec<_> = (1..=NUMBERS).map(|n| n.to_string()).chain((1..=MISUSE).map(|n| format!("M{n}"))).collect();
    assert!(expected.iter().all(|number| times.get(number.as_str()) == Some(&1)), "{times:?}");
    assert_eq!(times.len(), expected.len(), "{times:?}");
}

#[test]
fn every_test_on_the_page_is_there_and_bears_its_number_and_no_other_does() {
    let rows = rows(&read("tests/FAULTS.md").expect("the page"));
    let run = read("tests/step_kill/run.rs").expect("what plays scenes");
    let mut found = Vec::new();
    for row in &rows {
        for (file, name) in &row.tests {
            let text = read(file);
            found.extend(breaches(&row.number, file, name, text.as_deref(), |scenes| run.contains(scenes)));
        }
    }
    for path in sources() {
        if path == "tests/faults/page.rs" {
            continue;
        }
        for (number, name) in marked(&read(&path).expect("text")) {
            let is_told =
                rows.iter().any(|row| row.number == number && row.tests.contains(&(path.clone(), name.clone())));
            if !is_told {
                found.push(format!("{number}: {path}::{name}: the page does not name it"));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

// The rules, each broken.

#[test]
fn a_row_is_read_as_it_is_written() {
    let page = "# Title\n\n| no. | fault | what happens | tests |\n|---:|---|---|---|\n\
                | 7 | a | `B::C` | `tests/a.rs::b`, `src/c.rs::d` |\n| M1 | a | b | hand-over: `tests/x.rs` |\n";
    let rows = rows(page);
    let test = |file: &str, name: &str| (file.to_owned(), name.to_owned());
    assert_eq!(rows[0].tests, [test("tests/a.rs", "b"), test("src/c.rs", "d")]);
    assert_eq!((rows[0].number.as_str(), rows[0].reason.as_deref(), rows.len()), ("7", None, 2));
    assert_eq!((rows[1].number.as_str(), rows[1].reason.as_deref()), ("M1", Some("hand-over: `tests/x.rs`")));
}

#[test]
fn a_test_that_is_not_what_the_page_says_is_seen() {
    let check =
        |number: &str, name: &str, text: &str| breaches(number, "tests/a.rs", name, Some(text), |_| false).len();
    let good = "/// It is so.\n/// Faults 3 and 12, on a good day.\n#[test]\nfn it() {}\n";
    assert_eq!([check("3", "it", good), check("12", "it", good)], [0, 0]);
    assert_eq!(check("1", "it", good), 1, "another number");
    assert_eq!(check("3", "other", good), 1, "another function");
    assert_eq!(check("3", "it", &good.replace("#[test]\n", "")), 1, "no test");
    assert_eq!(check("3", "it", &good.replace("#[test]\n", "#[test]\n#[ignore]\n")), 1, "ignored");
    assert_eq!(check("3", "it", &good.replace("#[test]", "\n#[test]")), 1, "a number above something else");
    assert_eq!(breaches("3", "tests/a.rs", "it", None, |_| true).len(), 1, "no file");
    let scenes = "/// Fault 2.\npub(crate) fn scenes() {}";
    assert_eq!(breaches("2", "tests/b.rs", "scenes", Some(scenes), |name| name == "b::scenes()").len(), 0);
    assert_eq!(check("2", "scenes", scenes), 1, "not played");
    assert_eq!(marked(good), [("3".to_owned(), "it".to_owned()), ("12".to_owned(), "it".to_owned())]);
}
