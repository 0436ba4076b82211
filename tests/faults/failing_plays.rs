//! What a process does whose calls fail: each play says in words what came of its steps, and of what it then finds left.
//!
//! Calls fail between two marks, of the thread that makes them. A play has more threads, or a child, where somebody else is to go on.
//!
//! # Safety
//!
//! A child of a process with one thread is forked; it ends by a signal or with `_exit`.
#![allow(unsafe_code)]

use super::tracer::{NAME, mark, named, outcome};
use crate::support::{Dir, descriptors};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use ringway::handover::{HandoverError, Peer};
use ringway::stream::{Duplex, Reader, Writer};
use ringway::{
    Backing, DisconnectReason, OpenError, Options, RecvTimeoutError, SegmentError, WaitStrategy, Waiter, bytes, mpmc,
    observe, spsc,
};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Long enough for anything, and shorter than a child lives.
const PATIENCE: Duration = Duration::from_secs(10);
const SLICE: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Spsc,
    Mpmc,
    Bytes,
    /// With a message in an annex.
    Lanes,
    Stream,
    Duplex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    Shm,
    Kept,
    File,
    SystemV,
    Memfd,
}

/// What a peer in another process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// It lives, and does nothing; then it is killed.
    Sender,
    Receiver,
    /// It is dead, and had a message in hand.
    DeadWithHand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Play {
    /// Create, open, pass something, leave.
    Door(Kind, Memory),
    /// There and back with a thread that sleeps, too; and a sleep in vain.
    Waits(Kind, Waiter),
    /// This one sends, or receives.
    HandOver(Kind, bool),
    Peer(Kind, Other),
    /// List, look at, clean and remove what nobody uses.
    Removal(Kind, Memory),
}

/// The plays of a part.
pub(super) fn plays(part: &str) -> Vec<Play> {
    use Kind::{Bytes, Duplex, Lanes, Mpmc, Spsc, Stream};
    use Memory::{File, Kept, Memfd, Shm, SystemV};
    match part {
        "doors" => {
            let kinds = [Spsc, Mpmc, Bytes, Lanes, Stream, Duplex].map(|kind| Play::Door(kind, Shm));
            let memories = [Kept, File, SystemV, Memfd].map(|memory| Play::Door(Spsc, memory));
            kinds.into_iter().chain(memories).chain([Play::Door(Lanes, SystemV)]).collect()
        }
        "waits" => {
            let waiters = [Waiter::Futex, Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue, Waiter::EventFd];
            let each = waiters.into_iter().flat_map(|waiter| [Spsc, Mpmc].map(|kind| Play::Waits(kind, waiter)));
            each.chain([Bytes, Stream].map(|kind| Play::Waits(kind, Waiter::Futex))).collect()
        }
        "handover" => {
            let kinds = [Spsc, Bytes, Stream];
            kinds.into_iter().flat_map(|kind| [true, false].map(|sends| Play::HandOver(kind, sends))).collect()
        }
        "peers" => {
            let others = [Other::Sender, Other::Receiver];
            let each = [Spsc, Mpmc].into_iter().flat_map(|kind| others.map(|other| Play::Peer(kind, other)));
            each.chain([Play::Peer(Mpmc, Other::DeadWithHand)]).collect()
        }
        _ => {
            let each = [(Spsc, Kept), (Mpmc, Kept), (Spsc, SystemV), (Lanes, Shm)];
            each.map(|(kind, memory)| Play::Removal(kind, memory)).into()
        }
    }
}

/// What this process has that it would have to give back.
#[derive(Debug, PartialEq, Eq)]
struct Belongings {
    descriptors: usize,
    /// Memory that it shares with others.
    mappings: usize,
}

impl Belongings {
    fn now() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
        let is_shared = |line: &&str| line.split(' ').nth(1).is_some_and(|rights| rights.ends_with('s'));
        Self { descriptors: descriptors(), mappings: maps.lines().filter(is_shared).count() }
    }
}

/// Sockets are closed by threads of the library's own: waits until they have.
fn be_alone() {
    let give_up = Instant::now() + PATIENCE;
    while std::fs::read_dir("/proc/self/task").expect("/proc").count() > 1 && Instant::now() < give_up {
        std::thread::yield_now();
    }
}

