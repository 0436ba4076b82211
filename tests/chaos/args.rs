//! What whoever runs it asks for.

use super::plan::{Case, Kind, Memory, Numbers, Waiter};
use std::time::Duration;

pub(crate) const HELP: &str = "\
Chaos: processes that send and receive in every way, and are killed, stopped, forked and starved at random moments; then the whole
history is checked.

cargo test --release --test chaos -- [OPTIONS]

  --seconds N      go on for so long (25, if nothing says when to end)
  --kills N        go on until so many processes were killed, a like number in each combination
  --episodes N     play so many episodes
  --seed N         the first episode's seed; it repeats the episode's plan, with the combination that was printed beside it. Its
                   timing is the machine's, and not repeated
  --kind K         spsc, mpmc, bytes-spsc, bytes-mpmc, stream; all, in turns
  --backing B      shm, system-v, file, memfd; all, in turns (nobody can be killed beside a channel on the heap)
  --waiter W       futex, condvar, semaphore, message-queue; all, in turns
  --senders N      processes that send, between many
  --receivers N    processes that receive, between many
  --json           one object in the end, and nothing else on standard output
  --verbose        a line for each episode
  --self-test      shows the checks histories that break each rule once
  --help           this
";

/// The arguments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    pub(crate) seconds: Option<u64>,
    pub(crate) kills: Option<u64>,
    pub(crate) episodes: Option<u64>,
    pub(crate) seed: Option<u64>,
    kind: Option<Kind>,
    memory: Option<Memory>,
    waiter: Option<Waiter>,
    pub(crate) numbers: Numbers,
    pub(crate) is_json: bool,
    pub(crate) is_verbose: bool,
    pub(crate) is_self_test: bool,
    pub(crate) is_help: bool,
    /// A harness wants to know what there is.
    pub(crate) is_list: bool,
}

impl Args {
    /// # Errors
    ///
    /// What cannot be understood, in words.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut args = Self::default();
        let mut words = words.into_iter();
        while let Some(given) = words.next() {
            let (word, joined) = match given.split_once('=') {
                Some((word, value)) if word.starts_with("--") => (word, Some(value.to_owned())),
                _ => (given.as_str(), None),
            };
            let mut value = || joined.clone().or_else(|| words.next()).ok_or_else(|| format!("{word} what?"));
            match word {
                "--seconds" => args.seconds = Some(number(&value()?)?),
                "--kills" => args.kills = Some(number(&value()?)?),
                "--episodes" => args.episodes = Some(number(&value()?)?),
                "--seed" => args.seed = Some(number(&value()?)?),
                "--kind" => args.kind = Some(one_of(&value()?, Kind::named)?),
                "--backing" => args.memory = Some(one_of(&value()?, Memory::named)?),
                "--waiter" => args.waiter = Some(one_of(&value()?, Waiter::named)?),
                "--senders" => args.numbers.senders = Some(number(&value()?)?.clamp(1, 10) as usize),
                "--receivers" => args.numbers.receivers = Some(number(&value()?)?.clamp(1, 10) as usize),
                "--json" => args.is_json = true,
                "--verbose" => args.is_verbose = true,
                "--self-test" => args.is_self_test = true,
                "--help" | "-h" => args.is_help = true,
                "--list" => args.is_list = true,
                // What test harnesses are given, and names of tests.
                "--nocapture" | "--show-output" | "--exact" | "--ignored" | "--include-ignored" | "--quiet" | "-q" => {}
                "--format" | "--test-threads" | "--color" | "--skip" | "--logfile" => _ = value()?,
                other if other.starts_with("--") => return Err(format!("{other}?")),
                _ => {}
            }
        }
        match args.cases().is_empty() {
            true => Err("message queues are for channels with a name: there is no such combination".to_owned()),
            false => Ok(args),
        }
    }

    /// The combinations that are wanted.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let is_wanted = |case: &Case| {
            self.kind.is_none_or(|kind| case.kind == kind)
                && self.memory.is_none_or(|memory| case.memory == memory)
                && self.waiter.is_none_or(|waiter| case.waiter == waiter)
        };
        Case::all().into_iter().filter(is_wanted).collect()
    }

    /// How long to go on, if that is what ends it.
    pub(crate) fn time(&self) -> Option<Duration> {
        let is_bounded = self.kills.is_some() || self.episodes.is_some();
        self.seconds.or((!is_bounded).then_some(25)).map(Duration::from_secs)
    }
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn one_of<T>(word: &str, named: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    named(word).ok_or_else(|| format!("there is no {word}: see --help"))
}
