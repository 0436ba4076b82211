//! Sleeping and waking among many: an event count, with no system call while nobody sleeps.
//!
//! Any number sleep on one word, the *bell*; the kernel keeps their list, first come first woken, and takes out who dies.
//! What is kept here is only whether that list may have anybody on it: `arms` counts those who were about to sleep,
//! `calmed` is a value of `arms` at which a waker found nobody. As long as the two are equal there is nothing to do.
//!
//! ```text
//! sleeper                                   waker
//!   b = bell                                  publish
//!   arms += 1                                 fence
//!   fence                                     a = arms
//!   look again, and at everything             if a != calmed {
//!   futex_wait(bell while it is b)                bell += 1; woken = futex_wake(bell, 1)
//!                                                 if woken == 0 { calmed = a }
//!                                             }
//! ```
//!
//! # Why no wake is lost
//!
//! As with two ends (see the module above), the two fences decide: the sleeper's look sees what was published, or the waker
//! sees its arm. In the second case `calmed` is not the waker's `a`, unless somebody set it so. Whoever did had read `a`
//! arms, this one among them, *then* changed the bell, *then* found nobody asleep. This sleeper had read the bell before it
//! armed (edge `armed`), so from then on `futex_wait` refuses it, and it arms anew, with another number. So `calmed = a` is
//! never stored, by however slow a waker, while somebody sleeps who armed as one of the first `a`.
//!
//! # One wake for one message
//!
//! A waker wakes one, and leaves the others asleep. Two messages wake two, since nothing is cleared while somebody is
//! asleep. A batch wakes one, who passes the *baton*: who has slept, and takes a message and leaves another, wakes the next.
//! So does one that is woken and has no hand for what is there; it stays off the list then, and looks again a moment later.
//! Between a wake and the woken one's running a second message may find nobody asleep; that costs one system call for
//! nothing, and then `calmed` is `arms`.
//!
//! # Death
//!
//! A dead sleeper is off the kernel's list. A dead waker has woken somebody or nobody; who sleeps on looks again at the end
//! of a slice, as one does for whom a dead or stopped one was woken.
//!
//! # Publications without a fence
//!
//! As with two ends: who has published a thousand times behind a fence and woken nobody gives the fence up, says so in a bit
//! of `unfenced` that is its record's, and sleepers make a barrier in its stead.
//!
//! *Source*: eventcounts, Reed and Kanodia (1979); for one word to sleep on and one to know by, Vyukov's (2008).

use super::barrier;
use super::bell::UNHEARD;
use super::deadline::Deadline;
use super::parker::{self, Bell, Woken};
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{ARMED, FENCED, SLEEP, UNFENCED};
use crate::sync::{AtomicU32, AtomicU64};

/// See `bell::FENCES_BEFORE_NONE`.
const FENCES_BEFORE_NONE: u32 = if cfg!(loom) { 1 } else { 1024 };

/// The words of one event count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) arms: &'a AtomicU64,
    pub(crate) calmed: &'a AtomicU64,
    pub(crate) unfenced: &'a AtomicU64,
    pub(crate) bell: Bell<'a>,
    /// Not 0: some sleeper cannot make a barrier.
    pub(crate) barrierless: &'a AtomicU32,
}

impl Event<'_> {
    /// Makes every wake from now on be a ring of the bell, looks once more, and sleeps if there is nothing.
    ///
    /// `look` must look at everything that could have happened. What it finds is returned, and then nobody slept.
    ///
    /// *Progress*: may sleep; one `futex`, and one `membarrier` if some waker has given its fence up.
    pub(crate) fn sleep<R>(self, deadline: Deadline, look: impl FnOnce() -> Option<R>) -> Result<R, Woken> {
        // Relaxed: what was published, the look finds.
        let before = self.bell.load(Relaxed);
        self.arms.fetch_add(1, ARMED.release());
        SLEEP.fence_target();
        let is_heard = self.unfenced.load(FENCED.acquire()) == 0 || barrier::heavy();
        if let Some(found) = look() {
            return Ok(found);
        }
        let deadline = if is_heard { deadline } else { deadline.within(UNHEARD) };
        Err(parker::park(self.bell, before, deadline))
    }

    /// Wakes one sleeper, if there may be any, after something that happens seldom; how many were woken.
    pub(crate) fn wake_one(self) -> usize {
        SLEEP.fence_source();
        let arms = self.arms.load(ARMED.acquire());
        if arms == self.calmed.load(Relaxed) { 0 } else { self.rouse(arms, 1) } // relaxed: see the proof above
    }

    /// Wakes all sleepers, if there may be any, after something that any of them may want; how many were woken.
    pub(crate) fn wake_any(self) -> usize {
        SLEEP.fence_source();
        let arms = self.arms.load(ARMED.acquire());
        // Relaxed: see the proof above.
        if arms == self.calmed.load(Relaxed) { 0 } else { self.rouse(arms, usize::MAX) }
    }

    /// Whether somebody may sleep, without a fence: a hint.
    pub(crate) fn may_have_sleepers(self) -> bool {
        self.arms.load(Relaxed) != self.calmed.load(Relaxed) // relaxed, both: a hint
    }

    /// Wakes all sleepers, after something that concerns them all.
    pub(crate) fn wake_all(self) {
        SLEEP.fence_source();
        self.bell.fetch_add(1, Relaxed); // relaxed: the futex call is ordered behind it
        parker::unpark(self.bell);
    }

    /// After a publication among many by somebody whose notifier has [`seen`](Notifier::seen) this: whether nothing more is
    /// to be done, since nobody sleeps or is about to. If not, [`Notifier::published`] does it.
    ///
    /// *Progress*: wait-free, no system call, and no fence where sleepers make a barrier instead.
    #[inline(always)]
    pub(crate) fn is_calm(self, seen: u64) -> bool {
        SLEEP.light_source();
        self.arms.load(Relaxed) == seen // relaxed: ordered by the sleeper's barrier
    }

    #[cold]
    #[inline(never)]
    fn rouse(self, arms: u64, most: usize) -> usize {
        self.bell.fetch_add(1, Relaxed); // relaxed: the futex call is ordered behind it
        let woken = parker::unpark_some(self.bell, most);
        if woken == 0 {
            self.calmed.store(arms, Relaxed); // relaxed: see the proof above
        }
        woken
    }
}

