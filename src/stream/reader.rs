//! The reading end.

use super::asked;
use super::blocking::{Blocking, would_block};
use super::constructors::constructors;
use super::ended::Ended;
use crate::channel::end::{End, Stats};
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::open::{How, enter};
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
#[cfg(not(loom))]
use crate::channel::spsc::corrupt;
#[cfg(not(loom))]
use crate::layout::overlay::Frames;
use crate::membership::role::Role;
use crate::ring::spsc::Consumer;
use crate::ring::{Corrupt, grant};
use crate::wait::awaited::{Awaited, TimedOut, wait};
use crate::wait::deadline::Deadline;
use crate::wait::parker::Woken;
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::io;
use std::time::Duration;

/// The reading end of a stream.
///
/// Bytes leave the ring when they are consumed: `read` copies and consumes; [`fill_buf`](io::BufRead::fill_buf) shows
/// them in place, and [`consume`](io::BufRead::consume) is the word that they have been dealt with.
pub struct Reader {
    consumer: Consumer<u8>,
    end: End,
    /// Where this reader began: 0, since a stream has one reader.
    start: u64,
    blocking: Blocking,
}

/// What a look at the ring found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Bytes,
    End,
}

constructors!(Reader, Role::Receiver, Consumer, "reads", "a writer");

impl Reader {
    pub(super) fn new(consumer: Consumer<u8>, end: End) -> Self {
        let start = consumer.head();
        Self { consumer, end, start, blocking: Blocking::default() }
    }

    /// The next bytes in place, waiting for them for so long; an empty slice at the end of the stream. `None`: not in
    /// time.
    ///
    /// # Errors
    ///
    /// As [`read`](io::Read::read).
    pub fn fill_buf_timeout(&mut self, timeout: Duration) -> io::Result<Option<&[u8]>> {
        self.show(Deadline::after(timeout))
    }

    fn show(&mut self, deadline: Deadline) -> io::Result<Option<&[u8]>> {
        match self.wait(deadline)? {
            Some(Found::Bytes) => {}
            Some(Found::End) => return Ok(Some(&[])),
            None => return Ok(None),
        }
        let available = self.available(usize::MAX)?;
        Ok(Some(grant::front(&self.consumer, available, usize::MAX)))
    }

    /// How long a read waits for bytes, or for the end; `None`, as at first: without end. A read that gets nothing in time
    /// fails with `WouldBlock`, as one of a Unix socket does, and nothing is lost.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: a time of zero.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.blocking.set_timeout(timeout)
    }

    /// What [`set_read_timeout`](Self::set_read_timeout) has set.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.blocking.timeout()
    }

    /// Whether reads wait not at all and fail with `WouldBlock` while nothing is there. It goes before a timeout.
    pub fn set_nonblocking(&mut self, is_nonblocking: bool) {
        self.blocking.set_never(is_nonblocking);
    }

    /// Leaves the stream: the writer's next write fails with `BrokenPipe`, and what has not been read is lost. Nothing can
    /// be read afterwards.
    pub fn close(&mut self) {
        self.end.close();
    }

    pub(super) fn must_be_usable(&self) -> io::Result<()> {
        if self.end.is_usable() {
            Ok(())
        } else {
            Err(self.ended(self.end.reason().unwrap_or(DisconnectReason::Forked)))
        }
    }

    /// Waits until a writer is there.
    ///
    /// # Errors
    ///
    /// [`WaitForPeerError`].
    pub fn wait_for_peer(&mut self, timeout: Duration) -> Result<(), WaitForPeerError> {
        self.end.wait_for_peer(Deadline::after(timeout))
    }

    /// Bytes consumed so far.
    pub fn received(&self) -> u64 {
        self.consumer.head() - self.start
    }

    /// Bytes that the stream's ring holds at most.
    pub fn capacity(&self) -> usize {
        self.consumer.capacity() as usize
    }

    /// Waits otherwise from now on. See [`spsc::Receiver::set_wait`](crate::spsc::Receiver::set_wait).
    pub fn set_wait(&mut self, strategy: WaitStrategy) {
        self.end.set_strategy(strategy);
    }

    /// What this end has done so far.
    pub fn stats(&self) -> Stats {
        self.end.stats()
    }

    /// Bytes or the end; `None`: not in time. At the end, tells the writer that everything has been taken.
    fn wait(&mut self, deadline: Deadline) -> io::Result<Option<Found>> {
        if self.end.is_closed() {
            return Err(self.ended(DisconnectReason::Closed));
        }
        let (strategy, slice) = (self.end.strategy(), self.end.slice());
        match wait(&mut Bytes(self), strategy, slice, deadline) {
            Ok(Ok(Found::Bytes)) => Ok(Some(Found::Bytes)),
            Ok(Ok(Found::End)) => {
                self.consumer.finish();
                self.end.ring();
                Ok(Some(Found::End))
            }
            Ok(Err(reason)) => Err(self.ended(reason)),
            Err(TimedOut) => Ok(None),
        }
    }

    fn available(&mut self, max: usize) -> io::Result<usize> {
        self.consumer.available(max).map_err(|corrupt| {
            let reason = self.end.poison(corrupt);
            self.ended(reason)
        })
    }

    fn ended(&self, reason: DisconnectReason) -> io::Error {
        Ended { role: Role::Sender, reason, bytes: self.received() }.into_io()
    }
}

