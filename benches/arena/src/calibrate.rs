//! How many messages a turn must have to take as long as it should.

/// What follows from a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It was too short to tell: another, with so many.
    Again(u64),
    /// So many it is.
    Settled(u64),
}

/// How many to begin with.
pub const FIRST: u64 = 1000;
/// The most there ever are.
const MOST: u64 = 1 << 32;
/// A trial grows at most so many times.
const GROWTH: f64 = 32.0;

/// What follows when `amount` took so long, and a turn is to take `target_ns`.
pub fn next(amount: u64, elapsed_ns: u64, target_ns: u64) -> Next {
    let scale = target_ns as f64 / elapsed_ns.max(1) as f64;
    let scaled = |by: f64| ((amount as f64 * by) as u64).clamp(1, MOST);
    if scale <= 3.0 || amount >= MOST {
        Next::Settled(scaled(scale))
    } else {
        Next::Again(scaled((scale / 2.0).clamp(2.0, GROWTH)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who needs `each_ns` a message, after a start of `start_ns`.
    fn settle(each_ns: f64, start_ns: f64, target_ns: u64) -> (u64, u32) {
        let (mut amount, mut trials) = (FIRST, 0);
        loop {
            trials += 1;
            match next(amount, (start_ns + amount as f64 * each_ns) as u64, target_ns) {
                Next::Again(more) => amount = more,
                Next::Settled(amount) => return (amount, trials),
            }
        }
    }

    #[test]
    fn fast_and_slow_take_as_long_as_they_should() {
        const TARGET_NS: u64 = 60_000_000;
        for each_ns in [0.5, 4.0, 120.0, 10_000.0, 1_000_000.0] {
            let (amount, trials) = settle(each_ns, 0.0, TARGET_NS);
            let takes_ns = amount as f64 * each_ns;
            assert!((0.9..1.1).contains(&(takes_ns / TARGET_NS as f64)), "{each_ns} ns each: {amount}");
            assert!(trials <= 6, "{each_ns} ns each: {trials} trials");
        }
    }

    #[test]
    fn a_slow_start_is_grown_out_of() {
        let (amount, _) = settle(10.0, 5_000_000.0, 60_000_000);
        let takes_ns = amount as f64 * 10.0;
        assert!((40e6..70e6).contains(&takes_ns), "{takes_ns} ns");
    }

    #[test]
    fn there_is_an_end_for_who_takes_no_time() {
        assert!(matches!(next(MOST, 0, 60_000_000), Next::Settled(MOST)));
        assert_eq!(next(1000, u64::MAX, 1), Next::Settled(1));
    }
}
