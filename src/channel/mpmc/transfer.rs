//! What goes into a many-to-many ring, and what comes out of it: of the living and of the dead, for good or into a hand. Nothing here
//! waits.

use super::core::Core;
use super::lease::{self, Lease, NoRecord};
use crate::channel::reason::DisconnectReason;
use crate::membership::role::Role;
use crate::ring::mpmc::{Delivery, Popped, Pushed, Recovered};
use crate::ring::payload::Payload;
use crate::sync::IS_USERS_MODEL;
use crate::sync::Ordering::Relaxed;
use std::sync::Arc;

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vain {
    /// There is nothing, or no room.
    NotNow,
    /// Somebody is in the middle of an operation at the position, or all records or hands are in use.
    InBetween,
    Gone(DisconnectReason),
}

// Sending.

/// Sends the first of `messages`, as many as go at once, and wakes a receiver.
pub(crate) fn push<T: Payload>(core: &Arc<Core<T>>, messages: &[T]) -> Result<usize, Vain> {
    if let Some(reason) = lease::refused(core, Role::Sender) {
        return Err(Vain::Gone(reason));
    }
    let pushed = lease::with(core, |lease| {
        let pushed = core.ring().push_some(core.ring().record(lease.record), messages);
        if let Pushed::Done(_) = pushed {
            published(core, lease);
        }
        pushed
    });
    match pushed {
        Ok(Pushed::Done(n)) => Ok(n),
        Ok(Pushed::Full) => Err(Vain::NotNow),
        Ok(Pushed::Held(_) | Pushed::Beaten) | Err(NoRecord) => Err(Vain::InBetween),
        Ok(Pushed::Closed) => Err(Vain::Gone(DisconnectReason::Closed)),
        Ok(Pushed::Corrupt(corrupt)) => Err(Vain::Gone(core.poison(corrupt))),
    }
}

/// Sends it, and wakes a receiver, if nothing stands in the way.
#[inline(always)]
pub(crate) fn push_in_front<T: Payload>(core: &Arc<Core<T>>, message: &T) -> bool {
    if !core.is_undisturbed(Role::Sender) {
        return false;
    }
    let Some(record) = lease::front(core) else { return false };
    let is_sent = core.ring().push_at_once(core.ring().record(record), message);
    if is_sent {
        published_in_front(core);
    }
    is_sent
}

/// After a publication: wakes a receiver if one sleeps.
#[inline(always)]
pub(crate) fn published<T: Payload>(core: &Core<T>, lease: &mut Lease) {
    let event = core.messages();
    if !event.is_calm(lease.messages.seen()) {
        count_wakes(core, lease.messages.published(event));
    }
}

/// After a slot was freed: wakes a sender if one sleeps.
#[inline(always)]
pub(crate) fn freed<T: Payload>(core: &Core<T>, lease: &mut Lease) {
    let event = core.room();
    if !event.is_calm(lease.room.seen()) {
        count_wakes(core, lease.room.published(event));
    }
}

/// As [`published`], under the lease that this thread used last.
#[inline(always)]
pub(crate) fn published_in_front<T: Payload>(core: &Arc<Core<T>>) {
    if !lease::is_calm_about_messages(core.messages()) {
        publish_to_sleepers(core);
    }
}

#[inline(never)]
fn publish_to_sleepers<T: Payload>(core: &Arc<Core<T>>) {
    let _ = lease::with(core, |lease| count_wakes(core, lease.messages.published(core.messages())));
}

/// As [`freed`], under the lease that this thread used last.
#[inline(always)]
pub(crate) fn freed_in_front<T: Payload>(core: &Arc<Core<T>>) {
    if !lease::is_calm_about_room(core.room()) {
        free_to_sleepers(core);
    }
}

#[inline(never)]
fn free_to_sleepers<T: Payload>(core: &Arc<Core<T>>) {
    let _ = lease::with(core, |lease| count_wakes(core, lease.room.published(core.room())));
}

pub(crate) fn count_wakes<T: Payload>(core: &Core<T>, woken: usize) {
    if woken > 0 {
        core.counts.wakes.fetch_add(woken as u64, Relaxed); // relaxed: a count for people
    }
}

// Receiving.

/// How a message came, and the hand that it is in, if it is to be done later. Where it is, its [`Want`] says: a message moved
/// through all that stands between the ring and its receiver is copied a dozen times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Got {
    pub(crate) position: u64,
    pub(crate) attempt: u32,
    pub(crate) hand: Option<usize>,
}

