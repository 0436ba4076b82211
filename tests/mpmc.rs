//! Many-to-many channels inside one process and between two openings of one name.

use ringway::mpmc::{self, Receiver, Sender};
use ringway::{DisconnectReason, OpenError, Options, RecvTimeoutError, TryRecvError, TrySendError, WaitStrategy};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(20);

fn unique(label: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("mpmc-{label}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Fault M6.
#[test]
fn an_end_may_be_used_by_many_threads() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug>() {}
    shared::<Sender<u64>>();
    shared::<Receiver<u64>>();
}

#[test]
fn exactly_so_many_fit_and_come_in_order() {
    for capacity in [1, 2, 3, 7, 64] {
        let (tx, rx) = mpmc::channel::<u32>(capacity).unwrap();
        for lap in 0..3 {
            for n in 0..capacity as u32 {
                assert_eq!((tx.len(), tx.is_full(), rx.is_empty()), (n as usize, false, n == 0));
                tx.try_send(lap * 100 + n).unwrap();
            }
            assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
            assert_eq!((rx.len(), rx.is_full(), rx.capacity()), (capacity, true, capacity));
            for n in 0..capacity as u32 {
                assert_eq!(rx.try_recv(), Ok(lap * 100 + n));
            }
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        }
    }
}

/// Every message once, and each sender's in order.
fn flow(capacity: usize, senders: u64, receivers: usize, each: u64, options: &Options, batch: usize) {
    let (tx, rx) = mpmc::channel_with::<u64>(&options.clone().capacity(capacity)).unwrap();
    let sending: Vec<_> = (0..senders)
        .map(|number| {
            let tx = tx.clone();
            thread::spawn(move || {
                let messages: Vec<_> = (0..each).map(|n| number << 32 | n).collect();
                if batch == 1 {
                    messages.iter().for_each(|&message| tx.send(message).unwrap());
                } else {
                    messages.chunks(batch).for_each(|part| tx.send_many(part).unwrap());
                }
            })
        })
        .collect();
    let receiving: Vec<_> = (0..receivers)
        .map(|_| {
            let rx = rx.clone();
            thread::spawn(move || {
                let mut got = Vec::new();
                let mut buffer = vec![0; batch];
                loop {
                    if batch == 1 {
                        let Ok(message) = rx.recv() else { return got };
                        got.push(message);
                    } else {
                        let Ok(n) = rx.recv_many(&mut buffer) else { return got };
                        assert!(n > 0);
                        got.extend(&buffer[..n]);
                    }
                }
            })
        })
        .collect();
    drop((tx, rx));
    sending.into_iter().for_each(|sender| sender.join().unwrap());
    let mut all = Vec::new();
    for receiver in receiving {
        let got = receiver.join().unwrap();
        let mut last = BTreeMap::new();
        for message in &got {
            assert!(last.insert(message >> 32, *message).is_none_or(|before| before < *message), "out of order");
        }
        all.extend(got);
    }
    all.sort_unstable();
    let expected: Vec<_> = (0..senders).flat_map(|number| (0..each).map(move |n| number << 32 | n)).collect();
    assert!(all == expected, "capacity {capacity}: {} of {}", all.len(), expected.len());
}

#[test]
fn many_threads_lose_nothing() {
    for (capacity, senders, receivers) in [(1, 1, 1), (1, 2, 2), (3, 3, 2), (64, 2, 3), (1024, 4, 4)] {
        for batch in [1, 7] {
            flow(capacity, senders, receivers, 5_000, &Options::new(), batch);
        }
    }
}

#[test]
fn many_threads_that_always_sleep_lose_nothing() {
    let options = Options::new().wait(WaitStrategy::Sleep);
    for (capacity, senders, receivers) in [(1, 1, 1), (1, 3, 3), (2, 2, 4), (16, 4, 2)] {
        for batch in [1, 5] {
            flow(capacity, senders, receivers, 2_000, &options, batch);
        }
    }
}

#[test]
fn with_hardly_any_records_it_goes_on() {
    for operations in [1, 2, 3, 4] {
        flow(4, 3, 3, 2_000, &Options::new().operations(operations), 1);
        flow(4, 3, 3, 2_000, &Options::new().operations(operations).wait(WaitStrategy::Sleep), 3);
    }
}

#[test]
fn when_the_last_sender_is_gone_what_was_sent_comes_first() {
    let (tx, rx) = mpmc::channel::<u8>(4).unwrap();
    let other = tx.clone();
    tx.send(1).unwrap();
    other.send(2).unwrap();
    drop(tx);
    assert_eq!(rx.sender_count(), 1);
    assert_eq!(rx.recv(), Ok(1));
    drop(other);
    assert_eq!((rx.recv(), rx.recv().is_err(), rx.try_recv()), (Ok(2), true, Err(TryRecvError::Disconnected)));
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Left));
}

