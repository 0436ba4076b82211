//! Senders and receivers that are killed before each step of each operation, and what the survivor sees.

use super::stage::Stage;
use crate::channel::spsc::{Receiver, Sender};
use crate::{DisconnectReason, RecvTimeoutError, SendTimeoutError};
use std::cell::Cell;
use std::time::Duration;

/// Far more than a slice.
const LONG: Duration = Duration::from_secs(10);

fn receive_all(rx: &mut Receiver<u64>) -> Vec<u64> {
    let mut got = Vec::new();
    loop {
        match rx.recv_timeout(LONG) {
            Ok(message) => got.push(message),
            Err(RecvTimeoutError::Disconnected) => return got,
            Err(RecvTimeoutError::Timeout) => panic!("a dead sender was not noticed"),
        }
    }
}

/// A sender is killed. `sent_before` was sent; of `sending`, a prefix arrives, and as the child gets further, more.
fn sender_dies(scene: &str, sent_before: &[u64], sending: &[u64], at_least: u64) {
    let stage = Stage::new(scene);
    for drain_first in [true, false] {
        let mut most = 0;
        let mut is_over = false;
        let mut prefixes = Vec::new();
        stage.at_each_step(scene, at_least, |name, kill| {
            let options = stage.options();
            let mut rx = Receiver::<u64>::create_with(name, &options).unwrap();
            let completed = kill();
            is_over |= completed;
            let all: Vec<u64> = sent_before.iter().chain(sending).copied().collect();
            let mut got = Vec::new();
            if drain_first {
                got = receive_all(&mut rx);
                assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died), "{name}");
            }
            // A successor takes the role at once, and goes on behind what was published.
            let mut next = Sender::<u64>::open_with(name, &options).unwrap();
            if !drain_first {
                got.extend(rx.try_iter());
            }
            let arrived = got.len().checked_sub(sent_before.len()).expect("what was sent before");
            assert_eq!(got, all[..sent_before.len() + arrived], "{name}");
            assert!(arrived >= most, "{name}: the child got further, and less arrived");
            assert!(!completed || arrived == sending.len(), "{name}: sent, and not all there");
            most = arrived;
            prefixes.push(arrived);
            for lap in 0..20 {
                next.send_many(&[lap, 1000 + lap]).unwrap();
                assert_eq!((rx.recv_timeout(LONG), rx.recv_timeout(LONG)), (Ok(lap), Ok(1000 + lap)), "{name}");
            }
            next.send(77).unwrap();
            let last = rx.recv_ref_timeout(LONG).unwrap();
            let position = got.len() as u64 + 40;
            assert_eq!((*last, last.position(), last.is_redelivered()), (77, position, false));
            last.commit();
        });
        assert!(is_over);
        if !sending.is_empty() {
            assert_eq!(prefixes.first(), Some(&0), "killed before the first step, nothing is sent");
        }
    }
}

/// Faults 34 and 35.
#[test]
fn a_sender_killed_in_send_has_sent_or_has_not() {
    sender_dies("send", &[1, 2], &[3], 4);
    sender_dies("send-ends-frame", &[1], &[2], 5);
}

#[test]
fn a_sender_killed_in_a_batch_has_sent_a_prefix() {
    sender_dies("send_many", &[1], &[2, 3, 4, 5, 6], 7);
    sender_dies("commit", &[1], &[2, 3, 4], 6);
}

#[test]
fn a_sender_killed_while_it_changes_how_it_waits_loses_nothing() {
    sender_dies("set_wait", &[1], &[], 1);
}

/// A sender is killed while it leaves: what it sent arrives, then the end; whether it left or died is for it to say.
fn sender_leaves(scene: &str, at_least: u64) {
    let stage = Stage::new(scene);
    let mut has_left = false;
    stage.at_each_step(scene, at_least, |name, kill| {
        let options = stage.options();
        let mut rx = Receiver::<u64>::create_with(name, &options).unwrap();
        let completed = kill();
        assert_eq!(receive_all(&mut rx), [1], "{name}");
        let reason = rx.disconnect_reason().unwrap();
        assert!(matches!(reason, DisconnectReason::Left | DisconnectReason::Died), "{name}: {reason:?}");
        assert!(!has_left || reason == DisconnectReason::Left);
        has_left |= reason == DisconnectReason::Left;
        assert!(has_left || !completed, "{name}: it left, and is said to have died");
        let mut next = Sender::<u64>::open_with(name, &options).unwrap();
        next.send(2).unwrap();
        assert_eq!(rx.recv(), Ok(2), "{name}");
    });
    assert!(has_left);
}

#[test]
fn a_sender_killed_while_it_leaves_has_left_or_died() {
    sender_leaves("drop-sender", 9);
    sender_leaves("close", 4);
}

