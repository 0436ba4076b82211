//! The contract of a pipe: one suite for a pipe of the kernel, a pair of its sockets, and a stream of ringway, so that what
//! is said of all three holds for all three; then what only the stream promises: timeouts, and no `Interrupted`.
//!
//! Unsafe code: a signal handler that counts, and a signal to one thread.
#![allow(unsafe_code)]

mod support;

use nix::libc;
use ringway::stream::{Ended, Reader, Writer, pipe, pipe_with};
use ringway::{DisconnectReason, Options, WaitStrategy};
use std::fs::File;
use std::io::{self, BufRead, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};
use support::{in_time, until};

type Ends = (Box<dyn Write + Send>, Box<dyn Read + Send>);
type Make = fn() -> Ends;

/// The kinds, each with its name.
const KINDS: [(&str, Make); 5] = [
    ("pipe", || {
        let (read, write) = nix::unistd::pipe().unwrap();
        (Box::new(File::from(write)), Box::new(File::from(read)))
    }),
    ("socket", || {
        let (write, read) = UnixStream::pair().unwrap();
        write.shutdown(Shutdown::Read).unwrap();
        (Box::new(write), Box::new(read))
    }),
    ("stream", || stream(Options::new())),
    ("small stream", || stream(Options::new().capacity(97))),
    ("stream that sleeps", || stream(Options::new().capacity(100_000).wait(WaitStrategy::Sleep))),
];

fn stream(options: Options) -> Ends {
    let (writer, reader) = pipe_with(&options).unwrap();
    (Box::new(writer), Box::new(reader))
}

/// Bytes that tell where they belong.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// Runs a part of the contract against all kinds.
fn all(contract: fn(&str, Box<dyn Write + Send>, Box<dyn Read + Send>)) {
    for (kind, make) in KINDS {
        let (write, read) = make();
        in_time(kind, move || contract(kind, write, read));
    }
}

// What all three have.

#[test]
fn what_is_written_is_read_and_then_comes_the_end_and_stays() {
    all(|kind, mut write, mut read| {
        write.write_all(b"hello").unwrap();
        write.flush().unwrap();
        let mut bytes = [0; 5];
        read.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello", "{kind}");
        write.write_all(b"rest").unwrap();
        drop(write);
        let mut rest = Vec::new();
        assert_eq!(read.read_to_end(&mut rest).unwrap(), 4, "{kind}");
        assert_eq!(rest, b"rest", "{kind}");
        assert_eq!((read.read(&mut bytes).unwrap(), read.read(&mut bytes).unwrap()), (0, 0), "{kind}");
    });
}

#[test]
fn a_read_gives_what_is_there_and_does_not_wait_for_more() {
    all(|kind, mut write, mut read| {
        write.write_all(b"abc").unwrap();
        let mut bytes = [0; 100];
        let mut got = 0;
        while got < 3 {
            let n = read.read(&mut bytes[got..]).unwrap();
            assert!(n > 0, "{kind}");
            got += n;
        }
        assert_eq!(&bytes[..got], b"abc", "{kind}");
        write.write_all(b"de").unwrap();
        assert_eq!(read.read(&mut bytes[..1]).unwrap(), 1, "{kind}");
        let first = bytes[0];
        assert_eq!((read.read(&mut bytes[..1]).unwrap(), first, bytes[0]), (1, b'd', b'e'), "{kind}");
    });
}

#[test]
fn no_bytes_are_no_end() {
    all(|kind, mut write, mut read| {
        assert_eq!(write.write(&[]).unwrap(), 0, "{kind}");
        assert_eq!(write.write_vectored(&[]).unwrap(), 0, "{kind}");
        assert_eq!(write.write_vectored(&[IoSlice::new(&[]), IoSlice::new(&[])]).unwrap(), 0, "{kind}");
        // A socket waits for something before it gives nothing of it.
        assert_eq!(if kind == "socket" { 0 } else { read.read(&mut []).unwrap() }, 0, "{kind}");
        write.write_all(b"x").unwrap();
        assert_eq!((read.read(&mut []).unwrap(), read.read(&mut [0; 9]).unwrap()), (0, 1), "{kind}");
    });
}

