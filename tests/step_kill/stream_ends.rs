//! A writer or a reader of a stream is the victim: the other end gets each byte in its place, and is told that this is not the end; or
//! that it is, if the victim had come to say so. A new stream under the name works at once.

use super::bytes_pair::bytes;
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use super::support::PATIENCE;
use ringway::stream::{Duplex, Ended, Reader, Writer};
use ringway::{DisconnectReason, OpenError};
use std::io::{BufRead, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// Part of a frame.
    Write,
    /// More than a frame.
    WriteFrames,
    WriteVectored,
    /// The ring is full, and there is room when the victim is about to sleep.
    WriteAndWait,
    Reserve,
    Close,
    /// Waits until all was taken.
    Finish,
    Abort,
    Drop,
    /// One of two ways.
    Shutdown,
}

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Read,
    ReadVectored,
    /// Nothing is there, and there is something when the victim is about to sleep.
    ReadAndWait,
    FillBufAndConsume,
    ReadTheEnd,
    Close,
    Drop,
    /// One of two ways.
    Shutdown,
}

/// Bytes of the ring: frames of 64 bytes, and a little more than four of them.
const CAPACITY: usize = 320;
/// So many bytes have gone before the victim comes to its operation.
const BEFORE: usize = 30;
/// So many does it write, or read, in the operation: fewer than a frame has, or more.
const SOME: usize = 20;
const MANY: usize = 80;

#[derive(Debug)]
struct Writing(Writes);

#[derive(Debug)]
struct Reading(Reads);

/// The scenes of streams.
/// Faults 36 and 38.
pub(crate) fn scenes() -> Vec<Entry> {
    use Reads::{FillBufAndConsume, ReadAndWait, ReadTheEnd, ReadVectored};
    use Writes::{Abort, Finish, Reserve, WriteAndWait, WriteFrames, WriteVectored};
    let writes = [Writes::Write, WriteFrames, WriteVectored, WriteAndWait, Reserve, Writes::Close, Finish, Abort];
    let reads = [Reads::Read, ReadVectored, ReadAndWait, FillBufAndConsume, ReadTheEnd, Reads::Close, Reads::Drop];
    let writes = writes.into_iter().chain([Writes::Drop, Writes::Shutdown]).map(|what| Entry::new(Writing(what)));
    writes.chain(reads.into_iter().chain([Reads::Shutdown]).map(|what| Entry::new(Reading(what)))).collect()
}

/// The survivor's end, and what has come to it; of one that writes: what it has sent.
#[derive(Debug)]
pub(crate) struct Survivor<E> {
    end: Held<E>,
    bytes: Vec<u8>,
    /// Once it is over: well, or why.
    over: Option<Result<(), DisconnectReason>>,
}

#[derive(Debug)]
enum Held<E> {
    One(E),
    /// Of two ways.
    Both(Box<Duplex>),
}

impl<E> Survivor<E> {
    fn new(both_ways: bool, place: &Place, one: impl FnOnce() -> E) -> Self {
        let both = || Duplex::create_with(NAME, &place.options()).expect("a free name");
        let end = if both_ways { Held::Both(Box::new(both())) } else { Held::One(one()) };
        Self { end, bytes: Vec::new(), over: None }
    }
}

impl Survivor<Reader> {
    fn reader(&mut self) -> &mut Reader {
        match &mut self.end {
            Held::One(reader) => reader,
            Held::Both(duplex) => duplex.reader(),
        }
    }

    /// Reads what there is now, or all that will ever be.
    fn drain(&mut self, only_now: bool) {
        self.reader().set_nonblocking(only_now);
        let mut part = [0; 37];
        while self.over.is_none() {
            match self.reader().read(&mut part) {
                Ok(0) => self.over = Some(Ok(())),
                Ok(n) => self.bytes.extend_from_slice(&part[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    let ended = Ended::of(&error).unwrap_or_else(|| panic!("{error}"));
                    assert_eq!(ended.bytes, self.bytes.len() as u64, "bytes that were received");
                    self.over = Some(Err(ended.reason));
                }
            }
        }
    }
}

impl Survivor<Writer> {
    fn writer(&mut self) -> &mut Writer {
        match &mut self.end {
            Held::One(writer) => writer,
            Held::Both(duplex) => duplex.writer(),
        }
    }

