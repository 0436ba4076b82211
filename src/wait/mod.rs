//! Sleeping and waking, with no system call while nobody sleeps.
//!
//! Two bells, one an end. The end that may sleep owns `armed` (on its page); the other end owns the `bell` (on its own
//! page), and the sleeper waits on that bell. So every word has one writer, nothing is ever read, modified and written
//! back, and a crash anywhere leaves nothing to repair.
//!
//! ```text
//! sleeper                                   waker
//!   b = bell                                  publish (a word, a head, a status)
//!   armed = b + 1                             fence
//!   fence                                     a = armed
//!   look again, and at everything             if a != bell { bell = a; futex_wake(bell) }
//!   futex_wait(bell while it is b)
//! ```
//!
//! # Why no wake is lost
//!
//! The two fences are sequentially consistent, so one of them is first. If the sleeper's is, the waker reads the new
//! `armed` and rings: either the bell has changed before `futex_wait` compares it, which then returns at once, or the
//! sleeper is already queued and is woken. If the waker's is first, the sleeper's second look sees what was published.
//! There is no third case. (Dekker; edge `sleep`. loom checks it, and that it fails without either fence.)
//!
//! A waker that reads an `armed` from an earlier sleep sets the bell to some value that is not `b`, or leaves it at `b`
//! having published before the sleeper's fence; the first makes the sleeper look once more for nothing, the second is
//! the case above. A bell of value `b` cannot come back to `b` while the sleeper sleeps, since the last value that
//! a waker can read is `b + 1`.
//!
//! # Slices
//!
//! A process killed between `bell = a` and `futex_wake` wakes nobody, and a killed peer rings no bell at all. So nobody
//! sleeps longer than a *slice* at a time (50 ms unless set otherwise); after each the caller asks the kernel who is
//! alive. Slices are for death; nothing else needs them. (A successor of the killed one finds its bell rung, to all
//! appearances. So whoever takes a bell over calls the kernel once, whatever the words say, and a sleeper whose slice is
//! endless is woken by it.)
//!
//! # Waiters
//!
//! What a futex is asked for is two things: sleep while a word is what it was, and wake so many of those who sleep there. Anything
//! else that gives the two may take its place ([`parker`], [`dormitory`]; what wakes those there are semaphores, message queues or
//! eventfds), and which it is the segment says. What is written here about futexes is then true of that; only that a wake under a
//! mutex may wait for it, a millisecond at most.
//!
//! # Publications without a fence
//!
//! The waker's fence is the dear part of a message: three times the rest. A waker that publishes much and wakes nobody
//! gives it up: it stores `unfenced` = 1, fences once more, and from then on only keeps the compiler from moving its
//! look at `armed`. A sleeper that finds `unfenced` = 1 behind its own fence makes a [`barrier`] before it looks: a
//! system call that puts a fence into every running thread of the waker's process. When the waker rings it takes its
//! fence back, so one who sleeps after each few messages makes no barrier.
//!
//! *Why no wake is lost.* Of the waker's fence behind `unfenced` = 1 and the sleeper's fence one is first. If the
//! sleeper's is, every later look of the waker's sees `armed`. If the waker's is, the sleeper loads 1, and the barrier
//! comes, in the waker's program, either behind a publication, which the sleeper's look then finds, or before it, and
//! then the look at `armed` that follows it finds that; or it loads a later 0, and with it (edge `fenced`) everything
//! that was published without a fence. (Edges `unfenced` and `fenced`; loom checks them, with a barrier in which the
//! waker's thread is made to fence at any place where it matters.)
//!
//! An end whose kernel refuses the call says so in its `status` (NO_BARRIER), and the other end keeps its fences.
//!
//! # Quiet ends
//!
//! An end that declares in its `status` that it never sleeps (QUIET)
//! costs the other end no fence. To sleep after all it first takes the declaration back, and until the other end's
//! `echo` shows that it has read that (edge `echoed`), it sleeps at most a millisecond at a time. The `echo` has
//! the whole word, with its count of changes, so an old echo is never taken for a new one.
//!
//! # In models
//!
//! The crate's own models have all this, with a condition variable for the futex. In those of others (`--cfg loom`, not this crate's tests)
//! `modelled_bell` and `modelled_event_count` stand in for the two protocols, with the same names.

pub(crate) mod awaited;
pub(crate) mod barrier;
#[cfg_attr(all(loom, not(test)), path = "modelled_bell.rs")]
pub(crate) mod bell;
pub(crate) mod deadline;
#[cfg(any(not(loom), test))]
mod dormitory;
#[cfg_attr(all(loom, not(test)), path = "modelled_event_count.rs")]
pub(crate) mod event_count;
pub(crate) mod flag;
pub(crate) mod flow;
pub(crate) mod parker;
pub(crate) mod strategy;
#[cfg(test)]
mod tests;
