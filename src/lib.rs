//! A channel between processes: a lock-free ring in shared memory that notices when the other side dies.
//!
//! ```
//! use ringway::spsc::{Receiver, Sender};
//! # let name = format!("doc-front-{}", std::process::id());
//! # let name = name.as_str();
//!
//! let mut tx = Sender::<u64>::create(name, 1024)?; // in one process
//! let mut rx = Receiver::<u64>::open(name)?; // in another
//! tx.send(7)?;
//! assert_eq!(rx.recv()?, 7);
//! drop(tx); // or its process is killed
//! assert!(rx.recv().is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you send | use |
//! |---|---|
//! | messages of one type, to one receiver | [`spsc`] |
//! | messages of one type, from many to many | [`mpmc`] |
//! | messages of bytes, of any length, to one receiver | [`bytes::spsc`] |
//! | the same, from many to many | [`bytes::mpmc`] |
//! | values of any type that serde knows, from many to many | `codec` (feature `serde`) |
//! | what `std::sync::mpsc` or `crossbeam_channel` sends | [`compat`] |
//! | bytes without borders: [`std::io::Write`], [`std::io::BufRead`] | [`stream`] |
//! | the same both ways, as through a socket | [`stream::Duplex`] |
//! | messages or a stream, one to one, to or from a process that you do not trust | [`handover`] |
//! | nothing: you look at what is there, or remove what nobody uses | [`observe`] |
//!
//! How a channel is made, how it waits, where it lives: [`Options`], [`Backing`]. Why it ended: [`DisconnectReason`]. What can be a
//! message: [`Payload`].
//!
//! # Features
//!
//! None is on by default. `serde`: the modules `codec` and `compat::serde`, with the crates `serde` and `postcard`. `cli`: the
//! program `ringway`, with its crates.
//!
//! # Threads, processes, forks
//!
//! Ends are `Send`: they may move to another thread. They do not survive `fork`: in a child every operation fails with
//! [`DisconnectReason::Forked`] and touches nothing. An `exec`ed program inherits nothing.
//!
//! The library has no threads of its own, with one exception: in a process that has several, one that is called
//! `ringway-register`, handles no signal and lives for some milliseconds, when an end has first sent (or received) a
//! thousand messages without waking anybody. It registers the process for others' memory barriers (`membarrier`), which the
//! kernel takes so long for; from then on messages need no fence. (And [`handover`] closes what somebody has passed by a thread.)
//!
//! # Models
//!
//! The crate's own tests run it under loom (`--cfg loom`); then only channels inside one process exist.

// A model has no files and no processes: what only they need is compiled there, and not used.
#![cfg_attr(loom, allow(dead_code))]

#[cfg(not(any(target_os = "linux", docsrs)))]
compile_error!("ringway needs Linux: futexes, locks of open file descriptions, files without a name");

#[cfg(target_endian = "big")]
compile_error!("ringway's format is little endian");

pub mod bytes;
mod channel;
#[cfg(all(feature = "serde", not(loom)))]
pub mod codec;
#[cfg(not(loom))]
pub mod compat;
#[cfg(not(loom))]
pub mod handover;
mod layout;
mod membership;
mod memory;
#[cfg(not(loom))]
pub mod observe;
mod ring;
#[cfg(not(loom))]
pub mod stream;
mod sync;
mod sys;
mod wait;

pub use channel::end::Stats;
pub use channel::error::{
    OpenError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryGrantError, TryRecvError, TrySendError,
    WaitForPeerError,
};
pub use channel::mpmc;
pub use channel::options::{Absent, Backing, Numa, Options};
pub use channel::reason::DisconnectReason;
pub use channel::spsc;
pub use layout::error::{FormatError, Kind, TypeId};
pub use layout::geometry::Placement;
pub use layout::waiter::Waiter;
pub use membership::role::Role;
pub use memory::error::SegmentError;
pub use ring::payload::Payload;
#[cfg(not(loom))]
pub use sys::sigbus::{SigbusGuardError, sigbus_guard};
pub use wait::strategy::WaitStrategy;

/// The programs in the README compile.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
pub struct Readme;
