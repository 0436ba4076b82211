//! Many to many, with one record and one hand for everybody: whoever had them last is killed before each of its steps.

use super::scenes::scarce_options;
use super::stage::Stage;
use crate::channel::mpmc::{Receiver, Sender};
use std::time::Duration;

/// Far more than a slice.
const LONG: Duration = Duration::from_secs(10);

/// What is there for the survivor, of messages that were sent once.
fn rest(rx: &Receiver<u64>, until: u64) -> Vec<u64> {
    let mut got = Vec::new();
    while got.last() != Some(&until) {
        got.push(rx.recv_timeout(LONG).expect("what is behind the dead one"));
    }
    got.pop();
    got.sort_unstable();
    got
}

/// The ring takes as many as it holds, and gives them back, again and again.
fn works(tx: &Sender<u64>, rx: &Receiver<u64>) {
    for lap in 0..6 {
        (0..4).for_each(|n| tx.try_send(lap * 10 + n).expect("room for four"));
        assert!(tx.try_send(99).is_err());
        let first = rx.try_recv_ref().expect("the hand is free");
        assert_eq!((*first, first.attempt()), (lap * 10, 1));
        first.commit();
        (1..4).for_each(|n| assert_eq!(rx.try_recv(), Ok(lap * 10 + n)));
        assert_eq!((rx.in_hand(), rx.len()), (0, 0));
    }
}

/// A receiver is killed; at most so many messages are gone with it.
fn receiver_dies(scene: &str, at_least: u64, gone_at_most: usize) {
    let stage = Stage::new(scene);
    stage.at_each_step(scene, at_least, |name, kill| {
        let options = scarce_options(&stage.directory);
        let tx = Sender::<u64>::create_with(name, &options).unwrap();
        let rx = Receiver::<u64>::open_with(name, &options).unwrap();
        (1..=3).for_each(|n| tx.send(n).unwrap());
        kill();
        // Behind all that the dead one may have left.
        tx.send_timeout(9, LONG).unwrap();
        let mut got = Vec::new();
        while got.len() < 4 - gone_at_most || !got.contains(&9) {
            got.push(rx.recv_timeout(LONG).unwrap_or_else(|error| panic!("{name}: {error} behind {got:?}")));
        }
        got.extend(std::iter::from_fn(|| rx.try_recv().ok()));
        got.sort_unstable();
        assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "{name}: twice: {got:?}");
        assert!(got.iter().all(|message| [1, 2, 3, 9].contains(message)), "{name}: {got:?}");
        works(&tx, &rx);
    });
}

#[test]
fn a_receiver_with_the_last_record_is_killed() {
    receiver_dies("many-recv", 6, 1);
    receiver_dies("many-recv_many", 8, 3);
}

#[test]
fn a_receiver_with_the_last_hand_is_killed() {
    receiver_dies("many-recv_ref", 10, 1);
    receiver_dies("many-drop-guard", 10, 0);
}

#[test]
fn a_sender_with_the_last_record_is_killed() {
    for (scene, at_least, sending) in [("many-send", 6, 1), ("many-send_many", 8, 1)] {
        let stage = Stage::new(scene);
        stage.at_each_step(scene, at_least, |name, kill| {
            let options = scarce_options(&stage.directory);
            let tx = Sender::<u64>::create_with(name, &options).unwrap();
            let rx = Receiver::<u64>::open_with(name, &options).unwrap();
            (1..=3).for_each(|n| tx.send(n).unwrap());
            let is_completed = kill();
            let mut got = vec![rx.recv_timeout(LONG).unwrap()];
            tx.send_timeout(9, LONG).unwrap();
            got.extend(rest(&rx, 9));
            let arrived = got.len() - 3;
            assert!(arrived <= sending && (arrived == sending || !is_completed), "{name}: {got:?}");
            assert_eq!(got, [1, 2, 3, 4][..got.len()], "{name}");
            works(&tx, &rx);
        });
    }
}
