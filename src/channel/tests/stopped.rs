//! Ends that are stopped, not killed, before each step of each operation: they are alive, and nothing of theirs is taken
//! over. What they hold up is themselves, and nobody else.

use super::scenes::two_members;
use super::stage::Stage;
use crate::channel::mpmc;
use crate::channel::spsc::{Receiver, Sender};
use crate::{DisconnectReason, OpenError, TryRecvError};

/// Whoever holds the role cannot be followed, and is not dead; once it has said that it leaves, it has left.
/// Fault 45.
#[test]
fn a_stopped_sender_is_alive_or_has_left() {
    let stage = Stage::new("stopped-sender");
    for (scene, at_least) in [("send", 4), ("send_many", 7), ("set_wait", 1), ("close", 4), ("drop-sender", 9)] {
        let mut n = 0;
        loop {
            let name = format!("{scene}-{n}");
            let mut rx = Receiver::<u64>::create_with(&name, &stage.options()).unwrap();
            let inode = stage.inode(&name);
            let Some(stopped) = stage.stop(scene, &name, n) else { break };
            let reason = rx.disconnect_reason();
            assert!(matches!(reason, None | Some(DisconnectReason::Left)), "{name}: {reason:?}");
            assert_eq!(rx.recv(), Ok(1), "{name}");
            match Sender::<u64>::open_with(&name, &stage.options()) {
                Ok(mut next) => {
                    assert_eq!(reason, Some(DisconnectReason::Left), "{name}: two senders");
                    assert!(scene == "drop-sender", "{name}: it has not let go");
                    next.send(50).unwrap();
                    assert_eq!(rx.recv(), Ok(50));
                }
                Err(OpenError::RoleTaken { .. }) => {}
                Err(error) => panic!("{name}: {error}"),
            }
            let cleaned = crate::observe::clean(Some(&stage.directory)).unwrap();
            assert!(cleaned.iter().all(|entry| matches!(entry.removed, Ok(false))), "{name}: {cleaned:?}");
            assert_eq!(stage.inode(&name), inode);
            stopped.go_on();
            let rest: Vec<_> = rx.try_iter().collect();
            let expected: &[u64] = match scene {
                "send" => &[2, 3],
                "send_many" => &[2, 3, 4, 5, 6],
                _ => &[],
            };
            assert_eq!(rest, expected, "{name}: it went on, and all arrived");
            drop(rx);
            stage.must_be_empty(&name);
            n += 1;
        }
        println!("{scene}: stopped before each of {n} steps");
        assert!(n >= at_least, "{scene}: {n} steps");
        stage.must_be_empty(scene);
    }
}

#[test]
fn a_stopped_receiver_is_alive_or_has_left() {
    let stage = Stage::new("stopped-receiver");
    for (scene, at_least) in [("recv", 5), ("recv_ref", 7), ("release", 7), ("close-receiver", 3), ("drop-receiver", 8)]
    {
        let mut n = 0;
        loop {
            let name = format!("{scene}-{n}");
            let mut tx = Sender::<u64>::create_with(&name, &stage.options()).unwrap();
            tx.send_many(&[1, 2, 3, 4, 5, 6]).unwrap();
            let Some(stopped) = stage.stop(scene, &name, n) else { break };
            let reason = tx.disconnect_reason();
            assert!(matches!(reason, None | Some(DisconnectReason::Left)), "{name}: {reason:?}");
            match Receiver::<u64>::open_with(&name, &stage.options()) {
                Ok(mut next) => {
                    assert_eq!(reason, Some(DisconnectReason::Left), "{name}: two receivers");
                    assert_eq!(next.try_iter().collect::<Vec<_>>(), [2, 3, 4, 5, 6], "{name}");
                }
                Err(OpenError::RoleTaken { .. }) => {}
                Err(error) => panic!("{name}: {error}"),
            }
            stopped.go_on();
            drop(tx);
            stage.must_be_empty(&name);
            n += 1;
        }
        println!("{scene}: stopped before each of {n} steps");
        assert!(n >= at_least, "{scene}: {n} steps");
        stage.must_be_empty(scene);
    }
}

/// Among many: who goes has let go of its place when another has it, and says nothing of it any more.
/// Fault 45.
#[test]
fn a_stopped_member_takes_no_successor_with_it() {
    let stage = Stage::new("stopped-member");
    let options = two_members(&stage.directory);
    let (mut n, mut came) = (0, 0);
    loop {
        let name = format!("many-drop-sender-{n}");
        let rx = mpmc::Receiver::<u64>::create_with(&name, &options).unwrap();
        let Some(stopped) = stage.stop("many-drop-sender", &name, n) else { break };
        assert_eq!(rx.recv(), Ok(1), "{name}");
        let next = mpmc::Sender::<u64>::open_with(&name, &options);
        stopped.go_on();
        match next {
            Ok(next) => {
                assert_eq!(rx.disconnect_reason(), None, "{name}: its successor is said to be gone");
                next.send(2).unwrap();
                assert_eq!((rx.recv(), rx.try_recv()), (Ok(2), Err(TryRecvError::Empty)), "{name}");
                came += 1;
            }
            // As many as there can be: it has not let go.
            Err(_) => assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected), "{name}"),
        }
        drop(rx);
        stage.must_be_empty(&name);
        n += 1;
    }
    println!("many-drop-sender: stopped before each of {n} steps, {came} times with a successor");
    assert!(n >= 10 && (1..n).contains(&came));
    stage.must_be_empty("many-drop-sender");
}

/// One who opens is stopped on the way in; meanwhile the channel ends, and another begins under its name. Whatever the
/// opener then gets is the channel that has the name, or an error.
/// Fault 26.
#[test]
fn who_opens_a_name_that_changes_its_meaning_gets_what_it_means_now() {
    let stage = Stage::new("stopped-opener");
    let mut n = 0;
    let (mut opened, mut refused) = (0, 0);
    loop {
        let name = format!("open-{n}");
        let first = Receiver::<u64>::create_with(&name, &stage.options()).unwrap();
        let Some(stopped) = stage.stop("open-sender", &name, n) else { break };
        drop(first);
        match Receiver::<u64>::create_with(&name, &stage.options()) {
            Ok(second) => {
                let inode = stage.inode(&name);
                let result = stopped.go_on();
                let reason = second.disconnect_reason();
                if result.starts_with("Ok") {
                    assert_eq!(reason, Some(DisconnectReason::Died), "{name}: it opened something else: {result}");
                    opened += 1;
                } else {
                    assert_eq!(reason, None, "{name}: {result}");
                    refused += 1;
                }
                assert_eq!(stage.inode(&name), inode, "{name}");
            }
            // It was in already, and keeps the channel.
            Err(error) => {
                assert!(error.is_already_exists(), "{name}: {error}");
                assert!(stopped.go_on().starts_with("Ok"), "{name}");
            }
        }
        stage.must_be_empty(&name);
        n += 1;
    }
    println!("open-sender: stopped before each of {n} steps: {opened} opened the second, {refused} were refused");
    assert!(n >= 18);
}
