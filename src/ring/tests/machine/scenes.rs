//! The scenes that are searched, each with rings of 1, 2 and 3 slots.
//!
//! `roles[n]` is member n and has record n. The large ones (minutes, and up to two gigabytes) are left to
//! `cargo test --release --lib ring::tests::machine::scenes -- --ignored --nocapture --test-threads 1`.

use super::fault::Fault;
use super::scene::{Item, Role, Scene};
use super::search::search;

fn push(message: u64) -> Item {
    Item::Push { message, tries: 2 }
}

fn pop(tries: u8) -> Item {
    Item::Pop { tries }
}

fn sweep(record: usize) -> Item {
    Item::Sweep { record, tries: 1 }
}

fn work(tries: u8) -> Item {
    Item::Work { tries, commits: true }
}

/// Two producers, one of which may die, a consumer and a recoverer.
pub(super) fn producer_dies(capacity: u64) -> Scene {
    let other = Role::new([Item::Push { message: 2, tries: 1 }]);
    let roles = [Role::new([push(1)]).mortal(), other, Role::new([pop(2)]), Role::new([sweep(0)])];
    Scene::new("a producer dies", capacity, 1, roles)
}

/// Two producers, both of which may die.
pub(super) fn producers_die(capacity: u64) -> Scene {
    let once = |message| Item::Push { message, tries: 1 };
    let roles = [Role::new([once(1)]).mortal(), Role::new([once(2)]).mortal(), Role::new([pop(2)])];
    Scene::new("both producers die", capacity, 2, roles)
}

/// Nobody dies: for the faults, which are found soon; all of it is too large.
pub(super) fn traffic(capacity: u64) -> Scene {
    let roles = [Role::new([push(1), push(2), push(3)]), Role::new([pop(2)]), Role::new([work(2)])];
    Scene::new("nobody dies", capacity, 0, roles).with_hands(1)
}

/// Two consumers, one of which may die.
pub(super) fn consumer_dies(capacity: u64) -> Scene {
    let producer = Role::new([push(1), Item::Push { message: 2, tries: 1 }]);
    let roles = [producer, Role::new([pop(1)]), Role::new([pop(1)]).mortal(), Role::new([sweep(2)])];
    Scene::new("a consumer dies", capacity, 1, roles)
}

/// Two producers and two consumers, all of which may die, and nobody who recovers while they are there.
pub(super) fn two_and_two(capacity: u64) -> Scene {
    let once = |message| Item::Push { message, tries: 1 };
    let roles = [once(1), once(2), pop(1), pop(1)].map(|item| Role::new([item]).mortal());
    Scene::new("two producers, two consumers", capacity, 1, roles)
}

/// A producer, and the consumer of its tombstone, may die.
pub(super) fn tombstone(capacity: u64) -> Scene {
    let recoverer = Role::new([Item::Entomb { position: 0 }, sweep(1), sweep(0)]).mortal();
    let roles = [Role::new([push(1)]).mortal(), Role::new([pop(2)]).mortal(), recoverer, Role::new([push(2)])];
    Scene::new("the consumer of a tombstone dies, another producer lives", capacity, 2, roles)
}

/// The same without anybody else.
pub(super) fn tombstone_alone(capacity: u64) -> Scene {
    let recoverer = || Role::new([Item::Entomb { position: 0 }, sweep(1)]).mortal();
    let roles = [Role::new([push(1)]).mortal(), Role::new([pop(2)]).mortal(), recoverer(), recoverer()];
    Scene::new("the consumer of a tombstone dies", capacity, 3, roles)
}

/// A producer that finds the ring full of tombstones.
pub(super) fn full_of_tombstones(capacity: u64) -> Scene {
    let producer = Role::new([Item::Entomb { position: 0 }, Item::ClearTombs, push(2)]);
    let roles = [Role::new([push(1)]).mortal(), producer, Role::new([pop(1)]).mortal(), Role::new([sweep(2)])];
    Scene::new("a producer frees tombstones", capacity, 2, roles)
}

/// Two recoverers of one dead consumer, one of which may die.
pub(super) fn two_recoverers(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1)]),
        Role::new([pop(2)]).mortal(),
        Role::new([Item::Sweep { record: 1, tries: 2 }]).mortal(),
        Role::new([Item::TakeOver { position: 0, tries: 2 }, sweep(2)]),
    ];
    Scene::new("two recoverers, one of which dies", capacity, 2, roles)
}

