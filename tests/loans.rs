//! Shared memory lent to senders and read where it is: inside one process and between several; what is given back, what the dead
//! leave, what there is not enough of.

mod support;

use ringway::bytes::mpmc::{self, Receiver, Sender};
use ringway::bytes::{LoanError, RecvError, TryRecvError};
use ringway::{DisconnectReason, Options, SendTimeoutError, TrySendError, observe};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;
use support::{Child, Dir, PATIENCE, in_time, number, role, tell};

const LANE: usize = 8192;

fn options() -> Options {
    Options::new().capacity(4).lanes(3, LANE).annexes(0)
}

fn channel() -> (Sender, Receiver) {
    mpmc::channel_with(&options()).expect("memory")
}

/// So many bytes that are like no others.
fn filled(bytes: &mut [u8], seed: u64) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (at as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    }
}

fn expected(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    filled(&mut bytes, seed);
    bytes
}

/// All lanes are free: so many can be borrowed at once.
fn no_lane_is_lost(tx: &Sender, rx: &Receiver) {
    for _ in 0..3 {
        let loans: Vec<_> = (0..3).map(|n| tx.try_loan(LANE).unwrap_or_else(|error| panic!("{n}: {error}"))).collect();
        assert!(tx.try_loan(LANE).unwrap_err().is_full());
        for (seed, mut loan) in loans.into_iter().enumerate() {
            filled(&mut loan, seed as u64);
            loan.send().unwrap();
        }
        (0..3).for_each(|seed| assert!(rx.try_recv().unwrap() == expected(LANE, seed)));
        assert_eq!((rx.in_hand(), rx.len()), (0, 0));
    }
}

