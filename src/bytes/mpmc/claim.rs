//! A message that is written in place.

use super::lanes::{Attached, lanes};
use super::outgoing::Outgoing;
use crate::bytes::SendError;
#[cfg(all(feature = "serde", not(loom)))]
use crate::bytes::SendTimeoutError;
use crate::ring::lane::Lanes;
use crate::wait::deadline::Deadline;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Room for a message, to be written in place. See [`Sender::claim`](super::Sender::claim).
///
/// It is sent by [`commit`](Self::commit); dropped, it is given back. What is in it at first is whatever was there before. In a
/// forked child it is empty, and is not sent.
#[must_use = "a claim is sent when it is committed"]
pub struct Claim<'a> {
    core: &'a Attached,
    outgoing: Outgoing<'a>,
    len: usize,
}

impl<'a> Claim<'a> {
    pub(super) fn new(core: &'a Attached, outgoing: Outgoing<'a>, len: usize) -> Self {
        Self { core, outgoing, len }
    }

    /// Sends the first `len` bytes as a message; waits for room in the ring.
    ///
    /// # Errors
    ///
    /// [`SendError`]: no receiver is left.
    ///
    /// # Panics
    ///
    /// If `len` is more than was claimed.
    pub fn commit(mut self, len: usize) -> Result<(), SendError> {
        assert!(len <= self.len, "{len} bytes committed of a claim of {}", self.len);
        self.outgoing.wrote_in_place(len as u64);
        self.outgoing.end(Deadline::NEVER).map_err(|_| SendError::Disconnected)
    }

    /// As [`commit`](Self::commit), waiting until then; `None`: one try. Not in time: nobody gets it.
    #[cfg(all(feature = "serde", not(loom)))]
    pub(crate) fn commit_until(mut self, len: usize, deadline: Option<Deadline>) -> Result<(), SendTimeoutError> {
        assert!(len <= self.len, "{len} bytes committed of a claim of {}", self.len);
        self.outgoing.wrote_in_place(len as u64);
        match deadline {
            Some(deadline) => Ok(self.outgoing.end_in_time(deadline)?),
            None => Ok(self.outgoing.try_end(len as u64).map_err(super::outgoing::Failed::from)?),
        }
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.core.member().is_forked() {
            return &[];
        }
        lanes(self.core).view(self.outgoing.ticket(), self.len)
    }
}

impl DerefMut for Claim<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        if self.core.member().is_forked() {
            return &mut [];
        }
        lanes(self.core).view_mut(self.outgoing.ticket(), self.len)
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.len).finish_non_exhaustive()
    }
}
