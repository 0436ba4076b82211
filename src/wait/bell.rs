//! The two sides of a bell. The protocol and its proof are in the module above.

use super::barrier;
use super::deadline::Deadline;
use super::parker::{self, Bell, Woken};
use crate::sync::AtomicU32;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{FENCED, SLEEP, UNFENCED};
use std::time::Duration;

/// How long to sleep at most while the other end cannot be relied on to ring.
pub(crate) const UNHEARD: Duration = Duration::from_millis(1);

/// After how many fenced publications without a ring a waker gives the fence up. What that saves is paid by the next
/// sleep, so about as much is spent on fences first (8 to 20 ns each) as that one barrier can cost (14 us): whatever comes,
/// the two together cost at most twice of what the better of both would have.
const FENCES_BEFORE_NONE: u32 = if cfg!(loom) { 1 } else { 1024 };

/// The words of an end that may sleep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sleeper<'a> {
    /// Ours to write.
    pub(crate) armed: &'a AtomicU32,
    /// The waker's to write.
    pub(crate) bell: Bell<'a>,
    /// The waker's to write.
    pub(crate) unfenced: &'a AtomicU32,
}

impl Sleeper<'_> {
    /// Makes every wake from now on be a ring of the bell, looks once more, and sleeps if there is nothing.
    ///
    /// `look` must look at everything that could have happened. What it finds is returned, and then nobody slept.
    ///
    /// *Progress*: may sleep; one `futex`, and one `membarrier` if the waker has given its fence up.
    pub(crate) fn sleep<R>(self, deadline: Deadline, look: impl FnOnce() -> Option<R>) -> Result<R, Woken> {
        // Relaxed: the bell says only that something was published; what, the next look finds, and if it were too
        // early, the fence of the next round orders it.
        let before = self.bell.load(Relaxed);
        self.armed.store(before.wrapping_add(1), Relaxed); // relaxed: ordered by the fence
        SLEEP.fence_target();
        let is_heard = self.unfenced.load(FENCED.acquire()) == 0 || barrier::heavy();
        if let Some(found) = look() {
            self.disarm();
            return Ok(found);
        }
        let deadline = if is_heard { deadline } else { deadline.within(UNHEARD) };
        Err(parker::park(self.bell, before, deadline))
    }

    /// Asks for no ring any more: saves the waker a system call.
    pub(crate) fn disarm(self) {
        // Relaxed, both: a waker that rings meanwhile makes the next sleeper look once for nothing.
        self.armed.store(self.bell.load(Relaxed), Relaxed);
    }
}

/// What the other end has said of its sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sleeps {
    /// It never does.
    Never,
    /// It can make a barrier in our stead.
    BehindABarrier,
    /// It cannot, so every publication needs its fence.
    BehindAFence,
}

/// The words of the end that wakes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waker<'a> {
    /// The sleeper's to write.
    pub(crate) armed: &'a AtomicU32,
    /// Ours to write.
    pub(crate) bell: Bell<'a>,
    /// Ours to write.
    pub(crate) unfenced: &'a AtomicU32,
}

/// What the end that wakes keeps to itself.
#[derive(Debug)]
pub(crate) struct Ringer {
    /// Our own copy of the bell.
    bell: u32,
    /// What `armed` is while there is nothing to do after a publication: the bell, or [`FENCED`](Self::FENCED).
    calm: u64,
    /// Whether the word `unfenced` is 1.
    has_said: bool,
    /// Fenced publications until the fence is given up.
    left: u32,
    /// How often the fence has been given up.
    given_up: u64,
    sleeps: Sleeps,
}

impl Ringer {
    /// In `calm`: no value of `armed`, so that each publication takes the way of the fence.
    const FENCED: u64 = u64::MAX;

    /// For a waker that finds its bell at this value and its word `unfenced` at 0.
    pub(crate) fn new(bell: u32, sleeps: Sleeps) -> Self {
        let calm = if sleeps == Sleeps::Never { bell.into() } else { Self::FENCED };
        Self { bell, calm, has_said: false, left: FENCES_BEFORE_NONE, given_up: 0, sleeps }
    }