#[test]
fn what_is_lent_is_read_where_it_was_written() {
    let (tx, rx) = channel();
    for len in [0, 1, 8, 112, 113, 4096, 4097, LANE] {
        let mut loan = tx.loan(len).unwrap();
        assert_eq!(loan.len(), len);
        filled(&mut loan, 7);
        let written_at = loan.as_ptr();
        loan.send().unwrap();
        let guard = rx.try_recv_ref().unwrap();
        assert!(*guard == expected(len, 7), "length {len}");
        assert!(len == 0 || guard.as_ptr() == written_at, "length {len}: copied");
        guard.commit();
    }
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn values_are_written_and_read_in_place() {
    let (tx, rx) = channel();
    let mut loan = tx.loan(1000 * 8 + 3).unwrap();
    assert_eq!(loan.as_slice_of::<f64>().len(), 1000, "as many whole ones as there are");
    for (at, value) in loan.as_mut_slice_of::<f64>().iter_mut().enumerate() {
        *value = at as f64 / 2.0;
    }
    loan.truncate(8000);
    loan.truncate(LANE);
    assert_eq!(loan.len(), 8000, "truncating makes nothing longer");
    loan.send().unwrap();
    let guard = rx.recv_owned().unwrap();
    let values = guard.as_slice_of::<f64>().expect("aligned, and a whole number");
    assert!(values.iter().enumerate().all(|(at, value)| *value == at as f64 / 2.0) && values.len() == 1000);
    assert_eq!(guard.as_slice_of::<[u8; 3]>(), None, "8000 bytes are no whole number of threes");
    assert!(guard.as_slice_of::<()>().is_none());
    guard.commit();
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn what_is_dropped_or_forgotten_in_a_moved_struct_comes_back() {
    let (tx, rx) = channel();
    drop(tx.loan(500).unwrap());
    let mut kept = tx.loan(LANE).unwrap();
    filled(&mut kept, 1);
    // Owned: it goes to another thread, and outlives its sender, as one more of which it counts.
    assert_eq!(tx.sender_count(), 2);
    drop(tx);
    let sent = thread::spawn(move || {
        kept.truncate(5000);
        kept.send().unwrap();
    });
    sent.join().unwrap();
    let guard = rx.recv_owned().unwrap();
    let read = thread::spawn(move || {
        assert!(*guard == expected(5000, 1));
        drop(guard);
    });
    read.join().unwrap();
    let again = rx.recv_owned_timeout(PATIENCE).unwrap();
    assert!((again.attempt(), again.is_redelivered()) == (2, true) && *again == expected(5000, 1));
    again.commit();
    assert!(rx.recv().is_err(), "no sender is left");
}

#[test]
fn what_is_not_sent_is_handed_back() {
    let (tx, rx) = channel();
    (0..4).for_each(|n| tx.send(&[n]).unwrap());
    let mut loan = tx.loan(300).unwrap();
    filled(&mut loan, 3);
    let Err(TrySendError::Full(loan)) = loan.try_send() else { panic!("a ring that is full") };
    let Err(SendTimeoutError::Timeout(mut loan)) = loan.send_timeout(Duration::from_millis(5)) else {
        panic!("a ring that is full")
    };
    assert!(*loan == expected(300, 3));
    // It can still be written.
    filled(&mut loan, 4);
    assert_eq!(rx.recv().unwrap(), [0]);
    loan.try_send().unwrap();
    (1..4).for_each(|n| assert_eq!(rx.recv().unwrap(), [n]));
    assert!(rx.recv().unwrap() == expected(300, 4));
    let loan = tx.loan(300).unwrap();
    no_lane_is_lost(&tx, &rx);
    drop(rx);
    let loan = loan.send().expect_err("nobody receives").0;
    assert_eq!(loan.len(), 300);
    assert!(matches!(tx.loan(300), Err(LoanError::Disconnected)));
    assert!(matches!(tx.try_loan(300), Err(LoanError::Disconnected)));
}

#[test]
fn when_all_is_lent_the_next_one_waits() {
    let (tx, rx) = channel();
    let mut loans: Vec<_> = (0..3).map(|_| tx.loan(LANE).unwrap()).collect();
    assert!(tx.try_loan(LANE).unwrap_err().is_full());
    assert!(tx.loan_timeout(LANE, Duration::from_millis(5)).unwrap_err().is_full());
    assert!(matches!(tx.loan(LANE + 1), Err(LoanError::TooLong { limit: LANE, .. })), "there are no annexes");
    // Shorter ones have lanes of their own.
    drop(tx.try_loan(100).unwrap());
    let waiting = {
        let tx = tx.clone();
        thread::spawn(move || in_time("a loan", move || tx.loan(LANE).map(|loan| loan.len())))
    };
    support::until("somebody sleeps", || tx.stats().sleeps > 0);
    drop(loans.pop());
    assert_eq!(waiting.join().unwrap().unwrap(), LANE);
    drop(loans);
    no_lane_is_lost(&tx, &rx);
}

// Annexes.

const MIB: usize = 1 << 20;
const NAME: &str = "loans";

/// Two lanes of 8 KiB, and so many annexes.
fn with_annexes(dir: &Dir, annexes: usize) -> Options {
    dir.patient().capacity(8).lanes(2, LANE).annexes(annexes).slice(Duration::from_millis(5))
}

fn ends(options: &Options) -> (Sender, Receiver) {
    (Sender::create_with(NAME, options).unwrap(), Receiver::open_with(NAME, options).unwrap())
}

/// The annexes among the files in there, by number and version.
fn annexes(dir: &Dir) -> Vec<String> {
    let files = dir.files().into_iter();
    files.filter_map(|file| Some(file.split_once('~')?.1.split_once('.')?.1.to_owned())).collect()
}

fn sent(tx: &Sender, len: usize, seed: u64) {
    let mut loan = tx.loan(len).unwrap();
    filled(&mut loan, seed);
    loan.send().unwrap();
}

#[test]
fn a_loan_that_is_longer_than_a_lane_lies_in_an_annex() {
    let dir = Dir::new();
    let (tx, rx) = ends(&with_annexes(&dir, 3));
    assert_eq!(annexes(&dir), Vec::<String>::new(), "none is made before it is needed");
    // Another attachment, which maps the annex for itself.
    let other = Receiver::open_with(NAME, &dir.options()).unwrap();
    for (seed, len) in [LANE + 1, MIB, MIB / 2 + 1, MIB - 1].into_iter().enumerate() {
        sent(&tx, len, seed as u64);
        let rx = if seed % 2 == 0 { &rx } else { &other };
        let guard = rx.try_recv_ref().unwrap();
        assert!(*guard == expected(len, seed as u64), "length {len}");
        assert_eq!(guard.as_ptr().addr() % 4096, 0);
        guard.commit();
    }
    // The one of 16 KiB, and one that all the others fit into.
    assert_eq!(annexes(&dir), ["0.1", "1.1"]);
    // Each way of receiving can do it.
    sent(&tx, MIB, 7);
    assert!(rx.recv().unwrap() == expected(MIB, 7));
    sent(&tx, MIB, 8);
    let mut message = Vec::new();
    let mut reader = other.reader().unwrap();
    assert_eq!((reader.len_hint(), reader.read_to_end(&mut message).unwrap()), (Some(MIB as u64), MIB));
    drop(reader);
    assert!(message == expected(MIB, 8));
    sent(&tx, MIB, 9);
    assert!(other.recv_owned().unwrap()[..] == expected(MIB, 9)[..]);
    // The guard was dropped: delivered again, where it was.
    let again = rx.recv_owned_timeout(PATIENCE).unwrap();
    assert!(again.attempt() == 2 && again[..] == expected(MIB, 9)[..]);
    drop((tx, rx, other));
    assert!(again[..] == expected(MIB, 9)[..], "it is there as long as anybody looks at it");
    again.commit();
    assert_eq!(dir.files(), Vec::<String>::new(), "the last one takes all away");
}

#[test]
fn an_annex_of_a_wrong_size_is_replaced_when_no_other_is_free() {
    let dir = Dir::new();
    let (tx, rx) = ends(&with_annexes(&dir, 2));
    let small = tx.loan(LANE + 1).unwrap();
    let kept = tx.loan(MIB).unwrap();
    drop(small);
    assert_eq!(annexes(&dir), ["0.1", "1.1"]);
    // Too short.
    let large = tx.loan(8 * MIB).unwrap();
    assert_eq!(annexes(&dir), ["0.2", "1.1"]);
    assert!(tx.try_loan(LANE + 1).unwrap_err().is_full());
    drop(large);
    // More than four times too long.
    sent(&tx, LANE + 1, 1);
    assert_eq!(annexes(&dir), ["0.3", "1.1"]);
    drop(kept);
    assert!(rx.recv().unwrap() == expected(LANE + 1, 1));
    // What fits is found, wherever it is.
    for len in [LANE + 1, MIB, 2 * LANE, MIB / 2, MIB / 4] {
        drop(tx.loan(len).unwrap());
    }
    assert_eq!(annexes(&dir), ["0.3", "1.1"]);
    let seen = observe::inspect(NAME, Some(dir.path()), 0).unwrap();
    assert_eq!(seen.wrong(), Vec::<String>::new());
}

#[test]
fn when_all_lanes_are_lent_shorter_loans_grow_into_annexes() {
    let dir = Dir::new();
    let (tx, rx) = ends(&with_annexes(&dir, 2));
    let mut loans: Vec<_> = (0..4).map(|_| tx.try_loan(LANE).unwrap()).collect();
    assert_eq!(annexes(&dir).len(), 2);
    assert!(tx.try_loan(LANE).unwrap_err().is_full());
    assert!(tx.loan_timeout(LANE, Duration::from_millis(5)).unwrap_err().is_full());
    for (seed, mut loan) in loans.drain(..).enumerate() {
        filled(&mut loan, seed as u64);
        loan.send().unwrap();
    }
    (0..4).for_each(|seed| assert!(rx.try_recv().unwrap() == expected(LANE, seed)));
    assert_eq!((rx.len(), rx.in_hand()), (0, 0));
    assert!(matches!(tx.try_loan((1 << 30) + 1), Err(LoanError::TooLong { limit: 0x4000_0000, .. })));
}

#[test]
fn a_channel_inside_one_process_has_annexes_on_the_heap() {
    let (tx, rx) = mpmc::channel_with(&options().annexes(2)).unwrap();
    for seed in 0..4 {
        let len = [MIB, 3 * MIB, 10 * LANE, 9 * MIB][seed as usize];
        sent(&tx, len, seed);
        let guard = rx.recv_owned().unwrap();
        assert!(guard[..] == expected(len, seed)[..]);
        guard.commit();
    }
    let held = [tx.loan(MIB).unwrap(), tx.loan(MIB).unwrap()];
    assert!(tx.try_loan(MIB).unwrap_err().is_full());
    drop(held);
    drop(tx.try_loan(MIB).unwrap());
}

#[test]
fn what_is_given_back_too_often_goes_to_the_dead_letters_from_an_annex() {
    let dir = Dir::new();
    let options = with_annexes(&dir, 2).deliveries(2).dead_letters("letters");
    let (tx, rx) = ends(&options);
    let letters = Receiver::create_with("letters", &with_annexes(&dir, 2)).unwrap();
    for len in [500, LANE, MIB] {
        sent(&tx, len, 5);
        (0..2).for_each(|_| drop(rx.recv_ref().unwrap()));
        assert!(rx.try_recv().is_err());
        assert!(letters.try_recv().unwrap() == expected(len, 5), "length {len}");
    }
    assert_eq!((rx.stats().dropped, rx.in_hand()), (0, 0));
}

#[test]
fn loans_are_written_by_one_process_and_read_by_another() {
    let dir = Dir::new();
    let count = number("RINGWAY_LOANS", 40);
    let len = |seed: u64| MIB - (seed * 4099) as usize % (MIB / 2);
    if let Some(role) = role() {
        assert_eq!(role, "send");
        let tx = Sender::open_with(NAME, &with_annexes(&dir, 4)).unwrap();
        return (0..count).for_each(|seed| sent(&tx, len(seed), seed));
    }
    let rx = Receiver::create_with(NAME, &with_annexes(&dir, 4)).unwrap();
    let sender = Child::start(&here!(), "send", &dir);
    for seed in 0..count {
        let guard = rx.recv_ref().unwrap();
        assert!(*guard == expected(len(seed), seed), "message {seed}");
        guard.commit();
    }
    sender.succeed();
    assert!(annexes(&dir).len() <= 4, "{:?}", annexes(&dir));
    drop(rx);
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn what_a_dead_process_had_borrowed_comes_back() {
    let dir = Dir::new();
    if role().is_some() {
        let tx = Sender::open_with(NAME, &with_annexes(&dir, 2)).unwrap();
        let mut loans: Vec<_> = (0..2).map(|_| tx.loan(MIB).unwrap()).collect();
        loans.extend((0..2).map(|_| tx.loan(LANE).unwrap()));
        sent(&tx, 100, 1);
        tell("all lent");
        support::hang();
    }
    let (tx, rx) = ends(&with_annexes(&dir, 2));
    let mut borrower = Child::start(&here!(), "borrow", &dir);
    borrower.expect("all lent");
    assert!(tx.try_loan(MIB).unwrap_err().is_full() && tx.try_loan(LANE).unwrap_err().is_full());
    borrower.kill();
    assert!(rx.recv().unwrap() == expected(100, 1), "what it had sent is there");
    let loans: Vec<_> = (0..2).map(|_| tx.loan_timeout(MIB, PATIENCE).unwrap()).collect();
    assert!(tx.try_loan(LANE).is_ok(), "lanes, too");
    assert_eq!(annexes(&dir), ["0.1", "1.1"], "the files that it made are used");
    drop(loans);
}

#[test]
fn what_a_dead_process_was_reading_is_delivered_again() {
    let dir = Dir::new();
    if role().is_some() {
        let rx = Receiver::open_with(NAME, &dir.options()).unwrap();
        let guard = rx.recv_owned().unwrap();
        assert!(guard[..] == expected(MIB, 3)[..]);
        tell("read");
        support::hang();
    }
    let (tx, rx) = ends(&with_annexes(&dir, 1));
    sent(&tx, MIB, 3);
    let mut reader = Child::start(&here!(), "read", &dir);
    reader.expect("read");
    assert!(tx.try_loan(MIB).unwrap_err().is_full());
    reader.kill();
    let guard = rx.recv_ref_timeout(PATIENCE).unwrap();
    assert!(guard.attempt() == 2 && *guard == expected(MIB, 3));
    guard.commit();
    drop(tx.try_loan(MIB).unwrap());
    drop((tx, rx));
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn nothing_is_left_of_who_was_killed_once_it_is_cleaned() {
    let dir = Dir::new();
    if role().is_some() {
        let tx = Sender::create_with(NAME, &with_annexes(&dir, 2)).unwrap();
        sent(&tx, MIB, 1);
        let _held = tx.loan(MIB).unwrap();
        tell("here");
        support::hang();
    }
    let alone = |child: &mut Child| child.expect("here");
    // By `clean`.
    let mut child = Child::start(&here!(), "leave", &dir);
    alone(&mut child);
    assert_eq!(dir.files().len(), 3);
    assert!(observe::clean(Some(dir.path())).unwrap().iter().all(|cleaned| matches!(cleaned.removed, Ok(false))));
    assert_eq!(dir.files().len(), 3, "it is in use");
    child.kill();
    let cleaned = observe::clean(Some(dir.path())).unwrap();
    assert!(cleaned.iter().all(|cleaned| matches!(cleaned.removed, Ok(true))), "{cleaned:?}");
    assert_eq!(dir.files(), Vec::<String>::new());
    // By who opens next, and creates another.
    let mut child = Child::start(&here!(), "leave", &dir);
    alone(&mut child);
    child.kill();
    let tx = Sender::create_with(NAME, &with_annexes(&dir, 2)).unwrap();
    assert_eq!(dir.files(), [NAME]);
    drop(tx);
    // Whose segment is gone: the name was taken away by hand.
    let mut child = Child::start(&here!(), "leave", &dir);
    alone(&mut child);
    child.kill();
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    std::fs::write(dir.path().join("orders~no-annex"), b"").unwrap();
    // Files of others whose names happen to be like those of annexes: it may be anybody's directory.
    let others = ["notes~202411211200.1.0", "notes~202411211200.1.1"];
    others.iter().for_each(|name| std::fs::write(dir.path().join(name), b"precious").unwrap());
    let listed = observe::list(Some(dir.path())).unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    assert_eq!(observe::clean(Some(dir.path())).unwrap().len(), 2);
    assert_eq!(dir.files(), [others[0], others[1], "orders~no-annex"], "what is no annex is left alone");
}

#[test]
fn what_is_persistent_keeps_its_annexes_until_it_is_removed() {
    let dir = Dir::new();
    let options = with_annexes(&dir, 2).persistent(true);
    let tx = Sender::create_with(NAME, &options).unwrap();
    sent(&tx, MIB, 4);
    drop(tx);
    assert!(observe::clean(Some(dir.path())).unwrap().iter().all(|cleaned| cleaned.is_persistent));
    assert_eq!(annexes(&dir), ["0.1"]);
    let rx = Receiver::open_with(NAME, &options).unwrap();
    assert!(rx.recv().unwrap() == expected(MIB, 4));
    drop(rx);
    observe::remove(NAME, Some(dir.path())).unwrap();
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn a_word_that_cannot_be_is_corrupt_and_a_file_that_is_gone_is_one_message_less() {
    for what in ["word", "file", "shorter"] {
        let dir = Dir::new();
        let (tx, rx) = ends(&with_annexes(&dir, 1));
        let other = Sender::open_with(NAME, &dir.options()).unwrap();
        sent(&tx, MIB, 1);
        let file = dir.files().into_iter().find(|file| file.contains('~')).expect("an annex");
        match what {
            "word" => {
                let seen = observe::inspect(NAME, Some(dir.path()), 0).unwrap();
                let mut words = seen.fields.iter().filter(|field| field.name == "annex" && field.number() != Some(0));
                let word = words.next_back().expect("the word of the annex").at();
                let segment = std::fs::OpenOptions::new().write(true).open(rx.path().unwrap()).unwrap();
                segment.write_all_at(&(1_u64 << 8 | 99).to_le_bytes(), word).unwrap();
                let seen = observe::inspect(NAME, Some(dir.path()), 0).unwrap();
                assert!(seen.wrong().iter().any(|wrong| wrong.contains("annex")), "{:?}", seen.wrong());
            }
            "file" => std::fs::remove_file(dir.path().join(&file)).unwrap(),
            // Of another length than the word says. (Nobody shortens a file that is mapped.)
            _ => {
                std::fs::remove_file(dir.path().join(&file)).unwrap();
                std::fs::write(dir.path().join(&file), [0; 4096]).unwrap();
            }
        }
        if what == "word" {
            assert_eq!(rx.recv(), Err(RecvError::Disconnected));
            assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Corrupt));
        } else {
            assert_eq!(rx.recv(), Err(RecvError::Aborted { bytes: 0 }), "{what}");
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "nobody finds it again: {what}");
            sent(&other, MIB, 2);
            assert!(rx.recv().unwrap() == expected(MIB, 2));
        }
        assert!(other.disconnect_reason().is_none(), "only who has found it: {what}");
    }
}

#[test]
fn a_lane_whose_file_is_gone_gets_another() {
    let dir = Dir::new();
    let (tx, rx) = ends(&with_annexes(&dir, 1));
    drop(tx.loan(MIB).unwrap());
    let file = dir.files().into_iter().find(|file| file.contains('~')).expect("an annex");
    std::fs::remove_file(dir.path().join(file)).unwrap();
    let other = Sender::open_with(NAME, &dir.options()).unwrap();
    sent(&other, MIB, 6);
    assert!(rx.recv().unwrap() == expected(MIB, 6));
    assert_eq!(annexes(&dir), ["0.2"]);
}

#[test]
fn what_is_in_use_and_what_is_lost_to_size_classes_is_told() {
    let dir = Dir::new();
    let (tx, rx) = ends(&with_annexes(&dir, 3));
    tx.send(&[1; 1000]).unwrap();
    sent(&tx, 6000, 1);
    sent(&tx, MIB - 100, 2);
    let lent = tx.loan(3 * MIB).unwrap();
    drop(tx.loan(100 << 10).unwrap());
    let lanes = tx.lanes();
    let seen = observe::stat(NAME, Some(dir.path())).unwrap().many.expect("one of many");
    assert_eq!((seen.lane_classes, seen.lanes), (lanes.clone(), 4));
    let classes: Vec<_> = lanes.iter().map(|lanes| (lanes.class.name(), lanes.lane_bytes, lanes.in_use)).collect();
    assert_eq!(classes, [("short", 4096, 1), ("long", 8192, 1), ("annex", 0, 2)]);
    assert_eq!([0, 1, 2].map(|class: usize| lanes[class].free()), [63, 1, 1]);
    assert_eq!([0, 1, 2].map(|class| lanes[class].message_bytes), [1000, 6000, (MIB - 100) as u64]);
    assert_eq!([0, 1, 2].map(|class| lanes[class].bytes_in_use), [4096, 8192, 5 << 20]);
    let annexes = lanes[2];
    assert_eq!((annexes.files, annexes.bytes), (3, (5 << 20) + (128 << 10)));
    assert_eq!((annexes.files_made, annexes.files_replaced), (3, 0));
    let other = tx.loan(32 * MIB).unwrap();
    let annexes = rx.lanes()[2];
    assert_eq!((annexes.files, annexes.files_made, annexes.files_replaced), (3, 4, 1));
    drop((lent, other));
}

/// Whoever received it would have found a file that it does not open, and taken the segment for corrupt, one after the other.
#[test]
fn who_has_changed_its_user_lends_nothing_that_the_others_would_not_open() {
    let dir = Dir::new();
    if role().is_none() {
        return Child::start(&here!(), "changer", &dir).be_well();
    }
    if !nix::unistd::geteuid().is_root() {
        return tell("SKIPPED: only root can be somebody else");
    }
    let (tx, rx) = ends(&with_annexes(&dir, 1));
    let nobody = nix::unistd::Uid::from_raw(65_534);
    std::os::unix::fs::chown(dir.path(), Some(nobody.as_raw()), None).unwrap();
    nix::unistd::seteuid(nobody).unwrap();
    let error = tx.loan(MIB).unwrap_err();
    nix::unistd::seteuid(nix::unistd::Uid::from_raw(0)).unwrap();
    assert!(error.to_string().contains("owner 65534"), "{error}");
    assert_eq!(annexes(&dir), Vec::<String>::new());
    sent(&tx, MIB, 1);
    assert!(rx.recv().unwrap() == expected(MIB, 1));
    tell("well");
}

/// Fault 16.
#[test]
fn a_full_file_system_is_an_error_that_says_so_and_nothing_is_lost() {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    let dir = Dir::new();
    if role().is_none() {
        return Child::start(&here!(), "small", &dir).be_well();
    }
    let private = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>))
        .and_then(|()| mount(Some("tmpfs"), dir.path(), Some("tmpfs"), MsFlags::empty(), Some("size=1200k,mode=0700")));
    if let Err(errno) = private {
        return tell(format_args!("SKIPPED: a file system of one's own is not permitted: {errno}"));
    }
    // With less than 100 KiB for the segment itself.
    let options = dir.options().capacity(8).lanes(2, 4096).annexes(1);
    let (tx, rx) = ends(&options);
    drop(tx.loan(MIB / 2).unwrap());
    for _ in 0..20 {
        let error = tx.loan(2 * MIB).unwrap_err();
        assert!(error.is_no_space(), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&(2 * MIB).to_string()) && text.contains(dir.path().to_str().unwrap()), "{text}");
    }
    // What is too short went, for want of room.
    assert_eq!(annexes(&dir), Vec::<String>::new());
    sent(&tx, MIB / 2, 1);
    assert!(rx.recv().unwrap() == expected(MIB / 2, 1));
    // Neither does what is too short keep others out, nor what somebody has left who was killed before anybody knew of it.
    let second = dir.files().into_iter().find(|name| name.ends_with("0.2")).unwrap();
    let third = format!("{}3", second.strip_suffix('2').unwrap());
    std::fs::write(dir.path().join(third), vec![0; MIB / 2]).unwrap();
    sent(&tx, MIB, 2);
    assert!(rx.recv().unwrap() == expected(MIB, 2));
    assert_eq!(annexes(&dir).len(), 1);
    // Too long is better than nothing.
    let kept = annexes(&dir);
    let other = Sender::create_with("other", &dir.options().capacity(8).lanes(2, 4096).annexes(0)).unwrap();
    sent(&tx, 100 << 10, 3);
    assert!(rx.recv().unwrap() == expected(100 << 10, 3));
    assert_eq!(annexes(&dir), kept);
    // A lane that may come free is waited for, rather than that its sender is told of memory.
    let lent = [(); 2].map(|()| tx.try_loan(4096).unwrap());
    let long = tx.try_loan(MIB / 4).unwrap();
    assert!(tx.try_loan(4096).unwrap_err().is_full());
    assert!(tx.loan_timeout(4096, Duration::from_millis(5)).unwrap_err().is_full());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| tx.loan_timeout(4096, PATIENCE).map(|loan| loan.len()));
        drop(lent);
        assert_eq!(waiting.join().unwrap().unwrap(), 4096);
    });
    drop((long, tx, rx, other));
    // The free annex that is much too long, when there is no room for a file in the one that has none.
    let (tx, rx) = ends(&dir.options().capacity(8).lanes(2, 4096).annexes(2));
    drop(tx.loan(MIB / 2).unwrap());
    let rest = nix::sys::statvfs::statvfs(dir.path()).unwrap();
    let filler = dir.path().join("filler");
    std::fs::write(&filler, vec![0; ((rest.blocks_available() - 4) * rest.fragment_size()) as usize]).unwrap();
    for seed in 0..3 {
        sent(&tx, 64 << 10, seed);
        assert!(rx.recv().unwrap() == expected(64 << 10, seed));
    }
    assert_eq!(annexes(&dir), ["0.1"]);
    assert_eq!(tx.try_send_with(MIB, |_| ()), Err(ringway::bytes::TrySendError::TooLong { bytes: MIB, limit: 4096 }));
    std::fs::remove_file(filler).unwrap();
    drop((tx, rx));
    assert_eq!(dir.files(), Vec::<String>::new());
    tell("well");
}

