//! Lanes as a channel's ends use them: waiting for a free one, for room in it, for what comes through it; and telling each
//! other.

use crate::channel::mpmc::annexes;
use crate::channel::mpmc::core::{Core, FIRST_LANE, free_lanes};
use crate::channel::mpmc::lease;
use crate::channel::mpmc::transfer::{self, Vain};
use crate::channel::mpmc::waiting::{self, Waits};
use crate::channel::reason::DisconnectReason;
use crate::layout::many::Many;
use crate::membership::role::Role;
use crate::ring::lane::{Answer, Lanes, Ticket};
use crate::ring::parcel::Parcel;
use crate::sync::IS_USERS_MODEL;
use crate::sync::Ordering::Relaxed;
use crate::wait::awaited::{Awaited, wait};
use crate::wait::deadline::Deadline;
use crate::wait::flag;
use crate::wait::parker::{self, Bell, Woken};
use std::ops::Range;
use std::sync::Arc;

/// The attachment of a channel of bytes.
pub(super) type Attached = Arc<Core<Parcel>>;

/// The lanes of a channel.
pub(super) fn lanes(core: &Core<Parcel>) -> &Many<Parcel> {
    core.ring().many()
}

/// How long the longest message is that a lane holds as a whole.
pub(super) fn longest(core: &Core<Parcel>) -> usize {
    lanes(core).tables.lanes.long.bytes as usize
}

/// Which lanes are for messages of at most so many bytes: those that hold it and are not longer than need be, then the
/// others.
fn classes(core: &Core<Parcel>, bytes: usize) -> [Range<usize>; 2] {
    let table = lanes(core).tables.lanes;
    let (short, all) = (table.short.count as usize, table.inside() as usize);
    if bytes as u64 <= table.short.bytes && short > 0 { [0..short, short..all] } else { [short..all, 0..0] }
}

/// What a lane is wanted for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want {
    /// A message of so many bytes that is copied to a lane, or through one that is shorter.
    Copy(usize),
    /// A message of so many bytes that is written in place: in a lane that is long enough, or else in an annex.
    Loan(usize),
}

/// How long a loan can be.
pub(super) fn longest_loan(core: &Core<Parcel>) -> usize {
    let lanes = lanes(core);
    if lanes.annexes().is_empty() { longest(core) } else { lanes.most_of(lanes.annexes().start) }
}

/// A lane, if one is free now.
pub(super) fn try_take(core: &Attached, want: Want) -> Result<Ticket, Vain> {
    let refused = || lease::refused(core, Role::Sender).map_or(Vain::NotNow, Vain::Gone);
    match refused() {
        Vain::NotNow => {}
        gone => return Err(gone),
    }
    take_free(core, want).ok_or_else(|| {
        // Perhaps the dead have them.
        core.probe(false);
        refused()
    })
}

fn take_free(core: &Core<Parcel>, want: Want) -> Option<Ticket> {
    match want {
        Want::Copy(bytes) => take_inside(core, bytes),
        Want::Loan(bytes) if bytes > longest(core) => take_annex(core, bytes),
        Want::Loan(bytes) => take_inside(core, bytes).or_else(|| take_annex(core, longest(core))),
    }
}

fn take_annex(core: &Core<Parcel>, bytes: usize) -> Option<Ticket> {
    annexes::take(lanes(core), core.me().member(), bytes as u64)
}

/// A lane of the segment.
fn take_inside(core: &Core<Parcel>, bytes: usize) -> Option<Ticket> {
    let me = core.me().member();
    classes(core, bytes).into_iter().filter(|class| !class.is_empty()).find_map(|class| {
        // Different processes begin at different lanes.
        lanes(core).take(me, class.clone(), me % class.len())
    })
}

/// A lane; waits for one.
pub(super) fn take(core: &Attached, want: Want, waits: Waits, deadline: Deadline) -> Result<Ticket, Vain> {
    if let Some(reason) = lease::refused(core, Role::Sender) {
        return Err(Vain::Gone(reason));
    }
    if let Some(ticket) = take_free(core, want) {
        return Ok(ticket);
    }
    waiting::flatten(wait(&mut FreeLane { core, want, waits }, waits.strategy, waits.slice, deadline))
}

