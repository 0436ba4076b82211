//! A peer that writes any word at any moment, between any two steps of a call, for every kind of channel and backing.
//!
//! A step is an atomic operation of the library, or a system call that others see; before each of them something can be done in this
//! thread where `ringway::before_each_step` is (in the crate's own unit tests, and in what `cargo fuzz` builds). So the hostile
//! peer needs no thread, and a run is the same each time. One input is a short program: a segment that the library makes, then calls of
//! the public interface, each with the words that are overwritten before its n-th step, or before every one from then on; and
//! between the calls, files of the channel that are taken away or exchanged, and observers. Whatever it says:
//!
//! - nothing panics, and nothing is read or written outside of the segment (a sanitizer sees that);
//! - a call that does not wait ends after a bounded number of steps; one with a deadline soon after it;
//! - no call takes more memory than the messages that are let come, and a little (where an allocator counts).
//!
//! What a call returns does not matter, nor what is left: a file whose header was overwritten is nobody's that the library knows. What is
//! copied is copied in one step: `tests/bytes_hostile.rs` has a thread that writes meanwhile. Calls without a deadline are there, too.
//!
//! `fuzz/fuzz_targets/peer.rs` gives it libFuzzer's inputs; `src/channel/tests/hostile.rs` random ones and the committed corpus.

mod bytes;
#[cfg(any(feature = "serde", fuzzing))]
mod codec;
mod flow;
mod typed;
mod writes;

use super::heap;
use super::input::Input;
use ringway::{Absent, Options, WaitStrategy, observe};
use std::cell::RefCell;
#[cfg(test)]
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use writes::{Hostile, Memory};

const NAME: &str = "peer";
/// Where letters go that nobody could deliver.
const LETTERS: &str = "letters";
/// No input does more than this.
const CALLS: usize = 64;
/// How long a call waits that waits.
const MOMENT: Duration = Duration::from_micros(100);
/// How late a call may be on a machine that has much else to do.
const SLACK: Duration = Duration::from_secs(10);
/// Steps of a call that does not wait: more than any takes, whatever is written meanwhile. (Who is beaten in a race tries 256 times
/// before it looks around, and looks around for 50 ms; a look may go through all tables.)
const STEPS_MAX: u64 = 4_000_000;
/// The most that a receiver lets come, in bytes.
const LIMIT: u64 = 20_000;
/// Entries of each table: so few that most of what is written there hits one that is used.
const ENTRIES: usize = 3;

/// An input at work.
struct Program<'a> {
    input: Input<'a>,
    how: u8,
    backing: u8,
    directory: &'a Path,
    hostile: Rc<RefCell<Hostile>>,
}

/// Whether a call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    No,
    Yes,
}

