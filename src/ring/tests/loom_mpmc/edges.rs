//! Each edge matters, at both ends: the model is run as it is, which must pass, and then with one end taken away, which must
//! fail.
//!
//! loom makes the stores of a thread in their order, and lets a swap read nothing but the newest store, edge or not. So where
//! an edge only says that a recoverer's swap comes behind what the owner of a position has done, loom cannot show what
//! would happen without it, though a processor (a compiler, the language) could. There the model makes the owner's two
//! stores itself, and without the edge in the other order ([`in_order`]): what the recoverer may then see, whichever end it
//! is that lacks.

use super::recovery::*;
use super::*;
use crate::sync::edge::{ANNOUNCED, CLAIMED, Edge, End, FILLED, FREED, HELD, LEASED, weakened};
use crate::sync::explore::explore_thoroughly as explore;
use core::cell::Cell;
// Not loom's: what the test knows is no part of the model.
use std::sync::atomic::AtomicBool;

fn matters(edge: Edge, bound: usize, model: fn()) {
    explore(&format!("{edge:?}"), bound, model);
    for end in [End::Release, End::Acquire] {
        assert!(
            weakened::fails(edge, end, move || explore("weakened", bound, model)),
            "nothing is lost without {edge:?} at its {end:?} end"
        );
    }
}

/// Two stores of a thread, the second of which is an end of this edge.
fn in_order(edge: Edge, first: impl FnOnce(), second: impl FnOnce()) {
    if edge.release() == Release && edge.acquire() == Acquire {
        first();
        second();
    } else {
        second();
        first();
    }
}

// Filled.

/// One sends, one receives.
fn passed_on() {
    let model = Model::new(1, 2);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    let sending = with(&model, move |model| assert!(model.try_send(theirs, 7)));
    let got = model.try_receive(mine);
    sending.join().unwrap();
    assert!(got.is_none_or(|message| message == 7));
}

fn passed_on_by_two() {
    let model = Model::new(2, 2);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    let sending =
        with(&model, move |model| assert_eq!(model.push_some(model.record(theirs), &[7, 8]), Pushed::Done(2)));
    let mut got = [0; 2];
    if let Popped::Done(count) = model.pop_some(model.record(mine), &mut got) {
        assert_eq!(got[..count], [7, 8][..count]);
    }
    sending.join().unwrap();
}

#[test]
fn edge_filled_matters_to_a_message() {
    matters(FILLED, 2, passed_on);
    matters(FILLED, 2, passed_on_by_two);
}

#[test]
fn edge_filled_matters_to_a_tombstone() {
    matters(FILLED, 2, the_last_write_of_the_dead);
}

/// The release of a message that was taken over carries its heir's announcement.
#[test]
fn edge_filled_matters_to_an_heir_who_comes_while_another_is_at_it() {
    matters(FILLED, 2, an_heir_of_an_heir);
}

// Freed.

fn room_again() {
    let model = Model::new(1, 2);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    assert!(model.try_send(mine, 7));
    let receiving = with(&model, move |model| assert_eq!(model.try_receive(theirs), Some(7)));
    model.try_send(mine, 8);
    receiving.join().unwrap();
}