    /// Writes so many of its bytes, for which there is room.
    fn write(&mut self, len: usize) {
        let from = self.bytes.len();
        let bytes = &all()[from..from + len];
        self.writer().write_all(bytes).expect("room");
        self.bytes.extend_from_slice(bytes);
    }
}

/// All bytes that ever go through a stream here.
fn all() -> &'static [u8] {
    bytes(2 * CAPACITY)
}

/// The survivor has left: a new stream works.
fn another_works(place: &Place) {
    let options = place.options();
    let mut reader = Reader::create_with(NAME, &options).expect("a name that nobody uses");
    let mut writer = Writer::open_with(NAME, &options).expect("a free seat");
    writer.write_all(b"again").expect("room");
    let mut got = [0; 5];
    reader.read_exact(&mut got).expect("bytes");
    assert_eq!(&got, b"again");
}

impl Writing {
    /// Bytes that have gone before.
    fn before(&self) -> usize {
        // There is room for less than the operation writes.
        if self.0 == Writes::WriteAndWait { CAPACITY - SOME / 2 } else { BEFORE }
    }

    fn writes(&self) -> usize {
        match self.0 {
            Writes::Write | Writes::WriteAndWait | Writes::Reserve => SOME,
            Writes::WriteFrames | Writes::WriteVectored => MANY,
            _ => 0,
        }
    }

    fn ends_well(&self) -> bool {
        matches!(self.0, Writes::Close | Writes::Finish | Writes::Drop | Writes::Shutdown)
    }

    fn leaves(&self) -> bool {
        matches!(self.0, Writes::Finish | Writes::Abort | Writes::Drop)
    }

    fn both_ways(&self) -> bool {
        self.0 == Writes::Shutdown
    }

    fn waits(&self) -> bool {
        matches!(self.0, Writes::WriteAndWait | Writes::Finish)
    }
}

impl Scene for Writing {
    type Survivor = Survivor<Reader>;