#[test]
fn a_reader_that_is_gone_is_a_broken_pipe() {
    all(|kind, mut write, mut read| {
        write.write_all(b"abc").unwrap();
        assert_eq!(read.read(&mut [0; 1]).unwrap(), 1);
        drop(read);
        let error = write.write_all(b"more").unwrap_err();
        // A socket with unread bytes is reset first, and broken from then on.
        let also = kind == "socket" && error.kind() == ErrorKind::ConnectionReset;
        assert!(error.kind() == ErrorKind::BrokenPipe || also, "{kind}: {error}");
        assert_eq!(write.write(b"again").unwrap_err().kind(), ErrorKind::BrokenPipe, "{kind}");
        assert_eq!(write.write_vectored(&[IoSlice::new(b"x")]).unwrap_err().kind(), ErrorKind::BrokenPipe, "{kind}");
        write.flush().unwrap();
    });
}

#[test]
fn an_end_in_the_middle_is_unexpected_to_who_wanted_exactly_so_much() {
    all(|kind, mut write, mut read| {
        write.write_all(b"abc").unwrap();
        drop(write);
        assert_eq!(read.read_exact(&mut [0; 4]).unwrap_err().kind(), ErrorKind::UnexpectedEof, "{kind}");
        read.read_exact(&mut []).unwrap();
    });
}

#[test]
fn pieces_are_written_and_read_in_one_go() {
    all(|kind, mut write, mut read| {
        if kind == "small stream" {
            return;
        }
        let pieces = [&b"a"[..], b"", b"bcd", b"ef"].map(IoSlice::new);
        assert_eq!(write.write_vectored(&pieces).unwrap(), 6, "{kind}");
        let (mut first, mut none, mut second, mut third) = ([0; 2], [], [0; 3], [0; 9]);
        let mut places = [&mut first[..], &mut none, &mut second, &mut third].map(IoSliceMut::new);
        assert_eq!(read.read_vectored(&mut places).unwrap(), 6, "{kind}");
        assert_eq!((&first, &second, third[0]), (b"ab", b"cde", b'f'), "{kind}");
        drop(write);
        let mut places = [&mut first[..], &mut second].map(IoSliceMut::new);
        assert_eq!(read.read_vectored(&mut places).unwrap(), 0, "{kind}: the end");
    });
}

#[test]
fn large_transfers_arrive_whole_however_they_are_cut() {
    all(|kind, mut write, mut read| {
        let len = if kind == "small stream" { 300_001 } else { 2_000_003 };
        let bytes = pattern(len);
        let expected = bytes.clone();
        let writing = std::thread::spawn(move || {
            let mut left = &bytes[..];
            let mut turn = 0;
            while !left.is_empty() {
                let n = left.len().min(1 + 7919 * (turn % 23));
                let written = match turn % 3 {
                    0 => write.write(&left[..n]).unwrap(),
                    1 => write.write_vectored(&[&left[..n / 3], &left[n / 3..n]].map(IoSlice::new)).unwrap(),
                    _ => write.write_all(&left[..n]).map(|()| n).unwrap(),
                };
                assert!((1..=n).contains(&written), "{written} of {n}");
                left = &left[written..];
                turn += 1;
            }
        });
        let (mut got, mut turn) = (Vec::new(), 0);
        loop {
            let part_len = 1 + 6151 * (turn % 17);
            let mut part = vec![0; part_len];
            let (one, other) = part.split_at_mut(turn % 5 % part_len);
            let n = match turn % 2 {
                0 => read.read_vectored(&mut [one, other].map(IoSliceMut::new)).unwrap(),
                _ => read.read(&mut part).unwrap(),
            };
            if n == 0 {
                break;
            }
            got.extend_from_slice(&part[..n]);
            turn += 1;
        }
        assert!(got == expected, "{kind}: {} of {len} bytes", got.len());
        writing.join().unwrap();
    });
}

#[test]
fn io_copy_needs_to_know_nothing() {
    all(|kind, mut write, mut read| {
        let bytes = pattern(700_003);
        let mut source = io::Cursor::new(bytes.clone());
        let writing = std::thread::spawn(move || io::copy(&mut source, &mut write).unwrap());
        let mut got = Vec::new();
        assert_eq!(io::copy(&mut read, &mut got).unwrap(), 700_003, "{kind}");
        assert_eq!(writing.join().unwrap(), 700_003, "{kind}");
        assert!(got == bytes, "{kind}");
    });
}

