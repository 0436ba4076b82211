//! One who died before the victim came, in the middle of an operation, so that something of it is left to be resolved.

use super::mpmc_group::Group;
use super::puppet::Puppet;
use super::stage::Place;
use super::walk::Walk;
use std::cell::OnceCell;

/// How often one is tried for that goes another way than the first.
const TRIES: usize = 5;

/// How one gets to its end: walked once, then gone again and again.
#[derive(Debug, Default)]
pub(crate) struct Corpse(OnceCell<(Walk, usize)>);

impl Corpse {
    /// Kills one that plays, right behind the instruction that first changes one of these words, at a channel made for it.
    pub(crate) fn at(
        &self,
        place: &Place,
        words: &[u64],
        prepare: impl Fn() -> Group,
        play: impl Fn(),
    ) -> Group {
        let (walk, state) = self.0.get_or_init(|| {
            let group = prepare();
            let mut puppet = Puppet::start(&play);
            let walk = Walk::record(&mut puppet, false, place.path(), || panic!("it sleeps"));
            puppet.kill();
            drop(group);
            let state = walk.first_change_of(words).expect("an operation that changes the word");
            (walk, state)
        });
        for attempt in 0..TRIES {
            let group = prepare();
            let mut puppet = Puppet::start(&play);
            let result = walk.take(&mut puppet, *state, 0, || panic!("it sleeps"));
            puppet.kill();
            if result.is_ok() {
                return group;
            }
            assert!(attempt + 1 < TRIES, "nobody comes to its end");
        }
        unreachable!("the last try returns or fails")
    }

    /// Kills one in front of others, in a channel that they have.
    pub(crate) fn among(&self, words: &[u64], play: impl Fn()) {
        let (walk, state) = self.0.get().expect("walked before");
        let mut puppet = Puppet::start(&play);
        walk.take(&mut puppet, *state, 0, || panic!("it sleeps")).expect("one way");
        puppet.kill();
        let _ = words;
    }
}
