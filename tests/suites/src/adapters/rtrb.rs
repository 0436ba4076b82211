//! `rtrb`, as far as its tests use it, on [`ringway::spsc`]: chunks are grants, over a ring whose messages lie contiguous.

use super::make;
use chunks::ChunkError;
use ringway::{Options, Payload, Placement, TryGrantError, TryRecvError, TrySendError, spsc};
use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;

/// What a pair of ends has in common.
#[derive(Debug)]
pub struct RingBuffer<T> {
    capacity: usize,
    messages: PhantomData<T>,
}

impl<T: Payload> RingBuffer<T> {
    #[allow(clippy::new_ret_no_self)] // as it is there
    pub fn new(capacity: usize) -> (Producer<T>, Consumer<T>) {
        let (tx, rx) = make::spsc(&Options::new().capacity(capacity).placement(Placement::Table));
        let buffer = || Self { capacity, messages: PhantomData };
        (Producer { tx: tx.into(), buffer: buffer() }, Consumer { rx: rx.into(), buffer: buffer() })
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

#[derive(Debug)]
pub struct Producer<T: Payload> {
    tx: RefCell<spsc::Sender<T>>,
    buffer: RingBuffer<T>,
}

/// The value comes back.
#[derive(Debug, PartialEq, Eq)]
pub enum PushError<T> {
    Full(T),
}

impl<T: Payload> Producer<T> {
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.tx.get_mut().try_send(value).map_err(|error| match error {
            TrySendError::Full(value) => PushError::Full(value),
            TrySendError::Disconnected(_) => panic!("a ring has no end: the tests keep the consumer"),
        })
    }

    pub fn push_partial_slice<'a>(&mut self, values: &'a [T]) -> (&'a [T], &'a [T]) {
        values.split_at(self.tx.get_mut().try_send_many(values).expect("the tests keep the consumer"))
    }

    /// Filled with default values, which the caller may write over.
    pub fn write_chunk(&mut self, n: usize) -> Result<chunks::WriteChunk<'_, T>, ChunkError>
    where
        T: Default,
    {
        let mut grant = self.tx.get_mut().try_reserve(n).map_err(too_few)?;
        grant.iter_mut().for_each(|place| *place = T::default());
        Ok(chunks::WriteChunk(grant))
    }

    pub fn write_chunk_uninit(&mut self, n: usize) -> Result<chunks::WriteChunkUninit<'_, T>, ChunkError> {
        self.tx.get_mut().try_reserve(n).map(chunks::WriteChunkUninit).map_err(too_few)
    }

    /// What there is room for: [`len`](spsc::Sender::len) does not count what a chunk has given back.
    pub fn slots(&self) -> usize {
        match self.tx.borrow_mut().try_reserve(usize::MAX) {
            Err(TryGrantError::TooFew(slots)) => slots,
            Err(TryGrantError::Disconnected) => 0,
            Ok(_) => unreachable!("no ring has so many"),
        }
    }

    pub fn is_full(&self) -> bool {
        self.tx.borrow().is_full()
    }

    pub fn buffer(&self) -> &RingBuffer<T> {
        &self.buffer
    }
}

impl io::Write for Producer<u8> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.push_partial_slice(bytes).0.len() {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            written => Ok(written),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
pub struct Consumer<T: Payload> {
    rx: RefCell<spsc::Receiver<T>>,
    buffer: RingBuffer<T>,
}

/// There is nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Empty;

impl<T: Payload> Consumer<T> {
    /// A ring has no end: one whose producer is gone is empty.
    pub fn pop(&mut self) -> Result<T, Empty> {
        self.rx.get_mut().try_recv().map_err(|(TryRecvError::Empty | TryRecvError::Disconnected)| Empty)
    }

    pub fn peek(&mut self) -> Result<T, Empty> {
        let message =
            self.rx.get_mut().try_recv_ref().map_err(|(TryRecvError::Empty | TryRecvError::Disconnected)| Empty)?;
        Ok(*message)
    }

    pub fn pop_partial_slice<'a>(&mut self, values: &'a mut [T]) -> (&'a mut [T], &'a mut [T]) {
        let popped = self.rx.get_mut().try_recv_many(values).unwrap_or(0);
        values.split_at_mut(popped)
    }

