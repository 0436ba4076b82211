//! Streams as `io::Write`, `io::Read` and `io::BufRead`: in threads, and between two processes that leave, abort, panic
//! or are killed. Whatever ends a stream early is an error at the other end, and never the end of the stream.

mod support;

use ringway::stream::{Ended, Reader, Writer, pipe, pipe_with};
use ringway::{DisconnectReason, OpenError, Options, Role, WaitForPeerError, WaitStrategy, observe};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::io::{BufRead, ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use support::{Child, Dir, hang, hear, in_time, role, tell};

assert_impl_all!(Writer: Send, Write, std::fmt::Debug);
assert_impl_all!(Reader: Send, Read, BufRead, std::fmt::Debug);
assert_not_impl_any!(Writer: Clone);
assert_not_impl_any!(Reader: Clone);

const NAME: &str = "stream";

/// Bytes that tell where they belong.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

#[track_caller]
fn ended(error: &std::io::Error) -> (Role, DisconnectReason, u64, ErrorKind) {
    let ended = Ended::of(error).unwrap_or_else(|| panic!("no ending: {error:?}"));
    (ended.role, ended.reason, ended.bytes, error.kind())
}

#[test]
fn what_goes_in_comes_out_whatever_the_sizes() {
    for capacity in [1, 2, 7, 100, 4096, 65_537, 1 << 20] {
        let len = if capacity < 100 { 3_001 } else { 500_003 };
        for (written, read) in [(1, 4096), (13, 7), (4096, 1), (10_007, 10_009), (usize::MAX, usize::MAX)] {
            if written.min(read) == 1 && len > 10_000 && capacity > 100 {
                continue;
            }
            let (mut writer, mut reader) = pipe_with(&Options::new().capacity(capacity)).unwrap();
            assert_eq!((writer.capacity(), reader.capacity()), (capacity, capacity));
            let bytes = pattern(len);
            let expected = bytes.clone();
            let writing = std::thread::spawn(move || {
                for part in bytes.chunks(written.min(len)) {
                    writer.write_all(part).unwrap();
                }
                assert_eq!(writer.written(), len as u64);
                writer.finish().unwrap();
            });
            let mut got = Vec::new();
            let mut part = vec![0; read.min(len)];
            loop {
                match reader.read(&mut part).unwrap() {
                    0 => break,
                    n => got.extend_from_slice(&part[..n]),
                }
            }
            assert!(got == expected, "capacity {capacity}, {written} in, {read} out");
            assert_eq!(reader.received(), len as u64);
            // The end stays the end.
            assert_eq!((reader.read(&mut part).unwrap(), reader.fill_buf().unwrap().len()), (0, 0));
            writing.join().unwrap();
        }
    }
}

#[test]
fn io_copy_lines_and_empty_streams() {
    let (mut writer, mut reader) = pipe().unwrap();
    let bytes = pattern(3_000_000);
    let mut source = std::io::Cursor::new(bytes.clone());
    let writing = std::thread::spawn(move || {
        assert_eq!(std::io::copy(&mut source, &mut writer).unwrap(), 3_000_000);
        writer.flush().unwrap();
    });
    let mut got = Vec::new();
    assert_eq!(std::io::copy(&mut reader, &mut got).unwrap(), 3_000_000);
    assert!(got == bytes);
    writing.join().unwrap();

    let (mut writer, reader) = pipe_with(&Options::new().capacity(5)).unwrap();
    let writing = std::thread::spawn(move || write!(writer, "a line\nanother\n\nlast").unwrap());
    assert_eq!(reader.lines().map(Result::unwrap).collect::<Vec<_>>(), ["a line", "another", "", "last"]);
    writing.join().unwrap();

    let (writer, mut reader) = pipe().unwrap();
    drop(writer);
    assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_write_takes_what_fits_and_a_read_gives_what_is_there() {
    let (mut writer, mut reader) = pipe_with(&Options::new().capacity(10)).unwrap();
    assert_eq!((writer.write(&[]).unwrap(), reader.read(&mut []).unwrap()), (0, 0));
    let mut taken = 0;
    while taken < 10 {
        let n = writer.write(&pattern(100)[taken..]).unwrap();
        assert!(n > 0 && n <= 10 - taken);
        taken += n;
    }
    assert!(writer.reserve_timeout(1, Duration::ZERO).unwrap().is_none(), "full");
    assert!(writer.reserve_timeout(0, Duration::from_millis(1)).unwrap().is_none(), "full");
    let mut got = [0; 3];
    let n = reader.read(&mut got).unwrap();
    assert!((1..=3).contains(&n) && got[..n] == pattern(n));
    assert_eq!((writer.taken(), writer.written(), reader.received()), (n as u64, 10, n as u64));
    // In place: nothing leaves before it is consumed.
    let shown = reader.fill_buf().unwrap().to_vec();
    assert_eq!(reader.fill_buf().unwrap(), shown);
    reader.consume(0);
    reader.consume(1);
    assert!(shown.len() == 1 || reader.fill_buf().unwrap() == &shown[1..]);
    reader.consume(usize::MAX);
    assert_eq!(reader.received(), 10, "more than is there cannot be consumed");
    assert_eq!(reader.fill_buf_timeout(Duration::ZERO).unwrap(), None);
    assert_eq!(reader.fill_buf_timeout(Duration::from_millis(5)).unwrap(), None);
    // A grant that is partly committed writes that part.
    let mut grant = writer.reserve_timeout(2, Duration::MAX).unwrap().unwrap();
    grant.copy_from_slice(b"xy");
    grant.commit(1);
    writer.close();
    assert_eq!(reader.fill_buf_timeout(Duration::MAX).unwrap(), Some(&b"x"[..]));
    reader.consume(1);
    assert_eq!(reader.fill_buf_timeout(Duration::MAX).unwrap(), Some(&[][..]), "the end");
}

#[test]
fn nothing_can_be_written_after_the_end() {
    let (mut writer, mut reader) = pipe().unwrap();
    writer.write_all(b"all").unwrap();
    writer.close();
    writer.close();
    let closed = (Role::Receiver, DisconnectReason::Closed, 0, ErrorKind::NotConnected);
    assert_eq!(ended(&writer.write(b"more").unwrap_err()), closed);
    assert_eq!(ended(&writer.reserve_timeout(1, Duration::ZERO).unwrap_err()), closed);
    assert!(!writer.wait_finished(Duration::from_millis(2)).unwrap());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "all");
    assert!(writer.wait_finished(Duration::MAX).unwrap());
    drop(reader);
    assert!(writer.wait_finished(Duration::ZERO).unwrap(), "what has been taken stays taken");
    writer.finish().unwrap();
}

#[test]
fn finishing_waits_for_the_reader_and_fails_without_it() {
    let (mut writer, mut reader) = pipe().unwrap();
    writer.write_all(b"twelve bytes").unwrap();
    let finishing = std::thread::spawn(move || writer.finish());
    let mut bytes = [0; 12];
    reader.read_exact(&mut bytes).unwrap();
    assert!(!finishing.is_finished(), "the reader has not seen the end");
    assert_eq!(reader.read(&mut bytes).unwrap(), 0);
    finishing.join().unwrap().unwrap();

    let (mut writer, mut reader) = pipe().unwrap();
    writer.write_all(b"twelve bytes").unwrap();
    reader.read_exact(&mut bytes[..5]).unwrap();
    drop(reader);
    let error = writer.finish().unwrap_err();
    assert_eq!(ended(&error), (Role::Receiver, DisconnectReason::Left, 5, ErrorKind::BrokenPipe));
}

/// Fault 30.
#[test]
fn an_abort_and_a_panic_are_not_the_end() {
    let (mut writer, mut reader) = pipe().unwrap();
    writer.write_all(b"half").unwrap();
    writer.abort();
    let mut text = String::new();
    let error = reader.read_to_string(&mut text).unwrap_err();
    assert_eq!(ended(&error), (Role::Sender, DisconnectReason::Left, 4, ErrorKind::ConnectionAborted));
    assert_eq!(error.to_string(), "the sender left after 4 bytes, before the end");

    let (mut writer, mut reader) = pipe().unwrap();
    let result = std::thread::spawn(move || {
        writer.write_all(b"half").unwrap();
        std::panic::panic_any("on purpose");
    })
    .join();
    assert!(result.is_err());
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(ended(&reader.read(&mut bytes).unwrap_err()).3, ErrorKind::ConnectionAborted);
    assert_eq!(ended(&reader.fill_buf().unwrap_err()).2, 4, "and again");
}

#[test]
fn a_reader_that_leaves_breaks_the_pipe() {
    for sleeps in [false, true] {
        let (mut writer, mut reader) = pipe_with(&Options::new().capacity(4).wait(WaitStrategy::Sleep)).unwrap();
        writer.write_all(b"1234").unwrap();
        reader.read_exact(&mut [0; 1]).unwrap();
        let leaving = std::thread::spawn(move || {
            if !sleeps {
                drop(reader);
                return None;
            }
            Some(reader)
        });
        let reader = leaving.join().unwrap();
        let writing = std::thread::spawn(move || {
            let error = writer.write_all(b"56").unwrap_err();
            assert!(writer.check().is_err() && format!("{writer:?}").contains("Left"));
            error
        });
        drop(reader);
        let error = in_time("a writer whose reader left", || writing.join().unwrap());
        assert_eq!(ended(&error), (Role::Receiver, DisconnectReason::Left, 1, ErrorKind::BrokenPipe));
    }
}

/// One end of a stream in a child, which does what it is told.
fn end_role(dir: &Dir, role: &str) {
    let options = dir.options().open_timeout(Duration::from_millis(support::number("OPEN_MS", 0)));
    match role {
        "writer" => {
            let mut writer = match Writer::open_or_create_with(NAME, &options) {
                Ok(writer) => writer,
                Err(OpenError::Spent) => return tell("spent"),
                Err(error) => return tell(error),
            };
            tell("here");
            loop {
                match hear().as_str() {
                    "write" => {
                        writer.write_all(b"0123456789").unwrap();
                        tell("written");
                    }
                    "finish" => return writer.finish().unwrap(),
                    "abort" => return writer.abort(),
                    "panic" => panic!("on purpose"),
                    "exit" => std::process::exit(0),
                    "leave" => return,
                    what => panic!("do what? {what}"),
                }
            }
        }
        _ => {
            let mut reader = match Reader::open_or_create_with(NAME, &options) {
                Ok(reader) => reader,
                Err(OpenError::Spent) => return tell("spent"),
                Err(error) => return tell(error),
            };
            tell("here");
            loop {
                match hear().as_str() {
                    "read" => {
                        let mut bytes = [0; 10];
                        reader.read_exact(&mut bytes).unwrap();
                        assert_eq!(&bytes, b"0123456789");
                        tell("read");
                    }
                    "end" => tell(reader.read(&mut [0]).unwrap()),
                    "hang" => hang(),
                    "leave" => return,
                    what => panic!("do what? {what}"),
                }
            }
        }
    }
}

#[test]
fn a_writers_ending_is_told_from_its_death() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return end_role(&dir, &role);
    }
    for (ending, reason) in [
        ("finish", None),
        ("leave", None),
        ("abort", Some(DisconnectReason::Left)),
        ("panic", Some(DisconnectReason::Left)),
        ("exit", Some(DisconnectReason::Died)),
        ("kill", Some(DisconnectReason::Died)),
    ] {
        let mut reader = Reader::create_with(NAME, &dir.options().wait(WaitStrategy::Sleep)).unwrap();
        let mut child = Child::start(&here!(), "writer", &dir);
        child.expect("here");
        reader.wait_for_peer(Duration::ZERO).unwrap();
        child.tell("write");
        child.expect("written");
        let reading = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let result = reader.read_to_end(&mut bytes);
            (bytes, result, reader)
        });
        if ending == "kill" {
            child.kill();
        } else {
            child.tell(ending);
            child.wait();
        }
        let (bytes, result, reader) = reading.join().unwrap();
        assert_eq!(bytes, b"0123456789", "{ending}");
        match (result, reason) {
            (Ok(n), None) => assert_eq!(n, 10),
            (Err(error), Some(reason)) => {
                assert_eq!(ended(&error), (Role::Sender, reason, 10, ErrorKind::ConnectionAborted), "{ending}");
            }
            (result, _) => panic!("{ending}: {result:?}"),
        }
        drop(reader);
        assert!(dir.files().is_empty());
    }
}

