//! A message that is read piece by piece, while it is still being written.

use super::incoming::{Body, Incoming, Lacking, More, Received, Stream, Taken, commit, finish};
use super::lanes::lanes;
use super::place::Whole;
use super::receiver::Receiver;
use crate::bytes::RecvError;
use crate::ring::lane::Lanes;
use crate::ring::parcel;
use std::fmt;
use std::io;

/// One message, as an [`io::Read`]. See [`Receiver::reader`](super::Receiver::reader).
///
/// A message that its sender gave up, or died with, ends in an [`io::Error`] of kind `ConnectionAborted` that holds a
/// [`RecvError`]; it never looks complete. Read to its end, the message is done. Dropped before, it is given up: its sender
/// learns that, if the message is longer than a lane.
pub struct MessageReader<'a> {
    receiver: &'a Receiver,
    source: Source,
    read: u64,
    is_done: bool,
}

#[derive(Debug)]
enum Source {
    Here(Received),
    Coming(Stream),
}

impl<'a> MessageReader<'a> {
    pub(super) fn open(receiver: &'a Receiver) -> Result<Self, RecvError> {
        let source = match Incoming::next_to_read(receiver.attached(), receiver.parcels.waits()) {
            Ok(Taken::Here(received)) => Source::Here(received),
            Ok(Taken::Coming(stream)) => Source::Coming(stream),
            Err(lacking) => return Err(failed(lacking)),
        };
        Ok(Self { receiver, source, read: 0, is_done: false })
    }

    /// How long the message is, if its sender knew when it began.
    pub fn len_hint(&self) -> Option<u64> {
        match &self.source {
            Source::Here(Received { body: Body::Inline(len), .. }) => Some(*len as u64),
            Source::Here(Received { body: Body::Whole(whole), .. }) => Some(whole.len as u64),
            Source::Here(Received { body: Body::Gathered(_, bytes), .. }) => Some(bytes.len() as u64),
            Source::Coming(stream) => stream.len,
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.read
    }

    fn read_here(&self, received: &Received, bytes: &mut [u8]) -> usize {
        let at = self.read as usize;
        match &received.body {
            Body::Inline(len) => {
                copy(&parcel::bytes(&self.receiver.attached().ring().read_hand(received.hand), *len)[at..], bytes)
            }
            Body::Gathered(_, gathered) => copy(&gathered[at..], bytes),
            Body::Whole(whole) => {
                let count = bytes.len().min(whole.len - at);
                whole.read_to(self.receiver.attached(), at, &mut bytes[..count]);
                count
            }
        }
    }

    /// The message is over. Whether it was received, if it was read to its end.
    fn end(&mut self, is_read: bool) -> bool {
        let core = self.receiver.attached();
        if std::mem::replace(&mut self.is_done, true) || core.why_unusable().is_some() {
            return false;
        }
        match &self.source {
            Source::Coming(stream) => return stream.finish(core, is_read),
            Source::Here(Received { body: Body::Inline(..), hand, .. }) => commit(core, *hand),
            Source::Here(Received {
                body: Body::Whole(Whole { ticket, .. }) | Body::Gathered(ticket, _),
                hand,
                ..
            }) => {
                finish(core, *ticket, *hand, is_read);
            }
        }
        true
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    to[..count].copy_from_slice(&from[..count]);
    count
}

fn failed(lacking: Lacking) -> RecvError {
    lacking.told_for_good(u64::MAX)
}

fn aborted(lacking: Lacking) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, failed(lacking))
}

impl io::Read for MessageReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() || self.is_done {
            return Ok(0);
        }
        let (core, waits) = (self.receiver.attached(), self.receiver.parcels.waits());
        let count = match &mut self.source {
            Source::Coming(stream) => match (More { core, stream, waits }).wait() {
                Ok(ahead) => {
                    let count = bytes.len().min(usize::try_from(ahead).unwrap_or(usize::MAX));
                    lanes(core).draw_to(stream.ticket, stream.drawn, &mut bytes[..count]);
                    if count > 0 {
                        stream.drew(core, count as u64);
                    }
                    count
                }
                Err(lacking) => {
                    self.end(false);
                    return Err(aborted(lacking));
                }
            },
            // Where it is, it is the parent's.
            Source::Here(_) if core.member().is_forked() => {
                self.end(false);
                return Err(aborted(Lacking::Aborted(self.read)));
            }
            Source::Here(_) => match &self.source {
                Source::Here(received) => self.read_here(received, bytes),
                Source::Coming(_) => 0,
            },
        };
        self.read += count as u64;
        // Its sender's time may have run out in the end, and then nobody gets it.
        if count == 0 && !self.end(true) {
            return Err(aborted(Lacking::Aborted(self.read)));
        }
        Ok(count)
    }
}

impl Drop for MessageReader<'_> {
    fn drop(&mut self) {
        // All of it may have been read, and the end not been asked for.
        let is_read = match &self.source {
            Source::Here(_) => true,
            Source::Coming(stream) => stream.available(self.receiver.attached()) == Ok((0, true)),
        };
        self.end(is_read);
    }
}

impl fmt::Debug for MessageReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader")
            .field("position", &self.read)
            .field("len_hint", &self.len_hint())
            .finish_non_exhaustive()
    }
}
