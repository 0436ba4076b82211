//! A message that is written where it is received: what loans and claims have in common.

use super::lanes::{Attached, lanes, tell_of_free_lane};
use crate::channel::mpmc;
use crate::channel::mpmc::waiting::{self, Vain, Waits};
use crate::ring::lane::{Lanes, Ticket};
use crate::ring::parcel::{self, Content, Parcel};
use crate::wait::deadline::Deadline;

/// Who keeps an attachment alive.
pub(super) trait Holder {
    fn core(&self) -> &Attached;
}

impl Holder for &Attached {
    fn core(&self) -> &Attached {
        self
    }
}

impl Holder for Attached {
    fn core(&self) -> &Attached {
        self
    }
}

impl Holder for mpmc::Sender<Parcel> {
    fn core(&self) -> &Attached {
        mpmc::Sender::core(self)
    }
}

/// Sends the ticket of a message that is in its lane as a whole; from then on the lane is its receiver's. Waits for room in the
/// ring until then; `None`: one try. Not sent, the lane is the caller's still, and this may be tried again.
pub(super) fn send_ticket(
    core: &Attached,
    (ticket, len): (Ticket, u64),
    waits: Waits,
    deadline: Option<Deadline>,
) -> Result<(), Vain> {
    let me = core.me().member();
    lanes(core).poured(ticket, len, true);
    lanes(core).post(ticket, me, true);
    let parcel = [parcel::ticket(Content::Whole(ticket, len))];
    match deadline {
        Some(deadline) => waiting::send(core, &parcel, waits, deadline)?,
        None => waiting::try_send(core, &parcel)?,
    };
    lanes(core).posted(ticket, me);
    Ok(())
}

/// A lane that is being written in place. Dropped, it is given back.
#[cfg(not(loom))]
pub(super) struct InPlace<H: Holder> {
    holder: H,
    waits: Waits,
    ticket: Ticket,
    len: usize,
    /// Whether the lane is ours: its ticket was not sent.
    is_ours: bool,
}

#[cfg(not(loom))]
impl<H: Holder> InPlace<H> {
    /// The first `len` bytes of a lane that was taken, which has so many.
    pub(super) fn new(holder: H, waits: Waits, ticket: Ticket, len: usize) -> Self {
        Self { holder, waits, ticket, len, is_ours: true }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// No more than the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// What is there; nothing in a forked child, in which the lane is the parent's.
    pub(super) fn bytes(&self) -> &[u8] {
        let core = self.holder.core();
        if core.member().is_forked() { &[] } else { lanes(core).view(self.ticket, self.len) }
    }

    /// The same, to be written.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        let core = self.holder.core();
        if core.member().is_forked() { &mut [] } else { lanes(core).view_mut(self.ticket, self.len) }
    }

    /// Sends it as a message, and is done; see [`send_ticket`].
    pub(super) fn send(&mut self, deadline: Option<Deadline>) -> Result<(), Vain> {
        let core = self.holder.core();
        if let Some(reason) = core.why_unusable() {
            return Err(Vain::Gone(reason));
        }
        send_ticket(core, (self.ticket, self.len as u64), self.waits, deadline)?;
        self.is_ours = false;
        Ok(())
    }
}

#[cfg(not(loom))]
impl<H: Holder> Drop for InPlace<H> {
    fn drop(&mut self) {
        let core = self.holder.core();
        if self.is_ours && core.why_unusable().is_none() {
            lanes(core).withdraw(self.ticket, false);
            tell_of_free_lane(core);
        }
    }
}
