//! In place of others' channels, with one changed line.

mod carry;
mod common;
pub mod crossbeam;
mod crossbeam_ends;
#[cfg(feature = "serde")]
pub mod serde;
mod std_ends;
pub mod std_mpsc;
