//! A long message on its way out.

use super::lanes::{self, Attached, Reply, Want, lanes, longest, tell_of_free_lane, tell_reader};
use super::place::send_ticket;
use crate::bytes::{SendError, SendTimeoutError};
use crate::channel::mpmc::transfer::Vain;
use crate::channel::mpmc::waiting::{self, Waits};
use crate::ring::lane::{Answer, Lanes, Ticket};
use crate::ring::parcel::{self, Content};
use crate::sync::is_over;
use crate::wait::deadline::Deadline;
use std::fmt;
use std::time::Duration;

/// Why a long message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// Not in time; nobody gets it.
    TimedOut,
    /// No receiver is left, or this end cannot be used.
    Disconnected,
    /// Its receiver gave up, or died, when so many bytes had been taken.
    Aborted(u64),
    /// Its end has been said: there is nothing more to be written.
    Ended,
}

impl From<Failed> for SendTimeoutError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::TimedOut => Self::Timeout,
            Failed::Disconnected => Self::Disconnected,
            Failed::Aborted(bytes) => Self::Aborted { bytes },
            Failed::Ended => Self::Ended,
        }
    }
}

impl From<Failed> for SendError {
    fn from(failed: Failed) -> Self {
        SendTimeoutError::from(failed).lasting()
    }
}

impl From<Vain> for Failed {
    fn from(vain: Vain) -> Self {
        match vain {
            Vain::Gone(_) => Self::Disconnected,
            Vain::NotNow | Vain::InBetween => Self::TimedOut,
        }
    }
}

/// A message that is being written to a lane. Dropped before its end, nobody gets it.
pub(super) struct Outgoing<'a> {
    core: &'a Attached,
    waits: Waits,
    ticket: Ticket,
    /// Bytes after which the reader is told.
    chunk: usize,
    /// How long the message will be, if that is known.
    len: Option<u64>,
    /// Bytes written to the lane.
    poured: u64,
    /// Bytes that the reader was told of.
    told: u64,
    /// Bytes that the reader has taken.
    freed: u64,
    /// Whether its ticket was sent before its end.
    is_offered: bool,
    /// Whether its end was said: whoever receives it may have believed that already.
    is_ended: bool,
    /// Whether its ticket was sent behind its end: the lane is its receiver's.
    is_handed_over: bool,
}

impl<'a> Outgoing<'a> {
    /// Begins a message: of `len` bytes, or of as many as there will be. Waits for a lane.
    pub(super) fn begin(
        core: &'a Attached,
        len: Option<u64>,
        waits: Waits,
        chunk: usize,
        deadline: Deadline,
    ) -> Result<Self, Failed> {
        let bytes = len.map_or(usize::MAX, |len| usize::try_from(len).unwrap_or(usize::MAX));
        let ticket = lanes::take(core, Want::Copy(bytes), waits, deadline)?;
        Ok(Self::in_lane(core, len, waits, chunk, ticket))
    }

    /// Begins a message in a lane that was taken.
    pub(super) fn in_lane(core: &'a Attached, len: Option<u64>, waits: Waits, chunk: usize, ticket: Ticket) -> Self {
        let chunk = chunk.min(longest(core)).max(1);
        let (poured, told, freed) = (0, 0, 0);
        let (is_offered, is_ended, is_handed_over) = (false, false, false);
        Self { core, waits, ticket, chunk, len, poured, told, freed, is_offered, is_ended, is_handed_over }
    }

    /// The same, with a word on how long it will be.
    pub(super) fn hinted(mut self, len: Option<u64>) -> Self {
        self.len = len;
        self
    }

    /// The whole message has been written, so many bytes.
    pub(super) fn wrote(&mut self, bytes: u64) {
        self.poured = bytes;
    }

    /// Its lane is not ours any more: its ticket was sent, or it was given back.
    fn hand_over(&mut self) {
        self.is_handed_over = true;
    }

    /// Bytes written so far.
    pub(super) fn poured(&self) -> u64 {
        self.poured
    }

    /// In a forked child the lane is the parent's; behind its end the message is nobody's to change.
    fn must_be_ours(&self) -> Result<(), Failed> {
        let is_ours = !self.is_handed_over && self.core.why_unusable().is_none();
        if is_ours { Ok(()) } else { Err(Failed::Disconnected) }
    }

    fn length(&self) -> u64 {
        lanes(self.core).lane_bytes(self.ticket.lane) as u64
    }

