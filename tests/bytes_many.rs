//! Messages of any length, many to many, inside one process: lengths, order, timeouts, giving up in the middle.

use ringway::bytes::mpmc::{self, MessageWriter, Receiver, Sender};
use ringway::bytes::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use ringway::{Options, WaitStrategy};
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::thread;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
const LANE: usize = 8192;

/// Lanes so short that much is longer.
fn options() -> Options {
    Options::new().capacity(8).lanes(3, LANE).chunk_bytes(1000)
}

fn channel() -> (Sender, Receiver) {
    mpmc::channel_with(&options()).unwrap()
}

/// A message of so many bytes that is like no other.
fn message(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// All lanes are free again: so many whole messages fit at once.
fn no_lane_is_lost(tx: &Sender, rx: &Receiver) {
    for _ in 0..3 {
        for n in 0..3 {
            tx.try_send(&message(LANE, n)).unwrap_or_else(|error| panic!("lane {n}: {error}"));
        }
        assert_eq!(tx.try_send(&message(LANE, 9)), Err(TrySendError::Full));
        (0..3).for_each(|n| assert_eq!(rx.try_recv().unwrap(), message(LANE, n)));
        assert_eq!(rx.in_hand(), 0);
    }
}

#[test]
fn every_length_arrives_as_it_went() {
    let (tx, rx) = channel();
    let lengths = [0, 1, 7, 8, 100, 112, 113, 4095, 4096, 4097, LANE - 1, LANE, LANE + 1, 3 * LANE, 100_001];
    thread::scope(|scope| {
        scope.spawn(|| {
            for (seed, len) in lengths.into_iter().enumerate() {
                tx.send(&message(len, seed as u64)).unwrap();
            }
        });
        let mut bytes = Vec::new();
        for (seed, len) in lengths.into_iter().enumerate() {
            assert_eq!(rx.recv_into(&mut bytes), Ok(len));
            assert!(bytes == message(len, seed as u64), "length {len}");
        }
    });
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn what_fits_is_sent_without_a_receiver() {
    let (tx, rx) = channel();
    for len in [0, 112, 113, 4096, 4097, LANE] {
        tx.try_send(&message(len, 1)).unwrap();
        assert_eq!(tx.len(), 1);
        assert_eq!(rx.try_recv().unwrap(), message(len, 1));
    }
    assert_eq!(tx.try_send(&vec![0; LANE + 1]), Err(TrySendError::TooLong { bytes: LANE + 1, limit: LANE }));
    let timeout = tx.send_timeout(&vec![0; LANE + 1], Duration::from_millis(20));
    assert_eq!(timeout, Err(SendTimeoutError::Timeout));
    // What its sender gave up is nobody's message.
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn exactly_so_many_are_on_their_way() {
    let (tx, rx) = channel();
    (0..8).for_each(|n| tx.try_send(&[n; 50]).unwrap());
    assert_eq!((tx.try_send(b"x"), tx.is_full(), rx.len()), (Err(TrySendError::Full), true, 8));
    assert_eq!(tx.try_send(&[0; 500]), Err(TrySendError::Full));
    assert_eq!(tx.send_timeout(&[0; 500], Duration::from_millis(10)), Err(SendTimeoutError::Timeout));
    (0..8).for_each(|n| assert_eq!(rx.try_recv().unwrap(), [n; 50]));
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn parts_are_one_message() {
    let (tx, rx) = channel();
    for len in [3, 60, 3000, 30_000] {
        let parts = [message(len, 1), Vec::new(), message(len, 2), message(1, 3)];
        thread::scope(|scope| {
            scope.spawn(|| tx.send_vectored(&parts.each_ref().map(|part| IoSlice::new(part))).unwrap());
            assert_eq!(rx.recv().unwrap(), parts.concat());
        });
    }
}

#[test]
fn who_is_gone_is_told() {
    let (tx, rx) = channel();
    tx.send(&message(500, 1)).unwrap();
    drop(tx);
    assert_eq!(rx.recv().unwrap(), message(500, 1));
    assert_eq!(rx.recv(), Err(RecvError::Disconnected));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(rx.recv_timeout(SOON), Err(RecvTimeoutError::Disconnected));
    let (tx, rx) = channel();
    drop(rx);
    for len in [5, 500, 50_000] {
        assert_eq!(tx.send(&message(len, 1)), Err(SendError::Disconnected));
    }
    assert_eq!(tx.try_send(&[0; 500]), Err(TrySendError::Disconnected));
}

#[test]
fn a_receiver_that_goes_in_the_middle_is_told_to_the_sender() {
    let (tx, rx) = channel();
    let other = rx.clone();
    thread::scope(|scope| {
        let sending = scope.spawn(|| tx.send(&message(100_000, 1)));
        let mut reader = rx.reader().unwrap();
        assert_eq!(reader.len_hint(), Some(100_000));
        let mut front = [0; 3000];
        reader.read_exact(&mut front).unwrap();
        assert_eq!(front, message(100_000, 1)[..3000]);
        drop(reader);
        match sending.join().unwrap() {
            Err(SendError::Aborted { bytes }) => assert!((3000..100_000).contains(&bytes), "{bytes}"),
            sent => panic!("{sent:?}"),
        }
    });
    no_lane_is_lost(&tx, &other);
}

#[test]
fn a_sender_that_gives_up_in_the_middle_is_told_to_the_receiver() {
    let (tx, rx) = channel();
    thread::scope(|scope| {
        let receiving = scope.spawn(|| rx.recv_timeout(SOON));
        let mut writer = tx.writer(None).unwrap();
        writer.write_all(&message(20_000, 1)).unwrap();
        drop(writer);
        match receiving.join().unwrap() {
            Err(RecvTimeoutError::Aborted { bytes }) => assert!(bytes <= 20_000, "{bytes}"),
            received => panic!("{received:?}"),
        }
    });
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn a_message_that_is_written_piece_by_piece_is_one() {
    let (tx, rx) = channel();
    for len in [0, 10, 5000, LANE, LANE + 1, 200_000] {
        for hint in [None, Some(len as u64)] {
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut writer = tx.writer(hint).unwrap();
                    for part in message(len, 7).chunks(777) {
                        writer.write_all(part).unwrap();
                        writer.flush().unwrap();
                    }
                    assert_eq!(writer.written(), len as u64);
                    writer.finish().unwrap();
                });
                let mut bytes = Vec::new();
                let mut reader = rx.reader().unwrap();
                reader.read_to_end(&mut bytes).unwrap();
                assert!(bytes == message(len, 7), "{len}");
                assert_eq!((reader.position(), reader.read(&mut [0; 5]).unwrap()), (len as u64, 0));
            });
        }
    }
    drop(tx.writer(None).unwrap());
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn a_claim_is_written_in_place() {
    let (tx, rx) = channel();
    for (most, len) in [(10, 10), (10, 0), (4096, 4000), (LANE, 5)] {
        let mut claim = tx.claim(most).unwrap();
        assert_eq!(claim.len(), most);
        claim[..len].copy_from_slice(&message(len, 3));
        claim.commit(len).unwrap();
        let guard = rx.recv_ref().unwrap();
        assert_eq!((&*guard, guard.attempt()), (&*message(len, 3), 1));
        guard.commit();
    }
    assert!(matches!(tx.claim(LANE + 1), Err(SendError::TooLong { .. })));
    drop(tx.claim(100).unwrap());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn what_is_given_back_comes_again_and_is_marked() {
    let (tx, rx) = channel();
    for len in [5, 500, LANE] {
        tx.send(&message(len, 5)).unwrap();
        let guard = rx.recv_ref().unwrap();
        assert_eq!((guard.attempt(), guard.is_redelivered(), rx.in_hand()), (1, false, 1));
        drop(guard);
        let guard = rx.recv_ref_timeout(SOON).unwrap();
        assert_eq!((guard.attempt(), guard.is_redelivered(), &*guard), (2, true, &*message(len, 5)));
        guard.commit();
        assert_eq!((rx.try_recv(), rx.in_hand()), (Err(TryRecvError::Empty), 0));
    }
    // Of one that is longer than a lane the sender decides.
    thread::scope(|scope| {
        let sending = scope.spawn(|| tx.send(&message(3 * LANE, 5)));
        let guard = rx.recv_ref().unwrap();
        assert_eq!(*guard, *message(3 * LANE, 5));
        drop(guard);
        assert!(matches!(sending.join().unwrap(), Err(SendError::Aborted { .. })));
        let sending = scope.spawn(|| tx.send(&message(3 * LANE, 6)));
        rx.recv_ref().unwrap().commit();
        assert_eq!(sending.join().unwrap(), Ok(()));
    });
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn what_is_too_long_is_refused_and_the_next_is_received() {
    let (tx, mut rx) = channel();
    rx.set_limit(1000);
    for (len, hint) in [(1001, false), (100, true), (LANE, true), (3 * LANE, true), (3 * LANE, false)] {
        thread::scope(|scope| {
            let (tx, rx) = (&tx, &rx);
            scope.spawn(move || {
                let mut writer = tx.writer(hint.then_some(len as u64)).unwrap();
                let written = writer.write_all(&message(len, 5)).is_ok();
                let sent = written && writer.finish().is_ok();
                assert_eq!(sent, len <= LANE, "{len}");
                tx.send(b"next").unwrap();
            });
            match rx.recv_timeout(SOON) {
                Ok(received) => assert_eq!(received.len(), len),
                Err(RecvTimeoutError::TooLong { bytes, limit: 1000 }) => {
                    assert!(bytes > 1000 && bytes <= len as u64, "{bytes}");
                }
                received => panic!("{received:?}"),
            }
            assert_eq!(rx.recv_timeout(SOON).unwrap(), b"next");
        });
    }
    no_lane_is_lost(&tx, &{
        rx.set_limit(u64::MAX);
        rx
    });
}

#[test]
fn short_messages_pass_long_ones() {
    let (tx, rx) = channel();
    thread::scope(|scope| {
        let mut writer = tx.writer(Some(1_000_000)).unwrap();
        // It is offered, and stays unfinished.
        writer.write_all(&message(LANE, 1)).unwrap();
        for n in 0..100_u8 {
            tx.send(&[n]).unwrap();
            assert_eq!(rx.recv_timeout(SOON).unwrap(), [n]);
        }
        assert_eq!(rx.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
        let receiving = scope.spawn(|| rx.recv());
        writer.write_all(&message(1_000_000 - LANE, 2)).unwrap();
        writer.finish().unwrap();
        assert_eq!(receiving.join().unwrap().unwrap().len(), 1_000_000);
    });
}

/// One thread takes a long message up and goes away; another has been waiting at the same end all the time.
#[test]
fn a_long_message_that_one_thread_has_begun_is_completed_by_another() {
    let (tx, rx) = channel();
    thread::scope(|scope| {
        let mut writer = tx.writer(Some(100_000)).unwrap();
        writer.write_all(&message(LANE, 1)).unwrap();
        let beginning = scope.spawn(|| rx.recv_timeout(Duration::from_millis(100)));
        while tx.in_hand() == 0 {
            thread::yield_now();
        }
        // It finds nothing: what is there is the other one's.
        let receiving = scope.spawn(|| rx.recv_timeout(SOON));
        assert_eq!(beginning.join().unwrap(), Err(RecvTimeoutError::Timeout));
        writer.write_all(&message(100_000 - LANE, 2)).unwrap();
        writer.finish().unwrap();
        assert_eq!(receiving.join().unwrap().unwrap().len(), 100_000);
    });
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn long_messages_come_on_though_short_ones_never_end() {
    let (tx, rx) = channel();
    thread::scope(|scope| {
        let bytes = message(200_000, 1);
        let mut writer = tx.writer(Some(200_000)).unwrap();
        writer.write_all(&bytes[..LANE]).unwrap();
        // It is taken up, and cannot be complete.
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        assert_eq!(rx.in_hand(), 1);
        let rest = bytes[LANE..].to_vec();
        let sending = scope.spawn(move || {
            writer.write_all(&rest).unwrap();
            writer.finish()
        });
        (0..3).for_each(|n| tx.send(&[n]).unwrap());
        let long = (0..100_000_u32).find_map(|_| {
            tx.send(b"short").unwrap();
            let received = rx.recv_timeout(SOON).unwrap();
            (received.len() > 5).then_some(received)
        });
        assert!(long.expect("the long one") == bytes);
        sending.join().unwrap().unwrap();
    });
}

#[test]
fn what_was_written_before_a_time_out_is_written_once() {
    let (tx, rx) = channel();
    (0..8).for_each(|n| tx.send(&[n]).unwrap());
    let (bytes, moment) = (message(3 * LANE, 1), Duration::from_millis(1));
    let mut writer = tx.writer(Some(bytes.len() as u64)).unwrap();
    let mut written = 0;
    // The ring is full, so the message cannot be offered, and its lane fills up.
    let error = loop {
        match writer.write_timeout(&bytes[written..], moment) {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    assert_eq!((error, written as u64, written), (SendTimeoutError::Timeout, writer.written(), LANE));
    thread::scope(|scope| {
        scope.spawn(|| {
            (0..8).for_each(|n| assert_eq!(rx.recv().unwrap(), [n]));
            assert!(rx.recv().unwrap() == bytes);
        });
        writer.write_all(&bytes[written..]).unwrap();
        writer.finish().unwrap();
    });
    no_lane_is_lost(&tx, &rx);
}

/// Nothing more can be written to the message.
fn is_ended(writer: &mut MessageWriter<'_>) {
    let written = writer.written();
    let error = writer.write(b"more").expect_err("the message's end has been said");
    let told = error.get_ref().and_then(|error| error.downcast_ref::<SendError>());
    assert_eq!((error.kind(), told), (ErrorKind::InvalidInput, Some(&SendError::Ended)));
    assert_eq!(writer.write_timeout(b"more", Duration::ZERO), Err(SendTimeoutError::Ended));
    writer.flush().unwrap();
    assert_eq!(writer.written(), written);
}

#[test]
fn nothing_is_written_behind_a_messages_end() {
    let (tx, rx) = channel();
    let moment = Duration::from_millis(1);
    // One that is being received, and goes on behind the time-out.
    let bytes = message(LANE + 100, 1);
    let mut writer = tx.writer(None).unwrap();
    writer.write_all(&bytes[..LANE]).unwrap();
    assert_eq!(writer.write_timeout(&bytes[LANE..], moment), Err(SendTimeoutError::Timeout));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    writer.write_all(&bytes[LANE..]).unwrap();
    assert_eq!(writer.finish_timeout(moment), Err(SendTimeoutError::Timeout));
    is_ended(&mut writer);
    thread::scope(|scope| {
        let receiving = scope.spawn(|| rx.recv());
        writer.finish_timeout(Duration::MAX).unwrap();
        assert!(receiving.join().unwrap() == Ok(bytes));
    });
    is_ended(&mut writer);
    drop(writer);
    // One that is in its lane as a whole, and finds no room in the ring.
    (0..8).for_each(|n| tx.send(&[n]).unwrap());
    let bytes = message(500, 1);
    let mut writer = tx.writer(None).unwrap();
    writer.write_all(&bytes).unwrap();
    assert_eq!(writer.finish_timeout(moment), Err(SendTimeoutError::Timeout));
    is_ended(&mut writer);
    (0..8).for_each(|n| assert_eq!(rx.recv().unwrap(), [n]));
    writer.finish_timeout(moment).unwrap();
    is_ended(&mut writer);
    drop(writer);
    assert!(rx.recv().unwrap() == bytes);
    no_lane_is_lost(&tx, &rx);
}

#[test]
fn many_send_long_and_short_messages_at_once() {
    for strategy in [WaitStrategy::default(), WaitStrategy::Sleep] {
        let (tx, rx) = mpmc::channel_with(&options().wait(strategy)).unwrap();
        let (senders, receivers, each) = (4_u64, 3, 300);
        thread::scope(|scope| {
            for sender in 0..senders {
                let tx = tx.clone();
                scope.spawn(move || {
                    for n in 0..each {
                        let len = [3, 113, 5000, 40_000][((n + sender) % 4) as usize] + n as usize;
                        let mut bytes = message(len, sender << 32 | n);
                        bytes.splice(0..0, (sender << 32 | n).to_le_bytes());
                        tx.send(&bytes).unwrap();
                    }
                });
            }
            drop(tx);
            let receiving: Vec<_> = (0..receivers)
                .map(|_| {
                    let rx = rx.clone();
                    scope.spawn(move || {
                        let mut seen = Vec::new();
                        for bytes in &rx {
                            let bytes = bytes.unwrap();
                            let (head, body) = bytes.split_first_chunk().expect("a number");
                            let number = u64::from_le_bytes(*head);
                            assert!(body == message(body.len(), number), "torn");
                            seen.push(number);
                        }
                        seen
                    })
                })
                .collect();
            drop(rx);
            let mut all: Vec<u64> = receiving.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
            all.sort_unstable();
            let expected: Vec<u64> = (0..senders).flat_map(|sender| (0..each).map(move |n| sender << 32 | n)).collect();
            assert!(all == expected, "{} of {}", all.len(), expected.len());
        });
    }
}

#[test]
fn what_is_given_back_too_often_goes_to_the_dead_letters() {
    let name = format!("bytes-many-letters-{}", std::process::id());
    let letters = format!("{name}-failed");
    let options = options().deliveries(2).dead_letters(&letters);
    let tx = Sender::create_with(&name, &options).unwrap();
    let rx = Receiver::open_with(&name, &options).unwrap();
    let failed = Receiver::create_with(&letters, &Options::new().lanes(3, LANE)).unwrap();
    for len in [5, 500, 5000, LANE] {
        tx.send(&message(len, 5)).unwrap();
        drop(rx.recv_ref().unwrap());
        drop(rx.recv_ref().unwrap());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(failed.try_recv().unwrap(), message(len, 5));
        assert_eq!((rx.stats().dropped, rx.in_hand()), (0, 0));
    }
    // With nowhere to go it is dropped, and counted.
    failed.close();
    for len in [5, 5000] {
        tx.send(&message(len, 5)).unwrap();
        drop(rx.recv_ref().unwrap());
        drop(rx.recv_ref().unwrap());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
    assert_eq!(rx.stats().dropped, 2);
    no_lane_is_lost(&tx, &rx);
}

/// Sends end in the middle of a message at any instant: each message that a send says was received was, by one, and no other was.
#[test]
fn both_ends_agree_on_what_was_received_in_time() {
    let (tx, rx) = mpmc::channel_with(&options().lanes(2, 4096)).unwrap();
    let (senders, receivers, each) = (2_u64, 2, 4000);
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let sending: Vec<_> = (0..senders)
            .map(|sender| {
                let tx = tx.clone();
                scope.spawn(move || {
                    let send = |n: &u64| {
                        let number = sender << 32 | n;
                        let mut bytes = message(9000, number);
                        bytes.splice(0..0, number.to_le_bytes());
                        let sent = tx.send_timeout(&bytes, Duration::from_micros(n % 97 * 4));
                        assert!(matches!(sent, Ok(()) | Err(SendTimeoutError::Timeout)), "{sent:?}");
                        sent.is_ok()
                    };
                    (0..each).filter(send).map(|n| sender << 32 | n).collect::<Vec<_>>()
                })
            })
            .collect();
        drop(tx);
        let receiving: Vec<_> = (0..receivers)
            .map(|reader| {
                let rx = rx.clone();
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    loop {
                        // One receives whole messages, the other reads them.
                        let received = if reader == 0 {
                            rx.recv()
                        } else {
                            let mut bytes = Vec::new();
                            rx.reader().map(|mut reader| match reader.read_to_end(&mut bytes) {
                                Ok(_) => bytes,
                                Err(_) => Vec::new(),
                            })
                        };
                        match received {
                            Ok(bytes) => {
                                let Some((head, body)) = bytes.split_first_chunk() else { continue };
                                let number = u64::from_le_bytes(*head);
                                assert!(body == message(9000, number), "torn");
                                seen.push(number);
                            }
                            Err(RecvError::Aborted { .. }) => {}
                            Err(RecvError::Disconnected) => return seen,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        sent.extend(sending.into_iter().flat_map(|thread| thread.join().unwrap()));
        received.extend(receiving.into_iter().flat_map(|thread| thread.join().unwrap()));
    });
    drop(rx);
    sent.sort_unstable();
    received.sort_unstable();
    println!("{} of {} in time", sent.len(), senders * each);
    assert!(!sent.is_empty(), "none was in time");
    assert_eq!(sent, received);
}
