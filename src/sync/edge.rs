//! The happens-before edges between two processes, by name.
//!
//! An atomic operation that is an end of an edge takes its ordering from the edge: `word.store(tail,
//! FILLED.release())` at one end, `word.load(FILLED.acquire())` at the other. So both ends can be found by name, and
//! the model can take one end away and must then fail (`ring/tests/loom_spsc.rs`, `ring/tests/loom_mpmc`,
//! `wait/tests/loom_bell.rs`). An operation that is no end of any edge says `Relaxed` and why.
//!
//! | edge | released by | acquired by | carries |
//! |---|---|---|---|
//! | [`FILLED`] | producer stores the word of a frame; recoverer swaps that of a slot | consumer, and recoverer, loads it | the bytes of the messages below the word; what the recoverer did and saw before |
//! | [`FREED`] | consumer stores `head`, or the word of a slot | producer that found no room, or has just come, loads it; of a slot, each producer | the end of the reading: permission to overwrite |
//! | [`CREDIT`] | consumer stores `credit` | producer that has come to its limit loads it | the same |
//! | [`FINISHED`] | consumer stores `finished` | producer that waits for it loads it | all that the reader did with what it read |
//! | [`CLOSED`] | producer stores `closed` | consumer that found nothing loads it | the last words: a second look finds all there will be |
//! | [`STATUS`] | an end stores its `status` | the other end loads it | what that end did before it joined, left or changed its mind |
//! | [`ECHOED`] | an end stores the `echo` of a status | the *fence* of the other end's sleep ([`SLEEP`]), behind a relaxed load | every publication made under an older status |
//! | [`TRAIL`] | producer stores `tail` or `begun` | consumer that counts what is there, or the next producer, loads it | the words below `tail`: what is counted can be read; whether a message in parts is over |
//! | [`UNFENCED`] | fence between `unfenced` = 1 and the first publication without a fence | the *fence* of the other end's sleep ([`SLEEP`]), before it loads `unfenced` | one of the two sees the other's store: the sleeper makes the barrier, or the waker sees `armed` |
//! | [`FENCED`] | waker stores `unfenced` = 0 | sleeper loads it | every publication made without a fence |
//! | [`ANNOUNCED`] | an operation stores its record's `producing` or `consuming` | recoverer loads it | what the operation published or freed before it announced something else |
//! | [`CLAIMED`] | the swap of `tail` or `head` | recoverer, and who found nothing or no room, loads the counter | the announcement that came before, and the word that was seen free or filled |
//! | [`LEASED`] | who returns, resolves or marks a record or a hand stores or swaps its `owner` | who leases or adopts it, and who looks whose it is | what the last owner left in it |
//! | [`HELD`] | consumer stores a hand's `held` | recoverer that looks where a position is loads it | the message in the hand; once the hand is empty, that the slot was freed |
//! | [`PASSED`] | who passes a lane on stores or swaps its `own` | who takes it, or looks what it is, loads or swaps it | what was done with the lane's bytes and words before |
//! | [`POURED`] | a lane's writer stores `filled` | its reader loads it | the message's bytes below it |
//! | [`DRAINED`] | a lane's reader stores `freed` | its writer loads it | the end of the reading below it: permission to overwrite |
//! | [`ARMED`] | sleeper adds to `arms`, behind its look at the bell | waker loads `arms` | the value of the bell that the sleeper will compare: a ring is later |
//! | [`ROUSED`] | waker swaps the state of a bed from asleep to called | sleeper that gets up by itself and finds that loads it | what was published: the wake is this sleeper's, and it looks |
//! | [`PRESENCE`] | who comes or goes adds to `epoch`; who goes subtracts from `senders` or `receivers` | who has seen another epoch loads it; who counts them loads those | what they did before |
//! | [`GUARDED`] | who takes or strikes an entry of the table of mappings stores its words | a handler of SIGBUS that searches the table loads them | that a range is whole: its base and its length are one mapping's |
//! | [`LOST`] | fence between `lost` in that table and the closing of all fast paths | fence between the opening of a fast path and the look at `lost` | one of the two sees the other's store (Dekker): no fast path stays open over memory that is gone |
//! | [`SLEEP`] | fence between publication and the look at `armed` | fence between `armed` and the look at the ring | one of the two sees the other's store (Dekker) |
//!
//! A *successor* is ordered behind its dead predecessor by the kernel, which hands the role's lock over after it has torn
//! the process down. What it may then find is a prefix of the predecessor's stores in program order, so stores that a
//! successor relies on in order are released too: words in ascending order ([`FILLED`]), then `tail` ([`TRAIL`]), then
//! `closed` ([`CLOSED`]), then the status ([`STATUS`]). `taken` and `tries` need no order (see `Consumer::hand_out`).
//!
//! That every end is needed is tested, not believed: the model of an edge fails when either of its ends is weakened. What
//! could be weakened without a failure has been: the loads of `echo` and the accesses of `taken` and `tries` are relaxed,
//! and say why. ([`ANNOUNCED`] and [`HELD`] keep a swap behind a store of another word. loom keeps it there by itself, so
//! their models make the two stores in the other order; see `ring/tests/loom_mpmc/edges.rs`.) No time goes by in a model, and so
//! [`ROUSED`], which is for who gets up by itself, is in none: what it is for is argued where it is used.

