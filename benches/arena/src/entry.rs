//! A contestant in the list of all, with its types forgotten: what the harness handles.

use crate::args::WorkKind;
use crate::board::Board;
use crate::clock::Of;
use crate::contestant::{Between, Card, Ends, Failure, Message, Place, Within};
use crate::pin;
use crate::task::{Part, Role, Seen, Task, Work};
use crate::work::{Side, bursts, laps, one_way, pairs, round_trip};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The crate that all are compared with.
    Ringway,
    /// What the machine can do at best: not a channel.
    Limit,
    /// What the kernel has.
    Kernel,
    /// What textbooks make of what the kernel has.
    Textbook,
    /// Another crate.
    Peer,
    /// Nobody: what it does wrong must be noticed. See `contestants/broken.rs`.
    Broken,
}

/// Which kinds of work somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// All between one sender and one receiver.
    All,
    /// Only round trips.
    RoundTrips,
    /// All that is given over one at a time.
    Singles,
    /// Only bursts.
    Bursts,
    /// Only one way in batches.
    Batches,
    /// Only many to many, tried and tried again by the harness.
    Polled,
    /// Only many to many, waiting in its own way.
    Blocking,
    /// Only messages of any length, large ones and records.
    Lengths,
    /// Of these, only large ones.
    Bulk,
    /// Only messages that are written and read in place.
    Loans,
    /// Only round trips and one way beside idle members.
    Members,
    /// Only the first lap of a fresh channel.
    Laps,
    /// Only these, in which channels are made.
    Making(&'static [WorkKind]),
}

/// One contestant.
pub struct Entry {
    /// What the table says of it.
    pub card: Card,
    /// Why it is here.
    pub kind: Kind,
    /// What it does.
    pub does: Does,
    /// Between whom.
    pub ends: Ends,
    /// Processes beside its two that only attach.
    pub idle: usize,
    runner: Box<dyn Runner>,
}

impl Entry {
    /// A contestant between processes.
    pub fn between<C: Between>(card: Card, contestant: C) -> Self {
        Self::new(card, Ends::Processes, Box::new(Processes(contestant)))
    }

    /// A contestant between threads.
    pub fn within<C: Within>(card: Card, contestant: C) -> Self {
        Self::new(card, Ends::Threads, Box::new(Threads(contestant)))
    }

    /// A contestant whose ends do their work like this.
    pub fn new(card: Card, ends: Ends, runner: Box<dyn Runner>) -> Self {
        Self { card, kind: Kind::Peer, does: Does::All, ends, idle: 0, runner }
    }

    /// The same, here for another reason than being a peer.
    pub fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same, in some work only.
    pub fn only(self, does: Does) -> Self {
        Self { does, ..self }
    }

    /// The same, beside so many processes that only attach.
    pub fn beside(self, idle: usize) -> Self {
        Self { idle, ..self }
    }