impl Got {
    fn of<T>(delivery: &Delivery<T>, hand: Option<usize>) -> Self {
        Self { position: delivery.position, attempt: delivery.attempt, hand }
    }
}

/// What is to be received.
#[derive(Debug)]
pub(crate) enum Want<'a, T> {
    /// One message, for good, to here.
    One(&'a mut Option<T>),
    /// One message, into a hand, in which it stays.
    InHand,
    /// As many as there are, for good, to the front of these; how many is the outcome's position.
    Some(&'a mut [T]),
}

impl<T: Payload> Want<'_, T> {
    /// One message, as it was wanted.
    fn got(&mut self, delivery: &Delivery<T>, hand: Option<usize>) -> Got {
        let got = Got::of(delivery, hand);
        match self {
            Self::Some(messages) => {
                messages[0] = delivery.message;
                Got { position: 1, hand: None, ..got }
            }
            Self::One(message) => {
                **message = Some(delivery.message);
                got
            }
            Self::InHand => got,
        }
    }

    fn is_in_hand(&self) -> bool {
        matches!(self, Self::InHand)
    }
}

/// Receives the next message into a hand, if nothing stands in the way.
#[inline(always)]
pub(crate) fn pop_in_front<T: Payload>(core: &Arc<Core<T>>) -> Option<Got> {
    if !core.is_undisturbed(Role::Receiver) || core.has_orphans() {
        return None;
    }
    let record = core.ring().record(lease::front(core)?);
    let (position, hand) = core.ring().pop_at_once_to_hand(record, || core.lease_hand())?;
    freed_in_front(core);
    Some(Got { position, attempt: 1, hand: Some(hand) })
}

/// Receives what there is, of the ring or of the dead.
pub(crate) fn pop<T: Payload>(core: &Arc<Core<T>>, want: &mut Want<'_, T>) -> Result<Got, Vain> {
    match pop_once(core, want) {
        Err(Vain::Gone(_)) if !IS_USERS_MODEL && core.why_unusable().is_none() => {
            // Before that is said: somebody may have died with a message in hand.
            core.probe(true);
            pop_once(core, want)
        }
        decided => decided,
    }
}

fn pop_once<T: Payload>(core: &Arc<Core<T>>, want: &mut Want<'_, T>) -> Result<Got, Vain> {
    // The reason is looked for first: what was sent before the last sender went is there by the time that is seen.
    let gone = lease::refused(core, Role::Receiver);
    if let Some(reason) = core.why_unusable() {
        return Err(Vain::Gone(reason));
    }
    let popped = lease::with(core, |lease| {
        let hand = if want.is_in_hand() { core.lease_hand() } else { None };
        let got = pop_with(core, lease, want, hand);
        if let (Err(_), Some(hand)) = (&got, hand) {
            core.ring().return_hand(hand);
        }
        got
    });
    match popped.unwrap_or(Err(Vain::InBetween)) {
        Err(Vain::NotNow) => match gone.or_else(|| core.are_senders_gone()) {
            // What was sent meanwhile, what somebody was about to send, and what somebody has died with, comes first.
            Some(reason) if core.ring().len() == 0 && !core.has_orphans() => Err(Vain::Gone(reason)),
            _ => Err(Vain::NotNow),
        },
        decided => decided,
    }
}

fn pop_with<T: Payload>(
    core: &Core<T>,
    lease: &mut Lease,
    want: &mut Want<'_, T>,
    hand: Option<usize>,
) -> Result<Got, Vain> {
    let (ring, record) = (core.ring(), core.ring().record(lease.record));
    let lacks_a_hand = want.is_in_hand() && hand.is_none();
    if lease.left_by.is_some() && !lacks_a_hand {
        if let Some(delivery) = settle(core, lease, hand)? {
            return Ok(want.got(&delivery, hand));
        }
    }
    if lacks_a_hand || is_the_turn_of_what_was_left(core) {
        if let Some(got) = seek(core, lease, want, hand) {
            return Ok(got);
        }
    }
    if lacks_a_hand {
        return Err(Vain::InBetween);
    }
    let popped = match (&mut *want, hand) {
        (Want::Some(messages), _) => {
            ring.pop_some(record, messages).map(|n| Got { position: n as u64, attempt: 1, hand })
        }
        (_, Some(hand)) => ring.pop_to_hand(record, hand).map(|delivery| Got::of(&delivery, Some(hand))),
        (_, None) => ring.pop(record).map(|delivery| want.got(&delivery, None)),
    };
    match popped {
        Popped::Done(got) => {
            freed(core, lease);
            Ok(got)
        }
        Popped::Empty => seek(core, lease, want, hand).ok_or(Vain::NotNow),
        Popped::Held(_) | Popped::Beaten => seek(core, lease, want, hand).ok_or(Vain::InBetween),
        Popped::Corrupt(corrupt) => Err(Vain::Gone(core.poison(corrupt))),
    }
}

