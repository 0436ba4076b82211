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
//!
//! Ends are created and opened by name as those of [`crate::mpmc`], on which this stands: what is said there of order, of
//! death, and of members, operations and hands holds here, too.
//!
//! # Where a message is
//!
//! | bytes | way | `send` returns when |
//! |---|---|---|
//! | 0 to 112 | in the ring itself | it is there |
//! | 113 to a lane's length (4 KiB, or 128 KiB) | in a *lane*, and its ticket in the ring | it is there |
//! | more | through a lane, round after round, while it is being received | it has been received |
//!
//! A lane is taken by one swap of one word, filled with one copy, and freed when the message is done. There are 64 short ones
//! and [`Options::lanes`] long ones; when all are in use, senders of such messages wait, and others do not. A receiver that has taken
//! up a long message copies a chunk of it ([`Options::chunk_bytes`]), looks what else there is, and so on: a short message never
//! waits for more than a chunk of each long one that the same receiver is at, and several senders' long messages come at once.
//!
//! # When somebody dies or gives up in the middle
//!
//! | who | of a message that fits into a lane | of a longer one |
//! |---|---|---|
//! | sender | nobody gets it, or it is there | its receiver gets [`Aborted`](crate::bytes::RecvError::Aborted), and how many bytes had come |
//! | receiver | another one gets it, marked | its sender gets [`Aborted`](crate::bytes::SendError::Aborted), and may send it again |
//!
//! The lane is free again in each case. Nobody ever gets a part of a message for the whole.
//!
//! # Dead letters
//!
//! As in [`crate::mpmc`], with [`Options::deliveries`] and [`Options::dead_letters`]: the channel that they go to is one of bytes,
//! too, and a message is copied there from its lane. (Of a message that is longer than a lane its sender learns that it was not
//! done; so it is no dead letter.)

#[cfg(not(loom))]
mod claim;
mod common;
#[cfg(not(loom))]
mod guard;
mod incoming;
mod lanes;
#[cfg(not(loom))]
mod loan;
mod outgoing;
mod place;
mod reader;
mod receiver;
mod sender;
mod writer;

#[cfg(not(loom))]
pub use claim::Claim;
#[cfg(not(loom))]
pub use guard::{Guard, OwnedGuard};
#[cfg(not(loom))]
pub use loan::Loan;
pub use reader::MessageReader;
pub use receiver::{Iter, Receiver};
pub use sender::Sender;
pub use writer::MessageWriter;

use crate::channel::error::OpenError;
pub use crate::channel::mpmc::tally::{LaneClass, Lanes};

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
