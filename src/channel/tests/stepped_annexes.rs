//! Annexes: whoever makes one, puts one in the place of another, or maps one is killed before each step; the survivor finds the
//! message or none, the annex free and fit for use, and one file, or in the end none.

use super::scenes::bytes;
use super::scenes_bytes::{LARGE, SMALL, options_with_an_annex};
use super::stage::Stage;
use crate::bytes::mpmc::{Receiver, Sender};
use std::path::Path;
use std::time::Duration;

/// Far more than a slice.
const SOON: Duration = Duration::from_secs(10);
/// What is sent last.
const END: &[u8] = b"end";

/// The annexes' files in there, of a channel.
fn files(directory: &Path, name: &str) -> Vec<String> {
    let files = std::fs::read_dir(directory).expect("a directory").map(|file| file.expect("a file").file_name());
    let names = files.filter_map(|file| file.into_string().ok());
    names.filter(|file| file.strip_prefix(name).is_some_and(|rest| rest.starts_with('~'))).collect()
}

/// All messages until the last one.
fn receive_all(name: &str, rx: &Receiver) -> Vec<Vec<u8>> {
    let next = || rx.recv_timeout(SOON).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut messages = vec![next()];
    while messages.last().is_some_and(|message| message != END) {
        messages.push(next());
    }
    messages.pop();
    messages
}

/// The annex is free, and takes a loan of each length, again and again; and it has one file.
fn works(name: &str, directory: &Path, tx: &Sender, rx: &Receiver) {
    for lap in 0..2 {
        for len in [LARGE, SMALL, LARGE] {
            let mut loan = tx.try_loan(len).unwrap_or_else(|error| panic!("{name}: {len} in lap {lap}: {error}"));
            assert!(tx.try_loan(len).unwrap_err().is_full(), "{name}: one annex");
            loan.copy_from_slice(&bytes(len));
            loan.try_send().unwrap_or_else(|error| panic!("{name}: {error}"));
            let guard = rx.try_recv_ref().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(*guard == bytes(len) && guard.attempt() == 1, "{name}");
            guard.commit();
        }
    }
    assert_eq!(files(directory, name).len(), 1, "{name}: {:?}", files(directory, name));
    assert_eq!((rx.in_hand(), rx.len()), (0, 0), "{name}");
}

/// A sender dies over its loan. There was an annex of that length before, or there was none.
fn lender_dies(scene: &str, at_least: u64, before: Option<usize>, len: usize, sends: bool) {
    let stage = Stage::new(&format!("{scene}-{}", before.unwrap_or(0)));
    let mut sent = 0;
    stage.at_each_step(scene, at_least, |name, kill| {
        let options = options_with_an_annex(&stage.directory);
        let tx = Sender::create_with(name, &options).unwrap();
        let rx = Receiver::open_with(name, &options).unwrap();
        drop(before.map(|len| tx.loan(len).expect("an annex")));
        let is_completed = kill();
        // It is found dead, so that all it left is there to be found.
        assert_eq!(tx.sender_count(), 1, "{name}");
        assert!(files(&stage.directory, name).len() <= 2, "{name}");
        tx.send_timeout(END, SOON).unwrap();
        let got = receive_all(name, &rx);
        assert!(got.len() <= usize::from(sends) && got.iter().all(|message| *message == bytes(len)), "{name}");
        assert!(!is_completed || got.len() == usize::from(sends), "{name}");
        sent += got.len();
        works(name, &stage.directory, &tx, &rx);
    });
    println!("{scene}: {sent} times sent");
    assert!(sent > 0 || !sends);
}

#[test]
fn who_makes_an_annex_is_killed() {
    lender_dies("bytes-loan-annex", 15, None, LARGE, true);
    lender_dies("bytes-drop-annex", 12, None, LARGE, false);
}

#[test]
fn who_uses_an_annex_that_is_there_is_killed() {
    lender_dies("bytes-loan-annex", 12, Some(LARGE), LARGE, true);
}

