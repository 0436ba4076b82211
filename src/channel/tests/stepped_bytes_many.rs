//! Bytes between many, with one hand for everybody: senders and receivers are killed before each step of each operation, and
//! the survivor finds what it may find, all lanes, and the hand.

use super::scenes::bytes;
use super::scenes_bytes::{LANE, LONG, options, options_with_short_lanes};
use super::stage::Stage;
use crate::bytes::mpmc::{Receiver, Sender};
use crate::bytes::{RecvTimeoutError, SendError, TryRecvError, TrySendError};
use crate::channel::options::Options;
use std::thread;
use std::time::Duration;

/// Far more than a slice.
const SOON: Duration = Duration::from_secs(10);
/// What is sent last.
const END: &[u8] = b"end";

/// What the survivor has received behind a death.
#[derive(Debug, Default, PartialEq, Eq)]
struct Got {
    messages: Vec<Vec<u8>>,
    aborted: usize,
}

/// All that comes until the end does, and what is left behind it.
fn receive_all(name: &str, rx: &Receiver) -> Got {
    let mut got = Got::default();
    loop {
        match rx.recv_timeout(SOON) {
            Ok(message) if message == END => break,
            Ok(message) => got.messages.push(message),
            Err(RecvTimeoutError::Aborted { bytes }) => {
                assert!(bytes <= LONG as u64, "{name}: {bytes} bytes of {LONG}");
                got.aborted += 1;
            }
            Err(error) => panic!("{name}: {error} behind {got:?}"),
        }
    }
    loop {
        match rx.try_recv() {
            Ok(message) => got.messages.push(message),
            Err(TryRecvError::Aborted { .. }) => got.aborted += 1,
            Err(TryRecvError::Empty) => return got,
            Err(error) => panic!("{name}: {error} behind {got:?}"),
        }
    }
}

/// All lanes of the longest kind, the hand and the ring are free, again and again.
fn works(name: &str, tx: &Sender, rx: &Receiver, lanes: usize, len: usize) {
    for lap in 0..3 {
        for n in 0..lanes {
            tx.try_send(&bytes(len - n)).unwrap_or_else(|error| panic!("{name}: lane {n} of lap {lap}: {error}"));
        }
        assert_eq!(tx.try_send(&bytes(len)), Err(TrySendError::Full), "{name}");
        for n in 0..lanes {
            let guard = rx.try_recv_ref().unwrap_or_else(|error| panic!("{name}: {n} of lap {lap}: {error}"));
            assert!(*guard == bytes(len - n) && guard.attempt() == 1, "{name}");
            guard.commit();
        }
        assert_eq!((rx.in_hand(), rx.len()), (0, 0), "{name}");
    }
}

fn ends(name: &str, options: &Options) -> (Sender, Receiver) {
    (Sender::create_with(name, options).unwrap(), Receiver::open_with(name, options).unwrap())
}

/// A sender is killed while the survivor receives: it gets the message, nothing, or the word that it was cut.
fn sender_dies(scene: &str, at_least: u64, len: usize, sends: bool) {
    let stage = Stage::new(scene);
    let has_short_lanes = matches!(scene, "bytes-send-short" | "bytes-send-long");
    let of = if has_short_lanes { options_with_short_lanes } else { options };
    let (lanes, longest) = if has_short_lanes { (1, 2 * LANE) } else { (2, LANE) };
    let (mut sent, mut cut) = (0, 0);
    stage.at_each_step(scene, at_least, |name, kill| {
        let (tx, rx) = ends(name, &of(&stage.directory));
        let (is_completed, got) = thread::scope(|scope| {
            let receiving = scope.spawn(|| receive_all(name, &rx));
            let is_completed = kill();
            tx.send_timeout(END, SOON).unwrap();
            (is_completed, receiving.join().unwrap())
        });
        // It is found dead now, if not before, and what it left is cleared up.
        assert_eq!(tx.sender_count(), 1, "{name}");
        let late = loop {
            match rx.try_recv() {
                Err(TryRecvError::Aborted { .. }) => {}
                other => break other,
            }
        };
        assert_eq!(late, Err(TryRecvError::Empty), "{name}");
        assert!(got.messages.len() + got.aborted <= 1, "{name}: {got:?}");
        assert!(got.messages.iter().all(|message| *message == bytes(len)), "{name}: torn");
        assert!(got.aborted == 0 || len > longest, "{name}: a whole message is cut");
        assert!(!is_completed || got.messages.len() == usize::from(sends), "{name}: {got:?}");
        assert!(sends || got.messages.is_empty(), "{name}: nobody has sent it");
        sent += got.messages.len();
        cut += got.aborted;
        works(name, &tx, &rx, lanes, longest);
    });
    println!("{scene}: {sent} times sent, {cut} times cut");
    assert!(sent > 0 || !sends);
    assert!(cut > 0 || len <= longest);
}

#[test]
fn a_sender_of_what_fits_into_a_lane_is_killed() {
    sender_dies("bytes-send", 12, 500, true);
    sender_dies("bytes-claim", 12, 500, true);
}

