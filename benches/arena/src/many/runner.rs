//! Many ends at work: each in a process of its own, or all in threads of one.
//!
//! Half of each kind runs on each of the two processors: sender 0 on the first and receiver 0 on the second, as with one
//! of each, then the other way round.

use super::{Between, Crowd, Receiver, Seat, Sender, Within};
use crate::board::Board;
use crate::clock::Of;
use crate::contestant::{Failure, Place};
use crate::entry::Runner;
use crate::pin;
use crate::task::{Part, Role, Seen, Task, Work};
use crate::work::many::{Member, receive, send};

/// How many of each kind the task is for.
fn sides(task: &Task) -> Result<usize, Failure> {
    match task.work {
        Work::Many { sides, .. } => Ok(sides),
        _ => Err("work for one sender and one receiver".into()),
    }
}

fn member<'a>(task: &'a Task, board: &'a Board, of: Of, role: Role, index: usize) -> Result<Member<'a>, Failure> {
    pin::to(task.cpus[(role as usize + index) % task.cpus.len()])?;
    Ok(Member { board, crowd: Crowd::new(board, 2 * sides(task)?), role, index, of, task })
}

/// A process for each end.
pub struct Processes<C>(pub C);

impl<C: Between> Runner for Processes<C>
where
    C::Sender: Sender,
    C::Receiver: Receiver,
{
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        let Part::OneOf(role, index) = task.part else { return Err("one process for many".into()) };
        let member = member(task, board, Of::Process, role, index)?;
        let (place, sides) = (task.place(0), sides(task)?);
        let seat = Seat { place: &place, index, sides };
        Ok(vec![match role {
            Role::Sender => send(&member, self.0.sender(&seat)?)?,
            Role::Receiver => receive(&member, self.0.receiver(&seat)?)?,
        }])
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

/// A thread for each end.
pub struct Threads<C>(pub C);

impl<C: Within> Runner for Threads<C>
where
    C::Sender: Sender,
    C::Receiver: Receiver,
{
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        let (senders, receivers) = self.0.ends(&task.place(0), sides(task)?)?;
        let member = |role, index| member(task, board, Of::Thread, role, index);
        // The first failure ends the process: the others may wait for ever.
        let settle = |seen: Result<Seen, Failure>| seen.unwrap_or_else(|failure| crate::worker::fail(board, &failure));
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for (index, receiver) in receivers.into_iter().enumerate() {
                let work = move || member(Role::Receiver, index).and_then(|it| receive(&it, receiver));
                threads.push(scope.spawn(move || settle(work())));
            }
            for (index, sender) in senders.into_iter().enumerate() {
                let work = move || member(Role::Sender, index).and_then(|it| send(&it, sender));
                threads.push(scope.spawn(move || settle(work())));
            }
            let panicked = |_| Failure::from("a thread has panicked");
            threads.into_iter().map(|thread| thread.join().map_err(panicked)).collect()
        })
    }

    fn clean(&self, _: &Place) {}
}
