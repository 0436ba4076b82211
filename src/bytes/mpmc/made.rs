//! Messages that a closure makes: in private memory, from which they are copied, or where they will be read, whichever is
//! sooner done; and long ones that go to an annex as a whole.

use super::lanes::{Attached, Want, longest, longest_loan, take, try_take};
use super::outgoing::Failed;
use super::pace;
use super::place::InPlace;
use super::sender::Sender;
use crate::bytes::{SendError, SendTimeoutError, TrySendError};
use crate::ring::parcel::INLINE_MAX;
use crate::wait::deadline::Deadline;
use std::io::IoSlice;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of private memory that are kept for the next message.
const KEPT_MAX: usize = 4 << 20;
/// Up to so many bytes are overwritten as a whole before they are made in place. Their lines are in the cache of who read the last
/// message there, and stores of a word at a time fetch them one by one, about 10 ns each where processors share no cache; a
/// fill overwrites them without fetching. Far apart, 8 KiB to 1 MiB then take 0.3 to 1.5 times as long as copied, else 1.2 to 3.4
/// times; near each other they take the same up to 256 KiB, and up to a third longer at 4 MiB. What is longer does not stay in a cache.
const FILLED_MAX: usize = 4 << 20;

/// Private memory in which messages are made; it is kept for the next one. A clone has its own.
#[derive(Debug, Default)]
pub(super) struct Scratch(Mutex<Vec<u8>>);

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Scratch {
    /// At least so many bytes, with anything in them; `None`: there is no memory. Other threads, and who makes a message while
    /// another is being made, get other bytes.
    fn take(&self, len: usize) -> Option<Vec<u8>> {
        let mut bytes = std::mem::take(&mut *self.kept());
        if bytes.len() < len {
            bytes.try_reserve_exact(len - bytes.len()).ok()?;
            bytes.resize(len, 0);
        }
        Some(bytes)
    }

    /// Keeps them for the next time, if they are not many.
    fn keep(&self, bytes: Vec<u8>) {
        let mut kept = self.kept();
        if bytes.len() > kept.len() && bytes.len() <= KEPT_MAX {
            *kept = bytes;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Sends a message of `len` bytes that `make` writes; waits while there is no room for it.
    ///
    /// Where it is made is chosen by its length: up to 112 bytes on the stack, and it goes through the ring; up to
    /// [`Options::copy_up_to`](crate::Options::copy_up_to) in private memory (of which up to 4 MiB are kept for the next one), and
    /// it goes the ways of [`send`](Self::send); longer ones where they will be read, in a lane, or in an annex as a
    /// [`Loan`](super::Loan) does. What no annex can hold, because of its length or for want of memory, is made in private memory,
    /// too, and goes through a lane.
    ///
    /// What is in the bytes at first is not said (zeros, or an older message): `make` is to write all of them. If it panics, nothing
    /// is sent and no memory is
    /// kept. It may use this channel, as long as there are lanes.
    ///
    /// ```
    /// let (tx, rx) = ringway::bytes::mpmc::channel(16)?;
    /// tx.send_with(100_000, |message| message.fill(1))?;
    /// assert_eq!(rx.recv_with(|message| message.iter().filter(|byte| **byte == 1).count())?, 100_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// *Progress*: as `send`; in place without its copy. May sleep until a lane or an annex is free, with nothing made yet.
    ///
    /// # Errors
    ///
    /// [`SendError`]: no receiver is left; the one that received it gave it up in the middle (only of what goes through a lane); or
    /// there is no memory for so many bytes ([`TooLong`](SendError::TooLong)). `make` may have run.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not.
    #[inline]
    pub fn send_with(&self, len: usize, make: impl FnOnce(&mut [u8])) -> Result<(), SendError> {
        self.make(len, Some(Deadline::NEVER), make).map_err(SendTimeoutError::lasting)
    }

    /// As [`send_with`](Self::send_with), if there is room now. One that is longer than a lane needs an annex.
    ///
    /// # Errors
    ///
    /// [`TrySendError`]. `Full` if no lane or annex was free, and then `make` has not run, or no room in the ring;
    /// `TooLong` also if there is no memory for an annex.
    #[inline]
    pub fn try_send_with(&self, len: usize, make: impl FnOnce(&mut [u8])) -> Result<(), TrySendError> {
        self.make(len, None, make).map_err(tried)
    }

    /// As [`send_with`](Self::send_with), waiting for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`]; nobody gets the message then.
    pub fn send_with_timeout(
        &self,
        len: usize,
        timeout: Duration,
        make: impl FnOnce(&mut [u8]),
    ) -> Result<(), SendTimeoutError> {
        self.make(len, Some(Deadline::after(timeout)), make)
    }

    /// `None`: one try.
    #[inline]
    fn make(
        &self,
        len: usize,
        deadline: Option<Deadline>,
        make: impl FnOnce(&mut [u8]),
    ) -> Result<(), SendTimeoutError> {
        if len <= INLINE_MAX {
            let mut message = [0; INLINE_MAX];
            make(&mut message[..len]);
            return self.send_until(&message[..len], deadline);
        }
        self.make_long(len, deadline, make)
    }

    fn make_long(
        &self,
        len: usize,
        deadline: Option<Deadline>,
        make: impl FnOnce(&mut [u8]),
    ) -> Result<(), SendTimeoutError> {
        let must_be_whole = deadline.is_none() && len > longest(self.parcels.core());
        if len > self.copy_up_to || must_be_whole {
            if let Some(mut place) = self.place(len, deadline)? {
                let bytes = place.bytes_mut();
                if len <= FILLED_MAX {
                    bytes.fill(0);
                }
                make(bytes);
                return Ok(place.send(deadline).map_err(Failed::from)?);
            }
            if must_be_whole {
                return Err(self.unplaced(len));
            }
        }
        let limit = longest_loan(self.parcels.core());
        let mut scratch = self.scratch.take(len).ok_or(SendTimeoutError::TooLong { bytes: len, limit })?;
        make(&mut scratch[..len]);
        let sent = self.send_until(&scratch[..len], deadline);
        self.scratch.keep(scratch);
        sent
    }

    /// Why a message that cannot go through a lane was not placed: it is too long for all annexes; or there is no memory for one, and
    /// then it is too long for what there is.
    fn unplaced(&self, len: usize) -> SendTimeoutError {
        let core = self.parcels.core();
        let limit = longest_loan(core);
        SendTimeoutError::TooLong { bytes: len, limit: if len > limit { limit } else { longest(core) } }
    }

    /// Room for a message of so many bytes as a whole: in a lane, or else in an annex; waits for it. `None` if it can be in
    /// neither.
    fn place(&self, len: usize, deadline: Option<Deadline>) -> Result<Option<InPlace<&Attached>>, Failed> {
        let (core, waits) = (self.parcels.core(), self.parcels.waits());
        if len > longest_loan(core) {
            return Ok(None);
        }
        let want = if len > longest(core) { Want::Loan(len) } else { Want::Copy(len) };
        let ticket = match deadline {
            Some(deadline) => {
                pace::keep(core, waits, len, deadline);
                take(core, want, waits, deadline)?
            }
            None => try_take(core, want)?,
        };
        Ok(InPlace::new(core, waits, ticket, len).furnished().ok())
    }

    /// Copies these parts, `len` bytes, to an annex and sends that; without a deadline in one try. `None`: there is no memory for one.
    pub(super) fn send_whole(
        &self,
        parts: &[IoSlice<'_>],
        len: usize,
        deadline: Option<Deadline>,
    ) -> Option<Result<(), Failed>> {
        let mut place = match self.place(len, deadline) {
            Ok(place) => place?,
            Err(failed) => return Some(Err(failed)),
        };
        let mut rest = place.bytes_mut();
        for part in parts {
            let (room, behind) = std::mem::take(&mut rest).split_at_mut_checked(part.len())?;
            room.copy_from_slice(part);
            rest = behind;
        }
        Some(place.send(deadline).map_err(Failed::from))
    }

    /// The same of one part, if it can be now.
    pub(super) fn try_send_whole(&self, message: &[u8]) -> Result<(), TrySendError> {
        let sent = self.send_whole(&[IoSlice::new(message)], message.len(), None);
        sent.map_or_else(|| Err(self.unplaced(message.len())), |sent| Ok(sent?)).map_err(tried)
    }
}

/// What came of one try.
fn tried(error: SendTimeoutError) -> TrySendError {
    match error {
        SendTimeoutError::TooLong { bytes, limit } => TrySendError::TooLong { bytes, limit },
        SendTimeoutError::Timeout => TrySendError::Full,
        SendTimeoutError::Disconnected | SendTimeoutError::Aborted { .. } | SendTimeoutError::Ended => {
            TrySendError::Disconnected
        }
    }
}
