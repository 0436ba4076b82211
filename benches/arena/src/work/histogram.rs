//! Many times, kept as a histogram.

use crate::task::Counted;
use hdrhistogram::Histogram;

/// Digits that are kept of each value.
const DIGITS: u8 = 3;

/// An empty one, which grows with what is put in.
pub fn empty() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("1 to 5 digits")
}

/// Its values, for another process.
pub fn counted(histogram: &Histogram<u64>) -> Vec<Counted> {
    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_since_last_iteration())).collect()
}

/// Adds what another process has seen.
pub fn add(histogram: &mut Histogram<u64>, counted: &[Counted]) {
    for &(value, times) in counted {
        histogram.saturating_record_n(value, times);
    }
}
