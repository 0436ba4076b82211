//! Processes that are killed, or stopped, at every step of their way into and out of a persistent channel, and while one is
//! removed: what was committed is there for the next, or the channel is gone because somebody asked for that.

use super::stage::Stage;
use crate::channel::open::{is_untouched, read_header};
use crate::channel::spsc::{Receiver, Sender};
use crate::memory::name::Place;
use crate::memory::segment::{self, Draft, Estate, Stale};
use crate::sys::file::Identity;
use crate::{DisconnectReason, OpenError, SegmentError};
use std::os::fd::BorrowedFd;

/// A channel that nobody is attached to, with these messages in it.
fn left_behind(stage: &Stage, name: &str, messages: &[u64]) -> Option<u64> {
    let mut tx = Sender::<u64>::create_with(name, &stage.options().persistent(true)).unwrap();
    tx.send_many(messages).unwrap();
    drop(tx);
    let inode = stage.inode(name);
    assert!(inode.is_some(), "{name}: its last user took it along");
    inode
}

/// What is there is complete, persistent and in nobody's hands.
fn is_whole(stage: &Stage, name: &str) {
    let stat = || crate::observe::stat(name, Some(&stage.directory)).unwrap_or_else(|error| panic!("{name}: {error}"));
    // A child that another test forks meanwhile has our descriptors, and their locks, until its first handler has run, or
    // until it ends if one of them was just being made (see `sys::fork`).
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut seen = stat();
    while seen.is_in_use && std::time::Instant::now() < end {
        std::thread::yield_now();
        seen = stat();
    }
    assert_eq!((seen.capacity, seen.is_persistent, seen.is_in_use), (8, true, false), "{name}");
    let looked = crate::observe::inspect(name, Some(&stage.directory), 8).unwrap();
    assert_eq!(looked.wrong(), Vec::<String>::new(), "{name}");
}

/// Whoever comes next receives exactly these, goes on, and can remove it.
fn holds(stage: &Stage, name: &str, inode: Option<u64>, messages: &[u64]) {
    is_whole(stage, name);
    let options = stage.options();
    assert!(Sender::<u64>::create_with(name, &options).unwrap_err().is_already_exists(), "{name}");
    let mut rx = Receiver::<u64>::open_with(name, &options).unwrap();
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), messages, "{name}");
    let mut tx = Sender::<u64>::open_with(name, &options).unwrap();
    for message in 100..120 {
        tx.send(message).unwrap();
        assert_eq!(rx.recv(), Ok(message), "{name}");
    }
    drop((tx, rx));
    assert_eq!(stage.inode(name), inode, "{name}: it is another, or gone");
    remove(stage, name);
}

