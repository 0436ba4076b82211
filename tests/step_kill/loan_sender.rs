//! Who borrows memory, writes it, and sends it or gives it back, all in one, is the victim.

use super::lanes_words::{Phase, Words};
use super::loan_pool::{CAPACITY, IN_LANE, LARGE, Pool, SMALL, files, message, options, words_name_files, write};
use super::puppet::act;
use super::room::Room;
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::mpmc::Sender;
use std::cell::Cell;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

/// Where the loan lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    Lane,
    /// In an annex that the victim has mapped.
    Annex,
    /// In one that others have made: it is mapped.
    Unmapped,
    /// In one that has no file: it is made.
    New,
    /// In one whose file is too short, or too long: it is replaced.
    TooShort,
    TooLong,
    /// The same, and the new one's name is there: left by somebody who was killed behind the call that gives it.
    NameTaken,
    /// The same, and there is room for the new one only when both are gone.
    NoRoom,
}

#[derive(Debug)]
struct Lending {
    memory: Memory,
    /// Or it is given back.
    sends: bool,
    room: Room,
    /// Whether an annex was found without a file.
    had_none: Cell<bool>,
    /// Whether the loan was found in the victim's hand.
    was_lent: Cell<bool>,
}

/// Too little for any file of an annex that is replaced.
const PAGE: u64 = 4096;
/// How far a sender has got whose message is sent.
const SENT: u64 = 3;

/// Fault 36.
pub(crate) fn scenes() -> Vec<Entry> {
    use Memory::{Annex, Lane, NameTaken, New, NoRoom, TooLong, TooShort, Unmapped};
    let each = [Lane, Annex, Unmapped, New, TooShort, TooLong, NameTaken, NoRoom];
    let each = each.into_iter().flat_map(|memory| [true, false].map(|sends| Lending::new(memory, sends)));
    each.filter(|scene| scene.is_like_no_other() || stage::everywhere()).map(Entry::new).collect()
}

impl Memory {
    fn len(self) -> usize {
        match self {
            Self::Lane => IN_LANE,
            Self::Annex | Self::Unmapped | Self::New | Self::TooLong => SMALL,
            Self::TooShort | Self::NameTaken | Self::NoRoom => LARGE,
        }
    }

    /// What there are files for when the victim comes.
    fn before(self) -> Option<usize> {
        match self {
            Self::New => None,
            Self::TooLong => Some(LARGE),
            _ => Some(SMALL),
        }
    }
}

impl Lending {
    fn new(memory: Memory, sends: bool) -> Self {
        let (had_none, was_lent) = (Cell::default(), Cell::default());
        Self { memory, sends, room: Room::default(), had_none, was_lent }
    }

    fn has_next(&self) -> bool {
        matches!(self.memory, Memory::NameTaken | Memory::NoRoom)
    }

    /// What is given back, is so in the same steps, wherever it was found; and it is replaced in the same, whatever its length.
    fn is_like_no_other(&self) -> bool {
        matches!(self.memory, Memory::Lane | Memory::Annex) || self.sends && self.memory != Memory::TooShort
    }
}

/// Each annex's next file is there, and nobody knows of it.
fn take_names(place: &Place) {
    let (annexes, _) = files(place);
    for annex in annexes {
        let next = format!("{}.2", annex.strip_suffix(".1").expect("the first file of each annex"));
        let file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(place.directory().join(next));
        file.and_then(|mut file| file.write_all(&[0; 1 << 16])).expect("a file");
    }
}

impl Scene for Lending {
    type Survivor = Pool;

    fn name(&self) -> String {
        format!("loan and {}, {:?}", if self.sends { "send" } else { "drop" }, self.memory)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        match self.memory {
            Memory::Lane => Points::Sampled,
            Memory::Annex => Points::CloseToChanges,
            _ => Points::CallsAndChanges,
        }
    }

    fn survive(&self, place: &Place) -> Pool {
        if self.memory == Memory::NoRoom {
            self.room.prepare(place);
        }
        let pool = Pool::warm(place, self.memory.before());
        if self.has_next() {
            take_names(place);
        }
        pool
    }

    fn play(&self, place: &Place) {
        let tx = Sender::open_with(NAME, &options(place)).expect("a place");
        // So that its thread has what it needs.
        tx.try_send(&[]).expect("room");
        if matches!(self.memory, Memory::Lane | Memory::Annex) {
            drop(tx.try_loan(self.memory.len()).expect("memory that nobody has"));
        }
        let bytes = message(self.memory.len());
        act(
            || {
                let mut loan = tx.loan(bytes.len()).expect("memory that nobody has");
                write(&mut loan, bytes);
                !self.sends || loan.send().is_ok()
            },
            |is_sent| *is_sent,
        )
    }

    fn settle(&self, place: &Place, pool: &mut Pool) {
        assert_eq!(pool.rx.try_recv().expect("what was sent first"), []);
        self.room.leave(place, PAGE);
    }

    fn meanwhile(&self, place: &Place, pool: &mut Pool) {
        self.room.restore(place);
        pool.drain();
        pool.respects_the_living(place);
    }

    fn bury(&self, place: &Place, mut pool: Pool, fate: Fate) -> Progress {
        self.room.restore(place);
        let left = Words::of(place).busy_lane(4).map(|lane| lane.phase);
        let has_none = words_name_files(place) < 2;
        self.had_none.set(self.had_none.get() || has_none);
        let most = if self.has_next() { 4 } else { 3 };
        let (annexes, _) = files(place);
        assert!(annexes.len() <= most, "{annexes:?}");
        self.was_lent.set(self.was_lent.get() || left == Some(Phase::Writing));
        pool.clear_up(fate.state % 2 == 0);
        let came = std::mem::take(&mut pool.came);
        assert!(came.is_empty() || self.sends && came == [(self.memory.len(), 1)], "{came:?}");
        let is_there = !came.is_empty();
        let step = match left {
            None => u64::from(is_there) * SENT,
            Some(Phase::Writing) => {
                assert!(!is_there, "it was not sent");
                u64::from(self.sends)
            }
            // Its ticket may be there: it comes, unless the death is noticed before.
            Some(Phase::Whole) => 2,
            Some(Phase::Queued) => {
                assert!(is_there, "it was sent, and is lost");
                SENT
            }
            Some(other) => panic!("{other:?} of a loan"),
        };
        assert!(!fate.is_complete || is_there == self.sends, "{left:?}");
        assert!(!fate.is_complete || self.sends || left.is_none(), "it was given back, and is {left:?}");
        assert_eq!(pool.tx.sender_count(), 1);
        pool.goes_on(place);
        [step, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [u64::from(self.sends) * SENT, 0]]
    }

    fn close(&self) {
        assert!(self.was_lent.get(), "nobody was killed with the loan");
        assert!(!self.room.is_ours() || self.had_none.get(), "there was room");
    }
}