/// The receiver sleeps, for ever as far as it knows. Killed before it rings, the sender is found dead after a slice; what
/// it published is received.
#[test]
fn a_sleeper_is_woken_or_finds_out() {
    let stage = Stage::new("sleeper");
    let mut arrived = Vec::new();
    stage.at_each_step("send-to-sleeper", 6, |name, kill| {
        let mut rx = Receiver::<u64>::create_with(name, &stage.options()).unwrap();
        let sleeping = std::thread::spawn(move || {
            assert_eq!(rx.recv(), Ok(1));
            (rx.recv(), rx)
        });
        let completed = kill();
        let (got, mut rx) = sleeping.join().unwrap();
        assert!(got.is_err() || got == Ok(2), "{name}");
        assert!(!completed || got == Ok(2), "{name}");
        arrived.push(got.is_ok());
        assert_eq!(receive_all(&mut rx), []);
        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));
    });
    assert!(arrived.is_sorted() && !arrived[0]);
}

/// As above, with a receiver that never asks who is alive, so that nothing but a bell wakes it. A sender killed between
/// its store of the bell and its call of the kernel has woken nobody, and its bell looks rung; the successor rings it all
/// the same.
#[test]
fn a_sleeper_that_never_asks_is_woken_by_the_successor() {
    let stage = Stage::new("deaf");
    stage.at_each_step("send-to-sleeper", 6, |name, kill| {
        let mut rx = Receiver::<u64>::create_with(name, &stage.options().slice(Duration::MAX)).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let sleeping = std::thread::spawn(move || {
            assert_eq!(rx.recv(), Ok(1));
            let mut got = Vec::new();
            while got.last() != Some(&3) {
                got.push(rx.recv().expect("a successor"));
            }
            tell.send(got).unwrap();
        });
        kill();
        let mut next = Sender::<u64>::open_with(name, &stage.options()).unwrap();
        next.send(3).unwrap();
        let got = told.recv_timeout(LONG).unwrap_or_else(|_| panic!("{name}: not woken"));
        assert!(got == [3] || got == [2, 3], "{name}: {got:?}");
        sleeping.join().unwrap();
    });
}

/// The successor dies too, on its way in, wherever the first one died; the third goes on.
/// Fault 41.
#[test]
fn two_senders_killed_one_after_the_other_leave_a_prefix() {
    let stage = Stage::new("two-senders");
    for first in 0.. {
        let (mut sent, is_completed) = (None, Cell::new(false));
        stage.at_each_step("open-sender", 18, |name, kill| {
            let options = stage.options();
            let mut rx = Receiver::<u64>::create_with(name, &options).unwrap();
            is_completed.set(stage.kill("send_many", name, first).is_some());
            kill();
            let mut next = Sender::<u64>::open_with(name, &options).unwrap();
            let arrived = rx.len();
            assert_eq!(next.len(), arrived, "{name}");
            assert_eq!(
                *sent.get_or_insert(arrived),
                arrived,
                "{name}: the second one's death changed what the first sent"
            );
            next.send_many(&[10, 11]).unwrap();
            let mut got: Vec<_> = rx.try_iter().collect();
            assert_eq!(got.split_off(arrived), [10, 11], "{name}");
            assert_eq!(got, [1, 2, 3, 4, 5, 6][..arrived], "{name}");
        });
        if is_completed.get() {
            assert!(first >= 8, "{first} steps");
            break;
        }
    }
}

/// Fault 41.
#[test]
fn two_receivers_killed_one_after_the_other_lose_nothing() {
    let stage = Stage::new("two-receivers");
    for first in 0.. {
        let (mut left, is_completed) = (None, Cell::new(false));
        stage.at_each_step("open-receiver", 17, |name, kill| {
            let options = stage.options();
            let mut tx = Sender::<u64>::create_with(name, &options).unwrap();
            tx.send_many(&[1, 2, 3, 4, 5, 6]).unwrap();
            is_completed.set(stage.kill("release-some", name, first).is_some());
            kill();
            let mut next = Receiver::<u64>::open_with(name, &options).unwrap();
            let message = next.try_recv_ref().unwrap();
            let seen = (message.position(), message.attempt(), message.is_redelivered());
            assert_eq!(*left.get_or_insert(seen), seen, "{name}: the second one's death changed what the first left");
            message.commit();
            assert_eq!(next.try_iter().last(), Some(6));
            assert!(!tx.is_full() && tx.is_empty());
        });
        if is_completed.get() {
            assert!(first >= 8, "{first} steps");
            break;
        }
    }
}

