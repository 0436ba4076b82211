//! Messages of bytes of any length: none at all, a line of text, or a hundred times the memory of the ring.
//!
//! | | |
//! |---|---|
//! | [`spsc`] | one sender, one receiver: parts in a ring of frames |
//! | [`mpmc`] | many senders, many receivers: short messages in a ring, long ones in lanes beside it |
//!
//! A message arrives as it was sent, whole or not at all. Short ones lie in the ring in one piece and can be written and
//! read there ([`claim`](spsc::Sender::claim), [`recv_ref`](spsc::Receiver::recv_ref)); long ones go through it in parts,
//! and nobody needs more memory than the message itself, or, with [`writer`](spsc::Sender::writer) and
//! [`reader`](spsc::Receiver::reader), not even that.
//!
//! ```
//! let (mut tx, mut rx) = ringway::bytes::spsc::channel(64 << 10)?; // bytes of the ring
//! let long = vec![7; 1 << 20];
//! let sending = std::thread::spawn(move || {
//!     tx.send(b"hello")?;
//!     tx.send(&long) // longer than the ring
//! });
//! assert_eq!(rx.recv()?, b"hello");
//! assert_eq!(rx.recv()?.len(), 1 << 20);
//! sending.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Bytes without borders are a [`stream`](crate::stream); messages of one type, all of one size, have channels of their
//! own ([`crate::spsc`], [`crate::mpmc`]).

mod error;
pub mod mpmc;
pub mod spsc;

pub use error::{LoanError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
