//! `zstd`: one end compresses, the other expands.

use crate::{bytes, through};
use std::io::{BufRead, Read, Write};
use std::sync::atomic::{AtomicU32, Ordering::*};
use std::time::{Duration, Instant};

#[test]
fn what_one_end_compresses_the_other_expands() {
    let sent = bytes(2_000_003);
    through(
        |writer| {
            let mut encoder = zstd::Encoder::new(writer, 1).unwrap();
            encoder.write_all(&sent).unwrap();
            encoder.finish().unwrap().finish().unwrap();
        },
        |reader| {
            // The stream is a reader with a buffer: none is put in front of it.
            let mut decoder = zstd::Decoder::with_buffer(reader).unwrap();
            let mut got = Vec::new();
            decoder.read_to_end(&mut got).unwrap();
            assert!(decoder.finish().fill_buf().unwrap().is_empty());
            got
        },
        |got| assert!(got == sent),
    );
}

#[test]
fn what_is_flushed_is_there_before_the_end() {
    let (read, answer) = (AtomicU32::new(0), bytes(40_000));
    through(
        |writer| {
            let mut encoder = zstd::Encoder::new(writer, 1).unwrap();
            encoder.write_all(&answer).unwrap();
            let before = read.load(Acquire);
            encoder.flush().unwrap();
            // The reader has it all, and only then comes the end.
            let start = Instant::now();
            while read.load(Acquire) == before {
                assert!(start.elapsed() < Duration::from_secs(30), "what was flushed does not come");
                std::thread::yield_now();
            }
            encoder.finish().unwrap().finish().unwrap();
        },
        |reader| {
            let mut decoder = zstd::Decoder::new(reader).unwrap();
            let mut got = vec![0; answer.len()];
            decoder.read_exact(&mut got).unwrap();
            read.fetch_add(1, Release);
            assert_eq!(decoder.read_to_end(&mut Vec::new()).unwrap(), 0);
            got
        },
        |got| assert!(got == answer),
    );
}
