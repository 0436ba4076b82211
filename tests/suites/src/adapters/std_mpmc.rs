//! `std::sync::mpmc`, which is crossbeam-channel's channel in std, as far as its tests use it: [`ringway::compat::crossbeam`].

use super::crossbeam_channel::UNBOUNDED_IN_STD;
pub use super::crossbeam_channel::*;
use ringway::Payload;

/// A bounded one with room for all that the tests send ahead.
pub fn channel<T: Payload>() -> (Sender<T>, Receiver<T>) {
    bounded(UNBOUNDED_IN_STD)
}
