//! Messages of many senders at many receivers: which there are, and what became of them.
//!
//! A receiver sees to it that the numbers of each sender only rise, and adds up what it got. The sums of all receivers
//! must then be those of what was sent: a count, a sum and a sum of squares, so that a message that came twice does not
//! stand for one that never came.

use super::WrongMessage;
use crate::contestant::Failure;
use serde::{Deserialize, Serialize};

/// A message is its sender, and below that its number among those of the sender.
const NUMBER_BITS: u32 = 56;
const NUMBER: u64 = (1 << NUMBER_BITS) - 1;
/// Of no sender: the receiver that gets it has got everything.
pub const STOP: u64 = u64::MAX;

/// The message of that sender with that number.
#[inline(always)]
pub fn message(sender: usize, number: u64) -> u64 {
    (sender as u64) << NUMBER_BITS | number
}

/// What came from one sender. Sums are modulo 2^64.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// One more than the last number; at one receiver, numbers below are out of order.
    next: u64,
    count: u64,
    sum: u64,
    squares: u64,
}

impl Tally {
    /// All messages below this number, once each.
    fn of_all(messages: u64) -> Self {
        let n = u128::from(messages);
        // n up to 2^40 here: a product of three fits.
        let sum = n * n.saturating_sub(1) / 2;
        let squares = sum * (2 * n).saturating_sub(1) / 3;
        Self { next: messages, count: messages, sum: sum as u64, squares: squares as u64 }
    }

    fn and(self, other: &Self) -> Self {
        Self {
            next: self.next.max(other.next),
            count: self.count.wrapping_add(other.count),
            sum: self.sum.wrapping_add(other.sum),
            squares: self.squares.wrapping_add(other.squares),
        }
    }
}

/// What one receiver has got.
#[derive(Debug)]
pub struct Taken(Vec<Tally>);

impl Taken {
    /// Nothing, of so many senders.
    pub fn new(senders: usize) -> Self {
        Self(vec![Tally::default(); senders])
    }

    /// One more message; whether there may be more to come.
    #[inline(always)]
    pub fn take(&mut self, message: u64) -> Result<bool, Failure> {
        let (sender, number) = ((message >> NUMBER_BITS) as usize, message & NUMBER);
        // The one look that the array needs anyway is also the one for the end.
        let Some(tally) = self.0.get_mut(sender) else { return other(message) };
        if number < tally.next {
            return Err(out_of_order(sender, number, tally.next));
        }
        tally.next = number + 1;
        tally.count += 1;
        tally.sum = tally.sum.wrapping_add(number);
        tally.squares = tally.squares.wrapping_add(number.wrapping_mul(number));
        Ok(true)
    }

    /// The messages of a batch; how many come before the end, if that is among them, or all.
    ///
    /// As [`take`](Self::take) of each, but that what came from one sender is added up before it is stored: of batches the other took half of
    /// a receiver's time.
    #[inline(always)]
    pub fn take_all(&mut self, messages: &[u64]) -> Result<usize, Failure> {
        let mut at = 0;
        while let Some(&first) = messages.get(at) {
            let sender = first >> NUMBER_BITS;
            let Some(tally) = self.0.get_mut(sender as usize) else { return other(first).map(|_| at) };
            let mut sums = *tally;
            for message in messages[at..].iter().take_while(|&message| message >> NUMBER_BITS == sender) {
                let number = message & NUMBER;
                if number < sums.next {
                    return Err(out_of_order(sender as usize, number, sums.next));
                }
                sums.next = number + 1;
                sums.count += 1;
                sums.sum = sums.sum.wrapping_add(number);
                sums.squares = sums.squares.wrapping_add(number.wrapping_mul(number));
                at += 1;
            }
            *tally = sums;
        }
        Ok(at)
    }

    /// For who adds them up.
    pub fn into_tallies(self) -> Vec<Tally> {
        self.0
    }
}

#[cold]
#[inline(never)]
fn other(message: u64) -> Result<bool, Failure> {
    if message == STOP { Ok(false) } else { Err(WrongMessage(format!("nobody sent {message:#x}")).into()) }
}

#[cold]
#[inline(never)]
fn out_of_order(sender: usize, number: u64, next: u64) -> Failure {
    let last = next - 1;
    WrongMessage(format!("message {number} of sender {sender} came to a receiver after its message {last}")).into()
}

