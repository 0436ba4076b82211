//! Everybody lives.

use super::*;
use crate::sync::explore::explore_thoroughly as explore;

/// Sends up to so many of these messages in one claim, without waiting; how many were sent.
fn send_some(model: &Model, record: usize, messages: &[u64], batch: usize) -> usize {
    if batch == 1 {
        return usize::from(model.try_send(record, messages[0]));
    }
    match model.push_some(model.record(record), &messages[..batch.min(messages.len())]) {
        Pushed::Done(sent) => sent,
        Pushed::Full | Pushed::Held(_) | Pushed::Beaten => 0,
        other => panic!("{other:?}"),
    }
}

/// Receives up to so many messages in one claim, without waiting.
fn receive_some(model: &Model, record: usize, batch: usize) -> Vec<u64> {
    if batch == 1 {
        return model.try_receive(record).into_iter().collect();
    }
    let mut buffer = [0; 2];
    match model.pop_some(model.record(record), &mut buffer[..batch]) {
        Popped::Done(taken) => buffer[..taken].to_vec(),
        Popped::Empty | Popped::Held(_) | Popped::Beaten => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// Around the ring, with a consumer and a producer that wait for each other.
fn around(capacity: u64, batch: usize, count: u64) {
    let model = Model::new(capacity, 2);
    let (theirs, mine) = (model.lease(ME), model.lease(ME));
    let sending = with(&model, move |model| {
        let messages: Vec<u64> = (1..=count).collect();
        let mut rest = &messages[..];
        while !rest.is_empty() {
            let sent = send_some(model, theirs, rest, batch);
            rest = &rest[sent..];
            if sent == 0 {
                yield_now();
            }
        }
    });
    let mut got = Vec::new();
    while got.len() < count as usize {
        let more = receive_some(&model, mine, batch);
        if more.is_empty() {
            yield_now();
        }
        got.extend(more);
    }
    assert!(got.into_iter().eq(1..=count));
    sending.join().unwrap();
    assert!(matches!(model.pop(model.record(mine)), Popped::Empty));
    assert_eq!((model.len(), model.is_full()), (0, false));
}

#[test]
fn one_to_one_around_every_small_ring() {
    for (bound, capacity, batch, count) in [(2, 1, 1, 3), (2, 2, 1, 3), (1, 3, 1, 4), (1, 2, 2, 4), (1, 3, 2, 4)] {
        let name = format!("capacity {capacity}, batches of {batch}, {count} messages around");
        explore(&name, bound, move || around(capacity, batch, count));
    }
}

/// Each producer tries to send so many, each consumer to receive so often, nobody waits (loom lets two who wait for a third
/// wait for ever). What was sent is received once, and each consumer finds each producer's messages in their order.
fn passes(capacity: u64, batch: usize, producers: &[u64], consumers: &[usize]) {
    let model = Model::new(capacity, (producers.len() + consumers.len()) as u64);
    let start = |(number, &count): (usize, &u64)| {
        let record = model.lease(ME);
        with(&model, move |model| {
            let messages: Vec<u64> = (1..=count).map(|n| number as u64 * 10 + n).collect();
            let mut sent = 0;
            for _ in 0..messages.len().div_ceil(batch) {
                sent += send_some(model, record, &messages[sent..], batch);
            }
            messages[..sent].to_vec()
        })
    };
    let sending: Vec<_> = producers.iter().enumerate().map(start).collect();
    // The last consumer is this thread.
    let (&last, others) = consumers.split_last().unwrap();
    let start = |&tries: &usize| {
        let record = model.lease(ME);
        with(&model, move |model| (0..tries).flat_map(|_| receive_some(model, record, batch)).collect())
    };
    let receiving: Vec<_> = others.iter().map(start).collect();
    let mine = model.lease(ME);
    let mut got: Vec<Vec<u64>> = vec![(0..last).flat_map(|_| receive_some(&model, mine, batch)).collect()];
    let sent: Vec<Vec<u64>> = sending.into_iter().map(|thread| thread.join().unwrap()).collect();
    got.extend(receiving.into_iter().map(|thread| thread.join().unwrap()));
    if sent.concat().len() <= capacity as usize {
        assert_eq!(model.len() as usize + got.concat().len(), sent.concat().len());
    }
    // What is left comes behind all that was received.
    let left = model.rest(mine);
    got.iter_mut().for_each(|some| some.extend(&left));
    for some in &got {
        let is_ordered = |number: u64| some.iter().filter(|&&message| message / 10 == number).is_sorted();
        assert!((0..producers.len() as u64).all(is_ordered), "{got:?}");
    }
    got.iter_mut().skip(1).for_each(|some| some.truncate(some.len() - left.len()));
    let mut got = got.concat();
    got.sort_unstable();
    assert_eq!(got, sent.concat());
    assert!(matches!(model.pop(model.record(mine)), Popped::Empty));
    assert_eq!((model.len(), model.is_full()), (0, false));
}

fn pass(bound: usize, capacity: u64, batch: usize, producers: &'static [u64], consumers: &'static [usize]) {
    let name = format!("capacity {capacity}, batches of {batch}, {producers:?} to {consumers:?}");
    explore(&name, bound, move || passes(capacity, batch, producers, consumers));
}

#[test]
fn two_to_one() {
    pass(1, 1, 1, &[1, 1], &[2]);
    pass(1, 2, 1, &[1, 2], &[3]);
    pass(1, 3, 1, &[2, 1], &[3]);
    pass(1, 3, 2, &[2, 2], &[2]);
}

#[test]
fn one_to_two() {
    pass(1, 1, 1, &[2], &[1, 1]);
    pass(1, 2, 1, &[3], &[2, 1]);
    pass(1, 3, 1, &[2], &[1, 1]);
    pass(1, 3, 2, &[4], &[1, 1]);
}

#[test]
fn two_to_two() {
    pass(1, 2, 1, &[1, 1], &[1, 1]);
    pass(1, 3, 1, &[1, 1], &[1, 1]);
    pass(1, 3, 2, &[2, 1], &[1, 1]);
}

/// Nobody finds a ring full that is not, or empty: with room for all, every message goes in; and whoever hears that it did
/// finds one.
fn room_for_all() {
    let model = Model::new(2, 3);
    let records = [model.lease(ME), model.lease(ME)];
    let sending = records.map(|record| with(&model, move |model| model.push(model.record(record), &7)));
    let mine = model.lease(ME);
    sending.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Pushed::Done(1)));
    assert_eq!(model.push(model.record(mine), &7), Pushed::Full);
    assert_eq!(model.rest(mine), [7, 7]);
}

