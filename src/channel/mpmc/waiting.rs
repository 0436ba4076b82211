//! What an end of a many-to-many ring waits for, and what it does before it says that there is nothing.

use super::core::Core;
use super::lease;
use super::transfer::{Got, Vain, Want, count_wakes, pop, push};
use crate::channel::reason::DisconnectReason;
use crate::membership::role::Role;
use crate::ring::mpmc::Recovered;
use crate::ring::payload::Payload;
use crate::sync::Ordering::Relaxed;
use crate::sync::{IS_USERS_MODEL, backoff};
use crate::wait::awaited::{Awaited, TimedOut, wait};
use crate::wait::bell::UNHEARD;
use crate::wait::deadline::Deadline;
use crate::wait::event_count::Event;
use crate::wait::parker::{self, Woken};
use crate::wait::strategy::WaitStrategy;
use std::sync::Arc;
use std::time::Duration;

/// How often a `try_` call looks again while somebody is in the middle of an operation at the very position: some
/// microseconds if they run, some turns of the scheduler if they do not.
const PATIENCE: u32 = if cfg!(loom) { 1 } else { 256 };
/// After so many looks each is a turn for somebody else.
const PAUSES: u32 = 64;
/// All these looks together: on a machine that has much else to do, each turn may be as long as all that others have to do, and each
/// look may be thousands of lost races if somebody writes the cursors without end.
const TURNS: Duration = Duration::from_millis(50);

/// How an end waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) strategy: WaitStrategy,
    pub(crate) slice: Duration,
}

/// Looks again while somebody is in between, for a while.
fn patiently<R>(mut once: impl FnMut() -> Result<R, Vain>) -> Result<R, Vain> {
    let mut end = None;
    for attempt in 0..PATIENCE {
        match once() {
            Err(Vain::InBetween) if end.get_or_insert_with(|| Deadline::after(TURNS)).is_over() => break,
            Err(Vain::InBetween) if attempt < PAUSES => backoff::pause(),
            Err(Vain::InBetween) => backoff::give_way(),
            decided => return decided,
        }
    }
    once()
}

pub(crate) fn flatten<R>(waited: Result<Result<R, DisconnectReason>, TimedOut>) -> Result<R, Vain> {
    match waited {
        Ok(outcome) => outcome.map_err(Vain::Gone),
        Err(TimedOut) => Err(Vain::NotNow),
    }
}

/// How somebody sleeps who may find what it waits for and not be able to take it.
#[derive(Debug)]
pub(crate) struct Rest {
    slice: Duration,
    /// Whether it may lack something that others do not need: a hand.
    is_special: bool,
    /// Whether at the last look there was something: it lacks a record or a hand, of which nobody tells.
    pub(crate) is_starved: bool,
    /// Whether it is off the list of sleepers for that.
    naps: bool,
    pub(crate) has_slept: bool,
}

impl Rest {
    pub(crate) fn new(slice: Duration, is_special: bool) -> Self {
        Self { slice, is_special, is_starved: false, naps: false, has_slept: false }
    }
}

pub(crate) trait Resting: Awaited {
    fn rest(&mut self) -> &mut Rest;
}

/// Sleeps until woken; or, if there is something that it cannot take now, is back a moment later. It stays off the list of
/// sleepers for that time: a wake that came to it would be lost to others, one of whom it has woken if they need less.
pub(crate) fn sleep_or_nap<T: Payload, R: Resting>(
    core: &Core<T>,
    event: Event<'_>,
    resting: &mut R,
    deadline: Deadline,
) -> Result<R::Outcome, Woken> {
    resting.rest().has_slept = true;
    core.counts.sleeps.fetch_add(1, Relaxed); // relaxed: a count for people
    // In a model nobody looks between two sleeps.
    if !resting.rest().is_starved || IS_USERS_MODEL {
        resting.rest().naps = false;
        let slice = deadline.within(resting.rest().slice);
        // Who is starved only now must not sleep either.
        let slept = event.sleep(slice, || match resting.look() {
            Some(outcome) => Some(Some(outcome)),
            None => resting.rest().is_starved.then_some(None),
        });
        match slept {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) => {}
            Err(woken) => return Err(woken),
        }
    }
    let rest = resting.rest();
    let is_special = rest.is_special;
    if !core::mem::replace(&mut rest.naps, true) && is_special {
        count_wakes(core, event.wake_one());
    }
    Err(if is_special { core.sleep_for_a_hand(deadline) } else { parker::nap(deadline.within(UNHEARD)) })
}

// Sending.

