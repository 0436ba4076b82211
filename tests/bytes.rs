//! Messages of bytes, from one sender to one receiver: short, long, longer than the ring; in place, in pieces, bit by bit;
//! given up at either end; and against a model.

mod support;

use proptest::prelude::*;
use ringway::bytes::spsc::{Receiver, Sender, channel, channel_with};
use ringway::bytes::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use ringway::{DisconnectReason, FormatError, Kind, OpenError, Options, WaitStrategy, observe};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::collections::VecDeque;
use std::io::{BufRead, ErrorKind, IoSlice, Read, Write};
use std::time::{Duration, Instant};
use support::{Dir, in_time};

// Fault M6.
assert_impl_all!(Sender: Send, std::fmt::Debug);
assert_impl_all!(Receiver: Send, std::fmt::Debug, IntoIterator);
assert_not_impl_any!(Sender: Clone);
assert_not_impl_any!(Receiver: Clone);

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(20);
const NAME: &str = "bytes";

/// Bytes that tell where they belong, others for each seed.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| ((at + seed * 977).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// A ring in which a message of 100 bytes goes in several parts.
fn small() -> (Sender, Receiver) {
    channel_with(&Options::new().capacity(256).frame_bytes(64).wait(WaitStrategy::Sleep)).unwrap()
}

// What arrives.

/// Fault M3.
#[test]
fn every_length_arrives_through_every_ring() {
    for (capacity, frame) in
        [(32, None), (100, None), (4096, None), (65_536, Some(4096)), (1 << 20, None), (600, Some(520))]
    {
        let mut options = Options::new().capacity(capacity);
        if let Some(frame) = frame {
            options = options.frame_bytes(frame);
        }
        let (mut tx, mut rx) = channel_with(&options).unwrap();
        assert_eq!((tx.capacity(), rx.capacity()), (capacity, capacity));
        let max = tx.contiguous_max();
        let lens: Vec<usize> = (0..70)
            .chain([max - 1, max, max + 1, max + 2, capacity - 1, capacity, capacity + 1, 3 * capacity + 5])
            .chain((0..40).map(|n| n * capacity / 17))
            .collect();
        let sent = lens.clone();
        let sending = std::thread::spawn(move || {
            for (seed, len) in sent.iter().enumerate() {
                tx.send(&pattern(seed as u64, *len)).unwrap();
            }
        });
        let mut message = Vec::new();
        for (seed, len) in lens.into_iter().enumerate() {
            assert_eq!(rx.recv_into(&mut message), Ok(len));
            assert!(message == pattern(seed as u64, len), "{len} bytes through {capacity}");
        }
        assert_eq!(rx.recv(), Err(RecvError::Disconnected));
        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Left));
        sending.join().unwrap();
    }
}

/// Fault M1.
#[test]
fn what_fits_is_sent_at_once_and_full_is_exact() {
    let (mut tx, mut rx) = channel(64).unwrap();
    // Frames of 24 bytes, so messages of 9 to 16 bytes have one each.
    for n in 0..2 {
        tx.try_send(&[n; 16]).unwrap();
    }
    assert_eq!((tx.len(), tx.try_send(&[2; 16])), (48, Err(TrySendError::Full)));
    tx.try_send(&[3; 8]).unwrap();
    assert_eq!((tx.len(), tx.try_send(&[])), (64, Err(TrySendError::Full)));
    assert_eq!(rx.try_recv().unwrap(), [0; 16]);
    tx.try_send(&[]).unwrap();
    assert_eq!([16, 8, 0].map(|_| rx.try_recv().unwrap().len()), [16, 8, 0]);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(rx.is_empty() && tx.is_empty());
    let error = tx.try_send(&[0; 65]).unwrap_err();
    assert!(matches!(error, TrySendError::TooLong { bytes: 65, limit: 16..=48 }), "{error:?}");
    assert!(error.is_too_long() && error.to_string().starts_with("65 bytes are too many"));
    assert_eq!((tx.len(), rx.try_recv()), (0, Err(TryRecvError::Empty)), "nothing of it was begun");
}

/// Fault M2.
#[test]
fn no_memory_is_asked_for_while_the_vector_is_large_enough() {
    let (mut tx, mut rx) = channel(4096).unwrap();
    let mut message = Vec::with_capacity(900);
    let place = message.as_ptr();
    for len in (0..900).step_by(13) {
        tx.send(&pattern(len, len as usize)).unwrap();
        assert_eq!(rx.recv_into(&mut message), Ok(len as usize));
        assert!(message == pattern(len, len as usize) && message.as_ptr() == place && message.capacity() == 900);
    }
    // Nor more than the message has, when its length is known.
    let long = pattern(1, 100_000);
    let expected = long.clone();
    let sending = std::thread::spawn(move || tx.send(&long));
    let got = rx.recv().unwrap();
    assert!(got == expected && got.capacity() == 100_000, "{}", got.capacity());
    sending.join().unwrap().unwrap();
}

