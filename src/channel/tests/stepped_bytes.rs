//! Senders and receivers of messages of bytes that are killed before each step of each operation, and what the survivor
//! sees: a message as a whole, or that it is nobody's, or nothing of it; and then the next one.

use super::scenes::{bytes, parts_options};
use super::stage::Stage;
use crate::DisconnectReason;
use crate::bytes::spsc::{Receiver, Sender};
use crate::bytes::{RecvError, RecvTimeoutError, SendError, TryRecvError};
use std::time::Duration;

/// Far more than a slice.
const LONG: Duration = Duration::from_secs(10);

/// What came of the message that was being sent. Later ones are further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    Nothing,
    Some(u64),
    All,
}

/// Receives one after the other what was sent; `is_over` says which error is the end.
fn came(
    name: &str,
    expected: &[u8],
    mut receive: impl FnMut() -> Result<Vec<u8>, RecvTimeoutError>,
    is_over: impl Fn(RecvTimeoutError) -> bool,
) -> Came {
    let mut came = Came::Nothing;
    loop {
        match receive() {
            Ok(message) => {
                assert!(came == Came::Nothing && message == expected, "{name}: {came:?}, then {message:?}");
                came = Came::All;
            }
            Err(RecvTimeoutError::Aborted { bytes }) => {
                assert_eq!(came, Came::Nothing, "{name}");
                assert!(bytes > 0 && bytes <= expected.len() as u64, "{name}: {bytes}");
                came = Came::Some(bytes);
            }
            Err(error) => {
                assert!(is_over(error), "{name}: {error}");
                return came;
            }
        }
    }
}

/// A sender is killed while it sends `sending`. As the child gets further, more of it comes.
fn sender_dies(scene: &str, sending: &[u8], last: Came, at_least: u64) {
    let stage = Stage::new(scene);
    let options = parts_options(&stage.directory);
    for drain_first in [true, false] {
        let mut most = Came::Nothing;
        stage.at_each_step(scene, at_least, |name, kill| {
            let mut rx = Receiver::create_with(name, &options).unwrap();
            let completed = kill();
            assert_eq!(rx.recv_timeout(LONG).unwrap(), b"before", "{name}");
            let mut now = Came::Nothing;
            if drain_first {
                now = came(name, sending, || rx.recv_timeout(LONG), |error| error == RecvTimeoutError::Disconnected);
                assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died), "{name}");
            }
            // A successor takes the role at once, and goes on behind what was published.
            let mut next = Sender::open_with(name, &options).unwrap();
            if !drain_first {
                let receive = || rx.try_recv().map_err(RecvTimeoutError::from);
                now = came(name, sending, receive, |error| error == RecvTimeoutError::Timeout);
            }
            assert!(now >= most, "{name}: the child got further, and less came: {most:?}, then {now:?}");
            assert!(!completed || now == last, "{name}: {now:?}");
            most = now;
            for len in [0, 5, 56, 57, 300] {
                if drain_first {
                    // Nothing is in the way.
                    next.send_timeout(&bytes(len.min(200)), LONG).unwrap();
                    assert_eq!(rx.recv_timeout(LONG).unwrap(), bytes(len.min(200)), "{name}");
                    continue;
                }
                std::thread::scope(|scope| {
                    let sending = scope.spawn(|| next.send(&bytes(len)));
                    assert_eq!(rx.recv_timeout(LONG).unwrap(), bytes(len), "{name}");
                    sending.join().unwrap().unwrap();
                });
            }
            assert_eq!((rx.len(), next.len()), (0, 0), "{name}");
        });
        assert_eq!(most, last);
    }
}

#[test]
fn a_sender_killed_in_send_has_sent_or_has_not() {
    sender_dies("parts-send", &bytes(30), Came::All, 3);
    sender_dies("parts-commit", &bytes(30), Came::All, 5);
}

#[test]
fn a_sender_killed_in_a_long_message_has_sent_it_or_it_is_nobodys() {
    sender_dies("parts-send-long", &bytes(150), Came::All, 9);
    sender_dies("parts-write", &bytes(150), Came::All, 9);
}

#[test]
fn a_sender_killed_while_it_gives_a_message_up_leaves_nothing_of_it() {
    sender_dies("parts-give-up", &bytes(1000), Came::Some(100), 7);
}

