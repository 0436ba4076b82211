//! Runs the scenes, each in a process of its own, as many at a time as there are processors; and says what was done.

use super::page;
use super::puppet;
use super::stage::{self, Entry, Report};
use super::support;
use super::{bytes_receiver, bytes_sender};
use super::{doors, exchange, stream_ends, waiters};
use super::{lanes_long, lanes_reader, lanes_receiver, lanes_recovery, lanes_sender};
use super::{loan_last, loan_receiver, loan_recovery, loan_sender};
use super::{mpmc_cost, mpmc_doors, mpmc_last, mpmc_loser, mpmc_receiver, mpmc_recovery, mpmc_sender};
use super::{spsc_doors, spsc_receiver, spsc_sender, spsc_sleeper};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// In a process that runs one scene: its name.
const SCENE: &str = "RINGWAY_STEP_SCENE";
/// And which of the processors is its own.
const SLOT: &str = "RINGWAY_STEP_SLOT";
/// No scene takes so long: one that does hangs. Where victims are killed everywhere, it is many times as long.
const PATIENCE: Duration = Duration::from_secs(120);

fn scenes() -> Vec<Entry> {
    let spsc = [spsc_doors::scenes(), spsc_sleeper::scenes(), spsc_receiver::scenes(), spsc_sender::scenes()];
    let mpmc = [
        mpmc_doors::scenes(),
        mpmc_sender::scenes(),
        mpmc_receiver::scenes(),
        mpmc_recovery::scenes(),
        mpmc_loser::scenes(),
        mpmc_last::scenes(),
    ];
    let bytes = [bytes_sender::scenes(), bytes_receiver::scenes()];
    let lanes = [
        lanes_sender::scenes(),
        lanes_long::scenes(),
        lanes_receiver::scenes(),
        lanes_reader::scenes(),
        lanes_recovery::scenes(),
    ];
    let loans = [loan_sender::scenes(), loan_receiver::scenes(), loan_recovery::scenes(), loan_last::scenes()];
    spsc.into_iter()
        .chain(mpmc)
        .chain(bytes)
        .chain(lanes)
        .chain(loans)
        .chain([waiters::scenes(), doors::scenes(), exchange::scenes(), stream_ends::scenes()])
        .flatten()
        .collect()
}

pub(crate) fn main() -> ExitCode {
    if let Ok(name) = std::env::var(SCENE) {
        return alone(&name);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--scenes") {
        scenes().iter().for_each(|scene| println!("{}", scene.name));
        return ExitCode::SUCCESS;
    }
    if !puppet::is_permitted() {
        println!("SKIPPED: ptrace is not permitted here: nobody was killed");
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--cost") {
        mpmc_cost::print();
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_exact = arguments.iter().any(|argument| argument == "--exact");
    let is_this = |name: &str, part: &str| if is_exact { name == part } else { name.contains(part) };
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| is_this(name, part));
    let names: Vec<String> = scenes().into_iter().map(|scene| scene.name).collect();
    // (A word may be meant for all test programs, and be the name of a test in another; those have no spaces.)
    let is_none = |part: &&&String| part.contains(' ') && !names.iter().any(|name| is_this(name, part));
    if let Some(part) = wanted.iter().find(is_none) {
        println!("there is no scene {part:?}");
        return ExitCode::FAILURE;
    }
    let slips = page::slips(&names);
    for slip in &slips {
        println!("STEP_KILLS.md: {slip}");
    }
    let done = all(names.into_iter().filter(|name| is_wanted(name)).collect());
    if slips.is_empty() { done } else { ExitCode::FAILURE }
}

/// Runs one scene in this process.
fn alone(name: &str) -> ExitCode {
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
    stay();
    let Some(scene) = scenes().into_iter().find(|scene| scene.name == name) else {
        eprintln!("no scene {name:?}");
        return ExitCode::FAILURE;
    };
    let report = (scene.run)();
    println!("{}", Line(report));
    ExitCode::SUCCESS
}

/// Stays on one processor, and its victims with it: they take turns, and need not be woken elsewhere.
fn stay() {
    let slot = support::number(SLOT, 0) as usize;
    let Ok(allowed) = sched_getaffinity(Pid::from_raw(0)) else { return };
    let mut processors = (0..CpuSet::count()).filter(|processor| allowed.is_set(*processor).unwrap_or(false));
    let mut here = CpuSet::new();
    if let Some(processor) = processors.nth(slot) {
        let _ = here.set(processor).and_then(|()| sched_setaffinity(Pid::from_raw(0), &here));
    }
}

/// A report as one process tells it to another.
struct Line(Report);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Report { instructions, changes, kills, freezes, strays, time } = self.0;
        write!(f, "{instructions} {changes} {kills} {freezes} {strays} {}", time.as_millis())
    }
}

