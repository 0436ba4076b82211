//! A long message that the survivor writes or reads a little at a time, whenever it is its turn.
//!
//! # Safety
//!
//! A writer borrows its sender, and both lie in one value: the sender in a box of its own, which is freed behind the writer
//! and is not moved before. The same of a reader and its receiver.
#![allow(unsafe_code)]

use super::bytes_pair::message;
use super::lanes_group::LONG;
use super::support::PATIENCE;
use ringway::bytes::mpmc::{MessageReader, MessageWriter, Receiver, Sender};
use ringway::bytes::{RecvError, SendTimeoutError};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// So long a sender waits before it looks what there is to be received.
const MOMENT: Duration = Duration::from_millis(3);

/// An end, and what borrows it.
#[derive(Debug)]
struct Lent<E, B> {
    /// Always there but in `drop`.
    borrower: Option<B>,
    end: *mut E,
}

impl<E: 'static, B> Lent<E, B> {
    fn new(end: E, borrow: impl FnOnce(&'static E) -> B) -> Self {
        let end = Box::into_raw(Box::new(end));
        // SAFETY: from a box, and there until `drop`, behind all that borrows it.
        let borrower = borrow(unsafe { &*end });
        Self { borrower: Some(borrower), end }
    }

    fn get(&mut self) -> &mut B {
        self.borrower.as_mut().expect("it is there")
    }
}

impl<E, B> Drop for Lent<E, B> {
    fn drop(&mut self) {
        self.borrower = None;
        // SAFETY: from a box; what borrowed it is gone.
        drop(unsafe { Box::from_raw(self.end) });
    }
}

/// A message of [`LONG`] bytes on its way out.
#[derive(Debug)]
pub(crate) struct Writing {
    writer: Lent<Sender, MessageWriter<'static>>,
    bytes: Vec<u8>,
}

impl Writing {
    /// Its first bytes lie in a lane, and its ticket in the ring.
    pub(crate) fn begin(tx: &Sender, count: usize) -> Self {
        let begin = |tx: &'static Sender| tx.writer(Some(LONG as u64)).expect("a lane");
        let mut writing = Self { writer: Lent::new(tx.clone(), begin), bytes: message(LONG) };
        while writing.written() < count {
            let left = count - writing.written();
            writing.write(left, Duration::ZERO).expect("room");
        }
        writing
    }

    pub(crate) fn written(&mut self) -> usize {
        self.writer.get().written() as usize
    }

    fn write(&mut self, most: usize, timeout: Duration) -> Result<(), SendTimeoutError> {
        let at = self.written();
        let end = (at + most).min(LONG);
        let writer = self.writer.get();
        writer.write_timeout(&self.bytes[at..end], timeout)?;
        writer.flush().expect("a flush");
        Ok(())
    }

    /// Writes so many bytes more at most, or says that there are no more, and waits so long for the receiver; whether the
    /// message is over, and was received.
    pub(crate) fn go_on(&mut self, most: usize, timeout: Duration) -> Result<bool, SendTimeoutError> {
        let is_written = self.written() == LONG;
        let result = if is_written { self.writer.get().finish_timeout(timeout) } else { self.write(most, timeout) };
        match result {
            Ok(()) => Ok(is_written),
            Err(SendTimeoutError::Timeout) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Its receiver is dead: writes to the end, letting others receive meanwhile. Whether it was received, or how much of it.
    pub(crate) fn end(&mut self, mut meanwhile: impl FnMut()) -> Result<(), u64> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < give_up, "its sender is not told what became of it");
            match self.go_on(LONG, MOMENT) {
                Ok(true) => return Ok(()),
                Ok(false) => meanwhile(),
                Err(SendTimeoutError::Aborted { bytes }) => return Err(bytes),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A message of [`LONG`] bytes on its way in.
#[derive(Debug)]
pub(crate) struct Reading {
    reader: Lent<Receiver, MessageReader<'static>>,
    bytes: Vec<u8>,
}

impl Reading {
    /// It is there.
    pub(crate) fn begin(rx: &Receiver) -> Self {
        let reader = Lent::new(rx.clone(), |rx: &'static Receiver| rx.reader().expect("a message"));
        Self { reader, bytes: Vec::new() }
    }

    pub(crate) fn read(&self) -> usize {
        self.bytes.len()
    }

    /// Reads so many bytes at most, waiting for some.
    pub(crate) fn go_on(&mut self, most: usize) -> std::io::Result<usize> {
        let mut bytes = vec![0; most];
        let count = self.reader.get().read(&mut bytes)?;
        self.bytes.extend(&bytes[..count]);
        assert!(self.bytes[..] == message(LONG)[..self.read()], "torn");
        Ok(count)
    }

    /// Reads the rest; the whole of it, or how many bytes had come before it was aborted.
    pub(crate) fn end(mut self) -> Result<(), u64> {
        loop {
            match self.go_on(LONG) {
                Ok(0) => {
                    assert_eq!(self.read(), LONG, "a part for the whole");
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{error}");
                    let told = error.get_ref().and_then(|error| error.downcast_ref::<RecvError>());
                    let Some(RecvError::Aborted { bytes }) = told else { panic!("{error:?}") };
                    assert_eq!(*bytes, self.read() as u64, "bytes that had come");
                    return Err(*bytes);
                }
            }
        }
    }
}
