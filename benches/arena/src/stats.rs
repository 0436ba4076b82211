//! Medians, their intervals, and ratios of what belongs together.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;
/// Where a run of chance begins; the same figures give the same interval.
const SEED: u64 = 0x72_69_6e_67;

/// Some figures in five numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// The median's 95 % interval, by bootstrap: its lower end.
    pub low: f64,
    /// And its upper end.
    pub high: f64,
    /// How many figures.
    pub count: usize,
}

impl Summary {
    /// The same in another unit.
    pub fn times(self, by: f64) -> Self {
        let Self { median, min, max, low, high, count } = self;
        Self { median: median * by, min: min * by, max: max * by, low: low * by, high: high * by, count }
    }
}

/// The median of figures in ascending order; of an even number, the mean of the two in the middle.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

/// The median; nothing of no figures.
pub fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    if figures.is_empty() { None } else { Some(middle(&figures)) }
}

/// The figures in five numbers; nothing of no figures.
pub fn summary(figures: impl IntoIterator<Item = f64>) -> Option<Summary> {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let (low, high) = interval(&sorted);
    Some(Summary { median: middle(&sorted), min, max, low, high, count: sorted.len() })
}

/// The 95 % interval of the median: what lies between the 2.5th and the 97.5th percentile of the medians of resamples.
fn interval(figures: &[f64]) -> (f64, f64) {
    if figures.first() == figures.last() {
        // All are the same, and so is whatever is drawn from them.
        return (figures[0], figures[0]);
    }
    let mut rng = Rng::with_seed(SEED);
    let mut resample = vec![0.0; figures.len()];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            resample.iter_mut().for_each(|figure| *figure = figures[rng.usize(..figures.len())]);
            resample.sort_by(f64::total_cmp);
            middle(&resample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[(share * (RESAMPLES - 1) as f64).round() as usize];
    (at(0.025), at(0.975))
}

/// Ratios of what was measured in the same round; a round in which either is missing is left out.
pub fn paired(these: &[Option<f64>], those: &[Option<f64>]) -> Option<Summary> {
    summary(these.iter().zip(those).filter_map(|(this, that)| {
        let (this, that) = ((*this)?, (*that)?);
        (that > 0.0).then(|| this / that)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers_of_figures() {
        assert_eq!(summary([3.0, 1.0, 2.0]).map(|s| (s.median, s.min, s.max)), Some((2.0, 1.0, 3.0)));
        assert_eq!(summary([4.0, 1.0, 2.0, 3.0]).map(|s| s.median), Some(2.5));
        assert_eq!(summary([]), None);
    }

    #[test]
    fn figures_that_agree_have_no_width() {
        let summary = summary([7.0; 15]).expect("figures");
        assert_eq!((summary.low, summary.median, summary.high), (7.0, 7.0, 7.0));
    }

    /// For 15 figures the bootstrap's interval is close to the exact one, from order statistics: the 4th to the 12th.
    #[test]
    fn interval_is_that_of_order_statistics() {
        let summary = summary((1..=15).map(f64::from)).expect("figures");
        assert_eq!(summary.median, 8.0);
        assert!((4.0..=5.0).contains(&summary.low), "{summary:?}");
        assert!((11.0..=12.0).contains(&summary.high), "{summary:?}");
    }

    /// The interval holds the true median in about 95 of 100 runs.
    #[test]
    fn interval_covers_the_true_median() {
        let mut rng = Rng::with_seed(1);
        let covers = (0..200)
            .filter(|_| {
                let summary = summary((0..25).map(|_| rng.f64())).expect("figures");
                summary.low <= 0.5 && 0.5 <= summary.high
            })
            .count();
        assert!((180..=199).contains(&covers), "{covers} of 200");
    }

    /// Rounds differ tenfold, and in each one is twice the other: the ratio sees only that.
    #[test]
    fn a_ratio_is_taken_within_a_round() {
        let rounds = [100.0, 1000.0, 90.0, 900.0, 110.0];
        let those: Vec<_> = rounds.iter().copied().map(Some).collect();
        let these: Vec<_> = rounds.iter().map(|figure| Some(figure * 2.0)).collect();
        let ratio = paired(&these, &those).expect("figures");
        assert_eq!((ratio.low, ratio.median, ratio.high, ratio.count), (2.0, 2.0, 2.0, 5));
    }

    #[test]
    fn a_round_without_one_of_them_is_left_out() {
        let ratio = paired(&[Some(4.0), None, Some(8.0), Some(1.0)], &[Some(2.0), Some(1.0), None, Some(0.0)]);
        assert_eq!(ratio.map(|ratio| (ratio.median, ratio.count)), Some((2.0, 1)));
        assert_eq!(paired(&[None], &[Some(1.0)]), None);
    }
}