    pub fn read_chunk(&mut self, n: usize) -> Result<chunks::ReadChunk<'_, T>, ChunkError> {
        self.rx.get_mut().try_read(n).map(chunks::ReadChunk).map_err(too_few)
    }

    /// What can be read: [`len`](spsc::Receiver::len) does not count what a chunk has given back.
    pub fn slots(&self) -> usize {
        match self.rx.borrow_mut().try_read(usize::MAX) {
            Err(TryGrantError::TooFew(slots)) => slots,
            Err(TryGrantError::Disconnected) => 0,
            Ok(_) => unreachable!("no ring has so many"),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.slots() == 0
    }

    pub fn is_abandoned(&self) -> bool {
        self.rx.borrow().is_disconnected()
    }

    pub fn buffer(&self) -> &RingBuffer<T> {
        &self.buffer
    }
}

impl io::Read for Consumer<u8> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.pop_partial_slice(bytes).0.len() {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

fn too_few(error: TryGrantError) -> ChunkError {
    match error {
        TryGrantError::TooFew(slots) => ChunkError::TooFewSlots(slots),
        TryGrantError::Disconnected => panic!("a ring has no end: the tests keep both ends"),
    }
}

/// Chunks, which are grants.
pub mod chunks {
    use ringway::Payload;
    use ringway::spsc::{ReadGrant, WriteGrant};

    #[derive(Debug, PartialEq, Eq)]
    pub enum ChunkError {
        TooFewSlots(usize),
    }

    #[derive(Debug)]
    pub struct WriteChunk<'a, T: Payload>(pub(super) WriteGrant<'a, T>);

    impl<T: Payload> WriteChunk<'_, T> {
        pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
            let mut runs = self.0.runs_mut();
            let slices = (runs.next().unwrap_or_default(), runs.next().unwrap_or_default());
            assert!(runs.next().is_none(), "messages in a table lie in two runs at most");
            slices
        }

        pub fn len(&self) -> usize {
            self.0.len()
        }

        pub fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub fn commit_all(self) {
            self.0.commit_all();
        }
    }

    #[derive(Debug)]
    pub struct WriteChunkUninit<'a, T: Payload>(pub(super) WriteGrant<'a, T>);

    impl<T: Payload> WriteChunkUninit<'_, T> {
        pub fn fill_from_iter(mut self, values: impl IntoIterator<Item = T>) -> usize {
            let filled = self.0.fill(values);
            self.0.commit(filled);
            filled
        }
    }

    #[derive(Debug)]
    pub struct ReadChunk<'a, T: Payload>(pub(super) ReadGrant<'a, T>);

    impl<'a, T: Payload> ReadChunk<'a, T> {
        pub fn as_slices(&self) -> (&[T], &[T]) {
            let mut runs = self.0.runs();
            let slices = (runs.next().unwrap_or_default(), runs.next().unwrap_or_default());
            assert!(runs.next().is_none(), "messages in a table lie in two runs at most");
            slices
        }

        pub fn len(&self) -> usize {
            self.0.len()
        }

        pub fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub fn commit_all(self) {
            self.0.release_all();
        }
    }

    impl<'a, T: Payload> IntoIterator for ReadChunk<'a, T> {
        type Item = T;
        type IntoIter = ReadChunkIntoIter<'a, T>;

        fn into_iter(self) -> ReadChunkIntoIter<'a, T> {
            ReadChunkIntoIter { grant: Some(self.0), read: 0 }
        }
    }

    /// Releases, when it is dropped, what it has yielded.
    #[derive(Debug)]
    pub struct ReadChunkIntoIter<'a, T: Payload> {
        grant: Option<ReadGrant<'a, T>>,
        read: usize,
    }

    impl<T: Payload> Iterator for ReadChunkIntoIter<'_, T> {
        type Item = T;

        fn next(&mut self) -> Option<T> {
            let message = self.grant.as_ref()?.iter().nth(self.read)?;
            self.read += 1;
            Some(message)
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            let left = self.grant.as_ref().map_or(0, |grant| grant.len() - self.read);
            (left, Some(left))
        }
    }

    impl<T: Payload> ExactSizeIterator for ReadChunkIntoIter<'_, T> {}

    impl<T: Payload> Drop for ReadChunkIntoIter<'_, T> {
        fn drop(&mut self) {
            if let Some(grant) = self.grant.take() {
                grant.release(self.read);
            }
        }
    }
}
