//! Any bytes, and descriptors of any sort, as what the other side of a hand-over says.
//!
//! One input is a short program: what the other side says (a HELLO, a file, a VERDICT: those that are right, changed as the input
//! says, cut short, missing, too many), to which role; then, if the channel comes to be, operations of our end between which words
//! of the other side's own half are overwritten, and its lock is let go. All that it says lies in the socket before our end
//! begins to read, so nothing waits for anything and a run is the same each time.
//!
//! Whatever it says:
//!
//! - nothing panics, and nothing is read or written outside of what is mapped (a sanitizer sees that);
//! - each call returns soon after its deadline, and takes no more memory than the messages that are let come, and a little;
//! - a file that somebody could make shorter, or that another could write, is never taken;
//! - afterwards this process has the descriptors, and the mappings of memory files, that it had before.
//!
//! What a call returns does not matter.
//!
//! `fuzz/fuzz_targets/handover.rs` gives it libFuzzer's inputs; `tests/handover_said.rs` random ones and the committed corpus.

mod file;
mod play;
mod said;
mod wire;

use crate::heap;
use crate::input::Input;
use ringway::Options;
use ringway::handover::{HandoverError, Listener, Peer};
use said::{Part, Right};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the other side has for its part.
const PATIENCE: Duration = Duration::from_millis(3);
/// How late a call may be on a machine that has much else to do.
const SLACK: Duration = Duration::from_secs(10);
/// The largest segment of the other side's that is mapped.
const MAX_BYTES: u64 = 1 << 20;
/// The longest message that is received.
const LIMIT: u64 = 20_000;

/// What changes hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Numbers,
    Bytes,
    Stream,
}

/// A message of several words.
type Message = [u64; 5];

/// An input at work.
struct Program<'a> {
    input: Input<'a>,
    kind: Kind,
    /// Whether our end receives.
    receives: bool,
    options: Options,
}

/// Runs one input; the directory is for sockets.
pub(crate) fn run(input: &[u8], directory: &Path) {
    let mut input = Input(input);
    let how = input.byte();
    let kind = [Kind::Numbers, Kind::Bytes, Kind::Stream, Kind::Numbers][usize::from(how & 3)];
    let wait = if how & 8 != 0 { ringway::WaitStrategy::Spin } else { ringway::WaitStrategy::Sleep };
    let options = Options::new().wait(wait).slice(Duration::from_millis(1));
    let mut program = Program { input, kind, receives: how & 4 == 0, options };
    let right = said::right(kind, if program.receives { Part::Sender } else { Part::Receiver });
    let before = file::Held::now();
    for _ in 0..1 + how / 64 {
        // More than once over the same connection, if there still is one.
        program.connected(how >> 4 & 3, &right, directory);
    }
    file::until_held(&before);
}

impl Program<'_> {
    fn byte(&mut self) -> u8 {
        self.input.byte()
    }

    /// A connection that comes to be in this way, and what happens there.
    fn connected(&mut self, way: u8, right: &Right, directory: &Path) {
        let door = directory.join("door");
        let _ = std::fs::remove_file(&door);
        match way {
            // Who listens.
            1 => {
                let Ok(listener) = Listener::bind(&door) else { return };
                let Ok(theirs) = UnixStream::connect(&door) else { return };
                if let Ok(peer) = bounded(0, || listener.accept(PATIENCE)) {
                    self.talk(peer, theirs, right);
                }
            }
            // Who connects.
            2 => {
                let Ok(listener) = UnixListener::bind(&door) else { return };
                if let Ok(peer) = bounded(0, || Peer::connect(&door, PATIENCE)) {
                    let Ok((theirs, _)) = listener.accept() else { return };
                    self.talk(peer, theirs, right);
                }
            }
            _ => {
                let Ok((ours, theirs)) = UnixStream::pair() else { return };
                self.talk(Peer::from(ours), theirs, right);
            }
        }
    }

    fn talk(&mut self, mut peer: Peer, theirs: UnixStream, right: &Right) {
        peer.set_timeout(PATIENCE);
        peer.set_max_bytes(MAX_BYTES);
        for attempt in 0..2 {
            let (made, is_right) = said::say(&mut self.input, &theirs, right);
            let came = self.take_part(&mut peer, made.half.as_ref());
            assert!(made.is_fit || came.is_err(), "what may not be taken was");
            // Behind one that came to nothing there may be more than was read.
            assert!(!is_right || attempt > 0 || came.is_ok(), "what is right was refused: {came:?}");
            if came.is_ok() || self.input.is_empty() {
                break;
            }
        }
    }

    /// Our part in the hand-over, and in the channel.
    fn take_part(&mut self, peer: &mut Peer, half: Option<&file::Half>) -> Result<(), HandoverError> {
        let (options, sized) = (self.options.clone(), self.options.clone().capacity(said::CAPACITY));
        match (self.kind, self.receives) {
            (Kind::Numbers, true) => {
                let mut rx = bounded(0, || peer.spsc_receiver::<Message>(&options))?;
                self.play(half, |input| play::receive_numbers(input, &mut rx));
            }
            (Kind::Numbers, false) => {
                let mut tx = bounded(0, || peer.spsc_sender::<Message>(&sized))?;
                self.play(half, |input| play::send_numbers(input, &mut tx));
            }
            (Kind::Bytes, true) => {
                let mut rx = bounded(0, || peer.bytes_receiver(&options))?;
                rx.set_limit(LIMIT);
                self.play(half, |input| play::receive_bytes(input, &mut rx));
            }
            (Kind::Bytes, false) => {
                let mut tx = bounded(0, || peer.bytes_sender(&sized))?;
                self.play(half, |input| play::send_bytes(input, &mut tx));
            }
            (Kind::Stream, true) => {
                let mut reader = bounded(0, || peer.stream_reader(&options))?;
                reader.set_read_timeout(Some(play::MOMENT)).expect("not zero");
                self.play(half, |input| play::read(input, &mut reader));
            }
            (Kind::Stream, false) => {
                let mut writer = bounded(0, || peer.stream_writer(&sized))?;
                writer.set_write_timeout(Some(play::MOMENT)).expect("not zero");
                self.play(half, |input| play::write(input, &mut writer));
            }
        }
        Ok(())
    }

    /// Operations, between which the other side writes.
    fn play(&mut self, half: Option<&file::Half>, mut operate: impl FnMut(&mut Input<'_>)) {
        for _ in 0..96 {
            if self.input.is_empty() {
                return;
            }
            match (self.byte() % 3, half) {
                (0, Some(half)) => half.scribble(&mut self.input),
                _ => operate(&mut self.input),
            }
        }
    }
}

/// A call that ends by itself, soon, and takes no memory to speak of but for `messages` that may be received.
fn bounded<R>(messages: usize, call: impl FnOnce() -> R) -> R {
    let started = Instant::now();
    let (result, most) = heap::most_of(call);
    assert!(started.elapsed() < SLACK, "a call with a deadline took {:?}", started.elapsed());
    // A vector may have twice what it needs, and while it grows its old block beside the new one. Our own half is written from
    // a block of zeroes.
    let bound = (320 << 10) + 3 * LIMIT as usize * messages;
    assert!(most <= bound, "{most} bytes for {messages} messages of {LIMIT} bytes");
    result
}
