//! How many instructions does each hot operation take, and is it more than it was?
//!
//! Times on a shared machine tell a tenth from nothing only with patience; counts of instructions are the same each
//! time. Each operation runs twice under `valgrind --tool=callgrind`, with few and with many repetitions, and what the
//! second has more is what the repetitions take: neither start nor end is in it, only the loop around them (the first
//! row). A string instruction (`rep movsb`) counts once for each byte that it moves.
//!
//! `cargo bench --bench instructions [-- [--json | --bless] [PART OF A NAME]]`
//!
//! Beside each count stands the one in `benches/instructions.baseline`, which `--bless` writes. Another compiler gives
//! other counts, so a difference fails nothing: it is said. What fails is not to be able to count.

mod baseline;
mod count;
mod operations;

use baseline::{Counts, Difference, Origin, difference};
use operations::{ITERATIONS_MAX, OPERATIONS, Operation};
use std::process::{Command, ExitCode};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.baseline");

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["--repeat", name, iterations] => repeat(name, iterations),
        [] => compare(false, ""),
        ["--json"] => compare(true, ""),
        ["--bless"] => bless(),
        [part] if !part.starts_with('-') => compare(false, part),
        ["--json", part] if !part.starts_with('-') => compare(true, part),
        _ => Err(format!("not understood: {}; [--json | --bless] [PART OF A NAME]", words.join(" "))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("instructions: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What the child under valgrind does.
fn repeat(name: &str, iterations: &str) -> Result<(), String> {
    let operation = OPERATIONS.iter().find(|operation| operation.name == name);
    let iterations = iterations.parse().ok().filter(|iterations| *iterations <= ITERATIONS_MAX);
    let (Some(operation), Some(iterations)) = (operation, iterations) else {
        return Err(format!("no such operation, or too often: {name}"));
    };
    (operation.run)(iterations);
    Ok(())
}

/// Counts the operations whose names have this part.
fn count(part: &str) -> Result<Counts, String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err(
            "valgrind is not here, and nothing else can count: install it (apt-get install valgrind)".to_owned()
        );
    }
    let asked: Vec<&Operation> = OPERATIONS.iter().filter(|operation| operation.name.contains(part)).collect();
    if asked.is_empty() {
        return Err(format!("no operation has {part} in its name"));
    }
    let rows = asked.into_iter().map(|operation| Ok((operation.name.to_owned(), count::count(operation)?)));
    Ok(Counts { origin: origin(), rows: rows.collect::<Result<_, String>>()? })
}

/// The compiler that `cargo` uses here.
fn origin() -> Origin {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(rustc).arg("-vV").output().map(|output| output.stdout).unwrap_or_default();
    let told = String::from_utf8_lossy(&told);
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Origin { rustc: told.lines().next().unwrap_or("unknown").to_owned(), target: host.unwrap_or("unknown").to_owned() }
}

fn kept() -> Result<Counts, String> {
    let text = std::fs::read_to_string(BASELINE).map_err(|error| format!("{BASELINE}: {error}; --bless writes it"))?;
    Counts::parse(&text).map_err(|why| format!("{BASELINE}: {why}; --bless writes it anew"))
}

fn bless() -> Result<(), String> {
    let counts = count("")?;
    std::fs::write(BASELINE, counts.print()).map_err(|error| format!("{BASELINE}: {error}"))?;
    print!("{}", counts.print());
    Ok(())
}

fn compare(as_json: bool, part: &str) -> Result<(), String> {
    // Before the counting, which takes a while.
    let kept = kept()?;
    let counts = count(part)?;
    print!("{}", if as_json { json(&counts, &kept) } else { table(&counts, &kept) });
    Ok(())
}

fn table(counts: &Counts, kept: &Counts) -> String {
    let mut text = format!("{:42} {:>12} {:>9} {:>9}\n", "", "instructions", "baseline", "more");
    let mut loud = 0;
    for (name, count) in &counts.rows {
        let before = kept.of(name);
        let (more, said) = match difference(*count, before) {
            Difference::New => (None, "new"),
            Difference::Same(more) => (Some(more), ""),
            Difference::Less(more) => (Some(more), "less than the baseline"),
            Difference::More(more) => {
                loud += 1;
                (Some(more), "MORE than the baseline")
            }
        };
        let number = |number: Option<f64>| number.map_or("-".to_owned(), |number| format!("{number:.2}"));
        text += format!("{name:42} {count:12.2} {:>9} {:>9}  {said}", number(before), number(more)).trim_end();
        text += "\n";
    }
    if counts.origin != kept.origin {
        let [here, there] = [&counts.origin, &kept.origin].map(|origin| format!("{}, {}", origin.rustc, origin.target));
        text += &format!("the baseline is of another compiler: {there}; here: {here}\n");
    }
    if loud > 0 {
        text += &format!("MORE than the baseline: {loud} of {} operations\n", counts.rows.len());
    }
    text
}

fn json(counts: &Counts, kept: &Counts) -> String {
    // Names, compilers and targets have nothing that JSON would have to escape, but for what this puts right.
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let number = |number: Option<f64>| number.map_or("null".to_owned(), |number| format!("{number:.2}"));
    let row = |(name, count): &(String, f64)| {
        let before = kept.of(name);
        let is_more = matches!(difference(*count, before), Difference::More(_));
        let (name, count, before) = (quoted(name), number(Some(*count)), number(before));
        format!("    {{\"operation\": {name}, \"instructions\": {count}, \"baseline\": {before}, \"more\": {is_more}}}")
    };
    let rows: Vec<String> = counts.rows.iter().map(row).collect();
    format!(
        "{{\n  \"rustc\": {},\n  \"target\": {},\n  \"operations\": [\n{}\n  ]\n}}\n",
        quoted(&counts.origin.rustc),
        quoted(&counts.origin.target),
        rows.join(",\n")
    )
}
