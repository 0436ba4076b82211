//! A relay: a source writes records to a stream, a packer reads each of them into memory that a channel lends it, a keeper takes
//! that memory over, and gives it back when it has looked.
//!
//! A record is a byte that says how long it is, and so many bytes. Beside the two channels there are *notes*, plain memory: where
//! in the stream each record began. The packer writes a note before it sends the record; so the keeper may read it.

use crate::sync::{Arc, UnsafeCell};
use ringway::bytes::mpmc::{OwnedGuard, Receiver, Sender};
use ringway::stream::{Reader, Writer};
use std::io::{self, Read, Write};

/// Records that there are notes for.
pub const RECORDS: usize = 8;

/// Where each record began.
#[derive(Debug)]
pub struct Notes([UnsafeCell<u64>; RECORDS]);

// SAFETY: a note is the packer's until it sends the record, and the keeper's from there on: see `pack` and `keep`.
unsafe impl Sync for Notes {}

impl Notes {
    pub fn new() -> Arc<Self> {
        Arc::new(Self([(); RECORDS].map(|()| UnsafeCell::new(0))))
    }

    fn write(&self, number: u8, began: u64) {
        // SAFETY: nobody has heard of this record yet.
        self.0[usize::from(number)].with_mut(|note| unsafe { *note = began });
    }

    fn read(&self, number: u8) -> u64 {
        // SAFETY: the packer was done with the note before it sent the record.
        self.0[usize::from(number)].with(|note| unsafe { *note })
    }
}

/// Writes all of them, and ends the stream.
pub fn source(mut stream: Writer, records: &[&[u8]]) -> io::Result<()> {
    for record in records {
        stream.write_all(&[record.len() as u8])?;
        stream.write_all(record)?;
    }
    Ok(())
}

/// Sends each record, with its number in front, until the stream ends; how many they were.
pub fn pack(notes: &Notes, mut stream: Reader, records: Sender) -> io::Result<u8> {
    let mut number = 0;
    loop {
        let (began, mut len) = (stream.received(), [0]);
        if stream.read(&mut len)? == 0 {
            return Ok(number);
        }
        let mut loan = records.loan(1 + usize::from(len[0])).expect("a keeper, for as long as there is a packer");
        loan[0] = number;
        if cfg!(feature = "bug-short-read") {
            // As many of them as are there.
            let _ = stream.read(&mut loan[1..])?;
        } else {
            stream.read_exact(&mut loan[1..])?;
        }
        if cfg!(feature = "bug-late-note") {
            // Sends first, and notes then.
            loan.send().expect("a keeper");
            notes.write(number, began);
        } else {
            notes.write(number, began);
            loan.send().expect("a keeper");
        }
        number += 1;
    }
}

/// Takes records until nobody sends any: where each began, and what it is.
pub fn keep(notes: &Notes, records: Receiver) -> Vec<(u64, Vec<u8>)> {
    let (mut kept, mut last) = (Vec::new(), None);
    while let Ok(record) = records.recv_owned() {
        kept.push((notes.read(record[0]), record[1..].to_vec()));
        if cfg!(feature = "bug-hoard") {
            // Gives each back when it has the next, for which there may be no memory then.
            last.replace(record).into_iter().for_each(OwnedGuard::commit);
        } else {
            record.commit();
        }
    }
    last.into_iter().for_each(OwnedGuard::commit);
    kept
}
