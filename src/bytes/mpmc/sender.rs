//! The sending end.

use super::common::common;
use super::lanes::{Attached, Want, lanes, longest, try_take};
use super::lanes::{longest_loan, take};
use super::made::Scratch;
use super::outgoing::{Failed, Outgoing};
use super::place::InPlace;
use super::writer::MessageWriter;
use crate::bytes::{SendError, SendTimeoutError, TrySendError};
use crate::channel::error::{self, OpenError, WaitForPeerError};
use crate::channel::mpmc::open;
use crate::channel::mpmc::transfer::Vain;
use crate::channel::mpmc::waiting;
use crate::channel::mpmc::{self, Stats};
use crate::channel::open::How;
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::ring::lane::Lanes;
use crate::ring::parcel::{self, INLINE_MAX, Parcel};
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::io::IoSlice;
use std::path::Path;
use std::time::{Duration, Instant};

/// A sending end of a channel of bytes. Cloning it gives another one; both may be used by several threads at once.
#[derive(Clone)]
pub struct Sender {
    pub(super) parcels: mpmc::Sender<Parcel>,
    chunk: usize,
    /// Longer ones are made in place, if a closure makes them.
    pub(super) copy_up_to: usize,
    /// So long ones go to an annex as a whole.
    whole_up_to: usize,
    pub(super) scratch: Scratch,
}

common!(Sender, parcels, "sender", "receiver");

impl Sender {
    pub(super) fn of(core: Attached, options: &Options) -> Self {
        Self {
            parcels: mpmc::Sender::of(core, options),
            chunk: options.chunk_bytes,
            copy_up_to: options.copy_up_to,
            whole_up_to: options.whole_up_to,
            scratch: Scratch::default(),
        }
    }

    /// Sends a message of any length, waiting while there is no room for it.
    ///
    /// Up to 112 bytes go through the ring; up to a lane's length ([`Options::lanes`]) are copied to a lane, and are sent when
    /// this returns. A longer message goes through a lane while it is being received, and has been received when this returns:
    /// it waits for a receiver; unless it is one of those that go to an annex as a whole ([`Options::whole_up_to`]), and are
    /// sent when this returns.
    ///
    /// *Progress*: for a short message as [`mpmc::Sender::send`](crate::mpmc::Sender::send); for others one copy, two swaps,
    /// and may sleep until a lane is free; for one that is longer than a lane, until it has been received.
    ///
    /// # Errors
    ///
    /// [`SendError`]: no receiver is left; or the one that received this message gave it up or died in the middle. Nobody gets
    /// it then; but one who had it [in hand](super::Receiver::recv_ref) has seen it, and may have dealt with it.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not; who was receiving it gets [`RecvError::Aborted`](crate::bytes::RecvError).
    #[inline]
    pub fn send(&self, message: &[u8]) -> Result<(), SendError> {
        if message.len() <= INLINE_MAX {
            return self.parcels.send(parcel::inline(message)).map_err(|_| SendError::Disconnected);
        }
        Ok(self.send_long(&[IoSlice::new(message)], Deadline::NEVER)?)
    }

    /// Sends one message that is made of these parts. See [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As `send`.
    pub fn send_vectored(&self, parts: &[IoSlice<'_>]) -> Result<(), SendError> {
        Ok(self.send_parts(parts, Deadline::NEVER)?)
    }

    /// As [`send`](Self::send), waiting for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`]; nobody gets the message then, though somebody may have begun to receive it; and of one that is longer
    /// than a lane, who has it [in hand](super::Receiver::recv_ref) has seen it, and may deal with it.
    pub fn send_timeout(&self, message: &[u8], timeout: Duration) -> Result<(), SendTimeoutError> {
        Ok(self.send_parts(&[IoSlice::new(message)], Deadline::after(timeout))?)
    }

    /// As [`send`](Self::send), waiting until then.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    pub fn send_deadline(&self, message: &[u8], deadline: Instant) -> Result<(), SendTimeoutError> {
        self.send_timeout(message, until(deadline))
    }

    /// Sends a message if there is room for it now. One that is longer than a lane cannot be sent so, but those that go to an
    /// annex as a whole ([`Options::whole_up_to`]).
    ///
    /// # Errors
    ///
    /// [`TrySendError`].
    pub fn try_send(&self, message: &[u8]) -> Result<(), TrySendError> {
        if message.len() <= INLINE_MAX {
            return self.parcels.try_send(parcel::inline(message)).map_err(|error| match error {
                error::TrySendError::Full(_) => TrySendError::Full,
                error::TrySendError::Disconnected(_) => TrySendError::Disconnected,
            });
        }
        self.try_send_long(message)
    }

    fn try_send_long(&self, message: &[u8]) -> Result<(), TrySendError> {
        let (core, limit) = (self.core(), longest(self.core()));
        if message.len() > limit {
            if self.is_whole(message.len()) {
                return self.try_send_whole(message);
            }
            return Err(TrySendError::TooLong { bytes: message.len(), limit });
        }
        let told = |vain| match vain {
            Vain::Gone(_) => TrySendError::Disconnected,
            Vain::NotNow | Vain::InBetween => TrySendError::Full,
        };
        let ticket = try_take(core, Want::Copy(message.len())).map_err(told)?;
        let (len, waits) = (Some(message.len() as u64), self.parcels.waits());
        let mut outgoing = Outgoing::in_lane(core, len, waits, message.len(), ticket);
        lanes(core).pour(ticket, 0, message);
        outgoing.wrote(message.len() as u64);
        outgoing.send_whole(None).map_err(told)
    }

