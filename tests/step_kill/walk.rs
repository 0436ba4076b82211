//! One operation, walked through instruction by instruction: the map by which later victims are taken to any of them.
//!
//! *State k* of an operation is when k of its instructions have been performed; an instruction is next, or the end.

use super::puppet::{Over, Puppet};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;

/// The header's page is written before the segment has its name.
const HEADER: u64 = 4096;
/// Single steps that may be cheaper than a breakpoint that is met often.
const NEAR: usize = 6;
/// So far back a victim that went another way is counted from, and at each further attempt [`FARTHER`] times as far: clocks are read, and
/// sums of times carry or do not; and who is stepped through finds at the end of a long operation that it was long ago that it asked who is
/// alive, which only one finds that is stepped as well.
const FAR: usize = 60;
const FARTHER: usize = 8;

/// So often a victim may go to sleep between two states in which it is relieved. At full speed it comes sooner to where it sleeps, and
/// asks only after a slice of sleep who is alive, while one that is stepped does so before: its way leads there all the same. One
/// that sleeps for longer has missed where it was to be stopped, and nobody would wake it.
const SLEEPS: usize = 20;

/// So many changes, each of the words next to those of the last, are a copy, and not words that mean something each.
const COPY: usize = 16;
/// Of which so many count at its beginning, and at its end.
const EDGE: usize = 3;

/// The segment as others see it.
#[derive(Debug)]
struct Image {
    path: PathBuf,
    file: Option<File>,
    seen: Vec<u8>,
    now: Vec<u8>,
}

impl Image {
    fn new(path: PathBuf) -> Self {
        let mut image = Self { path, file: None, seen: Vec::new(), now: Vec::new() };
        image.look_for_file();
        image.has_changed();
        image
    }

    /// A name comes by a call of the kernel.
    fn look_for_file(&mut self) {
        let inode = |file: &File| file.metadata().expect("a file").ino();
        if let Ok(found) = File::open(&self.path) {
            if self.file.as_ref().is_none_or(|file| inode(file) != inode(&found)) {
                self.file = Some(found);
            }
        }
    }

    /// Whether it is another than at the last look.
    fn has_changed(&mut self) -> bool {
        let Some(file) = &self.file else { return false };
        if self.now.is_empty() {
            let len = file.metadata().expect("a segment").len() - HEADER;
            self.now = vec![0; len as usize];
        }
        file.read_exact_at(&mut self.now, HEADER).expect("a segment");
        std::mem::swap(&mut self.now, &mut self.seen);
        self.now != self.seen
    }

    /// Where the words lie that were others before the last look, counted from the start of the file.
    fn changed_words(&self) -> Vec<u64> {
        let words = self.now.chunks(8).zip(self.seen.chunks(8)).enumerate();
        words.filter(|(_, (before, now))| before != now).map(|(at, _)| HEADER + 8 * at as u64).collect()
    }
}

/// Whether the words of one change lie next to those of another, or among them.
fn are_neighbours(one: &[u64], other: &[u64]) -> bool {
    let (Some(first), Some(last)) = (one.first(), one.last()) else { return false };
    other.iter().any(|word| (first.saturating_sub(8)..=last + 8).contains(word))
}

/// What an operation does, instruction by instruction.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Whether state 0 is not at the first mark, but where the victim has mapped the segment.
    maps: bool,
    /// Where the victim stands in each state, the last one included.
    places: Vec<u64>,
    /// The states in which it stands there, ascending.
    visits: HashMap<u64, Vec<usize>>,
    /// The states whose segment is another than that of the state before.
    pub(crate) changes: Vec<usize>,
    /// Which words have changed there: where they lie in the file.
    words: Vec<Vec<u64>>,
    /// The states whose next instruction is a call of the kernel.
    pub(crate) calls: Vec<usize>,
    /// The states in which it is about to sleep, and is relieved.
    pub(crate) relieved: Vec<usize>,
}

