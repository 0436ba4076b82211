//! What the machine or the C library is asked for once, kept in one word.
//!
//! `OnceLock` would have whoever comes meanwhile wait for the thread that asks. In a child that is forked at that moment there is no
//! such thread, and it would wait for ever. Here two who come at once both ask: the answers are alike.

use crate::sync::private::{AtomicU64, Ordering::Relaxed};

/// A number that does not change while the process lives, or any of which will do.
#[derive(Debug)]
pub(crate) struct Known(AtomicU64);

impl Known {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The number, which `ask` says if nobody has asked before. (All ones is asked for again each time.)
    ///
    /// *Progress*: that of `ask`; never waits for somebody else.
    pub(crate) fn get(&self, ask: impl FnOnce() -> u64) -> u64 {
        // The number and one: 0 is for what is not known yet. Relaxed: the word is all.
        match self.0.load(Relaxed) {
            0 => {
                let number = ask();
                self.0.store(number.wrapping_add(1), Relaxed); // relaxed: as above
                number
            }
            known => known - 1,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn one_is_asked_once() {
        for number in [0, 1, u64::MAX - 1] {
            let known = Known::new();
            assert_eq!(known.get(|| number), number);
            assert_eq!(known.get(|| panic!("asked again")), number);
        }
    }

    /// A forked child has no thread that could come to an end with it.
    #[test]
    fn nobody_waits_for_who_asks() {
        static KNOWN: Known = Known::new();
        let ((asks, is_asking), (say, hear)) = (channel(), channel());
        let asking = std::thread::spawn(move || {
            KNOWN.get(|| {
                asks.send(()).expect("somebody waits for it");
                hear.recv().expect("an answer")
            })
        });
        is_asking.recv().expect("it asks");
        let (told, is_told) = channel();
        std::thread::spawn(move || told.send(KNOWN.get(|| 7)));
        assert_eq!(is_told.recv_timeout(std::time::Duration::from_secs(30)), Ok(7), "it waits for who asks");
        say.send(7).expect("it still asks");
        assert_eq!(asking.join().expect("an answer"), 7);
    }
}
