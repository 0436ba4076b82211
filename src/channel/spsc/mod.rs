//! One sender, one receiver: messages of one type, in order.
//!
//! # Two threads
//!
//! ```
//! let (mut tx, mut rx) = ringway::spsc::channel::<u32>(16)?;
//! std::thread::spawn(move || {
//!     for number in 0..100 {
//!         tx.send(number).unwrap();
//!     }
//! });
//! assert_eq!(rx.iter().sum::<u32>(), 4950); // ends when the sender is dropped
//! # Ok::<(), ringway::OpenError>(())
//! ```
//!
//! # Two processes
//!
//! One side creates, the other opens; or both `open_or_create`, and either may start first.
//!
//! ```
//! use ringway::spsc::{Receiver, Sender};
//! # let name = format!("doc-two-{}", std::process::id());
//! # let name = name.as_str();
//!
//! // in one process
//! let mut tx = Sender::<[f64; 3]>::open_or_create(name, 1024)?;
//! tx.send([1.0, 2.0, 3.0])?;
//!
//! // in another
//! let mut rx = Receiver::<[f64; 3]>::open_or_create(name, 1024)?;
//! assert_eq!(rx.recv()?, [1.0, 2.0, 3.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who is there
//!
//! The kernel says who is alive: each end holds a lock that it frees when the process is gone. When the sender is gone,
//! dropped, exited or killed, the receiver gets what was sent and then `Disconnected`. When the receiver is gone, `send`
//! fails and hands the message back. [`Sender::disconnect_reason`] tells a good end from a death. When somebody comes
//! to the other end again, the channel works again, from where the last one committed.
//!
//! | | sender | receiver |
//! |---|---|---|
//! | peer dropped or closed | at the next call, woken if asleep | the same, after what was sent |
//! | peer killed | within a slice (50 ms) while it waits; else when the ring is full | within a slice while it waits |
//! | peer stopped (SIGSTOP, debugger, core dump) | it is alive | it is alive |
//!
//! # At most once, at least once
//!
//! [`Receiver::recv`] copies a message out and releases it: if the receiving process dies later, the message is gone.
//! [`Receiver::recv_ref`] gives a guard; the message leaves the ring when it is [committed](Guard::commit). A guard
//! that is dropped, forgotten, or whose process dies gives the message back: it is delivered again, marked.
//!
//! # Messages that outlive processes
//!
//! A channel ends with its last user, and what is in it with it. A [persistent](Options::persistent) one does not: whoever
//! comes next, a minute or a month later, finds what was sent and not yet received, in order. Its sender needs no receiver
//! until the ring is full. A receiver that has taken the last message is `Disconnected` if the sender is gone, as ever;
//! [`Receiver::wait_for_peer`] waits for the next one.
//!
//! # When a process dies in the middle
//!
//! A message is sent by one store and released by one store; a process killed before or after leaves the ring as it was
//! before or after. Nothing is ever locked, so nobody waits for the dead.

mod common;
mod grant;
mod guard;
mod iter;
mod receiver;
mod sender;

pub use grant::{ReadGrant, Runs, RunsMut, WriteGrant};
pub use guard::Guard;
pub use iter::{IntoIter, Iter, TryIter};
pub use receiver::Receiver;
pub use sender::Sender;

use super::end::End;
use super::error::OpenError;
use super::open::{Asked, pair};
use super::options::Options;
use crate::layout::error::Kind;
use crate::layout::header::Header;
use crate::layout::overlay::{Control, Frames};
use crate::membership::role::Role;
use crate::membership::seat::Seat;
use crate::ring::payload::Payload;
use crate::ring::spsc::{Consumer, Producer};

/// Both ends of a channel inside this process, for exactly `capacity` messages.
///
/// # Errors
///
/// [`OpenError`]: no memory, or a capacity of 0.
///
/// # Examples
///
/// ```
/// let (mut tx, mut rx) = ringway::spsc::channel(3)?;
/// for number in 1..=3_u64 {
///     tx.try_send(number)?;
/// }
/// assert!(tx.try_send(4).unwrap_err().is_full());
/// assert_eq!(rx.recv()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel<T: Payload>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), OpenError> {
    channel_with(&Options::new().capacity(capacity))
}

/// Both ends of a channel inside this process, made with these options.
///
/// # Errors
///
/// [`OpenError`]: no memory, or options that cannot be met.
pub fn channel_with<T: Payload>(options: &Options) -> Result<(Sender<T>, Receiver<T>), OpenError> {
    ends(pair(asked::<T>(Role::Sender), options)?, options)
}

/// As [`channel_with`], as if `start` messages had gone through it: for tests of the arithmetic.
#[cfg(all(test, not(loom)))]
pub(crate) fn channel_at<T: Payload>(options: &Options, start: u64) -> Result<(Sender<T>, Receiver<T>), OpenError> {
    use crate::sync::Ordering::Relaxed;
    let pair = pair(asked::<T>(Role::Sender), options)?;
    let consumer = pair.1.consumer();
    for position in [&pair.1.producer().cursor.tail, &consumer.cursor.head, &consumer.cursor.taken, &consumer.credit.0]
    {
        position.store(start, Relaxed); // relaxed: nobody else knows these words yet
    }
    ends(pair, options)
}

fn ends<T: Payload>(
    (header, control, [sender, receiver]): (Header, Control, [Seat; 2]),
    options: &Options,
) -> Result<(Sender<T>, Receiver<T>), OpenError> {
    #[cfg(not(loom))]
    let (to_write, to_read) = (Frames::new(&control, &header.geometry), Frames::new(&control, &header.geometry));
    #[cfg(loom)]
    let to_write = Frames::modelled(&header.geometry);
    #[cfg(loom)]
    let to_read = to_write.clone();
    let mut producer = Producer::attach(control.clone(), to_write).map_err(corrupt)?;
    producer.set_hurried(options.wait.is_quiet());
    let consumer = Consumer::attach(control, to_read).map_err(corrupt)?;
    Ok((
        Sender { producer, end: End::new(sender, options, false), instance: header.instance },
        Receiver { consumer, end: End::new(receiver, options, false), instance: header.instance },
    ))
}

fn asked<T>(role: Role) -> Asked {
    Asked { kind: Kind::Spsc, role, size: size_of::<T>(), align: align_of::<T>() }
}

/// A segment whose words cannot be is not opened.
pub(crate) fn corrupt(corrupt: crate::ring::Corrupt) -> OpenError {
    crate::layout::error::FormatError::Field {
        field: corrupt.word,
        found: corrupt.found,
        must: "a position of this ring",
    }
    .into()
}
