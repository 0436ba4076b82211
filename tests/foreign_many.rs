//! A member of a many-to-many channel in another language, which knows SPEC.md and nothing else: `tests/foreign/many.py`.
//!
//! It brings a compare-and-swap of its own, as machine code; where no memory may be executed, or on another processor, none
//! of this is tried. It wakes whoever sleeps, polls itself, and does for the dead all that SPEC.md asks of a member.

#[path = "foreign/process.rs"]
mod process;
mod support;

use process::{Foreign, is_possible};
use ringway::mpmc::{Receiver, Sender};
use ringway::observe::{self, MemberState};
use ringway::{DisconnectReason, Options, WaitStrategy};
use std::time::Duration;
use support::{Child, Dir, hang, role, skip, tell};

const SCRIPT: &str = "many.py";

fn name(of: &str) -> String {
    format!("foreign-many-{of}-{}", std::process::id())
}

/// Three messages, tables of a few entries, and a slice so long that whoever slept through it would fail.
fn three() -> Options {
    let asleep = Options::new().wait(WaitStrategy::Sleep).slice(Duration::from_secs(3600));
    asleep.capacity(3).members(5).operations(5).in_hand(3)
}

/// What a foreign receiver has printed, marked or not, in order.
fn numbers(lines: &[String]) -> Vec<u64> {
    let number = |line: &String| line.trim_end_matches('*').parse().ok();
    lines.iter().filter_map(number).collect()
}

/// The script, in its role; `None` where no memory may be executed.
fn joined(arguments: &[&str]) -> Option<Foreign> {
    let mut foreign = Foreign::start(SCRIPT, arguments);
    match foreign.line().as_str() {
        "joined" => Some(foreign),
        "" => {
            assert_eq!(foreign.end().1, Some(4), "it refuses for no other reason");
            skip("no memory may be executed here");
            None
        }
        other => panic!("{other}"),
    }
}

#[test]
fn several_receive_what_we_send() {
    if !is_possible() {
        return;
    }
    for how in ["recv", "work"] {
        let name = name(how);
        let tx = Sender::<u64>::create_with(&name, &three()).unwrap();
        let foreign: Option<Vec<_>> = (0..3).map(|_| joined(&[how, &name])).collect();
        let Some(foreign) = foreign else { return };
        assert_eq!((tx.receiver_count(), tx.sender_count()), (3, 1));
        (0..200).for_each(|n| tx.send(n).unwrap());
        tx.send_many(&[200, 201, 202, 203, 204]).unwrap();
        drop(tx);
        let mut all = Vec::new();
        for foreign in foreign {
            let (lines, code) = foreign.end();
            let got = numbers(&lines);
            assert!(got.is_sorted() && !lines.iter().any(|line| line.ends_with('*')), "in order, each once: {lines:?}");
            assert_eq!((lines.last().map(String::as_str), code), (Some("end left"), Some(0)));
            all.extend(got);
        }
        all.sort_unstable();
        assert_eq!(all, (0..205).collect::<Vec<_>>());
        assert!(observe::stat(&name, None).unwrap_err().is_not_found(), "the last one takes the name away");
    }
}

#[test]
fn we_receive_what_several_send_and_are_woken_for_it() {
    if !is_possible() {
        return;
    }
    let name = name("from");
    let rx = Receiver::<u64>::create_with(&name, &three()).unwrap();
    let foreign: Option<Vec<_>> =
        ["1000", "2000", "3000"].iter().map(|first| joined(&["send", &name, first, "100"])).collect();
    let Some(foreign) = foreign else { return };
    let mut got: Vec<u64> = rx.iter().collect();
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Left));
    assert!(foreign.into_iter().all(|foreign| foreign.end().1 == Some(0)));
    for thousand in 1..=3 {
        assert!(got.iter().filter(|n| *n / 1000 == thousand).is_sorted(), "each sender's are in order");
    }
    got.sort_unstable();
    assert_eq!(got, (1..=3).flat_map(|n| n * 1000..n * 1000 + 100).collect::<Vec<_>>());
}

#[test]
fn it_ends_when_we_do() {
    if !is_possible() {
        return;
    }
    let name = name("ends");
    let rx = Receiver::<u64>::create_with(&name, &three()).unwrap();
    let Some(foreign) = joined(&["send", &name, "0", "1000"]) else { return };
    assert_eq!(rx.recv(), Ok(0));
    rx.close();
    assert_eq!(foreign.end(), (vec!["end closed".to_owned()], Some(1)));
}