/// A consumer with a hand, and who takes over from it, by the hand and by the slot: two of them may die.
pub(super) fn hands(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1)]),
        Role::new([work(1)]).mortal(),
        Role::new([Item::Orphan { member: 1 }, Item::Adopt { hand: 0 }]).mortal(),
        Role::new([Item::SweepToHand { record: 1, tries: 1 }]).mortal(),
    ];
    Scene::new("a consumer with a hand dies", capacity, 2, roles).with_hands(2)
}

/// A consumer that gives back, and one that gets it, and gives it back.
pub(super) fn given_back(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1)]),
        Role::new([Item::Work { tries: 1, commits: false }]).mortal(),
        Role::new([Item::Adopt { hand: 0 }]).mortal(),
        Role::new([Item::Adopt { hand: 0 }, Item::Adopt { hand: 1 }]),
    ];
    Scene::new("a hand is given back", capacity, 2, roles).with_hands(2)
}

/// Two consumers with hands, and somebody who adopts one.
fn workers(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1)]),
        Role::new([work(1)]).mortal(),
        Role::new([work(1)]).mortal(),
        Role::new([Item::Adopt { hand: 0 }]),
    ];
    Scene::new("two consumers with hands", capacity, 2, roles).with_hands(2)
}

/// The same with two messages.
fn busy_workers(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1), push(2)]),
        Role::new([work(1)]).mortal(),
        Role::new([work(1)]).mortal(),
        Role::new([Item::Adopt { hand: 0 }]),
    ];
    Scene::new("two consumers with hands, two messages", capacity, 1, roles).with_hands(2)
}

/// Somebody comes, and leases the record of a dead producer.
pub(super) fn newcomer(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1)]).mortal(),
        Role::new([push(2)]),
        Role::new([sweep(0)]),
        Role::new([Item::Lease { from: 0, to: 1, tries: 1 }, push(3)]).newcomer().mortal(),
    ];
    Scene::new("a record is leased again", capacity, 2, roles)
}

/// Somebody comes, leases the record of a dead producer, and does nothing.
pub(super) fn idle_newcomer(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1)]).mortal(),
        Role::new([push(2)]).mortal(),
        Role::new([sweep(0)]),
        Role::new([Item::Lease { from: 0, to: 1, tries: 1 }]).newcomer(),
    ];
    Scene::new("a record is leased again, for nothing", capacity, 2, roles)
}

/// A record is returned, leased again, and swept by two who may have looked before.
pub(super) fn recycled(capacity: u64) -> Scene {
    let lease = Item::Lease { from: 0, to: 1, tries: 1 };
    let roles = [
        Role::new([push(1), Item::Leave]).mortal(),
        Role::new([push(2)]).mortal(),
        Role::new([sweep(0)]).mortal(),
        Role::new([sweep(0), sweep(1)]),
        Role::new([lease, push(3), Item::Leave]).newcomer().mortal(),
    ];
    Scene::new("a record is returned, and leased again", capacity, 2, roles)
}

/// Two at a time.
pub(super) fn batches(capacity: u64) -> Scene {
    let roles = [
        Role::new([Item::PushTwo { messages: [1, 2], tries: 2 }]).mortal(),
        Role::new([Item::PopTwo { tries: 2 }]).mortal(),
        Role::new([sweep(0), Item::Sweep { record: 1, tries: 3 }]),
    ];
    Scene::new("two at a time", capacity, 2, roles)
}

/// Two at a time against one at a time.
pub(super) fn batches_race(capacity: u64) -> Scene {
    let roles = [
        Role::new([Item::PushTwo { messages: [1, 2], tries: 2 }]).mortal(),
        Role::new([push(3)]),
        Role::new([Item::PopTwo { tries: 1 }]).mortal(),
        Role::new([pop(1)]),
    ];
    Scene::new("two at a time against one", capacity, 1, roles)
}

/// The ring is closed while it is used.
pub(super) fn closed(capacity: u64) -> Scene {
    let roles = [
        Role::new([push(1)]).mortal(),
        Role::new([push(2), Item::Close]),
        Role::new([pop(2)]).mortal(),
        Role::new([sweep(2)]),
    ];
    Scene::new("the ring is closed", capacity, 1, roles)
}

/// Those who lose the race to send, and then are idle, while the winner dies.
pub(super) fn losing_producers(capacity: u64) -> Scene {
    let loser = Role::new([Item::PushTwo { messages: [1, 2], tries: 1 }]);
    Scene::new("losers of the race to send", capacity, 1, [loser, Role::new([push(3)]).mortal()])
}