    /// Writes the next bytes of the message, as many as there is room for; waits while there is none. Not behind its end.
    pub(super) fn pour(&mut self, bytes: &[u8], deadline: Deadline) -> Result<usize, Failed> {
        if self.is_ended {
            return Err(Failed::Ended);
        }
        self.must_be_ours()?;
        let mut room = self.length() - (self.poured - self.freed);
        if room == 0 {
            self.tell();
            room = self.wait_for_room(deadline)?;
        }
        let count = bytes.len().min(self.chunk).min(usize::try_from(room).unwrap_or(usize::MAX));
        lanes(self.core).pour(self.ticket, self.poured, &bytes[..count]);
        self.poured += count as u64;
        if self.poured - self.told >= self.chunk as u64 {
            self.tell();
            // It will not fit, and may as well be received from now on.
            if !self.is_offered && self.len.is_some_and(|len| len > self.length()) {
                // If there is room in the ring; the bytes have been taken in any case.
                match self.offer(Deadline::after(Duration::ZERO)) {
                    Ok(()) | Err(Failed::TimedOut) => {}
                    Err(failed) => return Err(failed),
                }
            }
        }
        Ok(count)
    }

    /// Makes what was written visible to the reader, if there is one already.
    pub(super) fn tell(&mut self) {
        if self.poured > self.told && self.must_be_ours().is_ok() {
            lanes(self.core).poured(self.ticket, self.poured, false);
            self.told = self.poured;
            if self.is_offered {
                tell_reader(self.core, self.ticket);
            }
        }
    }

    fn wait_for_room(&mut self, deadline: Deadline) -> Result<u64, Failed> {
        if !self.is_offered {
            self.offer(deadline)?;
        }
        match self.reply(deadline)? {
            Answer::Freed(freed) if freed <= self.poured => self.freed = freed,
            _ => return Err(self.aborted()),
        }
        Ok(self.length() - (self.poured - self.freed))
    }

    /// Sends the ticket of a message that is not at its end.
    fn offer(&mut self, deadline: Deadline) -> Result<(), Failed> {
        lanes(self.core).post(self.ticket, self.core.me().member(), false);
        let parcel = parcel::ticket(Content::Flow(self.ticket, self.len));
        waiting::send(self.core, &[parcel], self.waits, deadline)?;
        self.is_offered = true;
        Ok(())
    }

    fn reply(&self, deadline: Deadline) -> Result<Answer, Failed> {
        let Self { core, ticket, freed, waits, .. } = *self;
        Ok(Reply { core, ticket, freed, waits }.wait(deadline)?)
    }

    /// Ends the message, and waits, if it is longer than its lane, until it has been received. Not in time: it is still on its
    /// way, and this may be tried again.
    pub(super) fn end(&mut self, deadline: Deadline) -> Result<(), Failed> {
        self.must_be_ours()?;
        self.is_ended = true;
        if !self.is_offered {
            return Ok(self.send_whole(Some(deadline))?);
        }
        lanes(self.core).poured(self.ticket, self.poured, true);
        self.told = self.poured;
        tell_reader(self.core, self.ticket);
        loop {
            match self.reply(deadline) {
                Ok(Answer::Done) => return Ok(()),
                Ok(Answer::Freed(freed)) if freed <= self.poured => self.freed = freed,
                Ok(_) => return self.decide(self.aborted()),
                Err(Failed::TimedOut) => return Err(Failed::TimedOut),
                Err(failed) => return self.decide(failed),
            }
        }
    }

    /// As [`end`](Self::end); not in time, nobody gets it.
    pub(super) fn end_in_time(mut self, deadline: Deadline) -> Result<(), Failed> {
        match self.end(deadline) {
            Err(Failed::TimedOut) => self.decide(Failed::TimedOut),
            ended => ended,
        }
    }

    /// Somebody may have received the message since we looked, and have gone: what counts is which of the two swaps comes
    /// first.
    fn decide(&mut self, failed: Failed) -> Result<(), Failed> {
        let is_received = self.give_up();
        self.hand_over();
        if is_received { Ok(()) } else { Err(failed) }
    }

    /// Its reader has given up, or is dead.
    fn aborted(&self) -> Failed {
        Failed::Aborted(lanes(self.core).taken(self.ticket).min(self.poured))
    }

    /// Gives the lane back, whatever has become of the message; whether it was received.
    fn give_up(&self) -> bool {
        if self.core.why_unusable().is_some() {
            return false;
        }
        let lanes = lanes(self.core);
        let is_received = lanes.withdraw(self.ticket, lanes.is_read_by_the_living(self.ticket, &**self.core));
        if self.is_offered {
            tell_reader(self.core, self.ticket);
        }
        tell_of_free_lane(self.core);
        is_received
    }

    /// Sends the ticket of a message that is in its lane as a whole; see [`send_ticket`].
    pub(super) fn send_whole(&mut self, deadline: Option<Deadline>) -> Result<(), Vain> {
        self.told = self.poured;
        send_ticket(self.core, (self.ticket, self.poured), self.waits, deadline)?;
        self.hand_over();
        Ok(())
    }
}

impl Drop for Outgoing<'_> {
    fn drop(&mut self) {
        if !self.is_handed_over && !is_over() {
            self.give_up();
        }
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("ticket", &self.ticket).field("poured", &self.poured).finish_non_exhaustive()
    }
}