#[test]
fn a_writer_that_closed_and_was_killed_has_ended_well() {
    let dir = Dir::new();
    if role().is_some() {
        let mut writer = Writer::create_with(NAME, &dir.options()).unwrap();
        writer.write_all(b"all").unwrap();
        writer.close();
        tell("closed");
        hang();
    }
    let mut child = Child::start(&here!(), "writer", &dir);
    child.expect("closed");
    let mut reader = Reader::open_with(NAME, &dir.options()).unwrap();
    child.kill();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "all");
}

#[test]
fn a_killed_reader_breaks_the_pipe() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return end_role(&dir, &role);
    }
    let mut writer = Writer::create_with(NAME, &dir.options().capacity(20).wait(WaitStrategy::Sleep)).unwrap();
    let mut child = Child::start(&here!(), "reader", &dir);
    child.expect("here");
    writer.write_all(b"0123456789").unwrap();
    child.tell("read");
    child.expect("read");
    writer.write_all(b"01234567890123456789").unwrap();
    let writing = std::thread::spawn(move || writer.write_all(b"x").unwrap_err());
    child.kill();
    let error = in_time("a writer whose reader died", || writing.join().unwrap());
    assert_eq!(ended(&error), (Role::Receiver, DisconnectReason::Died, 10, ErrorKind::BrokenPipe));
    assert_eq!(error.to_string(), "the receiver died after 10 bytes");

    // And one that waits for the reader to take everything.
    let mut writer = Writer::create_with(NAME, &dir.options()).unwrap();
    let mut child = Child::start(&here!(), "reader", &dir);
    child.expect("here");
    writer.write_all(b"0123456789").unwrap();
    let finishing = std::thread::spawn(move || writer.finish());
    child.tell("read");
    child.expect("read");
    child.kill();
    let error = in_time("a writer that finishes", || finishing.join().unwrap()).unwrap_err();
    assert_eq!(ended(&error).1, DisconnectReason::Died);
}

