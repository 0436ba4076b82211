//! Writers and readers of one stream after the other: each carries the name of its own, and bytes that follow from it.

use super::ends::{How, NAME};
use super::errands::Errands;
use super::history::{Outcome, What};
use super::log::{self, Log, Slot, Word};
use super::message;
use super::plan::{Brief, Memory};
use super::support::Random;
use super::worker::way_in;
use ringway::stream::{Ended, Reader, Writer};
use ringway::{OpenError, Options};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// How long an operation waits before the process looks what it is to do.
const LOOK: Duration = Duration::from_millis(20);
/// What takes longer is written down, in ns.
const SLOW: u64 = 100_000_000;
/// Bytes that are read at a time, at most.
pub(crate) const READ: usize = 4000;

struct Worker<'a> {
    brief: &'a Brief,
    log: &'a Log,
    random: Random,
    errands: Errands<'a>,
}

impl<'a> Worker<'a> {
    fn new(brief: &'a Brief, log: &'a Log) -> Self {
        Self { brief, log, random: Random::with(brief.seed), errands: Errands::new(brief, log) }
    }

    fn is_stopped(&self) -> bool {
        self.log.get(Word::Stop) != 0
    }

    /// The next stream's end; `None`: told to stop. Who held the last one may not have left yet.
    fn open<E>(&mut self, make: impl Fn(How, &Options) -> Result<E, OpenError>) -> Option<E> {
        let strategy = self.random.below(10);
        while !self.is_stopped() {
            let (how, options) = way_in(self.brief, strategy);
            match make(how, &options.open_timeout(LOOK)) {
                Ok(end) => return Some(end),
                // The last one is not over yet, or this one has its writer, or reader, already.
                Err(OpenError::Spent | OpenError::RoleTaken { .. }) => {}
                Err(error) if error.is_no_space() => {
                    self.log.add(Word::Told, 1);
                    std::thread::sleep(Duration::from_micros(500));
                }
                Err(error) => panic!("no end: {error} ({error:?})"),
            }
        }
        None
    }

    /// Whether this one's stream is the only one that there can be.
    fn has_one(&self) -> bool {
        self.brief.setting.case.memory == Memory::Memfd
    }

    fn pause(&mut self) {
        let pace = self.brief.setting.pace;
        if pace > 0 && self.random.below(pace) == 0 {
            std::thread::sleep(Duration::from_micros(self.random.below(800)));
        }
    }

    /// One operation on a stream; what took long is written down.
    fn timed<R>(&self, stream: u64, work: impl FnOnce() -> R) -> R {
        let begin = log::now();
        let result = work();
        if log::now() - begin > SLOW && !self.log.is_full() {
            let slot = self.log.begin(What::Slow, begin, stream);
            self.log.end(slot, Outcome::Done, 1);
        }
        result
    }

    /// The writer's end of a stream, from its beginning.
    fn write(&mut self, end: &mut Option<Writer>, stream: u64, slot: Slot) -> Outcome {
        let most = 2000 + self.random.below(200_000);
        let mut part = vec![0; 3000];
        let mut written = 0;
        while written < most && !self.is_stopped() {
            self.errands.run(end);
            let Some(writer) = end.as_mut() else { break };
            if written == 0 && writer.wait_for_peer(LOOK).is_err() {
                // Nobody has come; or whoever had has gone, which the first write says.
                if writer.check().is_ok() {
                    continue;
                }
            }
            let len = (1 + self.random.below(part.len() as u64)).max(message::HEAD) as usize;
            message::fill_stream(&mut part[..len], stream, written);
            match self.timed(stream, || writer.write(&part[..len])) {
                Ok(bytes) => written += bytes as u64,
                Err(error) => return ended(&error),
            }
            self.log.moved(slot, written, false);
            self.pause();
        }
        if written == 0 {
            // For nobody: there is nobody to wait for.
            return Outcome::NotNow;
        }
        self.log.moved(slot, written, true);
        match end.take().map(Writer::finish) {
            Some(Err(error)) => ended(&error),
            _ => Outcome::Done,
        }
    }

