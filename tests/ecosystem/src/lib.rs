//! Writers and readers that know nothing of ringway, over its streams: archives, compression, tables of columns. Each writes
//! in one thread and reads in another, through rings much smaller than what goes through.
#![cfg(test)]

mod arrow;
mod compression;
mod tar;

use ringway::Options;
use ringway::stream::{Reader, Writer, duplex_with, pipe_with};
use std::thread;

/// Rings from one that holds less than a header to the default.
const CAPACITIES: [usize; 3] = [100, 65_537, 1 << 20];

/// `write` at one end, and what `read` makes of it at the other: through a stream, and through one way of a pair.
fn through<R>(write: impl Fn(Writer) + Sync, read: impl Fn(Reader) -> R, check: impl Fn(R)) {
    for capacity in CAPACITIES {
        let options = Options::new().capacity(capacity);
        let stream = pipe_with(&options).unwrap();
        let (one, other) = duplex_with(&options).unwrap();
        let ((_back, writer), (reader, _there)) = (one.split(), other.split());
        for (writer, reader) in [stream, (writer, reader)] {
            check(thread::scope(|scope| {
                scope.spawn(|| write(writer));
                read(reader)
            }));
        }
    }
}

/// Bytes that compress to about a half.
fn bytes(len: usize) -> Vec<u8> {
    let byte = |at: u64| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as u8;
    (0..len as u64).map(byte).collect()
}

/// As programs do it that take whatever they are given.
#[test]
fn boxed_ends_are_copied() {
    let sent = bytes(1_000_003);
    through(
        |writer| {
            let mut writer: Box<dyn std::io::Write> = Box::new(std::io::BufWriter::with_capacity(7000, writer));
            assert_eq!(std::io::copy(&mut &sent[..], &mut writer).unwrap(), sent.len() as u64);
        },
        |reader| {
            let mut got = Vec::new();
            std::io::copy(&mut Box::new(reader) as &mut dyn std::io::Read, &mut got).unwrap();
            got
        },
        |got| assert!(got == sent),
    );
}
