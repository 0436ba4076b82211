//! Values of any type that serde knows, from many senders to many receivers, each to one receiver: [`bytes::mpmc`] with a
//! [format](Codec) at both ends. With the feature `serde`.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use std::collections::BTreeMap;
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! enum Job {
//!     Fetch { url: String, headers: BTreeMap<String, String> },
//!     Stop,
//! }
//!
//! # let name = format!("doc-codec-{}", std::process::id());
//! # let name = name.as_str();
//! let tx = ringway::codec::Sender::<Job>::open_or_create(name, 64)?; // in any number of processes
//! let rx = ringway::codec::Receiver::<Job>::open_or_create(name, 64)?; // in any number of others
//! tx.send(Job::Fetch { url: "https://example.org/".into(), headers: BTreeMap::new() })?;
//! tx.send(Job::Stop)?;
//! assert!(matches!(rx.recv()?, Job::Fetch { url, .. } if url.ends_with('/')));
//! assert_eq!(rx.recv()?, Job::Stop);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What [`bytes::mpmc`] says of lengths, of death, of members and lanes holds here; and `bytes` ends may be at the other side,
//! since a message is what the format makes of a value and nothing else ([`Sender::bytes`], [`Receiver::bytes`], `From`).
//!
//! A sender needs `Serialize` alone, so it may send what it only borrows: a `Sender<&str>` is a sender to a `Receiver<String>`.
//!
//! # Formats
//!
//! [`Postcard`] unless another is named: `Sender<T, Json>`, where `Json` is a [`Codec`] of ten lines. A format that does not
//! describe itself cannot tell one type from another. Name the type and its version by [`Options::type_tag`], and who opens the
//! channel for another type gets an error instead of values that happen to decode.
//!
//! # When a message cannot be decoded
//!
//! It is an error of that message: [`RecvError::Decode`] has the format's reason and the message's length. The message is gone,
//! the channel goes on with the next one. A value that cannot be *encoded* is handed back, and nothing was sent.
//!
//! Decoding is serde's and the format's. Whatever the bytes are, [`Postcard`] reserves a mebibyte at most for each length that it
//! reads; but a type that holds itself (a list, a tree) is decoded as deep as the message says, a call for every two bytes or more of it,
//! and a process whose stack is at its end is killed; and of what takes no bytes (`Vec<()>`) a message of ten bytes may announce more
//! than can ever be counted. If others than your own programs can send, let no such type come; against depth short messages
//! help ([`Receiver::set_limit`]).
//!
//! [`bytes::mpmc`]: crate::bytes::mpmc

mod common;
mod error;
mod format;
mod receiver;
mod room;
mod sender;

pub use error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
pub use format::{Codec, Postcard};
pub use postcard::Error as PostcardError;
pub use receiver::{Iter, Receiver, TryIter};
pub use sender::Sender;

use crate::bytes::mpmc;
use crate::channel::error::OpenError;
use crate::channel::options::Options;

/// Both ends of a channel inside this process, for exactly `capacity` messages on their way.
///
/// # Errors
///
/// [`OpenError`]: no memory, or a capacity of 0.
pub fn channel<T>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), OpenError> {
    channel_with(&Options::new().capacity(capacity))
}

/// Both ends of a channel inside this process, made with these options.
///
/// # Errors
///
/// [`OpenError`]: no memory, or options that cannot be met.
pub fn channel_with<T>(options: &Options) -> Result<(Sender<T>, Receiver<T>), OpenError> {
    channel_of(options)
}

/// The same, in the format `C`.
///
/// # Errors
///
/// As [`channel_with`].
#[expect(clippy::type_complexity, reason = "two ends")]
pub fn channel_of<T, C>(options: &Options) -> Result<(Sender<T, C>, Receiver<T, C>), OpenError> {
    let (tx, rx) = mpmc::channel_with(options)?;
    Ok((Sender::from(tx), Receiver::from(rx)))
}