fn remove(stage: &Stage, name: &str) {
    crate::observe::remove(name, Some(&stage.directory)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(stage.inode(name), None);
}

/// Fault 2.
#[test]
fn a_creator_killed_at_any_step_leaves_nothing_or_an_empty_channel() {
    let stage = Stage::new("persist-create");
    for scene in ["create-persistent", "open-or-create-persistent"] {
        let mut was_there = false;
        stage.at_each_step(scene, 15, |name, kill| {
            let completed = kill();
            let inode = stage.inode(name);
            assert!(inode.is_some() || !was_there, "{name}: the name is its last step but those of joining");
            was_there |= inode.is_some();
            assert!(was_there || !completed);
            if inode.is_some() {
                holds(&stage, name, inode, &[]);
            } else {
                let options = stage.options().persistent(true);
                drop(Receiver::<u64>::open_or_create_with(name, &options).unwrap());
                remove(&stage, name);
            }
        });
        assert!(was_there);
    }
}

const KEPT: Estate = Estate { stale: Stale::Keep, annexes: None, queues: None, boot: [0; 16], system_v: None };

/// A creator that gave the name and could then not go on has removed it, unless somebody else had a use for it meanwhile.
#[test]
fn what_cannot_be_used_by_its_creator_stays_if_somebody_else_has_been_there() {
    let stage = Stage::new("persist-abandon");
    let inode = left_behind(&stage, "used", &[1, 2, 3]);
    let place = |name| Place::new(name, Some(&stage.directory)).unwrap();
    let read = |file: BorrowedFd<'_>, seen: &Identity| Ok::<_, OpenError>((read_header(file, seen)?, KEPT));
    let (attachment, header) = segment::open(&place("used"), read).unwrap();
    attachment.abandon(|file| is_untouched(file, &header));
    let (page, len) = (header.encode(), header.geometry.total);
    let draft = |_| Draft { written: vec![(0, page.clone())], estate: KEPT };
    let attachment = segment::create(&place("new"), 0o600, len, draft, |_| Ok(())).unwrap();
    assert!(stage.inode("new").is_some());
    attachment.abandon(|file| is_untouched(file, &header));
    assert_eq!(stage.inode("new"), None);
    holds(&stage, "used", inode, &[1, 2, 3]);
}

#[test]
fn one_who_comes_to_what_was_left_behind_and_is_killed_takes_nothing_along() {
    let stage = Stage::new("persist-open");
    for scene in ["open-sender", "open-receiver", "open-or-create-persistent", "open-or-create-receiver"] {
        stage.at_each_step(scene, 8, |name, kill| {
            let inode = left_behind(&stage, name, &[1, 2, 3]);
            kill();
            holds(&stage, name, inode, &[1, 2, 3]);
        });
    }
    // Who wants to create finds that it is there, and leaves: one of its steps is the giving back of the gate.
    stage.at_each_step("create-persistent", 2, |name, kill| {
        let inode = left_behind(&stage, name, &[1, 2, 3]);
        kill();
        holds(&stage, name, inode, &[1, 2, 3]);
    });
}

#[test]
fn a_sender_without_a_receiver_killed_at_any_step_has_sent_what_it_had_sent() {
    let stage = Stage::new("persist-send");
    for (scene, at_least, all) in
        [("send", 3, &[1, 2, 3][..]), ("send_many", 6, &[1, 2, 3, 4, 5, 6]), ("drop-sender", 6, &[1])]
    {
        let mut most = 0;
        stage.at_each_step(scene, at_least, |name, kill| {
            let inode = left_behind(&stage, name, &[]);
            let completed = kill();
            let seen = crate::observe::stat(name, Some(&stage.directory)).unwrap();
            let depth = usize::try_from(seen.depth).unwrap();
            assert!((most..=all.len()).contains(&depth), "{name}: {depth} after {most}");
            assert!(!completed || depth == all.len(), "{name}");
            most = depth;
            holds(&stage, name, inode, &all[..depth]);
        });
        assert_eq!(most, all.len());
    }
}

#[test]
fn a_receiver_without_a_sender_killed_at_any_step_has_taken_what_it_had_taken() {
    let stage = Stage::new("persist-recv");
    for (scene, at_least, last) in [("recv", 3, 2), ("recv_many", 3, 4), ("release", 5, 4), ("drop-receiver", 6, 1)] {
        let mut taken = 1;
        stage.at_each_step(scene, at_least, |name, kill| {
            let all = [1, 2, 3, 4, 5, 6];
            let inode = left_behind(&stage, name, &all);
            let completed = kill();
            let received = crate::observe::stat(name, Some(&stage.directory)).unwrap().received;
            assert!((taken..=last).contains(&received) && (!completed || received == last), "{name}: {received}");
            taken = received;
            holds(&stage, name, inode, &all[usize::try_from(received).unwrap()..]);
        });
        assert_eq!(taken, last);
    }
}

#[test]
fn a_message_in_the_hand_of_one_killed_at_any_step_comes_again_marked() {
    let stage = Stage::new("persist-hand");
    let (mut came_again, mut is_gone) = (false, false);
    stage.at_each_step("recv_ref", 5, |name, kill| {
        let inode = left_behind(&stage, name, &[1, 2, 3]);
        kill();
        is_whole(&stage, name);
        let mut rx = Receiver::<u64>::open_with(name, &stage.options()).unwrap();
        let guard = rx.recv_ref().unwrap();
        let again = (*guard, guard.is_redelivered());
        assert!([(2, false), (2, true), (3, false)].contains(&again), "{name}: {again:?}");
        came_again |= again == (2, true);
        is_gone |= again == (3, false);
        guard.commit();
        drop(rx);
        let left = if again.0 == 2 { &[3][..] } else { &[] };
        holds(&stage, name, inode, left);
    });
    assert!(came_again && is_gone);
}

#[test]
fn one_killed_while_it_removes_has_removed_all_or_nothing() {
    let stage = Stage::new("persist-rm");
    let mut was_there = false;
    stage.at_each_step("remove", 2, |name, kill| {
        let inode = left_behind(&stage, name, &[1, 2, 3]);
        let completed = kill();
        assert!(!completed || stage.inode(name).is_none(), "{name}: it was not removed");
        if stage.inode(name).is_some() {
            was_there = true;
            holds(&stage, name, inode, &[1, 2, 3]);
        }
    });
    assert!(was_there);
}

#[test]
fn a_cleaner_passes_by() {
    let stage = Stage::new("persist-clean");
    stage.at_each_step("clean", 0, |name, kill| {
        let inode = left_behind(&stage, name, &[1, 2, 3]);
        kill();
        let cleaned = crate::observe::clean(Some(&stage.directory)).unwrap();
        assert!(matches!(cleaned[..], [crate::observe::Cleaned { removed: Ok(false), is_persistent: true, .. }]));
        holds(&stage, name, inode, &[1, 2, 3]);
    });
}

/// One who opens is stopped on the way in while somebody removes the channel: either the remover is refused, or the opener
/// gets another channel (or none). Nobody sends into a file that has no name.
/// Fault 26.
#[test]
fn who_opens_what_is_being_removed_is_there_or_finds_it_gone() {
    let stage = Stage::new("persist-stopped");
    for scene in ["open-sender", "open-or-create-persistent"] {
        let (mut refused, mut removed) = (0, 0);
        for n in 0.. {
            let name = format!("{scene}-{n}");
            let inode = left_behind(&stage, &name, &[1, 2, 3]);
            let Some(stopped) = stage.stop(scene, &name, n) else {
                remove(&stage, &name);
                break;
            };
            match crate::observe::remove(&name, Some(&stage.directory)) {
                Ok(()) => {
                    removed += 1;
                    let result = stopped.go_on();
                    assert_eq!(result.starts_with("Ok"), scene != "open-sender", "{name}: {result}");
                    assert_eq!(stage.inode(&name).is_some(), scene != "open-sender", "{name}");
                }
                Err(OpenError::Segment(SegmentError::InUse { .. })) => {
                    refused += 1;
                    assert!(stopped.go_on().starts_with("Ok"), "{name}");
                    assert_eq!(stage.inode(&name), inode, "{name}");
                }
                Err(error) => panic!("{name}: {error}"),
            }
            if stage.inode(&name).is_some() {
                let mut rx = Receiver::<u64>::open_with(&name, &stage.options()).unwrap();
                let expected: &[u64] = if stage.inode(&name) == inode { &[1, 2, 3] } else { &[] };
                assert_eq!(rx.try_iter().collect::<Vec<_>>(), expected, "{name}");
                assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died), "{name}: it has been there");
                drop(rx);
                remove(&stage, &name);
            }
            stage.must_be_empty(&name);
        }
        println!("{scene}: removed {removed} times, refused {refused} times");
        assert!(removed >= 1 && refused >= 5, "{scene}: {removed} {refused}");
    }
}
