//! Ends of every kind behind the same few operations, on numbered messages.

use crate::case::{Kind, NAME};
use crate::support::fill;
use ringway::stream::Ended;
use ringway::{DisconnectReason, OpenError, Options, bytes, mpmc, spsc, stream};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// A message of a typed channel, and of a stream.
type Message = [u64; 8];

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done<T> {
    Yes(T),
    /// Full or empty, all the time that there was.
    NotNow,
    Gone(DisconnectReason),
}

pub(crate) enum Tx {
    Spsc(spsc::Sender<Message>),
    Mpmc(mpmc::Sender<Message>),
    Bytes(bytes::spsc::Sender),
    ManyBytes(bytes::mpmc::Sender),
    Stream(stream::Writer),
}

pub(crate) enum Rx {
    Spsc(spsc::Receiver<Message>),
    Mpmc(mpmc::Receiver<Message>),
    Bytes(bytes::spsc::Receiver),
    ManyBytes(bytes::mpmc::Receiver),
    Stream(stream::Reader),
}

pub(crate) fn pair(kind: Kind, options: &Options) -> Result<(Tx, Rx), OpenError> {
    Ok(match kind {
        Kind::Spsc => spsc::channel_with(options).map(|(tx, rx)| (Tx::Spsc(tx), Rx::Spsc(rx)))?,
        Kind::Mpmc => mpmc::channel_with(options).map(|(tx, rx)| (Tx::Mpmc(tx), Rx::Mpmc(rx)))?,
        Kind::Bytes => bytes::spsc::channel_with(options).map(|(tx, rx)| (Tx::Bytes(tx), Rx::Bytes(rx)))?,
        Kind::ManyBytes => bytes::mpmc::channel_with(options).map(|(tx, rx)| (Tx::ManyBytes(tx), Rx::ManyBytes(rx)))?,
        Kind::Stream => stream::pipe_with(options).map(|(tx, rx)| (Tx::Stream(tx), Rx::Stream(rx)))?,
    })
}

