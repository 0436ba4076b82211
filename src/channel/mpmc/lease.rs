//! The records that operations write to: leased by threads, and kept by them from one operation to the next.
//!
//! An operation needs a record while it runs and none while it sleeps. Leasing one is an atomic swap, so each thread keeps
//! the one it has: the steady state pays a look into the thread's own list. Three quarters of a segment's records may be
//! kept so; the others are leased for one operation and given back behind it. So threads that once used a channel and idle
//! ever since keep nobody from sending: operations in flight end, and their records come back.
//!
//! What the hot path needs of the lease that a thread used last lies in plain cells of the thread ([`Front`]), the rest in
//! a list that is in order of use.
//!
//! A thread that ends gives its records back. What it kept of channels that are gone was void with them.

use super::core::Core;
use crate::channel::reason::DisconnectReason;
use crate::membership::role::Role;
use crate::ring::mpmc::Owner;
use crate::ring::payload::Payload;
use crate::sync::backoff;
use crate::sync::private::{AtomicU64, Ordering};
use crate::wait::event_count::{Event, Notifier};
#[cfg(not(loom))]
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

/// Pauses before an operation that finds no record gives up for now: longer than any operation takes that runs.
const TRIES: usize = if cfg!(loom) { 2 } else { 256 };

/// Where a kept record goes back to.
pub(crate) trait Lessor {
    /// Takes a record back, and what its lessee has said of fences.
    fn take_back(&self, record: usize, messages: Notifier, room: Notifier);
}

/// A record that is leased, and what its lessee keeps to itself.
pub(crate) struct Lease {
    core: u64,
    pub(crate) record: usize,
    /// Who left it, if it still announces what that one had claimed as a consumer: see `Ring::inherit`.
    pub(crate) left_by: Option<Owner>,
    /// Wakes receivers.
    pub(crate) messages: Notifier,
    /// Wakes senders.
    pub(crate) room: Notifier,
    home: Option<Weak<dyn Lessor>>,
}

/// No record is free: as many operations are in flight as the channel has records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRecord;

/// A number that no other attachment in this process has.
pub(crate) fn new_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed) // relaxed: the number is all
}

/// What the hot path needs of the lease that this thread used last.
#[cfg(not(loom))]
struct Front {
    /// The attachment; 0: none.
    core: Cell<u64>,
    record: Cell<usize>,
    /// See `Notifier::seen`.
    messages: Cell<u64>,
    room: Cell<u64>,
}

/// What a thread keeps.
#[cfg(not(loom))]
#[derive(Default)]
struct Kept(Vec<Lease>);

#[cfg(not(loom))]
thread_local! {
    static FRONT: Front =
        const { Front { core: Cell::new(0), record: Cell::new(0), messages: Cell::new(0), room: Cell::new(0) } };
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept(Vec::new())) };
}

#[cfg(not(loom))]
impl Drop for Kept {
    fn drop(&mut self) {
        // Whatever this thread may yet do has no lease to do it with.
        FRONT.with(|front| front.core.set(0));
        for Lease { record, messages, room, home, .. } in self.0.drain(..) {
            if let Some(home) = home.and_then(|home| home.upgrade()) {
                home.take_back(record, messages, room);
            }
        }
    }
}

/// The record that this thread keeps for this channel; `None`: it keeps none.
#[inline(always)]
pub(crate) fn front<T: Payload>(core: &Arc<Core<T>>) -> Option<usize> {
    #[cfg(not(loom))]
    return match FRONT.with(|front| (front.core.get() == core.id()).then(|| front.record.get())) {
        None => to_the_front(core),
        record => record,
    };
    #[cfg(loom)]
    keep(core)
}

/// In a model a thread's record is found by the thread's number: leased when it is first needed, and kept for good. In the
/// crate's own models none is kept.
#[cfg(loom)]
fn keep<T: Payload>(core: &Arc<Core<T>>) -> Option<usize> {
    #[cfg(test)]
    {
        let _ = core;
        None
    }
    #[cfg(not(test))]
    {
        // All threads that there can be keep one, or none does.
        if kept_at_most(core) < crate::sync::ThreadNumbers::MOST {
            return None;
        }
        let (record, is_new) = core.threads().own();
        if is_new {
            core.ring().lease_record(core.me(), record..record + 1)?;
        }
        Some(record)
    }
}

/// Makes the lease for this channel the one that this thread used last.
#[cfg(not(loom))]
#[inline(never)]
fn to_the_front<T: Payload>(core: &Arc<Core<T>>) -> Option<usize> {
    let found = KEPT.try_with(|kept| {
        let mut kept = kept.try_borrow_mut().ok()?;
        find_or_lease(&mut kept.0, core)?;
        kept.0.first().map(|lease| {
            show(lease);
            lease.record
        })
    });
    found.ok().flatten()
}

/// Shows the hot path a lease.
#[cfg(not(loom))]
fn show(lease: &Lease) {
    FRONT.with(|front| {
        front.core.set(lease.core);
        front.record.set(lease.record);
        front.messages.set(lease.messages.seen());
        front.room.set(lease.room.seen());
    });
}

