//! Ends for messages of any length at work, each in a process of its own.

use super::{Between, Lengths, Receiver, Sender};
use crate::board::Board;
use crate::clock::Of;
use crate::contestant::{Failure, Place};
use crate::entry::Runner;
use crate::pin;
use crate::task::{Part, Role, Seen, Task, Work};
use crate::work::content::{Large, Records};
use crate::work::{Side, WrongMessage, bursts, one_way};

/// A process for each end.
pub struct Processes<C>(pub C);

impl<C: Between> Runner for Processes<C> {
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        let Part::One(role) = task.part else { return Err("one process for two".into()) };
        pin::to(task.cpus[role as usize])?;
        let side = Side { board, role, of: Of::Process, task };
        let (place, bytes) = (task.place(0), task.bytes);
        let lengths = match task.work {
            Work::Bulk { .. } => Lengths::Known(bytes),
            _ => Lengths::UpTo(bytes),
        };
        Ok(vec![match role {
            Role::Sender => send(&side, self.0.sender(&place, lengths)?)?,
            Role::Receiver => receive(&side, self.0.receiver(&place, lengths)?)?,
        }])
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

fn send(side: &Side<'_>, mut to: impl Sender) -> Result<Seen, Failure> {
    let bytes = side.task.bytes;
    match side.task.work {
        Work::Bulk { messages, before } => {
            let mut message = Large::new(bytes);
            one_way::sending(side, (before, messages), |mut numbers| {
                numbers.try_for_each(|number| to.send(message.stamped(number)))
            })
        }
        Work::Records { messages, before, least } => {
            let mut records = Records::new(least, bytes);
            one_way::sending(side, (before, messages), |mut numbers| {
                numbers.try_for_each(|number| to.send(records.make(number)))
            })
        }
        Work::RecordBursts { bursts, messages, period_us, least } => {
            let mut records = Records::new(least, bytes);
            bursts::sending(side, (bursts, messages, period_us), |number| to.send(records.make(number)))
        }
        _ => Err("work for messages of one size".into()),
    }
}

fn receive(side: &Side<'_>, mut from: impl Receiver) -> Result<Seen, Failure> {
    let bytes = side.task.bytes;
    match side.task.work {
        Work::Bulk { messages, before } => {
            let mut message = Large::new(bytes);
            let seen = one_way::receiving(side, (before, messages), |mut numbers| {
                numbers.try_for_each(|number| {
                    let len = from.recv(message.buffer())?;
                    if len == bytes && message.is(number) { Ok(()) } else { Err(wrong(number, len)) }
                })
            })?;
            // Of the last one every byte, when the clock has stopped.
            let last = before + messages - 1;
            if message.is_wholly(last) { Ok(seen) } else { Err(wrong(last, bytes)) }
        }
        Work::Records { messages, before, least } => {
            let mut got = Got { from, records: Records::new(least, bytes), buffer: vec![0; bytes] };
            one_way::receiving(side, (before, messages), |mut numbers| {
                numbers.try_for_each(|number| {
                    let len = bursts::Gets::get(&mut got)?;
                    bursts::Gets::check(&mut got, &len, number)
                })
            })
        }
        Work::RecordBursts { bursts, messages, period_us, least } => {
            let got = Got { from, records: Records::new(least, bytes), buffer: vec![0; bytes] };
            bursts::receiving(side, (bursts, messages, period_us), got)
        }
        _ => Err("work for messages of one size".into()),
    }
}

/// A receiver, its buffer, and what should come.
struct Got<R> {
    from: R,
    records: Records,
    buffer: Vec<u8>,
}

impl<R: Receiver> bursts::Gets for Got<R> {
    type Got = usize;

    #[inline(always)]
    fn get(&mut self) -> Result<usize, Failure> {
        self.from.recv(&mut self.buffer)
    }

    #[inline(always)]
    fn check(&mut self, &len: &usize, number: u64) -> Result<(), Failure> {
        let is_right = self.buffer.get(..len).is_some_and(|record| self.records.is(number, record));
        if is_right { Ok(()) } else { Err(wrong(number, len)) }
    }
}

#[cold]
#[inline(never)]
fn wrong(number: u64, len: usize) -> Failure {
    WrongMessage(format!("instead of message {number} came something else, of {len} bytes")).into()
}