impl Reader {
    /// Bytes or the end, for which it waits as long as it has been told to.
    #[inline]
    fn found(&mut self) -> io::Result<Found> {
        // An end that was closed, or forked, is not undisturbed.
        match self.consumer.has_message() {
            Ok(true) if self.end.is_undisturbed() => Ok(Found::Bytes),
            _ => self.wait_patiently(),
        }
    }

    #[cold]
    #[inline(never)]
    fn wait_patiently(&mut self) -> io::Result<Found> {
        self.wait(self.blocking.deadline())?.ok_or_else(would_block)
    }

    /// Copies what lies contiguous, and gives its room back; 0: nothing is there.
    fn take(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let available = self.available(bytes.len())?;
        let n = grant::copy_front(&self.consumer, available, bytes);
        if n > 0 {
            self.consumer.release(n);
        }
        Ok(n)
    }
}

impl io::Read for Reader {
    /// Copies what is there, at least one byte, waiting while there is none; `Ok(0)` at the end of the stream, and for no
    /// room in `bytes`.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted`: the writer died, or left without ending the stream, and everything it wrote has been read.
    /// `WouldBlock`: nothing came [in time](Reader::set_read_timeout). `NotConnected`: this end has been closed, or
    /// belongs to the process that this one was forked from. Never `Interrupted`.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() || self.found()? == Found::End {
            return Ok(0);
        }
        let n = self.take(bytes)?;
        self.end.publish();
        Ok(n)
    }

    /// As [`read`](io::Read::read), to one place after the other as long as bytes are there; the writer is woken once.
    fn read_vectored(&mut self, places: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        if places.iter().all(|place| place.is_empty()) || self.found()? == Found::End {
            return Ok(0);
        }
        let mut got = 0;
        'places: for place in places {
            let mut at = 0;
            while at < place.len() {
                let n = self.take(&mut place[at..])?;
                if n == 0 {
                    break 'places;
                }
                at += n;
                got += n;
            }
        }
        self.end.publish();
        Ok(got)
    }
}

impl io::BufRead for Reader {
    /// The next bytes in place, waiting as [`read`](io::Read::read) does; an empty slice at the end of the stream.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.show(self.blocking.deadline())?.ok_or_else(would_block)
    }

    fn consume(&mut self, n: usize) {
        if n == 0 || !self.end.is_usable() || self.end.is_closed() {
            return;
        }
        // More than was shown cannot be consumed.
        let n = self.consumer.available(n).unwrap_or(0).min(n);
        if n > 0 {
            self.consumer.release(n);
            self.end.publish();
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("received", &self.received())
            .field("capacity", &self.capacity())
            .field("path", &self.end.seat().path())
            .field("disconnected", &self.end.reason())
            .finish()
    }
}

/// Bytes, or the end of them.
struct Bytes<'a>(&'a mut Reader);

impl Bytes<'_> {
    /// Whoever finds nothing looks at the end, and then once more: what was written before the end is there by then.
    fn look_at(consumer: &mut Consumer<u8>, end: &mut End) -> Option<Result<Found, DisconnectReason>> {
        let gone = if end.is_undisturbed() { None } else { end.digest() };
        if !end.is_usable() {
            return gone.map(Err);
        }
        match Self::at_the_end(consumer) {
            Ok(Some(found)) => Some(Ok(found)),
            Ok(None) => gone.map(Err),
            Err(corrupt) => Some(Err(end.poison(corrupt))),
        }
    }

    fn at_the_end(consumer: &mut Consumer<u8>) -> Result<Option<Found>, Corrupt> {
        if consumer.has_message()? {
            return Ok(Some(Found::Bytes));
        }
        let Some(tail) = consumer.closed() else { return Ok(None) };
        if consumer.has_message()? {
            return Ok(Some(Found::Bytes));
        }
        if tail != consumer.head() {
            return Err(Corrupt { word: "closed", found: tail });
        }
        Ok(Some(Found::End))
    }
}

impl Awaited for Bytes<'_> {
    type Outcome = Result<Found, DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        match self.0.consumer.has_message() {
            Ok(true) if self.0.end.is_undisturbed() => Some(Ok(Found::Bytes)),
            Ok(false) if self.0.end.is_undisturbed() => None,
            _ => self.look(),
        }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        Self::look_at(&mut self.0.consumer, &mut self.0.end)
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.0.end.probe(now)?;
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let Reader { consumer, end, .. } = &mut *self.0;
        end.sleep(deadline, |end| Self::look_at(consumer, end))
    }

    fn disarm(&mut self) {
        self.0.end.disarm();
    }

    fn lost(&mut self) -> Self::Outcome {
        Err(self.0.end.lose())
    }
}
