//! The others at a channel whose memory is lent, before the victim comes and after it is dead. There are two lanes, and two
//! annexes.
//!
//! A message is known by its length: no two have the same.

pub(crate) use super::bytes_pair::bytes as message;
use super::lanes_words::Words;
use super::stage::{NAME, Place};
use super::support::PATIENCE;
use ringway::Options;
use ringway::bytes::TryRecvError;
use ringway::bytes::mpmc::{Loan, Receiver, Sender};
use std::ops::Deref;

/// Places in the ring, and so many loans at once: a full ring is all that there is to lend.
pub(crate) const CAPACITY: usize = 4;
const LANES: usize = 2;
const ANNEXES: usize = 2;
/// Bytes of a loan in a lane.
pub(crate) const IN_LANE: usize = 300;
/// And of two in annexes, neither of which fits where the other is.
pub(crate) const SMALL: usize = 5000;
pub(crate) const LARGE: usize = 33_000;
/// What is copied at once. (Of more the processor makes one instruction, which is stepped byte by byte.)
const CHUNK: usize = 2000;
/// Of the message that is sent behind all that the dead have left.
const END: usize = 7;

/// A sender and a receiver, two members, and what has come to them.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) tx: Sender,
    pub(crate) rx: Receiver,
    options: Options,
    /// The lengths of the messages that came, and their so manieth deliveries.
    pub(crate) came: Vec<(usize, u32)>,
}

pub(crate) fn options(place: &Place) -> Options {
    place.many().lanes(LANES, 4096).annexes(ANNEXES)
}

/// The annexes among the files that are there; and whether the segment has its name.
pub(crate) fn files(place: &Place) -> (Vec<String>, bool) {
    let entries = std::fs::read_dir(place.directory()).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let (annexes, others): (Vec<_>, Vec<_>) = names.partition(|name| name.contains('~'));
    assert!(others.iter().all(|name| name == NAME), "{others:?}");
    (annexes, !others.is_empty())
}

/// The word of each annex names a file that is there, as long as the word says, or none; how many do.
pub(crate) fn words_name_files(place: &Place) -> usize {
    let words = Words::of(place);
    let (annexes, _) = files(place);
    let mut named = 0;
    for index in 0..ANNEXES as u64 {
        let Some((version, bytes)) = words.annex(LANES as u64 + index) else { continue };
        named += 1;
        let end = format!(".{index:x}.{version:x}");
        let name = annexes.iter().find(|name| name.ends_with(&end));
        let len = name.and_then(|name| std::fs::metadata(place.directory().join(name)).ok()).map(|file| file.len());
        assert_eq!(len, Some(bytes), "the file {end} is not there, or not as long: {annexes:?}");
    }
    named
}

/// Writes the message of its length to a loan.
pub(crate) fn write(loan: &mut Loan, message: &[u8]) {
    loan.chunks_mut(CHUNK).zip(message.chunks(CHUNK)).for_each(|(to, from)| to.copy_from_slice(from));
}

/// Lends so many bytes, which nobody has, and writes them.
pub(crate) fn lend(tx: &Sender, len: usize) -> Loan {
    let mut loan = tx.try_loan(len).unwrap_or_else(|error| panic!("{len} bytes: {error}"));
    write(&mut loan, message(len));
    loan
}

impl Pool {
    /// A channel whose ring has been around, and each of whose lanes was lent. Annexes have files for so many bytes.
    pub(crate) fn warm(place: &Place, annexes: Option<usize>) -> Self {
        Self::warm_with(&options(place), annexes)
    }

    pub(crate) fn warm_with(options: &Options, annexes: Option<usize>) -> Self {
        let mut pool = Self::of(options, true);
        for _ in 0..CAPACITY {
            let loans = [lend(&pool.tx, IN_LANE), lend(&pool.tx, IN_LANE + 1)];
            loans.into_iter().for_each(|loan| loan.try_send().expect("room"));
            pool.drain();
        }
        if let Some(len) = annexes {
            drop([lend(&pool.tx, len), lend(&pool.tx, len)]);
        }
        pool.came.clear();
        pool
    }

    /// Two members of a channel that is new, or is there.
    pub(crate) fn of(options: &Options, is_new: bool) -> Self {
        let open = if is_new { Receiver::create_with } else { Receiver::open_with };
        let rx = open(NAME, options).expect("a free name, or a channel");
        let tx = Sender::open_with(NAME, options).expect("a free place");
        Self { tx, rx, options: options.clone(), came: Vec::new() }
    }

    /// Lends so many bytes and sends them.
    pub(crate) fn send(&self, len: usize) {
        lend(&self.tx, len).try_send().expect("room");
    }

