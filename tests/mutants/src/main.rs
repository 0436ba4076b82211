//! Mutants of ringway: which test notices what. See `tests/MUTANTS.md`.

mod baseline;
mod bugs;
mod build;
mod hunt;
mod naming;
mod place;
mod planted;
mod publish;
mod quick;
mod sites;
mod swaps;
mod test;
mod tree;
mod verdict;
mod walk;

use build::Layer;
use hunt::Effort;
use place::Mutant;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;
use tree::Tree;
use verdict::{Verdict, Verdicts};

const HELP: &str = "\
mutants [--list | --quick] [--only PART]... [--layer LAYER]... [--survivors] [--jobs N] [--budget SECONDS] [--json] [--bless]

  --list       prints the mutants and does nothing
  --quick      whether each mutant is in the file, and those that a test of less than two seconds catches are caught still
  --only PART  mutants whose names have this, or another PART, in them
  --layer L    loom, units, step_kill, processes; without it all of them
  --survivors  those only that no test catches, as far as the file says
  --jobs N     mutants at a time (2)
  --budget S   seconds after which the tests of one layer are no more asked about one mutant (120)
  --json       an object for each mutant, a line each
  --bless      writes what is found to the file; reasons that stand there are kept
";

#[derive(Debug)]
struct Arguments {
    is_list: bool,
    is_quick: bool,
    only: Vec<String>,
    layers: Vec<Layer>,
    survivors: bool,
    effort: Effort,
    is_json: bool,
    is_blessed: bool,
}

fn arguments() -> Result<Arguments, String> {
    let effort = Effort { jobs: 2, budget: Duration::from_secs(120) };
    let mut found = Arguments {
        is_list: false,
        is_quick: false,
        only: Vec::new(),
        layers: Vec::new(),
        survivors: false,
        effort,
        is_json: false,
        is_blessed: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value\n\n{HELP}"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text}: not a number"));
        match word.as_str() {
            "--list" => found.is_list = true,
            "--quick" => found.is_quick = true,
            "--survivors" => found.survivors = true,
            "--json" => found.is_json = true,
            "--bless" => found.is_blessed = true,
            "--only" => found.only.push(value()?),
            "--jobs" => found.effort.jobs = number(value()?)?.max(1) as usize,
            "--budget" => found.effort.budget = Duration::from_secs(number(value()?)?),
            "--layer" => {
                let name = value()?;
                let layer = Layer::ALL.into_iter().find(|layer| layer.name() == name);
                found.layers.push(layer.ok_or_else(|| format!("{name}: no such layer\n\n{HELP}"))?);
            }
            "--help" => return Err(HELP.to_owned()),
            _ => return Err(format!("{word}?\n\n{HELP}")),
        }
    }
    if found.layers.is_empty() {
        found.layers = Layer::ALL.to_vec();
    }
    Ok(found)
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// The places that all of this is about.
#[derive(Debug)]
pub(crate) struct Places {
    /// Of the crate.
    pub(crate) top: PathBuf,
    /// Of the copy, and of what is built.
    pub(crate) target: PathBuf,
    pub(crate) verdicts: PathBuf,
}

