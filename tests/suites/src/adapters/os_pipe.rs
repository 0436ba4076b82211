//! `os_pipe`, as far as its tests use it, on [`ringway::stream`]. An end of a stream has one owner; that several handles are one
//! end is what the lock around it is for.

use super::make;
use ringway::Options;
use ringway::stream::{Reader, Writer};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Debug)]
pub struct PipeReader(Arc<Mutex<Reader>>);

#[derive(Debug)]
pub struct PipeWriter(Arc<Mutex<Writer>>);

/// As large as a pipe.
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (writer, reader) = make::stream(&Options::new().capacity(64 << 10));
    Ok((PipeReader(Arc::new(Mutex::new(reader))), PipeWriter(Arc::new(Mutex::new(writer)))))
}

fn end<E>(end: &Mutex<E>) -> MutexGuard<'_, E> {
    end.lock().expect("nobody panics while it reads or writes")
}

impl PipeReader {
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(Arc::clone(&self.0)))
    }
}

impl PipeWriter {
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(Arc::clone(&self.0)))
    }
}

impl Read for &PipeReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        end(&self.0).read(bytes)
    }
}

impl Read for PipeReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        end(&self.0).read(bytes)
    }
}

impl Write for &PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        end(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        end(&self.0).flush()
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        end(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        end(&self.0).flush()
    }
}