/// A slot that an adopter frees behind the dead: what the dead one read comes before what is written next.
fn room_behind_a_hand() {
    let model = Model::new(1, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    assert!(model.try_send(mine, 7));
    let death = with(&model, move |model| {
        let hand = model.lease_hand(MORTAL).unwrap();
        let before = model.word(0);
        assert_eq!(model.claim_to_read(dying), Some(0));
        model.touch(0);
        model.many().hand(hand).held.store(1, Release);
        assert_eq!(model.word(0), before);
        model.die();
        model.mark_the_dead();
        assert!(model.adopt(hand, OTHER).is_some());
    });
    model.try_send(mine, 8);
    death.join().unwrap();
}

#[test]
fn edge_freed_matters_to_a_producer() {
    matters(FREED, 2, room_again);
    matters(FREED, 2, room_behind_a_hand);
}

// Claimed.

#[test]
fn edge_claimed_matters_to_a_producer_that_is_slow() {
    matters(CLAIMED, 2, a_late_publication);
    matters(CLAIMED, 2, a_late_batch);
}

#[test]
fn edge_claimed_matters_to_a_consumer_that_is_slow() {
    matters(CLAIMED, 2, a_late_free);
}

/// A ring that is never empty is not plainly so: the next message is sent before the first is taken.
fn never_empty() {
    let model = Model::new(2, 2);
    let theirs = model.lease(OTHER);
    assert!(model.try_send(theirs, 1));
    let other = with(&model, move |model| {
        assert!(model.try_send(theirs, 2));
        assert_eq!(model.try_receive(theirs), Some(1));
    });
    assert!(!model.is_plainly_empty());
    other.join().unwrap();
}

/// A ring that is never full is not plainly so: the first message is taken before the next is sent.
fn never_full() {
    let model = Model::new(2, 2);
    let theirs = model.lease(OTHER);
    assert!(model.try_send(theirs, 1));
    let other = with(&model, move |model| {
        assert_eq!(model.try_receive(theirs), Some(1));
        assert!(model.try_send(theirs, 2));
        assert_eq!(model.try_receive(theirs), Some(2));
        assert!(model.try_send(theirs, 3));
    });
    assert!(!model.is_plainly_full());
    other.join().unwrap();
}

#[test]
fn edge_claimed_matters_to_who_only_looks() {
    matters(CLAIMED, 2, never_empty);
    matters(CLAIMED, 2, never_full);
}

#[test]
fn edge_claimed_matters_to_the_last_word() {
    matters(CLAIMED, 2, super::traffic::closed_behind_the_last_word);
}

// Leased.

#[test]
fn edge_leased_matters_to_a_hand_that_is_given_back() {
    matters(LEASED, 2, given_back);
}

#[test]
fn edge_leased_matters_to_a_hand_that_is_used_again() {
    matters(LEASED, 2, a_hand_used_again);
}

#[test]
fn edge_leased_matters_to_what_is_marked_as_gone() {
    matters(LEASED, 2, marked_as_gone);
    matters(LEASED, 2, a_hand_marked_as_gone);
}

#[test]
fn edge_leased_matters_to_a_record_that_is_used_again() {
    matters(LEASED, 2, a_record_resolved_for_another);
    matters(LEASED, 3, a_record_handed_on);
}

// Announced.

/// An owner that announces something else has published before.
fn published_and_gone_on() {
    let model = Model::new(1, 2);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    let sending = with(&model, move |model| {
        assert_eq!(model.claim_to_write(theirs), Some(0));
        model.touch(0);
        let publish = || model.many().word(0).store(1, FILLED.release());
        in_order(ANNOUNCED, publish, || model.record(theirs).producing.store(0, ANNOUNCED.release()));
    });
    model.bury(0);
    assert!(!model.is_tomb(0), "robbed");
    sending.join().unwrap();
    assert_eq!(model.rest(mine), [0]);
}

/// And has freed before.
fn freed_and_gone_on() {
    let model = Model::new(1, 2);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    assert!(model.try_send(mine, 7));
    let receiving = with(&model, move |model| {
        assert_eq!(model.claim_to_read(theirs), Some(0));
        model.touch(0);
        let free = || model.many().word(0).store(1 << 8, FREED.release());
        in_order(ANNOUNCED, free, || model.record(theirs).consuming.store(0, ANNOUNCED.release()));
    });
    assert!(is_nothing(&model.take(mine, 0)), "robbed");
    receiving.join().unwrap();
}

#[test]
fn edge_announced_matters_to_an_owner_that_has_gone_on() {
    matters(ANNOUNCED, 2, published_and_gone_on);
    matters(ANNOUNCED, 2, freed_and_gone_on);
}

// Held.

/// A hand that says what it holds has been filled, wherever its owner died.
fn died_filling_a_hand(stores: usize) {
    let model = Model::new(1, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    assert!(model.try_send(mine, 7));
    let is_filled = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&is_filled);
    let death = with(&model, move |model| {
        let hand = model.lease_hand(MORTAL).unwrap();
        assert_eq!(model.claim_to_read(dying), Some(0));
        let left = Cell::new(stores);
        let lives = || left.replace(left.get().saturating_sub(1)) > 0;
        let fill = || {
            if lives() {
                model.many().with_hand(hand, |_| theirs.store(true, Relaxed));
            }
        };
        let hold = || {
            if lives() {
                model.many().hand(hand).held.store(1, HELD.release());
            }
        };
        in_order(HELD, fill, hold);
        model.die();
    });
    let first = model.try_adopt(ME);
    death.join().unwrap();
    if first.or_else(|| model.try_adopt(ME)).is_some() {
        assert!(is_filled.load(Relaxed), "delivered what it never had");
        assert!(is_nothing(&model.take(mine, 0)));
    } else {
        assert_eq!(model.take(mine, 0), again(7, 0, 2));
    }
    model.commit(0);
    works_on(&model, mine);
}

/// What a hand is done with is in no slot any more.
fn done_behind_the_slot() {
    let (model, _) = with_a_dead_hand(false, 2);
    let mine = model.lease(ME);
    let other = with(&model, |model| {
        let (word, hand) = (model.many().word(0), model.many().hand(0));
        hand.owner.compare_exchange(MORTAL.0, OTHER.0, LEASED.acquire(), Relaxed).unwrap();
        let free = || {
            let _ = word.compare_exchange(1, 1 << 8, FREED.release(), Relaxed);
        };
        in_order(HELD, free, || hand.held.store(0, HELD.release()));
        model.return_hand(0);
    });
    assert!(is_nothing(&model.take(mine, 0)), "done, and delivered again");
    other.join().unwrap();
    works_on(&model, mine);
}

#[test]
fn edge_held_matters_to_who_finds_a_hand() {
    explore("died behind a hand", 2, || died_filling_a_hand(2));
    matters(HELD, 2, || died_filling_a_hand(1));
}

#[test]
fn edge_held_matters_to_who_finds_no_hand() {
    matters(HELD, 2, done_behind_the_slot);
}
