//! Each test once without any mutant: how long it takes, and which mutants it comes by.

use crate::test::{Chosen, Ending, Test};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// What a test comes by, it comes by soon: a model that goes on has been everywhere before.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a test does when all is well.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) test: Test,
    /// At least: the slow ones are not run to their end.
    pub(crate) takes: Duration,
    pub(crate) reaches: BTreeSet<u32>,
}

/// Of all these tests, quickest first; those that fail anyway are left out, and told.
pub(crate) fn of(tests: Vec<Test>, numbers: usize, copy: &Path, jobs: usize) -> Vec<Known> {
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
    let mut known = known.into_inner().expect("a list");
    // The quick ones first; of those that are as quick, the ones that are about less.
    known.sort_by_key(|known| (known.test.layer, known.takes.as_millis() / 250, known.reaches.len()));
    known
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
    Ok(Known { test, takes, reaches })
}
