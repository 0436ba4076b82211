//! `crossbeam_channel`, as far as the tests of its channels use it: [`ringway::compat::serde::crossbeam`].

use super::crossbeam_channel::UNBOUNDED;
use super::make;
pub use ringway::compat::serde::crossbeam::{
    Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError,
};

pub fn bounded<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    make::crossbeam_serde(cap)
}

/// A bounded one with room for all that the tests send ahead.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    make::crossbeam_serde(UNBOUNDED)
}

/// What crossbeam-channel's copy of std's tests makes of its own channels for them.
pub mod as_std {
    pub use super::super::std_mpsc_serde::*;
    pub use std::thread::JoinHandle;
    pub use std::time::Duration;
}
