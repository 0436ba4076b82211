//! What contestants do: the loops around them, compiled for each.

pub mod bursts;
pub mod content;
pub mod histogram;
pub mod laps;
pub mod many;
pub mod one_way;
pub mod pairs;
pub mod round_trip;
pub mod tally;

use crate::board::Board;
use crate::clock::{Of, cpu_ns, sleeps};
use crate::contestant::{Failure, Message};
use crate::idle;
use crate::task::{Role, Seen, Task};
use crate::weather;
use std::fmt;

/// Where a side stands while it works: the board, its role, whose processor time is its own.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// What both sides share.
    pub board: &'a Board,
    /// Which side.
    pub role: Role,
    /// Whose processor time.
    pub of: Of,
    /// What is to be done.
    pub task: &'a Task,
}

impl Side<'_> {
    /// Both ends are there: looks at the weather, does the work, looks again. Who fails tells so and ends the process here, while
    /// its ends are open: the other side, finding one closed, could else be first to tell what only followed.
    pub fn measure(&self, work: impl FnOnce() -> Result<Seen, Failure>) -> Result<Seen, Failure> {
        self.measured(work).inspect_err(|failure| crate::worker::fail(self.board, failure))
    }

    fn measured(&self, work: impl FnOnce() -> Result<Seen, Failure>) -> Result<Seen, Failure> {
        // While they come nobody is measured, and they come fastest while nobody spins.
        idle::await_all(self.board, self.task.idle)?;
        self.board.set_thread(self.role, nix::unistd::gettid().as_raw());
        self.board.meet(self.role)?;
        if self.task.traced {
            self.board.wait_for_tracer()?;
        }
        let before = weather::look(self.board, self.role, self.task.weather_us)?;
        self.board.meet(self.role)?;
        let mut seen = work()?;
        let after = weather::look(self.board, self.role, self.task.weather_us)?;
        seen.weather_ns = (self.role == Role::Sender).then_some([before, after]);
        if self.role == Role::Sender && self.task.idle > 0 {
            idle::dismiss(self.board);
        }
        Ok(seen)
    }

    /// Processor time used so far.
    fn cpu_ns(&self) -> u64 {
        cpu_ns(self.of)
    }

    /// How often it slept so far.
    fn sleeps(&self) -> u64 {
        sleeps(self.of)
    }
}

/// That this is the message with that number, or else which it is.
#[inline(always)]
pub fn check<M: Message>(message: &M, number: u64) -> Result<(), Failure> {
    if message.is(number) { Ok(()) } else { Err(wrong(message, number)) }
}

/// A message came that is not the one that was sent: the contestant, or the arena, is broken.
#[derive(Debug)]
pub struct WrongMessage(pub String);

impl fmt::Display for WrongMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongMessage {}

#[cold]
#[inline(never)]
fn wrong<M: Message>(message: &M, number: u64) -> Failure {
    let says = message.number();
    WrongMessage(format!("instead of message {number} came one that says it is {says}: {message:?}")).into()
}
