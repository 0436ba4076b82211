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
//! | more, up to [`Options::whole_up_to`] (off by default) | copied as a whole to an *annex*, and its ticket in the ring | it is there |
//! | any, written in place as a [`Loan`] | in a lane, or an annex, and its ticket in the ring | it is there |
//!
//! A lane is taken by one swap of one word, filled with one copy, and freed when the message is done. There are 64 short ones
//! and [`Options::lanes`] long ones; when all are in use, senders of such messages wait, and others do not. A receiver that has taken
//! up a long message copies a chunk of it ([`Options::chunk_bytes`]), looks what else there is, and so on: a short message never
//! waits for more than a chunk of each long one that the same receiver is at, and several senders' long messages come at once.
//!
//! # Loans
//!
//! [`Sender::loan`] lends shared memory, [`Loan::send`] hands over its ownership and copies nothing, and a receiver reads the message
//! where it is ([`Receiver::recv_ref`], [`Receiver::recv_owned`]) and gives the memory back with the guard. So a message of a
//! megabyte costs as much to send as one of a hundred bytes. As bytes, or as values of any [`Payload`](crate::Payload)
//! ([`Loan::as_mut_slice_of`], [`Guard::as_slice_of`]).
//!
//! ```
//! let (tx, rx) = ringway::bytes::mpmc::channel(16)?;
//! let mut image = tx.loan(1920 * 1080 * 4)?; // longer than a lane: in an annex
//! image.fill(0x80);
//! image.send()?;
//! let image = rx.recv_owned()?; // goes where you like
//! assert_eq!((image.len(), image[0]), (1920 * 1080 * 4, 0x80));
//! image.commit();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Copied or mapped, chosen by itself
//!
//! [`Sender::send_with`] and [`Receiver::recv_with`] have a message made and used by closures, and need not know where it is:
//!
//! | bytes | made | and then | used |
//! |---|---|---|---|
//! | 0 to 112 | on the stack | copied to the ring | from a copy on the stack |
//! | up to [`Options::copy_up_to`] ([`COPY_UP_TO`]), and a lane's length | in private memory | copied to a lane | in the lane |
//! | up to it, and longer than a lane | in private memory | through a lane, or to an annex (as `send`) | in a vector, or the annex |
//! | more, up to a lane's length | in a lane | - | in the lane |
//! | more | in an annex; if there can be none, in private memory, and it goes through a lane | - | in the annex, or a vector |
//!
//! A closure that panics sends nothing, or has received its message; no lane is lost. `ringway bench copy-vs-map` measures both ways for
//! every size, and plots where they cross.
//!
//! # Which memory a message lies in
//!
//! Two designs are known for memory that is lent between processes: one large segment with an allocator of its own, and a pool
//! of segments whose numbers go through a queue. Here it is the first for as long as that has room, and then the second.
//!
//! * *The segment* has three classes of sizes, each with so many places as its creator said: the slot itself, short lanes, long lanes. A
//!   message takes the shortest that holds it, or a longer one if all of those are in use. Nothing is split or joined, so nothing is
//!   ever fragmented outside of a place, and to take one is a swap. All of it is there, and is reserved, from the start.
//! * *Annexes* are lanes whose bytes are a file of their own each ([`Options::annexes`], 16 at most by default). A loan takes one if it
//!   is longer than a long lane, or if all lanes that hold it are in use. The file is made when it is first needed, with a power
//!   of two of bytes, up to 1 GiB; it stays for the next loan that it fits, which then makes no system call. A loan takes an annex
//!   that is long enough and not more than four times too long; else one that has no file yet; else it puts another file in the place
//!   of one that does not fit.
//! * *While a message that was sent in an annex is not being received*, a loan of up to 4 MiB that needs another annex polls for a moment: for as long as
//!   who waits here polls before it sleeps (20 microseconds; not with [`Sleep`](crate::WaitStrategy::Sleep), nor in a `try_`). One that is
//!   written and one that is read stay in the caches: messages of 1 MiB go 1.6 times as fast so.
//! * *When all are in use*, a loan waits: of what is lent nothing is taken back but by a death. When the file system has no room for
//!   another file, a loan gets an annex that is longer than need be, or waits for a lane if one holds it, or fails at once and says
//!   so ([`LoanError::Memory`](crate::bytes::LoanError::Memory)).
//!
//! What is copied (`send`) takes an annex only if [`Options::whole_up_to`] says so: otherwise, if it is longer than a lane, it goes through one.
//!
//! A receiver maps an annex when it first receives from it; who has changed its root directory or its user since it opened the
//! channel cannot do that, and leaves the message to others; nor does it get a loan that needs a new file, which the others would
//! not open. A message whose file somebody has taken away by hand, or `clean` from under a segment whose name was removed by hand, is
//! [`Aborted`](crate::bytes::RecvError::Aborted). The files are removed with the segment, by whoever does that. How many
//! there are, how many bytes they have, and how many bytes of messages are in them, is told by [`Sender::lanes`],
//! [`observe::stat`](crate::observe::stat) and `ringway stat`: what is in use beyond the messages is lost to the sizes: less
//! than half of an annex that was made for the message, less than seven eighths of one that was there,
//! and more if it was lent for want of memory, or because all lanes were in use: then it has the length of a long lane at least.
//!
//! # When somebody dies or gives up in the middle
//!
//! | who | of a message that fits into a lane | of a longer one |
//! |---|---|---|
//! | sender | nobody gets it, or it is there | its receiver gets [`Aborted`](crate::bytes::RecvError::Aborted), and how many bytes had come |
//! | receiver | another one gets it, marked | its sender gets [`Aborted`](crate::bytes::SendError::Aborted), and may send it again |
//!
//! The lane, or annex, is free again in each case. Nobody ever gets a part of a message for the whole. A loan whose holder dies comes
//! back within a slice (50 ms) of somebody's waiting for one.
//!
//! # Dead letters
//!
//! As in [`crate::mpmc`], with [`Options::deliveries`] and [`Options::dead_letters`]: the channel that they go to is one of bytes,
//! too, and a message is copied there from its lane. (Of a message that is longer than a lane its sender learns that it was not
//! done; so it is no dead letter.)

