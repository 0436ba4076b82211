//! The reading end of a stream, from somebody who is not trusted.

use crate::channel::end::Stats;
use crate::stream;
use crate::wait::strategy::WaitStrategy;
use std::fmt;
use std::io;
use std::time::Duration;

/// The reading end of a stream that was handed over: an [`io::Read`] that copies. See [`handover::Receiver`](super::Receiver) for what
/// a writer that breaks the rules can do. (`BufReader` around it gives lines, from a buffer that is this process's.)
pub struct Reader(stream::Reader);

impl Reader {
    pub(super) fn new(reader: stream::Reader) -> Self {
        Self(reader)
    }

    pub(super) fn into_inner(self) -> stream::Reader {
        self.0
    }

    /// How long a read waits for bytes, or for the end; `None`, as at first: without end. A read that gets nothing in time fails
    /// with `WouldBlock`, and nothing is lost.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: a time of zero.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    /// What [`set_read_timeout`](Self::set_read_timeout) has set.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.0.read_timeout()
    }

    /// Whether reads wait not at all and fail with `WouldBlock` while nothing is there.
    pub fn set_nonblocking(&mut self, is_nonblocking: bool) {
        self.0.set_nonblocking(is_nonblocking);
    }

    /// Bytes read so far.
    pub fn received(&self) -> u64 {
        self.0.received()
    }

    /// Bytes that the stream's ring holds at most.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// What this end has done so far.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Waits otherwise from now on.
    pub fn set_wait(&mut self, strategy: WaitStrategy) {
        self.0.set_wait(strategy);
    }

    /// Leaves the stream: the writer's next write fails. Dropping does the same.
    pub fn close(&mut self) {
        self.0.close();
    }
}

impl io::Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }

    fn read_vectored(&mut self, places: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read_vectored(places)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("handover::Reader").field(&self.0).finish()
    }
}
