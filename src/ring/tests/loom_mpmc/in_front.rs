//! Ways that have loads of their own: of the most frequent case, of who clears tombstones away, finds nothing, counts what is in
//! hand, or inherits a record.

use super::recovery::is_nothing;
use super::*;
use crate::sync::explore::explore_thoroughly as explore;

#[test]
fn what_is_received_at_once_was_written() {
    explore("received at once", 2, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        let sending = with(&model, move |model| assert!(model.push_at_once(model.record(theirs), &7)));
        let got = model.pop_at_once(model.record(mine), || ());
        assert!(got.is_none_or(|message| message == 7));
        sending.join().unwrap();
    });
}

/// And nobody writes over it before it has been read: its place is free only then.
#[test]
fn what_is_received_at_once_is_not_written_over() {
    explore("received at once, in a full ring", 2, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        assert!(model.push_at_once(model.record(theirs), &7));
        let sending = with(&model, move |model| model.push_at_once(model.record(theirs), &8));
        assert_eq!(model.pop_at_once(model.record(mine), || ()), Some(7));
        let is_sent = sending.join().unwrap();
        assert_eq!(model.pop_at_once(model.record(mine), || ()), is_sent.then_some(8));
    });
}

#[test]
fn what_is_received_at_once_into_a_hand_was_written() {
    explore("received at once into a hand", 2, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        let sending = with(&model, move |model| assert!(model.push_at_once(model.record(theirs), &7)));
        if let Some((position, hand)) = model.pop_at_once_to_hand(model.record(mine), || model.lease_hand(ME)) {
            assert_eq!((position, model.read_hand(hand)), (0, 7));
        }
        sending.join().unwrap();
    });
}

/// What is written where a tombstone was comes behind all that the dead one did there.
#[test]
fn a_tombstone_is_cleared_away_behind_the_last_write_of_the_dead() {
    explore("cleared behind the dead", 2, || {
        let model = Model::new(1, 2);
        let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
        assert_eq!(model.claim_to_write(dying), Some(0));
        let death = with(&model, move |model| {
            model.touch(0);
            model.die();
            model.entomb(0, model)
        });
        if model.clear_tombs(model.record(mine)) {
            assert!(model.try_send(mine, 8));
        }
        death.join().unwrap();
    });
}

/// Who finds nothing looks why. Whatever passes by meanwhile, nobody has written what cannot be (`Model` panics at that).
#[test]
fn who_looks_why_there_is_nothing_finds_nothing_corrupt() {
    explore("a message passes by", 3, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        let passing = with(&model, move |model| {
            model.try_send(theirs, 7);
            model.try_receive(theirs);
        });
        model.try_receive(mine);
        passing.join().unwrap();
    });
}

#[test]
fn who_looks_why_there_is_no_room_finds_nothing_corrupt() {
    explore("room passes by", 3, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        assert!(model.try_send(mine, 7));
        let passing = with(&model, move |model| {
            model.try_receive(theirs);
            model.try_send(theirs, 8);
        });
        model.try_send(mine, 9);
        passing.join().unwrap();
    });
}

/// The same where the next message passes by as well: a head that is seen comes with the tail that it had been seen behind.
#[test]
fn who_looks_why_there_is_no_room_sees_no_head_in_front_of_the_tail() {
    explore("room and a message pass by", 2, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        assert!(model.try_send(mine, 7));
        let passing = with(&model, move |model| {
            model.try_receive(theirs);
            model.try_send(theirs, 8);
            model.try_receive(theirs);
        });
        let pushed = model.push_some(model.record(mine), &[9]);
        assert!(!matches!(pushed, Pushed::Corrupt(_)), "{pushed:?}");
        passing.join().unwrap();
    });
}

/// Who finds the ring empty, and then nothing in hand, knows that all that was sent is done.
#[test]
fn nothing_in_hand_is_all_done() {
    explore("done", 3, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        assert!(model.try_send(mine, 7));
        let done = Arc::new(AtomicU32::new(0));
        let work = Arc::clone(&done);
        let working = with(&model, move |model| {
            let hand = model.lease_hand(OTHER).unwrap();
            if let Popped::Done(_) = model.pop_to_hand(model.record(theirs), hand) {
                work.store(1, Relaxed);
                model.commit(hand);
            }
        });
        if matches!(model.pop(model.record(mine)), Popped::Empty) && model.in_hand() == 0 {
            assert_eq!(done.load(Relaxed), 1, "nothing in hand, and not done");
        }
        working.join().unwrap();
    });
}

/// A record that is inherited comes with all that its last owner did.
#[test]
fn who_inherits_a_record_finds_what_it_announces() {
    explore("inherited", 2, || {
        let model = Model::new(1, 1);
        let record = model.lease(MORTAL);
        let death = with(&model, move |model| {
            assert_eq!(model.claim_to_write(record), Some(0));
            model.touch(0);
            model.die();
            model.mark_the_dead();
        });
        if model.inherit(record, ME, &*model).is_some() {
            assert!(is_nothing(&model.settle(record, None, &*model)));
            assert!(model.clear_tombs(model.record(record)));
            assert!(model.try_send(record, 8));
        }
        death.join().unwrap();
    });
}

/// And from an heir who did not settle it, all of that.
#[test]
fn who_inherits_from_an_heir_finds_what_the_dead_one_announced() {
    explore("inherited twice", 2, || {
        let model = Model::new(1, 1);
        let record = model.lease(MORTAL);
        assert!(model.try_send(record, 7));
        let death = with(&model, move |model| {
            assert_eq!(model.claim_to_read(record), Some(0));
            model.touch(0);
            model.die();
            model.mark_the_dead();
            if let Some(left_by) = model.inherit(record, OTHER, model) {
                model.bequeath(record, left_by);
            }
        });
        if model.inherit(record, ME, &*model).is_some() {
            assert_eq!(model.settle(record, None, &*model), again(7, 0, 2), "settled, and lost");
        }
        death.join().unwrap();
    });
}