mod claim;
mod common;
mod guard;
mod incoming;
mod lanes;
mod loan;
mod made;
mod outgoing;
mod pace;
mod place;
mod reader;
mod receiver;
mod sender;
#[cfg(all(loom, test))]
mod tests;
mod writer;

pub use claim::Claim;
pub use guard::{Guard, OwnedGuard};
pub use loan::Loan;
pub use reader::MessageReader;
pub use receiver::{Iter, Receiver};
pub use sender::Sender;
pub use writer::MessageWriter;

use crate::channel::error::OpenError;
pub use crate::channel::mpmc::tally::{LaneClass, Lanes};

use crate::channel::mpmc::open;
use crate::channel::options::{self, Options};
use std::sync::Arc;

/// Up to so many bytes [`Sender::send_with`] makes a message in private memory and copies it, unless
/// [`Options::copy_up_to`] says otherwise.
///
/// Measured (`ringway bench copy-vs-map`, two processors of a shared virtual machine, each byte made and used): the time of a message
/// that is made in a loan and used in place, by the time of one that is copied in and out, is 1.0 up to 2 KiB, 0.9 at 4 to 8 KiB,
/// 0.8 to 0.9 up to 128 KiB, 0.5 to 0.6 from 256 KiB to 4 MiB and 0.4 to 0.6 at 8 and 16 MiB, when the host has the processors where
/// they share a cache. Where they do not, it is 1.7 to 3.4 from 8 to 256 KiB, since the lines that are written are in the other
/// processor's cache and plain stores fetch them one by one; [`Sender::send_with`] therefore overwrites them as a whole first,
/// and takes 0.3 to 1.5 there, and 0.6 to 0.9 where they are near. So the threshold is where that gains a fifth as a rule and
/// loses a half at worst. Who writes all of a [`Loan`] of up to some MiB may do the same: `loan.fill(0)`. A message that is copied in and
/// used in place takes no longer than one that is copied twice, so [`Receiver::recv_with`] has no threshold.
pub const COPY_UP_TO: usize = options::COPY_UP_TO;

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