/// Looks for a message that somebody has left who is dead, or who gave it back; if anything was left since the last look.
fn seek<T: Payload>(core: &Core<T>, lease: &mut Lease, want: &mut Want<'_, T>, hand: Option<usize>) -> Option<Got> {
    if !core.has_orphans() {
        return None;
    }
    let orphans = core.orphans();
    // What is in a hand needs no other. What a dead consumer left in the ring needs one, if it is to be in hand.
    let can_sweep = hand.is_some() || !want.is_in_hand();
    let found = adopt_one(core, want.is_in_hand(), hand);
    let (found, is_all) = match found {
        Some(found) => (Some(found), false),
        None if can_sweep => sweep_for_one(core, lease, hand),
        None => (None, false),
    };
    if is_all {
        core.orphans_seen.store(orphans, Relaxed); // relaxed: a hint
    }
    found.map(|(delivery, hand)| want.got(&delivery, hand))
}

/// Resolves what the record announces of a dead one, from whom it is inherited; or a message of that.
#[cold]
fn settle<T: Payload>(core: &Core<T>, lease: &mut Lease, hand: Option<usize>) -> Result<Option<Delivery<T>>, Vain> {
    match core.ring().settle(lease.record, hand, core) {
        Recovered::Delivered(delivery) => {
            freed(core, lease);
            if is_too_much(core, &delivery) {
                hand.iter().for_each(|&hand| core.ring().empty(hand));
                return Err(Vain::InBetween);
            }
            Ok(Some(delivery))
        }
        Recovered::Busy => Err(Vain::InBetween),
        Recovered::Nothing => {
            lease.left_by = None;
            Ok(None)
        }
    }
}

/// What was left comes behind what is in the ring, but not behind all that will ever be: once a lap it is its turn.
fn is_the_turn_of_what_was_left<T: Payload>(core: &Core<T>) -> bool {
    if !core.has_orphans() {
        return false;
    }
    // Relaxed, both: hints.
    let (head, last) = (core.ring().taken(), core.sought_at.load(Relaxed));
    let is_due = head.saturating_sub(last) >= core.ring().capacity();
    if is_due {
        core.sought_at.store(head, Relaxed); // relaxed: as above
    }
    is_due
}

/// A message, and the hand that it is in.
type Found<T> = (Delivery<T>, Option<usize>);

/// A message in a hand that was given back, or whose owner is dead; it stays there if it is to be in hand. `unused` is the
/// hand that the caller has leased for another.
#[cold]
fn adopt_one<T: Payload>(core: &Core<T>, is_in_hand: bool, unused: Option<usize>) -> Option<Found<T>> {
    let ring = core.ring();
    for left in 0..ring.many().tables.hands as usize {
        let Some(delivery) = ring.adopt(left, core.me()) else { continue };
        let is_given_up = is_too_much(core, &delivery);
        if is_given_up || !is_in_hand {
            ring.commit(left);
        }
        if !is_given_up {
            unused.iter().for_each(|&unused| ring.return_hand(unused));
            return Some((delivery, is_in_hand.then_some(left)));
        }
    }
    None
}

/// A message that a dead consumer had claimed; and whether there can be no other.
#[cold]
fn sweep_for_one<T: Payload>(core: &Core<T>, lease: &mut Lease, hand: Option<usize>) -> (Option<Found<T>>, bool) {
    let ring = core.ring();
    let mine = (ring.record(lease.record), hand);
    let mut is_all = true;
    for record in 0..ring.many().tables.records as usize {
        loop {
            match ring.sweep(record, Some(mine), core) {
                Recovered::Delivered(delivery) => {
                    freed(core, lease);
                    if !is_too_much(core, &delivery) {
                        return (Some((delivery, hand)), false);
                    }
                    hand.iter().for_each(|&hand| ring.empty(hand));
                }
                Recovered::Busy => {
                    is_all = false;
                    break;
                }
                Recovered::Nothing => break,
            }
        }
    }
    (None, is_all)
}

/// Whether a message has been delivered as often as it may be. Then it is given up.
fn is_too_much<T: Payload>(core: &Core<T>, delivery: &Delivery<T>) -> bool {
    let is_too_much = core.attempts_max.is_some_and(|most| delivery.attempt > most);
    if is_too_much {
        core.give_up(&delivery.message);
    }
    is_too_much
}