impl Places {
    fn new() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let top = here.join("../..");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| here.join("target"), PathBuf::from);
        let target = std::path::absolute(target.join("mutants")).expect("a path");
        Self { top, target, verdicts: here.join("CAUGHT") }
    }

    pub(crate) fn copy(&self) -> PathBuf {
        self.target.join("copy")
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let places = Places::new();
    let tree = Tree::read(&places.top)?;
    let known = verdict::read(&places.verdicts)?;
    let is_part = |mutant: &Mutant| arguments.only.iter().any(|part| mutant.id.contains(part.as_str()));
    let is_meant = |mutant: &Mutant| arguments.only.is_empty() || is_part(mutant);
    if arguments.is_list {
        tree.mutants.iter().filter(|mutant| is_meant(mutant)).for_each(|mutant| println!("{}", mutant.id));
        return Ok(true);
    }
    if arguments.is_quick {
        return quick::run(&places, &tree, &known, arguments.effort.jobs);
    }
    let mut stillborn: BTreeSet<String> = dead(&known);
    let tests = tests(&places, &tree, &arguments.layers, &mut stillborn)?;
    let mut all = known;
    all.retain(|id, _| tree.mutants.iter().any(|mutant| mutant.id == *id));
    all.extend(stillborn.iter().map(|id| (id.clone(), Verdict::DoesNotCompile)));
    let book = Book { all: Mutex::new(all), path: arguments.is_blessed.then(|| places.verdicts.clone()) };
    book.keep();
    let is_caught = |mutant: &Mutant| matches!(book.lock().get(&mutant.id), Some(Verdict::Caught { .. }));
    let wanted: Vec<_> = tree
        .mutants
        .iter()
        .filter(|mutant| is_meant(mutant) && !stillborn.contains(&mutant.id))
        .filter(|mutant| !(arguments.survivors && is_caught(mutant)))
        .collect();
    let baseline = baseline::of(tests, tree.mutants.len(), &places.copy(), arguments.effort.jobs);
    eprintln!("{} tests, {} mutants", baseline.len(), wanted.len());
    let survivors = Mutex::new(0);
    hunt::all(&wanted, &baseline, &places.copy(), arguments.effort, |mutant, verdict| {
        if arguments.is_json {
            println!("{}", json(mutant, verdict));
        } else {
            println!("{}\t{}", mutant.id, verdict::fields(verdict));
        }
        *survivors.lock().expect("a number") += usize::from(matches!(verdict, Verdict::Survives(_)));
        book.enter(&mutant.id, verdict);
    });
    let survivors = survivors.into_inner().expect("a number");
    eprintln!("{} mutants, {survivors} survive", wanted.len());
    Ok(survivors == 0)
}

/// What is known of all mutants, and the file in which it is kept, if it is.
#[derive(Debug)]
struct Book {
    all: Mutex<Verdicts>,
    path: Option<PathBuf>,
}

impl Book {
    fn lock(&self) -> std::sync::MutexGuard<'_, Verdicts> {
        self.all.lock().expect("a list")
    }

    /// Notes what became of a mutant. A reason that somebody found stays for as long as the mutant survives.
    fn enter(&self, id: &str, verdict: &Verdict) {
        let mut all = self.lock();
        let has_reason =
            matches!(all.get(id), Some(Verdict::Survives(reason)) if !reason.starts_with(verdict::NO_REASON));
        if !(has_reason && matches!(verdict, Verdict::Survives(_))) {
            all.insert(id.to_owned(), verdict.clone());
        }
        drop(all);
        self.keep();
    }

    /// At once: a run is long, and may be ended.
    fn keep(&self) {
        if let Some(path) = &self.path
            && let Err(why) = verdict::write(path, &self.lock())
        {
            eprintln!("{why}");
        }
    }
}

/// The tests of these layers, built with all mutants.
pub(crate) fn tests(
    places: &Places,
    tree: &Tree,
    layers: &[Layer],
    stillborn: &mut BTreeSet<String>,
) -> Result<Vec<test::Test>, String> {
    let mut tests = Vec::new();
    for &layer in layers {
        let programs = build::build(layer, tree, &places.top, &places.target, stillborn)?;
        for program in programs {
            tests.extend(test::list(layer, &program, &places.copy())?);
        }
    }
    Ok(tests)
}

/// What is known to be no program.
pub(crate) fn dead(known: &Verdicts) -> BTreeSet<String> {
    let dead = known.iter().filter(|(_, verdict)| matches!(verdict, Verdict::DoesNotCompile));
    dead.map(|(id, _)| id.clone()).collect()
}

fn json(mutant: &Mutant, verdict: &Verdict) -> serde_json::Value {
    match verdict {
        Verdict::Caught { layer, test, seconds, said } => serde_json::json!({
            "mutant": mutant.id, "caught": true, "layer": layer, "test": test, "seconds": seconds, "said": said,
        }),
        Verdict::Survives(reason) => serde_json::json!({ "mutant": mutant.id, "caught": false, "reason": reason }),
        Verdict::DoesNotCompile => serde_json::json!({ "mutant": mutant.id, "compiles": false }),
    }
}
