//! Schedules of scenes that are too large to be searched: who has the highest priority makes the next step, and at a few
//! places, chosen in advance, it falls below all others, or dies. (PCT: Burckhardt and others, 2010. A fault that needs d
//! such places is found with a probability that does not depend on how many steps there are in between.)
//!
//! `RINGWAY_MACHINE_SECONDS` says for how long; `RINGWAY_MACHINE_SEED` begins with a seed that a failure has printed.

use super::Wrong;
use super::calls::{Call, Outcome};
use super::fault::Fault;
use super::memory::Machine;
use super::scene::{Item, Role, Scene};
use std::time::{Duration, Instant};

/// Numbers that look random, the same ones for the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.throw() % bound as u64) as usize
    }
}

/// Something that has happened to somebody's call, and behind how many steps.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Began(usize, Call),
    Ended(usize, Outcome),
    Died(usize),
}

/// More steps than a schedule has.
const ENDLESS: usize = 50_000;
/// Steps among which the places of change are chosen.
const SPREAD: usize = 400;

/// Plays a scene to its end by one random schedule, and tells what happens; the state at the end. `words`, if there are any,
/// gets each step.
pub(super) fn play(
    machine: &mut Machine,
    dice: &mut Dice,
    mut tell: impl FnMut(usize, Event),
    mut words: Option<&mut Vec<String>>,
) -> Result<Vec<u64>, Wrong> {
    let mut state = machine.start()?;
    let mut priorities = Priorities::new(dice, machine.scene.roles.len());
    let mut deaths = machine.scene.deaths;
    for at in 0..ENDLESS {
        let active = |&role: &usize| machine.is_active(&state, role);
        let Some(me) = (0..machine.scene.roles.len()).filter(active).max_by_key(|&role| priorities.of[role]) else {
            return Ok(state);
        };
        if priorities.changes.contains(&at) {
            if deaths > 0 && machine.scene.roles[me].is_mortal && dice.below(2) == 0 {
                deaths -= 1;
                machine.die(&mut state, me);
                tell(at, Event::Died(me));
                words.iter_mut().for_each(|words| words.push(format!("{me} dies")));
            } else {
                priorities.lower(me);
            }
            continue;
        }
        let (call, is_first) = machine.call(&state, me);
        if is_first {
            tell(at, Event::Began(me, call));
        }
        if let Some(words) = &mut words {
            words.push(machine.describe(&state, me));
        }
        if let Some(outcome) = machine.step(&mut state, me)? {
            tell(at, Event::Ended(me, outcome));
        }
    }
    Err("a schedule that does not end".to_owned())
}

struct Priorities {
    of: Vec<i64>,
    changes: Vec<usize>,
    lowest: i64,
}

impl Priorities {
    fn new(dice: &mut Dice, roles: usize) -> Self {
        let mut of: Vec<i64> = (0..roles as i64).collect();
        for at in (1..roles).rev() {
            of.swap(at, dice.below(at + 1));
        }
        // Few changes find what needs few, many are as good as chance.
        let count = [3, 6, 12, 60][dice.below(4)];
        let changes = (0..count).map(|_| dice.below(SPREAD)).collect();
        Self { of, changes, lowest: 0 }
    }

    fn lower(&mut self, role: usize) {
        self.lowest -= 1;
        self.of[role] = self.lowest;
    }
}

/// Four producers, three consumers, two recoverers.
fn crowd(capacity: u64) -> Scene {
    let push = |message| Item::Push { message, tries: 4 };
    let two = |first| Item::PushTwo { messages: [first, first + 1], tries: 4 };
    let sweeps = |from: usize| (0..9).map(move |n| Item::SweepToHand { record: (from + n) % 9, tries: 3 });
    let adopts = [0, 1, 2].map(|hand| Item::Adopt { hand });
    let doctor = |from| Role::new(sweeps(from).chain(adopts).chain(sweeps(from + 4)).collect::<Vec<_>>()).mortal();
    let orphan = |member| Item::Orphan { member };
    let mut roles = vec![
        Role::new([push(1), push(2), push(3)]).mortal(),
        Role::new([push(4), two(5), push(7)]).mortal(),
        Role::new([two(8), two(10)]).mortal(),
        Role::new([push(12), Item::ClearTombs, push(13), push(14)]).mortal(),
        Role::new([Item::Pop { tries: 8 }]).mortal(),
        Role::new([Item::Work { tries: 4, commits: true }, Item::Work { tries: 2, commits: false }]).mortal(),
        Role::new([Item::PopTwo { tries: 4 }, Item::Pop { tries: 4 }]).mortal(),
        doctor(0),
        doctor(3),
    ];
    roles[7].script.insert(4, orphan(5));
    Scene::new("a crowd", capacity, 4, roles).with_hands(3)
}

/// One schedule, and what is left by it.
fn attempt(machine: &mut Machine, seed: u64, words: Option<&mut Vec<String>>) -> Result<(), Wrong> {
    let state = play(machine, &mut Dice(seed), |_, _| {}, words)?;
    machine.aftermath(&state)
}

/// How long, and from which seed on.
pub(super) fn budget() -> (Duration, Option<u64>) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    (Duration::from_secs(number("RINGWAY_MACHINE_SECONDS").unwrap_or(1)), number("RINGWAY_MACHINE_SEED"))
}

/// A seed that is another one each time.
pub(super) fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    u64::from(now.subsec_nanos()) << 32 | now.as_secs() & 0xffff_ffff
}

#[test]
fn schedules_of_a_crowd_with_deaths() {
    let (seconds, given) = budget();
    let first = given.unwrap_or_else(fresh_seed);
    let begin = Instant::now();
    let new = || (1..=5).map(|capacity| Machine::new(crowd(capacity), Fault::None)).collect::<Vec<_>>();
    let (mut schedules, mut machines) = (0_u64, new());
    while schedules == 0 || begin.elapsed() < seconds && given.is_none() {
        let seed = first.wrapping_add(schedules);
        if schedules % 500 == 499 {
            // Books that only grow.
            machines = new();
        }
        let machine = &mut machines[(seed % 5) as usize];
        if let Err(what) = attempt(machine, seed, None) {
            let mut words = Vec::new();
            let _ = attempt(machine, seed, Some(&mut words));
            panic!("{what}\nRINGWAY_MACHINE_SEED={seed}\n{}", words.join("\n"));
        }
        schedules += 1;
    }
    println!("{schedules} schedules from seed {first}, {} ms", begin.elapsed().as_millis());
}

#[test]
fn schedules_of_a_crowd_find_what_is_wrong() {
    for fault in [Fault::Timeout, Fault::NoAnnounceToWrite, Fault::NoAnnounceToRead, Fault::DoesNotLookAtHands] {
        let find = |seed| attempt(&mut Machine::new(crowd(1 + seed % 3), fault), seed, None).err();
        let found = (0..2000).find_map(|seed| Some((seed, find(seed)?)));
        let (schedules, what) = found.unwrap_or_else(|| panic!("{fault:?} is not found"));
        println!("{fault:?}: {what}, by schedule {schedules}");
    }
}
