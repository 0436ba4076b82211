//! Channels in System V segments: whoever makes one, comes to one, leaves or removes one is killed before each step. No segment is
//! left that `clean`, or the next one who creates the name, does not find; and nothing of a live one is removed.

use super::scenes::in_system_v;
use super::stage::Stage;
use crate::channel::options::Options;
use crate::channel::spsc::{Receiver, Sender};
use crate::observe;

/// The System V segments that are as long as this test's.
fn segments() -> usize {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").expect("/proc");
    let is_ours = |line: &&str| line.split_whitespace().nth(3) == Some(LEN);
    table.lines().filter(is_ours).count()
}

/// Fifteen pages.
const LEN: &str = "61440";

fn options(stage: &Stage) -> Options {
    in_system_v(stage.options())
}

/// Removes what can be removed; nothing is in use.
fn clean(stage: &Stage, name: &str) {
    for cleaned in observe::clean(Some(&stage.directory)).unwrap() {
        assert!(matches!(cleaned.removed, Ok(true)) || cleaned.is_persistent, "{name}: {cleaned:?}");
    }
}

/// The name can be used at once, and the channel works.
fn the_name_is_free(stage: &Stage, name: &str) {
    let options = options(stage);
    let mut rx = Receiver::<u64>::create_with(name, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(segments(), 1, "{name}: the next one has cleared away");
    let mut tx = Sender::<u64>::open_with(name, &options).unwrap();
    let seen = observe::stat(name, Some(&stage.directory)).unwrap();
    assert_eq!((seen.total_bytes.to_string().as_str(), seen.system_v.is_some()), (LEN, true));
    assert!(Sender::<u64>::create_with(name, &options).unwrap_err().is_already_exists());
    tx.send(5).unwrap();
    assert_eq!(rx.recv(), Ok(5));
    drop((tx, rx));
    assert_eq!((stage.inode(name), segments()), (None, 0), "{name}: the last one out takes all along");
}

/// One test, since they count the segments of one length.
#[test]
fn whoever_is_killed_leaves_no_segment_that_is_not_found() {
    a_creator_killed_at_any_step();
    a_creator_of_a_persistent_one_killed_at_any_step();
    one_killed_while_it_replaces_what_is_stale();
    the_last_one_out_killed_at_any_step();
    a_remover_killed_at_any_step();
    a_creator_that_is_stopped_loses_nothing();
    a_cleaner_that_is_stopped_removes_nothing_that_was_made_meanwhile();
}

fn a_creator_killed_at_any_step() {
    let stage = Stage::new("system-v-create");
    for (scene, cleans) in [("system-v-create-sender", true), ("system-v-open-or-create-receiver", false)] {
        let mut orphans = 0;
        stage.at_each_step(scene, 20, |name, kill| {
            kill();
            for entry in observe::list(Some(&stage.directory)).unwrap() {
                assert!(!entry.segment.unwrap_or_else(|error| panic!("{name}: half-made: {error}")).is_in_use);
            }
            assert!(segments() <= 1, "{name}");
            orphans += usize::from(segments() == 1 && stage.inode(name).is_none());
            if cleans {
                clean(&stage, name);
                assert_eq!(segments(), 0, "{name}: `clean` finds it");
            }
            the_name_is_free(&stage, name);
        });
        assert!(orphans > 0, "{scene}: it was killed between the segment and the name");
    }
}

fn a_creator_of_a_persistent_one_killed_at_any_step() {
    let stage = Stage::new("system-v-keep");
    stage.at_each_step("system-v-create-persistent", 20, |name, kill| {
        kill();
        let is_there = stage.inode(name).is_some();
        clean(&stage, name);
        assert_eq!((stage.inode(name).is_some(), segments()), (is_there, usize::from(is_there)), "{name}");
        let mut rx = Receiver::<u64>::open_or_create_with(name, &options(&stage).persistent(true)).unwrap();
        let mut tx = Sender::<u64>::open_with(name, &options(&stage)).unwrap();
        tx.send(5).unwrap();
        assert_eq!(rx.recv(), Ok(5));
        drop((tx, rx));
        assert_eq!(segments(), 1, "{name}: it is kept");
        observe::remove(name, Some(&stage.directory)).unwrap();
        assert_eq!(segments(), 0, "{name}");
    });
}

fn one_killed_while_it_replaces_what_is_stale() {
    let stage = Stage::new("system-v-stale");
    for (scene, at_least) in [("system-v-create-sender", 20), ("system-v-open-receiver", 3), ("system-v-clean", 3)] {
        stage.at_each_step(scene, at_least, |name, kill| {
            // Somebody made it, and died.
            assert!(stage.kill("system-v-create-receiver", name, u64::MAX >> 1).is_some());
            assert!(stage.inode(name).is_some() && segments() == 1);
            kill();
            the_name_is_free(&stage, name);
        });
    }
}

fn the_last_one_out_killed_at_any_step() {
    let stage = Stage::new("system-v-last");
    stage.at_each_step("system-v-last-out", 8, |name, kill| {
        let completed = kill();
        assert!(!completed || (stage.inode(name).is_none() && segments() == 0), "{name}: it left");
        clean(&stage, name);
        assert_eq!(segments(), 0, "{name}");
        the_name_is_free(&stage, name);
    });
}

fn a_remover_killed_at_any_step() {
    let stage = Stage::new("system-v-remove");
    stage.at_each_step("system-v-remove", 3, |name, kill| {
        let mut tx = Sender::<u64>::create_with(name, &options(&stage).persistent(true)).unwrap();
        tx.send_many(&[1, 2, 3]).unwrap();
        drop(tx);
        let completed = kill();
        let is_there = segments() == 1;
        assert!(!completed || (!is_there && stage.inode(name).is_none()), "{name}");
        match Receiver::<u64>::open_with(name, &options(&stage)) {
            Ok(mut rx) => {
                assert!(is_there, "{name}");
                assert_eq!(rx.try_iter().collect::<Vec<_>>(), [1, 2, 3], "{name}");
                drop(rx);
                observe::remove(name, Some(&stage.directory)).unwrap();
            }
            // A name whose segment has gone is nothing, persistent or not.
            Err(error) => assert!(error.is_not_found() && !is_there, "{name}: {error}"),
        }
        assert_eq!((stage.inode(name), segments()), (None, 0), "{name}");
        the_name_is_free(&stage, name);
    });
}

/// What a cleaner has found in the making is not removed when it has been made meanwhile, and left.
fn a_cleaner_that_is_stopped_removes_nothing_that_was_made_meanwhile() {
    let stage = Stage::new("system-v-late");
    let mut was_making = false;
    for n in 0.. {
        let name = format!("late-{n}");
        let Some(maker) = stage.stop("system-v-create-persistent", &name, n) else { break };
        let is_making = stage.inode(&name).is_none() && std::fs::read_dir(&stage.directory).unwrap().count() == 1;
        // Before it asks for the gate of the only file that is there.
        let cleaner = is_making.then(|| stage.stop("system-v-clean", &name, 0).expect("it asks for the gate"));
        was_making |= is_making;
        assert!(maker.go_on().starts_with("Ok"), "{name}");
        if let Some(cleaner) = cleaner {
            assert_eq!(cleaner.go_on(), "Ok([])", "{name}");
        }
        assert_eq!((stage.inode(&name).is_some(), segments()), (true, 1), "{name}: it is kept");
        drop(Receiver::<u64>::open_with(&name, &options(&stage)).unwrap_or_else(|error| panic!("{name}: {error}")));
        observe::remove(&name, Some(&stage.directory)).unwrap();
    }
    assert!(was_making, "it was stopped between the segment and the name");
    for entry in observe::list(Some(&stage.directory)).unwrap() {
        observe::remove(&entry.name, Some(&stage.directory)).unwrap();
    }
    assert_eq!(segments(), 0);
}

/// Nothing is ever taken for a dead one's that is a live one's, however long that takes.
fn a_creator_that_is_stopped_loses_nothing() {
    let stage = Stage::new("system-v-stopped");
    let mut was_making = 0;
    for n in 0.. {
        let name = format!("stopped-{n}");
        let Some(stopped) = stage.stop("system-v-create-persistent", &name, n) else { break };
        let before = segments();
        for cleaned in observe::clean(Some(&stage.directory)).unwrap() {
            assert!(matches!(cleaned.removed, Ok(false)), "{name}: {cleaned:?}");
            was_making += usize::from(cleaned.name.contains('~'));
        }
        assert_eq!(segments(), before, "{name}");
        assert!(stopped.go_on().starts_with("Ok"), "{name}");
        assert_eq!(segments(), 1, "{name}");
        observe::remove(&name, Some(&stage.directory)).unwrap();
        stage.must_be_empty(&name);
    }
    assert!(was_making > 0, "it was stopped between the segment and the name");
    // The last one, which was not stopped.
    for entry in observe::list(Some(&stage.directory)).unwrap() {
        observe::remove(&entry.name, Some(&stage.directory)).unwrap();
    }
    assert_eq!(segments(), 0);
}