/// That all receivers together got `messages` from each sender, each once.
pub fn check<'a>(receivers: impl Iterator<Item = &'a [Tally]>, senders: usize, messages: u64) -> Result<(), String> {
    let mut all = vec![Tally::default(); senders];
    for receiver in receivers {
        for (all, one) in all.iter_mut().zip(receiver) {
            *all = all.and(one);
        }
    }
    for (sender, got) in all.iter().enumerate() {
        if got.count != messages {
            return Err(format!("of {messages} messages of sender {sender} there came {}", got.count));
        }
        if *got != Tally::of_all(messages) {
            return Err(format!("of sender {sender} as many messages came as were sent, and they are not the same"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a receiver has that took these, as (sender, number); one by one, and in batches.
    fn taken(messages: &[(usize, u64)]) -> Result<Vec<Tally>, Failure> {
        let messages: Vec<u64> = messages.iter().map(|&(sender, number)| message(sender, number)).collect();
        let mut single = Taken::new(2);
        let one_by_one = messages.iter().try_for_each(|&message| single.take(message).map(|_| ()));
        for size in 1..=messages.len() {
            let mut batched = Taken::new(2);
            let in_batches = messages.chunks(size).try_for_each(|batch| {
                assert_eq!(batched.take_all(batch)?, batch.len());
                Ok::<_, Failure>(())
            });
            assert_eq!(in_batches.map_err(|error| error.to_string()), as_text(&one_by_one), "batches of {size}");
            assert!(one_by_one.is_err() || batched.0 == single.0, "batches of {size}");
        }
        one_by_one.map(|()| single.into_tallies())
    }

    fn as_text(outcome: &Result<(), Failure>) -> Result<(), String> {
        outcome.as_ref().map_err(ToString::to_string).copied()
    }

    fn together(receivers: &[&[(usize, u64)]], messages: u64) -> Result<(), String> {
        let all: Vec<_> = receivers.iter().map(|it| taken(it).expect("in order")).collect();
        check(all.iter().map(Vec::as_slice), 2, messages)
    }

    #[test]
    fn all_that_was_sent_is_all_there_is() {
        assert_eq!(together(&[&[(0, 0), (1, 1), (0, 2)], &[(0, 1), (1, 0), (1, 2)]], 3), Ok(()));
        assert_eq!(together(&[&[(1, 0), (0, 0), (1, 1)], &[(0, 1)]], 2), Ok(()));
    }

    #[test]
    fn what_is_lost_or_comes_twice_is_told() {
        let lost = together(&[&[(0, 0), (1, 0), (1, 1), (1, 2)], &[(0, 2)]], 3);
        assert_eq!(lost, Err("of 3 messages of sender 0 there came 2".into()));
        let twice = together(&[&[(0, 0), (1, 0), (1, 1)], &[(0, 0), (0, 1)]], 2);
        assert_eq!(twice, Err("of 2 messages of sender 0 there came 3".into()));
    }

    /// The count is right, and in the second case the sum is, too.
    #[test]
    fn one_message_twice_does_not_stand_for_another() {
        let same = |result: Result<(), String>| result.is_err_and(|why| why.contains("not the same"));
        let other = [(1, 0), (1, 1), (1, 2), (1, 3)];
        assert!(same(together(&[&[(0, 0), (0, 1), (0, 3)], &[(0, 1)], &other], 4)));
        assert!(same(together(&[&[(0, 0), (0, 3)], &[(0, 0), (0, 3)], &other], 4)));
    }

    #[test]
    fn a_receiver_sees_numbers_that_only_rise() {
        assert!(taken(&[(0, 5), (1, 2), (0, 9), (1, 3)]).is_ok());
        for wrong in [[(0, 1), (0, 0)], [(1, 4), (1, 4)]] {
            let failure = taken(&wrong).expect_err("out of order");
            assert!(failure.is::<WrongMessage>(), "{failure}");
        }
        assert!(Taken::new(2).take(message(2, 0)).is_err_and(|why| why.is::<WrongMessage>()));
        assert!(!Taken::new(2).take(STOP).expect("the end is no failure"));
        assert!(Taken::new(2).take_all(&[message(1, 0), message(2, 0)]).is_err_and(|why| why.is::<WrongMessage>()));
        let with_ends = [message(1, 0), message(0, 4), STOP, STOP];
        assert_eq!(Taken::new(2).take_all(&with_ends).expect("the end is no failure"), 2);
        assert_eq!(Taken::new(2).take_all(&[]).expect("nothing is no failure"), 0);
    }
}
