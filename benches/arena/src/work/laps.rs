//! The first messages of a fresh channel, then others: what the kernel's zeroing and mapping of pages costs. The only work in
//! which nothing has gone through the channel before the clock starts.

use super::Side;
use super::one_way::{put, take};
use crate::clock::now_ns;
use crate::contestant::{Failure, Message, Receiver, Sender};
use crate::task::Seen;

/// Where on the board the sender says when it began: the first lap, the others.
const BEGAN: [usize; 2] = [0, 1];

/// Numbers of the messages of the first lap, and of the others.
fn parts((lap, later): (u64, u64)) -> [std::ops::Range<u64>; 2] {
    [0..lap, lap..lap * (later + 1)]
}

/// Sends.
pub fn send<M: Message>(side: &Side<'_>, laps: (u64, u64), mut to: impl Sender<M>) -> Result<Seen, Failure> {
    side.measure(|| {
        for (numbers, at) in parts(laps).into_iter().zip(BEGAN) {
            side.board.stamp(at, now_ns());
            put(&mut to, numbers, 1)?;
            side.board.meet(side.role)?;
        }
        Ok(Seen::default())
    })
}

/// Receives and checks: millions of messages a second in the first lap, in the others, and how many times as fast those were.
pub fn receive<M: Message>(side: &Side<'_>, laps: (u64, u64), mut from: impl Receiver<M>) -> Result<Seen, Failure> {
    side.measure(|| {
        let mut rates = Vec::new();
        for (numbers, at) in parts(laps).into_iter().zip(BEGAN) {
            let messages = numbers.end - numbers.start;
            take(&mut from, numbers, 1)?;
            rates.push(messages as f64 * 1e3 / (now_ns() - side.board.stamped(at)) as f64);
            side.board.meet(side.role)?;
        }
        Ok(Seen { found: [(0, rates[0]), (1, rates[1]), (2, rates[1] / rates[0])].into(), ..Seen::default() })
    })
}
