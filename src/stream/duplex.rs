//! Two streams as one: bytes both ways.

use super::pipe_with;
use super::reader::Reader;
use super::writer::Writer;
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::options::Options;
use crate::membership::role::Role;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// How long the second side waits for the first one's other stream, which it makes a moment after the one: longer than a
/// process is off its processor.
const SETTLING: Duration = Duration::from_secs(1);
/// How long one side is tried before the other is, from the second time on.
const TURN: Duration = Duration::from_millis(5);

/// Both ways between two processes, as a connected pair of sockets is: what one side writes the other reads.
///
/// It is made of two [streams](super), `NAME.a` and `NAME.b`, which `ringway ls` shows: a [`Writer`] of the one and a
/// [`Reader`] of the other. Each way fills, ends and breaks by itself.
///
/// # Who is which
///
/// The *first* side writes `NAME.a` and reads `NAME.b`, the second the other way round. Nothing else tells them apart, and
/// there is one of each:
///
/// | one side calls | the other | and if both call the same |
/// |---|---|---|
/// | [`create`](Self::create): it is the first | [`open`](Self::open): it is the second | [`AlreadyExists`](OpenError::is_already_exists); not found |
/// | [`open_or_create`](Self::open_or_create): who comes first is the first | the same | they are connected, whoever was first |
///
/// A third one gets [`OpenError::RoleTaken`], and one who comes while the survivor of a broken pair is still attached gets
/// [`OpenError::Spent`], or waits for that long ([`Options::open_timeout`]): in a pair nobody is replaced.
///
/// # Deadlock
///
/// As with sockets: two sides that both write more than the ring holds before they read wait for each other. Write and read
/// in two threads ([`split`](Self::split)), or take turns, or set a timeout.
///
/// ```
/// use ringway::stream::Duplex;
/// use std::io::{BufRead, Write};
/// # let name = format!("doc-duplex-{}", std::process::id());
/// # let name = name.as_str();
///
/// // in one process
/// let mut one = Duplex::open_or_create(name)?;
/// one.write_all(b"how far is it?\n")?;
///
/// // in another
/// let mut other = Duplex::open_or_create(name)?;
/// let mut question = String::new();
/// other.read_line(&mut question)?;
/// assert_eq!(question, "how far is it?\n");
/// write!(other, "a cache line\n")?;
/// # let mut answer = String::new();
/// # one.read_line(&mut answer)?;
/// # assert_eq!(answer, "a cache line\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Duplex {
    reader: Reader,
    writer: Writer,
    is_first: bool,
}

impl Duplex {
    /// Creates the pair `name` as its first side.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`is_already_exists`](OpenError::is_already_exists): somebody else has.
    pub fn create(name: &str) -> Result<Self, OpenError> {
        Self::create_with(name, &Options::new())
    }

