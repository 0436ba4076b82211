//! What was called and answered, against a queue with room for N: is there an order of the calls, each at an instant between
//! its beginning and its end, in which the queue would have answered the same? (Wing and Gong, 1993, with what has been
//! tried remembered.)
//!
//! `Held` and `Beaten` are no answers. What a dead member called may or may not have happened: its push takes up room, as a
//! message if it was published, else as a tombstone, which goes away by itself when it is at the front; its pop takes
//! whatever is at the front, and if that is delivered again it is marked, and no part of the order.

use super::calls::{Call, Outcome};
use super::fault::Fault;
use super::memory::Machine;
use super::random::{Dice, Event, budget, fresh_seed, play};
use super::scene::{Item, Role, Scene};
use crate::ring::mpmc::{Popped, Pushed};
use std::collections::HashSet;
use std::time::Instant;

/// A call with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Sent(u64),
    Full,
    Received(u64),
    Empty,
    /// Its sender died; `true`: the message had been published.
    PerhapsSent(u64, bool),
    PerhapsReceived,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    what: What,
    begin: usize,
    /// The dead never end.
    end: usize,
}

impl Entry {
    fn is_optional(&self) -> bool {
        matches!(self.what, What::PerhapsSent(..) | What::PerhapsReceived)
    }
}

/// What is at a place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Message(u64),
    Tombstone,
}

type Queue = Vec<Place>;

/// The queue after a call, if it would have answered so.
fn after(queue: &Queue, what: What, capacity: usize) -> Option<Queue> {
    let mut queue = queue.clone();
    let send = |mut queue: Queue, place| {
        let has_room = queue.len() < capacity;
        queue.push(place);
        has_room.then_some(queue)
    };
    match what {
        What::Sent(message) | What::PerhapsSent(message, true) => send(queue, Place::Message(message)),
        What::PerhapsSent(_, false) => send(queue, Place::Tombstone),
        What::Full => (queue.len() == capacity).then_some(queue),
        What::Empty => queue.is_empty().then_some(queue),
        What::Received(message) => {
            (queue.first() == Some(&Place::Message(message))).then(|| queue.remove(0))?;
            Some(queue)
        }
        What::PerhapsReceived => {
            (!queue.is_empty()).then(|| queue.remove(0))?;
            Some(queue)
        }
    }
}

struct Checker<'a> {
    history: &'a [Entry],
    capacity: usize,
    tried: HashSet<(u64, Queue)>,
}

impl Checker<'_> {
    /// Whether the calls that are not in `done` can come behind those that are.
    fn goes_on(&mut self, done: u64, queue: &Queue) -> bool {
        let left = |at: &usize| done & 1 << at == 0;
        let rest: Vec<usize> = (0..self.history.len()).filter(left).collect();
        if rest.iter().all(|&at| self.history[at].is_optional()) {
            return true;
        }
        if !self.tried.insert((done, queue.clone())) {
            return false;
        }
        if queue.first() == Some(&Place::Tombstone) && self.goes_on(done, &queue[1..].to_vec()) {
            return true;
        }
        let first_end = rest.iter().map(|&at| self.history[at].end).min().unwrap_or(0);
        rest.into_iter().filter(|&at| self.history[at].begin <= first_end).collect::<Vec<_>>().into_iter().any(|at| {
            after(queue, self.history[at].what, self.capacity).is_some_and(|queue| self.goes_on(done | 1 << at, &queue))
        })
    }
}

fn is_linearizable(history: &[Entry], capacity: usize) -> bool {
    assert!(history.len() <= 64, "a small history");
    Checker { history, capacity, tried: HashSet::new() }.goes_on(0, &Queue::new())
}

/// Collects the entries of a schedule.
struct Recorder {
    open: Vec<Option<(Call, usize)>>,
    entries: Vec<Entry>,
}

impl Recorder {
    fn hear(&mut self, at: usize, event: Event) {
        match event {
            Event::Began(who, call) => self.open[who] = Some((call, at)),
            Event::Ended(who, outcome) => {
                let (call, begin) = self.open[who].take().expect("a beginning");
                self.entries.extend(answered(call, outcome).map(|what| Entry { what, begin, end: at }));
            }
            Event::Died(who) => {
                let what = self.open[who].take().and_then(|(call, begin)| Some((perhaps(call)?, begin)));
                self.entries.extend(what.map(|(what, begin)| Entry { what, begin, end: usize::MAX }));
            }
        }
    }
}

fn answered(call: Call, outcome: Outcome) -> Option<What> {
    match (call, outcome) {
        (Call::Push { message, .. }, Outcome::Pushed(Pushed::Done(_))) => Some(What::Sent(message)),
        (_, Outcome::Pushed(Pushed::Full)) => Some(What::Full),
        (_, Outcome::Popped(Popped::Done(delivery))) => Some(What::Received(delivery.message)),
        (_, Outcome::Popped(Popped::Empty)) => Some(What::Empty),
        _ => None,
    }
}

fn perhaps(call: Call) -> Option<What> {
    match call {
        Call::Push { message, .. } => Some(What::PerhapsSent(message, false)),
        Call::Pop { .. } | Call::PopToHand { .. } => Some(What::PerhapsReceived),
        _ => None,
    }
}

/// The history of one schedule.
fn record(machine: &mut Machine, seed: u64, words: Option<&mut Vec<String>>) -> Vec<Entry> {
    try_record(machine, seed, words).unwrap_or_else(|what| panic!("{what}, RINGWAY_MACHINE_SEED={seed}"))
}

