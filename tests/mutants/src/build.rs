//! Building the copy: once for each layer, with all mutants in it.

use crate::place::Mutant;
use crate::tree::Tree;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A kind of test, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// Models: every interleaving, and loads that see old values.
    Loom,
    /// Unit tests, with ends that are killed before each step, and machines that search all states.
    Units,
    /// Processes that are killed at every instruction.
    StepKill,
    /// Whole processes.
    Processes,
}

impl Layer {
    pub(crate) const ALL: [Self; 4] = [Self::Loom, Self::Units, Self::StepKill, Self::Processes];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Loom => "loom",
            Self::Units => "units",
            Self::StepKill => "step_kill",
            Self::Processes => "processes",
        }
    }

    fn arguments(self) -> Vec<String> {
        let mut arguments = vec!["test".to_owned(), "--no-run".to_owned(), "--message-format=json".to_owned()];
        let more: Vec<&str> = match self {
            Self::Loom => vec!["--release", "--lib"],
            Self::Units => vec!["--lib"],
            Self::StepKill => vec!["--test", "step_kill"],
            Self::Processes => PROCESSES.iter().flat_map(|test| ["--test", test]).collect(),
        };
        arguments.extend(more.into_iter().map(str::to_owned));
        arguments
    }

    fn flags(self) -> &'static str {
        match self {
            Self::Loom => "--cfg loom",
            _ => "",
        }
    }

    fn target(self) -> &'static str {
        if self == Self::Loom { "loom" } else { "native" }
    }
}

/// Tests of whole processes: what is in them that no layer above sees.
const PROCESSES: [&str; 23] = [
    "spsc",
    "mpmc",
    "bytes",
    "bytes_many",
    "loans",
    "made_in_place",
    "stream",
    "semantics",
    "many_semantics",
    "persistent",
    "segment",
    "fork",
    "wakes",
    "many_wakes",
    "waiters",
    "conformance",
    "sigbus",
    "crash",
    "many",
    "bytes_many_crash",
    "hostile",
    "bytes_hostile",
    "handover",
];

/// The test programs of a layer. What of the mutants does not compile is put into `stillborn`, and left out.
pub(crate) fn build(
    layer: Layer,
    tree: &Tree,
    top: &Path,
    target: &Path,
    stillborn: &mut BTreeSet<String>,
) -> Result<Vec<PathBuf>, String> {
    let copy = target.join("copy");
    loop {
        tree.write(top, &copy, |mutant| stillborn.contains(&mutant.id))
            .map_err(|error| format!("{}: {error}", copy.display()))?;
        let said = Command::new(std::env::var_os("MUTANTS_CARGO").unwrap_or_else(|| "cargo".into()))
            .args(layer.arguments())
            .current_dir(&copy)
            .env("CARGO_TARGET_DIR", target.join(layer.target()))
            .env("RUSTFLAGS", layer.flags())
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let messages: Vec<Value> =
            said.stdout.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        if said.status.success() {
            let is_test =
                |message: &&Value| message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
            let programs = messages.iter().filter(is_test).filter_map(|message| message["executable"].as_str());
            return Ok(programs.map(PathBuf::from).collect());
        }
        let dead = guilty(&messages, &copy, &tree.mutants);
        if dead.is_empty() {
            let errors = messages.iter().filter_map(|message| message["message"]["rendered"].as_str());
            return Err(format!("the copy does not compile:\n{}", errors.collect::<String>()));
        }
        for id in &dead {
            eprintln!("does not compile: {id}");
        }
        stillborn.extend(dead);
    }
}

/// The mutants that stand in the lines of which the compiler complains.
fn guilty(messages: &[Value], copy: &Path, mutants: &[Mutant]) -> BTreeSet<String> {
    let by_number: BTreeMap<u64, &Mutant> = mutants.iter().map(|mutant| (mutant.number.into(), mutant)).collect();
    let mut dead = BTreeSet::new();
    for message in messages.iter().filter(|message| message["message"]["level"] == "error") {
        let Some(spans) = message["message"]["spans"].as_array() else { continue };
        // First where the error is, then what else it names.
        for is_primary in [true, false] {
            let mut found = false;
            for span in spans.iter().filter(|span| span["is_primary"] == is_primary) {
                let Some(file) = span["file_name"].as_str() else { continue };
                let Ok(text) = std::fs::read_to_string(copy.join(file)) else { continue };
                let (from, to) = (span["line_start"].as_u64().unwrap_or(1), span["line_end"].as_u64().unwrap_or(1));
                // What wraps several lines says so in the first of them or behind the last.
                let lines = text.lines().skip(from.saturating_sub(1) as usize).take((to - from + 1) as usize);
                let mut guilty: Vec<_> = lines.flat_map(|line| swaps(line, &by_number)).collect();
                if guilty.is_empty() && is_primary {
                    // Within a long statement that was moved: what moved it stands in front.
                    let above: Vec<_> = text.lines().take(from as usize).collect();
                    guilty = above
                        .iter()
                        .rev()
                        .map(|line| swaps(line, &by_number))
                        .find(|found| !found.is_empty())
                        .unwrap_or_default();
                }
                found |= !guilty.is_empty();
                dead.extend(guilty);
            }
            if found {
                break;
            }
        }
    }
    dead
}

/// The swaps that a line asks for.
fn swaps(line: &str, by_number: &BTreeMap<u64, &Mutant>) -> Vec<String> {
    let asked = numbers(line).into_iter().filter_map(|number| by_number.get(&number));
    asked.filter(|mutant| mutant.id.ends_with("swapped")).map(|mutant| mutant.id.clone()).collect()
}

/// The mutants that a line asks for.
fn numbers(line: &str) -> Vec<u64> {
    let starts = line.split("mutant::is(").skip(1);
    starts.filter_map(|rest| rest.split(')').next()?.trim().parse().ok()).collect()
}
