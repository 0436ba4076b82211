//! What an episode is to be: all of it follows from its seed, but for what whoever runs it has chosen, and for the time that things take.

use super::support::Random;
use ringway::{Backing, Options, WaitStrategy};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An enumeration whose values have names, for arguments and reports.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident: $($value:ident $name:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum $type { $($value),* }

        impl $type {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$value),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$value => $name),* }
            }

            pub(crate) fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    };
}

named! {
    /// What is sent, and between how many.
    Kind: Spsc "spsc", Mpmc "mpmc", Bytes "bytes-spsc", ManyBytes "bytes-mpmc", Stream "stream",
}

named! {
    /// What the channel lies in. The heap is not here: nobody else can come to it, so nobody can be killed.
    Memory: Shm "shm", SystemV "system-v", File "file", Memfd "memfd",
}

named! {
    /// What sleepers sleep on. Eventfds are for the heap.
    Waiter: Futex "futex", Condvar "condvar", Semaphore "semaphore", MessageQueue "message-queue",
}

/// A kind, a backing and a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) memory: Memory,
    pub(crate) waiter: Waiter,
}

impl Case {
    /// Every one that there can be: queues are for channels with a name.
    pub(crate) fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for &kind in Kind::ALL {
            for &memory in Memory::ALL {
                for &waiter in Waiter::ALL {
                    if (memory, waiter) != (Memory::Memfd, Waiter::MessageQueue) {
                        cases.push(Self { kind, memory, waiter });
                    }
                }
            }
        }
        cases
    }
}

/// Numbers of processes that somebody insists on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    pub(crate) senders: Option<usize>,
    pub(crate) receivers: Option<usize>,
}

/// What all processes of an episode know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) case: Case,
    /// Messages, or bytes.
    pub(crate) capacity: usize,
    pub(crate) frame_bytes: usize,
    pub(crate) slice_ms: u64,
    pub(crate) is_persistent: bool,
    pub(crate) is_at_least_once: bool,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    /// Nobody is killed, and slices are so long that a lost wake is seen.
    pub(crate) is_calm: bool,
    /// The first sender and the first receiver are not killed.
    pub(crate) has_elders: bool,
    /// Of bytes among many: up to how many bytes what is longer than a lane is copied as a whole.
    pub(crate) whole_up_to: usize,
    /// One operation in so many is followed by a pause; 0: none.
    pub(crate) pace: u64,
}

/// Lanes of long messages among many, and their bytes.
const LANES: (usize, usize) = (3, 16 << 10);

impl Setting {
    pub(crate) fn new(seed: u64, case: Case, numbers: Numbers) -> Self {
        let mut random = Random::with(seed ^ 0x5e77_1295);
        let mut one = |of: &[u64]| of[random.below(of.len() as u64) as usize];
        let is_many = matches!(case.kind, Kind::Mpmc | Kind::ManyBytes);
        // All are drawn, so that a choice changes nothing else.
        let typed = one(&[1, 2, 3, 7, 64, 1024]) as usize;
        let (bytes, frame) = [(1024, 256), (4096, 512), (16384, 1024)][one(&[0, 1, 2]) as usize];
        let senders = one(&[1, 2, 3, 4]) as usize;
        let receivers = one(&[1, 2, 3, 4]) as usize;
        let is_persistent = one(&[0, 1]) == 1 && case.kind != Kind::Stream;
        let is_at_least_once = one(&[0, 1]) == 1 && case.kind != Kind::Stream;
        let is_calm = one(&[0, 0, 0, 0, 0, 1]) == 1;
        let slice_ms = one(&[2, 5, 5, 20, 50]);
        let has_elders = one(&[0, 1]) == 1 || !is_persistent;
        let (whole_up_to, pace) = (one(&[0, 1 << 20]) as usize, one(&[0, 3, 20, 20, 100]));
        Self {
            seed,
            case,
            capacity: match case.kind {
                Kind::Spsc | Kind::Mpmc => typed,
                Kind::ManyBytes => typed.max(2),
                Kind::Bytes | Kind::Stream => bytes,
            },
            frame_bytes: frame,
            slice_ms: if is_calm { 2000 } else { slice_ms },
            is_persistent,
            is_at_least_once,
            senders: if is_many { numbers.senders.unwrap_or(senders) } else { 1 },
            // Beside elders there is somebody who can be killed, if nobody insists that there is not.
            receivers: match (is_many, numbers.receivers) {
                (false, _) => 1,
                (true, Some(receivers)) => receivers,
                (true, None) => receivers.max(1 + usize::from(has_elders && senders == 1)),
            },
            is_calm,
            has_elders: has_elders && is_many,
            whole_up_to,
            pace,
        }
    }

