//! Writers and readers of a stream that are killed before each step of each operation, and what the survivor sees.

use super::scenes::{bytes, stream_options};
use super::stage::Stage;
use crate::stream::{Ended, Reader, Writer};
use crate::{DisconnectReason, Role};
use std::io::{self, Read, Write};
use std::time::Duration;

/// Everything up to the end or the error.
fn read_all(reader: &mut Reader) -> (Vec<u8>, io::Result<()>) {
    let mut got = Vec::new();
    let mut part = [0; 333];
    loop {
        match reader.read(&mut part) {
            Ok(0) => return (got, Ok(())),
            Ok(n) => got.extend_from_slice(&part[..n]),
            Err(error) => return (got, Err(error)),
        }
    }
}

/// The survivor has left: a new stream under the name works at once.
fn a_new_stream_works(stage: &Stage, name: &str) {
    let options = stream_options(&stage.directory);
    let mut writer = Writer::open_or_create_with(name, &options).unwrap();
    let mut reader = Reader::open_or_create_with(name, &options).unwrap();
    writer.write_all(b"again").unwrap();
    writer.close();
    assert_eq!(read_all(&mut reader).0, b"again", "{name}");
    writer.finish().unwrap();
}

/// The stream ended like that for its reader: with an error that has the right count, or in good order.
fn ended_with(name: &str, got: &[u8], end: io::Result<()>) -> Option<DisconnectReason> {
    assert_eq!(got, bytes(got.len()), "{name}: torn or invented bytes");
    let error = end.err()?;
    let ended = Ended::of(&error).unwrap_or_else(|| panic!("{name}: {error}"));
    assert_eq!((ended.role, ended.bytes), (Role::Sender, got.len() as u64), "{name}");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    Some(ended.reason)
}

/// A writer is killed after 500 bytes, on the way to so many: the reader gets a prefix, and never fewer the later it was.
fn writer_dies(scene: &str, all: usize, at_least: u64) {
    let stage = Stage::new(scene);
    let mut most = 0;
    stage.at_each_step(scene, at_least, |name, kill| {
        let mut reader = Reader::create_with(name, &stream_options(&stage.directory)).unwrap();
        let completed = kill();
        let (got, end) = read_all(&mut reader);
        assert_eq!(ended_with(name, &got, end), Some(DisconnectReason::Died), "{name}");
        assert!(got.len() >= most.max(500));
        assert!(!completed || got.len() == all);
        most = got.len();
        // Asking again changes nothing.
        assert_eq!(ended_with(name, &got, read_all(&mut reader).1), Some(DisconnectReason::Died));
        drop(reader);
        a_new_stream_works(&stage, name);
    });
    assert_eq!(most, all);
}

#[test]
fn a_writer_killed_in_write_has_written_a_prefix() {
    writer_dies("write", 3500, 15);
}

#[test]
fn a_writer_killed_while_it_writes_pieces_has_written_a_prefix() {
    writer_dies("write-pieces", 1500, 6);
}

/// A writer killed on its way out, after 1500 bytes: the end in good order, or an error, and never fewer bytes.
fn writer_leaves(scene: &str, may_end_well: bool, at_least: u64) {
    let stage = Stage::new(scene);
    let mut well = false;
    stage.at_each_step(scene, at_least, |name, kill| {
        let mut reader = Reader::create_with(name, &stream_options(&stage.directory)).unwrap();
        let reading = std::thread::spawn(move || {
            let (got, end) = read_all(&mut reader);
            (got, end, reader)
        });
        let completed = kill();
        let (got, end, reader) = reading.join().unwrap();
        assert_eq!(got.len(), 1500, "{name}");
        let reason = ended_with(name, &got, end);
        assert!(reason.is_some() || may_end_well, "{name}: a stream that was not closed came to a good end");
        assert!(!well || reason.is_none(), "{name}: {reason:?}");
        well |= reason.is_none();
        assert!(!completed || well == may_end_well, "{name}: {reason:?}");
        drop(reader);
        a_new_stream_works(&stage, name);
    });
    assert_eq!(well, may_end_well);
}

#[test]
fn a_writer_killed_while_it_ends_its_stream_has_ended_it_or_died() {
    writer_leaves("close-writer", true, 3);
    writer_leaves("finish", true, 4);
    writer_leaves("drop-writer", true, 6);
}

#[test]
fn a_writer_killed_while_it_aborts_has_not_ended_its_stream() {
    writer_leaves("abort", false, 4);
}

