//! `std::sync::mpsc`, as far as its tests use it: [`ringway::compat::std_mpsc`].

use super::crossbeam_channel::UNBOUNDED_IN_STD;
use super::make;
use ringway::Payload;
pub use ringway::compat::std_mpsc::{
    Receiver, RecvError, RecvTimeoutError, SendError, SyncSender, TryRecvError, TrySendError,
};

/// The sender of an unbounded channel can do no more than that of a bounded one.
pub type Sender<T> = SyncSender<T>;

pub fn sync_channel<T: Payload>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    make::std(bound)
}

/// A bounded one with room for all that the tests send ahead.
pub fn channel<T: Payload>() -> (Sender<T>, Receiver<T>) {
    make::std(UNBOUNDED_IN_STD)
}