#[test]
fn when_the_last_receiver_is_gone_sending_fails_and_hands_the_message_back() {
    let (tx, rx) = mpmc::channel::<u8>(4).unwrap();
    let other = rx.clone();
    drop(rx);
    tx.send(1).unwrap();
    drop(other);
    assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
    assert_eq!(tx.try_send(3), Err(TrySendError::Disconnected(3)));
    assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Left));
}

#[test]
fn a_sleeper_is_woken_by_the_other_ends_going() {
    let (tx, rx) = mpmc::channel_with::<u8>(&Options::new().slice(Duration::MAX).wait(WaitStrategy::Sleep)).unwrap();
    let waiting: Vec<_> = (0..3).map(|_| rx.clone()).map(|rx| thread::spawn(move || rx.recv())).collect();
    while rx.stats().sleeps < 3 {
        thread::yield_now();
    }
    drop(tx);
    assert!(waiting.into_iter().all(|waiting| waiting.join().unwrap().is_err()));
}

/// Fault 56.
#[test]
fn closing_is_for_all_and_leaves_what_is_there() {
    let (tx, rx) = mpmc::channel_with::<u8>(&Options::new().slice(Duration::MAX).capacity(2)).unwrap();
    tx.send(1).unwrap();
    tx.send(2).unwrap();
    let blocked = {
        let tx = tx.clone();
        thread::spawn(move || tx.send(3))
    };
    while tx.stats().sleeps < 1 {
        thread::yield_now();
    }
    rx.close();
    assert_eq!(blocked.join().unwrap().unwrap_err().into_inner(), 3);
    assert_eq!(tx.try_send(4), Err(TrySendError::Disconnected(4)));
    assert_eq!((rx.recv(), rx.recv(), rx.recv().is_err()), (Ok(1), Ok(2), true));
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Closed));
}

#[test]
fn timeouts_are_kept() {
    let (tx, rx) = mpmc::channel::<u8>(1).unwrap();
    assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    let start = Instant::now();
    assert_eq!(rx.recv_timeout(Duration::from_millis(30)), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() >= Duration::from_millis(30));
    tx.send(1).unwrap();
    assert!(tx.send_timeout(2, Duration::from_millis(30)).unwrap_err().is_timeout());
    let late = {
        let rx = rx.clone();
        thread::spawn(move || rx.recv_timeout(Duration::MAX))
    };
    assert_eq!(late.join().unwrap(), Ok(1));
}

#[test]
fn a_guard_keeps_no_room_and_a_dropped_one_gives_its_message_back() {
    let (tx, rx) = mpmc::channel::<u64>(1).unwrap();
    tx.send(7).unwrap();
    let first = rx.recv_ref().unwrap();
    assert_eq!((*first, first.attempt(), first.is_redelivered(), first.position()), (7, 1, false, 0));
    tx.try_send(8).unwrap();
    assert_eq!(rx.in_hand(), 1);
    drop(first);
    let again = rx.recv_ref().unwrap();
    assert_eq!((*again, again.attempt(), again.position()), (7, 2, 0));
    again.commit();
    assert_eq!((rx.in_hand(), rx.try_recv(), rx.try_recv()), (0, Ok(8), Err(TryRecvError::Empty)));
}

