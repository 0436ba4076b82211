//! A peer for messages of bytes in another language, which knows SPEC.md and nothing else: `tests/foreign/parts.py`.

#[path = "foreign/process.rs"]
mod process;
mod support;

use process::{Foreign, is_possible};
use ringway::bytes::spsc::{Receiver, Sender};
use ringway::bytes::{RecvError, SendError};
use ringway::{DisconnectReason, Options, Placement, WaitStrategy};
use std::time::Duration;

const SCRIPT: &str = "parts.py";
/// In one piece and in many, with a rest of a frame in front or not; and longer than the ring.
const LENGTHS: [usize; 14] = [0, 1, 8, 30, 55, 56, 57, 64, 100, 41, 250, 3, 1000, 5];

fn name(of: &str) -> String {
    format!("foreign-bytes-{of}-{}", std::process::id())
}

/// Frames of 56 and of 64 bytes, in rings that hold a little more than four of them.
fn rings() -> [Options; 2] {
    let options = Options::new().capacity(275).frame_bytes(64).slice(Duration::from_millis(20));
    [options.clone().placement(Placement::Inline), options.wait(WaitStrategy::Sleep)]
}

/// The same as in the script.
fn message(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 37 + at / 251 + length) as u8).collect()
}

fn told(message: &[u8]) -> String {
    let sum: usize = message.iter().enumerate().map(|(at, byte)| (at + 1) * usize::from(*byte)).sum();
    format!("{} {sum}", message.len())
}

#[test]
fn it_receives_what_we_send_and_we_what_it_sends() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("to-{at}"));
        let mut tx = Sender::create_with(&name, options).unwrap();
        let foreign = Foreign::joined(SCRIPT, &["recv", &name]);
        for length in LENGTHS {
            tx.send(&message(length)).unwrap();
        }
        drop(tx);
        let expected: Vec<_> = LENGTHS.iter().map(|length| told(&message(*length))).collect();
        let (lines, code) = foreign.end();
        assert_eq!((&lines[..lines.len() - 1], &lines[lines.len() - 1][..]), (&expected[..], "end left"));
        assert_eq!(code, Some(0));

        let name = self::name(&format!("from-{at}"));
        let mut rx = Receiver::create_with(&name, options).unwrap();
        let lengths: Vec<_> = LENGTHS.iter().map(ToString::to_string).collect();
        let arguments: Vec<_> = ["send", &name].into_iter().chain(lengths.iter().map(String::as_str)).collect();
        let foreign = Foreign::joined(SCRIPT, &arguments);
        for length in LENGTHS {
            assert!(rx.recv().unwrap() == message(length), "{length}");
        }
        assert_eq!((rx.recv(), rx.disconnect_reason()), (Err(RecvError::Disconnected), Some(DisconnectReason::Left)));
        assert_eq!(foreign.end(), (Vec::new(), Some(0)));
    }
}

#[test]
fn whoever_is_killed_in_a_message_the_other_end_goes_on() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        // It sends.
        let name = name(&format!("dead-sender-{at}"));
        let mut rx = Receiver::create_with(&name, options).unwrap();
        Foreign::joined(SCRIPT, &["begin", &name, "1000"]).kill();
        // Its successor, of ours, ends the message.
        let mut tx = Sender::open_with(&name, options).unwrap();
        assert!(matches!(rx.recv(), Err(RecvError::Aborted { bytes: 100..1000 })));
        tx.send(b"next").unwrap();
        assert_eq!(rx.recv().unwrap(), b"next");
        drop(tx);
        // And the other way round.
        let mut tx = Sender::open_with(&name, options).unwrap();
        assert!(tx.send_timeout(&message(1000), Duration::from_millis(5)).unwrap_err().is_timeout());
        drop(tx);
        let foreign = Foreign::joined(SCRIPT, &["send", &name, "300"]);
        assert!(matches!(rx.recv(), Err(RecvError::Aborted { bytes: 100..1000 })));
        assert!(rx.recv().unwrap() == message(300));
        assert_eq!(foreign.end(), (Vec::new(), Some(0)));
        drop(rx);

        // It receives.
        let name = self::name(&format!("dead-receiver-{at}"));
        let tx = Sender::create_with(&name, options).unwrap();
        let foreign = Foreign::start(SCRIPT, &["take", &name]);
        let sending = std::thread::spawn(move || {
            let mut tx = tx;
            (tx.send(&message(1000)), tx)
        });
        let mut foreign = foreign;
        assert_eq!(foreign.line(), "joined");
        foreign.kill();
        let (sent, mut tx) = support::in_time("a sender whose receiver died", move || sending.join().unwrap());
        assert!(matches!(sent, Err(SendError::Aborted { bytes: 1..1000 })), "{sent:?}");
        // Its successor skips what is left.
        let foreign = Foreign::joined(SCRIPT, &["recv", &name, "1"]);
        tx.send(b"next").unwrap();
        assert_eq!(foreign.end(), (vec![told(b"next")], Some(0)));
        drop(tx);
    }
}

#[test]
fn a_message_that_we_refuse_it_does_not_go_on_with() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("refused-{at}"));
        let mut rx = Receiver::create_with(&name, options).unwrap();
        rx.set_limit(999);
        let foreign = Foreign::joined(SCRIPT, &["send", &name, "1000", "300"]);
        assert_eq!(rx.recv(), Err(RecvError::TooLong { bytes: 1000, limit: 999 }));
        assert!(rx.recv().unwrap() == message(300));
        assert_eq!(foreign.end(), (vec!["failed 1000 refused".to_owned()], Some(0)));
    }
}