#[test]
fn pieces_become_one_message() {
    let (mut tx, mut rx) = small();
    let whole = pattern(3, 1000);
    let expected = whole.clone();
    let sending = std::thread::spawn(move || {
        let pieces: Vec<_> = [&whole[..0], &whole[..1], &whole[1..700], &[], &whole[700..]].map(IoSlice::new).into();
        tx.send_vectored(&pieces).unwrap();
        tx.send_vectored(&[]).unwrap();
        tx.send_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).unwrap();
    });
    assert!(rx.recv().unwrap() == expected);
    assert_eq!([rx.recv().unwrap(), rx.recv().unwrap()], [vec![], b"ab".to_vec()]);
    sending.join().unwrap();
}

#[test]
fn a_long_message_comes_by_trying_too() {
    let (mut tx, mut rx) = small();
    let long = pattern(4, 5000);
    let expected = long.clone();
    let sending = std::thread::spawn(move || tx.send(&long).map(|()| tx));
    let mut got = Vec::new();
    let mut tries = 0;
    while let Err(error) = rx.try_recv_into(&mut got) {
        assert_eq!((error, got.len()), (TryRecvError::Empty, 0));
        tries += 1;
        std::thread::yield_now();
    }
    assert!(got == expected && tries > 0);
    sending.join().unwrap().unwrap();
}

// Time.

#[test]
fn a_time_that_is_over_in_the_middle_loses_nothing_of_a_message() {
    let (mut tx, mut rx) = small();
    let mut writer = tx.writer(Some(3000));
    writer.write_all(&pattern(5, 3000)[..150]).unwrap();
    let mut buffer = vec![9; 10];
    assert_eq!(rx.recv_into_timeout(&mut buffer, SHORT), Err(RecvTimeoutError::Timeout));
    assert_eq!((buffer.len(), rx.recv_timeout(Duration::ZERO)), (0, Err(RecvTimeoutError::Timeout)));
    writer.write_all(&pattern(5, 3000)[150..220]).unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            writer.write_all(&pattern(5, 3000)[220..]).unwrap();
            writer.finish().unwrap();
        });
        buffer.push(1);
        assert_eq!(rx.recv_into_timeout(&mut buffer, LONG), Ok(3000));
        assert!(buffer == pattern(5, 3000));
    });
    tx.send(b"next").unwrap();
    assert_eq!(rx.recv_deadline(Instant::now() + LONG).unwrap(), b"next");
}