/// A receiver is killed. 2 ..= 6 are there when its operation begins. What was not released comes to a successor,
/// marked if it had been handed out: `marks` messages are handed out at a time.
fn receiver_dies(scene: &str, releases: u64, marks: u64, attempts_before: u32, at_least: u64) {
    let stage = Stage::new(scene);
    let mut last = (0, 0, 0);
    stage.at_each_step(scene, at_least, |name, kill| {
        let options = stage.options();
        let mut tx = Sender::<u64>::create_with(name, &options).unwrap();
        tx.send_many(&[1, 2, 3, 4, 5, 6]).unwrap();
        let completed = kill();
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died), "{name}");
        assert_eq!((tx.sender_count(), tx.receiver_count()), (1, 0));
        // Nothing is lost on the way to finding out: there is room, until there is not.
        let mut expected = vec![2, 3, 4, 5, 6];
        let gone = loop {
            let message = 100 + expected.len() as u64;
            match tx.send_timeout(message, LONG) {
                Ok(()) => expected.push(message),
                Err(error) => break error,
            }
        };
        assert!(matches!(gone, SendTimeoutError::Disconnected(_)), "{name}: a dead receiver was not noticed");
        // A successor takes the role at once.
        let mut next = Receiver::<u64>::open_with(name, &options).unwrap();
        let mut released = 0;
        let mut marked = 0;
        let mut attempts = 0;
        for index in 0.. {
            let Ok(message) = next.try_recv_ref() else { break };
            if index == 0 {
                released = message.position() - 1;
                attempts = message.attempt();
            }
            assert_eq!(message.position(), 1 + released + index, "{name}");
            assert_eq!(*message, expected[(released + index) as usize], "{name}");
            assert_eq!(message.is_redelivered(), message.attempt() > 1, "{name}");
            if message.is_redelivered() {
                assert_eq!(marked, index, "{name}: marks come first");
                marked += 1;
            }
            message.commit();
        }
        if !completed {
            // Room for as many as were released: full was said exactly.
            assert_eq!(expected.len() as u64, 8 + released, "{name}");
        }
        assert!(released == 0 || released == releases, "{name}: {released} released");
        let in_hand = marked + released;
        assert!(in_hand == 0 || in_hand == marks || (marks == 0 && in_hand == releases), "{name}: {marked} marked");
        let now = (released, in_hand, attempts);
        assert!(now.0 >= last.0 && now.1 >= last.1, "{name}: {last:?}, then {now:?}");
        if released == 0 {
            let counted = attempts - attempts_before;
            assert!(counted == 1 || (counted == 2 && marks > 0), "{name}: attempt {attempts}");
            assert!(attempts >= last.2);
        }
        if released > 0 && released < marks {
            assert_eq!(attempts, 2, "{name}: the rest of a grant");
        }
        assert!(!completed || released == releases, "{name}: received, and still there");
        last = now;
        // And it goes on.
        tx.send(7).unwrap();
        assert_eq!(next.recv(), Ok(7));
    });
    assert_eq!(last.0, releases);
}

#[test]
fn a_receiver_killed_in_recv_has_taken_the_message_or_leaves_it() {
    receiver_dies("try_recv", 1, 0, 0, 5);
    receiver_dies("recv", 1, 0, 0, 5);
    receiver_dies("recv_many", 3, 0, 0, 6);
}

#[test]
fn a_receiver_killed_with_a_message_in_hand_leaves_it_marked() {
    receiver_dies("recv_ref", 1, 1, 0, 7);
    receiver_dies("recv_ref-third", 1, 1, 2, 6);
}

#[test]
fn a_receiver_killed_with_a_grant_leaves_all_of_it_marked() {
    receiver_dies("release", 3, 3, 0, 7);
    receiver_dies("release-some", 2, 3, 0, 7);
}

#[test]
fn a_receiver_killed_while_it_leaves_has_left_or_died() {
    for scene in ["drop-receiver", "close-receiver"] {
        let stage = Stage::new(scene);
        let mut has_left = false;
        stage.at_each_step(scene, 3, |name, kill| {
            let options = stage.options();
            let mut tx = Sender::<u64>::create_with(name, &options).unwrap();
            tx.send_many(&[1, 2, 3, 4, 5, 6]).unwrap();
            let completed = kill();
            let reason = tx.disconnect_reason().unwrap();
            assert!(!has_left || reason == DisconnectReason::Left, "{name}: {reason:?}");
            has_left |= reason == DisconnectReason::Left;
            assert!(has_left || (reason == DisconnectReason::Died && !completed), "{name}: {reason:?}");
            if has_left {
                assert_eq!(tx.try_send(7).unwrap_err().into_inner(), 7);
            }
            let mut next = Receiver::<u64>::open_with(name, &options).unwrap();
            assert_eq!(next.try_iter().collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
            tx.send(8).unwrap();
            assert_eq!(next.recv(), Ok(8));
        });
        assert!(has_left);
    }
}
