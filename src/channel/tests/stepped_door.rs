//! Processes that are killed on their way in, on their way out, and while they clean.

use super::stage::Stage;
use crate::DisconnectReason;
use crate::channel::spsc::{Receiver, Sender};

/// Nothing half-made can be seen: whatever has the name is a complete segment.
fn all_are_whole(stage: &Stage, name: &str) {
    for entry in crate::observe::list(Some(&stage.directory)).unwrap() {
        let segment = entry.segment.unwrap_or_else(|error| panic!("{name}: half-made: {error}"));
        assert_eq!(segment.capacity, 8);
        assert!(!segment.is_in_use, "{name}: nobody is there");
    }
}

/// The name can be used at once, and the channel works.
fn the_name_is_free(stage: &Stage, name: &str, open_first: bool) {
    let options = stage.options();
    if open_first {
        assert!(Sender::<u64>::open_with(name, &options).unwrap_err().is_not_found(), "{name}: nobody is there");
    }
    let mut rx = Receiver::<u64>::create_with(name, &options).unwrap();
    let inode = stage.inode(name);
    let mut tx = Sender::<u64>::open_with(name, &options).unwrap();
    assert!(Sender::<u64>::create_with(name, &options).unwrap_err().is_already_exists());
    tx.send(5).unwrap();
    assert_eq!((rx.recv(), stage.inode(name)), (Ok(5), inode));
    drop((tx, rx));
    assert_eq!(stage.inode(name), None, "{name}: the last one out takes the name along");
}

/// Fault 2.
#[test]
fn a_creator_killed_at_any_step_leaves_nothing_in_the_way() {
    let stage = Stage::new("create");
    for scene in ["create-sender", "create-receiver", "open-or-create-sender", "open-or-create-receiver"] {
        for open_first in [false, true] {
            stage.at_each_step(scene, 15, |name, kill| {
                kill();
                all_are_whole(&stage, name);
                the_name_is_free(&stage, name, open_first);
            });
        }
    }
}

#[test]
fn one_killed_while_it_replaces_a_stale_segment_leaves_nothing_in_the_way() {
    let stage = Stage::new("stale");
    for (scene, at_least) in
        [("create-sender", 15), ("open-or-create-receiver", 15), ("open-sender", 2), ("open-receiver", 2), ("clean", 2)]
    {
        stage.at_each_step(scene, at_least, |name, kill| {
            // Somebody made it, and died.
            assert!(stage.kill("create-receiver", name, u64::MAX >> 1).is_some());
            assert!(stage.inode(name).is_some());
            kill();
            all_are_whole(&stage, name);
            the_name_is_free(&stage, name, false);
        });
    }
}

#[test]
fn the_last_one_out_killed_at_any_step_leaves_nothing_in_the_way() {
    let stage = Stage::new("last");
    for open_first in [false, true] {
        stage.at_each_step("last-out", 7, |name, kill| {
            let completed = kill();
            assert!(!completed || stage.inode(name).is_none(), "{name}: it left, and the name is still there");
            all_are_whole(&stage, name);
            the_name_is_free(&stage, name, open_first);
        });
    }
}

/// Fault 27.
#[test]
fn a_cleaner_killed_at_any_step_removes_nothing_live() {
    let stage = Stage::new("clean-live");
    stage.at_each_step("clean", 1, |name, kill| {
        let options = stage.options();
        let mut tx = Sender::<u64>::create_with(name, &options).unwrap();
        let inode = stage.inode(name);
        kill();
        assert_eq!(stage.inode(name), inode);
        let mut rx = Receiver::<u64>::open_with(name, &options).unwrap();
        tx.send(1).unwrap();
        assert_eq!(rx.recv(), Ok(1));
    });
}

#[test]
fn a_sender_killed_while_it_comes_to_a_live_channel_is_followed_by_another() {
    let stage = Stage::new("open-sender");
    for scene in ["open-sender", "open-or-create-sender"] {
        let mut was_seen = false;
        stage.at_each_step(scene, 12, |name, kill| {
            let options = stage.options();
            let mut rx = Receiver::<u64>::create_with(name, &options).unwrap();
            let inode = stage.inode(name);
            assert_eq!(rx.disconnect_reason(), None);
            let completed = kill();
            // Before it said that it is here it never was.
            let reason = rx.disconnect_reason();
            assert!(reason == Some(DisconnectReason::Died) || (reason.is_none() && !was_seen), "{name}: {reason:?}");
            was_seen |= reason.is_some();
            assert!(was_seen || !completed);
            assert_eq!((rx.sender_count(), stage.inode(name)), (0, inode));
            let mut next = Sender::<u64>::open_with(name, &options).unwrap();
            for message in 0..20 {
                next.send(message).unwrap();
                assert_eq!(rx.recv(), Ok(message));
            }
            assert_eq!((rx.disconnect_reason(), next.disconnect_reason()), (None, None));
        });
        assert!(was_seen);
    }
}

#[test]
fn a_receiver_killed_while_it_comes_to_a_live_channel_is_followed_by_another() {
    let stage = Stage::new("open-receiver");
    for scene in ["open-receiver", "open-or-create-receiver"] {
        let mut was_seen = false;
        stage.at_each_step(scene, 12, |name, kill| {
            let options = stage.options();
            let mut tx = Sender::<u64>::create_with(name, &options).unwrap();
            tx.send_many(&[1, 2, 3]).unwrap();
            let inode = stage.inode(name);
            let completed = kill();
            let reason = tx.disconnect_reason();
            assert!(reason == Some(DisconnectReason::Died) || (reason.is_none() && !was_seen), "{name}: {reason:?}");
            was_seen |= reason.is_some();
            assert!(was_seen || !completed);
            assert_eq!((tx.receiver_count(), stage.inode(name)), (0, inode));
            let mut next = Receiver::<u64>::open_with(name, &options).unwrap();
            tx.send_many(&[4, 5]).unwrap();
            assert_eq!(next.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        });
        assert!(was_seen);
    }
}

/// Who wants the channel there or made, and takes longer over making it than it would race with others, comes to what another has made
/// meanwhile.
#[test]
fn however_long_it_takes_to_make_what_another_has_made_one_comes_to_it() {
    let stage = Stage::new("slow-maker");
    let mut slow = Vec::new();
    for n in 0.. {
        let name = format!("slow-{n}");
        let Some(stopped) = stage.stop("open-or-create-receiver", &name, n) else { break };
        let faster = Sender::<u64>::open_or_create_with(&name, &stage.options()).unwrap();
        slow.push((name, stopped, faster));
    }
    assert!(slow.len() > 10);
    // Longer than they would race.
    std::thread::sleep(std::time::Duration::from_millis(5200));
    for (name, stopped, faster) in slow {
        assert!(stopped.go_on().starts_with("Ok"), "{name}");
        drop(faster);
    }
}
