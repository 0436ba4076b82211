//! What a model of somebody who uses streams sees.
#![cfg(loom)]

mod common;

use common::{Plain, check, check_up_to};
use loom::sync::Arc;
use loom::thread::spawn;
use ringway::stream::{self, Ended, Reader, Writer};
use ringway::{DisconnectReason, Options};
use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

/// A stream with room for so many bytes, of which two are there at a time.
fn pipe(capacity: usize) -> (Writer, Reader) {
    stream::pipe_with(&Options::new().capacity(capacity).frame_bytes(2.min(capacity))).unwrap()
}

// What is ordered.

#[test]
fn a_byte_carries_what_its_writer_did_before() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let writing = spawn(move || {
            theirs.write(7);
            writer.write_all(&[1]).unwrap();
        });
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        assert_eq!((byte, plain.read()), ([1], 7));
        writing.join().unwrap();
    });
}

#[test]
fn the_end_carries_all_that_the_writer_did() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let writing = spawn(move || {
            theirs.write(7);
            writer.close();
        });
        assert_eq!((reader.read(&mut [0]).unwrap(), plain.read()), (0, 7));
        writing.join().unwrap();
    });
}

#[test]
fn room_carries_what_the_reader_did_before_it_consumed() {
    check(|| {
        let (mut writer, mut reader) = pipe(1);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let reading = spawn(move || {
            let seen = reader.fill_buf().unwrap()[0];
            theirs.write(7);
            reader.consume(1);
            (seen, reader)
        });
        writer.write_all(&[1, 2]).unwrap(); // the second in the place of the first
        assert_eq!(plain.read(), 7);
        assert_eq!(reading.join().unwrap().0, 1);
    });
}

#[test]
fn to_be_finished_is_to_know_what_the_reader_did() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        writer.write_all(&[1, 2]).unwrap();
        let reading = spawn(move || {
            let mut bytes = [0; 2];
            reader.read_exact(&mut bytes).unwrap();
            theirs.write(u64::from(bytes[1]));
            assert_eq!(reader.read(&mut bytes).unwrap(), 0);
        });
        writer.finish().unwrap();
        assert_eq!(plain.read(), 2);
        reading.join().unwrap();
    });
}

// What is not.

#[test]
#[should_panic(expected = "Causality violation")]
fn a_byte_carries_nothing_of_what_its_writer_does_later() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let writing = spawn(move || {
            writer.write_all(&[1]).unwrap();
            theirs.write(7);
            writer.write_all(&[2]).unwrap();
        });
        reader.read_exact(&mut [0]).unwrap();
        plain.read();
        writing.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_flush_says_nothing_of_the_reader() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let reading = spawn(move || {
            theirs.write(7);
            reader.read_exact(&mut [0]).unwrap();
        });
        writer.write_all(&[1]).unwrap();
        writer.flush().unwrap();
        plain.read();
        reading.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn what_is_done_with_bytes_behind_their_consuming_is_not_ordered() {
    check(|| {
        let (mut writer, mut reader) = pipe(1);
        let plain = Plain::shared();
        let theirs = Arc::clone(&plain);
        let reading = spawn(move || {
            reader.fill_buf().unwrap();
            reader.consume(1);
            theirs.write(7);
            reader
        });
        writer.write_all(&[1, 2]).unwrap();
        plain.read();
        drop(reading.join().unwrap());
    });
}

// The calls.

#[test]
fn a_read_may_be_short_and_the_bytes_come_in_order() {
    check(|| {
        let (mut writer, mut reader) = pipe(3);
        let writing = spawn(move || {
            writer.write_all(&[1, 2]).unwrap();
            writer.write_all(&[3, 4]).unwrap();
        });
        let mut all = Vec::new();
        loop {
            let mut some = [0; 3];
            match reader.read(&mut some).unwrap() {
                0 => break,
                n => all.extend_from_slice(&some[..n]),
            }
        }
        assert_eq!((&all[..], reader.received()), (&[1, 2, 3, 4][..], 4));
        writing.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "a short read")]
fn that_a_read_was_short_is_found() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let writing = spawn(move || {
            writer.write_all(&[1]).unwrap();
            writer.write_all(&[2]).unwrap();
        });
        let n = reader.read(&mut [0; 2]).unwrap();
        writing.join().unwrap();
        assert!(n == 2, "a short read");
    });
}

#[test]
fn vectors_and_everything_to_the_end_are_read() {
    check_up_to(1, || {
        let (mut writer, mut reader) = pipe(4);
        let writing = spawn(move || {
            let n = writer.write_vectored(&[std::io::IoSlice::new(&[1]), std::io::IoSlice::new(&[2, 3])]).unwrap();
            writer.write_all(&[1, 2, 3][n..]).unwrap();
            writer.finish().unwrap();
        });
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, [1, 2, 3]);
        writing.join().unwrap();
    });
}

