//! What is planted is found.

use super::fault::{Fault, Site};
use super::scene::Scene;
use super::scenes;
use super::search::search;
use std::collections::HashMap;

/// Searches a scene with a fault, on which the judge must say this.
fn is_found(fault: Fault, scene: fn(u64) -> Scene, says: &str) {
    for capacity in 1..=2 {
        let found = search(&scene(capacity), fault);
        println!("{fault:?} ({capacity} slots): {found}");
        let (what, way) = found.wrong.unwrap_or_else(|| panic!("{fault:?} is not found with {capacity} slots"));
        println!("    {what}, in {} moves", way.len());
        assert!(what.contains(says), "{fault:?}: {what}\n{}", way.join("\n"));
    }
}

macro_rules! found {
    ($($name:ident => $fault:ident, $scene:ident, $says:literal;)*) => {
        $(
            #[test]
            fn $name() {
                is_found(Fault::$fault, scenes::$scene, $says);
            }
        )*
    };
}

found! {
    death_by_time_out => Timeout, producers_die, "a live owner is robbed";
    no_announcement_before_a_claim_to_write => NoAnnounceToWrite, producers_die, "a live owner is robbed";
    no_announcement_before_a_claim_to_read => NoAnnounceToRead, two_recoverers, "is lost";
    an_announcement_that_stays => NoClear, two_recoverers, "is busy";
    a_slot_that_is_free_before_the_hand_is_full => SlotBeforeHand, hands, "is lost";
    a_take_over_of_whatever_is_there => TakesWhateverIsThere, two_recoverers, "a live owner is robbed";
    a_tombstone_over_whatever_is_there => EntombsWhateverIsThere, tombstone_alone, "a live owner is robbed";
    a_tombstone_that_is_delivered => TombIsMessage, tombstone_alone, "what: Tomb";
    an_adopted_message_that_stays_in_its_slot => AdoptKeepsSlot, hands, "delivered once more";
    a_hand_that_is_free_before_it_is_empty => HandFreeBeforeEmpty, hands, "a hand is used by somebody";
    a_take_over_that_leaves_no_mark => NotMarked, two_recoverers, "a live owner is robbed";
    a_leased_record_that_says_what_it_said => LeaseKeepsClaims, idle_newcomer, "is busy";
    full_without_a_look => FullWithoutLooking, traffic, "Full, and it never was";
    empty_without_a_look => EmptyWithoutLooking, producers_die, "Empty, and it never was";
    a_take_over_that_forgets_the_hands => DoesNotLookAtHands, hands, "delivered once more";
}

/// Leaves each kind of step out, one after the other, and searches small scenes until one of them goes wrong.
///
/// `cargo test --release --lib machine::faults -- --ignored --nocapture`
#[test]
#[ignore = "large"]
fn no_step_can_be_left_out() {
    let scenes: [fn(u64) -> Scene; 15] = [
        scenes::two_recoverers,
        scenes::newcomer,
        scenes::idle_newcomer,
        scenes::given_back,
        scenes::losing_producers,
        scenes::losing_single,
        scenes::losing_pair,
        scenes::losing_worker,
        scenes::batches,
        scenes::producers_die,
        scenes::hands,
        scenes::tombstone_alone,
        scenes::full_of_tombstones,
        scenes::closed,
        scenes::all_die,
    ];
    let met = scenes.map(|scene| search(&scene(1), Fault::None).sites.into_iter().collect::<HashMap<_, _>>());
    let mut sites: Vec<(Site, String)> = met
        .iter()
        .flatten()
        .map(|(&site, words)| (site, words.clone()))
        .collect::<HashMap<_, _>>()
        .into_iter()
        .collect();
    sites.sort_by(|a, b| a.1.cmp(&b.1));
    let mut survivors = Vec::new();
    for (site, words) in sites {
        let find = |(scene, _): (&fn(u64) -> Scene, _)| {
            let found = [1, 2].into_iter().find_map(|capacity| search(&scene(capacity), Fault::Omits(site)).wrong);
            found.map(|(what, _)| (what, scene(1).name))
        };
        match scenes.iter().zip(&met).filter(|(_, met)| met.contains_key(&site)).find_map(find) {
            Some((what, scene)) => println!("{words}: {what} ({scene})"),
            // The marks of `Orphan` are for a member's next life, and `tombs` for `len`: neither is on the stage.
            None if words.contains("Orphan") || words.contains("on Tombs") => println!("{words}: not needed here"),
            None => survivors.push(words),
        }
    }
    assert!(survivors.is_empty(), "can be left out:\n    {}", survivors.join("\n    "));
}