/// The same; an error if somebody saw that a word was wrong.
fn try_record(machine: &mut Machine, seed: u64, words: Option<&mut Vec<String>>) -> Result<Vec<Entry>, String> {
    let mut recorder = Recorder { open: vec![None; machine.scene.roles.len()], entries: Vec::new() };
    let state = play(machine, &mut Dice(seed), |at, event| recorder.hear(at, event), words)?;
    for entry in &mut recorder.entries {
        if let What::PerhapsSent(message, is_published) = &mut entry.what {
            *is_published = machine.judge.shape.fate(&state, *message).published != 0;
        }
    }
    Ok(recorder.entries)
}

/// About ten calls of five members.
fn small(capacity: u64, deaths: usize) -> Scene {
    let push = |message| Item::Push { message, tries: 2 };
    let roles = [
        Role::new([push(1), push(2)]).mortal(),
        Role::new([push(3), push(4)]).mortal(),
        Role::new([Item::Pop { tries: 3 }]).mortal(),
        Role::new([Item::Work { tries: 3, commits: true }]).mortal(),
        Role::new([0, 1, 2, 3].map(|record| Item::Sweep { record, tries: 2 })),
    ];
    Scene::new("a small history", capacity, deaths, roles).with_hands(1)
}

#[test]
fn histories_are_those_of_a_queue() {
    let (seconds, given) = budget();
    let first = given.unwrap_or_else(fresh_seed);
    let begin = Instant::now();
    let mut machines: Vec<_> =
        (0..6).map(|n| Machine::new(small(1 + n % 3, [0, 2][n as usize / 3]), Fault::None)).collect();
    let (mut histories, mut calls) = (0_u64, 0);
    while histories == 0 || begin.elapsed() < seconds && given.is_none() {
        let seed = first.wrapping_add(histories);
        let machine = &mut machines[(seed % 6) as usize];
        let history = record(machine, seed, None);
        if !is_linearizable(&history, machine.scene.capacity as usize) {
            let mut words = Vec::new();
            record(machine, seed, Some(&mut words));
            let lines: Vec<_> = history.iter().map(|entry| format!("{entry:?}")).collect();
            panic!("no queue\nRINGWAY_MACHINE_SEED={seed}\n{}\n{}", lines.join("\n"), words.join("\n"));
        }
        histories += 1;
        calls += history.len();
    }
    let each = calls as f64 / histories as f64;
    println!("{histories} histories of {each:.1} calls from seed {first}, {} ms", begin.elapsed().as_millis());
}

#[test]
fn answers_without_a_look_make_no_queue() {
    for fault in [Fault::FullWithoutLooking, Fault::EmptyWithoutLooking] {
        let mut machine = Machine::new(small(1, 0), fault);
        machine.judge.is_credulous = true;
        // Who does not look again may also take what has moved on for corrupt: that is noticed by itself.
        let found = (0..5000)
            .find(|&seed| try_record(&mut machine, seed, None).is_ok_and(|history| !is_linearizable(&history, 1)));
        println!("{fault:?}: schedule {found:?}");
        assert!(found.is_some(), "{fault:?} is not found");
    }
}

#[test]
fn a_history_of_no_queue_is_seen() {
    let history = |entries: &[(What, usize, usize)]| -> Vec<Entry> {
        entries.iter().map(|&(what, begin, end)| Entry { what, begin, end }).collect()
    };
    let (sent, got) = (What::Sent, What::Received);
    let wrong: [&[(What, usize, usize)]; 7] = [
        &[(got(1), 0, 1), (sent(1), 2, 3)],
        &[(sent(1), 0, 1), (sent(2), 2, 3), (got(2), 4, 5)],
        &[(sent(1), 0, 1), (What::Empty, 2, 3)],
        &[(sent(1), 0, 1), (What::Full, 2, 3)],
        &[(sent(1), 0, 1), (got(1), 2, 3), (got(1), 4, 5)],
        &[(sent(1), 0, 1), (sent(2), 2, 3), (sent(3), 4, 5)],
        &[
            (sent(1), 0, 1),
            (What::PerhapsReceived, 2, 9),
            (got(1), 4, 5),
            (What::PerhapsSent(2, false), 0, 9),
            (got(2), 6, 7),
        ],
    ];
    for entries in wrong {
        assert!(!is_linearizable(&history(entries), 2), "{entries:?}");
    }
    let right: [&[(What, usize, usize)]; 5] = [
        &[(got(1), 0, 3), (sent(1), 2, 3)],
        &[(sent(1), 0, 5), (sent(2), 0, 5), (got(2), 1, 4), (got(1), 6, 7)],
        &[
            (sent(1), 0, 1),
            (What::PerhapsSent(9, false), 2, 99),
            (What::Full, 3, 4),
            (got(1), 5, 6),
            (What::Empty, 7, 8),
        ],
        &[(sent(1), 0, 1), (What::PerhapsReceived, 2, 99), (What::Empty, 3, 4)],
        &[(sent(1), 0, 1), (sent(2), 2, 3), (What::Full, 4, 5), (got(1), 6, 7), (got(2), 8, 9), (What::Empty, 9, 10)],
    ];
    for entries in right {
        assert!(is_linearizable(&history(entries), 2), "{entries:?}");
    }
}
