//! Many times, kept as a histogram.

use crate::task::Counted;
use hdrhistogram::Histogram;

/// Digits that are kept of each value.
const DIGITS: u8 = 3;

/// Nothing takes longer: a turn is killed before. 20 s in ns.
const MOST: u64 = 20_000_000_000;

/// An empty one.
pub fn empty() -> Histogram<u64> {
    Histogram::new_with_max(MOST, DIGITS).expect("a range of more than 2, and 1 to 5 digits")
}

/// Its values, for another process.
pub fn counted(histogram: &Histogram<u64>) -> Vec<Counted> {
    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_since_last_iteration())).collect()
}

/// These values, for another process.
pub fn of(values: impl IntoIterator<Item = u64>) -> Vec<Counted> {
    let mut histogram = empty();
    values.into_iter().for_each(|value| histogram.saturating_record(value));
    counted(&histogram)
}

/// The median of what another process has seen.
pub fn median(counted: &[Counted]) -> f64 {
    let mut histogram = empty();
    add(&mut histogram, counted);
    histogram.value_at_quantile(0.5) as f64
}

/// Adds what another process has seen.
pub fn add(histogram: &mut Histogram<u64>, counted: &[Counted]) {
    for &(value, times) in counted {
        histogram.saturating_record_n(value, times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To three digits, what goes to another process comes back.
    #[test]
    fn counted_and_added_again() {
        let mut histogram = empty();
        for value in [1, 2, 2, 50, 123_456, 7_000_000_000] {
            histogram.saturating_record(value);
        }
        let mut copy = empty();
        add(&mut copy, &counted(&histogram));
        assert_eq!(copy, histogram);
        assert_eq!((copy.len(), copy.value_at_quantile(0.5)), (6, 2));
        assert!((copy.max() as f64 / 7e9 - 1.0).abs() < 1e-3, "{}", copy.max());
    }
}
