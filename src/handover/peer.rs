//! A connection to the process at the other end.

use super::bytes_receiver::BytesReceiver;
use super::error::HandoverError;
use super::exchange::hand_over;
use super::reader::Reader;
use super::receiver::Receiver;
use super::trust::Trust;
use crate::bytes;
use crate::channel::open::{Asked, Entered};
use crate::channel::options::Options;
use crate::channel::spsc;
use crate::layout::error::Kind;
use crate::membership::role::Role;
use crate::ring::payload::Payload;
use crate::stream;
use crate::sys::patience::Patience;
use crate::sys::socket::{self, Credentials, Parting};
use crate::wait::deadline::Deadline;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the other side has for its part of a hand-over, unless [`Peer::set_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest segment of somebody else's that is mapped, unless [`Peer::set_max_bytes`] says otherwise: far more than a ring needs.
const MAX_BYTES: u64 = 64 << 20;

/// A connection to another process, over which channels are handed: as many as the two like, one after the other. Each side calls the
/// method of its end at the same time as the other; when both have returned, the channel is there, and this connection can go.
///
/// The other process may be anybody's. What it says is checked, and has a [time](Self::set_timeout); who it is, is
/// [asked of the kernel](Self::credentials) before anything is sent.
#[derive(Debug)]
pub struct Peer {
    pub(super) socket: Parting<UnixStream>,
    trust: Trust,
    pub(super) timeout: Duration,
    pub(super) max_bytes: u64,
    is_spoiled: bool,
}

impl From<UnixStream> for Peer {
    /// Over a connection that somebody else has made. Nobody may read or write anything else there meanwhile.
    fn from(socket: UnixStream) -> Self {
        let socket = Parting::new(socket);
        Self { socket, trust: Trust::default(), timeout: TIMEOUT, max_bytes: MAX_BYTES, is_spoiled: false }
    }
}

impl Peer {
    /// Connects to whoever [listens](super::Listener) at `path`, which must be a process of this user; see
    /// [`connect_to`](Self::connect_to).
    ///
    /// # Errors
    ///
    /// As `connect_to`.
    pub fn connect(path: impl AsRef<Path>, timeout: Duration) -> Result<Self, HandoverError> {
        Self::connect_to(path, Trust::ThisUser, timeout)
    }

    /// Connects to whoever listens at `path`, if that is one of those who are trusted. Waits for so long while nobody is there.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Timeout`], [`HandoverError::Stranger`]; a path that cannot be one, or may not be used.
    pub fn connect_to(path: impl AsRef<Path>, trust: Trust, timeout: Duration) -> Result<Self, HandoverError> {
        let (deadline, mut patience) = (Deadline::after(timeout), Patience::default());
        loop {
            match socket::connect(path.as_ref()) {
                Ok(socket) => {
                    let peer = Self::from(socket).trusting(trust);
                    peer.must_be_welcome()?;
                    return Ok(peer);
                }
                Err(error) => match error.kind() {
                    // Nobody is there yet, or somebody who has no time just now.
                    io::ErrorKind::NotFound
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::WouldBlock
                    | io::ErrorKind::Interrupted => {}
                    _ => return Err(HandoverError::Io { doing: "connecting", source: error }),
                },
            }
            if deadline.is_over() {
                return Err(HandoverError::Timeout);
            }
            patience.wait();
        }
    }

    /// Two that are connected to each other, in this process: for threads, and for a child that inherits one of them.
    ///
    /// ```
    /// use ringway::{Options, handover::Peer};
    ///
    /// let (mut here, mut there) = Peer::pair()?;
    /// let receiving = std::thread::spawn(move || there.spsc_receiver::<u64>(&Options::new()));
    /// let mut tx = here.spsc_sender::<u64>(&Options::new().capacity(16))?;
    /// let mut rx = receiving.join().unwrap()?;
    /// tx.send(7)?;
    /// assert_eq!(rx.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandoverError::Io`]: no descriptors left.
    pub fn pair() -> Result<(Self, Self), HandoverError> {
        let (one, other) = UnixStream::pair().map_err(HandoverError::io("making a pair of sockets"))?;
        Ok((Self::from(one), Self::from(other)))
    }

    /// The connection that this program was started with by [`spawn_peer`](super::CommandExt::spawn_peer). There is one, and it is
    /// taken once.
    ///
    /// # Errors
    ///
    /// [`HandoverError::NotInherited`].
    pub fn inherited() -> Result<Self, HandoverError> {
        super::command::inherited().map(Self::from).ok_or(HandoverError::NotInherited)
    }

    /// Hands channels over to those who are trusted; by default that is this user.
    #[must_use]
    pub fn trusting(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// How long the other side has for its part of each hand-over; 10 seconds by default. `Duration::MAX` is for ever.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The largest segment of the other side's that this side maps to receive from; 64 MiB by default. What the other side sends is
    /// its memory, and not counted as this process's, but it is seen there.
    pub fn set_max_bytes(&mut self, bytes: u64) {
        self.max_bytes = bytes;
    }

    /// Who is at the other end, as the kernel noted it when the connection was made.
    ///
    /// # Errors
    ///
    /// It is no socket of the kind that tells.
    pub fn credentials(&self) -> io::Result<Credentials> {
        socket::credentials(self.socket.as_fd())
    }

    /// Hands over a channel of `T`, and is its sender. The options say how large it is; the receiver may insist, or refuse.
    ///
    /// # Errors
    ///
    /// [`HandoverError`].
    pub fn spsc_sender<T: Payload>(&mut self, options: &Options) -> Result<spsc::Sender<T>, HandoverError> {
        Ok(spsc::Sender::seated(self.take_part(typed::<T>(Role::Sender), options)?, options)?)
    }

    /// Is handed a channel of `T`, and is its receiver. The options say how it waits, and on what it insists.
    ///
    /// # Errors
    ///
    /// [`HandoverError`].
    pub fn spsc_receiver<T: Payload>(&mut self, options: &Options) -> Result<Receiver<T>, HandoverError> {
        let entered = self.take_part(typed::<T>(Role::Receiver), options)?;
        Ok(Receiver::new(spsc::Receiver::seated(entered, options)?))
    }

    /// Hands over a channel of messages of bytes, and is its sender.
    ///
    /// # Errors
    ///
    /// [`HandoverError`].
    pub fn bytes_sender(&mut self, options: &Options) -> Result<bytes::spsc::Sender, HandoverError> {
        Ok(bytes::spsc::Sender::seated(self.take_part(untyped(Kind::Bytes, Role::Sender), options)?, options)?)
    }

    /// Is handed a channel of messages of bytes, and is its receiver. It receives no message that is longer than the
    /// [largest segment](Self::set_max_bytes), unless it is [told to](BytesReceiver::set_limit).
    ///
    /// # Errors
    ///
    /// [`HandoverError`].
    pub fn bytes_receiver(&mut self, options: &Options) -> Result<BytesReceiver, HandoverError> {
        let entered = self.take_part(untyped(Kind::Bytes, Role::Receiver), options)?;
        let mut receiver = BytesReceiver::new(bytes::spsc::Receiver::seated(entered, options)?);
        receiver.set_limit(self.max_bytes);
        Ok(receiver)
    }

    /// Hands over a stream, and writes it.
    ///
    /// # Errors
    ///
    /// [`HandoverError`].
    pub fn stream_writer(&mut self, options: &Options) -> Result<stream::Writer, HandoverError> {
        Ok(stream::Writer::seated(self.take_part(untyped(Kind::Stream, Role::Sender), options)?, options)?)
    }

    /// Is handed a stream, and reads it.
    ///
    /// # Errors
    ///
    /// [`HandoverError`].
    pub fn stream_reader(&mut self, options: &Options) -> Result<Reader, HandoverError> {
        let entered = self.take_part(untyped(Kind::Stream, Role::Receiver), options)?;
        Ok(Reader::new(stream::Reader::seated(entered, options)?))
    }

    fn take_part(&mut self, asked: Asked, options: &Options) -> Result<Entered, HandoverError> {
        hand_over(self, asked, options)
    }

    /// Whether something may be sent to whoever is there.
    pub(super) fn must_be_usable(&self) -> Result<(), HandoverError> {
        if self.is_spoiled {
            return Err(HandoverError::Spoiled);
        }
        self.must_be_welcome()
    }

    pub(super) fn must_be_welcome(&self) -> Result<(), HandoverError> {
        let there = self.credentials().map_err(HandoverError::io("asking who is at the other end"))?;
        if self.trust.welcomes(there.uid) {
            return Ok(());
        }
        Err(HandoverError::Stranger { uid: there.uid, pid: there.pid, trust: self.trust.clone() })
    }

    /// Nothing that comes can be understood any more. The other side learns it, too.
    pub(super) fn spoil(&mut self) {
        self.is_spoiled = true;
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn typed<T>(role: Role) -> Asked {
    Asked { kind: Kind::Spsc, role, size: size_of::<T>(), align: align_of::<T>() }
}

fn untyped(kind: Kind, role: Role) -> Asked {
    Asked { kind, role, size: 1, align: 1 }
}