// What a stream has beyond that.

#[test]
fn a_write_takes_what_fits_and_never_more() {
    let (mut writer, mut reader) = pipe_with(&Options::new().capacity(10)).unwrap();
    writer.set_nonblocking(true);
    let mut written = 0;
    let full = loop {
        match writer.write(&pattern(100)[written..]) {
            Ok(n) => written += n,
            Err(error) => break error,
        }
        assert!(written <= 10);
    };
    assert_eq!((written, full.kind()), (10, ErrorKind::WouldBlock));
    assert_eq!(writer.write_vectored(&[IoSlice::new(b"x")]).unwrap_err().kind(), ErrorKind::WouldBlock);
    reader.read_exact(&mut [0; 3]).unwrap();
    let pieces = [b"a", b"b", b"c", b"d", b"e"];
    let mut more = 0;
    while let Ok(n) = writer.write_vectored(&pieces.map(|piece| IoSlice::new(piece))[more..]) {
        more += n;
    }
    assert_eq!((more, writer.written()), (3, 13), "exactly the room, whatever the pieces");
    writer.set_nonblocking(false);
    let writing = std::thread::spawn(move || writer.write(b"x").unwrap());
    let mut rest = vec![0; 11];
    reader.read_exact(&mut rest).unwrap();
    assert_eq!((&rest[..7], &rest[7..10], writing.join().unwrap()), (&pattern(10)[3..], &b"abc"[..], 1));
}