    /// Creates the pair `name` with these options, as its first side. A capacity is that of each way.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_with(name: &str, options: &Options) -> Result<Self, OpenError> {
        Self::first(name, options, Writer::create_with, Reader::create_with)
    }

    /// Opens the pair `name`, which the first side has created, as its second.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`is_not_found`](OpenError::is_not_found): there is no first side;
    /// [`is_role_taken`](OpenError::is_role_taken): there is a second one.
    pub fn open(name: &str) -> Result<Self, OpenError> {
        Self::open_with(name, &Options::new())
    }

    /// Opens the pair `name` with these options, as its second side.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(name: &str, options: &Options) -> Result<Self, OpenError> {
        must_have_names(options)?;
        let started = Instant::now();
        let mut reader = Reader::open_with(&first_way(name), options)?;
        let until = started.elapsed() + left(options, started).max(SETTLING);
        loop {
            match Writer::open_with(&second_way(name), &options.clone().open_timeout(TURN)) {
                Ok(writer) => return Ok(Self { reader, writer, is_first: false }),
                // Before its time: unless the first side is gone, and will not make it.
                Err(error) if is_passing(&error) && started.elapsed() < until => {
                    reader.fill_buf_timeout(Duration::ZERO).map_err(|_| error)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates the pair `name`, or opens it if there is a first side already: for sides that may start in any order.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`is_role_taken`](OpenError::is_role_taken): there are two sides.
    pub fn open_or_create(name: &str) -> Result<Self, OpenError> {
        Self::open_or_create_with(name, &Options::new())
    }

    /// Creates the pair `name` with these options, or opens it if there is a first side already.
    ///
    /// # Errors
    ///
    /// As [`open_or_create`](Self::open_or_create).
    pub fn open_or_create_with(name: &str, options: &Options) -> Result<Self, OpenError> {
        let started = Instant::now();
        let mut turn = Duration::ZERO;
        loop {
            let patient = options.clone().open_timeout(turn);
            match Self::first(name, &patient, Writer::open_or_create_with, Reader::open_or_create_with) {
                Err(OpenError::RoleTaken { role: Role::Sender, .. }) => match Self::open_with(name, &patient) {
                    // There was a first side, and it has left or died meanwhile.
                    Err(error) if error.is_not_found() && started.elapsed() < SETTLING => {}
                    Err(error) if is_passing(&error) && !left(options, started).is_zero() => {}
                    opened => return opened,
                },
                Err(error) if is_passing(&error) && !left(options, started).is_zero() => {}
                opened => return opened,
            }
            turn = left(options, started).min(TURN);
        }
    }

    /// As the first side, by these constructors.
    fn first(
        name: &str,
        options: &Options,
        writer: fn(&str, &Options) -> Result<Writer, OpenError>,
        reader: fn(&str, &Options) -> Result<Reader, OpenError>,
    ) -> Result<Self, OpenError> {
        must_have_names(options)?;
        let started = Instant::now();
        let writer = writer(&first_way(name), options)?;
        match reader(&second_way(name), &options.clone().open_timeout(left(options, started))) {
            Ok(reader) => Ok(Self { reader, writer, is_first: true }),
            Err(error) => {
                // Who has opened the one way already shall not take this for the end of it.
                writer.abort();
                Err(error)
            }
        }
    }

    /// Whether this is the first side: for programs in which one has to begin.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// Each way by itself, for a thread each. Each half leaves when it is dropped.
    pub fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }

    /// The way in.
    pub fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// The way out.
    pub fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    /// Ends one way or both, as it is with sockets; the other goes on.
    ///
    /// `Write`: the other side gets the rest and then the end, and nothing can be written here. `Read`: the other side's
    /// writes fail with `BrokenPipe`, and nothing can be read here. Again is no error.
    ///
    /// # Errors
    ///
    /// `NotConnected`: this is a forked child. `InvalidData`: the segment is corrupt.
    pub fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        if matches!(how, Shutdown::Write | Shutdown::Both) {
            self.writer.must_be_usable()?;
            self.writer.close();
        }
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            self.reader.must_be_usable()?;
            self.reader.close();
        }
        Ok(())
    }

    /// See [`Reader::set_read_timeout`].
    ///
    /// # Errors
    ///
    /// `InvalidInput`: a time of zero.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.reader.set_read_timeout(timeout)
    }

    /// See [`Writer::set_write_timeout`].
    ///
    /// # Errors
    ///
    /// `InvalidInput`: a time of zero.
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.writer.set_write_timeout(timeout)
    }

    /// Whether neither way waits: see [`Reader::set_nonblocking`] and [`Writer::set_nonblocking`].
    pub fn set_nonblocking(&mut self, is_nonblocking: bool) {
        self.reader.set_nonblocking(is_nonblocking);
        self.writer.set_nonblocking(is_nonblocking);
    }

    /// Waits until the other side is there, both ways.
    ///
    /// # Errors
    ///
    /// [`WaitForPeerError`].
    pub fn wait_for_peer(&mut self, timeout: Duration) -> Result<(), WaitForPeerError> {
        let started = Instant::now();
        self.writer.wait_for_peer(timeout)?;
        self.reader.wait_for_peer(timeout.saturating_sub(started.elapsed()))
    }
}

/// Whether it may be different in a moment.
fn is_passing(error: &OpenError) -> bool {
    error.is_not_found() || matches!(error, OpenError::RoleTaken { .. } | OpenError::Spent)
}

fn first_way(name: &str) -> String {
    format!("{name}.a")
}

fn second_way(name: &str) -> String {
    format!("{name}.b")
}

/// Its two ways are two segments.
fn must_have_names(options: &Options) -> Result<(), OpenError> {
    match &options.backing {
        Some(backing) if backing.is_nameless() => Err(OpenError::Options {
            rule: "the two ways of a duplex are found by their names: without them, make two streams",
        }),
        _ => Ok(()),
    }
}

/// What is left of the time that opening may take.
fn left(options: &Options, started: Instant) -> Duration {
    options.open_timeout.saturating_sub(started.elapsed())
}

/// Two sides inside this process.
///
/// # Errors
///
/// [`OpenError`]: no memory.
pub fn duplex() -> Result<(Duplex, Duplex), OpenError> {
    duplex_with(&Options::new())
}

/// Two sides inside this process, with these options. A capacity is that of each way.
///
/// # Errors
///
/// [`OpenError`]: no memory, or options that cannot be met.
pub fn duplex_with(options: &Options) -> Result<(Duplex, Duplex), OpenError> {
    let (to_second, from_first) = pipe_with(options)?;
    let (to_first, from_second) = pipe_with(options)?;
    let first = Duplex { reader: from_second, writer: to_second, is_first: true };
    Ok((first, Duplex { reader: from_first, writer: to_first, is_first: false }))
}

impl io::Read for Duplex {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.reader.read(bytes)
    }

    fn read_vectored(&mut self, places: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        self.reader.read_vectored(places)
    }
}

impl io::BufRead for Duplex {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.reader.consume(n);
    }
}

impl io::Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.writer.write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reader, writer, is_first } = self;
        f.debug_struct("Duplex").field("is_first", is_first).field("reader", reader).field("writer", writer).finish()
    }
}
