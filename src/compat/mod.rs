//! In place of others' channels, with one changed line.

mod carry;
mod common;
pub mod crossbeam;
mod crossbeam_ends;
mod std_ends;
pub mod std_mpsc;
