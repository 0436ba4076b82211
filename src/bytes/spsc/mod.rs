//! Messages of bytes of any length, from one sender to one receiver, in order.
//!
//! # Two processes
//!
//! One side creates, the other opens; or both `open_or_create`, and either may start first.
//!
//! ```
//! use ringway::bytes::spsc::{Receiver, Sender};
//! # let name = format!("doc-bytes-{}", std::process::id());
//! # let name = name.as_str();
//!
//! // in one process
//! let mut tx = Sender::open_or_create(name, 1 << 20)?;
//! tx.send(b"of any length")?;
//!
//! // in another
//! let mut rx = Receiver::open_or_create(name, 1 << 20)?;
//! let mut message = Vec::new();
//! rx.recv_into(&mut message)?; // no allocation while the vector is large enough
//! assert_eq!(message, b"of any length");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Short and long
//!
//! A message of up to [`contiguous_max`](Sender::contiguous_max) bytes (a frame: 64 KiB less eight bytes, in a ring of 256 KiB
//! or more) is sent at once and lies in one piece. It can be written where it will lie ([`claim`](Sender::claim)) and read
//! where it lies ([`recv_ref`](Receiver::recv_ref)). A longer one goes in parts: the receiver copies one out while the
//! sender copies the next one in, so that a ring of 64 KiB carries a message of 100 GiB. The receiver's memory grows with
//! what has come and never by what is promised; [`Receiver::set_limit`] says what is too much.
//! [`Sender::writer`] and [`Receiver::reader`] move one message as [`std::io::Write`] and [`std::io::Read`].
//!
//! # Who is there
//!
//! As with [`crate::spsc`]: when the sender is gone, dropped, exited or killed, the receiver gets what was sent and then
//! `Disconnected`; when the receiver is gone, `send` fails. When somebody comes to the other end again, the channel works
//! again. In the middle of a long message:
//!
//! | what happens | sender | receiver |
//! |---|---|---|
//! | the sender is killed, or leaves | - | `Aborted`, then what its successor sends |
//! | the sender's time is over, its writer is dropped | `Timeout` | `Aborted`, then the next message |
//! | the receiver is killed, or leaves | `Aborted` | its successor gets the next message |
//! | the receiver refuses it: too long, no memory, a dropped reader | `Aborted` | the next message |
//!
//! A message that has been sent to its end is sent: a sender that has its `Ok` does not learn what becomes of it.
//!
//! # At most once, at least once
//!
//! [`Receiver::recv`] copies a message out and releases it: if the receiving process dies later, the message is gone, and
//! if it dies in the middle of a long one, that is gone, too. [`Receiver::recv_ref`] gives a guard; the message leaves the
//! ring when it is [committed](Guard::commit). It must fit into the ring for that.

mod claim;
mod common;
mod guard;
mod iter;
mod reader;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;
mod waiting;
mod writer;

pub use claim::Claim;
pub use guard::Guard;
pub use iter::{IntoIter, Iter, TryIter};
pub use reader::MessageReader;
pub use receiver::Receiver;
pub use sender::Sender;
pub use writer::MessageWriter;

use crate::channel::end::End;
use crate::channel::error::OpenError;
use crate::channel::open::{Asked, pair};
use crate::channel::options::Options;
use crate::channel::spsc::corrupt;
use crate::layout::error::Kind;
use crate::layout::header::Header;
use crate::layout::overlay::{Control, Frames};
use crate::membership::role::Role;
use crate::membership::seat::Seat;
use crate::ring::parts::{Consumer, Producer};

/// Both ends of a channel inside this process, with a ring of `capacity` bytes, 32 at least.
///
/// # Errors
///
/// [`OpenError`]: no memory, or too small a capacity.
///
/// # Examples
///
/// ```
/// let (mut tx, mut rx) = ringway::bytes::spsc::channel(4096)?;
/// tx.send(b"one")?;
/// tx.try_send(b"")?;
/// assert_eq!((rx.recv()?, rx.try_recv()?), (b"one".to_vec(), vec![]));
/// assert!(rx.try_recv().unwrap_err().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel(capacity: usize) -> Result<(Sender, Receiver), OpenError> {
    channel_with(&Options::new().capacity(capacity))
}

/// Both ends of a channel inside this process, made with these options. The capacity is in bytes; if none is named, 256 KiB
/// or more, by the processor's cache. [`Options::frame_bytes`] is the longest piece, a multiple of 8.
///
/// # Errors
///
/// [`OpenError`]: no memory, or options that cannot be met.
pub fn channel_with(options: &Options) -> Result<(Sender, Receiver), OpenError> {
    ends(pair(asked(Role::Sender), options)?, options)
}

/// As [`channel_with`], as if `start` bytes had gone through it: for tests of the arithmetic.
#[cfg(all(test, not(loom)))]
pub(crate) fn channel_at(options: &Options, start: u64) -> Result<(Sender, Receiver), OpenError> {
    use crate::sync::Ordering::Relaxed;
    let pair = pair(asked(Role::Sender), options)?;
    let consumer = pair.1.consumer();
    for position in [&pair.1.producer().cursor.tail, &consumer.cursor.head, &consumer.cursor.taken, &consumer.credit.0]
    {
        position.store(start, Relaxed); // relaxed: nobody else knows these words yet
    }
    ends(pair, options)
}

fn ends(
    (header, control, [sender, receiver]): (Header, Control, [Seat; 2]),
    options: &Options,
) -> Result<(Sender, Receiver), OpenError> {
    #[cfg(not(loom))]
    let (to_write, to_read) = (Frames::new(&control, &header.geometry), Frames::new(&control, &header.geometry));
    #[cfg(loom)]
    let to_write = Frames::modelled(&header.geometry);
    #[cfg(loom)]
    let to_read = to_write.clone();
    let producer = Producer::attach(control.clone(), to_write).map_err(corrupt)?;
    let consumer = Consumer::attach(control, to_read).map_err(corrupt)?;
    Ok((
        Sender { producer, end: End::new(sender, options, false), instance: header.instance },
        Receiver {
            consumer,
            end: End::new(receiver, options, false),
            instance: header.instance,
            limit: receiver::LIMIT,
            partial: Vec::new(),
            is_reading: false,
        },
    ))
}

fn asked(role: Role) -> Asked {
    Asked { kind: Kind::Bytes, role, size: 1, align: 1 }
}
