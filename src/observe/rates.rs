//! How fast a channel moves: the difference of two looks.

use super::Segment;
use std::time::Duration;

/// Messages (a stream, messages of bytes: bytes) a second.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Rates {
    /// Sent.
    pub sent_per_second: f64,
    /// Released by the receiver.
    pub received_per_second: f64,
}

impl Segment {
    /// How fast the channel moved since an earlier look, so long ago; `None` if that was another instance under the same
    /// name, or no time ago.
    ///
    /// ```
    /// use std::time::Instant;
    ///
    /// let (name, dir) = (format!("doc-rates-{}", std::process::id()), None);
    /// let mut tx = ringway::spsc::Sender::<u64>::create(&name, 8)?;
    /// let (before, then) = (ringway::observe::stat(&name, dir)?, Instant::now());
    /// tx.send(7).expect("room");
    /// let rates = ringway::observe::stat(&name, dir)?.rates_since(&before, then.elapsed()).expect("the same instance");
    /// assert!(rates.sent_per_second > 0.0 && rates.received_per_second == 0.0);
    /// # Ok::<(), ringway::OpenError>(())
    /// ```
    pub fn rates_since(&self, earlier: &Self, elapsed: Duration) -> Option<Rates> {
        if self.instance != earlier.instance || elapsed.is_zero() {
            return None;
        }
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / elapsed.as_secs_f64();
        Some(Rates {
            sent_per_second: rate(self.sent, earlier.sent),
            received_per_second: rate(self.received, earlier.received),
        })
    }
}