#[test]
fn bytes_are_written_and_read_in_place() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let writing = spawn(move || {
            let mut grant = writer.reserve_timeout(2, Duration::MAX).unwrap().unwrap();
            let n = grant.copy_from_slice(&[1, 2]);
            grant.commit(n);
            writer.finish().unwrap();
        });
        let mut all = Vec::new();
        while let some @ [_, ..] = reader.fill_buf().unwrap() {
            let n = some.len();
            all.extend_from_slice(some);
            reader.consume(n);
        }
        assert_eq!(all, [1, 2]);
        writing.join().unwrap();
    });
}

#[test]
fn who_waits_for_room_learns_that_the_reader_left() {
    check(|| {
        let (mut writer, reader) = pipe(1);
        writer.write_all(&[1]).unwrap();
        let leaving = spawn(move || drop(reader));
        let error = writer.write_all(&[2]).unwrap_err();
        assert_eq!((error.kind(), Ended::of(&error).unwrap().reason), (ErrorKind::BrokenPipe, DisconnectReason::Left));
        leaving.join().unwrap();
    });
}

#[test]
fn an_end_without_a_word_is_no_end() {
    check(|| {
        let (mut writer, mut reader) = pipe(4);
        let writing = spawn(move || {
            writer.write_all(&[1]).unwrap();
            writer.abort();
        });
        let mut all = Vec::new();
        let error = reader.read_to_end(&mut all).unwrap_err();
        assert_eq!((error.kind(), &all[..]), (ErrorKind::ConnectionAborted, &[1][..]));
        writing.join().unwrap();
    });
}

#[test]
fn who_is_not_to_wait_does_not() {
    check(|| {
        let (mut writer, mut reader) = pipe(1);
        reader.set_nonblocking(true);
        writer.set_nonblocking(true);
        assert_eq!(reader.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(reader.fill_buf_timeout(Duration::ZERO).unwrap().is_none());
        writer.write_all(&[1]).unwrap();
        assert_eq!(writer.write(&[2]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let reading = spawn(move || reader.read(&mut [0]).unwrap());
        assert_eq!(reading.join().unwrap(), 1);
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_timeout_of_a_stream_never_elapses() {
    check(|| {
        let (writer, mut reader) = pipe(1);
        reader.set_read_timeout(Some(Duration::from_micros(1))).unwrap();
        let _ = reader.read(&mut [0]);
        drop(writer);
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn nobody_finishes_for_a_reader_that_waits_for_more() {
    check(|| {
        let (mut writer, reader) = pipe(1);
        writer.write_all(&[1]).unwrap();
        writer.finish().unwrap();
        drop(reader);
    });
}

// Both ways.

#[test]
fn questions_and_answers_pass_both_ways() {
    check(|| {
        let (mut one, mut other) = stream::duplex_with(&Options::new().capacity(2)).unwrap();
        let answering = spawn(move || {
            let mut question = [0];
            other.read_exact(&mut question).unwrap();
            other.write_all(&[question[0] + 1]).unwrap();
            other.shutdown(Shutdown::Write).unwrap();
            other
        });
        one.write_all(&[1]).unwrap();
        let mut answer = Vec::new();
        one.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, [2]);
        drop(answering.join().unwrap());
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn two_that_both_write_more_than_there_is_room_for_are_found() {
    check(|| {
        let (mut one, mut other) = stream::duplex_with(&Options::new().capacity(1)).unwrap();
        let writing = spawn(move || {
            other.write_all(&[1, 2]).unwrap();
            other.read_exact(&mut [0; 2]).unwrap();
        });
        one.write_all(&[1, 2]).unwrap();
        one.read_exact(&mut [0; 2]).unwrap();
        writing.join().unwrap();
    });
}

#[test]
fn halves_go_their_ways() {
    check_up_to(1, || {
        let (one, other) = stream::duplex_with(&Options::new().capacity(1)).unwrap();
        let (mut reader, mut writer) = one.split();
        let echoing = spawn(move || {
            let (mut from, mut to) = other.split();
            std::io::copy(&mut from, &mut to).unwrap()
        });
        let writing = spawn(move || writer.write_all(&[1, 2]).unwrap());
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, [1, 2]);
        writing.join().unwrap();
        assert_eq!(echoing.join().unwrap(), 2);
    });
}

#[test]
fn what_has_a_name_has_no_model() {
    let refused = stream::Duplex::create("loom-user").unwrap_err().to_string();
    assert!(refused.contains("a model has no files"), "{refused}");
    assert!(Reader::open("loom-user").is_err());
}