/// Killed and replaced inside one slice, which is so long here that only the newcomer's mark can tell: the survivor
/// fails, the newcomer moves no byte, and works when the survivor has gone.
/// Fault 68.
#[test]
fn a_killed_end_is_never_replaced_unnoticed() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return end_role(&dir, &role);
    }
    let long = dir.options().slice(Duration::from_secs(10)).wait(WaitStrategy::Sleep);
    let start = Instant::now();

    let mut reader = Reader::create_with(NAME, &long).unwrap();
    let mut child = Child::start(&here!(), "writer", &dir);
    child.expect("here");
    child.tell("write");
    child.expect("written");
    reader.read_exact(&mut [0; 10]).unwrap();
    let instance = observe::stat(NAME, Some(dir.path())).unwrap().instance;
    let reading = std::thread::spawn(move || {
        let error = reader.read(&mut [0; 10]).unwrap_err();
        (reader, error)
    });
    child.kill();
    // A newcomer that does not wait is told at once; it has told the survivor.
    let mut impatient = Child::start(&here!(), "writer", &dir);
    impatient.expect("spent");
    impatient.succeed();
    let (reader, error) = reading.join().unwrap();
    assert_eq!(ended(&error), (Role::Sender, DisconnectReason::Died, 10, ErrorKind::ConnectionAborted));
    // One that waits gets in when the survivor has left, and not before.
    let mut newcomer = Child::start_with(&here!(), "writer", &dir, &[("OPEN_MS", "20000".to_owned())]);
    assert_eq!(newcomer.hear_within(Duration::from_millis(50)), None);
    drop(reader);
    newcomer.expect("here");
    let mut reader = Reader::open_with(NAME, &dir.options()).unwrap();
    assert_ne!(observe::stat(NAME, Some(dir.path())).unwrap().instance, instance);
    newcomer.tell("write");
    newcomer.expect("written");
    newcomer.tell("finish");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "0123456789", "not a byte of the old stream");
    newcomer.succeed();
    drop(reader);

    // The same with the reader killed, and the writer asleep on a full ring.
    let mut writer = Writer::create_with(NAME, &long.clone().capacity(10)).unwrap();
    let mut child = Child::start(&here!(), "reader", &dir);
    child.expect("here");
    writer.write_all(b"0123456789").unwrap();
    let writing = std::thread::spawn(move || {
        let error = writer.write_all(b"x").unwrap_err();
        (writer, error)
    });
    child.kill();
    let mut newcomer = Child::start_with(&here!(), "reader", &dir, &[("OPEN_MS", "20000".to_owned())]);
    let (writer, error) = writing.join().unwrap();
    assert_eq!(ended(&error), (Role::Receiver, DisconnectReason::Died, 0, ErrorKind::BrokenPipe));
    assert_eq!(newcomer.hear_within(Duration::from_millis(50)), None);
    drop(writer);
    newcomer.expect("here");
    let mut writer = Writer::open_with(NAME, &dir.options()).unwrap();
    writer.write_all(b"0123456789").unwrap();
    newcomer.tell("read");
    newcomer.expect("read");
    newcomer.tell("end");
    writer.finish().unwrap();
    newcomer.expect("0");
    assert!(start.elapsed() < Duration::from_secs(10), "nobody waited for a slice");
}

