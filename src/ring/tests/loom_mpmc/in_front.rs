//! The ways of the most frequent case, and of who clears tombstones away: each has loads of its own.

use super::*;
use crate::sync::explore::explore_thoroughly as explore;

#[test]
fn what_is_received_at_once_was_written() {
    explore("received at once", 2, || {
        let model = Model::new(1, 2);
        let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
        let sending = with(&model, move |model| assert!(model.push_at_once(model.record(theirs), &7)));
        let got = model.pop_at_once(model.record(mine));
        assert!(got.is_none_or(|message| message == 7));
        sending.join().unwrap();
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
