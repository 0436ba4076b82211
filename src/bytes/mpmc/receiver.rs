//! The receiving end.

use super::common::common;
use super::guard::{Guard, OwnedGuard};
use super::incoming::{Body, Gathering, Incoming, Lacking, Received, commit, finish};
use super::lanes::Attached;
use super::reader::MessageReader;
use crate::bytes::{RecvError, RecvTimeoutError, TryRecvError};
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::mpmc::open;
use crate::channel::mpmc::{self, Stats};
use crate::channel::open::How;
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::ring::lane::Finished;
use crate::ring::parcel::{self, Parcel};
use crate::sync::Ordering::Relaxed;
use crate::sync::private::AtomicU64;
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest message that a receiver takes that was told nothing else.
const LIMIT: u64 = 1 << 30;

/// A receiving end of a channel of bytes. Cloning it gives another one, and each message goes to one of them; all may be
/// used by several threads at once.
///
/// A long message that this end has begun to receive, and that is not complete yet, is kept between two calls; dropping the
/// end gives it up, and its sender learns that.
pub struct Receiver {
    pub(super) parcels: mpmc::Receiver<Parcel>,
    /// Long messages that have been taken up and are not complete.
    gathering: Mutex<Vec<Gathering>>,
    /// 1 while there may be some: then no call may take short messages alone, or those would never come on.
    is_gathering: AtomicU64,
    chunk: usize,
    limit: u64,
}

common!(Receiver, parcels, "receiver", "sender");

impl Receiver {
    pub(super) fn of(core: Attached, options: &Options) -> Self {
        let parcels = mpmc::Receiver::of(core, options);
        let is_gathering = AtomicU64::new(0);
        Self { parcels, gathering: Mutex::default(), is_gathering, chunk: options.chunk_bytes, limit: LIMIT }
    }

    /// Takes no message that is longer than so many bytes: 1 GiB unless it is told. Such a one is given up, and
    /// [`RecvError::TooLong`] told; this is what a sender can make this process allocate.
    pub fn set_limit(&mut self, bytes: u64) {
        self.limit = bytes;
    }

    /// The next message, waiting while there is none.
    ///
    /// *Progress*: for short messages as [`mpmc::Receiver::recv`](crate::mpmc::Receiver::recv), and an allocation; else it may
    /// sleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`]. After all but `Disconnected` the channel goes on with the next message.
    ///
    /// # If this process dies here
    ///
    /// The message was received, or another receiver gets it; of one that is longer than a lane, its sender learns that it was
    /// not received.
    pub fn recv(&self) -> Result<Vec<u8>, RecvError> {
        let mut message = Vec::new();
        self.recv_into(&mut message).map(|_| message)
    }

    /// As [`recv`](Self::recv), into a vector that may be used again: no allocation if it is large enough. What was in it is
    /// gone, also after an error. How many bytes the message has.
    ///
    /// # Errors
    ///
    /// As `recv`.
    #[inline]
    pub fn recv_into(&self, message: &mut Vec<u8>) -> Result<usize, RecvError> {
        message.clear();
        if self.recv_short(message) {
            return Ok(message.len());
        }
        self.recv_copy(message, Some(Deadline::NEVER)).map_err(|lacking| lacking.told_for_good(self.limit))
    }

    /// The next message, if it is there now. (Of one that is longer than a lane each call copies what has come.)
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub fn try_recv(&self) -> Result<Vec<u8>, TryRecvError> {
        let mut message = Vec::new();
        self.try_recv_into(&mut message).map(|_| message)
    }

    /// As [`try_recv`](Self::try_recv), into a vector that may be used again.
    ///
    /// # Errors
    ///
    /// As `try_recv`.
    pub fn try_recv_into(&self, message: &mut Vec<u8>) -> Result<usize, TryRecvError> {
        message.clear();
        if self.recv_short(message) {
            return Ok(message.len());
        }
        self.recv_copy(message, None).map_err(|lacking| lacking.told(self.limit).into())
    }

