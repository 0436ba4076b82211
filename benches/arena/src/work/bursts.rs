//! Some messages at once, then nothing for a while: what it costs to be woken, and what it costs not to sleep.

use super::{Side, check, histogram};
use crate::clock::{now_ns, sleep_until};
use crate::contestant::{Failure, Message, Receiver, Sender};
use crate::task::Seen;
use std::marker::PhantomData;

/// Bursts before those that count: the first is late for many reasons.
pub const BEFORE: u64 = 2;

/// Sends a burst a period, by an absolute clock, and writes down when the first and the last message left.
pub fn send<M: Message>(side: &Side<'_>, schedule: (u64, u64, u64), mut to: impl Sender<M>) -> Result<Seen, Failure> {
    sending(side, schedule, |number| to.send(M::of(number)))
}

/// Has `put` send the message with this number: so many bursts of so many messages, one a period.
pub fn sending(
    side: &Side<'_>,
    (bursts, messages, period_us): (u64, u64, u64),
    mut put: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<Seen, Failure> {
    side.measure(|| {
        let start = now_ns();
        let (mut cpu, mut began, mut number) = (0, 0, 0);
        let mut sleeps = 0;
        for burst in 0..BEFORE + bursts {
            if burst == BEFORE {
                (cpu, began) = (side.cpu_ns(), now_ns());
            }
            sleep_until(start + (burst + 1) * period_us * 1000);
            // Our own sleep is not the contestant's.
            let before = side.sleeps();
            side.board.counts(side.role, burst >= BEFORE);
            for n in 0..messages {
                if n == 0 || n + 1 == messages {
                    side.board.stamp(burst as usize * 2 + (n > 0) as usize, now_ns());
                }
                put(number)?;
                number += 1;
            }
            side.board.counts(side.role, false);
            if burst >= BEFORE {
                sleeps += side.sleeps() - before;
            }
        }
        let cpu = side.cpu_ns() - cpu;
        Ok(Seen { began_ns: Some(began), cpu_ns: Some(cpu), sleeps: Some(sleeps), ..Seen::default() })
    })
}

/// Receives; between bursts it waits in the contestant's way.
pub fn receive<M: Message>(
    side: &Side<'_>,
    schedule: (u64, u64, u64),
    from: impl Receiver<M>,
) -> Result<Seen, Failure> {
    receiving(side, schedule, Typed(from, PhantomData))
}

/// What receives messages, and then looks at them.
pub trait Gets {
    /// A message, or what is known of it.
    type Got;

    /// Receives one.
    fn get(&mut self) -> Result<Self::Got, Failure>;

    /// That it is the message with that number, or else which it is.
    fn check(&mut self, got: &Self::Got, number: u64) -> Result<(), Failure>;
}

/// A receiver of messages of one type.
struct Typed<M, R>(R, PhantomData<M>);

impl<M: Message, R: Receiver<M>> Gets for Typed<M, R> {
    type Got = M;

    #[inline(always)]
    fn get(&mut self) -> Result<M, Failure> {
        self.0.recv()
    }

    #[inline(always)]
    fn check(&mut self, got: &M, number: u64) -> Result<(), Failure> {
        check(got, number)
    }
}

/// Has `from` receive the bursts, and check each message after the clock was read.
pub fn receiving<G: Gets>(
    side: &Side<'_>,
    (bursts, messages, _): (u64, u64, u64),
    mut from: G,
) -> Result<Seen, Failure> {
    side.measure(|| {
        let [mut first, mut last, mut whole] = [(); 3].map(|()| histogram::empty());
        let (mut cpu, mut sleeps, mut number) = (0, 0, 0);
        for burst in 0..BEFORE + bursts {
            let counts = burst >= BEFORE;
            if burst == BEFORE {
                (cpu, sleeps) = (side.cpu_ns(), side.sleeps());
                side.board.counts(side.role, true);
            }
            for n in 0..messages {
                let message = from.get()?;
                if n == 0 || n + 1 == messages {
                    let now = now_ns();
                    let latency = now.saturating_sub(side.board.stamped(burst as usize * 2 + (n > 0) as usize));
                    if counts {
                        let histogram = if n == 0 { &mut first } else { &mut last };
                        histogram.saturating_record(latency);
                        if n > 0 {
                            whole.saturating_record(now.saturating_sub(side.board.stamped(burst as usize * 2)));
                        }
                    }
                }
                from.check(&message, number)?;
                number += 1;
            }
        }
        side.board.counts(side.role, false);
        let ended = now_ns();
        let (cpu, sleeps) = (side.cpu_ns() - cpu, side.sleeps() - sleeps);
        Ok(Seen {
            ended_ns: Some(ended),
            cpu_ns: Some(cpu),
            sleeps: Some(sleeps),
            first_ns: histogram::counted(&first),
            last_ns: histogram::counted(&last),
            whole_ns: histogram::counted(&whole),
            ..Seen::default()
        })
    })
}