    /// The reader's end of a stream, to its end.
    fn read(&mut self, end: &mut Option<Reader>, slot: Slot) -> Outcome {
        let mut part = vec![0; READ];
        let mut expected = vec![0; READ];
        let (mut name, mut read) = ([0; message::HEAD as usize], 0);
        loop {
            self.errands.run(end);
            let Some(reader) = end.as_mut() else { return Outcome::Strange };
            if read == 0 && reader.wait_for_peer(LOOK).is_err() && self.is_stopped() {
                return Outcome::NotNow;
            }
            let stream = u64::from_le_bytes(name);
            let len = 1 + self.random.below(part.len() as u64) as usize;
            // A reader for which nobody has come looks what it is to do; one that has begun waits.
            let is_begun = read > 0;
            reader.set_read_timeout((!is_begun).then_some(LOOK)).expect("a time");
            let bytes = match self.timed(stream, || reader.read(&mut part[..len])) {
                Ok(0) => return Outcome::Done,
                Ok(bytes) => bytes,
                Err(error) if !is_begun && is_late(&error) => continue,
                Err(error) => return ended(&error),
            };
            for at in 0..(message::HEAD.saturating_sub(read) as usize).min(bytes) {
                name[read as usize + at] = part[at];
            }
            let stream = u64::from_le_bytes(name);
            if read + bytes as u64 >= message::HEAD {
                self.log.name(slot, stream);
                message::fill_stream(&mut expected[..bytes], stream, read);
                if part[..bytes] != expected[..bytes] {
                    return Outcome::Torn;
                }
            }
            read += bytes as u64;
            self.log.moved(slot, read, false);
            self.pause();
        }
    }

    fn leave(self) {
        let now = log::now();
        self.log.set(Word::LeaveBegun, now);
        self.log.set(Word::LeaveEnded, now);
        self.errands.finish();
    }
}

/// Why a stream ended.
fn ended(error: &io::Error) -> Outcome {
    match Ended::of(error) {
        Some(ended) => Outcome::Gone(Some(ended.reason)),
        None => {
            eprintln!("a strange error: {error:?}");
            Outcome::Strange
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub(crate) fn write(brief: &Brief, log: &Log) {
    let mut worker = Worker::new(brief, log);
    // Kept open until the controller has it.
    let mut descriptor = None;
    for number in 1.. {
        let mut end = worker.open(|how, options| match how {
            How::Create => Writer::create_with(NAME, options),
            How::Open => Writer::open_with(NAME, options),
            How::Either => Writer::open_or_create_with(NAME, options),
        });
        let Some(writer) = &end else { break };
        if worker.has_one() {
            let file = descriptor.insert(writer.descriptor().expect("a descriptor"));
            log.set(Word::Descriptor, file.as_raw_fd() as u64 + 1);
        }
        let stream = message::stream(brief.life, number);
        let slot = log.begin(What::Stream, 1, stream);
        log.set(Word::Here, log::now());
        let outcome = worker.write(&mut end, stream, slot);
        log.end(slot, outcome, 1);
        if worker.has_one() {
            break;
        }
    }
    worker.leave();
}

pub(crate) fn read(brief: &Brief, log: &Log) {
    let mut worker = Worker::new(brief, log);
    loop {
        let mut end = worker.open(|how, options| match how {
            How::Create => Reader::create_with(NAME, options),
            How::Open => Reader::open_with(NAME, options),
            How::Either => Reader::open_or_create_with(NAME, options),
        });
        if end.is_none() {
            break;
        }
        let slot = log.begin(What::Stream, 1, 0);
        log.set(Word::Here, log::now());
        let outcome = worker.read(&mut end, slot);
        log.end(slot, outcome, 1);
        if worker.has_one() {
            break;
        }
    }
    worker.leave();
}