#[test]
fn a_stream_that_is_over_is_followed_by_a_new_one() {
    let dir = Dir::new();
    // The writer ends and leaves; a second one comes while the first one's reader still reads.
    let mut first = Writer::create_with(NAME, &dir.options()).unwrap();
    let mut reader = Reader::open_with(NAME, &dir.options()).unwrap();
    assert!(Reader::open_with(NAME, &dir.options()).unwrap_err().is_role_taken());
    first.write_all(b"first").unwrap();
    drop(first);
    assert!(matches!(Writer::open_or_create_with(NAME, &dir.options()), Err(OpenError::Spent)));
    let options = dir.patient();
    let second = std::thread::spawn(move || {
        let mut writer = Writer::open_or_create_with(NAME, &options).unwrap();
        writer.write_all(b"second").unwrap();
        writer.finish().unwrap();
    });
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "first");
    drop(reader);
    let mut reader = Reader::open_with(NAME, &dir.patient()).unwrap();
    text.clear();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "second");
    second.join().unwrap();
    drop(reader);
    // A reader that comes when its writer has ended and left nothing behind waits for another.
    let (name, files) = ("later", dir.files());
    assert!(files.is_empty(), "{files:?}");
    let mut writer = Writer::create_with(name, &dir.options()).unwrap();
    writer.write_all(b"gone").unwrap();
    drop(writer);
    assert!(Reader::open_with(name, &dir.options()).unwrap_err().is_not_found());
}

#[test]
fn questions_and_timeouts() {
    let dir = Dir::new();
    let mut writer = Writer::create_with(NAME, &dir.options().capacity(64)).unwrap();
    assert_eq!(writer.wait_for_peer(Duration::from_millis(2)), Err(WaitForPeerError::Timeout));
    writer.check().unwrap();
    let mut reader = Reader::open_with(NAME, &dir.options()).unwrap();
    writer.wait_for_peer(Duration::MAX).unwrap();
    reader.wait_for_peer(Duration::MAX).unwrap();
    let start = Instant::now();
    assert_eq!(reader.fill_buf_timeout(Duration::from_millis(30)).unwrap(), None);
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert!(writer.stats().sleeps > 0, "it waited for somebody");
    assert!(reader.stats().sleeps > 0);
    assert!(format!("{writer:?} {reader:?}").contains("written: 0"));
    drop(reader);
    assert_eq!(
        writer.wait_for_peer(Duration::MAX),
        Err(WaitForPeerError::Disconnected(DisconnectReason::Left)),
        "nobody can follow in a stream"
    );
    assert!(writer.check().is_err());
}
