//! `std::sync::mpsc`, as far as its tests use it: [`ringway::compat::serde::std_mpsc`].

use super::crossbeam_channel::UNBOUNDED_IN_STD;
use super::make;
pub use ringway::compat::serde::std_mpsc::{
    Receiver, RecvError, RecvTimeoutError, SendError, SyncSender, TryRecvError, TrySendError,
};

/// The sender of an unbounded channel can do no more than that of a bounded one.
pub type Sender<T> = SyncSender<T>;

pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    make::std_serde(bound)
}

/// A bounded one with room for all that the tests send ahead.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    make::std_serde(UNBOUNDED_IN_STD)
}
