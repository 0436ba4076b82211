//! `std::sync::mpmc`, which is crossbeam-channel's channel in std, as far as its tests use it: [`ringway::compat::serde::crossbeam`].

use super::crossbeam_channel::UNBOUNDED_IN_STD;
pub use super::crossbeam_channel_serde::*;

/// A bounded one with room for all that the tests send ahead.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    bounded(UNBOUNDED_IN_STD)
}
