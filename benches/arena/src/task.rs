//! What the arena asks of a worker, and what a worker says.

use crate::contestant::Place;
use crate::work::tally::Tally;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Sends; in round trips asks.
    Sender,
    /// Receives; in round trips answers.
    Receiver,
}

/// What a worker process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// One end; another process is the other.
    One(Role),
    /// One of many ends; other processes are the others.
    OneOf(Role, usize),
    /// None of the ends: a process that only attaches.
    Idle(usize),
    /// All ends, in a thread each.
    All,
}

/// How much of what.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// A message there and a message back.
    RoundTrip {
        /// Trips of which the mean is taken.
        trips: u64,
        /// Further trips, each with its own time.
        timed: u64,
    },
    /// Messages from one side to the other.
    OneWay {
        /// Messages that are counted.
        messages: u64,
        /// Messages before those, so that every page of the channel has been touched.
        before: u64,
        /// How many are given over in one call; 1 is one at a time.
        batch: usize,
    },
    /// Messages from many senders to many receivers.
    Many {
        /// Senders, and receivers as many.
        sides: usize,
        /// Messages of each sender that are counted.
        messages: u64,
        /// Messages of each sender before those.
        before: u64,
        /// How many are given over in one call; 1 is one at a time.
        batch: usize,
    },
    /// Large messages from one side's buffer to the other's.
    Bulk {
        /// Messages that are counted.
        messages: u64,
        /// Messages before those.
        before: u64,
    },
    /// Large messages, written where they are read.
    Loans {
        /// Messages that are counted.
        messages: u64,
        /// Messages before those.
        before: u64,
    },
    /// A large message there and one back, of which little is written and read.
    LoanTrips {
        /// Trips of which the mean is taken.
        trips: u64,
        /// Further trips, each with its own time.
        timed: u64,
        /// So many bytes of each are written, and read.
        touched: usize,
    },
    /// Records of any length from one side to the other.
    Records {
        /// Records that are counted.
        messages: u64,
        /// Records before those.
        before: u64,
        /// Bytes of the shortest.
        least: usize,
    },
    /// Some records at once, then none for a while.
    RecordBursts {
        /// How many times.
        bursts: u64,
        /// Records in each.
        messages: u64,
        /// From the start of one burst to the start of the next.
        period_us: u64,
        /// Bytes of the shortest.
        least: usize,
    },
    /// As one way, by several pairs at once, each with a channel of its own.
    Pairs {
        /// How many pairs.
        pairs: usize,
        /// Messages of each pair that are counted.
        messages: u64,
        /// Messages of each pair before those.
        before: u64,
    },
    /// The first messages of a fresh channel, and others.
    Laps {
        /// Messages of a lap.
        lap: u64,
        /// Laps after the first.
        later: u64,
    },
    /// Channels that are made and opened, one after the other.
    Attach {
        /// How many count.
        times: u64,
        /// How many go before those.
        before: u64,
    },
    /// One channel, of which the memory is looked at.
    Memory,
    /// Channels that are there at the same time, in one process.
    Channels {
        /// How many.
        count: u64,
    },
    /// Some messages at once, then none for a while.
    Bursts {
        /// How many times.
        bursts: u64,
        /// Messages in each.
        messages: u64,
        /// From the start of one burst to the start of the next.
        period_us: u64,
    },
}

impl Work {
    /// How many channels there are beside those there and back.
    pub fn channels(&self) -> u64 {
        match *self {
            Self::Pairs { pairs, .. } => pairs as u64,
            Self::Attach { times, before } => before + times,
            Self::Channels { count } => count,
            Self::Memory => 1,
            _ => 0,
        }
    }
}

/// What a worker process is to do: all that it is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// The contestant, as a place in the list of all.
    pub entry: usize,
    /// What the process is.
    pub part: Part,
    /// The process that started it, and without which it ends.
    pub parent: i32,
    /// Sender's and receiver's processor.
    pub cpus: [usize; 2],
    /// The file of the board.
    pub board: PathBuf,
    /// Names of the channels: there, and back.
    pub names: [String; 2],
    /// Directories of the channels.
    pub dirs: [PathBuf; 2],
    /// Messages that a channel holds; where they may have any length, bytes.
    pub capacity: usize,
    /// Bytes of a message, or of the longest.
    pub bytes: usize,
    /// What to do.
    pub work: Work,
    /// Processes beside the two ends that only attach.
    pub idle: usize,
    /// How long to look at the weather, before and after.
    pub weather_us: u64,
    /// Whether to wait for somebody who counts system calls.
    pub traced: bool,
}

impl Task {
    /// Where the ends of the channel there (0) or back (1) meet.
    pub fn place(&self, way: usize) -> Place {
        Place { name: self.names[way].clone(), dir: self.dirs[way].clone(), capacity: self.capacity }
    }

    /// Where the ends of one of many channels meet. Somebody has to make its directory.
    pub fn channel(&self, n: u64) -> Place {
        let there = self.place(0);
        Place { name: format!("{}-{n}", there.name), dir: there.dir.join(n.to_string()), ..there }
    }

    /// Where ends may have met.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        (0..2).map(|way| self.place(way)).chain((0..self.work.channels()).map(|n| self.channel(n)))
    }
}

/// So many times this value.
pub type Counted = (u64, u64);

/// What one side has seen. What a work does not measure, or the other side does, is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// When the clock started.
    pub began_ns: Option<u64>,
    /// When it ended.
    pub ended_ns: Option<u64>,
    /// Processor time in between.
    pub cpu_ns: Option<u64>,
    /// How often this side slept in between, of its contestant's own accord.
    pub sleeps: Option<u64>,
    /// Single round trips.
    pub trips_ns: Vec<Counted>,
    /// From before the first message of a burst was sent until it was received.
    pub first_ns: Vec<Counted>,
    /// The same of the last message.
    pub last_ns: Vec<Counted>,
    /// From before the first message of a burst was sent until the last one was received.
    pub whole_ns: Vec<Counted>,
    /// Single times in ns, by the metric that they are of.
    pub timed: BTreeMap<usize, Vec<Counted>>,
    /// Other figures, by their metric.
    pub found: BTreeMap<usize, f64>,
    /// Of many to many: what a receiver has got from each sender.
    pub tallies: Option<Vec<Tally>>,
    /// A bare round trip before and after.
    pub weather_ns: Option<[f64; 2]>,
}

/// A worker's last word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Said {
    /// All went well: what the sides that it was have seen.
    Done(Vec<Seen>),
    /// It did not.
    Failed(String),
    /// A message came that was not sent.
    Wrong(String),
}