    /// Takes the bell over, and wakes whoever sleeps on it whatever the words say: a predecessor that was killed after it
    /// stored the bell and before it called the kernel has woken nobody, and its bell equals `armed` for as long as the
    /// sleeper sleeps. Whether the words said so, too.
    pub(crate) fn take_over(waker: Waker<'_>, sleeps: Sleeps) -> (Self, bool) {
        // Relaxed: the role's lock ordered us behind whoever stored it.
        let mut ringer = Self::new(waker.bell.load(Relaxed), sleeps);
        // Relaxed, in place of edge `fenced`: what a predecessor published without a fence is before the fence of this ring. A sleeper
        // whose fence comes later sees it; one whose fence came before is rung.
        waker.unfenced.store(0, Relaxed);
        let has_rung = ringer.ring(waker);
        if !has_rung {
            parker::unpark(waker.bell);
        }
        (ringer, has_rung)
    }

    /// After a publication among many: whether nothing more is to be done, since the other end neither sleeps nor is about
    /// to. If not, [`published`](Self::published) does it.
    ///
    /// *Progress*: wait-free, no system call, and no fence where the sleeper makes a barrier instead.
    #[inline(always)]
    pub(crate) fn is_calm(&self, waker: Waker<'_>) -> bool {
        SLEEP.light_source();
        let armed = waker.armed.load(Relaxed); // relaxed: ordered by the sleeper's barrier
        u64::from(armed) == self.calm
    }

    /// After a publication: fences if that is needed, and rings if the other end sleeps or is about to; whether it did.
    ///
    /// *Progress*: wait-free; one `futex(FUTEX_WAKE)` if the other end sleeps; once in a process's life it may register
    /// with `membarrier`.
    ///
    /// *If the process dies here*: the sleeper wakes at the end of its slice.
    #[inline(never)]
    pub(crate) fn published(&mut self, waker: Waker<'_>) -> bool {
        if self.calm != Self::FENCED {
            return self.ring_if_armed(waker);
        }
        SLEEP.fence_source();
        self.left -= 1;
        if self.left == 0 {
            self.fence_no_more(waker);
        }
        self.ring_if_armed(waker)
    }

    /// Rings if the other end sleeps or is about to, after something that happens seldom; whether it did.
    pub(crate) fn ring(&mut self, waker: Waker<'_>) -> bool {
        SLEEP.fence_source();
        self.ring_if_armed(waker)
    }

    fn ring_if_armed(&mut self, waker: Waker<'_>) -> bool {
        let armed = waker.armed.load(Relaxed); // relaxed: ordered by the fence, or the sleeper's barrier
        if armed == self.bell {
            return false;
        }
        self.rouse(waker, armed);
        true
    }

    #[cold]
    #[inline(never)]
    fn rouse(&mut self, waker: Waker<'_>, armed: u32) {
        self.bell = armed;
        waker.bell.store(armed, Relaxed); // relaxed: the futex call is ordered behind it, and see `Sleeper::sleep`
        parker::unpark(waker.bell);
        // Who sleeps between a few messages shall not pay for a barrier each time.
        match self.sleeps {
            Sleeps::Never => self.calm = armed.into(),
            Sleeps::BehindABarrier | Sleeps::BehindAFence => self.fence_again(waker),
        }
    }

    /// Does from now on for each publication what the other end's sleep asks for. To be called before the other end is
    /// told that its word has been read.
    pub(crate) fn heed(&mut self, waker: Waker<'_>, sleeps: Sleeps) {
        self.sleeps = sleeps;
        match sleeps {
            Sleeps::Never => self.calm = self.bell.into(),
            Sleeps::BehindABarrier if self.has_said => self.calm = self.bell.into(),
            Sleeps::BehindABarrier => self.calm = Self::FENCED,
            Sleeps::BehindAFence => self.fence_again(waker),
        }
    }

    fn fence_again(&mut self, waker: Waker<'_>) {
        self.calm = Self::FENCED;
        self.left = FENCES_BEFORE_NONE;
        if self.has_said {
            self.has_said = false;
            waker.unfenced.store(0, FENCED.release());
        }
    }

    /// Leaves the ordering to the other end's barrier, if that reaches us.
    #[cold]
    #[inline(never)]
    fn fence_no_more(&mut self, waker: Waker<'_>) {
        self.left = FENCES_BEFORE_NONE;
        if self.sleeps == Sleeps::BehindABarrier && barrier::reaches_us() {
            waker.unfenced.store(1, Relaxed); // relaxed: ordered by the fence
            UNFENCED.fence_source();
            self.has_said = true;
            self.given_up += 1;
            self.calm = self.bell.into();
        }
    }

    /// How often the fence has been given up.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }
}
