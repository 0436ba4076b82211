//! A sender and a receiver of loans beside a victim: before it comes, and after it is dead. There is one lane, and one annex.

use super::stage::{NAME, Place};
use ringway::Options;
use ringway::bytes::mpmc::{Loan, Receiver, Sender};

/// Places in the ring.
pub(crate) const CAPACITY: usize = 4;
/// Loans in the lane; in the annex; and in another one, more than four times as long.
pub(crate) const IN_LANE: usize = 300;
pub(crate) const IN_ANNEX: usize = 5000;
pub(crate) const IN_ANOTHER: usize = 70_000;

/// Two members, and what has come to them.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) tx: Sender,
    pub(crate) rx: Receiver,
    /// Messages of the victim that have come.
    pub(crate) came: u64,
}

pub(crate) fn options(place: &Place) -> Options {
    place.many().lanes(1, 4096).annexes(1)
}

/// A message of so many bytes that shows whether it is whole.
pub(crate) fn fill(loan: &mut Loan) {
    let len = loan.len() as u32;
    for (at, byte) in loan.iter_mut().enumerate() {
        *byte = ((at as u32).wrapping_mul(2_654_435_761) >> 24) as u8 ^ len as u8;
    }
}

pub(crate) fn is_whole(bytes: &[u8], len: usize) -> bool {
    let byte = |at: usize| ((at as u32).wrapping_mul(2_654_435_761) >> 24) as u8 ^ len as u8;
    bytes.len() == len && bytes.iter().enumerate().all(|(at, found)| *found == byte(at))
}

impl Group {
    /// A channel whose ring and lane have been around. If `annex` says so, it has one of that length.
    pub(crate) fn warm(place: &Place, annex: Option<usize>) -> Self {
        let rx = Receiver::create_with(NAME, &options(place)).expect("a free name");
        let tx = Sender::open_with(NAME, &options(place)).expect("a free place");
        let group = Self { tx, rx, came: 0 };
        (0..CAPACITY + 1).for_each(|_| group.passes(IN_LANE));
        annex.into_iter().for_each(|len| group.passes(len));
        group
    }

    /// Sends a loan of so many bytes.
    pub(crate) fn send(&self, len: usize) {
        let mut loan = self.tx.try_loan(len).expect("memory that nobody has");
        fill(&mut loan);
        loan.try_send().expect("room");
    }

    /// A loan of so many bytes comes as it went.
    fn passes(&self, len: usize) {
        self.send(len);
        let guard = self.rx.try_recv_ref().expect("a message");
        assert!(is_whole(&guard, len) && guard.attempt() == 1);
        guard.commit();
    }

    /// Receives what the victim has sent, of so many bytes, if anything.
    pub(crate) fn drain(&mut self, len: usize) {
        while let Ok(guard) = self.rx.try_recv_ref() {
            assert!(is_whole(&guard, len) && guard.attempt() == 1, "torn, or marked");
            guard.commit();
            self.came += 1;
        }
    }

    /// Both notice who is dead; nobody else is.
    pub(crate) fn ask(&self) {
        assert_eq!((self.tx.disconnect_reason(), self.rx.disconnect_reason()), (None, None));
    }

    /// How many lanes and annexes are in use.
    pub(crate) fn in_use(&self) -> u64 {
        self.tx.lanes().iter().map(|lanes| lanes.in_use).sum()
    }

    /// Nothing is in use, and all can be used as if nobody had died: both at once, by loans of each length, unmarked.
    pub(crate) fn goes_on(&self, place: &Place) {
        assert!(self.rx.try_recv().unwrap_err().is_empty());
        assert_eq!((self.in_use(), self.rx.in_hand(), self.rx.len()), (0, 0, 0), "lost, or left");
        for len in [IN_ANNEX, IN_ANOTHER, IN_ANNEX] {
            let mut loans = [IN_LANE, len].map(|len| self.tx.try_loan(len).expect("memory that nobody has"));
            assert!(self.tx.try_loan(len).unwrap_err().is_full(), "more than there is");
            assert!(self.tx.try_loan(IN_LANE).unwrap_err().is_full(), "more than there is");
            loans.iter_mut().for_each(fill);
            loans.into_iter().for_each(|loan| loan.try_send().expect("room"));
            for len in [IN_LANE, len] {
                let guard = self.rx.try_recv_ref().expect("a message");
                assert!(is_whole(&guard, len) && guard.attempt() == 1);
                guard.commit();
            }
        }
        let files = std::fs::read_dir(place.directory()).expect("a directory").count();
        assert_eq!(files, 2, "the segment, and the one file of the annex");
        assert_eq!((self.in_use(), self.rx.in_hand()), (0, 0));
        self.ask();
    }
}
