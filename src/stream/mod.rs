//! Bytes without borders, from one writer to one reader: a pipe with a name, that tells death from the end.
//!
//! [`Writer`] is an [`std::io::Write`], [`Reader`] an [`std::io::BufRead`]. Bytes move through a ring of large frames
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
//! | the writer is dropped, closed or finished | the rest, then `Ok(0)` | - |
//! | the writer aborts, or is dropped in a panic | the rest, then [`ConnectionAborted`](std::io::ErrorKind) | - |
//! | the writer's process is killed | the rest, then `ConnectionAborted` | - |
//! | the reader is dropped or killed | - | [`BrokenPipe`](std::io::ErrorKind) |
//! | the reader has taken everything | - | [`Writer::finish`] returns |
//!
//! The [`io::Error`](std::io::Error) of an ending holds an [`Ended`], which says why and after how many bytes.
//!
//! # One stream
//!
//! The segment of a stream carries one stream: one writer and one reader in its life. When either dies, nobody can take
//! its place unnoticed: whoever comes next under the name marks the stream as broken, so that the survivor learns it,
//! waits until the survivor has left ([`Options::open_timeout`](crate::Options::open_timeout)), and starts a new one.

mod constructors;
mod ended;
mod reader;
mod writer;

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
    let frames = || Frames::new(&control, &header.geometry);
    let producer = Producer::attach(control.clone(), frames()).map_err(corrupt)?;
    let consumer = Consumer::attach(control.clone(), frames()).map_err(corrupt)?;
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
