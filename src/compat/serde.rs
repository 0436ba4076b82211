//! The same two modules for messages of any type that serde knows, on [`crate::codec`] with postcard. With the feature `serde`.
//!
//! ```
//! use ringway::compat::serde::crossbeam::bounded; // was: crossbeam_channel::bounded
//!
//! let (s, r) = bounded(5);
//! s.send(Some(String::from("foo"))).unwrap();
//! assert_eq!(r.recv(), Ok(Some(String::from("foo"))));
//! ```
//!
//! The errors have no room for what only an encoding can do wrong. So:
//!
//! | what | here | [`crate::codec`] |
//! |---|---|---|
//! | a value that cannot be encoded | as if nobody received any more: it is handed back, nothing was sent | `Encode` |
//! | a message that cannot be decoded | as if nobody sent any more, so that nothing is lost in silence; it is gone, and whoever goes on receiving gets the next one | `Decode` |
//! | a sender that dies in the middle of a long message | it has not sent it | `Aborted` |
//! | a receiver that dies in the middle of a long message | it is sent again, to the next one | `Aborted` |
//! | `try_send` of a message that is longer than a lane (128 KiB) | always `Full`: use `send` | `TooLong` |
//!
//! Whether it was the end, the native end says: `r.native().is_disconnected()`.

use super::carry::{CarryRecv, CarrySend};
use crate::channel::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use crate::codec;
use crate::wait::deadline::until;
use ::serde::Serialize;
use ::serde::de::DeserializeOwned;
use std::time::{Duration, Instant};

pub mod crossbeam {
    //! In place of `crossbeam_channel`, its bounded channels, for any type that serde knows. See
    //! [`compat::crossbeam`](crate::compat::crossbeam), and [`compat::serde`](super) for the differences.

    use crate::codec as native;
    use ::serde::Serialize;
    use ::serde::de::DeserializeOwned;

    crate::compat::crossbeam_ends::crossbeam_ends!([], [Serialize], [DeserializeOwned]);
}

pub mod std_mpsc {
    //! In place of `std::sync::mpsc`, its bounded channel, for any type that serde knows. See
    //! [`compat::std_mpsc`](crate::compat::std_mpsc), and [`compat::serde`](super) for the differences.

    use crate::codec as native;
    use ::serde::Serialize;
    use ::serde::de::DeserializeOwned;

    crate::compat::std_ends::std_ends!([], [Serialize], [DeserializeOwned]);
}

impl<T: Serialize> CarrySend<T> for codec::Sender<T> {
    #[inline]
    fn send(&self, mut message: T) -> Result<(), SendError<T>> {
        loop {
            message = match self.send(message) {
                Ok(()) => return Ok(()),
                Err(codec::SendError::Aborted { message, .. }) => message,
                Err(error) => return Err(SendError(error.into_inner())),
            };
        }
    }

    #[inline]
    fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.try_send(message).map_err(|error| match error {
            codec::TrySendError::Disconnected(message) | codec::TrySendError::Encode { message, .. } => {
                TrySendError::Disconnected(message)
            }
            full => TrySendError::Full(full.into_inner()),
        })
    }

    fn send_timeout(&self, mut message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        let left = remaining(timeout);
        loop {
            message = match self.send_timeout(message, left()) {
                Ok(()) => return Ok(()),
                Err(codec::SendTimeoutError::Aborted { message, .. }) => message,
                Err(codec::SendTimeoutError::Timeout(message)) => return Err(SendTimeoutError::Timeout(message)),
                Err(error) => return Err(SendTimeoutError::Disconnected(error.into_inner())),
            };
        }
    }
}

impl<T: DeserializeOwned> CarryRecv<T> for codec::Receiver<T> {
    #[inline]
    fn recv(&self) -> Result<T, RecvError> {
        loop {
            match self.recv() {
                Err(codec::RecvError::Aborted { .. }) => {}
                received => return received.map_err(|_| RecvError),
            }
        }
    }

    #[inline]
    fn try_recv(&self) -> Result<T, TryRecvError> {
        loop {
            return match self.try_recv() {
                Ok(message) => Ok(message),
                Err(codec::TryRecvError::Empty) => Err(TryRecvError::Empty),
                Err(codec::TryRecvError::Aborted { .. }) => continue,
                Err(_) => Err(TryRecvError::Disconnected),
            };
        }
    }

    fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let left = remaining(timeout);
        loop {
            return match self.recv_timeout(left()) {
                Ok(message) => Ok(message),
                Err(codec::RecvTimeoutError::Timeout) => Err(RecvTimeoutError::Timeout),
                Err(codec::RecvTimeoutError::Aborted { .. }) => continue,
                Err(_) => Err(RecvTimeoutError::Disconnected),
            };
        }
    }
}

/// How much of it is left, whenever that is asked; without an end, if it is too long for the clock.
fn remaining(timeout: Duration) -> impl Fn() -> Duration {
    let deadline = Instant::now().checked_add(timeout);
    move || if timeout.is_zero() { timeout } else { deadline.map_or(Duration::MAX, until) }
}