impl Play {
    pub(super) fn perform(&self, dir: &Dir) -> String {
        if self.memory() == Memory::SystemV {
            // So that all segments there are are this child's.
            let _ = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWIPC);
        }
        let before = Belongings::now();
        let mut words = match *self {
            Self::Door(kind, memory) => door(kind, &options(kind, memory, dir)),
            Self::Waits(kind, waiter) => waits(kind, waiter, dir),
            Self::HandOver(kind, sends) => hand_over(kind, sends),
            Self::Peer(kind, other) => peer(kind, other, dir),
            Self::Removal(kind, memory) => removal(kind, &options(kind, memory, dir), dir),
        };
        be_alone();
        if Belongings::now() != before {
            words.push(format!("LEFT:{:?},not{before:?}", Belongings::now()));
        }
        self.leave_nothing(dir, &mut words);
        words.join(" ")
    }

    fn memory(&self) -> Memory {
        match *self {
            Self::Door(_, memory) | Self::Removal(_, memory) => memory,
            _ => Memory::Shm,
        }
    }

    /// The name can be used by others, and then nothing is left. What could not be taken away is as what a killed process leaves.
    fn leave_nothing(&self, dir: &Dir, words: &mut Vec<String>) {
        let memory = if self.memory() == Memory::SystemV { Memory::SystemV } else { Memory::Shm };
        let others = options(Kind::Mpmc, memory, dir);
        if self.memory() == Memory::Kept {
            let _ = observe::remove(NAME, Some(dir.path()));
        }
        match mpmc::Sender::<u64>::create_with(NAME, &others) {
            Ok(tx) => drop(tx),
            Err(error) => words.push(format!("LEFT:a_name_that_does_not_work:{error:?}")),
        }
        let _ = observe::clean(Some(dir.path()));
        if !dir.files().is_empty() {
            words.push(format!("LEFT:{:?}", dir.files()));
        }
        if memory == Memory::SystemV {
            let table = std::fs::read_to_string("/proc/sysvipc/shm").expect("/proc");
            let segments = table.lines().skip(1).count();
            if segments > 0 && nix::unistd::geteuid().is_root() {
                words.push(format!("LEFT:{segments}_segments"));
            }
        }
    }
}

fn options(kind: Kind, memory: Memory, dir: &Dir) -> Options {
    let options = Options::new().wait(WaitStrategy::Sleep).slice(SLICE);
    let options = match kind {
        Kind::Spsc => options.capacity(4),
        // Of few members, since each that may be there is asked after.
        Kind::Mpmc => options.capacity(4).members(3).operations(3).in_hand(2),
        Kind::Bytes | Kind::Stream | Kind::Duplex => options.capacity(4096),
        Kind::Lanes => options.capacity(4).members(3).operations(3).in_hand(2).lanes(2, 4096).annexes(2),
    };
    match memory {
        Memory::Shm => options.dir(dir.path()),
        Memory::Kept => options.dir(dir.path()).persistent(true),
        Memory::SystemV => options.dir(dir.path()).backing(Backing::SystemV),
        Memory::File => options.backing(Backing::File(dir.path().to_path_buf())),
        Memory::Memfd => options.backing(Backing::Memfd),
    }
}

/// What an operation came to, whose message is not lost.
fn word(is_done: bool, otherwise: impl std::fmt::Debug) -> String {
    if is_done { "ok".to_owned() } else { format!("{otherwise:?}").replace(' ', "_") }
}

/// Both ends come, pass something, and leave, all of it disturbed.
fn both<T, R>(
    create: impl FnOnce() -> Result<T, OpenError>,
    open: impl FnOnce(&Result<T, OpenError>) -> Result<R, OpenError>,
    pass: impl FnOnce(&mut T, &mut R) -> String,
) -> Vec<String> {
    mark();
    let mut tx = create();
    let mut rx = open(&tx);
    let mut words = vec![outcome(&tx), outcome(&rx)];
    if let (Ok(tx), Ok(rx)) = (&mut tx, &mut rx) {
        words.push(pass(tx, rx));
    }
    drop(rx);
    drop(tx);
    mark();
    words
}

