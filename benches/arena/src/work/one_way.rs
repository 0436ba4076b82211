//! Messages from one side to the other, as fast as they go.

use super::{Side, check, wrong};
use crate::clock::now_ns;
use crate::contestant::{Failure, Message, Receiver, Sender};
use crate::task::Seen;
use std::ops::Range;

/// Sends. The clock starts before the first message that counts.
pub fn send<M: Message>(
    side: &Side<'_>,
    (before, messages, batch): (u64, u64, usize),
    mut to: impl Sender<M>,
) -> Result<Seen, Failure> {
    sending(side, (before, messages), |numbers| put(&mut to, numbers, batch))
}

/// Has `put` send the messages with these numbers.
pub fn sending(
    side: &Side<'_>,
    (before, messages): (u64, u64),
    mut put: impl FnMut(Range<u64>) -> Result<(), Failure>,
) -> Result<Seen, Failure> {
    side.measure(|| {
        put(0..before)?;
        // The receiver has them all: nothing of them is left in the channel when the clock starts.
        side.board.meet(side.role)?;
        let cpu = side.cpu_ns();
        let began = now_ns();
        put(before..before + messages)?;
        let cpu = side.cpu_ns() - cpu;
        Ok(Seen { began_ns: Some(began), cpu_ns: Some(cpu), ..Seen::default() })
    })
}

/// Sends the messages with these numbers.
pub fn put<M: Message>(to: &mut impl Sender<M>, numbers: Range<u64>, batch: usize) -> Result<(), Failure> {
    if batch == 1 {
        return numbers.into_iter().try_for_each(|number| to.send(M::of(number)));
    }
    let mut next = numbers.start;
    while next < numbers.end {
        let count = (numbers.end - next).min(batch as u64);
        to.send_batch(next, count as usize)?;
        next += count;
    }
    Ok(())
}

/// Receives and checks. The clock ends when the last has been checked.
pub fn receive<M: Message>(
    side: &Side<'_>,
    (before, messages, batch): (u64, u64, usize),
    mut from: impl Receiver<M>,
) -> Result<Seen, Failure> {
    receiving(side, (before, messages), |numbers| take(&mut from, numbers, batch))
}

/// Has `take` receive and check the messages with these numbers.
pub fn receiving(
    side: &Side<'_>,
    (before, messages): (u64, u64),
    mut take: impl FnMut(Range<u64>) -> Result<(), Failure>,
) -> Result<Seen, Failure> {
    side.measure(|| {
        take(0..before)?;
        let cpu = side.cpu_ns();
        side.board.meet(side.role)?;
        take(before..before + messages)?;
        let ended = now_ns();
        let cpu = side.cpu_ns() - cpu;
        Ok(Seen { ended_ns: Some(ended), cpu_ns: Some(cpu), ..Seen::default() })
    })
}

/// Receives and checks the messages with these numbers.
pub fn take<M: Message>(from: &mut impl Receiver<M>, numbers: Range<u64>, batch: usize) -> Result<(), Failure> {
    if batch == 1 {
        return numbers.into_iter().try_for_each(|number| check(&from.recv()?, number));
    }
    let mut next = numbers.start;
    while next < numbers.end {
        let mut bad = None;
        let max = (numbers.end - next).min(batch as u64) as usize;
        let mut seen = next;
        let count = from.recv_batch(max, |message| {
            if !message.is(seen) && bad.is_none() {
                bad = Some(wrong(message, seen));
            }
            seen += 1;
        })?;
        if let Some(bad) = bad {
            return Err(bad);
        }
        if seen != next + count as u64 || count > max {
            return Err(format!("{count} messages of {max} were received, and {} were looked at", seen - next).into());
        }
        next = seen;
    }
    Ok(())
}