/// Bytes that follow from the number; as many as do, where lengths may differ.
fn body(number: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(&mut bytes[8..], number * 1000);
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

fn len(number: u64) -> usize {
    8 + (number * 37 % 400) as usize
}

fn typed(number: u64) -> Message {
    let bytes = body(number, 64);
    std::array::from_fn(|at| u64::from_le_bytes(bytes[at * 8..at * 8 + 8].try_into().expect("eight")))
}

/// The number of a message, which is whole.
#[track_caller]
fn checked(found: &[u8], has_length: bool) -> u64 {
    let number = u64::from_le_bytes(found[..8].try_into().expect("eight"));
    let expected = body(number, if has_length { len(number) } else { 64 });
    assert!(found == expected, "message {number} is not whole: {found:?}");
    number
}

fn untyped(found: Message) -> u64 {
    let bytes: Vec<u8> = found.iter().flat_map(|word| word.to_le_bytes()).collect();
    checked(&bytes, false)
}

/// Of an error that says full, empty or too late, or else that the other end is gone.
fn judged<T, E: std::fmt::Debug>(
    result: Result<T, E>,
    is_vain: fn(&E) -> bool,
    reason: impl FnOnce() -> Option<DisconnectReason>,
) -> Done<T> {
    match result {
        Ok(done) => Done::Yes(done),
        Err(error) if is_vain(&error) => Done::NotNow,
        Err(error) => Done::Gone(reason().unwrap_or_else(|| panic!("gone without a reason: {error:?}"))),
    }
}

fn streamed<T>(result: std::io::Result<T>) -> Done<T> {
    match result {
        Ok(done) => Done::Yes(done),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Done::NotNow,
        Err(error) => Done::Gone(Ended::of(&error).unwrap_or_else(|| panic!("{error}")).reason),
    }
}

/// Sets what a stream does with a time: none is not to wait.
macro_rules! timed {
    ($end:ident, $time:ident, $set:ident) => {
        match $time {
            Duration::ZERO => $end.set_nonblocking(true),
            time => {
                $end.set_nonblocking(false);
                $end.$set(Some(time)).expect("a time");
            }
        }
    };
}

impl Tx {
    pub(crate) fn create(kind: Kind, options: &Options) -> Result<Self, OpenError> {
        Ok(match kind {
            Kind::Spsc => Self::Spsc(spsc::Sender::create_with(NAME, options)?),
            Kind::Mpmc => Self::Mpmc(mpmc::Sender::create_with(NAME, options)?),
            Kind::Bytes => Self::Bytes(bytes::spsc::Sender::create_with(NAME, options)?),
            Kind::ManyBytes => Self::ManyBytes(bytes::mpmc::Sender::create_with(NAME, options)?),
            Kind::Stream => Self::Stream(stream::Writer::create_with(NAME, options)?),
        })
    }

    pub(crate) fn open(kind: Kind, options: &Options) -> Result<Self, OpenError> {
        Ok(match kind {
            Kind::Spsc => Self::Spsc(spsc::Sender::open_with(NAME, options)?),
            Kind::Mpmc => Self::Mpmc(mpmc::Sender::open_with(NAME, options)?),
            Kind::Bytes => Self::Bytes(bytes::spsc::Sender::open_with(NAME, options)?),
            Kind::ManyBytes => Self::ManyBytes(bytes::mpmc::Sender::open_with(NAME, options)?),
            Kind::Stream => Self::Stream(stream::Writer::open_with(NAME, options)?),
        })
    }

    pub(crate) fn descriptor(&self) -> Result<OwnedFd, OpenError> {
        match self {
            Self::Spsc(tx) => tx.descriptor(),
            Self::Mpmc(tx) => tx.descriptor(),
            Self::Bytes(tx) => tx.descriptor(),
            Self::ManyBytes(tx) => tx.descriptor(),
            Self::Stream(tx) => tx.descriptor(),
        }
    }

    /// Sends the message of this number, waiting for so long at most.
    pub(crate) fn send(&mut self, number: u64, time: Duration) -> Done<()> {
        match self {
            Self::Spsc(tx) => {
                let sent = tx.send_timeout(typed(number), time);
                judged(sent, |error| error.is_timeout(), || tx.disconnect_reason())
            }
            Self::Mpmc(tx) => {
                let sent = tx.send_timeout(typed(number), time);
                judged(sent, |error| error.is_timeout(), || tx.disconnect_reason())
            }
            Self::Bytes(tx) => {
                let sent = tx.send_timeout(&body(number, len(number)), time);
                judged(sent, |error| *error == bytes::SendTimeoutError::Timeout, || tx.disconnect_reason())
            }
            Self::ManyBytes(tx) => {
                let sent = tx.send_timeout(&body(number, len(number)), time);
                judged(sent, |error| *error == bytes::SendTimeoutError::Timeout, || tx.disconnect_reason())
            }
            Self::Stream(writer) => {
                timed!(writer, time, set_write_timeout);
                // The room of a stream is a whole number of messages, and all that is read is one: none goes in half.
                let sent = writer.write(&body(number, 64));
                streamed(sent.map(|bytes| {
                    assert_eq!(bytes, 64, "a message in two pieces");
                }))
            }
        }
    }
}

impl Rx {
    pub(crate) fn create(kind: Kind, options: &Options) -> Result<Self, OpenError> {
        Ok(match kind {
            Kind::Spsc => Self::Spsc(spsc::Receiver::create_with(NAME, options)?),
            Kind::Mpmc => Self::Mpmc(mpmc::Receiver::create_with(NAME, options)?),
            Kind::Bytes => Self::Bytes(bytes::spsc::Receiver::create_with(NAME, options)?),
            Kind::ManyBytes => Self::ManyBytes(bytes::mpmc::Receiver::create_with(NAME, options)?),
            Kind::Stream => Self::Stream(stream::Reader::create_with(NAME, options)?),
        })
    }

    pub(crate) fn open(kind: Kind, options: &Options) -> Result<Self, OpenError> {
        Ok(match kind {
            Kind::Spsc => Self::Spsc(spsc::Receiver::open_with(NAME, options)?),
            Kind::Mpmc => Self::Mpmc(mpmc::Receiver::open_with(NAME, options)?),
            Kind::Bytes => Self::Bytes(bytes::spsc::Receiver::open_with(NAME, options)?),
            Kind::ManyBytes => Self::ManyBytes(bytes::mpmc::Receiver::open_with(NAME, options)?),
            Kind::Stream => Self::Stream(stream::Reader::open_with(NAME, options)?),
        })
    }

    pub(crate) fn descriptor(&self) -> Result<OwnedFd, OpenError> {
        match self {
            Self::Spsc(rx) => rx.descriptor(),
            Self::Mpmc(rx) => rx.descriptor(),
            Self::Bytes(rx) => rx.descriptor(),
            Self::ManyBytes(rx) => rx.descriptor(),
            Self::Stream(rx) => rx.descriptor(),
        }
    }

    /// The number of the next message, which is whole, waiting for so long at most.
    pub(crate) fn recv(&mut self, time: Duration) -> Done<u64> {
        match self {
            Self::Spsc(rx) => {
                let got = rx.recv_timeout(time).map(untyped);
                judged(got, |error| error.is_timeout(), || rx.disconnect_reason())
            }
            Self::Mpmc(rx) => {
                let got = rx.recv_timeout(time).map(untyped);
                judged(got, |error| error.is_timeout(), || rx.disconnect_reason())
            }
            Self::Bytes(rx) => {
                let got = rx.recv_timeout(time).map(|message| checked(&message, true));
                judged(got, |error| *error == bytes::RecvTimeoutError::Timeout, || rx.disconnect_reason())
            }
            Self::ManyBytes(rx) => {
                let got = rx.recv_timeout(time).map(|message| checked(&message, true));
                judged(got, |error| *error == bytes::RecvTimeoutError::Timeout, || rx.disconnect_reason())
            }
            Self::Stream(reader) => {
                timed!(reader, time, set_read_timeout);
                let mut message = [0; 64];
                match streamed(reader.read(&mut message)) {
                    Done::Yes(0) => Done::Gone(DisconnectReason::Left),
                    Done::Yes(bytes) => {
                        assert_eq!(bytes, 64, "a message in two pieces");
                        Done::Yes(checked(&message, false))
                    }
                    Done::NotNow => Done::NotNow,
                    Done::Gone(reason) => Done::Gone(reason),
                }
            }
        }
    }
}
