//! Messages from many senders to many receivers, as fast as they go.
//!
//! No receiver knows how many will be its own. When all senders are done, the last of them sends what ends a receiver,
//! once for each place in each receiver's batch: every receiver finds one, whatever the others take at once. The channel
//! is in order, so all else was taken before. What no receiver needed, the last of them takes while that sender sends it:
//! it may be more than there is room for.

use super::tally::{STOP, Taken, message};
use crate::board::Board;
use crate::clock::{Of, cpu_ns, now_ns};
use crate::contestant::Failure;
use crate::many::{Crowd, Receiver, Sender};
use crate::task::{Role, Seen, Task, Work};
use crate::weather;
use std::ops::Range;

/// Where an end stands while it works.
#[derive(Debug)]
pub struct Member<'a> {
    /// What all share.
    pub board: &'a Board,
    /// All ends.
    pub crowd: Crowd<'a>,
    /// Of which kind this one is.
    pub role: Role,
    /// Which of its kind.
    pub index: usize,
    /// Whose processor time is its own.
    pub of: Of,
    /// What is to be done.
    pub task: &'a Task,
}

/// How much each sender sends, and how.
#[derive(Debug, Clone, Copy)]
struct Amount {
    sides: usize,
    messages: u64,
    before: u64,
    batch: usize,
}

impl Member<'_> {
    fn amount(&self) -> Result<Amount, Failure> {
        match self.task.work {
            Work::Many { sides, messages, before, batch } => Ok(Amount { sides, messages, before, batch }),
            _ => Err("work for one sender and one receiver".into()),
        }
    }

    /// All ends are there: the first of each kind look at the weather while the others sleep; then the work. Who fails tells so and
    /// ends the process here, as in [`Side::measure`](super::Side::measure).
    pub fn measure(&self, work: impl FnOnce() -> Result<Seen, Failure>) -> Result<Seen, Failure> {
        self.measured(work).inspect_err(|failure| crate::worker::fail(self.board, failure))
    }

    fn measured(&self, work: impl FnOnce() -> Result<Seen, Failure>) -> Result<Seen, Failure> {
        self.crowd.meet()?;
        let before = self.look()?;
        self.crowd.meet()?;
        let mut seen = work()?;
        self.crowd.meet()?;
        let after = self.look()?;
        self.crowd.meet()?;
        seen.weather_ns = (self.role == Role::Sender && self.index == 0).then_some([before, after]);
        Ok(seen)
    }

    fn look(&self) -> Result<f64, Failure> {
        if self.index > 0 {
            return Ok(0.0);
        }
        weather::look(self.board, self.role, self.task.weather_us)
    }
}

/// Sends. The clock starts when all are there for the messages that count.
pub fn send(member: &Member<'_>, mut to: impl Sender) -> Result<Seen, Failure> {
    let amount = member.amount()?;
    member.measure(|| {
        put(member, &amount, &mut to, 0..amount.before)?;
        let cpu = cpu_ns(member.of);
        member.crowd.meet()?;
        let began = now_ns();
        put(member, &amount, &mut to, amount.before..amount.before + amount.messages)?;
        let cpu = cpu_ns(member.of) - cpu;
        Ok(Seen { began_ns: Some(began), cpu_ns: Some(cpu), ..Seen::default() })
    })
}

/// Sends its messages, and the last of all senders what ends the receivers. Then all are done, and the channel is empty.
fn put(member: &Member<'_>, amount: &Amount, to: &mut impl Sender, numbers: Range<u64>) -> Result<(), Failure> {
    let sender = member.index;
    if amount.batch == 1 {
        numbers.into_iter().try_for_each(|number| to.send(message(sender, number)))?;
    } else {
        let mut batch = vec![0; amount.batch];
        let mut next = numbers.start;
        while next < numbers.end {
            let count = (numbers.end - next).min(amount.batch as u64) as usize;
            for (place, number) in batch[..count].iter_mut().zip(next..) {
                *place = message(sender, number);
            }
            to.send_many(&batch[..count])?;
            next += count as u64;
        }
    }
    if member.crowd.is_last_sender(amount.sides) {
        let stops = vec![STOP; amount.batch];
        for _ in 0..amount.sides {
            if amount.batch == 1 { to.send(STOP) } else { to.send_many(&stops) }?;
        }
    }
    member.crowd.meet()
}

/// Receives and checks. The clock ends when this one has got its last and knows it.
pub fn receive(member: &Member<'_>, mut from: impl Receiver) -> Result<Seen, Failure> {
    let amount = member.amount()?;
    member.measure(|| {
        let mut taken = Taken::new(amount.sides);
        let mut batch = vec![0; amount.batch];
        take(&mut from, &mut taken, &mut batch, member, &amount)?;
        let cpu = cpu_ns(member.of);
        member.crowd.meet()?;
        let ended = take(&mut from, &mut taken, &mut batch, member, &amount)?;
        let cpu = cpu_ns(member.of) - cpu;
        Ok(Seen { ended_ns: Some(ended), cpu_ns: Some(cpu), tallies: Some(taken.into_tallies()), ..Seen::default() })
    })
}

/// Receives until the end, and the last of all receivers what is left; when the end came.
fn take(
    from: &mut impl Receiver,
    taken: &mut Taken,
    batch: &mut [u64],
    member: &Member<'_>,
    amount: &Amount,
) -> Result<u64, Failure> {
    let stops = until_stopped(from, taken, batch)?;
    let ended = now_ns();
    if let Some(all) = member.crowd.last_of_receivers(amount.sides, stops) {
        for _ in all..(amount.sides * amount.batch) as u64 {
            let message = from.recv()?;
            if taken.take(message)? {
                return Err(super::WrongMessage(format!("{message:#x} came after the end")).into());
            }
        }
    }
    member.crowd.meet()?;
    Ok(ended)
}

/// How many of the messages that came were its end.
#[inline(always)]
fn until_stopped(from: &mut impl Receiver, taken: &mut Taken, batch: &mut [u64]) -> Result<u64, Failure> {
    if batch.len() == 1 {
        while taken.take(from.recv()?)? {}
        return Ok(1);
    }
    loop {
        let count = from.recv_many(batch)?;
        let before_the_end = taken.take_all(&batch[..count])?;
        let rest = &batch[before_the_end..count];
        if !rest.is_empty() {
            return match rest.iter().find(|&&it| it != STOP) {
                None => Ok(rest.len() as u64),
                Some(other) => Err(super::WrongMessage(format!("{other:#x} came after the end")).into()),
            };
        }
    }
}