    /// Receives what is there now.
    pub(crate) fn drain(&mut self) {
        loop {
            match self.rx.try_recv_ref() {
                Ok(guard) => {
                    self.came.push(seen(&guard, guard.attempt(), guard.is_redelivered()));
                    guard.commit();
                }
                Err(TryRecvError::Empty) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Both notice who is dead; nobody else is.
    pub(crate) fn ask(&self) {
        assert_eq!((self.tx.disconnect_reason(), self.rx.disconnect_reason()), (None, None));
    }

    /// How many lanes and annexes are in use.
    pub(crate) fn in_use(&self) -> usize {
        self.tx.lanes().iter().map(|lanes| lanes.in_use as usize).sum()
    }

    /// Somebody stands still: nothing of theirs is lent, and all else can be.
    pub(crate) fn respects_the_living(&self, place: &Place) {
        self.ask();
        words_name_files(place);
        let theirs = self.in_use();
        let loans: Vec<_> =
            [SMALL, IN_LANE].iter().flat_map(|len| std::iter::from_fn(|| self.tx.try_loan(*len).ok())).collect();
        assert_eq!(theirs + loans.len(), LANES + ANNEXES, "{loans:?}");
        drop(loans);
        assert_eq!(self.in_use(), theirs);
        place.nothing_can_be_cleaned();
        assert_eq!(self.rx.stats().dropped, 0);
        assert!(self.came.iter().all(|(_, attempt)| *attempt == 1), "marked, of one that lives: {:?}", self.came);
    }

    /// The dead are dead: all that they left comes, and a message that is sent behind it.
    pub(crate) fn clear_up(&mut self, asks_first: bool) {
        if asks_first {
            self.ask();
        }
        self.drain();
        self.tx.send_timeout(message(END), PATIENCE).expect("room that only the dead can have kept");
        while !self.came.contains(&(END, 1)) {
            let guard = self.rx.recv_ref_timeout(PATIENCE).expect("the last message");
            self.came.push(seen(&guard, guard.attempt(), guard.is_redelivered()));
            guard.commit();
        }
        // What the dead had in hand may have come behind.
        self.ask();
        self.drain();
        assert_eq!(self.came.iter().filter(|(len, _)| *len == END).count(), 1, "{:?}", self.came);
        self.came.retain(|(len, _)| *len != END);
        assert_eq!((self.rx.in_hand(), self.rx.len(), self.in_use()), (0, 0, 0), "lost, or kept");
    }

    /// Nobody else is there any more: all memory can be lent at once, by newcomers, too, and fills the ring.
    pub(crate) fn goes_on(self, place: &Place) {
        let Self { tx, rx, options, .. } = self;
        assert_eq!(Words::of(place).busy_lane((LANES + ANNEXES) as u64), None, "not free");
        let later_tx = Sender::open_with(NAME, &options).expect("a place");
        let later_rx = Receiver::open_with(NAME, &options).expect("a place");
        assert_eq!((tx.sender_count(), tx.receiver_count()), (2, 2));
        // Each annex gets another file, whichever it had.
        for lens in [[LARGE, LARGE + 1], [SMALL, SMALL + 1]] {
            all_is_lent([&tx, &later_tx], [&rx, &later_rx], lens);
        }
        assert_eq!((tx.disconnect_reason(), later_rx.disconnect_reason()), (None, None));
        let (annexes, is_there) = files(place);
        assert!(is_there && annexes.len() == ANNEXES, "what was replaced is there: {annexes:?}");
        assert_eq!(rx.stats().dropped, 0);
    }
}

/// A message that is whole.
fn seen(bytes: &[u8], attempt: u32, is_redelivered: bool) -> (usize, u32) {
    assert!(bytes == message(bytes.len()), "torn: {} bytes", bytes.len());
    assert_eq!(is_redelivered, attempt > 1);
    (bytes.len(), attempt)
}

/// Each lane and each annex is lent, and no more; each holds what was written to it, until it is received.
fn all_is_lent(senders: [&Sender; 2], receivers: [&Receiver; 2], in_annexes: [usize; 2]) {
    let lens = [IN_LANE, in_annexes[0], IN_LANE + 1, in_annexes[1]];
    let loans: Vec<Loan> = lens.iter().enumerate().map(|(n, len)| lend(senders[n % 2], *len)).collect();
    for sender in senders {
        assert!([IN_LANE, SMALL, LARGE].iter().all(|len| sender.try_loan(*len).is_err_and(|error| error.is_full())));
    }
    for (loan, len) in loans.iter().zip(lens) {
        assert!(loan.deref() == message(len), "{len} bytes: another loan's are there");
    }
    loans.into_iter().for_each(|loan| loan.try_send().expect("room"));
    assert!(senders.iter().all(|sender| sender.try_send(&[]).is_err_and(|error| error.is_full())));
    for pair in lens.chunks(2) {
        let guards = receivers.map(|receiver| receiver.recv_owned().expect("a message"));
        for (guard, len) in guards.into_iter().zip(pair) {
            assert!(*guard == *message(*len) && guard.attempt() == 1, "{len} bytes: {guard:?}");
            guard.commit();
        }
    }
    assert!(receivers.iter().all(|receiver| receiver.try_recv().is_err_and(|error| error.is_empty())));
    assert_eq!(receivers[0].in_hand(), 0);
}
