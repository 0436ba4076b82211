//! One who died before the victim came, in the middle of an operation, so that something of it is left to be resolved.

use super::puppet::{Over, Puppet};
use super::stage::Place;
use super::walk::Walk;
use std::cell::OnceCell;

/// How often one is tried for that goes another way than the first.
const TRIES: usize = 5;

/// The way to its end: walked once, then gone again and again.
#[derive(Debug, Default)]
pub(crate) struct Corpse {
    way: OnceCell<(Walk, usize)>,
    /// So many changes of the words lie before its end.
    before: usize,
}

impl Corpse {
    /// One that makes so many changes, and dies behind the next.
    pub(crate) fn after(before: usize) -> Self {
        Self { before, ..Self::default() }
    }

    /// Walks through what it plays, at a channel made for that, and finds its end: right behind the instruction that
    /// changes one of these words, or behind the last.
    pub(crate) fn learn<G>(&self, place: &Place, words: &[u64], prepare: impl Fn() -> G, play: impl Fn()) {
        self.way.get_or_init(|| {
            let group = prepare();
            let mut puppet = Puppet::start(&play);
            let walk = Walk::record(&mut puppet, false, place.path(), || panic!("it sleeps"));
            puppet.kill();
            drop(group);
            let change = walk.change_of(words, self.before);
            assert!(change.is_some() || words.is_empty(), "an operation that changes none of the words");
            let state = change.unwrap_or(walk.last());
            (walk, state)
        });
    }

    /// It comes, and dies there.
    pub(crate) fn lie_down(&self, play: impl Fn()) -> Result<(), Over> {
        let (walk, state) = self.way.get().expect("one that has learnt its way");
        let mut puppet = Puppet::start(&play);
        let result = walk.take(&mut puppet, *state, 0, || panic!("it sleeps"));
        puppet.kill();
        result
    }

    /// A channel in which it lies.
    pub(crate) fn among<G>(&self, place: &Place, words: &[u64], prepare: impl Fn() -> G, play: impl Fn()) -> G {
        self.learn(place, words, &prepare, &play);
        for _ in 0..TRIES {
            let group = prepare();
            if self.lie_down(&play).is_ok() {
                return group;
            }
        }
        panic!("nobody comes to its end: the operation is not the same each time")
    }
}
