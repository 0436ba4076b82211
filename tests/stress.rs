//! Creating, attaching, leaving, cleaning and `kill -9`, all at once, on one name: what somebody is attached to keeps
//! its name, and what nobody is attached to goes.
//!
//! After the protocol's prototype in C. `RINGWAY_STRESS_SECONDS` makes it longer, `RINGWAY_SEED` repeats the choices.

mod support;

use ringway::observe;
use ringway::spsc::{Receiver, Sender};
use std::time::{Duration, Instant};
use support::{Child, Dir, Random, number, role, tell};

const NAME: &str = "contested";
const WORKERS: usize = 4;

/// Attaches as whatever end is free, looks around for a while, leaves; for ever.
fn work(dir: &Dir) {
    let mut random = Random::with(number("SEED", 1));
    loop {
        let options = dir.options().capacity(4);
        if random.below(2) == 0 {
            match Sender::<u64>::open_or_create_with(NAME, &options) {
                Ok(mut tx) => {
                    stay(dir, &mut random, tx.instance_id(), || {
                        let _ = tx.try_send(7);
                    });
                }
                Err(error) => refused(&error),
            }
        } else {
            match Receiver::<u64>::open_or_create_with(NAME, &options) {
                Ok(mut rx) => {
                    stay(dir, &mut random, rx.instance_id(), || {
                        assert!(rx.try_recv().map_or(true, |message| message == 7));
                    });
                }
                Err(error) => refused(&error),
            }
        }
    }
}

/// Another worker has the role; or, a hundred times, each time somebody else was faster.
fn refused(error: &ringway::OpenError) {
    if error.is_role_taken() {
        tell("taken");
    } else if error.is_already_exists() || error.is_not_found() {
        tell("raced");
    } else {
        tell(format_args!("VIOLATION refused: {error:?}"));
    }
}

/// While we are attached the name means our instance, every time we look.
fn stay(dir: &Dir, random: &mut Random, instance: [u8; 16], mut act: impl FnMut()) {
    tell("attached");
    for _ in 0..=random.below(4) {
        if random.below(3) == 0 {
            std::thread::sleep(Duration::from_micros(random.below(60)));
        }
        match observe::stat(NAME, Some(dir.path())) {
            Ok(seen) if seen.instance == instance && seen.is_in_use => {}
            other => tell(format_args!("VIOLATION attached to {instance:x?}, seen {other:?}")),
        }
        act();
    }
}

/// Removes what nobody is attached to; for ever.
fn clean(dir: &Dir) {
    loop {
        for cleaned in observe::clean(Some(dir.path())).expect("the directory") {
            match cleaned.removed {
                Ok(true) => tell("cleaned"),
                Ok(false) => {}
                Err(error) => tell(format_args!("VIOLATION cleaning: {error:?}")),
            }
        }
        std::thread::yield_now();
    }
}

/// Faults 25 and 26.
#[test]
fn what_is_in_use_keeps_its_name_and_nothing_else_does() {
    let dir = Dir::new();
    match role().as_deref() {
        Some("worker") => return work(&dir),
        Some("cleaner") => return clean(&dir),
        _ => {}
    }
    let test = here!();
    let mut random = Random::new();
    let start = |role: &str, seed: u64| Child::start_with(&test, role, &dir, &[("SEED", seed.to_string())]);
    let mut children: Vec<_> = (0..WORKERS).map(|_| start("worker", random.next())).collect();
    children.push(start("cleaner", 0));
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    let mut kills = 0;
    let end = Instant::now() + Duration::from_secs(number("RINGWAY_STRESS_SECONDS", 3));
    while Instant::now() < end {
        std::thread::sleep(Duration::from_micros(300 + random.below(25_000)));
        let victim = random.below(children.len() as u64) as usize;
        let role = if victim < WORKERS { "worker" } else { "cleaner" };
        assert!(!children[victim].has_ended(), "{role} gave up: {:?}", children[victim].rest());
        children[victim].kill_now();
        kills += 1;
        for line in children[victim].rest() {
            assert!(!line.starts_with("VIOLATION"), "{line}");
            *counts.entry(line).or_default() += 1;
        }
        children[victim] = start(role, random.next());
    }
    for mut child in children {
        child.kill_now();
        for line in child.rest() {
            assert!(!line.starts_with("VIOLATION"), "{line}");
            *counts.entry(line).or_default() += 1;
        }
    }
    eprintln!("{kills} kills, {counts:?}");
    assert!(counts.get("attached").is_some_and(|count| *count > 0), "somebody got in");
    observe::clean(Some(dir.path())).unwrap();
    assert!(dir.files().is_empty(), "{:?}", dir.files());
}

/// A hundred creators at once: one makes it, the others are told so, and all mean the same instance.
/// Fault 1.
#[test]
fn of_a_hundred_creators_one_creates() {
    let dir = Dir::new();
    if role().is_some() {
        // Twenty-five threads each, so that a hundred need not be a hundred processes.
        let options = dir.options();
        let barrier = std::sync::Arc::new(std::sync::Barrier::new(26));
        let threads: Vec<_> = (0..25)
            .map(|index| {
                let (options, barrier) = (options.clone(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    let made = match index % 3 {
                        0 => Sender::<u64>::create_with(NAME, &options),
                        _ => Sender::<u64>::open_or_create_with(NAME, &options),
                    };
                    match &made {
                        Ok(tx) => tell(format_args!("created {:x?}", tx.instance_id())),
                        Err(error) if error.is_already_exists() || error.is_role_taken() => tell("refused"),
                        Err(error) => tell(format_args!("VIOLATION {error:?}")),
                    }
                    made
                })
            })
            .collect();
        tell("ready");
        support::hear();
        barrier.wait();
        let made: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        support::hear();
        return drop(made);
    }
    for _ in 0..4 {
        let mut children: Vec<_> = (0..4).map(|_| Child::start(&here!(), "creators", &dir)).collect();
        children.iter_mut().for_each(|child| child.expect("ready"));
        children.iter_mut().for_each(|child| child.tell("go"));
        let lines: Vec<_> =
            children.iter_mut().flat_map(|child| (0..25).map(|_| child.hear()).collect::<Vec<_>>()).collect();
        let created: Vec<_> = lines.iter().filter(|line| line.starts_with("created")).collect();
        assert_eq!(created.len(), 1, "{lines:?}");
        assert_eq!(lines.iter().filter(|line| *line == "refused").count(), 99, "{lines:?}");
        let seen = observe::stat(NAME, Some(dir.path())).unwrap();
        assert_eq!(*created[0], format!("created {:x?}", seen.instance));
        children.iter_mut().for_each(|child| child.tell("leave"));
        children.into_iter().for_each(Child::succeed);
        assert!(dir.files().is_empty());
    }
}
