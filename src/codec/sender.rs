//! The sending end.

use super::common::common;
use super::error::{SendError, SendTimeoutError, TrySendError, Unsent};
use super::format::{Codec, Postcard};
use super::room::Room;
use crate::bytes::mpmc;
use crate::channel::error::{OpenError, WaitForPeerError};
use crate::channel::mpmc::Stats;
use crate::channel::options::Options;
use crate::channel::reason::DisconnectReason;
use crate::wait::deadline::{Deadline, until};
use crate::wait::strategy::WaitStrategy;
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::time::{Duration, Instant};

/// A sending end of a channel of values. Cloning it gives another one; both may be used by several threads at once.
pub struct Sender<T, C = Postcard> {
    bytes: mpmc::Sender,
    form: PhantomData<fn(T) -> C>,
}

common!(Sender, "sender", "receiver");

impl<T: Serialize, C: Codec> Sender<T, C> {
    /// Encodes `message` and sends it, waiting while there is no room for it.
    ///
    /// What has up to 112 bytes goes through the ring; up to a lane's length it is encoded in the lane, and is sent when this
    /// returns. A longer message goes through a lane while it is being received, and has been received when this returns: it
    /// waits for a receiver.
    ///
    /// *Progress*: as [`bytes::mpmc::Sender::send`](crate::bytes::mpmc::Sender::send). `T`'s `Serialize` runs here, once,
    /// perhaps with a lane in hand; it may use this channel, as long as there are lanes.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the message back: no receiver is left; or the one that received it gave it up or died in the
    /// middle; or it cannot be encoded, and then nothing of it was sent.
    ///
    /// # If this process dies here
    ///
    /// The message was sent, or it was not.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T, C::Error>> {
        self.encode(message, Some(Deadline::NEVER)).map_err(Unsent::lasting)
    }

    /// Encodes `message` and sends it if there is room for it now. One that is longer than a lane cannot be sent so.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] hands the message back.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T, C::Error>> {
        self.encode(message, None).map_err(Unsent::now)
    }

    /// As [`send`](Self::send), waiting for so long. Zero is one try; `Duration::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`] hands the message back; nobody gets it then, though somebody may have begun to receive it.
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T, C::Error>> {
        self.encode(message, Some(Deadline::after(timeout)))
    }

    /// As [`send`](Self::send), waiting until then.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T, C::Error>> {
        self.send_timeout(message, until(deadline))
    }

    /// `None`: one try.
    #[inline]
    fn encode(&self, message: T, deadline: Option<Deadline>) -> Result<(), Unsent<T, C::Error>> {
        let mut room = Room::new(&self.bytes, deadline);
        let encoded = C::encode(&message, &mut room);
        // A format may hide that its writer has failed, or call it something else.
        if let Some(refused) = room.refused() {
            return Err(Unsent::of(refused, message));
        }
        if let Err(error) = encoded {
            return Err(Unsent::Encode { message, error });
        }
        room.send().map_err(|error| Unsent::of(error, message))
    }
}
