//! What it costs to resolve what one dead process has left: `cargo test --release --test step_kill -- --cost`.
//!
//! A fresh process receives; in front of it lies somebody who was killed in the middle of an operation, and whom the kernel
//! has torn down. The time is that of its `recv`, the calls are those of the kernel inside it.

use super::message::Message;
use super::mpmc_corpse::Corpse;
use super::mpmc_group::{Group, MINE};
use super::mpmc_words::{HEAD, TAIL};
use super::puppet::{Puppet, act};
use super::stage::{NAME, Place};
use ringway::Options;
use ringway::mpmc::{Receiver, Sender};
use std::time::Instant;

const ROUNDS: usize = 101;
const OTHERS: [usize; 3] = [2, 16, 60];

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing: what a `recv` costs that finds its message.
    Nothing,
    /// A claimed place in front of the message.
    Claim,
    /// A claimed message, which is the only one.
    Taken,
}

/// Members, records and hands as many as by default.
fn options(place: &Place) -> Options {
    place.many().members(64).operations(64).in_hand(64)
}

fn prepare(place: &Place, left: Left) -> Group {
    let mut group = Group::warm_with(&options(place));
    if left != Left::Claim {
        group.send();
    }
    group
}

fn play_corpse(place: &Place, left: Left) {
    if left == Left::Claim {
        let tx = Sender::open_with(NAME, &options(place)).expect("a place");
        act(|| tx.send(Message::new(0)), |_| true);
    }
    let rx = Receiver::<Message>::open_with(NAME, &options(place)).expect("a place");
    act(|| rx.recv(), |_| true)
}

/// Who receives; it notes its time in a file.
fn play(place: &Place) {
    let rx = Receiver::<Message>::open_with(NAME, &options(place)).expect("a place");
    let note = place.directory().join("time");
    act(
        || {
            let start = Instant::now();
            (rx.recv(), start.elapsed())
        },
        |(got, time)| std::fs::write(&note, time.as_nanos().to_string()).is_ok() && *got == Ok(Message::new(MINE)),
    )
}

/// One who is about to receive, among so many others, behind one who is dead.
fn scene(place: &Place, corpse: &Corpse, left: Left, others: usize) -> (Puppet, Group, Vec<Sender<Message>>) {
    let mut group = match left {
        Left::Nothing => prepare(place, left),
        Left::Claim => corpse.among(place, &[TAIL], || prepare(place, left), || play_corpse(place, left)),
        Left::Taken => corpse.among(place, &[HEAD], || prepare(place, left), || play_corpse(place, left)),
    };
    if left == Left::Claim {
        group.send();
    }
    let open = |_| Sender::open_with(NAME, &options(place)).expect("a place");
    let more = (2..others).map(open).collect();
    (Puppet::start(|| play(place)), group, more)
}

/// In ascending order, the times of some rounds in nanoseconds.
fn times(place: &Place, corpse: &Corpse, left: Left, others: usize) -> Vec<u64> {
    let note = place.directory().join("time");
    let mut times: Vec<u64> = (0..ROUNDS)
        .map(|_| {
            let (mut puppet, _group, _more) = scene(place, corpse, left, others);
            puppet.complete();
            puppet.judge();
            let time = std::fs::read_to_string(&note).ok().and_then(|text| text.parse().ok());
            time.expect("a note")
        })
        .collect();
    times.sort_unstable();
    let _ = std::fs::remove_file(&note);
    times
}

/// How often the kernel is called. (A time may be one of its calls, or none.)
fn calls(place: &Place, corpse: &Corpse, left: Left, others: usize) -> usize {
    let (mut puppet, _group, _more) = scene(place, corpse, left, others);
    let mut stops = 0;
    while puppet.next_call().is_ok() {
        stops += 1;
    }
    stops / 2
}

/// Measures, and prints a table.
pub(crate) fn print() {
    println!("{:>8} {:>9} {:>12} {:>9} {:>6}", "left", "attached", "median (us)", "90 % (us)", "calls");
    for left in [Left::Nothing, Left::Claim, Left::Taken] {
        for others in OTHERS {
            let (place, corpse) = (Place::new(4), Corpse::default());
            let times = times(&place, &corpse, left, others);
            let us = |at: usize| times[at] as f64 / 1000.0;
            let calls = calls(&place, &corpse, left, others);
            let left = format!("{left:?}");
            println!("{left:>8} {others:>9} {:>12.1} {:>9.1} {calls:>6}", us(ROUNDS / 2), us(ROUNDS * 9 / 10));
        }
    }
}
