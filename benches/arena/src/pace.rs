//! How the length of a run is shared out: a cell's share of the time that is left is its turns' share of all that are left,
//! and what one cell has not used, or used too much, is the others'.

use crate::args::WorkKind;
use crate::plan::Cell;
use std::time::{Duration, Instant};

/// Rounds that a cell has, however late it is.
pub const LEAST: usize = 5;
/// Rounds that a cell has at most: it ends early rather.
const MOST: usize = 61;
/// Turns before those that count, while it is found out how many messages make one.
const TRIALS: f64 = 3.0;
/// Turns that are shorter are mostly start, and longer ones tell no more.
const TURN_NS: (f64, f64) = (10e6, 100e6);
/// What a turn is thought to take beside its work, until some have been seen: starting processes, meeting pages.
const BESIDE_NS: f64 = 25e6;
/// How much one turn says about that.
const NEWS: f64 = 1.0 / 64.0;
/// From so many bytes on, a turn of a few messages is longer than it should be.
const LARGE: usize = 16 << 20;

/// How many turns of usual length one of this cell is.
fn weight(cell: &Cell) -> f64 {
    match cell.work {
        _ if cell.is_bursts() => 4.0,
        WorkKind::Many => 0.5 + cell.sides as f64 / 2.0,
        // Sixty processes; eight; and what takes as long as it takes.
        WorkKind::Members => 3.0,
        WorkKind::Overcommit => 2.5,
        WorkKind::FirstLap => 4.0,
        WorkKind::Channels => 8.0,
        _ if cell.bytes >= LARGE => 4.0,
        _ => 1.0,
    }
}

/// The weight of all turns of a round.
pub fn load(cell: &Cell, takers: usize) -> f64 {
    weight(cell) * takers as f64
}

/// What a cell may take.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    began: Instant,
    until: Option<Instant>,
    rounds: usize,
    /// How long a turn is to take.
    pub turn_ns: u64,
}

impl Share {
    /// Whether there is time for one more round, when so many are over.
    pub fn goes_on(&self, over: usize, now: Instant) -> bool {
        let Some(until) = self.until else { return over < self.rounds };
        // More than half of the next one fits, if it takes as long as the others have, trials included.
        let next = (now - self.began) / (over as u32 + TRIALS as u32);
        over < LEAST || over < MOST && now + next / 2 < until
    }
}

/// How fast a run goes.
#[derive(Debug)]
pub struct Pace {
    until: Option<Instant>,
    rounds: usize,
    turn_ns: u64,
    beside_ns: f64,
    left: f64,
}

impl Pace {
    /// So many rounds of turns that are so long, or what fits until then. `loads` are those of all cells.
    pub fn new(until: Option<Instant>, rounds: usize, turn_ns: u64, loads: impl Iterator<Item = f64>) -> Self {
        Self { until, rounds, turn_ns, beside_ns: BESIDE_NS, left: loads.sum() }
    }

    /// The share of the next cell.
    pub fn share(&mut self, load: f64, now: Instant) -> Share {
        let fixed = Share { began: now, until: None, rounds: self.rounds, turn_ns: self.turn_ns };
        let part = load / self.left.max(load);
        self.left -= load;
        let Some(until) = self.until else { return fixed };
        let share = until.saturating_duration_since(now).mul_f64(part);
        let turn_ns = share.as_nanos() as f64 / ((self.rounds as f64 + TRIALS) * load) - self.beside_ns;
        Share { until: Some(now + share), turn_ns: turn_ns.clamp(TURN_NS.0, TURN_NS.1) as u64, ..fixed }
    }

    /// A turn has taken so long, of which its work so much.
    pub fn seen(&mut self, took: Duration, work_ns: u64) {
        let beside_ns = (took.as_nanos() as f64 - work_ns as f64).max(0.0);
        self.beside_ns += (beside_ns - self.beside_ns) * NEWS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays cells of 30 turns a round that take so long beside their work: how long all takes, and the rounds of each.
    fn play(minutes: u64, cells: usize, beside_ms: u64) -> (Duration, Vec<usize>) {
        let began = Instant::now();
        let length = Duration::from_secs(60 * minutes);
        let mut pace = Pace::new(Some(began + length), 15, 60_000_000, (0..cells).map(|_| 30.0));
        let mut now = began;
        let each = (0..cells).map(|_| {
            let share = pace.share(30.0, now);
            let turn = Duration::from_nanos(share.turn_ns) + Duration::from_millis(beside_ms);
            let mut rounds = 0;
            now += turn * 30 * TRIALS as u32;
            while share.goes_on(rounds, now) {
                now += turn * 30;
                (0..30).for_each(|_| pace.seen(turn, share.turn_ns));
                rounds += 1;
            }
            rounds
        });
        let each = each.collect();
        (now - began, each)
    }

    #[test]
    fn a_run_is_as_long_as_it_was_meant_to_be() {
        for (minutes, cells, beside_ms) in [(40, 68, 10), (40, 68, 40), (20, 68, 25), (90, 68, 25)] {
            let (took, rounds) = play(minutes, cells, beside_ms);
            let share = took.as_secs_f64() / (60 * minutes) as f64;
            assert!((0.93..1.03).contains(&share), "{minutes} min, {beside_ms} ms beside: {share}, {rounds:?}");
            assert!(rounds.iter().all(|&rounds| rounds >= 10), "{rounds:?}");
        }
    }

    /// Who has no time left has rounds all the same, and who has too much ends early.
    #[test]
    fn there_are_never_too_few_rounds_and_never_too_many() {
        assert!(play(1, 68, 40).1.iter().all(|&rounds| rounds == LEAST));
        let (took, rounds) = play(60, 2, 10);
        assert!(took < Duration::from_secs(600) && rounds == [MOST; 2], "{took:?}, {rounds:?}");
    }

    #[test]
    fn without_a_length_rounds_are_counted() {
        let now = Instant::now();
        let share = Pace::new(None, 15, 60_000_000, [1.0].into_iter()).share(1.0, now);
        assert_eq!((share.turn_ns, share.goes_on(14, now), share.goes_on(15, now)), (60_000_000, true, false));
    }
}
