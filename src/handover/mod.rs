//! Handing a channel to a process that you do not trust.
//!
//! Whoever can write a named channel's memory can write all of it, at any time: that is for processes of one user, which could
//! as well debug each other. Here the two sides share less. Each makes a memory file of its own, with what it alone writes, seals it so
//! that nobody else ever can, and passes it to the other through a Unix socket; the other maps it to read. Neither can write
//! what is the other's, cut it short, or punch a hole into it; and what it reads there, it does not believe.
//!
//! ```
//! use ringway::Options;
//! use ringway::handover::{Listener, Peer, Trust};
//! use std::time::Duration;
//! # let path = std::env::temp_dir().join(format!("ringway-doc-{}", std::process::id()));
//! # let there = path.clone();
//! const SOON: Duration = Duration::from_secs(5);
//!
//! // a service, which takes orders from anybody
//! let listener = Listener::bind_for(&path, Trust::Anyone)?;
//! # let client = std::thread::spawn(move || -> Result<(), ringway::handover::HandoverError> {
//! # let path = there;
//! // a client, perhaps another user's, which knows whose the service is
//! let mut peer = Peer::connect_to(&path, Trust::ThisUser, SOON)?;
//! let mut orders = peer.bytes_sender(&Options::new().capacity(64 << 10))?;
//! let mut answers = peer.spsc_receiver::<u64>(&Options::new())?;
//! orders.send(b"six times seven").unwrap();
//! assert_eq!(answers.recv(), Ok(42));
//! # Ok(())
//! # });
//!
//! // the service again
//! let mut peer = listener.accept(SOON)?;
//! println!("user {} has come", peer.credentials()?.uid);
//! let mut orders = peer.bytes_receiver(&Options::new())?;
//! let mut answers = peer.spsc_sender::<u64>(&Options::new().capacity(16))?;
//! assert_eq!(orders.recv_timeout(SOON)?, b"six times seven");
//! answers.send(42)?;
//! # client.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How two find each other
//!
//! | | |
//! |---|---|
//! | [`Listener`] and [`Peer::connect`] | they know a path |
//! | [`CommandExt::spawn_peer`] and [`Peer::inherited`] | one starts the other |
//! | [`Peer::pair`], `Peer::from(UnixStream)` | they have a connection, or somebody passes one on |
//!
//! Who is there the kernel says ([`Peer::credentials`]), and [`Trust`] says who may be: by default processes of this user alone.
//!
//! # What is promised, whatever the other side does
//!
//! | | |
//! |---|---|
//! | it writes anything into its memory, at any time | a message of yours is never changed; what you receive may be any value, and at the first word that cannot be the end is [`Corrupt`](crate::DisconnectReason::Corrupt) |
//! | it cuts its file short, punches holes, seals it otherwise | the kernel refuses; a file that is not sealed against that is not accepted |
//! | it says nonsense, passes other files, passes none, or a hundred | an [error](HandoverError), and nothing is left open |
//! | it says nothing, or never receives | every call with a deadline ends in time; one without may be kept waiting |
//! | it promises a message of 2^63 bytes | memory grows with what has come, up to [`BytesReceiver::set_limit`] |
//! | it dies, or is killed | [`Died`](crate::DisconnectReason::Died), as ever |
//!
//! It can see all that you send, as soon as you write it, and that you are alive; and a receiver can see when what is sent. (What you
//! write in place it sees before you commit it, and also if you never do.)
//!
//! What cannot be promised: that your half is freed. It is yours, and counted as yours, and the other side can keep it for as long as
//! it likes, when you have long let go of it: nobody can empty a sealed file, its maker neither. Whoever hands channels over to
//! anybody counts them, as a server counts connections.
//!
//! # What is different
//!
//! Who sends writes to memory that nobody else can, and has the ordinary [`spsc::Sender`](crate::spsc::Sender),
//! [`bytes::spsc::Sender`](crate::bytes::spsc::Sender) or [`stream::Writer`](crate::stream::Writer). Who receives has a type of its own
//! ([`Receiver`], [`BytesReceiver`], [`Reader`]) that copies, and shows nothing in place but to those who promise more than the
//! compiler can check ([`Receiver::in_place`]). Both ends are where they are made: when one is gone, nobody comes in its place.
//! A channel of many, a persistent one and one in huge pages cannot be handed over.
//!
//! An end takes two descriptors. A file that somebody passed and that is refused is closed by a thread (`ringway-close`) that lives
//! for as long as that takes: closing can be made to wait by whoever has made the file. So is a [`Peer`]'s connection and a
//! [`Listener`]'s socket, in which such files may lie unread.
//!
//! The messages of a hand-over are in `src/layout/SPEC.md`, *Handing over*.

mod bytes_receiver;
mod command;
mod common;
mod error;
mod exchange;
mod in_place;
mod listener;
mod message;
mod peer;
mod reader;
mod receiver;
mod trust;

pub use crate::sys::socket::Credentials;
pub use bytes_receiver::BytesReceiver;
pub use command::CommandExt;
pub use error::HandoverError;
pub use listener::Listener;
pub use peer::Peer;
pub use reader::Reader;
pub use receiver::Receiver;
pub use trust::Trust;
