//! Bytes without borders, from one writer to one reader: a pipe with a name, that tells death from the end. And [`Duplex`]:
//! two of them, as a pair of sockets.
//!
//! [`Writer`] is an [`std::io::Write`], [`Reader`] an [`std::io::BufRead`], [`Duplex`] is both. Bytes move through a ring of large frames
//! whose publication words are the progress flags: the reader copies one part out while the writer copies the next in.
//!
//! ```
//! use std::io::{Read, Write};
//! # let name = format!("doc-stream-{}", std::process::id());
//! # let name = name.as_str();
//!
//! // in one process
//! let mut writer = ringway::stream::Writer::open_or_create(name)?;
//! writer.write_all(b"hello")?;
//!
//! // in another
//! let mut reader = ringway::stream::Reader::open_or_create(name)?;
//! # let waiting = std::thread::spawn(move || writer.finish());
//! let mut text = String::new();
//! reader.read_to_string(&mut text)?;
//! assert_eq!(text, "hello");
//! # waiting.join().unwrap()?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # The end, and other endings
//!
//! | what happens | reader | writer |
//! |---|---|---|
//! | the writer is dropped, closed or finished | the rest, then `Ok(0)` | `NotConnected`, if it is only closed |
//! | the writer aborts, or is dropped in a panic | the rest, then [`ConnectionAborted`](std::io::ErrorKind) | - |
//! | the writer's process is killed | the rest, then `ConnectionAborted` | - |
//! | the reader is dropped, closed or killed | `NotConnected`, if it is only closed | [`BrokenPipe`](std::io::ErrorKind) |
//! | the reader has taken everything | - | [`Writer::finish`] returns |
//!
//! The [`io::Error`](std::io::Error) of an ending holds an [`Ended`], which says why and after how many bytes.
//!
//! # What it has of a pipe, and what of a socket
//!
//! | | pipe | Unix stream socket | a stream of ringway |
//! |---|---|---|---|
//! | ways | one | two | one; [`Duplex`]: two |
//! | a name | a FIFO in a file system | a path, or an abstract name | a name of letters, digits, `.`, `_`, `-` |
//! | capacity | 64 KiB | about 200 KiB | 256 KiB or more, by the processor's cache, or what [`Options::capacity`](crate::Options::capacity) says, to the byte |
//! | `write` with room for a part | may write a part (blocking: all of it) | the same | writes the part, at most a frame |
//! | when it is there for the reader | at once | at once | at once; `flush` has nothing to do |
//! | `read` | what is there, at least a byte | the same | the same; in place by `fill_buf` |
//! | nothing to read, no room | sleeps | sleeps | polls for a moment, then sleeps ([`WaitStrategy`](crate::WaitStrategy)) |
//! | zero bytes | `Ok(0)` | `Ok(0)`; a read waits first | `Ok(0)`, without waiting: says nothing about the end |
//! | the writer has closed | the rest, then `Ok(0)` | the same | the same |
//! | the writer was killed | the rest, then `Ok(0)`: it looks complete | the same | the rest, then `ConnectionAborted` |
//! | the reader is gone | `SIGPIPE` (ignored by Rust), `BrokenPipe` | the same | `BrokenPipe`, no signal |
//! | the reader left something unread | the writer never learns | `ConnectionReset` at its next read | `BrokenPipe`, and [`Ended::bytes`] says what was taken |
//! | has everything arrived? | nobody knows | ask the other side | [`Writer::finish`] |
//! | a way is ended, the other goes on | - | `shutdown` | [`Duplex::shutdown`], or drop one half |
//! | signals | `Interrupted` | `Interrupted` | never `Interrupted` |
//! | timeouts | - | `WouldBlock` | `WouldBlock`; or `None` from [`fill_buf_timeout`](Reader::fill_buf_timeout), [`reserve_timeout`](Writer::reserve_timeout) |
//! | `set_nonblocking` | by `fcntl` | `WouldBlock` | `WouldBlock`; there is no descriptor to wait on with `poll` |
//! | `write_vectored`, `read_vectored` | all pieces in one call | the same | the same, one wake |
//! | after `fork` | shared with the child | shared with the child | the child's is dead (`NotConnected`), the parent's untouched |
//!
//! `read_exact` that meets a good end too early fails with `UnexpectedEof`; where the writer died, `ConnectionAborted` says
//! so first. `read_to_end` keeps in its buffer what came before an error.
//!
//! # One stream
//!
//! The segment of a stream carries one stream: one writer and one reader in its life. When either dies, nobody can take
//! its place unnoticed: whoever comes next under the name marks the stream as broken, so that the survivor learns it,
//! waits until the survivor has left ([`Options::open_timeout`](crate::Options::open_timeout)), and starts a new one.

mod blocking;
mod constructors;
mod duplex;
mod ended;
mod reader;
mod writer;

pub use duplex::{Duplex, duplex, duplex_with};
pub use ended::Ended;
pub use reader::Reader;
pub use writer::Writer;

use crate::channel::end::End;
use crate::channel::error::OpenError;
use crate::channel::open::{Asked, pair};
use crate::channel::options::Options;
use crate::channel::spsc::corrupt;
use crate::layout::error::Kind;
use crate::layout::overlay::Frames;
use crate::membership::role::Role;
use crate::ring::spsc::{Consumer, Producer};

/// Both ends of a stream inside this process.
///
/// # Errors
///
/// [`OpenError`]: no memory, or options that cannot be met.
pub fn pipe_with(options: &Options) -> Result<(Writer, Reader), OpenError> {
    let (header, control, [sender, receiver]) = pair(asked(Role::Sender), options)?;
    #[cfg(not(loom))]
    let (to_write, to_read) = (Frames::new(&control, &header.geometry), Frames::new(&control, &header.geometry));
    #[cfg(loom)]
    let to_write = Frames::modelled(&header.geometry);
    #[cfg(loom)]
    let to_read = to_write.clone();
    let producer = Producer::attach(control.clone(), to_write).map_err(corrupt)?;
    let consumer = Consumer::attach(control, to_read).map_err(corrupt)?;
    let (writer, reader) = (End::new(sender, options, true), End::new(receiver, options, true));
    Ok((Writer::new(producer, writer), Reader::new(consumer, reader)))
}

/// Both ends of a stream inside this process, with the default options.
///
/// # Errors
///
/// [`OpenError`]: no memory.
pub fn pipe() -> Result<(Writer, Reader), OpenError> {
    pipe_with(&Options::new())
}

fn asked(role: Role) -> Asked {
    Asked { kind: Kind::Stream, role, size: 1, align: 1 }
}