fn door(kind: Kind, options: &Options) -> Vec<String> {
    let is_memfd = matches!(options_backing(options), Some(Backing::Memfd));
    match kind {
        Kind::Spsc => both(
            || spsc::Sender::<u64>::create_with(NAME, options),
            |tx| match tx {
                // A descriptor is all that leads to it.
                Ok(tx) if is_memfd => {
                    let descriptor = Arc::new(tx.descriptor()?);
                    spsc::Receiver::open_with(NAME, &Options::new().backing(Backing::Descriptor(descriptor)))
                }
                _ if is_memfd => Err(OpenError::Segment(SegmentError::NotFound { path: NAME.into() })),
                _ => spsc::Receiver::<u64>::open_with(NAME, options),
            },
            |tx, rx| {
                let sent = tx.try_send(7);
                word(sent.is_ok() && rx.try_recv() == Ok(7), sent)
            },
        ),
        Kind::Mpmc => both(
            || mpmc::Sender::<u64>::create_with(NAME, options),
            |_| mpmc::Receiver::<u64>::open_with(NAME, options),
            |tx, rx| {
                let sent = tx.try_send(7);
                let got = rx.recv_ref_timeout(PATIENCE).map(|guard| {
                    let got = *guard;
                    guard.commit();
                    got
                });
                word(sent.is_ok() && got == Ok(7), (sent, got))
            },
        ),
        Kind::Bytes => both(
            || bytes::spsc::Sender::create_with(NAME, options),
            |_| bytes::spsc::Receiver::open_with(NAME, options),
            |tx, rx| {
                let sent = tx.try_send(&[7; 300]);
                word(sent.is_ok() && rx.try_recv() == Ok(vec![7; 300]), sent)
            },
        ),
        Kind::Lanes => both(
            || bytes::mpmc::Sender::create_with(NAME, options),
            |_| bytes::mpmc::Receiver::open_with(NAME, options),
            |tx, rx| lend(tx, rx),
        ),
        Kind::Stream => both(
            || Writer::create_with(NAME, options),
            |_| Reader::open_with(NAME, options),
            |writer, reader| {
                let (mut got, written) = ([0; 300], writer.write_all(&[7; 300]));
                let read = reader.read_exact(&mut got);
                word(written.is_ok() && read.is_ok() && got == [7; 300], (written, read))
            },
        ),
        Kind::Duplex => both(
            || Duplex::create_with(NAME, options),
            |_| Duplex::open_with(NAME, options),
            |here, there| {
                let (mut got, written) = ([0; 30], here.write_all(&[7; 30]));
                let read = there.read_exact(&mut got);
                word(written.is_ok() && read.is_ok() && got == [7; 30], (written, read))
            },
        ),
    }
}

/// A message that needs an annex, which is made for it and mapped by who receives it; if none can be had, this is said, and
/// what is shorter goes on. What cannot be mapped is given back, and comes again.
fn lend(tx: &bytes::mpmc::Sender, rx: &bytes::mpmc::Receiver) -> String {
    const LEN: usize = 20_000;
    let sent = tx.try_loan(LEN).map(|mut loan| {
        loan.fill(7);
        loan.try_send().is_ok()
    });
    match sent {
        Ok(true) => {}
        Ok(false) => return "the_loan_was_not_sent".to_owned(),
        Err(bytes::LoanError::Memory(error)) => {
            let (sent, got) = (tx.try_send(&[7; 300]), rx.recv_timeout(PATIENCE));
            let goes_on = sent.is_ok() && got == Ok(vec![7; 300]);
            return if goes_on { named(&OpenError::Segment(error)) } else { "nothing_goes_on".to_owned() };
        }
        Err(error) => return word(false, error),
    }
    let mut said = "ok";
    // Who has no memory for it gives it back, and it comes again.
    for _ in 0..3 {
        match rx.recv_owned_timeout(PATIENCE) {
            Ok(guard) => {
                let is_whole = *guard == [7; LEN];
                guard.commit();
                return if is_whole { said } else { "torn" }.to_owned();
            }
            Err(bytes::RecvTimeoutError::OutOfMemory { .. }) => said = "kept",
            Err(error) => return word(false, ("lost", error)),
        }
    }
    "lost".to_owned()
}

fn options_backing(options: &Options) -> Option<Backing> {
    format!("{options:?}").contains("Memfd").then_some(Backing::Memfd)
}

/// A message of the number goes there and comes back, with whoever sleeps woken.
trait Line {
    fn there(&mut self, number: u64) -> Result<(), String>;
    fn back(&mut self, timeout: Duration) -> Result<u64, String>;
}

