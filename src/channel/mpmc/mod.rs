//! Many senders, many receivers: messages of one type, each to one receiver.
//!
//! ```
//! let (tx, rx) = ringway::mpmc::channel::<u32>(16)?;
//! let workers: Vec<_> = (0..3)
//!     .map(|_| {
//!         let rx = rx.clone();
//!         std::thread::spawn(move || rx.iter().sum::<u32>())
//!     })
//!     .collect();
//! for number in 0..100 {
//!     tx.send(number)?;
//! }
//! drop((tx, rx)); // the last sender: the workers end
//! assert_eq!(workers.into_iter().map(|worker| worker.join().unwrap()).sum::<u32>(), 4950);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Between processes an end is created, opened, or either, by name:
//!
//! ```
//! use ringway::mpmc::{Receiver, Sender};
//! # let name = format!("doc-mpmc-{}", std::process::id());
//! # let name = name.as_str();
//!
//! let tx = Sender::<[f64; 3]>::open_or_create(name, 1024)?; // in any number of processes
//! let rx = Receiver::<[f64; 3]>::open_or_create(name, 1024)?; // in any number of others
//! tx.send([1.0, 2.0, 3.0])?;
//! assert_eq!(rx.recv()?, [1.0, 2.0, 3.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Order
//!
//! Messages have one order, in which they are taken; each sender's are in the order in which it sent them. A message that is
//! delivered again comes out of its order, and is marked ([`Guard::is_redelivered`]).
//!
//! # When a process dies in the middle
//!
//! A sender that is killed at any instruction has sent its message or has not; a receiver has received it, or somebody else
//! gets it. Nobody waits for the dead: who finds a place of theirs asks the kernel, and goes on. Nobody's place is taken
//! because of *time*: a process that is stopped (SIGSTOP, a debugger) keeps what it holds. If it was stopped in the few
//! instructions between claiming a place and filling it, what was sent behind that place waits for it.
//!
//! To resolve what one dead process left costs whoever finds it, once, a system call for each other process that is
//! attached, the dead one among them, and two more. A receiver that asks at once has its message 10 to 15 microseconds after
//! the kernel has torn the process down, with two others attached that live (5 calls), 40 to 50 with sixty (63 calls); one
//! that sleeps, after its slice. (Two cores of a virtual machine, shared; `cargo test --release --test step_kill -- --cost`.)
//!
//! | | learned |
//! |---|---|
//! | an end was dropped, or the channel closed | at the next call, at once if asleep |
//! | a process was killed | within a slice (50 ms) by who waits; else when the ring is full or empty |
//!
//! # Resources
//!
//! Each time that a process opens a channel it is one *member* of it ([`Options::members`]). Clones of an end are free. An
//! *operation* in flight needs a record ([`Options::operations`]), which a thread keeps from one operation to the next;
//! a message in hand needs a hand ([`Options::in_hand`]). The numbers are the creator's.
//!
//! A record whose owner was killed while it took a message out is free again when a receiver has resolved it. When there is
//! no other, whoever needs one takes such a one over with what it announces, and gives it back with that if it cannot
//! resolve it. So one record is enough, whoever is killed.

pub(crate) mod annexes;
mod common;
pub(crate) mod core;
mod dead_letters;
mod guard;
mod iter;
pub(crate) mod lease;
pub(crate) mod open;
mod receiver;
mod sender;
pub(crate) mod tally;
pub(crate) mod transfer;
pub(crate) mod waiting;

pub use guard::Guard;
pub use iter::{IntoIter, Iter, TryIter};
pub use receiver::Receiver;
pub use sender::Sender;

use super::error::OpenError;
use super::options::Options;
use crate::ring::payload::Payload;

/// What a process has done at a channel so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// How often one of its ends went to sleep.
    pub sleeps: u64,
    /// How many sleepers its ends woke: one system call each.
    pub wakes: u64,
    /// How often it asked the kernel who is alive.
    pub probes: u64,
    /// Messages that were given up after too many deliveries, by all processes and since the channel was made.
    pub dropped: u64,
}

/// Both ends of a channel inside this process, for exactly `capacity` messages.
///
/// # Errors
///
/// [`OpenError`]: no memory, or a capacity of 0, or messages of more than 4096 bytes.
///
/// # Examples
///
/// ```
/// let (tx, rx) = ringway::mpmc::channel(3)?;
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
    let core = open::in_process(open::Form::Typed, options)?;
    Ok((Sender::of(std::sync::Arc::clone(&core), options), Receiver::of(core, options)))
}