/// The receiver takes what there is, and sleeps, while the sender is killed.
#[test]
fn a_receiver_in_the_middle_of_a_message_learns_that_no_more_comes() {
    let stage = Stage::new("sleeping-receiver");
    let options = parts_options(&stage.directory);
    let mut seen = Vec::new();
    stage.at_each_step("parts-send-longer", 15, |name, kill| {
        let mut rx = Receiver::create_with(name, &options).unwrap();
        let receiving = std::thread::spawn(move || {
            assert_eq!(rx.recv().unwrap(), b"before");
            (rx.recv(), rx)
        });
        let completed = kill();
        let (got, mut rx) = receiving.join().unwrap();
        match got {
            Ok(ref message) => assert!(*message == bytes(400), "{name}"),
            Err(RecvError::Aborted { bytes: 1..=400 }) => assert!(!completed, "{name}"),
            Err(RecvError::Disconnected) => assert!(!completed, "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
        seen.push(got.is_ok());
        assert_eq!(rx.recv(), Err(RecvError::Disconnected), "{name}");
        let mut next = Sender::open_with(name, &options).unwrap();
        next.send(b"next").unwrap();
        assert_eq!(rx.recv().unwrap(), b"next", "{name}");
    });
    assert!(!seen[0] && seen[seen.len() - 1]);
}

/// A receiver is killed while it receives the second message. `at_least_once`: what it had in hand comes again, marked.
fn receiver_dies(scene: &str, len: usize, at_least_once: bool, at_least: u64) {
    let stage = Stage::new(&format!("{scene}-{len}"));
    let options = parts_options(&stage.directory);
    let mut last = (false, false);
    stage.at_each_step(scene, at_least, |name, kill| {
        let mut tx = Sender::create_with(name, &options).unwrap();
        for message in [b"before", &bytes(len)[..], b"after"] {
            tx.try_send(message).unwrap();
        }
        let completed = kill();
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died), "{name}");
        let mut next = Receiver::open_with(name, &options).unwrap();
        let guard = next.try_recv_ref().unwrap();
        let (is_gone, is_marked) = (*guard == *b"after", guard.is_redelivered());
        assert!(is_gone || *guard == bytes(len)[..], "{name}: {:?}", &*guard);
        assert_eq!(is_marked, guard.attempt() > 1);
        assert!(!is_gone || !is_marked, "{name}: nobody had it in hand");
        guard.commit();
        assert!((is_gone, is_marked) >= last || is_gone, "{name}: {last:?}, then {:?}", (is_gone, is_marked));
        assert!(is_gone >= last.0, "{name}: it was gone already");
        assert!(!is_marked || at_least_once);
        last = (is_gone, is_marked);
        assert!(!completed || is_gone, "{name}: received, and still there");
        if !is_gone {
            assert_eq!(next.recv().unwrap(), b"after", "{name}");
        }
        tx.send(&bytes(200)).unwrap();
        assert_eq!(next.recv().unwrap(), bytes(200), "{name}");
        assert!(next.is_empty());
    });
    assert!(last.0);
}

#[test]
fn a_receiver_killed_in_recv_has_taken_the_message_or_leaves_it() {
    receiver_dies("parts-recv", 30, false, 4);
    receiver_dies("parts-try_recv", 30, false, 4);
}

#[test]
fn a_receiver_killed_in_a_long_message_leaves_it_whole_or_it_is_nobodys() {
    receiver_dies("parts-recv", 150, false, 9);
    receiver_dies("parts-try_recv", 150, false, 9);
    // What a reader has seen of the first part is marked.
    receiver_dies("parts-read", 150, true, 9);
}

#[test]
fn a_receiver_killed_with_a_message_in_hand_leaves_it_marked() {
    receiver_dies("parts-recv_ref", 30, true, 6);
    receiver_dies("parts-recv_ref", 150, true, 9);
}

