//! Both ways at once: who is which side, large transfers against each other, half-closes, and deaths, between threads and
//! between processes.

mod support;

use ringway::stream::{Duplex, Ended, Reader, Writer, duplex, duplex_with};
use ringway::{DisconnectReason, OpenError, Options, Role, WaitForPeerError, WaitStrategy};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::io::{self, BufRead, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::time::Duration;
use support::{Child, Dir, Random, hang, hear, in_time, role, tell};

assert_impl_all!(Duplex: Send, Read, BufRead, Write, std::fmt::Debug);
assert_not_impl_any!(Duplex: Clone);

const NAME: &str = "pair";

/// Bytes that tell where they belong, and which way they go.
fn pattern(len: usize, way: u64) -> Vec<u8> {
    (0..len as u64).map(|at| ((at + (way << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

#[track_caller]
fn why(error: &io::Error) -> (ErrorKind, Role, DisconnectReason) {
    let ended = Ended::of(error).unwrap_or_else(|| panic!("no ending: {error:?}"));
    (error.kind(), ended.role, ended.reason)
}

/// Both ways work.
fn greet(one: &mut Duplex, other: &mut Duplex) {
    let hello = |from: &mut Duplex, to: &mut Duplex| {
        from.write_all(b"hello").unwrap();
        let mut bytes = [0; 5];
        to.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
    };
    hello(one, other);
    hello(other, one);
}

// Who is which.

#[test]
fn one_side_creates_and_the_other_opens() {
    let dir = Dir::new();
    let options = dir.options();
    assert!(Duplex::open_with(NAME, &options).unwrap_err().is_not_found());
    let mut first = Duplex::create_with(NAME, &options).unwrap();
    assert_eq!(dir.files(), ["pair.a", "pair.b"]);
    assert_eq!(first.wait_for_peer(Duration::from_millis(2)), Err(WaitForPeerError::Timeout));
    let mut second = Duplex::open_with(NAME, &options).unwrap();
    assert_eq!((first.is_first(), second.is_first()), (true, false));
    first.wait_for_peer(Duration::MAX).unwrap();
    second.wait_for_peer(Duration::MAX).unwrap();
    greet(&mut first, &mut second);
    assert!(format!("{first:?}").contains("is_first: true"));
    drop((first, second));
    assert!(dir.files().is_empty());
}

#[test]
fn two_that_choose_the_same_side_are_told() {
    let dir = Dir::new();
    let options = dir.options();
    let mut first = Duplex::create_with(NAME, &options).unwrap();
    assert!(Duplex::create_with(NAME, &options).unwrap_err().is_already_exists());
    let mut second = Duplex::open_with(NAME, &options).unwrap();
    let me = std::process::id();
    let taken = |error: OpenError| matches!(error, OpenError::RoleTaken { role: Role::Receiver, pid } if pid == me);
    assert!(taken(Duplex::open_with(NAME, &options).unwrap_err()));
    assert!(taken(Duplex::open_or_create_with(NAME, &options).unwrap_err()), "a third one");
    assert!(Duplex::create_with(NAME, &options).unwrap_err().is_already_exists());
    greet(&mut first, &mut second);
    // A name that is not one, and a capacity that is not theirs.
    assert!(matches!(Duplex::open_or_create_with("a/b", &options), Err(OpenError::Segment(_))));
    drop(second);
    drop(first);
    let first = Duplex::create_with(NAME, &options.clone().capacity(100)).unwrap();
    assert!(matches!(Duplex::open_with(NAME, &options.clone().capacity(99)), Err(OpenError::Format(_))));
    drop(first);
    assert!(matches!(Duplex::create_with(NAME, &options.persistent(true)), Err(OpenError::Options { .. })));
    assert!(dir.files().is_empty());
}

/// One of the two streams is somebody's already: the other is not left behind, and who has come to it is not told that it
/// came to a good end.
#[test]
fn half_a_pair_is_none() {
    let dir = Dir::new();
    let other = Reader::create_with("pair.b", &dir.options()).unwrap();
    let mut early = Reader::create_with("pair.a", &dir.options()).unwrap();
    let error = Duplex::open_or_create_with(NAME, &dir.options()).unwrap_err();
    assert!(matches!(error, OpenError::RoleTaken { role: Role::Receiver, .. }), "{error}");
    assert_eq!(why(&early.read(&mut [0; 1]).unwrap_err()).0, ErrorKind::ConnectionAborted);
    drop(early);
    assert!(Duplex::create_with(NAME, &dir.options()).unwrap_err().is_already_exists());
    assert_eq!(dir.files(), ["pair.b"]);
    let started = std::time::Instant::now();
    let options = dir.options().open_timeout(Duration::from_millis(40));
    assert!(Duplex::open_or_create_with(NAME, &options).unwrap_err().is_role_taken());
    assert!(started.elapsed() >= Duration::from_millis(40), "it waits as long as it may");
    let options = dir.patient();
    let waiting = std::thread::spawn(move || Duplex::open_or_create_with(NAME, &options).unwrap());
    drop(other);
    let mut first = waiting.join().unwrap();
    greet(&mut first, &mut Duplex::open_with(NAME, &dir.options()).unwrap());
}

/// Sides that start at the same time, again and again: each pair is connected, and one of it is the first.
#[test]
fn whoever_starts_first_they_are_connected() {
    let dir = Dir::new();
    if role().is_some() {
        loop {
            let name = hear();
            let mut duplex = Duplex::open_or_create_with(&name, &dir.patient()).unwrap();
            // Who is not the first listens first.
            let mut bytes = [0; 8];
            if duplex.is_first() {
                duplex.write_all(b"question").unwrap();
                duplex.read_exact(&mut bytes).unwrap();
                assert_eq!(&bytes, b"response");
            } else {
                duplex.read_exact(&mut bytes).unwrap();
                assert_eq!(&bytes, b"question");
                duplex.write_all(b"response").unwrap();
            }
            let is_first = duplex.is_first();
            let (mut reader, mut writer) = duplex.split();
            writer.close();
            assert_eq!(reader.read(&mut bytes).unwrap(), 0);
            drop((reader, writer));
            tell(is_first);
        }
    }
    let mut children = [0, 1].map(|_| Child::start(&here!(), "side", &dir));
    for round in 0..200 {
        // The same name each time: the last pair has been left by both, or is being left.
        for child in &mut children {
            child.tell(NAME);
        }
        let mut first = [children[0].hear(), children[1].hear()];
        first.sort();
        assert_eq!(first, ["false", "true"], "round {round}");
    }
    drop(children);
}

// Bytes.

#[test]
fn large_transfers_go_both_ways_at_once() {
    for capacity in [100, 65_537, 1 << 20] {
        let (one, other) = duplex_with(&Options::new().capacity(capacity)).unwrap();
        let len = if capacity == 100 { 200_003 } else { 4_000_003 };
        in_time("two transfers against each other", move || {
            let sides = [(one, 0), (other, 1)].map(|(side, way)| {
                let (mut reader, mut writer) = side.split();
                let writing = std::thread::spawn(move || {
                    writer.write_all(&pattern(len, way)).unwrap();
                    writer.finish().unwrap();
                });
                let reading = std::thread::spawn(move || {
                    let mut got = Vec::new();
                    reader.read_to_end(&mut got).unwrap();
                    assert!(got == pattern(len, 1 - way), "way {way}: {} of {len}", got.len());
                });
                [writing, reading]
            });
            for thread in sides.into_iter().flatten() {
                thread.join().unwrap();
            }
        });
    }
}

/// A process that gives back what it gets, in one thread, as long as something comes.
#[test]
fn an_echo_in_another_process() {
    let dir = Dir::new();
    if role().is_some() {
        let mut duplex = Duplex::open_or_create_with(NAME, &dir.options()).unwrap();
        tell("here");
        let mut part = vec![0; 100_000];
        loop {
            match duplex.read(&mut part).unwrap() {
                0 => return tell("end"),
                n => duplex.write_all(&part[..n]).unwrap(),
            }
        }
    }
    let mut child = Child::start(&here!(), "echo", &dir);
    child.expect("here");
    let mut duplex = Duplex::open_or_create_with(NAME, &dir.options()).unwrap();
    assert!(!duplex.is_first());
    writeln!(duplex, "a line").unwrap();
    let mut line = String::new();
    duplex.read_line(&mut line).unwrap();
    assert_eq!(line, "a line\n");
    let sent = duplex.write_vectored(&[b"ab", b"cd"].map(|piece| IoSlice::new(piece))).unwrap();
    let (mut one, mut rest) = ([0; 1], [0; 3]);
    let mut got = 0;
    while got < sent {
        got += duplex.read_vectored(&mut [&mut one[..], &mut rest].map(IoSliceMut::new)).unwrap();
    }
    assert_eq!((sent, got), (4, 4));
    let len = 3_000_017;
    let (mut reader, mut writer) = duplex.split();
    let writing = std::thread::spawn(move || writer.write_all(&pattern(len, 3)).map(drop));
    let mut back = Vec::new();
    reader.read_to_end(&mut back).unwrap();
    assert!(back == pattern(len, 3), "{} of {len} bytes came back", back.len());
    writing.join().unwrap().unwrap();
    child.expect("end");
    child.succeed();
}

/// As two sockets would: both write and nobody reads. Time limits tell.
#[test]
fn who_only_writes_against_who_only_writes_is_told_by_the_time() {
    let (mut one, mut other) = duplex_with(&Options::new().capacity(1000)).unwrap();
    let limit = Some(Duration::from_millis(30));
    one.set_write_timeout(limit).unwrap();
    one.set_read_timeout(limit).unwrap();
    assert_eq!(one.set_read_timeout(Some(Duration::ZERO)).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(one.write_all(&[7; 2000]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(one.writer().written(), 1000);
    assert_eq!(one.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    other.set_nonblocking(true);
    assert_eq!(other.write_all(&[7; 2000]).unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut all = Vec::new();
    assert_eq!(other.read_to_end(&mut all).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(all, [7; 1000]);
    other.set_nonblocking(false);
    one.read_exact(&mut [0; 1000]).unwrap();
    greet(&mut one, &mut other);
}

// One way ends and the other goes on.

#[test]
fn half_closed_is_half_open() {
    let (mut one, mut other) = duplex().unwrap();
    one.write_all(b"the last of it").unwrap();
    one.shutdown(Shutdown::Write).unwrap();
    one.shutdown(Shutdown::Write).unwrap();
    assert_eq!(one.write(b"x").unwrap_err().kind(), ErrorKind::NotConnected);
    let mut text = String::new();
    other.read_to_string(&mut text).unwrap();
    assert_eq!(text, "the last of it");
    // The other way, long after.
    for _ in 0..3 {
        other.write_all(b"answer").unwrap();
        let mut bytes = [0; 6];
        one.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"answer");
    }
    other.shutdown(Shutdown::Both).unwrap();
    assert_eq!(one.read(&mut [0; 1]).unwrap(), 0);
    for error in [other.read(&mut [0; 1]).unwrap_err(), other.write(b"x").unwrap_err()] {
        assert_eq!((error.kind(), why(&error).2), (ErrorKind::NotConnected, DisconnectReason::Closed));
    }

    // A reader that reads no more.
    let (mut one, mut other) = duplex().unwrap();
    one.shutdown(Shutdown::Read).unwrap();
    let broken = (ErrorKind::BrokenPipe, Role::Receiver, DisconnectReason::Left);
    assert_eq!(why(&other.write(b"x").unwrap_err()), broken);
    one.write_all(b"still").unwrap();
    other.reader().read_exact(&mut [0; 5]).unwrap();
    // A half that is dropped does the same as one that is shut down.
    let (reader, writer) = other.split();
    drop(writer);
    assert_eq!(one.writer().write(b"still").unwrap(), 5);
    drop(reader);
    assert_eq!(why(&one.write(b"x").unwrap_err()), broken);
}

#[test]
fn a_panic_is_not_the_end() {
    let (one, mut other) = duplex().unwrap();
    let panicked = std::thread::spawn(move || {
        let _one = one;
        std::panic::panic_any("on purpose");
    })
    .join();
    assert!(panicked.is_err());
    let aborted = (ErrorKind::ConnectionAborted, Role::Sender, DisconnectReason::Left);
    assert_eq!(why(&other.read(&mut [0; 1]).unwrap_err()), aborted);
    assert_eq!(other.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

// Death.

/// One side in a child: writes ten bytes, or takes some, and does not end of itself.
fn doomed(dir: &Dir, role: &str) {
    let enter = if role == "first" { Duplex::create_with } else { Duplex::open_with };
    let mut duplex = enter(NAME, &dir.options().capacity(20)).unwrap();
    duplex.write_all(b"0123456789").unwrap();
    tell("here");
    loop {
        match hear().as_str() {
            "read" => {
                duplex.read_exact(&mut [0; 5]).unwrap();
                tell("read");
            }
            "end" => {
                duplex.shutdown(Shutdown::Write).unwrap();
                tell("ended");
            }
            _ => hang(),
        }
    }
}

#[test]
fn death_of_either_side_is_told_both_ways_and_is_no_end() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return doomed(&dir, &role);
    }
    let options = dir.options().wait(WaitStrategy::Sleep);
    for (theirs, ended_before) in [("first", false), ("second", false), ("first", true), ("second", true)] {
        let (child, ours) = if theirs == "first" {
            let mut child = Child::start(&here!(), theirs, &dir);
            child.expect("here");
            (child, Duplex::open_with(NAME, &options).unwrap())
        } else {
            let ours = Duplex::create_with(NAME, &options.clone().capacity(20)).unwrap();
            let mut child = Child::start(&here!(), theirs, &dir);
            child.expect("here");
            (child, ours)
        };
        let mut child = child;
        let (mut reader, mut writer) = ours.split();
        writer.write_all(&[7; 20]).unwrap();
        child.tell("read");
        child.expect("read");
        writer.write_all(&[7; 5]).unwrap();
        if ended_before {
            child.tell("end");
            child.expect("ended");
        }
        // Both ways sleep: nothing more to read, no room to write.
        let writing = std::thread::spawn(move || (writer.write_all(b"x").unwrap_err(), writer));
        let reading = std::thread::spawn(move || {
            let mut got = Vec::new();
            (reader.read_to_end(&mut got), got, reader)
        });
        child.kill();
        let (broken, writer) = in_time("the way out", || writing.join().unwrap());
        let (end, got, reader) = in_time("the way in", || reading.join().unwrap());
        assert_eq!(why(&broken), (ErrorKind::BrokenPipe, Role::Receiver, DisconnectReason::Died), "{theirs}");
        assert_eq!((Ended::of(&broken).unwrap().bytes, &got[..]), (5, &b"0123456789"[..]), "{theirs}");
        if ended_before {
            assert_eq!(end.unwrap(), 10, "what was ended before the death was ended well");
        } else {
            let aborted = (ErrorKind::ConnectionAborted, Role::Sender, DisconnectReason::Died);
            assert_eq!(why(&end.unwrap_err()), aborted, "{theirs}");
        }
        // Nobody takes the dead one's place, as which side ever.
        for refused in [Duplex::open_with(NAME, &options), Duplex::open_or_create_with(NAME, &options)] {
            assert!(matches!(refused, Err(OpenError::Spent | OpenError::RoleTaken { .. })), "{refused:?}");
        }
        let patient = dir.patient();
        let newcomer = std::thread::spawn(move || Duplex::open_or_create_with(NAME, &patient).unwrap());
        drop((reader, writer));
        let mut newcomer = newcomer.join().unwrap();
        let mut other = Duplex::open_or_create_with(NAME, &options).unwrap();
        assert_ne!(newcomer.is_first(), other.is_first());
        greet(&mut newcomer, &mut other);
        drop((newcomer, other));
        assert!(dir.files().is_empty(), "{:?}", dir.files());
    }
}

/// One side is killed at any moment of its life, half-made pairs included: the other gets what was written, then an error or
/// nothing at all, and never an end; when it has left, the name works.
#[test]
fn a_side_that_is_killed_at_any_moment_leaves_a_name_that_works() {
    let dir = Dir::new();
    if role().is_some() {
        tell("here");
        let mut duplex = Duplex::open_or_create_with(NAME, &dir.patient()).unwrap();
        let mut byte = [0];
        loop {
            duplex.write_all(&byte).unwrap();
            duplex.read_exact(&mut byte).unwrap();
        }
    }
    let (mut random, mut met) = (Random::new(), 0);
    for round in 0..40 {
        let mut child = Child::start(&here!(), "victim", &dir);
        child.expect("here");
        let options = dir.patient();
        let survivor = std::thread::spawn(move || {
            let mut duplex = Duplex::open_or_create_with(NAME, &options).unwrap();
            duplex.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let (mut byte, mut trips) = ([0], 0_u64);
            loop {
                let trip = duplex.write_all(&byte).and_then(|()| duplex.read_exact(&mut byte));
                match trip {
                    Ok(()) => trips += 1,
                    Err(error) => return (error, trips),
                }
            }
        });
        std::thread::sleep(Duration::from_micros(random.below(4000)));
        child.kill();
        let (error, trips) = in_time("the survivor", || survivor.join().unwrap());
        // Nobody may ever have come; who was met is missed.
        let is_told = matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe);
        let is_alone = trips == 0 && error.kind() == ErrorKind::WouldBlock;
        assert!(is_told || is_alone, "round {round}, after {trips} trips: {error:?}");
        met += u32::from(trips > 0);
        let mut first = Duplex::open_or_create_with(NAME, &dir.patient()).unwrap();
        let mut second = Duplex::open_or_create_with(NAME, &dir.patient()).unwrap();
        assert!(first.is_first() && !second.is_first());
        greet(&mut first, &mut second);
        drop((first, second));
        assert!(dir.files().is_empty(), "round {round}: {:?}", dir.files());
    }
    assert!(met > 0, "some of them met");
}

/// The two streams of a pair are streams like others.
#[test]
fn a_half_can_be_opened_by_itself() {
    let dir = Dir::new();
    let mut first = Duplex::create_with(NAME, &dir.options()).unwrap();
    let mut reader = Reader::open_with("pair.a", &dir.options()).unwrap();
    let mut writer = Writer::open_with("pair.b", &dir.options()).unwrap();
    first.write_all(b"out").unwrap();
    writer.write_all(b"in!").unwrap();
    let mut bytes = [0; 3];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"out");
    first.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"in!");
}
