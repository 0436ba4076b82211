//! Each test once without any mutant: how long it takes, and which mutants it comes by.

use crate::test::{Chosen, Ending, Test};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

/// What a test comes by, it comes by soon: a model that goes on has been everywhere before.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a test does when all is well.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) test: Test,
    /// At least: the slow ones are not run to their end.
    pub(crate) takes: Duration,
    pub(crate) reaches: BTreeSet<u32>,
    built: u128,
}

impl Known {
    /// Whether its program is the one that was asked: another build in the same place, or none, says nothing of these mutants.
    pub(crate) fn is_the_same(&self) -> bool {
        built(&self.test) == self.built
    }
}

/// Of all these tests, quickest first; those that fail anyway are left out, and told. What is known of the same program from an earlier run
/// is not asked again.
pub(crate) fn of(tests: Vec<Test>, numbers: usize, copy: &Path, jobs: usize) -> Vec<Known> {
    let kept = copy.with_file_name("baseline");
    let mut known = recall(&kept, &tests);
    let is_known = |test: &Test| known.iter().any(|known: &Known| known.test == *test);
    let asked = tests.into_iter().filter(|test| !is_known(test)).collect();
    known.extend(ask(asked, numbers, copy, jobs));
    keep(&kept, &known);
    // The quick ones first; of those that are as quick, the ones that are about less.
    known.sort_by_key(|known| (known.test.layer, known.takes.as_millis() / 250, known.reaches.len()));
    known
}

/// A line for each: the program and when it was built, the test, milliseconds, the mutants.
fn keep(path: &Path, known: &[Known]) {
    let line = |known: &Known| {
        let reaches: Vec<_> = known.reaches.iter().map(u32::to_string).collect();
        format!("{}\t{}\t{}\n", name(&known.test), known.takes.as_millis(), reaches.join(" "))
    };
    let old = fs::read_to_string(path).unwrap_or_default();
    let news: String = known.iter().map(line).collect();
    // Of programs that are not asked now nothing is forgotten.
    let is_other = |line: &&str| !known.iter().any(|known| line.starts_with(&format!("{}\t", name(&known.test))));
    let rest: String = old.lines().filter(is_other).map(|line| format!("{line}\n")).collect();
    let _ = fs::write(path, rest + &news);
}

fn recall(path: &Path, tests: &[Test]) -> Vec<Known> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let known: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let recalled = tests.iter().filter_map(|test| {
        let (millis, reaches) = known.get(name(test).as_str())?.split_once('\t')?;
        let reaches = reaches.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let takes = Duration::from_millis(millis.parse().ok()?);
        Some(Known { test: test.clone(), takes, reaches, built: built(test) })
    });
    recalled.collect()
}

/// A test of a program as it was built this time.
fn name(test: &Test) -> String {
    format!("{} {} {}", test.program.display(), built(test), test.name)
}

/// When its program was built, in milliseconds; 0: it is not there.
fn built(test: &Test) -> u128 {
    let built = fs::metadata(&test.program).and_then(|file| file.modified()).ok();
    built.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default().as_millis()
}

fn ask(tests: Vec<Test>, numbers: usize, copy: &Path, jobs: usize) -> Vec<Known> {
    let (left, known) = (Mutex::new(tests.into_iter().enumerate()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some((index, test)) = left.lock().expect("a list").next() else { return };
                    match one(test, index, numbers, copy) {
                        Ok(one) => known.lock().expect("a list").push(one),
                        Err(why) => eprintln!("left out: {why}"),
                    }
                }
            });
        }
    });
    known.into_inner().expect("a list")
}

fn one(test: Test, index: usize, numbers: usize, copy: &Path) -> Result<Known, String> {
    let title = test.title();
    let marks = copy.join(format!("marks-{index}"));
    fs::write(&marks, vec![0; numbers + 1]).map_err(|error| format!("{}: {error}", marks.display()))?;
    let ran = test.run(Chosen::Marks(&marks), copy, PATIENCE);
    let bytes = fs::read(&marks).unwrap_or_default();
    let _ = fs::remove_file(&marks);
    let (ending, takes) = ran.map_err(|error| format!("{title}: {error}"))?;
    if let Ending::Failed(said) = ending {
        return Err(format!("{title}: fails without any mutant: {said}"));
    }
    let reaches = (0..).zip(bytes).filter(|(_, mark)| *mark != 0).map(|(number, _)| number).collect();
    let built = built(&test);
    Ok(Known { test, takes, reaches, built })
}