impl Line for (spsc::Sender<u64>, spsc::Receiver<u64>) {
    fn there(&mut self, number: u64) -> Result<(), String> {
        self.0.send_timeout(number, PATIENCE).map_err(|error| format!("{error:?}"))
    }

    fn back(&mut self, timeout: Duration) -> Result<u64, String> {
        self.1.recv_timeout(timeout).map_err(|error| format!("{error:?}"))
    }
}

impl Line for (mpmc::Sender<u64>, mpmc::Receiver<u64>) {
    fn there(&mut self, number: u64) -> Result<(), String> {
        self.0.send_timeout(number, PATIENCE).map_err(|error| format!("{error:?}"))
    }

    fn back(&mut self, timeout: Duration) -> Result<u64, String> {
        self.1.recv_timeout(timeout).map_err(|error| format!("{error:?}"))
    }
}

impl Line for (bytes::spsc::Sender, bytes::spsc::Receiver) {
    fn there(&mut self, number: u64) -> Result<(), String> {
        self.0.send_timeout(&number.to_le_bytes(), PATIENCE).map_err(|error| format!("{error:?}"))
    }

    fn back(&mut self, timeout: Duration) -> Result<u64, String> {
        let got = self.1.recv_timeout(timeout).map_err(|error| format!("{error:?}"))?;
        Ok(u64::from(got[0]))
    }
}

impl Line for (Writer, Reader) {
    fn there(&mut self, number: u64) -> Result<(), String> {
        self.0.write_all(&[number as u8]).map_err(|error| format!("{error:?}"))
    }

    fn back(&mut self, timeout: Duration) -> Result<u64, String> {
        match self.1.fill_buf_timeout(timeout) {
            Ok(Some(&[first, ..])) => {
                std::io::BufRead::consume(&mut self.1, 1);
                Ok(first.into())
            }
            Ok(Some([])) => Err("Disconnected".to_owned()),
            Ok(None) => Err("Timeout".to_owned()),
            Err(error) => Err(format!("{error:?}")),
        }
    }
}

/// Three there and back with a thread that sleeps as often, and once nothing comes.
fn to_and_fro<L: Line + Send + 'static>(mut mine: L, mut theirs: L) -> Vec<String> {
    let echo = std::thread::spawn(move || {
        while let Ok(number) = theirs.back(PATIENCE) {
            if theirs.there(number).is_err() {
                return;
            }
        }
    });
    mark();
    let mut words = Vec::new();
    for number in 0..3 {
        words.push(mine.there(number).err().unwrap_or("ok".to_owned()));
        let got = mine.back(PATIENCE);
        words.push(word(got == Ok(number), got));
    }
    let nothing = mine.back(2 * SLICE);
    words.push(word(nothing.as_ref().is_err_and(|why| why.contains("Timeout")), nothing));
    mark();
    drop(mine);
    let _ = echo.join();
    words
}

fn waits(kind: Kind, waiter: Waiter, dir: &Dir) -> Vec<String> {
    macro_rules! ends {
        ($source:ty, $sink:ty, $heap:expr) => {{
            let options = options(kind, Memory::Shm, dir).waiter(waiter);
            let pair = |name: &str| {
                if waiter == Waiter::EventFd {
                    let options = Options::new().capacity(4).wait(WaitStrategy::Sleep).slice(SLICE).waiter(waiter);
                    return $heap(&options).expect("memory");
                }
                let source = <$source>::create_with(name, &options).expect("a free name");
                (source, <$sink>::open_with(name, &options).expect("a free place"))
            };
            let ((there, arrive), (back, come)) = (pair("there"), pair("back"));
            to_and_fro((there, come), (back, arrive))
        }};
    }
    match kind {
        Kind::Spsc => ends!(spsc::Sender<u64>, spsc::Receiver<u64>, spsc::channel_with),
        Kind::Mpmc => ends!(mpmc::Sender<u64>, mpmc::Receiver<u64>, mpmc::channel_with),
        Kind::Bytes => ends!(bytes::spsc::Sender, bytes::spsc::Receiver, bytes::spsc::channel_with),
        _ => ends!(Writer, Reader, ringway::stream::pipe_with),
    }
}

/// What a hand-over came to.
fn handed<T>(result: &Result<T, HandoverError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(HandoverError::Channel(error)) => named(error),
        Err(HandoverError::Io { source, .. }) => {
            source.raw_os_error().map_or_else(|| format!("{:?}", source.kind()), |number| number.to_string())
        }
        Err(other) => {
            let text = format!("{other:?}");
            let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            words[..words.len().min(2)].join(".")
        }
    }
}

