//! Figures of several rounds, and many single times.

use crate::cli::failure::Failure;
use crate::cli::pair::values::Values;
use hdrhistogram::Histogram;

/// Half of the rounds lie within so much of their median, or they scatter.
const SCATTER_MAX: f64 = 0.2;

/// The longest time that is told from longer ones: an hour, in nanoseconds.
pub(super) const TIME_MAX_NS: u64 = 3_600_000_000_000;

/// One figure a round.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    /// In the order of the rounds.
    pub(super) rounds: Vec<f64>,
    sorted: Vec<f64>,
}

impl Figures {
    /// What `figure` says of each round.
    pub(super) fn of(rounds: &[Values], figure: impl Fn(&Values) -> Result<f64, Failure>) -> Result<Self, Failure> {
        Ok(Self::new(rounds.iter().map(figure).collect::<Result<_, _>>()?))
    }

    fn new(rounds: Vec<f64>) -> Self {
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        Self { rounds, sorted }
    }

    pub(super) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(super) fn min(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(super) fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    /// The median of the ratios to another figure of the same round: what both have in common does not count.
    pub(super) fn ratio_to(&self, other: &Self) -> f64 {
        let ratio = |(own, other): (&f64, &f64)| own / other.max(f64::MIN_POSITIVE);
        Self::new(self.rounds.iter().zip(&other.rounds).map(ratio).collect()).median()
    }

    /// Whether the rounds say different things.
    pub(super) fn scatters(&self) -> bool {
        self.rounds.len() > 4 && (self.quantile(0.75) - self.quantile(0.25)) > 2.0 * SCATTER_MAX * self.median()
    }

    fn quantile(&self, part: f64) -> f64 {
        let at = part * self.sorted.len().saturating_sub(1) as f64;
        self.sorted.get(at.round() as usize).copied().unwrap_or(0.0)
    }
}

/// All single times that workers have reported under `key`, of all rounds, in nanoseconds.
pub(super) fn times(rounds: &[Values], key: &str) -> Result<Histogram<u64>, Failure> {
    let odd = || Failure::Fault(format!("bench: the times are not understood ({key})"));
    let mut times = Histogram::new_with_bounds(1, TIME_MAX_NS, 3).map_err(|_| odd())?;
    for text in rounds.iter().flat_map(|values| values.texts(key)) {
        for part in text.split(' ') {
            let (value, count) = part.split_once(':').ok_or_else(odd)?;
            let (value, count) = (value.parse().map_err(|_| odd())?, count.parse().map_err(|_| odd())?);
            times.saturating_record_n(value, count);
        }
    }
    if times.is_empty() { Err(odd()) } else { Ok(times) }
}

/// The percentiles that tables have.
pub(super) fn percentiles(times: &Histogram<u64>) -> [u64; 4] {
    [0.5, 0.99, 0.999, 1.0].map(|part| times.value_at_quantile(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios_are_those_of_rounds() {
        let figures = Figures::new(vec![3.0, 1.0, 2.0]);
        assert_eq!((figures.min(), figures.median(), figures.max()), (1.0, 2.0, 3.0));
        // Each round was twice as slow as the other, whatever the machine did.
        assert_eq!(figures.ratio_to(&Figures::new(vec![1.5, 0.5, 1.0])), 2.0);
    }

    #[test]
    fn rounds_that_say_different_things_scatter_and_one_odd_one_does_not() {
        assert!(!Figures::new(vec![10.0, 10.5, 9.5, 10.0, 90.0]).scatters());
        assert!(Figures::new(vec![10.0, 50.0, 10.0, 50.0, 10.0, 50.0]).scatters());
        assert!(!Figures::new(vec![10.0, 50.0]).scatters(), "too few to say");
    }
}