    /// As [`recv`](Self::recv), waiting for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`]. What has come of a long message is kept for the next call.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Vec<u8>, RecvTimeoutError> {
        let mut message = Vec::new();
        self.recv_into_timeout(&mut message, timeout).map(|_| message)
    }

    /// As [`recv_timeout`](Self::recv_timeout), into a vector that may be used again.
    ///
    /// # Errors
    ///
    /// As `recv_timeout`.
    pub fn recv_into_timeout(&self, message: &mut Vec<u8>, timeout: Duration) -> Result<usize, RecvTimeoutError> {
        message.clear();
        if self.recv_short(message) {
            return Ok(message.len());
        }
        self.recv_copy(message, Some(Deadline::after(timeout))).map_err(|lacking| lacking.told(self.limit))
    }

    /// As [`recv`](Self::recv), waiting until then.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<Vec<u8>, RecvTimeoutError> {
        self.recv_timeout(until(deadline))
    }

    /// The next message, looked at by `see` where it lies, and done when that returns; waits while there is none. What `see`
    /// returns.
    ///
    /// Nothing is copied but what comes through the ring (up to 112 bytes), and what comes through a lane because it is longer;
    /// of that the sender has learnt that it was received before `see` gets it. Here is no threshold: what lies in a lane is read there
    /// no slower than out of it. `see` keeps the lane while it runs, so let it be short, or [take the message out](Self::recv_into). It may use
    /// this channel. If it panics, the message is done.
    ///
    /// *Progress*: as [`recv_into`](Self::recv_into), without its copy.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv); `see` has not run then.
    ///
    /// # If this process dies here
    ///
    /// The message was received, or another receiver gets it, marked.
    #[inline]
    pub fn recv_with<R>(&self, see: impl FnOnce(&[u8]) -> R) -> Result<R, RecvError> {
        self.show(Some(Deadline::NEVER), see).map_err(|error| error.lasting().unwrap_or(RecvError::Disconnected))
    }

    /// As [`recv_with`](Self::recv_with), if a message is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv_with<R>(&self, see: impl FnOnce(&[u8]) -> R) -> Result<R, TryRecvError> {
        self.show(None, see).map_err(TryRecvError::from)
    }

    /// As [`recv_with`](Self::recv_with), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`]. What has come of a long message is kept for the next call.
    pub fn recv_with_timeout<R>(&self, timeout: Duration, see: impl FnOnce(&[u8]) -> R) -> Result<R, RecvTimeoutError> {
        self.show(Some(Deadline::after(timeout)), see)
    }

    /// The next message, to be committed when it has been dealt with: at least once. Waits while there is none.
    ///
    /// A message that is not longer than a lane stays where it is, and is read in place; who gives it back, or dies, leaves it
    /// to another receiver, marked. Of a longer one the sender waits for the commit: given back, or its holder dead, the
    /// sender's `send` fails, and it decides. (So it does if its time runs out before the commit, which then says nothing.)
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_ref(&self) -> Result<Guard<'_>, RecvError> {
        let (_, received) = self.receive(Vec::new(), Some(Deadline::NEVER));
        received.map(|received| Guard::new(self.core(), received)).map_err(|lacking| lacking.told_for_good(self.limit))
    }

    /// As [`recv_ref`](Self::recv_ref), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_ref_timeout(&self, timeout: Duration) -> Result<Guard<'_>, RecvTimeoutError> {
        let (_, received) = self.receive(Vec::new(), Some(Deadline::after(timeout)));
        received.map(|received| Guard::new(self.core(), received)).map_err(|lacking| lacking.told(self.limit))
    }

    /// As [`recv_ref`](Self::recv_ref), if a message is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub fn try_recv_ref(&self) -> Result<Guard<'_>, TryRecvError> {
        let (_, received) = self.receive(Vec::new(), None);
        received.map(|received| Guard::new(self.core(), received)).map_err(|lacking| lacking.told(self.limit).into())
    }

    /// As [`recv_ref`](Self::recv_ref), with a guard that borrows nothing.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_owned(&self) -> Result<OwnedGuard, RecvError> {
        let (_, received) = self.receive(Vec::new(), Some(Deadline::NEVER));
        received.map(|received| self.owned(received)).map_err(|lacking| lacking.told_for_good(self.limit))
    }

    /// As [`recv_owned`](Self::recv_owned), waiting for so long.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`].
    pub fn recv_owned_timeout(&self, timeout: Duration) -> Result<OwnedGuard, RecvTimeoutError> {
        let (_, received) = self.receive(Vec::new(), Some(Deadline::after(timeout)));
        received.map(|received| self.owned(received)).map_err(|lacking| lacking.told(self.limit))
    }

    /// As [`recv_owned`](Self::recv_owned), if a message is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub fn try_recv_owned(&self) -> Result<OwnedGuard, TryRecvError> {
        let (_, received) = self.receive(Vec::new(), None);
        received.map(|received| self.owned(received)).map_err(|lacking| lacking.told(self.limit).into())
    }

    fn owned(&self, received: Received) -> OwnedGuard {
        OwnedGuard::new(Attached::clone(self.core()), received)
    }

    /// The next message as an [`io::Read`](std::io::Read), while it is still being written; waits for one.
    ///
    /// This end receives nothing else meanwhile (clones do). A message that it has [begun to gather](Self::recv_timeout) stays
    /// where it is.
    ///
    /// # Errors
    ///
    /// [`RecvError`]. No message is too long for a reader.
    pub fn reader(&self) -> Result<MessageReader<'_>, RecvError> {
        MessageReader::open(self)
    }

    /// Messages as they come, until nothing is left and no sender is. Waits between them. An error of one message is passed
    /// on, and the next one follows.
    pub fn iter(&self) -> Iter<'_> {
        Iter { receiver: self }
    }

    /// A short message, if nothing stands in the way.
    #[inline(always)]
    fn recv_short(&self, message: &mut Vec<u8>) -> bool {
        // Relaxed: a thread that uses the same end and is not told yet looks at the next call.
        if self.is_gathering.load(Relaxed) != 0 {
            return false;
        }
        if let Some(parcel) = self.parcels.pop_if(|parcel| super::incoming::is_inline(parcel, self.limit)) {
            if let Ok(parcel::Content::Inline(len)) = parcel::content(&parcel, 0, |_| 0) {
                message.extend_from_slice(parcel::bytes(&parcel, len));
                return true;
            }
        }
        false
    }

    /// The next message, copied; `None`: one try.
    #[inline(never)]
    fn recv_copy(&self, message: &mut Vec<u8>, deadline: Option<Deadline>) -> Result<usize, Lacking> {
        let (spare, received) = self.receive(std::mem::take(message), deadline);
        *message = spare;
        message.clear();
        self.take_out(received?, message)
    }

    /// The next message as it came.
    fn receive(&self, spare: Vec<u8>, deadline: Option<Deadline>) -> (Vec<u8>, Result<Received, Lacking>) {
        let core = self.core();
        // Taken out, so that other threads that use this end wait for messages and not for us. Relaxed: see `recv_short`.
        let is_any = self.is_gathering.load(Relaxed) != 0;
        let mut gathering = if is_any { std::mem::take(&mut *self.gathering()) } else { Vec::new() };
        let incoming = Incoming::new(core, &mut gathering, spare, self.parcels.waits(), self.chunk, self.limit);
        let mut incoming = incoming.with_kept(&self.gathering);
        let received = match deadline {
            Some(deadline) if !deadline.is_over() => incoming.wait(deadline),
            _ => incoming.take(),
        };
        let spare = incoming.into_spare();
        if is_any || !gathering.is_empty() {
            let mut kept = self.gathering();
            kept.append(&mut gathering);
            self.is_gathering.store(u64::from(!kept.is_empty()), Relaxed); // relaxed: see `recv_short`
        }
        (spare, received)
    }

    /// See [`recv_with`](Self::recv_with); `None`: one try.
    #[inline]
    pub(crate) fn show<R>(
        &self,
        deadline: Option<Deadline>,
        see: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, RecvTimeoutError> {
        // Relaxed: see `recv_short`.
        if self.is_gathering.load(Relaxed) == 0 {
            if let Some(parcel) = self.parcels.pop_if(|parcel| super::incoming::is_inline(parcel, self.limit)) {
                if let Ok(parcel::Content::Inline(len)) = parcel::content(&parcel, 0, |_| 0) {
                    return Ok(see(parcel::bytes(&parcel, len)));
                }
            }
        }
        self.show_any(deadline, see).map_err(|lacking| lacking.told(self.limit))
    }

    #[inline(never)]
    fn show_any<R>(&self, deadline: Option<Deadline>, see: impl FnOnce(&[u8]) -> R) -> Result<R, Lacking> {
        let (_, received) = self.receive(Vec::new(), deadline);
        let received = received?;
        if let Body::Whole(whole) = received.body {
            // Done with, also if `see` panics.
            let shown = Shown { core: self.core(), whole, hand: received.hand };
            return Ok(see(shown.whole.view(shown.core)));
        }
        let mut message = Vec::new();
        self.take_out(received, &mut message)?;
        Ok(see(&message))
    }

    /// Copies a message out, and is done with it.
    fn take_out(&self, received: Received, message: &mut Vec<u8>) -> Result<usize, Lacking> {
        let core = self.core();
        match received.body {
            Body::Inline(len) => {
                message.extend_from_slice(parcel::bytes(&core.ring().read_hand(received.hand), len));
                commit(core, received.hand);
            }
            Body::Whole(whole) => {
                let is_room = message.try_reserve(whole.len).is_ok();
                if is_room {
                    whole.append_to(core, message);
                }
                finish(core, whole.ticket, received.hand, true);
                if !is_room {
                    return Err(Lacking::OutOfMemory(whole.len as u64));
                }
            }
            Body::Gathered(ticket, bytes) => {
                // Its sender's time may have run out in the end, and then nobody gets it.
                let is_received = finish(core, ticket, received.hand, true) == Finished::Answered;
                *message = bytes;
                if !is_received {
                    let count = message.len() as u64;
                    message.clear();
                    return Err(Lacking::Aborted(count));
                }
            }
        }
        Ok(message.len())
    }

    fn gathering(&self) -> std::sync::MutexGuard<'_, Vec<Gathering>> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn attached(&self) -> &Attached {
        self.core()
    }
}