#[test]
fn who_replaces_an_annex_is_killed() {
    lender_dies("bytes-loan-annex", 15, Some(SMALL), LARGE, true);
    lender_dies("bytes-loan-small-annex", 15, Some(LARGE), SMALL, true);
}

/// A receiver dies with a message in an annex, which it maps for the first time: it is gone with it at most, or comes again.
fn reader_dies(scene: &str, at_least: u64, takes: bool) {
    let stage = Stage::new(scene);
    let mut survived = 0;
    stage.at_each_step(scene, at_least, |name, kill| {
        let options = options_with_an_annex(&stage.directory);
        let tx = Sender::create_with(name, &options).unwrap();
        let rx = Receiver::open_with(name, &options).unwrap();
        let mut loan = tx.loan(LARGE).unwrap();
        loan.copy_from_slice(&bytes(LARGE));
        loan.send().unwrap();
        let is_completed = kill();
        assert_eq!(tx.receiver_count(), 1, "{name}");
        tx.send_timeout(END, SOON).unwrap();
        let got = receive_all(name, &rx);
        assert!(got.len() <= 1 && got.iter().all(|message| *message == bytes(LARGE)), "{name}: torn, or twice");
        assert!(takes || got.len() == 1, "{name}: lost");
        assert!(!is_completed || got.len() == usize::from(!takes), "{name}");
        survived += got.len();
        works(name, &stage.directory, &tx, &rx);
    });
    println!("{scene}: {survived} times for the survivor");
    assert!(survived > 0);
}

#[test]
fn who_reads_an_annex_is_killed() {
    reader_dies("bytes-recv-annex", 12, true);
    reader_dies("bytes-recv_ref-annex", 12, true);
    reader_dies("bytes-drop-guard-annex", 12, false);
}

/// Somebody dies with a loan, and whoever takes it back is killed before each step of that.
#[test]
fn who_takes_back_what_a_dead_one_had_borrowed_is_killed() {
    let stage = Stage::new("bytes-bury-annex");
    stage.at_each_step("bytes-bury-annex", 20, |name, kill| {
        let options = options_with_an_annex(&stage.directory);
        let tx = Sender::create_with(name, &options).unwrap();
        let rx = Receiver::open_with(name, &options).unwrap();
        assert!(
            stage.kill("bytes-hold-annex", name, i64::MAX as u64).is_some(),
            "{name}: it has borrowed, and is dead"
        );
        kill();
        drop(tx.loan_timeout(LARGE, SOON).unwrap_or_else(|error| panic!("{name}: {error}")));
        assert_eq!(tx.sender_count(), 1, "{name}");
        works(name, &stage.directory, &tx, &rx);
    });
}

/// Somebody dies with a message that lies in an annex, and whoever takes it up is killed before each step of that.
#[test]
fn who_takes_up_what_a_dead_one_was_reading_is_killed() {
    let stage = Stage::new("bytes-adopt-annex");
    let mut survived = 0;
    stage.at_each_step("bytes-adopt-annex", 20, |name, kill| {
        let options = options_with_an_annex(&stage.directory);
        let tx = Sender::create_with(name, &options).unwrap();
        let rx = Receiver::open_with(name, &options).unwrap();
        let mut loan = tx.loan(LARGE).unwrap();
        loan.copy_from_slice(&bytes(LARGE));
        loan.send().unwrap();
        assert!(
            stage.kill("bytes-hold-guard-annex", name, i64::MAX as u64).is_some(),
            "{name}: it was reading, and is dead"
        );
        let is_completed = kill();
        assert_eq!(tx.receiver_count(), 1, "{name}");
        match rx.try_recv_ref() {
            Ok(guard) => {
                assert!(*guard == bytes(LARGE) && guard.attempt() > 1 && !is_completed, "{name}");
                guard.commit();
                survived += 1;
            }
            Err(error) => assert!(error.is_empty(), "{name}: {error}"),
        }
        works(name, &stage.directory, &tx, &rx);
    });
    println!("{survived} times for the survivor");
    assert!(survived > 0);
}
