//! The receiving end.

use super::asked;
use super::common::common;
#[cfg(not(loom))]
use super::corrupt;
use super::guard::Guard;
use crate::channel::end::{End, Stats};
use crate::channel::error::TryGrantError;
use crate::channel::error::{OpenError, RecvError, RecvTimeoutError, TryRecvError, WaitForPeerError};
use crate::channel::open::{How, enter};
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::channel::waiting::{self, Vain};
#[cfg(not(loom))]
use crate::layout::overlay::Frames;
use crate::membership::role::Role;
use crate::ring::payload::Payload;
use crate::ring::spsc::Consumer;
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::time::{Duration, Instant};

/// The receiving end of a channel. `Send`, not `Clone`: there is one.
///
/// Dropping it is leaving: the sender's next `send` fails. What was not received stays for the next receiver, if the
/// sender is still there.
pub struct Receiver<T> {
    pub(super) consumer: Consumer<T>,
    pub(super) end: End,
    pub(super) instance: [u8; 16],
}

common!(Receiver, Role::Receiver, consumer, Consumer, "receiver", "sender");

impl<T: Payload> Receiver<T> {
    /// Receives the next message, waiting while there is none. It leaves the ring: at most once.
    ///
    /// *Progress*: wait-free while there are messages, and one `futex` wake if the sender sleeps; else it may sleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and the sender is gone. See [`disconnect_reason`](Self::disconnect_reason).
    ///
    /// # If this process dies here
    ///
    /// The message was received, or it is still in the ring for the next receiver.
    #[inline(always)]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        if !self.sees_message() {
            self.wait(Deadline::NEVER).map_err(|_| RecvError)?;
        }
        Ok(self.take_seen())
    }

    /// Whether a message is there and nothing stands in its way; else it is to be asked why.
    #[inline(always)]
    fn sees_message(&mut self) -> bool {
        self.end.is_undisturbed() && self.consumer.sees_message()
    }

    /// Takes the message that has been seen.
    #[inline(always)]
    fn take_seen(&mut self) -> T {
        self.consumer.take_seen(|| self.end.publish())
    }

    /// Receives the next message if there is one now.
    ///
    /// *Progress*: wait-free; one `futex` wake if the sender sleeps; when empty, at most every 4 ms one `fcntl`.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    ///
    /// # If this process dies here
    ///
    /// The message was received, or it is still in the ring for the next receiver.
    #[inline(always)]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        if !self.sees_message() {
            self.look_for_message()?;
        }
        Ok(self.take_seen())
    }

    /// The peer's word has changed, or no message is known to be there.
    #[cold]
    #[inline(never)]
    fn look_for_message(&mut self) -> Result<(), TryRecvError> {
        match waiting::try_message(&mut self.consumer, &mut self.end) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Receives the next message, waiting for it for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        if !self.sees_message() {
            self.wait(Deadline::after(timeout)).map_err(timed_out)?;
        }
        Ok(self.take_seen())
    }

    /// Receives the next message, waiting for it until then.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_timeout(until(deadline))
    }

    /// Receives up to `messages.len()` messages into the front of `messages`, waiting while there is none; how many.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and the sender is gone.
    pub fn recv_many(&mut self, messages: &mut [T]) -> Result<usize, RecvError> {
        if messages.is_empty() {
            return Ok(0);
        }
        if self.end.is_undisturbed() {
            // An error is found again, and dealt with, below.
            if let Ok(taken @ 1..) = self.consumer.pop_some(messages) {
                self.end.publish();
                return Ok(taken);
            }
        }
        self.wait(Deadline::NEVER).map_err(|_| RecvError)?;
        self.take(messages)
    }

    /// Receives up to `messages.len()` messages into the front of `messages`, as many as there are now; 0 if none.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and the sender is gone.
    pub fn try_recv_many(&mut self, messages: &mut [T]) -> Result<usize, RecvError> {
        if messages.is_empty() {
            return Ok(0);
        }
        if !self.end.is_undisturbed() {
            self.end.digest();
            if !self.end.is_usable() {
                return Err(RecvError);
            }
        }
        match self.take(messages) {
            Ok(0) => match self.end.probe(false) {
                None => Ok(0),
                // The sender is gone, so what it sent is all there now.
                Some(_) => self.take(messages).and_then(|n| if n > 0 { Ok(n) } else { Err(RecvError) }),
            },
            taken => taken,
        }
    }

    /// Copies out what is there, releases it and rings once.
    fn take(&mut self, messages: &mut [T]) -> Result<usize, RecvError> {
        if !self.end.is_usable() {
            return Err(RecvError);
        }
        match self.consumer.pop_some(messages) {
            Ok(0) => Ok(0),
            Ok(taken) => {
                self.end.publish();
                Ok(taken)
            }
            Err(corrupt) => {
                self.end.poison(corrupt);
                Err(RecvError)
            }
        }
    }

    /// The next message, to be committed when it has been dealt with: at least once. Waits while there is none.
    ///
    /// The message keeps its room in the ring until the guard is [committed](Guard::commit). A guard that is dropped or
    /// forgotten gives it back: the next receive of any kind gets it again.
    ///
    /// *Progress*: as [`recv`](Self::recv), and two stores.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and the sender is gone.
    ///
    /// # If this process dies here
    ///
    /// The next receiver gets the message again, with [`Guard::is_redelivered`] and the next [`Guard::attempt`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (mut tx, mut rx) = ringway::spsc::channel::<u64>(8)?;
    /// tx.send(7)?;
    /// let job = rx.recv_ref()?;
    /// assert_eq!((*job, job.attempt()), (7, 1));
    /// drop(job); // not done
    /// let job = rx.recv_ref()?;
    /// assert_eq!((*job, job.attempt(), job.is_redelivered()), (7, 2, true));
    /// job.commit();
    /// assert!(rx.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn recv_ref(&mut self) -> Result<Guard<'_, T>, RecvError> {
        if !self.sees_message() {
            self.wait(Deadline::NEVER).map_err(|_| RecvError)?;
        }
        Ok(Guard::new(self))
    }

    /// As [`recv_ref`](Self::recv_ref), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_ref_timeout(&mut self, timeout: Duration) -> Result<Guard<'_, T>, RecvTimeoutError> {
        if !self.sees_message() {
            self.wait(Deadline::after(timeout)).map_err(timed_out)?;
        }
        Ok(Guard::new(self))
    }

    /// As [`recv_ref`](Self::recv_ref), if a message is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv_ref(&mut self) -> Result<Guard<'_, T>, TryRecvError> {
        if !self.sees_message() {
            self.look_for_message()?;
        }
        Ok(Guard::new(self))
    }

    /// Exactly `n` messages (at least one), to be read in place and then released.
    ///
    /// Nothing leaves the ring before [`release`](super::ReadGrant::release): at least once, as with
    /// [`recv_ref`](Self::recv_ref).
    ///
    /// *Progress*: wait-free.
    ///
    /// # Errors
    ///
    /// [`TryGrantError::TooFew`] says how many there are.
    pub fn try_read(&mut self, n: usize) -> Result<super::ReadGrant<'_, T>, TryGrantError> {
        match waiting::try_message(&mut self.consumer, &mut self.end) {
            Some(Ok(())) => {}
            Some(Err(_)) => return Err(TryGrantError::Disconnected),
            None => return Err(TryGrantError::TooFew(0)),
        }
        match self.consumer.available(n) {
            Ok(available) if available >= n => Ok(super::ReadGrant::new(&mut self.consumer, &mut self.end, n.max(1))),
            Ok(available) => Err(TryGrantError::TooFew(available)),
            Err(corrupt) => {
                self.end.poison(corrupt);
                Err(TryGrantError::Disconnected)
            }
        }
    }

    /// At least one and at most `max` messages, to be read in place; waits while there is none.
    ///
    /// *Progress*: may sleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and the sender is gone.
    pub fn read_up_to(&mut self, max: usize) -> Result<super::ReadGrant<'_, T>, RecvError> {
        let max = max.max(1);
        let mut available = if self.end.is_undisturbed() { self.consumer.available(max) } else { Ok(0) };
        if available == Ok(0) {
            self.wait(Deadline::NEVER).map_err(|_| RecvError)?;
            available = self.consumer.available(max);
        }
        match available {
            Ok(available) => Ok(super::ReadGrant::new(&mut self.consumer, &mut self.end, available.max(1))),
            Err(corrupt) => {
                self.end.poison(corrupt);
                Err(RecvError)
            }
        }
    }

    /// Says that nothing more is received: the sender's next `send` fails. What is there can still be received.
    /// Idempotent; dropping does the same.
    pub fn close(&mut self) {
        self.end.close();
    }

    /// Messages as they come, until nothing is left and the sender is gone. Waits between them.
    pub fn iter(&mut self) -> super::Iter<'_, T> {
        super::Iter::new(self)
    }

    /// The messages that are there now. Does not wait.
    pub fn try_iter(&mut self) -> super::TryIter<'_, T> {
        super::TryIter::new(self)
    }

    #[cold]
    #[inline(never)]
    fn wait(&mut self, deadline: Deadline) -> Result<(), Vain> {
        waiting::for_message(&mut self.consumer, &mut self.end, deadline)
    }
}

fn timed_out(vain: Vain) -> RecvTimeoutError {
    match vain {
        Vain::Gone(_) => RecvTimeoutError::Disconnected,
        Vain::TimedOut => RecvTimeoutError::Timeout,
    }
}
