//! The one door to shared mutable state: atomics, fences, the word to sleep on, payload cells.
//!
//! Three builds stand behind it, with the same names:
//!
//! | build | chosen by | what it is for |
//! |---|---|---|
//! | native | default | the program: `core`'s atomics, every call inlined away |
//! | stepped | this crate's unit tests, and fuzzing | the same atomics, each counting a *step*: a process can be ended before its n-th one, an operation left between any two (`replay`), and a hostile peer do something between any two |
//! | model | `--cfg loom`, this crate's unit tests | loom's atomics: every interleaving of a small case |
//! | users' model | `--cfg loom`, elsewhere | the same, for models of programs that use the crate: the rings are what they are, and who sleeps is kept by a `roster` |
//!
//! What lives in shared memory and what a model must see goes through this module and nothing else; a test keeps
//! `std::sync::atomic` out of all other files. Words that are private to a process and that no model follows (the mark
//! of a fork, the table of life descriptors) use [`private`].
//!
//! Orderings are not written at the call: an operation names the [`edge`] it is an end of.

pub(crate) mod backoff;
#[cfg(any(not(loom), test))]
#[cfg_attr(loom, path = "modelled_dormitory.rs")]
pub(crate) mod dormitory;
pub(crate) mod edge;
#[cfg(all(loom, test))]
pub(crate) mod explore;
#[cfg(all(any(test, fuzzing), not(loom)))]
#[cfg_attr(not(test), allow(dead_code))] // a fuzzer replays nothing
pub(crate) mod replay;
pub(crate) mod step;

#[cfg(loom)]
pub(crate) mod interrupt;
#[cfg(loom)]
mod model;
#[cfg(not(any(loom, test, fuzzing)))]
mod native;
#[cfg(all(loom, not(test)))]
mod roster;
#[cfg(all(any(test, fuzzing), not(loom)))]
mod stepped;

#[cfg(all(loom, test))]
pub(crate) use model::BellWord;
#[cfg(loom)]
pub(crate) use model::{AtomicU32, AtomicU64, fence};
#[cfg(not(any(loom, test, fuzzing)))]
pub(crate) use native::{Arc, AtomicU32, AtomicU64, BellWord, fence};
#[cfg(all(any(test, fuzzing), not(loom)))]
pub(crate) use stepped::{Arc, AtomicU32, AtomicU64, BellWord, fence};

#[cfg(all(loom, not(test)))]
pub(crate) use roster::{BellWord, ThreadNumbers};

/// Whether this is built for a model of somebody who uses the crate. How the crate itself sleeps, and who leases what, is
/// then no part of the model: it has its own (`wait/tests`, `channel/tests`), and each step of it would multiply theirs.
pub(crate) const IS_USERS_MODEL: bool = cfg!(all(loom, not(test)));

/// Whether this is a model that has failed. What is dropped then is dropped where loom is no more, and tells nobody.
pub(crate) fn is_over() -> bool {
    cfg!(loom) && std::thread::panicking()
}

#[cfg(any(not(loom), test))]
pub(crate) use dormitory::Dorm;

/// In a user's model everybody sleeps on the bell itself.
#[cfg(all(loom, not(test)))]
#[derive(Debug)]
pub(crate) enum Dorm {}

pub(crate) use core::sync::atomic::Ordering;

/// Atomics that are never shared between processes and that no model follows: `core`'s own in every build.
pub(crate) mod private {
    pub(crate) use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
}
