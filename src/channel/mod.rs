//! Channels: a ring, waiting, and membership, with names.
//!
//! A *ring* never sleeps and knows nobody; a *channel* may sleep and knows who is there. The kinds are modules with the
//! same nouns: [`spsc`] for messages of one type, [`crate::bytes`] for messages of any length, [`crate::stream`] for bytes without
//! borders.

#[cfg(not(loom))]
mod cords;
pub(crate) mod end;
pub(crate) mod error;
pub mod mpmc;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod reason;
pub mod spsc;
#[cfg(test)]
mod tests;
pub(crate) mod waiting;