    /// Does a worker's part of the task: what each side has seen.
    pub fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        self.runner.run(task, board)
    }

    /// Removes what ends that were killed may have left in these places.
    pub fn clean(&self, place: &Place) {
        self.runner.clean(place);
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("card", &self.card).field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// Does a contestant's work.
pub trait Runner: Send + Sync {
    /// A worker's part of the task.
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure>;
    /// Removes what killed ends have left.
    fn clean(&self, place: &Place);
}

/// Calls `$run` compiled for messages of so many bytes.
macro_rules! of_size {
    ($bytes:expr, $self:ident . $run:ident ( $($with:expr),* )) => {
        match $bytes {
            8 => $self.$run::<[u64; 1]>($($with),*),
            64 => $self.$run::<[u64; 8]>($($with),*),
            256 => $self.$run::<[u64; 32]>($($with),*),
            1024 => $self.$run::<[u64; 128]>($($with),*),
            other => Err(format!("no messages of {other} bytes here").into()),
        }
    };
}

struct Processes<C>(C);

impl<C: Between> Runner for Processes<C> {
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        if let (Part::OneOf(role, index), Work::Pairs { .. }) = (task.part, task.work) {
            return Ok(vec![pairs::run(&self.0, task, board, (role, index))?]);
        }
        let Part::One(role) = task.part else { return Err("one process for two".into()) };
        pin::to(task.cpus[role as usize])?;
        let side = Side { board, role, of: Of::Process, task };
        Ok(vec![of_size!(task.bytes, self.side(&side))?])
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

impl<C: Between> Processes<C> {
    fn side<M: Message>(&self, side: &Side<'_>) -> Result<Seen, Failure> {
        let (there, back) = (side.task.place(0), side.task.place(1));
        match (side.role, side.task.work) {
            (Role::Sender, Work::RoundTrip { trips, timed }) => {
                let (tx, rx) = (self.0.sender::<M>(&there)?, self.0.receiver::<M>(&back)?);
                round_trip::ask(side, (trips, timed), tx, rx)
            }
            (Role::Receiver, Work::RoundTrip { trips, timed }) => {
                let (rx, tx) = (self.0.receiver::<M>(&there)?, self.0.sender::<M>(&back)?);
                round_trip::answer(side, (trips, timed), rx, tx)
            }
            (Role::Sender, work) => sending(side, work, self.0.sender::<M>(&there)?),
            (Role::Receiver, work) => receiving(side, work, self.0.receiver::<M>(&there)?),
        }
    }
}

struct Threads<C>(C);

impl<C: Within> Runner for Threads<C> {
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        of_size!(task.bytes, self.both(task, board))
    }

    fn clean(&self, _: &Place) {}
}

impl<C: Within> Threads<C> {
    fn both<M: Message>(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        let (there, back) = (task.place(0), task.place(1));
        let (tx, rx) = self.0.pair::<M>(&there)?;
        let side = |role| Side { board, role, of: Of::Thread, task };
        match task.work {
            Work::RoundTrip { trips, timed } => {
                let (back_tx, back_rx) = self.0.pair::<M>(&back)?;
                duo(
                    task,
                    board,
                    || round_trip::ask(&side(Role::Sender), (trips, timed), tx, back_rx),
                    || round_trip::answer(&side(Role::Receiver), (trips, timed), rx, back_tx),
                )
            }
            work => duo(
                task,
                board,
                || sending(&side(Role::Sender), work, tx),
                || receiving(&side(Role::Receiver), work, rx),
            ),
        }
    }
}

fn sending<M: Message>(side: &Side<'_>, work: Work, to: impl crate::contestant::Sender<M>) -> Result<Seen, Failure> {
    match work {
        Work::OneWay { messages, before, batch } => one_way::send(side, (before, messages, batch), to),
        Work::Bursts { bursts, messages, period_us } => bursts::send(side, (bursts, messages, period_us), to),
        Work::Laps { lap, later } => laps::send(side, (lap, later), to),
        Work::RoundTrip { .. } => Err("a round trip has two channels".into()),
        Work::Many { .. } => Err("one end for many".into()),
        _ => Err("messages of one size for any length".into()),
    }
}

fn receiving<M: Message>(
    side: &Side<'_>,
    work: Work,
    from: impl crate::contestant::Receiver<M>,
) -> Result<Seen, Failure> {
    match work {
        Work::OneWay { messages, before, batch } => one_way::receive(side, (before, messages, batch), from),
        Work::Bursts { bursts, messages, period_us } => bursts::receive(side, (bursts, messages, period_us), from),
        Work::Laps { lap, later } => laps::receive(side, (lap, later), from),
        Work::RoundTrip { .. } => Err("a round trip has two channels".into()),
        Work::Many { .. } => Err("one end for many".into()),
        _ => Err("messages of one size for any length".into()),
    }
}

/// Both sides in a thread each. The first that fails is the one that is told of, and ends the process: the other may
/// wait for ever.
fn duo(
    task: &Task,
    board: &Board,
    sender: impl FnOnce() -> Result<Seen, Failure> + Send,
    receiver: impl FnOnce() -> Result<Seen, Failure> + Send,
) -> Result<Vec<Seen>, Failure> {
    let pinned = |role: Role| {
        pin::to(task.cpus[role as usize]).unwrap_or_else(|failure| crate::worker::fail(board, &failure));
    };
    let settle = |seen: Result<Seen, Failure>| seen.unwrap_or_else(|failure| crate::worker::fail(board, &failure));
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            pinned(Role::Sender);
            settle(sender())
        });
        let receiver = scope.spawn(move || {
            pinned(Role::Receiver);
            settle(receiver())
        });
        let panicked = |_| Failure::from("a thread has panicked");
        Ok(vec![sender.join().map_err(panicked)?, receiver.join().map_err(panicked)?])
    })
}
