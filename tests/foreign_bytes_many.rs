//! A member of a many-to-many channel of bytes in another language, which knows SPEC.md and nothing else:
//! `tests/foreign/lanes.py`.
//!
//! It brings a compare-and-swap of its own (see `tests/foreign/many.py`); where no memory may be executed, or on another
//! processor, none of this is tried.

#[path = "foreign/process.rs"]
mod process;
mod support;

use process::{Foreign, is_possible};
use ringway::bytes::mpmc::{Receiver, Sender};
use ringway::bytes::{RecvError, SendError, SendTimeoutError, TryRecvError};
use ringway::{DisconnectReason, Options, WaitStrategy, observe};
use std::thread;
use std::time::Duration;
use support::{in_time, skip};

const SCRIPT: &str = "lanes.py";
/// Of a long lane. A short one has 4096 bytes.
const LANE: usize = 8192;
/// In the parcel, in a short lane, in a long one, and through one in rounds: at the borders, and beyond.
const LENGTHS: [usize; 14] =
    [0, 1, 112, 113, 4096, 4097, LANE - 1, LANE, LANE + 1, 2 * LANE, 100_001, 8, 3 * LANE + 5, 111];

fn name(of: &str) -> String {
    format!("foreign-bytes-many-{of}-{}", std::process::id())
}

/// Few lanes, few slots, and ends that sleep for so long at a time.
fn options(slice: Duration) -> Options {
    let options = Options::new().capacity(4).lanes(2, LANE).chunk_bytes(3000).members(5).operations(6).in_hand(6);
    options.wait(WaitStrategy::Sleep).slice(slice)
}

/// So long that whoever slept through it would fail.
const HOUR: Duration = Duration::from_secs(3600);
const SLICE: Duration = Duration::from_millis(20);

/// The same as in the script.
fn message(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 37 + at / 251 + length) as u8).collect()
}

/// FNV-1a, as the script has it.
fn told(message: &[u8]) -> String {
    let sum = message.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3) // the prime of 64 bits
    });
    format!("{} {sum:016x}", message.len())
}

/// The script, in its role; `None` where no memory may be executed.
fn joined(arguments: &[&str]) -> Option<Foreign> {
    if !is_possible() {
        return None;
    }
    let mut foreign = Foreign::start(SCRIPT, arguments);
    match foreign.line().as_str() {
        "joined" => Some(foreign),
        "" => {
            assert_eq!(foreign.end().1, Some(4), "it refuses for no other reason");
            skip("no memory may be executed here");
            None
        }
        other => panic!("{other}"),
    }
}

fn sends(name: &str, lengths: &[usize]) -> Option<Foreign> {
    let lengths: Vec<_> = lengths.iter().map(ToString::to_string).collect();
    joined(&["send", name].into_iter().chain(lengths.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// Every lane and hand is nobody's, and a message in each may be sent.
fn nothing_is_lost(tx: &Sender, rx: &Receiver) {
    // What the dead have sent in part, or had in hand, is over; whoever looks for a message finds that.
    support::until("what the dead have left is over", || {
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Empty | TryRecvError::Aborted { .. })));
        (tx.len(), rx.in_hand()) == (0, 0)
    });
    for _ in 0..2 {
        (0..2).for_each(|_| tx.try_send(&message(LANE)).unwrap());
        (0..2).for_each(|_| assert!(rx.try_recv().unwrap() == message(LANE)));
        (0..4).for_each(|_| tx.try_send(&message(4096)).unwrap());
        (0..4).for_each(|_| assert!(rx.try_recv().unwrap() == message(4096)));
    }
    let name = tx.path().and_then(|path| path.file_name()?.to_str()?.rsplit_once('.')).expect("a name").1.to_owned();
    assert_eq!(observe::inspect(&name, None, 3).unwrap().wrong(), Vec::<String>::new());
}

