//! Messages through whatever carries bytes in order: as they are where their length is known, else behind it.

use crate::contestant::Failure;
use crate::lengths::{Lengths, Receiver, Sender};
use std::io::{BufReader, ErrorKind, IoSlice, Read, Write};

/// Bytes that are read at once, if there are so many, where records have to be found in them.
const AHEAD: usize = 64 << 10;

/// Writes messages.
pub struct FramedSender<W> {
    to: W,
    lengths: Lengths,
}

impl<W: Write> FramedSender<W> {
    /// A sender into `to`, which holds nothing back.
    pub fn new(to: W, lengths: Lengths) -> Self {
        Self { to, lengths }
    }
}

impl<W: Write> Sender for FramedSender<W> {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        if self.lengths.are_known() {
            return Ok(self.to.write_all(message)?);
        }
        let length = (message.len() as u32).to_le_bytes();
        let mut pieces = &mut [IoSlice::new(&length), IoSlice::new(message)][..];
        while !pieces.is_empty() {
            match self.to.write_vectored(pieces)? {
                0 => return Err(std::io::Error::from(ErrorKind::WriteZero).into()),
                n => IoSlice::advance_slices(&mut pieces, n),
            }
        }
        Ok(())
    }
}

/// Reads messages.
pub struct FramedReceiver<R> {
    from: R,
    lengths: Lengths,
}

impl<R: Read> FramedReceiver<R> {
    /// A receiver out of `from`, from which a little can be read quickly.
    pub fn new(from: R, lengths: Lengths) -> Self {
        Self { from, lengths }
    }
}

impl<R: Read> FramedReceiver<BufReader<R>> {
    /// A receiver out of `from`, of which each read is a system call.
    pub fn buffered(from: R, lengths: Lengths) -> Self {
        // What is of a known length goes straight to where it belongs.
        let ahead = if lengths.are_known() { 0 } else { AHEAD };
        Self::new(BufReader::with_capacity(ahead, from), lengths)
    }
}

impl<R: Read> Receiver for FramedReceiver<R> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        let len = if self.lengths.are_known() {
            into.len()
        } else {
            let mut length = [0; 4];
            self.from.read_exact(&mut length)?;
            u32::from_le_bytes(length) as usize
        };
        let message = into.get_mut(..len).ok_or("a message longer than there can be")?;
        self.from.read_exact(message)?;
        Ok(len)
    }
}
