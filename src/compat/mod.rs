//! In place of `crossbeam_channel` and `std::sync::mpsc`, with one changed line; then between processes, with one more.
//!
//! ```
//! // was: use crossbeam_channel::bounded;
//! use ringway::compat::crossbeam::bounded;
//!
//! let (s, r) = bounded(100);
//! let worker = std::thread::spawn(move || r.iter().sum::<u64>());
//! (1..=10).for_each(|n| s.send(n).unwrap());
//! drop(s);
//! assert_eq!(worker.join().unwrap(), 55);
//! ```
//!
//! | was | messages are plain data ([`Payload`](crate::Payload)) | any type that serde knows (feature `serde`) |
//! |---|---|---|
//! | `crossbeam_channel` | [`crossbeam`] | `compat::serde::crossbeam` |
//! | `std::sync::mpsc` | [`std_mpsc`] | `compat::serde::std_mpsc` |
//!
//! Those two lines change where a channel is *made*: instead of `bounded(100)` one process says
//! `Sender::open_or_create("jobs", 100)?` and the other `Receiver::open_or_create("jobs", 100)?`. What is done with the ends
//! stays as it was. Everything that only channels between processes have (who died, waiting for a peer, batches, at least once)
//! is at the ends that these stand on, [`mpmc`](crate::mpmc) and `codec`: `native()`, `into_native()`, `From` both ways.
//!
//! # Kept
//!
//! - `bounded(n)`, `sync_channel(n)`, for exactly `n` messages; `Sender`, `SyncSender`, `Receiver`, and each of their methods, with
//!   the same signatures; `Clone`, `Send`, `Sync` (`std_mpsc::Receiver` is neither `Clone` nor `Sync`), `UnwindSafe`.
//! - The errors, their methods, conversions and texts; std's are std's own types. A message that cannot be sent comes back in them.
//! - The iterators. `iter` ends when the last sender has gone, and stays ended.
//! - The order: each sender's messages in the order in which it sent them. What was sent before the last sender went is
//!   received first, then `Disconnected`; when the last receiver has gone, sending fails.
//!
//! # Not kept, and what to do instead
//!
//! | | why | instead |
//! |---|---|---|
//! | `unbounded()`, `mpsc::channel()` | a segment has a size | `bounded(n)` with as many as you would ever let wait; a sender that must not wait: `try_send`, and a `VecDeque` of its own behind `Full` |
//! | `bounded(0)`, `sync_channel(0)` (panics) | no two processes are at the same place at the same time, and either may be killed there | `bounded(1)`; who must know that it was received gets an answer on a second channel |
//! | any `T`: `Box`, `Arc`, `&'static str`, closures, channels | another process has other addresses | plain data; with serde `String` for `&str`, values for references; the *name* of a channel for a channel |
//! | `bool`, `char`, enums as plain data | the other process could send a value that is none | their numbers; or the modules for serde types |
//! | messages of more than 4096 bytes as plain data (panics) | each slot is as large as a message | the modules for serde types; [`bytes`](crate::bytes) |
//! | constructors that cannot fail | memory, names and other processes can | `bounded` and `sync_channel` panic for want of memory, *and nothing else here ever panics*; `bounded_with`, `sync_channel_with`, `create`, `open` return an error |
//! | the destructors of messages that nobody received | plain data has none; of a serde type the *bytes* travel, and the value is dropped when it has been sent | whoever must release something does that by a message |
//! | `Select`, `select!` | | one channel for several kinds of message; a thread for each; `try_recv` in turns |
//! | `after`, `at`, `tick`, `never` | they are made for `select!` | `recv_timeout`, `recv_deadline` |
//! | being told of the other end's end in the very next call | nobody runs when a process is killed | a clean leave is told at once, a kill within 50 ms to who waits, and to a sender at the latest when the channel is full ([`mpmc`](crate::mpmc)) |
//! | an end that nobody can come back to | between processes another one may open the channel by its name | after `Disconnected` the channel works again when somebody has; [`close`](crate::mpmc::Sender::close) of the native end is for good |
//! | exactly one receiver in `std_mpsc` | one in this process; nobody can forbid another process to open the channel, too | each message goes to one of them |
//!
//! With a serde type there is more that can go wrong than the errors here have names for: `compat::serde` says what they say.

mod carry;
mod common;
pub mod crossbeam;
mod crossbeam_ends;
#[cfg(feature = "serde")]
pub mod serde;
mod std_ends;
pub mod std_mpsc;