#[test]
fn it_receives_what_we_send() {
    let name = name("to");
    let tx = Sender::create_with(&name, &options(HOUR)).unwrap();
    let Some(foreign) = joined(&["recv", &name]) else { return };
    for length in LENGTHS {
        tx.send(&message(length)).unwrap_or_else(|error| panic!("{length}: {error}"));
    }
    // In pieces, of a length that nobody was told, or was told wrong.
    for hint in [None, Some(7)] {
        let mut writer = tx.writer(hint).unwrap();
        std::io::Write::write_all(&mut writer, &message(50_000)).unwrap();
        writer.finish().unwrap();
    }
    drop(tx);
    let expected: Vec<_> = LENGTHS.iter().chain(&[50_000; 2]).map(|length| told(&message(*length))).collect();
    let (lines, code) = foreign.end();
    assert_eq!((&lines[..lines.len() - 1], &lines[lines.len() - 1][..]), (&expected[..], "end left"));
    assert_eq!(code, Some(0));
    assert!(observe::stat(&name, None).unwrap_err().is_not_found(), "the last one takes the name away");
}

#[test]
fn we_receive_what_it_sends() {
    let name = name("from");
    let rx = Receiver::create_with(&name, &options(HOUR)).unwrap();
    let Some(foreign) = sends(&name, &LENGTHS) else { return };
    for length in LENGTHS {
        assert!(rx.recv().unwrap() == message(length), "{length}");
    }
    assert_eq!((rx.recv(), rx.disconnect_reason()), (Err(RecvError::Disconnected), Some(DisconnectReason::Left)));
    assert_eq!(foreign.end(), (Vec::new(), Some(0)));
    nothing_is_lost(&Sender::open_with(&name, &options(HOUR)).unwrap(), &rx);
}

#[test]
fn what_it_was_killed_in_is_nobodys() {
    let name = name("dead-sender");
    let rx = Receiver::create_with(&name, &options(SLICE)).unwrap();
    let Some(mut foreign) = joined(&["begin", &name, "100000", "20000"]) else { return };
    let receiving = rx.clone();
    let receiving = thread::spawn(move || receiving.recv());
    assert_eq!(foreign.line(), "poured");
    foreign.kill();
    let got = in_time("a receiver whose sender is killed", move || receiving.join().unwrap());
    assert_eq!(got, Err(RecvError::Aborted { bytes: 20_000 }));
    assert_eq!((rx.recv(), rx.disconnect_reason()), (Err(RecvError::Disconnected), Some(DisconnectReason::Died)));
    // Killed before anybody has begun to receive it, which is taken away with its lane.
    let Some(foreign) = joined(&["begin", &name, "100000", "20000"]) else { return };
    let tx = Sender::open_with(&name, &options(SLICE)).unwrap();
    support::until("it has offered it", || tx.len() == 1);
    foreign.kill();
    nothing_is_lost(&tx, &rx);
}

/// What it has given back of the first 10 000 bytes that it has taken of a message: as much as there was when it looked, and not the
/// last of it.
fn taken(foreign: &mut Foreign) -> u64 {
    let line = foreign.line();
    let given_back = line.strip_prefix("taken ").and_then(|bytes| bytes.parse().ok());
    let given_back = given_back.unwrap_or_else(|| panic!("it says {line:?}"));
    assert!((1..10_000).contains(&given_back), "{given_back}");
    given_back
}

#[test]
fn its_death_in_a_message_is_told_to_our_sender() {
    let name = name("dead-receiver");
    let tx = Sender::create_with(&name, &options(SLICE)).unwrap();
    let Some(mut foreign) = joined(&["take", &name, "10000"]) else { return };
    let sending = tx.clone();
    let sending = thread::spawn(move || sending.send(&message(100_000)));
    let given_back = taken(&mut foreign);
    foreign.kill();
    let sent = in_time("a sender whose receiver is killed", move || sending.join().unwrap());
    assert_eq!(sent, Err(SendError::Aborted { bytes: given_back }));
    nothing_is_lost(&tx, &Receiver::open_with(&name, &options(SLICE)).unwrap());
}

