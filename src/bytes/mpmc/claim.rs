//! A message that is written in place, while its sender is borrowed.

use super::lanes::Attached;
#[cfg(feature = "serde")]
use super::outgoing::Failed;
use super::place::InPlace;
use crate::bytes::SendError;
#[cfg(feature = "serde")]
use crate::bytes::SendTimeoutError;
use crate::wait::deadline::Deadline;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Room for a message, to be written in place. See [`Sender::claim`](super::Sender::claim).
///
/// It is sent by [`commit`](Self::commit); dropped, it is given back. What is in it at first is whatever was there before. In a
/// forked child it is empty, and is not sent.
#[must_use = "a claim is sent when it is committed"]
pub struct Claim<'a> {
    place: InPlace<&'a Attached>,
}

impl<'a> Claim<'a> {
    pub(super) fn new(place: InPlace<&'a Attached>) -> Self {
        Self { place }
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
        let claimed = self.place.len();
        assert!(len <= claimed, "{len} bytes committed of a claim of {claimed}");
        self.place.truncate(len);
        self.place.send(Some(Deadline::NEVER)).map_err(|_| SendError::Disconnected)
    }

    /// As [`commit`](Self::commit), waiting until then; `None`: one try. Not in time: nobody gets it.
    #[cfg(feature = "serde")]
    pub(crate) fn commit_until(mut self, len: usize, deadline: Option<Deadline>) -> Result<(), SendTimeoutError> {
        let claimed = self.place.len();
        assert!(len <= claimed, "{len} bytes committed of a claim of {claimed}");
        self.place.truncate(len);
        Ok(self.place.send(deadline).map_err(Failed::from)?)
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.place.bytes()
    }
}

impl DerefMut for Claim<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.place.bytes_mut()
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.place.len()).finish_non_exhaustive()
    }
}
