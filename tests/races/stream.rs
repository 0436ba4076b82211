//! `ringway::stream`: bytes without bounds between them, one thread at each end.

use crate::Scene;
use ringway::Options;
use ringway::stream::{Duplex, Reader, Writer, duplex_with, pipe_with};
use std::io::{BufRead, Read, Write};
use std::thread;
use std::time::Duration;

pub(crate) const SCENES: &[Scene] = &[
    ("stream/bytes", |options, count| pipe(options, count * 10, write, read)),
    ("stream/in-place", |options, count| pipe(options, count * 10, reserve, look)),
    ("stream/reader-leaves", reader_leaves),
    ("stream/duplex", duplex),
];

fn small(options: Options) -> Options {
    options.capacity(600).frame_bytes(128)
}

/// The byte at this position.
fn byte(at: u64) -> u8 {
    (at ^ at >> 8).wrapping_mul(167) as u8
}

fn is_so(bytes: &[u8], from: u64) -> bool {
    bytes.iter().zip(from..).all(|(found, at)| *found == byte(at))
}

fn pipe(
    options: Options,
    count: u64,
    write: fn(&mut Writer, u64, usize) -> usize,
    read: fn(&mut Reader, u64) -> usize,
) {
    let (mut writer, mut reader) = pipe_with(&small(options)).expect("a stream");
    let writing = thread::spawn(move || {
        let mut at = 0;
        while at < count {
            let most = (count - at).min(1 + at % 200) as usize;
            at += write(&mut writer, at, most) as u64;
        }
        // Waits until all has been taken.
        writer.finish().expect("a reader");
    });
    let mut at = 0;
    loop {
        match read(&mut reader, at) {
            0 => break,
            taken => at += taken as u64,
        }
    }
    assert_eq!(at, count);
    writing.join().expect("no panic");
}

fn write(writer: &mut Writer, at: u64, most: usize) -> usize {
    let bytes: Vec<u8> = (at..).take(most).map(byte).collect();
    writer.write(&bytes).expect("a reader")
}

fn read(reader: &mut Reader, at: u64) -> usize {
    let mut bytes = [0; 90];
    let len = reader.read(&mut bytes).expect("a writer");
    assert!(is_so(&bytes[..len], at));
    len
}

/// Written to the ring itself, and read there.
fn reserve(writer: &mut Writer, at: u64, most: usize) -> usize {
    let grant = writer.reserve_timeout(most, Duration::MAX).expect("a reader");
    let mut grant = grant.expect("room");
    let made = grant.len();
    grant.iter_mut().zip(at..).for_each(|(place, at)| *place = byte(at));
    grant.commit_all();
    made
}

fn look(reader: &mut Reader, at: u64) -> usize {
    let bytes = reader.fill_buf().expect("a writer");
    let taken = bytes.len().div_ceil(2);
    assert!(is_so(&bytes[..taken], at));
    reader.consume(taken);
    taken
}

fn reader_leaves(options: Options, count: u64) {
    let (mut writer, mut reader) = pipe_with(&small(options)).expect("a stream");
    let reading = thread::spawn(move || {
        let mut bytes = vec![0; count as usize];
        reader.read_exact(&mut bytes).expect("a writer");
        assert!(is_so(&bytes, 0));
    });
    let mut at = 0;
    while let Ok(len) = writer.write(&(at..at + 50).map(byte).collect::<Vec<_>>()) {
        at += len as u64;
    }
    assert!(at >= count);
    reading.join().expect("no panic");
}

/// What one side says comes back from the other.
fn duplex(options: Options, count: u64) {
    let (mut here, there) = duplex_with(&small(options)).expect("two streams");
    let answering = thread::spawn(move || echo(there));
    for n in 0..count {
        let said = n.to_le_bytes();
        here.write_all(&said).expect("the other side");
        let mut heard = [0; 8];
        here.read_exact(&mut heard).expect("the other side");
        assert_eq!(said, heard);
    }
    drop(here);
    answering.join().expect("no panic");
}

fn echo(mut there: Duplex) {
    let mut bytes = [0; 8];
    while there.read_exact(&mut bytes).is_ok() {
        there.write_all(&bytes).expect("the other side");
    }
}
