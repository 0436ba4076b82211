//! `ringway::spsc`: one thread at each end.

use crate::Scene;
use crate::message::{number, words};
use ringway::Options;
use ringway::spsc::{Receiver, Sender, channel_with};
use std::thread;

pub(crate) const SCENES: &[Scene] = &[
    ("spsc/messages", |options, count| messages::<3>(options.capacity(5), count)),
    ("spsc/one-word", |options, count| messages::<1>(options.capacity(64), count)),
    ("spsc/one-place", |options, count| messages::<2>(options.capacity(1), count)),
    ("spsc/large", |options, count| messages::<80>(options.capacity(3), count)),
    ("spsc/tries", tries),
    ("spsc/batches", batches),
    ("spsc/grants", |options, count| grants(options.capacity(20), count)),
    ("spsc/grants-in-a-table", |options, count| {
        grants(options.capacity(20).placement(ringway::Placement::Table), count)
    }),
    ("spsc/guards", guards),
    ("spsc/receiver-leaves", receiver_leaves),
    ("spsc/close", close),
];

fn pair<const N: usize>(options: &Options) -> (Sender<[u64; N]>, Receiver<[u64; N]>) {
    channel_with(options).expect("a channel")
}

fn messages<const N: usize>(options: Options, count: u64) {
    let (mut tx, mut rx) = pair::<N>(&options);
    let sending = thread::spawn(move || {
        for n in 0..count {
            tx.send(words(n)).expect("a receiver");
            assert!(tx.len() <= tx.capacity());
        }
    });
    for n in 0..count {
        assert_eq!(number(&rx.recv().expect("a message")), n);
        assert!(rx.len() <= rx.capacity());
    }
    assert!(rx.recv().is_err(), "the sender has left");
    sending.join().expect("no panic");
}

fn tries(options: Options, count: u64) {
    let (mut tx, mut rx) = pair::<3>(&options.capacity(3));
    let sending = thread::spawn(move || {
        for n in 0..count {
            while tx.try_send(words(n)).is_err() {
                assert!(!tx.is_disconnected());
                thread::yield_now();
            }
        }
    });
    let mut next = 0;
    loop {
        match rx.try_recv() {
            Ok(message) => {
                assert_eq!(number(&message), next);
                next += 1;
            }
            Err(error) if error.is_empty() => thread::yield_now(),
            Err(_) => break,
        }
    }
    assert_eq!(next, count);
    sending.join().expect("no panic");
}

fn batches(options: Options, count: u64) {
    let (mut tx, mut rx) = pair::<3>(&options.capacity(40));
    let sending = thread::spawn(move || {
        let mut next = 0;
        while next < count {
            let batch: Vec<_> = (next..count.min(next + 1 + next % 30)).map(words).collect();
            tx.send_many(&batch).expect("a receiver");
            next += batch.len() as u64;
        }
    });
    let mut next = 0;
    let mut room = [[0; 3]; 17];
    while let Ok(got) = rx.recv_many(&mut room) {
        for message in &room[..got] {
            assert_eq!(number(message), next);
            next += 1;
        }
    }
    assert_eq!(next, count);
    sending.join().expect("no panic");
}

/// Made and read in place: by references to the ring itself.
fn grants(options: Options, count: u64) {
    let (mut tx, mut rx) = pair::<3>(&options);
    let sending = thread::spawn(move || {
        let mut next = 0;
        while next < count {
            let mut grant = tx.reserve_up_to(7).expect("a receiver");
            let made = grant.len().min((count - next) as usize);
            match next % 3 {
                0 => grant.iter_mut().zip(next..).take(made).for_each(|(place, n)| *place = words(n)),
                1 => assert_eq!(grant.fill((next..).take(made).map(words)), made),
                _ => {
                    let mut n = next;
                    for run in grant.runs_mut() {
                        for place in run {
                            *place = words(n);
                            n += 1;
                        }
                    }
                }
            }
            grant.commit(made);
            next += made as u64;
        }
    });
    let mut next = 0;
    while let Ok(grant) = rx.read_up_to(5) {
        let taken = 1 + next as usize % grant.len();
        if next % 2 == 0 {
            let seen: Vec<u64> = grant.runs().flatten().take(taken).map(number).collect();
            assert_eq!(seen, (next..next + taken as u64).collect::<Vec<_>>());
        } else {
            grant.iter().zip(next..).take(taken).for_each(|(message, n)| assert_eq!(number(&message), n));
        }
        grant.release(taken);
        next += taken as u64;
    }
    assert_eq!(next, count);
    sending.join().expect("no panic");
}

/// Every third message is given back once.
fn guards(options: Options, count: u64) {
    let (mut tx, mut rx) = pair::<3>(&options.capacity(4));
    let sending = thread::spawn(move || (0..count).for_each(|n| tx.send(words(n)).expect("a receiver")));
    for n in 0..count {
        let guard = rx.recv_ref().expect("a message");
        assert_eq!(number(&guard), n);
        if n % 3 == 0 {
            drop(guard);
            let again = rx.recv_ref().expect("the same");
            assert_eq!((number(&again), again.is_redelivered()), (n, true));
            again.commit();
        } else {
            guard.commit();
        }
    }
    assert!(rx.recv_ref().is_err(), "the sender has left");
    sending.join().expect("no panic");
}

fn receiver_leaves(options: Options, count: u64) {
    let (mut tx, mut rx) = pair::<3>(&options.capacity(4));
    let receiving = thread::spawn(move || {
        for n in 0..count / 2 {
            assert_eq!(number(&rx.recv().expect("a message")), n);
        }
    });
    let refused = (0..).find(|n| tx.send(words(*n)).is_err()).expect("an end");
    assert!(refused >= count / 2);
    receiving.join().expect("no panic");
}

/// The sender says that this is all, and is still there; then the receiver does.
fn close(options: Options, count: u64) {
    let (mut tx, mut rx) = pair::<3>(&options.capacity(4));
    let sending = thread::spawn(move || {
        (0..count).for_each(|n| tx.send(words(n)).expect("a receiver"));
        tx.close();
        assert!(tx.send(words(0)).is_err());
        tx
    });
    assert!(rx.iter().map(|message| number(&message)).eq(0..count));
    rx.close();
    drop(sending.join().expect("no panic"));
}