/// What somebody who publishes keeps to itself, for as long as it leases a record.
#[derive(Debug)]
pub(crate) struct Notifier {
    /// What `arms` is while there is nothing to do after a publication, or [`FENCED`](Self::FENCED).
    seen: u64,
    /// Our bit of `unfenced`; 0: we always fence.
    bit: u64,
    /// Whether it is set.
    has_said: bool,
    /// Fenced publications until the fence is given up.
    left: u32,
}

impl Notifier {
    /// In `seen`: no value of `arms`, so that each publication takes the way of the fence.
    const FENCED: u64 = u64::MAX;

    /// For the lessee of this record, whose last one may have left its bit behind.
    pub(crate) fn new(event: Event<'_>, record: usize) -> Self {
        let bit = u32::try_from(record).ok().and_then(|record| 1_u64.checked_shl(record)).unwrap_or(0);
        // Relaxed: our own bit, which nobody else touches while we lease the record.
        if event.unfenced.load(Relaxed) & bit != 0 {
            // Relaxed, in place of edge `fenced`: whoever leaves its bit behind is dead, or its process has gone from the channel, and
            // behind that all are woken (`stir`). Who sleeps before that wake is woken by it; who lies down later sees, by the two
            // fences, what that one had published.
            event.unfenced.fetch_and(!bit, Relaxed);
        }
        Self { seen: Self::FENCED, bit, has_said: false, left: FENCES_BEFORE_NONE }
    }

    /// For a lease of a moment, which never gives its fence up.
    pub(crate) fn fenced() -> Self {
        Self { seen: Self::FENCED, bit: 0, has_said: false, left: u32::MAX }
    }

    /// What [`Event::is_calm`] is to be asked with, until [`published`](Self::published) is next called.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// After a publication: fences if that is needed, and wakes one sleeper if there may be any; how many were woken.
    ///
    /// *Progress*: wait-free; one `futex(FUTEX_WAKE)` if somebody sleeps; once in a process's life it may register with
    /// `membarrier`.
    ///
    /// *If the process dies here*: sleepers wake at the end of their slices.
    #[inline(never)]
    pub(crate) fn published(&mut self, event: Event<'_>) -> usize {
        if self.seen == Self::FENCED {
            SLEEP.fence_source();
            self.left -= 1;
            if self.left == 0 {
                self.fence_no_more(event);
            }
        }
        let arms = event.arms.load(ARMED.acquire());
        // Relaxed, both: see the proof above; a sleeper that makes no barrier sleeps short until it is heeded.
        let (is_calm, must_fence) = (arms == event.calmed.load(Relaxed), event.barrierless.load(Relaxed) != 0);
        if is_calm && !must_fence {
            if self.has_said {
                self.seen = arms;
            }
            return 0;
        }
        // Who sleeps between a few messages shall not pay for a barrier each time.
        self.fence_again(event);
        if is_calm { 0 } else { event.rouse(arms, 1) }
    }

    fn fence_again(&mut self, event: Event<'_>) {
        self.seen = Self::FENCED;
        self.left = FENCES_BEFORE_NONE;
        self.take_back(event);
    }

    /// Leaves the ordering to the sleepers' barriers, if those reach us.
    #[cold]
    #[inline(never)]
    fn fence_no_more(&mut self, event: Event<'_>) {
        self.left = FENCES_BEFORE_NONE;
        // Relaxed: `published` looks again, behind the fence.
        if self.bit != 0 && event.barrierless.load(Relaxed) == 0 && barrier::reaches_us() {
            event.unfenced.fetch_or(self.bit, Relaxed); // relaxed: ordered by the fence
            UNFENCED.fence_source();
            self.has_said = true;
        }
    }

    /// Takes back that we do not fence: before the record is returned.
    pub(crate) fn take_back(&mut self, event: Event<'_>) {
        if self.has_said {
            self.has_said = false;
            event.unfenced.fetch_and(!self.bit, FENCED.release());
        }
    }
}