/// Over a pair of sockets: this side's part is disturbed, and the other's, a thread's, is not. It is told in time.
fn hand_over(kind: Kind, sends: bool) -> Vec<String> {
    let (mut mine, mut theirs) = Peer::pair().expect("descriptors");
    mine.set_timeout(PATIENCE);
    theirs.set_timeout(PATIENCE);
    let options = || Options::new().capacity(256);
    macro_rules! part {
        ($source:ident, $sink:ident, $put:expr, $take:expr) => {{
            let put = move |peer: &mut Peer| {
                let mut end = peer.$source(&options());
                let said = handed(&end);
                end.as_mut().map_or(said.clone(), |end| if $put(end) { said } else { "unsent".to_owned() })
            };
            let take = move |peer: &mut Peer| {
                let mut end = peer.$sink(&options());
                let said = handed(&end);
                end.as_mut().map_or(said.clone(), |end| if $take(end) { said } else { "lost".to_owned() })
            };
            let other = std::thread::spawn(move || if sends { take(&mut theirs) } else { put(&mut theirs) });
            mark();
            let said = if sends { put(&mut mine) } else { take(&mut mine) };
            mark();
            drop(mine);
            (said, other.join().unwrap_or("PANIC".to_owned()))
        }};
    }
    let (said, theirs) = match kind {
        Kind::Spsc => part!(
            spsc_sender,
            spsc_receiver,
            |tx: &mut spsc::Sender<u64>| tx.send(7).is_ok(),
            |rx: &mut ringway::handover::Receiver<u64>| rx.recv_timeout(PATIENCE) == Ok(7)
        ),
        Kind::Bytes => part!(
            bytes_sender,
            bytes_receiver,
            |tx: &mut bytes::spsc::Sender| tx.send(b"7").is_ok(),
            |rx: &mut ringway::handover::BytesReceiver| rx.recv_timeout(PATIENCE) == Ok(b"7".to_vec())
        ),
        _ => part!(
            stream_writer,
            stream_reader,
            |writer: &mut Writer| writer.write_all(b"7").is_ok(),
            |reader: &mut ringway::handover::Reader| reader.read_exact(&mut [0]).is_ok()
        ),
    };
    // Of what failed here the other side learns that it did; an end that it had got is one whose other side has gone.
    let theirs = match theirs.as_str() {
        "unsent" | "lost" if said != "ok" => "ok".to_owned(),
        "Closed" | "Refused.why" | "Spoiled" if said == "ok" => format!("the_other_side_says_{theirs}"),
        _ => theirs,
    };
    vec![said, theirs]
}

/// Starts a process that does this, and then nothing more.
fn beside(work: impl FnOnce()) -> Pid {
    let (read, write) = nix::unistd::pipe().expect("a pipe");
    // SAFETY: see above.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            drop(read);
            work();
            drop(write);
            loop {
                nix::unistd::pause();
            }
        }
        ForkResult::Parent { child } => {
            drop(write);
            let _ = std::fs::File::from(read).read(&mut [0]);
            child
        }
    }
}

fn end(child: Pid) {
    let _ = kill(child, Signal::SIGKILL);
    let _ = waitpid(child, None);
}

