//! Messages that closures make and use: where they are, what is left when a closure panics or its process is killed, what there
//! is not enough of; and long ones that go to an annex as a whole.

mod support;

use ringway::Options;
use ringway::bytes::mpmc::{self, LaneClass, Receiver, Sender};
use ringway::bytes::{SendError, SendTimeoutError, TryRecvError, TrySendError};
use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;
use support::{Child, Dir, PATIENCE, role, tell};

const LANE: usize = 8192;
const NAME: &str = "made";

/// Short lanes, three long ones, two annexes.
fn options() -> Options {
    Options::new().capacity(4).lanes(3, LANE).annexes(2)
}

fn channel(options: &Options) -> (Sender, Receiver) {
    mpmc::channel_with(options).expect("memory")
}

/// So many bytes that are like no others.
fn fill(bytes: &mut [u8], seed: u64) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (at as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    }
}

fn filled(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(&mut bytes, seed);
    bytes
}

/// Lanes and annexes that are in use.
fn in_use(tx: &Sender) -> u64 {
    tx.lanes().iter().map(|class| class.in_use).sum()
}

/// What is in the annexes.
fn in_annexes(tx: &Sender) -> (u64, u64) {
    let annexes = tx.lanes().into_iter().find(|class| class.class == LaneClass::Annex).expect("annexes");
    (annexes.in_use, annexes.message_bytes)
}

/// A closure panics, and is not reported.
fn panics<R>(run: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
}

#[test]
fn what_is_made_is_what_is_seen_and_long_messages_are_so_in_one_place() {
    for threshold in [0, 500, 5000, LANE, usize::MAX] {
        let (tx, rx) = channel(&options().copy_up_to(threshold));
        for len in [0, 1, 112, 113, 500, 501, 4096, 4097, LANE, LANE + 1, 100_000] {
            let mut made_at = std::ptr::null();
            let is_in_place = len > 112.max(threshold);
            if len <= LANE || is_in_place {
                tx.send_with(len, |message| {
                    assert_eq!(message.len(), len);
                    made_at = message.as_ptr();
                    fill(message, len as u64);
                })
                .unwrap();
                let seen_at = rx.recv_with(|message| {
                    assert!(message == filled(len, len as u64), "length {len}");
                    message.as_ptr()
                });
                assert_eq!(seen_at.unwrap() == made_at, is_in_place, "length {len}, threshold {threshold}");
            }
        }
        assert_eq!((in_use(&tx), rx.in_hand(), rx.len()), (0, 0, 0));
    }
}

#[test]
fn what_no_annex_can_hold_goes_through_a_lane() {
    // Made in private memory, for the one reason and for the other.
    for options in [options().annexes(0).copy_up_to(0), options().copy_up_to(usize::MAX)] {
        let (tx, rx) = channel(&options);
        thread::scope(|scope| {
            let sending = scope.spawn(|| tx.send_with(100_000, |message| fill(message, 1)));
            assert!(rx.recv_with(|message| message == filled(100_000, 1)).unwrap());
            sending.join().unwrap().unwrap();
        });
        assert_eq!(in_use(&tx), 0);
    }
    let (tx, _rx) = channel(&options());
    let never = |_: &mut [u8]| unreachable!("there is no memory for it");
    assert!(matches!(tx.send_with(usize::MAX, never), Err(SendError::TooLong { bytes: usize::MAX, .. })));
    assert!(matches!(tx.try_send_with(2 << 30, never), Err(TrySendError::TooLong { limit: 0x4000_0000, .. })));
}

/// Fault 51.
#[test]
fn who_panics_in_the_making_sends_nothing_and_keeps_nothing() {
    for threshold in [0, usize::MAX] {
        let (tx, rx) = channel(&options().copy_up_to(threshold));
        for len in [10, 1000, LANE, 100_000] {
            panics(|| tx.send_with(len, |_| panic!("made by a test")));
            panics(|| tx.send_with_timeout(len, PATIENCE, |_| panic!("made by a test")));
            panics(|| tx.try_send_with(len, |_| panic!("made by a test")));
            assert_eq!((in_use(&tx), rx.len()), (0, 0), "length {len}");
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        }
    }
}

#[test]
fn who_panics_while_looking_has_received_the_message() {
    let (tx, rx) = channel(&options().copy_up_to(0));
    for len in [10, 1000, LANE, 100_000] {
        tx.send_with(len, |message| message.fill(1)).unwrap();
        tx.send(b"the next").unwrap();
        panics(|| rx.recv_with(|_| panic!("made by a test")));
        assert_eq!(rx.try_recv_with(<[u8]>::to_vec).unwrap(), b"the next");
        assert_eq!((in_use(&tx), rx.in_hand(), rx.len()), (0, 0, 0), "length {len}");
        assert_eq!(rx.try_recv_with(|_| ()), Err(TryRecvError::Empty));
    }
}

