//! ringway beside everything else that moves messages, in one fair run. See README.md.

mod args;
mod board;
mod calibrate;
mod clock;
mod contestant;
mod contestants;
mod entry;
mod interrupt;
mod lengths;
mod loans;
mod machine;
mod many;
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
use std::fs::{self, File};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Worker { task }) = args.command {
        worker::run(&task);
    }
    let entries = contestants::all();
    let outcome = if args.run.list { list(&args.run, &entries) } else { compete(&args.run, &entries) };
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
    check(args, entries)?;
    interrupt::install()?;
    let machine = Machine::look(allowed.len());
    let watch = Watch::start(allowed.len())?;
    if watch.load() > machine::LOAD {
        eprintln!("arena: the load is {:.2}: others use this machine, and the figures will show it", watch.load());
    }
    let run = run::run(args, entries, cpus)?;
    let (busy, weather) = (watch.busy()?, Weather::of(&run.sheets));

    println!("{}, Linux {}, {} processors{}", machine.cpu, machine.kernel, machine.processors, of(&machine));
    println!("sender on {}, receiver on {}; {} rounds; {weather}", cpus[0], cpus[1], args.rounds());
    println!("huge pages: {} for threads' memory, {} for shared memory", machine.huge_pages[0], machine.huge_pages[1]);
    for warning in busy.warnings() {
        println!("warning: {warning}");
    }
    let named = args.baseline.as_deref();
    for sheet in &run.sheets {
        println!("\n{}", report::table::sheet(sheet, named).trim_end());
    }
    let verdicts = report::verdicts::all(&run.sheets);
    println!("\n{}", report::verdicts::text(&verdicts).trim_end());

    if let Some(path) = &args.json {
        let head = report::json::Head {
            machine: &machine,
            busy: &busy,
            weather: &weather,
            cpus,
            rounds: args.rounds(),
            turn_ns: args.turn_ns(),
            baseline: named,
        };
        let document = report::json::document(&head, &run.sheets, &verdicts);
        fs::write(path, serde_json::to_vec_pretty(&document)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(dir) = &args.plot {
        report::plot::draw(dir, &run.sheets)?;
    }
    for wrong in &run.wrong {
        eprintln!("arena: WRONG MESSAGE: {wrong}");
    }
    Ok(if run.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