#[test]
fn a_ring_is_full_when_it_is() {
    explore("room for all", 2, room_for_all);
}

/// After `closed` a second look finds all there will ever be.
pub(super) fn closing() {
    let model = Model::new(2, 3);
    let theirs = [model.lease(ME), model.lease(ME)];
    let sending = with(&model, move |model| {
        let is_sent = model.try_send(theirs[0], 1);
        model.close();
        is_sent
    });
    let other = with(&model, move |model| match model.push(model.record(theirs[1]), &2) {
        Pushed::Done(_) => true,
        Pushed::Closed => false,
        other => panic!("{other:?}"),
    });
    let mine = model.lease(ME);
    let mut got = Vec::new();
    let mut is_at_end = false;
    for _ in 0..3 {
        let is_closed = model.is_closed();
        match model.pop(model.record(mine)) {
            Popped::Done(delivery) => got.push(delivery.message),
            Popped::Empty => is_at_end |= is_closed,
            Popped::Held(_) | Popped::Beaten => {}
            other => panic!("{other:?}"),
        }
    }
    let sent = usize::from(sending.join().unwrap()) + usize::from(other.join().unwrap());
    assert!(!is_at_end || got.len() == sent, "there was more behind the end");
    got.extend(model.rest(mine));
    assert_eq!(got.len(), sent);
}

#[test]
fn a_closed_ring_is_read_to_its_end() {
    explore("closing", 1, closing);
}

/// Whoever sees that the ring is closed finds what its closer sent, and does not take it for stuck.
pub(super) fn closed_behind_the_last_word() {
    let model = Model::new(2, 2);
    let (theirs, mine) = (model.lease(ME), model.lease(ME));
    let sending = with(&model, move |model| {
        model.send(theirs, 1);
        model.close();
    });
    if model.is_closed() {
        assert!(matches!(model.pop(model.record(mine)), Popped::Done(_)));
    }
    sending.join().unwrap();
}

#[test]
fn what_was_sent_before_the_end_is_there_at_the_end() {
    explore("closed behind the last word", 3, closed_behind_the_last_word);
}

/// Who is beaten to a position announces it no more, whatever its caller does next: the winner may die.
fn the_beaten_announce_nothing(is_sending: bool) {
    let model = Model::new(2, 2);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    if !is_sending {
        assert!(model.try_send(mine, 7));
    }
    let once = move |model: &Model, record: usize| {
        let words = model.record(record);
        if is_sending { model.push_at_once(words, &1) } else { model.pop_at_once(words, || ()).is_some() }
    };
    let other = with(&model, move |model| once(model, theirs));
    let is_done = once(&model, mine);
    for (record, is_done) in [(mine, is_done), (theirs, other.join().unwrap())] {
        let words = model.record(record);
        let announced = if is_sending { &words.producing } else { &words.consuming }.load(Relaxed);
        assert!(is_done || announced == 0, "beaten, and announced for ever");
    }
}

#[test]
fn who_is_beaten_announces_nothing() {
    explore("beaten senders", 3, || the_beaten_announce_nothing(true));
    explore("beaten receivers", 3, || the_beaten_announce_nothing(false));
}
