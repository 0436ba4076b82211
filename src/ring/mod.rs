//! Lock-free rings, on views: no names, no system calls, no sleep.
//!
//! A ring has a *producer* and a *consumer*, which say [`Full`](spsc::Pushed::Full) and `None` and never wait. What
//! to do then is the channel's business.
//!
//! Words: a *position* counts messages for ever; `tail` is the next to be written, `head` the next to be released; a
//! *frame* is a publication word and room for some messages; to *publish* is the one store that makes messages visible;
//! to *release* gives their room back.
//!
//! Progress: every operation here is wait-free.

pub(crate) mod annex;
pub(crate) mod cursor;
pub(crate) mod grant;
pub(crate) mod lane;
pub(crate) mod mpmc;
pub(crate) mod parcel;
pub(crate) mod parts;
pub(crate) mod payload;
pub(crate) mod spsc;
#[cfg(test)]
mod tests;

/// A word of the segment holds what it cannot hold. The handle that found it is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt {
    /// The word, as SPEC.md names it.
    pub(crate) word: &'static str,
    /// What it held.
    pub(crate) found: u64,
}
