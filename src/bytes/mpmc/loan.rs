//! Shared memory that is lent to a sender, to be written in place and sent without a copy.

use super::lanes::{Want, longest, longest_loan, take, try_take};
use super::pace;
use super::place::InPlace;
use super::sender::Sender;
use crate::bytes::LoanError;
use crate::channel::error::{SendError, SendTimeoutError, TrySendError};
use crate::channel::mpmc;
use crate::channel::mpmc::annexes;
use crate::channel::mpmc::transfer::Vain;
use crate::ring::parcel::Parcel;
use crate::ring::payload::{self, Payload};
use crate::wait::deadline::Deadline;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// Bytes in shared memory, to be written in place. See [`Sender::loan`](super::Sender::loan).
///
/// [`send`](Self::send) hands over the ownership of the memory and copies nothing; the receiver reads it where it is
/// ([`recv_ref`](super::Receiver::recv_ref), [`recv_owned`](super::Receiver::recv_owned)). Dropped, a loan is given back; if its process
/// dies, it comes back too. It is owned: it may be kept, moved to another thread, and outlive its sender, as one more of which it
/// counts ([`sender_count`](super::Sender::sender_count)).
///
/// What is in it at first is whatever was there before. In a forked child it is empty, and is not sent.
///
/// ```
/// let (tx, rx) = ringway::bytes::mpmc::channel(16)?;
/// let mut loan = tx.loan(3 * size_of::<f64>())?;
/// loan.as_mut_slice_of::<f64>().copy_from_slice(&[0.5, 1.5, 2.5]);
/// loan.send()?;
/// let message = rx.recv_ref()?;
/// assert_eq!(message.as_slice_of::<f64>(), Some(&[0.5, 1.5, 2.5][..]));
/// message.commit();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a loan is sent by its `send`, and given back when it is dropped"]
pub struct Loan {
    place: InPlace<mpmc::Sender<Parcel>>,
}

impl Sender {
    /// Lends `len` bytes of shared memory, up to 1 GiB, to be written in place and [sent](Loan::send) without a copy; waits until so
    /// many are free. Where they are: see [which memory a message lies in](super#which-memory-a-message-lies-in).
    ///
    /// *Progress*: a swap; some twenty system calls, and the time in which the kernel finds the memory, when an
    /// [annex](crate::Options::annexes) is made; five when it is mapped for the first time. May poll for a moment before it takes one
    /// more, and sleep until one is free.
    ///
    /// # Errors
    ///
    /// [`LoanError`]: no receiver is left; `len` is more than there can be; the file system has no room for another annex.
    ///
    /// # If this process dies here
    ///
    /// Nothing was lent. An annex that was being made is finished by nobody, and its room is free, or it is there for the next loan.
    pub fn loan(&self, len: usize) -> Result<Loan, LoanError> {
        self.lend(len, Some(Deadline::NEVER))
    }

    /// As [`loan`](Self::loan), if so many bytes are free now.
    ///
    /// # Errors
    ///
    /// [`LoanError`]; `Full` if they are not.
    pub fn try_loan(&self, len: usize) -> Result<Loan, LoanError> {
        self.lend(len, None)
    }

    /// As [`loan`](Self::loan), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`LoanError`]; `Full` if they were not free in time.
    pub fn loan_timeout(&self, len: usize, timeout: Duration) -> Result<Loan, LoanError> {
        self.lend(len, Some(Deadline::after(timeout)))
    }

    fn lend(&self, len: usize, deadline: Option<Deadline>) -> Result<Loan, LoanError> {
        let (core, limit) = (self.parcels.core(), longest_loan(self.parcels.core()));
        if len > limit {
            return Err(LoanError::TooLong { bytes: len, limit });
        }
        match self.lend_as(Want::Loan(len), len, deadline) {
            // For want of memory for another annex it waits for a lane, as if there could be none.
            Err(LoanError::Memory(error)) if len <= longest(core) && annexes::is_no_room(&error) => {
                self.lend_as(Want::Copy(len), len, deadline)
            }
            lent => lent,
        }
    }

    fn lend_as(&self, want: Want, len: usize, deadline: Option<Deadline>) -> Result<Loan, LoanError> {
        let (core, waits) = (self.parcels.core(), self.parcels.waits());
        let ticket = match deadline {
            Some(deadline) => {
                pace::keep(core, waits, len, deadline);
                take(core, want, waits, deadline)
            }
            None => try_take(core, want),
        };
        let ticket = ticket.map_err(|vain| match vain {
            Vain::Gone(_) => LoanError::Disconnected,
            Vain::NotNow | Vain::InBetween => LoanError::Full,
        })?;
        let place = InPlace::new(self.parcels.clone(), waits, ticket, len);
        Ok(Loan { place: place.furnished().map_err(LoanError::Memory)? })
    }
}

impl Loan {
    /// Shortens it: only the first `len` bytes will be sent. Of one that is not longer nothing changes.
    pub fn truncate(&mut self, len: usize) {
        self.place.truncate(len);
    }

    /// The bytes as values of `T`: as many whole ones as there are. They are aligned: a loan begins at a page.
    pub fn as_slice_of<T: Payload>(&self) -> &[T] {
        const { assert!(align_of::<T>() <= 4096, "a loan is aligned to 4096 bytes") };
        payload::front_of(self.place.bytes()).unwrap_or_default()
    }

    /// The same, to be written.
    pub fn as_mut_slice_of<T: Payload>(&mut self) -> &mut [T] {
        const { assert!(align_of::<T>() <= 4096, "a loan is aligned to 4096 bytes") };
        payload::front_of_mut(self.place.bytes_mut()).unwrap_or_default()
    }

    /// Sends it as a message; waits for room in the ring.
    ///
    /// *Progress*: two swaps and what [`mpmc::Sender::send`](crate::mpmc::Sender::send) of a ticket takes, whatever the length.
    ///
    /// # Errors
    ///
    /// [`SendError`], with the loan: no receiver is left, or this is a forked child.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or the memory comes back.
    pub fn send(mut self) -> Result<(), SendError<Self>> {
        match self.place.send(Some(Deadline::NEVER)) {
            Ok(()) => Ok(()),
            Err(_) => Err(SendError(self)),
        }
    }

    /// Sends it if there is room in the ring now.
    ///
    /// # Errors
    ///
    /// [`TrySendError`], with the loan.
    pub fn try_send(mut self) -> Result<(), TrySendError<Self>> {
        match self.place.send(None) {
            Ok(()) => Ok(()),
            Err(Vain::Gone(_)) => Err(TrySendError::Disconnected(self)),
            Err(Vain::NotNow | Vain::InBetween) => Err(TrySendError::Full(self)),
        }
    }

    /// As [`send`](Self::send), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`], with the loan.
    pub fn send_timeout(mut self, timeout: Duration) -> Result<(), SendTimeoutError<Self>> {
        match self.place.send(Some(Deadline::after(timeout))) {
            Ok(()) => Ok(()),
            Err(Vain::Gone(_)) => Err(SendTimeoutError::Disconnected(self)),
            Err(Vain::NotNow | Vain::InBetween) => Err(SendTimeoutError::Timeout(self)),
        }
    }
}

impl Deref for Loan {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.place.bytes()
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.place.bytes_mut()
    }
}

impl fmt::Debug for Loan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("len", &self.place.len()).finish_non_exhaustive()
    }
}
