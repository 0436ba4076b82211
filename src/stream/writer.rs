//! The writing end.

use super::asked;
use super::blocking::{Blocking, would_block};
use super::constructors::constructors;
use super::ended::Ended;
use crate::channel::end::{End, Stats};
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::open::{How, enter};
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::channel::spsc::WriteGrant;
#[cfg(not(loom))]
use crate::channel::spsc::corrupt;
use crate::channel::waiting::{self, Vain};
#[cfg(not(loom))]
use crate::layout::overlay::Frames;
use crate::membership::role::Role;
use crate::ring::spsc::{self, Producer};
use crate::wait::awaited::{Awaited, TimedOut, wait};
use crate::wait::deadline::Deadline;
use crate::wait::parker::Woken;
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::io;
use std::time::Duration;

/// The writing end of a stream.
///
/// Each `write` is visible to the reader when it returns; nothing is held back, and `flush` has nothing to do. Dropping
/// the writer ends the stream well, except in a panic. [`finish`](Self::finish) also waits until the reader has taken
/// everything; after a mere drop the rest is lost if the reader dies, or never came.
pub struct Writer {
    producer: Producer<u8>,
    end: End,
    /// How many bytes to copy before they are published: a frame.
    part: usize,
    aborted: bool,
    closed: bool,
    blocking: Blocking,
}

constructors!(Writer, Role::Sender, Producer, "writes", "a reader");

impl Writer {
    pub(super) fn new(producer: Producer<u8>, end: End) -> Self {
        let part = producer.per_frame();
        Self { producer, end, part, aborted: false, closed: false, blocking: Blocking::default() }
    }

    /// Room for at least one and at most `max` bytes, to be written in place and committed; waits for so long.
    /// `None`: not in time.
    ///
    /// # Errors
    ///
    /// `BrokenPipe`: the reader is gone. `NotConnected`: the stream has been closed.
    pub fn reserve_timeout(&mut self, max: usize, timeout: Duration) -> io::Result<Option<WriteGrant<'_, u8>>> {
        self.must_be_open()?;
        let wanted = max.clamp(1, self.part);
        match waiting::for_room(&mut self.producer, &mut self.end, wanted, Deadline::after(timeout)) {
            Ok(room) => Ok(Some(WriteGrant::new(&mut self.producer, &mut self.end, room.min(wanted)))),
            Err(Vain::TimedOut) => Ok(None),
            Err(Vain::Gone(reason)) => Err(self.ended(reason)),
        }
    }

    /// How long a write waits for room for its first byte; `None`, as at first: without end. A write for which there is no
    /// room in time fails with `WouldBlock`, as one to a Unix socket does, and has written nothing; `write_all` may have
    /// written a part, which [`written`](Self::written) tells.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: a time of zero.
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.blocking.set_timeout(timeout)
    }

    /// What [`set_write_timeout`](Self::set_write_timeout) has set.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.blocking.timeout()
    }

    /// Whether writes wait not at all and fail with `WouldBlock` while there is no room. It goes before a timeout.
    pub fn set_nonblocking(&mut self, is_nonblocking: bool) {
        self.blocking.set_never(is_nonblocking);
    }

    /// Whether the reader is still there (or may still come). Asks the kernel: for a writer that has nothing to write
    /// just now.
    ///
    /// # Errors
    ///
    /// `BrokenPipe`: the reader is gone.
    pub fn check(&mut self) -> io::Result<()> {
        self.end.probe(true).map_or(Ok(()), |reason| Err(self.ended(reason)))
    }

    /// Waits until a reader is there.
    ///
    /// # Errors
    ///
    /// [`WaitForPeerError`].
    pub fn wait_for_peer(&mut self, timeout: Duration) -> Result<(), WaitForPeerError> {
        self.end.wait_for_peer(Deadline::after(timeout))
    }

    /// Ends the stream: the reader gets the rest and then the end. Nothing can be written afterwards.
    pub fn close(&mut self) {
        if self.end.is_usable() && !self.aborted && !self.closed {
            self.closed = true;
            self.producer.close();
            self.end.ring();
        }
    }

    /// Whether bytes may still be written: the reader believes that the end is the end.
    fn must_be_open(&self) -> io::Result<()> {
        if self.closed { Err(self.ended(DisconnectReason::Closed)) } else { Ok(()) }
    }

    /// Waits, after [`close`](Self::close), until the reader has taken everything; `false`: not in time.
    ///
    /// # Errors
    ///
    /// `BrokenPipe`: the reader went before it had everything.
    pub fn wait_finished(&mut self, timeout: Duration) -> io::Result<bool> {
        let (strategy, slice) = (self.end.strategy(), self.end.slice());
        match wait(&mut Finished(self), strategy, slice, Deadline::after(timeout)) {
            Ok(Ok(())) => Ok(true),
            Ok(Err(reason)) => Err(self.ended(reason)),
            Err(TimedOut) => Ok(false),
        }
    }

    /// Ends the stream and waits until the reader has taken everything (and, if it is `ringway recv`, has written it to
    /// its output).
    ///
    /// *Progress*: may sleep, without end if no reader ever comes.
    ///
    /// # Errors
    ///
    /// `BrokenPipe`: the reader went before it had everything.
    pub fn finish(mut self) -> io::Result<()> {
        self.close();
        self.wait_finished(Duration::MAX).map(drop)
    }

    /// Leaves without ending the stream: the reader gets what was written and then an error.
    pub fn abort(mut self) {
        self.aborted = true;
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.producer.tail()
    }

    /// Bytes that the reader has taken so far.
    pub fn taken(&self) -> u64 {
        if self.end.is_usable() { self.producer.tail() - self.producer.len() } else { 0 }
    }

    /// Bytes that the stream's ring holds at most.
    pub fn capacity(&self) -> usize {
        self.producer.capacity() as usize
    }

    /// Waits otherwise from now on. See [`spsc::Sender::set_wait`](crate::spsc::Sender::set_wait).
    pub fn set_wait(&mut self, strategy: WaitStrategy) {
        self.end.set_strategy(strategy);
    }

    /// What this end has done so far.
    pub fn stats(&self) -> Stats {
        self.end.stats()
    }

    fn ended(&self, reason: DisconnectReason) -> io::Error {
        Ended { role: Role::Receiver, reason, bytes: self.taken() }.into_io()
    }

    pub(super) fn must_be_usable(&self) -> io::Result<()> {
        if self.end.is_usable() {
            Ok(())
        } else {
            Err(self.ended(self.end.reason().unwrap_or(DisconnectReason::Forked)))
        }
    }

    fn is_finished(&self) -> bool {
        spsc::finished(self.end.seat().control()) == self.producer.tail() + 1
    }
}