#[test]
fn hands_full_of_what_was_given_back_stop_nobody() {
    let (tx, rx) = mpmc::channel_with::<u64>(&Options::new().capacity(8).in_hand(2)).unwrap();
    (0..8).for_each(|n| tx.try_send(n).unwrap());
    let (first, second) = (rx.try_recv_ref().unwrap(), rx.try_recv_ref().unwrap());
    assert!(rx.try_recv_ref().is_err());
    drop((first, second));
    let mut received: Vec<_> = (0..8)
        .map(|_| {
            let job = rx.recv_ref_timeout(Duration::from_secs(10)).expect("one or the other");
            let seen = (*job, job.attempt());
            job.commit();
            seen
        })
        .collect();
    received.sort_unstable();
    assert_eq!(received, [(0, 2), (1, 2), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1)]);
}

#[test]
fn what_was_given_back_comes_at_the_latest_a_lap_later_however_full_the_ring_is() {
    let (tx, rx) = mpmc::channel_with::<u64>(&Options::new().capacity(4)).unwrap();
    (0..4).for_each(|n| tx.try_send(n).unwrap());
    drop(rx.recv_ref().unwrap());
    let came = (4..20).find(|&n| {
        tx.try_send(n).unwrap();
        let job = rx.recv_ref().unwrap();
        let is_back = job.is_redelivered();
        job.commit();
        is_back
    });
    assert!(came.is_some_and(|n| n <= 4 + 2 * 4), "{came:?}");
}

#[test]
fn when_all_hands_are_full_one_waits_until_one_is_free() {
    let (tx, rx) = mpmc::channel_with::<u64>(&Options::new().in_hand(2)).unwrap();
    (0..5).for_each(|n| tx.send(n).unwrap());
    let (a, b) = (rx.recv_ref().unwrap(), rx.recv_ref().unwrap());
    assert!(rx.try_recv_ref().unwrap_err().is_empty());
    assert!(rx.recv_ref_timeout(Duration::from_millis(5)).unwrap_err().is_timeout());
    assert_eq!(rx.recv(), Ok(2), "who takes a message for good needs no hand");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| *rx.recv_ref().unwrap());
        a.commit();
        assert_eq!(waiting.join().unwrap(), 3);
    });
    b.commit();
}

#[test]
fn when_all_hands_hold_what_was_given_back_they_are_taken_up() {
    let (tx, rx) = mpmc::channel_with::<u64>(&Options::new().in_hand(2)).unwrap();
    (0..4).for_each(|n| tx.send(n).unwrap());
    let both = [rx.recv_ref().unwrap(), rx.recv_ref().unwrap()];
    drop(both);
    let mut again = [rx.try_recv_ref().unwrap(), rx.try_recv_ref().unwrap()];
    again.sort_by_key(|guard| guard.position());
    assert_eq!(again.each_ref().map(|guard| (**guard, guard.attempt())), [(0, 2), (1, 2)]);
    again.into_iter().for_each(mpmc::Guard::commit);
    assert_eq!((rx.recv(), rx.recv(), rx.try_recv()), (Ok(2), Ok(3), Err(TryRecvError::Empty)));
}

#[test]
fn what_was_given_back_is_received_though_it_has_the_last_hand() {
    let (tx, rx) = mpmc::channel_with::<u64>(&Options::new().in_hand(2)).unwrap();
    (0..3).for_each(|n| tx.send(n).unwrap());
    let held = rx.recv_ref().unwrap();
    drop(rx.recv_ref().unwrap());
    for attempt in 2..5 {
        let again = rx.recv_ref_timeout(SOON).unwrap();
        assert_eq!((*again, again.attempt()), (1, attempt));
    }
    rx.try_recv_ref().unwrap().commit();
    assert_eq!(*rx.try_recv_ref().unwrap(), 2);
    held.commit();
}

#[test]
fn what_is_delivered_too_often_is_dropped_and_counted_or_kept_elsewhere() {
    let (name, letters) = (unique("often"), unique("letters"));
    for dead_letters in [None, Some(letters.as_str())] {
        let mut options = Options::new().deliveries(2).capacity(4);
        if let Some(letters) = dead_letters {
            options = options.dead_letters(letters);
        }
        let rx = Receiver::<u64>::create_with(&name, &options).unwrap();
        let tx = Sender::<u64>::open(&name).unwrap();
        tx.send(5).unwrap();
        drop(rx.recv_ref().unwrap());
        assert_eq!(rx.recv_ref().unwrap().attempt(), 2);
        assert!(rx.try_recv_ref().unwrap_err().is_empty());
        assert_eq!(rx.stats().dropped, u64::from(dead_letters.is_none()));
        if let Some(letters) = dead_letters {
            assert_eq!(Receiver::<u64>::open(letters).unwrap().recv(), Ok(5));
        }
    }
}

