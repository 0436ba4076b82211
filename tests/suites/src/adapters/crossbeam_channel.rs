//! `crossbeam_channel`, as far as the tests of its channels use it: [`ringway::compat::crossbeam`].

use super::make;
use ringway::Payload;
pub use ringway::compat::crossbeam::{
    Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError,
};

/// Room for all that crossbeam's tests of unbounded channels have under way, and for all that std's have.
pub(super) const UNBOUNDED: usize = 1 << 10;
pub(super) const UNBOUNDED_IN_STD: usize = 1 << 14;

pub fn bounded<T: Payload>(cap: usize) -> (Sender<T>, Receiver<T>) {
    make::crossbeam(cap)
}

/// A bounded one with room for all that the tests send ahead.
pub fn unbounded<T: Payload>() -> (Sender<T>, Receiver<T>) {
    make::crossbeam(UNBOUNDED)
}

/// What crossbeam-channel's copy of std's tests makes of its own channels for them.
pub mod as_std {
    pub use super::super::std_mpsc::*;
    pub use std::thread::JoinHandle;
    pub use std::time::Duration;
}

/// What crossbeam-channel's copies of Go's tests make of its own channels for them.
pub mod go {
    pub use crate::go::{Chan, WaitGroup};
    pub use std::sync::{Arc, Mutex};
    pub use std::thread;

    pub fn make<T: ringway::Payload>(cap: usize) -> Chan<T> {
        Chan::new(super::bounded(cap))
    }
}
