//! Where a whole message lies: in a lane of the segment, or in an annex. And what loans and claims have in common: a message that is
//! written where it will be read.

use super::lanes::{Attached, give_back, lanes, longest};
use crate::channel::error::SegmentError;
use crate::channel::mpmc;
use crate::channel::mpmc::annexes::{self, Unreadable};
use crate::channel::mpmc::transfer::{self, Vain};
use crate::channel::mpmc::waiting::{self, Waits};
use crate::layout::annex::Annex;
use crate::ring::annex;
use crate::ring::lane::{Lanes, Ticket};
use crate::ring::parcel::{self, Content, Parcel};
use crate::wait::deadline::Deadline;
use std::sync::Arc;

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
    if !transfer::push_in_front(core, &parcel[0]) {
        match deadline {
            Some(deadline) => waiting::send(core, &parcel, waits, deadline)?,
            None => waiting::try_send(core, &parcel)?,
        };
    }
    lanes(core).posted(ticket, me);
    Ok(())
}

/// A whole message in a lane that is ours to read.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) ticket: Ticket,
    pub(super) len: usize,
    annex: Option<Arc<Annex>>,
}

impl Whole {
    /// The message of this ticket, which we have claimed.
    pub(super) fn claimed(core: &Attached, ticket: Ticket, len: u64) -> Result<Self, Unreadable> {
        let annex = core.annex_to_read(ticket, len)?;
        Ok(Self { ticket, len: len as usize, annex })
    }

    /// The bytes, in place, until somebody [finishes](super::incoming::finish) with the ticket. In a forked child, in which they are
    /// the parent's, there are none.
    pub(super) fn view<'a>(&'a self, core: &'a Attached) -> &'a [u8] {
        match &self.annex {
            _ if core.member().is_forked() => &[],
            Some(annex) => annex::view(annex, self.len),
            None => lanes(core).view(self.ticket, self.len),
        }
    }

    /// Appends the message to `bytes`, which has capacity for it.
    pub(super) fn append_to(&self, core: &Attached, bytes: &mut Vec<u8>) {
        match &self.annex {
            Some(annex) => annex::draw(annex, self.len, bytes),
            None => lanes(core).draw(self.ticket, 0, self.len, bytes),
        }
    }

    /// Copies the bytes from the `at`-th on to all of `bytes`; there are so many.
    pub(super) fn read_to(&self, core: &Attached, at: usize, bytes: &mut [u8]) {
        match &self.annex {
            Some(annex) => annex::draw_to(annex, at, bytes),
            None => lanes(core).draw_to(self.ticket, at as u64, bytes),
        }
    }
}

/// For want of memory for a file that fits, the lane of a free annex that has a longer one.
fn roomier(core: &Attached, error: &SegmentError, bytes: u64) -> Option<Ticket> {
    annexes::is_no_room(error).then(|| annexes::take_roomy(lanes(core), core.me().member(), bytes)).flatten()
}

/// A lane that is being written in place. Dropped, it is given back.
pub(super) struct InPlace<H: Holder> {
    holder: H,
    waits: Waits,
    ticket: Ticket,
    /// Where its bytes are, if they are not in the segment.
    annex: Option<Arc<Annex>>,
    len: usize,
    /// Whether the lane is ours: its ticket was not sent.
    is_ours: bool,
}

impl<H: Holder> InPlace<H> {
    /// The first `len` bytes of a lane that was taken, which has so many.
    pub(super) fn new(holder: H, waits: Waits, ticket: Ticket, len: usize) -> Self {
        Self { holder, waits, ticket, annex: None, len, is_ours: true }
    }

    /// The same; if the lane is an annex's, with a file that is long enough.
    pub(super) fn furnished(mut self) -> Result<Self, SegmentError> {
        let core = self.holder.core();
        if lanes(core).annexes().contains(&self.ticket.lane) {
            // One that is lent because all lanes are in use is to be of use again.
            let bytes = self.len.max(longest(core)) as u64;
            let mut made = core.annex_to_write(self.ticket, bytes);
            if let Some(roomy) = made.as_ref().err().and_then(|error| roomier(core, error, bytes)) {
                give_back(core, std::mem::replace(&mut self.ticket, roomy));
                made = core.annex_to_write(roomy, bytes);
            }
            self.annex = Some(made?);
        }
        Ok(self)
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
        match &self.annex {
            _ if core.member().is_forked() => &[],
            Some(annex) => annex::view(annex, self.len),
            None => lanes(core).view(self.ticket, self.len),
        }
    }

    /// The same, to be written.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        let core = self.holder.core();
        match &self.annex {
            _ if core.member().is_forked() => &mut [],
            Some(annex) => annex::view_mut(annex, self.len),
            None => lanes(core).view_mut(self.ticket, self.len),
        }
    }

    /// Sends it as a message, and is done; see [`send_ticket`].
    pub(super) fn send(&mut self, deadline: Option<Deadline>) -> Result<(), Vain> {
        let core = self.holder.core();
        if let Some(reason) = core.why_unusable() {
            return Err(Vain::Gone(reason));
        }
        if cfg!(loom) {
            // Until here its holder may have written.
            self.bytes_mut();
        }
        let core = self.holder.core();
        send_ticket(core, (self.ticket, self.len as u64), self.waits, deadline)?;
        self.is_ours = false;
        Ok(())
    }
}

impl<H: Holder> Drop for InPlace<H> {
    fn drop(&mut self) {
        let core = self.holder.core();
        if self.is_ours && core.why_unusable().is_none() {
            give_back(core, self.ticket);
        }
    }
}
