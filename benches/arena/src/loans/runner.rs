//! Ends that lend memory at work, each in a process of its own.

use super::{Between, Receiver, Sender};
use crate::board::Board;
use crate::clock::Of;
use crate::contestant::{Failure, Place};
use crate::entry::Runner;
use crate::pin;
use crate::task::{Part, Role, Seen, Task, Work};
use crate::work::{Side, WrongMessage, content, one_way, round_trip};
use std::hint::black_box;

/// So often each message is read before the clock starts: a receiver that is slower than its sender lets the channel become
/// full, so that all of its memory has been written and read.
const SLOWLY: u64 = 3;

/// A process for each end.
pub struct Processes<C>(pub C);

impl<C: Between> Runner for Processes<C> {
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        let Part::One(role) = task.part else { return Err("one process for two".into()) };
        pin::to(task.cpus[role as usize])?;
        let side = Side { board, role, of: Of::Process, task };
        let (there, back, bytes) = (task.place(0), task.place(1), task.bytes);
        let seen = match (role, task.work) {
            (Role::Sender, Work::Loans { messages, before }) => {
                send(&side, (before, messages), self.0.sender(&there, bytes)?)
            }
            (Role::Receiver, Work::Loans { messages, before }) => {
                receive(&side, (before, messages), self.0.receiver(&there, bytes)?)
            }
            (Role::Sender, Work::LoanTrips { trips, timed, touched }) => {
                let (mut there, mut back) = (self.0.sender(&there, bytes)?, self.0.receiver(&back, bytes)?);
                round_trip::asking(&side, (trips, timed), |number| {
                    there.send(|words| write(words, touched, number))?;
                    back.recv(|words| read(words, bytes, touched, number))
                })
            }
            (Role::Receiver, Work::LoanTrips { trips, timed, touched }) => {
                let (mut there, mut back) = (self.0.receiver(&there, bytes)?, self.0.sender(&back, bytes)?);
                round_trip::answering(&side, (trips, timed), |number| {
                    there.recv(|words| read(words, bytes, touched, number))?;
                    back.send(|words| write(words, touched, number))
                })
            }
            _ => Err("work for messages that are copied".into()),
        };
        Ok(vec![seen?])
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

fn send(side: &Side<'_>, amounts: (u64, u64), mut to: impl Sender) -> Result<Seen, Failure> {
    let bytes = side.task.bytes;
    one_way::sending(side, amounts, |mut numbers| {
        numbers.try_for_each(|number| to.send(|words| write(words, bytes, number)))
    })
}

fn receive(side: &Side<'_>, (before, messages): (u64, u64), mut from: impl Receiver) -> Result<Seen, Failure> {
    let bytes = side.task.bytes;
    one_way::receiving(side, (before, messages), |mut numbers| {
        numbers.try_for_each(|number| {
            let times = if number < before { SLOWLY } else { 1 };
            from.recv(|words| (0..times).try_for_each(|_| read(black_box(words), bytes, bytes, number)))
        })
    })
}

/// Writes the first `touched` bytes of the message with this number.
fn write(words: &mut [u64], touched: usize, number: u64) {
    content::write(&mut words[..touched / size_of::<u64>()], number);
}

/// Looks at the first `touched` bytes of what should be that message, and whether it is of so many bytes.
fn read(words: &[u64], bytes: usize, touched: usize, number: u64) -> Result<(), Failure> {
    let is_right = size_of_val(words) == bytes && content::is(&words[..touched / size_of::<u64>()], number);
    if is_right { Ok(()) } else { Err(wrong(words, number)) }
}

#[cold]
#[inline(never)]
fn wrong(words: &[u64], number: u64) -> Failure {
    let bytes = size_of_val(words);
    WrongMessage(format!("instead of message {number} came something else, of {bytes} bytes")).into()
}