    pub(crate) fn is_many(&self) -> bool {
        matches!(self.case.kind, Kind::Mpmc | Kind::ManyBytes)
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.case.kind == Kind::Stream
    }

    /// Whether anybody may be killed at any time: the channel is there without anybody.
    pub(crate) fn outlives_all(&self) -> bool {
        self.is_persistent || (self.is_stream() && self.case.memory != Memory::Memfd)
    }

    /// Whether anybody is ever killed.
    pub(crate) fn has_kills(&self) -> bool {
        !(self.is_calm || (self.has_elders && self.senders + self.receivers == 2))
    }

    /// How an end is opened that waits as `strategy` says.
    pub(crate) fn options(&self, places: &Places, strategy: u64) -> Options {
        let options = Options::new()
            .capacity(self.capacity)
            .slice(Duration::from_millis(self.slice_ms))
            .open_timeout(Duration::from_secs(20))
            .wait(match strategy {
                0..5 => WaitStrategy::Sleep,
                5..9 => WaitStrategy::default(),
                _ => WaitStrategy::Spin,
            })
            .waiter(match self.case.waiter {
                Waiter::Futex => ringway::Waiter::Futex,
                Waiter::Condvar => ringway::Waiter::Condvar,
                Waiter::Semaphore => ringway::Waiter::Semaphore,
                Waiter::MessageQueue => ringway::Waiter::MessageQueue,
            });
        let options = match self.case.memory {
            Memory::Shm => options.dir(&places.shared),
            Memory::SystemV => options.backing(Backing::SystemV).dir(&places.shared),
            Memory::File => options.backing(Backing::File(places.disk.clone())),
            Memory::Memfd => options.backing(Backing::Memfd),
        };
        let options = match self.case.kind {
            Kind::Bytes | Kind::Stream => options.frame_bytes(self.frame_bytes),
            Kind::Mpmc => options.members(24),
            Kind::ManyBytes => {
                options.members(24).lanes(LANES.0, LANES.1).annexes(2).chunk_bytes(4096).whole_up_to(self.whole_up_to)
            }
            Kind::Spsc => options,
        };
        // Who opens a persistent channel insists on it, so that none is made anew.
        if self.is_persistent { options.persistent(true) } else { options }
    }

    /// How long a message of bytes is.
    pub(crate) fn len(&self, random: &mut Random) -> usize {
        let below = |random: &mut Random, n: usize| random.below(n as u64) as usize;
        match self.case.kind {
            Kind::Bytes => {
                // What is taken into a hand fits into the ring.
                let most = if self.is_at_least_once { self.capacity / 3 } else { 4 * self.capacity };
                match random.below(8) {
                    0 => below(random, 16),
                    1..5 => 16 + below(random, 100),
                    5 | 6 => 16 + below(random, self.frame_bytes),
                    _ => 16 + below(random, most),
                }
            }
            _ => match random.below(12) {
                0 => below(random, 16),
                1..5 => 16 + below(random, 97),
                5..8 => 113 + below(random, 3900),
                8 | 9 => 4097 + below(random, LANES.1 - 4097),
                10 => LANES.1 + 1 + below(random, 3 * LANES.1),
                _ => 100_000 + below(random, 100_000),
            },
        }
    }
}

/// Where things are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Places {
    /// The directory of channels, in memory; it may be filled up.
    pub(crate) shared: PathBuf,
    /// A directory that mostly is on a disk.
    pub(crate) disk: PathBuf,
    /// The directory of logs.
    pub(crate) logs: PathBuf,
}

impl Places {
    pub(crate) fn of_channel(&self, memory: Memory) -> Option<&Path> {
        match memory {
            Memory::Shm | Memory::SystemV => Some(&self.shared),
            Memory::File => Some(&self.disk),
            Memory::Memfd => None,
        }
    }

    pub(crate) fn log(&self, life: u32) -> PathBuf {
        self.logs.join(format!("log.{life}"))
    }

    /// What the process said to people.
    pub(crate) fn words(&self, life: u32) -> PathBuf {
        self.logs.join(format!("said.{life}"))
    }
}

/// What one process is told when it is started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Brief {
    pub(crate) setting: Setting,
    pub(crate) places: Places,
    pub(crate) life: u32,
    pub(crate) job: Job,
    pub(crate) seed: u64,
    /// The number of the descriptor of a channel without a name; or it makes one, and says which.
    pub(crate) descriptor: Option<i32>,
    /// Its clock is so many seconds ahead.
    pub(crate) ahead: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    Send,
    Receive,
    /// Needs nobody: what it sees is the machine.
    Control,
}
