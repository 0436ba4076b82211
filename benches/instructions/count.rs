//! Counting: this program, started again under valgrind.

use crate::operations::Operation;
use std::process::Command;

/// Repetitions of the two runs of each operation.
const FEW: u64 = 2_000;
const MANY: u64 = 12_000;

/// Instructions that a message takes in this operation: what the longer of two runs has more, for each that it has more.
///
/// # Errors
///
/// What went wrong, for a person.
pub(crate) fn count(operation: &Operation) -> Result<f64, String> {
    let few = run(operation.name, FEW)?;
    let many = run(operation.name, MANY)?;
    let more = many.checked_sub(few).ok_or_else(|| format!("{}: fewer for more repetitions", operation.name))?;
    Ok(more as f64 / ((MANY - FEW) * operation.messages) as f64)
}

/// Instructions of a process that does the operation so often.
fn run(name: &str, iterations: u64) -> Result<u64, String> {
    let failed = |why: String| format!("{name}: {why}");
    let this = std::env::current_exe().map_err(|error| failed(format!("this program is not found: {error}")))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(this);
    command.args(["--repeat", name, &iterations.to_string()]);
    let output = command.output().map_err(|error| failed(format!("valgrind does not start: {error}")))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(failed(format!("valgrind ended with {}:\n{report}", output.status)));
    }
    collected(&report).ok_or_else(|| failed(format!("valgrind counted nothing:\n{report}")))
}

/// The number of instructions in callgrind's report.
pub(crate) fn collected(report: &str) -> Option<u64> {
    let (_, rest) = report.lines().rev().find_map(|line| line.split_once("Collected :"))?;
    rest.split_whitespace().next()?.parse().ok()
}