/// Gives a lane back whose ticket was not sent.
pub(super) fn give_back(core: &Core<Parcel>, ticket: Ticket) {
    lanes(core).withdraw(ticket, false);
    tell_of_free_lane(core);
}

/// A lane was freed: who waits for one may have it.
pub(super) fn tell_of_free_lane(core: &Core<Parcel>) {
    transfer::count_wakes(core, free_lanes(lanes(core)).wake_any());
}

/// Tells the reader of a message that more of it is there.
pub(super) fn tell_reader(core: &Core<Parcel>, ticket: Ticket) {
    if IS_USERS_MODEL {
        // Who sleeps there is known to the bell alone.
        return core.messages().wake_all();
    }
    if flag::is_up(&lanes(core).words(ticket.lane).reader.reader_waits) {
        core.messages().wake_all();
    }
}

/// Tells the writer of a message that there is room, or how it ended.
pub(super) fn tell_writer(core: &Core<Parcel>, ticket: Ticket) {
    if IS_USERS_MODEL {
        // As above.
        return transfer::count_wakes(core, parker::unpark_some(bell(core, ticket), 1));
    }
    let waits = &lanes(core).words(ticket.lane).writer.writer_waits;
    transfer::count_wakes(core, flag::tell(waits, bell(core, ticket)));
}

/// Where the writer of a lane sleeps.
fn bell(core: &Core<Parcel>, ticket: Ticket) -> Bell<'_> {
    let many = lanes(core);
    Bell::new(&many.words(ticket.lane).writer.writer_bell, many.dorm(FIRST_LANE + ticket.lane))
}

/// A lane, for somebody who waits for one.
struct FreeLane<'a> {
    core: &'a Attached,
    want: Want,
    waits: Waits,
}

impl Awaited for FreeLane<'_> {
    type Outcome = Result<Ticket, DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        self.look()
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        if let Some(reason) = lease::refused(self.core, Role::Sender) {
            return Some(Err(reason));
        }
        take_free(self.core, self.want).map(Ok)
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.core.probe(now);
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let core = self.core;
        core.counts.sleeps.fetch_add(1, Relaxed); // relaxed: a count for people
        free_lanes(lanes(core)).sleep(deadline.within(self.waits.slice), || self.look())
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        Err(waiting::lose(self.core))
    }
}

/// What the writer of a message that is longer than its lane waits for: that the reader is further than this, or an end.
pub(super) struct Reply<'a> {
    pub(super) core: &'a Attached,
    pub(super) ticket: Ticket,
    /// As far as the reader is known to be.
    pub(super) freed: u64,
    pub(super) waits: Waits,
}

impl Reply<'_> {
    /// Waits for it.
    pub(super) fn wait(&mut self, deadline: Deadline) -> Result<Answer, Vain> {
        let waits = self.waits;
        waiting::flatten(wait(self, waits.strategy, waits.slice, deadline))
    }
}

impl Awaited for Reply<'_> {
    type Outcome = Result<Answer, DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        self.look()
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        match lanes(self.core).answer(self.ticket) {
            // While nobody has it, somebody must be there who may.
            Answer::Offered => lease::refused(self.core, Role::Sender).map(Err),
            Answer::Freed(freed) if freed <= self.freed => self.core.why_unusable().map(Err),
            answer => Some(Ok(answer)),
        }
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        let asked = self.core.probe(now);
        if asked && !lanes(self.core).is_read_by_the_living(self.ticket, &**self.core) {
            return Some(Ok(Answer::Refused));
        }
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let core = self.core;
        core.counts.sleeps.fetch_add(1, Relaxed); // relaxed: a count for people
        if IS_USERS_MODEL {
            return parker::sleep_in_a_model(bell(core, self.ticket), || self.look());
        }
        let waits = &lanes(core).words(self.ticket.lane).writer.writer_waits;
        flag::sleep(waits, bell(core, self.ticket), deadline.within(self.waits.slice), || self.look())
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        Err(waiting::lose(self.core))
    }
}
