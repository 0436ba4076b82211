//! Messages through whatever carries bytes in order.

use crate::contestant::{Failure, Message, Receiver, Sender};
use bytemuck::{bytes_of, bytes_of_mut, cast_slice, cast_slice_mut};
use std::io::{self, Read, Write};

/// Writes messages.
pub struct ByteSender<M, W> {
    to: W,
    batch: Vec<M>,
}

impl<M, W> ByteSender<M, W> {
    /// A sender into `to`, which holds nothing back.
    pub fn new(to: W) -> Self {
        Self { to, batch: Vec::new() }
    }
}

impl<M: Message, W: Write> Sender<M> for ByteSender<M, W> {
    fn send(&mut self, message: M) -> Result<(), Failure> {
        Ok(self.to.write_all(bytes_of(&message))?)
    }

    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        self.batch.clear();
        self.batch.extend((first..).take(count).map(M::of));
        Ok(self.to.write_all(cast_slice(&self.batch))?)
    }
}

/// Reads messages.
pub struct ByteReceiver<M, R> {
    from: R,
    batch: Vec<M>,
}

impl<M, R> ByteReceiver<M, R> {
    /// A receiver out of `from`.
    pub fn new(from: R) -> Self {
        Self { from, batch: Vec::new() }
    }
}

impl<M: Message, R: Read> Receiver<M> for ByteReceiver<M, R> {
    fn recv(&mut self) -> Result<M, Failure> {
        let mut message = M::zeroed();
        self.from.read_exact(bytes_of_mut(&mut message))?;
        Ok(message)
    }

    fn recv_batch(&mut self, max: usize, take: impl FnMut(&M)) -> Result<usize, Failure> {
        self.batch.resize(max, M::zeroed());
        let bytes: &mut [u8] = cast_slice_mut(&mut self.batch);
        let read = self.from.read(bytes)?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        // What was read may end in the middle of a message.
        let count = read.div_ceil(M::BYTES);
        self.from.read_exact(&mut bytes[read..count * M::BYTES])?;
        self.batch[..count].iter().for_each(take);
        Ok(count)
    }
}