/// Frees what the dead keep from senders: positions that they were to publish become tombstones, and tombstones at the head
/// room.
fn make_room<T: Payload>(core: &Arc<Core<T>>) {
    let ring = core.ring();
    let orphans = core.orphans();
    // Relaxed: a hint; who is too early looks once more for nothing.
    if orphans != core.tidied.load(Relaxed) {
        let is_stuck = |&record: &usize| matches!(ring.sweep(record, None, &**core), Recovered::Busy);
        // Who is alive and has announced a dead one's position will announce another, and nobody tells of that.
        if (0..ring.many().tables.records as usize).filter(is_stuck).count() == 0 {
            core.tidied.store(orphans, Relaxed); // relaxed: as above
        }
    }
    if ring.has_tombs() {
        // Without a record now, with one the next time.
        let _ = lease::with(core, |lease| lease.left_by.is_none() && ring.clear_tombs(ring.record(lease.record)));
    }
}

/// Whether there is no room, and nothing else to be found out or done: what most tries find that find none.
#[inline(always)]
fn is_plainly_full<T: Payload>(core: &Core<T>) -> bool {
    core.is_undisturbed(Role::Sender) && core.ring().is_plainly_full() && !core.ring().has_tombs()
}

/// Sends the first of `messages` without waiting for room.
#[cold]
pub(crate) fn try_send<T: Payload>(core: &Arc<Core<T>>, messages: &[T]) -> Result<usize, Vain> {
    if is_plainly_full(core) && !core.probe(false) {
        return Err(Vain::NotNow);
    }
    let sent = patiently(|| push(core, messages));
    if !matches!(sent, Err(Vain::NotNow | Vain::InBetween)) {
        return sent;
    }
    let is_in_between = sent == Err(Vain::InBetween);
    if !core.probe(is_in_between) && !core.ring().has_tombs() {
        return sent;
    }
    make_room(core);
    match push(core, messages) {
        Err(Vain::InBetween) => Err(Vain::NotNow),
        decided => decided,
    }
}

/// Sends the first of `messages`, waiting for room until then.
#[cold]
pub(crate) fn send<T: Payload>(
    core: &Arc<Core<T>>,
    messages: &[T],
    waits: Waits,
    deadline: Deadline,
) -> Result<usize, Vain> {
    if deadline.is_over() {
        return try_send(core, messages);
    }
    let mut room = Room { core, messages, rest: Rest::new(waits.slice, false) };
    let sent = flatten(wait(&mut room, waits.strategy, waits.slice, deadline));
    if room.rest.has_slept && !core.ring().is_full() {
        // The baton: see `wait::event_count`.
        count_wakes(core, core.room().wake_one());
    }
    sent
}

struct Room<'a, T: Payload> {
    core: &'a Arc<Core<T>>,
    messages: &'a [T],
    rest: Rest,
}

impl<T: Payload> Resting for Room<'_, T> {
    fn rest(&mut self) -> &mut Rest {
        &mut self.rest
    }
}

impl<T: Payload> Awaited for Room<'_, T> {
    type Outcome = Result<usize, DisconnectReason>;

    /// Whoever sends as soon as one slot is free is next to who frees them from then on, at the very same lines, in small parts: batches
    /// of 64 by 8 processes went at 0.42 of the rate so. A look finds less room.
    fn poll(&mut self) -> Option<Self::Outcome> {
        let is_calm = self.core.is_undisturbed(Role::Sender) && !self.core.ring().has_much_room();
        if is_calm { None } else { self.look() }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        match push(self.core, self.messages) {
            Ok(n) => Some(Ok(n)),
            Err(Vain::Gone(reason)) => Some(Err(reason)),
            Err(vain) => {
                self.rest.is_starved = vain == Vain::InBetween && !self.core.ring().is_full();
                None
            }
        }
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.core.probe(now);
        make_room(self.core);
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let core = self.core;
        sleep_or_nap(core, core.room(), self, deadline)
    }

    fn passes_on(&self) -> bool {
        self.rest.is_starved
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        Err(lose(self.core))
    }
}

/// The memory under the bell is gone: somebody truncated the file.
pub(crate) fn lose<T: Payload>(core: &Core<T>) -> DisconnectReason {
    core.lose()
}

// Receiving.

/// Whether there is no message, and nothing else to be found out or done. Whether there are senders is looked for first: what
/// the last one sent is there by the time that it is seen to have gone.
#[inline(always)]
fn is_plainly_empty<T: Payload>(core: &Core<T>) -> bool {
    core.may_more_come() && core.ring().is_plainly_empty() && !core.has_orphans()
}

