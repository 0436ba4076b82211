//! What every byte of a segment means. No behaviour.
#![doc = include_str!("SPEC.md")]

pub(crate) mod annex;
#[cfg(not(loom))]
mod assertions;
pub(crate) mod control;
#[cfg(not(loom))]
pub(crate) mod diagnosis;
pub(crate) mod dormitory;
pub(crate) mod error;
#[cfg(not(loom))]
pub(crate) mod fields;
pub(crate) mod geometry;
pub(crate) mod header;
pub(crate) mod lanes;
pub(crate) mod lifetime;
pub(crate) mod line;
pub(crate) mod many;
#[cfg(loom)]
mod modelled_bytes;
pub(crate) mod overlay;
#[cfg(not(loom))]
pub(crate) mod prefetch;
pub(crate) mod shared;
pub(crate) mod status;
pub(crate) mod tables;
#[cfg(all(test, not(loom)))]
mod tests;
pub(crate) mod waiter;