/// Somebody lives, and nothing else is ever said of them; then they are dead, and this is said.
fn peer(kind: Kind, other: Other, dir: &Dir) -> Vec<String> {
    let options = options(kind, Memory::Shm, dir).capacity(1);
    let mut words = Vec::new();
    let mut say = |is_right: bool, otherwise: &dyn std::fmt::Debug| words.push(word(is_right, otherwise));
    macro_rules! of {
        ($kind:ident) => {
            match other {
                Other::Sender => {
                    #[allow(unused_mut)]
                    let mut rx = $kind::Receiver::<u64>::create_with(NAME, &options).expect("a free name");
                    let child = beside(|| {
                        std::mem::forget($kind::Sender::<u64>::open_with(NAME, &options).expect("a place"));
                    });
                    mark();
                    let waited = rx.recv_timeout(3 * SLICE);
                    say(
                        waited == Err(RecvTimeoutError::Timeout),
                        &("of one that lives", waited, rx.disconnect_reason()),
                    );
                    mark();
                    end(child);
                    mark();
                    let waited = rx.recv_timeout(PATIENCE);
                    let reason = rx.disconnect_reason();
                    mark();
                    let is_told =
                        waited == Err(RecvTimeoutError::Disconnected) && reason == Some(DisconnectReason::Died);
                    say(is_told, &("of a dead one", waited, reason));
                }
                _ => {
                    #[allow(unused_mut)]
                    let mut tx = $kind::Sender::<u64>::create_with(NAME, &options).expect("a free name");
                    let child = beside(|| {
                        std::mem::forget($kind::Receiver::<u64>::open_with(NAME, &options).expect("a place"));
                    });
                    tx.try_send(1).expect("room");
                    mark();
                    let waited = tx.send_timeout(2, 3 * SLICE);
                    say(waited.as_ref().is_err_and(|error| error.is_timeout()), &("of one that lives", waited));
                    mark();
                    end(child);
                    mark();
                    let waited = tx.send_timeout(2, PATIENCE);
                    let reason = tx.disconnect_reason();
                    mark();
                    let is_told =
                        waited.is_err_and(|error| error.is_disconnected()) && reason == Some(DisconnectReason::Died);
                    say(is_told, &("of a dead one", reason));
                }
            }
        };
    }
    match (kind, other) {
        (_, Other::DeadWithHand) => {
            let tx = mpmc::Sender::<u64>::create_with(NAME, &options).expect("a free name");
            let rx = mpmc::Receiver::<u64>::open_with(NAME, &options).expect("a place");
            tx.try_send(1).expect("room");
            end(beside(|| {
                let rx = mpmc::Receiver::<u64>::open_with(NAME, &options).expect("a place");
                std::mem::forget(rx.recv_ref().expect("a message"));
                std::mem::forget(rx);
            }));
            mark();
            let got = rx.recv_ref_timeout(PATIENCE).map(|guard| {
                let got = (*guard, guard.attempt());
                guard.commit();
                got
            });
            mark();
            say(got == Ok((1, 2)), &got);
        }
        (Kind::Spsc, _) => of!(spsc),
        _ => of!(mpmc),
    }
    words
}

/// Nobody is there any more, or whoever was is dead: all who look at it, and take it away.
fn removal(kind: Kind, options: &Options, dir: &Dir) -> Vec<String> {
    let leave = || match kind {
        Kind::Spsc => std::mem::forget(spsc::Sender::<u64>::create_with(NAME, options).expect("a free name")),
        Kind::Mpmc => std::mem::forget(mpmc::Sender::<u64>::create_with(NAME, options).expect("a free name")),
        _ => {
            let tx = bytes::mpmc::Sender::create_with(NAME, options).expect("a free name");
            std::mem::forget(tx.try_loan(20_000).expect("an annex"));
            std::mem::forget(tx);
        }
    };
    end(beside(leave));
    let dir = Some(dir.path());
    mark();
    let listed = observe::list(dir);
    let stat = observe::stat(NAME, dir);
    let inspected = observe::inspect(NAME, dir, 8);
    let cleaned = observe::clean(dir);
    let removed = observe::remove(NAME, dir);
    mark();
    let is_there = dir.is_some_and(|dir| dir.join(NAME).exists());
    let io = |error: &std::io::Error| error.raw_os_error().map_or("unnamed".to_owned(), |number| number.to_string());
    let mut words = vec![outcome(&stat), outcome(&inspected)];
    let is_listed = listed.as_ref().map_or(true, |entries| entries.iter().any(|entry| entry.name == NAME));
    words.push(word(is_listed, "hidden"));
    words.extend(listed.iter().flatten().filter_map(|entry| entry.segment.as_ref().err()).map(named));
    words.extend(listed.err().iter().map(io));
    let was_cleaned = match &cleaned {
        Ok(cleaned) => {
            words.extend(cleaned.iter().filter_map(|cleaned| cleaned.removed.as_ref().err()).map(named));
            cleaned.iter().any(|cleaned| matches!(cleaned.removed, Ok(true)))
        }
        Err(error) => {
            words.push(io(error));
            false
        }
    };
    words.push(match &removed {
        Ok(()) if is_there => "removed_and_still_there".to_owned(),
        Err(error) if error.is_not_found() && was_cleaned && !is_there => "ok".to_owned(),
        other => outcome(other),
    });
    words
}