/// Fault 68.
#[test]
fn a_time_that_is_over_while_sending_ends_the_message() {
    let (mut tx, mut rx) = small();
    // Zero is one try, and begins nothing.
    assert_eq!(tx.send_timeout(&[1; 1000], Duration::ZERO), Err(SendTimeoutError::Timeout));
    assert_eq!(tx.len(), 0);
    assert_eq!(tx.send_timeout(&[1; 1000], SHORT), Err(SendTimeoutError::Timeout));
    let len = tx.len();
    assert!(len > 100, "some of it was sent: {len}");
    assert_eq!(tx.send_deadline(&[2; 100], Instant::now()), Err(SendTimeoutError::Timeout));
    let error = rx.recv_timeout(LONG).unwrap_err();
    assert!(matches!(error, RecvTimeoutError::Aborted { bytes: 100..=250 }), "{error:?}");
    assert_eq!(rx.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    tx.send_timeout(&[3; 100], Duration::MAX).unwrap();
    assert_eq!(rx.recv_timeout(Duration::MAX).unwrap(), [3; 100]);
    assert!(rx.is_empty());
}

/// A message without an end does not outlast the time of who receives or sends it.
/// Fault 67.
#[test]
fn a_message_without_end_ends_with_the_time() {
    let (mut tx, mut rx) = channel(1 << 16).unwrap();
    let sending = std::thread::spawn(move || {
        let mut writer = tx.writer(None);
        while writer.write_all(&[7; 4096]).is_ok() {}
    });
    let start = Instant::now();
    assert_eq!(rx.recv_timeout(Duration::from_millis(50)), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() < LONG);
    rx.set_limit(1 << 20);
    assert!(rx.recv().unwrap_err().is_too_long());
    in_time("a sender whose receiver is gone", move || {
        drop(rx);
        sending.join().unwrap();
    });
}

/// Both ends sleep whenever they can, and never look up by themselves: a wake that is lost hangs.
#[test]
fn no_wake_is_lost_whatever_the_sizes() {
    for (capacity, frame) in [(32, 24), (256, 64), (4096, 512)] {
        let options = Options::new().capacity(capacity).frame_bytes(frame).slice(Duration::MAX);
        let (mut tx, mut rx) = channel_with(&options.wait(WaitStrategy::Sleep)).unwrap();
        let len = move |n: u64| {
            (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % [9, capacity, 3 * capacity][n as usize % 3]
        };
        in_time("a wake was lost", move || {
            let sending = std::thread::spawn(move || {
                for n in 0..3000 {
                    tx.send(&pattern(n, len(n))).unwrap();
                }
                tx.stats()
            });
            let mut message = Vec::new();
            for n in 0..3000 {
                if n % 5 == 0 && len(n) < capacity / 2 {
                    let guard = rx.recv_ref().unwrap();
                    assert!(*guard == pattern(n, len(n)));
                    guard.commit();
                } else {
                    assert_eq!(rx.recv_into(&mut message), Ok(len(n)));
                    assert!(message == pattern(n, len(n)), "{n}");
                }
            }
            let stats = (sending.join().unwrap(), rx.stats());
            assert!(stats.0.sleeps > 0 && stats.1.sleeps > 0, "{stats:?}");
        });
    }
}

/// The same while both ends give messages up: who is in the middle of one is woken for that, too.
#[test]
fn no_wake_is_lost_whoever_gives_up() {
    for (capacity, frame) in [(32, 24), (256, 64), (4096, 512)] {
        let options = Options::new().capacity(capacity).frame_bytes(frame).slice(Duration::MAX);
        let (mut tx, mut rx) = channel_with(&options.wait(WaitStrategy::Sleep)).unwrap();
        let len = move |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % (3 * capacity);
        in_time("a wake was lost", move || {
            let sending = std::thread::spawn(move || {
                let mut refused = 0;
                for n in 0..2000_u64 {
                    // The number first, so that the receiver knows which it is.
                    let message = [&n.to_le_bytes()[..], &pattern(n, len(n))].concat();
                    if n % 5 == 0 {
                        let mut writer = tx.writer((n % 2 == 0).then_some(message.len() as u64 + 1));
                        let _ = writer.write_all(&message);
                        continue;
                    }
                    match tx.send(&message) {
                        Ok(()) => {}
                        Err(SendError::Aborted { .. }) => refused += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                refused
            });
            let (mut last, mut whole, mut cut, mut skipped) = (None, 0, 0, 0);
            for n in 0_usize.. {
                rx.set_limit(if n % 3 == 0 { capacity as u64 } else { u64::MAX });
                if n % 7 == 0 {
                    let Ok(mut reader) = rx.reader() else { continue };
                    let _ = reader.read(&mut vec![0; n % 50]);
                    skipped += 1;
                    continue;
                }
                match rx.recv() {
                    Ok(message) => {
                        let n = u64::from_le_bytes(message[..8].try_into().unwrap());
                        assert!(Some(n) > last && n % 5 != 0, "{n} after {last:?}");
                        assert!(message[8..] == pattern(n, len(n)), "{n} is torn");
                        (last, whole) = (Some(n), whole + 1);
                    }
                    Err(RecvError::Aborted { .. }) => cut += 1,
                    Err(RecvError::TooLong { .. }) => skipped += 1,
                    Err(RecvError::Disconnected) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            let refused = sending.join().unwrap();
            assert!(whole > 300 && cut > 0 && skipped > 0, "{whole} {cut} {skipped} {refused}");
        });
    }
}

// Who goes.

#[test]
fn what_was_sent_comes_before_the_end() {
    let (mut tx, mut rx) = small();
    tx.send(&[1; 10]).unwrap();
    tx.send(&[2; 130]).unwrap();
    tx.close();
    tx.close();
    assert_eq!(tx.send(b"more"), Err(SendError::Disconnected));
    assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Closed));
    assert_eq!(rx.iter().map(Result::unwrap).map(|message| message.len()).collect::<Vec<_>>(), [10, 130]);
    assert_eq!((rx.recv(), rx.try_recv()), (Err(RecvError::Disconnected), Err(TryRecvError::Disconnected)));
    assert_eq!(rx.recv_timeout(SHORT), Err(RecvTimeoutError::Disconnected));
    assert!(rx.recv_ref().unwrap_err().is_disconnected() && rx.reader().unwrap_err().is_disconnected());
}

#[test]
fn a_receiver_that_is_gone_takes_nothing() {
    for len in [10, 2000] {
        let (mut tx, mut rx) = small();
        rx.close();
        assert_eq!(tx.send(&vec![1; len]), Err(SendError::Disconnected));
        assert_eq!(tx.send_timeout(&vec![1; len], SHORT), Err(SendTimeoutError::Disconnected));
        assert_eq!(tx.try_send(&vec![1; len]), Err(TrySendError::Disconnected));
        assert!(tx.claim(5).unwrap_err().is_disconnected() && tx.try_claim(5).unwrap_err().is_disconnected());
        let error = tx.writer(None).write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(tx.writer(None).finish().unwrap_err().kind(), ErrorKind::BrokenPipe);
        drop(rx);
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Left));
    }
}

#[test]
fn a_receiver_that_goes_in_the_middle_ends_the_message() {
    let (mut tx, mut rx) = small();
    let sending = std::thread::spawn(move || (tx.send(&[1; 3000]), tx));
    while rx.len() < 100 {
        std::thread::yield_now();
    }
    // Takes what is there, a ring's worth at most.
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    drop(rx);
    let (result, tx) = in_time("a sender whose receiver left", move || sending.join().unwrap());
    assert!(matches!(result, Err(SendError::Aborted { bytes: 1..3000 })), "{result:?}");
    assert!(tx.is_disconnected());
}

#[test]
fn a_writer_that_is_dropped_ends_its_message_and_the_next_is_whole() {
    let (mut tx, mut rx) = small();
    let mut writer = tx.writer(None);
    writer.write_all(&[1; 100]).unwrap();
    writer.flush().unwrap();
    drop(writer);
    tx.send(b"next").unwrap();
    assert_eq!((rx.recv(), rx.recv().unwrap()), (Err(RecvError::Aborted { bytes: 100 }), b"next".to_vec()));
    // Nothing of it was visible yet: nobody hears of it.
    drop(tx.writer(Some(10)));
    let mut writer = tx.writer(Some(10));
    writer.write_all(b"half").unwrap();
    drop(writer);
    tx.send(b"next").unwrap();
    assert_eq!(rx.recv().unwrap(), b"next");
    // One that was forgotten.
    let mut writer = tx.writer(None);
    writer.write_all(&[1; 100]).unwrap();
    std::mem::forget(writer);
    tx.send(b"next").unwrap();
    assert!(matches!(rx.recv(), Err(RecvError::Aborted { bytes: 1..=100 })));
    assert_eq!(rx.recv().unwrap(), b"next");
    // In the middle of one, the sender leaves.
    let mut writer = tx.writer(Some(1000));
    writer.write_all(&[1; 100]).unwrap();
    std::mem::forget(writer);
    drop(tx);
    assert!(matches!(rx.recv(), Err(RecvError::Aborted { bytes: 1..=100 })));
    assert_eq!(rx.recv(), Err(RecvError::Disconnected));
}

#[test]
fn a_reader_that_is_dropped_skips_the_rest_and_the_writer_learns_it() {
    for read in [0, 1, 60, 100] {
        let (mut tx, mut rx) = small();
        let sending = std::thread::spawn(move || (tx.send(&[1; 3000]), tx));
        let mut reader = rx.reader().unwrap();
        assert_eq!(reader.len_hint(), Some(3000));
        reader.read_exact(&mut vec![0; read]).unwrap();
        assert_eq!(reader.position(), read as u64);
        drop(reader);
        let receiving = std::thread::spawn(move || (rx.recv(), rx));
        let (result, mut tx) = in_time("a sender whose reader is gone", move || sending.join().unwrap());
        assert!(matches!(result, Err(SendError::Aborted { bytes: 1..3000 })), "{read}: {result:?}");
        tx.send(b"next").unwrap();
        let (next, rx) = receiving.join().unwrap();
        assert_eq!((next.unwrap(), rx.len()), (b"next".to_vec(), 0));
    }
    // One that has been forgotten.
    let (mut tx, mut rx) = small();
    tx.send(&[1; 150]).unwrap();
    tx.send(b"next").unwrap();
    let mut reader = rx.reader().unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    std::mem::forget(reader);
    assert_eq!(rx.recv().unwrap(), b"next");
}

// What is refused.

/// Fault 67.
#[test]
fn what_is_too_long_is_skipped() {
    let (mut tx, mut rx) = small();
    assert_eq!(rx.limit(), 1 << 30);
    rx.set_limit(100);
    tx.send(&[1; 101]).unwrap();
    tx.send(&[2; 100]).unwrap();
    assert_eq!(rx.recv(), Err(RecvError::TooLong { bytes: 101, limit: 100 }));
    assert_eq!(rx.recv().unwrap(), [2; 100]);
    tx.send(&[1; 60]).unwrap();
    tx.send(&[2; 30]).unwrap();
    rx.set_limit(30);
    assert!(rx.recv_ref().unwrap_err().is_too_long());
    assert_eq!(rx.try_recv().unwrap(), [2; 30]);
    // A sender in the middle of it does not go on in vain.
    let sending = std::thread::spawn(move || (tx.send(&[1; 1 << 20]), tx));
    assert_eq!(rx.recv(), Err(RecvError::TooLong { bytes: 1 << 20, limit: 30 }));
    let (result, mut tx) = in_time("a sender that is refused", move || sending.join().unwrap());
    assert!(matches!(result, Err(SendError::Aborted { bytes: 1..300 })), "{result:?}");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    // And one of which nobody knows how long it will be.
    let mut writer = tx.writer(None);
    writer.write_all(&[1; 50]).unwrap();
    writer.flush().unwrap();
    assert!(matches!(rx.recv(), Err(RecvError::TooLong { bytes: 31..=50, limit: 30 })));
    assert_eq!(writer.write_all(&[1; 100]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::BrokenPipe);
    tx.send(&[3; 3]).unwrap();
    assert_eq!(rx.recv().unwrap(), [3; 3]);
}

/// Fault 67.
#[test]
fn for_what_there_is_no_memory_is_skipped() {
    let (mut tx, mut rx) = small();
    rx.set_limit(u64::MAX);
    // More than there can be, and never asked for: what comes decides.
    let mut writer = tx.writer(Some(u64::MAX / 2));
    writer.write_all(&[1; 100]).unwrap();
    let start = Instant::now();
    assert_eq!(rx.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() < LONG);
    drop(writer);
    let error = rx.recv().unwrap_err();
    assert!(matches!(error, RecvError::Aborted { bytes: 1..=100 }));
    assert!(error.to_string().contains("after"), "{error}");
    let error = std::io::Error::from(RecvError::OutOfMemory { bytes: 7 });
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::OutOfMemory, "no memory for a message of 7 bytes, which was skipped".into())
    );
}

// In place.

/// Fault M4.
#[test]
fn a_claim_is_committed_in_part_or_not_at_all() {
    let (mut tx, mut rx) = small();
    assert_eq!(tx.contiguous_max(), 56);
    assert!(matches!(tx.claim(57).unwrap_err(), SendError::TooLong { bytes: 57, limit: 56 }));
    assert!(matches!(tx.try_claim(57).unwrap_err(), TrySendError::TooLong { bytes: 57, limit: 56 }));
    for (n, len) in [56, 0, 1, 9, 33, 56, 50, 7].into_iter().enumerate() {
        drop(tx.claim(56).unwrap());
        let mut claim = tx.claim(56).unwrap();
        assert_eq!(claim.len(), 56);
        claim.fill(n as u8);
        claim.commit(len);
        assert_eq!(rx.recv().unwrap(), vec![n as u8; len]);
    }
    let mut sent = 0;
    let full = loop {
        match tx.try_claim(40) {
            Ok(claim) => claim.commit_all(),
            Err(error) => break error,
        }
        sent += 1;
    };
    assert_eq!((full, sent), (TrySendError::Full, 4));
    assert!(tx.claim_timeout(40, SHORT).unwrap_err().is_timeout());
    assert_eq!(rx.try_iter().filter(|message| message.as_ref().unwrap().len() == 40).count(), 4);
}

#[test]
#[should_panic(expected = "6 bytes committed of a claim of 5")]
fn more_than_was_claimed_cannot_be_committed() {
    let (mut tx, _rx) = small();
    tx.claim(5).unwrap().commit(6);
}

#[test]
fn a_message_in_hand_stays_until_it_is_committed() {
    for len in [0, 5, 56, 57, 150] {
        let (mut tx, mut rx) = small();
        let message = pattern(len, len as usize);
        tx.send(&message).unwrap();
        tx.send(b"next").unwrap();
        let guard = rx.recv_ref().unwrap();
        assert_eq!((&*guard, guard.attempt(), guard.is_redelivered()), (&message[..], 1, false));
        let position = guard.position();
        drop(guard);
        let taken = tx.len();
        std::mem::forget(rx.try_recv_ref().unwrap());
        let guard = rx.recv_ref_timeout(SHORT).unwrap();
        assert_eq!((&*guard, guard.attempt(), guard.is_redelivered()), (&message[..], 3, true));
        assert_eq!((guard.position(), tx.len()), (position, taken));
        guard.commit();
        let guard = rx.recv_ref().unwrap();
        assert_eq!((&*guard, guard.attempt(), guard.is_redelivered()), (&b"next"[..], 1, false));
        assert!(guard.position() > position);
        guard.commit();
        assert!(rx.try_recv_ref().unwrap_err().is_empty() && rx.recv_ref_timeout(SHORT).unwrap_err().is_timeout());
        assert_eq!((tx.len(), rx.len()), (0, 0));
        // Given back, and then received.
        tx.send(&message).unwrap();
        drop(rx.recv_ref().unwrap());
        assert_eq!(rx.recv().unwrap(), message);
    }
}

#[test]
fn a_message_in_hand_must_fit_into_the_ring() {
    let (mut tx, mut rx) = small();
    for announced in [true, false] {
        let sending = std::thread::spawn(move || {
            let mut writer = tx.writer(announced.then_some(1000));
            let result = writer.write_all(&[1; 1000]);
            drop(writer);
            (result, tx)
        });
        let error = rx.recv_ref().unwrap_err();
        assert!(matches!(error, RecvError::TooLong { bytes: 100..=1000, limit: 256 }), "{error:?}");
        let receiving = std::thread::spawn(move || (rx.recv(), rx));
        let (result, back) = in_time("a sender that is refused", move || sending.join().unwrap());
        tx = back;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
        tx.send(&[2; 150]).unwrap();
        let (next, back) = receiving.join().unwrap();
        rx = back;
        assert_eq!(next.unwrap(), [2; 150]);
    }
    // One that is begun and given up.
    let mut writer = tx.writer(None);
    writer.write_all(&[1; 100]).unwrap();
    writer.flush().unwrap();
    assert!(rx.try_recv_ref().unwrap_err().is_empty());
    drop(writer);
    assert!(matches!(rx.recv_ref().unwrap_err(), RecvError::Aborted { bytes: 100 }));
    assert!(rx.is_empty());
    // And of which the sender leaves.
    let mut writer = tx.writer(None);
    writer.write_all(&[1; 100]).unwrap();
    writer.flush().unwrap();
    std::mem::forget(writer);
    drop(tx);
    assert!(matches!(rx.recv_ref().unwrap_err(), RecvError::Aborted { bytes: 100 }));
    assert!(rx.recv_ref().unwrap_err().is_disconnected());
}

#[test]
fn what_was_begun_without_a_guard_is_finished_with_one() {
    let (mut tx, mut rx) = small();
    let message = pattern(6, 250);
    let mut writer = tx.writer(None);
    writer.write_all(&message[..150]).unwrap();
    writer.flush().unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    writer.write_all(&message[150..]).unwrap();
    writer.finish().unwrap();
    for _ in 0..2 {
        let guard = rx.recv_ref().unwrap();
        assert!(*guard == message);
    }
    assert!(rx.try_recv().unwrap() == message);
    assert!(rx.is_empty());
}

// Bit by bit.

#[test]
fn a_message_is_read_while_it_is_written() {
    let (mut tx, mut rx) = small();
    let message = pattern(7, 2000);
    let mut writer = tx.writer(None);
    let (beginning, rest) = message.split_at(37);
    writer.write_all(beginning).unwrap();
    writer.flush().unwrap();
    let mut reader = rx.reader().unwrap();
    assert_eq!(reader.len_hint(), None);
    let mut got = vec![0; 37];
    reader.read_exact(&mut got).unwrap();
    for bit in rest.chunks(37) {
        writer.write_all(bit).unwrap();
        writer.flush().unwrap();
        // What was flushed is there: the reader needs nothing of what comes.
        let mut bytes = vec![0; bit.len()];
        reader.read_exact(&mut bytes).unwrap();
        got.extend(bytes);
    }
    assert_eq!(writer.written(), 2000);
    writer.finish().unwrap();
    assert_eq!((reader.read(&mut [0; 10]).unwrap(), reader.fill_buf().unwrap().len()), (0, 0));
    drop(reader);
    assert!(got == message);
    tx.send(b"next").unwrap();
    assert_eq!(rx.recv().unwrap(), b"next");
}

#[test]
fn readers_and_writers_go_by_what_was_said() {
    let (mut tx, mut rx) = channel(1 << 16).unwrap();
    let message = pattern(8, 300_000);
    let expected = message.clone();
    let writing = std::thread::spawn(move || {
        let mut writer = tx.writer(Some(300_000));
        for bytes in message.chunks(7001) {
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        tx.writer(None).finish().unwrap();
        let mut writer = tx.writer(Some(0));
        assert_eq!(writer.write(b"x").unwrap_err().kind(), ErrorKind::InvalidInput);
        drop(writer);
        let mut writer = tx.writer(Some(5));
        writer.write_all(b"four").unwrap();
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::InvalidInput);
        let mut writer = tx.writer(Some(4));
        writer.write_all(b"four").unwrap();
        assert_eq!(writer.write_all(b"!").unwrap_err().kind(), ErrorKind::InvalidInput);
        drop(writer);
        write!(tx.writer(None), "never finished").unwrap();
        let mut writer = tx.writer(Some(3));
        writer.write_all(b"one").unwrap();
        writer.flush().unwrap();
        writer.finish().unwrap();
    });
    let mut reader = rx.reader().unwrap();
    let mut got = Vec::new();
    assert_eq!(reader.read_to_end(&mut got).unwrap(), 300_000);
    assert!(got == expected);
    assert_eq!((reader.len_hint(), reader.position()), (Some(300_000), 300_000));
    drop(reader);
    let mut reader = rx.reader_timeout(LONG).unwrap();
    assert_eq!((reader.len_hint(), reader.read_to_end(&mut got).unwrap()), (Some(0), 0));
    drop(reader);
    assert_eq!(rx.recv().unwrap(), b"one");
    writing.join().unwrap();
    assert!(rx.reader_timeout(SHORT).unwrap_err().is_disconnected());
}

/// Fault M2.
#[test]
fn a_reader_finishes_what_was_begun_and_an_error_stays_one() {
    let (mut tx, mut rx) = small();
    let message = pattern(9, 300);
    let mut writer = tx.writer(None);
    writer.write_all(&message[..100]).unwrap();
    writer.flush().unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    writer.write_all(&message[100..200]).unwrap();
    writer.flush().unwrap();
    let mut reader = rx.reader().unwrap();
    let mut got = vec![0; 30];
    reader.read_exact(&mut got).unwrap();
    let shown = reader.fill_buf().unwrap().to_vec();
    reader.consume(usize::MAX);
    got.extend(shown);
    let mut rest = vec![0; 200 - got.len()];
    reader.read_exact(&mut rest).unwrap();
    got.extend(rest);
    assert!(got == message[..200]);
    drop(writer);
    for _ in 0..2 {
        let error = reader.read(&mut [0; 10]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        let inner = error.get_ref().unwrap().downcast_ref::<RecvError>();
        assert_eq!(inner, Some(&RecvError::Aborted { bytes: 200 }));
    }
    drop(reader);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

// Names, and what can be asked.

#[test]
fn a_named_channel_is_of_its_kind() {
    let dir = Dir::new();
    let options = dir.options().capacity(4096);
    let mut tx = Sender::create_with(NAME, &options).unwrap();
    let seen = observe::stat(NAME, Some(dir.path())).unwrap();
    assert_eq!((seen.kind, seen.kind.name()), (Kind::Bytes, "bytes"));
    assert!(matches!(Sender::open_with(NAME, &dir.options()), Err(OpenError::RoleTaken { .. })));
    let other = ringway::spsc::Receiver::<u8>::open_with(NAME, &dir.options()).unwrap_err();
    let expected = FormatError::Kind { found: Kind::Bytes, asked: Kind::Spsc };
    assert!(matches!(other, OpenError::Format(found) if found == expected));
    tx.send(&[1; 3000]).unwrap();
    let mut rx = Receiver::open_with(NAME, &dir.options()).unwrap();
    assert!(tx.wait_for_peer(LONG).is_ok() && (tx.sender_count(), tx.receiver_count()) == (1, 1));
    assert_eq!((rx.capacity(), rx.instance_id(), rx.path()), (4096, tx.instance_id(), tx.path()));
    assert!(rx.path().unwrap().ends_with(NAME) && !rx.is_disconnected() && rx.same_channel(&rx));
    rx.set_wait(WaitStrategy::Sleep);
    assert_eq!(rx.recv().unwrap(), [1; 3000]);
    let wrong = observe::inspect(NAME, Some(dir.path()), 8).unwrap();
    assert_eq!(wrong.wrong(), Vec::<String>::new());
    assert!(format!("{tx:?} {rx:?}").contains("capacity: 4096"));
    // A successor goes on.
    drop(tx);
    let mut tx = Sender::open_with(NAME, &dir.options()).unwrap();
    tx.send(b"again").unwrap();
    assert_eq!(rx.recv().unwrap(), b"again");
    drop((tx, rx));
    assert!(dir.files().is_empty());
}

#[test]
fn shapes_that_cannot_be_are_refused() {
    for options in [
        Options::new().capacity(31),
        Options::new().capacity(0),
        Options::new().capacity(4096).frame_bytes(20),
        Options::new().capacity(4096).frame_bytes(100),
        Options::new().capacity(1 << 33).frame_bytes(1 << 31),
    ] {
        assert!(matches!(channel_with(&options), Err(OpenError::Format(FormatError::Field { .. }))), "{options:?}");
    }
    // Words in the frames are possible, too.
    let inline = Options::new().capacity(4096).frame_bytes(264).placement(ringway::Placement::Inline);
    let (mut tx, mut rx) = channel_with(&inline).unwrap();
    assert_eq!(tx.contiguous_max(), 248);
    for len in (0..3000).step_by(97) {
        let message = pattern(len, len as usize);
        tx.send(&message).unwrap();
        assert!(rx.recv().unwrap() == message);
    }
}

#[test]
fn a_persistent_channel_keeps_its_messages() {
    let dir = Dir::new();
    let options = dir.options().capacity(8192).persistent(true);
    let mut tx = Sender::create_with(NAME, &options).unwrap();
    tx.send(b"one").unwrap();
    tx.send(&[2; 2000]).unwrap();
    let mut writer = tx.writer(Some(3000));
    writer.write_all(&[3; 1100]).unwrap();
    std::mem::forget(writer);
    drop(tx);
    let mut rx = Receiver::open_with(NAME, &dir.options()).unwrap();
    assert_eq!((rx.recv().unwrap(), rx.recv().unwrap()), (b"one".to_vec(), vec![2; 2000]));
    assert!(rx.recv().unwrap_err().is_aborted() && rx.recv().unwrap_err().is_disconnected());
    drop(rx);
    // Nobody receives: the message waits for who comes, longer than the ring as it is.
    let mut tx = Sender::open_with(NAME, &dir.options()).unwrap();
    let sending = std::thread::spawn(move || tx.send(&pattern(1, 20_000)));
    let mut rx = Receiver::open_with(NAME, &dir.options()).unwrap();
    assert!(rx.recv().unwrap() == pattern(1, 20_000));
    in_time("a sender into a persistent channel", move || sending.join().unwrap()).unwrap();
    drop(rx);
    observe::remove(NAME, Some(dir.path())).unwrap();
}

// Against a model.

#[derive(Debug, Clone)]
enum Operation {
    TrySend(usize),
    Claim(usize, usize),
    Write { len: usize, bits: usize, announced: bool, finished: bool },
    TryRecv,
    RecvInto,
    TryRecvRef { commits: bool },
    Read { bytes: usize },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0..300_usize).prop_map(Operation::TrySend),
        (0..60_usize, 0..60_usize).prop_map(|(claimed, used)| Operation::Claim(claimed, used.min(claimed))),
        (0..150_usize, 1..60_usize, any::<bool>(), any::<bool>())
            .prop_map(|(len, bits, announced, finished)| Operation::Write { len, bits, announced, finished }),
        Just(Operation::TryRecv),
        Just(Operation::RecvInto),
        any::<bool>().prop_map(|commits| Operation::TryRecvRef { commits }),
        (0..150_usize).prop_map(|bytes| Operation::Read { bytes }),
    ]
}

/// What the receiver is to get: a message, or one that was given up.
type Due = Result<Vec<u8>, ()>;

fn received(got: Result<Vec<u8>, TryRecvError>, due: &mut VecDeque<Due>) {
    match got {
        Err(TryRecvError::Empty) => assert_eq!(due.len(), 0),
        Err(TryRecvError::Aborted { .. }) => assert_eq!(due.pop_front(), Some(Err(()))),
        got => assert_eq!(due.pop_front(), Some(Ok(got.unwrap()))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_operations_do_what_a_queue_would(
        capacity in 32..1500_usize,
        frame in 3..10_usize,
        operations in proptest::collection::vec(operation(), 1..120),
    ) {
        let options = Options::new().capacity(capacity).frame_bytes(frame * 8);
        let (mut tx, mut rx) = channel_with(&options).unwrap();
        let mut due: VecDeque<Due> = VecDeque::new();
        // What a guard that was dropped still takes of the ring, though it is taken.
        let mut hidden = 0;
        for (seed, operation) in operations.into_iter().enumerate() {
            let message = |len| pattern(seed as u64, len);
            if matches!(operation, Operation::TryRecv | Operation::RecvInto | Operation::Read { .. }) {
                hidden = 0;
            }
            match operation {
                Operation::TrySend(len) => match tx.try_send(&message(len)) {
                    Ok(()) => due.push_back(Ok(message(len))),
                    Err(TrySendError::Full) => assert!(!due.is_empty() || !tx.is_empty()),
                    Err(error) => assert!(error.is_too_long() && len > tx.contiguous_max()),
                },
                Operation::Claim(claimed, used) => match tx.try_claim(claimed) {
                    Ok(mut claim) => {
                        claim[..used].copy_from_slice(&message(used));
                        claim.commit(used);
                        due.push_back(Ok(message(used)));
                    }
                    Err(TrySendError::Full) => assert!(!due.is_empty() || !tx.is_empty()),
                    Err(error) => assert!(error.is_too_long() && claimed > tx.contiguous_max()),
                },
                Operation::Write { len, bits, announced, finished } => {
                    // Nobody receives meanwhile, so there must be room for each bit to be a part by itself.
                    if tx.capacity() < tx.len() + hidden + len + len.div_ceil(bits) * 40 + 250 {
                        continue;
                    }
                    let whole = message(len);
                    let before = tx.len();
                    let mut writer = tx.writer(announced.then_some(len as u64));
                    for bit in whole.chunks(bits) {
                        writer.write_all(bit).unwrap();
                        writer.flush().unwrap();
                    }
                    if finished {
                        writer.finish().unwrap();
                        due.push_back(Ok(whole));
                    } else {
                        drop(writer);
                        // One that would have been in one piece was never seen, but for the rest of a frame in front of it.
                        let is_long = len > tx.contiguous_max() && tx.len() > before + 16;
                        if len > 0 && (!announced || is_long) {
                            due.push_back(Err(()));
                        }
                    }
                }
                Operation::TryRecv => received(rx.try_recv(), &mut due),
                Operation::RecvInto => {
                    let mut got = vec![1; 3];
                    received(rx.try_recv_into(&mut got).map(|len| { assert_eq!(len, got.len()); got }), &mut due);
                }
                Operation::TryRecvRef { commits } => {
                    let got = rx.try_recv_ref().map(|guard| {
                        let got = guard.to_vec();
                        if commits { guard.commit() }
                        got
                    });
                    match got {
                        Ok(got) if !commits => {
                            hidden = 600;
                            assert_eq!(due.front(), Some(&Ok(got)));
                        }
                        got => {
                            hidden = 0;
                            received(got, &mut due);
                        }
                    }
                }
                Operation::Read { bytes } => {
                    let Ok(mut reader) = rx.reader_timeout(Duration::ZERO) else {
                        assert!(due.is_empty());
                        continue;
                    };
                    let expected = due.pop_front().expect("a message");
                    let mut got = Vec::new();
                    let result = reader.by_ref().take(bytes as u64).read_to_end(&mut got);
                    match expected {
                        Ok(expected) => assert!(result.is_ok() && got == expected[..bytes.min(expected.len())]),
                        // Given up, sooner or later.
                        Err(()) => assert!(got.len() <= bytes),
                    }
                }
            }
        }
        while let Some(due) = due.pop_front() {
            assert_eq!(rx.try_recv().map_err(|error| assert!(error.is_aborted())), due);
        }
        prop_assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        prop_assert_eq!((rx.len(), tx.len()), (0, 0));
    }
}
