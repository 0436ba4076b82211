//! What a contestant is: two ends, made from one name. A new contestant is one file in `contestants/`.
//!
//! A contestant is generic over the message so that every loop around it is compiled for it: no call through a table, no
//! branch that a user's program would not have. The harness makes each end in the process (or thread) that uses it.

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::path::PathBuf;

/// Anything that went wrong, in words.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A message: so many words, each of which says which message it is.
pub trait Message: bytemuck::Pod + Send + Sync + std::fmt::Debug {
    /// Bytes.
    const BYTES: usize = size_of::<Self>();

    /// The message with this number. Writes every word.
    fn of(number: u64) -> Self;

    /// Whether this is the message with that number. Reads every word.
    fn is(&self, number: u64) -> bool;

    /// The number that this message says it has.
    fn number(&self) -> u64;
}

macro_rules! messages {
    ($($words:literal)*) => {$(
        impl Message for [u64; $words] {
            #[inline(always)]
            fn of(number: u64) -> Self {
                std::array::from_fn(|word| number.wrapping_add(word as u64))
            }

            #[inline(always)]
            fn is(&self, number: u64) -> bool {
                // Without a branch a word, as a consumer that sums or copies would read it.
                self.iter().enumerate().fold(0, |wrong, (word, &is)| wrong | is ^ number.wrapping_add(word as u64)) == 0
            }

            #[inline(always)]
            fn number(&self) -> u64 {
                self[0]
            }
        }
    )*};
}

messages!(1 8 32 128);

/// Who the two ends are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ends {
    /// Two processes.
    Processes,
    /// Two threads of one process: the contestant can do no better.
    Threads,
}

/// What a receiver does while there is nothing, and a sender while there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Waiting {
    /// Polls, and never sleeps.
    Spins,
    /// Whatever the contestant does when nothing is said.
    Default,
    /// Sleeps at once.
    Sleeps,
}

/// Where the two ends of one channel meet.
#[derive(Debug, Clone)]
pub struct Place {
    /// A name that nobody else uses: letters, digits and '-'.
    pub name: String,
    /// An empty directory of this round alone, on tmpfs, for whoever needs files or sockets.
    pub dir: PathBuf,
    /// Messages that the channel is to hold, exactly if it can be said exactly.
    pub capacity: usize,
}

/// The sending end.
pub trait Sender<M: Message> {
    /// Sends one message, waiting while there is no room. Nothing is ever lost or held back.
    fn send(&mut self, message: M) -> Result<(), Failure>;

    /// Sends the messages `first .. first + count`, made in place where the contestant can, in its way for batches.
    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        (0..count as u64).try_for_each(|n| self.send(M::of(first + n)))
    }
}

/// The receiving end.
pub trait Receiver<M: Message> {
    /// Receives one message, waiting for it.
    fn recv(&mut self) -> Result<M, Failure>;

    /// Waits for at least one message and lets `take` look at up to `max` of those that are there, in place where the
    /// contestant can, in its way for batches; how many those were.
    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        let _ = max;
        take(&self.recv()?);
        Ok(1)
    }
}

/// Two ends between processes. The value says how (which waiting, say); each end is made in the process that uses it, the
/// receiver's first, and both are there before the clock starts.
pub trait Between: Clone + Send + Sync + 'static {
    /// The sending end for `M`.
    type Sender<M: Message>: Sender<M>;
    /// The receiving end for `M`.
    type Receiver<M: Message>: Receiver<M>;

    /// Makes the sending end. The receiving end is there, or being made: waits for it for a few seconds if it must.
    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure>;

    /// Makes the receiving end. It is made first; the sender's may be made at the same time.
    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure>;

    /// Removes what ends that were killed may have left at this place and outside `Place::dir`. Called after every turn
    /// by the arena itself, in which no end lives; most have nothing to do.
    fn clean(&self, place: &Place) {
        let _ = place;
    }
}

/// Two ends between threads.
pub trait Within: Clone + Send + Sync + 'static {
    /// The sending end for `M`.
    type Sender<M: Message>: Sender<M> + Send;
    /// The receiving end for `M`.
    type Receiver<M: Message>: Receiver<M> + Send;

    /// Makes both ends.
    #[allow(clippy::type_complexity)] // two ends, and each contestant names its own
    fn pair<M: Message>(&self, place: &Place) -> Result<(Self::Sender<M>, Self::Receiver<M>), Failure>;
}

/// What the table says of a contestant.
#[derive(Debug, Clone)]
pub struct Card {
    /// As in the table: `rtrb`, `ringway, spinning`.
    pub name: &'static str,
    /// The version of the crate, or of the kernel's mechanism nothing.
    pub version: &'static str,
    /// Whether this is its fastest documented lossless mode or what it does by default; else why it is here.
    pub mode: &'static str,
    /// What its ends do while they wait.
    pub waiting: Waiting,
    /// The largest message it can carry, in bytes.
    pub largest: usize,
    /// Whether it has batches of its own. One that has none does not run in batches: it would be shown twice.
    pub has_batches: bool,
}