    fn name(&self) -> String {
        let what = format!("{:?}", self.0);
        if self.both_ways() { format!("duplex {what} of what it writes") } else { format!("stream {what}, writing") }
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match self.0 {
            Writes::Write => Points::EveryInstruction,
            _ if self.leaves() => Points::CallsAndChanges,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Self::Survivor {
        Survivor::new(self.both_ways(), place, || Reader::create_with(NAME, &place.options()).expect("a free name"))
    }

    fn play(&self, place: &Place) {
        let options = place.options();
        let (first, rest) = all().split_at(self.before());
        let rest = &rest[..self.writes()];
        if self.both_ways() {
            let mut duplex = Duplex::open_with(NAME, &options).expect("a free seat");
            duplex.write_all(first).expect("room");
            act(|| duplex.shutdown(Shutdown::Write), |done| done.is_ok());
        }
        let mut writer = Writer::open_with(NAME, &options).expect("a free seat");
        writer.write_all(first).expect("room");
        match self.0 {
            Writes::Write | Writes::WriteFrames | Writes::WriteAndWait => {
                act(|| writer.write_all(rest), |done| done.is_ok())
            }
            Writes::WriteVectored => act(
                || {
                    let done = writer.write_vectored(&[&rest[..40], &rest[40..41], &rest[41..]].map(IoSlice::new));
                    done.and_then(|done| writer.write_all(&rest[done..]))
                },
                |done| done.is_ok(),
            ),
            Writes::Reserve => act(
                || {
                    let grant = writer.reserve_timeout(SOME + 5, PATIENCE).expect("a reader");
                    let mut grant = grant.expect("room");
                    let filled = grant.copy_from_slice(rest);
                    grant.commit(filled);
                    filled
                },
                |filled| *filled == SOME,
            ),
            Writes::Close => act(|| writer.close(), |()| true),
            Writes::Finish => act(|| writer.finish(), |done| done.is_ok()),
            Writes::Abort => act(|| writer.abort(), |()| true),
            Writes::Drop | Writes::Shutdown => act(|| drop(writer), |()| true),
        }
    }

    fn relieve(&self, survivor: &mut Self::Survivor) {
        survivor.drain(true);
    }

    fn relieves_on_the_way(&self) -> bool {
        self.waits()
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Self::Survivor) {
        survivor.drain(true);
        match survivor.over {
            None => {}
            Some(Ok(())) => assert!(self.ends_well(), "the end of one that lives"),
            Some(Err(reason)) => assert!(self.0 == Writes::Abort, "{reason:?} of one that lives"),
        }
        if !self.leaves() && !self.both_ways() {
            let refused = Writer::open_with(NAME, &place.options()).expect_err("two writers");
            assert!(matches!(refused, OpenError::RoleTaken { .. }), "{refused}");
        }
        place.nothing_can_be_cleaned();
    }

    fn bury(&self, place: &Place, mut survivor: Self::Survivor, fate: Fate) -> Progress {
        if fate.state % 2 == 0 {
            survivor.drain(true);
        }
        survivor.drain(false);
        let Survivor { end, bytes, over } = survivor;
        assert_eq!(bytes, all()[..bytes.len()], "torn or invented");
        let has_ended = over == Some(Ok(()));
        assert!(!has_ended || self.ends_well(), "the end of a stream that nobody ended");
        drop(end);
        another_works(place);
        let written = bytes.len().checked_sub(self.before()).expect("what was written before");
        [written as u64, has_ended.into()]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [self.writes() as u64, self.ends_well().into()]]
    }
}

impl Reading {
    /// Bytes that are there when the victim begins, and bytes that it reads.
    fn lens(&self) -> [usize; 2] {
        match self.0 {
            Reads::Read => [SOME, SOME],
            Reads::ReadVectored | Reads::FillBufAndConsume => [MANY, MANY],
            Reads::ReadAndWait => [0, SOME],
            Reads::ReadTheEnd => [SOME, SOME],
            Reads::Close | Reads::Drop | Reads::Shutdown => [SOME, 0],
        }
    }

    fn leaves(&self) -> bool {
        matches!(self.0, Reads::Close | Reads::Drop | Reads::Shutdown)
    }

    fn both_ways(&self) -> bool {
        self.0 == Reads::Shutdown
    }
}

impl Scene for Reading {
    type Survivor = Survivor<Writer>;