/// Fault 68.
#[test]
fn timeouts_are_those_of_a_socket() {
    let (mut writer, mut reader) = pipe_with(&Options::new().capacity(4)).unwrap();
    let (socket, _other) = UnixStream::pair().unwrap();
    let zero = Some(Duration::ZERO);
    for error in [socket.set_read_timeout(zero), reader.set_read_timeout(zero), writer.set_write_timeout(zero)] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let time = Duration::from_millis(20);
    let short = Some(time);
    socket.set_read_timeout(short).unwrap();
    reader.set_read_timeout(short).unwrap();
    writer.set_write_timeout(short).unwrap();
    assert_eq!((reader.read_timeout(), writer.write_timeout()), (short, short));
    writer.write_all(b"full").unwrap();
    let start = Instant::now();
    assert_eq!(writer.write(b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(start.elapsed() >= time);
    reader.read_exact(&mut [0; 4]).unwrap();
    let start = Instant::now();
    let kinds = [
        reader.read(&mut [0; 1]).map_err(|error| error.kind()),
        (&socket).read(&mut [0; 1]).map_err(|error| error.kind()),
    ];
    assert_eq!(kinds, [Err(ErrorKind::WouldBlock), Err(ErrorKind::WouldBlock)]);
    assert!(start.elapsed() >= 2 * time);
    assert_eq!(reader.read_vectored(&mut [IoSliceMut::new(&mut [0; 1])]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(reader.fill_buf().unwrap_err().kind(), ErrorKind::WouldBlock);
    // What came in time is there, and without a limit all comes.
    writer.write_all(b"ab").unwrap();
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 2);
    reader.set_read_timeout(None).unwrap();
    writer.set_write_timeout(None).unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    write!(writer, "more than fits").unwrap();
    drop(writer);
    assert_eq!(reading.join().unwrap().unwrap(), "more than fits");
}

#[test]
fn who_does_not_block_gets_what_is_there_and_the_end_and_the_error() {
    let (mut writer, mut reader) = pipe().unwrap();
    reader.set_nonblocking(true);
    assert_eq!(reader.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    // It goes before a timeout.
    reader.set_read_timeout(Some(Duration::from_secs(3600))).unwrap();
    assert_eq!(reader.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    writer.write_all(b"abc").unwrap();
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 3);
    drop(writer);
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
    let (writer, mut reader) = pipe().unwrap();
    reader.set_nonblocking(true);
    writer.abort();
    assert_eq!(reader.read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

#[test]
fn what_came_before_an_error_is_kept() {
    let (mut writer, mut reader) = pipe().unwrap();
    writer.write_all(b"half").unwrap();
    writer.abort();
    let mut bytes = b"before, ".to_vec();
    let error = reader.read_to_end(&mut bytes).unwrap_err();
    assert_eq!((error.kind(), &bytes[..]), (ErrorKind::ConnectionAborted, &b"before, half"[..]));
    // A death is told from an end also to who wanted exactly so much.
    let (mut writer, mut reader) = pipe().unwrap();
    writer.write_all(b"half").unwrap();
    writer.abort();
    assert_eq!(reader.read_exact(&mut [0; 5]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

#[test]
fn a_reader_that_closes_reads_no_more_and_breaks_the_pipe() {
    let (mut writer, mut reader) = pipe().unwrap();
    writer.write_all(b"abc").unwrap();
    reader.read_exact(&mut [0; 1]).unwrap();
    reader.close();
    reader.close();
    let why = |error: io::Error| {
        let ended = Ended::of(&error).unwrap_or_else(|| panic!("{error}"));
        (error.kind(), ended.reason, ended.bytes)
    };
    let closed = (ErrorKind::NotConnected, DisconnectReason::Closed, 1);
    assert_eq!(why(reader.read(&mut [0; 1]).unwrap_err()), closed);
    assert_eq!(why(reader.fill_buf().unwrap_err()), closed);
    reader.consume(1);
    assert_eq!(reader.received(), 1, "what was not shown cannot be consumed");
    assert_eq!(why(writer.write(b"x").unwrap_err()), (ErrorKind::BrokenPipe, DisconnectReason::Left, 1));
}

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Relaxed);
}

/// Signals one thread that reads or writes, until its handler has run so often there; then `end` lets it go on.
fn signal_while<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static, end: impl FnOnce()) -> R {
    let (tell, told) = std::sync::mpsc::channel();
    let working = std::thread::spawn(move || {
        tell.send(()).unwrap();
        work()
    });
    told.recv().unwrap();
    for _ in 0..50 {
        if working.is_finished() {
            break;
        }
        let before = SIGNALS.load(Relaxed);
        // SAFETY: the thread has not been joined, so its handle is valid.
        assert_eq!(unsafe { libc::pthread_kill(working.as_pthread_t(), libc::SIGUSR1) }, 0);
        until("the handler runs", || SIGNALS.load(Relaxed) > before || working.is_finished());
    }
    end();
    working.join().unwrap()
}

#[test]
fn signals_interrupt_nobody() {
    // SAFETY: a zeroed action is one without flags: system calls are not restarted.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
    // SAFETY: the handler does nothing but add to an atomic.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) }, 0);

    // A socket shows that there is something to be seen.
    let (_write, mut read) = UnixStream::pair().unwrap();
    let got = signal_while(move || read.read(&mut [0; 1]).map_err(|error| error.kind()), || ());
    assert_eq!(got, Err(ErrorKind::Interrupted));

    for wait in [WaitStrategy::Sleep, WaitStrategy::default(), WaitStrategy::SpinThenSleep(Duration::from_secs(1))] {
        let options = Options::new().capacity(4).wait(wait);
        let (mut writer, mut reader) = pipe_with(&options).unwrap();
        let got =
            signal_while(move || reader.read(&mut [0; 9]).map(|n| (n, reader)), || writer.write_all(b"x").unwrap());
        let (n, mut reader): (usize, Reader) = got.unwrap();
        assert_eq!(n, 1, "{wait:?}");
        writer.write_all(b"full").unwrap();
        let written =
            signal_while(move || writer.write_all(b"y").map(|()| writer), || reader.read_exact(&mut [0; 4]).unwrap());
        let mut writer: Writer = written.unwrap();
        writer.close();
        let finished =
            signal_while(move || writer.finish(), || assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 1));
        finished.unwrap();
        // And with a timeout, it is the time that ends the waiting.
        let (_writer, mut reader) = pipe_with(&options).unwrap();
        let timeout = Duration::from_millis(300);
        reader.set_read_timeout(Some(timeout)).unwrap();
        let start = Instant::now();
        let got = signal_while(move || reader.read(&mut [0; 9]).map_err(|error| error.kind()), || ());
        assert!(got == Err(ErrorKind::WouldBlock) && start.elapsed() >= timeout, "{got:?}");
    }
}
