//! What is searched, and that what is wrong is found.

use super::book::Book;
use super::play::{Role, Slip};
use super::{Machine, Scene};

const RECEIVER: Role = Role::Receiver(Slip::None);
const BURIER: Role = Role::Burier(Slip::None);
const FLOWING: Role = Role::Flowing(Slip::None);

fn search(name: &'static str, roles: &[Role], mortals: usize, deaths: usize) -> Result<usize, String> {
    let scene = Scene { name, roles: roles.to_vec(), deaths, mortals };
    Machine { scene, book: Book::new() }.search()
}

fn is_right(name: &'static str, roles: &[Role], mortals: usize, deaths: usize, at_least: usize) {
    match search(name, roles, mortals, deaths) {
        Ok(states) => assert!(states >= at_least, "{name}: {states} states"),
        Err(wrong) => panic!("{wrong}"),
    }
}

#[test]
fn whole_messages() {
    is_right("whole: receiver, heir", &[Role::Whole, RECEIVER, Role::Heir], 3, 2, 1000);
    is_right("whole: two receivers", &[Role::Whole, RECEIVER, RECEIVER], 3, 2, 1000);
    is_right("whole: given back", &[Role::Whole, Role::GivesBack, Role::Heir], 3, 2, 1000);
    is_right("whole: receiver, burier", &[Role::Whole, RECEIVER, BURIER], 3, 2, 1000);
}

#[test]
fn messages_that_are_longer() {
    is_right("flowing: receiver, heir", &[FLOWING, RECEIVER, Role::Heir], 3, 2, 1000);
    is_right("flowing: two receivers", &[FLOWING, RECEIVER, RECEIVER], 3, 2, 1000);
    let one_each = [Role::FlowingTwice, Role::ReceiverOf(0), Role::ReceiverOf(1)];
    is_right("flowing twice: two receivers", &one_each, 2, 1, 1000);
    is_right("flowing: receiver, burier", &[FLOWING, RECEIVER, BURIER], 3, 2, 1000);
}

#[test]
fn the_next_member_in_a_dead_ones_place() {
    is_right("whole: burier, next", &[Role::Whole, BURIER, Role::Next], 3, 2, 1000);
    is_right("flowing: burier, next", &[FLOWING, BURIER, Role::Next], 3, 2, 1000);
    is_right("two buriers, next", &[FLOWING, BURIER, BURIER, Role::Next], 1, 1, 1000);
    is_right("flowing: receiver, next", &[FLOWING, RECEIVER, Role::Next], 2, 2, 1000);
}

#[test]
fn all_at_once() {
    is_right("whole: receiver, heir, burier", &[Role::Whole, RECEIVER, Role::Heir, BURIER], 2, 2, 1000);
    is_right("flowing: receiver, heir, burier", &[FLOWING, RECEIVER, Role::Heir, BURIER], 2, 2, 1000);
}

fn is_found(roles: &[Role], what: &str) {
    let wrong = search("wrong", roles, roles.len(), 2).expect_err("what is wrong is not found");
    assert!(wrong.contains(what), "{wrong}");
}

#[test]
fn what_is_wrong_is_found() {
    is_found(&[FLOWING, Role::Receiver(Slip::EarlyReader), RECEIVER], "Reader, and the lane is another's");
    is_found(&[FLOWING, Role::Receiver(Slip::HeedsNoCut)], "is received, and its writer was told that it was not");
    is_found(&[Role::Flowing(Slip::HeedsNoDone), RECEIVER], "is received, and its writer was told that it was not");
    is_found(&[Role::Flowing(Slip::FreesUnderReaders), RECEIVER], "not its to do");
    is_found(&[FLOWING, Role::Burier(Slip::BuriesTheNext), Role::Next], "not its to do");
}
