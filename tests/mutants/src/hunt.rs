//! Running the tests against one mutant after the other.

use crate::baseline::Known;
use crate::build::Layer;
use crate::place::Mutant;
use crate::test::{Chosen, Ending};
use crate::verdict::{NO_REASON, Verdict};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How much is done for each mutant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Mutants at a time.
    pub(crate) jobs: usize,
    /// When the tests of one layer have taken so long for one mutant, the rest is not asked; nor is one waited for much longer.
    pub(crate) budget: Duration,
}

/// Whether a test that runs on and on says that a wake was lost: there slices are switched off, or a model has no time.
fn hangs_by_a_lost_wake(known: &Known) -> bool {
    known.test.layer == Layer::Processes
        && ["wakes", "many_wakes", "waiters"]
            .iter()
            .any(|program| known.test.title().starts_with(&format!("{program}:")))
}

/// What becomes of each of these mutants; `tell` hears of each at once.
pub(crate) fn all(
    mutants: &[&Mutant],
    known: &[Known],
    copy: &Path,
    effort: Effort,
    tell: impl Fn(&Mutant, &Verdict) + Sync,
) {
    let left = Mutex::new(mutants.iter());
    std::thread::scope(|scope| {
        for _ in 0..effort.jobs {
            scope.spawn(|| {
                loop {
                    let Some(mutant) = left.lock().expect("a list").next() else { return };
                    tell(mutant, &one(mutant, known, copy, effort));
                }
            });
        }
    });
}

fn one(mutant: &Mutant, known: &[Known], copy: &Path, effort: Effort) -> Verdict {
    let mut asked = 0;
    let mut not_asked = 0;
    let mut slow = Vec::new();
    for layer in Layer::ALL {
        if !can_see(layer, mutant) {
            continue;
        }
        let start = Instant::now();
        let mut asks: Vec<_> =
            known.iter().filter(|known| known.test.layer == layer && known.reaches.contains(&mutant.number)).collect();
        // First what is about this very edge; a stable sort, so of the rest the quick ones.
        asks.sort_by_key(|known| !is_about(&known.test.name, &mutant.id));
        for known in asks {
            if start.elapsed() > effort.budget {
                not_asked += 1;
                continue;
            }
            asked += 1;
            let patience = known.takes * 4 + effort.budget;
            let ran = known.test.run(Chosen::Mutant(mutant.number), copy, patience);
            if !known.is_the_same() {
                eprintln!("{}: built anew meanwhile", known.test.title());
                (asked, not_asked) = (asked - 1, not_asked + 1);
                continue;
            }
            let said = match ran {
                Ok((Ending::Passed, _)) => continue,
                Ok((Ending::Failed(said), _)) if is_sure(known, mutant, copy, patience) => said,
                Ok((Ending::Failed(_), _)) => continue,
                Ok((Ending::Hung, _)) if hangs_by_a_lost_wake(known) => "hung: a wake was lost".to_owned(),
                Ok((Ending::Hung, _)) => {
                    slow.push(known.test.title());
                    continue;
                }
                Err(error) => {
                    eprintln!("{}: {error}", known.test.title());
                    continue;
                }
            };
            let (layer, seconds) = (layer.name().to_owned(), known.takes.as_secs_f64());
            return Verdict::Caught { layer, test: known.test.title(), seconds, said };
        }
    }
    let mut reason = format!("{NO_REASON}: {asked} tests pass");
    if not_asked > 0 {
        reason += &format!(", {not_asked} not asked");
    }
    if !slow.is_empty() {
        reason += &format!(", without an end: {}", slow.join(", "));
    }
    Verdict::Survives(reason)
}

/// Whether a test fails a second time. (A model always does; another may have failed since the machine was busy.)
fn is_sure(known: &Known, mutant: &Mutant, copy: &Path, patience: Duration) -> bool {
    let again = || known.test.run(Chosen::Mutant(mutant.number), copy, patience);
    known.test.layer == Layer::Loom || !matches!(again(), Ok((Ending::Passed, _)))
}

/// Whether the test has the name of the mutant's edge in its own: `edge_filled_matters`, `FILLED.release`.
fn is_about(test: &str, mutant: &str) -> bool {
    let edge = mutant.split(' ').skip(1).find_map(|word| word.split_once('.')).map(|(edge, _)| edge.to_lowercase());
    edge.is_some_and(|edge| test.contains(&format!("edge_{edge}_")))
}

/// Orderings make no difference to this machine's processor, only to a model.
fn can_see(layer: Layer, mutant: &Mutant) -> bool {
    let is_ordering = ["=> relaxed", "=> acquire", "=> release"].iter().any(|end| mutant.id.ends_with(end));
    layer == Layer::Loom || !is_ordering
}
