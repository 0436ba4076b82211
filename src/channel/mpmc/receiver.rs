//! The receiving end.

use super::common::common;
use super::core::Core;
use super::guard::Guard;
use super::lease;
use super::transfer::{self, Got, Vain, Want};
use super::waiting::{self, Waits};
use crate::channel::error::{OpenError, RecvError, RecvTimeoutError, TryRecvError, WaitForPeerError};
use crate::channel::open::How;
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::membership::role::Role;
use crate::ring::mpmc::Popped;
use crate::ring::payload::Payload;
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A receiving end of a channel. Cloning it gives another one, and each message goes to one of them; all may be used by
/// several threads at once.
///
/// When the last receiver anywhere is gone, the senders' next `send` fails. What was not received stays for the next
/// receiver, as long as anybody is attached.
pub struct Receiver<T: Payload> {
    pub(super) core: Arc<Core<T>>,
    pub(super) waits: Waits,
}

common!(Receiver, Role::Receiver, "receiver", "sender");

impl<T: Payload> Receiver<T> {
    /// Receives the next message, waiting while there is none. It leaves the ring: at most once.
    ///
    /// (A message that another receiver was about to take when its process died is received out of its order.
    /// [`recv_ref`](Self::recv_ref) tells.)
    ///
    /// *Progress*: lock-free among those that run while there are messages, and one `futex` wake if a sender sleeps; else
    /// it may sleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and no sender is. See [`disconnect_reason`](Self::disconnect_reason).
    ///
    /// # If this process dies here
    ///
    /// The message was received, or another receiver gets it.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        match self.pop() {
            Some(message) => Ok(message),
            None => self.one_until(Deadline::NEVER).map_err(|_| RecvError),
        }
    }

    /// Receives the next message if there is one now.
    ///
    /// `Empty` means that there was none at an instant inside this call, or that the sender of the next one is stopped in
    /// the middle of sending it (after some microseconds of looking again).
    ///
    /// *Progress*: never sleeps; one `futex` wake if a sender sleeps, one `sched_yield` if others win one race after the
    /// other; when empty, at most every 4 ms one `fcntl` for each
    /// process that is attached.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    ///
    /// # If this process dies here
    ///
    /// The message was received, or another receiver gets it.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        if let Some(message) = self.pop() {
            return Ok(message);
        }
        let mut message = None;
        let tried = waiting::try_recv(&self.core, &mut Want::One(&mut message));
        tried.map_err(empty)?;
        message.ok_or(TryRecvError::Empty)
    }

    /// Receives if nothing stands in the way.
    #[inline(always)]
    fn pop(&self) -> Option<T> {
        let core = &self.core;
        if !core.is_undisturbed(Role::Receiver) {
            return None;
        }
        core.ring().pop_at_once(core.ring().record(lease::front(core)?), || transfer::freed_in_front(core))
    }

    /// Receives if nothing stands in the way, and the message is one that is wanted.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn pop_if(&self, is_wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let core = &self.core;
        if !core.is_undisturbed(Role::Receiver) {
            return None;
        }
        let message = core.ring().pop_at_once_if(core.ring().record(lease::front(core)?), is_wanted)?;
        transfer::freed_in_front(core);
        Some(message)
    }

    /// The same, in a model, to which it would be a race that a message is read before it is claimed.
    #[cfg(loom)]
    pub(crate) fn pop_if(&self, _is_wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        None
    }

    /// Receives the next message, waiting for it for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.one_until(Deadline::after(timeout))
    }

    /// Receives the next message, waiting for it until then.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_timeout(until(deadline))
    }

    #[cold]
    #[inline(never)]
    fn one_until(&self, deadline: Deadline) -> Result<T, RecvTimeoutError> {
        let mut message = None;
        let got = waiting::recv(&self.core, &mut Want::One(&mut message), self.waits, deadline);
        got.map_err(timed_out)?;
        message.ok_or(RecvTimeoutError::Timeout)
    }

    /// Receives up to `messages.len()` messages into the front of `messages`, waiting while there is none; how many.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and no sender is.
    pub fn recv_many(&self, messages: &mut [T]) -> Result<usize, RecvError> {
        match self.pop_some(messages) {
            0 if !messages.is_empty() => {
                let got = waiting::recv(&self.core, &mut Want::Some(messages), self.waits, Deadline::NEVER);
                let received = got.map_err(|_| RecvError)?.position as usize;
                Ok(received + self.pop_some(&mut messages[received..]))
            }
            received => Ok(received),
        }
    }

    /// Receives up to `messages.len()` messages into the front of `messages`, as many as there are now; 0 if none.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and no sender is.
    pub fn try_recv_many(&self, messages: &mut [T]) -> Result<usize, RecvError> {
        match self.pop_some(messages) {
            0 if !messages.is_empty() => match waiting::try_recv(&self.core, &mut Want::Some(messages)) {
                Ok(got) => Ok(got.position as usize),
                Err(Vain::Gone(_)) => Err(RecvError),
                Err(Vain::NotNow | Vain::InBetween) => Ok(0),
            },
            received => Ok(received),
        }
    }

    /// Receives what is there if nothing stands in the way; how many.
    fn pop_some(&self, messages: &mut [T]) -> usize {
        let core = &self.core;
        let mut received = 0;
        while received < messages.len() && core.is_undisturbed(Role::Receiver) {
            let rest = &mut messages[received..];
            let popped =
                lease::with(core, |lease| match core.ring().pop_some(core.ring().record(lease.record), rest) {
                    Popped::Done(some) => {
                        transfer::freed(core, lease);
                        some
                    }
                    _ => 0,
                });
            match popped {
                Ok(some @ 1..) => received += some,
                _ => break,
            }
        }
        received
    }

    /// The next message, to be committed when it has been dealt with: at least once. Waits while there is none.
    ///
    /// The message leaves the ring for a *hand* in shared memory, so a slow job keeps no room from senders. The hand is
    /// free again when the guard is [committed](Guard::commit). A guard that is dropped gives the message back: some
    /// receiver gets it again, behind what is in the ring now, and a lap of the ring later at the latest. There are [`Options::in_hand`](crate::Options::in_hand) hands; while all are in use, this
    /// waits.
    ///
    /// *Progress*: as [`recv`](Self::recv), a second copy and a few stores.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: nothing is left and no sender is. (Messages in others' hands may yet come back: see
    /// [`in_hand`](Self::in_hand).)
    ///
    /// # If this process dies here
    ///
    /// Another receiver gets the message, with [`Guard::is_redelivered`] and the next [`Guard::attempt`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (tx, rx) = ringway::mpmc::channel::<u64>(8)?;
    /// tx.send(7)?;
    /// let job = rx.recv_ref()?;
    /// assert_eq!((*job, job.attempt()), (7, 1));
    /// drop(job); // not done
    /// let job = rx.recv_ref()?;
    /// assert_eq!((*job, job.attempt(), job.is_redelivered()), (7, 2, true));
    /// job.commit();
    /// assert!(rx.try_recv().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_ref(&self) -> Result<Guard<'_, T>, RecvError> {
        self.ref_until(Deadline::NEVER).map_err(|_| RecvError)
    }

    /// As [`recv_ref`](Self::recv_ref), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_ref_timeout(&self, timeout: Duration) -> Result<Guard<'_, T>, RecvTimeoutError> {
        self.ref_until(Deadline::after(timeout)).map_err(timed_out)
    }

    /// As [`recv_ref`](Self::recv_ref), if a message is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; `Empty` also if all hands are in use.
    pub fn try_recv_ref(&self) -> Result<Guard<'_, T>, TryRecvError> {
        if let Some(got) = transfer::pop_in_front(&self.core) {
            return self.guard(got).map_err(empty);
        }
        waiting::try_recv(&self.core, &mut Want::InHand).and_then(|got| self.guard(got)).map_err(empty)
    }

    fn ref_until(&self, deadline: Deadline) -> Result<Guard<'_, T>, Vain> {
        if let Some(got) = transfer::pop_in_front(&self.core) {
            return self.guard(got);
        }
        waiting::recv(&self.core, &mut Want::InHand, self.waits, deadline).and_then(|got| self.guard(got))
    }

    fn guard(&self, got: Got) -> Result<Guard<'_, T>, Vain> {
        // It is in one, as was asked.
        let hand = got.hand.ok_or(Vain::InBetween)?;
        Ok(Guard::new(self, self.core.ring().read_hand(hand), got))
    }

    /// Messages as they come, until nothing is left and no sender is. Waits between them.
    pub fn iter(&self) -> super::Iter<'_, T> {
        super::Iter::new(self)
    }

    /// The messages that are there now. Does not wait.
    pub fn try_iter(&self) -> super::TryIter<'_, T> {
        super::TryIter::new(self)
    }
}

fn empty(vain: Vain) -> TryRecvError {
    match vain {
        Vain::Gone(_) => TryRecvError::Disconnected,
        Vain::NotNow | Vain::InBetween => TryRecvError::Empty,
    }
}

fn timed_out(vain: Vain) -> RecvTimeoutError {
    match vain {
        Vain::Gone(_) => RecvTimeoutError::Disconnected,
        Vain::NotNow | Vain::InBetween => RecvTimeoutError::Timeout,
    }
}
