//! The hot operations of bytes without borders.

use super::Link;
use ringway::stream::{Duplex, Reader, Writer, duplex, pipe};
use std::hint::black_box;
use std::io::{BufRead, ErrorKind, Read, Write};

fn link() -> Link<Writer, Reader> {
    let (tx, rx) = pipe().expect("memory for a stream");
    Link { tx, rx }
}

pub(super) fn pair(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Link<Writer, Reader>, n: u64) {
        let mut bytes = [7; 64];
        for _ in 0..n {
            let link = black_box(&mut *link);
            link.tx.write_all(&bytes).expect("room");
            link.rx.read_exact(&mut bytes).expect("bytes");
        }
    }
    repeat(&mut link(), n);
}

/// Reads where the bytes lie.
pub(super) fn in_place(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Link<Writer, Reader>, n: u64) {
        for _ in 0..n {
            let link = black_box(&mut *link);
            link.tx.write_all(&[7; 64]).expect("room");
            let len = black_box(link.rx.fill_buf().expect("bytes")).len();
            link.rx.consume(len);
        }
    }
    repeat(&mut link(), n);
}

pub(super) fn read_nothing(n: u64) {
    let (mut link, mut bytes) = (link(), [0; 64]);
    link.rx.set_nonblocking(true);
    for _ in 0..n {
        let read = black_box(&mut link).rx.read(&mut bytes);
        assert!(read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    }
}

pub(super) fn both_ways(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Link<Duplex, Duplex>, n: u64) {
        let mut bytes = [7; 64];
        for _ in 0..n {
            let link = black_box(&mut *link);
            link.tx.write_all(&bytes).expect("room");
            link.rx.read_exact(&mut bytes).expect("bytes");
            link.rx.write_all(&bytes).expect("room");
            link.tx.read_exact(&mut bytes).expect("bytes");
        }
    }
    let (tx, rx) = duplex().expect("memory for two streams");
    repeat(&mut Link { tx, rx }, n);
}