/// The sender is in the middle of a message that is longer than the ring when its receiver is killed. A successor takes
/// the role at once, or when the sender has found out.
#[test]
fn a_sender_in_the_middle_of_a_message_learns_that_nobody_gets_it() {
    for comes_at_once in [false, true] {
        let stage = Stage::new("parts-longer");
        let options = parts_options(&stage.directory);
        stage.at_each_step("parts-recv", 20, |name, kill| {
            let mut tx = Sender::create_with(name, &options).unwrap();
            tx.send(b"before").unwrap();
            let sending = std::thread::spawn(move || (tx.send(&bytes(500)), tx));
            let completed = kill();
            let successor = || Receiver::open_with(name, &options).unwrap();
            let receive = |mut rx: Receiver| std::thread::spawn(move || (rx.recv_timeout(LONG), rx));
            let early = comes_at_once.then(|| receive(successor()));
            let (sent, mut tx) = sending.join().unwrap();
            let late = early.unwrap_or_else(|| receive(successor()));
            assert!(!completed || sent.is_ok(), "{name}: {sent:?}");
            assert!(sent.is_ok() || matches!(sent, Err(SendError::Aborted { bytes: 1..500 })), "{name}: {sent:?}");
            tx.send(b"after").unwrap();
            let (first, mut next) = late.join().unwrap();
            match first {
                Ok(message) if message == b"after" => {}
                Ok(message) => {
                    // From its beginning.
                    assert!(message == bytes(500) && sent.is_ok() && !completed, "{name}: {sent:?}");
                    assert_eq!(next.recv().unwrap(), b"after", "{name}");
                }
                Err(RecvTimeoutError::Aborted { .. }) => {
                    assert!(sent.is_err(), "{name}: sent, and incomplete");
                    assert_eq!(next.recv().unwrap(), b"after", "{name}");
                }
                Err(error) => panic!("{name}: {error}"),
            }
            assert!(next.is_empty());
        });
    }
}

/// The successor of one who was killed in a message dies too, on its way in; the third one goes on. Whatever it was that
/// the first one left, the second changes nothing of it.
#[test]
fn two_senders_killed_one_after_the_other_leave_one_message_to_nobody() {
    let stage = Stage::new("parts-two-senders");
    let options = parts_options(&stage.directory);
    for first in [8, 14, 20, 26, 29] {
        let mut left = None;
        stage.at_each_step("parts-open-sender", 18, |name, kill| {
            let mut rx = Receiver::create_with(name, &options).unwrap();
            assert_eq!(stage.kill("parts-send-long", name, first), None, "it has more steps");
            kill();
            let mut next = Sender::open_with(name, &options).unwrap();
            next.try_send(b"after").unwrap();
            assert_eq!(rx.recv().unwrap(), b"before", "{name}");
            let mut came = Came::Nothing;
            let last = loop {
                match rx.try_recv() {
                    Err(TryRecvError::Aborted { bytes }) if came == Came::Nothing => came = Came::Some(bytes),
                    Ok(message) if message == bytes(150) && came == Came::Nothing => came = Came::All,
                    other => break other,
                }
            };
            assert_eq!(last.unwrap(), b"after", "{name}: {came:?}");
            assert_eq!(*left.get_or_insert(came), came, "{name}: the second one's death changed what the first left");
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            assert!(rx.is_empty() && next.is_empty());
        });
        println!("killed at {first}: {left:?}");
    }
}

#[test]
fn two_receivers_killed_one_after_the_other_lose_one_message_at_most() {
    let stage = Stage::new("parts-two-receivers");
    let options = parts_options(&stage.directory);
    for first in [3, 9, 14, 20] {
        let mut left = None;
        stage.at_each_step("parts-open-receiver", 15, |name, kill| {
            let mut tx = Sender::create_with(name, &options).unwrap();
            for message in [b"before", &bytes(150)[..], b"after"] {
                tx.try_send(message).unwrap();
            }
            assert_eq!(stage.kill("parts-recv", name, first), None, "it has more steps");
            kill();
            let mut next = Receiver::open_with(name, &options).unwrap();
            let message = next.try_recv_ref().unwrap();
            let is_gone = *message == *b"after";
            assert!(is_gone || *message == bytes(150)[..], "{name}");
            assert!(!message.is_redelivered());
            assert_eq!(
                *left.get_or_insert(is_gone),
                is_gone,
                "{name}: the second one's death changed what the first left"
            );
            message.commit();
            assert_eq!(next.try_iter().map(Result::unwrap).last().is_none(), is_gone);
        });
        println!("killed at {first}: gone: {left:?}");
    }
}
