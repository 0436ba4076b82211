//! The check for every day: each mutant has its line, and what a quick test caught is caught still.

use crate::build::Layer;
use crate::place::Mutant;
use crate::test::{Chosen, Ending, Test};
use crate::tree::Tree;
use crate::verdict::{NO_REASON, Verdict, Verdicts};
use crate::{Places, dead};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A test that takes longer is left to a whole run.
const QUICK_SECONDS: f64 = 2.0;
/// What all of them together may take.
const ALL: Duration = Duration::from_secs(180);
/// How long one may run on.
const PATIENCE: Duration = Duration::from_secs(30);
/// The layers that are asked.
const LAYERS: [Layer; 2] = [Layer::Loom, Layer::Units];

/// Whether all is as the file says.
pub(crate) fn run(places: &Places, tree: &Tree, known: &Verdicts, jobs: usize) -> Result<bool, String> {
    let mut is_well = complete(tree, known);
    let is_open = |verdict: &&Verdict| matches!(verdict, Verdict::Survives(reason) if reason.starts_with(NO_REASON));
    println!("{} are open: nobody knows yet what should catch them", known.values().filter(is_open).count());
    let mut stillborn = dead(known);
    let tests = crate::tests(places, tree, &LAYERS, &mut stillborn)?;
    let mut asked: Vec<(&Mutant, &Test, f64)> = Vec::new();
    for mutant in &tree.mutants {
        let Some(Verdict::Caught { layer, test, seconds, .. }) = known.get(&mutant.id) else { continue };
        if *seconds >= QUICK_SECONDS || !LAYERS.iter().any(|asked| asked.name() == layer) {
            continue;
        }
        match tests.iter().find(|other| other.layer.name() == layer && other.title() == *test) {
            Some(test) => asked.push((mutant, test, *seconds)),
            None => {
                println!("{}: the test that catches it is no more: {test}", mutant.id);
                is_well = false;
            }
        }
    }
    asked.sort_by(|one, other| one.2.total_cmp(&other.2));
    let all = asked.len();
    let (left, until) = (Mutex::new(asked.into_iter()), Instant::now() + ALL);
    let (caught, lost) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some((mutant, test, _)) = left.lock().expect("a list").next() else { return };
                    if Instant::now() > until {
                        return;
                    }
                    match test.run(Chosen::Mutant(mutant.number), &places.copy(), PATIENCE) {
                        Ok((Ending::Failed(_), _)) => *caught.lock().expect("a number") += 1,
                        other => {
                            lost.lock().expect("a list").push(format!("{}: {}: {other:?}", mutant.id, test.title()))
                        }
                    }
                }
            });
        }
    });
    let (caught, lost) = (caught.into_inner().expect("a number"), lost.into_inner().expect("a list"));
    lost.iter().for_each(|lost| println!("not caught any more: {lost}"));
    println!(
        "{} mutants, {all} with a quick test: {caught} caught, {} not, {} not asked",
        tree.mutants.len(),
        lost.len(),
        all - caught - lost.len()
    );
    Ok(is_well && lost.is_empty())
}

/// Whether the file has a line for each mutant, and no other.
fn complete(tree: &Tree, known: &Verdicts) -> bool {
    let mut is_well = true;
    let mut complain = |id: &str, what: &str| {
        println!("{id}: {what}");
        is_well = false;
    };
    for mutant in &tree.mutants {
        if !known.contains_key(&mutant.id) {
            complain(&mutant.id, "it is new: run it (`--only`, `--bless`), and say why if it survives");
        }
    }
    for id in known.keys().filter(|id| !tree.mutants.iter().any(|mutant| mutant.id == **id)) {
        complain(id, "there is no such mutant any more");
    }
    is_well
}
