//! The receiving end.

use super::common::common;
use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::format::{Codec, Postcard};
use crate::bytes::mpmc;
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::mpmc::Stats;
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::time::{Duration, Instant};

/// A receiving end of a channel of values. Cloning it gives another one, and each message goes to one of them; all may be
/// used by several threads at once.
pub struct Receiver<T, C = Postcard> {
    bytes: mpmc::Receiver,
    form: PhantomData<fn() -> (T, C)>,
}

common!(Receiver, "receiver", "sender");

impl<T, C> Receiver<T, C> {
    /// Takes no message that is longer than so many bytes: 1 GiB unless it is told. Such a one is given up, and
    /// [`RecvError::TooLong`] told.
    pub fn set_limit(&mut self, bytes: u64) {
        self.bytes.set_limit(bytes);
    }
}

impl<T: DeserializeOwned, C: Codec> Receiver<T, C> {
    /// The next message, waiting while there is none. It is decoded where it lies, in the ring or in its lane; one that is
    /// longer than a lane in memory of its own.
    ///
    /// *Progress*: as [`bytes::mpmc::Receiver::recv_into`](crate::bytes::mpmc::Receiver::recv_into). `T`'s `Deserialize` runs
    /// here, perhaps with the lane in hand.
    ///
    /// # Errors
    ///
    /// [`RecvError`]. After all but `Disconnected` the channel goes on with the next message; one that is none of this type
    /// is gone.
    ///
    /// # If this process dies here
    ///
    /// The message was received, or another receiver gets it; of one that is longer than a lane, its sender learns that it was
    /// not received.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError<C::Error>> {
        self.decode(Some(Deadline::NEVER)).map_err(RecvTimeoutError::lasting)
    }

    /// The next message, if it is there now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError<C::Error>> {
        self.decode(None).map_err(RecvTimeoutError::now)
    }

    /// As [`recv`](Self::recv), waiting for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`]. What has come of a long message is kept for the next call.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError<C::Error>> {
        self.decode(Some(Deadline::after(timeout)))
    }

    /// As [`recv`](Self::recv), waiting until then.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError<C::Error>> {
        self.recv_timeout(until(deadline))
    }

    /// Messages as they come, until nothing is left and no sender is. Waits between them. An error of one message is passed
    /// on, and the next one follows.
    pub fn iter(&self) -> Iter<'_, T, C> {
        Iter { receiver: self }
    }

    /// The messages that are there now, and the errors among them. Does not wait.
    pub fn try_iter(&self) -> TryIter<'_, T, C> {
        TryIter { receiver: self }
    }

    /// `None`: one try.
    #[inline]
    fn decode(&self, deadline: Option<Deadline>) -> Result<T, RecvTimeoutError<C::Error>> {
        self.bytes.show(deadline, |bytes| {
            C::decode(bytes).map_err(|error| RecvTimeoutError::Decode { bytes: bytes.len(), error })
        })?
    }
}

/// Messages as they come. See [`Receiver::iter`].
pub struct Iter<'a, T, C = Postcard> {
    receiver: &'a Receiver<T, C>,
}

/// The messages that are there now. See [`Receiver::try_iter`].
pub struct TryIter<'a, T, C = Postcard> {
    receiver: &'a Receiver<T, C>,
}

impl<T: DeserializeOwned, C: Codec> Iterator for Iter<'_, T, C> {
    type Item = Result<T, RecvError<C::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.receiver.recv()).filter(|received| !matches!(received, Err(RecvError::Disconnected)))
    }
}

impl<T: DeserializeOwned, C: Codec> Iterator for TryIter<'_, T, C> {
    type Item = Result<T, TryRecvError<C::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.receiver.try_recv())
            .filter(|received| !matches!(received, Err(TryRecvError::Empty | TryRecvError::Disconnected)))
    }
}

impl<'a, T: DeserializeOwned, C: Codec> IntoIterator for &'a Receiver<T, C> {
    type Item = Result<T, RecvError<C::Error>>;
    type IntoIter = Iter<'a, T, C>;

    fn into_iter(self) -> Iter<'a, T, C> {
        self.iter()
    }
}

impl<T, C> fmt::Debug for Iter<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("receiver", &self.receiver).finish()
    }
}

impl<T, C> fmt::Debug for TryIter<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter").field("receiver", &self.receiver).finish()
    }
}