#[test]
fn a_sender_with_short_and_long_lanes_is_killed() {
    sender_dies("bytes-send-short", 12, 500, true);
    sender_dies("bytes-send-long", 12, 2 * LANE, true);
}

#[test]
fn a_sender_of_what_is_longer_than_a_lane_is_killed() {
    sender_dies("bytes-send-longer", 30, LONG, true);
}

#[test]
fn a_writer_is_killed() {
    sender_dies("bytes-finish", 30, LONG, true);
    sender_dies("bytes-drop-writer", 30, LONG, false);
}

/// A receiver of whole messages is killed: so many are gone with it at most; what comes again is marked.
fn receiver_dies(scene: &str, at_least: u64, gone_at_most: usize) {
    let stage = Stage::new(scene);
    stage.at_each_step(scene, at_least, |name, kill| {
        let (tx, rx) = ends(name, &options(&stage.directory));
        let messages = [bytes(500), bytes(LANE)];
        messages.iter().for_each(|message| tx.send(message).unwrap());
        let is_completed = kill();
        // Found dead, so that all it left is there to be found.
        assert_eq!(tx.receiver_count(), 1, "{name}");
        tx.send_timeout(END, SOON).unwrap();
        let mut got = receive_all(name, &rx).messages;
        got.sort_by_key(Vec::len);
        assert!(got.windows(2).all(|pair| pair[0].len() < pair[1].len()), "{name}: twice");
        assert!(got.iter().all(|message| messages.contains(message)), "{name}: torn");
        assert!(got.len() >= 2 - gone_at_most, "{name}: {} of 2", got.len());
        assert!(!is_completed || got.len() == 2 - gone_at_most, "{name}");
        works(name, &tx, &rx, 2, LANE);
    });
}

#[test]
fn a_receiver_of_what_fits_into_a_lane_is_killed() {
    receiver_dies("bytes-recv", 12, 1);
}

#[test]
fn a_receiver_with_a_message_in_hand_is_killed() {
    receiver_dies("bytes-recv_ref", 12, 1);
    receiver_dies("bytes-drop-guard", 12, 0);
}

/// A receiver is killed in the middle of a message that is longer than its lane: the sender knows whether it was received, and the
/// survivor gets it if nobody else had begun.
fn receiver_of_a_longer_one_dies(scene: &str, at_least: u64, receives: bool) {
    let stage = Stage::new(scene);
    let (mut survived, mut aborted) = (0, 0);
    stage.at_each_step(scene, at_least, |name, kill| {
        let (tx, rx) = ends(name, &options(&stage.directory));
        let (is_completed, sent, got) = thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let sent = tx.send(&bytes(LONG));
                tx.send_timeout(END, SOON).unwrap();
                sent
            });
            let is_completed = kill();
            let got = receive_all(name, &rx);
            (is_completed, sending.join().unwrap(), got)
        });
        match sent {
            Ok(()) => assert!(got.messages.len() + got.aborted <= 1, "{name}"),
            Err(SendError::Aborted { bytes }) => {
                assert!(bytes <= LONG as u64 && got.messages.is_empty(), "{name}: {bytes} aborted");
                aborted += 1;
            }
            Err(error) => panic!("{name}: {error}"),
        }
        assert!(got.messages.iter().all(|message| *message == bytes(LONG)), "{name}: torn");
        assert_eq!(got.aborted, 0, "{name}: its sender lives");
        assert!(!is_completed || got.messages.is_empty(), "{name}: received twice");
        assert!(!is_completed || sent.is_ok() == receives, "{name}: {sent:?}");
        survived += got.messages.len();
        assert_eq!(tx.receiver_count(), 1, "{name}");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "{name}");
        works(name, &tx, &rx, 2, LANE);
    });
    println!("{scene}: {survived} times for the survivor, {aborted} times aborted");
    assert!(survived > 0 && aborted > 0);
}

#[test]
fn a_receiver_of_what_is_longer_than_a_lane_is_killed() {
    receiver_of_a_longer_one_dies("bytes-recv-longer", 30, true);
    receiver_of_a_longer_one_dies("bytes-recv_ref-longer", 30, true);
}

#[test]
fn a_reader_of_a_message_is_killed() {
    receiver_of_a_longer_one_dies("bytes-read", 30, true);
    receiver_of_a_longer_one_dies("bytes-drop-reader", 20, false);
}

/// All places are taken, one of them by who is killed: who comes next takes that one, and clears up after the dead.
#[test]
fn who_takes_a_dead_ones_place_clears_up_after_it() {
    let stage = Stage::new("bytes-place");
    stage.at_each_step("bytes-send", 12, |name, kill| {
        let options = options(&stage.directory).members(2);
        let tx = Sender::create_with(name, &options).unwrap();
        kill();
        let rx = Receiver::open_with(name, &options).unwrap();
        while !matches!(rx.try_recv(), Err(TryRecvError::Empty)) {}
        works(name, &tx, &rx, 2, LANE);
    });
}
