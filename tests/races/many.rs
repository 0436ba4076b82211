//! `ringway::mpmc`: some threads at each end, with ends of their own or with one between them.

use crate::Scene;
use crate::message::{all_came, number, of_sender, once_each, words};
use ringway::Options;
use ringway::mpmc::{Receiver, Sender, channel_with};
use std::thread;
use std::time::Duration;

type Message = [u64; 3];

const SENDERS: u64 = 2;

pub(crate) const SCENES: &[Scene] = &[
    ("mpmc/messages", |options, count| {
        many(options.capacity(3), count, send_each, |rx| rx.iter().map(|message| number(&message)).collect());
    }),
    ("mpmc/one-place", |options, count| {
        many(options.capacity(1), count, send_each, |rx| rx.iter().map(|message| number(&message)).collect());
    }),
    // Fewer records than threads: each operation leases one that was another's.
    ("mpmc/few-records", |options, count| {
        let options = options.capacity(4).operations(2).in_hand(2);
        many(options, count, send_each, |rx| rx.iter().map(|message| number(&message)).collect());
    }),
    ("mpmc/tries", |options, count| many(options.capacity(3), count, try_each, try_all)),
    ("mpmc/batches", |options, count| many(options.capacity(16), count, send_batches, receive_batches)),
    ("mpmc/guards", guards),
    ("mpmc/shared-ends", shared_ends),
    ("mpmc/comings-and-goings", comings_and_goings),
    ("mpmc/close", close),
];

/// Half of the messages each, by two clones of each end.
fn many(
    options: Options,
    count: u64,
    send: fn(&Sender<Message>, u64, u64),
    receive: fn(&Receiver<Message>) -> Vec<u64>,
) {
    let each = count / SENDERS;
    let (tx, rx) = channel_with::<Message>(&options).expect("a channel");
    let sending: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let tx = tx.clone();
            thread::spawn(move || send(&tx, sender, each))
        })
        .collect();
    drop(tx);
    let receiving: Vec<_> = (0..2)
        .map(|_| {
            let rx = rx.clone();
            thread::spawn(move || receive(&rx))
        })
        .collect();
    drop(rx);
    sending.into_iter().for_each(|thread| thread.join().expect("no panic"));
    all_came(receiving.into_iter().map(|thread| thread.join().expect("no panic")).collect(), SENDERS, each);
}

fn send_each(tx: &Sender<Message>, sender: u64, each: u64) {
    for n in 0..each {
        tx.send(words(of_sender(sender, n))).expect("a receiver");
        assert!(tx.len() <= tx.capacity());
    }
}

fn try_each(tx: &Sender<Message>, sender: u64, each: u64) {
    for n in 0..each {
        while tx.try_send(words(of_sender(sender, n))).is_err() {
            assert!(!tx.is_disconnected());
            thread::yield_now();
        }
    }
}

fn try_all(rx: &Receiver<Message>) -> Vec<u64> {
    let mut got = Vec::new();
    loop {
        match rx.try_recv() {
            Ok(message) => got.push(number(&message)),
            Err(error) if error.is_empty() => thread::yield_now(),
            Err(_) => return got,
        }
    }
}

fn send_batches(tx: &Sender<Message>, sender: u64, each: u64) {
    let mut next = 0;
    while next < each {
        let batch: Vec<_> = (next..each.min(next + 1 + next % 12)).map(|n| words(of_sender(sender, n))).collect();
        tx.send_many(&batch).expect("a receiver");
        next += batch.len() as u64;
    }
}

fn receive_batches(rx: &Receiver<Message>) -> Vec<u64> {
    let mut got = Vec::new();
    let mut room = [[0; 3]; 9];
    while let Ok(count) = rx.recv_many(&mut room) {
        got.extend(room[..count].iter().map(number));
    }
    got
}

/// Every third message is given back by whoever gets it first; then it is anybody's.
fn guards(options: Options, count: u64) {
    let each = count / SENDERS;
    let (tx, rx) = channel_with::<Message>(&options.capacity(3).in_hand(3)).expect("a channel");
    let sending: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let tx = tx.clone();
            thread::spawn(move || send_each(&tx, sender, each))
        })
        .collect();
    drop(tx);
    let receiving: Vec<_> = (0..2)
        .map(|_| {
            let rx = rx.clone();
            thread::spawn(move || {
                let mut got = Vec::new();
                while let Ok(guard) = rx.recv_ref() {
                    let found = number(&guard);
                    if found % 3 == 0 && !guard.is_redelivered() {
                        continue;
                    }
                    got.push(found);
                    guard.commit();
                }
                got
            })
        })
        .collect();
    drop(rx);
    sending.into_iter().for_each(|thread| thread.join().expect("no panic"));
    once_each(receiving.into_iter().map(|thread| thread.join().expect("no panic")).collect(), SENDERS, each);
}

/// One sender and one receiver, which threads borrow.
fn shared_ends(options: Options, count: u64) {
    let each = count / SENDERS;
    let (tx, rx) = channel_with::<Message>(&options.capacity(4)).expect("a channel");
    thread::scope(|scope| {
        let (tx, rx) = (&tx, &rx);
        let receiving: Vec<_> = (0..2)
            .map(|_| scope.spawn(move || (0..each).map(|_| number(&rx.recv().expect("a message"))).collect()))
            .collect();
        (0..SENDERS).for_each(|sender| _ = scope.spawn(move || send_each(tx, sender, each)));
        all_came(receiving.into_iter().map(|thread| thread.join().expect("no panic")).collect(), SENDERS, each);
    });
}

/// Each message has a sender and a receiver of its own, and others ask who is there.
fn comings_and_goings(options: Options, count: u64) {
    let each = count / SENDERS;
    let (tx, rx) = channel_with::<Message>(&options.capacity(4)).expect("a channel");
    thread::scope(|scope| {
        let (tx, rx) = (&tx, &rx);
        for sender in 0..SENDERS {
            scope.spawn(move || {
                (0..each).for_each(|n| tx.clone().send(words(of_sender(sender, n))).expect("a receiver"));
            });
        }
        scope.spawn(move || {
            for _ in 0..each {
                assert!(tx.sender_count() >= 1 && rx.receiver_count() >= 1);
                assert!(rx.in_hand() <= rx.capacity() && rx.stats().dropped == 0);
            }
        });
        let got = (0..SENDERS * each).map(|_| number(&rx.clone().recv().expect("a message"))).collect();
        all_came(vec![got], SENDERS, each);
    });
}

/// A third party closes the channel while others wait at both ends, some with a deadline.
fn close(options: Options, count: u64) {
    for round in 0..(count / 40).max(1) {
        let (tx, rx) = channel_with::<Message>(&options.clone().capacity(2)).expect("a channel");
        thread::scope(|scope| {
            let (tx, rx) = (&tx, &rx);
            scope.spawn(move || while tx.send(words(round)).is_ok() {});
            scope.spawn(move || {
                while !tx.send_timeout(words(round), Duration::from_micros(100)).is_err_and(|error| !error.is_timeout())
                {
                }
            });
            let receiving = scope.spawn(move || rx.iter().inspect(|message| _ = number(message)).count());
            scope.spawn(
                move || {
                    while !rx.recv_timeout(Duration::from_micros(100)).is_err_and(|error| !error.is_timeout()) {}
                },
            );
            scope.spawn(move || {
                rx.recv().expect("a message");
                tx.close();
            });
            receiving.join().expect("no panic");
        });
    }
}