#[test]
fn two_openings_of_one_name_are_one_channel() {
    let name = unique("name");
    let tx = Sender::<u64>::create(&name, 8).unwrap();
    assert!(Sender::<u64>::create(&name, 8).unwrap_err().is_already_exists());
    let rx = Receiver::<u64>::open(&name).unwrap();
    let more: Vec<_> = (0..5).map(|_| Receiver::<u64>::open_or_create(&name, 8).unwrap()).collect();
    assert_eq!((tx.sender_count(), tx.receiver_count()), (1, 6));
    assert!(rx.same_channel(&more[0]) && tx.path().is_some());
    tx.send(3).unwrap();
    assert_eq!(more[4].recv(), Ok(3));
    drop((rx, more));
    assert!(tx.send(4).is_err());
    let rx = Receiver::<u64>::open(&name).unwrap();
    tx.send(5).unwrap();
    assert_eq!(rx.recv(), Ok(5), "a new peer: it works again");
    assert!(matches!(ringway::spsc::Sender::<u64>::open(&name), Err(OpenError::Format(_))));
    assert!(matches!(Sender::<u32>::open(&name), Err(OpenError::Format(_))));
    drop((tx, rx));
    assert!(Sender::<u64>::open(&name).unwrap_err().is_not_found());
}

/// Fault 24.
#[test]
fn as_many_as_the_channel_has_members_can_be_attached() {
    let name = unique("members");
    let first = Sender::<u8>::create_with(&name, &Options::new().members(3)).unwrap();
    let others: Vec<_> = (0..2).map(|_| Sender::<u8>::open(&name).unwrap()).collect();
    assert!(matches!(Sender::<u8>::open(&name), Err(OpenError::TooManyMembers { most: 3 })));
    let clones: Vec<_> = (0..10_000).map(|_| first.clone()).collect();
    assert_eq!(first.sender_count(), 10_003);
    drop((others, clones));
    let again = Sender::<u8>::open(&name).unwrap();
    assert_eq!(again.sender_count(), 2);
}

#[test]
fn what_has_no_name_is_never_persistent() {
    for backing in [ringway::Backing::Heap, ringway::Backing::Memfd] {
        let options = Options::new().backing(backing).persistent(true);
        let error = ringway::mpmc::channel_with::<u64>(&options).map(drop).unwrap_err();
        assert!(matches!(error, OpenError::Options { .. }), "{error}");
    }
}

#[test]
fn a_persistent_channel_keeps_its_messages() {
    let name = unique("persistent");
    let options = Options::new().capacity(4).persistent(true);
    let tx = Sender::<u64>::create_with(&name, &options).unwrap();
    (1..=4).for_each(|n| tx.send(n).unwrap());
    assert!(tx.try_send(5).unwrap_err().is_full());
    drop(tx);
    let rx = Receiver::<u64>::open(&name).unwrap();
    let guard = rx.recv_ref().unwrap();
    std::mem::forget(guard);
    drop(rx);
    let rx = Receiver::<u64>::open(&name).unwrap();
    let mut got: Vec<_> = (0..4).map(|_| rx.recv().unwrap()).collect();
    got.sort_unstable();
    assert_eq!(got, [1, 2, 3, 4]);
    drop(rx);
    ringway::observe::remove(&name, None).unwrap();
}

#[test]
fn a_peer_is_waited_for() {
    let (name, options) = (unique("peer"), Options::new());
    let tx = Sender::<u64>::create_with(&name, &options).unwrap();
    assert!(tx.wait_for_peer(Duration::from_millis(5)).is_err());
    let waiting = {
        let tx = tx.clone();
        thread::spawn(move || tx.wait_for_peer(SOON))
    };
    let rx = Receiver::<u64>::open(&name).unwrap();
    waiting.join().unwrap().unwrap();
    rx.wait_for_peer(Duration::ZERO).unwrap();
}
