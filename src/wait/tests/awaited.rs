//! What somebody does who was woken: looks, polls in turns with others, and only then sleeps again.

use crate::sys::process;
use crate::wait::awaited::{Awaited, TimedOut, poll_in_turns, wait};
use crate::wait::deadline::Deadline;
use crate::wait::parker::Woken;
use crate::wait::strategy::WaitStrategy;
use std::time::Duration;

const SLICE: Duration = Duration::from_secs(1);

/// Somebody who is woken again and again, and notes what it does; `p` a poll, `l` a look, `s` a sleep, `a` a probe.
#[derive(Default)]
struct Sleepy {
    /// Why each sleep ends; behind the last there is something to be found.
    wakes: Vec<Woken>,
    /// So many polls after the first sleep find nothing; the next one does. `None`: none does.
    found_by_poll: Option<usize>,
    passes_on: bool,
    done: String,
}

impl Sleepy {
    /// Notes it. Runs of polls are noted once.
    fn note(&mut self, what: char) {
        if !(what == 'p' && self.done.ends_with('p')) {
            self.done.push(what);
        }
    }
}

impl Awaited for Sleepy {
    type Outcome = &'static str;

    fn poll(&mut self) -> Option<Self::Outcome> {
        self.note('p');
        if !self.done.contains('s') {
            return None;
        }
        let left = self.found_by_poll.as_mut()?;
        *left = left.checked_sub(1)?;
        (*left == 0).then_some("polled")
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        self.note('l');
        None
    }

    fn probe(&mut self, _now: bool) -> Option<Self::Outcome> {
        self.note('a');
        None
    }

    fn sleep(&mut self, _deadline: Deadline) -> Result<Self::Outcome, Woken> {
        self.note('s');
        if self.wakes.is_empty() { Ok("slept") } else { Err(self.wakes.remove(0)) }
    }

    fn passes_on(&self) -> bool {
        self.passes_on
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        "lost"
    }
}

/// What came of waiting so, and what was done.
fn waited(mut sleepy: Sleepy, strategy: WaitStrategy) -> (Result<&'static str, TimedOut>, String) {
    let outcome = wait(&mut sleepy, strategy, SLICE, Deadline::NEVER);
    (outcome, sleepy.done)
}

/// One who polls, and not for long.
const POLLS: WaitStrategy = WaitStrategy::SpinThenSleep(Duration::from_micros(1));

#[test]
fn who_is_woken_in_vain_polls_before_it_sleeps_again() {
    if process::processors() == 1 {
        return; // Nobody polls where there is nobody to wait for meanwhile.
    }
    let wakes = vec![Woken::Look, Woken::Look];
    let (outcome, done) = waited(Sleepy { wakes, ..Sleepy::default() }, POLLS);
    assert_eq!((outcome, done.as_str()), (Ok("slept"), "plaslpaslpas"));
}

#[test]
fn what_a_poll_finds_is_returned() {
    if process::processors() == 1 {
        return;
    }
    let long = WaitStrategy::SpinThenSleep(Duration::from_secs(3600));
    let mut sleepy = Sleepy { wakes: vec![Woken::Look], found_by_poll: Some(9), ..Sleepy::default() };
    // Asleep at once, as it were: what comes before is not what is asked here.
    assert_eq!(sleepy.sleep(Deadline::NEVER), Err(Woken::Look));
    assert_eq!(poll_in_turns(&mut sleepy, long, Deadline::NEVER), Some("polled"));
    assert_eq!(sleepy.done, "sp");
}

#[test]
fn who_sleeps_at_once_is_woken_and_sleeps_at_once() {
    let wakes = vec![Woken::Look, Woken::TimedOut];
    let (outcome, done) = waited(Sleepy { wakes, ..Sleepy::default() }, WaitStrategy::Sleep);
    assert_eq!((outcome, done.as_str()), (Ok("slept"), "plaslaslas"));
}

#[test]
fn a_slice_that_is_over_is_no_wake() {
    let wakes = vec![Woken::TimedOut, Woken::TimedOut];
    let (_, done) = waited(Sleepy { wakes, ..Sleepy::default() }, POLLS);
    assert!(done.ends_with("slaslas"), "{done}");
}

#[test]
fn a_wake_that_is_of_no_use_goes_on_at_once() {
    let wakes = vec![Woken::Look];
    let (_, done) = waited(Sleepy { wakes, passes_on: true, ..Sleepy::default() }, POLLS);
    assert!(done.ends_with("slas"), "{done}");
}

#[test]
fn nobody_polls_for_long_beyond_its_deadline() {
    let long = WaitStrategy::SpinThenSleep(Duration::from_secs(3600));
    let mut sleepy = Sleepy::default();
    let over = Deadline::after(Duration::ZERO);
    assert_eq!(poll_in_turns(&mut sleepy, long, over), None);
    assert!(sleepy.done == "p" || process::processors() == 1, "{}", sleepy.done);
}