#[cfg(test)]
thread_local! {
    /// By what is attacked, how many words were written over in this thread: where there are none nobody was hostile.
    pub(crate) static WRITTEN: RefCell<BTreeMap<u8, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs one input in the directory, which is empty.
pub(crate) fn run(input: &[u8], directory: &Path) {
    let mut input = Input(input);
    let (kind, how, backing) = (input.byte(), input.byte(), input.byte());
    let hostile = Rc::new(RefCell::new(Hostile::default()));
    let mut program = Program { input, how, backing, directory, hostile: Rc::clone(&hostile) };
    ringway::before_each_step(Some(Box::new(move || hostile.borrow_mut().step())));
    match kind % 8 {
        0 => typed::pair(&mut program),
        1 => typed::many(&mut program),
        2 => bytes::pair(&mut program),
        3 => bytes::many(&mut program),
        4 => flow::stream(&mut program),
        5 => flow::duplex(&mut program),
        #[cfg(any(feature = "serde", fuzzing))]
        6 => codec::run(&mut program),
        _ => typed::compat(&mut program),
    }
    // Nobody is there any more.
    #[cfg(test)]
    WRITTEN.with_borrow_mut(|written| *written.entry(kind % 8).or_default() += program.hostile.borrow().written.get());
    program.hostile.borrow_mut().memory = None;
    program.look();
    drop(observe::clean(Some(directory)));
    ringway::before_each_step(None);
    for entry in std::fs::read_dir(directory).expect("the directory").flatten() {
        let path = entry.path();
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
}

impl Program<'_> {
    fn byte(&mut self) -> u8 {
        self.input.byte()
    }

    /// A length: short, at a border, or longer than what there is room for.
    fn length(&mut self) -> usize {
        let length = usize::from(self.byte());
        match length & 7 {
            0..4 => length,
            4 => 100 + (length >> 3),
            5 => 4080 + (length >> 3),
            6 => 8170 + (length >> 3),
            _ => length * 70,
        }
    }

    /// A short number.
    fn count(&mut self) -> usize {
        usize::from(self.byte() % 16)
    }

    /// How the channel is made.
    fn made(&self) -> Options {
        let options = writes::backed(Options::new(), self.backing, self.directory).persistent(self.how & 128 != 0);
        let options = options.members(ENTRIES).operations(ENTRIES).in_hand(ENTRIES);
        // (Of a memfd nobody tells where the C library's part begins.)
        if self.how & 64 != 0 && self.backing % 4 != 3 { options.waiter(ringway::Waiter::Semaphore) } else { options }
    }

    /// How an end comes, waits, and does alone.
    fn opened(&self) -> Options {
        let options = writes::backed(Options::new(), self.backing, self.directory).slice(Duration::from_millis(1));
        let options =
            if self.how & 1 != 0 { options.wait(WaitStrategy::Spin) } else { options.wait(WaitStrategy::Sleep) };
        match self.how >> 1 & 3 {
            0 => options.absent(Absent::Buffer),
            1 => options.absent(Absent::Fail),
            _ => options,
        }
    }

    /// From now on the words of this segment are overwritten.
    fn attack(&mut self, memory: Option<Memory>) {
        self.hostile.borrow_mut().memory = memory;
    }

    fn calls(&self) -> impl Iterator<Item = usize> + use<> {
        0..CALLS
    }

    /// A call, with what is written meanwhile.
    #[track_caller]
    fn call<R>(&mut self, waits: Waits, messages: usize, call: impl FnOnce() -> R) -> R {
        self.hostile.borrow_mut().arm(&mut self.input, waits == Waits::No);
        let started = Instant::now();
        let (result, most) = heap::most_of(call);
        self.hostile.borrow_mut().disarm();
        assert!(started.elapsed() < SLACK, "a call took {:?}", started.elapsed());
        // A vector may have twice what it needs, and while it grows its old block beside the new one.
        let bound = (64 << 10) + 3 * LIMIT as usize * messages;
        assert!(most <= bound, "{most} bytes for {messages} messages of {LIMIT} bytes");
        result
    }

    /// One that does not wait.
    #[track_caller]
    fn now<R>(&mut self, call: impl FnOnce() -> R) -> R {
        self.call(Waits::No, 0, call)
    }

    /// One that waits for a moment.
    #[track_caller]
    fn wait<R>(&mut self, call: impl FnOnce() -> R) -> R {
        self.call(Waits::Yes, 0, call)
    }

    /// Writes while something is in hand.
    fn scribble(&mut self) {
        self.hostile.borrow_mut().arm(&mut self.input, false);
        self.hostile.borrow_mut().disarm();
    }

    /// What somebody else does, who looks, or who clears away.
    fn meddle(&mut self) {
        match self.byte() % 8 {
            0..=2 => self.look(),
            3 => {
                let directory = self.directory;
                drop(self.wait(|| observe::clean(Some(directory))));
            }
            4 => {
                let directory = self.directory;
                drop(self.wait(|| observe::remove(NAME, Some(directory))));
            }
            _ => writes::exchange_a_file(&mut self.input, self.directory),
        }
    }

    fn look(&mut self) {
        let directory = self.directory;
        if let Ok(seen) = self.wait(|| observe::stat(NAME, Some(directory))) {
            assert!(seen.depth <= seen.capacity);
            let _ = format!("{seen:?}");
        }
        self.call(Waits::Yes, 10, || {
            drop(observe::list(Some(directory)));
            drop(observe::inspect(NAME, Some(directory), 8).map(|seen| seen.wrong().len()));
        });
    }
}