#[test]
fn who_gives_up_in_the_middle_is_told_of() {
    let name = name("refused");
    let mut rx = Receiver::create_with(&name, &options(HOUR)).unwrap();
    rx.set_limit(50_000);
    let Some(foreign) = sends(&name, &[100_000, 300]) else { return };
    assert_eq!(rx.recv(), Err(RecvError::TooLong { bytes: 100_000, limit: 50_000 }));
    assert!(rx.recv().unwrap() == message(300));
    assert_eq!(foreign.end(), (vec!["failed 100000 refused".to_owned()], Some(0)));
    drop(rx);

    let tx = Sender::create_with(&name, &options(HOUR)).unwrap();
    let foreign = joined(&["refuse", &name]).expect("as before");
    assert!(matches!(tx.send(&message(100_000)), Err(SendError::Aborted { bytes: 0..=8192 })));
    tx.send(&message(300)).unwrap();
    drop(tx);
    assert_eq!(foreign.end(), (vec![told(&message(300)), "end left".to_owned()], Some(0)));

    // Our sender's time runs out while it reads: for it the message is cut, and it frees the lane.
    let tx = Sender::create_with(&name, &options(SLICE)).unwrap();
    let mut foreign = joined(&["take", &name, "10000"]).expect("as before");
    let sent = tx.send_timeout(&message(100_000), Duration::from_millis(300));
    assert!(matches!(sent, Err(SendTimeoutError::Timeout)), "{sent:?}");
    taken(&mut foreign);
    foreign.kill();
    nothing_is_lost(&tx, &Receiver::open_with(&name, &options(SLICE)).unwrap());
}

/// Of mixed lengths, each of them another message.
fn mixed(seed: usize, count: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |at| {
        let length = match at % 50 {
            0 => 9000 + at,
            1..4 => 4000 + at % 300,
            4..10 => 113 + at % 1000,
            _ => 9 + at % 104,
        };
        let mut message = message(length);
        message[..8].copy_from_slice(&((seed << 32 | at) as u64).to_le_bytes());
        message
    })
}

#[test]
fn two_of_ours_send_beside_each_other_and_it_gets_each_message_once() {
    const EACH: usize = 1500;
    let name = name("beside");
    let tx = Sender::create_with(&name, &options(HOUR)).unwrap();
    let Some(foreign) = joined(&["recv", &name]) else { return };
    let second = Sender::open_with(&name, &options(HOUR)).unwrap();
    let threads = [tx, second]
        .into_iter()
        .enumerate()
        .map(|(seed, tx)| thread::spawn(move || mixed(seed, EACH).for_each(|message| tx.send(&message).unwrap())));
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    let (mut lines, code) = foreign.end();
    assert_eq!((lines.pop().as_deref(), code), (Some("end left"), Some(0)));
    let mut expected: Vec<_> = (0..2).flat_map(|seed| mixed(seed, EACH)).map(|message| told(&message)).collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert!(lines == expected, "{} of {}", lines.len(), expected.len());
}

#[test]
fn two_of_it_receive_what_two_of_it_send_beside_us() {
    let name = name("all");
    let rx = Receiver::create_with(&name, &options(HOUR)).unwrap();
    let tx = Sender::open_with(&name, &options(HOUR)).unwrap();
    let Some(receiver) = joined(&["recv", &name]) else { return };
    let lengths: Vec<usize> = (0..200).map(|at| [at, 113 + at, 5000 + at, 9000 + at][at % 4]).collect();
    let senders = [0, 1].map(|_| sends(&name, &lengths).expect("as before"));
    let ours = thread::spawn(move || (0..200).for_each(|at| tx.send(&message(20_000 + at)).unwrap()));
    let mut all: Vec<_> = rx.iter().map(|got| told(&got.unwrap())).collect();
    ours.join().unwrap();
    assert!(senders.into_iter().all(|foreign| foreign.end() == (Vec::new(), Some(0))));
    let (mut lines, code) = receiver.end();
    assert_eq!((lines.pop().as_deref(), code), (Some("end left"), Some(0)));
    all.append(&mut lines);
    let twice = lengths.iter().chain(&lengths).copied();
    let mut expected: Vec<_> = twice.chain(20_000..20_200).map(|length| told(&message(length))).collect();
    all.sort_unstable();
    expected.sort_unstable();
    assert!(all == expected, "{} of {}", all.len(), expected.len());
}
