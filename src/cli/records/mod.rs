//! `send --records` and `recv --records`: lines from many processes to many, and a queue of jobs.
//!
//! A sender ends well when the receivers have taken every record, or, with `--persistent`, when every record is in the
//! channel. A receiver ends well when no sender is there and nothing is left: not in the channel, and not in the hand of
//! another receiver, from which it comes back if that one is killed.

pub(crate) mod command;
pub(crate) mod ending;
pub(crate) mod lines;
pub(crate) mod recv;
pub(crate) mod send;
pub(crate) mod work;
