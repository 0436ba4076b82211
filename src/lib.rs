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
//! # Model-checking your own code
//!
//! Built with `--cfg loom`, the channels work inside a model of your program: [loom](https://docs.rs/loom) runs it in the orders
//! that its threads can have, with the stale values that they can read. It is for what you build around the channels: a race
//! between things that you share besides them, a job that is lost at a shutdown, a receiver that waits for a sender whom
//! somebody keeps.
//!
//! ```toml
//! [target.'cfg(loom)'.dependencies]
//! loom = "0.7"
//! ```
//!
//! ```ignore
//! use loom::{sync::Arc, sync::atomic::{AtomicBool, Ordering::Relaxed}, thread::spawn};
//!
//! #[test]
//! fn nothing_is_sent_behind_the_flag() {
//!     let mut model = loom::model::Builder::new();
//!     model.preemption_bound = Some(2);
//!     model.check(|| {
//!         let (mut tx, mut rx) = ringway::spsc::channel::<u64>(1).unwrap(); // as everywhere
//!         let is_done = Arc::new(AtomicBool::new(false));
//!         let theirs = Arc::clone(&is_done);
//!         let sending = spawn(move || {
//!             tx.send(1).unwrap();
//!             theirs.store(true, Relaxed);
//!         });
//!         if is_done.load(Relaxed) {
//!             rx.try_recv().unwrap(); // fails in some execution: the flag orders nothing
//!         }
//!         sending.join().unwrap();
//!     });
//! }
//! ```
//!
//! ```console
//! $ RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test --release
//! ```
//!
//! `tests/loom_user` in the repository is a package that does so, with two programs: a pipeline with a credit and a flag, and a relay
//! from a stream to memory that is lent. Both pass, and each model finds every bug that can be planted there, seven in all.
//!
//! **What is there**: all kinds of channels between those who trust each other, made with both ends in the model:
//!
//! | | by | and |
//! |---|---|---|
//! | [`spsc`] | `channel`, `channel_with` | batches; grants, to write and read in place; guards, at least once |
//! | [`mpmc`] | `channel`, `channel_with` | batches; guards; clones |
//! | [`bytes::spsc`] | `channel`, `channel_with` | claims, guards, messages bit by bit |
//! | [`bytes::mpmc`] | `channel`, `channel_with` | loans, claims, guards borrowed and owned, closures that make and use, lanes and annexes |
//! | [`stream`] | `pipe`, `pipe_with`, `duplex`, `duplex_with` | [`Read`](std::io::Read), [`BufRead`](std::io::BufRead), [`Write`](std::io::Write), in place too; halves, `finish`, `abort` |
//! | [`compat`], `codec` | `bounded`, `sync_channel`, `channel` | as what they stand on |
//!
//! **What is not there**, and why:
//!
//! | what | in a model | why |
//! |---|---|---|
//! | `create`, `open`, `open_or_create`; a [`Backing`] but [`Heap`](Backing::Heap) | [`OpenError`], which says so | a model has no files |
//! | `handover`, `observe`, `sigbus_guard` | do not exist: the program does not compile | as above; what is observed are files, and what they need are signals |
//! | [`Options::persistent`] | [`OpenError`], as with both ends everywhere | there is nobody to come back |
//! | [`Options::dead_letters`] | what is delivered too often is dropped, and counted | the channel for them is opened by its name |
//! | [`Options::waiter`], `wait`, `slice`, `open_timeout`, and what is said of memory | not heard | how one sleeps is modelled, as told below, and where things lie is loom's |
//! | a channel outside of `loom::model`, an end in a thread that is not loom's | loom panics | its atomics live in a model only |
//!
//! **What is modelled**: the rings, as they are but for what they ask about the dead; each of their atomic operations is one of
//! loom's, and each message (of bytes, each byte) is in a cell that loom checks. What is lent in place is checked where it is lent, and
//! where it is sent, released or committed. So you have the edges that a channel makes:
//! - what a sender did before it sent, wrote or committed is ordered before the receiving of that message, or byte,
//! - what a receiver did before it took a message, consumed bytes or released a grant is ordered before the sending of what gets
//!   their place; before it committed a loan, before the next one who is lent that memory,
//! - what an end did before it was dropped or closed is ordered before another's `Disconnected`, or end of the stream,
//! - what the reader of a stream did before it came to the end is ordered before [`finish`](stream::Writer::finish) comes back.
//!
//! You do not have more: nothing flows back to a sender by its sending, or to a writer by its `flush`; no call is a fence; and a `try_`
//! call may miss what you know of by a relaxed word only.
//!
//! **What is coarser**: sleeping. All ends sleep, whatever their [`WaitStrategy`], and a wake is one step. That the protocol
//! below it loses none is for the crate's own models, as is that the dead do no harm: nobody dies in yours. Who is not woken
//! sleeps for ever, and when everybody does, loom says `deadlock`. A sleeper that is woken is ordered behind who woke it, also
//! if the message was another's.
//!
//! **Time**: there is none. A timeout of zero is one try; any other, and every deadline, never comes, so a wait that only they
//! would end is a deadlock. Where your program goes on behind a timeout, have its model call the `try_` method (of a stream:
//! `set_nonblocking`).
//!
//! **False alarms**: between many, a `try_` call may say Empty or Full because somebody else is in the middle of an operation at
//! that place. In a program it waits a while for those who run, and says so of those who are stopped; in a model anybody may
//! be. So do not assert that a `try_` call of [`mpmc`], [`bytes::mpmc`] or what stands on them finds what is there while others use the
//! channel: have the others joined first, or call the one that waits.
//!
//! **What passes is not proven**: loom leaves some orders out, and all that need more preemptions than it is allowed. See your
//! model fail once, with the bug that it is for.
//!
//! **Sizes**: channels of one or two messages, two or three threads, a bound of two preemptions. (loom has five threads at most,
//! the model's own among them, and 1000 branches in an execution unless told otherwise.)
//!
//! | a model of three threads, two messages, two preemptions | executions | time |
//! |---|---|---|
//! | from one through a second to the third, two `spsc` channels of capacity 1 | 60 136 | 4 s |
//! | two senders, one receiver, an `mpmc` channel of capacity 1 | 10 886 | 1 s |
//! | one sender, two receivers, an `mpmc` channel of capacity 2 | 128 100 | 9 s |
//!
//! A third preemption makes it ten times that. Streams and loans have more steps to a message: begin with one preemption (the
//! relay, two records through a stream of 2 bytes to loans: 1 s; with two preemptions and a stream of 4 bytes more than a
//! minute). A many-to-many channel has 8 operations and 8 hands in a model unless they are named, one of bytes a single lane of 4
//! KiB and one annex ([`Options::annexes`]: 0 saves its objects, and then no loan is longer than a lane). To loom each byte of a
//! ring, a lane or an annex is an object: name a capacity below a hundred, of a stream below ten (and [`Options::frame_bytes`],
//! which is as much as becomes visible at a time, or it is a quarter of that), and keep messages and loans short.
//!
//! When a model fails, ends that are dropped tell nobody; what is loom's may then end the process when it is dropped (its `Arc`, in
//! a deadlock), behind the message that says what it was.

// A model has no files and no processes: what only they need is compiled there, and not used.
#![cfg_attr(loom, allow(dead_code))]

#[cfg(not(any(target_os = "linux", docsrs)))]
compile_error!("ringway needs Linux: futexes, locks of open file descriptions, files without a name");

#[cfg(target_endian = "big")]
compile_error!("ringway's format is little endian");

pub mod bytes;
mod channel;
#[cfg(feature = "serde")]
pub mod codec;
pub mod compat;
#[cfg(not(loom))]
pub mod handover;
mod layout;
mod membership;
mod memory;
#[cfg(not(loom))]
pub mod observe;
mod ring;
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

/// For a hostile peer in the same thread (`tests/hostile/peer`).
#[cfg(all(any(test, fuzzing), not(loom)))]
#[doc(hidden)]
pub use sync::step::before_each as before_each_step;

/// What the unit tests share with the fuzz targets says `ringway`.
#[cfg(all(test, not(loom)))]
extern crate self as ringway;

/// The programs in the README compile.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
pub struct Readme;
