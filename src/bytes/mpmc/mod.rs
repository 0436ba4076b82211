//! Many senders, many receivers: messages of any length, each to one receiver.
//!
//! ```
//! let (tx, rx) = ringway::bytes::mpmc::channel(16)?;
//! let sending = std::thread::spawn(move || {
//!     tx.send(b"short")?;
//!     tx.send(&vec![7; 1_000_000]) // longer than anything in the segment
//! });
//! assert_eq!(rx.recv()?, b"short");
//! assert_eq!(rx.recv()?.len(), 1_000_000);
//! sending.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(not(loom))]
mod claim;
mod common;
#[cfg(not(loom))]
mod guard;
mod incoming;
mod lanes;
mod outgoing;
mod reader;
mod receiver;
mod sender;
mod writer;

#[cfg(not(loom))]
pub use claim::Claim;
#[cfg(not(loom))]
pub use guard::Guard;
pub use reader::MessageReader;
pub use receiver::{Iter, Receiver};
pub use sender::Sender;
pub use writer::MessageWriter;

use crate::channel::error::OpenError;
use crate::channel::mpmc::open;
use crate::channel::options::Options;
use std::sync::Arc;

/// Both ends of a channel inside this process, for exactly `capacity` messages on their way.
///
/// # Errors
///
/// [`OpenError`]: no memory, or a capacity of 0.
pub fn channel(capacity: usize) -> Result<(Sender, Receiver), OpenError> {
    channel_with(&Options::new().capacity(capacity))
}

/// Both ends of a channel inside this process, made with these options.
///
/// # Errors
///
/// [`OpenError`]: no memory, or options that cannot be met.
pub fn channel_with(options: &Options) -> Result<(Sender, Receiver), OpenError> {
    let core = open::in_process(open::Form::Bytes, options)?;
    Ok((Sender::of(Arc::clone(&core), options), Receiver::of(core, options)))
}
