//! Who sleeps, in a model of somebody who uses the crate.
//!
//! The crate's own models have the words by which ends tell each other that they sleep, and fences between them. Fences of
//! loom's order everything before one of them with everything behind the next, whoever makes them: a program's own races
//! would be hidden, and its model be a hundred times as large. Here a bell is one counter and a list. Whoever has published something *then* adds to
//! the counter, released, and wakes who is on the list; whoever is about to sleep *first* reads the counter, acquired, by an
//! operation that sees its latest value, puts itself on the list, and looks. So the look finds what was published, or the
//! publisher finds the sleeper. The only edge that this makes is from who wakes to who sleeps.
//!
//! The lists are no part of the model. They are touched right behind an operation on the counter, or right before a park: loom
//! switches threads before its operations and nowhere else, so what stands there is one step with it.

use super::AtomicU32;
use super::Ordering::{Acquire, Release};
use loom::thread::{self, Thread, ThreadId};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What sleepers wait on.
#[derive(Debug, Default)]
pub(crate) struct BellWord {
    rings: AtomicU32,
    roster: Mutex<Roster>,
}

#[derive(Debug, Default)]
struct Roster {
    tickets: u64,
    /// First come, first woken.
    sleepers: Vec<Sleeper>,
}

#[derive(Debug)]
struct Sleeper {
    ticket: u64,
    thread: Thread,
    /// Whether it has looked, and found nothing.
    is_parked: bool,
}

impl BellWord {
    /// What is read of a bell elsewhere is for those who share its memory.
    pub(crate) fn load(&self, _order: super::Ordering) -> u32 {
        0
    }

    /// After something was published: wakes those who sleep here, so many at most, the first that came; how many those
    /// were. Who is about to sleep will not.
    pub(crate) fn ring(&self, most: usize) -> usize {
        self.rings.fetch_add(1, Release);
        let mut woken = Vec::new();
        self.roster().sleepers.retain(|sleeper| {
            let stays = sleeper.is_parked && woken.len() == most;
            if sleeper.is_parked && !stays {
                woken.push(sleeper.thread.clone());
            }
            stays
        });
        woken.iter().for_each(Thread::unpark);
        woken.len()
    }

    /// Sleeps until the bell is rung, unless `look` finds something that was published before.
    pub(crate) fn sleep<R>(&self, look: impl FnOnce() -> Option<R>) -> Option<R> {
        self.rings.fetch_add(0, Acquire);
        let ticket = self.lie_down();
        let found = look();
        if found.is_some() {
            self.roster().sleepers.retain(|sleeper| sleeper.ticket != ticket);
            return found;
        }
        let mut parks = 0;
        while self.is_still_asleep(ticket) {
            thread::park();
            parks += 1;
        }
        if parks > 1 {
            // Somebody else has unparked this thread, for a reason of theirs: it shall still hear of it.
            thread::current().unpark();
        }
        None
    }

    fn lie_down(&self) -> u64 {
        let thread = thread::current();
        let mut roster = self.roster();
        roster.tickets += 1;
        let ticket = roster.tickets;
        roster.sleepers.push(Sleeper { ticket, thread, is_parked: false });
        ticket
    }

    /// Whether this sleeper is not yet woken; then it parks.
    fn is_still_asleep(&self, ticket: u64) -> bool {
        let mut roster = self.roster();
        let sleeper = roster.sleepers.iter_mut().find(|sleeper| sleeper.ticket == ticket);
        sleeper.map(|sleeper| sleeper.is_parked = true).is_some()
    }

    /// Nothing panics while it is locked, and loom switches to nobody.
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers for the threads that ask, from 0 on, in the order in which they first did.
#[derive(Debug, Default)]
pub(crate) struct ThreadNumbers(Mutex<Vec<ThreadId>>);

impl ThreadNumbers {
    /// More threads loom has not.
    pub(crate) const MOST: usize = loom::MAX_THREADS;

    /// The calling thread's, and whether it is new.
    pub(crate) fn own(&self) -> (usize, bool) {
        let id = thread::current().id();
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match threads.iter().position(|thread| *thread == id) {
            Some(number) => (number, false),
            None => {
                threads.push(id);
                (threads.len() - 1, true)
            }
        }
    }
}
