//! Some die. Each model is one meeting of those who clear up with those who live, or with each other.

use super::*;
use crate::ring::mpmc::Resolved;
use crate::sync::explore::explore_thoroughly as explore;

impl Model {
    /// As a recoverer of a producer's position. The living are not robbed of it.
    pub(super) fn bury(&self, position: u64) -> Resolved {
        self.entomb(position, self)
    }

    /// As a recoverer of a consumer's position.
    pub(super) fn take(&self, record: usize, position: u64) -> Recovered<Delivery<u64>> {
        self.take_over(self.record(record), None, position, self)
    }

    pub(super) fn clear_up(&self, left: usize, mine: usize) -> Recovered<Delivery<u64>> {
        self.mark_the_dead();
        self.sweep(left, Some((self.record(mine), None)), self)
    }

    /// As everybody does who finds out.
    pub(super) fn mark_the_dead(&self) {
        if !self.is_alive(MORTAL) {
            self.orphan(MORTAL);
        }
    }

    pub(super) fn try_adopt(&self, me: Owner) -> Option<Delivery<u64>> {
        self.mark_the_dead();
        self.adopt(0, me)
    }
}

/// A ring with 7, and a consumer's record that was leased by the mortal member, which died with position 0 claimed.
fn with_a_dead_reader(capacity: u64, records: u64) -> (Arc<Model>, usize) {
    let model = Model::new(capacity, records);
    let dying = model.lease(MORTAL);
    assert!(model.try_send(dying, 7));
    assert_eq!(model.claim_to_read(dying), Some(0));
    model.die();
    (model, dying)
}

/// A ring with 7 in the mortal member's hand, and in its slot, too, if it died before it freed that.
pub(super) fn with_a_dead_hand(is_slot_freed: bool, records: u64) -> (Arc<Model>, usize) {
    let model = Model::new(1, records);
    let dying = model.lease(MORTAL);
    assert!(model.try_send(dying, 7));
    let hand = model.lease_hand(MORTAL).unwrap();
    let before = model.word(0);
    assert!(matches!(model.pop_to_hand(model.record(dying), hand), Popped::Done(_)));
    if !is_slot_freed {
        model.many().word(0).store(before, Release);
    }
    model.die();
    (model, dying)
}

/// The ring is empty and works.
pub(super) fn works_on(model: &Model, record: usize) {
    assert!(model.rest(record).is_empty());
    for message in 0..model.capacity() {
        assert!(model.try_send(record, 100 + message));
    }
    assert!(model.rest(record).into_iter().eq(100..100 + model.capacity()));
}

pub(super) fn is_nothing<R>(recovered: &Recovered<R>) -> bool {
    !matches!(recovered, Recovered::Delivered(_))
}

// Producers.

/// However late a live producer publishes, it is not robbed.
pub(super) fn a_late_publication() {
    let model = Model::new(1, 2);
    let mine = model.lease(ME);
    let sending = with(&model, move |model| {
        let theirs = model.lease(OTHER);
        assert!(model.try_send(theirs, 7));
        model.return_record(theirs);
    });
    model.bury(0);
    assert!(!model.is_tomb(0), "robbed");
    sending.join().unwrap();
    assert_eq!(model.rest(mine), [7]);
    works_on(&model, mine);
}

/// A batch is one claim of several positions.
pub(super) fn a_late_batch() {
    let model = Model::new(2, 2);
    let mine = model.lease(ME);
    let theirs = model.lease(OTHER);
    let sending =
        with(&model, move |model| assert_eq!(model.push_some(model.record(theirs), &[7, 8]), Pushed::Done(2)));
    model.bury(1);
    assert!(!model.is_tomb(1), "robbed");
    sending.join().unwrap();
    assert_eq!(model.rest(mine), [7, 8]);
}

/// The owner is dead, or somebody who lives has won the position, or has lost it and still announces it.
pub(super) fn a_dead_one_races_a_live_one() {
    let model = Model::new(2, 3);
    let (dying, theirs, mine) = (model.lease(MORTAL), model.lease(OTHER), model.lease(ME));
    let death = with(&model, move |model| {
        let claimed = model.claim_to_write(dying);
        claimed.inspect(|&position| model.touch(position));
        model.die();
        claimed
    });
    let sending = with(&model, move |model| assert!(model.try_send(theirs, 7)));
    model.bury(0);
    let claimed = death.join().unwrap();
    sending.join().unwrap();
    if let Some(position) = claimed {
        assert_eq!(model.bury(position), Resolved::Done);
        assert!(model.is_tomb(position));
    }
    assert_eq!(model.len(), 1, "a tombstone is no message");
    assert_eq!(model.rest(mine), [7]);
    works_on(&model, mine);
}

