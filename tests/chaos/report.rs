//! What is said of episodes: a line now and then, a sum, and of one that failed only what concerns it.

use super::episode::{Counts, Over};
use super::history::{Finding, History, Life, Name, Op, Outcome, Role, is_nameless, life_of, number_of};
use super::plan::{Kind, Setting};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

impl Counts {
    fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.stops += other.stops;
        self.leaves += other.leaves;
        self.forks += other.forks;
        self.errors_told += other.errors_told;
        self.full += other.full;
        self.clocks += other.clocks;
        self.sent += other.sent;
        self.in_doubt += other.in_doubt;
        self.received += other.received;
        self.marked += other.marked;
        self.may_be_lost += other.may_be_lost;
        self.longest_wait = self.longest_wait.max(other.longest_wait);
        self.longest_control = self.longest_control.max(other.longest_control);
    }

    fn json(&self) -> Value {
        json!({
            "kills": self.kills, "stops": self.stops, "leaves": self.leaves, "forks": self.forks,
            "errors_told": self.errors_told, "filled_up": self.full, "own_clocks": self.clocks,
            "sent": self.sent, "in_doubt": self.in_doubt, "received": self.received, "marked": self.marked,
            "may_be_lost": self.may_be_lost,
            "longest_wait_ms": self.longest_wait as f64 / 1e6, "longest_control_ms": self.longest_control as f64 / 1e6,
        })
    }
}

/// In so many episodes of a kind something is sent, though the only stream of one may end before its first byte; and in so many of
/// any, whatever may happen has happened, though few are killed where there is nobody but elders.
const FEW: u64 = 20;
const MANY: u64 = 50;

/// The sum over episodes.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    kinds: BTreeMap<Kind, (u64, Counts)>,
    pub(crate) episodes: u64,
    pub(crate) failed: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, setting: &Setting, over: &Over) {
        let (episodes, counts) = self.kinds.entry(setting.case.kind).or_default();
        *episodes += 1;
        counts.add(&over.counts);
        self.episodes += 1;
        self.failed += u64::from(!over.findings.is_empty());
    }

    pub(crate) fn all(&self) -> Counts {
        let mut all = Counts::default();
        self.kinds.values().for_each(|(_, counts)| all.add(counts));
        all
    }

    /// What has never happened though there was time for it: what was found then is nothing.
    pub(crate) fn idle(&self) -> Vec<String> {
        let mut idle = Vec::new();
        for (kind, (episodes, counts)) in self.kinds.iter().filter(|(_, (episodes, _))| *episodes >= FEW) {
            for (what, times) in [("sent", counts.sent), ("received", counts.received)] {
                if times == 0 {
                    idle.push(format!("nothing was {what} in {episodes} episodes of {}", kind.name()));
                }
            }
        }
        let all = self.all();
        let happens = [
            ("kill", all.kills),
            ("stop", all.stops),
            ("fork", all.forks),
            ("message sent", all.sent),
            ("message received", all.received),
        ];
        for (what, times) in happens {
            if times == 0 && self.episodes >= MANY {
                idle.push(format!("no {what} in {} episodes", self.episodes));
            }
        }
        idle
    }

    pub(crate) fn json(&self, seed: u64, took: Duration) -> Value {
        let kinds: serde_json::Map<String, Value> = self
            .kinds
            .iter()
            .map(|(kind, (episodes, counts))| {
                (kind.name().to_owned(), json!({ "episodes": episodes, "counts": counts.json() }))
            })
            .collect();
        json!({
            "seed": seed, "seconds": took.as_secs_f64(), "episodes": self.episodes, "failed": self.failed,
            "kinds": kinds, "all": self.all().json(),
        })
    }

    pub(crate) fn print(&self, took: Duration) {
        println!(
            "{:<11} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>11} {:>8} {:>11} {:>8} {:>10} {:>10}",
            "kind",
            "episodes",
            "kills",
            "stops",
            "leaves",
            "forks",
            "errors",
            "sent",
            "in doubt",
            "received",
            "marked",
            "wait, ms",
            "control"
        );
        let line = |name: &str, episodes: u64, counts: &Counts| {
            println!(
                "{name:<11} {episodes:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>11} {:>8} {:>11} {:>8} {:>10.1} {:>10.1}",
                counts.kills,
                counts.stops,
                counts.leaves,
                counts.forks,
                counts.errors_told,
                counts.sent,
                counts.in_doubt,
                counts.received,
                counts.marked,
                counts.longest_wait as f64 / 1e6,
                counts.longest_control as f64 / 1e6
            );
        };
        self.kinds.iter().for_each(|(kind, (episodes, counts))| line(kind.name(), *episodes, counts));
        line("all", self.episodes, &self.all());
        println!("{} episodes in {took:.1?}, {} failed (of streams: bytes)", self.episodes, self.failed);
    }
}