#[test]
fn without_room_nothing_is_made() {
    let (tx, rx) = channel(&options().copy_up_to(0));
    let never = |_: &mut [u8]| unreachable!("there is no room");
    let short = Duration::from_millis(5);
    for (count, len) in [(3, LANE), (2, 100_000)] {
        let lent: Vec<_> = (0..count).map(|_| tx.try_loan(len).unwrap()).collect();
        assert_eq!(tx.try_send_with(len, never), Err(TrySendError::Full));
        assert_eq!(tx.send_with_timeout(len, short, never), Err(SendTimeoutError::Timeout));
        drop(lent);
    }
    // Room in lanes, and none in the ring: it was made, and nobody gets it.
    (0..4).for_each(|n| tx.send(&[n]).unwrap());
    for len in [1, 1000, 100_000] {
        assert_eq!(tx.try_send_with(len, |message| message.fill(9)), Err(TrySendError::Full));
        assert_eq!(tx.send_with_timeout(len, short, |message| message.fill(9)), Err(SendTimeoutError::Timeout));
    }
    (0..4).for_each(|n| assert_eq!(rx.try_recv().unwrap(), [n]));
    assert_eq!((rx.try_recv(), in_use(&tx)), (Err(TryRecvError::Empty), 0));
    drop(rx);
    assert_eq!(tx.send_with(1000, never), Err(SendError::Disconnected));
}

#[test]
fn closures_may_use_the_channel() {
    let (tx, rx) = channel(&options().copy_up_to(0));
    tx.send_with(1000, |message| {
        tx.send_with(2000, |inner| inner.fill(2)).unwrap();
        message.fill(1);
    })
    .unwrap();
    let both = rx.recv_with(|outer| (outer.len(), rx.recv_with(<[u8]>::len).unwrap()));
    assert_eq!((both.unwrap(), in_use(&tx)), ((2000, 1000), 0));
}

#[test]
fn long_messages_wait_for_no_receiver_if_they_are_to_be_whole() {
    let (tx, rx) = channel(&options().whole_up_to(200_000));
    tx.send(&filled(150_000, 1)).unwrap();
    let message = filled(200_000, 2);
    let parts = [IoSlice::new(&message[..7]), IoSlice::new(&[]), IoSlice::new(&message[7..])];
    tx.send_vectored(&parts).unwrap();
    assert_eq!(in_annexes(&tx), (2, 350_000));
    // Both annexes are in use.
    assert_eq!(tx.try_send(&message), Err(TrySendError::Full));
    assert_eq!(tx.send_timeout(&message, Duration::from_millis(5)), Err(SendTimeoutError::Timeout));
    let first = rx.recv_ref().unwrap();
    assert!(*first == filled(150_000, 1));
    drop(first);
    // As every whole message, it is delivered again; before or behind the next one.
    let mut got = [(); 2].map(|()| {
        let guard = rx.recv_ref().unwrap();
        let seen = (guard.attempt(), guard.to_vec());
        guard.commit();
        seen
    });
    got.sort();
    assert!(got == [(1, message.clone()), (2, filled(150_000, 1))]);
    tx.try_send(&message).unwrap();
    assert!(rx.recv_with(|seen| seen == message).unwrap());
    assert_eq!(in_use(&tx), 0);
    // What is longer goes through a lane, and cannot be tried.
    assert_eq!(tx.try_send(&filled(200_001, 1)), Err(TrySendError::TooLong { bytes: 200_001, limit: LANE }));
    thread::scope(|scope| {
        let sending = scope.spawn(|| tx.send(&filled(200_001, 3)));
        assert!(rx.recv().unwrap() == filled(200_001, 3));
        sending.join().unwrap().unwrap();
    });
    assert_eq!(in_annexes(&tx), (0, 0));
}

#[test]
fn who_is_killed_in_the_making_has_sent_nothing() {
    let dir = Dir::new();
    let options = dir.options().capacity(4).lanes(3, LANE).annexes(2).copy_up_to(0);
    if let Some(role) = role() {
        let tx = Sender::open_with(NAME, &options).unwrap();
        let len = role.parse().unwrap();
        return tx
            .send_with(len, |message| {
                message.fill(1);
                tell("made");
                support::hang();
            })
            .unwrap();
    }
    let rx = Receiver::create_with(NAME, &options).unwrap();
    let tx = Sender::open_with(NAME, &options).unwrap();
    for len in [1000, LANE, 100_000] {
        let mut maker = Child::start(&here!(), &len.to_string(), &dir);
        maker.expect("made");
        assert_eq!(in_use(&tx), 1);
        maker.kill();
        // Who wants all of them gets the one of the dead, too.
        let fits = |lanes: &mpmc::Lanes| lanes.class == LaneClass::Annex || lanes.lane_bytes >= len as u64;
        let count: u64 = tx.lanes().iter().filter(|lanes| fits(lanes)).map(|lanes| lanes.count).sum();
        let lent: Vec<_> = (0..count).map(|_| tx.loan_timeout(len, PATIENCE).unwrap()).collect();
        drop(lent);
        assert_eq!(in_use(&tx), 0);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "length {len}");
    }
}

#[test]
fn who_is_killed_while_looking_leaves_the_message_to_another() {
    let dir = Dir::new();
    let options = dir.options().capacity(4).lanes(3, LANE).annexes(2).copy_up_to(0);
    if role().is_some() {
        let rx = Receiver::open_with(NAME, &options).unwrap();
        return rx
            .recv_with(|message| {
                tell(message.len());
                support::hang();
            })
            .unwrap();
    }
    let rx = Receiver::create_with(NAME, &options).unwrap();
    let tx = Sender::open_with(NAME, &options).unwrap();
    for len in [1000, LANE, 100_000] {
        let mut looker = Child::start(&here!(), "look", &dir);
        tx.send_with(len, |message| fill(message, 5)).unwrap();
        looker.expect(&len.to_string());
        looker.kill();
        assert!(rx.recv_with_timeout(PATIENCE, |message| message == filled(len, 5)).unwrap(), "length {len}");
        assert_eq!(in_use(&tx), 0);
    }
}