impl Clone for Receiver {
    fn clone(&self) -> Self {
        let is_gathering = AtomicU64::new(0);
        let (parcels, gathering) = (self.parcels.clone(), Mutex::default());
        Self { parcels, gathering, is_gathering, chunk: self.chunk, limit: self.limit }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let core = self.parcels.core();
        if core.why_unusable().is_none() {
            let left = self.gathering.get_mut().unwrap_or_else(PoisonError::into_inner);
            left.iter().for_each(|gathering| gathering.give_up(core));
        }
    }
}

/// A message that is being looked at in its lane.
struct Shown<'a> {
    core: &'a Attached,
    whole: super::place::Whole,
    hand: usize,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        // A child that was forked while the message was looked at leaves it to its parent.
        if self.core.why_unusable().is_none() {
            if cfg!(loom) {
                // A model is told that until here it may have been read.
                self.whole.view(self.core);
            }
            finish(self.core, self.whole.ticket, self.hand, true);
        }
    }
}

/// Messages as they come. See [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a> {
    receiver: &'a Receiver,
}

impl Iterator for Iter<'_> {
    type Item = Result<Vec<u8>, RecvError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.receiver.recv() {
            Err(RecvError::Disconnected) => None,
            received => Some(received),
        }
    }
}

impl<'a> IntoIterator for &'a Receiver {
    type Item = Result<Vec<u8>, RecvError>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
