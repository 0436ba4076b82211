//! All states that can be reached, the shortest way first.

use super::Wrong;
use super::fault::{Fault, Site};
use super::memory::Machine;
use super::scene::Scene;
use std::time::{Duration, Instant};

/// More states than a search is meant to have.
const MOST: usize = 100_000_000;

/// What a search has found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) states: usize,
    pub(super) transitions: usize,
    /// Different ends of the scene, each of which was recovered.
    pub(super) ends: usize,
    pub(super) runs: usize,
    pub(super) time: Duration,
    /// What went wrong, and the shortest way there.
    pub(super) wrong: Option<(Wrong, Vec<String>)>,
    /// The kinds of steps that were met.
    pub(super) sites: Vec<(Site, String)>,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { states, transitions, ends, runs, .. } = self;
        let time = self.time.as_millis();
        write!(f, "{states} states, {transitions} transitions, {ends} ends, {runs} runs of the ring's code, {time} ms")
    }
}

/// A set of hashes of 128 bits. Those of 0 are 1.
#[derive(Debug)]
struct Seen {
    table: Vec<u128>,
    count: usize,
}

impl Seen {
    fn new() -> Self {
        Self { table: vec![0; 1 << 16], count: 0 }
    }

    /// Whether it was not there yet.
    fn insert(&mut self, hash: u128) -> bool {
        if self.count * 4 > self.table.len() * 3 {
            let larger = vec![0; self.table.len() * 2];
            let old = std::mem::replace(&mut self.table, larger);
            self.count = 0;
            for hash in old.into_iter().filter(|&hash| hash != 0) {
                self.insert(hash);
            }
        }
        let (hash, mask) = (hash.max(1), self.table.len() - 1);
        let mut at = hash as usize & mask;
        while self.table[at] != 0 {
            if self.table[at] == hash {
                return false;
            }
            at = (at + 1) & mask;
        }
        self.table[at] = hash;
        self.count += 1;
        true
    }
}

/// 128 bits of a row of numbers: two lanes that multiply and fold.
fn hash(row: &[u64]) -> u128 {
    let (mut a, mut b) = (0x9e37_79b9_7f4a_7c15_u64, 0xc2b2_ae3d_27d4_eb4f_u64);
    for &word in row {
        let left = u128::from(a ^ word).wrapping_mul(0xa076_1d64_78bd_642f_e703_7ed1_a0b4_28db);
        let right = u128::from(b.rotate_left(23) ^ word).wrapping_mul(0x8ebc_6af0_9c88_c6e3_5899_65cc_7537_4cc3);
        a = (left >> 64) as u64 ^ left as u64;
        b = (right >> 64) as u64 ^ right as u64;
    }
    u128::from(a) << 64 | u128::from(b)
}

/// A move: somebody's step, or death, or everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Step(u8),
    Death(u8),
}

struct Search {
    machine: Machine,
    seen: Seen,
    ended: Seen,
    /// How each state was reached: from which, and by what.
    ways: Vec<(u32, Move)>,
    /// The states of the next depth, one behind the other, and their numbers.
    next: (Vec<u64>, Vec<u32>),
    transitions: usize,
}

/// Searches a scene.
pub(super) fn search(scene: &Scene, fault: Fault) -> Found {
    let begin = Instant::now();
    let mut machine = Machine::new(scene.clone(), fault);
    let start = machine.start();
    let mut search = Search {
        machine,
        seen: Seen::new(),
        ended: Seen::new(),
        ways: Vec::new(),
        next: (Vec::new(), Vec::new()),
        transitions: 0,
    };
    let wrong = match start {
        Ok(start) => search.run(&start),
        Err(what) => Some((what, Vec::new())),
    };
    Found {
        states: search.ways.len(),
        transitions: search.transitions,
        ends: search.ended.count,
        runs: search.machine.runs(),
        time: begin.elapsed(),
        wrong,
        sites: search.machine.sites(),
    }
}

/// What is wrong, in which state, and by which move out of it.
type Failure = (Wrong, u32, Option<Move>);

