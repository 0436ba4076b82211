//! ringway beside everything else that moves messages, in one fair run. See README.md.

mod args;
mod board;
mod calibrate;
mod clock;
mod contestant;
mod contestants;
mod entry;
mod idle;
mod interrupt;
mod lengths;
mod loans;
mod machine;
mod making;
mod many;
mod pace;
mod pin;
mod plan;
mod progress;
mod report;
mod run;
mod scratch;
mod sheet;
mod stats;
mod task;
mod trace;
mod turn;
mod weather;
mod work;
mod worker;

use args::{Args, Command, RunArgs};
use clap::Parser;
use contestant::Failure;
use entry::Entry;
use machine::{Machine, Watch};
use report::Weather;
use report::about::{About, Made};
use sheet::Sheet;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Worker { task }) = args.command {
        worker::run(&task);
    }
    let entries = contestants::all();
    let outcome = match &args.command {
        Some(Command::Report { json, report }) => tell_again(json, report),
        _ if args.run.list => list(&args.run, &entries),
        _ => compete(&args.run, &entries),
    };
    match (outcome, interrupt::signal()) {
        (Ok(code), _) => code,
        (Err(_), Some(signal)) => ExitCode::from(128 + signal as u8),
        (Err(failure), None) => {
            eprintln!("arena: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn list(args: &RunArgs, entries: &[Entry]) -> Result<ExitCode, Failure> {
    let mut lines: Vec<Vec<String>> =
        vec![["contestant", "version", "ends", "waiting", "mode"].map(str::to_owned).to_vec()];
    for entry in entries.iter().filter(|entry| run::is_chosen(args, entry)) {
        let card = &entry.card;
        let cells = [card.name, card.version, report::ends(entry.ends), report::waiting(card.waiting), card.mode];
        lines.push(cells.map(str::to_owned).to_vec());
    }
    print!("{}", report::table::aligned(&lines));
    println!();
    for cell in plan::cells(args) {
        println!("  {}", cell.title());
    }
    Ok(ExitCode::SUCCESS)
}

fn compete(args: &RunArgs, entries: &[Entry]) -> Result<ExitCode, Failure> {
    let allowed = pin::allowed()?;
    let cpus = match (args.cpus.as_slice(), allowed.as_slice()) {
        (&[sender, receiver], _) | (&[], &[sender, receiver, ..]) if sender != receiver => [sender, receiver],
        _ => return Err(format!("two processors are needed, and {allowed:?} are allowed").into()),
    };
    // Before what is written here can be a change.
    let made = Made::now();
    check(args, entries)?;
    interrupt::install()?;
    let machine = Machine::look(allowed.len());
    let watch = Watch::start(allowed.len())?;
    if watch.load() > machine::LOAD {
        eprintln!("arena: the load is {:.2}: others use this machine, and the figures will show it", watch.load());
    }
    let run = run::run(args, entries, cpus)?;
    let about = About {
        weather: Weather::of(&run.sheets),
        machine,
        busy: watch.busy()?,
        cpus,
        rounds: report::about::rounds(&run.sheets),
        turn_ms: run.turn_ns.map(|ns| ns / 1_000_000),
        baseline: args.baseline.clone(),
        made,
    };
    show(&about, &run.sheets);
    if let Some(path) = &args.json {
        fs::write(path, report::json::written(&about, &run.sheets)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(dir) = &args.plot {
        report::plot::draw(dir, &run.sheets)?;
    }
    if let Some(path) = &args.report {
        report::markdown::write(path, &about, &run.sheets)?;
    }
    for wrong in &run.wrong {
        eprintln!("arena: WRONG MESSAGE: {wrong}");
    }
    Ok(if run.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything, for whoever looks on.
fn show(about: &About, sheets: &[Sheet]) {
    let About { machine, busy, weather, cpus, rounds, baseline, .. } = about;
    println!("{}, Linux {}, {} processors{}", machine.cpu, machine.kernel, machine.processors, of(machine));
    println!("sender on {}, receiver on {}; {} rounds; {weather}", cpus[0], cpus[1], report::about::span(rounds));
    println!("huge pages: {} for threads' memory, {} for shared memory", machine.huge_pages[0], machine.huge_pages[1]);
    for warning in busy.warnings() {
        println!("warning: {warning}");
    }
    for sheet in sheets {
        println!("\n{}", report::table::sheet(sheet, baseline.as_deref()).trim_end());
    }
    println!("\n{}", report::verdicts::text(&report::verdicts::all(sheets)).trim_end());
}

/// The report of a run that was saved.
fn tell_again(json: &Path, report: &Path) -> Result<ExitCode, Failure> {
    let of_file = |failure: Failure| format!("{}: {failure}", json.display());
    let saved = fs::read(json).map_err(|error| of_file(error.into()))?;
    let (about, sheets) = report::json::read(&saved).map_err(of_file)?;
    report::markdown::write(report, &about, &sheets)?;
    Ok(ExitCode::SUCCESS)
}

/// What would be noticed only when the run is over.
fn check(args: &RunArgs, entries: &[Entry]) -> Result<(), Failure> {
    let takes_part = |name: &str| entries.iter().any(|it| it.card.name == name && run::is_chosen(args, it));
    if let Some(name) = args.baseline.as_deref().filter(|name| !takes_part(name)) {
        return Err(format!("nobody who takes part is called '{name}': see --list").into());
    }
    if let Some(path) = &args.json {
        File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &args.report {
        let dir = report::markdown::directory(path)?;
        fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        // The last report stays until there is another.
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(dir) = &args.plot {
        fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    Ok(())
}

fn of(machine: &Machine) -> &'static str {
    match (machine.is_virtual, machine.optimised) {
        (true, true) => " of a virtual machine",
        (false, true) => "",
        (true, false) => " of a virtual machine; NOT OPTIMISED: figures mean nothing, build with --release",
        (false, false) => "; NOT OPTIMISED: figures mean nothing, build with --release",
    }
}