impl Walk {
    /// Walks through the operation of a victim that stands at its first mark.
    pub(crate) fn record(puppet: &mut Puppet, maps: bool, path: PathBuf, mut relieve: impl FnMut()) -> Self {
        if maps {
            puppet.run_to_mapping().expect("an operation that maps the segment");
        }
        let mut image = Image::new(path);
        let mut walk = Self { maps, ..Self::default() };
        let mut place = puppet.place();
        loop {
            let state = walk.places.len();
            walk.places.push(place);
            walk.visits.entry(place).or_default().push(state);
            let calls = puppet.is_about_to_call(place);
            if calls {
                walk.calls.push(state);
                if puppet.is_about_to_sleep() {
                    walk.relieved.push(state);
                    relieve();
                    image.has_changed();
                }
            }
            let next = puppet.step();
            if calls {
                image.look_for_file();
            }
            if image.has_changed() {
                walk.changes.push(state + 1);
                walk.words.push(image.changed_words());
            }
            match next {
                Ok(next) => place = next,
                Err(Over) => {
                    walk.places.push(puppet.place());
                    return walk;
                }
            }
        }
    }

    /// Only the two states in which a victim that stands at its first mark has done nothing, and all.
    pub(crate) fn of_ends(puppet: &mut Puppet) -> Self {
        let first = puppet.place();
        puppet.complete();
        Self { places: vec![first, puppet.place()], visits: HashMap::from([(first, vec![0])]), ..Self::default() }
    }

    /// The state in which the operation is over.
    pub(crate) fn last(&self) -> usize {
        self.places.len() - 1
    }

    /// The states of the changes without those in the middle of a long copy.
    pub(crate) fn changes_but_of_copies(&self) -> Vec<usize> {
        let runs = self.words.chunk_by(|before, now| are_neighbours(before, now));
        let mut left = self.changes.iter().copied();
        let mut changes = Vec::new();
        for run in runs {
            let states = left.by_ref().take(run.len()).enumerate();
            let counts = |at: usize| run.len() < COPY || at < EDGE || at >= run.len() - EDGE;
            changes.extend(states.filter(|(at, _)| counts(*at)).map(|(_, state)| state));
        }
        changes
    }

    /// The state in which one of these words has changed, behind so many states in which one had.
    pub(crate) fn change_of(&self, words: &[u64], before: usize) -> Option<usize> {
        let changes = self.changes.iter().zip(&self.words);
        let mut changes = changes.filter(|(_, changed)| changed.iter().any(|word| words.contains(word)));
        changes.nth(before).map(|(state, _)| *state)
    }

    /// Takes a victim that stands at its first mark to a state. `Err` if it has not come there: it went another way. With
    /// each attempt it is taken by instructions counted from further back, wherever they lead.
    pub(crate) fn take(
        &self,
        puppet: &mut Puppet,
        to: usize,
        attempt: usize,
        mut relieve: impl FnMut(),
    ) -> Result<(), Over> {
        if self.maps {
            puppet.run_to_mapping()?;
        }
        let mut from = 0;
        for station in self.relieved.iter().copied().filter(|station| *station < to) {
            self.leg(puppet, from, station, 0)?;
            relieve();
            from = station;
        }
        self.leg(puppet, from, to, attempt)
    }

    fn leg(&self, puppet: &mut Puppet, from: usize, to: usize, attempt: usize) -> Result<(), Over> {
        let sleeps = (!self.relieved.is_empty()).then_some(SLEEPS);
        if to == self.last() {
            return puppet.complete_sleeping(sleeps);
        }
        let back = attempt.checked_sub(1).map_or(0, |again| FAR * FARTHER.pow(again as u32));
        let until = to.saturating_sub(back).max(from);
        let (at, times) = self.landmark(from, until);
        if times > 0 {
            puppet.run_to(self.places[at], times, sleeps)?;
        }
        for _ in at..to {
            puppet.step()?;
        }
        if attempt > 0 || puppet.place() == self.places[to] { Ok(()) } else { Err(Over) }
    }

    /// A state, at `to` or a little before, that is soon come to by a breakpoint; and how often that is met on the way.
    fn landmark(&self, from: usize, to: usize) -> (usize, usize) {
        let candidates = (to.saturating_sub(NEAR).max(from)..=to).rev();
        let cost = |at: usize| {
            let visits = &self.visits[&self.places[at]];
            let before = |state| visits.partition_point(|visit| *visit < state);
            let times = if at == from { 0 } else { before(at + 1) - before(from) };
            (to - at + 2 * times, at, times)
        };
        let (_, at, times) = candidates.map(cost).min().expect("at least one");
        (at, times)
    }
}
