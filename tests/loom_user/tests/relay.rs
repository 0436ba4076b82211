//! The relay in threads; and with `--cfg loom`, in the orders that they can have.

use loom_user::relay::{Notes, keep, pack, source};
use loom_user::sync::{Arc, spawn};
use ringway::{Options, bytes, stream};

/// Runs it once, with a stream of so many bytes and room for so many records.
fn run(stream: usize, room: &Options, records: &'static [&[u8]]) {
    let notes = Notes::new();
    let (writer, reader) = stream::pipe_with(&Options::new().capacity(stream).frame_bytes(stream)).unwrap();
    let (tx, rx) = bytes::mpmc::channel_with(room).unwrap();
    let theirs = Arc::clone(&notes);
    let writing = spawn(move || source(writer, records).unwrap());
    let packing = spawn(move || pack(&theirs, reader, tx).unwrap());
    let kept = keep(&notes, rx);
    writing.join().unwrap();
    let packed = packing.join().unwrap();
    let began = |number: usize| records[..number].iter().map(|record| 1 + record.len() as u64).sum();
    let whole: Vec<_> = records.iter().enumerate().map(|(number, record)| (began(number), record.to_vec())).collect();
    assert_eq!((usize::from(packed), kept), (records.len(), whole), "a record was torn");
}

#[cfg(loom)]
#[test]
fn every_record_is_kept_as_it_was() {
    // One lane, and no annex: there is memory for one record at a time.
    let room = Options::new().capacity(1).annexes(0);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(1);
    builder.check(move || run(2, &room, &[b"ab", b""]));
}

#[cfg(not(loom))]
#[test]
fn every_record_is_kept_as_it_was() {
    (0..100).for_each(|_| run(4096, &Options::new().capacity(16), &[b"one", b"two", b"", b"three", b"four"]));
}