/// Receives without waiting for a message.
#[cold]
pub(crate) fn try_recv<T: Payload>(core: &Arc<Core<T>>, want: &mut Want<'_, T>) -> Result<Got, Vain> {
    if is_plainly_empty(core) && !core.probe(false) {
        return Err(Vain::NotNow);
    }
    let got = patiently(|| pop(core, want));
    if !matches!(got, Err(Vain::NotNow | Vain::InBetween)) {
        return got;
    }
    let is_in_between = matches!(got, Err(Vain::InBetween));
    if !core.probe(false) && !is_in_between && !core.has_orphans() {
        return got;
    }
    if is_in_between {
        core.ring().entomb_head(&**core);
    }
    match pop(core, want) {
        Err(Vain::InBetween) => Err(Vain::NotNow),
        decided => decided,
    }
}

/// Receives, waiting for a message until then.
#[cold]
pub(crate) fn recv<T: Payload>(
    core: &Arc<Core<T>>,
    want: &mut Want<'_, T>,
    waits: Waits,
    deadline: Deadline,
) -> Result<Got, Vain> {
    if deadline.is_over() {
        return try_recv(core, want);
    }
    let rest = Rest::new(waits.slice, matches!(want, Want::InHand));
    let mut message = Message { core, want, rest };
    // In a model the sleep's look finds it.
    if let Some(outcome) = if IS_USERS_MODEL { None } else { message.look() } {
        return outcome.map_err(Vain::Gone);
    }
    let got = flatten(wait(&mut message, waits.strategy, waits.slice, deadline));
    if message.rest.has_slept && core.ring().has_something() {
        // The baton: see `wait::event_count`.
        count_wakes(core, core.messages().wake_one());
    }
    got
}

struct Message<'a, 'w, T: Payload> {
    core: &'a Arc<Core<T>>,
    want: &'a mut Want<'w, T>,
    rest: Rest,
}

impl<T: Payload> Resting for Message<'_, '_, T> {
    fn rest(&mut self) -> &mut Rest {
        &mut self.rest
    }
}

impl<T: Payload> Awaited for Message<'_, '_, T> {
    type Outcome = Result<Got, DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        let core = self.core;
        let is_calm = core.is_undisturbed(Role::Receiver) && !core.ring().has_something() && !core.has_orphans();
        if is_calm { None } else { self.look() }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        match pop(self.core, self.want) {
            Ok(got) => Some(Ok(got)),
            Err(Vain::Gone(reason)) => Some(Err(reason)),
            Err(vain) => {
                let is_something = || self.core.ring().has_something() || self.core.has_orphans();
                self.rest.is_starved = vain == Vain::InBetween && is_something();
                None
            }
        }
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.core.probe(now);
        self.core.ring().entomb_head(&**self.core);
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let core = self.core;
        sleep_or_nap(core, core.messages(), self, deadline)
    }

    fn passes_on(&self) -> bool {
        self.rest.is_starved
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        Err(lose(self.core))
    }
}

/// Waits until an end of the other kind is there.
pub(crate) fn for_peer<T: Payload>(
    core: &Arc<Core<T>>,
    role: Role,
    waits: Waits,
    deadline: Deadline,
) -> Result<(), Vain> {
    core.probe(true);
    let mut peer = Peer { core, role, slice: waits.slice };
    let found = flatten(wait(&mut peer, waits.strategy, waits.slice, deadline));
    // A wake that was meant for somebody else goes on to them.
    count_wakes(core, peer.event().wake_one());
    found
}

struct Peer<'a, T: Payload> {
    core: &'a Arc<Core<T>>,
    role: Role,
    slice: Duration,
}

impl<'a, T: Payload> Peer<'a, T> {
    /// Where ends of our kind sleep.
    fn event(&self) -> Event<'a> {
        match self.role {
            Role::Sender => self.core.room(),
            Role::Receiver => self.core.messages(),
        }
    }
}

impl<T: Payload> Awaited for Peer<'_, T> {
    type Outcome = Result<(), DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        self.look()
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        if let Some(reason) = self.core.why_unusable() {
            return Some(Err(reason));
        }
        if self.core.count(self.role.other()) > 0 {
            return Some(Ok(()));
        }
        match self.core.digest(self.role) {
            Some(reason @ (DisconnectReason::Closed | DisconnectReason::Unlinked)) => Some(Err(reason)),
            // Those that left may be followed by others.
            _ => None,
        }
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.core.probe(now);
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let (event, slice) = (self.event(), self.slice);
        event.sleep(deadline.within(slice), || self.look())
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        Err(lose(self.core))
    }
}