fn parse(line: &str) -> Option<Report> {
    let numbers: Vec<u64> = line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let [instructions, changes, kills, freezes, strays, millis] = numbers.try_into().ok()?;
    let (instructions, changes, kills) = (instructions as usize, changes as usize, kills as usize);
    let (freezes, strays) = (freezes as usize, strays as usize);
    Some(Report { instructions, changes, kills, freezes, strays, time: Duration::from_millis(millis) })
}

/// Runs a scene in another process.
fn elsewhere(name: &str, slot: usize) -> Result<Report, String> {
    // Ours, so that it goes even if the process hangs and is killed.
    let dir = support::Dir::new();
    let mut process = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .env(SCENE, name)
        .env(SLOT, slot.to_string())
        .env(support::DIR, dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let give_up = Instant::now() + if stage::everywhere() { 30 * PATIENCE } else { PATIENCE };
    let is_late = loop {
        if process.try_wait().map_err(|error| error.to_string())?.is_some() {
            break false;
        }
        if Instant::now() > give_up {
            let _ = process.kill();
            break true;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = process.wait_with_output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    match parse(&told) {
        Some(report) if output.status.success() => Ok(report),
        _ => {
            let mut why = if is_late { "hangs\n".to_owned() } else { format!("{}\n", output.status) };
            let _ = write!(why, "{told}{}", String::from_utf8_lossy(&output.stderr));
            Err(why)
        }
    }
}

fn all(names: Vec<String>) -> ExitCode {
    let start = Instant::now();
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from);
    let (waiting, done) = (Mutex::new(names.iter().enumerate()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for slot in 0..at_a_time.min(names.len()) {
            let (waiting, done) = (&waiting, &done);
            scope.spawn(move || {
                loop {
                    let Some((at, name)) = waiting.lock().expect("a list").next() else { return };
                    let result = elsewhere(name, slot);
                    if let (true, Ok(report)) = (stage::everywhere(), &result) {
                        // It takes so long that somebody may stop it.
                        eprintln!("{} kills in {:.1} s: {name}", report.kills, report.time.as_secs_f64());
                    }
                    done.lock().expect("a list").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("a list");
    done.sort_by_key(|(at, _)| *at);
    let results: Vec<_> = done.into_iter().map(|(at, result)| (names[at].as_str(), result)).collect();
    print(&results, start.elapsed())
}

/// What was done in all scenes of one kind and part, as the page divides them.
#[derive(Default)]
struct Total {
    scenes: usize,
    instructions: usize,
    images: usize,
    kills: usize,
    freezes: usize,
    time: Duration,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.scenes += 1;
        self.instructions += report.instructions;
        self.images += report.changes + 1;
        self.kills += report.kills;
        self.freezes += report.freezes;
        self.time += report.time;
    }

    fn print(&self, kind: &str, part: &str) {
        let Self { scenes, instructions, images, kills, freezes, time } = self;
        let seconds = time.as_secs_f64();
        println!("{scenes:>12} {instructions:>12} {images:>7} {kills:>7} {freezes:>7} {seconds:>8.1}  {part}, {kind}");
    }
}

fn print_totals(results: &[(&str, Result<Report, String>)]) {
    let rows = page::rows();
    let (mut each, mut parts): (BTreeMap<_, Total>, BTreeMap<_, Total>) = Default::default();
    for (name, result) in results {
        let (Ok(report), Some(row)) = (result, rows.iter().find(|row| row.has(name))) else { continue };
        each.entry((row.part, row.kind)).or_default().add(report);
        parts.entry(row.part).or_default().add(report);
    }
    println!();
    println!(
        "{:>12} {:>12} {:>7} {:>7} {:>7} {:>8}  part, kind",
        "scenes", "instructions", "images", "kills", "freezes", "s"
    );
    each.iter().for_each(|((part, kind), total)| total.print(kind, part));
    parts.iter().for_each(|(part, total)| total.print("all kinds", part));
    println!();
}

fn print(results: &[(&str, Result<Report, String>)], time: Duration) -> ExitCode {
    println!("{:>12} {:>7} {:>7} {:>7} {:>6}  scene", "instructions", "images", "kills", "freezes", "s");
    let (mut kills, mut freezes, mut strays, mut failed) = (0, 0, 0, 0);
    for (name, result) in results {
        match result {
            Ok(report) => {
                println!(
                    "{:>12} {:>7} {:>7} {:>7} {:>6.2}  {name}",
                    report.instructions,
                    report.changes + 1,
                    report.kills,
                    report.freezes,
                    report.time.as_secs_f64(),
                );
                kills += report.kills;
                freezes += report.freezes;
                strays += report.strays;
            }
            Err(why) => {
                failed += 1;
                println!("FAILED: {name}\n{why}");
            }
        }
    }
    print_totals(results);
    let seconds = time.as_secs_f64();
    println!(
        "{} scenes, {failed} failed: {kills} kills, {freezes} freezes, {strays} victims went astray and were replaced; \
         {seconds:.1} s",
        results.len()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