/// How the episode is repeated.
pub(crate) fn again(setting: &Setting) -> String {
    let case = setting.case;
    format!(
        "--seed {} --episodes 1 --kind {} --backing {} --waiter {}",
        setting.seed,
        case.kind.name(),
        case.memory.name(),
        case.waiter.name()
    )
}

/// A line of an episode.
pub(crate) fn line(setting: &Setting, over: &Over) -> String {
    let counts = &over.counts;
    format!(
        "{}: {} kills, {} stops, {} sent, {} received, {} marked{}",
        again(setting),
        counts.kills,
        counts.stops,
        counts.sent,
        counts.received,
        counts.marked,
        if over.findings.is_empty() { "" } else { " FAILED" }
    )
}

/// Lines of a report, at most.
const LINES: usize = 60;

/// What was found in an episode.
pub(crate) fn failure(setting: &Setting, over: &Over, kept: &str) -> String {
    let mut text = format!("FAILED: {}\n  {setting:?}\n  logs: {kept}\n", again(setting));
    for finding in over.findings.iter().take(3) {
        text += &format!("\n  broken: {}\n  {}\n", finding.rule, finding.text);
        for line in events(&over.history, finding) {
            text += &format!("    {line}\n");
        }
    }
    if over.findings.len() > 3 {
        text += &format!("\n  and {} more findings\n", over.findings.len() - 3);
    }
    text
}

/// What concerns the finding, in the order of time.
fn events(history: &History, finding: &Finding) -> Vec<String> {
    let origin = history.lives.iter().map(|life| life.started).min().unwrap_or(0);
    let mut events: Vec<(u64, String)> = Vec::new();
    for life in &history.lives {
        if finding.lives.contains(&life.id) {
            fates(life, &mut events);
        }
        for op in &life.ops {
            let is_it = |message: &u64| {
                op.id == *message
                    || (op.what.is_send() && !is_nameless(op.id) && (op.id..op.id + op.count.max(1)).contains(message))
            };
            let is_then = |(begin, end): (u64, u64)| {
                finding.lives.contains(&life.id) && op.begin <= end && (op.end == 0 || op.end >= begin)
            };
            if finding.messages.iter().any(is_it) || finding.window.is_some_and(is_then) {
                events.push((op.begin, operation(life, op, origin)));
            }
        }
    }
    events.sort();
    let (all, half) = (events.len(), LINES / 2);
    let mut lines: Vec<String> = events
        .into_iter()
        .map(|(at, what)| format!("{:>12.3} ms  {what}", at.saturating_sub(origin) as f64 / 1e6))
        .collect();
    if all > LINES {
        lines.splice(half..all - half, [format!("... {} more ...", all - LINES)]);
    }
    lines
}

fn role(life: &Life) -> &'static str {
    if life.role == Role::Sender { "sender" } else { "receiver" }
}

fn fates(life: &Life, events: &mut Vec<(u64, String)>) {
    let mut add = |at: u64, what: &str| events.push((at, format!("process {} ({}) {what}", life.id, role(life))));
    add(life.started, "is started");
    if life.here > 0 {
        add(life.here, "has its end");
    }
    for (from, to) in &life.stops {
        add(*from, "is stopped");
        if *to < u64::MAX {
            add(*to, "goes on");
        }
    }
    if let Some(at) = life.left {
        add(at, "begins to leave");
    }
    if let Some((at, gone)) = life.killed {
        add(at, "is killed");
        if gone < u64::MAX {
            add(gone, "is gone");
        }
    }
}

fn operation(life: &Life, op: &Op, origin: u64) -> String {
    let until = match op.end {
        0 => "never".to_owned(),
        end => format!("{:.3} ms", end.saturating_sub(origin) as f64 / 1e6),
    };
    let message = match op.id {
        0 => "nothing".to_owned(),
        id if is_nameless(id) => Name(id).to_string(),
        id => format!("{}:{}", life_of(id), number_of(id)),
    };
    let many = if op.count > 1 { format!(" and {} more", op.count - 1) } else { String::new() };
    let mark =
        if op.attempt > 0 { format!(", delivery {} of position {}", op.attempt, op.position) } else { String::new() };
    let fate = op.fate.map_or(String::new(), |(fate, at, done)| {
        let is_done = if done > 0 { "" } else { ", never done" };
        format!(", {fate:?} at {:.3} ms{is_done}", at.saturating_sub(origin) as f64 / 1e6)
    });
    let outcome = if op.outcome == Outcome::Unfinished { "unfinished".to_owned() } else { format!("{:?}", op.outcome) };
    format!("process {} {:?} {message}{many} until {until}: {outcome}, done {}{mark}{fate}", life.id, op.what, op.done)
}