    fn name(&self) -> String {
        let what = format!("{:?}", self.0);
        if self.both_ways() { format!("duplex {what} of what it reads") } else { format!("stream {what}, reading") }
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match self.0 {
            Reads::Read => Points::EveryInstruction,
            Reads::Drop => Points::CallsAndChanges,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Self::Survivor {
        let one = || Writer::create_with(NAME, &place.options()).expect("a free name");
        let mut survivor = Survivor::new(self.both_ways(), place, one);
        survivor.write(BEFORE);
        survivor
    }

    fn play(&self, place: &Place) {
        let options = place.options();
        let mut first = [0; BEFORE];
        if self.both_ways() {
            let mut duplex = Duplex::open_with(NAME, &options).expect("a free seat");
            duplex.read_exact(&mut first).expect("bytes");
            act(|| duplex.shutdown(Shutdown::Read), |done| done.is_ok());
        }
        let mut reader = Reader::open_with(NAME, &options).expect("a free seat");
        reader.read_exact(&mut first).expect("bytes");
        let [_, len] = self.lens();
        let expected = &all()[BEFORE..BEFORE + len];
        let mut got = vec![0; len];
        match self.0 {
            Reads::Read | Reads::ReadAndWait => act(
                || {
                    let done = reader.read_exact(&mut got);
                    (done, &got)
                },
                |(done, got)| done.is_ok() && got[..] == *expected,
            ),
            Reads::ReadVectored => {
                let (one, other) = got.split_at_mut(50);
                act(
                    || {
                        reader
                            .read_vectored(&mut [&mut *one, &mut *other].map(IoSliceMut::new))
                            .map(|_| (&*one, &*other))
                    },
                    |got| got.as_ref().is_ok_and(|(one, other)| [*one, *other].concat() == expected),
                )
            }
            Reads::FillBufAndConsume => act(
                || {
                    let mut at = 0;
                    while at < len {
                        let shown = reader.fill_buf().expect("bytes");
                        assert!(expected[at..].starts_with(shown), "torn");
                        let shown = shown.len();
                        reader.consume(shown);
                        at += shown;
                    }
                },
                |()| true,
            ),
            Reads::ReadTheEnd => act(
                || {
                    let mut all = Vec::with_capacity(2 * len);
                    reader.read_to_end(&mut all).map(|_| all)
                },
                |got| got.as_ref().is_ok_and(|got| got == expected),
            ),
            Reads::Close => act(|| reader.close(), |()| true),
            Reads::Drop | Reads::Shutdown => act(|| drop(reader), |()| true),
        }
    }

    fn settle(&self, _: &Place, survivor: &mut Self::Survivor) {
        survivor.write(self.lens()[0]);
        if self.0 == Reads::ReadTheEnd {
            survivor.writer().close();
        }
    }

    fn relieve(&self, survivor: &mut Self::Survivor) {
        if survivor.bytes.len() == BEFORE {
            survivor.write(SOME);
        }
    }

    fn relieves_on_the_way(&self) -> bool {
        self.0 == Reads::ReadAndWait
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Self::Survivor) {
        let has_closed = self.0 == Reads::ReadTheEnd;
        match survivor.writer().check() {
            Ok(()) => {}
            Err(error) => assert!(self.leaves() || has_closed, "{error}: of one that lives"),
        }
        if !self.leaves() {
            let refused = Reader::open_with(NAME, &place.options()).expect_err("two readers");
            assert!(matches!(refused, OpenError::RoleTaken { .. }), "{refused}");
        }
        place.nothing_can_be_cleaned();
    }

    /// The writer learns how many bytes were taken, and that it is over.
    fn bury(&self, place: &Place, mut survivor: Self::Survivor, fate: Fate) -> Progress {
        if fate.state % 2 == 0 {
            let _ = survivor.writer().check();
        }
        let sent = survivor.bytes.len() as u64;
        let taken = survivor.writer().taken();
        let error = if self.0 == Reads::ReadTheEnd {
            let finished = survivor.writer().wait_finished(PATIENCE);
            assert!(finished.is_err() || taken == sent, "told that all was read, and it was not");
            finished.err()
        } else {
            let written = (0..).find_map(|_| survivor.writer().write(&[7; 64]).err());
            assert!(written.as_ref().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe), "{written:?}");
            written
        };
        let reason = error.as_ref().map(|error| {
            let ended = Ended::of(error).unwrap_or_else(|| panic!("{error}"));
            assert_eq!(ended.bytes, taken, "bytes that were taken");
            ended.reason
        });
        let has_left = matches!(reason, Some(DisconnectReason::Left | DisconnectReason::Closed));
        assert!(has_left || matches!(reason, None | Some(DisconnectReason::Died)), "{reason:?}");
        assert!(!has_left || self.leaves(), "{reason:?} of one that was killed");
        drop(survivor);
        another_works(place);
        let read = (taken as usize).checked_sub(BEFORE).expect("what was read before");
        [read as u64, has_left.into()]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [self.lens()[1] as u64, self.leaves().into()]]
    }
}
