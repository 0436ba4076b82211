//! Plays episodes, one after the other, until there are enough.

use super::args::{Args, HELP};
use super::episode;
use super::plan::{Case, Setting};
use super::report::{self, Sum};
use super::support::Random;
use super::surroundings::Surroundings;
use super::{clock, self_test, worker};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Kills of an episode; fewer where all combinations are to have their turn soon.
const KILLS: u64 = 25;
const KILLS_OF_SHORT: u64 = 6;
/// How often something is said.
const NEWS: Duration = Duration::from_secs(10);
/// Episodes that may fail before it is enough.
const ENOUGH: u64 = 5;

pub(crate) fn main() -> ExitCode {
    if let Some(code) = clock::attempt() {
        return code;
    }
    if let Ok(brief) = std::env::var(worker::BRIEF) {
        return worker::main(&brief);
    }
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    if args.is_help {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if args.is_list {
        return ExitCode::SUCCESS;
    }
    // The checks first: what they cannot find, chaos does not.
    let broken = self_test::all();
    if args.is_self_test || !broken.is_empty() {
        broken.iter().for_each(|what| eprintln!("{what}"));
        println!("{} rules, {} not seen to be broken", self_test::COUNT, broken.len());
        return if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    all(&args)
}

fn all(args: &Args) -> ExitCode {
    let around = Surroundings::new();
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let first = args.seed.unwrap_or(time.as_nanos() as u64 >> 10);
    if !args.is_json {
        println!("--seed {first}");
    }
    introduce(&around);
    let cases = shuffled(args.cases(), first);
    let (began, mut news, mut sum, mut seed) = (Instant::now(), Instant::now(), Sum::default(), first);
    let kills = if args.time().is_some_and(|time| time < Duration::from_secs(120)) { KILLS_OF_SHORT } else { KILLS };
    let mut kept = Vec::new();
    while !is_enough(args, &sum, began.elapsed()) {
        let case = cases[sum.episodes as usize % cases.len()];
        let setting = Setting::new(seed, case, args.numbers);
        let over = episode::play(&setting, &around, kills);
        sum.add(&setting, &over);
        if args.is_verbose && !args.is_json {
            println!("{}", report::line(&setting, &over));
        }
        if !over.findings.is_empty() {
            let logs = keep(&around, seed);
            eprintln!("{}", report::failure(&setting, &over, &logs.display().to_string()));
            kept.push(report::again(&setting));
        }
        around.sweep();
        if news.elapsed() > NEWS && !args.is_json {
            let all = sum.all();
            println!(
                "{:.0?}: {} episodes, {} kills, {} sent, {} received, {} failed",
                began.elapsed(),
                sum.episodes,
                all.kills,
                all.sent,
                all.received,
                sum.failed
            );
            news = Instant::now();
        }
        seed = Random::with(seed).next() >> 11;
    }
    conclude(args, &sum, first, began.elapsed(), &kept)
}

fn conclude(args: &Args, sum: &Sum, first: u64, took: Duration, kept: &[String]) -> ExitCode {
    if args.is_json {
        println!("{}", sum.json(first, took));
    } else {
        sum.print(took);
    }
    kept.iter().for_each(|again| eprintln!("failed: {again}"));
    let idle = sum.idle();
    idle.iter().for_each(|what| eprintln!("shows nothing: {what}"));
    if sum.failed == 0 && idle.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is_enough(args: &Args, sum: &Sum, took: Duration) -> bool {
    sum.failed >= ENOUGH
        || args.time().is_some_and(|time| took >= time)
        || args.kills.is_some_and(|kills| sum.all().kills >= kills)
        || args.episodes.is_some_and(|episodes| sum.episodes >= episodes)
}

/// What cannot be had here, and so is not played.
fn introduce(around: &Surroundings) {
    let skipped = [
        ("full file systems", around.room.as_ref().err()),
        ("looking for queues that are left", around.queues.as_ref().err()),
        ("clocks of their own", around.clocks.as_ref().err()),
    ];
    for (what, why) in skipped {
        if let Some(why) = why {
            eprintln!("SKIPPED: {what}: {why}");
        }
    }
}

/// The combinations in an order that follows from the seed.
fn shuffled(mut cases: Vec<Case>, seed: u64) -> Vec<Case> {
    let mut random = Random::with(seed ^ 0xca5e);
    for at in (1..cases.len()).rev() {
        cases.swap(at, random.below(at as u64 + 1) as usize);
    }
    cases
}

/// Keeps the logs of an episode that failed, as long as they have something in them.
fn keep(around: &Surroundings, seed: u64) -> PathBuf {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-found-{seed}"));
    let _ = std::fs::create_dir_all(&to);
    for entry in std::fs::read_dir(around.places().logs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("said.") {
            let _ = std::fs::copy(entry.path(), to.join(name));
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            // The rest of the file was never written to.
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let _ = std::fs::write(to.join(name), &bytes[..used]);
        }
    }
    to
}
