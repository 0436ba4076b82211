//! A message there and a message back.

use super::{Side, check, histogram};
use crate::clock::now_ns;
use crate::contestant::{Failure, Message, Receiver, Sender};
use crate::task::Seen;

/// One trip in so many goes before the clock starts.
const BEFORE: u64 = 20;

/// Trips before the clock starts: sleepers have slept, pages have been touched.
fn before(trips: u64) -> u64 {
    trips / BEFORE + 1
}

/// Asks: `trips` in a row under one clock, then `timed` with a clock each.
pub fn ask<M: Message>(
    side: &Side<'_>,
    (trips, timed): (u64, u64),
    mut there: impl Sender<M>,
    mut back: impl Receiver<M>,
) -> Result<Seen, Failure> {
    asking(side, (trips, timed), |number| {
        there.send(M::of(number))?;
        check(&back.recv()?, number)
    })
}

/// Has `trip` make the trips with these numbers.
pub fn asking(
    side: &Side<'_>,
    (trips, timed): (u64, u64),
    mut trip: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<Seen, Failure> {
    side.measure(|| {
        let start = before(trips);
        (0..start).try_for_each(&mut trip)?;
        let cpu = side.cpu_ns();
        let began = now_ns();
        (start..start + trips).try_for_each(&mut trip)?;
        let ended = now_ns();
        let cpu = side.cpu_ns() - cpu;
        let mut singles = histogram::empty();
        let mut last = now_ns();
        for number in start + trips..start + trips + timed {
            trip(number)?;
            let now = now_ns();
            singles.saturating_record(now - last);
            last = now;
        }
        Ok(Seen {
            began_ns: Some(began),
            ended_ns: Some(ended),
            cpu_ns: Some(cpu),
            trips_ns: histogram::counted(&singles),
            ..Seen::default()
        })
    })
}

/// Answers each message with itself.
pub fn answer<M: Message>(
    side: &Side<'_>,
    (trips, timed): (u64, u64),
    mut there: impl Receiver<M>,
    mut back: impl Sender<M>,
) -> Result<Seen, Failure> {
    answering(side, (trips, timed), |number| {
        let message = there.recv()?;
        check(&message, number)?;
        back.send(message)
    })
}

/// Has `answer` answer the trips with these numbers.
pub fn answering(
    side: &Side<'_>,
    (trips, timed): (u64, u64),
    answer: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<Seen, Failure> {
    side.measure(|| {
        (0..before(trips) + trips + timed).try_for_each(answer)?;
        Ok(Seen::default())
    })
}