/// One who loses the race to receive.
fn losing_consumer(capacity: u64, loser: Item) -> Scene {
    let roles = [Role::new([push(1)]), Role::new([loser]), Role::new([pop(1)]).mortal()];
    Scene::new("a loser of the race to receive", capacity, 1, roles).with_hands(1)
}

pub(super) fn losing_pair(capacity: u64) -> Scene {
    losing_consumer(capacity, Item::PopTwo { tries: 1 })
}

pub(super) fn losing_single(capacity: u64) -> Scene {
    losing_consumer(capacity, pop(1))
}

pub(super) fn losing_worker(capacity: u64) -> Scene {
    losing_consumer(capacity, work(1))
}

/// Everybody dies at once, whenever that is.
pub(super) fn all_die(capacity: u64) -> Scene {
    let once = |message| Item::Push { message, tries: 1 };
    let roles = [Role::new([once(1)]), Role::new([once(2)]), Role::new([work(2)])];
    Scene::new("everybody dies at once", capacity, 0, roles).with_hands(1).doomed()
}

/// The same with a second consumer.
fn all_four_die(capacity: u64) -> Scene {
    let once = |message| Item::Push { message, tries: 1 };
    let roles = [Role::new([once(1)]), Role::new([once(2)]), Role::new([work(1)]), Role::new([pop(1)])];
    Scene::new("everybody dies at once, two consumers", capacity, 0, roles).with_hands(1).doomed()
}

/// Three recoverers of one dead consumer.
fn three_recoverers(capacity: u64) -> Scene {
    let take_over = || Role::new([Item::TakeOver { position: 0, tries: 2 }]).mortal();
    let sweeper = Role::new([sweep(1), sweep(2), sweep(3)]).mortal();
    let roles = [Role::new([push(1)]).mortal(), Role::new([pop(1)]).mortal(), take_over(), take_over(), sweeper];
    Scene::new("three recoverers", capacity, 4, roles)
}

fn passes(scene: fn(u64) -> Scene) {
    for capacity in 1..=3 {
        let scene = scene(capacity);
        let found = search(&scene, Fault::None);
        println!("{} ({capacity} slots): {found}", scene.name);
        if let Some((what, way)) = found.wrong {
            panic!("{}, {capacity} slots: {what}\n{}", scene.name, way.join("\n"));
        }
    }
}

macro_rules! searched {
    ($($(#[$attribute:meta])* $name:ident => $scene:expr;)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                passes($scene);
            }
        )*
    };
}

searched! {
    a_producer_dies_at_any_step => producer_dies;
    both_producers_die_at_any_step => producers_die;
    a_consumer_dies_at_any_step => consumer_dies;
    #[ignore = "large"]
    any_of_four_dies_at_any_step => two_and_two;
    the_consumer_of_a_tombstone_dies => tombstone_alone;
    #[ignore = "large"]
    the_consumer_of_a_tombstone_dies_among_others => tombstone;
    a_producer_that_frees_tombstones_dies => full_of_tombstones;
    two_recoverers_meet_and_one_dies => two_recoverers;
    a_consumer_with_a_hand_and_its_recoverers_die => hands;
    a_hand_is_given_back_and_both_sides_die => given_back;
    two_consumers_with_hands_die => workers;
    #[ignore = "large"]
    two_consumers_with_hands_and_two_messages => busy_workers;
    #[ignore = "large"]
    a_record_is_returned_leased_again_and_swept_twice => recycled;
    a_record_is_leased_again => newcomer;
    a_record_is_leased_again_by_somebody_idle => idle_newcomer;
    whoever_sends_or_receives_two_at_a_time_dies => batches;
    #[ignore = "large"]
    batches_race_with_single_messages => batches_race;
    a_ring_is_closed_while_it_is_used => closed;
    losers_of_the_race_to_send_are_idle => losing_producers;
    a_loser_of_the_race_to_receive_is_idle => losing_single;
    a_loser_of_the_race_to_receive_two_is_idle => losing_pair;
    a_loser_of_the_race_to_receive_into_a_hand_is_idle => losing_worker;
    everybody_dies_at_once => all_die;
    #[ignore = "large"]
    everybody_dies_at_once_with_two_consumers => all_four_die;
    #[ignore = "large"]
    three_recoverers_meet_and_die => three_recoverers;
}