/// A reader is killed: the writer hears it, with the number of bytes that were taken.
fn reader_dies(scene: &str, taken: &[u64], at_least: u64) {
    let stage = Stage::new(scene);
    let mut most = 0;
    stage.at_each_step(scene, at_least, |name, kill| {
        let mut writer = Writer::create_with(name, &stream_options(&stage.directory)).unwrap();
        writer.write_all(&bytes(3000)).unwrap();
        let completed = kill();
        let error = writer.write_all(&bytes(10_000)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{name}: {error}");
        let ended = Ended::of(&error).unwrap();
        assert_eq!(ended.role, Role::Receiver);
        assert!(matches!(ended.reason, DisconnectReason::Died | DisconnectReason::Left), "{name}: {ended:?}");
        assert!(taken.contains(&ended.bytes), "{name}: {} bytes taken", ended.bytes);
        assert!(ended.bytes >= most);
        most = ended.bytes;
        assert!(!completed || Some(&most) == taken.last(), "{name}: {most}");
        assert!(writer.written() <= 4000 + most, "{name}: more written than there was room for");
        drop(writer);
        a_new_stream_works(&stage, name);
    });
    assert_eq!(Some(&most), taken.last());
}

#[test]
fn a_reader_killed_in_read_has_taken_a_prefix() {
    reader_dies("read", &[0, 2500], 5);
    reader_dies("read-pieces", &[0, 1000, 1200, 2000, 2500], 5);
}

#[test]
fn a_reader_killed_while_it_leaves_has_left_or_died() {
    reader_dies("drop-reader", &[700], 3);
    reader_dies("close-reader", &[700], 2);
}

/// One who comes to a stream whose writer died marks it as broken, and is killed while doing so. The reader gets all
/// bytes and the error, as if nobody had come.
#[test]
fn one_killed_while_it_breaks_a_dead_writers_stream_off_changes_nothing_for_the_reader() {
    let stage = Stage::new("break-writer");
    for looked_before in [false, true] {
        stage.at_each_step("break-off-writer", 6, |name, kill| {
            let mut reader = Reader::create_with(name, &stream_options(&stage.directory)).unwrap();
            assert!(stage.kill("write", name, u64::MAX >> 1).is_some());
            let mut got = Vec::new();
            if looked_before {
                got = vec![0; 1000];
                reader.read_exact(&mut got).unwrap();
            }
            kill();
            // The next one is refused too, and moves no byte.
            assert!(Writer::open_with(name, &stream_options(&stage.directory)).is_err(), "{name}");
            let (rest, end) = read_all(&mut reader);
            got.extend(rest);
            assert_eq!(got.len(), 3500, "{name}");
            assert_eq!(ended_with(name, &got, end), Some(DisconnectReason::Died), "{name}");
            drop(reader);
            a_new_stream_works(&stage, name);
        });
    }
}

/// The other way round: the reader died.
#[test]
fn one_killed_while_it_breaks_a_dead_readers_stream_off_changes_nothing_for_the_writer() {
    let stage = Stage::new("break-reader");
    stage.at_each_step("break-off-reader", 6, |name, kill| {
        let mut writer = Writer::create_with(name, &stream_options(&stage.directory)).unwrap();
        writer.write_all(&bytes(3000)).unwrap();
        assert!(stage.kill("read", name, u64::MAX >> 1).is_some());
        kill();
        assert!(Reader::open_with(name, &stream_options(&stage.directory)).is_err(), "{name}");
        let error = writer.write_all(&bytes(10_000)).unwrap_err();
        let ended = Ended::of(&error).unwrap();
        assert_eq!((ended.reason, ended.bytes), (DisconnectReason::Died, 2500), "{name}");
        drop(writer);
        a_new_stream_works(&stage, name);
    });
}

/// A reader that never asks who is alive, and sleeps while its writer is killed on the way to waking it: whoever breaks
/// the stream off wakes it.
#[test]
fn a_sleeping_reader_is_woken_by_who_breaks_its_stream_off() {
    let stage = Stage::new("deaf-reader");
    let options = stream_options(&stage.directory);
    stage.at_each_step("write-to-sleeper", 6, |name, kill| {
        let mut reader = Reader::create_with(name, &options.clone().slice(Duration::MAX)).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let sleeping = std::thread::spawn(move || tell.send(read_all(&mut reader)).unwrap());
        kill();
        assert!(Writer::open_with(name, &options).is_err(), "{name}");
        let (got, end) = told.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| panic!("{name}: not woken"));
        assert_eq!(ended_with(name, &got, end), Some(DisconnectReason::Died), "{name}");
        assert!(got.is_empty() || got.len() == 500);
        sleeping.join().unwrap();
        a_new_stream_works(&stage, name);
    });
}