impl Writer {
    /// Room for at least one and at most `wanted` bytes, and for at most a frame.
    #[inline]
    fn room(&mut self, wanted: usize) -> io::Result<usize> {
        let wanted = wanted.min(self.part);
        if self.producer.known_room() >= wanted && self.end.is_undisturbed() && !self.closed {
            return Ok(wanted);
        }
        self.wait_for_room(wanted)
    }

    #[cold]
    #[inline(never)]
    fn wait_for_room(&mut self, wanted: usize) -> io::Result<usize> {
        self.must_be_open()?;
        let deadline = self.blocking.deadline();
        match waiting::for_room(&mut self.producer, &mut self.end, wanted, deadline) {
            Ok(room) => Ok(room.min(wanted)),
            Err(Vain::Gone(reason)) => Err(self.ended(reason)),
            Err(Vain::TimedOut) => Err(would_block()),
        }
    }
}

impl io::Write for Writer {
    /// Copies as much of `bytes` as there is room for, at most a frame, waiting while there is none; at least one byte, if
    /// there is one.
    ///
    /// A part the size of a frame is visible to the reader while the next is being copied.
    ///
    /// # Errors
    ///
    /// `BrokenPipe`: the reader left or died; also when it had not read what was written before. `WouldBlock`: there was no
    /// room [in time](Writer::set_write_timeout). `NotConnected`: the stream has been closed, or this end belongs to the
    /// process that this one was forked from. Never `Interrupted`. No signal is sent.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let n = self.room(bytes.len())?;
        self.producer.push_all(&bytes[..n]);
        self.end.publish();
        Ok(n)
    }

    /// As [`write`](io::Write::write), from one piece after the other; the reader is woken once.
    fn write_vectored(&mut self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let wanted = pieces.iter().fold(0_usize, |sum, piece| sum.saturating_add(piece.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let n = self.room(wanted)?;
        let mut left = n;
        for piece in pieces {
            let now = piece.len().min(left);
            self.producer.push_all(&piece[..now]);
            left -= now;
        }
        self.end.publish();
        Ok(n)
    }

    /// Nothing to do: what was written is visible.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.aborted = true;
        }
        self.close();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("written", &self.written())
            .field("taken", &self.taken())
            .field("capacity", &self.capacity())
            .field("path", &self.end.seat().path())
            .field("disconnected", &self.end.reason())
            .finish()
    }
}

/// The reader's word that it has everything.
struct Finished<'a>(&'a mut Writer);

impl Finished<'_> {
    /// The reader says that it has everything before it leaves, so its leaving is looked for first.
    fn look_at(end: &mut End, tail: u64) -> Option<Result<(), DisconnectReason>> {
        let gone = if end.is_undisturbed() { None } else { end.digest() };
        if end.is_usable() && spsc::finished(end.seat().control()) == tail + 1 {
            return Some(Ok(()));
        }
        gone.map(Err)
    }
}

impl Awaited for Finished<'_> {
    type Outcome = Result<(), DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        if self.0.end.is_undisturbed() { self.0.is_finished().then_some(Ok(())) } else { self.look() }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        Self::look_at(&mut self.0.end, self.0.producer.tail())
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.0.end.probe(now)?;
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let tail = self.0.producer.tail();
        self.0.end.sleep(deadline, |end| Self::look_at(end, tail))
    }

    fn disarm(&mut self) {
        self.0.end.disarm();
    }

    fn lost(&mut self) -> Self::Outcome {
        Err(self.0.end.lose())
    }
}