/// Whether it died where it was told to; `None` where it cannot be tried.
fn die(name: &str, at: &str) -> Option<()> {
    let (lines, code) = Foreign::start(SCRIPT, &["die", name, at]).end();
    assert!(lines.is_empty());
    match code {
        None => Some(()),
        other => {
            assert_eq!(other, Some(4), "killed, or not possible");
            skip("no memory may be executed here");
            None
        }
    }
}

#[test]
fn we_do_for_its_dead_what_is_to_be_done() {
    if !is_possible() {
        return;
    }
    let name = name("its-dead");
    let options = three().slice(Duration::from_millis(20));
    let (tx, rx) =
        (Sender::<u64>::create_with(&name, &options).unwrap(), Receiver::<u64>::open_with(&name, &options).unwrap());
    if die(&name, "sending").is_none() {
        return;
    }
    tx.send(1).unwrap();
    assert_eq!(rx.recv(), Ok(1), "what it had not sent is a tombstone");
    for at in ["receiving", "holding"] {
        tx.send(2).unwrap();
        die(&name, at).expect("it has died before");
        tx.send(3).unwrap();
        let take = || {
            let guard = rx.recv_ref().unwrap();
            let got = (*guard, guard.attempt());
            guard.commit();
            got
        };
        let mut got = [take(), take()];
        got.sort_unstable();
        assert_eq!(got, [(2, 2), (3, 1)], "killed while {at}");
    }
    let died = observe::stat(&name, None).unwrap().many.unwrap().members;
    assert_eq!(died.last().map(|member| member.state), Some(MemberState::Died));
    assert_eq!(observe::inspect(&name, None, 3).unwrap().wrong(), Vec::<String>::new());
}

#[test]
fn it_does_for_the_dead_what_is_to_be_done() {
    if let Some(name) = role() {
        let rx = Receiver::<u64>::open(&name).unwrap();
        let guard = rx.recv_ref().unwrap();
        tell(*guard);
        hang();
    }
    if !is_possible() {
        return;
    }
    let name = name("the-dead");
    let tx = Sender::<u64>::create_with(&name, &three().capacity(8)).unwrap();
    if die(&name, "sending").is_none() {
        return;
    }
    (1..=3).for_each(|n| tx.send(n).unwrap());
    die(&name, "receiving").expect("behind the position that nobody published");
    let mut child = Child::start(&here!(), &name, &Dir::new());
    child.hear();
    child.kill();
    let (lines, code) = joined(&["recv", &name, "3"]).expect("as before").end();
    let mut got = numbers(&lines);
    got.sort_unstable();
    assert_eq!((got, code), (vec![1, 2, 3], Some(0)), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.ends_with('*')).count(), 2, "two of them had been in a hand: {lines:?}");
    let seen = observe::stat(&name, None).unwrap();
    assert_eq!((seen.depth, seen.sent, seen.many.map(|many| many.in_hand)), (0, 4, Some(0)));
}

#[test]
fn it_finds_room_where_a_dead_sender_left_none() {
    if !is_possible() {
        return;
    }
    let name = name("room");
    let rx = Receiver::<u64>::create_with(&name, &three().capacity(1)).unwrap();
    if die(&name, "sending").is_none() {
        return;
    }
    let foreign = joined(&["send", &name, "7", "1"]).expect("as before");
    assert_eq!(foreign.end().1, Some(0), "without a receiver's help");
    assert_eq!(rx.recv(), Ok(7));
}

#[test]
fn it_sees_what_our_observer_sees() {
    if !is_possible() {
        return;
    }
    let name = name("look");
    let tx = Sender::<u64>::create_with(&name, &three().capacity(9)).unwrap();
    let rx = Receiver::<u64>::open(&name).unwrap();
    (0..6).for_each(|n| tx.send(n).unwrap());
    drop(Receiver::<u64>::open(&name).unwrap());
    let guards = (rx.recv_ref().unwrap(), rx.recv_ref().unwrap());
    for _ in 0..2 {
        let seen = observe::stat(&name, None).unwrap();
        let many = seen.many.unwrap();
        let mut expected =
            vec![format!("sent {} received {} depth {} tombs {}", seen.sent, seen.received, seen.depth, many.tombs)];
        expected.extend(many.members.iter().map(|of| {
            let (state, pid) = (of.state.name(), of.pid);
            let ends = format!("senders {} receivers {}", of.senders, of.receivers);
            format!("member {} {state} generation {} pid {pid} {ends}", of.index, of.generation)
        }));
        expected.extend(["hand 0 message 0 delivery 1", "hand 1 message 1 delivery 1"].map(str::to_owned));
        assert_eq!(Foreign::start(SCRIPT, &["look", &name]).end(), (expected, Some(0)));
        // And once more with one that was killed.
        if die(&name, "sending").is_none() {
            return;
        }
    }
    drop(guards);
}