/// The kernel ends a process that asks for a longer file than it may have.
#[test]
fn who_may_have_no_such_file_is_told() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let dir = Dir::new();
    if role().is_none() {
        let mut child = Child::start(&here!(), "limited", &dir);
        child.expect("well");
        return child.succeed();
    }
    let (tx, rx) = ends(&with_annexes(&dir, 1));
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, MIB as u64, hard).unwrap();
    let error = tx.loan(2 * MIB).unwrap_err();
    assert!(error.is_no_space(), "{error}");
    sent(&tx, MIB, 1);
    assert!(rx.recv().unwrap() == expected(MIB, 1));
    assert!(Sender::create_with("large", &dir.options().capacity(4).lanes(100, 1 << 20)).is_err());
    tell("well");
}

/// Fault 18.
#[test]
fn who_has_no_descriptor_left_gives_the_message_back() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let dir = Dir::new();
    if role().is_none() {
        let mut child = Child::start(&here!(), "poor", &dir);
        child.expect("well");
        return child.succeed();
    }
    let (tx, rx) = ends(&with_annexes(&dir, 1));
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    // The highest number that is in use is that of the file, so that none is free below the limit.
    let taken: Vec<_> = (0..100).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
    let highest = taken.iter().map(std::os::fd::AsRawFd::as_raw_fd).max().unwrap();
    let poor = |is_poor| {
        let limit = if is_poor { highest as u64 + 1 } else { soft };
        setrlimit(Resource::RLIMIT_NOFILE, limit, hard).unwrap();
    };
    poor(true);
    let error = tx.loan(MIB).unwrap_err();
    assert!(matches!(&error, LoanError::Memory(error) if error.to_string().contains("creating a file")), "{error}");
    poor(false);
    sent(&tx, MIB, 1);
    poor(true);
    assert_eq!(rx.try_recv(), Err(TryRecvError::OutOfMemory { bytes: MIB as u64 }));
    poor(false);
    let guard = rx.recv_ref_timeout(PATIENCE).unwrap();
    assert!(*guard == expected(MIB, 1) && guard.attempt() == 2);
    guard.commit();
    drop(tx.try_loan(MIB).unwrap());
    tell("well");
}
