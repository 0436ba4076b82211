//! The files of the program that are tried without it, where they look for each other.

#[path = "../../src/cli/records/lines.rs"]
pub(crate) mod lines;

pub(crate) mod record {
    /// As in the program.
    pub(crate) const LONGEST: usize = 1 << 30;
}