impl Search {
    /// What is wrong, and the shortest way there.
    fn run(&mut self, start: &[u64]) -> Option<(Wrong, Vec<String>)> {
        self.reach(start, (0, Move::Step(0)));
        let (what, at, last) = self.run_on(start.len()).err()?;
        Some((what, self.way(start, at, last)))
    }

    fn run_on(&mut self, len: usize) -> Result<(), Failure> {
        let mut scratch = vec![0; len];
        while !self.next.1.is_empty() {
            let (states, numbers) = std::mem::take(&mut self.next);
            for (state, number) in states.chunks_exact(len).zip(numbers) {
                self.leave(state, number, &mut scratch)?;
            }
            assert!(self.ways.len() < MOST, "a search that does not end");
        }
        Ok(())
    }

    /// All moves out of a state.
    fn leave(&mut self, state: &[u64], number: u32, scratch: &mut [u64]) -> Result<(), Failure> {
        let roles = self.machine.scene.roles.len();
        let dead = (0..roles).filter(|&role| self.machine.judge.shape.is_dead(state, role)).count();
        let mut is_over = true;
        for me in 0..roles {
            if self.machine.is_active(state, me) {
                is_over = false;
                scratch.copy_from_slice(state);
                let step = Move::Step(me as u8);
                self.machine.step(scratch, me).map_err(|what| (what, number, Some(step)))?;
                self.reach(scratch, (number, step));
            }
            // Also of those whose script is over: what they leave is the dead's then.
            let is_dead = self.machine.judge.shape.is_dead(state, me);
            if !is_dead && self.machine.scene.roles[me].is_mortal && dead < self.machine.scene.deaths {
                scratch.copy_from_slice(state);
                self.machine.die(scratch, me);
                self.reach(scratch, (number, Move::Death(me as u8)));
            }
        }
        if is_over {
            self.end(state).map_err(|what| (what, number, None))?;
        } else if self.machine.scene.is_doomed {
            scratch.copy_from_slice(state);
            (0..roles).for_each(|role| self.machine.die(scratch, role));
            self.end(scratch).map_err(|what| (format!("everybody dies, and {what}"), number, None))?;
        }
        Ok(())
    }

    fn reach(&mut self, state: &[u64], way: (u32, Move)) {
        self.transitions += 1;
        if self.seen.insert(hash(state)) {
            self.next.0.extend_from_slice(state);
            self.next.1.push(self.ways.len() as u32);
            self.ways.push(way);
        }
    }

    fn end(&mut self, state: &[u64]) -> Result<(), Wrong> {
        if self.ended.insert(hash(state)) { self.machine.aftermath(state) } else { Ok(()) }
    }

    /// The moves that lead to a state, in words, and the one out of it.
    fn way(&mut self, start: &[u64], to: u32, last: Option<Move>) -> Vec<String> {
        let mut moves: Vec<_> = last.into_iter().collect();
        let mut at = to;
        while at != 0 {
            let (from, step) = self.ways[at as usize];
            moves.push(step);
            at = from;
        }
        let mut state = start.to_vec();
        let mut words = Vec::new();
        for step in moves.into_iter().rev() {
            match step {
                Move::Step(me) => {
                    words.push(self.machine.describe(&state, me.into()));
                    // The last one fails, as it did.
                    let _ = self.machine.step(&mut state, me.into());
                }
                Move::Death(me) => {
                    words.push(format!("{me} dies"));
                    self.machine.die(&mut state, me.into());
                }
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ_by_every_bit_of_a_row() {
        let mut seen = Seen::new();
        let mut row = [0; 40];
        assert!(seen.insert(hash(&row)));
        for word in 0..row.len() {
            for bit in 0..64 {
                row[word] ^= 1 << bit;
                assert!(seen.insert(hash(&row)) && !seen.insert(hash(&row)));
                row[word] ^= 1 << bit;
            }
        }
        for n in 0..200_000 {
            row[7] = n << 8;
            row[8] = n % 5;
            assert!(seen.insert(hash(&row)) || n == 0);
        }
        assert!(!seen.insert(hash(&row)));
    }
}