    fn send_parts(&self, parts: &[IoSlice<'_>], deadline: Deadline) -> Result<(), Failed> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > INLINE_MAX {
            return self.send_long(parts, deadline);
        }
        let mut message = [0; INLINE_MAX];
        let mut at = 0;
        for part in parts {
            message[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        waiting::send(self.core(), &[parcel::inline(&message[..len])], self.parcels.waits(), deadline)?;
        Ok(())
    }

    #[inline(never)]
    fn send_long(&self, parts: &[IoSlice<'_>], deadline: Deadline) -> Result<(), Failed> {
        let len = parts.iter().map(|part| part.len() as u64).sum();
        if self.is_whole(usize::try_from(len).unwrap_or(usize::MAX)) {
            if let Some(sent) = self.send_whole(parts, len as usize, Some(deadline)) {
                return sent;
            }
        }
        let mut outgoing = Outgoing::begin(self.core(), Some(len), self.parcels.waits(), self.chunk, deadline)?;
        for part in parts {
            let mut rest: &[u8] = part;
            while !rest.is_empty() {
                let count = outgoing.pour(rest, deadline)?;
                rest = &rest[count..];
            }
        }
        outgoing.end_in_time(deadline)
    }

    /// Room for a message of at most `most` bytes, to be written in place and [committed](super::Claim::commit); waits for it.
    ///
    /// # Errors
    ///
    /// [`SendError`]: no receiver is left; or `most` is more than a lane's length ([`TooLong`](SendError::TooLong)); a
    /// [loan](Self::loan) can be longer.
    pub fn claim(&self, most: usize) -> Result<super::Claim<'_>, SendError> {
        self.claim_until(most, Deadline::NEVER).map_err(SendTimeoutError::lasting)
    }

    /// As [`claim`](Self::claim), waiting until then.
    pub(crate) fn claim_until(&self, most: usize, deadline: Deadline) -> Result<super::Claim<'_>, SendTimeoutError> {
        let (core, limit, waits) = (self.core(), longest(self.core()), self.parcels.waits());
        if most > limit {
            return Err(SendTimeoutError::TooLong { bytes: most, limit });
        }
        let ticket = take(core, Want::Copy(most), waits, deadline).map_err(Failed::from)?;
        Ok(super::Claim::new(InPlace::new(core, waits, ticket, most)))
    }

    /// As [`send_timeout`](Self::send_timeout), waiting until then; `None`: one try.
    #[inline]
    pub(crate) fn send_until(&self, message: &[u8], deadline: Option<Deadline>) -> Result<(), SendTimeoutError> {
        match deadline {
            Some(Deadline::NEVER) => Ok(self.send(message)?),
            Some(deadline) => Ok(self.send_parts(&[IoSlice::new(message)], deadline)?),
            None => self.try_send(message).map_err(|error| match error {
                TrySendError::Full => SendTimeoutError::Timeout,
                TrySendError::Disconnected => SendTimeoutError::Disconnected,
                TrySendError::TooLong { bytes, limit } => SendTimeoutError::TooLong { bytes, limit },
            }),
        }
    }

    /// Whether a message of so many bytes, which no lane holds, goes to an annex.
    fn is_whole(&self, len: usize) -> bool {
        let core = self.core();
        len <= self.whole_up_to && len > longest(core) && len <= longest_loan(core)
    }

    /// How long a message may be that a lane of the smallest length above `bytes` holds; `None`: no lane is longer.
    #[cfg(feature = "serde")]
    pub(crate) fn longer_lane(&self, bytes: usize) -> Option<usize> {
        let table = lanes(self.core()).tables.lanes;
        let class = [table.short, table.long].into_iter().find(|class| class.count > 0 && class.bytes > bytes as u64);
        class.map(|class| class.bytes as usize)
    }

    /// As [`writer`](Self::writer), waiting for a lane for so long.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`]: not in time, or no receiver is left.
    pub fn writer_timeout(&self, len: Option<u64>, timeout: Duration) -> Result<MessageWriter<'_>, SendTimeoutError> {
        let deadline = Deadline::after(timeout);
        let outgoing = Outgoing::begin(self.core(), None, self.parcels.waits(), self.chunk, deadline)?;
        Ok(MessageWriter::new(outgoing.hinted(len)))
    }

    /// A message that is written piece by piece, of `len` bytes if that is known. It may be received while it is being
    /// written; it is one message, whole or not at all.
    ///
    /// *Progress*: may sleep until a lane is free; see [`MessageWriter`].
    ///
    /// # Errors
    ///
    /// [`SendError`]: no receiver is left.
    pub fn writer(&self, len: Option<u64>) -> Result<MessageWriter<'_>, SendError> {
        // A lane for any length: what `len` says is a hint.
        let outgoing = Outgoing::begin(self.core(), None, self.parcels.waits(), self.chunk, Deadline::NEVER);
        Ok(MessageWriter::new(outgoing?.hinted(len)))
    }
}
