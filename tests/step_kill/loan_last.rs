//! Who takes the files of a channel away, its annexes among them, is the victim: the last that leaves, and who removes or cleans.

use super::loan_pool::{CAPACITY, Pool, SMALL, files, lend, options};
use super::puppet::{Puppet, act};
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::mpmc::Sender;
use ringway::{Options, observe};

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Leave,
    /// Nobody is there, and what is there stays.
    Remove,
    /// Somebody was killed who was the last.
    Clean,
}

/// The segment, and two annexes.
const FILES: usize = 3;

pub(crate) fn scenes() -> Vec<Entry> {
    [Last::Leave, Last::Remove, Last::Clean].map(Entry::new).into()
}

impl Last {
    fn options(self, place: &Place) -> Options {
        options(place).persistent(self == Self::Remove)
    }

    /// All that is there can be taken away by whoever comes next.
    fn tidy(self, place: &Place, is_there: bool) {
        if self == Self::Remove && is_there {
            observe::remove(NAME, Some(place.directory())).expect("nobody is there");
        }
        for cleaned in observe::clean(Some(place.directory())).expect("a directory") {
            assert!(matches!(cleaned.removed, Ok(true)), "{cleaned:?}");
        }
    }
}

impl Scene for Last {
    type Survivor = Option<Pool>;

    fn name(&self) -> String {
        format!("loan {self:?}, with annexes")
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn points(&self) -> Points {
        // Names have a number drawn by lot in them, and what is allocated depends on what this process has allocated before: how many
        // instructions there are between two calls is not the same each time.
        if *self == Self::Leave { Points::CallsAndChanges } else { Points::Calls }
    }

    fn survive(&self, place: &Place) -> Option<Pool> {
        let pool = Pool::warm_with(&self.options(place), Some(SMALL));
        if *self == Self::Clean {
            let corpse = Puppet::start(|| {
                let tx = Sender::open_with(NAME, &options(place)).expect("a place");
                let loan = lend(&tx, SMALL);
                act(|| drop(loan), |()| true)
            });
            drop(pool);
            corpse.kill();
            return None;
        }
        Some(pool)
    }

    fn play(&self, place: &Place) {
        match self {
            Self::Leave => {
                let tx = Sender::open_with(NAME, &options(place)).expect("a place");
                drop(lend(&tx, SMALL));
                act(|| drop(tx), |()| true)
            }
            Self::Remove => act(|| observe::remove(NAME, Some(place.directory())), |removed| removed.is_ok()),
            Self::Clean => {
                let is_removed = |cleaned: &observe::Cleaned| matches!(cleaned.removed, Ok(true));
                act(
                    || observe::clean(Some(place.directory())),
                    |cleaned| cleaned.as_ref().is_ok_and(|cleaned| cleaned.iter().all(is_removed)),
                )
            }
        }
    }

    fn settle(&self, place: &Place, pool: &mut Option<Pool>) {
        drop(pool.take());
        let (annexes, is_there) = files(place);
        assert!(is_there && annexes.len() == FILES - 1, "{annexes:?}");
    }

    fn freezes(&self) -> bool {
        // Who comes while it stands still waits for it: see the scenes of doors.
        false
    }

    fn meanwhile(&self, _: &Place, _: &mut Option<Pool>) {}

    fn bury(&self, place: &Place, _: Option<Pool>, fate: Fate) -> Progress {
        let (annexes, is_there) = files(place);
        let left = annexes.len() + usize::from(is_there);
        assert!(!fate.is_complete || left == 0, "left behind: {annexes:?}");
        if *self == Self::Remove {
            assert!(!is_there || left == FILES, "its name goes first: {annexes:?}");
        } else {
            assert!(is_there || left == 0, "nobody finds these: {annexes:?}");
        }
        match (*self, is_there, fate.state % 2 == 0) {
            // What was not removed can be used.
            (Self::Remove, true, false) => Pool::of(&self.options(place), false).goes_on(place),
            // Who creates another one takes away what is stale.
            (Self::Leave | Self::Clean, _, false) => Pool::warm(place, Some(SMALL)).goes_on(place),
            _ => {}
        }
        self.tidy(place, files(place).1);
        [(FILES - left) as u64, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [FILES as u64, 0]]
    }
}