/// After a publication under the front lease: whether nobody sleeps who waits for messages.
#[inline(always)]
pub(crate) fn is_calm_about_messages(event: Event<'_>) -> bool {
    #[cfg(not(loom))]
    return FRONT.with(|front| event.is_calm(front.messages.get()));
    #[cfg(loom)]
    event.is_calm(0)
}

/// After a slot was freed under the front lease: whether nobody sleeps who waits for room.
#[inline(always)]
pub(crate) fn is_calm_about_room(event: Event<'_>) -> bool {
    #[cfg(not(loom))]
    return FRONT.with(|front| event.is_calm(front.room.get()));
    #[cfg(loom)]
    event.is_calm(0)
}

/// Runs an operation that needs a record. `use_it` must not use another channel, nor call anything of the caller's.
///
/// *Progress*: wait-free for a thread that keeps one; else some swaps, and a bounded wait when none is free.
#[inline(never)]
pub(crate) fn with<T: Payload, R>(core: &Arc<Core<T>>, use_it: impl FnOnce(&mut Lease) -> R) -> Result<R, NoRecord> {
    #[cfg(not(loom))]
    {
        let mut use_it = Some(use_it);
        // A thread that is ending keeps nothing any more.
        let kept = KEPT.try_with(|kept| {
            let mut kept = kept.try_borrow_mut().ok()?;
            find_or_lease(&mut kept.0, core)?;
            let lease = kept.0.first_mut()?;
            let result = use_it.take().map(|use_it| use_it(lease));
            show(lease);
            result
        });
        if let Ok(Some(result)) = kept {
            return Ok(result);
        }
        match use_it {
            Some(use_it) => for_a_moment(core, use_it),
            None => Err(NoRecord),
        }
    }
    #[cfg(loom)]
    match keep(core) {
        None => for_a_moment(core, use_it),
        Some(record) => {
            let (messages, room) = (Notifier::fenced(), Notifier::fenced());
            Ok(use_it(&mut Lease { core: core.id(), record, left_by: None, messages, room, home: None }))
        }
    }
}

/// Puts the lease for this channel to the front, or takes one; `None`: none is to be kept.
#[cfg(not(loom))]
fn find_or_lease<T: Payload>(kept: &mut Vec<Lease>, core: &Arc<Core<T>>) -> Option<()> {
    if let Some(at) = kept.iter().position(|lease| lease.core == core.id()) {
        if at != 0 {
            kept.swap(0, at);
        }
        return Some(());
    }
    kept.retain(|lease| lease.home.as_ref().is_some_and(|home| home.strong_count() > 0));
    let record = core.ring().lease_record(core.me(), 0..kept_at_most(core))?;
    let (messages, room) = (Notifier::new(core.messages(), record), Notifier::new(core.room(), record));
    let lessor: Arc<dyn Lessor> = Arc::clone(core) as _;
    let home = Some(Arc::downgrade(&lessor));
    kept.push(Lease { core: core.id(), record, left_by: None, messages, room, home });
    let last = kept.len() - 1;
    kept.swap(0, last);
    Some(())
}

/// Records up to this number may be kept.
fn kept_at_most<T: Payload>(core: &Core<T>) -> usize {
    core.ring().many().tables.records as usize * 3 / 4
}

/// Leases a record for this operation alone.
#[cold]
#[inline(never)]
fn for_a_moment<T: Payload, R>(core: &Arc<Core<T>>, use_it: impl FnOnce(&mut Lease) -> R) -> Result<R, NoRecord> {
    let (record, left_by) = lease_for_a_moment(core).ok_or(NoRecord)?;
    let (messages, room) = (Notifier::fenced(), Notifier::fenced());
    let mut lease = Lease { core: core.id(), record, left_by, messages, room, home: None };
    let result = use_it(&mut lease);
    match lease.left_by {
        Some(left_by) => {
            core.ring().bequeath(record, left_by);
            core.leave_orphans();
        }
        None => core.ring().return_record(record),
    }
    Ok(result)
}

/// A record; and who left it, if it is inherited.
fn lease_for_a_moment<T: Payload>(core: &Core<T>) -> Option<(usize, Option<Owner>)> {
    let (ring, all) = (core.ring(), core.ring().many().tables.records as usize);
    for attempt in 0..TRIES {
        if let Some(record) = ring.lease_record(core.me(), kept_at_most(core)..all) {
            return Some((record, None));
        }
        if attempt == TRIES / 2 {
            // Perhaps the dead have them.
            core.probe(false);
            (0..all).for_each(|record| _ = ring.sweep(record, None, core));
        }
        backoff::pause();
    }
    // Better one of the others, for a moment, than none; and better one with what a dead one left.
    let other = ring.lease_record(core.me(), 0..all).map(|record| (record, None));
    let inherited = |record| ring.inherit(record, core.me(), core).map(|left_by| (record, Some(left_by)));
    other.or_else(|| (0..all).find_map(inherited))
}

/// What every operation asks first: why this end may not do it, if it may not.
pub(crate) fn refused<T: Payload>(core: &Core<T>, role: Role) -> Option<DisconnectReason> {
    if core.is_undisturbed(role) { None } else { core.digest(role) }
}