/// One has made the tombstone, cleared it away and sent another message there, while the other was about to.
pub(super) fn two_undertakers() {
    let model = Model::new(1, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    assert_eq!(model.claim_to_write(dying), Some(0));
    model.die();
    let other = with(&model, |model| model.bury(0));
    assert_eq!(model.bury(0), Resolved::Done);
    assert!(model.clear_tombs(model.record(mine)));
    assert!(model.try_send(mine, 8));
    assert_eq!(other.join().unwrap(), Resolved::Done);
    assert_eq!(model.rest(mine), [8]);
    works_on(&model, mine);
}

/// Whoever clears a tombstone away comes behind all that the dead one did there, and counts right.
pub(super) fn the_last_write_of_the_dead() {
    let model = Model::new(1, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    let death = with(&model, move |model| {
        assert_eq!(model.claim_to_write(dying), Some(0));
        model.touch(0);
        model.die();
        assert_eq!(model.bury(0), Resolved::Done);
    });
    match model.pop(model.record(mine)) {
        // It was a tombstone, and went.
        Popped::Empty if model.many().page().head.0.load(Relaxed) == 1 => assert!(model.try_send(mine, 8)),
        Popped::Empty | Popped::Held(0) => {}
        other => panic!("{other:?}"),
    }
    death.join().unwrap();
    model.rest(mine);
    works_on(&model, mine);
}

#[test]
fn a_live_producer_is_never_robbed() {
    explore("a late publication", 5, a_late_publication);
    explore("a late batch", 5, a_late_batch);
    explore("a dead one races a live one", 2, a_dead_one_races_a_live_one);
}

#[test]
fn a_dead_producers_position_is_cleared_once() {
    explore("two undertakers", 3, two_undertakers);
    explore("the last write of the dead", 5, the_last_write_of_the_dead);
}

// Consumers.

/// However late a live consumer frees its slot, it is not robbed.
pub(super) fn a_late_free() {
    let model = Model::new(1, 2);
    let mine = model.lease(ME);
    assert!(model.try_send(mine, 7));
    let receiving = with(&model, move |model| {
        let theirs = model.lease(OTHER);
        assert_eq!(model.try_receive(theirs), Some(7));
        model.return_record(theirs);
    });
    assert!(is_nothing(&model.take(mine, 0)), "robbed");
    receiving.join().unwrap();
    works_on(&model, mine);
}

/// Two at once and a third: one gets it.
pub(super) fn three_heirs() {
    let (model, dying) = with_a_dead_reader(1, 4);
    let records = [model.lease(OTHER), model.lease(OTHER)];
    let others = records.map(|record| with(&model, move |model| model.take(record, 0)));
    let mine = model.lease(ME);
    let mut all = vec![model.take(mine, 0)];
    all.extend(others.map(|thread| thread.join().unwrap()));
    all.retain(|taken| !is_nothing(taken));
    assert_eq!(all, [again(7, 0, 2)]);
    assert_eq!(model.clear_up(dying, mine), Recovered::Nothing);
    works_on(&model, mine);
}

/// One who comes while another is in the middle of it. If that one dies there, too, the message goes to the next.
pub(super) fn an_heir_of_an_heir() {
    let (model, _) = with_a_dead_reader(1, 3);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    let other = with(&model, move |model| model.take(theirs, 0));
    let first = model.take(mine, 0);
    let second = model.take(mine, 0);
    let theirs = other.join().unwrap();
    let count = [&first, &second, &theirs].into_iter().filter(|taken| !is_nothing(taken)).count();
    assert_eq!(count, 1);
    works_on(&model, mine);
}

#[test]
fn a_live_consumer_is_never_robbed() {
    explore("a late free", 5, a_late_free);
}

#[test]
fn a_dead_consumers_message_goes_to_one() {
    explore("three heirs", 2, three_heirs);
    explore("an heir of an heir", 2, an_heir_of_an_heir);
}

// Hands.

/// A message that its owner gives back goes to whoever comes, once it is given.
pub(super) fn given_back() {
    let model = Model::new(1, 2);
    let mine = model.lease(ME);
    assert!(model.try_send(mine, 7));
    let theirs = model.lease(OTHER);
    let giving = with(&model, move |model| {
        let hand = model.lease_hand(OTHER).unwrap();
        assert!(matches!(model.pop_to_hand(model.record(theirs), hand), Popped::Done(_)));
        model.give_back(hand, OTHER);
    });
    let adopted = model.try_adopt(ME);
    giving.join().unwrap();
    let adopted = adopted.or_else(|| model.try_adopt(ME)).expect("it was given back");
    assert_eq!(adopted, Delivery { message: 7, position: 0, attempt: 2 });
    model.commit(0);
    assert_eq!(model.try_adopt(ME), None);
    works_on(&model, mine);
}

/// Of two who adopt a hand one does, and what it commits is done.
pub(super) fn two_adopt(is_slot_freed: bool) {
    let (model, dying) = with_a_dead_hand(is_slot_freed, 2);
    let other = with(&model, |model| {
        let adopted = model.try_adopt(OTHER);
        adopted.inspect(|_| model.commit(0))
    });
    let mine = model.lease(ME);
    let adopted = model.try_adopt(ME);
    let all = [adopted, other.join().unwrap()].into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(all, [Delivery { message: 7, position: 0, attempt: 2 }]);
    if adopted.is_some() {
        model.commit(0);
    }
    assert_eq!(model.clear_up(dying, mine), Recovered::Nothing);
    assert!(model.lease_hand(ME).is_some());
    works_on(&model, mine);
}

/// One finds the message in its slot, the other in the hand, and is done with it at once: the hand counts.
pub(super) fn the_hand_counts() {
    let (model, dying) = with_a_dead_hand(false, 2);
    let other = with(&model, |model| {
        let adopted = model.try_adopt(OTHER);
        model.commit(0);
        adopted.unwrap()
    });
    let mine = model.lease(ME);
    assert!(is_nothing(&model.take(mine, 0)), "delivered twice");
    // By now the slot is free: its finder or its adopter has seen to that.
    assert!(model.try_send(mine, 8));
    assert_eq!(other.join().unwrap(), Delivery { message: 7, position: 0, attempt: 2 });
    assert_eq!(model.rest(mine), [8]);
    assert_eq!(model.clear_up(dying, mine), Recovered::Nothing);
    works_on(&model, mine);
}

/// A hand that somebody is done with is somebody else's.
pub(super) fn a_hand_used_again() {
    let model = Model::new(2, 2);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    assert!(model.try_send(mine, 7) && model.try_send(mine, 8));
    let work = |model: &Model, me, record| {
        let hand = model.lease_hand(me)?;
        match model.pop_to_hand(model.record(record), hand) {
            Popped::Done(delivery) => {
                model.commit(hand);
                Some(delivery.message)
            }
            Popped::Empty | Popped::Held(_) => {
                model.return_hand(hand);
                None
            }
            other => panic!("{other:?}"),
        }
    };
    let other = with(&model, move |model| work(model, OTHER, theirs));
    let mut all: Vec<u64> = work(&model, ME, mine).into_iter().collect();
    all.extend(other.join().unwrap());
    all.extend(model.rest(mine));
    all.sort_unstable();
    assert_eq!(all, [7, 8]);
    works_on(&model, mine);
}

#[test]
fn a_message_in_hand_goes_to_one() {
    explore("given back", 5, given_back);
    explore("two adopt", 5, || two_adopt(true));
    explore("two adopt, the slot is not freed", 4, || two_adopt(false));
    explore("the hand counts", 3, the_hand_counts);
    explore("a hand used again", 4, a_hand_used_again);
}

// Records.

/// What was left by a member that is marked as gone is found behind the mark, though nobody asks the kernel again.
pub(super) fn marked_as_gone() {
    let model = Model::new(1, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    assert!(model.try_send(mine, 7));
    let death = with(&model, move |model| {
        assert_eq!(model.claim_to_read(dying), Some(0));
        model.touch(0);
        model.die();
        model.orphan(MORTAL);
    });
    let first = model.clear_up(dying, mine);
    death.join().unwrap();
    let second = model.clear_up(dying, mine);
    assert!(!is_nothing(&first) || !is_nothing(&second), "lost");
    assert_eq!(model.clear_up(dying, mine), Recovered::Nothing);
    assert_eq!(model.try_lease(OTHER), Some(dying));
    works_on(&model, mine);
}

/// The same for a hand.
pub(super) fn a_hand_marked_as_gone() {
    let model = Model::new(1, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    assert!(model.try_send(mine, 7));
    let death = with(&model, move |model| {
        let hand = model.lease_hand(MORTAL).unwrap();
        assert!(matches!(model.pop_to_hand(model.record(dying), hand), Popped::Done(_)));
        model.die();
        model.orphan(MORTAL);
    });
    let first = model.try_adopt(ME);
    death.join().unwrap();
    let adopted = first.or_else(|| model.try_adopt(ME)).expect("lost");
    assert_eq!(adopted, Delivery { message: 7, position: 0, attempt: 2 });
}

/// While a slow recoverer looks at a dead one's record, another resolves it, leases it and claims another position with it,
/// of which it is not robbed.
pub(super) fn a_record_used_again_by_a_reader() {
    let (model, dying) = with_a_dead_reader(2, 3);
    let (theirs, mine) = (model.lease(OTHER), model.lease(ME));
    assert!(model.try_send(mine, 8));
    let other = with(&model, move |model| {
        let first = model.clear_up(dying, theirs);
        model.clear_up(dying, theirs);
        let got = model.try_lease(OTHER).and_then(|record| model.try_receive(record));
        (first, got)
    });
    let mut firsts = vec![model.clear_up(dying, mine)];
    assert!(is_nothing(&model.take(mine, 1)), "robbed");
    let (first, got) = other.join().unwrap();
    firsts.push(first);
    firsts.retain(|taken| !is_nothing(taken));
    assert_eq!(firsts, [again(7, 0, 2)]);
    assert_eq!(got.into_iter().chain(model.rest(mine)).collect::<Vec<_>>(), [8]);
    works_on(&model, mine);
}

/// The same with producers.
pub(super) fn a_record_used_again_by_a_writer() {
    let model = Model::new(2, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    let other = with(&model, move |model| {
        assert_eq!(model.claim_to_write(dying), Some(0));
        model.die();
        model.mark_the_dead();
        model.sweep(dying, None, model);
        let record = model.try_lease(OTHER)?;
        assert!(model.try_send(record, 8));
        Some(8)
    });
    model.clear_up(dying, mine);
    model.bury(1);
    assert!(!model.is_tomb(1), "robbed");
    let sent = other.join().unwrap();
    model.bury(0);
    assert_eq!(model.rest(mine), sent.into_iter().collect::<Vec<_>>());
    works_on(&model, mine);
}

/// One resolves it, another leases it.
pub(super) fn a_record_resolved_for_another() {
    let model = Model::new(2, 2);
    let (dying, mine) = (model.lease(MORTAL), model.lease(ME));
    let death = with(&model, move |model| {
        assert_eq!(model.claim_to_write(dying), Some(0));
        model.die();
        model.mark_the_dead();
        model.sweep(dying, None, model);
    });
    let sending = with(&model, move |model| {
        let record = model.try_lease(OTHER)?;
        assert!(model.try_send(record, 8));
        Some(8)
    });
    model.bury(1);
    assert!(!model.is_tomb(1), "robbed");
    death.join().unwrap();
    let sent = sending.join().unwrap();
    assert_eq!(model.rest(mine), sent.into_iter().collect::<Vec<_>>());
    works_on(&model, mine);
}

/// One gives a record back, another leases it, and is not robbed.
pub(super) fn a_record_handed_on() {
    let model = Model::new(2, 2);
    let mine = model.lease(ME);
    let send = |message: u64| {
        with(&model, move |model| {
            let record = model.try_lease(OTHER)?;
            assert!(model.try_send(record, message));
            model.return_record(record);
            Some(message)
        })
    };
    let sending = [send(7), send(8)];
    model.bury(1);
    assert!(!model.is_tomb(1), "robbed");
    let mut sent: Vec<u64> = sending.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
    let mut got = model.rest(mine);
    sent.sort_unstable();
    got.sort_unstable();
    assert_eq!(got, sent);
    works_on(&model, mine);
}

#[test]
fn what_is_marked_as_gone_is_found() {
    explore("marked as gone", 5, marked_as_gone);
    explore("a hand marked as gone", 5, a_hand_marked_as_gone);
}

#[test]
fn a_record_used_again_protects_its_new_owner() {
    explore("a record used again by a reader", 2, a_record_used_again_by_a_reader);
    explore("a record used again by a writer", 2, a_record_used_again_by_a_writer);
    explore("a record resolved for another", 3, a_record_resolved_for_another);
    explore("a record handed on", 3, a_record_handed_on);
}
