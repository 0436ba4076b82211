//! What all ends have seen, as one sender and one receiver: the clock starts with the first sender and ends with the last
//! receiver, and nothing is lost between them.

use crate::task::Seen;
use crate::work::tally;

/// All senders as one, all receivers as one. An error says which messages are missing or too many.
pub fn of(seen: Vec<Seen>, sides: usize, messages: u64) -> Result<[Seen; 2], String> {
    let (receivers, senders): (Vec<Seen>, Vec<Seen>) = seen.into_iter().partition(|seen| seen.tallies.is_some());
    if (senders.len(), receivers.len()) != (sides, sides) {
        return Err(format!("{} senders and {} receivers were heard", senders.len(), receivers.len()));
    }
    tally::check(receivers.iter().filter_map(|it| it.tallies.as_deref()), sides, messages)?;
    Ok(as_two(&senders, &receivers))
}

/// The same of pairs, each of which has checked its messages itself.
pub fn of_pairs(seen: Vec<Seen>, pairs: usize) -> Result<[Seen; 2], String> {
    let (receivers, senders): (Vec<Seen>, Vec<Seen>) = seen.into_iter().partition(|seen| seen.ended_ns.is_some());
    if (senders.len(), receivers.len()) != (pairs, pairs) {
        return Err(format!("{} senders and {} receivers were heard", senders.len(), receivers.len()));
    }
    Ok(as_two(&senders, &receivers))
}

fn as_two(senders: &[Seen], receivers: &[Seen]) -> [Seen; 2] {
    let cpu = |ends: &[Seen]| ends.iter().map(|end| end.cpu_ns).sum();
    [
        Seen {
            began_ns: senders.iter().filter_map(|it| it.began_ns).min(),
            cpu_ns: cpu(senders),
            weather_ns: senders.iter().find_map(|it| it.weather_ns),
            ..Seen::default()
        },
        Seen {
            ended_ns: receivers.iter().filter_map(|it| it.ended_ns).max(),
            cpu_ns: cpu(receivers),
            ..Seen::default()
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::tally::{Taken, message};

    fn receiver(numbers: &[u64], ended_ns: u64) -> Seen {
        let mut taken = Taken::new(2);
        for &number in numbers {
            (0..2).for_each(|sender| assert!(taken.take(message(sender, number)).expect("in order")));
        }
        Seen { ended_ns: Some(ended_ns), cpu_ns: Some(5), tallies: Some(taken.into_tallies()), ..Seen::default() }
    }

    #[test]
    fn the_first_that_begins_and_the_last_that_ends() {
        let sender = |began| Seen { began_ns: Some(began), cpu_ns: Some(1), ..Seen::default() };
        let seen = vec![receiver(&[0, 2], 90), sender(20), receiver(&[1], 70), sender(10)];
        let [sent, received] = of(seen.clone(), 2, 3).expect("all is there");
        assert_eq!((sent.began_ns, sent.cpu_ns), (Some(10), Some(2)));
        assert_eq!((received.ended_ns, received.cpu_ns), (Some(90), Some(10)));
        assert!(of(seen.clone(), 2, 4).is_err_and(|why| why.contains("there came 3")));
        assert!(of(seen[1..].to_vec(), 2, 3).is_err_and(|why| why.contains("1 receivers")));
    }
}