use super::Ordering;

/// See the module's table.
pub(crate) const FILLED: Edge = Edge::new("filled");
/// See the module's table.
pub(crate) const FREED: Edge = Edge::new("freed");
/// See the module's table.
pub(crate) const CREDIT: Edge = Edge::new("credit");
/// See the module's table.
pub(crate) const FINISHED: Edge = Edge::new("finished");
/// See the module's table.
pub(crate) const CLOSED: Edge = Edge::new("closed");
/// See the module's table.
pub(crate) const STATUS: Edge = Edge::new("status");
/// See the module's table.
pub(crate) const ECHOED: Edge = Edge::new("echoed");
/// See the module's table.
pub(crate) const TRAIL: Edge = Edge::new("trail");
/// See the module's table.
pub(crate) const UNFENCED: Edge = Edge::new("unfenced");
/// See the module's table.
pub(crate) const FENCED: Edge = Edge::new("fenced");
/// See the module's table.
pub(crate) const ANNOUNCED: Edge = Edge::new("announced");
/// See the module's table.
pub(crate) const CLAIMED: Edge = Edge::new("claimed");
/// See the module's table.
pub(crate) const LEASED: Edge = Edge::new("leased");
/// See the module's table.
pub(crate) const HELD: Edge = Edge::new("held");
/// See the module's table.
pub(crate) const PASSED: Edge = Edge::new("passed");
/// See the module's table.
pub(crate) const POURED: Edge = Edge::new("poured");
/// See the module's table.
pub(crate) const DRAINED: Edge = Edge::new("drained");
/// See the module's table.
pub(crate) const ARMED: Edge = Edge::new("armed");
/// See the module's table.
#[cfg(any(not(loom), test))]
pub(crate) const ROUSED: Edge = Edge::new("roused");
/// See the module's table.
pub(crate) const PRESENCE: Edge = Edge::new("presence");
/// See the module's table.
pub(crate) const GUARDED: Edge = Edge::new("guarded");
/// See the module's table.
pub(crate) const LOST: Edge = Edge::new("lost");
/// See the module's table.
pub(crate) const SLEEP: Edge = Edge::new("sleep");

/// A named happens-before edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    name: &'static str,
}

/// One end of an edge, for the models that take it away.
#[cfg(loom)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Release,
    Acquire,
}

impl Edge {
    const fn new(name: &'static str) -> Self {
        Self { name }
    }

    /// The ordering of the store that is this edge's source.
    #[inline(always)]
    pub(crate) fn release(self) -> Ordering {
        #[cfg(loom)]
        if weakened::is(self, End::Release) {
            return Ordering::Relaxed;
        }
        Ordering::Release
    }

    /// The ordering of the load that is this edge's target.
    #[inline(always)]
    pub(crate) fn acquire(self) -> Ordering {
        #[cfg(loom)]
        if weakened::is(self, End::Acquire) {
            return Ordering::Relaxed;
        }
        Ordering::Acquire
    }

    /// The ordering of a swap that is both, the source and the target.
    #[inline(always)]
    pub(crate) fn both(self) -> Ordering {
        match (self.release(), self.acquire()) {
            (Ordering::Release, Ordering::Acquire) => Ordering::AcqRel,
            (Ordering::Release, _) => Ordering::Release,
            (_, acquire) => acquire,
        }
    }

    /// The source's sequentially consistent fence, for an edge that needs store before load.
    #[inline(always)]
    pub(crate) fn fence_source(self) {
        #[cfg(loom)]
        if weakened::is(self, End::Release) {
            return;
        }
        super::fence(Ordering::SeqCst);
    }

    /// The source's half of an asymmetric pair of fences: keeps the compiler from moving a later load before an earlier
    /// store. The processor may; then it is the target's heavy half that tells. (That a compiler would, nothing shows: the
    /// language lets it, and none is known that moves an atomic load.)
    #[inline(always)]
    pub(crate) fn light_source(self) {
        #[cfg(not(loom))]
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
        #[cfg(loom)]
        super::interrupt::point();
    }

    /// The target's sequentially consistent fence.
    #[inline(always)]
    pub(crate) fn fence_target(self) {
        #[cfg(loom)]
        if weakened::is(self, End::Acquire) {
            return;
        }
        super::fence(Ordering::SeqCst);
    }
}

#[cfg(loom)]
pub(crate) mod weakened {
    use super::{Edge, End};
    use std::cell::Cell;

    // loom runs all threads of a model on the test's own thread.
    thread_local!(static GONE: Cell<Option<(Edge, End)>> = const { Cell::new(None) });

    /// Whether this end of this edge is taken away at present.
    pub(super) fn is(edge: Edge, end: End) -> bool {
        GONE.get() == Some((edge, end))
    }

    /// Runs `model` without this end of this edge and says whether the model failed, as it must.
    pub(crate) fn fails(edge: Edge, end: End, model: impl FnOnce() -> usize + std::panic::UnwindSafe) -> bool {
        GONE.set(Some((edge, end)));
        let result = std::panic::catch_unwind(model);
        GONE.set(None);
        result.is_err()
    }
}
